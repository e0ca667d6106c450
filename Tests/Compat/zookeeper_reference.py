"""zookeeper_reference.py JARS COMMAND...: runs the command with the address of a real ZooKeeper as its last argument, and stops that afterwards. It allows what our server
always allows: nodes with a time to live, and an account that passes every check (`super:test`)."""
import glob
import os
import socket
import subprocess
import sys
import tempfile
import time

SUPER = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_serving(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"srvr")
            return connection.recv(16).startswith(b"Zookeeper")
    except OSError:
        return False


def main(jars, *command):
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        with open(directory + "/zoo.cfg", "w") as file:
            file.write("tickTime=60000\ndataDir=%s/data\nclientPort=%d\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n"
                       "extendedTypesEnabled=true\nmaxClientCnxns=0\n"
                       "authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider\n" % (directory, port))
        server = subprocess.Popen(
            ["java", "-cp", os.pathsep.join(glob.glob(jars + "/*.jar")), "-Xmx512m", "-Dfile.encoding=UTF-8", "-Dzookeeper.extendedTypesEnabled=true",
             "-Dzookeeper.DigestAuthenticationProvider.superDigest=" + SUPER, "-Dznode.container.checkIntervalMs=3600000",
             "org.apache.zookeeper.server.quorum.QuorumPeerMain", directory + "/zoo.cfg"],
            stdout=open(directory + "/log", "wb"), stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + 60
            while not is_serving(port):
                if server.poll() is not None or time.monotonic() > deadline:
                    print(open(directory + "/log").read()[-4000:])
                    return 1
                time.sleep(0.2)
            return subprocess.run(list(command) + ["127.0.0.1:%d" % port]).returncode
        finally:
            server.terminate()
            server.wait(30)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
