#!/usr/bin/env python3
"""Kills a broker under load and verifies that nothing acknowledged is lost.

usage: kafka_kill.py [--rounds N] [--seed N] -- COMMAND...
COMMAND starts the server, which prints a line 'READY broker=HOST:PORT ...'; it must keep its data from one start to the next. In each round
an idempotent producer with acks=all writes to four partitions until the server is killed with SIGKILL at a random moment; after a restart every
acknowledged record must be there, at its offset, once and in order. Prints a line per round and 'N passed, N failed'.
"""
import os
import random
import signal
import subprocess
import sys
import threading
import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import KafkaError

rounds, seed = 20, random.randrange(1 << 30)
arguments = sys.argv[1 : sys.argv.index("--")]
command = sys.argv[sys.argv.index("--") + 1 :]
while arguments:
    flag, value = arguments[0], arguments[1]
    arguments = arguments[2:]
    if flag == "--rounds":
        rounds = int(value)
    elif flag == "--seed":
        seed = int(value)
    else:
        sys.exit(f"unknown flag {flag}")
rng = random.Random(seed)
topic = "kill"
partitions = 4
# Producers whose close failed; kept, since their destructor would try again and complain.
retired = []


def start():
    """Starts the server and returns it with its address."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("READY"):
            address = next(word.split("=")[1] for word in line.split() if word.startswith("broker="))
            return process, address
    sys.exit(f"the server ended before it was ready (exit code {process.wait()})")


def load(address, number, process):
    """Writes until the server is dead; returns what was acknowledged, by partition, as (offset, value)."""
    acknowledged = [[] for _ in range(partitions)]
    lock = threading.Lock()
    producer = KafkaProducer(
        bootstrap_servers=address, acks="all", enable_idempotence=True, linger_ms=rng.choice([0, 1, 5]), delivery_timeout_ms=1000, request_timeout_ms=900,
        max_block_ms=1000, retry_backoff_ms=20)

    def note(value, metadata):
        with lock:
            acknowledged[metadata.partition].append((metadata.offset, value))

    threading.Timer(rng.uniform(0.2, 1.5), lambda: process.send_signal(signal.SIGKILL)).start()
    sequence = 0
    while process.poll() is None:
        value = f"{number}:{sequence}".encode() + b"." * rng.randrange(200)
        try:
            producer.send(topic, partition=sequence % partitions, value=value).add_callback(note, value)
        except Exception:  # the server is gone in the middle of it
            break
        sequence += 1
        if sequence % 50 == 0:
            time.sleep(0.002)
    process.wait()
    try:
        producer.close(timeout=0)
    except KafkaError:  # what was under way has nobody left to go to
        retired.append(producer)
    with lock:
        return [list(records) for records in acknowledged]


def read_all(address):
    """Every record of the topic, by partition, as (offset, value)."""
    consumer = KafkaConsumer(bootstrap_servers=address)
    places = [TopicPartition(topic, p) for p in range(partitions)]
    consumer.assign(places)
    consumer.seek_to_beginning()
    ends = consumer.end_offsets(places)
    records = [[] for _ in places]
    deadline = time.time() + 120
    while any(consumer.position(place) < ends[place] for place in places):
        assert time.time() < deadline, "reading everything took too long"
        for place, batch in consumer.poll(timeout_ms=500).items():
            records[place.partition] += [(record.offset, record.value) for record in batch]
    consumer.close()
    return records


print(f"seed {seed}", flush=True)
passed = failed = 0
expected = [{} for _ in range(partitions)]
server, address = start()
admin = KafkaAdminClient(bootstrap_servers=address)
if topic not in admin.list_topics():
    admin.create_topics([NewTopic(name=topic, num_partitions=partitions, replication_factor=1)])
admin.close()
for number in range(rounds):
    acknowledged = load(address, f"{seed}-{number}", server)
    for p, records in enumerate(acknowledged):
        expected[p].update(records)
    began = time.time()
    server, address = start()
    ready = time.time() - began
    found = read_all(address)
    problems = []
    for p in range(partitions):
        offsets = [offset for offset, _ in found[p]]
        if offsets != sorted(set(offsets)):
            problems.append(f"partition {p}: offsets are not increasing")
        values = [value for _, value in found[p]]
        if len(set(values)) != len(values):
            problems.append(f"partition {p}: {len(values) - len(set(values))} records twice")
        have = dict(found[p])
        lost = [offset for offset, value in expected[p].items() if have.get(offset) != value]
        if lost:
            problems.append(f"partition {p}: {len(lost)} acknowledged records lost or changed, first at offset {min(lost)}")
    count = sum(len(records) for records in acknowledged)
    if problems or count == 0:
        failed += 1
        print(f"FAIL  round {number}: {'; '.join(problems) or 'nothing was acknowledged'}", flush=True)
    else:
        passed += 1
        print(f"ok    round {number}: {count} acknowledged before the kill, {sum(map(len, found))} in the log, ready again after {ready:.2f} s", flush=True)
server.terminate()
server.wait()
print(f"{passed} passed, {failed} failed")
sys.stdout.flush()
os._exit(1 if failed else 0)
