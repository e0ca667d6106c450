"""Three brokers whose network is cut without a word. Usage: kafka_network.py PROGRAM [DIRECTORY]

`silent_network.py` gives each broker a network namespace of its own, which needs root; without the right to it the script prints why and ends with status 77.
Who is cut off leads the metadata log, partitions and a group. Idempotent producers (librdkafka, acks=all) and a group go on through the others within a bound;
who is cut off acknowledges nothing and tells nobody of its group's past; afterwards nothing acknowledged is lost, twice or out of order, and all logs are equal.
"""
import faulthandler
import glob
import logging
import sys
import threading
import time

from confluent_kafka import Consumer, ElectionType, Producer, TopicPartition
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition as PythonPartition
from kafka.admin import NewTopic
from kafka.errors import KafkaError
from kafka.protocol.consumer import OffsetCommitRequest, OffsetFetchRequest
from kafka.protocol.metadata import FindCoordinatorRequest, MetadataRequest
from kafka.protocol.producer import ProduceRequest
from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecordBatchBuilder
from kafka.structs import OffsetAndMetadata

from checks import Checks
from kafka_cluster import PARTITIONS, Cluster, Reader, Writer, watermarks
from kafka_raw import Raw
from silent_network import Host, client_address, main, peers

# Loose, for machines with other work: what is measured is printed.
PAUSE_SECONDS_MAX = 15.0
CUT_SECONDS = 5.0
HANG_SECONDS = 240


class Server(Host):
    def __init__(self, program, directory, number, count):
        self.directory = "%s/broker-%d" % (directory, number)
        super().__init__(number, 9092, [
            program, "broker", "serve", "--id", str(number), "--peers", peers(count, 9093), "--listen", client_address(number, 9092), "--insecure-expose",
            "--data-dir", self.directory, "--set", "broker.session-timeout-min.ms=1000", "--set", "log.level=info"], "broker %d" % number)

    def log_of(self, topic):
        """The bytes of each partition's segments, one after another."""
        found = {}
        for path in sorted(glob.glob("%s/**/topics/%s.*/*/*.log" % (self.directory, topic), recursive=True)):
            with open(path, "rb") as file:
                found.setdefault(path.split("/")[-2], bytearray()).extend(file.read())
        return found


class Network(Cluster):
    def made(self, program, directory, count, extra):
        return [Server(program, directory, number + 1, count) for number in range(count)]

    def others(self, broker):
        return [one for one in self.brokers if one is not broker]

    def wait_in_sync(self, *names):
        """Until every broker says so: who was cut off tells for a while what it knew before."""
        def told(broker, name):
            raw = Raw(broker.address, 5)
            found = raw.ask(MetadataRequest(topics=[MetadataRequest.MetadataRequestTopic(name=name)], allow_auto_topic_creation=False), 8)
            raw.close()
            return found.controller_id, sorted((p.partition_index, p.leader_id, p.leader_epoch, sorted(p.isr_nodes)) for p in found.topics[0].partitions)

        def agree():
            try:
                answers = [[told(broker, name) for name in names] for broker in self.brokers]
            except OSError:
                return False
            return all(answer == answers[0] for answer in answers) and all(len(place[3]) == 3 for _, places in answers[0] for place in places)

        self.wait(agree, "all replicas in sync: %s" % (names,))

    def prefer(self, topic):
        """The preferred leaders lead again, of which each broker has some."""
        self.wait_in_sync(topic)
        for done in self.admin.elect_leaders(ElectionType.PREFERRED, [TopicPartition(topic, number) for number in range(PARTITIONS)]).result(20).values():
            assert done is None or done.name() == "ELECTION_NOT_NEEDED", done
        self.wait(lambda: all(p.leader == p.replicas[0] for p in self.partitions(topic).values()), "the preferred leaders of %s" % topic)

    def controller(self):
        number = self.admin.list_topics(timeout=5).controller_id
        return next(broker for broker in self.brokers if broker.number == number)


def coordinator(broker, group):
    raw = Raw(broker.address, 5)
    found = raw.ask(FindCoordinatorRequest(key=group, key_type=0), 2)
    raw.close()
    return found.node_id


def group_of(broker, label):
    """The name of a group that this broker coordinates."""
    names = ["%s-%d" % (label, number) for number in range(100)]
    found = next((name for name in names if coordinator(broker, name) == broker.number), None)
    assert found, "broker %d coordinates none of 100 groups" % broker.number
    return found


def servers(brokers):
    return ",".join(broker.address for broker in brokers)


def produce(brokers, topic, value):
    errors = []
    producer = Producer({"bootstrap.servers": servers(brokers), "acks": "all", "log_level": 0, "message.timeout.ms": 20000, "socket.timeout.ms": 3000})
    producer.produce(topic, value, partition=0, on_delivery=lambda error, _: errors.append(error))
    assert producer.flush(25) == 0 and errors == [None], errors


def values(network, topic):
    consumer = Consumer({"bootstrap.servers": network.servers, "group.id": "values", "enable.auto.commit": False, "log_level": 0})
    low, high = watermarks(consumer, topic, 0)
    consumer.assign([TopicPartition(topic, 0, low)])
    found = consumer.consume(high - low, 15)
    consumer.close()
    return [message.value() for message in found if message.error() is None]


def commit(network, brokers, group, topic, offset):
    """Commits, with a new consumer for each try. By kafka-python: a commit of librdkafka that waits may wait without end while the coordinator changes."""
    problems = []

    def committed():
        consumer = KafkaConsumer(bootstrap_servers=servers(brokers).split(","), group_id=group, enable_auto_commit=False, request_timeout_ms=2500)
        try:
            consumer.commit({PythonPartition(topic, 0): OffsetAndMetadata(offset, "", -1)}, timeout_ms=5000)
            return True
        except KafkaError as error:
            problems.append(repr(error))
            return False
        finally:
            consumer.close(autocommit=False)

    try:
        network.wait(committed, "a commit of group %s" % group)
    finally:
        if problems:
            print("        refused commits: %s" % problems[-5:])


class Hermit(threading.Thread):
    """Asks a broker that is cut off to take records and commits, and for what its group committed; every answer is kept as (what, error code, offset)."""

    def __init__(self, broker, topic, group):
        super().__init__(daemon=True)
        self.address, self.topic, self.group = broker.address, topic, group
        self.halt, self.answers = threading.Event(), []

    def run(self):
        builder = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 1 << 20)
        builder.append(0, int(time.time() * 1000), None, b"hermit", [])
        part = ProduceRequest.TopicProduceData.PartitionProduceData(index=0, records=bytes(builder.build()))
        taken = ProduceRequest(
            transactional_id=None, acks=-1, timeout_ms=1000, topic_data=[ProduceRequest.TopicProduceData(name=self.topic, partition_data=[part])])
        Topic = OffsetCommitRequest.OffsetCommitRequestTopic
        place = Topic.OffsetCommitRequestPartition(partition_index=0, committed_offset=7, committed_leader_epoch=-1, committed_metadata="")
        committed = OffsetCommitRequest(
            group_id=self.group, generation_id_or_member_epoch=-1, member_id="", group_instance_id=None, topics=[Topic(name=self.topic, partitions=[place])])
        told = OffsetFetchRequest(
            group_id=self.group, topics=[OffsetFetchRequest.OffsetFetchRequestTopic(name=self.topic, partition_indexes=[0])], require_stable=False)
        while not self.halt.is_set():
            self.ask("produce", taken, 8, lambda a: (a.responses[0].partition_responses[0].error_code, None))
            self.ask("commit", committed, 7, lambda a: (a.topics[0].partitions[0].error_code, None))
            self.ask("offset", told, 7, lambda a: (a.error_code or a.topics[0].partitions[0].error_code, a.topics[0].partitions[0].committed_offset if a.topics else None))

    def ask(self, what, request, version, result):
        """Each on a connection of its own: an answer that does not come says nothing either."""
        try:
            raw = Raw(self.address, 2)
        except OSError:
            return
        try:
            self.answers.append((what, *result(raw.ask(request, version))))
        except OSError:
            self.answers.append((what, "none", None))
        finally:
            raw.close()


class Watched:
    """A topic and a group that the broker leads which is about to be cut off."""

    def __init__(self, network, writer, readers, label):
        self.network, self.writer, self.readers, self.label = network, writer, readers, label
        network.prefer(writer.topic)
        self.broker = network.controller()
        self.others = network.others(self.broker)
        self.led = [number for number, partition in network.partitions(writer.topic).items() if partition.leader == self.broker.number]
        assert self.led, "the broker leads no partition"

    def through(self, cut, mend):
        self.begin()
        cut(self.broker, self.others[0])
        try:
            self.goes_on()
        finally:
            mend(self.broker, self.others[0])
        self.end()

    def begin(self):
        replicas = [self.broker.number] + [other.number for other in self.others]
        admin = KafkaAdminClient(bootstrap_servers=self.network.servers.split(","))
        admin.create_topics([NewTopic(self.label, num_partitions=-1, replication_factor=-1, replica_assignments={0: replicas})])
        admin.close()
        self.network.wait_in_sync(self.label)
        produce(self.network.brokers, self.label, b"before")
        self.group = group_of(self.broker, self.label)
        commit(self.network, self.network.brokers, self.group, self.label, 1)
        self.cut = time.monotonic()

    def goes_on(self):
        """While the cut lasts: the others take records and commits, the one that is cut off nothing; reading goes on."""
        hermit = Hermit(self.broker, self.label, self.group)
        hermit.start()
        produce(self.others, self.label, b"after")
        commit(self.network, self.others, self.group, self.label, 2)
        first = len(hermit.answers)
        seen = [len(reader.seen) for reader in self.readers]
        time.sleep(max(0.0, CUT_SECONDS - (time.monotonic() - self.cut)))
        self.network.wait(lambda: sum(len(reader.seen) for reader in self.readers) > sum(seen) + 50, "the group reads on")
        # What is acknowledged in the first second may have been on its way.
        self.network.wait(lambda: all(self.writer.times[number][-1] > self.cut + 1 for number in self.led), "writes to all partitions")
        hermit.halt.set()
        hermit.join(20)
        pause = self.writer.pause_since(self.cut)
        print("        writes went on after %.0f ms, without that broker's partitions %.0f ms; %d answers of who was cut off" % (
            pause * 1000, max(self.writer.pause_of(p, self.cut) for p in range(PARTITIONS) if p not in self.led) * 1000, len(hermit.answers)))
        assert pause < PAUSE_SECONDS_MAX, "no write for %.1f s" % pause
        taken = [answer for answer in hermit.answers if answer[0] != "offset" and answer[1] == 0]
        assert not taken, "acknowledged by who was cut off: %s" % taken
        # One question may have been on its way when the others committed.
        stale = [answer for answer in hermit.answers[first + 1:] if answer[0] == "offset" and answer[1] == 0 and answer[2] != 2]
        assert not stale, "told by who was cut off: %s" % stale

    def end(self):
        network = self.network
        network.wait_in_sync(self.writer.topic, self.label)
        begun = self.writer.count
        network.wait(lambda: self.writer.count > begun + 100, "acknowledgements")
        found = values(network, self.label)
        # A fetch that waited at the leader when it went deaf takes one record to the others, whose word that they have it is never heard.
        if self.label == "deaf" and found[1:2] == [b"hermit"]:
            del found[1]
        assert found == [b"before", b"after"], found
        consumer = Consumer({"bootstrap.servers": network.servers, "group.id": self.group, "log_level": 0})
        assert consumer.committed([TopicPartition(self.label, 0)], 10)[0].offset == 2
        consumer.close()


def scenarios(checks, network, writer, readers):
    @checks.check("the leader is cut off from the other brokers, not from clients: they go on, and it acknowledges nothing")
    def _():
        Watched(network, writer, readers, "lonely").through(lambda broker, _: broker.cut("p"), lambda broker, _: broker.mend("p"))

    @checks.check("the leader is cut off from everybody")
    def _():
        Watched(network, writer, readers, "alone").through(lambda broker, _: broker.cut("p", "c"), lambda broker, _: broker.mend("p", "c"))

    @checks.check("a leader that is heard and hears nothing of the other brokers is replaced")
    def _():
        Watched(network, writer, readers, "deaf").through(lambda broker, other: broker.deafen(other), lambda broker, other: broker.undeafen(other))

    @checks.check("the logs of all brokers are equal, byte by byte")
    def _():
        writer.halt.set()
        writer.join(90)
        assert not writer.failures, writer.failures[:3]
        for topic in (writer.topic, "lonely", "alone", "deaf"):
            def equal():
                logs = [broker.log_of(topic) for broker in network.brokers]
                return all(log == logs[0] for log in logs) and any(logs[0].values())

            network.wait(equal, "equal logs of %s" % topic)

    @checks.check("nothing acknowledged is lost, twice or out of order; the group has read it all, and no commit went back")
    def _():
        numbers, again = set(), 0
        for partition, log in network.brokers[0].log_of(writer.topic).items():
            again += check_log(log, writer.acknowledged[int(partition)])
            numbers.update((int(partition), int(record.value)) for batch in batches(log) for record in batch)
        print("        %d records; the producer sent %d again under another epoch" % (len(numbers), again))
        network.wait(lambda: len(set(list(readers[0].seen) + list(readers[1].seen))) >= len(numbers), "the group's last record", 60)
        for reader in readers:
            reader.halt.set()
        for reader in readers:
            reader.join(40)
            assert not reader.errors, reader.errors


def batches(log):
    records = MemoryRecords(bytes(log))
    while (batch := records.next_batch()) is not None:
        yield batch


def check_log(log, acknowledged):
    """What a partition's log must hold. Returns how many records are there again under a later epoch of their producer: librdkafka may send the batch behind one
    that has timed out first, is refused for the gap, and then numbers all anew; a broker cannot know those."""
    offsets, first, sequences = {}, {}, {}
    again = 0
    for batch in batches(log):
        epoch = (batch.producer_id, batch.producer_epoch)
        expected = sequences.get(epoch, 0)
        assert batch.base_sequence == expected, "epoch %s goes on with sequence %d and not %d" % (epoch, batch.base_sequence, expected)
        for record in batch:
            sequences[epoch] = sequences.get(epoch, 0) + 1
            number = int(record.value)
            offsets[record.offset] = number
            assert number not in first or first[number] < epoch, "record %d is there twice in epoch %s" % (number, epoch)
            if number in first:
                again += 1
            else:
                assert not first or number > max_number, "record %d comes behind %d" % (number, max_number)
                first[number] = epoch
                max_number = number
    # A batch that was sent again long after the broker took it is acknowledged without its offset.
    missing = [(number, offset) for number, offset in acknowledged if number not in first or (offset is not None and offsets.get(offset) != number)]
    assert acknowledged and not missing, missing[:5]
    return again


def inside(program, directory):
    # A client that waits for ever is to be seen in the output, and not to keep everybody waiting.
    faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
    checks = Checks()
    network = Network(program, directory)
    status = 1
    try:
        network.create("numbers")
        network.wait_in_sync("numbers")
        # A broker that is cut off holds what was sent to it for as long as the producer says, 30 s by default.
        writer = Writer(network.servers, "numbers", **{"request.timeout.ms": 3000})
        readers = [Reader(network.servers, "numbers", "readers") for _ in range(2)]
        for thread in [writer] + readers:
            thread.start()
        network.wait(lambda: writer.count > 100 and sum(len(reader.seen) for reader in readers) > 100, "the first records")
        scenarios(checks, network, writer, readers)
        status = checks.finish()
    finally:
        if status:
            for broker in network.brokers:
                print("--- broker %d\n%s" % (broker.number, broker.tail()), file=sys.stderr)
        network.stop()
    return status


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    sys.exit(main(__file__, inside))
