"""Runs kazoo's own test suite against coord and compares with kazoo.must-pass, which only grows.

Usage: kazoo_suite.py PROGRAM [--servers N] [--update] [--reference JARS] [-k EXPRESSION]

Ends with 1 if a test of the list did not pass. --update adds the tests that pass and are not in the list yet. --reference runs the real
ZooKeeper instead, from the jars in a folder, and only prints.
"""
import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile

import kazoo.tests

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS_PER_TEST = 60
TESTS = os.path.dirname(kazoo.tests.__file__)


def run(program, servers, reference, expression, names=()):
    """How each test ended; all of them, those that the expression chooses, or those that are named."""
    with tempfile.TemporaryDirectory() as directory:
        results = os.path.join(directory, "results.json")
        environment = dict(os.environ, PLATFORM_PROGRAM=os.path.abspath(program), PLATFORM_COMPAT_RESULTS=results, PYTHONPATH=HERE, PYTHONDONTWRITEBYTECODE="1", PLATFORM_COMPAT_SERVERS=str(servers))
        if reference:
            environment["PLATFORM_COMPAT_REFERENCE"] = reference
        command = [sys.executable, "-m", "pytest", "-p", "kazoo_plugin", "-p", "no:cacheprovider", "-q", "--tb=line", "--timeout=%d" % SECONDS_PER_TEST]
        command += [os.path.join(TESTS, name) for name in names] if names else ["--pyargs", "kazoo.tests"]
        if expression:
            command += ["-k", expression]
        ran = subprocess.run(command, env=environment, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if ran.returncode not in (0, 1) or not os.path.exists(results):
            sys.exit("pytest ended without results:\n" + ran.stdout[-4000:])
        with open(results) as file:
            return json.load(file)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--servers", type=int, default=1)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--reference")
    parser.add_argument("-k", dest="expression")
    chosen = parser.parse_args()
    listed = os.path.join(HERE, "kazoo.must-pass" if chosen.servers == 1 else "kazoo-%d.must-pass" % chosen.servers)
    outcomes = run(chosen.program, chosen.servers, chosen.reference, chosen.expression)
    passed = {name for name, found in outcomes.items() if found["outcome"] == "passed"}
    for name, found in sorted(outcomes.items()):
        if found["outcome"] == "failed":
            print("failed  %s (%.1f s) %s" % (name, found["seconds"], found["reason"]))
    print(dict(collections.Counter(found["outcome"] for found in outcomes.values())))
    if chosen.reference or chosen.expression:
        return 0
    with open(listed) as file:
        must = {line.strip() for line in file if line.strip() and not line.startswith("#")}
    if chosen.update and passed - must:
        with open(listed) as file:
            header = [line for line in file if line.startswith("#")]
        with open(listed, "w") as file:
            file.writelines(header + [name + "\n" for name in sorted(must | passed)])
        print("added %d to the list" % len(passed - must))
    elif passed - must:
        print("%d pass that are not in the list; --update adds them: %s" % (len(passed - must), ", ".join(sorted(passed - must)[:5])))
    broken = sorted(must - passed)
    if 0 < len(broken) <= 10:
        # Many of kazoo's tests wait for a while and then look; on a busy machine that can be too short. What fails twice is broken.
        again = run(chosen.program, chosen.servers, False, None, broken)
        for name in [name for name in broken if again.get(name, {}).get("outcome") == "passed"]:
            print("second try  %s: %s" % (name, outcomes[name]["reason"]))
            broken.remove(name)
    for name in broken:
        print("MUST PASS  %s: %s" % (name, outcomes.get(name, {"reason": "it did not run"})["reason"]))
    print("%d passed, %d failed" % (len(must) - len(broken), len(broken)))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
