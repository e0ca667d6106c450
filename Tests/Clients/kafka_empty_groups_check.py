#!/usr/bin/env python3
"""Groups that nobody is in (confluent-kafka, all three kinds). Usage: kafka_empty_groups_check.py PROGRAM DATA_DIRECTORY

They are listed and described as empty when their members and offsets have gone, also after `kill -9`; they go on with their next generation; DeleteGroups removes them,
and so does a look-over, but for share groups.
"""
import sys
import time

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, ShareConsumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from kafka.protocol.admin import DeleteGroupsRequest, DescribeGroupsRequest, ListGroupsRequest
from kafka.protocol.consumer import OffsetCommitRequest, OffsetDeleteRequest

from checks import Checks
from kafka_raw import Raw
from platform_child import PlatformChild

program, directory = sys.argv[1:3]
checks = Checks()
server = PlatformChild(program, directory, "broker", ["broker.listen"])
server.start()
address = server.endpoints["broker"]
NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND = 68, 69
KINDS = ("classic", "consumer", "share")


def groups():
    """{name: (type, state, protocol type)}"""
    answer = Raw(address).ask(ListGroupsRequest(states_filter=[], types_filter=[]), 5)
    return {one.group_id: (one.group_type, one.group_state, one.protocol_type) for one in answer.groups}


def delete(name):
    return Raw(address).ask(DeleteGroupsRequest(groups_names=[name]), 2).results[0].error_code


def delete_offsets(name, topic):
    Topic = OffsetDeleteRequest.OffsetDeleteRequestTopic
    part = Topic.OffsetDeleteRequestPartition(partition_index=0)
    return Raw(address).ask(OffsetDeleteRequest(group_id=name, topics=[Topic(name=topic, partitions=[part])]), 0).error_code


def until(holds, what, seconds=30):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, (what, groups())
        time.sleep(0.1)


def read(kind, name, topic="t"):
    """Somebody reads in the group and leaves it."""
    settings = {"bootstrap.servers": address, "group.id": name, "log_level": 0}
    if kind == "share":
        consumer = ShareConsumer(settings)
        consumer.subscribe([topic])
        until(lambda: consumer.poll(0.1) is not None and groups().get(name, ("", ""))[1] == "Stable", "the share group has its member")
    else:
        consumer = Consumer({**settings, "group.protocol": kind, "auto.offset.reset": "earliest", "enable.auto.commit": False})
        consumer.subscribe([topic])
        until(lambda: consumer.poll(0.1) is not None, "the member reads")
        assert groups()[name][:2] == (kind, "Stable") and delete(name) == NON_EMPTY_GROUP
        consumer.commit(offsets=[TopicPartition(topic, 0, 1)], asynchronous=False)
    consumer.close()


admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
for name in ("t", "gone"):
    admin.create_topics([NewTopic(name, 1, 1)])[name].result(10)
    producer = Producer({"bootstrap.servers": address})
    producer.produce(name, b"x")
    producer.flush(10)


@checks.check("a group stays when its last member leaves, with its kind")
def _():
    for kind in KINDS:
        read(kind, kind)
        until(lambda kind=kind: groups()[kind][1] == "Empty", "it is empty")
        assert groups()[kind] == (kind, "Empty", "consumer" if kind == "classic" else kind), groups()
    assert Raw(address).ask(DescribeGroupsRequest(groups=["classic"], include_authorized_operations=False), 5).groups[0].group_state == "Empty"
    described = admin.describe_consumer_groups(["consumer"])["consumer"].result(10)
    assert described.state.name == "EMPTY" and not described.members


@checks.check("it stays when its last offset goes, with a topic or by itself")
def _():
    for kind in ("classic", "consumer"):
        assert delete_offsets(kind, "t") == 0 and groups()[kind][:2] == (kind, "Empty"), groups()
        assert not admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(kind)])[kind].result(10).topic_partitions
    part = OffsetCommitRequest.OffsetCommitRequestTopic.OffsetCommitRequestPartition(
        partition_index=0, committed_offset=1, committed_leader_epoch=-1, committed_metadata="")
    request = OffsetCommitRequest(
        group_id="by-hand", generation_id_or_member_epoch=-1, member_id="", group_instance_id=None,
        topics=[OffsetCommitRequest.OffsetCommitRequestTopic(name="gone", partitions=[part])])
    assert Raw(address).ask(request, 7).topics[0].partitions[0].error_code == 0
    admin.delete_topics(["gone"])["gone"].result(10)
    until(lambda: groups()["by-hand"] == ("classic", "Empty", ""), "it has lost its offsets")


@checks.check("it is found again after the broker was killed, and goes on")
def _():
    before = groups()
    server.kill()
    server.start()
    assert groups() == before and set(before) == {*KINDS, "by-hand"}, groups()
    read("classic", "classic")
    # An empty group of the one protocol gives its name to the other.
    read("consumer", "by-hand")
    assert groups()["by-hand"][0] == "consumer", groups()


@checks.check("DeleteGroups removes it, once")
def _():
    until(lambda: groups()["by-hand"][1] == "Empty", "it is empty")
    assert delete("by-hand") == 0 and "by-hand" not in groups() and delete("by-hand") == GROUP_ID_NOT_FOUND


@checks.check("a look-over removes those without offsets, but for share groups")
def _():
    server.stop()
    server.arguments += ["--set", "broker.offsets.retention.check.interval.ms=200"]
    server.start()
    until(lambda: "consumer" not in groups(), "the group without offsets is gone")
    assert set(groups()) == {"classic", "share"}, groups()
    assert delete_offsets("classic", "t") == 0
    until(lambda: set(groups()) == {"share"}, "the offsets are gone, and the group with them")
    assert delete("share") == 0 and not groups()


server.stop()
sys.exit(checks.finish())
