#!/usr/bin/env python3
"""Checks a broker with kafka-python, a client that nobody here wrote.

usage: kafka_check.py HOST:PORT [--no-auto-create]
Prints a line per check and 'N passed, N failed'; the exit code is 1 if one failed. Topics get names of their own in each run.
"""
import sys
import threading
import time
import traceback
import uuid

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewPartitions, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError, UnknownTopicOrPartitionError

server = sys.argv[1]
auto_create = "--no-auto-create" not in sys.argv
run = uuid.uuid4().hex[:8]
checks = []


def check(function):
    checks.append(function)
    return function


def topic(name, partitions=1, **configs):
    """Makes a topic and returns its name."""
    name = f"{name}-{run}"
    admin = KafkaAdminClient(bootstrap_servers=server)
    admin.create_topics([NewTopic(name=name, num_partitions=partitions, replication_factor=1, topic_configs=configs)])
    admin.close()
    return name


def consume(name, count, **options):
    """Reads `count` records from the beginning, or fails after ten seconds."""
    settings = dict(bootstrap_servers=server, auto_offset_reset="earliest", consumer_timeout_ms=10000)
    settings.update(options)
    consumer = KafkaConsumer(name, **settings)
    records = []
    for record in consumer:
        records.append(record)
        if len(records) == count:
            break
    consumer.close()
    assert len(records) == count, f"{len(records)} of {count} records"
    return records


@check
def mission_program():
    """The mission's program as it is written."""
    if not auto_create:
        topic_name = topic("my_topic")
    else:
        topic_name = f"my_topic-{run}"
    producer = KafkaProducer(bootstrap_servers=server)
    producer.send(topic_name, b"my_message")
    producer.flush()
    for message in KafkaConsumer(topic_name, bootstrap_servers=server, auto_offset_reset="earliest", consumer_timeout_ms=10000):
        assert message.value == b"my_message"
        return
    raise AssertionError("nothing arrived")


@check
def long_poll_wakes():
    """A consumer that waits at the end gets a record as soon as it is produced."""
    name = topic("wake")
    consumer = KafkaConsumer(bootstrap_servers=server, fetch_max_wait_ms=5000)
    consumer.assign([TopicPartition(name, 0)])
    consumer.seek_to_end()
    consumer.poll(timeout_ms=200)
    producer = KafkaProducer(bootstrap_servers=server)
    delays = []
    for number in range(20):
        threading.Timer(0.05, lambda: producer.send(name, str(time.time()).encode())).start()
        deadline = time.time() + 5
        found = {}
        while not found and time.time() < deadline:
            found = consumer.poll(timeout_ms=2000)
        for records in found.values():
            delays.append(time.time() - float(records[0].value))
    assert len(delays) == 20, len(delays)
    median = sorted(delays)[10]
    # A broker that does not wake up answers at the end of the wait, after seconds.
    assert median < 0.5, f"median {median * 1000:.1f} ms"
    print(f"      (median from send to receipt {median * 1000:.1f} ms)")


@check
def keys_headers_timestamps():
    name = topic("fields")
    producer = KafkaProducer(bootstrap_servers=server)
    sent = [(f"k{n}".encode(), f"v{n}".encode(), [("h", str(n).encode()), ("empty", b"")], 1_700_000_000_000 + n) for n in range(50)]
    for key, value, headers, stamp in sent:
        producer.send(name, key=key, value=value, headers=headers, timestamp_ms=stamp)
    producer.send(name, key=b"tombstone", value=None)
    producer.flush()
    got = consume(name, 51)
    for (key, value, headers, stamp), record in zip(sent, got):
        assert (record.key, record.value, list(record.headers), record.timestamp) == (key, value, headers, stamp), record
    assert got[-1].key == b"tombstone" and got[-1].value is None
    assert [record.offset for record in got] == list(range(51))


@check
def four_partitions_in_order():
    name = topic("ordered", 4)
    producer = KafkaProducer(bootstrap_servers=server, linger_ms=2)
    for n in range(4000):
        producer.send(name, key=str(n % 16).encode(), value=str(n).encode())
    producer.flush()
    got = consume(name, 4000)
    assert {record.partition for record in got} == {0, 1, 2, 3}
    last, home = {}, {}
    for record in got:
        key, n = record.key, int(record.value)
        assert home.setdefault(key, record.partition) == record.partition, "a key changed its partition"
        assert n > last.get(key, -1), "out of order"
        last[key] = n


@check
def group_commits_and_resumes():
    name = topic("resume", 2)
    producer = KafkaProducer(bootstrap_servers=server)
    for n in range(100):
        producer.send(name, partition=n % 2, value=str(n).encode())
    producer.flush()
    group = f"group-{run}"
    settings = dict(bootstrap_servers=server, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False, max_poll_records=10)
    first = KafkaConsumer(name, **settings)
    seen = []
    while len(seen) < 40:
        for records in first.poll(timeout_ms=1000).values():
            seen += [record.value for record in records]
    first.commit()
    first.close()
    second = KafkaConsumer(name, consumer_timeout_ms=10000, **settings)
    rest = []
    for record in second:
        rest.append(record.value)
        if len(seen) + len(rest) == 100:
            break
    committed = second.committed(TopicPartition(name, 0))
    second.close()
    assert sorted(seen + rest, key=int) == [str(n).encode() for n in range(100)], "records were lost or repeated"
    assert committed is not None
    admin = KafkaAdminClient(bootstrap_servers=server)
    offsets = admin.list_group_offsets(group) if hasattr(admin, "list_group_offsets") else admin.list_consumer_group_offsets(group)
    assert offsets, "no offsets listed"
    admin.close()


class Member(threading.Thread):
    """A consumer that polls on a thread of its own, as members of a group do."""

    def __init__(self, name, group, **options):
        super().__init__(daemon=True)
        settings = dict(bootstrap_servers=server, group_id=group, auto_offset_reset="earliest", heartbeat_interval_ms=300, session_timeout_ms=6000)
        settings.update(options)
        self.consumer = KafkaConsumer(name, **settings)
        self.seen = []
        self.share = set()
        self.ends = False
        self.start()

    def run(self):
        while not self.ends:
            for records in self.consumer.poll(timeout_ms=500).values():
                self.seen += [int(record.value) for record in records]
            self.share = set(self.consumer.assignment())
        self.consumer.close()

    def leave(self):
        self.ends = True
        self.join(20)


def wait_until(condition, seconds, complaint):
    deadline = time.time() + seconds
    while not condition():
        assert time.time() < deadline, complaint()
        time.sleep(0.05)


@check
def two_consumers_share_partitions():
    name = topic("shared", 4)
    group = f"shared-{run}"
    first = Member(name, group)
    wait_until(lambda: len(first.share) == 4, 15, lambda: f"one member alone holds {first.share}")
    second = Member(name, group)
    wait_until(lambda: len(first.share) == 2 and len(second.share) == 2, 20, lambda: f"{first.share} and {second.share}")
    assert not first.share & second.share, "a partition has two owners"
    producer = KafkaProducer(bootstrap_servers=server)
    for n in range(40):
        producer.send(name, partition=n % 4, value=str(n).encode())
    producer.flush()
    wait_until(lambda: len(first.seen) + len(second.seen) >= 40, 10, lambda: f"{len(first.seen)} and {len(second.seen)} records")
    assert sorted(first.seen + second.seen) == list(range(40)), "records were lost or repeated"
    assert first.seen and second.seen, "one member got everything"
    second.leave()
    wait_until(lambda: len(first.share) == 4, 15, lambda: "the partitions of the one that left were not taken over")
    first.leave()


@check
def auto_created_topic():
    name = f"made-{run}"
    producer = KafkaProducer(bootstrap_servers=server, max_block_ms=3000)
    if auto_create:
        producer.send(name, b"x").get(timeout=60)
        assert consume(name, 1)[0].value == b"x"
    else:
        try:
            producer.send(name, b"x").get(timeout=5)
        except KafkaError:
            return
        raise AssertionError("a missing topic took a record")


@check
def admin_topics():
    name = topic("admin", 3, **{"retention.ms": "3600000"})
    admin = KafkaAdminClient(bootstrap_servers=server)
    assert name in admin.list_topics()
    try:
        admin.create_topics([NewTopic(name=name, num_partitions=1, replication_factor=1)])
        raise AssertionError("a topic was made twice")
    except TopicAlreadyExistsError:
        pass
    try:
        admin.create_topics([NewTopic(name=f"r-{run}", num_partitions=1, replication_factor=3)])
        raise AssertionError("three replicas on one broker")
    except KafkaError as error:
        assert "eplication" in str(error), error
    try:
        admin.create_topics([NewTopic(name=f"c-{run}", num_partitions=1, replication_factor=1, topic_configs={"no.such.setting": "1"})])
        raise AssertionError("an unknown setting was taken")
    except KafkaError as error:
        assert "no.such.setting" in str(error) or "onfig" in str(error), error
    admin.create_partitions({name: NewPartitions(5)})
    consumer = KafkaConsumer(bootstrap_servers=server)
    assert consumer.partitions_for_topic(name) == {0, 1, 2, 3, 4}
    consumer.close()
    admin.delete_topics([name])
    assert name not in admin.list_topics()
    try:
        admin.delete_topics([name])
        raise AssertionError("a topic was deleted twice")
    except UnknownTopicOrPartitionError:
        pass
    admin.create_topics([NewTopic(name=name, num_partitions=1, replication_factor=1)])
    producer = KafkaProducer(bootstrap_servers=server)
    assert producer.send(name, b"anew").get(timeout=60).offset == 0, "the topic was not made anew"
    admin.close()


@check
def groups_listed_described_deleted():
    name = topic("groups")
    group = f"described-{run}"
    consumer = KafkaConsumer(name, bootstrap_servers=server, group_id=group, client_id="the-client", auto_offset_reset="earliest")
    deadline = time.time() + 60
    while not consumer.assignment() and time.time() < deadline:
        consumer.poll(timeout_ms=200)
    assert consumer.assignment(), "no assignment"
    consumer.commit({TopicPartition(name, 0): __import__("kafka").structs.OffsetAndMetadata(0, "note", -1)})
    admin = KafkaAdminClient(bootstrap_servers=server)
    listed = str((getattr(admin, "list_groups", None) or admin.list_consumer_groups)())
    assert group in listed, listed
    described = str((getattr(admin, "describe_groups", None) or admin.describe_consumer_groups)([group]))
    assert "Stable" in described and "the-client" in described, described
    consumer.close()
    delete = getattr(admin, "delete_groups", None) or admin.delete_consumer_groups
    delete([group])
    listed = str((getattr(admin, "list_groups", None) or admin.list_consumer_groups)())
    assert group not in listed, listed
    admin.close()


@check
def idempotent_producer():
    name = topic("idempotent")
    producer = KafkaProducer(bootstrap_servers=server, acks="all", enable_idempotence=True, linger_ms=1)
    futures = [producer.send(name, str(n).encode()) for n in range(2000)]
    producer.flush()
    offsets = [future.get(timeout=60).offset for future in futures]
    assert offsets == list(range(2000)), "offsets are not in the order of sending"
    assert [int(record.value) for record in consume(name, 2000)] == list(range(2000))
    producer.close()


@check
def acks_zero_and_one():
    name = topic("acks")
    for acks in (0, 1):
        producer = KafkaProducer(bootstrap_servers=server, acks=acks)
        for n in range(100):
            producer.send(name, str(n).encode())
        producer.flush()
        producer.close()
    assert len(consume(name, 200)) == 200


@check
def large_batches():
    name = topic("large", 1, **{"max.message.bytes": "8000000"})
    producer = KafkaProducer(bootstrap_servers=server, max_request_size=9_000_000)
    big = bytes(range(256)) * 20_000
    assert producer.send(name, big).get(timeout=30).offset == 0
    assert consume(name, 1, max_partition_fetch_bytes=1024)[0].value == big
    small = topic("small")
    try:
        KafkaProducer(bootstrap_servers=server, max_request_size=9_000_000, retries=0).send(small, big).get(timeout=30)
        raise AssertionError("a batch above max.message.bytes was taken")
    except KafkaError as error:
        assert "TooLarge" in type(error).__name__ or "large" in str(error).lower(), error


@check
def batches_of_all_sizes_take_turns():
    name = topic("sizes", 2)
    sizes = [100, 40_000, 10, 500, 70_000, 33_000, 5_000, 2_000]
    seen = []
    reader = threading.Thread(target=lambda: seen.extend(consume(name, 96, max_partition_fetch_bytes=100_000, fetch_min_bytes=50_000, fetch_max_wait_ms=100)))
    reader.start()

    def write(number):
        producer = KafkaProducer(bootstrap_servers=server, linger_ms=number, batch_size=40_000)
        for n in range(24):
            producer.send(name, b"%d %d " % (number, n) + b"x" * sizes[(n + number) % len(sizes)], partition=n % 2)
        producer.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in writers:
        thread.start()
    for thread in writers + [reader]:
        thread.join()
    # Who read along saw what lies in the log, and every producer's records are there, whole and in their order.
    stored = consume(name, 96)
    key = lambda record: (record.partition, record.offset)
    assert [(key(one), one.value) for one in sorted(seen, key=key)] == [(key(one), one.value) for one in sorted(stored, key=key)]
    for number in range(4):
        for partition in range(2):
            own = [one.value for one in stored if one.partition == partition and one.value.startswith(b"%d " % number)]
            assert own == [b"%d %d " % (number, n) + b"x" * sizes[(n + number) % len(sizes)] for n in range(24) if n % 2 == partition], (number, partition)


@check
def gzip_batches():
    name = topic("gzip")
    producer = KafkaProducer(bootstrap_servers=server, compression_type="gzip", linger_ms=20)
    for n in range(500):
        producer.send(name, f"line {n} ".encode() * 20)
    producer.flush()
    got = consume(name, 500)
    assert got[499].value == b"line 499 " * 20 and got[499].offset == 499


@check
def offsets_by_time():
    name = topic("times")
    producer = KafkaProducer(bootstrap_servers=server)
    for n in range(10):
        producer.send(name, str(n).encode(), timestamp_ms=1_600_000_000_000 + n * 1000).get(timeout=60)
    consumer = KafkaConsumer(bootstrap_servers=server)
    place = TopicPartition(name, 0)
    found = consumer.offsets_for_times({place: 1_600_000_004_500})[place]
    assert (found.offset, found.timestamp) == (5, 1_600_000_005_000), found
    assert consumer.offsets_for_times({place: 1_700_000_000_000})[place] is None
    assert consumer.beginning_offsets([place])[place] == 0 and consumer.end_offsets([place])[place] == 10
    consumer.close()


@check
def seek_and_out_of_range():
    name = topic("seek")
    producer = KafkaProducer(bootstrap_servers=server)
    for n in range(20):
        producer.send(name, str(n).encode())
    producer.flush()
    consumer = KafkaConsumer(bootstrap_servers=server, auto_offset_reset="earliest", consumer_timeout_ms=8000)
    place = TopicPartition(name, 0)
    consumer.assign([place])
    consumer.seek(place, 15)
    assert next(consumer).value == b"15"
    consumer.seek(place, 9999)
    assert next(consumer).value == b"0", "an offset out of range was not reset to the beginning"
    consumer.close()


@check
def log_append_time():
    name = topic("appendtime", 1, **{"message.timestamp.type": "LogAppendTime"})
    producer = KafkaProducer(bootstrap_servers=server)
    producer.send(name, b"x", timestamp_ms=1000).get(timeout=60)
    record = consume(name, 1)[0]
    assert record.timestamp_type == 1 and abs(record.timestamp / 1000 - time.time()) < 60, record


@check
def settings_described():
    name = topic("described", 1, **{"retention.ms": "1234567"})
    from kafka.admin import ConfigResource, ConfigResourceType
    admin = KafkaAdminClient(bootstrap_servers=server)
    text = str(admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)]))
    assert "retention.ms" in text and "1234567" in text, text
    admin.close()


passed = failed = 0
only = [argument for argument in sys.argv[2:] if not argument.startswith("--")]
for function in checks:
    if only and function.__name__ not in only:
        continue
    began = time.time()
    try:
        function()
        passed += 1
        print(f"ok    {function.__name__} ({time.time() - began:.2f} s)", flush=True)
    except Exception as error:  # a check may fail in any way; each is reported
        failed += 1
        print(f"FAIL  {function.__name__}: {error!r}", flush=True)
        traceback.print_exc(limit=4)
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
