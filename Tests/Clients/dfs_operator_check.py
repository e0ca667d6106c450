"""What an operator of dfs does: trash, fsck and figures over HTTP, safe mode after a start, datanodes that leave and rest. A namenode and datanodes are processes of
their own. Hadoop's FsShell takes part where there is a Java. Usage: dfs_operator_check.py PROGRAM [FOLDER OF JARS]"""
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request

from checks import Checks, wait_for
from hdfs_shell_check import HERE, Shell, find_jars
from platform_child import PlatformChild, free_port

NODES = 3


class Cluster:
    def __init__(self, program, directory):
        self.program, self.hosts = program, directory + "/hosts"
        self.port = free_port()
        self.tell([])
        self.namenode = PlatformChild(
            program, directory + "/name", "dfs", ["dfs.namenode.listen"],
            ["dfs.role=namenode", "dfs.replication=2", "fs.trash.interval=60", "dfs.datanode.silence.ms=4000", "dfs.hosts.exclude=" + self.hosts,
             "dfs.namenode.rpc.listen=127.0.0.1:%d" % self.port])
        self.datanodes = [
            PlatformChild(
                program, "%s/data-%d" % (directory, number), "dfs", ["dfs.datanode.transfer.listen"],
                ["dfs.role=datanode", "dfs.replication=2", "dfs.namenode.addresses=127.0.0.1:%d" % self.port])
            for number in range(NODES)
        ]

    def stop(self):
        for child in self.datanodes + [self.namenode]:
            if child.process:
                child.stop()

    def tell(self, lines):
        with open(self.hosts + ".new", "w") as file:
            file.write("".join(line + "\n" for line in lines))
        os.rename(self.hosts + ".new", self.hosts)

    def verb(self, *words, **more):
        ran = subprocess.run([self.program, "dfs", "--fs", "hdfs://127.0.0.1:%d" % self.port, *words], capture_output=True, timeout=120, **more)
        return ran.returncode, ran.stdout.decode() + ran.stderr.decode()

    def ok(self, *words, **more):
        code, text = self.verb(*words, **more)
        assert code == 0, (words, code, text)
        return text

    def page(self, path):
        with urllib.request.urlopen("http://%s%s" % (self.namenode.endpoints["webhdfs"], path), timeout=60) as answer:
            return answer.read().decode()

    def fsck(self, path="/", more=""):
        return self.page("/fsck?ugi=%s&path=%s%s" % (os.environ.get("USER") or "root", path, more))

    def bean(self, name):
        beans = json.loads(self.page("/jmx?qry=Hadoop:service=NameNode,name=" + name))["beans"]
        assert len(beans) == 1, beans
        return beans[0]

    def address(self, number):
        return self.datanodes[number].endpoints["datanode"]

    def states(self):
        return {node["address"]: node["state"] for node in json.loads(self.ok("report", "-o", "json"))}

    def live(self, path):
        """The number of live copies of a file's only block, and where it lies."""
        text = self.fsck(path, "&files=1&blocks=1&locations=1")
        line = [line for line in text.split("\n") if " len=" in line][0]
        return int(line.split("Live_repl=")[1].split()[0]), line


def main(program, folder):
    checks = Checks()
    with tempfile.TemporaryDirectory() as directory:
        cluster = Cluster(program, directory)
        try:
            cluster.namenode.start()
            for node in cluster.datanodes:
                node.start()
            run(cluster, checks, find_jars(folder))
        finally:
            cluster.stop()
        if checks.failed:
            for child in [cluster.namenode] + cluster.datanodes:
                print("---- %s\n%s" % (" ".join(child.arguments[5:7]), child.tail(3000)))
    return checks.finish()


def run(cluster, checks, jars):
    user = cluster.ok("ls", "-d", "/").split()[2]
    trash = "/user/%s/.Trash" % user

    @checks.check("what rm removes goes to the trash, and expunge makes a checkpoint")
    def _():
        for name in ("a", "b", "c", "kept"):
            cluster.ok("put", "-", "/data/" + name, input=b"of " + name.encode())
        assert "to trash at: hdfs://127.0.0.1:%d%s/Current/data/a" % (cluster.port, trash) in cluster.ok("rm", "/data/a")
        assert cluster.ok("cat", trash + "/Current/data/a") == "of a"
        cluster.ok("put", "-", "/data/a", input=b"again")
        cluster.ok("rm", "/data/a")
        assert cluster.ok("ls", trash + "/Current/data").count("/Current/data/a") == 2, "the second has a name of its own"
        code, text = cluster.verb("rm", "-r", "/user")
        assert code == 1 and "contains the trash" in text, text
        assert cluster.ok("rm", "-skipTrash", "/data/b") == "Deleted /data/b\n"
        assert "Created trash checkpoint" in cluster.ok("expunge")
        assert "Current" not in cluster.ok("ls", trash) and cluster.ok("ls", "-R", trash).count("/data/a") == 2, "the checkpoint is young"
        assert "Deleted trash checkpoint" in cluster.ok("expunge", "-immediate") and cluster.ok("ls", trash) == ""

    if jars is not None:

        @checks.check("Hadoop's shell finds the trash by the namenode's defaults")
        def _():
            shell = Shell("127.0.0.1:%d" % cluster.port, jars)
            cluster.ok("put", "-", "/data/theirs", input=b"theirs")
            shell.ok("-rm", "/data/theirs")
            assert cluster.ok("cat", trash + "/Current/data/theirs") == "theirs"
            shell.ok("-expunge", "-immediate")
            assert cluster.ok("ls", trash) == ""
            shell.close()

    @checks.check("fsck and the figures over HTTP")
    def _():
        text = cluster.fsck("/", "&files=1&blocks=1&racks=1")
        assert text.endswith("The filesystem under path '/' is HEALTHY\n") and "/data/kept 7 bytes, replicated: replication=2, 1 block(s):  OK" in text, text
        assert " Number of data-nodes:\t3\n" in text and " Under-replicated blocks:\t0 (0.0 %)\n" in text, text
        assert cluster.fsck("/none").endswith("Path '/none' does not exist\n")
        cluster.ok("chmod", "700", "/data")
        assert "Permission denied: user=eve" in cluster.page("/fsck?ugi=eve&path=/data")
        cluster.ok("chmod", "755", "/data")
        space = cluster.bean("FSNamesystem")
        assert space["BlocksTotal"] == 2 and space["MissingBlocks"] == 0 and space["tag.HAState"] == "active", space
        state = cluster.bean("FSNamesystemState")
        assert state["NumLiveDataNodes"] == NODES and state["FSState"] == "Operational", state
        assert len(json.loads(cluster.bean("NameNodeInfo")["LiveNodes"])) == NODES

        def same():
            """The bean and the report are two requests: datanodes that delete blocks send new figures between them."""
            report = json.loads(cluster.ok("report", "-o", "json"))
            return cluster.bean("FSNamesystem")["CapacityUsed"] == sum(node["usedBytes"] for node in report)

        wait_for("the bytes that the bean and the report say to be used are the same", same)

    @checks.check("snapshots show what was, are compared, and go")
    def _():
        for name in ("one", "deep/two", "deep/three"):
            cluster.ok("put", "-", "/snap/" + name, input=name.encode())
        code, text = cluster.verb("createSnapshot", "/snap", "s1")
        assert code == 1 and "not a snapshottable directory" in text, text
        cluster.ok("allowSnapshot", "/snap")
        assert cluster.ok("createSnapshot", "/snap", "s1") == "Created snapshot /snap/.snapshot/s1\n"
        cluster.ok("put", "-f", "-", "/snap/one", input=b"changed")
        cluster.ok("rm", "-skipTrash", "/snap/deep/two")
        cluster.ok("mv", "/snap/deep/three", "/snap/moved")
        cluster.ok("appendToFile", "-", "/snap/moved", input=b" and more")
        assert cluster.ok("createSnapshot", "/snap").startswith("Created snapshot /snap/.snapshot/s2")
        assert [cluster.ok("cat", "/snap/.snapshot/s1/" + name) for name in ("one", "deep/two", "deep/three")] == ["one", "deep/two", "deep/three"]
        assert [line.split()[-1] for line in cluster.ok("ls", "-R", "/snap/.snapshot/s1").splitlines()] == [
            "/snap/.snapshot/s1/deep", "/snap/.snapshot/s1/deep/three", "/snap/.snapshot/s1/deep/two", "/snap/.snapshot/s1/one"]
        assert len(cluster.ok("ls", "/snap/.snapshot").splitlines()) == 3 and cluster.ok("lsSnapshottableDir").split()[-4:] == ["/snap", "2", "of", "1000"]
        assert cluster.ok("count", "/snap/.snapshot/s1").split()[:3] == ["2", "3", "%d" % len("one" "deep/two" "deep/three")]
        code, text = cluster.verb("rm", "-r", "-skipTrash", "/snap/.snapshot/s1/one")
        assert code == 1 and "Modification on a read-only snapshot is disallowed" in text, text
        code, text = cluster.verb("rm", "-r", "-skipTrash", "/snap")
        assert code == 1 and "snapshottable and already has snapshots" in text, text
        lines = cluster.ok("snapshotDiff", "/snap", "s1", ".").splitlines()
        assert lines[0] == "Difference between snapshot s1 and current directory under directory /snap:", lines
        assert sorted(lines[1:]) == ["+\t./one", "-\t./deep/two", "-\t./one", "M\t.", "M\t./deep", "M\t./deep/three", "R\t./deep/three -> ./moved"], lines

    if jars is not None:

        @checks.check("Hadoop's client takes, reads, compares and deletes snapshots")
        def _():
            shell = Shell("127.0.0.1:%d" % cluster.port, jars)
            made = shell.ok("-createSnapshot", "/snap", "theirs")
            assert "Created snapshot /snap/.snapshot/theirs" in made, made
            assert shell.ok("-cat", "/snap/.snapshot/s1/deep/two") == "deep/two"
            assert shell.ok("-cat", "/snap/.snapshot/s1/deep/three") == "deep/three" and shell.ok("-cat", "/snap/moved") == "deep/three and more"
            assert shell.ok("-checksum", "/snap/.snapshot/theirs/moved").split()[1:] == shell.ok("-checksum", "/snap/moved").split()[1:]
            assert shell.ok("-ls", "-R", "/snap/.snapshot/s1").count("/snap/.snapshot/s1/deep/") == 2
            shell.ok("-cp", "/snap/.snapshot/s1/one", "/restored")
            assert cluster.ok("cat", "/restored") == "one"
            found = shell.ok(":snapshots", "/snap").splitlines()
            assert found[0] == "/snap 3" and found[1].startswith("/snap/.snapshot/s1 "), found
            for later in ("theirs", ""):
                report = shell.ok(":differences", "/snap", "s1", later)
                assert sorted(line for line in report.splitlines()[1:] if line) == [
                    "+\t./one", "-\t./deep/two", "-\t./one", "M\t.", "M\t./deep", "M\t./deep/three", "R\t./deep/three -> ./moved"], report
            shell.ok("-renameSnapshot", "/snap", "theirs", "renamed")
            shell.ok("-deleteSnapshot", "/snap", "renamed")
            shell.fails("", "-ls", "/snap/.snapshot/renamed")
            shell.fails("snapshot", "-deleteSnapshot", "/snap", "renamed")
            shell.close()

    @checks.check("a namenode is in safe mode until the datanodes have reported")
    def _():
        for child in [cluster.namenode] + cluster.datanodes:
            child.kill()
        cluster.namenode.start()
        assert cluster.ok("safemode", "get") == "Safe mode is ON\n"
        code, text = cluster.verb("mkdir", "/new")
        assert code == 1 and "Name node is in safe mode" in text, text
        assert cluster.bean("FSNamesystemState")["FSState"] == "safeMode" and "needs additional" in cluster.bean("NameNodeInfo")["Safemode"]
        waiting = subprocess.Popen([cluster.program, "dfs", "--fs", "hdfs://127.0.0.1:%d" % cluster.port, "safemode", "wait"], stdout=subprocess.PIPE)
        for node in cluster.datanodes:
            node.start()
        assert waiting.communicate(timeout=60)[0] == b"Safe mode is OFF\n"
        cluster.ok("mkdir", "/new")
        assert cluster.ok("cat", "/data/kept") == "of kept"
        # Blocks that only a snapshot has outlive restarts and reports, and go with it.
        assert cluster.ok("cat", "/snap/.snapshot/s1/deep/two") == "deep/two"
        blocks = cluster.bean("FSNamesystem")["CapacityUsed"]
        for name in [line.split()[-1].rsplit("/", 1)[1] for line in cluster.ok("ls", "/snap/.snapshot").splitlines()[1:]]:
            cluster.ok("deleteSnapshot", "/snap", name)
        wait_for("the space of deleted snapshots", lambda: cluster.bean("FSNamesystem")["CapacityUsed"] < blocks)
        assert cluster.ok("cat", "/snap/moved") == "deep/three and more"
        cluster.ok("rm", "-r", "-skipTrash", "/snap")
        cluster.ok("safemode", "enter")
        code, text = cluster.verb("mkdir", "/newer")
        assert code == 1 and "Name node is in safe mode" in text, text
        cluster.ok("safemode", "leave")
        cluster.ok("mkdir", "/newer")

    @checks.check("a datanode that leaves has its blocks copied first, and gives up what is too many when it is back")
    def _():
        cluster.ok("rm", "-r", "-skipTrash", "/data/c")
        held = cluster.live("/data/kept")
        assert held[0] == 2, held
        number = [number for number in range(NODES) if cluster.address(number) in held[1]][0]
        code, text = cluster.verb("--user", "eve", "refreshNodes")
        assert code == 1 and "Superuser privilege is required" in text, text
        cluster.tell([cluster.address(number) + "  # its disk is old"])
        cluster.ok("refreshNodes")
        wait_for("the datanode to be free", lambda: cluster.states()[cluster.address(number)] == "Decommissioned")
        live, line = cluster.live("/data/kept")
        assert live == 2 and line.count("DatanodeInfoWithStorage") == 3, line
        assert cluster.bean("FSNamesystemState")["NumDecomLiveDataNodes"] == 1
        cluster.tell(["nonsense:x"])
        code, text = cluster.verb("refreshNodes")
        assert code == 1 and "line 1 of" in text, text
        assert cluster.states()[cluster.address(number)] == "Decommissioned"
        cluster.tell([])
        cluster.ok("refreshNodes")
        wait_for("the surplus copy to go", lambda: cluster.live("/data/kept")[1].count("DatanodeInfoWithStorage") == 2)

    @checks.check("a datanode in maintenance may be switched off")
    def _():
        number = [number for number in range(NODES) if cluster.address(number) in cluster.live("/data/kept")[1]][0]
        cluster.tell([cluster.address(number) + " maintenance"])
        cluster.ok("refreshNodes")
        wait_for("maintenance", lambda: cluster.states()[cluster.address(number)] == "In Maintenance")
        cluster.datanodes[number].kill()
        wait_for("the silence to be noticed", lambda: cluster.bean("FSNamesystemState")["NumInMaintenanceDeadDataNodes"] == 1)
        assert " Under-replicated blocks:\t0 (0.0 %)\n" in cluster.fsck() and cluster.ok("cat", "/data/kept") == "of kept"
        cluster.tell([])
        cluster.ok("refreshNodes")
        wait_for("another copy", lambda: cluster.live("/data/kept")[0] == 2)
        cluster.datanodes[number].start()
        wait_for("two copies again", lambda: cluster.live("/data/kept")[1].count("DatanodeInfoWithStorage") == 2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else os.path.dirname(os.path.dirname(HERE)) + "/.venv/zookeeper-jars"))
