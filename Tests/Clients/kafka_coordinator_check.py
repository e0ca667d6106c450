#!/usr/bin/env python3
"""What the coordinators of groups know of what others did, on three brokers. Usage: kafka_coordinator_check.py PROGRAM DATA_DIRECTORY

Groups that nobody is in are found, described and deleted at the next coordinator after the first one was killed (-9). A commit for a topic of which the coordinator
has not heard yet waits until it has, and later commits of the same connection do not overtake it.
"""
import struct
import sys
import time

from confluent_kafka import Consumer, TopicPartition
from kafka.protocol.admin import DeleteGroupsRequest, DescribeGroupsRequest, ListGroupsRequest
from kafka.protocol.consumer import OffsetCommitRequest
from kafka.protocol.metadata import FindCoordinatorRequest

from checks import Checks
from kafka_cluster import Cluster
from kafka_ids_check import NOBODY, UNKNOWN_ID, ByID
from kafka_raw import Raw

UNKNOWN_NAME, GROUP_ID_NOT_FOUND, CONSUMER_GROUP_DESCRIBE = 3, 69, 69
KINDS = ("classic", "consumer")
checks = Checks()
cluster = Cluster(*sys.argv[1:3])


def broker(number):
    return cluster.brokers[number - 1]


def others(number):
    return [each for each in cluster.brokers if each.number != number]


def coordinator(group, asked=1):
    """The number of the broker that coordinates the group, as another one says; -1 if it does not know."""
    return Raw(broker(asked).address).ask(FindCoordinatorRequest(key=group, key_type=0), 2).node_id


def names(number, kind):
    """Two names of groups that this broker coordinates."""
    return [name for name in ("%s-%d" % (kind, place) for place in range(100)) if coordinator(name) == number][:2]


def read(kind, group):
    """Somebody joins, commits and leaves."""
    consumer = Consumer({"bootstrap.servers": cluster.servers, "group.id": group, "group.protocol": kind, "enable.auto.commit": False, "log_level": 0})
    consumer.subscribe(["read"])
    end = time.monotonic() + 30
    while not consumer.assignment():
        assert time.monotonic() < end, "no share within 30 s"
        consumer.poll(0.1)
    cluster.wait(lambda: consumer.commit(offsets=[TopicPartition("read", 0, 7)], asynchronous=False)[0].error is None, "the commit")
    consumer.close()


def listed(number):
    """{name: (kind, state)} as a broker lists them."""
    answer = Raw(broker(number).address).ask(ListGroupsRequest(states_filter=[], types_filter=[]), 5)
    assert answer.error_code == 0, answer
    return {one.group_id: (one.group_type, one.group_state) for one in answer.groups}


def described(kind, group, number):
    """The code and the state."""
    raw = Raw(broker(number).address)
    if kind == "classic":
        answer = raw.ask(DescribeGroupsRequest(groups=[group], include_authorized_operations=False), 5).groups[0]
        return answer.error_code, answer.group_state
    name = group.encode()
    answer = raw.ask_bytes(CONSUMER_GROUP_DESCRIBE, 0, b"\x02" + bytes([len(name) + 1]) + name + b"\0\0")
    # After the throttle time and the length of the list: the code, a message, the name and the state, as compact texts.
    [code], place, texts = struct.unpack_from(">h", answer, 5), 7, []
    for _ in range(3):
        length = max(0, answer[place] - 1)
        texts.append(answer[place + 1:place + 1 + length].decode())
        place += 1 + length
    assert texts[1] == group, answer
    return code, texts[2]


def delete(group, number):
    return Raw(broker(number).address).ask(DeleteGroupsRequest(groups_names=[group]), 2).results[0].error_code


def commit(group, topics, **by):
    """A commit of the first partitions of topics, {name or id: offset}."""
    Topic = OffsetCommitRequest.OffsetCommitRequestTopic
    Part = Topic.OffsetCommitRequestPartition
    parts = [
        Topic(**{by["named"]: topic}, partitions=[Part(partition_index=0, committed_offset=offset, committed_leader_epoch=-1, committed_metadata="")])
        for topic, offset in topics.items()]
    return OffsetCommitRequest(group_id=group, generation_id_or_member_epoch=-1, member_id="", group_instance_id=None, topics=parts)


def codes(answer):
    return [part.error_code for topic in answer.topics for part in topic.partitions]


cluster.create("read", 1)
cluster.wait_in_sync("read")


@checks.check("groups that nobody is in are found, described and deleted at the next coordinator after the first one was killed")
def _():
    lost = 2
    groups = {kind: names(lost, kind) for kind in KINDS}
    for kind, pair in groups.items():
        for group in pair:
            read(kind, group)
    cluster.wait(lambda: all(listed(lost).get(group) == (kind, "Empty") for kind in KINDS for group in groups[kind]), "empty groups")
    broker(lost).send(9)
    topic_id = ByID(Raw(broker(1).address)).topic_id("read")
    for kind, (gone, kept) in groups.items():
        for group in (gone, kept):
            cluster.wait(lambda group=group: coordinator(group) in (1, 3), "the next coordinator of %s" % group)
            cluster.wait(lambda group=group: listed(coordinator(group)).get(group) == (kind, "Empty"), "%s at its next coordinator" % group)
            assert described(kind, group, coordinator(group)) == (0, "Empty"), (kind, group)
            [(_, part)] = ByID(Raw(broker(coordinator(group)).address)).committed(group, topic_id)
            assert (part.error_code, part.committed_offset) == (0, 7), part
        number = coordinator(gone)
        assert delete(gone, number) == 0 and gone not in listed(number) and delete(gone, number) == GROUP_ID_NOT_FOUND
    broker(lost).start()
    broker(lost).wait_ready()
    cluster.wait_in_sync("read")
    for kind, (gone, kept) in groups.items():
        cluster.wait(lambda kept=kept: coordinator(kept) in (1, 2, 3) and listed(coordinator(kept)).get(kept) == (kind, "Empty"), "%s when all are back" % kept)
        assert not any(gone in listed(number) for number in (1, 2, 3)), gone
        assert delete(kept, coordinator(kept)) == 0


@checks.check("a coordinator takes a commit for a topic of which another broker has just told")
def _():
    number = coordinator("just")
    raw = Raw(broker(number).address)
    tellers = [ByID(Raw(each.address)) for each in others(number)]
    for turn in range(60):
        name = "just-%d" % turn
        topic_id = tellers[turn % 2].topic_id(name, create=True)
        by_id = turn % 4 < 2
        request = commit("just", {topic_id: turn}, named="topic_id") if by_id else commit("just", {name: turn}, named="name")
        assert codes(raw.ask(request, 10 if by_id else 9)) == [0], (turn, by_id)


@checks.check("no commit overtakes one that waits, and a topic that nobody knows is refused after the wait")
def _():
    raw = Raw(broker(coordinator("order")).address)
    ask = ByID(raw)
    topic_id = ask.topic_id("read")
    for turn in range(0, 40, 2):
        first, second = raw.ask_all([commit("order", {NOBODY: 1, topic_id: turn}, named="topic_id"), commit("order", {topic_id: turn + 1}, named="topic_id")], 10)
        assert (codes(first), codes(second)) == ([UNKNOWN_ID, 0], [0]), (first, second)
        [(_, part)] = ask.committed("order", topic_id)
        assert part.committed_offset == turn + 1, (turn, part)
    assert codes(raw.ask(commit("order", {"no-such": 1, "read": 99}, named="name"), 9)) == [UNKNOWN_NAME, 0]


sys.exit(cluster.finish(checks))
