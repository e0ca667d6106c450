"""Servers for kazoo's own tests: `coord` of the program under test, or the real ZooKeeper as the reference.

The classes take the place of kazoo.testing.common, whose server is Java with a configuration of its own; kazoo's test harness
(kazoo.testing.harness) uses no more of them than what is here. Chosen by the environment:
  PLATFORM_PROGRAM           the program under test
  PLATFORM_COMPAT_REFERENCE  a folder with the jars of the real server
  PLATFORM_COMPAT_SERVERS    how many servers of coord form the ensemble
"""
import glob
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Clients"))
from certificates import Certificates  # noqa: E402
from platform_child import free_port  # noqa: E402

REFERENCE = os.environ.get("PLATFORM_COMPAT_REFERENCE")
SUPER_DIGEST = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="


def wait_for(port, process, log_path, seconds=40):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
                probe.sendall(b"ruok")
                if probe.recv(4) == b"imok":
                    return
        except OSError:
            pass
        time.sleep(0.05)
    with open(log_path, errors="replace") as log:
        raise RuntimeError("no server on port %d: %s" % (port, log.read()[-2000:]))


class Server:
    """One server with its data; it keeps its ports and its data from run to run."""

    def __init__(self, certificates, number=1, peers=""):
        self.certificates, self.number, self.peers = certificates, number, peers
        self.client_port, self.secure_client_port = free_port(), free_port()
        self.directory = tempfile.mkdtemp()
        self.log_path = os.path.join(self.directory, "server.log")
        self.processes = []

    @property
    def running(self):
        return bool(self.processes)

    @property
    def address(self):
        return "127.0.0.1:%d" % self.client_port

    @property
    def secure_address(self):
        return "127.0.0.1:%d" % self.secure_client_port

    def run(self):
        if self.running:
            return
        os.makedirs(self.directory, exist_ok=True)
        with open(self.log_path, "ab") as log:
            for command in self.commands():
                self.processes.append(subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL))

    def wait(self):
        wait_for(self.client_port, self.processes[0], self.log_path)

    def commands(self):
        return self.reference() if REFERENCE else self.ours()

    def ours(self):
        found = [os.environ["PLATFORM_PROGRAM"], "coord", "serve", "--data-dir", os.path.join(self.directory, "data"), "--listen", self.address, "--ports", "auto"]
        if self.peers:
            found += ["--id", str(self.number), "--peers", self.peers]
        users = os.path.join(self.directory, "users")
        with open(users, "w") as file:
            file.write("super:super_secret\njaasuser:jaas_password\n")  # as kazoo's harness has them
        for text in self.tls_settings() + ["coord.sasl.users=" + users, "coord.tls.listen=" + self.secure_address, "coord.connections-per-address.max=0",
                                           "coord.reconfig=true", "coord.read-only=true", "coord.super.digest=" + SUPER_DIGEST, "coord.reap.interval.ms=1000"]:
            found += ["--set", text]
        return [found]

    def tls_settings(self):
        files = self.certificates
        return ["coord.tls.certificate=" + files.server, "coord.tls.key=" + files.server_key, "coord.tls.client-ca=" + files.authority]

    def reference(self):
        both = os.path.join(self.directory, "server.pem")
        with open(both, "w") as target:
            for path in (self.certificates.server_key, self.certificates.server):
                with open(path) as source:
                    target.write(source.read())
        configuration = os.path.join(self.directory, "zoo.cfg")
        with open(configuration, "w") as file:
            file.write("\n".join([
                "tickTime=2000", "dataDir=%s/data" % self.directory, "clientPort=%d" % self.client_port, "clientPortAddress=127.0.0.1",
                "secureClientPort=%d" % self.secure_client_port, "maxClientCnxns=0", "admin.enableServer=false", "4lw.commands.whitelist=*", "reconfigEnabled=true",
                "serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory", "authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider",
                "ssl.keyStore.location=" + both, "ssl.keyStore.type=PEM", "ssl.trustStore.location=" + self.certificates.authority, "ssl.trustStore.type=PEM", ""]))
        return [[
            "java", "-cp", os.pathsep.join(glob.glob(REFERENCE + "/*.jar")), "-Xmx512m", "-Dfile.encoding=UTF-8", "-Djava.awt.headless=true",
            "-Dzookeeper.extendedTypesEnabled=true", "-Dznode.container.checkIntervalMs=1000", "-Dzookeeper.DigestAuthenticationProvider.superDigest=" + SUPER_DIGEST,
            "org.apache.zookeeper.server.ZooKeeperServerMain", configuration]]

    def four_letter_word(self, word):
        """The answer; empty if the server cannot be reached."""
        try:
            with socket.create_connection(("127.0.0.1", self.client_port), timeout=5) as connection:
                connection.sendall(word.encode())
                return b"".join(iter(lambda: connection.recv(1 << 16), b"")).decode()
        except OSError:
            return ""

    def kill(self):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
        self.processes = []

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(20)
        self.processes = []

    def reset(self):
        self.stop()
        shutil.rmtree(os.path.join(self.directory, "data"), ignore_errors=True)

    def destroy(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def get_logs(self, count=100):
        if not os.path.exists(self.log_path):
            return []
        with open(self.log_path, errors="replace") as log:
            return log.readlines()[-count:]


class ZookeeperCluster:
    """What kazoo's harness asks for; how many servers there are is said by the environment."""

    def __init__(self, size=1, **_):
        self.certificate_directory = tempfile.mkdtemp()
        self.certificates = Certificates(self.certificate_directory)
        count = int(os.environ.get("PLATFORM_COMPAT_SERVERS", size))
        peers = ",".join("%d=127.0.0.1:%d" % (place + 1, free_port()) for place in range(count)) if count > 1 else ""
        self.servers = [Server(self.certificates, place + 1, peers) for place in range(count)]

    def __getitem__(self, place):
        return self.servers[place]

    def __iter__(self):
        return iter(self.servers)

    def start(self):
        for server in self:
            server.run()
        for server in self:
            server.wait()

    def stop(self):
        for server in self:
            server.stop()
        self.servers = []

    def terminate(self):
        for server in self:
            server.destroy()

    def reset(self):
        for server in self:
            server.reset()

    def get_logs(self):
        return [line for server in self for line in server.get_logs()]

    def get_ssl_client_configuration(self):
        def read(path):
            with open(path, "rb") as file:
                return file.read()

        files = self.certificates
        return {"client_key": read(files.client_key), "client_cert": read(files.client), "ca_cert": read(files.authority)}
