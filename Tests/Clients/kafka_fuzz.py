#!/usr/bin/env python3
"""Throws damaged frames at a Kafka listener and verifies that it goes on as before.

usage: kafka_fuzz.py HOST:PORT [--frames N] [--seed N] [--pid PID]
Recorded requests (Tests/WireTests/Golden/kafka) are mutated, truncated and mixed with noise and impossible lengths. Afterwards a real client must
still be served; with --pid the server's memory must not have grown by more than 100 MiB. Prints a line and exits with 1 if something failed.
"""
import glob
import os
import random
import socket
import struct
import sys
import time

from kafka import KafkaConsumer, KafkaProducer

host, port = sys.argv[1].rsplit(":", 1)
options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
frames = int(options.get("--frames", 10000))
seed = int(options.get("--seed", random.randrange(1 << 30)))
pid = options.get("--pid")
rng = random.Random(seed)
golden = []
for path in sorted(glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../WireTests/Golden/kafka/*.hex"))):
    with open(path) as file:
        golden.append(bytes.fromhex("".join(line.strip() for line in file if not line.startswith("#"))))
assert golden, "no recorded requests found"


def memory():
    """The server's resident memory in MiB."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith("VmRSS"))


def damaged():
    """A frame with its length, broken in one of several ways."""
    frame = bytearray(rng.choice(golden))
    kind = rng.randrange(6)
    if kind == 0:
        frame = bytearray(rng.randbytes(rng.randrange(1, 200)))
    elif kind == 1:
        frame = frame[: rng.randrange(1, len(frame) + 1)]
    elif kind == 5:
        return struct.pack(">I", rng.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 200 << 20])) + bytes(frame)
    else:
        for _ in range(rng.randrange(1, 5)):
            frame[rng.randrange(len(frame))] = rng.choice([0, 0xFF, 0x7F, 0x80, rng.randrange(256)])
    return struct.pack(">I", len(frame)) + bytes(frame)


def connect():
    connection = socket.create_connection((host, int(port)), timeout=5)
    connection.settimeout(0.0005)
    return connection


before = memory() if pid else 0
connection, closed = connect(), 0
for _ in range(frames):
    try:
        connection.sendall(damaged())
        if not connection.recv(65536):
            raise ConnectionResetError
    except TimeoutError:
        pass
    except OSError:
        connection.close()
        connection = connect()
        closed += 1
connection.close()
time.sleep(1)
name = f"fuzz-{seed}"
producer = KafkaProducer(bootstrap_servers=sys.argv[1])
producer.send(name, b"still here").get(timeout=10)
assert next(iter(KafkaConsumer(name, bootstrap_servers=sys.argv[1], auto_offset_reset="earliest", consumer_timeout_ms=10000))).value == b"still here"
grown = memory() - before if pid else 0
assert grown < 100, f"the server grew by {grown} MiB (seed {seed})"
print(f"ok: {frames} damaged frames, {closed} connections closed, memory grew by {grown} MiB, clients are served (seed {seed})")
