"""ZooKeeper's wire protocol by hand, for checks that need bytes which no client library would send."""
import socket
import struct

OPEN = [(31, "world", "anyone")]
CODES = dict(create=1, delete=2, exists=3, getData=4, setData=5, getACL=6, setACL=7, getChildren=8, sync=9, ping=11, getChildren2=12,
             check=13, multi=14, create2=15, reconfig=16, checkWatches=17, removeWatches=18, createContainer=19, deleteContainer=20,
             createTTL=21, multiRead=22, auth=100, setWatches=101, sasl=102, getEphemerals=103, getAllChildrenNumber=104,
             setWatches2=105, addWatch=106, whoAmI=107, createSession=-10, closeSession=-11)


def text(value):
    if value is None:
        return struct.pack(">i", -1)
    if isinstance(value, str):
        value = value.encode()
    return struct.pack(">i", len(value)) + value


def texts(values):
    return struct.pack(">i", len(values)) + b"".join(text(v) for v in values)


def rights(acl):
    if acl is None:
        return struct.pack(">i", -1)
    return struct.pack(">i", len(acl)) + b"".join(struct.pack(">i", p) + text(s) + text(i) for p, s, i in acl)


def create(path, data=b"", acl=OPEN, flags=0):
    return text(path) + text(data) + rights(acl) + struct.pack(">i", flags)


def create_ttl(path, ttl, data=b"", acl=OPEN, flags=5):
    return create(path, data, acl, flags) + struct.pack(">q", ttl)


def path_version(path, version=-1):
    return text(path) + struct.pack(">i", version)


def path_watch(path, watch=False):
    return text(path) + struct.pack(">?", watch)


def set_data(path, data, version=-1):
    return text(path) + text(data) + struct.pack(">i", version)


def set_acl(path, acl, version=-1):
    return text(path) + rights(acl) + struct.pack(">i", version)


def multi(*operations):
    """Operations as (name, body)."""
    return b"".join(struct.pack(">i?i", CODES[name], False, -1) + body for name, body in operations) + struct.pack(">i?i", -1, True, -1)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        value = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return value[0] if len(value) == 1 else value

    def text(self):
        size = self.take("i")
        if size < 0:
            return None
        value = self.data[self.at:self.at + size]
        assert len(value) == size, "a text ends early"
        self.at += size
        return value

    def texts(self):
        size = self.take("i")
        return None if size < 0 else [self.text().decode() for _ in range(size)]

    def rights(self):
        return [(self.take("i"), self.text().decode(), self.text().decode()) for _ in range(self.take("i"))]

    def stat(self):
        names = "czxid mzxid ctime mtime version cversion aversion owner size children pzxid".split()
        return dict(zip(names, self.take("qqqqiiiqiiq")))

    @property
    def rest(self):
        return self.data[self.at:]


class Closed(Exception):
    """The server closed the connection."""


class Wire:
    """One connection. Answers come as (xid, zxid, error, body); events that came before are in `events`."""

    def __init__(self, server, timeout=10000, session=0, password=bytes(16), zxid=0, readonly=None, handshake=True):
        host, port = server.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self.xid, self.events = 0, []
        self.answer = None
        if handshake:
            body = struct.pack(">iqiq", 0, zxid, timeout, session) + text(password)
            if readonly is not None:
                body += struct.pack(">?", readonly)
            self.frame(body)
            self.answer = self.receive()
            reader = Reader(self.answer)
            _, self.timeout, self.session = reader.take("iiq")
            self.password = reader.text()

    def frame(self, body):
        self.socket.sendall(struct.pack(">i", len(body)) + body)

    def exactly(self, count):
        data = b""
        while len(data) < count:
            try:
                piece = self.socket.recv(count - len(data))
            except ConnectionError:
                piece = b""
            if not piece:
                raise Closed()
            data += piece
        return data

    def receive(self):
        return self.exactly(struct.unpack(">i", self.exactly(4))[0])

    def send(self, operation, body=b"", xid=None):
        if xid is None:
            self.xid += 1
            xid = self.xid
        self.frame(struct.pack(">ii", xid, CODES.get(operation, operation)) + body)
        return xid

    def reply(self):
        """The next frame that is no event."""
        while True:
            reader = Reader(self.receive())
            xid, zxid, error = reader.take("iqi")
            if xid != -1:
                return xid, zxid, error, reader.rest
            kind, state = reader.take("ii")
            self.events.append((zxid, kind, state, reader.text().decode()))

    def call(self, operation, body=b"", xid=None):
        self.send(operation, body, xid)
        return self.reply()

    def take_events(self):
        events, self.events = self.events, []
        return events

    def is_closed(self):
        try:
            while True:
                self.receive()
        except Closed:
            return True
        except socket.timeout:
            return False

    def close(self):
        try:
            self.call("closeSession")
        except Closed:
            pass
        self.socket.close()
