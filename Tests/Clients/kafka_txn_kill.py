#!/usr/bin/env python3
"""Kills a broker while confluent-kafka copies a topic to another one exactly once, in transactions that carry the group's offsets.

usage: kafka_txn_kill.py [--rounds N] [--seed N] PROGRAM DIRECTORY
In each round records are added to the source and copied, and the broker is killed with SIGKILL at a random moment and started again on the same
port and directory. A copier that fails begins anew under the same transactional id, as an application would. After each round every record must
be in the target once, in order for each partition, for readers of committed records; every tenth transaction is aborted on purpose. Prints a
line per round and 'N passed, N failed'.
"""
import random
import sys
import threading
import time

import confluent_kafka
from confluent_kafka.admin import AdminClient, NewTopic

from platform_child import PlatformChild

rounds, seed = 20, random.randrange(1 << 30)
arguments = sys.argv[1:]
while arguments and arguments[0].startswith("--"):
    if arguments[0] == "--rounds":
        rounds = int(arguments[1])
    else:
        seed = int(arguments[1])
    arguments = arguments[2:]
program, directory = arguments
rng = random.Random(seed)
partitions = 2
# With its default strategy librdkafka 2.16 gives up the broker object that its cache of group coordinators still names once every broker was down,
# and the next send_offsets_to_transaction waits for ever.
quiet = {"log_level": 0, "reconnect.backoff.max.ms": 200, "reconnect.backoff.ms": 20, "metadata.recovery.strategy": "none"}


class Copier(threading.Thread):
    """Copies until it is told to stop; what fails is begun anew."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address = address
        self.stopping = False
        self.commits = self.aborts = self.restarts = 0
        self.last = None

    def run(self):
        while not self.stopping:
            try:
                self.copy()
            except confluent_kafka.KafkaException as error:
                self.restarts += 1
                self.last = error
                time.sleep(0.05)

    def copy(self):
        producer = confluent_kafka.Producer({"bootstrap.servers": self.address, "transactional.id": "copier", "transaction.timeout.ms": 5000, **quiet})
        producer.init_transactions(15)
        consumer = confluent_kafka.Consumer({
            "bootstrap.servers": self.address, "group.id": "copiers", "auto.offset.reset": "earliest", "enable.auto.commit": False,
            "isolation.level": "read_committed", "session.timeout.ms": 6000, **quiet})
        places = [confluent_kafka.TopicPartition("source", p) for p in range(partitions)]
        # Assigned by hand: what is tried here are transactions and not rebalances.
        committed = consumer.committed(places, 10)
        consumer.assign([confluent_kafka.TopicPartition(p.topic, p.partition, max(0, p.offset)) for p in committed])
        try:
            while not self.stopping:
                messages = [one for one in consumer.consume(20, 0.1) if not one.error()]
                if not messages:
                    continue
                producer.begin_transaction()
                for one in messages:
                    producer.produce("target", one.value(), partition=one.partition())
                positions = {}
                for one in messages:
                    positions[one.partition()] = one.offset() + 1
                offsets = [confluent_kafka.TopicPartition("source", p, offset) for p, offset in positions.items()]
                producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), 10)
                if (self.commits + self.aborts) % 10 == 9:
                    producer.abort_transaction(10)
                    self.aborts += 1
                    return
                producer.commit_transaction(10)
                self.commits += 1
        finally:
            consumer.close()


def read(address, topic, isolation):
    """Values by partition up to the end that this reader is told."""
    consumer = confluent_kafka.Consumer({
        "bootstrap.servers": address, "group.id": "reader", "isolation.level": isolation, "enable.auto.commit": False, "enable.partition.eof": True, **quiet})
    consumer.assign([confluent_kafka.TopicPartition(topic, p, 0) for p in range(partitions)])
    values, ended, deadline = [[] for _ in range(partitions)], set(), time.time() + 60
    while len(ended) < partitions:
        assert time.time() < deadline, "no end within 60 s"
        message = consumer.poll(1)
        if message is None:
            continue
        if message.error():
            if message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF:
                ended.add(message.partition())
        else:
            values[message.partition()].append(message.value())
    consumer.close()
    return values


def fill(address, number, expected):
    """Adds records to the source; each must have been acknowledged."""
    producer = confluent_kafka.Producer({"bootstrap.servers": address, "enable.idempotence": True, **quiet})
    failures = []
    for n in range(400):
        value = f"{number}:{n}".encode()
        producer.produce("source", value, partition=n % partitions, on_delivery=lambda error, _: failures.append(error) if error else None)
        expected[n % partitions].append(value)
    producer.flush(20)
    assert not failures, failures[0]


print(f"seed {seed}", flush=True)
server = PlatformChild(program, directory, "broker", ["broker.listen"])
server.start()
address = server.endpoints["broker"]
admin = AdminClient({"bootstrap.servers": address, **quiet})
for future in admin.create_topics([NewTopic("source", partitions, 1), NewTopic("target", partitions, 1)]).values():
    future.result(10)
expected = [[] for _ in range(partitions)]
copier = Copier(address)
copier.start()
passed = failed = 0
for number in range(rounds):
    fill(address, number, expected)
    time.sleep(rng.uniform(0.0, 0.15))
    server.kill()
    took = server.start()
    deadline = time.time() + 40
    problem = "nothing was read"
    while problem and time.time() < deadline:
        copied = read(address, "target", "read_committed")
        problem = None
        for p in range(partitions):
            if copied[p] != expected[p][: len(copied[p])]:
                problem = f"partition {p}: record {next(n for n, (a, b) in enumerate(zip(copied[p], expected[p])) if a != b)} is not the one that was sent"
                deadline = 0
            elif len(copied[p]) < len(expected[p]):
                problem = problem or f"partition {p}: {len(copied[p])} of {len(expected[p])} records"
    if problem:
        failed += 1
        print(f"FAIL  round {number}: {problem}; {copier.restarts} new beginnings, the last after {copier.last!r}", flush=True)
        break
    passed += 1
    everything = sum(map(len, read(address, "target", "read_uncommitted")))
    print(
        f"ok    round {number}: {sum(map(len, copied))} copied exactly once ({everything} with the aborted ones), {copier.commits} commits, {copier.aborts} aborts, "
        f"{copier.restarts} new beginnings, ready again after {took:.2f} s", flush=True)
copier.stopping = True
copier.join(20)
status = server.stop()
if status != 0:
    failed += 1
    print(f"FAIL  the broker ended with {status}\n{server.tail()}")
print(f"{passed} passed, {failed} failed", flush=True)
sys.exit(1 if failed else 0)
