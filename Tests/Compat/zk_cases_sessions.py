"""Cases about sessions, watches, limits and words of four letters."""
import socket
import struct
import time

import zk_wire as wire
from zk_wire import Closed, Connection

CASES = []


def case(function):
    CASES.append((function.__name__.replace("_", " "), function))
    return function


def greeting(c, connection):
    c.note(connection.greeting_bytes, connection.version, connection.timeout, "a session" if connection.session else "none", len(connection.password))


@case
def a_handshake_and_its_timeouts(c):
    for timeout in (10_000, 0, -1, 1, 3_999, 4_000, 40_000, 40_001, 2_000_000_000):
        greeting(c, c.connect(timeout=timeout))
    for read_only in (None, False, True):
        greeting(c, c.connect(read_only=read_only))


@case
def sessions_that_are_not_there(c):
    for session, password in ((0x1234, b"\0" * 16), (c.main.session, b"\1" * 16), (c.main.session, b"")):
        other = c.connect(session=session, password=password)
        greeting(c, other)
        c.events(other)
    c.exists()


@case
def a_session_taken_over(c):
    c.create("/e", flags=1)
    other = c.connect(session=c.main.session, password=c.main.password)
    c.note("same session" if other.session == c.main.session else "another", "same password" if other.password == c.main.password else "another")
    c.events(c.main, "the first is quiet")
    c.exists("/e", on=other)
    c.create("/f", flags=1, on=other)


@case
def a_client_from_the_future(c):
    try:
        greeting(c, c.connect(last_zxid=1 << 60))
    except (Closed, ConnectionError):
        c.note("closed")


@case
def an_end_by_the_client(c):
    other = c.connect()
    c.create("/e", flags=1, on=other)
    c.ask(wire.CLOSE, on=other, label="close")
    c.events(other)
    c.exists("/e")
    again = c.connect(session=other.session, password=other.password)
    c.note("a session" if again.session else "none")


@case
def a_session_that_falls_silent(c):
    other = c.connect(timeout=4_000)
    c.create("/e", flags=1, on=other)
    c.exists("/e", watch=True)
    began = time.monotonic()
    c.main.socket.settimeout(15)
    while True:
        answered, zxid, error, reader = c.main.reply()
        if answered == -1:
            c.note(c.event(zxid, reader)[:4], "in time" if 3.5 < time.monotonic() - began < 8.5 else "not in time")
            return


@case
def pings(c):
    c.ask(wire.PING, xid=-2)
    c.ask(wire.PING, xid=7)
    c.exists()


@case
def sync_answers_with_the_path(c):
    c.ask(wire.SYNC, wire.buffer(c.root), lambda reader: c.plain(reader.text()))
    c.ask(wire.SYNC, wire.buffer("/none"), lambda reader: reader.text())
    c.exists()


@case
def requests_in_a_row_are_answered_in_order(c):
    for number in range(20):
        c.main.request(wire.CREATE if number % 2 else wire.EXISTS, wire.create(c.path("/n%d" % number)) if number % 2 else wire.buffer(c.path("/n%d" % (number - 1))) + wire.flag(False), 100 + number)
    for _ in range(20):
        answered, zxid, error, _ = c.main.reply()
        c.note(answered, error, c.zxid(zxid))


@case
def operations_beyond_the_common(c):
    for operation in (999, 10, 102, 0, -1):
        other = c.connect()
        c.note(operation)
        c.ask(operation, wire.buffer(c.root) + wire.i32(0), on=other)
        c.exists(on=other)


@case
def counting_below_a_node(c):
    c.create("/a")
    c.create("/a/b")
    c.create("/e", flags=1)
    c.create("/a/e", flags=1)
    c.ask(wire.CHILDREN_NUMBER, wire.buffer(c.root), lambda reader: reader.i32())
    c.ask(wire.CHILDREN_NUMBER, wire.buffer(c.path("/none")), lambda reader: reader.i32())
    c.ask(wire.EPHEMERALS, wire.buffer(c.root), lambda reader: sorted(c.plain(path) for path in reader.texts()))
    c.ask(wire.EPHEMERALS, wire.buffer(c.path("/a")), lambda reader: sorted(c.plain(path) for path in reader.texts()))
    c.ask(wire.EPHEMERALS, wire.buffer("/none"), lambda reader: reader.texts())


@case
def who_am_i(c):
    def read(reader):
        return [[reader.text(), reader.text()] for _ in range(reader.i32())]

    c.ask(wire.WHO_AM_I, b"", read)
    c.auth("digest", b"ann:secret")
    c.ask(wire.WHO_AM_I, b"", read)


@case
def reconfiguring_a_single_server(c):
    c.ask(wire.RECONFIG, wire.buffer(None) + wire.buffer(None) + wire.buffer("server.1=localhost:1:2") + wire.i64(-1))
    c.exists()


# MARK: watches


@case
def data_watches(c):
    c.create("/a", b"1")
    other = c.connect()
    c.get("/a", watch=True, on=other)
    c.set("/a")
    c.events(other)
    c.set("/a")
    c.events(other, "once only")
    c.exists("/a", watch=True, on=other)
    c.delete("/a")
    c.events(other)
    c.exists("/a", watch=True, on=other)
    c.create("/a")
    c.events(other)
    c.get("/none", watch=True, on=other)
    c.create("/none")
    c.events(other, "no watch on what is not there")


@case
def child_watches(c):
    c.create("/a")
    other = c.connect()
    c.children("/a", watch=True, on=other)
    c.set("/a")
    c.events(other, "not for data")
    c.create("/a/b")
    c.events(other)
    c.children("/a", watch=True, on=other)
    c.set("/a/b")
    c.events(other, "not for a child's data")
    c.delete("/a/b")
    c.events(other)
    c.children("/a", watch=True, on=other, stat=False)
    c.delete("/a")
    c.events(other)
    c.children("/none", watch=True, on=other)
    c.create("/none")
    c.events(other)


@case
def an_event_comes_before_the_reply(c):
    c.create("/a")
    c.get("/a", watch=True)
    c.children(watch=True)
    c.set("/a")
    c.get("/a", watch=True)
    c.delete("/a")
    c.exists("/a", watch=True)
    c.children(watch=True)
    c.create("/a")


@case
def several_watches_on_one_node(c):
    c.create("/a")
    other = c.connect()
    c.get("/a", watch=True, on=other)
    c.exists("/a", watch=True, on=other)
    c.children("/a", watch=True, on=other)
    c.delete("/a")
    c.events(other)


@case
def watches_and_the_end_of_a_session(c):
    c.create("/p")
    owner = c.connect()
    c.create("/p/e1", flags=1, on=owner)
    c.exists("/p/e1", watch=True)
    c.children("/p", watch=True)
    c.ask(wire.CLOSE, on=owner, label="close")
    c.events(c.main)


def set_watches(c, on, zxid, data=(), exists=(), children=(), operation=wire.SET_WATCHES):
    lists = [wire.strings([c.path(path) for path in paths]) for paths in (data, exists, children)]
    c.ask(operation, wire.i64(zxid) + b"".join(lists), on=on, label="set watches", xid=-8)


@case
def watches_set_again(c):
    for name in ("/same", "/changed", "/deleted", "/parent"):
        c.create(name)
    seen = c.base + 4
    c.set("/changed")
    c.delete("/deleted")
    c.create("/parent/child")
    other = c.connect()
    set_watches(c, other, seen, data=("/same", "/changed", "/deleted"), exists=("/same", "/none"), children=("/parent", "/same", "/deleted"))
    c.events(other, "what was missed has come")
    c.set("/same")
    c.create("/none")
    c.create("/same/child")
    c.events(other)


@case
def persistent_watches(c):
    c.create("/a")
    other = c.connect()
    c.ask(wire.ADD_WATCH, wire.buffer(c.path("/a")) + wire.i32(0), on=other, label="add watch")
    c.set("/a")
    c.create("/a/b")
    c.set("/a/b")
    c.delete("/a/b")
    c.delete("/a")
    c.create("/a")
    c.events(other)


@case
def recursive_watches(c):
    c.create("/a")
    other = c.connect()
    c.ask(wire.ADD_WATCH, wire.buffer(c.path("/a")) + wire.i32(1), on=other, label="add watch")
    c.create("/a/b")
    c.create("/a/b/c")
    c.set("/a/b/c")
    c.set("/a")
    c.delete("/a/b/c")
    c.events(other)


@case
def watches_added_wrongly(c):
    for mode in (2, -1):
        c.ask(wire.ADD_WATCH, wire.buffer(c.root) + wire.i32(mode), label="add watch")
    c.ask(wire.ADD_WATCH, wire.buffer("bad") + wire.i32(0), label="add watch")
    c.exists()


@case
def watches_taken_back(c):
    c.create("/a")
    for operation in (wire.CHECK_WATCHES, wire.REMOVE_WATCHES):
        c.ask(operation, wire.buffer(c.path("/a")) + wire.i32(3), label="none there")
    c.get("/a", watch=True)
    c.ask(wire.CHECK_WATCHES, wire.buffer(c.path("/a")) + wire.i32(2), label="check data")
    c.ask(wire.CHECK_WATCHES, wire.buffer(c.path("/a")) + wire.i32(1), label="check children")
    c.ask(wire.REMOVE_WATCHES, wire.buffer(c.path("/a")) + wire.i32(2), label="remove data")
    c.events(c.main)
    c.set("/a")


# MARK: limits


def raw(c, data, label):
    with socket.create_connection(tuple([c.address.split(":")[0], int(c.address.split(":")[1])]), timeout=5) as peer:
        try:
            peer.sendall(data)
            c.note(label, repr(peer.recv(100)))
        except TimeoutError:
            c.note(label, "waits")
        except ConnectionError:
            c.note(label, repr(b""))


@case
def frames_that_are_none(c):
    for length in (0, -1, 0x100000, 0x7FFFFFFF):
        other = c.connect()
        other.socket.sendall(struct.pack(">i", length) + b"x" * 16)
        c.note(length)
        c.events(other)


@case
def a_request_that_ends_early(c):
    for body in (wire.buffer("/"), wire.i32(100) + b"abc", b""):
        other = c.connect()
        c.ask(wire.SET, body, on=other)
        c.exists(on=other)


@case
def data_at_the_limit(c):
    c.create("/big", b"x" * 1_000_000)
    c.exists("/big")
    other = c.connect()
    c.create("/bigger", b"x" * 0x100000, on=other)


@case
def words_of_four_letters(c):
    raw(c, b"ruok", "ruok")
    raw(c, b"isro", "isro")
    raw(c, b"zzzz", "zzzz")
    raw(c, b"RUOK", "RUOK")
