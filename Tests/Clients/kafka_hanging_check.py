#!/usr/bin/env python3
"""A transaction that hangs, open in a partition's log and known to no coordinator, is ended by an administrator (WriteTxnMarkers, KIP-664).

usage: kafka_hanging_check.py PROGRAM DIRECTORY [--servers N]
It comes about as it would in the field: the metadata are put back to a state from before the transaction while the partition's log stays. DIRECTORY is empty or
is not there. Prints a line per check and 'N passed, N failed'; the exit code is 1 if one failed.
"""
import argparse
import glob
import os
import shutil
import struct
import sys
import time

import confluent_kafka
from confluent_kafka.admin import AdminClient, NewTopic
from kafka.protocol.admin import DescribeProducersRequest

from kafka_raw import Raw
from platform_child import PlatformChild

WRITE_TXN_MARKERS, INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED, UNKNOWN_TOPIC_OR_PARTITION = 27, 47, 52, 3
TOPIC = "hung"


def settings(address, **more):
    return dict({"bootstrap.servers": address}, **{key.replace("_", "."): value for key, value in more.items()})


def produce(address, value, transactional=False):
    producer = confluent_kafka.Producer(settings(address, linger_ms=0, **({"transactional_id": "lost"} if transactional else {})))
    if transactional:
        producer.init_transactions(20)
        producer.begin_transaction()
    producer.produce(TOPIC, value, partition=0)
    assert producer.flush(20) == 0
    return producer


def ends(address):
    """The end of the log that readers of everything see, and the one that readers of committed records see."""
    found = []
    for isolation in ("read_uncommitted", "read_committed"):
        consumer = confluent_kafka.Consumer(settings(address, group_id="ends", isolation_level=isolation))
        found.append(consumer.get_watermark_offsets(confluent_kafka.TopicPartition(TOPIC, 0), timeout=20, cached=False)[1])
        consumer.close()
    return tuple(found)


def committed_values(address, count):
    consumer = confluent_kafka.Consumer(settings(address, group_id="reader", isolation_level="read_committed", auto_offset_reset="earliest"))
    consumer.assign([confluent_kafka.TopicPartition(TOPIC, 0, 0)])
    values, deadline = [], time.time() + 20
    while len(values) < count and time.time() < deadline:
        message = consumer.poll(1)
        if message is not None and not message.error():
            values.append(message.value())
    consumer.close()
    return values


def leader_of(address):
    metadata = AdminClient(settings(address)).list_topics(TOPIC, timeout=20)
    broker = metadata.brokers[metadata.topics[TOPIC].partitions[0].leader]
    return Raw("%s:%d" % (broker.host, broker.port))


def active_producer(leader):
    request = DescribeProducersRequest(topics=[DescribeProducersRequest.TopicRequest(name=TOPIC, partition_indexes=[0])])
    return [one for one in leader.ask(request, 0).topics[0].partitions[0].active_producers if one.current_txn_start_offset >= 0]


def mark(leader, producer, epoch, coordinator_epoch=0, partition=0, topic=TOPIC, level=None):
    """The code of the answer to a marker that aborts; with a level of transaction.version in version 2 of the request."""
    name = topic.encode()
    topics = b"\x02" + bytes([len(name) + 1]) + name + b"\x02" + struct.pack(">i", partition) + b"\0"
    body = b"\x02" + struct.pack(">qh?", producer, epoch, False) + topics + struct.pack(">i", coordinator_epoch) + (b"" if level is None else bytes([level])) + b"\0\0"
    answer = leader.ask_bytes(WRITE_TXN_MARKERS, 1 if level is None else 2, body)
    # One marker, its producer, one topic with its name, one partition with its number, and the code.
    place = 1 + 8 + 1 + 1 + len(name) + 1
    number, code = struct.unpack(">ih", answer[place:place + 6])
    assert number == partition, answer
    return code


def keep_metadata(directory):
    for path in glob.glob(directory + "/**/meta", recursive=True):
        shutil.copytree(path, path + ".kept")


def put_back_metadata(directory):
    kept = glob.glob(directory + "/**/meta.kept", recursive=True)
    assert kept, "no metadata were kept"
    for path in kept:
        shutil.rmtree(path[:-len(".kept")])
        os.rename(path, path[:-len(".kept")])


def hang(child, directory, servers):
    """Makes a partition with a committed record, and behind it one of a transaction that nobody knows."""
    child.start()
    address = child.endpoints["broker"]
    admin = AdminClient(settings(address))
    admin.create_topics([NewTopic(TOPIC, 1, servers)])[TOPIC].result(20)
    produce(address, b"before")
    assert child.stop() == 0
    keep_metadata(directory)
    child.start()
    producer = produce(child.endpoints["broker"], b"lost", transactional=True)
    child.kill()
    del producer
    put_back_metadata(directory)
    child.start()
    return child.endpoints["broker"]


def checks(address):
    produce(address, b"after")
    leader = leader_of(address)
    found = active_producer(leader)
    assert len(found) == 1 and ends(address) == (3, 1), (found, ends(address))
    yield "the transaction hangs: readers of committed records stop before it"
    producer, epoch = found[0].producer_id, found[0].producer_epoch
    assert mark(leader, producer, epoch, coordinator_epoch=-1) == TRANSACTION_COORDINATOR_FENCED
    assert mark(leader, producer, epoch - 1) == INVALID_PRODUCER_EPOCH
    assert mark(leader, producer, epoch - 1, level=0) == INVALID_PRODUCER_EPOCH
    assert mark(leader, producer, epoch, level=2) == INVALID_PRODUCER_EPOCH, "a marker with an epoch of its own is above the transaction's"
    assert mark(leader, producer, epoch, partition=9) == UNKNOWN_TOPIC_OR_PARTITION
    assert mark(leader, producer, epoch, topic="no-such") == UNKNOWN_TOPIC_OR_PARTITION
    assert mark(leader, producer + 7, 0) == 0
    assert ends(address) == (3, 1), ends(address)
    yield "old epochs, unknown partitions and producers change nothing"
    assert mark(leader, producer, epoch, level=1) == 0
    assert active_producer(leader) == [] and ends(address) == (4, 4), ends(address)
    assert committed_values(address, 2) == [b"before", b"after"]
    yield "an abort marker ends it"
    assert mark(leader, producer, epoch) == 0 and mark(leader, producer, epoch, level=2) == 0 and ends(address) == (4, 4), ends(address)
    yield "a second one is answered and not written"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("directory")
    parser.add_argument("--servers", type=int, default=1)
    chosen = parser.parse_args()
    alone = chosen.servers == 1
    child = PlatformChild(os.path.abspath(chosen.program), chosen.directory, "broker", ["broker.listen"] if alone else [], [] if alone else ["broker.nodes=%d" % chosen.servers])
    passed = 0
    try:
        for name in checks(hang(child, chosen.directory, chosen.servers)):
            passed += 1
            print("ok    " + name, flush=True)
    except Exception:
        print("FAIL  the next check; the broker said:\n" + child.tail(), flush=True)
        print("%d passed, 1 failed" % passed)
        raise
    finally:
        child.kill()
    print("%d passed, 0 failed" % passed)


if __name__ == "__main__":
    sys.exit(main())
