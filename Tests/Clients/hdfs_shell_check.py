"""Checks a running dfs with Hadoop's own FsShell and Java client. Usage: hdfs_shell_check.py HOST:PORT [FOLDER OF JARS]

Ends with 77, for "skipped", where there is no Java with a compiler or the jars are missing (`make zookeeper-jars` brings them).
"""
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import time

from checks import Checks

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = "/shell-%d-%d" % (os.getpid(), int(time.time() * 1000))


class Shell:
    """FsShell behind a pipe."""

    def __init__(self, server, jars, *settings):
        self.child = subprocess.Popen(
            ["java", "-XX:TieredStopAtLevel=1", "-cp", ":".join(jars), HERE + "/HadoopShell.java", server, *settings],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def run(self, *words):
        """Exit code and output of a command."""
        self.child.stdin.write(("\t".join(words) + "\n").encode())
        self.child.stdin.flush()
        lines = []
        while True:
            line = self.child.stdout.readline().decode()
            if not line:
                raise AssertionError("Java has ended: %s" % lines)
            if line.startswith("EXIT "):
                return int(line.split()[1]), "".join(lines)[:-1]
            lines.append(line)

    def ok(self, *words):
        code, output = self.run(*words)
        assert code == 0, (words, code, output)
        return output

    def fails(self, part, *words):
        code, output = self.run(*words)
        assert code != 0 and part in output, (words, code, output)

    def close(self):
        self.child.stdin.close()
        self.child.wait(30)


def find_jars(folder):
    found = [glob.glob("%s/%s" % (folder, name)) for name in ("hadoop-client-api-*.jar", "hadoop-client-runtime-*.jar")]
    if not shutil.which("java") or not all(found):
        return None
    jars = [names[0] for names in found]
    for name in ("slf4j-api-*.jar", "commons-logging-*.jar"):
        jars += glob.glob("%s/%s" % (folder, name))[:1]
    return jars


def main(server, folder):
    jars = find_jars(folder)
    if jars is None:
        print("skipped: no java, or no Hadoop client in " + folder)
        return 77
    checks = Checks()
    shell = Shell(server, jars, "dfs.blocksize=1048576", "dfs.replication=1")
    local = tempfile.mkdtemp()
    big = os.urandom(2500 * 1024 + 77)
    with open(local + "/big", "wb") as file:
        file.write(big)
    with open(local + "/lines", "w") as file:
        file.write("".join("line %d\n" % number for number in range(500)))

    @checks.check("-mkdir, -ls, -test, -stat")
    def _():
        shell.fails("No such file or directory", "-mkdir", ROOT + "/a/b")
        shell.ok("-mkdir", "-p", ROOT + "/a/b")
        shell.fails("File exists", "-mkdir", ROOT + "/a")
        assert ROOT + "/a" in shell.ok("-ls", ROOT)
        assert shell.run("-test", "-d", ROOT + "/a")[0] == 0 and shell.run("-test", "-e", ROOT + "/none")[0] == 1
        assert shell.ok("-stat", "%F %a %n", ROOT + "/a").strip() == "directory 755 a"
        shell.fails("No such file or directory", "-ls", ROOT + "/none")

    @checks.check("-put over several blocks, -get, the same bytes")
    def _():
        shell.ok("-put", local + "/big", ROOT + "/big")
        shell.fails("File exists", "-put", local + "/big", ROOT + "/big")
        shell.ok("-put", "-f", local + "/big", ROOT + "/big")
        shell.ok("-get", ROOT + "/big", local + "/back")
        with open(local + "/back", "rb") as file:
            assert file.read() == big
        assert shell.ok("-stat", "%b %o %r", ROOT + "/big").strip() == "%d 1048576 1" % len(big)

    @checks.check("-cat, -head, -tail, -text")
    def _():
        shell.ok("-put", local + "/lines", ROOT + "/lines")
        assert shell.ok("-cat", ROOT + "/lines").startswith("line 0\nline 1\n")
        assert shell.ok("-head", ROOT + "/lines").startswith("line 0\n")
        assert "line 499" in shell.ok("-tail", ROOT + "/lines")
        assert "line 250\n" in shell.ok("-text", ROOT + "/lines")

    @checks.check("-touchz, -touch, -test -z")
    def _():
        shell.ok("-touchz", ROOT + "/empty")
        assert shell.run("-test", "-z", ROOT + "/empty")[0] == 0
        shell.ok("-touch", "-t", "20200102:030405", ROOT + "/empty")
        assert "2020-01-02 03:04:05" in shell.ok("-stat", "%y", ROOT + "/empty")

    @checks.check("-appendToFile fills partial chunks up")
    def _():
        expected = b""
        for size in (1, 510, 1, 1, 700, 100_000):
            piece = os.urandom(size // 2).hex().encode() + b"x" * (size % 2)
            expected += piece
            with open(local + "/piece", "wb") as file:
                file.write(piece)
            shell.ok("-appendToFile", local + "/piece", ROOT + "/appended")
        shell.ok("-get", "-f", ROOT + "/appended", local + "/appended")
        with open(local + "/appended", "rb") as file:
            assert file.read() == expected

    @checks.check("-truncate at a block's end and in the middle of a chunk")
    def _():
        for length in (1 << 21, (1 << 20) + 700, 1000, 512, 3):
            shell.ok("-truncate", "-w", str(length), ROOT + "/big")
            shell.ok("-get", "-f", ROOT + "/big", local + "/cut")
            with open(local + "/cut", "rb") as file:
                assert file.read() == big[:length], length
        shell.fails("Cannot truncate to a larger file size", "-truncate", "100", ROOT + "/big")
        shell.ok("-appendToFile", local + "/lines", ROOT + "/big")
        assert shell.ok("-stat", "%b", ROOT + "/big").strip() == str(3 + os.path.getsize(local + "/lines"))

    @checks.check("-mv, -cp, -rm")
    def _():
        shell.ok("-cp", ROOT + "/lines", ROOT + "/copy")
        shell.ok("-mv", ROOT + "/copy", ROOT + "/a")
        assert shell.run("-test", "-f", ROOT + "/a/copy")[0] == 0
        shell.fails("File exists", "-mv", ROOT + "/lines", ROOT + "/a/copy")
        shell.fails("No such file or directory", "-mv", ROOT + "/none", ROOT + "/x")
        shell.fails("Is a directory", "-rm", ROOT + "/a")
        shell.ok("-rm", "-r", ROOT + "/a")
        shell.fails("No such file or directory", "-rm", ROOT + "/a")
        shell.ok("-rm", "-f", ROOT + "/a")

    @checks.check("-du, -count, -df")
    def _():
        size = os.path.getsize(local + "/lines")
        assert str(size) in shell.ok("-du", ROOT + "/lines")
        words = shell.ok("-count", "-q", ROOT + "/lines").split()
        assert words[:4] == ["none", "inf", "none", "inf"] and words[4:7] == ["0", "1", str(size)], words
        assert "hdfs://" in shell.ok("-df")

    @checks.check("-chmod, -chown, -chgrp, -setrep")
    def _():
        shell.ok("-chmod", "640", ROOT + "/lines")
        shell.ok("-chmod", "+t", ROOT)
        shell.ok("-chown", "ann:staff", ROOT + "/lines")
        assert shell.ok("-stat", "%a %u %g", ROOT + "/lines").strip() == "640 ann staff"
        shell.ok("-chgrp", "crew", ROOT + "/lines")
        assert "ann" in shell.ok("-ls", ROOT + "/lines") and "crew" in shell.ok("-ls", ROOT + "/lines")
        shell.ok("-setrep", "3", ROOT + "/lines")
        assert shell.ok("-stat", "%r", ROOT + "/lines").strip() == "3"
        shell.ok("-setrep", "1", ROOT + "/lines")
        assert shell.ok("-ls", "-d", ROOT).startswith("drwxr-xr-t")

    @checks.check("-getfacl, -setfacl")
    def _():
        shell.ok("-mkdir", ROOT + "/acl")
        shell.ok("-setfacl", "-m", "user:bob:rwx,group:crew:r-x", ROOT + "/acl")
        listed = shell.ok("-getfacl", ROOT + "/acl")
        for line in ("user::rwx", "user:bob:rwx", "group::r-x", "group:crew:r-x", "mask::rwx", "other::r-x"):
            assert line in listed, listed
        assert shell.ok("-ls", "-d", ROOT + "/acl").startswith("drwxrwxr-x+")
        shell.ok("-setfacl", "-m", "default:user:bob:r-x", ROOT + "/acl")
        shell.ok("-mkdir", ROOT + "/acl/child")
        assert "user:bob:r-x" in shell.ok("-getfacl", ROOT + "/acl/child") and "default:user:bob:r-x" in shell.ok("-getfacl", ROOT + "/acl/child")
        shell.ok("-setfacl", "-x", "user:bob", ROOT + "/acl")
        assert "\nuser:bob" not in shell.ok("-getfacl", ROOT + "/acl")
        shell.ok("-setfacl", "-b", ROOT + "/acl")
        assert "crew" not in shell.ok("-getfacl", ROOT + "/acl")

    @checks.check("-setfattr, -getfattr")
    def _():
        shell.ok("-setfattr", "-n", "user.color", "-v", "green", ROOT + "/lines")
        assert 'user.color="green"' in shell.ok("-getfattr", "-d", ROOT + "/lines")
        assert 'user.color="green"' in shell.ok("-getfattr", "-n", "user.color", ROOT + "/lines")
        shell.fails("", "-getfattr", "-n", "user.none", ROOT + "/lines")
        shell.ok("-setfattr", "-x", "user.color", ROOT + "/lines")
        assert "color" not in shell.ok("-getfattr", "-d", ROOT + "/lines")

    @checks.check("-checksum agrees for equal content")
    def _():
        shell.ok("-put", "-f", local + "/big", ROOT + "/one")
        shell.ok("-put", "-f", local + "/big", ROOT + "/two")
        first, second = (shell.ok("-checksum", ROOT + name).split() for name in ("/one", "/two"))
        assert first[1] == "MD5-of-2048MD5-of-512CRC32C" and first[1:] == second[1:], (first, second)

    @checks.check("-find, -getmerge, globs")
    def _():
        shell.ok("-mkdir", "-p", ROOT + "/glob")
        for number in range(3):
            shell.ok("-put", local + "/lines", ROOT + "/glob/part-%d" % number)
        assert shell.ok("-find", ROOT + "/glob", "-name", "part-*").count("part-") == 3
        shell.ok("-getmerge", ROOT + "/glob", local + "/merged")
        assert os.path.getsize(local + "/merged") == 3 * os.path.getsize(local + "/lines")
        assert shell.ok("-ls", ROOT + "/glob/part-[01]").count("part-") == 2

    @checks.check("a directory of more entries than one answer holds")
    def _():
        shell.ok("-mkdir", ROOT + "/many")
        names = [ROOT + "/many/%04d" % number for number in range(1100)]
        for start in range(0, 1100, 100):
            shell.ok("-touchz", *names[start : start + 100])
        assert shell.ok("-ls", ROOT + "/many").count("/many/") == 1100

    @checks.check("hflush and hsync are seen by a reader")
    def _():
        for kind in (":hflush", ":hsync"):
            assert shell.ok(kind, ROOT + "/flushed").strip() == "flushed|flushed and more"

    @checks.check("a file whose writer is gone is recovered and goes on")
    def _():
        assert shell.ok(":orphan", ROOT + "/orphan").split("\n")[:3] == ["true kept", "refused", "kept and appended"]

    @checks.check("seek, concat, times, rename as the contract says")
    def _():
        assert shell.ok(":seek", ROOT + "/lines", "7", "6").strip() == "line 1"
        shell.ok("-put", "-f", local + "/lines", ROOT + "/tail")
        shell.ok("-chmod", "644", ROOT + "/tail")
        shell.ok("-put", "-f", local + "/lines", ROOT + "/whole")
        shell.ok(":concat", ROOT + "/whole", ROOT + "/tail")
        assert shell.ok("-cat", ROOT + "/whole").count("line 0\n") == 2 and shell.run("-test", "-e", ROOT + "/tail")[0] == 1
        assert shell.ok(":times", ROOT + "/whole", "1234567890123", "-1").startswith("1234567890123 ")
        assert shell.ok(":rename", ROOT + "/none", ROOT + "/x").strip() == "false"
        assert shell.ok(":rename", ROOT + "/whole", ROOT + "/glob").strip() == "true"
        assert shell.run("-test", "-e", ROOT + "/glob/whole")[0] == 0

    @checks.check("quotas are kept")
    def _():
        shell.ok("-mkdir", ROOT + "/quota")
        shell.ok(":quota", ROOT + "/quota", "3", "9223372036854775807")
        shell.ok("-touchz", ROOT + "/quota/1", ROOT + "/quota/2")
        shell.fails("quota", "-touchz", ROOT + "/quota/3")
        assert shell.ok("-count", "-q", ROOT + "/quota").split()[:2] == ["3", "0"]

    @checks.check("safe mode and datanodes are told")
    def _():
        assert shell.ok(":safemode", "/", "GET").strip() == "false"
        assert int(shell.ok(":datanodes", "/")) >= 1

    shell.ok("-rm", "-r", "-skipTrash", ROOT)
    shell.close()
    shutil.rmtree(local)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else os.path.dirname(os.path.dirname(HERE)) + "/.venv/zookeeper-jars"))
