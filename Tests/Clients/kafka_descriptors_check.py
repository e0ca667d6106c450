#!/usr/bin/env python3
"""A broker that may open no file any more hands records out through memory and syncs on the disk thread. Usage: kafka_descriptors_check.py PROGRAM DATA_DIRECTORY

The limit of open files of the running broker is set below what it has open, and back again.
"""
import os
import resource
import socket
import sys
import time
import urllib.request

from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from kafka.protocol.consumer import FetchRequest
from kafka.protocol.metadata import MetadataRequest

from checks import Checks
from kafka_raw import Raw
from platform_child import PlatformChild

program, directory = sys.argv[1:3]
checks = Checks()
server = PlatformChild(program, directory, "broker", ["broker.listen"], ["broker.durability=interval", "broker.flush-interval.ms=3600000"])
server.start()
address = server.endpoints["broker"]


def fetch(connection, name):
    Topic = FetchRequest.FetchTopic
    part = Topic.FetchPartition(
        partition=0, fetch_offset=0, partition_max_bytes=1 << 20, current_leader_epoch=-1, log_start_offset=-1, last_fetched_epoch=-1)
    request = FetchRequest(
        replica_id=-1, max_wait_ms=1000, min_bytes=1, max_bytes=1 << 20, isolation_level=0, session_id=0, session_epoch=-1,
        topics=[Topic(topic=name, partitions=[part])], forgotten_topics_data=[], rack_id="")
    answer = connection.ask(request, 11).responses[0].partitions[0]
    assert answer.error_code == 0, answer.error_code
    return bytes(answer.records or b"")


class NoDescriptors:
    """While it is entered the broker opens nothing."""

    def __enter__(self):
        pid = server.process.pid
        self.before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(os.listdir("/proc/%d/fd" % pid)) // 2, self.before[1]))

    def __exit__(self, *_):
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, self.before)


def is_served():
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.settimeout(1)
        connection.sendall(bytes.fromhex("0000000a" "0012" "0000" "00000001" "ffff"))
        try:
            return len(connection.recv(4)) == 4
        except (TimeoutError, ConnectionError):
            return False


def syncs():
    text = urllib.request.urlopen("http://%s/metrics" % server.endpoints["console"], timeout=10).read().decode()
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("platform_store_fsync_duration_seconds_count") and "broker" in line)


@checks.check("records on the disk are handed out through memory, byte by byte the same")
def _():
    producer = KafkaProducer(bootstrap_servers=address, linger_ms=0, batch_size=0)
    for _ in range(12):
        producer.send("disk", os.urandom(20_000)).get(10)
    producer.close()
    # After a start nothing is kept in memory.
    server.stop()
    server.start()
    connection = Raw(address)
    connection.ask(MetadataRequest(topics=[], allow_auto_topic_creation=False), 5)
    with NoDescriptors():
        through_memory = fetch(connection, "disk")
        assert not is_served(), "the broker could open a connection, so the limit is none"
    assert len(through_memory) > 200_000
    assert is_served() and fetch(Raw(address), "disk") == through_memory


@checks.check("a topic with flush.ms is synced, and goes on")
def _():
    admin = KafkaAdminClient(bootstrap_servers=address)
    admin.create_topics([NewTopic("timed", 1, 1, topic_configs={"flush.ms": "300"})])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=address, linger_ms=0)
    producer.send("timed", b"first").get(10)
    time.sleep(1)
    before = syncs()
    with NoDescriptors():
        producer.send("timed", b"second").get(10)
        time.sleep(1)
        producer.send("timed", b"third").get(10)
        time.sleep(1)
    assert syncs() >= before + 2, (before, syncs())
    producer.send("timed", b"fourth").get(10)
    producer.close()
    assert "could not be" not in server.tail(), server.tail()


server.stop()
sys.exit(checks.finish())
