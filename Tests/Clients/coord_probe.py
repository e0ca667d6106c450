"""Asks a ZooKeeper server about a hundred small things, byte for byte, and prints what it answers in a form that does not depend on the
run. Usage: coord_probe.py HOST:PORT [--compare FILE]. FILE holds the answers of a real ZooKeeper; a difference that is not among the
documented ones fails."""
import difflib
import struct
import sys
import time

import zkwire as zk
from coord_cases import GROUPS
from zkwire import Closed, Reader, Wire

ERRORS = {0: "ok", -1: "SystemError", -2: "RuntimeInconsistency", -5: "MarshallingError", -6: "Unimplemented", -8: "BadArguments",
          -101: "NoNode", -102: "NoAuth", -103: "BadVersion", -108: "NoChildrenForEphemerals", -110: "NodeExists", -111: "NotEmpty",
          -112: "SessionExpired", -114: "InvalidACL", -115: "AuthFailed", -119: "NotReadOnly", -121: "NoWatcher", -123: "ReconfigDisabled",
          -125: "QuotaExceeded"}
KINDS = {1: "created", 2: "deleted", 3: "changed", 4: "child", -1: "none"}


class Probe:
    def __init__(self, server):
        self.server = server
        self.lines = []
        self.group = 0
        self.root = ""
        self.wire = None
        self.base = 0

    # -- the form of an answer

    def section(self, title):
        """A new session under a new root; zxids count from its creation."""
        if self.wire:
            self.wire.close()
        self.group += 1
        self.root = "/probe-%d-%d" % (int(time.time() * 1000), self.group)
        self.wire = Wire(self.server)
        self.base = self.wire.call("create", zk.create(self.root))[1]
        self.say("# " + title)

    def reopen(self):
        """A new session after one that the server ended; zxids count anew."""
        self.wire = Wire(self.server)
        self.base = self.wire.call("exists", zk.path_watch("/"))[1]

    def say(self, line):
        self.lines.append(line)

    def mask(self, name):
        return name.replace(self.root, "R") if isinstance(name, str) else name

    def zxid(self, zxid):
        return "+%d" % (zxid - self.base) if zxid > 0 else str(zxid)

    def stat(self, reader):
        s = reader.stat()
        rel = lambda z: self.zxid(z) if z >= self.base else "old"
        owner = "me" if s["owner"] == self.wire.session else ("0" if s["owner"] == 0 else "other")
        return "[c%s m%s p%s v%d cv%d av%d owner=%s size=%d children=%d]" % (
            rel(s["czxid"]), rel(s["mzxid"]), rel(s["pzxid"]), s["version"], s["cversion"], s["aversion"], owner, s["size"], s["children"])

    def body(self, operation, data):
        r = Reader(data)
        if operation in ("create", "sync"):
            name = r.text()
            out = "null" if name is None else self.mask(name.decode())
        elif operation in ("create2", "createContainer", "createTTL"):
            out = self.mask(r.text().decode()) + " " + self.stat(r)
        elif operation in ("exists", "setData", "setACL"):
            out = self.stat(r)
        elif operation == "getData":
            out = "%r %s" % (r.text(), self.stat(r))
        elif operation == "getACL":
            out = "%s %s" % (sorted(r.rights()), self.stat(r))
        elif operation in ("getChildren", "getEphemerals"):
            out = str(sorted(self.mask(n) for n in r.texts()))
        elif operation == "getChildren2":
            out = "%s %s" % (sorted(r.texts()), self.stat(r))
        elif operation == "getAllChildrenNumber":
            out = str(r.take("i"))
        elif operation in ("multi", "multiRead"):
            out = self.results(r)
        elif operation == "whoAmI":
            out = str(sorted((r.text().decode(), r.text().decode()) for _ in range(r.take("i"))))
        else:
            out = ""
        return out + (" +%d bytes" % len(r.rest) if r.rest else "")

    def results(self, r):
        parts = []
        names = {code: name for name, code in zk.CODES.items()}
        while True:
            kind, done, error = r.take("i?i")
            if done:
                return "; ".join(parts) + " end(%d,%d)" % (kind, error)
            if kind == -1:
                parts.append("error(%s/%s)" % (ERRORS.get(error, error), ERRORS.get(r.take("i"), "?")))
            elif kind in (1,):
                parts.append("create " + self.mask(r.text().decode()))
            elif kind in (15, 19, 21):
                parts.append(names[kind] + " " + self.mask(r.text().decode()) + " " + self.stat(r))
            elif kind == 5:
                parts.append("setData " + self.stat(r))
            elif kind == 4:
                parts.append("getData %r %s" % (r.text(), self.stat(r)))
            elif kind == 8:
                parts.append("getChildren %s" % sorted(r.texts()))
            else:
                parts.append(names.get(kind, str(kind)))

    def events(self):
        for zxid, kind, state, path in self.wire.take_events():
            self.say("    event %s %s state=%d zxid=%s" % (KINDS.get(kind, kind), self.mask(path), state, self.zxid(zxid)))

    def ask(self, label, operation, body=b"", xid=None, wire=None):
        """One request and its answer, the events before it first."""
        asked = wire or self.wire
        try:
            got, zxid, error, data = asked.call(operation, body, xid)
        except Closed:
            self.events()
            self.say("%s: closed" % label)
            self.reopen()
            return None
        self.events()
        detail = self.body(operation, data) if error == 0 else ""
        special = " xid=%d" % got if got < 0 else ""
        if error in (-5, -123):
            # Whether a request that cannot be read uses a zxid up is nobody's business: both count on from here.
            self.base = zxid
            self.say("%s: %s" % (label, ERRORS[error]))
        else:
            self.say(("%s: %s zxid=%s%s %s" % (label, ERRORS.get(error, error), self.zxid(zxid), special, detail)).rstrip())
        if error == -6:
            self.say("    closed: %s" % asked.is_closed())
            self.reopen()
        return data

    def p(self, path):
        return self.root + path


def run(server):
    probe = Probe(server)
    for group in GROUPS:
        group(probe)
    probe.wire.close()
    return probe.lines


def main():
    lines = run(sys.argv[1])
    if len(sys.argv) < 4:
        print("\n".join(lines))
        return 0
    with open(sys.argv[3]) as file:
        expected = file.read().splitlines()
    difference = list(difflib.unified_diff(expected, lines, "ZooKeeper", "this server", lineterm="", n=2))
    print("\n".join(difference) or "ok      %d answers equal those of the real one" % len(lines))
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main())
