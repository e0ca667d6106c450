#!/usr/bin/env python3
"""Checks administration with kafka-python and confluent-kafka, and with single requests for what neither offers.

usage: kafka_admin_check.py HOST:PORT
Prints a line per check and 'N passed, N failed'. Topics get names of their own in each run.
"""
import sys
import time
import uuid

import confluent_kafka
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, OffsetSpec, ResourceType
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from kafka.protocol.admin import (
    AlterConfigsRequest, AlterReplicaLogDirsRequest, DescribeClusterRequest, DescribeLogDirsRequest, DescribeQuorumRequest, DescribeTopicPartitionsRequest, ElectLeadersRequest)
from kafka.protocol.consumer import FetchRequest, OffsetForLeaderEpochRequest
from kafka.structs import OffsetAndMetadata

from checks import Checks
from kafka_raw import Raw

Directory = AlterReplicaLogDirsRequest.AlterReplicaLogDir
server = sys.argv[1]
run = uuid.uuid4().hex[:8]
checks = Checks()
admin = AdminClient({"bootstrap.servers": server})
python_admin = KafkaAdminClient(bootstrap_servers=server)
raw = Raw(server)


def topic(name, partitions=1, **configs):
    name = f"{name}-{run}"
    admin.create_topics([NewTopic(name, partitions, 1, config=configs)])[name].result(10)
    return name


def send(name, count, partition=0, size=20):
    producer = KafkaProducer(bootstrap_servers=server)
    for n in range(count):
        producer.send(name, (b"%d " % n).ljust(size, b"x"), partition=partition)
    producer.flush()
    producer.close()


def settings(name, kind=ResourceType.TOPIC):
    resource = ConfigResource(kind, name)
    return admin.describe_configs([resource])[resource].result(10)


def change(name, entries, kind=ResourceType.TOPIC):
    """Entries: (name, value, operation). Raises what the broker refuses with."""
    resource = ConfigResource(kind, name, incremental_configs=[ConfigEntry(key, value, incremental_operation=operation) for key, value, operation in entries])
    admin.incremental_alter_configs([resource])[resource].result(10)


def soon(holds, what, seconds=10):
    """One broker obeys when it answers; of several the others do once they have executed the change, too."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def takes(name, size):
    """None if a record of this size is taken, otherwise the name of the refusal."""
    producer = KafkaProducer(bootstrap_servers=server, retries=0)
    try:
        producer.send(name, b"x" * size).get(timeout=10)
        return None
    except KafkaError as error:
        return type(error).__name__
    finally:
        producer.close()


def refusal(body):
    try:
        body()
    except confluent_kafka.KafkaException as error:
        return error.args[0]
    raise AssertionError("it was not refused")


SET, DELETE, APPEND, SUBTRACT = AlterConfigOpType.SET, AlterConfigOpType.DELETE, AlterConfigOpType.APPEND, AlterConfigOpType.SUBTRACT


@checks.check("topic settings are set, removed and obeyed at once")
def _():
    name = topic("alter")
    change(name, [("retention.ms", "1234", SET), ("max.message.bytes", "2000", SET)])
    soon(lambda: settings(name)["retention.ms"].value == "1234" and settings(name)["retention.ms"].source == 1, "the setting does not show")
    soon(lambda: takes(name, 5000) == "MessageSizeTooLargeError", "a batch above the new limit is taken")
    change(name, [("retention.ms", None, DELETE), ("max.message.bytes", None, DELETE)])
    soon(lambda: settings(name)["retention.ms"].source == 5, "the setting is still there")
    soon(lambda: takes(name, 5000) is None, "the old limit is still obeyed")


@checks.check("words are added to lists and taken away")
def _():
    name = topic("lists")
    change(name, [("cleanup.policy", "compact", APPEND)])
    assert settings(name)["cleanup.policy"].value == "delete,compact"
    change(name, [("cleanup.policy", "delete", SUBTRACT)])
    assert settings(name)["cleanup.policy"].value == "compact"


@checks.check("what is not possible is refused as a whole")
def _():
    name = topic("refused")
    assert refusal(lambda: change(name, [("retention.ms", "7", SET), ("no.such", "1", SET)])).code() == confluent_kafka.KafkaError.INVALID_CONFIG
    assert refusal(lambda: change(name, [("retention.ms", "soon", SET)])).code() == confluent_kafka.KafkaError.INVALID_CONFIG
    assert settings(name)["retention.ms"].source == 5, "half of a refused change holds"
    assert refusal(lambda: change("no-such-topic", [("retention.ms", "7", SET)])).code() == confluent_kafka.KafkaError.UNKNOWN_TOPIC_OR_PART


@checks.check("AlterConfigs replaces everything")
def _():
    name = topic("replace", **{"retention.ms": "5000", "segment.bytes": "1000000"})
    Resource = AlterConfigsRequest.AlterConfigsResource
    Config = Resource.AlterableConfig
    answer = raw.ask(AlterConfigsRequest(resources=[Resource(resource_type=2, resource_name=name, configs=[Config(name="segment.ms", value="60000")])], validate_only=False), 1)
    assert answer.responses[0].error_code == 0, answer
    found = settings(name)
    assert found["segment.ms"].value == "60000" and found["retention.ms"].source == 5 and found["segment.bytes"].source == 5


@checks.check("settings of the broker hold for topics that say nothing else")
def _():
    name = topic("inherits")
    change("1", [("log.retention.ms", "777000", SET), ("num.partitions", "3", SET)], ResourceType.BROKER)
    try:
        assert settings(name)["retention.ms"].value == "777000" and settings(name)["retention.ms"].source == 2
        made = f"three-{run}"
        admin.create_topics([NewTopic(made, -1, -1)])[made].result(10)
        assert len(admin.list_topics(made, 10).topics[made].partitions) == 3
        assert refusal(lambda: change("1", [("node.id", "7", SET)], ResourceType.BROKER)).code() == confluent_kafka.KafkaError.INVALID_CONFIG
        assert refusal(lambda: change("1", [("num.partitions", "0", SET)], ResourceType.BROKER)).code() == confluent_kafka.KafkaError.INVALID_CONFIG
    finally:
        change("1", [("log.retention.ms", None, DELETE), ("num.partitions", None, DELETE)], ResourceType.BROKER)
    assert settings(name)["retention.ms"].source == 5


@checks.check("records are deleted below an offset")
def _():
    name = topic("delete", **{"segment.bytes": "16384"})
    send(name, 1000, size=100)
    place = confluent_kafka.TopicPartition(name, 0, 600)
    assert admin.delete_records([place])[place].result(10).low_watermark == 600
    consumer = KafkaConsumer(bootstrap_servers=server, consumer_timeout_ms=5000, auto_offset_reset="earliest")
    consumer.assign([TopicPartition(name, 0)])
    consumer.seek_to_beginning()
    assert next(consumer).offset == 600
    consumer.seek(TopicPartition(name, 0), 10)
    assert next(consumer).offset == 600, "an offset that was deleted was served"
    everything = confluent_kafka.TopicPartition(name, 0, confluent_kafka.OFFSET_END)
    assert admin.delete_records([everything])[everything].result(10).low_watermark == 1000
    assert consumer.beginning_offsets([TopicPartition(name, 0)])[TopicPartition(name, 0)] == 1000
    consumer.close()
    beyond = confluent_kafka.TopicPartition(name, 0, 5000)
    assert refusal(lambda: admin.delete_records([beyond])[beyond].result(10)).code() == confluent_kafka.KafkaError.OFFSET_OUT_OF_RANGE
    send(name, 1)


@checks.check("committed offsets of partitions are deleted, not those that are being read")
def _():
    name, group = topic("offsets", 2), f"offsets-{run}"
    consumer = KafkaConsumer(bootstrap_servers=server, group_id=group)
    places = [TopicPartition(name, p) for p in range(2)]
    consumer.assign(places)
    consumer.commit({place: OffsetAndMetadata(1, "", -1) for place in places})
    consumer.close()
    python_admin.delete_group_offsets(group, [places[0]]) if hasattr(python_admin, "delete_group_offsets") else None
    if not hasattr(python_admin, "delete_group_offsets"):
        from kafka.protocol.consumer import OffsetDeleteRequest
        Topic = OffsetDeleteRequest.OffsetDeleteRequestTopic
        Part = Topic.OffsetDeleteRequestPartition
        answer = raw.ask(OffsetDeleteRequest(group_id=group, topics=[Topic(name=name, partitions=[Part(partition_index=0)])]), 0)
        assert answer.error_code == 0 and answer.topics[0].partitions[0].error_code == 0
    consumer = KafkaConsumer(bootstrap_servers=server, group_id=group)
    assert consumer.committed(places[0]) is None and consumer.committed(places[1]) == 1
    consumer.close()


@checks.check("offsets by time through the admin client")
def _():
    name = topic("listed")
    send(name, 10)
    place = confluent_kafka.TopicPartition(name, 0)
    for spec, wanted in ((OffsetSpec.earliest(), 0), (OffsetSpec.latest(), 10)):
        assert admin.list_offsets({place: spec})[place].result(10).offset == wanted


@checks.check("the cluster is described")
def _():
    found = admin.describe_cluster().result(10)
    assert found.cluster_id and len(found.nodes) == 1 and found.controller.id == 1, found
    answer = raw.ask(DescribeClusterRequest(include_cluster_authorized_operations=False, endpoint_type=1), 1)
    assert answer.error_code == 0 and answer.cluster_id == found.cluster_id and answer.brokers[0].broker_id == 1
    assert raw.ask(DescribeClusterRequest(include_cluster_authorized_operations=False, endpoint_type=2), 1).error_code == 114, "controllers are asked for elsewhere"
    assert raw.ask(DescribeClusterRequest(include_cluster_authorized_operations=False, endpoint_type=7), 1).error_code == 115


@checks.check("sizes of partitions on the disk")
def _():
    name = topic("sizes")
    send(name, 100, size=1000)
    answer = raw.ask(DescribeLogDirsRequest(topics=None), 4)
    sizes = {one.name: one.partitions[0].partition_size for one in answer.results[0].topics}
    assert sizes[name] >= 100_000, sizes[name]
    assert answer.results[0].total_bytes > answer.results[0].usable_bytes > 0


@checks.check("a replica stays in the one directory of its broker")
def _():
    name = topic("moved")
    listed = raw.ask(DescribeLogDirsRequest(topics=None), 1).results[0].log_dir

    def codes(path):
        answer = raw.ask(AlterReplicaLogDirsRequest(dirs=[Directory(path=path, topics=[Directory.AlterReplicaLogDirTopic(name=name, partitions=[0, 7])])]), 2)
        return [part.error_code for part in answer.results[0].partitions]

    assert codes(listed) == [0, 3], codes(listed)
    assert codes("/elsewhere") == [57, 57], codes("/elsewhere")


@checks.check("internal topics are shown, read as empty, and clients neither make nor fill nor change them")
def _():
    offsets, transactions = "__consumer_offsets", "__transaction_state"
    name = topic("plain")
    send(name, 3)
    consumer = KafkaConsumer(bootstrap_servers=server, group_id=f"internal-{run}", enable_auto_commit=False)
    consumer.commit({TopicPartition(name, 0): OffsetAndMetadata(1, "", -1)})
    consumer.close()
    producer = confluent_kafka.Producer({"bootstrap.servers": server, "transactional.id": f"internal-{run}"})
    producer.init_transactions(10)
    shown = {one["name"]: one for one in python_admin.describe_topics()}
    assert all(shown[one]["is_internal"] and len(shown[one]["partitions"]) == 50 for one in (offsets, transactions)), shown.keys()
    assert not shown[name]["is_internal"]
    reader = KafkaConsumer(bootstrap_servers=server, consumer_timeout_ms=500)
    assert name in reader.topics()
    places = [TopicPartition(offsets, 0), TopicPartition(offsets, 49)]
    assert reader.beginning_offsets(places) == reader.end_offsets(places) == dict.fromkeys(places, 0)
    reader.assign(places)
    reader.seek_to_beginning()
    assert list(reader) == []
    reader.close()
    try:
        admin.create_topics([NewTopic(offsets, 1, 1)])[offsets].result(10)
        raise AssertionError("made")
    except confluent_kafka.KafkaException as error:
        assert error.args[0].code() == confluent_kafka.KafkaError.TOPIC_ALREADY_EXISTS, error
    writer = confluent_kafka.Producer({"bootstrap.servers": server})
    codes = []
    writer.produce(offsets, b"mine", partition=0, on_delivery=lambda error, _: codes.append(error.code()))
    writer.flush(10)
    assert codes == [confluent_kafka.KafkaError.TOPIC_EXCEPTION], codes
    assert settings(offsets)["cleanup.policy"].value == "compact"
    for refused in (lambda: change(offsets, [("retention.ms", "1000", AlterConfigOpType.SET)]), lambda: admin.delete_topics([offsets])[offsets].result(10)):
        try:
            refused()
            raise AssertionError("changed")
        except confluent_kafka.KafkaException as error:
            assert error.args[0].code() == confluent_kafka.KafkaError.TOPIC_EXCEPTION, error


CODECS = ["uncompressed", "gzip", "snappy", "lz4", "zstd"]


@checks.check("a topic keeps its batches in the codec that compression.type names, whatever their producer took")
def _():
    line = b"the quick brown fox jumps over the lazy dog "
    for number, kept in enumerate(CODECS):
        name = topic("codec-" + kept, **{"compression.type": kept})
        sent = []
        for codec in ("none", "gzip", "zstd"):
            producer = confluent_kafka.Producer({"bootstrap.servers": server, "compression.type": codec, "linger.ms": 50})
            for n in range(200):
                sent.append(b"%s %d %s" % (codec.encode(), n, line * (n % 7)))
                producer.produce(name, sent[-1], key=b"k%d" % n, headers=[("h", b"%d" % n)])
            producer.flush(10)
        topics = [FetchRequest.FetchTopic(topic=name, partitions=[FetchRequest.FetchTopic.FetchPartition(
            partition=0, current_leader_epoch=-1, fetch_offset=0, last_fetched_epoch=-1, log_start_offset=-1, partition_max_bytes=1 << 20)])]
        answer = raw.ask(FetchRequest(max_wait_ms=1000, min_bytes=1, max_bytes=1 << 20, isolation_level=0, session_id=0, session_epoch=-1, topics=topics, forgotten_topics_data=[], rack_id=""), 12)
        data, codecs = bytes(answer.responses[0].partitions[0].records), set()
        while data:
            codecs.add(data[22] & 7)
            data = data[12 + int.from_bytes(data[8:12], "big"):]
        assert codecs == {number}, (kept, codecs)
        consumer = confluent_kafka.Consumer({"bootstrap.servers": server, "group.id": name, "auto.offset.reset": "earliest"})
        consumer.subscribe([name])
        found, deadline = [], time.time() + 15
        while len(found) < len(sent) and time.time() < deadline:
            found += [m.value() for m in consumer.consume(600, 0.5) if not m.error()]
        consumer.close()
        assert sorted(found) == sorted(sent), (kept, len(found))
        if kept in ("uncompressed", "gzip"):
            # kafka-python has libraries for these.
            reader = KafkaConsumer(name, bootstrap_servers=server, auto_offset_reset="earliest", consumer_timeout_ms=3000)
            assert [record.value for _, record in zip(sent, reader)] == found, kept
            reader.close()
    try:
        topic("codec-wrong", **{"compression.type": "brotli"})
        raise AssertionError("made")
    except confluent_kafka.KafkaException as error:
        assert error.args[0].code() == confluent_kafka.KafkaError.INVALID_CONFIG, error


@checks.check("topics are described page by page")
def _():
    name = topic("pages", 5)
    Topic = DescribeTopicPartitionsRequest.TopicRequest
    Cursor = DescribeTopicPartitionsRequest.Cursor
    seen, cursor = [], None
    for _ in range(5):
        answer = raw.ask(DescribeTopicPartitionsRequest(topics=[Topic(name=name)], response_partition_limit=2, cursor=cursor), 0)
        seen += [part.partition_index for part in answer.topics[0].partitions]
        # Empty and not null, on which Kafka's Java client fails.
        assert all(part.eligible_leader_replicas == [] and part.last_known_elr == [] for part in answer.topics[0].partitions), answer
        if answer.next_cursor is None:
            break
        cursor = Cursor(topic_name=answer.next_cursor.topic_name, partition_index=answer.next_cursor.partition_index)
    assert seen == [0, 1, 2, 3, 4], seen


@checks.check("leaders, epochs and the quorum, as one broker has them")
def _():
    name = topic("leaders")
    send(name, 3)
    Topic = ElectLeadersRequest.TopicPartitions
    answer = raw.ask(ElectLeadersRequest(election_type=0, topic_partitions=[Topic(topic=name, partitions=[0, 9])], timeout_ms=1000), 2)
    assert [part.error_code for part in answer.replica_election_results[0].partition_result] == [84, 3]
    Topic = OffsetForLeaderEpochRequest.OffsetForLeaderTopic
    Part = Topic.OffsetForLeaderPartition
    answer = raw.ask(OffsetForLeaderEpochRequest(replica_id=-1, topics=[Topic(topic=name, partitions=[Part(partition=0, current_leader_epoch=0, leader_epoch=0)])]), 3)
    part = answer.topics[0].partitions[0]
    assert (part.error_code, part.leader_epoch, part.end_offset) == (0, 0, 3)
    Topic = DescribeQuorumRequest.TopicData
    Part = Topic.PartitionData
    answer = raw.ask(DescribeQuorumRequest(topics=[Topic(topic_name="__cluster_metadata", partitions=[Part(partition_index=0)])]), 1)
    part = answer.topics[0].partitions[0]
    assert part.leader_id == 1 and [voter.replica_id for voter in part.current_voters] == [1] and part.high_watermark > 0


status = checks.finish()
sys.exit(status)
