#!/usr/bin/env python3
"""Checks `platform broker mirror` and `bench`: two brokers, topics copied with what confluent-kafka and kafka-python put there, and gone on with.

usage: kafka_mirror_check.py PROGRAM DIRECTORY
Starts both brokers itself. Prints a line per check and 'N passed, N failed'.
"""
import json
import os
import random
import signal
import subprocess
import sys
import time

import confluent_kafka
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from checks import Checks
from platform_child import PlatformChild

program, directory = sys.argv[1:3]
checks = Checks()
servers = []
for name in ("source", "target"):
    os.makedirs(os.path.join(directory, name), exist_ok=True)
    server = PlatformChild(program, os.path.join(directory, name), "broker", ["broker.listen"])
    server.start()
    servers.append(server)
source, target = [server.endpoints["broker"] for server in servers]


def verb(*words):
    ran = subprocess.run([program, "broker"] + list(words) + ["--server", source, "-o", "json"], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def records(address, topic, count):
    consumer = KafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest", consumer_timeout_ms=5000, isolation_level="read_committed")
    places = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic))]
    consumer.assign(places)
    found = []
    for record in consumer:
        found.append((record.partition, record.key, record.value, tuple(record.headers), record.timestamp))
        if len(found) == count:
            break
    consumer.close()
    return sorted(found, key=lambda one: one[0])


admin = AdminClient({"bootstrap.servers": source})


@checks.check("partitions, keys, headers, times, tombstones and settings are copied")
def _():
    admin.create_topics([NewTopic("team-a", 3, 1, config={"retention.ms": "123456789"}), NewTopic("other", 1, 1)])["team-a"].result(10)
    producer = KafkaProducer(bootstrap_servers=source, compression_type="gzip")
    for n in range(300):
        value = None if n % 10 == 0 else b"value %d" % n
        producer.send("team-a", value, key=b"k%d" % n, partition=n % 3, headers=[("n", b"%d" % n), ("none", b"")], timestamp_ms=1_600_000_000_000 + n)
    producer.flush()
    assert verb("mirror", "team-*", "--to", target) == [{"topic": "team-a", "partitions": 3, "records": 300}]
    assert records(target, "team-a", 300) == records(source, "team-a", 300)
    resource = ConfigResource(ResourceType.TOPIC, "team-a")
    asked = AdminClient({"bootstrap.servers": target})
    settings = asked.describe_configs([resource])[resource].result(10)
    assert settings["retention.ms"].value == "123456789"


@checks.check("the next run goes on where the last one stood")
def _():
    assert verb("mirror", "team-a", "--to", target)[0]["records"] == 0
    producer = KafkaProducer(bootstrap_servers=source)
    for n in range(7):
        producer.send("team-a", b"later %d" % n, partition=1)
    producer.flush()
    assert verb("mirror", "team-a", "--to", target)[0]["records"] == 7
    assert records(target, "team-a", 307) == records(source, "team-a", 307)


@checks.check("batches of every codec are opened, small and large, at every level")
def _():
    random.seed(5)
    words = ["".join(random.choices("abcdefgh", k=random.randrange(1, 9))) for _ in range(300)]
    for codec, level in (("gzip", 6), ("snappy", 0), ("lz4", 3), ("zstd", 1), ("zstd", 3), ("zstd", 12)):
        topic = "codec-%s-%d" % (codec, level)
        producer = confluent_kafka.Producer({"bootstrap.servers": source, "compression.type": codec, "compression.level": level, "linger.ms": 20})
        lines = ["same"] * 50 + ["%d" % n for n in range(500)]
        for size in (3, 30, 300, 3000, 30000):
            lines += [" ".join(random.choices(words, k=size)) for _ in range(5)]
        lines += ["".join(random.choices("0123456789abcdef", k=20000)) for _ in range(3)] + ["z" * 100000]
        for line in lines:
            producer.produce(topic, line)
        producer.flush(20)
        ran = subprocess.run([program, "broker", "consume", topic, "--from", "beginning", "--until-end", "--server", source], capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.splitlines() == lines, topic


@checks.check("records of aborted transactions stay behind")
def _():
    producer = confluent_kafka.Producer({"bootstrap.servers": source, "transactional.id": "copies"})
    producer.init_transactions(10)
    for kind in ("kept", "dropped", "kept"):
        producer.begin_transaction()
        for n in range(5):
            producer.produce("transfers", f"{kind} {n}")
        producer.commit_transaction(10) if kind == "kept" else producer.abort_transaction(10)
    assert verb("mirror", "transfers", "--to", target)[0]["records"] == 10
    consumer = KafkaConsumer("transfers", bootstrap_servers=target, auto_offset_reset="earliest", consumer_timeout_ms=2000)
    assert [record.value.split()[0] for record in consumer] == [b"kept"] * 10


@checks.check("a copy that follows brings what comes, and outlives a kill without loss")
def _():
    admin.create_topics([NewTopic("stream", 2, 1)])["stream"].result(10)
    producer = KafkaProducer(bootstrap_servers=source)
    command = [program, "broker", "mirror", "stream", "--to", target, "--follow", "--server", source]
    sent = 0
    for round in range(3):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            producer.send("stream", b"%d" % sent, partition=sent % 2)
            sent += 1
            time.sleep(0.002)
        producer.flush()
        child.send_signal(signal.SIGKILL)
        child.wait()
    verb("mirror", "stream", "--to", target)
    consumer = KafkaConsumer("stream", bootstrap_servers=target, auto_offset_reset="earliest", consumer_timeout_ms=2000)
    found = [int(record.value) for record in consumer]
    assert set(found) == set(range(sent)), "%d are missing" % (sent - len(set(found)))
    print("        %d records, %d of them twice" % (sent, len(found) - sent))


@checks.check("bench measures and leaves nothing behind")
def _():
    rows = verb("bench", "--seconds", "1", "--partitions", "2", "--value-bytes", "100", "--rate", "500")
    assert [row["measured"].split(",")[0] for row in rows] == ["produce", "consume", "end to end"], rows
    assert all(isinstance(row[name], (int, float)) for row in rows for name in row if name != "measured"), rows
    assert rows[0]["records/s"] > 1000 and rows[1]["records/s"] > 1000 and 300 < rows[2]["records/s"] <= 510, rows
    assert "platform-bench" not in admin.list_topics(timeout=10).topics
    print("        " + json.dumps(rows))


status = checks.finish()
for server in servers:
    server.kill()
sys.exit(status)
