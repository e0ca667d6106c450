"""ZooKeeper's protocol by hand, for the probe: bytes out, bytes in, no client library in between. Numbers are ZooKeeper's own."""
import socket
import struct

CREATE, DELETE, EXISTS, GET, SET, GET_ACL, SET_ACL, CHILDREN, SYNC, PING = 1, 2, 3, 4, 5, 6, 7, 8, 9, 11
CHILDREN2, CHECK, MULTI, CREATE2, RECONFIG, CHECK_WATCHES, REMOVE_WATCHES = 12, 13, 14, 15, 16, 17, 18
CONTAINER, DELETE_CONTAINER, CREATE_TTL, MULTI_READ = 19, 20, 21, 22
AUTH, SET_WATCHES, SASL, EPHEMERALS, CHILDREN_NUMBER, SET_WATCHES2, ADD_WATCH, WHO_AM_I = 100, 101, 102, 103, 104, 105, 106, 107
CLOSE = -11
WORLD = [(31, "world", "anyone")]
STAT = ("czxid", "mzxid", "ctime", "mtime", "version", "cversion", "aversion", "ephemeralOwner", "dataLength", "numChildren", "pzxid")


def i32(value):
    return struct.pack(">i", value)


def i64(value):
    return struct.pack(">q", value)


def flag(value):
    return b"\1" if value else b"\0"


def buffer(value):
    if value is None:
        return i32(-1)
    value = value.encode() if isinstance(value, str) else value
    return i32(len(value)) + value


def strings(values):
    return i32(len(values)) + b"".join(buffer(value) for value in values)


def acl(entries):
    """Entries are (permissions, scheme, id); None is a null list."""
    if entries is None:
        return i32(-1)
    return i32(len(entries)) + b"".join(i32(bits) + buffer(scheme) + buffer(identity) for bits, scheme, identity in entries)


def create(path, data=b"", flags=0, entries=WORLD):
    return buffer(path) + buffer(data) + acl(entries) + i32(flags)


class Reader:
    def __init__(self, data):
        self.data, self.place = data, 0

    def take(self, format):
        size = struct.calcsize(format)
        values = struct.unpack_from(format, self.data, self.place)
        self.place += size
        return values[0] if len(values) == 1 else values

    def i32(self):
        return self.take(">i")

    def i64(self):
        return self.take(">q")

    def bytes(self):
        length = self.i32()
        if length < 0:
            return None
        self.place += length
        return self.data[self.place - length:self.place]

    def text(self):
        value = self.bytes()
        return None if value is None else value.decode()

    def texts(self):
        return [self.text() for _ in range(self.i32())]

    def acl(self):
        return [[self.i32(), self.text(), self.text()] for _ in range(self.i32())]

    @property
    def rest(self):
        return len(self.data) - self.place


class Closed(Exception):
    """The server hung up."""


class Connection:
    """A socket with frames. `session` and `password` are what the handshake gave."""

    def __init__(self, address, timeout=10_000, session=0, password=b"\0" * 16, last_zxid=0, read_only=None, greet=True):
        host, port = address.rsplit(":", 1)
        self.address = address
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self.pending, self.xid, self.session = b"", 0, None
        if greet:
            self.send(i32(0) + i64(last_zxid) + i32(timeout) + i64(session) + buffer(password) + (b"" if read_only is None else flag(read_only)))
            answer = self.frame()
            reader = Reader(answer)
            self.greeting_bytes = len(answer)
            self.version, self.timeout, self.session, self.password = reader.i32(), reader.i32(), reader.i64(), reader.bytes()

    def send(self, body):
        self.socket.sendall(i32(len(body)) + body)

    def read(self, count):
        while len(self.pending) < count:
            try:
                chunk = self.socket.recv(65536)
            except ConnectionError:
                chunk = b""
            if not chunk:
                raise Closed()
            self.pending += chunk
        taken, self.pending = self.pending[:count], self.pending[count:]
        return taken

    def frame(self):
        return self.read(struct.unpack(">i", self.read(4))[0])

    def request(self, operation, body=b"", xid=None):
        if xid is None:
            self.xid += 1
            xid = self.xid
        self.send(i32(xid) + i32(operation) + body)

    def reply(self):
        """Xid, zxid, error and a reader of the body."""
        reader = Reader(self.frame())
        return reader.i32(), reader.i64(), reader.i32(), reader

    def silent(self, seconds=0.3):
        """Whether nothing comes for a while."""
        if self.pending:
            return False
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1, socket.MSG_PEEK) == b""
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(10)

    def close(self):
        self.socket.close()
