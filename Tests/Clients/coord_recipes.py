"""kazoo's recipes over three coord servers while the server that leads is killed. Usage: coord_recipes.py PROGRAM DATA_DIRECTORY

Three clients, each on another server, use one lock, one election, one barrier and one queue; in the middle of each the leader is killed (-9) and then
started again. No two clients are ever inside at once, no increment and no element of the queue is lost, nobody waits for ever. The queue is used
from the two other servers only: kazoo's LockingQueue does not try again what a lost connection may have done, but nobody loses one there.
"""
import collections
import logging
import signal
import sys
import threading
import time

from kazoo.client import KazooClient, KazooState
from kazoo.recipe.barrier import DoubleBarrier

from checks import Checks
from coord_ensemble import Ensemble

logging.disable(logging.CRITICAL)
SESSION_SECONDS = 20.0
WAIT_SECONDS = 60


class Clients:
    """One client on each server, for as long as the block runs; in the middle of it `kill_leader` is called once."""

    def __init__(self, ensemble):
        self.ensemble, self.failures, self.states = ensemble, [], []

    def __enter__(self):
        self.all = [KazooClient(self.ensemble.hosts(server), timeout=SESSION_SECONDS, randomize_hosts=False, connection_retry=dict(max_tries=-1, delay=0.05, max_delay=0.5), command_retry=dict(max_tries=-1, delay=0.05, max_delay=0.5)) for server in self.ensemble.servers]
        self.leader = self.ensemble.leader()
        self.others = [server.number - 1 for server in self.ensemble.others(self.leader)]
        for client in self.all:
            client.add_listener(self.states.append)
            client.start(timeout=20)
        return self

    def __exit__(self, *_):
        for client in self.all:
            client.stop()
            client.close()

    def everywhere(self, body, numbers=(0, 1, 2), after=0.3):
        """Runs body(client, number) in a thread for each client, or those chosen, kills the leader after a while, and waits for all of them."""

        def guarded(client, number):
            try:
                body(client, number)
            except BaseException as failure:  # told to the check, which fails
                self.failures.append("client %d: %r" % (number, failure))

        threads = [threading.Thread(target=guarded, args=pair, daemon=True) for pair in [(self.all[number], number) for number in numbers]]
        leader = self.leader
        for thread in threads:
            thread.start()
        time.sleep(after)
        busy = sum(thread.is_alive() for thread in threads)
        leader.send(signal.SIGKILL)
        for thread in threads:
            thread.join(WAIT_SECONDS)
        hangs = sum(thread.is_alive() for thread in threads)
        leader.start()
        leader.wait_ready()
        assert not self.failures, self.failures
        assert not hangs, "%d clients still wait after %d s" % (hangs, WAIT_SECONDS)
        assert busy, "all was over before the leader was killed"
        assert KazooState.LOST not in self.states, "a session expired"


class Inside:
    """Counts who is inside at once."""

    def __init__(self):
        self.now, self.most, self.lock = 0, 0, threading.Lock()

    def __enter__(self):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *_):
        with self.lock:
            self.now -= 1


def lock(ensemble):
    inside, turns = Inside(), 25
    with Clients(ensemble) as clients:
        clients.all[0].create("/counter", b"0")

        def body(client, number):
            for _ in range(turns):
                with client.Lock("/lock", "client-%d" % number):
                    with inside:
                        # What is read is written back without a condition: only the lock keeps increments apart.
                        client.retry(client.sync, "/counter")
                        value = int(client.retry(client.get, "/counter")[0]) + 1
                        client.retry(client.set, "/counter", b"%d" % value)

        clients.everywhere(body)
        clients.all[1].sync("/counter")
        assert inside.most == 1, "%d held the lock at once" % inside.most
        counted = int(clients.all[1].get("/counter")[0])
        assert counted == 3 * turns, "counted %d of %d" % (counted, 3 * turns)


def election(ensemble):
    inside, elected = Inside(), collections.Counter()
    with Clients(ensemble) as clients:

        def body(client, number):
            for _ in range(8):

                def lead():
                    with inside:
                        elected[number] += 1
                        time.sleep(0.03)

                client.Election("/election", "client-%d" % number).run(lead)

        clients.everywhere(body)
        assert inside.most == 1, "%d led at once" % inside.most
        assert elected == {0: 8, 1: 8, 2: 8}, elected


def barriers(ensemble):
    waiting, passed, together = [], [], Inside()
    with Clients(ensemble) as clients:
        barrier = clients.all[0].Barrier("/barrier")
        barrier.create()

        def body(client, number):
            if number:
                # Its server may not have executed the barrier's creation yet: reads do not wait for others.
                client.retry(client.sync, "/")
                waiting.append(number)
                # kazoo drops its watches when a connection is lost, and Barrier.wait does not set its own again: it is asked again.
                assert any(client.retry(client.Barrier("/barrier").wait, 2) for _ in range(WAIT_SECONDS // 2)), "the barrier never opened"
                passed.append(number)
            else:
                time.sleep(2)
                end = time.monotonic() + WAIT_SECONDS
                while len(waiting) < 2 and time.monotonic() < end:
                    time.sleep(0.05)
                assert len(waiting) == 2 and not passed, "the barrier held nobody: %r wait, %r passed" % (waiting, passed)
                barrier.remove()
            double = DoubleBarrier(client, "/double", 3, "client-%d" % number)
            double.enter()
            with together:
                time.sleep(1)
            double.leave()

        clients.everywhere(body)
        assert together.most == 3, "only %d were inside together" % together.most


def queue(ensemble):
    taken, put = collections.Counter(), 300
    with Clients(ensemble) as clients:

        def body(client, number):
            queue = client.LockingQueue("/queue")
            if number == clients.others[0]:
                for place in range(put):
                    queue.put(b"%d" % place)
            while sum(taken.values()) < put:
                element = queue.get(timeout=2)
                if element is not None and queue.consume():
                    taken[element] += 1

        clients.everywhere(body, clients.others)
        assert set(taken.values()) == {1} and len(taken) == put, "%d of %d elements came out, one %d times" % (len(taken), put, max(taken.values()))


def main():
    checks = Checks()
    ensemble = Ensemble(sys.argv[1], sys.argv[2])
    try:
        for recipe in (lock, election, barriers, queue):
            checks.check("%s: the leader is killed in the middle" % recipe.__name__)(lambda recipe=recipe: recipe(ensemble))
    finally:
        ensemble.stop()
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
