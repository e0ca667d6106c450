"""Kills dfs under load again and again and verifies that nothing acknowledged is lost. Usage: dfs_kill.py PROGRAM DATA_DIRECTORY ROUNDS [SEED]

In each round HdfsCLI clients write files of one to several blocks, append to them, rename and delete them until SIGKILL at a random moment. After
a restart on the same data every acknowledged file has exactly its bytes, what was deleted stays away, a file whose upload was cut off is not
there at all, and one that was being appended to ends in a part of what was appended.
"""
import os
import random
import sys
import threading
import time

import requests
from hdfs import InsecureClient
from hdfs.util import HdfsError

from platform_child import PlatformChild

WRITERS = 4
BLOCK = 1 << 20
POOL = os.urandom(8 << 20)
LOST = (requests.RequestException, ConnectionError, OSError)


def piece(rng):
    """Some bytes: mostly small, at times of several blocks."""
    size = rng.choice([0, 1, rng.randrange(5000), rng.randrange(200_000), BLOCK, rng.randrange(4 * BLOCK)])
    begin = rng.randrange(len(POOL) - size)
    return POOL[begin : begin + size]


class Slow:
    """A body that is sent piece by piece, so that a kill hits uploads in the middle."""

    def __init__(self, data, rng):
        self.data, self.step, self.pause = data, rng.choice([1 << 14, 1 << 17, 1 << 20]), rng.choice([0, 0, 0.002])

    def __iter__(self):
        for begin in range(0, len(self.data), self.step):
            yield self.data[begin : begin + self.step]
            time.sleep(self.pause)


class Writer(threading.Thread):
    def __init__(self, server, root, rng):
        super().__init__(daemon=True)
        self.client = InsecureClient("http://" + server, timeout=10)
        self.root, self.rng = root, rng
        # Acknowledged content by path; what was under way: path -> allowed outcomes are checked by its kind.
        self.files, self.gone, self.doubt = {}, set(), None
        self.acknowledged = 0
        self.problem = None

    def run(self):
        number = 0
        while True:
            number += 1
            try:
                self.one(number)
                self.acknowledged += 1
                self.doubt = None
            except LOST:  # the server is gone in the middle of it
                return
            except HdfsError as error:
                # An answer that HdfsCLI could not read is a connection that broke; a refusal in plain words is a fault.
                if error.exception is not None:
                    self.problem = "refused without reason: %s" % error
                return

    def one(self, number):
        path = "%s/f%04d" % (self.root, number)
        action = self.rng.random()
        if action < 0.55 or not self.files:
            data = piece(self.rng)
            self.doubt = ("create", path, data)
            self.client.write(path, iter(Slow(data, self.rng)), blocksize=BLOCK)
            self.files[path] = data
        elif action < 0.8:
            path = self.rng.choice(sorted(self.files))
            data = piece(self.rng)
            self.doubt = ("append", path, data)
            self.client.write(path, iter(Slow(data, self.rng)), append=True)
            self.files[path] += data
        elif action < 0.9:
            source = self.rng.choice(sorted(self.files))
            self.doubt = ("rename", source, path)
            self.client.rename(source, path)
            self.files[path] = self.files.pop(source)
            self.gone.add(source)
        else:
            target = self.rng.choice(sorted(self.files))
            self.doubt = ("delete", target, None)
            self.client.delete(target)
            del self.files[target]
            self.gone.add(target)

    def verify(self, client):
        """Returns what the unacknowledged request came to."""
        assert self.problem is None, self.problem
        came_to = ""
        doubtful = set()
        if self.doubt:
            kind, path, more = self.doubt
            came_to = getattr(self, "doubt_" + kind)(client, path, more)
            doubtful = {path} | ({more} if kind == "rename" else set())
        for path, data in self.files.items():
            if path not in doubtful:
                got = read(client, path)
                assert got == data, "%s has %s bytes instead of its %d" % (path, None if got is None else len(got), len(data))
        for path in self.gone - doubtful - set(self.files):
            assert client.status(path, strict=False) is None, "%s is back" % path
        return came_to

    def doubt_create(self, client, path, data):
        got = read(client, path)
        assert got is None or got == data, "half a file looks whole: %s has %d of %d bytes" % (path, len(got), len(data))
        return "create: " + ("not there" if got is None else "whole")

    def doubt_append(self, client, path, data):
        got, old = read(client, path), self.files[path]
        assert got is not None and got[: len(old)] == old, "%s lost acknowledged bytes to an append" % path
        assert data.startswith(got[len(old) :]), "%s ends in bytes that nobody appended" % path
        return "append: %d of %d bytes" % (len(got) - len(old), len(data))

    def doubt_rename(self, client, source, target):
        found = [p for p in (source, target) if client.status(p, strict=False) is not None]
        assert len(found) == 1, "a rename left %s" % found
        assert read(client, found[0]) == self.files[source], "%s changed under a rename" % found[0]
        return "rename: %s" % ("done" if found[0] == target else "not done")

    def doubt_delete(self, client, path, _):
        got = read(client, path)
        assert got is None or got == self.files[path], "%s is half deleted" % path
        return "delete: %s" % ("done" if got is None else "not done")


def read(client, path):
    if client.status(path, strict=False) is None:
        return None
    with client.read(path) as reader:
        return reader.read()


def one_round(child, server, number, rng):
    root = "/kill/r%03d" % number
    writers = [Writer(server, "%s/w%d" % (root, w), random.Random(rng.random())) for w in range(WRITERS)]
    for writer in writers:
        writer.start()
    time.sleep(rng.uniform(0.2, 0.9))
    child.kill()
    for writer in writers:
        writer.join()
    ready = child.start()
    client = InsecureClient("http://" + server, timeout=10)
    came_to = [writer.verify(client) for writer in writers]
    # The service takes new work after the restart.
    client.write(root + "/after", b"after")
    assert read(client, root + "/after") == b"after"
    acknowledged = sum(writer.acknowledged for writer in writers)
    assert acknowledged > 0, "nothing was acknowledged"
    return acknowledged, ready, writers, [text for text in came_to if text]


def main(program, directory, rounds, seed):
    print("seed %d" % seed, flush=True)
    rng = random.Random(seed)
    passed = failed = 0
    child = PlatformChild(program, directory, "dfs", ["dfs.namenode.listen", "dfs.datanode.listen"])
    child.start()
    server = child.endpoints["webhdfs"]
    kept = []
    try:
        for number in range(rounds):
            try:
                acknowledged, ready, writers, came_to = one_round(child, server, number, rng)
                kept += [(w.files, w.doubt) for w in writers]
                passed += 1
                print("ok      round %d: %d acknowledged before the kill, ready again after %.2f s; under way: %s" % (number, acknowledged, ready, ", ".join(came_to) or "nothing"), flush=True)
            except AssertionError as problem:
                failed += 1
                print("FAILED  round %d: %s" % (number, problem), flush=True)
        # What earlier rounds acknowledged has survived all later kills, too.
        client = InsecureClient("http://" + server, timeout=10)
        lost = [p for files, doubt in kept for p, data in list(files.items())[:3] if not (doubt and p in doubt) and read(client, p) != data]
        if lost:
            failed += 1
            print("FAILED  files of earlier rounds are lost: %s" % lost[:5])
        else:
            passed += 1
            print("ok      files of all rounds are there at the end")
    finally:
        status = child.stop()
    if status != 0:
        failed += 1
        print("FAILED  the server ended with status %s" % status)
    print("%d passed, %d failed" % (passed, failed), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 30)))
