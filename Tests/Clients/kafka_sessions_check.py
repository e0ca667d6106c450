#!/usr/bin/env python3
"""Checks fetch sessions (KIP-227): single requests for what the protocol says, and kafka-python as a client that keeps them.

usage: kafka_sessions_check.py HOST:PORT [PROCESS]
With the broker's process number the processor time of polls over idle partitions is compared too. Topics get names of their own in each run.
"""
import os
import sys
import time
import uuid

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.protocol.consumer import FetchRequest
from kafka.protocol.metadata import MetadataRequest

from checks import Checks
from kafka_raw import Raw

server = sys.argv[1]
process = int(sys.argv[2]) if len(sys.argv) > 2 else None
run = uuid.uuid4().hex[:8]
checks = Checks()
admin = KafkaAdminClient(bootstrap_servers=server)
producer = KafkaProducer(bootstrap_servers=server, linger_ms=0)


def topic(name, partitions):
    name = f"{name}-{run}"
    admin.create_topics([NewTopic(name, partitions, 1)])
    return name


def send(name, partition, value=b"x"):
    producer.send(name, value, partition=partition).get(10)


class Session:
    """A client's side of a session, by name (version 11)."""

    version = 11

    def __init__(self, raw, name):
        self.raw, self.name, self.id, self.epoch, self.offsets = raw, name, 0, 0, {}

    def topic_of(self, partitions, maker):
        Topic = FetchRequest.FetchTopic
        return [Topic(topic=self.name, partitions=partitions)] if partitions else []

    def forgotten_of(self, partitions):
        return [FetchRequest.ForgottenTopic(topic=self.name, partitions=partitions)] if partitions else []

    def poll(self, offsets=None, forget=(), wait=0, minimum=1, most=1 << 20, epoch=None, session=None):
        Part = FetchRequest.FetchTopic.FetchPartition
        parts = [
            Part(partition=p, current_leader_epoch=-1, fetch_offset=o, last_fetched_epoch=-1, log_start_offset=-1, partition_max_bytes=most)
            for p, o in (offsets or {}).items()]
        request = FetchRequest(
            replica_id=-1, max_wait_ms=wait, min_bytes=minimum, max_bytes=most, isolation_level=0, session_id=self.id if session is None else session,
            session_epoch=self.epoch if epoch is None else epoch, topics=self.topic_of(parts, Part), forgotten_topics_data=self.forgotten_of(list(forget)), rack_id="")
        answer = self.raw.ask(request, self.version)
        if answer.error_code == 0 and epoch is None:
            self.id = answer.session_id
            self.epoch += 1
        return answer

    @staticmethod
    def parts(answer):
        return {part.partition_index: part for topic in answer.responses for part in topic.partitions}


def opened(name, count, raw=None):
    session = Session(raw or Raw(server), name)
    answer = session.poll({p: 0 for p in range(count)})
    assert answer.error_code == 0 and session.id != 0 and sorted(Session.parts(answer)) == list(range(count)), answer
    return session


@checks.check("a session is told what is new and nothing else")
def _():
    name = topic("news", 50)
    session = opened(name, 50)
    assert session.poll().responses == [], "nothing happened, something was told"
    send(name, 7, b"seven")
    found = Session.parts(session.poll())
    assert list(found) == [7] and b"seven" in bytes(found[7].records) and found[7].high_watermark == 1
    assert list(Session.parts(session.poll())) == [7], "what was not read on from is handed out again"
    assert session.poll({7: 1}).responses == []


@checks.check("a poll of a session waits and is woken by a partition that it did not state")
def _():
    name = topic("wakes", 20)
    session, other = opened(name, 20), Raw(server)
    began = time.monotonic()
    import threading
    thread = threading.Timer(0.3, lambda: send(name, 13))
    thread.start()
    found = Session.parts(session.poll(wait=5000))
    took = time.monotonic() - began
    assert list(found) == [13] and 0.25 < took < 2, (list(found), took)
    other.close()


@checks.check("partitions are added and forgotten")
def _():
    name = topic("moves", 4)
    session = opened(name, 2)
    for p in range(4):
        send(name, p)
    assert sorted(Session.parts(session.poll({3: 0}, forget=[0]))) == [1, 3]
    assert sorted(Session.parts(session.poll({1: 1, 3: 1}, forget=[]))) == []
    answer = session.poll(forget=[1, 3])
    assert answer.error_code == 0 and answer.session_id == 0 and answer.responses == [], "a session without partitions ends"
    assert session.poll(session=12345, epoch=3).error_code == 70


@checks.check("a wrong epoch and an unknown session are refused")
def _():
    name = topic("refused", 2)
    session = opened(name, 2)
    assert session.poll(epoch=7).error_code == 71
    assert session.poll(session=(session.id % 1000) + 1, epoch=1).error_code == 70
    assert session.poll().error_code == 0, "a refused fetch must not move the epoch"
    answer = session.poll({0: 0}, epoch=-1)
    assert answer.error_code == 0 and answer.session_id == 0, "epoch -1 ends the session"
    assert session.poll(epoch=2).error_code == 70


@checks.check("a new session takes the place of the client's old one")
def _():
    name = topic("anew", 2)
    session = opened(name, 2)
    old = session.id
    session.epoch = 0
    answer = session.poll({0: 0, 1: 0})
    assert answer.error_code == 0 and session.id not in (0, old)
    assert session.poll(session=old, epoch=1).error_code == 70


@checks.check("errors of a partition are told with every poll, and gone topics too")
def _():
    name = topic("errors", 2)
    session = opened(name, 2)
    assert Session.parts(session.poll({1: 99}))[1].error_code == 1
    assert Session.parts(session.poll())[1].error_code == 1
    admin.delete_topics([name])
    found = Session.parts(session.poll(wait=3000))
    assert {part.error_code for part in found.values()} == {3}, found


@checks.check("one busy partition does not keep the others from the client")
def _():
    name = topic("fair", 3)
    session = opened(name, 3)
    for p in range(3):
        for _ in range(3):
            send(name, p, b"y" * 1000)
    seen = [list(Session.parts(session.poll(most=1100)))[0]]
    for _ in range(2):
        found = {p: part for p, part in Session.parts(session.poll(most=1100)).items() if part.records}
        seen.append(list(found)[0])
    assert sorted(seen) == [0, 1, 2], seen


@checks.check("topics by id: a session of its own kind")
def _():
    name = topic("ids", 2)
    raw = Raw(server)
    ids = {one.name: one.topic_id for one in raw.ask(MetadataRequest(topics=None, allow_auto_topic_creation=False), 10).topics}

    class ByID(Session):
        version = 13

        def topic_of(self, partitions, maker):
            return [FetchRequest.FetchTopic(topic_id=ids[self.name], partitions=partitions)] if partitions else []

        def forgotten_of(self, partitions):
            return [FetchRequest.ForgottenTopic(topic_id=ids[self.name], partitions=partitions)] if partitions else []

    session = ByID(raw, name)
    assert sorted(Session.parts(session.poll({0: 0, 1: 0}))) == [0, 1]
    send(name, 1)
    assert list(Session.parts(session.poll())) == [1]
    byName = Session(raw, name)
    assert byName.poll(session=session.id, epoch=2).error_code == 106


@checks.check("kafka-python keeps a session over many partitions and loses nothing")
def _():
    name = topic("python", 40)
    consumer = KafkaConsumer(bootstrap_servers=server, auto_offset_reset="earliest", consumer_timeout_ms=4000, enable_incremental_fetch_sessions=True)
    consumer.assign([TopicPartition(name, p) for p in range(40)])
    for n in range(400):
        producer.send(name, b"%d" % n, partition=n % 40)
    producer.flush()
    seen = sorted(int(next(consumer).value) for _ in range(400))
    assert seen == list(range(400))
    consumer.seek(TopicPartition(name, 5), 0)
    again = [next(consumer) for _ in range(10)]
    assert {record.partition for record in again} == {5} and [record.offset for record in again] == list(range(10))
    consumer.close()


def processor_seconds():
    fields = open(f"/proc/{process}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if process:
    @checks.check("a poll over a thousand idle partitions costs what one over ten does")
    def _():
        name = topic("idle", 1000)
        costs = []
        for count in (10, 1000):
            session = opened(name, count)
            began = processor_seconds()
            for _ in range(2000):
                session.poll()
            costs.append(processor_seconds() - began)
        print("        2000 polls over 10 and 1000 partitions: %.2f s and %.2f s of the broker's processor" % tuple(costs))
        assert costs[1] < costs[0] * 2 + 0.1, costs


sys.exit(checks.finish())
