"""Checks a running dfs with HdfsCLI, a WebHDFS client that is not ours. Usage: hdfs_check.py HOST:PORT"""
import os
import socket
import sys
import time
from urllib.parse import urlsplit

import requests
from hdfs import InsecureClient
from hdfs.util import HdfsError

from checks import Checks

ROOT = "/check-%d-%d" % (os.getpid(), int(time.time() * 1000))


def refuses(part, call):
    try:
        call()
    except HdfsError as error:
        assert part in str(error) or part == error.exception, error
        return
    raise AssertionError("was not refused")


def main(server):
    checks = Checks()
    client = InsecureClient("http://" + server)
    data = os.urandom(3 * 1024 * 1024 + 17)

    @checks.check("makes directories and lists them")
    def _():
        client.makedirs(ROOT + "/a/b")
        assert client.list(ROOT) == ["a"], client.list(ROOT)
        assert client.status(ROOT + "/a")["type"] == "DIRECTORY"

    @checks.check("writes a file in blocks and reads the same bytes")
    def _():
        client.write(ROOT + "/f", data, blocksize=1 << 20)
        with client.read(ROOT + "/f") as reader:
            assert reader.read() == data
        status = client.status(ROOT + "/f")
        assert (status["length"], status["blockSize"], status["type"]) == (len(data), 1 << 20, "FILE"), status

    @checks.check("reads a range across blocks")
    def _():
        with client.read(ROOT + "/f", offset=1048570, length=100) as reader:
            assert reader.read() == data[1048570:1048670]
        with client.read(ROOT + "/f", offset=len(data)) as reader:
            assert reader.read() == b""
        refuses("out of the range", lambda: client.read(ROOT + "/f", offset=len(data) + 1).__enter__())

    @checks.check("appends")
    def _():
        client.write(ROOT + "/f", b"tail", append=True)
        with client.read(ROOT + "/f", offset=len(data) - 3) as reader:
            assert reader.read() == data[-3:] + b"tail"

    @checks.check("keeps an empty file and refuses to overwrite without being asked")
    def _():
        client.write(ROOT + "/empty", b"")
        assert client.status(ROOT + "/empty")["length"] == 0
        refuses("already exists", lambda: client.write(ROOT + "/empty", b"x"))
        client.write(ROOT + "/empty", b"xy", overwrite=True)
        assert client.status(ROOT + "/empty")["length"] == 2

    @checks.check("renames, nests into a directory, never overwrites")
    def _():
        client.rename(ROOT + "/empty", ROOT + "/named")
        client.rename(ROOT + "/named", ROOT + "/a")
        assert "named" in client.list(ROOT + "/a")
        client.write(ROOT + "/other", b"1")
        refuses("", lambda: client.rename(ROOT + "/other", ROOT + "/a/named"))
        refuses("", lambda: client.rename(ROOT + "/missing", ROOT + "/x"))
        refuses("", lambda: client.rename(ROOT + "/a", ROOT + "/a/b/c"))

    @checks.check("sums up content")
    def _():
        content = client.content(ROOT)
        assert content["fileCount"] == 3 and content["directoryCount"] == 3, content
        assert content["length"] == len(data) + 4 + 2 + 1, content

    @checks.check("sets permission, owner and times")
    def _():
        client.set_permission(ROOT + "/f", "600")
        client.set_owner(ROOT + "/f", owner="ann", group="staff")
        client.set_times(ROOT + "/f", modification_time=1234567890123)
        status = client.status(ROOT + "/f")
        assert (status["permission"], status["owner"], status["group"], status["modificationTime"]) == ("600", "ann", "staff", 1234567890123), status

    @checks.check("keeps strangers out")
    def _():
        stranger = InsecureClient("http://" + server, user="stranger")
        refuses("Permission denied", lambda: stranger.read(ROOT + "/f").__enter__())
        refuses("Permission denied", lambda: stranger.write(ROOT + "/mine", b"x"))
        refuses("Permission denied", lambda: stranger.delete(ROOT + "/f"))

    @checks.check("deletes, with everything below only when asked")
    def _():
        refuses("non empty", lambda: client.delete(ROOT + "/a"))
        assert client.delete(ROOT + "/a", recursive=True) is True
        assert client.delete(ROOT + "/a", recursive=True) is False

    @checks.check("answers with RemoteException and HTTP's own codes")
    def _():
        base = "http://%s/webhdfs/v1" % server
        missing = requests.get(base + ROOT + "/none?op=GETFILESTATUS", timeout=10)
        assert missing.status_code == 404 and missing.json()["RemoteException"]["exception"] == "FileNotFoundException", missing.text
        for query, name in [("op=NONSENSE", "UnsupportedOperationException"), ("", "IllegalArgumentException"), ("op=OPEN&offset=-1", "IllegalArgumentException")]:
            answer = requests.get(base + ROOT + "/f?user.name=root&" + query, timeout=10)
            assert answer.status_code == 400 and answer.json()["RemoteException"]["exception"] == name, answer.text
        redirect = requests.put(base + ROOT + "/r?op=CREATE&user.name=" + client_user(client), allow_redirects=False, timeout=10)
        assert redirect.status_code == 307 and "op=CREATE" in redirect.headers["Location"]
        told = requests.put(base + ROOT + "/r?op=CREATE&noredirect=true&user.name=" + client_user(client), timeout=10)
        assert told.status_code == 200 and "Location" in told.json()
        created = requests.put(told.json()["Location"], data=b"via location", timeout=10)
        assert created.status_code == 201, created.text

    @checks.check("writes many small files")
    def _():
        for number in range(100):
            client.write("%s/small/%03d" % (ROOT, number), b"%d" % number)
        assert len(client.list(ROOT + "/small")) == 100
        with client.read(ROOT + "/small/042") as reader:
            assert reader.read() == b"42"

    @checks.check("an upload that broke off leaves the newer file at its path alone")
    def _():
        for renamed in (False, True):
            path = ROOT + "/newer-%s" % renamed
            hanging = hanging_upload(server, path, client_user(client))
            if renamed:
                client.rename(path, path + "-moved")
            else:
                client.delete(path)
            client.write(path, b"newer")
            # The body promises more than it brings: the upload breaks off.
            hanging.sendall(b"b" * (1 << 20))
            hanging.shutdown(socket.SHUT_WR)
            while hanging.recv(65536):
                pass
            hanging.close()
            with client.read(path) as reader:
                assert reader.read() == b"newer"
            if renamed:
                deadline = time.time() + 30
                while client.status(path + "-moved", strict=False) and time.time() < deadline:
                    time.sleep(0.05)
                assert client.status(path + "-moved", strict=False) is None, "half an upload looks like a file"

    client.delete(ROOT, recursive=True)
    return checks.finish()


def hanging_upload(server, path, user):
    """A connection in the middle of a CREATE whose file is there already."""
    base = "http://%s/webhdfs/v1" % server
    told = requests.put(base + path + "?op=CREATE&noredirect=true&blocksize=1048576&user.name=" + user, timeout=10).json()["Location"]
    address = urlsplit(told)
    connection = socket.create_connection((address.hostname, address.port), timeout=30)
    connection.sendall(("PUT %s?%s HTTP/1.1\r\nHost: %s\r\nContent-Length: 9000000\r\n\r\n" % (address.path, address.query, address.netloc)).encode() + b"a" * 1000)
    deadline = time.time() + 30
    while requests.get(base + path + "?op=GETFILESTATUS&user.name=" + user, timeout=10).status_code != 200:
        assert time.time() < deadline, "the upload's file did not appear"
        time.sleep(0.02)
    return connection


def client_user(client):
    import getpass

    return getpass.getuser()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
