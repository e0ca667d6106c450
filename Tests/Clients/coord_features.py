"""Checks what coord offers beyond a plain tree: kinds of nodes, logins, limits, reports. Usage: coord_features.py HOST:PORT ADMINHOST:PORT
The server was started with coord.reap.interval.ms=100, coord.container.unused.ms=1500, coord.tick.ms=500, coord.quota.enforce, all four-letter words, the super
user super:admin and the SASL user bob:bobsecret."""
import json
import socket
import struct
import sys
import threading
import time
import urllib.request

import zkwire as zk
from checks import Checks
from kazoo.client import KazooClient
from kazoo.exceptions import KazooException, NoAuthError, NoNodeError
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.security import make_acl, make_digest_acl
from kazoo_check import connect, refuses, wait_for
from zkwire import Closed, Reader, Wire


def word(server, text):
    """A four-letter word's answer."""
    host, port = server.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(text.encode())
        answer = b""
        while True:
            piece = connection.recv(65536)
            if not piece:
                return answer.decode()
            answer += piece


def main(server, admin):
    checks = Checks()
    zk_client = connect(server)
    root = "/features-%d" % int(time.time() * 1000)
    zk_client.create(root)

    def told(wire):
        """The events that came before the answer to a ping."""
        wire.call("ping", xid=-2)
        return [(kind, path[len(root):]) for _, kind, _, path in wire.take_events()]

    @checks.check("a persistent watch stays, hears of children, and can be removed")
    def _():
        wire = Wire(server, timeout=10000)
        path = root + "/p"
        assert wire.call("addWatch", zk.text(path) + struct.pack(">i", 0))[2] == 0
        zk_client.create(path)
        zk_client.set(path, b"1")
        zk_client.set(path, b"2")
        zk_client.create(path + "/c")
        zk_client.delete(path + "/c")
        assert told(wire) == [(1, "/p"), (3, "/p"), (3, "/p"), (4, "/p"), (4, "/p")]
        assert wire.call("removeWatches", zk.text(path) + struct.pack(">i", 3))[2] == 0
        zk_client.set(path, b"3")
        assert told(wire) == []
        wire.close()

    @checks.check("a recursive watch hears of everything below, also after its client came back")
    def _():
        wire = Wire(server, timeout=10000)
        path = root + "/r"
        assert wire.call("addWatch", zk.text(path) + struct.pack(">i", 1))[2] == 0
        zk_client.create(path + "/a/b", makepath=True)
        zk_client.set(path + "/a", b"1")
        assert told(wire) == [(1, "/r"), (1, "/r/a"), (1, "/r/a/b"), (3, "/r/a")]
        zxid = wire.call("exists", zk.path_watch("/"))[1]
        again = Wire(server, session=wire.session, password=wire.password, zxid=zxid, timeout=10000)
        none = zk.texts([])
        assert again.call("setWatches2", struct.pack(">q", zxid) + none * 4 + zk.texts([path]), xid=-8)[2] == 0
        zk_client.delete(path, recursive=True)
        assert told(again) == [(2, "/r/a/b"), (2, "/r/a"), (2, "/r")]
        again.close()

    @checks.check("containers go when they are empty again, unused ones after their time")
    def _():
        wire = Wire(server, timeout=20000)
        used, unused, kept = root + "/used", root + "/unused", root + "/kept"
        for path in (used, unused, kept):
            assert wire.call("createContainer", zk.create(path, flags=4))[2] == 0
            assert zk_client.get(path)[1].ephemeralOwner == 0
        zk_client.create(used + "/x")
        zk_client.create(kept + "/x")
        zk_client.delete(used + "/x")
        wait_for(lambda: zk_client.exists(used) is None)
        assert zk_client.exists(unused) is not None
        wait_for(lambda: zk_client.exists(unused) is None)
        assert zk_client.exists(kept) is not None
        wire.close()

    @checks.check("nodes with a time to live go when they are left alone, and tell their watchers")
    def _():
        wire = Wire(server, timeout=20000)
        assert wire.call("createTTL", zk.create_ttl(root + "/ttl", 600))[2] == 0
        assert wire.call("createTTL", zk.create_ttl(root + "/long", 3600000))[2] == 0
        events = []
        zk_client.exists(root + "/ttl", watch=events.append)
        time.sleep(0.4)
        zk_client.set(root + "/ttl", b"still here")
        wait_for(lambda: len(events) == 1)
        zk_client.exists(root + "/ttl", watch=events.append)
        time.sleep(0.4)
        assert zk_client.exists(root + "/ttl") is not None, "a change begins its time anew"
        wait_for(lambda: len(events) == 2)
        assert events[1].type == "DELETED" and zk_client.exists(root + "/long") is not None
        wire.close()

    @checks.check("kazoo logs in by SASL DIGEST-MD5, and a wrong password does not")
    def _():
        options = dict(mechanism="DIGEST-MD5", username="bob", password="bobsecret")
        bob = connect(server, sasl_options=options)
        bob.create(root + "/bobs", b"b", acl=[make_acl("sasl", "bob", all=True)])
        assert bob.get(root + "/bobs")[0] == b"b"
        refuses(NoAuthError, lambda: zk_client.get(root + "/bobs"))
        bad = KazooClient(server, sasl_options=dict(options, password="wrong"))
        try:
            bad.start(timeout=3)
            bad.get_async(root + "/bobs").get(timeout=3)
            raise AssertionError("a wrong password was taken")
        except (KazooException, KazooTimeoutError):
            pass
        bad.stop()
        bob.delete(root + "/bobs")
        bob.stop()

    @checks.check("the super user passes every check")
    def _():
        zk_client.create(root + "/closed", acl=[make_digest_acl("nobody", "knows", all=True)])
        refuses(NoAuthError, lambda: zk_client.get(root + "/closed"))
        boss = connect(server)
        boss.add_auth("digest", "super:admin")
        assert boss.get_acls(root + "/closed")[0][0].id.id.count(":") == 1
        boss.delete(root + "/closed")
        boss.stop()

    @checks.check("quotas are counted, and hard ones refuse")
    def _():
        wire = Wire(server, timeout=20000)
        path, quota = root + "/quota", "/zookeeper/quota" + root + "/quota"
        zk_client.create(path, b"12345")
        zk_client.create(quota + "/zookeeper_limits", b"count=1,bytes=1=;byteHardLimit=20;countHardLimit=3", makepath=True)
        zk_client.create(quota + "/zookeeper_stats", b"count=0,bytes=0")
        used = lambda: zk_client.get(quota + "/zookeeper_stats")[0]
        assert used() == b"count=1,bytes=5", used()
        assert wire.call("create", zk.create(path + "/a", b"x" * 10))[2] == 0 and used() == b"count=2,bytes=15"
        assert wire.call("create", zk.create(path + "/b", b"x" * 10))[2] == -125, "bytes"
        assert wire.call("setData", zk.set_data(path + "/a", b"x" * 16))[2] == -125, "bytes"
        assert wire.call("multi", zk.multi(("create", zk.create(path + "/c")), ("create", zk.create(path + "/d"))))[2] == 0
        assert used() == b"count=2,bytes=15", "a refused multi counts nothing"
        assert wire.call("create", zk.create(path + "/c"))[2] == 0
        assert wire.call("create", zk.create(path + "/d"))[2] == -125, "count"
        assert "_quota_count_usage_per_namespace\t3" in word(server, "mntr")
        zk_client.delete(path, recursive=True)
        assert used() == b"count=0,bytes=0"
        zk_client.delete("/zookeeper/quota" + root, recursive=True)
        wire.close()

    @checks.check("a list of children may be larger than any request")
    def _():
        zk_client.create(root + "/many")
        name = "n" * 200
        for start in range(0, 7000, 500):
            transaction = zk_client.transaction()
            for number in range(start, start + 500):
                transaction.create("%s/many/%s%d" % (root, name, number))
            transaction.commit()
        children = zk_client.get_children(root + "/many")
        assert len(children) == 7000 and sum(map(len, children)) > 0xfffff
        wire = Wire(server)
        count = wire.call("getAllChildrenNumber", zk.text(root + "/many"))
        assert Reader(count[3]).take("i") == 7000
        wire.close()
        for start in range(0, 7000, 500):
            transaction = zk_client.transaction()
            for number in range(start, start + 500):
                transaction.delete("%s/many/%s%d" % (root, name, number))
            transaction.commit()

    @checks.check("a request above the limit closes the connection")
    def _():
        wire = Wire(server)
        try:
            wire.call("create", zk.create(root + "/big", b"x" * 0x100000))
            raise AssertionError("it was answered")
        except (Closed, ConnectionError):
            pass
        refuses(NoNodeError, lambda: zk_client.get(root + "/big"))

    @checks.check("a client that sends much at once is held back, not refused")
    def _():
        pending = [zk_client.set_async(root, b"%d" % number) for number in range(6000)]
        assert [p.get(timeout=60).version for p in pending] == list(range(1, 6001))

    @checks.check("clients that are held back are all let go again")
    def _():
        # Each asks for as much as the server takes on from all of them together, and asks again before it reads.
        wires = [Wire(server, timeout=10000) for _ in range(4)]

        def work(wire, failures):
            try:
                wire.socket.settimeout(20)
                body = zk.set_data(root, b"x" * 100)
                for _ in range(6):
                    frames = b""
                    for number in range(1000):
                        frame = struct.pack(">ii", number + 1, 5) + body
                        frames += struct.pack(">i", len(frame)) + frame
                    wire.socket.sendall(frames)
                    for _ in range(1000):
                        assert wire.reply()[2] == 0
            except Exception as error:
                failures.append(error)

        failures = []
        threads = [threading.Thread(target=work, args=(wire, failures)) for wire in wires]
        [t.start() for t in threads]
        [t.join() for t in threads]
        assert not failures, failures
        for wire in wires:
            wire.close()

    @checks.check("one address has at most 60 connections")
    def _():
        held = []
        try:
            for _ in range(80):
                held.append(Wire(server))
        except (Closed, ConnectionError):
            pass
        assert 40 <= len(held) < 61, len(held)
        for wire in held:
            wire.close()
        wait_for(lambda: "zk_num_alive_connections\t1\n" in word(server, "mntr") or "zk_num_alive_connections\t2\n" in word(server, "mntr"))

    @checks.check("all four-letter words answer in ZooKeeper's forms")
    def _():
        zk_client.get(root, watch=lambda e: None)
        assert word(server, "ruok") == "imok" and word(server, "isro") == "rw"
        assert word(server, "xxxx") == ""
        monitored = dict(line.split("\t") for line in word(server, "mntr").splitlines())
        for name in ("version", "server_state", "avg_latency", "znode_count", "ephemerals_count", "approximate_data_size", "watch_count",
                     "outstanding_requests", "packets_received", "packets_sent", "num_alive_connections", "open_file_descriptor_count"):
            assert "zk_" + name in monitored, name
        assert monitored["zk_server_state"] == "standalone"
        overview = word(server, "srvr")
        for line in ("Zookeeper version: 3.9", "Latency min/avg/max: ", "Received: ", "Sent: ", "Connections: ", "Outstanding: ", "Zxid: 0x", "Mode: standalone", "Node count: "):
            assert line in overview, (line, overview)
        assert "Clients:\n /127.0.0.1:" in word(server, "stat") and overview.splitlines()[-1] in word(server, "stat")
        session = "0x%x" % zk_client.client_id[0]
        assert "sid=" + session in word(server, "cons")
        assert "tickTime=500" in word(server, "conf") and "zookeeper.version=" in word(server, "envi")
        assert session + "\n\t" + root in word(server, "wchc") and root + "\n\t" + session in word(server, "wchp")
        assert "Total watches:1" in word(server, "wchs")
        zk_client.create(root + "/mine", ephemeral=True)
        dump = word(server, "dump")
        assert session + ":\n\t" + root + "/mine" in dump and "SessionTracker dump:" in dump
        assert word(server, "srst") == "Server stats reset.\n" and word(server, "crst") == "Connection stats reset.\n"
        assert "datadir_size: " in word(server, "dirs") and word(server, "gtmk") == "0"

    @checks.check("the AdminServer tells the same as JSON")
    def _():
        def command(name):
            with urllib.request.urlopen("http://%s/commands/%s" % (admin, name), timeout=5) as reply:
                assert reply.headers["Content-Type"] == "application/json"
                return json.load(reply)
        for name in ("configuration", "connections", "dirs", "dump", "environment", "get_trace_mask", "is_read_only", "monitor", "ruok",
                     "server_stats", "stats", "watch_summary", "watches", "watches_by_path"):
            answer = command(name)
            assert answer["command"] == name and answer["error"] is None, answer
        assert command("mntr")["znode_count"] == int(dict(l.split("\t") for l in word(server, "mntr").splitlines())["zk_znode_count"])
        assert command("stat")["server_stats"]["server_state"] == "standalone"
        # As ZooKeeper: found, and refused in the answer.
        assert "nonsense" in command("nonsense")["error"]
        with urllib.request.urlopen("http://%s/commands" % admin, timeout=5) as reply:
            assert b"/commands/ruok" in reply.read()

    zk_client.delete(root, recursive=True)
    zk_client.stop()
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
