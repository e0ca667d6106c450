"""Servers in network namespaces of their own, whose network can be cut without a word.

One bridge is for clients (`c`, 10.77.0.0/24) and one for the servers among each other (`p`, 10.78.0.0/24), in a namespace that the script makes for itself: that
needs root. A cut takes a port off its bridge, so that frames vanish and nobody hears of it: no reset, no unreachable, no lost carrier.
"""
import os
import subprocess
import sys
import tempfile

from platform_child import ServerProcess

SKIPPED = 77
NETWORKS = {"c": 77, "p": 78}


def run(*words):
    subprocess.run(words, check=True, capture_output=True)


class Host(ServerProcess):
    """A server in a namespace of its own: `cN` and `pN` are its ports on the bridges of the clients and of the servers."""

    def __init__(self, number, port, arguments, name):
        self.number, self.port = number, port
        self.space = "s%d" % number
        run("ip", "netns", "add", self.space)
        run("ip", "-n", self.space, "link", "set", "lo", "up")
        for kind, network in NETWORKS.items():
            outer, inner = "%s%d" % (kind, number), "%s-eth" % kind
            run("ip", "link", "add", outer, "type", "veth", "peer", "name", inner, "netns", self.space)
            run("ip", "link", "set", outer, "master", "br-" + kind, "up")
            run("ip", "-n", self.space, "address", "add", "10.%d.0.%d/24" % (network, number), "dev", inner)
            run("ip", "-n", self.space, "link", "set", inner, "up")
        super().__init__(["ip", "netns", "exec", self.space] + arguments, name)

    @property
    def address(self):
        return client_address(self.number, self.port)

    def cut(self, *kinds):
        for kind in kinds:
            run("ip", "link", "set", "%s%d" % (kind, self.number), "nomaster")

    def mend(self, *kinds):
        for kind in kinds:
            run("ip", "link", "set", "%s%d" % (kind, self.number), "master", "br-" + kind)

    def hardware_address(self):
        with_link = subprocess.run(["ip", "-n", self.space, "-o", "link", "show", "p-eth"], check=True, capture_output=True, text=True).stdout
        return with_link.split("link/ether ")[1].split()[0]

    def deafen(self, other):
        """What is sent to this server among servers goes to another one, which drops it; what it says still arrives."""
        run("bridge", "fdb", "replace", self.hardware_address(), "dev", "p%d" % other.number, "master", "static", "sticky")

    def undeafen(self, other):
        run("bridge", "fdb", "del", self.hardware_address(), "dev", "p%d" % other.number, "master")


def client_address(number, port):
    return "10.%d.0.%d:%d" % (NETWORKS["c"], number, port)


def peers(count, port):
    """The servers' addresses for each other, as --peers wants them."""
    return ",".join("%d=10.%d.0.%d:%d" % (number, NETWORKS["p"], number, port) for number in range(1, count + 1))


def lay_bridges():
    """Makes both bridges; this script is a client, at an address of its own."""
    subprocess.run(["mount", "--make-rprivate", "/"], check=False)
    os.makedirs("/run/netns", exist_ok=True)
    run("mount", "-t", "tmpfs", "none", "/run/netns")
    run("ip", "link", "set", "lo", "up")
    for kind in NETWORKS:
        run("ip", "link", "add", "br-" + kind, "type", "bridge", "forward_delay", "0")
        run("ip", "link", "set", "br-" + kind, "up")
    run("ip", "address", "add", "10.%d.0.254/24" % NETWORKS["c"], "dev", "br-c")


def main(script, inside):
    """Runs `inside(program, directory)` in namespaces of its own, which is this script with a second argument; without the right to them says why and returns 77."""
    if len(sys.argv) == 3:
        lay_bridges()
        return inside(*sys.argv[1:])
    possible = subprocess.run(["unshare", "-n", "-m", "sh", "-c", "ip link add b0 type bridge && ip link add v0 type veth peer name v1"], capture_output=True)
    if os.geteuid() != 0 or possible.returncode != 0:
        print("skipped: networks of its own need root, the right to unshare them, and ip with bridges: %s" % possible.stderr.decode().strip())
        return SKIPPED
    with tempfile.TemporaryDirectory() as directory:
        # Whatever becomes of the script, its servers end with it.
        return subprocess.run(["unshare", "-n", "-m", "-p", "-f", "--kill-child", sys.executable, "-B", script, sys.argv[1], directory]).returncode
