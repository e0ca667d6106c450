"""Three coord servers whose tables are damaged on disk: they heal by themselves and lose nothing. Usage: coord_heal.py PROGRAM DATA_DIRECTORY

The log is written so far that its beginning is trimmed. Then bits flip in the tables of a server that is down, which is also killed while it heals; in those of
a follower and of the leader while they run; and in those of all three, which must not begin an empty ensemble. In the end all tables are equal.
"""
import glob
import os
import shutil
import signal
import socket
import sqlite3
import sys
import time
import urllib.error
import urllib.request

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException
from kazoo.handlers.threading import KazooTimeoutError

from checks import Checks, wait_for
from coord_ensemble import Ensemble
from platform_child import ServerProcess, free_port

LARGE, SMALL = 4, 300
SEGMENTS_BYTES = 140 << 20  # two segments of the log and some, so that a checkpoint lets the first one go


def folder(server, directory):
    return "%s/server-%d/coord" % (directory, server.number)


def damage(path):
    """Flips a bit in each page from the seventeenth on: those before hold the schema."""
    with open(path, "r+b") as file:
        size = os.path.getsize(path)
        assert size > 1 << 20, "the tables are too small to be damaged: %d bytes" % size
        for page in range(65536, size, 4096):
            file.seek(page + 100)
            byte = file.read(1)
            file.seek(page + 100)
            file.write(bytes([byte[0] ^ 4]))


def until(what, condition, seconds=20):
    return wait_for(what, condition, seconds, pause=0.05)


class Writes:
    """What was acknowledged, over clients that may use any server."""

    def __init__(self, ensemble):
        self.ensemble, self.turn, self.large = ensemble, 0, {}
        self.client = KazooClient(ensemble.hosts(ensemble.servers[0]), timeout=10)
        self.client.start(timeout=20)
        for number in range(LARGE):
            self.client.create("/large-%d" % number, b"")
        self.client.create("/small", b"")
        pending = [self.client.create_async("/small/n-%d" % number, b"%d" % number * 100) for number in range(SMALL)]
        for result in pending:
            result.get(20)

    def fill(self, count):
        """Sets the large nodes, `count` times in all, a few at a time."""
        for _ in range(0, count, LARGE):
            self.turn += 1
            data = {"/large-%d" % number: bytes([self.turn % 251, number]) * 500_000 for number in range(LARGE)}
            self.retry(dict(data))
            self.large = data

    def retry(self, data):
        """Sets all at the same time, and again what was not acknowledged."""
        for _ in range(200):
            pending = {path: self.client.set_async(path, value) for path, value in data.items()}
            for path, result in pending.items():
                try:
                    result.get(5)
                    del data[path]
                except (KazooException, KazooTimeoutError):
                    time.sleep(0.1)
            if not data:
                return
        raise AssertionError("could not be set: %s" % ", ".join(data))

    def verify(self, server):
        client = KazooClient(server.address, timeout=10)
        client.start(timeout=20)
        client.sync("/")
        for path, value in self.large.items():
            assert client.get(path)[0] == value, "server %d has another %s" % (server.number, path)
        assert len(client.get_children("/small")) == SMALL, "server %d lost small nodes" % server.number
        assert client.get("/small/n-7")[0] == b"7" * 100
        client.stop()
        client.close()


def ready(server):
    """The status and the text of /readyz?verbose."""
    address = server.endpoints["console"].removeprefix("http://")
    try:
        with urllib.request.urlopen("http://%s/readyz?verbose" % address, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def restart(server):
    server.start()
    server.wait_ready()


def end(server):
    server.send(signal.SIGTERM)
    assert server.process.wait(20) == 0, "server %d did not end well" % server.number


def rows(path):
    """Everything in the tables but where they stand."""
    with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as tables:
        names = [name for (name,) in tables.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name") if name != "applied"]
        return {name: tables.execute("SELECT * FROM %s" % name).fetchall() for name in names}


def scenarios(checks, ensemble, directory, writes):
    tables = {server.number: folder(server, directory) + "/meta.sqlite" for server in ensemble.servers}

    def told(server, text):
        """How often a server has told so in all its lives."""
        return server.tail(1 << 24).count(text)

    def heals(server, text, before=0):
        until("server %d tells that %s" % (server.number, text), lambda: told(server, text) > before)
        until("server %d heals" % server.number, lambda: ready(server)[0] == 200)
        writes.verify(server)

    @checks.check("the log's beginning is trimmed everywhere")
    def _():
        writes.fill(SEGMENTS_BYTES // 1_000_000)
        for server in ensemble.servers:
            log = "%s/log/%s.log" % (folder(server, directory), "0" * 20)
            for _ in range(10):
                try:
                    until("server %d trims" % server.number, lambda: not os.path.exists(log), 1)
                    break
                except AssertionError:
                    writes.fill(LARGE * 2)
            assert not os.path.exists(log), sorted(os.listdir(os.path.dirname(log)))

    @checks.check("damaged while it is down, and killed while it heals")
    def _():
        server = ensemble.others(ensemble.leader())[0]
        end(server)
        damage(tables[server.number])
        writes.fill(LARGE)
        restart(server)
        server.send(signal.SIGKILL)
        restart(server)
        until("server %d heals" % server.number, lambda: ready(server)[0] == 200)
        writes.verify(server)
        assert os.path.exists(tables[server.number] + ".damaged-1")

    @checks.check("damaged while it is down, beside writes")
    def _():
        server = ensemble.others(ensemble.leader())[1]
        end(server)
        damage(tables[server.number])
        restart(server)
        writes.fill(LARGE)
        heals(server, "the tables are damaged and were set aside")
        assert "tables_missing\t0" in Visitor(server).word(b"mntr")

    for who in ("a follower", "the leader"):

        @checks.check("%s finds the damage while it runs, and goes on without a restart" % who)
        def _(who=who):
            leader = ensemble.leader()
            server = leader if who == "the leader" else ensemble.others(leader)[0]
            end(server)  # so that the rows are in the file itself
            restart(server)
            if who == "the leader":
                for other in ensemble.others(server):
                    end(other)
                    restart(other)
                server = ensemble.leader()
            until("server %d serves" % server.number, lambda: ready(server)[0] == 200)
            # It may have found and healed others before.
            aside, taken = (told(server, text) for text in ("were set aside", "the tables were taken over"))
            damage(tables[server.number])
            writes.fill(LARGE)
            until("server %d finds it" % server.number, lambda: told(server, "were set aside") > aside)
            writes.fill(LARGE)
            heals(server, "the tables were taken over", taken)

    @checks.check("all are damaged: no empty ensemble begins, and with the files back everything is there")
    def _():
        for server in ensemble.servers:
            end(server)
        for server in ensemble.servers:
            shutil.copy(tables[server.number], tables[server.number] + ".copy")
            damage(tables[server.number])
            server.start()
        for server in ensemble.servers:
            server.wait_ready()
        for server in ensemble.servers:
            until("server %d says so" % server.number, lambda: "restore the data directories from a backup" in ready(server)[1])
            assert ready(server)[0] == 503
            talk = Visitor(server)
            assert "tables_missing\t1" in talk.word(b"mntr") and "server_state\tlooking" in talk.word(b"mntr"), talk.word(b"mntr")
        assert not Visitor(ensemble.servers[0]).serves(), "an empty tree is served"
        for server in ensemble.servers:
            end(server)
        for server in ensemble.servers:
            for path in glob.glob(tables[server.number] + "-*"):
                os.remove(path)
            os.replace(tables[server.number] + ".copy", tables[server.number])
            server.start()
        for server in ensemble.servers:
            server.wait_ready()
        for server in ensemble.servers:
            until("server %d serves" % server.number, lambda: ready(server)[0] == 200)
            writes.verify(server)
            kept = glob.glob(tables[server.number] + ".damaged-*")
            assert 1 <= len(kept) <= 2, kept

    @checks.check("all tables are equal")
    def _():
        writes.client.stop()
        for server in ensemble.servers:
            end(server)
        first = rows(tables[1])
        assert len(first["znodes"]) >= SMALL + LARGE
        for number in (2, 3):
            other = rows(tables[number])
            assert first.keys() == other.keys()
            for name in first:
                assert first[name] == other[name], "%s of server %d" % (name, number)


class Visitor:
    """A look from outside."""

    def __init__(self, server):
        self.server = server

    def word(self, name):
        with socket.create_connection(("127.0.0.1", self.server.port), 5) as talk:
            talk.sendall(name)
            return b"".join(iter(lambda: talk.recv(65536), b"")).decode()

    def serves(self):
        client = KazooClient(self.server.address, timeout=4)
        try:
            client.start(timeout=1)
            return True
        except KazooTimeoutError:
            return False
        finally:
            client.stop()
            client.close()


def alone(checks, program, directory):
    @checks.check("a server that stands alone refuses to start, and keeps the file in its place")
    def _():
        arguments = [
            program, "coord", "serve", "--listen", "127.0.0.1:%d" % free_port(), "--data-dir", directory, "--set", "coord.admin=false",
            "--set", "console.listen=127.0.0.1:%d" % free_port(),
        ]
        server = ServerProcess(arguments, "alone")
        server.port = int(arguments[4].rsplit(":", 1)[1])
        restart(server)
        client = KazooClient(server.address)
        client.start(timeout=20)
        for number in range(3):
            client.create("/n-%d" % number, b"x" * 900_000)
        client.stop()
        server.send(signal.SIGTERM)
        server.process.wait(20)
        damage(directory + "/coord/meta.sqlite")
        server.start()
        assert server.process.wait(20) == 65
        assert "the data on disk cannot be used" in server.tail() and "restore it from a backup" in server.tail(), server.tail()
        assert not glob.glob(directory + "/coord/meta.sqlite.damaged-*")


def main():
    program, directory = sys.argv[1], sys.argv[2]
    checks = Checks()
    alone(checks, program, directory + "/alone")
    ensemble = Ensemble(program, directory)
    try:
        scenarios(checks, ensemble, directory, Writes(ensemble))
    finally:
        ensemble.stop()
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
