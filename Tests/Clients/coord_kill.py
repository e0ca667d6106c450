"""Kills coord under load again and again and verifies that nothing acknowledged is lost. Usage: coord_kill.py PROGRAM DATA_DIRECTORY ROUNDS [SEED]

In each round kazoo clients set, create (plain, sequential, ephemeral), delete and commit transactions, many requests deep, until SIGKILL at a
random moment. After a restart on the same data every acknowledged change is there with its version and sequence number, transactions are
whole, a closed session's ephemeral is gone, a cut-off session's is still there, and one client lives through all rounds with one session.
"""
import logging
import random
import sys
import threading
import time

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException
from kazoo.retry import KazooRetry

from platform_child import PlatformChild

# Every kill makes kazoo write warnings; what matters is checked.
logging.disable(logging.CRITICAL)
DEPTH = 40
WRITERS = 3


class Writer(threading.Thread):
    """One session's load. Its own nodes only, so that versions tell which requests were executed."""

    def __init__(self, server, root, state):
        super().__init__(daemon=True)
        self.root, self.state = root, state
        self.client = connect(server)
        self.client.ensure_path(root)
        if not self.client.exists(root + "/set"):
            self.client.create(root + "/set", b"0")
        self.base = int(self.client.get(root + "/set")[0])
        self.version = self.client.get(root + "/set")[1].version
        self.sent = self.base
        self.acknowledged = 0
        # What was acknowledged: (set number, version), names with data, deleted names, transaction numbers.
        self.sets, self.created, self.deleted, self.pairs = [], {}, set(), []
        for name in ("/a", "/b"):
            if not self.client.exists(root + name):
                self.client.create(root + name, b"0")
        self.client.create(root + "/" + state["round"])
        self.halt = threading.Event()

    def run(self):
        folder = self.root + "/" + self.state["round"]
        room = threading.Semaphore(DEPTH)

        def note(action):
            def ended(result):
                room.release()
                if result.successful():
                    action(result.value)
                    self.acknowledged += 1

            return ended

        number = 0
        while not self.halt.is_set():
            if not room.acquire(timeout=0.05):
                continue
            number += 1
            try:
                self.one(folder, number, note)
            except KazooException:  # the server is gone in the middle of it
                return

    def one(self, folder, number, note):
        kind = number % 8
        if kind in (0, 1, 2, 3):
            self.sent += 1
            value = self.sent
            self.client.set_async(self.root + "/set", b"%d" % value).rawlink(note(lambda stat: self.sets.append((value, stat.version))))
        elif kind in (4, 5):
            data = b"%d" % number
            self.client.create_async(folder + "/s-", data, sequence=True).rawlink(note(lambda name: self.created.__setitem__(name, data)))
        elif kind == 6:
            name = folder + "/d-%d" % number
            self.client.create_async(name, b"x").rawlink(lambda _: None)
            self.client.delete_async(name).rawlink(note(lambda _: self.deleted.add(name)))
        else:
            transaction = self.client.transaction()
            for name in ("/a", "/b"):
                transaction.set_data(self.root + name, b"%s %d" % (self.state["round"].encode(), number))
            transaction.commit_async().rawlink(note(lambda _: self.pairs.append(number)))

    def verify(self, client):
        data, stat = client.get(self.root + "/set")
        value = int(data)
        # Versions count executed sets one by one, and a session's sets are executed in order.
        assert stat.version - self.version == value - self.base, "version %d with value %d after version %d with %d" % (stat.version, value, self.version, self.base)
        for sent, version in self.sets:
            assert version - self.version == sent - self.base, "set %d was acknowledged with version %d" % (sent, version)
        assert value >= max((s for s, _ in self.sets), default=self.base), "an acknowledged set is lost: %d" % value
        assert value <= self.sent
        folder = self.root + "/" + self.state["round"]
        names = set(client.get_children(folder))
        lost = [name for name in self.created if name.rsplit("/", 1)[1] not in names]
        assert not lost, "%d acknowledged nodes are lost, first %s" % (len(lost), min(lost))
        back = [name for name in self.deleted if name.rsplit("/", 1)[1] in names]
        assert not back, "%d deleted nodes are back, first %s" % (len(back), min(back))
        # The data is the request's number. A client that stops runs late callbacks ahead of earlier ones, so their order says nothing.
        order = sorted(self.created, key=lambda name: int(self.created[name]))
        numbers = [int(name[-10:]) for name in order]
        assert numbers == sorted(set(numbers)), "sequence numbers repeat or go back: %r" % numbers
        for name in order[:: max(1, len(order) // 20)]:
            assert client.get(name)[0] == self.created[name], name
        after = client.create(folder + "/s-", b"after", sequence=True)
        assert int(after[-10:]) > max([int(n[-10:]) for n in names if n.startswith("s-")], default=-1), "a sequence number was given twice: " + after
        a, b = client.get(self.root + "/a")[0], client.get(self.root + "/b")[0]
        assert a == b, "half a transaction: %r and %r" % (a, b)
        if self.pairs:
            round_name, number = a.split()
            assert round_name.decode() == self.state["round"] and int(number) >= max(self.pairs), "an acknowledged transaction is lost"


def connect(server, **more):
    retry = KazooRetry(max_tries=-1, delay=0.02, backoff=1.5, max_delay=0.2, max_jitter=0.1)
    client = KazooClient(server, timeout=more.pop("timeout", 10), connection_retry=retry, **more)
    client.start(timeout=20)
    return client


def one_round(child, server, keeper, number, rng, root):
    state = {"round": "r%03d" % number}
    closing, cut = connect(server), connect(server, timeout=8)
    closing.create(root + "/closed-%d" % number, ephemeral=True)
    cut.create(root + "/cut-%d" % number, ephemeral=True)
    cut_id = cut.client_id[0]
    writers = [Writer(server, "%s/w%d" % (root, w), state) for w in range(WRITERS)]
    for writer in writers:
        writer.start()
    closing.stop()
    time.sleep(rng.uniform(0.05, 0.5))
    child.kill()
    for writer in writers:
        writer.halt.set()
        writer.client.stop()
        writer.join()
    cut.stop()
    ready = child.start()
    reader = connect(server)
    try:
        assert reader.exists(root + "/closed-%d" % number) is None, "the ephemeral of a closed session is there"
        stat = reader.exists(root + "/cut-%d" % number)
        assert stat is not None and stat.ephemeralOwner == cut_id, "the ephemeral of a session that lives is gone"
        for writer in writers:
            writer.verify(reader)
    finally:
        reader.stop()
    wait_for(lambda: keeper.connected, "the keeper did not get back to the server")
    stat = keeper.exists(root + "/keeper")
    assert stat is not None and stat.ephemeralOwner == keeper.client_id[0], "the keeper's ephemeral is gone"
    acknowledged = sum(writer.acknowledged for writer in writers)
    assert acknowledged > 0, "nothing was acknowledged"
    return acknowledged, ready


def wait_for(condition, problem, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, problem
        time.sleep(0.02)


def main(program, directory, rounds, seed):
    print("seed %d" % seed, flush=True)
    rng = random.Random(seed)
    passed = failed = 0
    child = PlatformChild(program, directory, "coord", ["coord.listen"], ["coord.tick.ms=500"])
    child.start()
    server = child.endpoints["coord"]
    keeper = connect(server)
    lost_sessions = []
    keeper.add_listener(lambda s: lost_sessions.append(s) if s == "LOST" else None)
    session, root = keeper.client_id[0], "/kill"
    keeper.create(root)
    keeper.create(root + "/keeper", ephemeral=True)
    try:
        for number in range(rounds):
            try:
                acknowledged, ready = one_round(child, server, keeper, number, rng, root)
                assert keeper.client_id[0] == session and not lost_sessions, "the keeper lost its session"
                passed += 1
                print("ok      round %d: %d acknowledged before the kill, ready again after %.2f s" % (number, acknowledged, ready), flush=True)
            except AssertionError as problem:
                failed += 1
                print("FAILED  round %d: %s" % (number, problem), flush=True)
        try:
            gone = lambda: not [n for n in keeper.get_children(root) if n.startswith("cut-")]
            wait_for(gone, "ephemerals of sessions that ended long ago are still there")
            passed += 1
            print("ok      the ephemerals of cut-off sessions went when the sessions expired", flush=True)
        except AssertionError as problem:
            failed += 1
            print("FAILED  %s" % problem, flush=True)
        keeper.stop()
    finally:
        status = child.stop()
    if status != 0:
        failed += 1
        print("FAILED  the server ended with status %s" % status)
    print("%d passed, %d failed" % (passed, failed), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 30)))
