"""A share group under load while the leaders of its partitions are killed, stopped and restarted. Usage: kafka_share_faults.py PROGRAM DATA_DIRECTORY [ROUNDS] [SEED]

Four ShareConsumers (librdkafka) accept what they get, and release some of it; an idempotent producer goes on writing to two partitions of three replicas. In the end:
every acknowledged record was accepted, and none was delivered after its acceptance was confirmed. Where a confirmation was lost with the broker that should have
given it, the record may count as accepted.
"""
import collections
import logging
import random
import signal
import sys
import threading
import time

from confluent_kafka import AcknowledgeType, KafkaException, Producer, ShareConsumer
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource

from checks import Findings
from kafka_cluster import Cluster

program, directory = sys.argv[1:3]
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 6
seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 30)
findings = Findings()


class Ledger:
    """What became of each record."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent, self.accepted, self.unconfirmed = set(), set(), set()
        self.again = []
        self.errors = collections.Counter()


class Member(threading.Thread):
    def __init__(self, servers, ledger, seed):
        super().__init__(daemon=True)
        self.ledger, self.random, self.halt = ledger, random.Random(seed), threading.Event()
        self.consumer = ShareConsumer({
            "bootstrap.servers": servers, "group.id": "faults", "share.acknowledgement.mode": "explicit", "max.poll.records": 50, "log_level": 0,
            "logger": logging.Logger("quiet", logging.CRITICAL), "socket.timeout.ms": 5000})
        self.consumer.subscribe(["shared"])

    def run(self):
        while not self.halt.is_set():
            taken = [message for message in self.consumer.poll(0.3) if message.error() is None]
            kinds = [self.answer(message) for message in taken]
            if taken:
                self.note(taken, kinds, self.commit())
        self.consumer.close()

    def answer(self, message):
        with self.ledger.lock:
            if message.value() in self.ledger.accepted:
                self.ledger.again.append((message.value(), message.delivery_count()))
        released = self.random.random() < 0.05 and message.delivery_count() < 5
        kind = AcknowledgeType.RELEASE if released else AcknowledgeType.ACCEPT
        self.consumer.acknowledge(message, kind)
        return kind

    def commit(self):
        try:
            return {(place.topic, place.partition): error for place, error in self.consumer.commit_sync(10).items()}
        except KafkaException as error:
            self.ledger.errors[error.args[0].name()] += 1
            return {}

    def note(self, taken, kinds, results):
        with self.ledger.lock:
            for message, kind in zip(taken, kinds):
                error = results.get((message.topic(), message.partition()), "no result")
                if error is not None and not isinstance(error, str):
                    self.ledger.errors[error.args[0].name()] += 1
                if kind == AcknowledgeType.ACCEPT:
                    (self.ledger.accepted if error is None else self.ledger.unconfirmed).add(message.value())


def produce(servers, ledger, halt):
    producer = Producer({
        "bootstrap.servers": servers, "enable.idempotence": True, "linger.ms": 5, "log_level": 0, "message.timeout.ms": 60000})

    def delivered(error, message):
        if error is None:
            ledger.sent.add(message.value())

    number = 0
    while not halt.is_set():
        for _ in range(20):
            producer.produce("shared", b"%d" % number, on_delivery=delivered)
            number += 1
        producer.poll(0.02)
    producer.flush(60)


def fault(cluster, rng):
    broker, kind = cluster.leader("shared", rng.randrange(2)), rng.choice(["kill", "stop", "restart"])
    print("%s broker %d" % (kind, broker.number), flush=True)
    if kind == "stop":
        broker.send(signal.SIGSTOP)
        time.sleep(3)
        broker.send(signal.SIGCONT)
    else:
        broker.send(signal.SIGKILL if kind == "kill" else signal.SIGTERM)
        broker.process.wait(20)
        time.sleep(1 if kind == "kill" else 0)
        broker.start()
        broker.wait_ready()
    cluster.wait_in_sync("shared")


print("seed %d" % seed, flush=True)
cluster = Cluster(program, directory)
try:
    cluster.create("shared", 2)
    wanted = {"share.auto.offset.reset": "earliest", "share.record.lock.duration.ms": "3000", "share.delivery.count.limit": "10"}
    entries = [ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in wanted.items()]
    for future in cluster.admin.incremental_alter_configs([ConfigResource(ConfigResource.Type.GROUP, "faults", incremental_configs=entries)]).values():
        future.result(20)
    ledger, halt, rng = Ledger(), threading.Event(), random.Random(seed)
    members = [Member(cluster.servers, ledger, seed + number) for number in range(4)]
    producer = threading.Thread(target=produce, args=(cluster.servers, ledger, halt), daemon=True)
    for thread in members + [producer]:
        thread.start()
    for _ in range(rounds):
        time.sleep(rng.uniform(0.5, 1.5))
        fault(cluster, rng)
    halt.set()
    producer.join()
    end = time.monotonic() + 60
    while time.monotonic() < end and ledger.sent - ledger.accepted - ledger.unconfirmed:
        time.sleep(0.2)
    for member in members:
        member.halt.set()
    for member in members:
        member.join(30)
    missing = sorted(ledger.sent - ledger.accepted - ledger.unconfirmed)
    print("%d records, %d of them accepted without a confirmation, errors %s" % (
        len(ledger.sent), len((ledger.unconfirmed - ledger.accepted) & ledger.sent), dict(ledger.errors)), flush=True)
    findings.true(len(ledger.sent) > 500, "there was a load")
    findings.true(not missing, "every acknowledged record was accepted", "%d were not: %s" % (len(missing), missing[:5]))
    findings.true(not ledger.again, "nothing was delivered after its acceptance was confirmed", "%s" % ledger.again[:5])
finally:
    cluster.stop()
sys.exit(findings.finish())
