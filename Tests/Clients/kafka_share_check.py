"""Share groups (KIP-932) with confluent-kafka's ShareConsumer, on one broker and on three. Usage: kafka_share_check.py PROGRAM DATA_DIRECTORY

Consumers share partitions; records are accepted, released, rejected, forgotten in the hands of those who have them, and given up; the broker is killed (-9), and
the leader of three. Every record comes to somebody, none that was accepted comes again, and none has two holders at a time.
"""
import collections
import json
import logging
import signal
import struct
import subprocess
import sys
import time

from confluent_kafka import AcknowledgeType, KafkaException, Producer, ShareConsumer, TopicCollection
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic

from checks import Checks
from kafka_cluster import Cluster
from kafka_raw import Raw
from platform_child import PlatformChild

program, directory = sys.argv[1:3]
checks = Checks()
PATIENCE = 20
ACCEPT, RELEASE, REJECT = AcknowledgeType.ACCEPT, AcknowledgeType.RELEASE, AcknowledgeType.REJECT


class World:
    """One broker or three, with topics and groups whose names nobody else has."""

    def __init__(self, servers, label):
        self.servers, self.label = servers, label
        self.admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
        self.count = 0

    def topic(self, partitions=1):
        self.count += 1
        name = "%s-%d" % (self.label, self.count)
        replicas = 1 if self.label == "one" else 3
        self.admin.create_topics([NewTopic(name, partitions, replicas)])[name].result(PATIENCE)
        return name

    def configure(self, group, **settings):
        settings = {"share.auto.offset.reset": "earliest", **{name.replace("_", "."): value for name, value in settings.items()}}
        entries = [ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in settings.items()]
        resource = ConfigResource(ConfigResource.Type.GROUP, group, incremental_configs=entries)
        for future in self.admin.incremental_alter_configs([resource]).values():
            future.result(PATIENCE)

    def topic_id(self, topic):
        found = self.admin.describe_topics(TopicCollection([topic]))[topic].result(PATIENCE).topic_id
        return struct.pack(">qq", found.get_most_significant_bits(), found.get_least_significant_bits())

    def produce(self, topic, values, **settings):
        producer = Producer({"bootstrap.servers": self.servers, "acks": "all", "log_level": 0, "linger.ms": 2, **settings})
        errors = []
        for value in values:
            producer.produce(topic, value, partition=0, on_delivery=lambda error, _: errors.append(error))
        producer.flush(PATIENCE)
        assert errors == [None] * len(values), errors[:3]

    def consumer(self, group, topic, **settings):
        mode = "explicit" if settings.pop("explicit", False) else "implicit"
        # That the client calls itself a preview is no news here.
        quiet = logging.Logger("quiet", logging.CRITICAL)
        consumer = ShareConsumer(
            {"bootstrap.servers": self.servers, "group.id": group, "share.acknowledgement.mode": mode, "log_level": 0, "logger": quiet,
             "socket.timeout.ms": 10000, **settings})
        consumer.subscribe([topic])
        return consumer


def until(holds, what, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "after %d s still not: %s" % (seconds, what)


def poll(consumer, timeout=0.5):
    found = list(consumer.poll(timeout))
    assert all(message.error() is None for message in found), [message.error() for message in found if message.error()]
    return found


def poll_some(consumer, what="records come", seconds=PATIENCE):
    found = []
    until(lambda: found.extend(poll(consumer)) or found, what, seconds)
    return found


def read(consumer, count, commit=True):
    """Values with how often each came, until there are `count` different ones; then nothing more may come."""
    seen = collections.Counter()
    until(lambda: seen.update(message.value() for message in poll(consumer)) or len(seen) >= count, "%d records" % count)
    if commit:
        refused(consumer.commit_sync())
    return seen


def refused(results, wanted=()):
    codes = sorted(error.args[0].name() for error in results.values() if error is not None)
    assert codes == sorted(wanted), codes


def acknowledge(consumer, messages, kind=ACCEPT):
    for message in messages:
        consumer.acknowledge(message, kind)


def numbers(first, last):
    return [b"%d" % number for number in range(first, last)]


def scenarios(world):
    def check(name):
        return checks.check(name if world.label == "one" else name + ", on three brokers")

    @check("a group begins where it is told to, and a later member goes on where it has come to")
    def _():
        topic, group = world.topic(), world.label + "-begin"
        world.configure(group)
        world.produce(topic, numbers(0, 300))
        first = world.consumer(group, topic)
        assert read(first, 300) == collections.Counter(numbers(0, 300))
        first.close()
        world.produce(topic, numbers(300, 310))
        second = world.consumer(group, topic)
        assert read(second, 10) == collections.Counter(numbers(300, 310))
        second.close()

    @check("consumers share one partition, and no record comes twice")
    def _():
        topic, group = world.topic(), world.label + "-shared"
        world.configure(group)
        members = [world.consumer(group, topic, **{"max.poll.records": 40}) for _ in range(3)]
        seen, takers, sent = collections.Counter(), collections.Counter(), 0

        def go_on():
            nonlocal sent
            # More until all three are there, which takes its time on a busy machine.
            if len(seen) == sent:
                world.produce(topic, numbers(sent, sent + 600), **{"batch.num.messages": 20})
                sent += 600
            for number, member in enumerate(members):
                for message in poll(member, 0.05):
                    seen[message.value()] += 1
                    takers[number] += 1

        until(lambda: go_on() or len(takers) == 3 and len(seen) == sent, "all records, at three members")
        for member in members:
            member.close()
        assert set(seen.values()) == {1}, seen.most_common(3)

    @check("released records come again and count their deliveries, rejected ones do not")
    def _():
        topic, group = world.topic(), world.label + "-explicit"
        world.configure(group)
        world.produce(topic, numbers(0, 9))
        consumer = world.consumer(group, topic, explicit=True)
        first = poll_some(consumer)
        assert [message.value() for message in first] == numbers(0, 9) and {message.delivery_count() for message in first} == {1}
        acknowledge(consumer, first[0:3])
        acknowledge(consumer, first[3:6], RELEASE)
        acknowledge(consumer, first[6:9], REJECT)
        refused(consumer.commit_sync())
        again = poll_some(consumer)
        assert [message.value() for message in again] == numbers(3, 6), [message.value() for message in again]
        assert {message.delivery_count() for message in again} == {2}
        acknowledge(consumer, again)
        refused(consumer.commit_sync())
        assert not poll(consumer, 1)
        consumer.close()

    @check("what a consumer does not acknowledge in time goes to another one, and is not its own any more")
    def _():
        topic, group = world.topic(), world.label + "-locks"
        world.configure(group, share_record_lock_duration_ms="1000")
        world.produce(topic, numbers(0, 5))
        slow, other = (world.consumer(group, topic, explicit=True) for _ in range(2))
        held = poll_some(slow)
        taken = poll_some(other)
        assert [message.value() for message in taken] == numbers(0, 5) and {message.delivery_count() for message in taken} == {2}
        acknowledge(slow, held)
        refused(slow.commit_sync(), ["INVALID_RECORD_STATE"])
        acknowledge(other, taken)
        # The second lock may have ended as well on a busy machine; then it is somebody's turn again.
        other.commit_sync()
        slow.close()
        other.close()

    @check("a record that was delivered often enough is given up")
    def _():
        topic, group = world.topic(), world.label + "-limit"
        world.configure(group, share_delivery_count_limit="2")
        world.produce(topic, numbers(0, 3))
        consumer = world.consumer(group, topic, explicit=True)
        for delivery in (1, 2):
            found = poll_some(consumer)
            assert {message.delivery_count() for message in found} == {delivery}
            acknowledge(consumer, found, RELEASE)
            refused(consumer.commit_sync())
        world.produce(topic, [b"next"])
        found = poll_some(consumer)
        assert [(message.value(), message.delivery_count()) for message in found] == [(b"next", 1)]
        acknowledge(consumer, found)
        consumer.close()


def settings_and_codecs(world):
    @checks.check("every codec comes through, and batches in which only a part is free")
    def _():
        topic, group = world.topic(), "one-codecs"
        world.configure(group)
        for codec in ("gzip", "snappy", "lz4", "zstd"):
            world.produce(topic, [b"%s-%d" % (codec.encode(), number) for number in range(50)], **{"compression.codec": codec, "linger.ms": 50})
        consumer = world.consumer(group, topic, explicit=True)
        seen = collections.Counter()

        def go_on():
            found = poll(consumer)
            # Every other record goes back once.
            for place, message in enumerate(found):
                back = place % 2 == 1 and message.delivery_count() == 1
                consumer.acknowledge(message, RELEASE if back else ACCEPT)
                seen[message.value()] += not back
            refused(consumer.commit_sync())

        until(lambda: go_on() or len(+seen) == 200, "200 records")
        consumer.close()
        assert set(seen.values()) == {1}

    @checks.check("without settings a group begins at the end")
    def _():
        topic, group = world.topic(), "one-latest"
        world.produce(topic, numbers(0, 5))
        consumer = world.consumer(group, topic)
        raw = Raw(world.servers)
        # What comes after the group has begun is read; that it has begun is seen from its offsets.
        until(lambda: not poll(consumer, 0.1) and start_offset(raw, group, topic) == 5, "the group has begun")
        world.produce(topic, numbers(5, 8))
        assert read(consumer, 3) == collections.Counter(numbers(5, 8))
        consumer.close()

    @checks.check("a group begins with the records that are not older than it is told")
    def _():
        def produce_aged(topic, ages):
            producer = Producer({"bootstrap.servers": world.servers, "acks": "all", "log_level": 0})
            for age in ages:
                producer.produce(topic, b"%d" % age, partition=0, timestamp=int((time.time() - age) * 1000))
                producer.flush(PATIENCE)

        topic = world.topic()
        produce_aged(topic, (7200, 5400, 3000, 600))
        for age, wanted in (("PT1H", (3000, 600)), ("P1D", (7200, 5400, 3000, 600)), ("P0DT0H5M", ())):
            group = "one-aged-" + age
            world.configure(group, share_auto_offset_reset="by_duration:" + age)
            consumer = world.consumer(group, topic)
            found = read(consumer, len(wanted))
            assert found == collections.Counter(b"%d" % one for one in wanted), (age, found)
            # Who finds nothing that is young enough begins at the end.
            until(lambda: not poll(consumer, 0.1) and start_offset(Raw(world.servers), group, topic) == 4, "the group has come to the end")
            consumer.close()
        group = "one-aged-more"
        world.configure(group, share_auto_offset_reset="by_duration:PT5M")
        consumer = world.consumer(group, topic)
        until(lambda: not poll(consumer, 0.1) and start_offset(Raw(world.servers), group, topic) == 4, "the group has begun")
        produce_aged(topic, (1, 7000))
        assert read(consumer, 2) == collections.Counter([b"1", b"7000"]), "where it has begun it reads on"
        consumer.close()

    @checks.check("a group that reads committed records is told of no others, and passes over markers")
    def _():
        topic, group = world.topic(), "one-committed"
        world.configure(group, share_isolation_level="read_committed")
        producer = Producer({"bootstrap.servers": world.servers, "transactional.id": "t-share", "log_level": 0})
        producer.init_transactions(PATIENCE)
        for round, commits in enumerate((True, False, True)):
            producer.begin_transaction()
            for number in range(5):
                producer.produce(topic, b"%d-%d" % (round, number), partition=0)
            producer.flush(PATIENCE)
            producer.commit_transaction(PATIENCE) if commits else producer.abort_transaction(PATIENCE)
        consumer = world.consumer(group, topic)
        assert read(consumer, 10) == collections.Counter(b"%d-%d" % (round, number) for round in (0, 2) for number in range(5))
        until(lambda: not poll(consumer, 0.1) and start_offset(Raw(world.servers), group, topic) == 18, "the last marker is passed over")
        consumer.close()

    @checks.check("the records of a consumer that is gone come to another one at once")
    def _():
        topic, group = world.topic(), "one-gone"
        world.configure(group)
        world.produce(topic, numbers(0, 5))
        code = "import sys; sys.path[:0] = %r\nfrom confluent_kafka import ShareConsumer\n" % [path for path in sys.path if path]
        code += "c = ShareConsumer({'bootstrap.servers': %r, 'group.id': %r, 'log_level': 0})\nc.subscribe([%r])\n" % (world.servers, group, topic)
        code += "n = 0\nwhile n < 5: n += len(c.poll(1))\nprint('has them', flush=True)\nimport time; time.sleep(60)"
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert child.stdout.readline() == "has them\n"
        child.kill()
        child.wait()
        consumer = world.consumer(group, topic)
        found = poll_some(consumer, "the records, long before their locks end", 15)
        assert {message.delivery_count() for message in found} == {2}
        consumer.close()

    @checks.check("settings of groups are shown, altered and checked")
    def _():
        world.configure("one-settings", share_record_lock_duration_ms="5000")
        resource = ConfigResource(ConfigResource.Type.GROUP, "one-settings")
        shown = world.admin.describe_configs([resource])[resource].result(PATIENCE)
        assert shown["share.record.lock.duration.ms"].value == "5000" and shown["share.isolation.level"].value == "read_uncommitted"
        for name, value in (("share.record.lock.duration.ms", "1"), ("share.auto.offset.reset", "middle"), ("share.auto.offset.reset", "by_duration:-PT1S"), ("no.such.setting", "1")):
            try:
                world.configure("one-settings", **{name: value})
            except KafkaException as error:
                assert error.args[0].name() == "INVALID_CONFIG", error
            else:
                raise AssertionError("%s=%s was taken" % (name, value))


def compact(text):
    return bytes([len(text) + 1]) + text.encode()


def start_offset(raw, group, topic):
    """What DescribeShareGroupOffsets (version 1) says of partition 0."""
    body = b"\x02" + compact(group) + b"\x02" + compact(topic) + b"\x02" + struct.pack(">i", 0) + b"\0\0\0"
    answer = raw.ask_bytes(90, 1, body)
    # Throttle time, one group with its name, one topic with its name and id, one partition: its number, and then the offset.
    place = 4 + 1 + len(compact(group)) + 1 + len(compact(topic)) + 16 + 1 + 4
    return struct.unpack(">q", answer[place:place + 8])[0] if len(answer) > place + 8 else None


def administration(world):
    def verb(*words):
        ran = subprocess.run([program, "broker", *words, "--server", world.servers], capture_output=True, text=True, timeout=60)
        return ran.returncode, ran.stdout + ran.stderr

    @checks.check("share groups are listed, described, reset and deleted, and closed to other kinds of members")
    def _():
        topic, group = world.topic(), "one-admin"
        world.configure(group)
        world.produce(topic, numbers(0, 10))
        consumer = world.consumer(group, topic, explicit=True)
        found = poll_some(consumer)
        acknowledge(consumer, found[:4])
        acknowledge(consumer, found[4:], RELEASE)
        refused(consumer.commit_sync())
        status, shown = verb("group", "list")
        assert status == 0 and any(line.split()[:3] == [group, "share", "Stable"] for line in shown.splitlines()), shown
        status, shown = verb("group", "describe", group, "-o", "json")
        assert status == 0 and '"committed":4' in shown and '"lag":6' in shown, shown
        for words in (("group", "reset", group, "--topic", topic, "--to", "beginning"), ("group", "delete", group)):
            status, shown = verb(*words)
            assert status != 0 and "members" in shown, shown
        consumer.close()
        status, shown = verb("group", "list")
        assert any(line.split()[:3] == [group, "share", "Empty"] for line in shown.splitlines()), shown
        status, shown = verb("group", "reset", group, "--topic", topic, "--to", "beginning")
        assert status == 0, shown
        consumer = world.consumer(group, topic)
        assert read(consumer, 10) == collections.Counter(numbers(0, 10))
        consumer.close()
        status, shown = verb("consume", topic, "--group", group, "--until-end")
        assert status != 0, "a group cannot have members of two kinds: " + shown
        status, shown = verb("group", "delete", group)
        assert status == 0, shown
        assert group not in verb("group", "list")[1]

    @checks.check("sessions are held to their epochs, and what makes no sense is refused")
    def _():
        topic, group = world.topic(), "one-raw"
        world.configure(group)
        world.produce(topic, numbers(0, 3))
        raw = Raw(world.servers)
        member = "a" * 36

        def acknowledge_raw(epoch, group=group, member=member):
            return struct.unpack(">h", raw.ask_bytes(79, 1, compact(group) + compact(member) + struct.pack(">i", epoch) + b"\x01\0")[4:6])[0]

        def fetch(epoch, group=group, member=member):
            body = compact(group) + compact(member) + struct.pack(">iiiiii", epoch, 0, 1, 1000, 10, 10) + b"\x01\x01\0"
            return struct.unpack(">h", raw.ask_bytes(78, 1, body)[4:6])[0]

        assert fetch(0) == 69, "there is no such group yet"
        consumer = world.consumer(group, topic)
        assert read(consumer, 3)
        assert [fetch(5), fetch(-1), acknowledge_raw(0), acknowledge_raw(1)] == [122, 122, 123, 122]
        assert [fetch(0), fetch(1), fetch(1), acknowledge_raw(2), acknowledge_raw(9), fetch(-1), fetch(3)] == [0, 0, 123, 0, 123, 0, 122]
        # A lock is renewed by version 2 alone, and by a request that asks for nothing else.
        topic_id = world.topic_id(topic)
        world.produce(topic, [b"renewed"])

        def share_fetch(version, epoch, kind=None, records=0, renews=False):
            limits = (100, 1, 1000) if records else (0, 0, 0)
            body = compact(group) + compact(member) + struct.pack(">iiiiii", epoch, *limits, records, records)
            body += struct.pack(">b?", 0, renews) if version == 2 else b""
            batches = b"\x01" if kind is None else b"\x02" + struct.pack(">qq", 3, 3) + b"\x02" + bytes([kind, 0])
            return raw.ask_bytes(78, version, body + b"\x02" + topic_id + b"\x02" + bytes(4) + batches + b"\0\0\x01\0")

        def acknowledged(answer):
            # Throttle time, error, no message, the lock's time; one topic with its id; one partition: number, error, no message, and then this.
            return struct.unpack(">h", answer[36:38])[0] if answer[4:6] == b"\0\0" and len(answer) > 38 else struct.unpack(">h", answer[4:6])[0]

        assert b"renewed" in share_fetch(2, 0, records=10)
        assert [acknowledged(share_fetch(2, 1, kind=4, renews=True)), acknowledged(share_fetch(1, 2, kind=4)), acknowledged(share_fetch(2, 3, kind=4))] == [0, 42, 42]
        assert acknowledged(share_fetch(2, 4, kind=4, records=10, renews=True)) == 42
        assert [acknowledged(share_fetch(2, 4, kind=1)), acknowledged(share_fetch(2, 5, kind=7))] == [0, 42]
        assert fetch(0, member="") == 42 and fetch(0, member="b" * 37) == 42 and acknowledge_raw(1, group="") == 42
        consumer.close()


def killed(server, world):
    @checks.check("kill -9: what was accepted stays so, what was not comes again")
    def _():
        topic, group = world.topic(), "one-killed"
        world.configure(group)
        world.produce(topic, numbers(0, 40))
        consumer = world.consumer(group, topic, explicit=True)
        found = poll_some(consumer)
        assert len(found) == 40
        acknowledge(consumer, found[0:10])
        acknowledge(consumer, found[10:20], RELEASE)
        acknowledge(consumer, found[20:30], REJECT)
        refused(consumer.commit_sync())
        server.kill()
        server.start()
        again = {}

        def go_on():
            for message in poll(other):
                again[message.value()] = message.delivery_count()

        other = world.consumer(group, topic)
        until(lambda: go_on() or len(again) >= 20, "what is not done with")
        refused(other.commit_sync())
        assert sorted(again) == sorted(numbers(10, 20) + numbers(30, 40)), sorted(again)
        assert set(again.values()) == {2}, again
        other.close()
        acknowledge(consumer, found[30:40], RELEASE)
        consumer.close()


def lag_elsewhere(cluster, world):
    @checks.check("the coordinator knows the lag of partitions of which it has no replica, and of those alone that somebody leads")
    def _():
        topic, group = "three-elsewhere", "three-elsewhere"
        world.admin.create_topics([NewTopic(topic, 3, 1)])[topic].result(PATIENCE)
        world.configure(group)
        producer = Producer({"bootstrap.servers": world.servers, "acks": "all", "log_level": 0})
        for number in range(15):
            producer.produce(topic, b"first" if number < 3 else b"more", partition=number % 3)
        assert producer.flush(PATIENCE) == 0
        consumer = world.consumer(group, topic, explicit=True)
        count = 0

        def go_on():
            nonlocal count
            for message in poll(consumer):
                consumer.acknowledge(message, RELEASE if message.value() == b"first" else ACCEPT)
                count += message.delivery_count() == 1
            refused(consumer.commit_sync())
            return count == 15

        until(go_on, "fifteen records")
        consumer.close()

        def shown(verb, server):
            ran = subprocess.run([program, "broker", "group", verb, group, "-o", "json", "--server", server.address], capture_output=True, text=True, timeout=60)
            assert ran.returncode == 0, ran.stderr
            return json.loads(ran.stdout)

        # One record of five is left in each partition; that the other four are done with only the coordinator knows.
        rows = shown("describe", cluster.brokers[0])
        assert [(row["committed"], row["end"], row["lag"]) for row in rows] == [(0, 5, 1)] * 3, rows
        assert [(row["lag"], row["largest"]) for row in shown("lag", cluster.brokers[0])] == [(3, 1)]
        victim = cluster.brokers[cluster.partitions(topic)[0].leader - 1]
        victim.send(signal.SIGKILL)
        cluster.wait(lambda: cluster.partitions(topic)[0].leader < 0, "partition 0 has no leader")
        other = next(broker for broker in cluster.brokers if broker is not victim)
        rows = shown("describe", other)
        assert [(row["end"], row["lag"]) for row in rows] == [(None, None), (5, 1), (5, 1)], rows
        assert [(row["lag"], row["largest"]) for row in shown("lag", other)] == [(None, None)]
        victim.start()
        victim.wait_ready()
        cluster.wait(lambda: cluster.partitions(topic)[0].leader > 0, "partition 0 has a leader again")


def leader_lost(cluster, world):
    @checks.check("the leader is killed: nothing is lost, and nothing that was accepted comes again")
    def _():
        topic, group = world.topic(), "three-lost"
        world.configure(group, share_record_lock_duration_ms="3000")
        world.produce(topic, numbers(0, 600), **{"batch.num.messages": 20})
        consumers = [world.consumer(group, topic, explicit=True, **{"max.poll.records": 20}) for _ in range(2)]
        accepted = collections.Counter()
        victim = cluster.brokers[cluster.partitions(topic)[0].leader - 1]
        is_killed = False

        def go_on():
            nonlocal is_killed
            for consumer in consumers:
                found = [message for message in consumer.poll(0.2) if message.error() is None]
                acknowledge(consumer, found)
                results = consumer.commit_sync(10) if found else {}
                if all(error is None for error in results.values()):
                    accepted.update(message.value() for message in found)
            if len(accepted) > 100 and not is_killed:
                victim.send(signal.SIGKILL)
                is_killed = True

        until(lambda: go_on() or len(accepted) == 600, "all 600 records are accepted", 45)
        assert is_killed
        assert set(accepted.values()) == {1}, accepted.most_common(3)
        for consumer in consumers:
            consumer.close()
        victim.start()
        victim.wait_ready()


server = PlatformChild(program, directory + "/one", "broker", ["broker.listen"])
server.start()
try:
    one = World(server.endpoints["broker"], "one")
    scenarios(one)
    settings_and_codecs(one)
    administration(one)
    killed(server, one)
finally:
    server.stop()
cluster = Cluster(program, directory + "/three")
try:
    three = World(cluster.servers, "three")
    scenarios(three)
    lag_elsewhere(cluster, three)
    leader_lost(cluster, three)
finally:
    cluster.stop()
sys.exit(checks.finish())
