"""Three coord servers whose network is cut without a word. Usage: coord_network.py PROGRAM [DIRECTORY]

Each server is in a network namespace of its own, with one bridge for clients and one for the servers among each other, all in a namespace that the script
makes for itself: that needs root; without the right to it the script prints why and ends with status 77. A cut takes a port off its bridge, so that frames
vanish and nobody hears of it: no reset, no unreachable, no lost carrier. Registers are read and written through every server meanwhile, and
their history must be linearizable; sessions of kazoo move and do not expire; afterwards all servers hold the same.
"""
import logging
import os
import subprocess
import sys
import tempfile
import time

from checks import Checks
from coord_ensemble import SESSION_SECONDS, Ensemble, Load
from platform_child import ServerProcess
from register_history import History, Watched
from zkwire import Wire

SKIPPED = 77
# Loose, for machines with other work: what is measured is printed.
PAUSE_SECONDS_MAX = 6.0
CUT_SECONDS = 5.5


def run(*words):
    subprocess.run(words, check=True, capture_output=True)


class Host(ServerProcess):
    """A server in a namespace of its own: `cN` and `pN` are its ports on the bridges of the clients and of the servers."""

    def __init__(self, program, directory, number, count):
        self.number, self.port = number, 2181
        self.space = "s%d" % number
        run("ip", "netns", "add", self.space)
        run("ip", "-n", self.space, "link", "set", "lo", "up")
        for kind, network in (("c", 77), ("p", 78)):
            port, inner = "%s%d" % (kind, number), "%s-eth" % kind
            run("ip", "link", "add", port, "type", "veth", "peer", "name", inner, "netns", self.space)
            run("ip", "link", "set", port, "master", "br-" + kind, "up")
            run("ip", "-n", self.space, "address", "add", "10.%d.0.%d/24" % (network, number), "dev", inner)
            run("ip", "-n", self.space, "link", "set", inner, "up")
        peers = ",".join("%d=10.78.0.%d:2888" % (place, place) for place in range(1, count + 1))
        super().__init__(["ip", "netns", "exec", self.space, program, "coord", "serve", "--id", str(number), "--peers", peers, "--listen", self.address, "--insecure-expose",
                          "--data-dir", "%s/server-%d" % (directory, number), "--set", "coord.admin=false", "--set", "coord.connections-per-address.max=0"], "server %d" % number)

    @property
    def address(self):
        return "10.77.0.%d:%d" % (self.number, self.port)

    def mode(self):
        try:
            wire = Wire(self.address, handshake=False)
            wire.socket.settimeout(3)
            wire.socket.sendall(b"srvr")
            answer = b"".join(iter(lambda: wire.socket.recv(1 << 16), b"")).decode()
            return answer.split("Mode: ")[1].split()[0]
        except (OSError, IndexError):
            return "none"

    def cut(self, kind):
        run("ip", "link", "set", "%s%d" % (kind, self.number), "nomaster")

    def mend(self, kind):
        run("ip", "link", "set", "%s%d" % (kind, self.number), "master", "br-" + kind)

    def hardware_address(self):
        with_link = subprocess.run(["ip", "-n", self.space, "-o", "link", "show", "p-eth"], check=True, capture_output=True, text=True).stdout
        return with_link.split("link/ether ")[1].split()[0]

    def deafen(self, other):
        """What is sent to this server among servers goes to another one, which drops it; what it says still arrives."""
        run("bridge", "fdb", "replace", self.hardware_address(), "dev", "p%d" % other.number, "master", "static", "sticky")

    def undeafen(self, other):
        run("bridge", "fdb", "del", self.hardware_address(), "dev", "p%d" % other.number, "master")


class Network(Ensemble):
    def __init__(self, program, directory, count=3):
        for kind, network in (("c", 77), ("p", 78)):
            run("ip", "link", "add", "br-" + kind, "type", "bridge", "forward_delay", "0")
            run("ip", "link", "set", "br-" + kind, "up")
        run("ip", "address", "add", "10.77.0.254/24", "dev", "br-c")
        self.servers = [Host(program, directory, number + 1, count) for number in range(count)]
        for server in self.servers:
            server.start()
        for server in self.servers:
            server.wait_ready()
        self.leader()


def inside(program, directory):
    subprocess.run(["mount", "--make-rprivate", "/"], check=False)
    os.makedirs("/run/netns", exist_ok=True)
    run("mount", "-t", "tmpfs", "none", "/run/netns")
    run("ip", "link", "set", "lo", "up")
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
            leader.cut("p")
            leader.cut("c")
            network.leader(others)
            time.sleep(SESSION_SECONDS + 2)
            moved = load.on(leader)
            assert moved.times and moved.times[-1] > cut + 2, "the session of the leader did not move"
            assert moved.client.client_id[0] == moved.session, "the session is another one"
            for server in others:
                assert load.on(server).states == ["CONNECTED"], "a session on a follower was cut off: %s" % load.on(server).states
            print("        writes went on through the others after %.0f ms" % (watched.pause(others, cut) * 1000))
            leader.mend("c")
            leader.mend("p")
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


def main(program):
    possible = subprocess.run(["unshare", "-n", "-m", "sh", "-c", "ip link add b0 type bridge && ip link add v0 type veth peer name v1"], capture_output=True)
    if os.geteuid() != 0 or possible.returncode != 0:
        print("skipped: networks of its own need root, the right to unshare them, and ip with bridges: %s" % possible.stderr.decode().strip())
        return SKIPPED
    with tempfile.TemporaryDirectory() as directory:
        return subprocess.run(["unshare", "-n", "-m", sys.executable, "-B", __file__, program, directory]).returncode


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    sys.exit(inside(*sys.argv[1:]) if len(sys.argv) == 3 else main(*sys.argv[1:]))
