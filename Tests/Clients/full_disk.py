"""Fills the disk under a service and frees it again. Usage: full_disk.py SERVICE PROGRAM (coord, dfs or broker)

The data directory is a small tmpfs in a mount namespace of its own, which needs root; without the right to it the script prints why and ends
with status 77. With the disk full, writes are refused in clear words, /readyz says so, reads are served and the process lives; with room again
/readyz turns good by itself and writes work without a restart; after kill -9 and a restart everything acknowledged is there and nothing refused is.
"""
import logging
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from checks import Checks
from platform_child import PlatformChild

DISK = "48m"
# Room is looked for every half second by a service whose disk was full.
RECOVERY_SECONDS = 10
SKIPPED = 77


class Disk:
    """The filler file that takes all room."""

    def __init__(self, directory):
        self.filler = directory + "/filler"

    def fill(self):
        with open(self.filler, "ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while True:
                        file.write(b"\0" * size)
                except OSError:
                    continue

    def free(self):
        os.remove(self.filler)


def until(condition, problem, seconds=RECOVERY_SECONDS):
    deadline = time.monotonic() + seconds
    while True:
        if condition():
            return
        assert time.monotonic() < deadline, problem
        time.sleep(0.1)


def readiness(child):
    """Status and text of /readyz."""
    try:
        with urllib.request.urlopen("http://%s/readyz?verbose" % child.endpoints["console"], timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


class Coord:
    listeners = ["coord.listen"]

    def __init__(self, child):
        self.address = child.endpoints["coord"]
        self.acknowledged, self.refused = {}, []
        self.number = 0
        self.connect()

    def connect(self):
        from kazoo.client import KazooClient

        self.client = KazooClient(self.address, timeout=30)
        self.client.start(timeout=15)

    def write(self):
        """True if acknowledged, False if refused in clear words; what has no answer yet is neither."""
        from kazoo.exceptions import SystemZookeeperError
        from kazoo.handlers.threading import KazooTimeoutError

        self.number += 1
        name, data = "/n%04d" % self.number, os.urandom(20_000)
        try:
            self.client.create_async(name, data).get(timeout=1.5)
        except SystemZookeeperError:
            self.refused.append(name)
            return False
        except KazooTimeoutError:
            return None
        self.acknowledged[name] = data
        return True

    def verify(self):
        for name, data in self.acknowledged.items():
            assert self.client.get(name)[0] == data, name
        for name in self.refused:
            assert self.client.exists(name) is None, "%s was refused and is there" % name

    def end(self):
        self.client.stop()


class DFS:
    listeners = ["dfs.namenode.listen", "dfs.datanode.listen", "dfs.namenode.rpc.listen", "dfs.datanode.transfer.listen", "dfs.datanode.ipc.listen"]

    def __init__(self, child):
        self.address = child.endpoints["webhdfs"]
        self.acknowledged, self.refused = {}, []
        self.number = 0
        self.connect()

    def connect(self):
        from hdfs import InsecureClient

        self.client = InsecureClient("http://" + self.address, timeout=5)

    def write(self):
        import requests
        from hdfs.util import HdfsError

        self.number += 1
        # A name that was refused is tried again first: nothing of the failed upload may stand in the way.
        name = self.refused[0] if self.refused and self.number % 2 else "/n%04d" % self.number
        data = os.urandom(1_500_000)
        try:
            self.client.write(name, data, blocksize=1 << 20)
        except HdfsError as error:
            assert "No space left on device" in str(error), error
            if name not in self.refused:
                self.refused.append(name)
            return False
        except requests.exceptions.Timeout:
            return None
        self.acknowledged[name] = data
        if name in self.refused:
            self.refused.remove(name)
        return True

    def verify(self):
        for name, data in self.acknowledged.items():
            with self.client.read(name) as reader:
                assert reader.read() == data, name
        there = self.client.list("/")
        assert not [n for n in self.refused if n[1:] in there], "%s were refused, and %s are there" % (self.refused, there)

    def end(self):
        pass


class Broker:
    listeners = ["broker.listen"]

    def __init__(self, child):
        self.address = child.endpoints["broker"]
        self.acknowledged, self.refused = {}, []
        self.number = 0
        self.connect()

    def connect(self):
        from kafka import KafkaProducer

        self.producer = KafkaProducer(
            bootstrap_servers=self.address, acks="all", retries=0, enable_idempotence=False, linger_ms=0, request_timeout_ms=3000, delivery_timeout_ms=4000, max_block_ms=4000)

    def write(self):
        from kafka.errors import KafkaError, KafkaTimeoutError

        self.number += 1
        value = b"%06d" % self.number + os.urandom(100_000)
        try:
            metadata = self.producer.send("full", value, partition=0).get(timeout=5)
        except KafkaTimeoutError:
            return None
        except KafkaError as error:
            print("        refused with %s" % type(error).__name__)
            self.refused.append(value)
            return False
        self.acknowledged[metadata.offset] = value
        return True

    def verify(self):
        from kafka import KafkaConsumer, TopicPartition

        place = TopicPartition("full", 0)
        consumer = KafkaConsumer(bootstrap_servers=self.address)
        consumer.assign([place])
        consumer.seek_to_beginning()
        end, found = consumer.end_offsets([place])[place], {}
        deadline = time.monotonic() + 30
        while consumer.position(place) < end:
            assert time.monotonic() < deadline, "reading took too long"
            for batch in consumer.poll(timeout_ms=300).values():
                found.update((record.offset, record.value) for record in batch)
        consumer.close()
        for offset, value in self.acknowledged.items():
            assert found.get(offset) == value, "the record at %d is lost" % offset
        assert not [v for v in self.refused if v in set(found.values())], "a refused record is there"

    def end(self):
        self.producer.close(timeout=1)


def inside(service, program, directory):
    subprocess.run(["mount", "--make-rprivate", "/"], check=False)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + DISK, "tmpfs", directory], check=True)
    logging.disable(logging.CRITICAL)
    kind = {"coord": Coord, "dfs": DFS, "broker": Broker}[service]
    checks, disk = Checks(), Disk(directory)
    child = PlatformChild(program, directory + "/data", service, kind.listeners)
    child.start()
    load = kind(child)

    @checks.check("writes work on a disk with room")
    def _():
        for _ in range(5):
            assert load.write() is True
        assert readiness(child) == (200, "[+]%s ok\nok\n" % service)

    @checks.check("a full disk refuses writes in clear words, and the process lives")
    def _():
        disk.fill()
        results = []
        until(lambda: results.append(load.write()) or results[-1] is False, "no write was refused", 30)
        # It stays so, and every write gets an answer now.
        disk.fill()
        again = [load.write() for _ in range(4)]
        assert again.count(False) >= 3, again
        assert child.alive

    @checks.check("/readyz says that the disk is full")
    def _():
        status, text = readiness(child)
        assert status == 503 and "[-]%s the disk is full" % service in text, (status, text)

    @checks.check("what was acknowledged is served from the full disk")
    def _():
        load.verify()

    @checks.check("with room again /readyz turns good by itself, and writes work without a restart")
    def _():
        disk.free()
        until(lambda: readiness(child)[0] == 200, "/readyz stays red")
        until(lambda: load.write() is True, "writes are still refused: " + child.tail(1500))
        for _ in range(5):
            assert load.write() is True
        load.verify()

    @checks.check("after kill -9 and a restart nothing acknowledged is lost")
    def _():
        disk.fill()
        load.write()
        load.write()
        child.kill()
        load.end()
        disk.free()
        child.start()
        load.connect()
        load.verify()
        assert load.write() is True
        load.verify()

    load.end()

    @checks.check("the server stops cleanly")
    def _():
        assert child.stop() == 0

    return checks.finish()


def main(service, program):
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0 or os.geteuid() != 0:
        print("skipped: a file system of its own needs root and the right to unshare mounts")
        return SKIPPED
    with tempfile.TemporaryDirectory() as directory:
        return subprocess.run(["unshare", "-m", sys.executable, "-B", __file__, service, program, directory]).returncode


if __name__ == "__main__":
    sys.exit(inside(*sys.argv[1:]) if len(sys.argv) == 4 else main(*sys.argv[1:]))
