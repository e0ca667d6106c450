"""Three coord servers whose network is cut without a word. Usage: coord_network.py PROGRAM [DIRECTORY]

`silent_network.py` gives each server a network namespace of its own, which needs root; without the right to it the script prints why and ends with status 77.
Registers are read and written through every server while links are cut, and their history must be linearizable; sessions of kazoo move and do not expire;
afterwards all servers hold the same.
"""
import logging
import sys
import time

from checks import Checks
from coord_ensemble import SESSION_SECONDS, Ensemble, Load
from register_history import History, Watched
from silent_network import Host, client_address, main, peers
from zkwire import Wire

# Loose, for machines with other work: what is measured is printed.
PAUSE_SECONDS_MAX = 6.0
CUT_SECONDS = 5.5


class Server(Host):
    def __init__(self, program, directory, number, count):
        super().__init__(number, 2181, [
            program, "coord", "serve", "--id", str(number), "--peers", peers(count, 2888), "--listen", client_address(number, 2181), "--insecure-expose",
            "--data-dir", "%s/server-%d" % (directory, number), "--set", "coord.admin=false", "--set", "coord.connections-per-address.max=0"], "server %d" % number)

    def mode(self):
        try:
            wire = Wire(self.address, handshake=False)
            wire.socket.settimeout(3)
            wire.socket.sendall(b"srvr")
            answer = b"".join(iter(lambda: wire.socket.recv(1 << 16), b"")).decode()
            return answer.split("Mode: ")[1].split()[0]
        except (OSError, IndexError):
            return "none"


class Network(Ensemble):
    def __init__(self, program, directory, count=3):
        self.servers = [Server(program, directory, number + 1, count) for number in range(count)]
        for server in self.servers:
            server.start()
        for server in self.servers:
            server.wait_ready()
        self.leader()


def inside(program, directory):
    checks = Checks()
    network = Network(program, directory)
    try:
        scenarios(checks, network)
    finally:
        network.stop()
    return checks.finish()


def scenarios(checks, network):
    @checks.check("the check of histories notices a read of the past and a lost write")
    def _():
        for operations in ([("r", 0, 1, 1, b"a", True), ("r", 2, 3, 0, b"", False)], [("r", 0, 1, 1, b"a", True), ("r", 2, 3, 1, b"b", True)], [("r", 0, 1, 2, b"x", False)]):
            history = History()
            history.done = operations
            assert history.problem() is not None, operations
        history = History()
        history.done, history.open = [("r", 0, 9, 0, b"", False), ("r", 1, 2, 1, b"a", True), ("r", 3, 4, 2, b"b", False)], [("r", 2.5, b"b")]
        assert history.problem() is None, history.problem()

    @checks.check("the leader is cut off from the other servers, not from its clients: it answers nothing from its past")
    def _():
        leader = network.leader()
        others = network.others(leader)
        with Watched(network, "lonely") as watched:
            cut = time.monotonic()
            leader.cut("p")
            network.leader(others)
            time.sleep(CUT_SECONDS)
            pause = watched.pause(others, cut)
            print("        writes went on through the others after %.0f ms" % (pause * 1000))
            assert pause < PAUSE_SECONDS_MAX, "no write for %.1f s" % pause
            late = [worker for worker in watched.workers[leader] if worker.answers and worker.answers[-1] > cut + 3]
            assert not late, "the leader that was cut off answered %s" % [worker.answers[-1] - cut for worker in late]
            assert leader.mode() not in ("leader", "follower"), leader.mode()
            leader.mend("p")
            watched.wait_answers(network.servers)

    @checks.check("the leader is cut off from everybody: its sessions move and do not expire, those of the others stay")
    def _():
        leader = network.leader()
        others = network.others(leader)
        with Watched(network, "alone") as watched, Load(network, "moved") as load:
            cut = time.monotonic()
            leader.cut("p", "c")
            network.leader(others)
            time.sleep(SESSION_SECONDS + 2)
            moved = load.on(leader)
            assert moved.times and moved.times[-1] > cut + 2, "the session of the leader did not move"
            assert moved.client.client_id[0] == moved.session, "the session is another one"
            for server in others:
                assert load.on(server).states == ["CONNECTED"], "a session on a follower was cut off: %s" % load.on(server).states
            print("        writes went on through the others after %.0f ms" % (watched.pause(others, cut) * 1000))
            leader.mend("c", "p")
            watched.wait_answers(network.servers)

    @checks.check("a follower is cut off: the others do not notice, and it comes back")
    def _():
        follower = network.others(network.leader())[0]
        others = network.others(follower)
        with Watched(network, "follower") as watched:
            cut = time.monotonic()
            follower.cut("p")
            time.sleep(CUT_SECONDS)
            print("        the longest pause of the others' writes was %.0f ms" % (watched.pause(others, cut) * 1000))
            late = [worker for worker in watched.workers[follower] if worker.answers and worker.answers[-1] > cut + 3]
            assert not late, "the follower that was cut off answered a sync"
            follower.mend("p")
            watched.wait_answers(network.servers)

    @checks.check("a leader that is heard and hears nothing is replaced")
    def _():
        leader = network.leader()
        others = network.others(leader)
        with Watched(network, "deaf") as watched:
            cut = time.monotonic()
            leader.deafen(others[0])
            network.leader(others)
            time.sleep(CUT_SECONDS)
            pause = watched.pause(others, cut)
            print("        writes went on through the others after %.0f ms" % (pause * 1000))
            assert pause < PAUSE_SECONDS_MAX, "no write for %.1f s" % pause
            leader.undeafen(others[0])
            watched.wait_answers(network.servers)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    sys.exit(main(__file__, inside))
