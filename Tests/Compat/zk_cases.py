"""What a case of the probe works with: connections, a node of its own, and notes in which nothing depends on the day or the run."""
import zk_wire as wire
from zk_wire import Closed, Connection


class Case:
    def __init__(self, address, name):
        self.address, self.notes, self.open = address, [], []
        self.root = "/" + "".join(letter if letter.isalnum() else "-" for letter in name)
        self.main = self.connect()
        self.main.request(wire.CREATE, wire.create(self.root, None))
        _, zxid, error, _ = self.main.reply()
        assert error == 0, error
        self.base = zxid

    def connect(self, **options):
        connection = Connection(self.address, **options)
        self.open.append(connection)
        return connection

    def note(self, *facts):
        self.notes.append(facts[0] if len(facts) == 1 else list(facts))

    def end(self):
        for connection in self.open:
            if connection.session:
                self.end_session(connection)
            connection.close()

    def end_session(self, connection):
        """Closes a session also if its connection is gone: one that expired later would take a zxid in another case."""
        for attempt in range(2):
            try:
                if attempt:
                    connection = Connection(self.address, session=connection.session, password=connection.password)
                    if not connection.session:
                        return
                connection.request(wire.CLOSE)
                while True:
                    if connection.reply()[0] == connection.xid:
                        return
            except (Closed, OSError):
                continue

    def path(self, name):
        return self.root + name

    def plain(self, text):
        """A path without the case's own node."""
        return text if text is None else text.replace(self.root, "ROOT")

    def zxid(self, value):
        return value - self.base if value > 0 else "none"

    def stat(self, reader):
        values = dict(zip(wire.STAT, reader.take(">qqqqiiiqiiq")))
        owner = values["ephemeralOwner"]
        return {
            "czxid": self.zxid(values["czxid"]), "mzxid": self.zxid(values["mzxid"]), "pzxid": self.zxid(values["pzxid"]),
            "times": "in order" if 0 < values["ctime"] <= values["mtime"] else "%d %d" % (values["ctime"], values["mtime"]),
            "version": values["version"], "cversion": values["cversion"], "aversion": values["aversion"], "dataLength": values["dataLength"],
            "numChildren": values["numChildren"], "owner": "none" if owner == 0 else "a session" if any(owner == one.session for one in self.open) else "unknown",
        }

    def event(self, zxid, reader):
        kind, state, path = reader.i32(), reader.i32(), self.plain(reader.text())
        return ["event", {1: "created", 2: "deleted", 3: "data changed", 4: "children changed"}.get(kind, kind), state, path, self.zxid(zxid)]

    def ask(self, operation, body=b"", read=None, on=None, label=None, xid=None):
        """Sends a request and notes everything up to its reply; `read` turns the body into a fact. Returns the fact."""
        connection = on or self.main
        try:
            connection.request(operation, body, xid)
            wanted = connection.xid if xid is None else xid
            while True:
                answered, zxid, error, reader = connection.reply()
                if answered == -1:
                    self.note(self.event(zxid, reader))
                    continue
                fact = None
                if error == 0 and read:
                    fact = read(reader)
                # The zxid of a reply to a special xid means nothing.
                facts = [label or "reply", error] + ([self.zxid(zxid)] if wanted >= 0 else []) + ([fact] if fact is not None else []) + (["xid %d" % answered] if answered != wanted else [])
                if error == 0 and reader.rest:
                    facts.append("%d bytes more" % reader.rest)
                self.note(*facts)
                return fact
        except (Closed, ConnectionError):
            self.note(label or "reply", "closed")

    def events(self, on, label="quiet"):
        """Notes the events that come by themselves, until there is silence."""
        try:
            while not on.silent():
                answered, zxid, error, reader = on.reply()
                self.note(self.event(zxid, reader) if answered == -1 else ["unasked reply", answered, error])
            self.note(label)
        except Closed:
            self.note("closed")

    # Requests that cases use often.

    def create(self, name, data=b"", flags=0, entries=wire.WORLD, on=None, whole=False, operation=wire.CREATE):
        def read(reader):
            path = self.plain(reader.text())
            return [path, self.stat(reader)] if operation == wire.CREATE2 else path

        return self.ask(operation, wire.create(name if whole else self.path(name), data, flags, entries), read, on, "create")

    def delete(self, name, version=-1, on=None, whole=False):
        self.ask(wire.DELETE, wire.buffer(name if whole else self.path(name)) + wire.i32(version), on=on, label="delete")

    def set(self, name, data=b"x", version=-1, on=None, whole=False):
        self.ask(wire.SET, wire.buffer(name if whole else self.path(name)) + wire.buffer(data) + wire.i32(version), self.stat, on, "set")

    def get(self, name="", watch=False, on=None, whole=False):
        self.ask(wire.GET, wire.buffer(name if whole else self.path(name)) + wire.flag(watch), lambda reader: [repr(reader.bytes()), self.stat(reader)], on, "get")

    def exists(self, name="", watch=False, on=None, whole=False):
        self.ask(wire.EXISTS, wire.buffer(name if whole else self.path(name)) + wire.flag(watch), self.stat, on, "exists")

    def children(self, name="", watch=False, on=None, whole=False, stat=True):
        self.ask(
            wire.CHILDREN2 if stat else wire.CHILDREN, wire.buffer(name if whole else self.path(name)) + wire.flag(watch),
            lambda reader: [sorted(reader.texts())] + ([self.stat(reader)] if stat else []), on, "children")

    def get_acl(self, name="", on=None):
        self.ask(wire.GET_ACL, wire.buffer(self.path(name)), lambda reader: [sorted(reader.acl()), self.stat(reader)], on, "get acl")

    def set_acl(self, name, entries, version=-1, on=None):
        self.ask(wire.SET_ACL, wire.buffer(self.path(name)) + wire.acl(entries) + wire.i32(version), self.stat, on, "set acl")

    def auth(self, scheme, data, on=None):
        self.ask(wire.AUTH, wire.i32(0) + wire.buffer(scheme) + wire.buffer(data), on=on, label="auth", xid=-4)

    def multi(self, *operations, on=None, operation=wire.MULTI):
        """Operations are (type, body)."""
        body = b"".join(wire.i32(kind) + wire.flag(False) + wire.i32(-1) + content for kind, content in operations)

        def read(reader):
            results = []
            while True:
                kind, done, error = reader.i32(), reader.take(">?"), reader.i32()
                if done:
                    return results
                if kind == -1:
                    results.append(["error", error, reader.i32()])
                elif kind == wire.CREATE:
                    results.append(["create", self.plain(reader.text())])
                elif kind == wire.CREATE2:
                    results.append(["create2", self.plain(reader.text()), self.stat(reader)])
                elif kind == wire.SET:
                    results.append(["set", self.stat(reader)])
                elif kind == wire.GET:
                    results.append(["get", repr(reader.bytes()), self.stat(reader)])
                elif kind == wire.CHILDREN:
                    results.append(["children", sorted(reader.texts())])
                else:
                    results.append(["done", kind])

        return self.ask(operation, body + wire.i32(-1) + wire.flag(True) + wire.i32(-1), read, on, "multi")
