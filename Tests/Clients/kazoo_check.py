"""Checks a running coord with kazoo, a ZooKeeper client that is not ours. Usage: kazoo_check.py HOST:PORT"""
import socket
import struct
import sys
import threading
import time

from kazoo.client import KazooClient
from kazoo.exceptions import (BadVersionError, InvalidACLError, NoAuthError, NodeExistsError, NoNodeError,
                              NoChildrenForEphemeralsError, NotEmptyError, RolledBackError)
from kazoo.security import ACL, Id, make_digest_acl

from checks import Checks


def connect(server, **more):
    client = KazooClient(server, **more)
    client.start(timeout=10)
    return client


def refuses(kind, call):
    try:
        call()
    except kind:
        return
    raise AssertionError("was not refused with %s" % kind.__name__)


def main(server):
    checks = Checks()
    zk = connect(server)
    root = "/check-%d" % int(time.time() * 1000)
    zk.create(root)

    @checks.check("the mission's program: an ephemeral node, read with a watch")
    def _():
        events = []
        zk.create(root + "/my_znode", b"my_data", ephemeral=True)
        data, stat = zk.get(root + "/my_znode", watch=events.append)
        assert data == b"my_data" and stat.ephemeralOwner == zk.client_id[0]
        zk.set(root + "/my_znode", b"other")
        wait_for(lambda: events)
        assert events[0].type == "CHANGED" and events[0].path == root + "/my_znode"

    @checks.check("versions guard sets and deletes")
    def _():
        zk.create(root + "/v", b"0")
        assert zk.set(root + "/v", b"1", version=0).version == 1
        refuses(BadVersionError, lambda: zk.set(root + "/v", b"2", version=0))
        refuses(BadVersionError, lambda: zk.delete(root + "/v", version=0))
        zk.delete(root + "/v", version=1)
        refuses(NoNodeError, lambda: zk.get(root + "/v"))

    @checks.check("sequence numbers come from the parent and never repeat")
    def _():
        zk.create(root + "/q")
        names = [zk.create(root + "/q/n-", sequence=True) for _ in range(3)]
        zk.delete(names[2])
        names.append(zk.create(root + "/q/n-", sequence=True))
        assert [n[-10:] for n in names] == ["%010d" % i for i in range(4)], names

    @checks.check("the tree's rules: parents, children, ephemerals")
    def _():
        refuses(NoNodeError, lambda: zk.create(root + "/x/y"))
        zk.create(root + "/p")
        refuses(NodeExistsError, lambda: zk.create(root + "/p"))
        zk.create(root + "/p/c")
        refuses(NotEmptyError, lambda: zk.delete(root + "/p"))
        zk.create(root + "/e", ephemeral=True)
        refuses(NoChildrenForEphemeralsError, lambda: zk.create(root + "/e/c"))

    @checks.check("child watches and watches on nodes that do not exist yet")
    def _():
        events = []
        zk.create(root + "/w")
        zk.get_children(root + "/w", watch=events.append)
        assert zk.exists(root + "/w/later", watch=events.append) is None
        zk.create(root + "/w/later")
        wait_for(lambda: len(events) == 2)
        assert sorted(e.type for e in events) == ["CHILD", "CREATED"], events

    @checks.check("transactions take place together or not at all")
    def _():
        t = zk.transaction()
        t.create(root + "/t1", b"a")
        t.set_data(root + "/t1", b"b")
        t.check(root + "/t1", 1)
        results = t.commit()
        assert results[0] == root + "/t1" and results[1].version == 1 and results[2] is True, results
        t = zk.transaction()
        t.create(root + "/t2", b"a")
        t.check(root + "/missing", 0)
        t.delete(root + "/t1")
        results = t.commit()
        assert [type(r).__name__ for r in results] == ["RolledBackError", "NoNodeError", "RuntimeInconsistency"], results
        assert zk.exists(root + "/t2") is None and zk.exists(root + "/t1") is not None

    @checks.check("ephemeral nodes go with their session")
    def _():
        other = connect(server)
        other.create(root + "/eph", ephemeral=True)
        gone = threading.Event()
        zk.exists(root + "/eph", watch=lambda e: gone.set())
        other.stop()
        assert gone.wait(5)
        assert zk.exists(root + "/eph") is None

    @checks.check("a silent session expires and takes its ephemerals")
    def _():
        silent = raw_session(server, 4000)
        path = (root + "/silent").encode()
        acl = struct.pack(">ii", 1, 31) + text(b"world") + text(b"anyone")
        request(silent, 1, 1, text(path) + text(b"") + acl + struct.pack(">i", 1))
        assert zk.exists(root + "/silent") is not None
        deadline = time.monotonic() + 12
        while zk.exists(root + "/silent") is not None and time.monotonic() < deadline:
            time.sleep(0.1)
        assert zk.exists(root + "/silent") is None

    @checks.check("a lock is held by one at a time")
    def _():
        inside, most = [0], [0]

        def work():
            client = connect(server)
            for _ in range(5):
                with client.Lock(root + "/lock", "w"):
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                    time.sleep(0.002)
                    inside[0] -= 1
            client.stop()

        threads = [threading.Thread(target=work) for _ in range(4)]
        [t.start() for t in threads]
        [t.join(30) for t in threads]
        assert most[0] == 1 and not any(t.is_alive() for t in threads)

    @checks.check("access lists keep strangers out, also of watches and lists")
    def _():
        owner = connect(server)
        owner.add_auth("digest", "ann:secret")
        owner.create(root + "/sec", b"s", acl=[make_digest_acl("ann", "secret", all=True)])
        for call in (lambda: zk.get(root + "/sec"), lambda: zk.set(root + "/sec", b""), lambda: zk.get_children(root + "/sec"),
                     lambda: zk.create(root + "/sec/x"), lambda: zk.get_acls(root + "/sec"), lambda: zk.set_acls(root + "/sec", [make_digest_acl("a", "b")])):
            refuses(NoAuthError, call)
        refuses(InvalidACLError, lambda: zk.create(root + "/noacl", acl=[ACL(31, Id("nonsense", "x"))]))
        zk.add_auth("digest", "ann:secret")
        assert zk.get(root + "/sec")[0] == b"s"
        owner.stop()

    @checks.check("requests of a session are answered in order")
    def _():
        results = []
        zk.create(root + "/order", b"start")
        pending = []
        for i in range(500):
            pending.append(zk.set_async(root + "/order", b"%d" % i))
            pending.append(zk.get_async(root + "/order"))
        for i in range(500):
            results.append(pending[2 * i + 1].get(timeout=20)[0])
        assert results == [b"%d" % i for i in range(500)]

    zk.delete(root, recursive=True)
    zk.stop()
    return checks.finish()


def text(value):
    return struct.pack(">i", len(value)) + value


def request(connection, xid, operation, body):
    """Sends one request on a bare connection and waits for its reply."""
    frame = struct.pack(">ii", xid, operation) + body
    connection.sendall(struct.pack(">i", len(frame)) + frame)
    return receive(connection)


def receive(connection):
    size = struct.unpack(">i", exactly(connection, 4))[0]
    return exactly(connection, size)


def exactly(connection, count):
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        assert piece, "the server closed the connection"
        data += piece
    return data


def raw_session(server, timeout_ms):
    """A session that never pings."""
    host, port = server.rsplit(":", 1)
    connection = socket.create_connection((host, int(port)), timeout=10)
    frame = struct.pack(">iqiqi", 0, 0, timeout_ms, 0, 16) + bytes(16)
    connection.sendall(struct.pack(">i", len(frame)) + frame)
    assert len(receive(connection)) == 36
    return connection


def wait_for(condition, seconds=5):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
