"""Three brokers as processes of their own, under load, with real faults. Usage: kafka_cluster.py PROGRAM DATA_DIRECTORY [ROUNDS] [SEED]

Idempotent producers (librdkafka, acks=all) write numbered records, a group of consumers reads and commits, and a transactional copier moves records from
one topic to another. Meanwhile leaders are killed (-9), stopped (SIGSTOP) and continued, restarted one after the other, and all are killed at once. In the
end: every acknowledged record is there once and in order, every replica is in sync again and holds the same, no committed offset went back, and the copy
is exact. The longest pause between two acknowledgements after each fault is told.
"""
import collections
import random
import signal
import sys
import threading
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from kafka.protocol.admin import DescribeClusterRequest

from checks import Findings
from kafka_raw import Raw
from platform_child import ServerProcess, free_port, stop_all

PARTITIONS = 6


def watermarks(consumer, topic, partition, seconds=10):
    """A new leader does not know its end before the replicas in sync have asked it once (KIP-207). librdkafka asks three times within a moment and gives up."""
    end = time.monotonic() + seconds
    while True:
        try:
            return consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.OFFSET_NOT_AVAILABLE or time.monotonic() > end:
                raise
            time.sleep(0.05)


class Broker(ServerProcess):
    def __init__(self, program, directory, number, peers, extra=()):
        self.port, self.number = free_port(), number
        arguments = [
            program, "broker", "serve", "--id", str(number), "--peers", peers, "--listen", "127.0.0.1:%d" % self.port,
            "--data-dir", "%s/broker-%d" % (directory, number), "--set", "console.listen=127.0.0.1:%d" % free_port(),
            "--set", "broker.session-timeout-min.ms=1000", "--set", "log.level=info", *extra,
        ]
        super().__init__(arguments, "broker %d" % number)


class Cluster:
    def __init__(self, program, directory, count=3, extra=()):
        self.brokers = self.made(program, directory, count, extra)
        for broker in self.brokers:
            broker.start()
        for broker in self.brokers:
            broker.wait_ready()
        self.admin = AdminClient({"bootstrap.servers": self.servers, "log_level": 0})
        self.wait(lambda: len(self.admin.list_topics(timeout=5).brokers) == count, "all brokers in the metadata")

    def made(self, program, directory, count, extra):
        ports = [free_port() for _ in range(count)]
        peers = ",".join("%d=127.0.0.1:%d" % (place + 1, port) for place, port in enumerate(ports))
        return [Broker(program, directory, place + 1, peers, extra) for place in range(count)]

    @property
    def servers(self):
        return ",".join(broker.address for broker in self.brokers)

    def wait(self, holds, what, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if holds():
                    return
            except KafkaException:
                pass
            time.sleep(0.1)
        raise RuntimeError("not within %d s: %s" % (seconds, what))

    def alive(self):
        """The brokers that are there; the metadata names those that have just gone as well."""
        for broker in self.brokers:
            try:
                raw = Raw(broker.address, 5)
                found = raw.ask(DescribeClusterRequest(include_cluster_authorized_operations=False), 0).brokers
                raw.close()
                return sorted(one.broker_id for one in found)
            except OSError:
                pass
        return []

    def create(self, name, partitions=PARTITIONS, factor=3, **config):
        self.admin.create_topics([NewTopic(name, partitions, factor, config={k.replace("_", "."): str(v) for k, v in config.items()})])[name].result(20)

    def partitions(self, name):
        return self.admin.list_topics(name, timeout=5).topics[name].partitions

    def wait_in_sync(self, *names):
        self.wait(lambda: all(len(p.isrs) == 3 and p.leader >= 0 for name in names for p in self.partitions(name).values()), "all replicas in sync: %s" % (names,))

    def leader(self, name, partition=0):
        return next(b for b in self.brokers if b.number == self.partitions(name)[partition].leader)

    def finish(self, checks):
        """Stops the brokers; returns the status of the checks, and prints what the brokers said last if one failed."""
        try:
            status = checks.finish()
            if status:
                for each in self.brokers:
                    print("--- broker %d\n%s" % (each.number, each.tail()[-2500:]), file=sys.stderr)
            return status
        finally:
            self.stop()

    def stop(self):
        stop_all(self.brokers)


class Writer(threading.Thread):
    """Numbers records of each partition; an acknowledged number must be found once, in order."""

    def __init__(self, servers, topic, **settings):
        super().__init__(daemon=True)
        self.topic, self.halt = topic, threading.Event()
        self.acknowledged = collections.defaultdict(list)
        self.times, self.failures = collections.defaultdict(list), []
        self.producer = Producer({
            "bootstrap.servers": servers, "enable.idempotence": True, "acks": "all", "linger.ms": 2, "log_level": 0,
            "retry.backoff.ms": 20, "retry.backoff.max.ms": 100, "topic.metadata.refresh.fast.interval.ms": 50, "reconnect.backoff.ms": 20,
            "reconnect.backoff.max.ms": 200, "message.timeout.ms": 60000, "socket.timeout.ms": 2500, **settings,
        })

    def run(self):
        number = 0
        while not self.halt.is_set():
            for partition in range(PARTITIONS):
                self.producer.produce(self.topic, b"%d" % number, partition=partition, on_delivery=self.delivered)
            number += 1
            self.producer.poll(0.005)
        self.producer.flush(60)

    def delivered(self, error, message):
        if error is None:
            self.acknowledged[message.partition()].append((int(message.value()), message.offset()))
            self.times[message.partition()].append(time.monotonic())
        else:
            self.failures.append(str(error))

    @property
    def count(self):
        return sum(map(len, self.acknowledged.values()))

    def pause_since(self, start):
        """The longest time in which a partition acknowledged nothing, in seconds."""
        return max(self.pause_of(partition, start) for partition in range(PARTITIONS))

    def pause_of(self, partition, start):
        times = [start] + [t for t in list(self.times[partition]) if t >= start]
        return max((b - a for a, b in zip(times, times[1:])), default=float("inf"))


class Reader(threading.Thread):
    """A member of a group: commits what it has read and never sees a committed offset go back."""

    def __init__(self, servers, topic, group):
        super().__init__(daemon=True)
        self.halt, self.errors, self.seen, self.commits = threading.Event(), [], collections.Counter(), 0
        self.committed = {}
        self.consumer = Consumer({
            "bootstrap.servers": servers, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False, "log_level": 0,
            "session.timeout.ms": 6000, "heartbeat.interval.ms": 500, "reconnect.backoff.max.ms": 200, "socket.timeout.ms": 2500,
            "topic.metadata.refresh.fast.interval.ms": 50,
        })
        self.consumer.subscribe([topic], on_assign=self.assigned)

    def assigned(self, consumer, partitions):
        try:
            for found in consumer.committed(partitions, timeout=10):
                before = self.committed.get(found.partition, -1)
                if found.offset >= 0 and found.offset < before:
                    self.errors.append("partition %d: committed offset went from %d to %d" % (found.partition, before, found.offset))
        except KafkaException:
            pass

    def run(self):
        last = time.monotonic()
        while not self.halt.is_set():
            message = self.consumer.poll(0.2)
            if message is not None and message.error() is None:
                self.seen[(message.partition(), int(message.value()))] += 1
            if time.monotonic() - last > 0.3:
                last = time.monotonic()
                try:
                    for done in self.consumer.commit(asynchronous=False) or []:
                        if done.error is None and done.offset >= 0:
                            self.committed[done.partition] = max(done.offset, self.committed.get(done.partition, -1))
                            self.commits += 1
                except KafkaException:
                    pass
        self.consumer.close()


class Copier(threading.Thread):
    """Reads a topic and writes it to another, records and offsets in one transaction each.

    send_offsets_to_transaction of librdkafka can wait for ever, whatever its timeout, once a broker left its metadata (its issues 5456 and 5511). A worker
    that is not heard of for long is therefore left behind, and another one takes its transactional id over, as a person would restart the process.
    """

    STUCK = 30

    def __init__(self, servers, source, target):
        super().__init__(daemon=True)
        self.servers, self.source, self.target = servers, source, target
        self.halt, self.transactions, self.failures, self.left_behind = threading.Event(), 0, [], 0
        self.began, self.step, self.heard = time.monotonic(), "", time.monotonic()

    def run(self):
        while not self.halt.is_set():
            left = threading.Event()
            worker = threading.Thread(target=self.work, args=(left,), daemon=True)
            self.heard = time.monotonic()
            worker.start()
            while worker.is_alive() and time.monotonic() - self.heard < self.STUCK:
                worker.join(0.2)
            if worker.is_alive():
                left.set()
                self.left_behind += 1
                self.failures.append("%s: not heard of for %d s" % (self.step, self.STUCK))

    def work(self, left):
        while not self.halt.is_set() and not left.is_set():
            try:
                self.copy(left)
            except KafkaException as error:
                if not left.is_set():
                    self.failures.append("%s: begins anew: %s" % (self.step, error))
                time.sleep(0.2)

    def at(self, step, left):
        if not left.is_set():
            self.heard = time.monotonic()
            self.step = "%.1f s: %s" % (self.heard - self.began, step)

    def copy(self, left):
        consumer = Consumer({
            "bootstrap.servers": self.servers, "group.id": "copier", "auto.offset.reset": "earliest", "enable.auto.commit": False, "log_level": 0,
            "isolation.level": "read_committed", "session.timeout.ms": 6000, "socket.timeout.ms": 2500,
            # Who is left behind leaves the group after this; the others would wait for it five minutes.
            "max.poll.interval.ms": 20000,
        })
        producer = Producer({
            "bootstrap.servers": self.servers, "transactional.id": "copier", "log_level": 0, "transaction.timeout.ms": 20000, "socket.timeout.ms": 2500,
            "retry.backoff.max.ms": 200, "reconnect.backoff.max.ms": 200, "topic.metadata.refresh.fast.interval.ms": 50,
        })
        try:
            self.at("takes the transactional id over", left)
            producer.init_transactions(20)
            # With a callback partitions change hands while records are asked for, and never between those and the offsets that are committed for them.
            consumer.subscribe([self.source], on_assign=lambda *_: None)
            while not self.halt.is_set() and not left.is_set():
                self.at("reads", left)
                messages = [m for m in consumer.consume(500, 0.3) if m.error() is None]
                if not messages:
                    continue
                self.at("writes", left)
                producer.begin_transaction()
                try:
                    for message in messages:
                        producer.produce(self.target, message.value(), partition=message.partition())
                    ends = {}
                    for message in messages:
                        ends[message.partition()] = message.offset() + 1
                    self.at("sends offsets", left)
                    producer.send_offsets_to_transaction(
                        [TopicPartition(self.source, p, o) for p, o in ends.items()], consumer.consumer_group_metadata(), 15)
                    self.at("commits", left)
                    producer.commit_transaction(20)
                    self.transactions += 1
                except KafkaException as error:
                    if error.args[0].fatal():
                        raise
                    self.failures.append("%s: %s" % (self.step, error))
                    self.at("aborts", left)
                    producer.abort_transaction(20)
                    # What was read and not committed is read again.
                    self.at("asks what is committed", left)
                    positions = consumer.committed(consumer.assignment(), 10)
                    for position in positions:
                        consumer.seek(TopicPartition(position.topic, position.partition, max(0, position.offset)))
        finally:
            self.at("closes", left)
            consumer.close()


def read_all(servers, topic, isolation="read_committed", idle=4.0):
    consumer = Consumer({
        "bootstrap.servers": servers, "group.id": "audit-%d" % random.randrange(1 << 30), "enable.auto.commit": False, "log_level": 0,
        "isolation.level": isolation, "auto.offset.reset": "earliest", "enable.partition.eof": True,
    })
    consumer.assign([TopicPartition(topic, p, 0) for p in range(PARTITIONS)])
    found, ended = collections.defaultdict(list), set()
    last = time.monotonic()
    while len(ended) < PARTITIONS and time.monotonic() - last < idle + 10:
        message = consumer.poll(0.5)
        if message is None:
            continue
        last = time.monotonic()
        if message.error() is None:
            found[message.partition()].append((int(message.value()), message.offset()))
        elif message.error().code() == KafkaError._PARTITION_EOF:
            ended.add(message.partition())
    consumer.close()
    return found


def audit(check, writer, cluster):
    found = read_all(cluster.servers, writer.topic)
    for partition in range(PARTITIONS):
        numbers = [number for number, _ in found[partition]]
        acknowledged = writer.acknowledged[partition]
        present, numbers_present = set(found[partition]), set(numbers)
        # A batch that was sent again long after the broker took it is acknowledged without its offset.
        missing = [(number, offset) for number, offset in acknowledged if number not in numbers_present or (offset is not None and (number, offset) not in present)]
        check.equal(missing[:5], [], "partition %d: every acknowledged record lies where it was said to" % partition)
        twice = {number for number, times in collections.Counter(numbers).items() if times > 1}
        check.equal([place for place in found[partition] if place[0] in twice], [], "partition %d: no record is there twice" % partition)
        check.equal(numbers, sorted(numbers), "partition %d: the records are in order" % partition)
    return found


def faults(cluster, writer, rng, rounds, say):
    for number in range(rounds):
        kind = ["kill leader", "stop leader", "rolling restart", "kill all", "kill two"][number % 5]
        time.sleep(1.0)
        start = time.monotonic()
        if kind == "kill leader":
            victim = cluster.leader(writer.topic, rng.randrange(PARTITIONS))
            victim.send(signal.SIGKILL)
            time.sleep(3)
            victim.start()
            victim.wait_ready()
        elif kind == "stop leader":
            victim = cluster.leader(writer.topic, rng.randrange(PARTITIONS))
            victim.send(signal.SIGSTOP)
            time.sleep(6)
            victim.send(signal.SIGCONT)
        elif kind == "rolling restart":
            for broker in cluster.brokers:
                broker.process.terminate()
                broker.process.wait(15)
                broker.start()
                broker.wait_ready()
                cluster.wait_in_sync(writer.topic)
        elif kind == "kill all":
            for broker in cluster.brokers:
                broker.send(signal.SIGKILL)
            for broker in cluster.brokers:
                broker.start()
            for broker in cluster.brokers:
                broker.wait_ready()
        else:
            victims = rng.sample(cluster.brokers, 2)
            for victim in victims:
                victim.send(signal.SIGKILL)
            time.sleep(1)
            for victim in victims:
                victim.start()
                victim.wait_ready()
        cluster.wait_in_sync(writer.topic)
        time.sleep(1.0)
        say("%s: writes paused for %.0f ms" % (kind, writer.pause_since(start) * 1000))


def wait_for_copy(cluster, copier, total):
    """Until all is copied, or nothing was for longer than a copier takes to be replaced."""
    copied, last = 0, time.monotonic()
    while copied < total and time.monotonic() - last < 3 * Copier.STUCK:
        time.sleep(0.5)
        before, copied = copied, sum(map(len, read_all(cluster.servers, "copy").values()))
        if copied != before:
            last = time.monotonic()
    if copied < total:
        print("the copier is at '%s'; %s" % (copier.step, "; ".join(failure[:200] for failure in copier.failures[-10:])), flush=True)


def main():
    program, directory = sys.argv[1], sys.argv[2]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    rng = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    check = Findings()
    cluster = Cluster(program, directory)
    try:
        for name in ("numbers", "copy"):
            cluster.create(name)
        cluster.wait_in_sync("numbers", "copy")
        writer = Writer(cluster.servers, "numbers")
        readers = [Reader(cluster.servers, "numbers", "readers") for _ in range(2)]
        copier = Copier(cluster.servers, "numbers", "copy")
        threads = [writer, copier] + readers
        for thread in threads:
            thread.start()
        faults(cluster, writer, rng, rounds, lambda text: print(text, flush=True))
        writer.halt.set()
        writer.join(90)
        check.equal(writer.failures[:3], [], "no record was given up by its producer")
        check.true(writer.count > 500, "records were acknowledged")
        found = audit(check, writer, cluster)
        total = sum(map(len, found.values()))
        end = time.monotonic() + 60
        while time.monotonic() < end and len(readers[0].seen | readers[1].seen) < total:
            time.sleep(0.5)
        check.equal(len(readers[0].seen | readers[1].seen), total, "the group has read everything")
        check.equal([e for r in readers for e in r.errors], [], "no committed offset went back")
        wait_for_copy(cluster, copier, total)
        for thread in threads[1:]:
            thread.halt.set()
        for thread in threads[1:]:
            thread.join(40)
        copied = read_all(cluster.servers, "copy")
        for partition in range(PARTITIONS):
            copy, source = [n for n, _ in copied[partition]], [n for n, _ in found[partition]]
            place = next((i for i, (a, b) in enumerate(zip(copy, source)) if a != b), min(len(copy), len(source)))
            check.true(copy == source, "partition %d: the copy is exact" % partition, "%d and %d records; from %d on the copy has %s, the source %s" % (
                len(copy), len(source), place, copied[partition][place:place + 5], found[partition][place:place + 5]))
        print("%d records, %d transactions (%d attempts failed, %d copiers were left behind), %d commits" % (
            total, copier.transactions, len(copier.failures), copier.left_behind, sum(r.commits for r in readers)))
    except BaseException:
        for broker in cluster.brokers:
            print("--- broker %d\n%s" % (broker.number, broker.tail()), file=sys.stderr)
        raise
    finally:
        cluster.stop()
    return check.finish()


if __name__ == "__main__":
    sys.exit(main())
