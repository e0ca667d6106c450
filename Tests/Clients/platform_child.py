"""The real program as a child of a script: started on a data directory, waited for by its READY line, killed and started again on the same ports."""
import os
import random
import signal
import socket
import subprocess
import tempfile
import time


_given = set()


def free_port(rng=random):
    """A port nobody holds and that was not given out before, below the range from which the system picks outgoing ports: a client that tries again can never
    meet itself there."""
    for _ in range(200):
        port = rng.randrange(20000, 32000)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                _given.add(port)
                return port
            except OSError:
                continue
    raise RuntimeError("found no free port between 20000 and 32000")


class PlatformChild:
    """`settings`: NAME=VALUE texts for --set. The ports of the listeners named in `listeners` stay the same from start to start."""

    def __init__(self, program, directory, only, listeners, settings=()):
        self.arguments = [program, "up", "--only", only, "--data-dir", directory, "--ports", "auto"]
        for name in listeners:
            self.arguments += ["--set", "%s=127.0.0.1:%d" % (name, free_port())]
        for pair in settings:
            self.arguments += ["--set", pair]
        self.log = tempfile.TemporaryFile()
        self.process = None
        self.endpoints = {}

    def start(self, seconds=30):
        """Starts and waits for READY; returns the seconds that took."""
        began = time.monotonic()
        self.process = subprocess.Popen(self.arguments, stdout=subprocess.PIPE, stderr=self.log, stdin=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        took = time.monotonic() - began
        if not line.startswith("READY ") or took > seconds:
            raise RuntimeError("not ready after %.1f s: %r\n%s" % (took, line, self.tail()))
        self.endpoints = dict(word.split("=", 1) for word in line.split()[1:])
        return took

    def tail(self, count=4000):
        self.log.seek(0, os.SEEK_END)
        self.log.seek(max(0, self.log.tell() - count))
        return self.log.read().decode(errors="replace")

    @property
    def alive(self):
        return self.process.poll() is None

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """SIGTERM; returns the exit status."""
        if self.alive:
            self.process.terminate()
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
            return "no end within 10 s"


def resident_bytes(pid):
    with open("/proc/%d/statm" % pid) as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class ServerProcess:
    """One server of several, each a process of its own; `port` is set by who makes it."""

    def __init__(self, arguments, name):
        self.arguments, self.name = arguments, name
        self.log = tempfile.TemporaryFile()
        self.process = None
        self.endpoints = {}

    @property
    def address(self):
        return "127.0.0.1:%d" % self.port

    def start(self):
        self.process = subprocess.Popen(self.arguments, stdout=subprocess.PIPE, stderr=self.log, stdin=subprocess.DEVNULL, text=True)

    def wait_ready(self):
        line = self.process.stdout.readline()
        if not line.startswith("READY "):
            raise RuntimeError("%s is not ready: %r\n%s" % (self.name, line, self.tail()))
        self.endpoints = dict(word.split("=", 1) for word in line.split()[1:])

    def tail(self, count=6000):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")[-count:]

    def send(self, what):
        self.process.send_signal(what)
        if what == signal.SIGKILL:
            self.process.wait()


def stop_all(servers):
    """Continues those that are stopped, asks all to end, and kills who does not within ten seconds."""
    for server in servers:
        if server.process and server.process.poll() is None:
            server.process.send_signal(signal.SIGCONT)
            server.process.terminate()
    for server in servers:
        try:
            server.process.wait(10)
        except subprocess.TimeoutExpired:
            server.process.kill()
