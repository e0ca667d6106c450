"""Local sessions on three servers, with kazoo. Usage: coord_local_sessions.py PROGRAM DATA_DIRECTORY

A session begins as one that only its server knows: it reads, watches and writes, costs the ensemble nothing, and goes on after its connection broke. Its first
ephemeral node makes it a session like any other, which outlives its server.
"""
import logging
import signal
import sys
import time

from kazoo.client import KazooClient, KazooState

from checks import Checks
from coord_ensemble import SESSION_SECONDS, Ensemble

logging.disable(logging.CRITICAL)


def figures(client):
    return dict(line.split("\t", 1) for line in client.command(b"mntr").split("\n") if "\t" in line)


def counts(client):
    found = figures(client)
    return int(found["zk_local_sessions"]), int(found["zk_global_sessions"])


def connect(*servers):
    client = KazooClient(",".join(server.address for server in servers), timeout=SESSION_SECONDS, randomize_hosts=False)
    client.start(timeout=20)
    return client


def main():
    checks = Checks()
    ensemble = Ensemble(sys.argv[1], sys.argv[2], settings=["coord.local-sessions=true", "coord.four-letter-words=*"])
    try:
        scenarios(checks, ensemble)
    finally:
        ensemble.stop()
    return checks.finish()


def scenarios(checks, ensemble):
    first, second = ensemble.others(ensemble.leader())

    @checks.check("a local session writes, reads and watches, and no other server knows it")
    def _():
        client, other = connect(first), connect(second)
        seen = []
        client.create("/plain", b"1")
        client.get("/plain", watch=seen.append)
        other.sync("/")
        other.set("/plain", b"2")
        client.sync("/")
        assert client.get("/plain")[0] == b"2" and len(seen) == 1
        transaction = client.transaction()
        transaction.create("/plain/a", b"")
        transaction.set_data("/plain", b"3")
        assert not [result for result in transaction.commit() if isinstance(result, Exception)]
        assert counts(client) == (1, 0), counts(client)
        assert counts(other) == (1, 0), counts(other)
        for one in (client, other):
            one.stop()
            one.close()

    @checks.check("it goes on over another connection to its server, and ends when its client does")
    def _():
        client = connect(first)
        states, session = [], client.client_id[0]
        client.add_listener(states.append)
        client._connection._socket.shutdown(2)
        end = time.monotonic() + 10
        while KazooState.SUSPENDED not in states or states[-1] != KazooState.CONNECTED:
            assert time.monotonic() < end, states
            time.sleep(0.05)
        assert client.client_id[0] == session and KazooState.LOST not in states
        client.stop()
        client.close()
        other = connect(first)
        assert counts(other) == (1, 0), counts(other)
        other.stop()
        other.close()

    @checks.check("the first ephemeral node makes it known to all: it outlives its server")
    def _():
        client, other = connect(first, second), connect(second)
        states, session = [], client.client_id[0]
        client.add_listener(states.append)
        pending = [client.create_async("/e%d" % number, b"", ephemeral=True) for number in range(20)]
        assert [one.get(timeout=10) for one in pending] == ["/e%d" % number for number in range(20)]
        assert counts(client) == (0, 1), counts(client)
        other.sync("/")
        assert other.get("/e0")[1].ephemeralOwner == session
        first.send(signal.SIGKILL)
        end = time.monotonic() + 15
        while not states or states[-1] != KazooState.CONNECTED:
            assert time.monotonic() < end, states
            time.sleep(0.05)
        assert client.client_id[0] == session and client.exists("/e0"), "the session was lost"
        client.stop()
        client.close()
        other.sync("/")
        assert not other.exists("/e0"), "its nodes go with it"
        other.stop()
        other.close()
        first.start()
        first.wait_ready()

    @checks.check("one that falls silent is forgotten by its server")
    def _():
        client = connect(first)
        silent = KazooClient(first.address, timeout=4)
        silent.start(timeout=20)
        assert counts(client) == (2, 0), counts(client)
        silent._connection._socket.shutdown(2)
        silent._stopped.set()
        silent._live.clear()
        time.sleep(7)
        assert counts(client) == (1, 0), counts(client)
        client.stop()
        client.close()


if __name__ == "__main__":
    sys.exit(main())
