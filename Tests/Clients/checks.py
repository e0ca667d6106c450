"""A list of checks that are run as they are declared, a line each, with the count at the end."""
import time
import traceback


def wait_for(what, condition, seconds=90, pause=0.1):
    """What the condition gives once it holds; fails after that many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(pause)
    raise AssertionError("not within %d s: %s" % (seconds, what))


class Checks:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def check(self, name):
        """Decorator: runs the function at once and prints how it went."""

        def run(function):
            began = time.monotonic()
            try:
                function()
                self.passed += 1
                print("ok      %s (%.0f ms)" % (name, (time.monotonic() - began) * 1000), flush=True)
            except Exception:  # every failure is reported and the rest goes on
                self.failed += 1
                print("FAILED  %s\n%s" % (name, traceback.format_exc()), flush=True)
            return function

        return run

    def finish(self):
        print("%d passed, %d failed" % (self.passed, self.failed), flush=True)
        return 1 if self.failed else 0


class Findings:
    """What must hold, a line each."""

    def __init__(self):
        self.passed, self.failed = 0, 0

    def equal(self, found, wanted, what):
        self.true(found == wanted, what, "found %.300r, wanted %.300r" % (found, wanted))

    def true(self, holds, what, detail=""):
        if holds:
            self.passed += 1
        else:
            self.failed += 1
        print("%s %s%s" % ("ok     " if holds else "FAILED ", what, "" if holds else ": " + detail), flush=True)

    def finish(self):
        print("%d passed, %d failed" % (self.passed, self.failed), flush=True)
        return 1 if self.failed else 0
