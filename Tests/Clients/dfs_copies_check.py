"""Copies trees into, out of and between file systems with `platform dfs` and checks what arrives: several files at once, resumed, killed in the middle,
distcp with its options. Usage: dfs_copies_check.py PROGRAM HOST:PORT HOST:PORT-OF-WEBHDFS"""
import filecmp
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from checks import Checks

ROOT = "/copies-%d-%d" % (os.getpid(), int(time.time() * 1000))


class Own:
    def __init__(self, program, server):
        self.words = [program, "dfs", "--fs", "hdfs://" + server, "-D", "dfs.blocksize=1048576", "-D", "dfs.replication=1"]

    def start(self, *words):
        return subprocess.Popen([*self.words, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run(self, *words):
        ran = subprocess.run([*self.words, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        return ran.returncode, ran.stdout.decode()

    def ok(self, *words):
        code, text = self.run(*words)
        assert code == 0, (words, code, text)
        return text

    def distcp(self, *words, code=0):
        ran = subprocess.run([*self.words, "distcp", "-o", "json", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        assert ran.returncode == code, (words, ran)
        return json.loads(ran.stdout.decode() or "{}")

    def names(self, path):
        """The paths below one, without those of unfinished copies' kind of trouble: every name is told."""
        return sorted(line[len(path):] for line in self.ok("-find", path).split("\n") if line not in ("", path))


def tree(folder, files=60):
    """Files of some sizes in a few directories, an empty one among each."""
    chance = random.Random(15)
    for number in range(files):
        below = "%s/d%d/e%d" % (folder, number % 5, number % 3)
        os.makedirs(below, exist_ok=True)
        with open("%s/f%03d é" % (below, number), "wb") as file:
            file.write(chance.randbytes([0, 10, 511, 4096, 70_000, 1_100_000][number % 6]))
    os.makedirs(folder + "/empty")


def same(one, other):
    """Both folders hold the same names and bytes."""
    found = [sorted(os.path.relpath(os.path.join(base, name), top) for base, folders, names in os.walk(top) for name in folders + names) for top in (one, other)]
    assert found[0] == found[1], (set(found[0]) ^ set(found[1]))
    for name in found[0]:
        if os.path.isfile(one + "/" + name):
            assert filecmp.cmp(one + "/" + name, other + "/" + name, shallow=False), name


def main(program, server, web):
    checks = Checks()
    own = Own(program, server)
    hdfs, webhdfs = "hdfs://" + server, "webhdfs://" + web
    local = tempfile.mkdtemp()
    tree(local + "/tree")
    own.ok("-mkdir", "-p", ROOT)

    @checks.check("a tree comes back as it went, with one file and with several at once")
    def _():
        for count in ("1", "8"):
            own.ok("-put", "-t", count, local + "/tree", "%s/put%s" % (ROOT, count))
            own.ok("-get", "-t", count, "%s/put%s" % (ROOT, count), local + "/got" + count)
            same(local + "/tree", local + "/got" + count)
        own.ok("-cp", ROOT + "/put8", ROOT + "/copy")
        assert own.names(ROOT + "/copy") == own.names(ROOT + "/put1")
        assert own.run("-put", "-t", "0", local + "/tree", ROOT + "/none")[0] == 255

    @checks.check("--resume sends what is missing or differs, and nothing else")
    def _():
        place = ROOT + "/resumed"
        own.ok("-put", local + "/tree", place)
        before = own.ok("-stat", "%Y", place + "/d1/e1/*")
        own.ok("-rm", "-skipTrash", place + "/d4/e1/f004 é")
        with open(local + "/other", "wb") as file:
            file.write(b"x" * 70_000)
        own.ok("-put", "-f", local + "/other", place + "/d4/e1/f034 é")
        assert own.run("-put", local + "/tree", place)[0] == 0, "into a directory that exists it goes under its name"
        own.ok("-rm", "-r", "-skipTrash", place + "/tree")
        for part in os.listdir(local + "/tree"):
            own.ok("-put", "--resume", local + "/tree/" + part, place)
        own.ok("-get", place, local + "/resumed")
        same(local + "/tree", local + "/resumed")
        assert own.ok("-stat", "%Y", place + "/d1/e1/*") == before, "finished files were sent again"
        inode = os.stat(local + "/resumed/d1/e1/f001 é").st_ino
        os.remove(local + "/resumed/d4/e1/f004 é")
        for part in ("d1", "d4"):
            own.ok("-get", "--resume", place + "/" + part, local + "/resumed")
        same(local + "/tree", local + "/resumed")
        assert os.stat(local + "/resumed/d1/e1/f001 é").st_ino == inode, "a finished file was fetched again"

    @checks.check("a transfer that is killed leaves no half file under a name")
    def _():
        with open(local + "/large", "wb") as file:
            file.write(os.urandom(1 << 20) * 200)
        child = own.start("-put", local + "/large", ROOT + "/large")
        deadline = time.monotonic() + 60
        while own.run("-test", "-e", ROOT + "/large._COPYING_")[0] != 0:
            assert time.monotonic() < deadline and child.poll() is None, "the copy was not seen under way"
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert own.run("-test", "-e", ROOT + "/large")[0] == 1 and own.run("-test", "-e", ROOT + "/large._COPYING_")[0] == 0
        with open(local + "/large", "wb") as file:
            file.write(b"whole")
        # The lease of the killed writer is broken by the one that overwrites its file.
        own.ok("-put", local + "/large", ROOT + "/large")
        assert own.ok("-cat", ROOT + "/large") == "whole" and own.run("-test", "-e", ROOT + "/large._COPYING_")[0] == 1

    @checks.check("distcp between all kinds of file systems")
    def _():
        own.distcp("file://" + local + "/tree", ROOT + "/a")
        own.distcp(hdfs + ROOT + "/a", webhdfs + ROOT + "/b")
        own.distcp("-m", "2", webhdfs + ROOT + "/b", hdfs + ROOT + "/c")
        own.distcp(webhdfs + ROOT + "/b", "file://" + local + "/back")
        same(local + "/tree", local + "/back")
        own.distcp(hdfs + ROOT + "/c", "file://" + local + "/back2")
        same(local + "/tree", local + "/back2")
        assert own.distcp("-update", hdfs + ROOT + "/a", webhdfs + ROOT + "/c")["copied"] == 0

    @checks.check("distcp chooses targets and ends as Hadoop's does")
    def _():
        place = ROOT + "/t"
        own.ok("-mkdir", "-p", place)
        own.distcp(ROOT + "/a", place)
        assert own.names(place + "/a") == own.names(ROOT + "/a"), "a target that exists gets the source under its name"
        own.distcp("-update", ROOT + "/a", place)
        assert own.run("-test", "-d", place + "/d1")[0] == 0, "with -update the target gets the source's entries"
        own.distcp(ROOT + "/a/d0/e0/f000 é", ROOT + "/large", place + "/files")
        assert own.names(place + "/files") == ["/f000 é", "/large"]
        own.distcp(ROOT + "/large", place + "/one")
        assert own.ok("-cat", place + "/one") == "whole"
        for code, words in (
            (255, [ROOT + "/none", place]), (255, [ROOT + "/a", ROOT + "/large"]), (255, ["-delete", ROOT + "/a", place]), (255, [ROOT + "/a"]),
            (255, ["-update", "-overwrite", ROOT + "/a", place]), (255, ["-pz", ROOT + "/a", place]), (255, [ROOT + "/a", ROOT + "/a/d1/x"]),
            (254, ["-update", ROOT + "/a", ROOT + "/b", place + "/twice"]), (25, ["-update", place + "/files", place + "/bad"]),
        ):
            own.run("-mkdir", "-p", place + "/bad/large")
            assert own.run("distcp", *words)[0] == code, (code, words, own.run("distcp", *words))
        assert own.run("distcp", "-i", "-update", place + "/files", place + "/bad")[0] == 0

    @checks.check("distcp -update, -delete, -overwrite, -p")
    def _():
        source, target = ROOT + "/s", ROOT + "/u"
        own.ok("-cp", ROOT + "/a", source)
        files = own.distcp(source, target)
        assert (files["copied"], files["skipped"], files["failed"]) == (60, 0, 0), files
        assert own.distcp(source + "/*", target)["skipped"] == 60
        own.ok("-put", "-f", local + "/other", source + "/d4/e1/f034 é")
        own.ok("-rm", "-r", "-skipTrash", source + "/d0")
        own.ok("-touchz", target + "/surplus")
        own.ok("-mkdir", "-p", source + "/new/below")
        found = own.distcp("-update", "-delete", source, target)
        assert (found["copied"], found["skipped"], found["deleted"], found["directories"]) == (1, 47, 2, 2), found
        assert own.names(source) == own.names(target)
        assert own.ok("-checksum", source + "/d4/e1/f034 é").split("\t")[1:] == own.ok("-checksum", target + "/d4/e1/f034 é").split("\t")[1:]
        assert own.distcp("-overwrite", source, target)["copied"] == 48
        own.ok("-chmod", "640", source + "/d1/e1/f001 é")
        own.ok("-touch", "-t", "20200102:030405", source + "/d1/e1/f001 é")
        own.ok("-touch", "-t", "20200102:030405", source + "/new")
        assert own.distcp("-update", "-pbt", source, target)["copied"] == 0
        stat = [own.ok("-stat", "%a %Y", place + name) for place in (source, target) for name in ("/d1/e1/f001 é", "/new")]
        assert stat[0].split()[1] == stat[2].split()[1] and stat[1] == stat[3] and stat[0] != stat[2], stat
        own.distcp("-update", "-p", source, target)
        assert own.ok("-stat", "%a %Y", source + "/d1/e1/f001 é") == own.ok("-stat", "%a %Y", target + "/d1/e1/f001 é")

    own.ok("-rm", "-r", "-skipTrash", ROOT)
    shutil.rmtree(local)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
