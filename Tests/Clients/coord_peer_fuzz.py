"""Sends damaged and invented frames to the ports over which coord servers speak to each other, under their own names and under none. Usage:
coord_peer_fuzz.py PROGRAM DATA_DIRECTORY [FRAMES] [SEED]

No server may end or hang, and afterwards the ensemble must take a write.
"""
import random
import socket
import struct
import sys

from kazoo.client import KazooClient

from coord_ensemble import Ensemble


def frame(body):
    return struct.pack(">I", len(body)) + body


def invented(rng):
    """A message that begins like one of theirs: consensus, forwarded proposals, requests for tables, parts of tables."""
    kind = rng.randrange(8)
    likely = [0, 0, 0, 0, 1, 2, 3, 255, rng.randrange(256)]
    if kind < 2:
        return bytes([1, rng.randrange(17)]) + bytes(rng.choice(likely) for _ in range(rng.randrange(120)))
    if kind == 2:
        return bytes([2]) + bytes(rng.choice([0, 1, 2, 5, 255]) for _ in range(rng.randrange(100)))
    if kind == 3:
        return bytes([4]) + struct.pack(">qq", rng.choice([0, -1, 1, 1 << 60]), rng.choice([0, -5, 1 << 50]))
    if kind == 4:
        return bytes([5]) + struct.pack(">qqq", rng.choice([0, -1, 1]), rng.choice([0, -5]), 5) + bytes([3, 1, 2])
    if kind == 5:
        return bytes([6]) + struct.pack(">qq", rng.choice([0, 1]), rng.choice([0, 1, 77])) + bytes(rng.choice(likely) for _ in range(rng.randrange(60)))
    if kind == 6:
        return bytes([7]) + struct.pack(">qqb", rng.choice([0, 1]), rng.choice([0, 1, 77]), rng.randrange(-2, 9))
    return bytes(rng.randrange(256) for _ in range(rng.randrange(60)))


def send(ensemble, rng):
    """Twenty frames over one connection."""
    target = rng.choice(ensemble.servers)
    source = rng.choice(ensemble.others(target))
    place = b"127.0.0.1:%d" % source.peer_port
    hello = struct.pack(">Iqqqb", 0x504C5432, rng.choice([source.number, 99]), target.number, 0, len(place)) + place + b"coord"
    if rng.random() < 0.2:
        hello = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 64)))
    try:
        with socket.create_connection(("127.0.0.1", target.peer_port), timeout=5) as connection:
            connection.sendall(frame(hello))
            for _ in range(20):
                connection.sendall(frame(invented(rng)))
    except OSError:
        pass  # a connection that is refused or closed is an answer
    for server in ensemble.servers:
        assert server.process.poll() is None, "server %d has ended" % server.number


def main():
    frames = int(sys.argv[3]) if len(sys.argv) > 3 else 10_000
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 30)
    print("seed %d" % seed)
    rng = random.Random(seed)
    ensemble = Ensemble(sys.argv[1], sys.argv[2])
    try:
        for _ in range(frames // 20):
            send(ensemble, rng)
        client = KazooClient(ensemble.hosts(ensemble.servers[0]), timeout=10)
        client.start(timeout=30)
        client.create("/after", b"")
        client.stop()
        client.close()
    finally:
        ensemble.stop()
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
