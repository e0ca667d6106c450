"""Three namenodes and two datanodes as processes; the namenode that leads is killed by SIGKILL in the middle of writes by the command line's own client,
hdfs-native, and Hadoop's FsShell where there is a Java. Nothing acknowledged may be lost. Usage: dfs_namenodes.py PROGRAM [FOLDER OF JARS]"""
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

from hdfs_native import Client, WriteOptions

from checks import Checks
from dfs_datanodes import wait_for
from hdfs_shell_check import Shell, find_jars
from platform_child import PlatformChild, free_port

COUNT = 3


class Cluster:
    def __init__(self, program, directory):
        self.program = program
        self.rpc = [free_port() for _ in range(COUNT)]
        self.web = [free_port() for _ in range(COUNT)]
        peers = ",".join("%d=127.0.0.1:%d" % (number + 1, free_port()) for number in range(COUNT))
        common = ["dfs.replication=2", "dfs.block.bytes=1048576"]
        self.namenodes = [
            PlatformChild(
                program, "%s/name-%d" % (directory, number), "dfs", [],
                common + [
                    "dfs.role=namenode", "dfs.id=%d" % (number + 1), "dfs.peers=" + peers, "dfs.namenode.rpc.listen=127.0.0.1:%d" % self.rpc[number],
                    "dfs.namenode.listen=127.0.0.1:%d" % self.web[number]])
            for number in range(COUNT)
        ]
        self.addresses = ",".join("127.0.0.1:%d" % port for port in self.rpc)
        self.datanodes = [
            PlatformChild(
                program, "%s/data-%d" % (directory, number), "dfs", ["dfs.datanode.transfer.listen"],
                common + ["dfs.role=datanode", "dfs.namenode.addresses=" + self.addresses])
            for number in range(2)
        ]

    def start(self):
        for child in self.namenodes + self.datanodes:
            child.start()

    def stop(self):
        for child in self.datanodes + self.namenodes:
            if child.process:
                child.stop()

    def state(self, number):
        """active, standby, or gone."""
        try:
            urllib.request.urlopen("http://127.0.0.1:%d/webhdfs/v1/?op=GETFILESTATUS" % self.web[number], timeout=10).read()
            return "active"
        except urllib.error.HTTPError as error:
            return "standby" if b"StandbyException" in error.read() else "wrong"
        except OSError:
            return "gone"

    def active(self):
        found = [number for number in range(COUNT) if self.namenodes[number].alive and self.state(number) == "active"]
        assert len(found) < 2, found
        return found[0] + 1 if found else None

    def wait_active(self):
        return wait_for("a namenode that leads", self.active) - 1

    def verb(self, *words, **more):
        return subprocess.run([self.program, "dfs", "--fs", "hdfs://" + self.addresses, *words], capture_output=True, timeout=120, **more)

    def ok(self, *words, **more):
        ran = self.verb(*words, **more)
        assert ran.returncode == 0, (words, ran.returncode, ran.stdout[-500:], ran.stderr[-2000:])
        return ran.stdout

    def settings(self):
        """Of Hadoop's clients: one name for the three."""
        names = ["nn%d" % number for number in range(COUNT)]
        provider = "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider"
        found = {"dfs.nameservices": "cluster", "dfs.ha.namenodes.cluster": ",".join(names), "dfs.client.failover.proxy.provider.cluster": provider}
        for name, port in zip(names, self.rpc):
            found["dfs.namenode.rpc-address.cluster." + name] = "127.0.0.1:%d" % port
        return found

    def fail_over(self):
        """Kills the namenode that leads; returns its number and the seconds until another one serves."""
        old = self.wait_active()
        self.namenodes[old].kill()
        began = time.monotonic()
        self.wait_active()
        return old, time.monotonic() - began


class Writer(threading.Thread):
    """Writes one file after the other until it is stopped, and remembers those that were acknowledged."""

    def __init__(self, name, write):
        super().__init__(daemon=True)
        self.title, self.write = name, write
        self.done, self.errors, self.ended = [], [], False
        self.start()

    def run(self):
        number = 0
        while not self.ended:
            number += 1
            data = b"%s %d " % (self.title.encode(), number) * random.randrange(1, 30000)
            path = "/%s-%d" % (self.title, number)
            try:
                self.write(path, data)
                self.done.append((path, data))
            except Exception as error:  # reported at the end
                self.errors.append("%s: %r" % (path, error))

    def wait_more(self):
        """Until files that were begun later are written."""
        count = len(self.done)
        wait_for("more files of " + self.title, lambda: len(self.done) >= count + 2 or self.errors)

    def finish(self):
        self.ended = True
        self.join(120)
        assert not self.is_alive(), "%s hangs" % self.title
        return self


def main(program, jars):
    checks = Checks()
    with tempfile.TemporaryDirectory() as directory:
        cluster = Cluster(program, directory)
        try:
            cluster.start()
            run(cluster, checks, find_jars(jars), directory)
        finally:
            cluster.stop()
        if checks.failed:
            for child in cluster.namenodes + cluster.datanodes:
                print("---- %s\n%s" % (" ".join(child.arguments[5:7]), child.tail(3000)))
    return checks.finish()


def run(cluster, checks, jars, directory):
    native = Client("hdfs://cluster", config=cluster.settings())
    written = []

    def put_native(path, data):
        """hdfs-native does not repeat a call whose connection is lost under it ("RPC listener disconnected"): its user does."""
        for attempt in range(5):
            try:
                with native.create(path, WriteOptions(replication=2, block_size=1 << 20, overwrite=attempt > 0)) as writer:
                    writer.write(data)
                return
            except (OSError, RuntimeError) as error:
                # If the lost call was that for a block, the writer's end fails as well, which knows no block, and hides the reason.
                if not any(part in str(error) for part in ("disconnected", "last block is not named")) or attempt == 4:
                    raise
                time.sleep(0.2)

    @checks.check("one namenode leads, the others stand by")
    def _():
        active = cluster.wait_active()
        for number in range(COUNT):
            if number != active:
                wait_for("a namenode that stands by", lambda: cluster.state(number) == "standby")
        cluster.ok("put", "-", "/first", input=b"first")
        assert cluster.ok("cat", "/first") == b"first"
        put_native("/native", b"native")
        assert native.read("/native").read() == b"native"

    quick = "dfs.client.failover.sleep.max.millis=1000"
    shell = Shell("cluster", jars, "dfs.replication=2", quick, *["%s=%s" % pair for pair in cluster.settings().items()]) if jars else None
    if shell is None:
        print("        left out: no java, or no Hadoop client")

    def put_shell(path, data):
        local = directory + path
        with open(local, "wb") as file:
            file.write(data)
        shell.ok("-put", local, path)

    @checks.check("the one that leads is killed in the middle of writes, twice")
    def _():
        writers = [Writer("own", lambda path, data: cluster.ok("put", "-", path, input=data)), Writer("hdfs-native", put_native)]
        if shell:
            writers.append(Writer("FsShell", put_shell))
        # One long upload goes through both changes.
        long = subprocess.Popen(
            [cluster.program, "dfs", "--fs", "hdfs://" + cluster.addresses, "put", "-", "/long"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        piece = os.urandom(1 << 20)
        for round in range(2):
            for writer in writers:
                writer.wait_more()
            long.stdin.write(piece)
            old, seconds = cluster.fail_over()
            print("        another namenode served %.2f s after the kill" % seconds)
            long.stdin.write(piece)
            for writer in writers:
                writer.wait_more()
            cluster.namenodes[old].start()
            wait_for("the one that came back", lambda: cluster.state(old) in ("standby", "active"))
        long.stdin.close()
        assert long.wait(60) == 0, long.stderr.read()
        written.append(("/long", piece * 4))
        for writer in writers:
            writer.finish()
            print("        %s wrote %d files" % (writer.title, len(writer.done)))
            written.extend(writer.done)
        errors = [error for writer in writers for error in writer.errors]
        assert not errors, errors[:3]

    @checks.check("every acknowledged file is there, also after another change")
    def _():
        cluster.fail_over()
        for path, data in written:
            assert native.read(path).read() == data, path
        listed = {line.split()[-1] for line in cluster.ok("-ls", "/").decode().splitlines()[1:]}
        assert {path for path, _ in written} <= listed
        wait_for("two copies of every block", lambda: b"Under-replicated blocks:\t0\n" in cluster.verb("fsck", "/").stdout)

    @checks.check("the WebHDFS of one that stands by refuses as HDFS does")
    def _():
        standby = wait_for("one that stands by", lambda: [number + 1 for number in range(COUNT) if cluster.state(number) == "standby"])[0] - 1
        ran = subprocess.run(
            [cluster.program, "dfs", "--fs", "hdfs://127.0.0.1:%d" % cluster.rpc[standby], "ls", "/"], capture_output=True, timeout=60)
        assert ran.returncode != 0 and b"stand" in ran.stderr, ran.stderr

    if shell:
        shell.close()


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    sys.exit(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else here + "/../../.venv/zookeeper-jars"))
