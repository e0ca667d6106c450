"""Datanodes as processes of their own, killed by SIGKILL in the middle of writes and reads, and a replica damaged on disk. Writers and readers are
hdfs-native, Hadoop's FsShell where there is a Java, and the command line's own client. Usage: dfs_datanodes.py PROGRAM [FOLDER OF JARS]"""
import glob
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

from hdfs_native import Client, WriteOptions

from checks import Checks, wait_for
from hdfs_shell_check import Shell, find_jars
from platform_child import PlatformChild, free_port

BLOCK = 8 << 20
COPIES = 3
NODES = 4


def content_digest(path):
    """Of a replica; None if it was deleted meanwhile."""
    try:
        with open(path, "rb") as file:
            return hashlib.md5(file.read()).digest()
    except FileNotFoundError:
        return None


class Cluster:
    """A namenode and datanodes, each a process with a directory of its own."""

    def __init__(self, program, directory):
        self.program = program
        self.directory = directory
        self.port = free_port()
        common = ["dfs.replication=%d" % COPIES, "dfs.block.bytes=%d" % BLOCK]
        self.namenode = PlatformChild(
            program, directory + "/name", "dfs", [],
            common + ["dfs.role=namenode", "dfs.datanode.silence.ms=4000", "dfs.namenode.rpc.listen=127.0.0.1:%d" % self.port])
        self.datanodes = [
            PlatformChild(
                program, "%s/data-%d" % (directory, number), "dfs", ["dfs.datanode.transfer.listen"],
                common + ["dfs.role=datanode", "dfs.namenode.addresses=127.0.0.1:%d" % self.port])
            for number in range(NODES)
        ]

    @property
    def address(self):
        return "127.0.0.1:%d" % self.port

    def start(self):
        self.namenode.start()
        for node in self.datanodes:
            node.start()

    def stop(self):
        for child in self.datanodes + [self.namenode]:
            if child.process:
                child.process.send_signal(signal.SIGCONT)
                child.stop()

    def restart_the_dead(self):
        for node in self.datanodes:
            if not node.alive:
                node.start()

    def verb(self, *words, **more):
        return subprocess.run([self.program, "dfs", "--fs", "hdfs://" + self.address, *words], capture_output=True, timeout=120, **more)

    def ok(self, *words, **more):
        ran = self.verb(*words, **more)
        assert ran.returncode == 0, (words, ran.returncode, ran.stdout[-500:], ran.stderr[-2000:])
        return ran.stdout

    def replicas(self, number, ending=""):
        """Paths of replicas of a datanode that have a sidecar of this kind."""
        found = glob.glob("%s/data-%d/dfs/blocks/*/blk_*%s" % (self.directory, number, ending or ".crc"))
        return [name[: name.rindex(".")] for name in found]

    def numbers(self, number, ending=""):
        return {int(path.rsplit("_", 1)[1]) for path in self.replicas(number, ending)}

    def newest(self):
        """The highest number of a block so far."""
        return max((block for number in range(NODES) for ending in ("", ".rbw") for block in self.numbers(number, ending)), default=0)

    def writing(self, beyond=0):
        """Datanodes that have the newest open block. A writer that broke off may have left older ones open; only those with numbers above `beyond` count."""
        found = {number: {block for block in self.numbers(number, ".rbw") if block > beyond} for number, node in enumerate(self.datanodes) if node.alive}
        newest = max((block for blocks in found.values() for block in blocks), default=None)
        return [number for number, blocks in found.items() if newest in blocks]

    def healthy(self):
        ran = self.verb("fsck", "/")
        return ran.returncode == 0 and b"Under-replicated blocks:\t0\n" in ran.stdout

    def copies_on_disk(self, data):
        """For each block of a file with this content, how many live datanodes have exactly its bytes finished."""
        wanted = [hashlib.md5(data[start : start + BLOCK]).digest() for start in range(0, len(data), BLOCK)]
        found = [0] * len(wanted)
        for number, node in enumerate(self.datanodes):
            if not node.alive:
                continue
            for path in self.replicas(number):
                digest = content_digest(path)
                if digest in wanted:
                    found[wanted.index(digest)] += 1
        return found

    def comes_back(self, path, data):
        """The file is right, and every block has its copies again, in the namenode's view and on the disks."""
        assert self.ok("-cat", path) == data, "wrong bytes"
        wait_for("full replication", self.healthy)
        wait_for("the copies on disk of " + path, lambda: set(self.copies_on_disk(data)) == {COPIES})


def main(program, jars):
    rng = random.Random(int(os.environ.get("SEED", "1")))
    checks = Checks()
    with tempfile.TemporaryDirectory() as directory:
        cluster = Cluster(program, directory)
        try:
            cluster.start()
            run(cluster, rng, checks, jars, directory)
        finally:
            cluster.stop()
        if checks.failed:
            for child in [cluster.namenode] + cluster.datanodes:
                print("---- %s\n%s" % (" ".join(child.arguments[5:7]), child.tail(3000)))
    return checks.finish()


def victim(cluster, rng, beyond=0):
    """A datanode of the pipeline that is open now."""
    return rng.choice(wait_for("an open block", lambda: cluster.writing(beyond)))


def write_native(client, cluster, rng, data):
    """Writes a file and kills a datanode meanwhile. False if the client broke off by a panic of its own ("index out of bounds"): it sometimes blames a
    place of the old pipeline in the new, shorter one."""
    before = cluster.newest()
    writer = client.create("/native", WriteOptions(replication=COPIES, block_size=BLOCK, overwrite=True))
    try:
        writer.write(data[: 11 << 20])
        cluster.datanodes[victim(cluster, rng, before)].kill()
        for start in range(11 << 20, 20 << 20, 1 << 20):
            writer.write(data[start : start + (1 << 20)])
        writer.close()
        return True
    except BaseException as error:  # a panic is no Exception
        if type(error).__name__ != "PanicException":
            raise
        print("        hdfs-native has panicked: %s" % error)
        return False


def run(cluster, rng, checks, jars, directory):
    client = Client("hdfs://" + cluster.address)
    data = {name: rng.randbytes(20 << 20) for name in ("native", "own", "shell")}

    @checks.check("hdfs-native writes on when a datanode is killed")
    def _():
        for attempt in range(4):
            if attempt:
                cluster.restart_the_dead()
                wait_for("the datanodes", lambda: cluster.ok("report").count(b"Name: ") == NODES and b"Live datanodes (%d)" % NODES in cluster.ok("report"))
            if write_native(client, cluster, rng, data["native"]):
                break
        else:
            raise AssertionError("hdfs-native has panicked four times")
        assert client.read("/native").read() == data["native"]
        cluster.comes_back("/native", data["native"])
        cluster.restart_the_dead()

    @checks.check("the own client writes on when two datanodes are killed one after the other")
    def _():
        before = cluster.newest()
        put = subprocess.Popen(
            [cluster.program, "dfs", "--fs", "hdfs://" + cluster.address, "-D", "dfs.blocksize=%d" % BLOCK, "-put", "-", "/own"],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        for start in range(0, 20 << 20, 1 << 20):
            put.stdin.write(data["own"][start : start + (1 << 20)])
            put.stdin.flush()
            if start in (3 << 20, 12 << 20):
                cluster.datanodes[victim(cluster, rng, before)].kill()
            if start == 10 << 20:
                cluster.restart_the_dead()
        put.stdin.close()
        assert put.wait(60) == 0, put.stderr.read()
        assert client.read("/own").read() == data["own"]
        cluster.comes_back("/own", data["own"])
        cluster.restart_the_dead()

    @checks.check("FsShell writes on when a datanode is killed")
    def _():
        found = find_jars(jars)
        if found is None:
            print("        left out: no java, or no Hadoop client in " + jars)
            return
        local = directory + "/shell"
        with open(local, "wb") as file:
            file.write(data["shell"])
        shell = Shell(cluster.address, found, "dfs.blocksize=%d" % BLOCK, "dfs.replication=%d" % COPIES)
        shell.ok("-ls", "/")
        before = cluster.newest()
        killing = threading.Thread(target=lambda: cluster.datanodes[victim(cluster, rng, before)].kill())
        killing.start()
        shell.ok("-put", local, "/shell")
        killing.join()
        assert sum(not node.alive for node in cluster.datanodes) == 1
        shell.ok("-get", "/shell", local + "-back")
        shell.close()
        with open(local + "-back", "rb") as file:
            assert file.read() == data["shell"]
        cluster.comes_back("/shell", data["shell"])
        cluster.restart_the_dead()

    @checks.check("reads go on when datanodes are killed")
    def _():
        wait_for("full replication", cluster.healthy)
        reader = client.read("/native")
        cat = subprocess.Popen([cluster.program, "dfs", "--fs", "hdfs://" + cluster.address, "-cat", "/native"], stdout=subprocess.PIPE)
        native, own = reader.read(1 << 20), cat.stdout.read(1 << 20)
        for node in rng.sample(cluster.datanodes, 2):
            node.kill()
            native += reader.read(5 << 20)
            own += cat.stdout.read(5 << 20)
        native += reader.read()
        own += cat.stdout.read()
        assert cat.wait(60) == 0 and own == data["native"] and native == data["native"]
        cluster.restart_the_dead()

    @checks.check("a replica that is damaged on disk is never served, and is replaced")
    def _():
        wait_for("full replication", cluster.healthy)
        digest = hashlib.md5(data["own"][:BLOCK]).digest()
        # Superfluous copies go a moment after their datanodes have come back.
        wait_for("no more and no fewer copies", lambda: cluster.copies_on_disk(data["own"]) == [COPIES] * 3)
        holders = {
            number: path for number in range(NODES) for path in cluster.replicas(number) if content_digest(path) == digest
        }
        damaged, *sound = holders
        with open(holders[damaged], "r+b") as file:
            file.seek(1 << 20)
            byte = file.read(1)
            file.seek(1 << 20)
            file.write(bytes([byte[0] ^ 1]))
        # With nothing but the damaged replica there is an error, and no wrong byte before it.
        for number in sound:
            cluster.datanodes[number].kill()
        ran = cluster.verb("-cat", "/own")
        assert ran.returncode != 0 and data["own"].startswith(ran.stdout), (ran.returncode, len(ran.stdout))
        try:
            client.read("/own").read()
            raise AssertionError("hdfs-native was given something")
        except Exception as error:  # the client has an exception of its own for each kind
            assert not isinstance(error, AssertionError), error
        cluster.restart_the_dead()
        wait_for("the file", lambda: cluster.verb("-cat", "/own").stdout == data["own"])
        cluster.comes_back("/own", data["own"])

    @checks.check("a namenode that is killed and started again finds its datanodes")
    def _():
        cluster.namenode.kill()
        cluster.namenode.start()
        wait_for("the files", lambda: cluster.verb("-cat", "/own").stdout == data["own"])
        wait_for("full replication", cluster.healthy)


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    sys.exit(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else here + "/../../.venv/zookeeper-jars"))
