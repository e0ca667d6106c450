#!/usr/bin/env python3
"""Checks what a broker answers to requests that are unusual or wrong: batches with nonsense inside, numbers at the ends of their range, logins without headers,
and whether an answer shows what its client may not see.

usage: kafka_strange_check.py PROGRAM DIRECTORY
Starts the program itself: rules are obeyed and everybody may log in. Prints a line per check and 'N passed, N failed'.
"""
import base64
import gzip
import json
import os
import socket
import struct
import sys
import time
import zlib

from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.protocol.admin import (
    AlterConfigsRequest, CreatePartitionsRequest, CreateTopicsRequest, DescribeConfigsRequest, DescribeGroupsRequest, DescribeTopicPartitionsRequest,
    IncrementalAlterConfigsRequest)
from kafka.protocol.consumer import ListOffsetsRequest, OffsetFetchRequest
from kafka.protocol.metadata import FindCoordinatorRequest, MetadataRequest
from kafka.protocol.producer import ProduceRequest
from kafka.protocol.sasl import SaslAuthenticateRequest, SaslHandshakeRequest
from kafka.record.util import calc_crc32c

from checks import Checks
from kafka_raw import Raw
from platform_child import PlatformChild

CORRUPT, TOO_LARGE, TOPIC_DENIED, GROUP_DENIED, INVALID_TIMESTAMP, INVALID_CONFIG, INVALID_REQUEST, NO_CODEC, INVALID_RECORD, INVALID_PARTITIONS = (
    2, 10, 29, 30, 32, 40, 42, 76, 87, 37)
program, directory = sys.argv[1:3]
secret = os.path.join(directory, "secret")
with open(secret, "w") as file:
    file.write("admin-secret\n")
server = PlatformChild(program, directory, "broker", ["broker.listen"], [
    "broker.access-rules=true", "broker.super-users=admin,ANONYMOUS", "broker.first-user=admin", "broker.first-user-password-file=" + secret,
    "broker.oauth.unsecured-tokens=true"])
server.start()
address = server.endpoints["broker"]
checks = Checks()
admin = KafkaAdminClient(bootstrap_servers=address)


def topic(name, partitions=1, **settings):
    admin.create_topics([NewTopic(name, partitions, 1, topic_configs={key.replace("_", "."): value for key, value in settings.items()})])
    return name


def varint(number):
    number = (number << 1) ^ (number >> 63)
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out + bytes([number]))


def record(offset, key=b"k", value=b"v", time_delta=0):
    def field(content):
        return varint(-1) if content is None else varint(len(content)) + content
    body = b"\0" + varint(time_delta) + varint(offset) + field(key) + field(value) + varint(0)
    return varint(len(body)) + body


def batch(records, count=None, codec=0, at=None, highest=None, attributes=0):
    at = int(time.time() * 1000) if at is None else at
    count = len(records) if count is None else count
    body = b"".join(records)
    if codec == 1:
        body = gzip.compress(body)
    rest = struct.pack(">hiqqqhii", codec | attributes, count - 1, at, at if highest is None else highest, -1, -1, -1, count) + body
    return struct.pack(">qiib", 0, len(rest) + 9, -1, 2) + struct.pack(">I", calc_crc32c(rest)) + rest


def produce(name, records, version=9, raw=None):
    """The answer for the one partition."""
    Topic = ProduceRequest.TopicProduceData
    part = Topic.PartitionProduceData(index=0, records=records)
    request = ProduceRequest(transactional_id=None, acks=-1, timeout_ms=10000, topic_data=[Topic(name=name, partition_data=[part])])
    return (raw or Raw(address)).ask(request, version).responses[0].partition_responses[0]


def values(name):
    consumer = KafkaConsumer(name, bootstrap_servers=address, auto_offset_reset="earliest", consumer_timeout_ms=3000)
    found = []
    for one in consumer:
        found.append(one.value)
        if one.value == b"last":
            break
    consumer.close()
    return found


@checks.check("a batch whose checksum is right and whose records are not is refused, whole or compressed, and the partition can be read")
def _():
    name = topic("nonsense")
    good = [record(0), record(1)]
    cases = {
        "offsets 0, 0": ([record(0), record(0)], None), "offsets 5, 9": ([record(5), record(9)], None), "fewer than counted": (good, 3), "more than counted": (good, 1),
        "a length too long": ([good[0], varint(100) + good[1][1:]], None), "a length too short": ([good[0], varint(3) + good[1][1:]], None),
        "a key beyond the record": ([varint(8) + b"\0\0\0" + varint(500) + b"kv" + varint(0) * 2], None), "bytes behind": ([record(0) + b"\0"], None), "nothing": ([b""], 1)}
    for codec in (0, 1):
        for case, (records, count) in cases.items():
            answer = produce(name, batch(records, count, codec))
            assert answer.error_code == INVALID_RECORD, (case, codec, answer)
            assert answer.record_errors and answer.error_message, (case, codec, answer)
            assert produce(name, batch(records, count, codec), version=7).error_code == INVALID_RECORD
    damaged = bytearray(batch(good, codec=1))
    damaged[70] ^= 1
    assert produce(name, bytes(damaged)).error_code == CORRUPT
    for codec in (0, 1):
        assert produce(name, batch([record(0, value=b"a"), record(1, value=b"b")], codec=codec)).error_code == 0
    assert produce(name, batch([record(0, value=b"last")])).error_code == 0
    assert values(name) == [b"a", b"b", b"a", b"b", b"last"], values(name)


@checks.check("the records that are to blame are named")
def _():
    name = topic("keyed", cleanup_policy="compact")
    answer = produce(name, batch([record(0), record(1, key=None), record(2), record(3, key=None)]))
    assert answer.error_code == INVALID_RECORD and [one.batch_index for one in answer.record_errors] == [1, 3], answer
    answer = produce(name, batch([record(0), record(1, key=None)], codec=1))
    assert answer.error_code == INVALID_RECORD and [one.batch_index for one in answer.record_errors] == [1], answer


@checks.check("times too far ahead or behind are refused (KIP-937), and LogAppendTime is the broker's to say")
def _():
    now = int(time.time() * 1000)
    name = topic("times")
    for ahead, wanted in ((0, 0), (3_500_000, 0), (3_700_000, INVALID_TIMESTAMP), (253402300799000 - now, INVALID_TIMESTAMP)):
        assert produce(name, batch([record(0)], at=now + ahead)).error_code == wanted, ahead
    answer = produce(name, batch([record(0), record(1, time_delta=9_000_000)], at=now, highest=now + 9_000_000))
    assert answer.error_code == INVALID_TIMESTAMP and [one.batch_index for one in answer.record_errors] == [1], answer
    assert produce(name, batch([record(0)], at=0)).error_code == 0
    assert produce(name, batch([record(0)], attributes=8)).error_code == INVALID_TIMESTAMP
    old = topic("young", message_timestamp_before_max_ms="60000", message_timestamp_after_max_ms="9223372036854775807")
    for ahead, wanted in ((-30_000, 0), (-90_000, INVALID_TIMESTAMP), (253402300799000 - now, 0)):
        assert produce(old, batch([record(0)], at=now + ahead)).error_code == wanted, ahead
    stamped = topic("stamped", message_timestamp_type="LogAppendTime")
    assert produce(stamped, batch([record(0)], at=253402300799000)).error_code == 0


@checks.check("a highest time that is not the records' is set right")
def _():
    name, now = topic("highest"), int(time.time() * 1000)
    assert produce(name, batch([record(0), record(1, time_delta=500)], at=now, highest=now - 5_000_000)).error_code == 0
    Topic = ListOffsetsRequest.ListOffsetsTopic
    part = Topic.ListOffsetsPartition(partition_index=0, current_leader_epoch=-1, timestamp=now + 400)
    found = Raw(address).ask(ListOffsetsRequest(replica_id=-1, isolation_level=0, topics=[Topic(name=name, partitions=[part])]), 5).topics[0].partitions[0]
    assert (found.error_code, found.offset, found.timestamp) == (0, 1, now + 500), found


@checks.check("zstd needs Produce 7")
def _():
    name = topic("zstd")
    assert [produce(name, batch([record(0)], codec=4), version).error_code for version in (3, 6)] == [NO_CODEC, NO_CODEC]
    assert produce(name, batch([record(0)], codec=4), 7).error_code == INVALID_RECORD, "it is no zstd"


@checks.check("a small batch that opens to more than it may is refused")
def _():
    name = topic("bomb", cleanup_policy="compact", max_message_bytes="1000000")
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = record(0, key=b"", value=None) * 100_000
    packed = b"".join(packer.compress(piece) for _ in range(100)) + packer.flush()
    count = 10_000_000
    rest = struct.pack(">hiqqqhii", 1, count - 1, 0, 0, -1, -1, -1, count) + packed
    bomb = struct.pack(">qiib", 0, len(rest) + 9, -1, 2) + struct.pack(">I", calc_crc32c(rest)) + rest
    assert produce(name, bomb).error_code == INVALID_RECORD


@checks.check("a cursor at the end of all numbers brings no partitions")
def _():
    name = topic("cursor", 3)
    for partition, wanted in ((2147483647, []), (2, [2]), (-5, [0, 1, 2])):
        cursor = DescribeTopicPartitionsRequest.Cursor(topic_name=name, partition_index=partition)
        answer = Raw(address).ask(
            DescribeTopicPartitionsRequest(topics=[DescribeTopicPartitionsRequest.TopicRequest(name=name)], response_partition_limit=2147483647, cursor=cursor), 0)
        assert [one.partition_index for one in answer.topics[0].partitions] == wanted, answer
    for limit in (0, -1, -2147483648):
        Raw(address).ask(DescribeTopicPartitionsRequest(topics=[], response_partition_limit=limit, cursor=None), 0)


@checks.check("more partitions than there can be are refused at once")
def _():
    name = topic("many")
    Topic = CreatePartitionsRequest.CreatePartitionsTopic
    for count in (2147483647, 100_000_000, 0, -1, -2147483648):
        for only in (True, False):
            answer = Raw(address).ask(CreatePartitionsRequest(topics=[Topic(name=name, count=count, assignments=None)], timeout_ms=1000, validate_only=only), 1)
            assert answer.results[0].error_code == INVALID_PARTITIONS, answer


@checks.check("a token that ends in the year 9999 is taken, and its lifetime is told as far as it goes")
def _():
    def part(values):
        return base64.urlsafe_b64encode(json.dumps(values).encode()).rstrip(b"=")
    for ends in (253402300799, 9e15, 1e300):
        token = part({"alg": "none"}) + b"." + part({"sub": "somebody", "exp": ends, "iat": time.time()}) + b"."
        raw = Raw(address)
        assert raw.ask(SaslHandshakeRequest(mechanism="OAUTHBEARER"), 1).error_code == 0
        answer = raw.ask(SaslAuthenticateRequest(auth_bytes=b"n,,\1auth=Bearer " + token + b"\1\1"), 1)
        assert answer.error_code == 0 and answer.session_lifetime_ms > 10 ** 12, (ends, answer)


class Bare:
    """A client from before Kafka 1.0: after SaslHandshake 0 its messages have a size and nothing else."""

    def __init__(self, mechanism):
        self.raw = Raw(address)
        assert self.raw.ask(SaslHandshakeRequest(mechanism=mechanism), 0).error_code == 0

    def say(self, message):
        link = self.raw.socket
        link.sendall(struct.pack(">i", len(message)) + message)
        size = link.recv(4, socket.MSG_WAITALL)
        if len(size) < 4:
            return None
        length = struct.unpack(">i", size)[0]
        return link.recv(length, socket.MSG_WAITALL) if length else b""


@checks.check("SaslHandshake 0 is followed by bare messages, and by Kafka's own once the login is done")
def _():
    client = Bare("PLAIN")
    assert client.say(b"\0admin\0admin-secret") == b""
    assert client.raw.ask(MetadataRequest(topics=[], allow_auto_topic_creation=False), 5).brokers
    assert Bare("PLAIN").say(b"\0admin\0wrong") is None, "closed without a word"
    client = Bare("SCRAM-SHA-256")
    first = client.say(b"n,,n=admin,r=abc")
    assert first.startswith(b"r=abc") and b",i=" in first, first
    assert client.say(b"c=biws,r=wrong,p=AAAA") is None


@checks.check("null is no value of a setting")
def _():
    name = topic("null")
    Topic = CreateTopicsRequest.CreatableTopic
    wanted = Topic(name="null-2", num_partitions=1, replication_factor=1, assignments=[], configs=[Topic.CreatableTopicConfig(name="retention.ms", value=None)])
    assert Raw(address).ask(CreateTopicsRequest(topics=[wanted], timeout_ms=1000, validate_only=False), 4).topics[0].error_code == INVALID_CONFIG
    Resource = AlterConfigsRequest.AlterConfigsResource
    resource = Resource(resource_type=2, resource_name=name, configs=[Resource.AlterableConfig(name="retention.ms", value=None)])
    assert Raw(address).ask(AlterConfigsRequest(resources=[resource], validate_only=False), 1).responses[0].error_code == INVALID_REQUEST
    Resource = IncrementalAlterConfigsRequest.AlterConfigsResource
    for operation, code in ((0, INVALID_REQUEST), (1, 0), (2, INVALID_REQUEST), (3, INVALID_REQUEST)):
        resource = Resource(resource_type=2, resource_name=name, configs=[Resource.AlterableConfig(name="retention.ms", config_operation=operation, value=None)])
        assert Raw(address).ask(IncrementalAlterConfigsRequest(resources=[resource], validate_only=False), 0).responses[0].error_code == code, operation


@checks.check("names of topics have up to 249 bytes")
def _():
    for length in (246, 247, 248, 249):
        name = "x" * length
        topic(name)
        assert produce(name, batch([record(0, value=b"last")])).error_code == 0
        assert values(name) == [b"last"]
    admin.delete_topics(["x" * length for length in (246, 247, 248, 249)])


@checks.check("a broker's settings have the keys that tools look for")
def _():
    Resource = DescribeConfigsRequest.DescribeConfigsResource
    answer = Raw(address).ask(DescribeConfigsRequest(resources=[Resource(resource_type=4, resource_name="1", configuration_keys=None)], include_synonyms=False), 1)
    found = {one.name: one.value for one in answer.results[0].configs}
    assert found["advertised.listeners"] == found["listeners"] == "PLAINTEXT://" + address, found
    for name in ("log.dirs", "default.replication.factor", "max.connections", "sasl.enabled.mechanisms", "log.message.timestamp.after.max.ms"):
        assert found[name] not in (None, ""), name


def as_user(name):
    """A connection of a user whom only the rules allow anything."""
    def part(values):
        return base64.urlsafe_b64encode(json.dumps(values).encode()).rstrip(b"=")
    raw = Raw(address)
    raw.ask(SaslHandshakeRequest(mechanism="OAUTHBEARER"), 1)
    token = part({"alg": "none"}) + b"." + part({"sub": name, "exp": time.time() + 600, "iat": time.time()}) + b"."
    assert raw.ask(SaslAuthenticateRequest(auth_bytes=b"n,,\1auth=Bearer " + token + b"\1\1"), 1).error_code == 0
    return raw


def allow(user, kind, name, operation, pattern="LITERAL"):
    from kafka.admin import ACL, ACLOperation, ACLPermissionType, ACLResourcePatternType, ResourcePattern, ResourceType
    admin.create_acls([ACL("User:" + user, "*", ACLOperation[operation], ACLPermissionType.ALLOW, ResourcePattern(ResourceType[kind], name, ACLResourcePatternType[pattern]))])


@checks.check("a page of topics and the place where the next begins name no topic that may not be seen")
def _():
    for name in ("page-1", "page-2-hidden", "page-3", "page-4-hidden"):
        topic(name)
    allow("reader", "TOPIC", "page-1", "DESCRIBE")
    allow("reader", "TOPIC", "page-3", "DESCRIBE")
    raw, cursor, seen = as_user("reader"), None, []
    while True:
        answer = raw.ask(DescribeTopicPartitionsRequest(topics=[], response_partition_limit=1, cursor=cursor), 0)
        seen += [one.name for one in answer.topics]
        cursor = answer.next_cursor
        if cursor is None:
            break
        seen.append(cursor.topic_name)
        cursor = DescribeTopicPartitionsRequest.Cursor(topic_name=cursor.topic_name, partition_index=cursor.partition_index)
    assert set(seen) == {"page-1", "page-3"}, seen
    Topic = DescribeTopicPartitionsRequest.TopicRequest
    answer = raw.ask(DescribeTopicPartitionsRequest(topics=[Topic(name="page-1"), Topic(name="page-2-hidden")], response_partition_limit=10, cursor=None), 0)
    assert [(one.name, one.error_code) for one in answer.topics] == [("page-1", 0), ("page-2-hidden", TOPIC_DENIED)], answer


@checks.check("FindCoordinator answers each key by itself")
def _():
    allow("reader", "GROUP", "mine", "DESCRIBE")
    answer = as_user("reader").ask(FindCoordinatorRequest(key_type=0, coordinator_keys=["mine", "others"]), 4)
    assert {one.key: one.error_code for one in answer.coordinators} == {"mine": 0, "others": GROUP_DENIED}, answer


def compact(text):
    return b"\0" if text is None else bytes([len(text) + 1]) + text.encode()


def beat(raw, group, member, topics=None, expression=None):
    """A member joins a group whose partitions the broker assigns; the code of the answer."""
    names = b"\0" if topics is None else bytes([len(topics) + 1]) + b"".join(map(compact, topics))
    body = compact(group) + compact(member) + struct.pack(">i", 0) + b"\0\0" + struct.pack(">i", 60000) + names + compact(expression) + b"\0\1\0"
    return struct.unpack(">h", raw.ask_bytes(68, 1, body)[4:6])[0]


def described(raw, group, key=69):
    return raw.ask_bytes(key, 1, b"\2" + compact(group) + b"\0\0")


@checks.check("an expression matches no topic that its member may not see, and nobody sees a group that reads one (KIP-848)")
def _():
    allow("reader", "GROUP", "mine", "READ")
    assert beat(as_user("reader"), "mine", "member-one", expression="page-.*") == 0
    shown = described(Raw(address), "mine")
    assert b"page-1" in shown and b"page-3" in shown and b"hidden" not in shown, shown
    assert described(as_user("reader"), "mine").count(b"page-1") > 0
    allow("reader", "GROUP", "others-too", "DESCRIBE")
    assert beat(Raw(address), "others-too", "member-two", topics=["page-2-hidden"]) == 0
    assert b"page-2-hidden" in described(Raw(address), "others-too")
    shown = described(as_user("reader"), "others-too")
    assert b"hidden" not in shown and shown[5:7] == struct.pack(">h", TOPIC_DENIED), shown


@checks.check("OffsetFetch 1 tells a denial in each partition")
def _():
    Topic = OffsetFetchRequest.OffsetFetchRequestTopic
    request = OffsetFetchRequest(group_id="others", topics=[Topic(name="page-1", partition_indexes=[0, 1])])
    answer = as_user("reader").ask(request, 1)
    assert [(one.error_code, one.committed_offset) for one in answer.topics[0].partitions] == [(GROUP_DENIED, -1)] * 2, answer


@checks.check("what a user may do is told where that is asked for (KIP-430)")
def _():
    allow("reader", "TOPIC", "page-1", "READ")
    Topic = MetadataRequest.MetadataRequestTopic
    request = MetadataRequest(
        topics=[Topic(name="page-1")], allow_auto_topic_creation=False, include_cluster_authorized_operations=True, include_topic_authorized_operations=True)
    answer = as_user("reader").ask(request, 8)
    assert answer.topics[0].authorized_operations == {3, 8} and answer.authorized_operations == set(), answer
    assert Raw(address).ask(request, 8).topics[0].authorized_operations == {3, 4, 5, 6, 7, 8, 10, 11}
    allow("reader", "GROUP", "quiet", "DESCRIBE")
    answer = as_user("reader").ask(DescribeGroupsRequest(groups=["quiet"], include_authorized_operations=True), 3)
    assert answer.groups[0].authorized_operations == {8}, answer


@checks.check("names that are longer than any are neither kept nor logged whole")
def _():
    from platform_child import resident_bytes
    Topic = MetadataRequest.MetadataRequestTopic
    raw, before = as_user("stranger"), resident_bytes(server.process.pid)
    for turn in range(25):
        raw.ask(MetadataRequest(topics=[Topic(name="%d-%d-" % (turn, number) + "n" * 30_000) for number in range(200)], allow_auto_topic_creation=False), 5)
    assert resident_bytes(server.process.pid) - before < 100 << 20, resident_bytes(server.process.pid) - before
    server.log.seek(0, os.SEEK_END)
    assert server.log.tell() < 2 << 20, server.log.tell()


@checks.check("the broker has outlived it all and stops in order")
def _():
    assert server.alive, server.tail()
    assert server.stop() == 0


sys.exit(checks.finish())
