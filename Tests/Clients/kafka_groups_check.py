#!/usr/bin/env python3
"""Checks groups whose partitions the broker assigns (KIP-848) with confluent-kafka, group.protocol=consumer.

usage: kafka_groups_check.py HOST:PORT
Prints a line per check and 'N passed, N failed'. Topics and groups get names of their own in each run.
"""
import sys
import time
import uuid

import confluent_kafka
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic
from kafka.protocol.consumer import JoinGroupRequest, OffsetFetchRequest

from checks import Checks
from kafka_raw import Raw

server = sys.argv[1]
run = uuid.uuid4().hex[:8]
checks = Checks()
admin = AdminClient({"bootstrap.servers": server})


def topic(name, partitions=4):
    name = f"{name}-{run}"
    admin.create_topics([NewTopic(name, partitions, 1)])[name].result(10)
    return name


def send(name, count, partitions=4, start=0):
    producer = confluent_kafka.Producer({"bootstrap.servers": server})
    for n in range(start, start + count):
        producer.produce(name, b"%d" % n, partition=n % partitions)
    producer.flush(10)


class Member:
    def __init__(self, group, names, **options):
        settings = {"bootstrap.servers": server, "group.id": f"{group}-{run}", "group.protocol": "consumer", "auto.offset.reset": "earliest", "enable.auto.commit": False}
        settings.update({key.replace("_", "."): value for key, value in options.items()})
        self.consumer = confluent_kafka.Consumer(settings)
        self.lost = []
        self.consumer.subscribe(names, on_lost=lambda _, places: self.lost.extend(places))
        self.values = []

    def poll(self, seconds=0.1):
        message = self.consumer.poll(seconds)
        if message is not None and not message.error():
            self.values.append(message.value())

    @property
    def share(self):
        return {(place.topic, place.partition) for place in self.consumer.assignment()}

    def close(self):
        self.consumer.close()


def until(members, condition, seconds=20):
    deadline = time.time() + seconds
    while not condition():
        for member in members:
            member.poll(0.05)
        # Whatever happens, nobody has what another one has.
        shares = [member.share for member in members]
        assert sum(map(len, shares)) == len(set().union(*shares)), shares
        assert time.time() < deadline, shares


@checks.check("one member reads everything, commits and resumes")
def _():
    name = topic("one")
    send(name, 100)
    member = Member("one", [name])
    until([member], lambda: len(member.values) == 100)
    member.consumer.commit(asynchronous=False)
    member.close()
    send(name, 20, start=100)
    member = Member("one", [name])
    until([member], lambda: len(member.values) == 20)
    assert sorted(map(int, member.values)) == list(range(100, 120))
    member.close()


@checks.check("members come and go, and every partition has one reader at a time")
def _():
    name = topic("many", 6)
    first = Member("many", [name])
    until([first], lambda: len(first.share) == 6)
    second = Member("many", [name])
    until([first, second], lambda: (len(first.share), len(second.share)) == (3, 3))
    third = Member("many", [name])
    everybody = [first, second, third]
    until(everybody, lambda: [len(member.share) for member in everybody] == [2, 2, 2])
    kept = first.share
    second.close()
    until([first, third], lambda: (len(first.share), len(third.share)) == (3, 3))
    assert kept <= first.share, "what could stay was moved"
    third.close()
    until([first], lambda: len(first.share) == 6)
    assert not first.lost, first.lost
    first.close()


@checks.check("what is read is read once while partitions move")
def _():
    name = topic("once", 4)
    send(name, 400)
    first = Member("once", [name])
    until([first], lambda: len(first.values) >= 50)
    first.consumer.commit(asynchronous=False)
    second = Member("once", [name])

    def done():
        for member in (first, second):
            try:
                member.consumer.commit(asynchronous=False)
            except confluent_kafka.KafkaException:
                pass
        return len(set(first.values + second.values)) == 400

    until([first, second], done, 40)
    assert second.values, "the second one read nothing"
    first.close()
    second.close()


@checks.check("more partitions are given out")
def _():
    name = topic("grows", 2)
    member = Member("grows", [name])
    until([member], lambda: len(member.share) == 2)
    admin.create_partitions([NewPartitions(name, 5)])[name].result(10)
    until([member], lambda: len(member.share) == 5)
    member.close()


@checks.check("a pattern finds topics, also later ones")
def _():
    first = topic("pattern-a", 1)
    member = Member("pattern", ["^pattern-.*-" + run], topic_metadata_refresh_interval_ms=1000)
    until([member], lambda: {one for one, _ in member.share} == {first})
    second = topic("pattern-b", 1)
    until([member], lambda: {one for one, _ in member.share} == {first, second})
    member.close()


@checks.check("range gives the same numbers of two topics to one member")
def _():
    names = [topic("range-a", 4), topic("range-b", 4)]
    members = [Member("range", names, group_remote_assignor="range") for _ in range(2)]
    until(members, lambda: [len(member.share) for member in members] == [4, 4])
    for member in members:
        assert {p for t, p in member.share if t == names[0]} == {p for t, p in member.share if t == names[1]}, member.share
        member.close()


@checks.check("a static member comes back to its share")
def _():
    name = topic("static", 4)
    first, second = Member("static", [name], group_instance_id="a"), Member("static", [name], group_instance_id="b")
    until([first, second], lambda: (len(first.share), len(second.share)) == (2, 2))
    share = first.share
    first.close()
    time.sleep(1.5)
    second.poll()
    assert len(second.share) == 2, "the share of one who left for a while was given away"
    first = Member("static", [name], group_instance_id="a")
    until([first, second], lambda: first.share == share)
    first.close()
    second.close()


@checks.check("who says to be a member asks for offsets with its id and its epoch")
def _():
    name = topic("offsets", 1)
    group, raw = f"offsets-{run}", Raw(server)
    send(name, 3, partitions=1)
    unknown, stale = 25, 113

    def asked(member, epoch, version=9, group=group):
        Group = OffsetFetchRequest.OffsetFetchRequestGroup
        topics = [Group.OffsetFetchRequestTopics(name=name, partition_indexes=[0])]
        request = OffsetFetchRequest(groups=[Group(group_id=group, member_id=member, member_epoch=epoch, topics=topics)], require_stable=False)
        [answer] = raw.ask(request, version).groups
        return answer.error_code, [part.committed_offset for one in answer.topics for part in one.partitions]

    member = Member("offsets", [name])
    until([member], lambda: len(member.values) == 3)
    member.consumer.commit(asynchronous=False)
    own = member.consumer.memberid()
    described = admin.describe_consumer_groups([group])[group].result(10)
    assert [one.member_id for one in described.members] == [own]
    found = 0, [3]
    epoch = next(epoch for epoch in range(1, 20) if asked(own, epoch) == found)
    assert asked(own, epoch - 1) == asked(own, epoch + 1) == asked(own, -1) == (stale, [])
    assert asked("somebody", epoch) == asked("", -1) == asked(None, epoch) == (unknown, [])
    # An administrator, and a client of a version that has no words for it.
    assert asked(None, -1) == asked("somebody", 7, version=8) == found
    member.close()
    assert asked(own, epoch) == (unknown, []) and asked(None, -1) == found
    # In a group of the other protocol, and in none, everybody may ask.
    assert asked("somebody", 7, group="nobody-" + run) == (0, [-1])
    classic = confluent_kafka.Consumer({"bootstrap.servers": server, "group.id": "classic-" + run, "enable.auto.commit": False})
    classic.commit(offsets=[confluent_kafka.TopicPartition(name, 0, 2)], asynchronous=False)
    assert asked("somebody", 7, group="classic-" + run) == (0, [2])
    classic.close()


@checks.check("the group is listed, described, and closed to the classic protocol")
def _():
    name = topic("described", 2)
    member = Member("described", [name])
    until([member], lambda: len(member.share) == 2)
    group = f"described-{run}"
    listed = {one.group_id: one for one in admin.list_consumer_groups().result(10).valid}
    assert str(listed[group].type).endswith("CONSUMER"), listed[group].type
    described = admin.describe_consumer_groups([group])[group].result(10)
    assert [len(one.assignment.topic_partitions) for one in described.members] == [2], described.members
    raw = Raw(server)
    request = JoinGroupRequest(
        group_id=group, session_timeout_ms=10000, rebalance_timeout_ms=10000, member_id="", group_instance_id=None, protocol_type="consumer",
        protocols=[JoinGroupRequest.JoinGroupRequestProtocol(name="range", metadata=b"")])
    assert raw.ask(request, 5).error_code == 23
    member.close()
    assert raw.ask(request, 5).error_code == 79, "an empty group is open to both"


sys.exit(checks.finish())
