"""What coord tells whoever operates it: the audit log beside that of a real ZooKeeper, and the AdminServer of three servers. Usage: coord_operations.py PROGRAM DIRECTORY

Golden/zookeeper-audit-3.9.3.txt is what ZooKeeper 3.9.3 wrote (audit.enable) for the same requests, without the number of the session and the name of the
process's user. With `--server HOST:PORT` instead of the two arguments the requests are sent to that server, to record them anew.
"""
import getpass
import json
import logging
import os
import re
import sys
import urllib.error
import urllib.request

from kazoo.client import KazooClient
from kazoo.exceptions import BadArgumentsError, KazooException
from kazoo.security import OPEN_ACL_UNSAFE, make_digest_acl

from checks import Checks
from coord_ensemble import Ensemble, Server
from platform_child import PlatformChild

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "Golden", "zookeeper-audit-3.9.3.txt")
ANSWERED = "configuration connections hash dirs dump environment get_trace_mask initial_configuration is_read_only leader monitor ruok server_stats stats observers voting_view watches watch_summary watches_by_path zabstate"
# In ZooKeeper's list as well, and refused with the reason.
ABSENT = "last_snapshot observer_connection_stat_reset restore set_trace_mask snapshot system_properties"


def requests(address):
    """Writes of every kind, with those that are refused, and reads."""
    client = KazooClient(address)
    client.start(timeout=20)
    client.add_auth("digest", "ann:secret")

    def attempt(call, *arguments, **named):
        try:
            call(*arguments, **named)
        except KazooException:
            pass

    for path, named in (("/a", {}), ("/a", {}), ("/none/b", {}), ("/a/s-", dict(sequence=True)), ("/a/e", dict(ephemeral=True)), ("/a/es-", dict(ephemeral=True, sequence=True))):
        attempt(client.create, path, b"x", **named)
    for version in (-1, 9):
        attempt(client.set, "/a", b"y", version=version)
    attempt(client.set_acls, "/a", [make_digest_acl("ann", "secret", all=True)] + OPEN_ACL_UNSAFE)
    attempt(client.set_acls, "/a", OPEN_ACL_UNSAFE, version=9)
    for deleted_version in (5, -1):
        transaction = client.transaction()
        transaction.create("/m", b"")
        transaction.set_data("/m", b"1")
        transaction.check("/m", 1)
        transaction.delete("/m", deleted_version)
        transaction.commit()
    for path in ("/a/s-0000000000", "/a", "/nope"):
        attempt(client.delete, path)
    client.create("/cont")
    client.get("/a")
    client.sync("/a")
    client.stop()
    client.close()


def audited(child):
    """The lines of the audit log so far."""
    lines = []
    for line in child.tail(1 << 20).splitlines():
        message = json.loads(line)["message"] if line.startswith("{") else ""
        if "operation=" in message:
            message = re.sub(r"^session=0x[0-9a-f]+", "session=SESSION", message)
            lines.append(message.replace("user=%s\t" % getpass.getuser(), "user=OWNER\t"))
    return lines


def command(address, name):
    """Status and document."""
    try:
        with urllib.request.urlopen("http://%s/commands/%s" % (address, name), timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def main():
    program, directory = sys.argv[1:]
    checks = Checks()

    @checks.check("the audit log has ZooKeeper's lines, one for each write, and none can be forged")
    def _():
        child = PlatformChild(program, directory + "/audit", "coord", ["coord.listen"], ["coord.audit=true", "log.format=json"])
        child.start()
        requests(child.endpoints["coord"])
        before_stop = len(audited(child))
        client = KazooClient(child.endpoints["coord"])
        client.start(timeout=20)
        try:
            client.create("/x\nsession=0x1\tuser=root\toperation=create")
        except BadArgumentsError:
            pass  # no such name is allowed; the attempt is told all the same
        client.stop()
        client.close()
        assert child.stop() == 0
        found = audited(child)
        forged = found.pop(before_stop)
        with open(GOLDEN) as file:
            wanted = file.read().splitlines()
        # The ephemerals of one session go in no order there.
        assert sorted(found) == sorted(wanted), [line for line in found + wanted if (line in found) != (line in wanted)]
        assert [line for line in found if "ephemeralZNode" not in line] == [line for line in wanted if "ephemeralZNode" not in line]
        assert "\n" not in forged and "znode=/x\\u{a}session=0x1\\u{9}user=" in forged, forged

    @checks.check("nothing is told unless it is asked for")
    def _():
        child = PlatformChild(program, directory + "/silent", "coord", ["coord.listen"])
        child.start()
        requests(child.endpoints["coord"])
        child.stop()
        assert audited(child) == []

    @checks.check("the AdminServer of an ensemble answers ZooKeeper's commands, or says why not")
    def _():
        start = Server.start

        def with_admin(server):
            server.arguments = [text.replace("coord.admin=false", "coord.admin.listen=127.0.0.1:0") for text in server.arguments]
            start(server)

        Server.start = with_admin
        ensemble = Ensemble(program, directory + "/ensemble")
        try:
            leader = ensemble.leader()
            for server in ensemble.servers:
                address = server.endpoints["coord-admin"]
                for name in ANSWERED.split():
                    status, answer = command(address, name)
                    assert status == 200 and answer["command"] == name and answer["error"] is None, answer
                for name in ABSENT.split():
                    status, answer = command(address, name)
                    assert status == 501 and answer["command"] == name and answer["error"], answer
                for name in ("connection_stat_reset", "stat_reset"):
                    status, answer = command(address, name)
                    assert status == 403 and "coord.four-letter-words" in answer["error"], answer
                told = command(address, "lead")[1]
                assert (told["is_leader"], told["leader_id"], told["leader_ip"]) == (server is leader, leader.number, "127.0.0.1"), told
                voters = command(address, "voting_view")[1]["current_config"]
                assert sorted(voters) == ["1", "2", "3"] and all(voters[str(one.number)]["client_address"] == one.address for one in ensemble.servers), voters
                assert voters["1"]["learner_type"] == "participant" and voters["1"]["server_addresses"] == ["127.0.0.1:%d" % ensemble.servers[0].peer_port]
                state = command(address, "zabstate")[1]
                assert state["myid"] == server.number and state["zabstate"] == "broadcast" and state["voting"] is True and state["is_leader"] == (server is leader), state
        finally:
            ensemble.stop()
            Server.start = start

    return checks.finish()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    sys.exit(requests(sys.argv[2]) if sys.argv[1] == "--server" else main())
