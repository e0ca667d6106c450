"""Compiles zk_c_check.c with the system's cc and ZooKeeper's C client, and runs it against three coord servers: once the server it is on leads, once it
follows. Either is killed (-9) when the program asks for it. Usage: zk_c_check.py PROGRAM DATA_DIRECTORY
"""
import os
import signal
import subprocess
import sys

from checks import Checks
from coord_ensemble import Ensemble

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS_MAX = 120


def run(binary, ensemble, first):
    """The program with `first` as its first server; kills the server that it names."""
    child = subprocess.Popen([binary, ensemble.hosts(first)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = []
    try:
        for line in child.stdout:
            said.append(line)
            if line.startswith("KILL "):
                victim = next(server for server in ensemble.servers if server.port == int(line.split()[1]))
                assert victim is first, "the program is on server %d, not on %d" % (victim.number, first.number)
                victim.send(signal.SIGKILL)
                child.stdin.write("\n")
                child.stdin.flush()
        status = child.wait(SECONDS_MAX)
    finally:
        child.kill()
    assert status == 0, "status %d: %s" % (status, "".join(said))
    assert sum(line.startswith("ok ") for line in said) == 5, "".join(said)


def main():
    program, directory = sys.argv[1], sys.argv[2]
    checks = Checks()
    binary = os.path.join(directory, "zk_c_check")
    subprocess.run(["cc", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-DTHREADED", os.path.join(HERE, "zk_c_check.c"), "-o", binary, "-lzookeeper_mt", "-lpthread"], check=True)
    for role in ("leader", "follower"):

        @checks.check("the C client, whose server is killed while it is the %s" % role)
        def _(role=role):
            ensemble = Ensemble(program, os.path.join(directory, role))
            try:
                leader = ensemble.leader()
                run(binary, ensemble, leader if role == "leader" else ensemble.others(leader)[0])
            finally:
                ensemble.stop()

    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
