"""Runs the same commands through Hadoop's FsShell and through `platform dfs`, side by side on one dfs, and compares what they write and how they end.
Usage: hdfs_verbs_check.py PROGRAM HOST:PORT HOST:PORT-OF-WEBHDFS [FOLDER OF JARS]. Ends with 77, for "skipped", where there is no Java or no Hadoop client."""
import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import zstandard

from checks import Checks
from hdfs_shell_check import HERE, Shell, find_jars

ROOT = "/verbs-%d-%d" % (os.getpid(), int(time.time() * 1000))


class Both:
    def __init__(self, program, server, jars):
        self.differences = []
        self.shell = Shell(server, jars, "dfs.blocksize=1048576", "dfs.replication=1")
        self.ours = [program, "dfs", "--fs", "hdfs://" + server, "-D", "dfs.blocksize=1048576", "-D", "dfs.replication=1"]

    def own(self, *words, **more):
        ran = subprocess.run([*self.ours, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, **more)
        return ran.returncode, ran.stdout.decode()

    def same(self, *words):
        """The same code and the same output, for a command that changes nothing."""
        theirs, mine = self.shell.run(*words), self.own(*words)
        theirs = (theirs[0] % 256, theirs[1])
        self.compare(words, theirs, mine)
        return mine

    def compare(self, words, theirs, mine):
        if theirs[0] == 255:
            # Hadoop lists all its verbs behind the first line.
            theirs, mine = ((code, text.split("\n")[0]) for code, text in (theirs, mine))
        if theirs != mine:
            self.differences.append("%s\n  Hadoop: %r\n  ours:   %r" % (" ".join(words), theirs, mine))

    def settle(self):
        """Fails if a comparison since the last time has."""
        found, self.differences = self.differences, []
        assert not found, "\n" + "\n".join(found)

    def twice(self, *words):
        """A command that changes something, on twins of which Hadoop's client has the one below /h and ours the one below /o."""
        theirs, mine = (run(*[word.replace("@", ROOT + place) for word in words]) for run, place in ((self.shell.run, "/h"), (self.own, "/o")))
        theirs, mine = (theirs[0] % 256, theirs[1].replace(ROOT + "/h", "@")), (mine[0], mine[1].replace(ROOT + "/o", "@"))
        self.compare(words, theirs, mine)
        return mine

    def trees(self):
        """Both twins hold the same: names, permissions, sizes, copies; and no times, which differ."""
        listings = []
        for place in ("/h", "/o"):
            code, text = self.own("-ls", "-R", ROOT + place)
            assert code == 0, text
            listings.append(re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "TIME", text.replace(ROOT + place, "@")))
        assert listings[0] == listings[1], "\n%s\n--\n%s" % tuple(listings)


def main(program, server, web_server, folder):
    jars = find_jars(folder)
    if jars is None:
        print("skipped: no java, or no Hadoop client in " + folder)
        return 77
    checks = Checks()
    both = Both(program, server, jars)
    local = tempfile.mkdtemp()
    with open(local + "/lines", "w") as file:
        file.write("".join("line %d\n" % number for number in range(500)))
    with open(local + "/big", "wb") as file:
        file.write(os.urandom(2500 * 1024 + 77))
    os.makedirs(local + "/tree/below/deeper")
    for name in ("a", "below/b", "below/deeper/c"):
        shutil.copy(local + "/lines", local + "/tree/" + name)

    @checks.check("the same tree comes of the same commands")
    def _():
        for place in ("/h", "/o"):
            assert both.own("-mkdir", "-p", ROOT + place)[0] == 0
        for words in (
            ["-mkdir", "@/a/b"], ["-mkdir", "-p", "@/a/b"], ["-mkdir", "@/a"], ["-put", local + "/lines", "@/lines"], ["-put", local + "/lines", "@/lines"],
            ["-put", "-f", local + "/big", "@/big"], ["-put", local + "/tree", "@/a"], ["-put", local + "/none", "@/x"], ["-put", local + "/lines", "@/none/x"],
            ["-put", local + "/lines", local + "/big", "@/lines"], ["-touchz", "@/empty"], ["-touchz", "@/big"], ["-cp", "@/lines", "@/copy"], ["-cp", "@/lines", "@/copy"],
            ["-cp", "@/a", "@/a2"], ["-cp", "@/none", "@/x"], ["-mv", "@/copy", "@/a"], ["-mv", "@/lines", "@/a/copy"], ["-mv", "@/none", "@/x"], ["-mv", "@/lines", "@/no/x"],
            ["-appendToFile", local + "/lines", "@/a/copy"], ["-truncate", "100", "@/none"], ["-truncate", "-w", "1000", "@/a/copy"], ["-truncate", "99999", "@/a/copy"],
            ["-chmod", "640", "@/lines"], ["-chmod", "u+x,g-r,o=r", "@/lines"], ["-chmod", "-R", "a+X", "@/a"], ["-chmod", "+t", "@/a"], ["-chmod", "abc", "@/a"],
            ["-chown", "ann:staff", "@/lines"], ["-chown", ":crew", "@/big"], ["-chgrp", "-R", "crew", "@/a2"], ["-setrep", "2", "@/lines"], ["-setrep", "3", "@/a2"],
            ["-setrep", "0", "@/a2"], ["-setfacl", "-m", "user:bob:rwx,group:crew:r-x,default:user:eve:r--", "@/a"], ["-setfacl", "-x", "user:nobody", "@/lines"],
            ["-setfacl", "-m", "nonsense", "@/a"], ["-setfattr", "-n", "user.color", "-v", "green", "@/lines"], ["-setfattr", "-n", "user.hex", "-v", "0x00ff", "@/lines"],
            ["-setfattr", "-x", "user.none", "@/lines"], ["-rm", "@/a2"], ["-rm", "@/none"], ["-rm", "-f", "@/none"], ["-rmdir", "@/a2"], ["-rm", "-r", "@/a2/below"],
            ["-rm", "-r", "-skipTrash", "@/a2/a"], ["-rmdir", "@/a2"], ["-touch", "-t", "20200102:030405", "@/touched"], ["-touch", "-c", "@/untouched"],
        ):
            both.twice(*words)
        both.settle()
        both.trees()

    tree = ROOT + "/h"

    @checks.check("-ls")
    def _():
        for words in ([tree], ["-d", tree], ["-R", tree], ["-h", tree], ["-C", tree], ["-S", tree], ["-r", tree], ["-S", "-r", "-h", tree], [tree + "/big", tree + "/a"],
                      [tree + "/none"], [tree + "/*"], [tree + "/[ab]*"], [tree + "/{big,lines}"], [tree + "/x*"], [tree + "/a/"], ["/"], ["-Z", tree], ["none"]):
            both.same("-ls", *words)
        both.settle()

    @checks.check("-count, -du, -df, -stat")
    def _():
        for words in ([tree], ["-h", tree], ["-q", tree], ["-q", "-h", "-v", tree], ["-v", tree], ["-u", tree], ["-u", "-v", tree], [tree + "/*"], [tree + "/none"]):
            both.same("-count", *words)
        for words in ([tree], ["-s", tree], ["-h", tree], ["-s", "-h", "-v", tree], ["-v", tree], [tree + "/big"], [tree + "/none"]):
            both.same("-du", *words)
        for words in ([tree], ["%F %a %A %b %g %n %o %r %u", tree + "/lines"], ["%y|%Y", tree + "/touched"], ["%n %b", tree + "/*"], [tree + "/none"], ["%q%%", tree]):
            both.same("-stat", *words)
        both.settle()
        assert both.own("-df")[1].split()[:5] == both.shell.run("-df")[1].split()[:5]

    @checks.check("-test")
    def _():
        for flag in "defszrw":
            for name in ("/lines", "/a", "/none", "/empty"):
                both.same("-test", "-" + flag, tree + name)
        both.settle()

    @checks.check("-cat, -text, -head, -tail, -find, -checksum")
    def _():
        for verb in ("-cat", "-text", "-head", "-tail"):
            for name in ("/lines", "/none", "/a", "/empty"):
                both.same(verb, tree + name)
        for words in ([tree], [tree, "-name", "l*"], [tree, "-iname", "L*", "-print"], [tree + "/none"]):
            both.same("-find", *words)
        for name in ("/lines", "/big", "/empty", "/none", "/a"):
            both.same("-checksum", tree + name)
        mode = "dfs.checksum.combine.mode"
        both.shell.ok(":set", mode, "COMPOSITE_CRC")
        both.ours += ["-D", mode + "=COMPOSITE_CRC"]
        for name in ("/lines", "/big", "/empty", "/a"):
            both.same("-checksum", tree + name)
        assert "COMPOSITE-CRC32C" in both.own("-checksum", tree + "/big")[1]
        both.shell.ok(":set", mode, "MD5MD5CRC")
        del both.ours[-2:]
        both.settle()

    @checks.check("-checksum over WebHDFS")
    def _():
        web = Shell("webhdfs://" + web_server, jars)
        for name in ("/lines", "/big", "/empty"):
            whole = both.own("-checksum", tree + name)
            assert web.run("-checksum", tree + name) == whole, (web.run("-checksum", tree + name), whole)
            ran = subprocess.run([program, "dfs", "--fs", "webhdfs://" + web_server, "-checksum", tree + name], stdout=subprocess.PIPE, timeout=60)
            assert (ran.returncode, ran.stdout.decode()) == whole, (ran, whole)
        web.close()

    @checks.check("-text of compressed files")
    def _():
        lines = open(local + "/lines", "rb").read()
        for name, packed in (("gz", gzip.compress(lines) + gzip.compress(b"a second member\n")), ("cut.gz", gzip.compress(lines)[:-9])):
            with open(local + "/lines." + name, "wb") as file:
                file.write(packed)
            assert both.own("-put", local + "/lines." + name, ROOT + "/packed." + name)[0] == 0
        both.same("-text", ROOT + "/packed.gz")
        both.settle()
        code, text = both.own("-text", ROOT + "/packed.cut.gz")
        assert code == 1 and "ends early" in text, (code, text[-200:])
        with open(local + "/lines.zst", "wb") as file:
            file.write(zstandard.compress(lines))
        assert both.own("-put", local + "/lines.zst", ROOT + "/packed.zst")[0] == 0
        assert both.own("-text", ROOT + "/packed.zst") == (0, lines.decode())

    @checks.check("-getfacl, -getfattr")
    def _():
        for name in ("/a", "/lines", "/none", "/a/below"):
            both.same("-getfacl", tree + name)
        both.same("-getfacl", "-R", tree + "/a")
        for words in (["-d", tree + "/lines"], ["-n", "user.color", tree + "/lines"], ["-e", "hex", "-d", tree + "/lines"], ["-e", "base64", "-n", "user.color", tree + "/lines"],
                      ["-d", tree + "/a"], ["-n", "user.none", tree + "/lines"]):
            both.same("-getfattr", *words)
        both.settle()

    @checks.check("-get, -getmerge")
    def _():
        for run, place in ((both.shell.run, "/back-h"), (both.own, "/back-o")):
            os.mkdir(local + place)
            assert run("-get", tree + "/lines", local + place)[0] == 0
            assert run("-get", tree + "/a", local + place)[0] == 0
            assert run("-get", tree + "/lines", local + place)[0] == 1
            assert run("-get", "-f", tree + "/big", local + place + "/lines")[0] == 0
            assert run("-getmerge", "-nl", tree + "/lines", tree + "/big", local + place + "/merged")[0] == 0
        found = [
            {os.path.relpath(os.path.join(base, name), local + place): open(os.path.join(base, name), "rb").read() for base, _, names in os.walk(local + place) for name in names if not name.endswith(".crc")}
            for place in ("/back-h", "/back-o")
        ]
        assert found[0] == found[1], [sorted(one) for one in found]

    @checks.check("snapshots")
    def _():
        both.twice("-createSnapshot", "@", "s")
        for place in ("/h", "/o"):
            assert both.own("-allowSnapshot", ROOT + place)[0] == 0
        for words in (
            ["-createSnapshot", "@", "s"], ["-createSnapshot", "@", "s"], ["-createSnapshot", "@/none"], ["-renameSnapshot", "@", "s", "t"], ["-renameSnapshot", "@", "s", "u"],
            ["-rm", "-r", "-skipTrash", "@/.snapshot/t"], ["-mkdir", "@/.snapshot/v"], ["-touchz", "@/.snapshot/t/file"], ["-rm", "-r", "-skipTrash", "@"], ["-ls", "@/.snapshot/none"],
            ["-cp", "@/.snapshot/t/lines", "@/copied"], ["-deleteSnapshot", "@", "none"], ["-deleteSnapshot", "@", "t"], ["-deleteSnapshot", "@"],
        ):
            both.twice(*words)
        both.settle()
        both.trees()

    @checks.check("what is not there refuses by name")
    def _():
        code, text = both.own("-setErasureCodingPolicy", tree)
        assert code == 64 and "setErasureCodingPolicy" in text, (code, text)
        assert both.own("-frobnicate", tree)[0] == both.shell.run("-frobnicate", tree)[0] % 256

    both.shell.ok("-rm", "-r", "-skipTrash", ROOT)
    both.shell.close()
    shutil.rmtree(local)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4], sys.argv[4] if len(sys.argv) > 4 else os.path.dirname(os.path.dirname(HERE)) + "/.venv/zookeeper-jars"))
