"""Registers that many write and read at once, and whether what they saw is linearizable.

A register is a node that is only changed by conditional sets, so that each of its versions is one write. Then a history is linearizable exactly if each
version has one value, and no operation that began after another one had ended saw or made an older version: no search is needed.
A write without an answer counts from when it began, if anybody saw its value; one that was refused as a SystemError must never be seen.
"""
import random
import struct
import threading
import time

from kazoo.client import KazooClient

from zkwire import Closed, Reader, Wire, create, path_watch, set_data, text

ANSWER_SECONDS = 2.0
SYSTEM_ERROR, BAD_VERSION, NODE_EXISTS = -1, -103, -110


class History:
    """What was done: (register, begin, end, version, value, is_write), with times of one clock; versions and values of writes without an answer are open."""

    def __init__(self):
        self.lock = threading.Lock()
        self.done, self.open, self.refused = [], [], set()

    def note(self, *operation):
        with self.lock:
            self.done.append(operation)

    def note_open(self, *operation):
        with self.lock:
            self.open.append(operation)

    def note_refused(self, register, value):
        with self.lock:
            self.refused.add((register, value))

    def problem(self):
        """None if it is linearizable, otherwise what is wrong."""
        open_writes = {(register, value): begin for register, begin, value in self.open}
        by_register = {}
        for operation in self.done:
            by_register.setdefault(operation[0], []).append(operation)
        for register, operations in by_register.items():
            refused = [operation for operation in operations if (register, operation[4]) in self.refused]
            if refused:
                return "%s: what was refused is there: %r" % (register, refused[0])
            found = self.values_differ(register, operations, open_writes) or self.order_differs(register, operations)
            if found:
                return found
        return None

    @staticmethod
    def values_differ(register, operations, open_writes):
        values, writers = {0: b""}, {}
        for _, _, _, version, value, is_write in operations:
            if values.setdefault(version, value) != value:
                return "%s: version %d was %r and %r" % (register, version, values[version], value)
            if is_write and version in writers:
                return "%s: two writes made version %d" % (register, version)
            if is_write:
                writers[version] = value
        for _, begin, end, version, value, is_write in operations:
            if is_write or version == 0 or version in writers:
                continue
            if (register, value) not in open_writes:
                return "%s: version %d has a value that nobody wrote: %r" % (register, version, value)
            if open_writes[register, value] > end:
                return "%s: %r was read before it was written" % (register, value)
        return None

    @staticmethod
    def order_differs(register, operations):
        """By begin: whoever begins after an operation has ended may not be before it in the order of versions, a write before the reads of its version."""
        ends = sorted(operations, key=lambda operation: operation[2])
        place, newest, made = 0, (-1, 0), None
        for operation in sorted(operations, key=lambda operation: operation[1]):
            while ends[place][2] < operation[1]:
                key = (ends[place][3], 0 if ends[place][5] else 1)
                if key > newest:
                    newest, made = key, ends[place]
                place += 1
            key = (operation[3], 0 if operation[5] else 1)
            if key < newest or (operation[5] and key == newest):
                return "%s: %s of version %d began after version %d had been seen (%r, %r)" % (register, "a write" if operation[5] else "a read", operation[3], newest[0], operation, made)
        return None


class Worker(threading.Thread):
    """Reads and writes over one connection to one server, which it makes anew when it is lost. `paths`: registers that are there."""

    def __init__(self, history, address, name, paths, seed):
        super().__init__(daemon=True)
        self.history, self.address, self.label, self.paths = history, address, name, paths
        self.random = random.Random(seed)
        self.halt = threading.Event()
        self.wire, self.number, self.seen = None, 0, dict.fromkeys(paths, (0, b""))
        self.answers, self.writes, self.refusals, self.problems = [], [], [], []

    def run(self):
        while not self.halt.is_set():
            try:
                if self.wire is None:
                    self.wire = Wire(self.address, timeout=4000)
                    self.wire.socket.settimeout(ANSWER_SECONDS)
                path = self.random.choice(self.paths)
                if self.random.random() < 0.5:
                    self.read(path)
                else:
                    self.write(path)
            except (Closed, OSError, struct.error):
                self.drop()
                self.halt.wait(0.05)
            except AssertionError as problem:
                self.problems.append(str(problem))
                return
        self.drop()

    def drop(self):
        if self.wire is not None:
            self.wire.socket.close()
        self.wire = None

    def read(self, path):
        """With a sync before it, which is what makes it one of the newest state."""
        begin = time.monotonic()
        self.wire.send("sync", text(path))
        self.wire.send("getData", path_watch(path))
        self.wire.reply()
        _, _, error, body = self.wire.reply()
        if error:
            # Not serving, or the session is over: a new connection is wanted.
            raise Closed()
        reader = Reader(body)
        value = reader.text()
        version = reader.stat()["version"]
        self.done(path, begin, version, value, False)

    def write(self, path):
        begin = time.monotonic()
        expected = self.seen[path][0]
        self.number += 1
        value = b"%s-%d" % (self.label.encode(), self.number)
        try:
            _, _, error, body = self.wire.call("setData", set_data(path, value, expected))
        except (Closed, OSError):
            self.history.note_open(path, begin, value)
            raise
        if error == BAD_VERSION:
            return self.read(path)
        if error == SYSTEM_ERROR:
            self.history.note_refused(path, value)
            self.refusals.append(time.monotonic())
            self.halt.wait(0.02)
            return
        if error:
            self.history.note_open(path, begin, value)
            raise Closed()
        self.done(path, begin, Reader(body).stat()["version"], value, True)
        self.writes.append(time.monotonic())

    def done(self, path, begin, version, value, is_write):
        self.history.note(path, begin, time.monotonic(), version, value, is_write)
        self.answers.append(time.monotonic())
        self.seen[path] = (version, value)

    def longest_pause(self, since):
        times = [since] + [moment for moment in self.writes if moment >= since]
        return max((after - before for before, after in zip(times, times[1:])), default=float("inf"))


def make_registers(address, paths):
    wire = Wire(address)
    for path in paths:
        assert wire.call("create", create(path, b""))[2] in (0, NODE_EXISTS), path
    wire.close()


class Watched:
    """Workers on every server for as long as the block runs; then their history is checked, and that all servers hold the same."""

    def __init__(self, ensemble, tag):
        self.ensemble, self.tag = ensemble, tag

    def __enter__(self):
        self.history = History()
        paths = ["%s-%s" % (path, self.tag) for path in ("/history-0", "/history-1", "/history-2")]
        make_registers(self.ensemble.leader().address, paths)
        self.workers = {}
        for server in self.ensemble.servers:
            self.workers[server] = [Worker(self.history, server.address, "%s-%d-%d" % (self.tag, server.number, number), paths, number * 10 + server.number) for number in range(2)]
        for worker in self.all():
            worker.start()
        time.sleep(0.5)
        return self

    def all(self):
        return [worker for workers in self.workers.values() for worker in workers]

    def pause(self, servers, since):
        """The longest time without an acknowledged write through any of these servers."""
        return max(min(worker.longest_pause(since) for worker in self.workers[server]) for server in servers)

    def wait_answers(self, servers, seconds=30):
        """Until each of these servers has answered its workers again."""
        began = time.monotonic()
        for server in servers:
            while not any(worker.answers and worker.answers[-1] > began for worker in self.workers[server]):
                assert time.monotonic() < began + seconds, "server %d serves nobody" % server.number
                time.sleep(0.05)

    def __exit__(self, kind, value, trace):
        for worker in self.all():
            worker.halt.set()
        for worker in self.all():
            worker.join(20)
        if kind is None:
            problem = self.history.problem() or next((found for worker in self.all() for found in worker.problems), None)
            assert problem is None, problem
            print("        %d operations, %d without an answer, %d refused" % (len(self.history.done), len(self.history.open), len(self.history.refused)))
            equal(self.ensemble)


def equal(ensemble):
    """Every server holds the same nodes, values and versions."""
    trees = []
    for server in ensemble.servers:
        client = KazooClient(server.address, timeout=10)
        client.start(timeout=20)
        client.sync("/")
        trees.append(dict(walk(client, "/")))
        client.stop()
        client.close()
    for server, tree in zip(ensemble.servers, trees):
        differs = {path for path in set(tree) | set(trees[0]) if tree.get(path) != trees[0].get(path)}
        assert not differs, "server %d differs from server 1: %s" % (server.number, sorted(differs)[:5])


def walk(client, path):
    """Path and contents; of the many nodes that the load made, the names."""
    if path.startswith("/load/") and "/n-" in path:
        return
    data, stat = client.get(path)
    if not stat.ephemeralOwner:
        yield path, (data, stat.version, stat.czxid, stat.mzxid, stat.numChildren, stat.cversion)
    children = client.get_children(path)
    yield path + " children", sorted(children)
    for child in children:
        yield from walk(client, path.rstrip("/") + "/" + child)
