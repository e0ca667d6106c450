"""What coord_probe.py asks, by subject. Each case is one request; its label names it in the recorded answers."""
import struct

import zkwire as zk
from zkwire import Closed, Wire


def creates(probe):
    p = probe.p
    probe.section("create and its errors")
    probe.ask("plain", "create", zk.create(p("/a"), b"x"))
    probe.ask("again", "create", zk.create(p("/a"), b"x"))
    probe.ask("null data", "create2", zk.create(p("/null"), None))
    probe.ask("read null", "getData", zk.path_watch(p("/null")))
    probe.ask("empty data", "create2", zk.create(p("/empty"), b""))
    probe.ask("no parent", "create", zk.create(p("/x/y")))
    probe.ask("sequence", "create", zk.create(p("/s-"), flags=2))
    probe.ask("sequence with slash", "create", zk.create(p("/a/"), flags=2))
    probe.ask("ephemeral sequence", "create2", zk.create(p("/es-"), flags=3))
    probe.ask("ephemeral", "create2", zk.create(p("/e"), flags=1))
    probe.ask("below ephemeral", "create", zk.create(p("/e/c")))
    for flags in (4, 5, 6, 7, -1, 99):
        probe.ask("create flags %d" % flags, "create", zk.create(p("/f%d" % flags), flags=flags))
        probe.ask("create2 flags %d" % flags, "create2", zk.create(p("/g%d" % flags), flags=flags))
    probe.ask("null path", "create", zk.create(None))
    for bad in ("", "rel", "/", "//", "/./x", "/../x", p("/t/"), p("//d"), p("/a/./b"), p("/a/.."), p("/c\x01"), p("/z\x00"), p("/del\x7f"),
                p("/\ue000"), p("/\ufff0"), p("/ok\u00e4\u6f22"), p("/\U0001f600")):
        probe.ask("path %r" % probe.mask(bad), "create", zk.create(bad))
    probe.ask("null acl", "create", zk.create(p("/l1"), acl=None))
    probe.ask("empty acl", "create", zk.create(p("/l2"), acl=[]))
    for acl in ([(31, "nonsense", "x")], [(31, "world", "someone")], [(31, "auth", "")], [(31, "digest", "nocolon")], [(31, "digest", "a:b:c")],
                [(31, "ip", "1.2.3.400")], [(31, "ip", "10.0.0.0/8")], [(31, "ip", "10.0.0.0/33")], [(31, "ip", "::1")], [(31, "ip", "::/0")],
                [(0, "world", "anyone")], [(255, "world", "anyone")],
                [(31, "sasl", "bob")], [(31, "sasl", "")], [(31, "super", "x")], [(1, "world", "anyone"), (1, "world", "anyone")]):
        path = p("/acl%d" % len(probe.lines))
        probe.ask("acl %s" % acl, "create", zk.create(path, acl=acl))
        probe.ask("  getACL", "getACL", zk.text(path))
    probe.ask("acl error before missing parent?", "create", zk.create(p("/x/y"), acl=[]))
    probe.ask("acl error before existing node?", "create", zk.create(p("/a"), acl=[]))
    probe.ask("acl error before bad path?", "create", zk.create(p("/a//"), acl=[]))
    probe.ask("children", "getChildren2", zk.path_watch(p("/a")))


def reads(probe):
    p = probe.p
    probe.section("reads and their errors")
    probe.ask("create", "create", zk.create(p("/a"), b"data"))
    for operation in ("exists", "getData", "getChildren", "getChildren2"):
        probe.ask(operation, operation, zk.path_watch(p("/a")))
        probe.ask(operation + " missing", operation, zk.path_watch(p("/none")))
        for bad in (None, "rel", "//", p("/a/"), p("//a"), p("/a/./b"), p("/\x01")):
            probe.ask("%s %r" % (operation, probe.mask(bad)), operation, zk.path_watch(bad))
        probe.say("%s '' is the root: %s" % (operation, probe.wire.call(operation, zk.path_watch(""))[2] == 0))
    for operation in ("getACL", "sync", "getEphemerals", "getAllChildrenNumber"):
        for path in (p("/a"), p("/none"), None, "rel", p("/a/"), p("//a")):
            probe.ask("%s %r" % (operation, probe.mask(path)), operation, zk.text(path))
    probe.ask("whoAmI", "whoAmI")
    probe.ask("whoAmI with auth", "auth", struct.pack(">i", 0) + zk.text("digest") + zk.text("ann:secret"), xid=-4)
    probe.ask("whoAmI", "whoAmI")
    probe.ask("getChildren of a leaf", "getChildren", zk.path_watch(p("/a")))
    probe.ask("ephemeral 1", "create", zk.create(p("/a/e1"), flags=1))
    probe.ask("ephemeral 2", "create", zk.create(p("/a/e2"), flags=1))
    probe.ask("nested", "create", zk.create(p("/a/b")))
    probe.ask("nested", "create", zk.create(p("/a/b/c")))
    probe.ask("getEphemerals root", "getEphemerals", zk.text("/"))
    probe.ask("getEphemerals prefix", "getEphemerals", zk.text(p("/a/e1")))
    probe.ask("getEphemerals none", "getEphemerals", zk.text("/nothing"))
    probe.ask("getAllChildrenNumber", "getAllChildrenNumber", zk.text(p("")))
    probe.ask("getAllChildrenNumber of a leaf", "getAllChildrenNumber", zk.text(p("/a/b/c")))


def writes(probe):
    p = probe.p
    probe.section("setData, setACL, delete, check")
    probe.ask("create", "create2", zk.create(p("/a"), b"0"))
    probe.ask("set any", "setData", zk.set_data(p("/a"), b"one"))
    probe.ask("set version 1", "setData", zk.set_data(p("/a"), None, 1))
    probe.ask("set wrong", "setData", zk.set_data(p("/a"), b"", 1))
    probe.ask("set missing", "setData", zk.set_data(p("/none"), b""))
    for bad in (None, "", "rel", p("/a/"), "//", p("/a/./b")):
        probe.ask("set %r" % probe.mask(bad), "setData", zk.set_data(bad, b""))
        probe.ask("setACL %r" % probe.mask(bad), "setACL", zk.set_acl(bad, zk.OPEN))
        probe.ask("delete %r" % probe.mask(bad), "delete", zk.path_version(bad))
    probe.ask("set config", "setData", zk.set_data("/zookeeper/config", b""))
    probe.ask("setACL any", "setACL", zk.set_acl(p("/a"), [(31, "world", "anyone")]))
    probe.ask("setACL wrong", "setACL", zk.set_acl(p("/a"), zk.OPEN, 7))
    probe.ask("setACL bad", "setACL", zk.set_acl(p("/a"), []))
    probe.ask("setACL bad and wrong version", "setACL", zk.set_acl(p("/a"), [], 9))
    probe.ask("setACL bad missing", "setACL", zk.set_acl(p("/none"), []))
    probe.ask("setACL missing", "setACL", zk.set_acl(p("/none"), zk.OPEN))
    probe.ask("exists", "exists", zk.path_watch(p("/a")))
    probe.ask("child", "create", zk.create(p("/a/c")))
    probe.ask("delete with children", "delete", zk.path_version(p("/a")))
    probe.ask("delete with children, wrong version", "delete", zk.path_version(p("/a"), 99))
    probe.ask("delete child wrong", "delete", zk.path_version(p("/a/c"), 5))
    probe.ask("delete child", "delete", zk.path_version(p("/a/c"), 0))
    probe.ask("parent", "exists", zk.path_watch(p("/a")))
    probe.ask("delete missing", "delete", zk.path_version(p("/none")))
    probe.ask("delete missing parent", "delete", zk.path_version(p("/none/x")))
    probe.ask("delete root", "delete", zk.path_version("/"))
    probe.ask("delete /zookeeper", "delete", zk.path_version("/zookeeper"))
    probe.ask("delete /zookeeper/quota", "delete", zk.path_version("/zookeeper/quota"))
    probe.ask("delete /zookeeper/config", "delete", zk.path_version("/zookeeper/config"))
    probe.ask("check at top level", "check", zk.path_version(p("/a"), 2))
    probe.ask("negative version", "setData", zk.set_data(p("/a"), b"", -5))


def multis(probe):
    p = probe.p
    probe.section("multi")
    probe.ask("empty", "multi", zk.multi())
    probe.ask("all kinds", "multi", zk.multi(
        ("create", zk.create(p("/m"), b"1")), ("create2", zk.create(p("/m2"), b"2")), ("setData", zk.set_data(p("/m"), b"22", 0)),
        ("check", zk.path_version(p("/m"), 1)), ("delete", zk.path_version(p("/m2"), 0))))
    probe.ask("sequence in one multi", "multi", zk.multi(("create", zk.create(p("/q-"), flags=2)), ("create", zk.create(p("/q-"), flags=2))))
    probe.ask("fails", "multi", zk.multi(("create", zk.create(p("/n"))), ("check", zk.path_version(p("/none"), 0)), ("delete", zk.path_version(p("/m")))))
    probe.ask("fails first", "multi", zk.multi(("delete", zk.path_version(p("/none"))), ("create", zk.create(p("/n")))))
    probe.ask("nothing happened", "exists", zk.path_watch(p("/n")))
    probe.ask("bad version", "multi", zk.multi(("setData", zk.set_data(p("/m"), b"", 77)), ("create", zk.create(p("/n")))))
    probe.ask("a bad path", "multi", zk.multi(("create", zk.create("rel")), ("create", zk.create(p("/n")))))
    probe.ask("bad flags", "multi", zk.multi(("create", zk.create(p("/n"), flags=9))))
    probe.ask("bad acl", "multi", zk.multi(("create", zk.create(p("/n"), acl=[]))))
    probe.ask("check without version", "multi", zk.multi(("check", zk.path_version(p("/m")))))
    probe.ask("check missing any version", "multi", zk.multi(("check", zk.path_version(p("/none")))))
    probe.ask("create, then child, then delete both", "multi", zk.multi(
        ("create", zk.create(p("/t"))), ("create", zk.create(p("/t/u"))), ("delete", zk.path_version(p("/t/u"))), ("delete", zk.path_version(p("/t")))))
    probe.ask("container and ttl", "multi", zk.multi(("createContainer", zk.create(p("/con"), flags=4)), ("createTTL", zk.create_ttl(p("/ttl"), 5000))))
    probe.ask("read inside", "multi", zk.multi(("create", zk.create(p("/r"))), ("getData", zk.path_watch(p("/m")))))
    probe.ask("after it", "exists", zk.path_watch(p("/r")))
    probe.ask("setACL inside", "multi", zk.multi(("setACL", zk.set_acl(p("/m"), zk.OPEN))))
    probe.ask("after it", "exists", zk.path_watch(p("/m")))
    probe.ask("ping inside", "multi", zk.multi(("ping", b"")))
    probe.section("multiRead")
    probe.ask("create", "create", zk.create(p("/a"), b"data"))
    probe.ask("empty", "multiRead", zk.multi())
    probe.ask("mixed", "multiRead", zk.multi(
        ("getData", zk.path_watch(p("/a"))), ("getChildren", zk.path_watch(p("/none"))), ("getChildren", zk.path_watch(p("")))))
    probe.ask("write inside", "multiRead", zk.multi(("create", zk.create(p("/x")))))
    probe.ask("after it", "exists", zk.path_watch(p("/x")))
    probe.ask("exists inside", "multiRead", zk.multi(("exists", zk.path_watch(p("/a")))))
    probe.ask("with watch", "multiRead", zk.multi(("getData", zk.path_watch(p("/a"), True))))
    probe.ask("fires", "setData", zk.set_data(p("/a"), b"new"))
    probe.ask("bad path", "multiRead", zk.multi(("getData", zk.path_watch("rel")), ("getChildren", zk.path_watch(p("/a")))))


def kinds_of_nodes(probe):
    p = probe.p
    probe.section("containers and nodes with a time to live")
    probe.ask("container", "createContainer", zk.create(p("/c"), flags=4))
    for flags in (0, 1, 2, 5):
        probe.ask("createContainer flags %d" % flags, "createContainer", zk.create(p("/c%d" % flags), flags=flags))
    probe.ask("child of a container", "create2", zk.create(p("/c/x")))
    probe.ask("ephemeral child of a container", "create2", zk.create(p("/c/e"), flags=1))
    probe.ask("ttl", "createTTL", zk.create_ttl(p("/t"), 60000))
    probe.ask("ttl sequential", "createTTL", zk.create_ttl(p("/t-"), 60000, flags=6))
    for ttl in (0, -1, 1, 0xffffffffff, 0x10000000000):
        probe.ask("ttl %d" % ttl, "createTTL", zk.create_ttl(p("/t%d" % (ttl & 0xffffffffffff)), ttl))
    for flags in (0, 1, 4):
        probe.ask("createTTL flags %d" % flags, "createTTL", zk.create_ttl(p("/tf%d" % flags), 60000, flags=flags))
    probe.ask("child of ttl", "create2", zk.create(p("/t/x")))
    probe.ask("getEphemerals", "getEphemerals", zk.text(p("")))


def watch_order(probe):
    p = probe.p
    probe.section("one-time watches")
    probe.ask("create", "create", zk.create(p("/a")))
    probe.ask("get", "getData", zk.path_watch(p("/a"), True))
    probe.ask("children", "getChildren", zk.path_watch(p("/a"), True))
    probe.ask("exists missing", "exists", zk.path_watch(p("/b"), True))
    probe.ask("getData missing leaves no watch", "getData", zk.path_watch(p("/d"), True))
    probe.ask("set", "setData", zk.set_data(p("/a"), b"1"))
    probe.ask("set again", "setData", zk.set_data(p("/a"), b"2"))
    probe.ask("create child", "create", zk.create(p("/a/c")))
    probe.ask("create b", "create", zk.create(p("/b")))
    probe.ask("create d", "create", zk.create(p("/d")))
    probe.ask("watch parent", "getChildren", zk.path_watch(p("/a"), True))
    probe.ask("watch child data", "getData", zk.path_watch(p("/a/c"), True))
    probe.ask("watch child's children", "getChildren", zk.path_watch(p("/a/c"), True))
    probe.ask("watch child exists", "exists", zk.path_watch(p("/a/c"), True))
    probe.ask("delete child", "delete", zk.path_version(p("/a/c")))
    probe.ask("watch a", "exists", zk.path_watch(p("/a"), True))
    probe.ask("failed set fires nothing", "setData", zk.set_data(p("/a"), b"", 99))
    probe.ask("setACL fires nothing", "setACL", zk.set_acl(p("/a"), zk.OPEN))
    probe.ask("multi", "multi", zk.multi(("setData", zk.set_data(p("/a"), b"3")), ("setData", zk.set_data(p("/a"), b"4")), ("create", zk.create(p("/a/z")))))
    probe.ask("watch a", "getChildren", zk.path_watch(p("/a"), True))
    probe.ask("ephemeral of another", "exists", zk.path_watch(p("/a/e"), True))
    other = Wire(probe.server)
    other.call("create", zk.create(p("/a/e"), flags=1))
    probe.ask("sees it", "exists", zk.path_watch(p("/a/e"), True))
    probe.ask("watch a again", "getChildren", zk.path_watch(p("/a"), True))
    other.close()
    probe.ask("sees it gone", "exists", zk.path_watch(p("/a/e")))


def add_watch(path, mode):
    return zk.text(path) + struct.pack(">i", mode)


def persistent_watches(probe):
    p = probe.p
    probe.section("persistent watches")
    probe.ask("create", "create", zk.create(p("/a")))
    probe.ask("add", "addWatch", add_watch(p("/a"), 0))
    probe.ask("set", "setData", zk.set_data(p("/a"), b"1"))
    probe.ask("set", "setData", zk.set_data(p("/a"), b"2"))
    probe.ask("child", "create", zk.create(p("/a/b")))
    probe.ask("grandchild", "create", zk.create(p("/a/b/c")))
    probe.ask("child data", "setData", zk.set_data(p("/a/b"), b"1"))
    probe.ask("delete grandchild", "delete", zk.path_version(p("/a/b/c")))
    probe.ask("delete child", "delete", zk.path_version(p("/a/b")))
    probe.ask("delete", "delete", zk.path_version(p("/a")))
    probe.ask("again", "create", zk.create(p("/a")))
    probe.ask("with a one-time watch beside it", "getData", zk.path_watch(p("/a"), True))
    probe.ask("set", "setData", zk.set_data(p("/a"), b"2"))
    probe.ask("set", "setData", zk.set_data(p("/a"), b"2"))
    for label, mode in (("negative", -1), ("2", 2)):
        probe.ask("bad mode %s" % label, "addWatch", add_watch(p("/a"), mode))
    probe.ask("bad path", "addWatch", add_watch("rel", 0))
    probe.section("persistent recursive watches")
    probe.ask("add before it exists", "addWatch", add_watch(p("/a"), 1))
    probe.ask("create", "create", zk.create(p("/a")))
    probe.ask("child", "create", zk.create(p("/a/b")))
    probe.ask("grandchild", "create", zk.create(p("/a/b/c")))
    probe.ask("sibling prefix", "create", zk.create(p("/ab")))
    probe.ask("set", "setData", zk.set_data(p("/a/b"), b"1"))
    probe.ask("a child watch beside it", "getChildren", zk.path_watch(p("/a/b"), True))
    probe.ask("delete", "delete", zk.path_version(p("/a/b/c")))
    probe.ask("and a persistent one", "addWatch", add_watch(p("/a/b"), 0))
    probe.ask("set", "setData", zk.set_data(p("/a/b"), b"1"))
    probe.ask("child", "create", zk.create(p("/a/b/c")))
    probe.ask("multi", "multi", zk.multi(("setData", zk.set_data(p("/a"), b"")), ("delete", zk.path_version(p("/a/b/c"))), ("delete", zk.path_version(p("/a/b")))))
    probe.ask("now persistent instead of recursive", "addWatch", add_watch(p("/a"), 0))
    probe.ask("child", "create", zk.create(p("/a/b")))
    probe.ask("grandchild", "create", zk.create(p("/a/b/c")))


def watch_removal(probe):
    p = probe.p
    kinds = {"children": 1, "data": 2, "any": 3, "persistent": 4, "recursive": 5, "bad 0": 0, "bad 9": 9}
    ask = lambda label, op, path, kind: probe.ask(label, op, zk.text(path) + struct.pack(">i", kinds[kind]))
    probe.section("checkWatches and removeWatches")
    probe.ask("create", "create", zk.create(p("/a")))
    for kind in kinds:
        ask("check %s, none there" % kind, "checkWatches", p("/a"), kind)
        ask("remove %s, none there" % kind, "removeWatches", p("/a"), kind)
    probe.ask("data watch", "getData", zk.path_watch(p("/a"), True))
    for kind in kinds:
        ask("check %s with a data watch" % kind, "checkWatches", p("/a"), kind)
    ask("remove children", "removeWatches", p("/a"), "children")
    ask("remove data", "removeWatches", p("/a"), "data")
    probe.ask("set fires nothing", "setData", zk.set_data(p("/a"), b""))
    probe.ask("child watch", "getChildren", zk.path_watch(p("/a"), True))
    ask("remove any", "removeWatches", p("/a"), "any")
    probe.ask("child fires nothing", "create", zk.create(p("/a/1")))
    probe.ask("persistent", "addWatch", add_watch(p("/a"), 0))
    for kind in kinds:
        ask("check %s with a persistent watch" % kind, "checkWatches", p("/a"), kind)
    ask("remove data", "removeWatches", p("/a"), "data")
    probe.ask("set", "setData", zk.set_data(p("/a"), b""))
    probe.ask("child", "create", zk.create(p("/a/2")))
    ask("check any", "checkWatches", p("/a"), "any")
    ask("remove persistent", "removeWatches", p("/a"), "persistent")
    ask("again", "removeWatches", p("/a"), "persistent")
    probe.ask("recursive", "addWatch", add_watch(p("/a"), 1))
    for kind in kinds:
        ask("check %s with a recursive watch" % kind, "checkWatches", p("/a"), kind)
    ask("remove recursive", "removeWatches", p("/a"), "recursive")
    probe.ask("set fires nothing", "setData", zk.set_data(p("/a"), b""))
    probe.ask("recursive", "addWatch", add_watch(p("/a"), 1))
    probe.ask("data", "getData", zk.path_watch(p("/a"), True))
    ask("remove any", "removeWatches", p("/a"), "any")
    probe.ask("set", "setData", zk.set_data(p("/a"), b""))
    ask("bad path", "removeWatches", "rel", "any")
    ask("bad path", "checkWatches", "rel", "any")


def set_watches(probe):
    p = probe.p
    probe.section("setWatches replays what was missed")
    lists = lambda zxid, *names: struct.pack(">q", zxid) + b"".join(zk.texts(n) for n in names)
    probe.ask("create", "create", zk.create(p("/changed")))
    probe.ask("create", "create", zk.create(p("/same")))
    probe.ask("create", "create", zk.create(p("/kids")))
    probe.ask("create", "create", zk.create(p("/gone")))
    then = probe.wire.call("exists", zk.path_watch("/"))[1]
    probe.ask("set", "setData", zk.set_data(p("/changed"), b"1"))
    probe.ask("child", "create", zk.create(p("/kids/1")))
    probe.ask("delete", "delete", zk.path_version(p("/gone")))
    probe.ask("create", "create", zk.create(p("/born")))
    names = ([p("/changed"), p("/same"), p("/gone"), p("/kids")], [p("/born"), p("/unborn"), p("/same")], [p("/kids"), p("/same"), p("/gone"), p("/changed")])
    probe.ask("setWatches", "setWatches", lists(then, *names), xid=-8)
    probe.ask("set same", "setData", zk.set_data(p("/same"), b"1"))
    probe.ask("create unborn", "create", zk.create(p("/unborn")))
    probe.ask("child of same", "create", zk.create(p("/same/1")))
    probe.ask("delete kids/1", "delete", zk.path_version(p("/kids/1")))
    then = probe.wire.call("exists", zk.path_watch("/"))[1]
    probe.ask("set", "setData", zk.set_data(p("/changed"), b"1"))
    probe.ask("setWatches2", "setWatches2", lists(then, [p("/changed"), p("/same")], [], [], [p("/changed"), p("/same")], [p("/kids")]), xid=-8)
    probe.ask("set same", "setData", zk.set_data(p("/same"), b"2"))
    probe.ask("set same", "setData", zk.set_data(p("/same"), b"3"))
    probe.ask("set changed", "setData", zk.set_data(p("/changed"), b"3"))
    probe.ask("child of kids", "create", zk.create(p("/kids/2")))
    probe.ask("empty", "setWatches", lists(0, [], [], []), xid=-8)
    probe.ask("with another xid", "setWatches", lists(0, [], [], []), xid=12)


def access(probe):
    p = probe.p
    probe.section("access")
    owner = Wire(probe.server)
    owner.call("auth", struct.pack(">i", 0) + zk.text("digest") + zk.text("ann:secret"), xid=-4)
    nothing = [(31, "auth", "")]
    owner.call("create", zk.create(p("/n"), b"1", acl=nothing))
    owner.call("create", zk.create(p("/n/c"), b"1", acl=nothing))
    probe.base = owner.call("exists", zk.path_watch("/"))[1]
    probe.ask("exists", "exists", zk.path_watch(p("/n")))
    for operation in ("getData", "getChildren", "getChildren2"):
        probe.ask(operation, operation, zk.path_watch(p("/n")))
    probe.ask("getACL", "getACL", zk.text(p("/n")))
    probe.ask("getEphemerals", "getEphemerals", zk.text(p("/n")))
    probe.ask("getAllChildrenNumber", "getAllChildrenNumber", zk.text(p("/n")))
    probe.ask("sync", "sync", zk.text(p("/n")))
    for name, body in (("create", zk.create(p("/n/x"))), ("create2", zk.create(p("/n/x"))), ("createContainer", zk.create(p("/n/x"), flags=4)),
                       ("createTTL", zk.create_ttl(p("/n/x"), 1000)), ("delete", zk.path_version(p("/n/c"))), ("setData", zk.set_data(p("/n"), b"")),
                       ("setACL", zk.set_acl(p("/n"), zk.OPEN))):
        probe.ask(name, name, body)
    probe.ask("set with wrong version", "setData", zk.set_data(p("/n"), b"", 9))
    probe.ask("delete with wrong version", "delete", zk.path_version(p("/n/c"), 9))
    probe.ask("create existing", "create", zk.create(p("/n/c")))
    probe.ask("create with bad acl", "create", zk.create(p("/n/x"), acl=[]))
    probe.ask("setACL bad", "setACL", zk.set_acl(p("/n"), []))
    probe.ask("delete missing", "delete", zk.path_version(p("/n/none")))
    probe.ask("create a bad name", "create", zk.create(p("/n/..")))
    probe.ask("exists, missing", "exists", zk.path_watch(p("/n/none")))
    probe.ask("multi check", "multi", zk.multi(("check", zk.path_version(p("/n"), 0))))
    probe.ask("multi create", "multi", zk.multi(("create", zk.create(p("/n/x")))))
    probe.ask("multiRead", "multiRead", zk.multi(("getData", zk.path_watch(p("/n")))))
    probe.ask("addWatch", "addWatch", add_watch(p("/n"), 1))
    probe.ask("exists with watch", "exists", zk.path_watch(p("/n/c"), True))
    owner.call("setData", zk.set_data(p("/n"), b"secret"))
    owner.call("setData", zk.set_data(p("/n/c"), b"secret"))
    owner.call("delete", zk.path_version(p("/n/c")))
    probe.ask("no event is told", "ping", xid=-2)
    probe.ask("auth wrong scheme", "auth", struct.pack(">i", 0) + zk.text("nonsense") + zk.text("x"), xid=-4)
    probe.say("closed: %s" % probe.wire.is_closed())
    probe.section("access with identities")
    probe.ask("auth", "auth", struct.pack(">i", 0) + zk.text("digest") + zk.text("ann:secret"), xid=-4)
    probe.ask("create auth", "create", zk.create(p("/mine"), acl=[(31, "auth", "ignored")]))
    probe.ask("getACL", "getACL", zk.text(p("/mine")))
    probe.ask("second auth", "auth", struct.pack(">i", 0) + zk.text("digest") + zk.text("bob:secret"), xid=-4)
    probe.ask("create auth", "create", zk.create(p("/ours"), acl=[(31, "auth", "")]))
    probe.ask("getACL", "getACL", zk.text(p("/ours")))
    probe.ask("read only", "create", zk.create(p("/ro"), acl=[(1, "world", "anyone")]))
    probe.ask("getACL of a stranger's node", "getACL", zk.text(p("/ro")))
    probe.ask("digest in the open", "create", zk.create(p("/shown"), acl=[(31, "digest", "zoe:hash"), (1, "world", "anyone")]))
    probe.ask("getACL without admin", "getACL", zk.text(p("/shown")))
    probe.ask("ip auth", "auth", struct.pack(">i", 0) + zk.text("ip") + zk.text(""), xid=-4)
    probe.ask("digest without colon", "auth", struct.pack(">i", 0) + zk.text("digest") + zk.text("nocolon"), xid=-4)
    probe.ask("whoAmI", "whoAmI")


def sessions(probe):
    p = probe.p
    probe.section("sessions")
    for asked in (0, -5, 1, 4000, 5000, 40000, 10 ** 9):
        wire = Wire(probe.server, timeout=asked)
        probe.say("timeout %d gives %d" % (asked, wire.timeout))
        wire.close()
    for readonly in (None, False, True):
        wire = Wire(probe.server, readonly=readonly)
        probe.say("readOnly %s gives %d bytes, last %r" % (readonly, len(wire.answer), wire.answer[36:]))
        wire.close()
    first = Wire(probe.server)
    again = Wire(probe.server, session=first.session, password=first.password, timeout=20000)
    probe.say("re-attached: same id %s, same password %s, timeout %d, old connection closed %s" % (
        again.session == first.session, again.password == first.password, again.timeout, first.is_closed()))
    wrong = Wire(probe.server, session=again.session, password=b"x" * 16)
    probe.say("wrong password: id %d timeout %d password %s closed %s" % (wrong.session, wrong.timeout, wrong.password == bytes(16), wrong.is_closed()))
    probe.ask("the session lives on", "exists", zk.path_watch(p("")))
    again.close()
    unknown = Wire(probe.server, session=0x123456, password=b"x" * 16)
    probe.say("unknown session: id %d timeout %d closed %s" % (unknown.session, unknown.timeout, unknown.is_closed()))
    try:
        ahead = Wire(probe.server, zxid=1 << 62)
        probe.say("a client that saw the future: id %d" % ahead.session)
    except Closed:
        probe.say("a client that saw the future: closed")
    short = Wire(probe.server, password=b"")
    probe.say("empty password: got a session %s" % (short.session != 0))
    short.close()
    probe.section("pings and operations that do not exist")
    probe.ask("ping", "ping", xid=-2)
    for operation in (0, 10, 23, 99, 108, 1000, -12):
        probe.ask("operation %d" % operation, operation)
    probe.ask("reconfig", "reconfig", zk.text("") * 3 + struct.pack(">q", -1))
    probe.ask("exists", "exists", zk.path_watch(p("")))
    probe.ask("config", "getData", zk.path_watch("/zookeeper/config"))
    probe.ask("config acl", "getACL", zk.text("/zookeeper/config"))
    probe.ask("quota", "getData", zk.path_watch("/zookeeper/quota"))
    probe.ask("quota acl", "getACL", zk.text("/zookeeper/quota"))
    probe.ask("zookeeper", "getChildren", zk.path_watch("/zookeeper"))
    probe.section("damaged requests")
    probe.ask("a body that ends early", "getData", b"\0\0")
    probe.section("damaged requests 2")
    probe.ask("a length that is too long", "getData", struct.pack(">i", 1000) + b"x")
    probe.section("damaged requests 3")
    probe.ask("bytes behind the body", "exists", zk.path_watch(p("")) + b"more")


def null_paths(probe):
    probe.section("paths that are null")
    for operation in ("checkWatches", "removeWatches"):
        for kind in (1, 2, 3, 4, 5):
            probe.ask("%s %d" % (operation, kind), operation, add_watch(None, kind))
    for name, body in (("check", zk.path_version(None, 0)), ("setData", zk.set_data(None, b"x")), ("delete", zk.path_version(None))):
        probe.ask("%s in a multi" % name, "multi", zk.multi((name, body), ("check", zk.path_version(probe.p("/none"), 0))))
    for ttl in (0, -1, 1, 1 << 40):
        probe.ask("createTTL %d" % ttl, "createTTL", zk.create_ttl(None, ttl))
    probe.ask("setData", "setData", zk.set_data(None, b"x"))
    probe.ask("setACL", "setACL", zk.set_acl(None, zk.OPEN))
    probe.ask("addWatch", "addWatch", add_watch(None, 0))


GROUPS = [creates, reads, writes, multis, kinds_of_nodes, watch_order, persistent_watches, watch_removal, set_watches, access, sessions, null_paths]
