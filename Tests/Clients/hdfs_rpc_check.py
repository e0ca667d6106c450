"""Checks a running dfs with hdfs-native, an HDFS client in Rust that is not ours. Usage: hdfs_rpc_check.py HOST:PORT [--datanodes N]"""
import argparse
import os
import socket
import struct
import sys
import time

from hdfs_native import Client, WriteOptions

from checks import Checks
from hostile_bytes import delimited, framed, proto

ROOT = "/rpc-%d-%d" % (os.getpid(), int(time.time() * 1000))


def refuses(part, call):
    try:
        call()
    except Exception as error:  # the client has an exception of its own for each kind
        assert part in str(error) or part in type(error).__name__, repr(error)
        return
    raise AssertionError("was not refused")


def conversation(server, data):
    """What the server answers to bytes, until it ends the connection or is silent."""
    host, port = server.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while more := connection.recv(65536):
            answer += more
        return answer


def call_once(server, user, method, body):
    """The message that a method answers."""
    header = lambda call: delimited(proto((1, 2), (2, 0), (3, call), (4, os.urandom(16)), (5, 1)))
    context = framed(header(5) + delimited(proto((2, proto((1, user))))))
    answer = conversation(
        server,
        b"hrpc\x09\0\0" + context
        + framed(header(8) + delimited(proto((1, method), (2, b"org.apache.hadoop.hdfs.protocol.ClientProtocol"), (3, 1))) + delimited(body)))
    length, rest = take_varint(answer[4:])
    _, content = take_varint(rest[length:])
    return content


def take_varint(data):
    value, shift = 0, 0
    for place, byte in enumerate(data):
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, data[place + 1 :]
    raise AssertionError("a number breaks off")


def fully_replicated(server):
    """Waits until no block has too few replicas."""
    deadline = time.time() + 90
    while True:
        rest, numbers = call_once(server, b"root", b"getFsStats", b""), {}
        while rest:
            tag, rest = take_varint(rest)
            numbers[tag >> 3], rest = take_varint(rest)
        if numbers[4] == 0 and numbers[6] == 0:
            return
        assert time.time() < deadline, numbers
        time.sleep(0.3)


def main(server, datanodes):
    checks = Checks()
    client = Client("hdfs://" + server)
    data = os.urandom(3 * 1024 * 1024 + 17)
    options = WriteOptions(block_size=1 << 20, replication=datanodes)

    def content(path):
        with client.read(path) as reader:
            return reader.read()

    def write(path, payload, **more):
        with client.create(path, WriteOptions(block_size=1 << 20, replication=datanodes, **more)) as writer:
            writer.write(payload)

    @checks.check("makes directories and lists them")
    def _():
        client.mkdirs(ROOT + "/a/b", 0o755, True)
        assert [status.path for status in client.list_status(ROOT)] == [ROOT + "/a"]
        assert client.get_file_info(ROOT + "/a").isdir
        refuses("FileNotFound", lambda: client.get_file_info(ROOT + "/none"))
        refuses("FileNotFound", lambda: client.mkdirs(ROOT + "/x/y", 0o755, False))

    @checks.check("writes a file in blocks and reads the same bytes")
    def _():
        write(ROOT + "/f", data)
        assert content(ROOT + "/f") == data
        status = client.get_file_info(ROOT + "/f")
        assert (status.length, status.blocksize, status.replication) == (len(data), 1 << 20, datanodes)

    @checks.check("reads ranges within and across blocks")
    def _():
        with client.read(ROOT + "/f") as reader:
            for offset, length in [(0, 1), (511, 2), (1048570, 100), (len(data) - 5, 5), (1 << 20, 1 << 20)]:
                reader.seek(offset)
                assert reader.read(length) == data[offset : offset + length], (offset, length)

    @checks.check("appends to partial chunks and over blocks")
    def _():
        expected = data
        for size in (1, 3, 508, 512, 70_001, 1 << 20):
            piece = os.urandom(size)
            with client.append(ROOT + "/f") as writer:
                writer.write(piece)
            expected += piece
        assert content(ROOT + "/f") == expected

    @checks.check("keeps an empty file and refuses to overwrite without being asked")
    def _():
        write(ROOT + "/empty", b"")
        assert client.get_file_info(ROOT + "/empty").length == 0
        refuses("exists", lambda: client.create(ROOT + "/empty", options))
        write(ROOT + "/empty", b"xy", overwrite=True)
        assert content(ROOT + "/empty") == b"xy"

    @checks.check("renames as the specification says")
    def _():
        client.rename(ROOT + "/empty", ROOT + "/named", False)
        write(ROOT + "/other", b"1")
        refuses("", lambda: client.rename(ROOT + "/other", ROOT + "/named", False))
        client.rename(ROOT + "/other", ROOT + "/named", True)
        assert content(ROOT + "/named") == b"1"
        refuses("", lambda: client.rename(ROOT + "/missing", ROOT + "/x", False))

    @checks.check("sets permission, owner, times and replication")
    def _():
        client.set_permission(ROOT + "/f", 0o600)
        client.set_owner(ROOT + "/f", "ann", "staff")
        client.set_times(ROOT + "/f", 1234567890123, 1234567890124)
        client.set_replication(ROOT + "/named", 2)
        status = client.get_file_info(ROOT + "/f")
        assert (status.permission, status.owner, status.group, status.modification_time) == (0o600, "ann", "staff", 1234567890123)
        assert client.get_file_info(ROOT + "/named").replication == 2

    @checks.check("names differ by their bytes")
    def _():
        for name in ("\u00e9", "e\u0301"):
            write(ROOT + "/names/" + name, name.encode())
        assert len(list(client.list_status(ROOT + "/names"))) == 2
        assert content(ROOT + "/names/e\u0301") == "e\u0301".encode()

    @checks.check("sums up content")
    def _():
        summary = client.get_content_summary(ROOT)
        assert summary.file_count == 4 and summary.directory_count == 4, summary

    @checks.check("writes many small files")
    def _():
        for number in range(200):
            write("%s/small/%03d" % (ROOT, number), b"%d" % number)
        assert len(list(client.list_status(ROOT + "/small"))) == 200
        assert content(ROOT + "/small/142") == b"142"

    @checks.check("deletes, with everything below only when asked")
    def _():
        refuses("", lambda: client.delete(ROOT + "/a", False))
        assert client.delete(ROOT + "/a", True) is True
        assert client.delete(ROOT + "/a", True) is False

    @checks.check("malformed beginnings are answered as Hadoop answers them")
    def _():
        assert b"404" in conversation(server, b"GET / HTTP/1.1\r\n\r\n")
        assert b"VersionMismatch" in conversation(server, b"hrpc\x04\0\0")
        assert conversation(server, b"hrpc\x09\0\x07") == b"" and conversation(server, b"nonsense") == b""
        assert conversation(server, b"hrpc\x09\0\0" + struct.pack(">i", 0x7FFFFFFF)) == b""
        assert b"RpcServerException" in conversation(server, b"hrpc\x09\0\0" + framed(b"\x05abc"))

    @checks.check("an unknown method has Hadoop's own exception")
    def _():
        header = lambda call: delimited(proto((1, 2), (2, 0), (3, call), (4, b"0123456789abcdef"), (5, 1)))
        context = framed(header(5) + delimited(proto((2, proto((1, b"root"))))))
        call = framed(header(8) + delimited(proto((1, b"noSuch"), (2, b"org.apache.hadoop.hdfs.protocol.ClientProtocol"), (3, 1))) + b"\0")
        assert b"RpcNoSuchMethodException" in conversation(server, b"hrpc\x09\0\0" + context + call)

    @checks.check("a request that is sent again is answered as before and not executed again")
    def _():
        user = os.environ.get("USER", "root").encode()
        header = lambda call: delimited(proto((1, 2), (2, 0), (3, call), (4, os.urandom(16) if call == 5 else b"sixteen-bytes-id"), (5, 1)))
        context = framed(header(5) + delimited(proto((2, proto((1, user))))))
        write(ROOT + "/again", b"1")
        call = framed(
            header(2 * (int(time.time()) % 1000000)) + delimited(proto((1, b"delete"), (2, b"org.apache.hadoop.hdfs.protocol.ClientProtocol"), (3, 1)))
            + delimited(proto((1, (ROOT + "/again").encode()), (2, 0))))
        first, second = (conversation(server, b"hrpc\x09\0\0" + context + call) for _ in range(2))
        assert first == second and first.endswith(b"\x02\x08\x01"), (first, second)

    if datanodes > 1:

        @checks.check("every block gets as many replicas as were asked for, also when more are asked for later")
        def _():
            write(ROOT + "/copies", data)
            fully_replicated(server)
            with client.create(ROOT + "/single", WriteOptions(block_size=1 << 20, replication=1)) as writer:
                writer.write(data)
            client.set_replication(ROOT + "/single", datanodes)
            fully_replicated(server)
            client.set_replication(ROOT + "/single", 1)
            assert content(ROOT + "/single") == data and content(ROOT + "/copies") == data

    client.delete(ROOT, True)
    return checks.finish()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--datanodes", type=int, default=1)
    arguments = parser.parse_args()
    sys.exit(main(arguments.server, arguments.datanodes))
