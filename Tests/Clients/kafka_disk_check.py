#!/usr/bin/env python3
"""Checks what consumers get that lies on the disk: whole and in order, encrypted and not, and also when it is deleted while it is on its way to them.

usage: kafka_disk_check.py PROGRAM DIRECTORY
Starts the program itself, and again after records were produced, so that none are in its memory. Prints a line per check and 'N passed, N failed'.
"""
import os
import sys
import time
import zlib

from confluent_kafka import Consumer, Producer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.protocol.consumer import FetchRequest, IsolationLevel
from kafka.record import MemoryRecords

from certificates import Certificates
from checks import Checks
from kafka_raw import Raw
from platform_child import PlatformChild

RECORDS = 40000
program, directory = sys.argv[1:3]
os.makedirs(directory + "/certificates", exist_ok=True)
certificates = Certificates(directory + "/certificates")
checks = Checks()


def value(number):
    return ((b"%d-" % number) * 150)[:1000]


def started(name, settings):
    server = PlatformChild(program, directory + "/" + name, "broker", ["broker.listen"], settings)
    server.start()
    return server


def fill(server, topic, configuration):
    producer = Producer(dict(configuration, **{"bootstrap.servers": server.endpoints["broker"], "batch.size": 900000, "linger.ms": 50}))
    for number in range(RECORDS):
        while True:
            try:
                producer.produce(topic, value(number), partition=0)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    assert producer.flush(60) == 0
    server.stop()
    server.start()


def read(server, topic, configuration, isolation):
    consumer = Consumer(dict(configuration, **{
        "bootstrap.servers": server.endpoints["broker"], "group.id": "reader-" + isolation, "isolation.level": isolation, "max.partition.fetch.bytes": 8 << 20}))
    consumer.assign([TopicPartition(topic, 0, 0)])
    found, until = 0, time.monotonic() + 60
    while found < RECORDS:
        assert time.monotonic() < until, "%d records after 60 s" % found
        for message in consumer.consume(5000, 1.0):
            assert not message.error(), message.error()
            assert message.offset() == found and zlib.crc32(message.value()) == zlib.crc32(value(found)), "record %d is not what was sent" % found
            found += 1
    consumer.close()


encrypted = started("encrypted", ["broker.tls.certificate=" + certificates.server, "broker.tls.key=" + certificates.server_key])
trust = {"security.protocol": "ssl", "ssl.ca.location": certificates.authority, "ssl.endpoint.identification.algorithm": "none"}
fill(encrypted, "events", trust)


@checks.check("an encrypted connection reads what lies on the disk")
def _():
    for isolation in ("read_uncommitted", "read_committed"):
        read(encrypted, "events", trust, isolation)


encrypted.stop()
server = started("plain", [])
admin = KafkaAdminClient(bootstrap_servers=server.endpoints["broker"])
admin.create_topics([NewTopic(name, 1, 1, topic_configs={"segment.bytes": str(8 << 20)}) for name in ("events", "gone")])
admin.close()
fill(server, "events", {})
fill(server, "gone", {})


@checks.check("a plain connection reads what lies on the disk")
def _():
    for isolation in ("read_uncommitted", "read_committed"):
        read(server, "events", {}, isolation)


def asked(topic):
    """A connection that has asked for 6 MB from the beginning of a topic and has taken nothing of the answer."""
    raw = Raw(server.endpoints["broker"])
    partition = FetchRequest.FetchTopic.FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=6 << 20)
    request = FetchRequest(
        replica_id=-1, max_wait_ms=100, min_bytes=1, max_bytes=6 << 20, isolation_level=IsolationLevel.READ_UNCOMMITTED, session_id=0, session_epoch=-1,
        topics=[FetchRequest.FetchTopic(topic=topic, partitions=[partition])], forgotten_topics_data=[], rack_id="")
    request.API_VERSION = 12
    raw.protocol.send_request(request)
    raw.socket.sendall(raw.protocol.send_bytes())
    time.sleep(0.5)
    return raw


def taken(raw):
    """The rest of the answer; every record of it must be what was sent. Returns how many there are."""
    responses = []
    while not responses:
        data = raw.socket.recv(1 << 20)
        assert data, "the broker closed the connection"
        responses = raw.protocol.receive_bytes(data)
    partition = responses[0][1].responses[0].partitions[0]
    assert partition.error_code == 0, partition.error_code
    records, found = MemoryRecords(partition.records), 0
    while records.has_next():
        for record in records.next_batch():
            assert record.offset == found and record.value == value(found), "record %d is not what was sent" % found
            found += 1
    raw.close()
    return found


@checks.check("an answer on its way is whole though its topic is deleted")
def _():
    raw = asked("gone")
    admin = KafkaAdminClient(bootstrap_servers=server.endpoints["broker"])
    admin.delete_topics(["gone"])
    admin.close()
    time.sleep(1)
    assert taken(raw) > 4000


@checks.check("an answer on its way is whole though its records are deleted")
def _():
    from kafka import TopicPartition as Place

    raw = asked("events")
    admin = KafkaAdminClient(bootstrap_servers=server.endpoints["broker"])
    admin.delete_records({Place("events", 0): RECORDS - 1})
    admin.close()
    time.sleep(1)
    assert taken(raw) > 4000


status = checks.finish()
server.stop()
sys.exit(status)
