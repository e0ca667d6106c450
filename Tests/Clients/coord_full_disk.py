"""Three coord servers as processes, each on a disk of its own that fills up. Usage: coord_full_disk.py PROGRAM [DIRECTORY]

The disks are small tmpfs in a mount namespace of the script's own, which needs root; without the right to it the script prints why and ends with
status 77. While one disk is full the ensemble goes on and the server concerned says so; while a quorum's or all disks are full writes are refused in clear
words and reads are served; with room again everything goes on without a restart. Registers are read and written through every server meanwhile: their
history must be linearizable, what was refused must be nowhere, and in the end all servers hold the same.
"""
import logging
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException, SystemZookeeperError
from kazoo.handlers.threading import KazooTimeoutError

from checks import Checks
from coord_ensemble import Ensemble
from full_disk import Disk, until
from register_history import Watched

DISK = "32m"
SKIPPED = 77


def readiness(server):
    """Status and text of /readyz."""
    console = next(text.split("=", 1)[1] for text in server.arguments if text.startswith("console.listen="))
    try:
        with urllib.request.urlopen("http://%s/readyz?verbose" % console, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


class Session:
    """A session that lasts through the scenario: a full server can begin none."""

    def __init__(self, *servers):
        self.client = KazooClient(",".join(server.address for server in servers), timeout=40, randomize_hosts=False)
        self.client.start(timeout=20)
        self.name, self.number = "%x" % self.client.client_id[0], 0

    def write(self):
        """True if acknowledged, False if refused in clear words, None if there was no answer."""
        self.number += 1
        try:
            self.client.create_async("/written/%s-%d" % (self.name, self.number), os.urandom(20_000), makepath=True).get(timeout=2)
            return True
        except SystemZookeeperError:
            return False
        except (KazooException, KazooTimeoutError):
            return None

    def close(self):
        self.client.stop()
        self.client.close()


def reads(server):
    """Whether the server serves reads; one without a leader does so to clients that are content with that."""
    client = KazooClient(server.address, timeout=10, read_only=True)
    try:
        client.start(timeout=3)
        return client.get("/written")[1].numChildren >= 1
    except (KazooException, KazooTimeoutError):
        return False
    finally:
        client.stop()
        client.close()


def fill(disks, servers):
    for server in servers:
        disks[server].fill()


def recovers(watched, servers, sessions=()):
    """Every server is ready and serves reads and writes again, without having been restarted."""
    for server in servers:
        until(lambda: readiness(server)[0] == 200, "server %d stays red: %s" % (server.number, readiness(server)), 30)
    watched.wait_answers(servers)
    for session in sessions:
        until(lambda: session.write() is True, "writes are still refused", 30)


def one_full(ensemble, disks, server, session):
    """The disk of one server fills under load; the others go on, and it says what is wrong."""
    others = ensemble.others(server)
    with Watched(ensemble, "full-%d-%d" % (server.number, time.monotonic_ns())) as watched:
        began = time.monotonic()
        disks[server].fill()
        until(lambda: disks[server].fill() or readiness(server)[0] == 503, "the server never noticed", 30)
        assert "the disk is full" in readiness(server)[1], readiness(server)
        ensemble.leader(others)
        time.sleep(2)
        print("        the longest pause of the others' writes was %.0f ms" % (watched.pause(others, began) * 1000))
        watched.wait_answers(others)
        assert session.write() is True, "the others took no write"
        assert server.mode() != "leader", "a server whose disk is full leads"
        assert server.process.poll() is None, "it ended"
        disks[server].free()
        recovers(watched, ensemble.servers)


def writes(sessions):
    """What became of one write of each session, all at the same time."""
    with ThreadPoolExecutor(len(sessions)) as pool:
        return list(pool.map(Session.write, sessions))


def refuses(watched, disks, full, sessions):
    """The disks fill; nothing is acknowledged without room, the sessions are told why, and reads are served."""
    rounds = []
    until(lambda: fill(disks, full) or rounds.append(writes(sessions)) or True not in rounds[-1], "writes went on", 30)
    # What was under way may end without an answer, and a server that cannot write sends its clients away after some seconds; those that stay are told.
    again = writes(sessions)
    # It stays so: nothing is acknowledged by a quorum that has no room.
    fill(disks, full)
    time.sleep(1)
    fill(disks, full)
    again += writes(sessions) + writes(sessions)
    assert True not in again, "acknowledged without room: %s" % again
    assert False in rounds[-1] + again, "no write was refused in clear words: %s, then %s" % (rounds[-1], again)
    for server in full:
        until(lambda: reads(server), "server %d serves no reads" % server.number, 30)
        assert server.process.poll() is None, "server %d ended" % server.number
    said = [readiness(server) for server in full]
    assert any(status == 503 and "the disk is full" in text for status, text in said), said
    print("        the servers say: %s" % [text.split("\n")[0][:90] for _, text in said])
    print("        their clients were told: %s" % (rounds[-1] + again))


def scenarios(checks, ensemble, disks):
    @checks.check("the disk of a follower is full: the others go on, it says so, and catches up")
    def _():
        follower = ensemble.others(ensemble.leader())[0]
        session = Session(*ensemble.others(follower))
        one_full(ensemble, disks, follower, session)
        session.close()

    @checks.check("the disk of the leader is full: another one leads")
    def _():
        leader = ensemble.leader()
        session = Session(*ensemble.others(leader))
        one_full(ensemble, disks, leader, session)
        session.close()

    for count in (2, 3):

        @checks.check("the disks of %d of three are full: writes are refused in clear words, reads are served, and all goes on with room" % count)
        def _(count=count):
            leader = ensemble.leader()
            full = ([leader] + ensemble.others(leader))[:count]
            with Watched(ensemble, "full-%d" % count) as watched:
                sessions = [Session(server) for server in full]
                for session in sessions:
                    assert session.write() is True
                try:
                    refuses(watched, disks, full, sessions)
                finally:
                    for server in full:
                        disks[server].free()
                recovers(watched, ensemble.servers, sessions)
                for session in sessions:
                    session.close()


def inside(program, directory):
    subprocess.run(["mount", "--make-rprivate", "/"], check=False)
    places = {number: "%s/server-%d" % (directory, number) for number in (1, 2, 3)}
    for place in places.values():
        os.makedirs(place)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + DISK, "tmpfs", place], check=True)
    checks = Checks()
    ensemble = Ensemble(program, directory, settings=["coord.read-only=true"])
    try:
        scenarios(checks, ensemble, {server: Disk(places[server.number]) for server in ensemble.servers})
    finally:
        ensemble.stop()
    return checks.finish()


def main(program):
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        print("skipped: file systems of its own need root and the right to unshare mounts")
        return SKIPPED
    with tempfile.TemporaryDirectory() as directory:
        return subprocess.run(["unshare", "-m", sys.executable, "-B", __file__, program, directory]).returncode


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    sys.exit(inside(*sys.argv[1:]) if len(sys.argv) == 3 else main(*sys.argv[1:]))
