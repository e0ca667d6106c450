#!/usr/bin/env python3
"""Holds many connections to the broker or to coord, some of which send a byte now and then, and measures a client beside them.

usage: many_connections.py broker|coord HOST:PORT [CONNECTIONS]
broker: connections that have introduced themselves and are idle, others that never finish a frame; one client produces and fetches meanwhile. coord: sessions with
watches that all lose their connection and come back at once with setWatches; one client writes and reads meanwhile. The 99th percentile of
that client's requests must stay below a second. Prints a line per check and 'N passed, N failed'.
"""
import random
import resource
import socket
import struct
import sys
import threading
import time

from checks import Checks

kind, address = sys.argv[1:3]
host, port = address.rsplit(":", 1)
wanted = int(sys.argv[3]) if len(sys.argv) > 3 else 5000
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
count = min(wanted, hard - 500)
checks = Checks()
print("%d connections (limit of descriptors: %d)" % (count, hard), flush=True)


def connect(frames=()):
    one = socket.create_connection((host, int(port)), 20)
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for frame in frames:
        one.sendall(struct.pack(">i", len(frame)) + frame)
    return one


def exactly(one, size):
    data = b""
    while len(data) < size:
        more = one.recv(size - len(data))
        if not more:
            raise ConnectionError("closed")
        data += more
    return data


def answer(one):
    return exactly(one, struct.unpack(">i", exactly(one, 4))[0])


class Beside(threading.Thread):
    """A client whose requests are timed until it is stopped."""

    def __init__(self, body):
        super().__init__(daemon=True)
        self.body, self.times, self.error, self.ended = body, [], None, threading.Event()
        self.start()

    def run(self):
        try:
            while not self.ended.is_set():
                began = time.monotonic()
                self.body()
                self.times.append(time.monotonic() - began)
                time.sleep(0.002)
        except Exception as error:  # told by the check
            self.error = error

    def stop(self):
        self.ended.set()
        self.join(30)
        assert self.error is None, repr(self.error)
        times = sorted(self.times)
        assert len(times) > 10, "only %d requests" % len(times)
        p99 = times[int(len(times) * 0.99)]
        print("        %d requests beside, p50 %.1f ms, p99 %.1f ms" % (len(times), times[len(times) // 2] * 1000, p99 * 1000))
        assert p99 < 1, p99


if kind == "broker":
    from kafka import KafkaConsumer, KafkaProducer, TopicPartition

    api_versions = struct.pack(">hhih", 18, 0, 1, 1) + b"x"
    producer = KafkaProducer(bootstrap_servers=address)
    producer.send("beside", b"first").get(20)
    beside_body = lambda: producer.send("beside", b"x" * 100).get(20)

    @checks.check("idle connections are held, and cost a client beside them nothing")
    def _():
        beside = Beside(beside_body)
        idle = [connect([api_versions]) for _ in range(count)]
        assert all(len(answer(one)) > 20 for one in idle)
        time.sleep(1)
        beside.stop()
        for one in random.sample(idle, min(200, count)):
            one.sendall(struct.pack(">i", len(api_versions)) + api_versions)
            assert len(answer(one)) > 20
        for one in idle:
            one.close()

    @checks.check("connections that send a byte now and then do not keep others waiting")
    def _():
        slow = [connect() for _ in range(count // 2)]
        for one in slow:
            one.sendall(struct.pack(">i", 50_000_000))
        beside = Beside(beside_body)
        for _ in range(4):
            for one in slow:
                one.send(b"\0")
                time.sleep(0.0004)
        beside.stop()
        for one in slow:
            one.close()

    @checks.check("records are read as they were sent")
    def _():
        consumer = KafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest", consumer_timeout_ms=5000)
        consumer.assign([TopicPartition("beside", 0)])
        assert next(consumer).value == b"first"
        consumer.close()
else:
    from kazoo.client import KazooClient

    beside_client = KazooClient(hosts=address)
    beside_client.start(20)
    for n in range(100):
        beside_client.ensure_path("/storm/n%d" % n)
    beside_client.ensure_path("/beside")
    turn = iter(range(1 << 60))

    def beside_body():
        beside_client.set("/beside", b"%d" % next(turn))
        beside_client.get("/beside")

    def handshake(session=0, password=b"\0" * 16, seen=0):
        return struct.pack(">iqiqi", 0, seen, 30000, session, 16) + password + b"\0"

    def set_watches(seen, paths):
        lists = struct.pack(">i", len(paths)) + b"".join(struct.pack(">i", len(path)) + path for path in paths)
        return struct.pack(">iiq", -8, 101, seen) + lists + struct.pack(">ii", 0, 0)

    def session_of(reply):
        _, timeout, session = struct.unpack(">iiq", reply[:16])
        assert session != 0 and timeout > 0, "the session was not taken"
        return session, reply[20:36]

    @checks.check("sessions are held, and come back in a storm with their watches")
    def _():
        opened = [connect([handshake()]) for _ in range(count)]
        sessions = [session_of(answer(one)) for one in opened]
        beside = Beside(beside_body)
        for one in opened:
            one.close()
        seen = beside_client.last_zxid if hasattr(beside_client, "last_zxid") else 0
        began = time.monotonic()
        back = []
        for number, (session, password) in enumerate(sessions):
            paths = [b"/storm/n%d" % ((number + n) % 100) for n in range(20)]
            back.append(connect([handshake(session, password, seen), set_watches(1 << 62, paths)]))
        for (session, _), one in zip(sessions, back):
            assert session_of(answer(one))[0] == session, "another session"
        for one in back:
            answer(one)
        took = time.monotonic() - began
        beside.stop()
        print("        %d sessions back with 20 watches each in %.1f s" % (count, took))
        beside_client.set("/storm/n7", b"news")
        told = [number for number, one in enumerate(back) if (7 - number) % 100 < 20]
        for number in told:
            assert struct.unpack(">i", answer(back[number])[:4])[0] == -1, "the watch did not come back"
        for one in back:
            one.close()

    beside_client.stop()

sys.exit(checks.finish())
