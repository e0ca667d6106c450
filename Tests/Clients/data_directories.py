"""data_directories.py PLATFORM [--make VERSION]: data directories of earlier versions open, hold what they held, and go on.

With --make fills directories with the program at hand and keeps them in Golden/data-VERSION-SERVICE.tar.gz; done once for each version whose forms on disk differ.
"""
import glob
import os
import sys
import tarfile
import tempfile

from hdfs import InsecureClient
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kazoo.client import KazooClient
from kazoo.exceptions import NoAuthError
from kazoo.security import make_digest_acl

from checks import Findings
from platform_child import PlatformChild

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "Golden")


def zookeeper(child, login=None):
    client = KazooClient(child.endpoints["coord"], timeout=10, auth_data=[("digest", login)] if login else [])
    client.start(timeout=30)
    return client


def fill_coord(child):
    client = zookeeper(child)
    client.create("/a", b"one")
    client.set("/a", b"changed")
    client.create("/a/b", b"two" * 100)
    client.create("/a/seq-", b"", sequence=True)
    client.create("/\u00fc/\u00e9", b"x", makepath=True)
    client.create("/secret", b"s", acl=[make_digest_acl("bob", "pw", all=True)])
    client.create("/gone", b"")
    client.delete("/gone")
    client.ensure_path("/zookeeper/quota/a")
    client.create("/zookeeper/quota/a/zookeeper_limits", b"count=100,bytes=1000")
    client.create("/zookeeper/quota/a/zookeeper_stats", b"count=3,bytes=310")
    for number in range(300):
        client.create("/n%d" % number, b"v%d" % number)
    client.stop()


def check_coord(child, findings, again):
    client = zookeeper(child)
    data, stat = client.get("/a")
    findings.equal((data, stat.version, sorted(client.get_children("/a"))), (b"changed", 1 + again, ["b"] + ["seq-%010d" % n for n in range(1, 2 + again)]),
                   "a node, its version and its children")
    findings.equal((client.get("/\u00fc/\u00e9")[0], client.exists("/gone")), (b"x", None), "names beyond ASCII, and what was deleted")
    findings.true(all(client.get("/n%d" % number)[0] == b"v%d" % number for number in range(300)), "three hundred nodes")
    try:
        client.get("/secret")
        findings.true(False, "a node of another user was read")
    except NoAuthError:
        pass
    known = zookeeper(child, "bob:pw")
    findings.equal(known.get("/secret")[0], b"s", "rights")
    known.stop()
    findings.equal(client.get("/zookeeper/quota/a/zookeeper_limits")[0], b"count=100,bytes=1000", "a quota")
    client.set("/a", b"changed")
    client.create("/a/seq-", b"", sequence=True)
    client.stop()


def fill_broker(child):
    server = child.endpoints["broker"]
    admin = KafkaAdminClient(bootstrap_servers=server)
    admin.create_topics([NewTopic("plain", 2, 1), NewTopic("compacted", 1, 1, topic_configs={"cleanup.policy": "compact"})])
    producer = KafkaProducer(bootstrap_servers=server, compression_type="gzip")
    for number in range(500):
        producer.send("plain", key=b"k%d" % (number % 7), value=b"value %d" % number, partition=number % 2)
    for number in range(50):
        producer.send("compacted", key=b"k%d" % (number % 7), value=b"value %d" % number)
    producer.close()
    writer = KafkaProducer(bootstrap_servers=server, transactional_id="transaction")
    writer.init_transactions()
    for value in (b"committed", b"aborted"):
        writer.begin_transaction()
        writer.send("plain", value, partition=0)
        writer.flush()
        writer.commit_transaction() if value == b"committed" else writer.abort_transaction()
    writer.close()
    consumer = KafkaConsumer(bootstrap_servers=server, group_id="readers", enable_auto_commit=False)
    consumer.assign([TopicPartition("plain", 0)])
    consumer.seek(TopicPartition("plain", 0), 100)
    consumer.commit()
    consumer.close()
    admin.close()


def values(server, partition, count):
    consumer = KafkaConsumer(bootstrap_servers=server, isolation_level="read_committed", auto_offset_reset="earliest", consumer_timeout_ms=30_000)
    consumer.assign([partition])
    found = []
    for record in consumer:
        found.append(record.value)
        if len(found) == count:
            break
    consumer.close()
    return found


def check_broker(child, findings, again):
    server = child.endpoints["broker"]
    expected = [b"value %d" % number for number in range(0, 500, 2)] + [b"committed"] + [b"later"] * again
    findings.equal(values(server, TopicPartition("plain", 0), len(expected)), expected, "records, compressed and of a committed transaction")
    findings.equal(values(server, TopicPartition("plain", 1), 250), [b"value %d" % number for number in range(1, 500, 2)], "another partition")
    latest = values(server, TopicPartition("compacted", 0), 50)
    findings.equal(latest[-7:], [b"value %d" % number for number in range(43, 50)], "a compacted topic")
    consumer = KafkaConsumer(bootstrap_servers=server, group_id="readers", enable_auto_commit=False)
    findings.equal(consumer.committed(TopicPartition("plain", 0)), 100, "committed offsets")
    consumer.close()
    writer = KafkaProducer(bootstrap_servers=server, transactional_id="transaction")
    writer.init_transactions()
    writer.begin_transaction()
    writer.send("plain", b"later", partition=0)
    writer.commit_transaction()
    writer.close()


def fill_dfs(child):
    client = InsecureClient("http://" + child.endpoints["webhdfs"], user="root")
    client.write("/dir/file", b"x" * 100_000)
    client.write("/dir/empty", b"")
    client.makedirs("/deep/er/dir")
    client.set_permission("/dir", permission="750")
    client.write("/\u00fc/\u00e9", b"ok")
    client.rename("/dir/empty", "/dir/renamed")
    client.write("/deleted", b"x")
    client.delete("/deleted")


def check_dfs(child, findings, again):
    client = InsecureClient("http://" + child.endpoints["webhdfs"], user="root")
    with client.read("/dir/file") as reader:
        findings.equal(reader.read(), b"x" * 100_000, "a file's bytes")
    with client.read("/\u00fc/\u00e9") as reader:
        findings.equal(reader.read(), b"ok", "a name beyond ASCII")
    findings.equal((client.status("/dir")["permission"], client.list("/deep/er"), client.status("/dir/renamed")["length"]), ("750", ["dir"], 0), "rights and names")
    findings.equal((client.status("/deleted", strict=False), client.list("/later", status=False) if again else []), (None, ["1"] * again), "what was deleted, and added")
    client.write("/later/1", b"x", overwrite=True)


SERVICES = {"coord": (fill_coord, check_coord), "broker": (fill_broker, check_broker), "dfs": (fill_dfs, check_dfs)}


def make(program, version):
    for service, (fill, _) in SERVICES.items():
        with tempfile.TemporaryDirectory() as directory:
            child = PlatformChild(program, directory, service, [])
            child.start()
            fill(child)
            assert child.stop() == 0, child.tail()
            with tarfile.open("%s/data-%s-%s.tar.gz" % (GOLDEN, version, service), "w:gz") as archive:
                archive.add(directory, ".", filter=anonymous)


def anonymous(member):
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def main(program, *more):
    if more:
        return make(program, more[1])
    findings = Findings()
    for path in sorted(glob.glob(GOLDEN + "/data-*.tar.gz")):
        service = path[:-len(".tar.gz")].rsplit("-", 1)[1]
        with tempfile.TemporaryDirectory() as directory:
            with tarfile.open(path) as archive:
                archive.extractall(directory, filter="data")
            print(os.path.basename(path), flush=True)
            for again in range(2):
                child = PlatformChild(program, directory, service, [])
                child.start()
                try:
                    SERVICES[service][1](child, findings, again)
                finally:
                    findings.equal(child.stop(), 0, "a stop in order")
    return findings.finish()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
