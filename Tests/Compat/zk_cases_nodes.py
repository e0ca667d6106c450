"""Cases about nodes: creating, deleting, data, children, access lists, transactions."""
import zk_wire as wire
from zk_wire import Connection  # noqa: F401

CASES = []


def case(function):
    CASES.append((function.__name__.replace("_", " "), function))
    return function


@case
def create_and_its_refusals(c):
    c.create("/a", b"data")
    c.create("/a", b"data")
    c.create("/none/b")
    c.create("/a", None, operation=wire.CREATE2)
    c.create("/b", None, operation=wire.CREATE2)
    c.get("/a")
    c.get("/b")
    c.exists()


@case
def create_with_paths_that_are_none(c):
    for path in ("", "a", "/", c.root + "/", c.root + "//a", c.root + "/./a", c.root + "/../a", c.root + "/a/", c.root + "/a\0b", c.root + "/\ud7ff", c.root + "/\uf8ff", c.root + "/\u0001"):
        c.create(path, whole=True)


@case
def create_with_a_null_path(c):
    c.ask(wire.CREATE, wire.buffer(None) + wire.buffer(b"") + wire.acl(wire.WORLD) + wire.i32(0))


@case
def create_with_odd_flags(c):
    for flags in (4, 5, 6, 7, 8, -1):
        c.create("/f%d" % flags, flags=flags)


@case
def create_with_odd_access_lists(c):
    for number, entries in enumerate((
            [], None, [(31, "nobody", "x")], [(31, "world", "someone")], [(31, "auth", "")], [(31, "digest", "a:b")], [(31, "digest", "nocolon")], [(31, "ip", "127.0.0.1")],
            [(31, "ip", "127.0.0.0/8")], [(31, "ip", "bad")], [(31, "ip", "127.0.0.1/99")], [(0, "world", "anyone")], [(32, "world", "anyone")], [(-1, "world", "anyone")],
            [(31, None, "anyone")], [(31, "world", None)], [(1, "world", "anyone"), (2, "world", "anyone")], [(31, "world", "anyone"), (31, "world", "anyone")])):
        c.create("/n%d" % number, entries=entries, on=c.connect())
    c.auth("digest", b"ann:secret")
    c.create("/mine", entries=[(31, "auth", "")])
    c.create("/mine2", entries=[(31, "auth", None)])
    c.get_acl("/mine")
    c.get_acl("/n16")
    c.get_acl("/n17")


@case
def sequence_numbers(c):
    for _ in range(3):
        c.create("/s-", flags=2)
    c.create("/plain")
    c.create("/s-", flags=2)
    c.delete("/plain")
    c.create("/s-", flags=3)
    c.create("/", flags=2)
    c.create("", flags=2)
    c.create("/s/", flags=2)
    c.create("/sub")
    c.create("/sub/", flags=2)
    c.create("/none/s-", flags=2)
    c.children()


@case
def ephemeral_nodes(c):
    c.create("/e", b"1", flags=1)
    c.create("/e/child")
    c.exists("/e")
    other = c.connect()
    c.create("/f", flags=1, on=other)
    c.delete("/f")
    c.create("/g", flags=3, on=other)
    c.children()
    c.ask(wire.CLOSE, on=other, label="close")
    c.children()
    c.exists("/e")


@case
def delete_and_its_refusals(c):
    c.create("/a")
    c.create("/a/b")
    c.delete("/a")
    c.delete("/a/b", 5)
    c.delete("/a/b", 0)
    c.delete("/a/b")
    c.delete("/a", -2)
    c.delete("/a", -1)
    for path in ("/", "/zookeeper", "/zookeeper/quota", "", "a", c.root + "/"):
        c.delete(path, whole=True)
    c.exists()


@case
def set_data_and_its_refusals(c):
    c.create("/a", b"0")
    c.set("/a", b"1")
    c.set("/a", b"22", 1)
    c.set("/a", b"3", 1)
    c.set("/a", None, 2)
    c.get("/a")
    c.set("/none")
    c.set("/a", b"x", -2)
    for path in ("a", "", c.root + "/a/", "/zookeeper/config"):
        c.set(path, whole=True)
    c.set("/a", b"x" * 100_000)
    c.exists("/a")


@case
def reading_what_is_not_there(c):
    c.get("/none")
    c.exists("/none")
    c.children("/none")
    c.children("/none", stat=False)
    c.get_acl("/none")
    for path in ("a", "//", c.root + "/"):
        c.exists(path, whole=True)
        c.get(path, whole=True)
    c.children("a", whole=True)


@case
def reading_at_an_empty_path(c):
    for operation in (wire.EXISTS, wire.GET, wire.CHILDREN):
        c.ask(operation, wire.buffer("") + wire.flag(False), lambda reader: "there" if reader.take(">%ds" % reader.rest) else "nothing")


@case
def stats_over_a_life(c):
    c.create("/a", b"12345")
    c.exists("/a")
    c.create("/a/x")
    c.create("/a/y", flags=1)
    c.exists("/a")
    c.set("/a/x")
    c.exists("/a")
    c.delete("/a/x")
    c.exists("/a")
    c.set("/a", b"")
    c.set_acl("/a", [(31, "world", "anyone")])
    c.exists("/a")
    c.exists("/a/y")
    c.children("/a")
    c.children("/a", stat=False)


@case
def zxids_of_reads_and_refused_writes(c):
    c.exists()
    c.create("/a")
    c.exists()
    c.create("/a")
    c.exists()
    c.delete("/none")
    c.exists()
    c.set("/a", version=9)
    c.get("/a")
    c.create("bad", whole=True)
    c.exists()
    c.create("/x", entries=[])
    c.exists()


@case
def the_nodes_of_the_system(c):
    c.children("/zookeeper", whole=True, stat=False)
    c.ask(wire.EXISTS, wire.buffer("/zookeeper") + wire.flag(False), lambda reader: "there")
    c.ask(wire.EXISTS, wire.buffer("/zookeeper/quota") + wire.flag(False), lambda reader: "there")
    c.ask(wire.GET, wire.buffer("/zookeeper/config") + wire.flag(False), lambda reader: repr(reader.bytes()) and "there")


# MARK: access


@case
def access_lists_are_kept(c):
    c.create("/a")
    c.get_acl("/a")
    c.set_acl("/a", [(1, "world", "anyone"), (31, "digest", "ann:hash")])
    c.get_acl("/a")
    c.set_acl("/a", wire.WORLD, 0)
    c.get_acl("/none")
    c.set_acl("/none", wire.WORLD)
    c.create("/b")
    c.set_acl("/b", wire.WORLD, 3)
    c.set_acl("/b", wire.WORLD, 0)
    c.set_acl("/b", [])
    c.set_acl("/b", [(31, "nobody", "x")])
    c.set_acl("/b", [(31, "auth", "")])
    c.exists("/b")


@case
def each_right_is_asked_for(c):
    for name, bits in (("read", 1), ("write", 2), ("create", 4), ("delete", 8), ("admin", 16)):
        c.create("/" + name, b"d", entries=[(bits, "world", "anyone")])
    for name in ("read", "write", "create", "delete", "admin"):
        c.note(name)
        node = "/" + name
        c.get(node)
        c.children(node)
        c.exists(node)
        c.get_acl(node)
        c.set(node)
        c.create(node + "/child")
        c.delete(node + "/none")
        c.set_acl(node, [(31, "world", "anyone")], 7)


@case
def deleting_asks_the_parent(c):
    c.create("/p", entries=[(4, "world", "anyone")])
    c.create("/p/c", entries=wire.WORLD)
    c.delete("/p/c")
    c.create("/q", entries=[(12, "world", "anyone")])
    c.create("/q/c", entries=[(1, "world", "anyone")])
    c.delete("/q/c")


@case
def digest_identities(c):
    c.auth("digest", b"ann:secret")
    c.create("/a", b"d", entries=[(31, "auth", "")])
    other = c.connect()
    c.get("/a", on=other)
    c.get_acl("/a", on=other)
    c.auth("digest", b"bob:secret", on=other)
    c.set("/a", on=other)
    c.auth("digest", b"ann:wrong", on=other)
    c.set("/a", on=other)
    c.auth("digest", b"ann:secret", on=other)
    c.set("/a", on=other)
    c.get("/a", on=other)


@case
def authentication_that_is_refused(c):
    for scheme, data in (("nonsense", b"x"), ("digest", b"nocolon"), ("digest", b""), ("digest", None), ("world", b"anyone"), ("ip", b"127.0.0.1")):
        other = c.connect()
        c.note(scheme, repr(data))
        c.auth(scheme, data, on=other)
        c.exists(on=other)


# MARK: transactions


def c_(c, name, data=b"", flags=0, entries=wire.WORLD):
    return wire.CREATE, wire.create(c.path(name), data, flags, entries)


def d_(c, name, version=-1):
    return wire.DELETE, wire.buffer(c.path(name)) + wire.i32(version)


def s_(c, name, data=b"s", version=-1):
    return wire.SET, wire.buffer(c.path(name)) + wire.buffer(data) + wire.i32(version)


def k_(c, name, version):
    return wire.CHECK, wire.buffer(c.path(name)) + wire.i32(version)


@case
def a_transaction_that_succeeds(c):
    c.multi(c_(c, "/a"), s_(c, "/a", b"11"), k_(c, "/a", 1), c_(c, "/a/b", b"", 1), (wire.CREATE2, wire.create(c.path("/two"))), c_(c, "/s-", b"", 2), c_(c, "/s-", b"", 2), d_(c, "/two"))
    c.exists("/a")
    c.exists("/a/b")
    c.children()


@case
def a_transaction_that_fails(c):
    c.create("/there")
    for operations in (
            (c_(c, "/a"), c_(c, "/there"), s_(c, "/a")), (k_(c, "/there", 3), c_(c, "/a")), (c_(c, "/a"), d_(c, "/none")), (c_(c, "/a"), s_(c, "/there", b"", 9), d_(c, "/a")),
            (k_(c, "/none", 0),), (c_(c, "/a"), c_(c, "/a/b"), d_(c, "/a")), (c_(c, "/a", entries=[]),), (c_(c, "/a"), (wire.CREATE, wire.create("bad")))):
        c.multi(*operations)
    c.children()
    c.exists("/there")


@case
def transactions_of_odd_shapes(c):
    c.multi()
    c.exists()
    c.multi(k_(c, "", -1))
    c.multi(c_(c, "/a"), d_(c, "/a"))
    c.multi(d_(c, "/none"), d_(c, "/none"))
    c.exists()


@case
def a_transaction_with_a_read(c):
    c.multi((wire.GET, wire.buffer(c.root) + wire.flag(False)))
    c.exists()


@case
def a_transaction_asks_for_rights(c):
    c.create("/locked", entries=[(1, "world", "anyone")])
    c.multi(c_(c, "/a"), c_(c, "/locked/x"))
    c.multi(c_(c, "/a"), s_(c, "/locked"))
    c.multi(k_(c, "/locked", 0))
    c.create("/blind", entries=[(2, "world", "anyone")])
    c.multi(k_(c, "/blind", 0))


@case
def a_check_alone(c):
    c.ask(wire.CHECK, wire.buffer(c.root) + wire.i32(0))
    c.exists()


@case
def reads_in_one_request(c):
    c.create("/a", b"1")
    reads = [(wire.GET, wire.buffer(c.path(name)) + wire.flag(False)) for name in ("/a", "/none")] + [(wire.CHILDREN, wire.buffer(c.root) + wire.flag(False))]
    c.multi(*reads, operation=wire.MULTI_READ)


@case
def events_of_a_transaction(c):
    c.create("/a")
    other = c.connect()
    c.get("/a", watch=True, on=other)
    c.children(watch=True, on=other)
    c.exists("/b", watch=True, on=other)
    c.multi(s_(c, "/a"), c_(c, "/b"), s_(c, "/b"), d_(c, "/a"))
    c.events(other)


# MARK: containers and times to live


@case
def containers(c):
    c.create("/c", b"1", 4, operation=wire.CONTAINER)
    c.exists("/c")
    c.create("/c2", b"1", 0, operation=wire.CONTAINER)
    c.create("/c", b"1", 4, operation=wire.CONTAINER)
    c.create("/c/child")
    c.ask(wire.DELETE_CONTAINER, wire.buffer(c.path("/c")) + wire.i32(-1))
    c.exists("/c")


@case
def nodes_with_a_time_to_live(c):
    for number, (flags, time) in enumerate(((5, 60_000), (6, 60_000), (5, 0), (5, -1), (0, 60_000), (1, 60_000), (5, 1 << 50))):
        c.ask(wire.CREATE_TTL, wire.create(c.path("/t%d" % number), b"", flags) + wire.i64(time), lambda reader: [c.plain(reader.text()), c.stat(reader) if reader.rest else "no stat"])
    c.exists("/t0")
