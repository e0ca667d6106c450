#!/usr/bin/env python3
"""Checks log compaction with confluent-kafka and kafka-python: what stays, at which offsets, and that neither kills nor readers disturb it.

usage: kafka_compact_check.py PROGRAM DIRECTORY [ROUNDS [SEED]]
Starts the program itself, with a cleaner that looks often, and kills it ROUNDS times (5 unless told otherwise) while it compacts. Prints a line per
check and 'N passed, N failed'.
"""
import glob
import os
import random
import struct
import sys
import time
import uuid

import confluent_kafka
from confluent_kafka.admin import AdminClient, NewTopic
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from kafka.protocol.consumer import FetchRequest
from kafka.structs import OffsetAndMetadata

from checks import Checks
from kafka_raw import Raw
from platform_child import PlatformChild

program, directory = sys.argv[1:3]
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 30)
print("seed %d" % seed, flush=True)
rng = random.Random(seed)
server = PlatformChild(program, directory, "broker", ["broker.listen"], ["broker.cleaner-interval.ms=100"])
server.start()
address = server.endpoints["broker"]
checks = Checks()
admin = AdminClient({"bootstrap.servers": address, "log_level": 0, "metadata.recovery.strategy": "none"})


def topic(name, **configs):
    settings = {"cleanup.policy": "compact", "segment.bytes": "16384", "min.cleanable.dirty.ratio": "0.01", "delete.retention.ms": "86400000"}
    settings.update({key.replace("_", "."): str(value) for key, value in configs.items()})
    admin.create_topics([NewTopic(name, 1, 1, config=settings)])[name].result(10)
    return name


def produce(name, records, **options):
    """Sends (key, value) pairs in batches of about ten; returns their offsets."""
    producer = confluent_kafka.Producer({
        "bootstrap.servers": address, "enable.idempotence": True, "batch.num.messages": 10, "linger.ms": 5, "log_level": 0, **options})
    offsets = []
    for key, value in records:
        producer.produce(name, value, key=key, partition=0, on_delivery=lambda error, message: offsets.append(None if error else message.offset()))
        producer.poll(0)
    producer.flush(30)
    assert len(offsets) == len(records) and None not in offsets, "not everything was acknowledged"
    return offsets


def read(name, isolation="read_committed"):
    """(offset, key, value) of everything that is there."""
    consumer = confluent_kafka.Consumer({
        "bootstrap.servers": address, "group.id": "reader", "isolation.level": isolation, "enable.auto.commit": False, "enable.partition.eof": True, "log_level": 0,
        "auto.offset.reset": "earliest"})
    consumer.assign([confluent_kafka.TopicPartition(name, 0, confluent_kafka.OFFSET_BEGINNING)])
    found, deadline = [], time.time() + 30
    while True:
        assert time.time() < deadline, "no end after %d records" % len(found)
        message = consumer.poll(1)
        if message is None:
            continue
        if message.error():
            if message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF:
                consumer.close()
                return found
        else:
            found.append((message.offset(), message.key(), message.value()))


def wait_for(name, condition, seconds=20):
    deadline = time.time() + seconds
    while True:
        found = read(name)
        if condition(found):
            return found
        assert time.time() < deadline, "still %d records" % len(found)
        time.sleep(0.2)


def latest(pairs):
    """The last value of each key, without the keys that were deleted."""
    values = dict(pairs)
    return {key: value for key, value in values.items() if value is not None}


def updates(count, keys):
    return [(b"k%d" % rng.randrange(keys), b"%d " % n + b"x" * rng.randrange(200)) for n in range(count)]


@checks.check("the newest value of each key stays at its offset")
def _():
    name = topic("newest")
    sent = updates(3000, 20)
    offsets = produce(name, sent)
    found = wait_for(name, lambda records: len(records) < 400)
    assert latest((key, value) for _, key, value in found) == latest(sent)
    by_offset = {offset: pair for offset, pair in zip(offsets, sent)}
    assert all(by_offset[offset] == (key, value) for offset, key, value in found), "a record is not where it was"
    assert [offset for offset, _, _ in found] == sorted(offset for offset, _, _ in found)
    assert found[-1][0] == 2999, "the end moved"


for codec in ("gzip", "lz4", "snappy", "zstd"):

    @checks.check("batches compressed with %s are compacted or stay, and nothing is lost" % codec)
    def _(codec=codec):
        name = topic("codec-" + codec)
        sent = updates(3000, 20)
        produce(name, sent, **{"compression.type": codec, "batch.num.messages": 50})
        found = wait_for(name, lambda records: len(records) < 1500)
        assert latest((key, value) for _, key, value in found) == latest(sent)


@checks.check("a tombstone removes its key, and goes itself after its time")
def _():
    name = topic("tombstones", delete_retention_ms=1500)
    produce(name, updates(1000, 10))
    produce(name, [(b"k%d" % n, None) for n in range(5)])
    produce(name, updates(1000, 1))
    produce(name, [(b"k0", None)] + [(b"filler%d" % (n % 3), b"y" * 150) for n in range(300)])
    gone = [b"k%d" % n for n in range(5)]
    found = wait_for(name, lambda records: not any(key in gone and value is not None for _, key, value in records))
    found = wait_for(name, lambda records: not any(key in gone for _, key, _ in records))
    assert {b"k%d" % n for n in range(5, 10)} <= {key for _, key, _ in found}


@checks.check("a group goes on from an offset that is not there any more")
def _():
    name, group = topic("gap"), "gap-" + uuid.uuid4().hex
    produce(name, updates(3000, 5))
    place = TopicPartition(name, 0)
    consumer = KafkaConsumer(bootstrap_servers=address, group_id=group, enable_auto_commit=False, auto_offset_reset="none")
    consumer.assign([place])
    consumer.commit({place: OffsetAndMetadata(1500, "", -1)})
    consumer.close()
    found = wait_for(name, lambda records: len(records) < 400)
    consumer = KafkaConsumer(bootstrap_servers=address, group_id=group, enable_auto_commit=False, auto_offset_reset="none", consumer_timeout_ms=5000)
    consumer.assign([place])
    first = next(consumer)
    assert first.offset == min(offset for offset, _, _ in found if offset >= 1500), first.offset
    consumer.close()


@checks.check("aborted transactions go, committed ones stay, open ones are not touched")
def _():
    name = topic("transactions")
    producer = confluent_kafka.Producer({"bootstrap.servers": address, "transactional.id": "compact-" + uuid.uuid4().hex, "log_level": 0, "linger.ms": 1})
    producer.init_transactions(10)
    committed = []
    for round in range(60):
        producer.begin_transaction()
        pairs = updates(30, 10)
        for key, value in pairs:
            producer.produce(name, value, key=key)
        if round % 3:
            producer.commit_transaction(10)
            committed += pairs
        else:
            producer.abort_transaction(10)
    found = wait_for(name, lambda records: len(records) < 300)
    assert latest((key, value) for _, key, value in found) == latest(committed)
    everything = read(name, "read_uncommitted")
    assert len(everything) < 600, "aborted records stay: %d" % len(everything)
    producer.begin_transaction()
    producer.produce(name, b"open", key=b"k1")
    producer.flush(10)
    produce(name, updates(600, 10))
    time.sleep(0.5)
    assert b"open" in [value for _, _, value in read(name, "read_uncommitted")]
    producer.commit_transaction(10)


def ends(name):
    """The offsets of the markers that are there."""
    Part = FetchRequest.FetchTopic.FetchPartition
    raw, offset, found = Raw(address), 0, []
    while True:
        part = Part(partition=0, current_leader_epoch=-1, fetch_offset=offset, last_fetched_epoch=-1, log_start_offset=-1, partition_max_bytes=1 << 20)
        answer = raw.ask(
            FetchRequest(
                replica_id=-1, max_wait_ms=0, min_bytes=0, max_bytes=1 << 20, isolation_level=0, session_id=0, session_epoch=-1,
                topics=[FetchRequest.FetchTopic(topic=name, partitions=[part])], forgotten_topics_data=[], rack_id=""), 11).responses[0].partitions[0]
        records, place, before = bytes(answer.records or b""), 0, offset
        while place + 61 <= len(records):
            base, length, flags, last = struct.unpack_from(">qi9xHi", records, place)
            if place + 12 + length > len(records):
                break
            if base >= before and flags & 0x20:
                found.append(base)
            offset, place = base + last + 1, place + 12 + length
        if offset == before:
            raw.close()
            return found


@checks.check("a transaction's end stays as long as one of its records, and goes after its time when none is there")
def _():
    name = topic("ends", delete_retention_ms=300)
    producer = confluent_kafka.Producer({"bootstrap.servers": address, "transactional.id": "ends-" + uuid.uuid4().hex, "log_level": 0, "linger.ms": 1})
    producer.init_transactions(10)
    stay, go = [], []
    for number in range(20):
        producer.begin_transaction()
        producer.produce(name, b"v" * 100, key=b"stays%d" % number if number % 2 else b"goes")
        producer.commit_transaction(10)
        (stay if number % 2 else go).append(2 * number + 1)
    producer.begin_transaction()
    producer.produce(name, b"v" * 100, key=b"goes")
    producer.commit_transaction(10)
    assert ends(name) == sorted(stay + go) + [41], ends(name)
    deadline = time.time() + 30
    while set(ends(name)) & set(go):
        assert time.time() < deadline, "the ends of transactions of which nothing is left stay: %s" % ends(name)
        # Each of these lets the partition be compacted once more.
        produce(name, updates(200, 5))
        time.sleep(0.3)
    assert set(stay) <= set(ends(name)), ends(name)
    # Who reads the log from its beginning, as a new replica does, finds each transaction ended.
    server.stop()
    for path in glob.glob("%s/**/%s.*/0/producers.snapshot" % (directory, name), recursive=True):
        os.remove(path)
    server.start()
    assert {b"stays%d" % number for number in range(1, 20, 2)} <= {key for _, key, _ in read(name)}


@checks.check("the end of a log that is idle stays readable, whatever is compacted away before it")
def _():
    name = topic("idle", delete_retention_ms=200, segment_ms=300)
    produce(name, updates(200, 5) + [(b"k%d" % n, None) for n in range(4)])
    # The newest batch of a producer that numbers its batches stays in any case.
    produce(name, [(b"k4", None)], **{"enable.idempotence": False})
    found = wait_for(name, lambda records: len(records) == 1)
    # A reader that wants all comes to the end only by something that lies there.
    assert found == [(204, b"k4", None)], found
    time.sleep(1)
    assert read(name) == found


@checks.check("of a compacted topic no records are deleted by hand, unless it has both policies")
def _():
    def delete(name):
        produce(name, updates(20, 5))
        place = confluent_kafka.TopicPartition(name, 0, 10)
        return admin.delete_records([place])[place].result(10).low_watermark

    try:
        delete(topic("not-trimmed"))
        raise AssertionError("they were deleted")
    except confluent_kafka.KafkaException as error:
        assert error.args[0].name() == "POLICY_VIOLATION", error
    assert delete(topic("trimmed", cleanup_policy="compact,delete")) == 10


@checks.check("both policies together: compacted, and old segments go")
def _():
    name = topic("both", cleanup_policy="compact,delete", retention_bytes=1)
    produce(name, updates(1000, 10))
    wait_for(name, lambda records: len(records) < 500)


@checks.check("a record without a key is refused")
def _():
    name = topic("keyless")
    producer = KafkaProducer(bootstrap_servers=address, retries=0)
    try:
        producer.send(name, b"no key").get(timeout=10)
        raise AssertionError("it was taken")
    except KafkaError as error:
        assert "InvalidRecord" in type(error).__name__, repr(error)
    producer.send(name, b"v", key=b"k").get(timeout=10)


@checks.check("%d kills while it compacts lose nothing" % rounds)
def _():
    name = topic("killed")
    sent = []
    for number in range(rounds):
        pairs = updates(1500, 30)
        produce(name, pairs)
        sent += pairs
        time.sleep(rng.uniform(0, 0.3))
        server.kill()
        server.start()
        found = read(name)
        assert latest((key, value) for _, key, value in found) == latest(sent), "round %d" % number
        offsets = [offset for offset, _, _ in found]
        assert offsets == sorted(set(offsets)) and offsets[-1] == len(sent) - 1, "round %d: offsets" % number
    found = wait_for(name, lambda records: len(records) < 600)
    assert latest((key, value) for _, key, value in found) == latest(sent)


status = server.stop()
if status != 0:
    checks.failed += 1
    print("FAILED  the broker ended with %s\n%s" % (status, server.tail()))
sys.exit(checks.finish())
