"""The members of an ensemble change under load. Usage: coord_reconfig.py PROGRAM DATA_DIRECTORY

One server that was started as an ensemble of one grows to three and five, shrinks to three, loses its leader by a change, gets a fresh server in the place of a
dead one, an observer, and a server whose disk was lost. Writers work meanwhile: nothing that was acknowledged may be missing anywhere.
"""
import logging
import os
import shutil
import signal
import subprocess
import sys
import time

from kazoo.client import KazooClient
from kazoo.exceptions import BadArgumentsError, BadVersionError, KazooException, NewConfigNoQuorumError, NoAuthError, NotReadOnlyCallError, ReconfigInProcessError, UnimplementedError
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.protocol.states import KeeperState

from checks import Checks
from coord_ensemble import SESSION_SECONDS, Load, Server, verify
from platform_child import free_port

logging.disable(logging.CRITICAL)
SUPER = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="  # super:test


class Growing:
    """Servers that come and go, under the names that coord_ensemble's checks use."""

    def __init__(self, program, directory):
        self.program, self.directory = program, directory
        self.peer_ports, self.all, self.servers = {}, {}, []

    def place(self, number):
        return "127.0.0.1:%d" % self.peer_ports.setdefault(number, free_port())

    def start(self, number, others, alone=False):
        peers = ",".join("%d=%s" % (one, self.place(one)) for one in sorted(set(others) | {number}))
        server = Server(self.program, self.directory, 1, "1=" + self.place(number))
        server.number = number
        server.arguments = [
            self.program, "coord", "serve", "--id", str(number), "--peers", peers, "--listen", "127.0.0.1:%d" % server.port,
            "--data-dir", "%s/server-%d" % (self.directory, number), "--set", "coord.admin=false", "--set", "console.listen=127.0.0.1:%d" % free_port(),
            "--set", "coord.connections-per-address.max=0", "--set", "coord.reconfig=true", "--set", "coord.read-only=true", "--set", "coord.super.digest=" + SUPER]
        if alone:
            server.arguments = server.arguments[:3] + server.arguments[7:]
        server.start()
        server.wait_ready()
        self.all[number] = server
        return server

    def spec(self, number, role="participant"):
        place, port = self.place(number), self.peer_ports[number]
        # The second port, which nobody listens on, lies as far from the first as ZooKeeper's own do: clients take no member whose two are the same.
        return "server.%d=%s:%d:%s;127.0.0.1:%d" % (number, place, port + 1000, role, self.all[number].port)

    def others(self, server):
        return [other for other in self.servers if other is not server]

    def hosts(self, first):
        return ",".join([first.address] + [server.address for server in self.others(first)])

    def leader(self, among=None, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for server in among or self.servers:
                if server.mode() == "leader":
                    return server
            time.sleep(0.1)
        raise RuntimeError("no leader within %d s" % seconds)

    def stop(self):
        for server in self.all.values():
            if server.process.poll() is None:
                server.process.send_signal(signal.SIGCONT)
                server.process.terminate()
        for server in self.all.values():
            server.process.wait(15)


def admin(ensemble, server=None):
    client = KazooClient((server or ensemble.servers[0]).address, timeout=SESSION_SECONDS, auth_data=[("digest", "super:test")])
    client.start(timeout=20)
    return client


def change(ensemble, joining=None, leaving=None, members=None, through=None, seconds=20):
    """Asks until the newcomers have caught up; a lost answer is looked up."""
    end = time.monotonic() + seconds
    while True:
        client = admin(ensemble, through)
        try:
            data, _ = client.reconfig(joining, leaving, members)
            return data.decode()
        except (NewConfigNoQuorumError, ReconfigInProcessError):
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
        finally:
            client.stop()
            client.close()


def numbers(text):
    return sorted(int(line.split("=")[0].split(".")[1]) for line in text.split("\n") if line.startswith("server."))


def main():
    checks = Checks()
    ensemble = Growing(sys.argv[1], sys.argv[2])
    try:
        scenarios(checks, ensemble)
    finally:
        ensemble.stop()
    return checks.finish()


def scenarios(checks, ensemble):
    @checks.check("a server that stood alone refuses, and goes on as an ensemble of one")
    def _():
        alone = ensemble.start(1, [], alone=True)
        client = admin(ensemble, alone)
        client.create("/from-before", b"x")
        try:
            client.reconfig("server.2=127.0.0.1:1:2;3", None, None)
            raise AssertionError("a server that stands alone took a member")
        except UnimplementedError:
            pass
        client.stop()
        client.close()
        alone.process.terminate()
        alone.process.wait(15)
        ensemble.servers = [ensemble.start(1, [])]
        ensemble.leader()
        client = admin(ensemble)
        assert client.get("/from-before")[0] == b"x"
        assert client.get("/zookeeper/config")[0].decode() == ensemble.spec(1) + "\nversion=0"
        client.stop()
        client.close()

    @checks.check("an ensemble of one grows to three under load")
    def _():
        with Load(ensemble, "one"):
            for number in (2, 3):
                ensemble.start(number, [1])
                text = change(ensemble, joining=ensemble.spec(number))
                assert ensemble.spec(number) in text, text
        ensemble.servers = [ensemble.all[number] for number in (1, 2, 3)]
        verify(ensemble, [])

    @checks.check("refusals are ZooKeeper's, and change nothing")
    def _():
        plain, root = KazooClient(ensemble.servers[0].address), admin(ensemble)
        plain.start(timeout=20)
        before, stat = root.get("/zookeeper/config")
        for client, error, arguments in (
            (plain, NoAuthError, ("server.999=0.0.0.0:1234:2345:observer;3456", None, None)),
            (plain, BadArgumentsError, ("some thing", None, None)),
            (plain, BadVersionError, (None, "3", None, 12345)),
            (root, BadArgumentsError, (None, "2,3", None)),
            (root, BadArgumentsError, ("server.9=127.0.0.1:%d:1;1" % ensemble.peer_ports[1], None, None)),
            (root, NewConfigNoQuorumError, ("server.9=127.0.0.1:1:1:participant;1", None, None)),
        ):
            try:
                client.reconfig(*arguments)
                raise AssertionError("%s was taken" % (arguments,))
            except error:
                pass
        assert root.get("/zookeeper/config")[0] == before
        for client in (plain, root):
            client.stop()
            client.close()

    @checks.check("three grow to five at once, seen by a watch on /zookeeper/config")
    def _():
        watcher, seen = admin(ensemble, ensemble.servers[2]), []
        watcher.get("/zookeeper/config", watch=seen.append)
        with Load(ensemble, "three"):
            for number in (4, 5):
                ensemble.start(number, [1, 2, 3])
            text = change(ensemble, joining=ensemble.spec(4) + "," + ensemble.spec(5))
            assert numbers(text) == [1, 2, 3, 4, 5], text
        time.sleep(0.5)
        assert len(seen) == 1 and seen[0].path == "/zookeeper/config", seen
        assert watcher.get("/zookeeper/config")[0].decode() == text
        watcher.stop()
        watcher.close()
        ensemble.servers = [ensemble.all[number] for number in (1, 2, 3, 4, 5)]
        verify(ensemble, [])

    @checks.check("a removed leader hands over and serves no longer")
    def _():
        leader = ensemble.leader()
        rest = ensemble.others(leader)
        with Load(ensemble, "removed") as load:
            lost = load.on_(leader)
            text = change(ensemble, leaving=str(leader.number), through=rest[0])
            assert leader.number not in numbers(text), text
            ensemble.servers = rest
            ensemble.leader()
            assert time.monotonic() - max(writer.times[-1] for writer in load.writers if writer is not lost) < 3, "writes stopped"
            assert leader.mode() in ("none", "looking"), leader.mode()
        leader.process.terminate()
        leader.process.wait(15)

    @checks.check("four shrink to three, and a fresh server takes the place of a dead one under a new number")
    def _():
        leader = ensemble.leader()
        gone = ensemble.others(leader)[0]
        change(ensemble, leaving=str(gone.number), through=leader)
        gone.process.terminate()
        gone.process.wait(15)
        ensemble.servers = ensemble.others(gone)
        dead = ensemble.others(leader)[0]
        rest = ensemble.others(dead)
        with Load(ensemble, "dead"):
            dead.send(signal.SIGKILL)
            fresh = ensemble.start(6, [server.number for server in rest])
            text = change(ensemble, joining=ensemble.spec(6), leaving=str(dead.number), through=rest[0])
            assert 6 in numbers(text) and dead.number not in numbers(text), text
            ensemble.servers = rest + [fresh]

    @checks.check("an observer serves reads, forwards writes and does not vote")
    def _():
        watcher = ensemble.start(7, [server.number for server in ensemble.servers])
        change(ensemble, joining=ensemble.spec(7, "observer"), through=ensemble.servers[0])
        end = time.monotonic() + 10
        while watcher.mode() != "observer" and time.monotonic() < end:
            time.sleep(0.1)
        client = KazooClient(watcher.address, timeout=SESSION_SECONDS)
        client.start(timeout=20)
        client.create("/from-an-observer", b"x")
        assert client.get("/from-an-observer")[0] == b"x"
        leader = ensemble.leader()
        watcher.send(signal.SIGSTOP)
        other = admin(ensemble, leader)
        other.create("/without-the-observer", b"")
        figures = other.command(b"mntr")
        assert "zk_quorum_size\t3" in figures, figures
        watcher.send(signal.SIGCONT)
        client.sync("/")
        assert client.exists("/without-the-observer")
        for one in (client, other):
            one.stop()
            one.close()

    @checks.check("a start with an old list of peers follows the log's")
    def _():
        server = ensemble.servers[0]
        server.process.terminate()
        server.process.wait(15)
        again = ensemble.start(server.number, [1, 2, 3] if server.number <= 3 else [1, 2, 3, server.number])
        ensemble.servers[0] = again
        ensemble.leader()
        verify(ensemble, [])

    @checks.check("a server whose disk was lost does not come back under its number")
    def _():
        victim = ensemble.others(ensemble.leader())[0]
        victim.send(signal.SIGKILL)
        shutil.rmtree("%s/server-%d" % (ensemble.directory, victim.number))
        again = ensemble.start(victim.number, [server.number for server in ensemble.servers])
        time.sleep(2)
        try:
            client = KazooClient(again.address, timeout=2)
            client.start(timeout=2)
            raise AssertionError("it serves clients")
        except (KazooException, KazooTimeoutError):
            client.close()
        again.log.seek(0)
        said = again.log.read().decode(errors="replace")
        assert "with another data directory" in said, said[-2000:]
        rest = ensemble.others(victim)
        change(ensemble, leaving=str(victim.number), through=rest[0])
        again.process.terminate()
        again.process.wait(15)
        ensemble.servers = rest
        verify(ensemble, [])


    @checks.check("the command line shows and changes the members")
    def _():
        leader = ensemble.leader()
        logins = os.path.join(ensemble.directory, "super.txt")
        with open(logins, "w") as file:
            file.write("digest super:test\n")

        def run(*words):
            return subprocess.run([ensemble.program, "coord", *words, "--server", leader.address], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

        added = run("reconfig", "--auth-file", logins, "--add", "server.200=127.0.0.1:1:2:observer;127.0.0.1:3")
        assert added.returncode == 0 and "127.0.0.1:1:2" in added.stdout and "observer" in added.stdout, added.stdout
        assert "200" in run("members").stdout
        garbled = run("reconfig", "--auth-file", logins, "--add", "127.0.0.1:4")
        assert garbled.returncode == 1 and "a server is written as server.4=" in garbled.stdout, garbled.stdout
        denied = run("reconfig", "--remove", "200")
        assert denied.returncode == 77, denied.stdout
        assert run("reconfig", "--auth-file", logins, "--add", "server.201=127.0.0.1:4:5;127.0.0.1:6").returncode == 1
        removed = run("reconfig", "--auth-file", logins, "--remove", "200")
        assert removed.returncode == 0 and "127.0.0.1:1:2" not in removed.stdout, removed.stdout

    @checks.check("a server without its quorum serves reads to those who are content with them")
    def _():
        alone = ensemble.servers[0]
        voters = [server for server in ensemble.servers[1:]]
        for server in list(ensemble.all.values()):
            if server is not alone and server.process.poll() is None:
                server.send(signal.SIGKILL)
        reader = KazooClient(alone.address, timeout=SESSION_SECONDS, read_only=True)
        end = time.monotonic() + 20
        while True:
            try:
                reader.start(timeout=2)
                break
            except KazooTimeoutError:
                assert time.monotonic() < end, "nobody is taken"
        assert reader.client_state == KeeperState.CONNECTED_RO, reader.client_state
        assert "load" in reader.get_children("/")
        try:
            reader.create("/no", b"")
            raise AssertionError("a write was taken")
        except NotReadOnlyCallError:
            pass
        writer = KazooClient(alone.address, timeout=SESSION_SECONDS)
        try:
            writer.start(timeout=2)
            raise AssertionError("a client that wants to write was taken")
        except KazooTimeoutError:
            writer.close()
        for server in voters:
            server.start()
            server.wait_ready()
        ensemble.leader()
        end = time.monotonic() + 20
        while reader.client_state != KeeperState.CONNECTED and time.monotonic() < end:
            time.sleep(0.1)
        assert reader.client_state == KeeperState.CONNECTED, reader.client_state
        reader.create("/written-again", b"")
        reader.stop()
        reader.close()
        verify(ensemble, [])


def on_(load, server):
    return next(writer for writer in load.writers if writer.name_.endswith("-%d" % server.number))


Load.on_ = on_

if __name__ == "__main__":
    os.makedirs(sys.argv[2], exist_ok=True)
    sys.exit(main())
