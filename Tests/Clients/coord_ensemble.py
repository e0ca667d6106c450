"""Three coord servers as processes of their own, under load, with real faults. Usage: coord_ensemble.py PROGRAM DATA_DIRECTORY [ROUNDS] [SEED]

Writers create sequential nodes and count a register up by conditional sets, each over a session of its own. The leader is killed (-9), stopped (SIGSTOP)
past the session timeout and continued, followers are killed, stopped, and restarted one after the other, and all are killed at once. After each
fault: every acknowledged write is on every server, registers never went back, sessions on other servers were never cut off, sessions of a
lost server moved without expiring, ephemerals and watches are kept. The longest pause between two acknowledged writes is told.
"""
import logging
import os
import random
import signal
import sys
import threading
import time

from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import KazooException
from kazoo.handlers.threading import KazooTimeoutError

from checks import Checks
from platform_child import ServerProcess, free_port, stop_all

logging.disable(logging.CRITICAL)
SESSION_SECONDS = 6.0


class Server(ServerProcess):
    """One server of the ensemble."""

    def __init__(self, program, directory, number, peers):
        self.port = free_port()
        self.number = number
        self.peer_port = int(peers.split(",")[number - 1].rsplit(":", 1)[1])
        arguments = [
            program, "coord", "serve", "--id", str(number), "--peers", peers, "--listen", "127.0.0.1:%d" % self.port,
            "--data-dir", "%s/server-%d" % (directory, number), "--set", "coord.admin=false", "--set", "console.listen=127.0.0.1:%d" % free_port(),
            "--set", "coord.connections-per-address.max=0",
        ]
        super().__init__(arguments, "server %d" % number)

    def mode(self):
        try:
            client = KazooClient(self.address, timeout=SESSION_SECONDS)
            client.start(timeout=3)
            answer = client.command(b"srvr")
            client.stop()
            client.close()
            return answer.split("Mode: ")[1].split()[0]
        except (KazooException, KazooTimeoutError, IndexError, OSError):
            return "none"


class Ensemble:
    def __init__(self, program, directory, count=3, settings=()):
        ports = [free_port() for _ in range(count)]
        peers = ",".join("%d=127.0.0.1:%d" % (place + 1, port) for place, port in enumerate(ports))
        self.servers = [Server(program, directory, place + 1, peers) for place in range(count)]
        for server in self.servers:
            for setting in settings:
                server.arguments += ["--set", setting]
            server.start()
        for server in self.servers:
            server.wait_ready()
        self.leader()

    def leader(self, among=None, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for server in among or self.servers:
                if server.mode() == "leader":
                    return server
            time.sleep(0.1)
        raise RuntimeError("no leader within %d s" % seconds)

    def others(self, server):
        return [other for other in self.servers if other is not server]

    def hosts(self, first):
        """A connect string that begins with one server."""
        return ",".join([first.address] + [server.address for server in self.others(first)])

    def stop(self):
        stop_all(self.servers)


class Writer(threading.Thread):
    """Writes over one session, one request after the other, and notes what was acknowledged and when."""

    def __init__(self, hosts, name):
        super().__init__(daemon=True)
        self.name_, self.root = name, "/load/" + name
        self.client = KazooClient(hosts, timeout=SESSION_SECONDS, randomize_hosts=False)
        self.states = []
        self.client.add_listener(self.states.append)
        self.client.start(timeout=20)
        self.client.ensure_path(self.root)
        self.client.create(self.root + "/register", b"0")
        self.client.create(self.root + "/alive", b"", ephemeral=True)
        self.session = self.client.client_id[0]
        self.register, self.version = 0, 0
        self.created, self.times, self.failures = [], [], 0
        self.halt = threading.Event()

    def run(self):
        number = 0
        while not self.halt.is_set():
            try:
                if number % 2:
                    self.created.append(self.client.create(self.root + "/n-", b"%d" % number, sequence=True))
                else:
                    stat = self.client.set(self.root + "/register", b"%d" % (self.register + 1), version=self.version)
                    self.register, self.version = self.register + 1, stat.version
                self.times.append(time.monotonic())
                number += 1
            except (KazooException, KazooTimeoutError):
                # Nobody knows whether it was executed: look, as a careful client does.
                self.failures += 1
                self.look()

    def look(self):
        while not self.halt.is_set():
            try:
                self.client.sync("/")
                data, stat = self.client.get(self.root + "/register")
                if int(data) < self.register or int(data) > self.register + 1:
                    raise AssertionError("the register went from %d to %s" % (self.register, data))
                self.register, self.version = int(data), stat.version
                return
            except (KazooException, KazooTimeoutError):
                time.sleep(0.05)

    def longest_pause(self, since):
        times = [since] + [moment for moment in self.times if moment >= since]
        return max((b - a for a, b in zip(times, times[1:])), default=0.0)


def verify(ensemble, writers, servers=None):
    """Every acknowledged write is on every server."""
    for server in servers or ensemble.servers:
        client = KazooClient(server.address, timeout=SESSION_SECONDS)
        client.start(timeout=20)
        client.sync("/")
        for writer in writers:
            names = set(client.get_children(writer.root))
            lost = [path for path in writer.created if path.rsplit("/", 1)[1] not in names]
            assert not lost, "server %d lost %d of %d nodes, the first is %s" % (server.number, len(lost), len(writer.created), lost[0])
            assert int(client.get(writer.root + "/register")[0]) >= writer.register, "server %d has an old register" % server.number
            assert "alive" in names, "server %d lost the ephemeral of %s" % (server.number, writer.name_)
        client.stop()
        client.close()


class Load:
    """Writers on every server for as long as the block runs, then the checks."""

    def __init__(self, ensemble, tag):
        self.ensemble, self.tag = ensemble, tag

    def __enter__(self):
        self.writers = [Writer(self.ensemble.hosts(server), "%s-%d" % (self.tag, server.number)) for server in self.ensemble.servers]
        for writer in self.writers:
            writer.start()
        time.sleep(0.5)
        return self

    def on(self, server):
        return self.writers[server.number - 1]

    def __exit__(self, kind, value, trace):
        time.sleep(1.0)
        for writer in self.writers:
            writer.halt.set()
        for writer in self.writers:
            writer.join(20)
        try:
            if kind is None:
                verify(self.ensemble, self.writers)
                for writer in self.writers:
                    assert KazooState.LOST not in writer.states, "the session of %s expired" % writer.name_
                    assert len(writer.times) > 10, "%s wrote next to nothing" % writer.name_
        finally:
            for writer in self.writers:
                writer.client.stop()
                writer.client.close()


def main():
    program, directory = sys.argv[1], sys.argv[2]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 30)
    print("seed %d" % seed)
    random.seed(seed)
    checks = Checks()
    ensemble = Ensemble(program, directory)
    pauses = {"killed": [], "stopped": []}
    try:
        scenarios(checks, ensemble, rounds, pauses)
    finally:
        ensemble.stop()
    for what, seconds in pauses.items():
        if seconds:
            print("write pause with the leader %s: median %.0f ms, longest %.0f ms of %d" % (what, sorted(seconds)[len(seconds) // 2] * 1000, max(seconds) * 1000, len(seconds)))
    return checks.finish()


def scenarios(checks, ensemble, rounds, pauses):
    @checks.check("a write on one server is read on the others after a sync")
    def _():
        clients = [KazooClient(server.address) for server in ensemble.servers]
        for client in clients:
            client.start(timeout=20)
        for number in range(20):
            clients[number % 3].create("/seen-%d" % number, b"x")
            reader = clients[(number + 1) % 3]
            reader.sync("/")
            assert reader.exists("/seen-%d" % number)
        for client in clients:
            client.stop()
            client.close()

    for turn in range(rounds):

        @checks.check("the leader is killed under load, round %d" % (turn + 1))
        def _(turn=turn):
            leader = ensemble.leader()
            with Load(ensemble, "kill%d" % turn) as load:
                time.sleep(random.uniform(0, 0.3))
                asker = KazooClient(ensemble.others(leader)[0].address, timeout=SESSION_SECONDS)
                asker.start(timeout=20)
                began = time.monotonic()
                leader.send(signal.SIGKILL)
                asker.sync("/")
                assert time.monotonic() - began < 3, "a sync that met the loss of the leader was not asked again of the new one"
                asker.stop()
                asker.close()
                time.sleep(2.5)
                survivors = [load.on(server) for server in ensemble.others(leader)]
                pauses["killed"].append(max(writer.longest_pause(began) for writer in survivors))
                for writer in survivors:
                    assert writer.states == [KazooState.CONNECTED], "a session on a follower was cut off: %s" % writer.states
                leader.start()
                leader.wait_ready()

    @checks.check("a stopped leader is replaced, and serves nothing stale when it goes on")
    def _():
        leader = ensemble.leader()
        with Load(ensemble, "stop") as load:
            began = time.monotonic()
            leader.send(signal.SIGSTOP)
            time.sleep(SESSION_SECONDS + 2)
            ensemble.leader(ensemble.others(leader))
            pauses["stopped"].append(max(load.on(server).longest_pause(began) for server in ensemble.others(leader)))
            reader = KazooClient(leader.address, timeout=SESSION_SECONDS)
            leader.send(signal.SIGCONT)
            reader.start(timeout=20)
            reader.sync("/")
            for server in ensemble.others(leader):
                writer = load.on(server)
                before = writer.register
                reader.sync("/")
                assert int(reader.get(writer.root + "/register")[0]) >= before, "the old leader answered from its past"
            reader.stop()
            reader.close()

    @checks.check("a follower that holds sessions is killed: they move and do not expire")
    def _():
        leader = ensemble.leader()
        follower = ensemble.others(leader)[0]
        with Load(ensemble, "follower") as load:
            session = load.on(follower).client.client_id[0]
            follower.send(signal.SIGKILL)
            time.sleep(3)
            assert load.on(follower).client.client_id[0] == session, "the session is another one"
            follower.start()
            follower.wait_ready()

    @checks.check("servers are restarted one after the other, with ephemerals and watches held")
    def _():
        seen = []
        watcher = KazooClient(ensemble.hosts(ensemble.servers[0]), timeout=SESSION_SECONDS, randomize_hosts=False)
        watcher.start(timeout=20)
        watcher.create("/watched", b"0")
        # kazoo's recipe sets its watch anew whenever the client comes back.
        watcher.DataWatch("/watched", lambda data, stat: seen.append(data))
        with Load(ensemble, "rolling"):
            for server in ensemble.servers:
                server.send(signal.SIGTERM)
                assert server.process.wait(20) == 0, "server %d did not stop in order:\n%s" % (server.number, server.tail())
                server.start()
                server.wait_ready()
                time.sleep(0.5)
        assert set(seen) == {b"0"}, "the watch told of what did not happen: %s" % seen
        watcher.set("/watched", b"1")
        time.sleep(1)
        assert seen[-1] == b"1", "the watch was lost: %s" % seen
        watcher.stop()
        watcher.close()

    @checks.check("all servers are killed at once in the middle of writes")
    def _():
        with Load(ensemble, "all"):
            for server in ensemble.servers:
                server.process.send_signal(signal.SIGKILL)
            for server in ensemble.servers:
                server.process.wait()
            for server in ensemble.servers:
                server.start()
            for server in ensemble.servers:
                server.wait_ready()
            ensemble.leader()
            time.sleep(2)

    @checks.check("one of three alone takes no writes, and goes on when another one is back")
    def _():
        leader = ensemble.leader()
        gone = ensemble.others(leader)
        for server in gone:
            server.send(signal.SIGKILL)
        client = KazooClient(leader.address, timeout=SESSION_SECONDS)
        try:
            client.start(timeout=3)
            client.create_async("/alone", b"").get(timeout=3)
            raise AssertionError("a minority acknowledged a write")
        except (KazooException, KazooTimeoutError):
            pass
        for server in gone:
            server.start()
        for server in gone:
            server.wait_ready()
        ensemble.leader()
        verify(ensemble, [])
        client.stop()
        client.close()


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # A check that failed leaves clients with threads that would keep the process.
    os._exit(status)
