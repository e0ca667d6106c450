"""Sends hostile bytes to a listener and verifies that it neither dies, hangs nor grows. Usage: hostile_frames.py KIND HOST:PORT COUNT SEED PID [MORE]

KIND: coord, broker, namenode, datanode, rpc, transfer, console or connect. PID is the server's, for its memory. MORE: for rpc and transfer the
RPC address of the namenode. The bytes: random ones, valid requests and changed ones, giant and negative lengths, halves, slow drips and early ends. Afterwards a
client that we did not write must work.
"""
import random
import select
import socket
import sys
import threading
import time

from checks import Checks
from hostile_bytes import REQUESTS, coord_connect, giant, mutated, with_true_length
from platform_child import resident_bytes

THREADS = 6
# An end of sending must be answered by an end of the connection within this time.
HANG_SECONDS = 10
GROWTH_BYTES_MAX = 50 << 20
DRIPS = 30


class Hostility:
    def __init__(self, kind, address, seed):
        self.kind = "http" if kind in ("namenode", "datanode", "console") else kind
        host, port = address.rsplit(":", 1)
        self.address = (host, int(port))
        self.seed = seed
        self.requests = REQUESTS[self.kind]()
        self.sent = 0
        self.hangs = []
        self.refused = 0
        self.lock = threading.Lock()

    def payload(self, rng):
        """The bytes of one connection, and how many frames they count for."""
        request = rng.choice(self.requests)
        way = rng.randrange(10)
        if way == 0:
            return "random bytes", [rng.randbytes(rng.randrange(1, 400))]
        if way == 1:
            return "a giant or negative length", [giant(self.kind, rng)]
        if way == 2:
            return "half a frame", [request[: rng.randrange(1, len(request))]]
        if way == 3:
            return "a valid frame and rubbish", [request, rng.randbytes(rng.randrange(1, 100))]
        before = [coord_connect(rng.choice([4000, 0, -1, 0x7FFFFFFF]))] if self.kind == "coord" and way != 4 else []
        changed = []
        for _ in range(rng.randrange(1, 5)):
            request = rng.choice(self.requests)
            true_length = self.kind in ("coord", "broker") and rng.random() < 0.7
            changed.append(with_true_length(request, rng) if true_length else mutated(request, rng))
        return "changed frames", before + changed

    def one(self, rng):
        name, frames = self.payload(rng)
        with socket.socket() as connection:
            connection.settimeout(HANG_SECONDS)
            try:
                connection.connect(self.address)
                connection.sendall(b"".join(frames))
                if rng.random() < 0.15:
                    if rng.random() < 0.5:
                        # Ends with a reset rather than in good order.
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    return len(frames)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(1 << 16):
                    pass
            except TimeoutError:
                with self.lock:
                    self.hangs.append((name, b"".join(frames)[:300].hex()))
            except ConnectionRefusedError:
                with self.lock:
                    self.refused += 1
            except OSError:  # the server ended the connection while we were still sending, as it may
                pass
        return len(frames)

    def run(self, count, salt):
        """`count` frames over several threads."""
        shares = [count // THREADS + (1 if n < count % THREADS else 0) for n in range(THREADS)]

        def work(number):
            rng = random.Random("%s-%s-%d" % (self.seed, salt, number))
            left = shares[number]
            while left > 0 and len(self.hangs) < 20 and self.refused < 20:
                done = self.one(rng)
                left -= done
                with self.lock:
                    self.sent += done

        threads = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
        [t.start() for t in threads]
        [t.join() for t in threads]

    def drip(self, stop):
        """Connections that send a byte now and then, all the while."""
        rng = random.Random("%s-drip" % self.seed)
        open_ones = []
        while not stop.is_set():
            while len(open_ones) < DRIPS:
                try:
                    connection = socket.create_connection(self.address, timeout=5)
                    connection.setblocking(False)
                    open_ones.append((connection, bytearray(rng.choice(self.requests))))
                except OSError:
                    break
            for connection, rest in list(open_ones):
                try:
                    connection.send(rest[:1])
                    del rest[:1]
                    ended = select.select([connection], [], [], 0)[0] and not connection.recv(65536)
                except OSError:
                    ended = True
                if ended or not rest:
                    connection.close()
                    open_ones.remove((connection, rest))
            stop.wait(0.05)
        for connection, _ in open_ones:
            connection.close()


def coord_works(address, _):
    from kazoo.client import KazooClient

    client = KazooClient(address)
    client.start(timeout=10)
    name = client.create("/after-", b"fine", sequence=True)
    assert client.get(name)[0] == b"fine"
    client.stop()


def broker_works(address, _):
    from kafka import KafkaConsumer, KafkaProducer

    producer = KafkaProducer(bootstrap_servers=address, acks="all")
    producer.send("after", b"fine").get(timeout=20)
    producer.close()
    consumer = KafkaConsumer("after", bootstrap_servers=address, auto_offset_reset="earliest", consumer_timeout_ms=10_000)
    assert next(consumer).value == b"fine"
    consumer.close()


def dfs_works(address, namenode):
    from hdfs import InsecureClient

    client = InsecureClient("http://" + (namenode or address), timeout=20)
    client.write("/after/fine", b"fine" * 1000, overwrite=True)
    with client.read("/after/fine") as reader:
        assert reader.read() == b"fine" * 1000
    # Half uploads leave nothing that looks like a file.
    if client.status("/hostile", strict=False):
        assert "big" not in client.list("/hostile"), client.list("/hostile")


def hdfs_works(_, namenode):
    from hdfs_native import Client, WriteOptions

    client = Client("hdfs://" + namenode)
    with client.create("/after/native", WriteOptions(overwrite=True)) as writer:
        writer.write(b"fine" * 1000)
    with client.read("/after/native") as reader:
        assert reader.read() == b"fine" * 1000


def console_works(address, _):
    import requests

    answer = requests.get("http://%s/readyz?verbose" % address, timeout=10)
    assert answer.status_code == 200, answer.text


def connect_works(address, _):
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.remote("sc://" + address).getOrCreate()
    assert [row.one for row in spark.sql("select 1 as one").collect()] == [1]
    spark.stop()


WORKS = {"coord": coord_works, "broker": broker_works, "namenode": dfs_works, "datanode": dfs_works, "rpc": hdfs_works, "transfer": hdfs_works, "console": console_works, "connect": connect_works}


def data_address(namenode):
    """Where a namenode sends data requests."""
    import requests

    answer = requests.put("http://%s/webhdfs/v1/probe?op=CREATE" % namenode, allow_redirects=False, timeout=10)
    return answer.headers["Location"].split("/")[2]


def main(kind, address, count, seed, pid, namenode=None):
    checks = Checks()
    if kind == "datanode":
        namenode, address = address, data_address(address)
    hostility = Hostility(kind, address, seed)
    memory = {}

    @checks.check("a client works before")
    def _():
        WORKS[kind](address, namenode)

    @checks.check("%d hostile frames, and slow drips beside them, with seed %s" % (count, seed))
    def _():
        stop = threading.Event()
        dripping = threading.Thread(target=hostility.drip, args=(stop,))
        dripping.start()
        try:
            # The first tenth fills caches, pools and the allocator; growth is what comes after it.
            hostility.run(count // 10, "first")
            memory["before"] = resident_bytes(pid)
            hostility.run(count - count // 10, "rest")
        finally:
            stop.set()
            dripping.join()
        assert not hostility.refused, "the listener refused connections"
        assert not hostility.hangs, "%d connections hung, first: %s" % (len(hostility.hangs), hostility.hangs[0])
        assert hostility.sent >= count, hostility.sent

    @checks.check("memory has not grown")
    def _():
        time.sleep(0.5)
        growth = resident_bytes(pid) - memory["before"]
        print("        %.1f MB before, growth %.1f MB" % (memory["before"] / 1e6, growth / 1e6))
        assert growth <= GROWTH_BYTES_MAX, "grew by %d bytes" % growth

    @checks.check("a client works after")
    def _():
        WORKS[kind](address, namenode)

    return checks.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5]), *sys.argv[6:]))
