"""Requests as real clients send them, built from bytes, for coord, broker, the HTTP ports and Spark Connect; and what can be done to them. Seeded."""
import struct


def text(value):
    """Jute: length, bytes."""
    return struct.pack(">i", len(value)) + value


def kafka_text(value):
    return struct.pack(">h", len(value)) + value


def framed(body):
    return struct.pack(">i", len(body)) + body


def coord_connect(timeout=4000):
    return framed(struct.pack(">iqiqi", 0, 0, timeout, 0, 16) + bytes(16) + b"\0")


def coord_requests():
    acl = struct.pack(">ii", 1, 31) + text(b"world") + text(b"anyone")
    create = text(b"/hostile") + text(b"data") + acl + struct.pack(">i", 1)
    multi = struct.pack(">i?i", 1, False, -1) + create + struct.pack(">i?i", 13, False, -1) + text(b"/") + struct.pack(">i", 0) + struct.pack(">i?i", -1, True, -1)
    watches = struct.pack(">qi", 0, 1) + text(b"/") + struct.pack(">i", 1) + text(b"/") + struct.pack(">i", 0)
    bodies = [
        (1, create), (3, text(b"/") + b"\1"), (4, text(b"/zookeeper") + b"\0"), (5, text(b"/hostile") + text(b"x") + struct.pack(">i", -1)),
        (2, text(b"/hostile") + struct.pack(">i", -1)), (8, text(b"/") + b"\1"), (12, text(b"/") + b"\0"), (6, text(b"/")), (9, text(b"/")), (11, b""),
        (14, multi), (100, struct.pack(">i", 0) + text(b"digest") + text(b"a:b")), (101, watches), (-11, b""), (15, create), (103, text(b"/")),
        (19, create[:-1] + b"\4"), (21, create[:-1] + b"\5" + struct.pack(">q", 1000)), (102, text(b"username=\"a\",nonce=\"b\"")), (104, text(b"/")),
        (22, struct.pack(">i?i", 4, False, -1) + text(b"/") + b"\0" + struct.pack(">i?i", -1, True, -1)), (105, watches + struct.pack(">ii", 1, 1) + text(b"/") * 2),
        (106, text(b"/") + struct.pack(">i", 1)), (17, text(b"/") + struct.pack(">i", 3)), (18, text(b"/") + struct.pack(">i", 3)), (107, b""),
        (16, text(b"") * 3 + struct.pack(">q", -1)),
    ]
    return [framed(struct.pack(">ii", number + 1, code) + body) for number, (code, body) in enumerate(bodies)]


def kafka_batch():
    """One record batch of format 2 with one record; its checksum is not right, as the broker must find out."""
    record = bytes([0, 0, 0, 1, 6]) + b"abc" + bytes([0])
    record = bytes([len(record) * 2]) + record
    tail = struct.pack(">hiqqqhii", 0, 0, 1, 1, -1, -1, -1, 1) + record
    return struct.pack(">qiibI", 0, len(tail) + 9, -1, 2, 0x12345678) + tail


def broker_requests():
    batch = kafka_batch()
    topic = kafka_text(b"hostile")
    bodies = [
        (18, 0, b""), (3, 1, struct.pack(">i", 1) + topic), (3, 1, struct.pack(">i", -1)),
        (0, 3, struct.pack(">hhii", -1, -1, 1000, 1) + topic + struct.pack(">iii", 1, 0, len(batch)) + batch),
        (1, 4, struct.pack(">iiiibi", -1, 10, 1, 1 << 20, 0, 1) + topic + struct.pack(">iiqi", 1, 0, 0, 1 << 20)),
        (2, 1, struct.pack(">ii", -1, 1) + topic + struct.pack(">iiq", 1, 0, -1)),
        (10, 0, kafka_text(b"group")), (11, 0, kafka_text(b"group") + struct.pack(">i", 6000) + kafka_text(b"") + kafka_text(b"consumer") + struct.pack(">i", 1) + kafka_text(b"range") + framed(b"x")),
        (9, 1, kafka_text(b"group") + struct.pack(">i", 1) + topic + struct.pack(">ii", 1, 0)),
        (19, 0, struct.pack(">i", 1) + topic + struct.pack(">ihii", 1, 1, 0, 0) + struct.pack(">i", 1000)),
        (20, 0, struct.pack(">i", 1) + kafka_text(b"no-such-topic") + struct.pack(">i", 1000)), (22, 0, struct.pack(">hi", -1, 1000)),
        (12, 0, kafka_text(b"group") + struct.pack(">i", 1) + kafka_text(b"member")), (13, 0, kafka_text(b"group") + kafka_text(b"member")), (16, 0, b""), (32, 0, struct.pack(">ib", 1, 2) + topic + struct.pack(">i", -1)),
    ]
    return [framed(struct.pack(">hhi", key, version, number + 1) + kafka_text(b"hostile") + body) for number, (key, version, body) in enumerate(bodies)]


def http_requests():
    def request(method, path, body=b"", more=b""):
        return b"%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: hostile\r\nAccept: */*\r\n%sContent-Length: %d\r\n\r\n%s" % (method, path, more, len(body), body)

    root = b"/webhdfs/v1/hostile"
    chunked = b"PUT " + root + b"/c?op=CREATE&user.name=hostile&overwrite=true HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    return [
        request(b"GET", root + b"?op=GETFILESTATUS"), request(b"GET", b"/webhdfs/v1/?op=LISTSTATUS"), request(b"PUT", root + b"/d?op=MKDIRS&permission=755"),
        request(b"PUT", root + b"/f?op=CREATE&overwrite=true&blocksize=1048576&replication=1", b"some data"), request(b"POST", root + b"/f?op=APPEND", b"more"),
        request(b"GET", root + b"/f?op=OPEN&offset=0&length=10"), request(b"PUT", root + b"/f?op=RENAME&destination=/hostile/g"), request(b"DELETE", root + b"/f?op=DELETE&recursive=true"),
        request(b"GET", b"/"), request(b"GET", b"/metrics"), request(b"GET", b"/readyz?verbose"), request(b"GET", b"/api/v1/status"), chunked,
        request(b"PUT", root + b"/g?op=CREATE", b"x" * 5000, b"Expect: 100-continue\r\n"), request(b"OPTIONS", b"*"), request(b"GET", b"/" + b"a" * 3000),
        request(b"GET", root + b"?op=GETCONTENTSUMMARY"), request(b"PUT", root + b"?op=SETPERMISSION&permission=99999"), request(b"PUT", root + b"?op=SETTIMES&modificationtime=9999999999999999999"),
    ]


def h2_frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def connect_requests():
    def field(name, value):
        return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value

    def call(method, message):
        headers = field(b":method", b"POST") + field(b":scheme", b"http") + field(b":path", b"/spark.connect.SparkConnectService/" + method)
        headers += field(b":authority", b"127.0.0.1") + field(b"content-type", b"application/grpc") + field(b"te", b"trailers")
        body = b"\0" + struct.pack(">I", len(message)) + message
        return (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + h2_frame(4, 0, 0, b"\0\3\0\0\0\144\0\4\0\1\0\0") + h2_frame(1, 4, 1, headers)
                + h2_frame(0, 1, 1, body) + h2_frame(8, 0, 0, struct.pack(">I", 1000)) + h2_frame(6, 0, 0, b"12345678"))

    def part(number, payload):
        return bytes([number << 3 | 2, len(payload)]) + payload

    session = part(1, b"0b5e1a8e-1f0b-4ab5-9d0b-000000000001") + part(2, part(1, b"hostile"))
    sql = part(1, part(10, part(1, b"select 1 as one, 'x' as two")))
    return [
        call(b"ExecutePlan", session + part(3, sql)), call(b"AnalyzePlan", session + part(4, part(1, sql))), call(b"Config", session + part(3, part(2, part(1, b"spark.sql.ansi.enabled")))),
        call(b"Interrupt", session + bytes([3 << 3, 1])), call(b"ReleaseSession", session), call(b"ReattachExecute", session + part(3, b"no-such-operation")), call(b"NoSuchMethod", b""),
        call(b"AddArtifacts", session), call(b"ReleaseExecute", session + part(3, b"no-such-operation")),
    ]


def proto(*fields):
    """A protobuf message of (number, value) pairs: numbers as varints, bytes with their length, floats as fixed numbers of 8 bytes."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value & 0xFFFFFFFFFFFFFFFF)
        elif isinstance(value, float):
            out += varint(number << 3 | 1) + struct.pack("<q", int(value))
        else:
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def delimited(message):
    return varint(len(message)) + message


def rpc_requests():
    """Whole connections: preamble, context, a call."""
    header = lambda call: delimited(proto((1, 2), (2, 0), (3, call), (4, b"hostile-client-1"), (5, 1)))
    context = framed(header(5) + delimited(proto((2, proto((1, b"hostile"))), (3, b"org.apache.hadoop.hdfs.protocol.ClientProtocol"))))

    def call(method, body):
        return framed(header(8) + delimited(proto((1, method), (2, b"org.apache.hadoop.hdfs.protocol.ClientProtocol"), (3, 1))) + delimited(body))

    block = proto((1, b"BP-1-platform"), (2, 1073741825), (3, 1001), (4, 5))
    calls = [
        call(b"getFileInfo", proto((1, b"/after"))), call(b"getListing", proto((1, b"/"), (2, b""), (3, 0))),
        call(b"create", proto((1, b"/hostile/rpc"), (2, proto((1, 420))), (3, b"hostile"), (4, 3), (5, 1), (6, 1), (7, 1 << 20))),
        call(b"addBlock", proto((1, b"/hostile/rpc"), (2, b"hostile"), (3, block), (5, 16390))),
        call(b"complete", proto((1, b"/hostile/rpc"), (2, b"hostile"), (3, block), (4, 16390))),
        call(b"getBlockLocations", proto((1, b"/after/fine"), (2, 0), (3, 1 << 40))), call(b"truncate", proto((1, b"/x"), (2, -1), (3, b"c"))),
        call(b"setXAttr", proto((1, b"/"), (2, proto((1, 0), (2, b"n"), (3, b"v" * 100))), (3, 1))), call(b"concat", proto((1, b"/a"), (2, b"/b"), (2, b"/c"))),
        call(b"modifyAclEntries", proto((1, b"/"), (2, proto((1, 0), (2, 0), (3, 7), (4, b"u"))))), call(b"updatePipeline", proto((1, b"c"), (2, block), (3, block))),
        call(b"fsync", proto((1, b"/x"), (2, b"c"), (3, -1), (4, 9))), call(b"noSuchMethod", b""),
    ]
    return [b"hrpc\x09\0\0" + context + one for one in calls]


def transfer_requests():
    """Operations of the data transfer protocol, a write with its packets."""
    block = lambda number: proto((1, b"BP-1-platform"), (2, number), (3, 1 << 40), (4, 0))
    client = lambda number: proto((1, proto((1, block(number)))), (2, b"hostile"))
    checksum = proto((1, 2), (2, 512))
    operation = lambda code, message: struct.pack(">HB", 28, code) + delimited(message)
    data = b"d" * 100
    header = proto((1, 0.0), (2, 0.0), (3, 0)) + b"\x25" + struct.pack("<i", len(data))
    packet = struct.pack(">IH", 4 + 4 + len(data), len(header)) + header + b"\0\0\0\0" + data
    write = operation(80, proto((1, client(99)), (4, 6), (5, 1), (6, 0), (7, 0), (8, 1 << 40), (9, checksum)))
    return [
        write + packet, operation(81, proto((1, client(1073741825)), (2, 0), (3, 4000))), operation(85, proto((1, proto((1, block(1073741825)))))),
        operation(86, proto((1, client(1073741825)), (2, proto((1, proto((1, b"127.0.0.1"), (2, b"x"), (3, b"u"), (4, 1), (5, 1), (6, 1))))))),
    ]


REQUESTS = {"rpc": rpc_requests, "transfer": transfer_requests, "coord": coord_requests, "broker": broker_requests, "http": http_requests, "connect": connect_requests}
NUMBERS = [0, 1, -1, -2, 0x7F, 0x80, 0xFF, 0x7FFF, -0x8000, 0x7FFFFFFF, -0x80000000, 1 << 20, 100 << 20, 1 << 30]


def mutated(data, rng):
    """One to four changes: bits, bytes, interesting integers, cuts, doublings, insertions."""
    data = bytearray(data)
    for _ in range(rng.randrange(1, 5)):
        place = rng.randrange(len(data)) if data else 0
        kind = rng.randrange(7)
        if not data or kind == 0:
            data[place:place] = rng.randbytes(rng.randrange(1, 20))
        elif kind == 1:
            data[place] ^= 1 << rng.randrange(8)
        elif kind == 2:
            data[place] = rng.randrange(256)
        elif kind == 3:
            data[place : place + 4] = struct.pack(">i", rng.choice(NUMBERS))
        elif kind == 4:
            del data[place : place + rng.randrange(1, 20)]
        elif kind == 5:
            data[place:place] = data[place : place + rng.randrange(1, 200)]
        else:
            data[place : place + 2] = struct.pack(">h", rng.choice([0, -1, 0x7FFF, -0x8000, 255]))
    return bytes(data)


def with_true_length(frame, rng):
    """A mutated body under a length that fits it, so that it gets past the framing."""
    return framed(mutated(frame[4:], rng))


def huge_http(rng):
    return rng.choice([
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Long: " + b"a" * 100_000 + b"\r\n\r\n", b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n",
        b"PUT /webhdfs/v1/hostile/big?op=CREATE&overwrite=true HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999999999999\r\n\r\nabc",
        b"PUT /webhdfs/v1/hostile/big?op=CREATE&overwrite=true HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9223372036854775807\r\n\r\nabc",
        b"PUT /webhdfs/v1/hostile/big?op=CREATE&overwrite=true HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\nabc",
        b"PUT /webhdfs/v1/hostile/big?op=CREATE&overwrite=true HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nabc",
        b"".join(b"X-%d: y\r\n" % n for n in range(5000)).join([b"GET / HTTP/1.1\r\nHost: x\r\n", b"\r\n"]),
    ])


def giant(kind, rng):
    """Lengths that announce far more than comes, negative ones, and floods."""
    if kind == "http":
        return huge_http(rng)
    if kind == "rpc":
        return b"hrpc\x09\0\0" + struct.pack(">i", rng.choice(NUMBERS)) + rng.randbytes(50)
    if kind == "transfer":
        return struct.pack(">HB", 28, rng.choice([80, 81, 85, 86])) + varint(rng.choice(NUMBERS) & 0xFFFFFFFFFF) + rng.randbytes(50)
    if kind == "connect":
        preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + h2_frame(4, 0, 0, b"")
        return preface + rng.choice([
            h2_frame(1, 0, 1, b"\0" * 100) + h2_frame(9, 0, 1, b"\0" * 16000) * 20, b"\xff\xff\xff\0\0\0\0\0\1", h2_frame(6, 0, 0, b"12345678") * 500,
            h2_frame(4, 0, 0, b"") * 500, h2_frame(8, 0, 0, struct.pack(">I", 0x7FFFFFFF)) * 3,
            b"".join(h2_frame(1, 4, 2 * n + 1, b"\x83\x86\x84") + h2_frame(3, 0, 2 * n + 1, struct.pack(">I", 8)) for n in range(100)),
        ])
    return struct.pack(">i", rng.choice([-1, -2, -0x80000000, 0x7FFFFFFF, 1 << 30, 200 << 20, 0])) + rng.randbytes(rng.randrange(200))
