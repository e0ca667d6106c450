"""What replicas promise, fault by fault, on three brokers as processes of their own. Usage: kafka_replication_check.py PROGRAM DATA_DIRECTORY"""
import glob
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, ElectionType, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, ResourceType
from kafka import KafkaAdminClient, TopicPartition as Place
from kafka.admin import NewTopic
from kafka.protocol.consumer import FetchRequest
from kafka.protocol.metadata import FindCoordinatorRequest

from checks import Checks
from kafka_cluster import Cluster, watermarks
from kafka_ids_check import ByID
from kafka_leaders import check_leaders
from kafka_raw import Raw
from platform_child import free_port

checks = Checks()
cluster = Cluster(sys.argv[1], sys.argv[2], extra=["--set", "broker.replica-lag-max.ms=3000"])
for broker in cluster.brokers:
    # Each stands in a rack of its own from its next start on.
    broker.arguments += ["--set", "broker.rack=rack-%d" % broker.number]


def produce(topic, values, partition=0, acks="all", **settings):
    """Sends each value and returns the errors."""
    errors = []
    producer = Producer({"bootstrap.servers": cluster.servers, "acks": acks, "log_level": 0, "message.timeout.ms": 8000, "socket.timeout.ms": 3000, **settings})
    for value in values:
        producer.produce(topic, value, partition=partition, on_delivery=lambda error, _: errors.append(error))
        producer.flush(15)
    return [error for error in errors if error is not None]


def read(topic, partition=0, **settings):
    consumer = Consumer({"bootstrap.servers": cluster.servers, "group.id": "read", "enable.auto.commit": False, "log_level": 0, **settings})
    low, high = watermarks(consumer, topic, partition)
    consumer.assign([TopicPartition(topic, partition, low)])
    values = []
    end = time.monotonic() + 15
    while time.monotonic() < end and len(values) < high - low:
        message = consumer.poll(0.5)
        if message is not None and message.error() is None:
            values.append(message.value())
    consumer.close()
    return values


def broker(number):
    return cluster.brokers[number - 1]


def wait_for(topic, holds, what):
    cluster.wait(lambda: holds(cluster.partitions(topic)[0]), "%s of %s" % (what, topic))


def create_on(topic, *replicas, **config):
    """A topic with one partition on these brokers."""
    config = {name.replace("_", "."): str(value) for name, value in config.items()}
    admin = KafkaAdminClient(bootstrap_servers=cluster.servers.split(","))
    admin.create_topics([NewTopic(topic, num_partitions=-1, replication_factor=-1, replica_assignments={0: list(replicas)}, topic_configs=config)])
    admin.close()
    wait_for(topic, lambda p: sorted(p.isrs) == sorted(replicas), "replicas in sync")


@checks.check("a topic needs as many brokers as it wants replicas")
def _():
    try:
        cluster.create("too-wide", 1, 4)
        raise AssertionError("four replicas on three brokers")
    except KafkaException as error:
        assert error.args[0].name() == "INVALID_REPLICATION_FACTOR" and "3 are alive" in error.args[0].str(), error


@checks.check("topics that are made by producing take it in order: no client is told of a leader that does not lead yet")
def _():
    wanted = [b"%d" % number for number in range(300)]
    for topic in ("made-%d" % number for number in range(20)):
        failures = []
        producer = Producer({"bootstrap.servers": broker(1).address, "linger.ms": 0, "log_level": 0})
        for value in wanted:
            producer.produce(topic, value, on_delivery=lambda error, _: failures.append(error) if error else None)
            producer.poll(0)
        assert producer.flush(20) == 0 and not failures, failures[:3]
        assert read(topic) == wanted, topic


@checks.check("a coordinator knows the id of a topic that another broker has just told of")
def _():
    coordinator = Raw(broker(1).address).ask(FindCoordinatorRequest(key="by-id", key_type=0), 2).node_id
    ask = ByID(Raw(broker(coordinator).address))
    others = [ByID(Raw(broker(number).address)) for number in (1, 2, 3) if number != coordinator]
    for number in range(30):
        topic_id = others[number % 2].topic_id("by-id-%d" % number, create=True)
        [(answer, part)] = ask.committed("by-id", topic_id)
        assert (part.error_code, part.committed_offset) == (0, -1), (number, answer)


@checks.check("with too few replicas in sync acks=all is refused, acks=1 and reading go on")
def _():
    create_on("pair", 1, 2, min_insync_replicas=2)
    assert not produce("pair", [b"both"])
    broker(2).send(signal.SIGKILL)
    wait_for("pair", lambda p: p.isrs == [1] and p.leader == 1, "the survivor")
    errors = produce("pair", [b"refused"])
    assert errors, "acknowledged with one of two replicas"
    assert not produce("pair", [b"alone"], acks=1)
    assert read("pair") == [b"both", b"alone"], read("pair")
    broker(2).start()
    broker(2).wait_ready()
    wait_for("pair", lambda p: sorted(p.isrs) == [1, 2], "both again")
    assert not produce("pair", [b"again"])


@checks.check("records that only a lost leader had are cut off when it comes back")
def _():
    create_on("cut", 3, 1, 2)
    assert not produce("cut", [b"kept"])
    for number in (1, 2):
        broker(number).send(signal.SIGSTOP)
    # The followers are stopped, so these are on the leader only; but for the first, which may have been on its way to them.
    assert not produce("cut", [b"lost-%d" % n for n in range(20)], acks=1)
    broker(3).send(signal.SIGKILL)
    for number in (1, 2):
        broker(number).send(signal.SIGCONT)
    wait_for("cut", lambda p: p.leader in (1, 2), "another leader")
    assert not produce("cut", [b"new"])
    broker(3).start()
    broker(3).wait_ready()
    wait_for("cut", lambda p: sorted(p.isrs) == [1, 2, 3], "all in sync")
    left = read("cut")
    assert left in ([b"kept", b"new"], [b"kept", b"lost-0", b"new"]), left
    cluster.admin.elect_leaders(ElectionType.PREFERRED, [TopicPartition("cut", 0)]).result(20)
    wait_for("cut", lambda p: p.leader == 3, "the preferred leader")
    assert read("cut") == left, read("cut")


@checks.check("a replica that was away longer than the log goes back begins anew")
def _():
    create_on("trimmed", 1, 2, min_insync_replicas=1, segment_bytes=16384)
    assert not produce("trimmed", [b"old"])
    broker(2).send(signal.SIGKILL)
    wait_for("trimmed", lambda p: p.isrs == [1], "the survivor")
    assert not produce("trimmed", [b"x" * 4000] * 30)
    cluster.admin.delete_records([TopicPartition("trimmed", 0, 25)])
    broker(2).start()
    broker(2).wait_ready()
    wait_for("trimmed", lambda p: sorted(p.isrs) == [1, 2], "both again")
    broker(1).send(signal.SIGKILL)
    wait_for("trimmed", lambda p: p.leader == 2, "the other leader")
    values = read("trimmed")
    assert len(values) == 6, len(values)
    broker(1).start()
    broker(1).wait_ready()
    wait_for("trimmed", lambda p: sorted(p.isrs) == [1, 2], "both once more")


@checks.check("a partition moves to other brokers and keeps its records")
def _():
    create_on("moving", 1, 2)
    assert not produce("moving", [b"%d" % n for n in range(200)])
    admin = KafkaAdminClient(bootstrap_servers=cluster.servers.split(","))
    admin.alter_partition_reassignments({Place("moving", 0): [3, 2]})
    wait_for("moving", lambda p: sorted(p.replicas) == [2, 3] and sorted(p.isrs) == [2, 3] and p.leader == 3, "the new replicas")
    assert not admin.list_partition_reassignments(), admin.list_partition_reassignments()
    assert read("moving") == [b"%d" % n for n in range(200)]
    admin.close()


RATES = {"leader.replication.throttled.rate": "", "follower.replication.throttled.rate": ""}


def alter(kind, name, configs):
    """Sets settings, or removes those whose value is None."""
    entries = [
        ConfigEntry(key, value or "", incremental_operation=AlterConfigOpType.DELETE if value is None else AlterConfigOpType.SET) for key, value in configs.items()]
    for done in cluster.admin.incremental_alter_configs([ConfigResource(kind, name, incremental_configs=entries)]).values():
        done.result(20)


def described(kind, name):
    resource = ConfigResource(kind, name)
    return {key: entry.value for key, entry in cluster.admin.describe_configs([resource])[resource].result(20).items()}


def set_rate(name):
    """One of the two rates alone, as low as 200 kB/s."""
    for other in RATES:
        alter(ResourceType.BROKER, "1", {other: "200000" if other == name else None})


@checks.check("replicas that are added keep to the rate of the leader, or of the follower")
def _():
    for side, rate in (("leader", "leader.replication.throttled.rate"), ("follower", "follower.replication.throttled.rate")):
        topic = "throttled-" + side
        create_on(topic, 1)
        assert not produce(topic, [os.urandom(50_000) for _ in range(16)])
        alter(ResourceType.TOPIC, topic, {side + ".replication.throttled.replicas": "0:%d" % (1 if side == "leader" else 3)})
        set_rate(rate)
        began = time.monotonic()
        admin = KafkaAdminClient(bootstrap_servers=cluster.servers.split(","))
        admin.alter_partition_reassignments({Place(topic, 0): [3]})
        wait_for(topic, lambda p: p.replicas == [3] and p.isrs == [3], "the new replica")
        admin.close()
        # 800 kB at 200 kB/s, of which a second's worth may go at once, and the last batch beyond the rate.
        assert time.monotonic() - began > 2, "%s: moved in %.1f s" % (side, time.monotonic() - began)
        assert len(read(topic)) == 16
        alter(ResourceType.TOPIC, topic, {side + ".replication.throttled.replicas": None})
    for rate in RATES:
        alter(ResourceType.BROKER, "1", {rate: None})


@checks.check("replicas in sync are not held back by a rate")
def _():
    create_on("in-sync", 1, 2, 3)
    alter(ResourceType.TOPIC, "in-sync", {side + ".replication.throttled.replicas": "*" for side in ("leader", "follower")})
    for rate in RATES:
        alter(ResourceType.BROKER, "1", {rate: "1"})
    # At a byte a second these would take weeks.
    assert not produce("in-sync", [os.urandom(50_000) for _ in range(20)])
    wait_for("in-sync", lambda p: sorted(p.isrs) == [1, 2, 3], "all in sync still")
    for rate in RATES:
        alter(ResourceType.BROKER, "1", {rate: None})


@checks.check("lists of throttled replicas and rates that make no sense are refused")
def _():
    for kind, name, configs in (
            (ResourceType.TOPIC, "in-sync", {"leader.replication.throttled.replicas": "0"}),
            (ResourceType.TOPIC, "in-sync", {"follower.replication.throttled.replicas": "0:1,"}),
            (ResourceType.BROKER, "1", {"leader.replication.throttled.rate": "0"})):
        try:
            alter(kind, name, configs)
            raise AssertionError("taken: %s" % configs)
        except KafkaException as error:
            assert error.args[0].name() == "INVALID_CONFIG", error


def verb(*words):
    ran = subprocess.run([sys.argv[1], "broker", *words, "--server", broker(1).address], capture_output=True, text=True, timeout=120)
    return ran.returncode, ran.stdout, ran.stderr


@checks.check("the verb moves partitions at a rate, and lifts it at the end")
def _():
    create_on("verb", 1, 2)
    assert not produce("verb", [os.urandom(50_000) for _ in range(16)])
    began = time.monotonic()
    status, out, error = verb("reassign", "start", "verb", "--away-from", "1", "--throttle", "200000")
    assert status == 0 and time.monotonic() - began > 2, (status, out, error)
    assert sorted(cluster.partitions("verb")[0].replicas) == [2, 3], out
    assert not described(ResourceType.TOPIC, "verb")["leader.replication.throttled.replicas"]
    assert described(ResourceType.BROKER, "1")["leader.replication.throttled.rate"] == str(2 ** 63 - 1)
    assert len(read("verb")) == 16
    status, out, error = verb("reassign", "start", "verb", "--to", "3,1", "--throttle", "1", "--no-wait")
    assert status == 0, error
    status, out, error = verb("reassign", "list", "-o", "json")
    assert status == 0 and '"adding":[1]' in out, out
    status, out, error = verb("reassign", "cancel", "verb")
    assert status == 0 and "1 moves" in error, error
    assert sorted(cluster.partitions("verb")[0].replicas) == [2, 3]
    create_on("everywhere", 1, 2, 3)
    status, out, error = verb("reassign", "start", "--away-from", "1")
    assert status != 0 and "every other broker already" in error and "next:" in error, error
    cluster.admin.delete_topics(["everywhere"])["everywhere"].result(20)


@checks.check("the verbs of groups show what a lost leader leaves, and name what it hides")
def _():
    create_on("left", 1)
    create_on("lost", 3)
    for topic in ("left", "lost"):
        assert not produce(topic, [b"%d" % number for number in range(5)])
    consumer = Consumer({"bootstrap.servers": cluster.servers, "group.id": "behind", "enable.auto.commit": False, "log_level": 0})
    places = [TopicPartition("left", 0, 2), TopicPartition("lost", 0, 3)]
    cluster.wait(lambda: all(place.error is None for place in consumer.commit(offsets=places, asynchronous=False)), "the commit")
    consumer.close()

    def shown(what):
        status, out, error = verb("group", what, "behind", "-o", "json")
        assert status == 0, (status, out, error)
        return {row["topic"]: row for row in json.loads(out)}, error

    assert {topic: row["lag"] for topic, row in shown("lag")[0].items()} == {"left": 3, "lost": 2}
    broker(3).send(signal.SIGKILL)
    wait_for("lost", lambda p: p.leader == -1, "the loss of the leader")
    rows, error = shown("describe")
    assert (rows["left"]["end"], rows["left"]["lag"]) == (5, 3), rows
    assert rows["lost"]["committed"] == 3 and rows["lost"]["end"] is None and rows["lost"]["lag"] is None, rows
    assert "an end is not known" in error and "lost" in error, error
    rows, error = shown("lag")
    assert rows["left"]["lag"] == 3 and rows["lost"]["lag"] is None and "a lag is not known" in error and "lost" in error, (rows, error)
    broker(3).start()
    broker(3).wait_ready()
    wait_for("lost", lambda p: p.leader == 3, "the leader's return")
    assert {topic: row["lag"] for topic, row in shown("lag")[0].items()} == {"left": 3, "lost": 2}


@checks.check("a reader is sent to a replica in its rack, and reads there")
def _():
    for each in cluster.brokers:
        each.process.terminate()
        each.process.wait(15)
        each.start()
        each.wait_ready()
    cluster.wait(lambda: len(cluster.admin.list_topics(timeout=5).brokers) == 3, "all brokers")
    create_on("racks", 1, 2, 3)
    assert not produce("racks", [b"%d" % n for n in range(50)])
    described = cluster.admin.describe_topics(TopicCollection(["racks"]))["racks"].result(10).partitions[0]
    assert {node.id: node.rack for node in described.replicas} == {n: "rack-%d" % n for n in (1, 2, 3)}

    def ask(number):
        raw = Raw(broker(number).address)
        part = FetchRequest.FetchTopic.FetchPartition(
            partition=0, current_leader_epoch=-1, fetch_offset=0, last_fetched_epoch=-1, log_start_offset=-1, partition_max_bytes=1 << 20)
        answer = raw.ask(
            FetchRequest(
                replica_id=-1, max_wait_ms=500, min_bytes=1, max_bytes=1 << 20, isolation_level=0, session_id=0, session_epoch=-1,
                topics=[FetchRequest.FetchTopic(topic="racks", partitions=[part])], forgotten_topics_data=[], rack_id="rack-2"), 11)
        raw.close()
        return answer.responses[0].partitions[0]

    wait_for("racks", lambda p: p.leader == 1 and sorted(p.isrs) == [1, 2, 3], "all in sync")
    sent = ask(1)
    assert sent.preferred_read_replica == 2 and not sent.records, sent
    found = ask(2)
    assert found.error_code == 0 and found.records, found
    assert read("racks", **{"client.rack": "rack-2"}) == [b"%d" % n for n in range(50)]


@checks.check("the files of topics that nobody knows any more are removed when a broker is back; what is in doubt stays")
def _():
    create_on("known", 3, 1)
    assert not produce("known", [b"kept"])
    broker(3).send(signal.SIGKILL)
    topics = os.path.dirname(glob.glob("%s/broker-3/**/topics/known.*" % sys.argv[2], recursive=True)[0])
    # As if it had been away so long that its tables were replaced.
    for place in ("gone.0123abcd/0", "gone.0123abcd/1", "doubtful.0123abcd/notes", "a folder", "short.123"):
        os.makedirs(os.path.join(topics, place))
        with open(os.path.join(topics, place, "00000000000000000000.log"), "w") as file:
            file.write("records")
    broker(3).start()
    broker(3).wait_ready()
    cluster.wait(lambda: not os.path.exists(topics + "/gone.0123abcd"), "the removal of what is left over")
    assert all(os.path.exists(os.path.join(topics, name)) for name in ("doubtful.0123abcd/notes", "a folder", "short.123")), os.listdir(topics)
    wait_for("known", lambda p: sorted(p.isrs) == [1, 3], "both")
    assert read("known") == [b"kept"] and "are removed" in broker(3).tail(1 << 20)


@checks.check("what is read from the disk is counted once")
def _():
    create_on("counted", 1)
    assert not produce("counted", [os.urandom(100_000) for _ in range(10)])
    broker(1).process.terminate()
    broker(1).process.wait(15)
    broker(1).start()
    broker(1).wait_ready()
    wait_for("counted", lambda p: p.leader == 1, "the leader")

    def fetched():
        text = urllib.request.urlopen("http://%s/metrics" % broker(1).endpoints["console"], timeout=10).read().decode()
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("platform_broker_fetched_bytes"))

    before = fetched()
    assert len(read("counted")) == 10
    # Followers of other topics and batches that are asked for twice take little beside it.
    assert 1_000_000 <= fetched() - before < 1_500_000, fetched() - before


def members(group, topic, **settings):
    """Two consumers that share a topic, with a list of what was given to them and taken from them."""
    moves, consumers = [], []
    for _ in range(2):
        consumer = Consumer({
            "bootstrap.servers": cluster.servers, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False, "log_level": 0,
            "reconnect.backoff.max.ms": 200, "socket.timeout.ms": 2500, **settings})
        consumer.subscribe([topic], **{"on_%s" % name: lambda *_, name=name: moves.append(name) for name in ("assign", "revoke", "lost")})
        consumers.append(consumer)
    poll(consumers, lambda: sorted(len(c.assignment()) for c in consumers) == [2, 2], "shares")
    return consumers, moves


def poll(consumers, holds, what, seconds=30):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, what
        for consumer in consumers:
            consumer.poll(0.05)


def goes_on(group, consumers, moves, after):
    """Whether the members keep their shares, and may commit as the members that they were, through `after`."""
    shares, moves[:] = [c.assignment() for c in consumers], []
    after()
    end = time.monotonic() + 4
    poll(consumers, lambda: time.monotonic() > end, "time passes")
    for consumer in consumers:
        places = [TopicPartition(p.topic, p.partition, 7) for p in consumer.assignment()]
        cluster.wait(lambda: all(p.error is None for p in consumer.commit(offsets=places, asynchronous=False)), "a commit of %s" % group)
    assert not moves and [c.assignment() for c in consumers] == shares, moves


def lose_coordinator(group):
    """Kills the coordinator of a group; returns what starts it again."""
    found = cluster.admin.describe_consumer_groups([group])[group].result(10)
    lost = broker(found.coordinator.id)
    lost.send(signal.SIGKILL)
    return lambda: (lost.start(), lost.wait_ready(), cluster.wait_in_sync("shared"))


for protocol, settings in [("classic", {"session.timeout.ms": 10000, "heartbeat.interval.ms": 500}), ("consumer", {"group.protocol": "consumer"})]:
    @checks.check("a group of the %s protocol goes on with the next coordinator, and after all brokers were killed" % protocol)
    def _():
        if "shared" not in cluster.admin.list_topics(timeout=5).topics:
            cluster.create("shared", 4)
            cluster.wait_in_sync("shared")
        group = "kept-%s" % protocol
        consumers, moves = members(group, "shared", **settings)
        bring_back = []
        goes_on(group, consumers, moves, lambda: bring_back.append(lose_coordinator(group)))
        goes_on(group, consumers, moves, bring_back[0])

        def kill_all():
            for each in cluster.brokers:
                each.send(signal.SIGKILL)
            for each in cluster.brokers:
                each.start()
            for each in cluster.brokers:
                each.wait_ready()

        goes_on(group, consumers, moves, kill_all)
        for consumer in consumers:
            consumer.close()


@checks.check("clients are told of a broker for a while after it has gone")
def _():
    broker(2).send(signal.SIGKILL)
    wait_for("shared", lambda p: 2 not in p.isrs and p.leader != 2, "a leader that is there")
    named = sorted(cluster.admin.list_topics(timeout=5).brokers)
    alive = cluster.alive()
    broker(2).start()
    broker(2).wait_ready()
    cluster.wait_in_sync("shared")
    assert (named, alive) == ([1, 2, 3], [1, 3]), (named, alive)


@checks.check("a verb that asks every broker names the one that does not answer")
def _():
    def listed(*words):
        ran = subprocess.run([sys.argv[1], "broker", *words, "list", "--server", broker(1).address], capture_output=True, text=True, timeout=60)
        return ran.returncode, ran.stdout, ran.stderr

    groups = ["told-%d" % number for number in range(12)]
    cluster.create("told", 1, 3)
    for group in groups:
        offset = TopicPartition("told", 0, 0)
        cluster.admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, [offset])])[group].result(20)
    status, shown, said = listed("group")
    assert status == 0 and all(group in shown for group in groups), (status, shown, said)
    broker(3).send(signal.SIGTERM)
    broker(3).process.wait()
    usual = list(broker(3).arguments)
    broker(3).arguments += ["--set", "broker.advertised=127.0.0.1:%d" % free_port()]
    broker(3).start()
    broker(3).wait_ready()
    cluster.wait(lambda: 3 in cluster.alive(), "the broker that nobody reaches")
    status, shown, said = listed("group")
    assert status == 69 and "broker 3 does not tell its groups" in said and "broker 1" not in said and "broker 2" not in said, (status, shown, said)
    assert 0 < sum(group in shown for group in groups) < len(groups), shown
    status, shown, said = listed("txn")
    assert status == 69 and "broker 3 does not tell its transactions" in said, (status, shown, said)
    broker(3).send(signal.SIGTERM)
    broker(3).process.wait()
    broker(3).arguments = usual
    broker(3).start()
    broker(3).wait_ready()
    cluster.wait(lambda: listed("group")[0] == 0, "all brokers answer")


@checks.check("partitions in which nothing happens stay in sync, and are in sync again when a follower is back")
def _():
    cluster.create("idle", 100, 3)

    def all_in_sync():
        found = cluster.partitions("idle")
        return len(found) == 100 and all(len(p.isrs) == 3 for p in found.values())

    cluster.wait(all_in_sync, "100 partitions in sync")
    lags = sum(each.tail(1 << 24).count("replicas lag") for each in cluster.brokers)
    # Longer than a follower may lag: nothing is said of these partitions meanwhile, and the first record must not find them out of sync.
    time.sleep(4)
    producer = Producer({"bootstrap.servers": cluster.servers, "acks": "all", "log_level": 0})
    errors = []
    for partition in range(100):
        producer.produce("idle", b"x", partition=partition, on_delivery=lambda error, _: errors.append(error))
    producer.flush(30)
    assert errors == [None] * 100, errors
    assert sum(each.tail(1 << 24).count("replicas lag") for each in cluster.brokers) == lags and all_in_sync()
    broker(3).send(signal.SIGKILL)
    cluster.wait(lambda: all(len(p.isrs) == 2 for p in cluster.partitions("idle").values()), "the loss of a follower")
    broker(3).start()
    broker(3).wait_ready()
    cluster.wait(all_in_sync, "100 partitions in sync again")


check_leaders(checks, cluster, create_on)


@checks.check("topics grow and go on every broker")
def _():
    cluster.create("grown", 2, 3)
    cluster.admin.create_partitions([NewPartitions("grown", 5)])["grown"].result(20)
    cluster.wait(lambda: len(cluster.partitions("grown")) == 5 and all(len(p.isrs) == 3 for p in cluster.partitions("grown").values()), "five partitions")
    for partition in range(5):
        assert not produce("grown", [b"x"], partition)
    cluster.admin.delete_topics(["grown"])["grown"].result(20)
    cluster.wait(lambda: "grown" not in cluster.admin.list_topics(timeout=5).topics, "the topic's end")


sys.exit(cluster.finish(checks))
