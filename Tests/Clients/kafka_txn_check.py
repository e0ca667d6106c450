#!/usr/bin/env python3
"""Checks transactions with confluent-kafka, kafka-python and aiokafka, clients that nobody here wrote, and with single requests for what they do
not do by themselves.

usage: kafka_txn_check.py HOST:PORT [NAME...]
Prints a line per check and 'N passed, N failed'; the exit code is 1 if one failed. Topics and ids get names of their own in each run.
"""
import asyncio
import sys
import time
import traceback
import uuid

import aiokafka
import confluent_kafka
from confluent_kafka.admin import AdminClient
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from kafka.protocol.admin import DescribeProducersRequest, DescribeTransactionsRequest, ListTransactionsRequest
from kafka.protocol.consumer import OffsetFetchRequest
from kafka.protocol.producer import AddPartitionsToTxnRequest, EndTxnRequest, InitProducerIdRequest, ProduceRequest, TxnOffsetCommitRequest
from kafka.record.default_records import DefaultRecordBatchBuilder
from kafka.structs import OffsetAndMetadata

from kafka_raw import Raw

server = sys.argv[1]
run = uuid.uuid4().hex[:8]
checks = []
admin = AdminClient({"bootstrap.servers": server})
INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE, INVALID_PRODUCER_ID_MAPPING, CONCURRENT_TRANSACTIONS = 47, 48, 49, 51
INVALID_RECORD, TRANSACTION_ABORTABLE = 87, 120
OUT_OF_ORDER_SEQUENCE_NUMBER, UNSTABLE_OFFSET_COMMIT, PRODUCER_FENCED, TRANSACTIONAL_ID_NOT_FOUND = 45, 88, 90, 105


def check(function):
    checks.append(function)
    return function


def topic(name, partitions=1):
    name = f"{name}-{run}"
    admin.create_topics([confluent_kafka.admin.NewTopic(name, partitions, 1)])[name].result(10)
    return name


def transactional(name, **options):
    """A confluent-kafka producer that has taken its transactional id over."""
    settings = {"bootstrap.servers": server, "transactional.id": f"{name}-{run}", "linger.ms": 2}
    settings.update({key.replace("_", "."): value for key, value in options.items()})
    producer = confluent_kafka.Producer(settings)
    producer.init_transactions(20)
    return producer


def read(name, isolation, partitions=1):
    """Everything that a reader sees, up to the end that it is told."""
    consumer = confluent_kafka.Consumer({
        "bootstrap.servers": server, "group.id": f"reader-{uuid.uuid4().hex}", "isolation.level": isolation, "enable.auto.commit": False, "enable.partition.eof": True,
        "auto.offset.reset": "earliest"})
    consumer.assign([confluent_kafka.TopicPartition(name, number, 0) for number in range(partitions)])
    values, ended, deadline = [], set(), time.time() + 20
    while len(ended) < partitions:
        assert time.time() < deadline, f"{len(values)} records and no end"
        message = consumer.poll(1)
        if message is None:
            continue
        if message.error():
            assert message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF, message.error()
            ended.add(message.partition())
        else:
            values.append(message.value())
    consumer.close()
    return values


def send(producer, name, values, partition=0):
    for value in values:
        producer.produce(name, value, partition=partition)


@check
def committed_records_are_seen_and_aborted_ones_are_not():
    name = topic("visible")
    producer = transactional("visible")
    producer.begin_transaction()
    send(producer, name, [b"a1", b"a2"])
    producer.flush(10)
    assert read(name, "read_committed") == [], "records of an open transaction are seen"
    assert read(name, "read_uncommitted") == [b"a1", b"a2"]
    producer.commit_transaction(10)
    assert read(name, "read_committed") == [b"a1", b"a2"], "a commit that was answered is not seen at once"
    producer.begin_transaction()
    send(producer, name, [b"b1"])
    producer.flush(10)
    producer.abort_transaction(10)
    producer.begin_transaction()
    send(producer, name, [b"c1"])
    producer.commit_transaction(10)
    assert read(name, "read_committed") == [b"a1", b"a2", b"c1"]
    assert read(name, "read_uncommitted") == [b"a1", b"a2", b"b1", b"c1"]


@check
def many_transactions_over_four_partitions():
    name = topic("many", 4)
    producers = [transactional(f"many{n}") for n in range(3)]
    expected = []
    for round in range(30):
        for index, producer in enumerate(producers):
            producer.begin_transaction()
            values = [f"{round}/{index}/{p}/{n}".encode() for p in range(4) for n in range(5)]
            for value in values:
                producer.produce(name, value, partition=int(value.split(b"/")[2]))
            # All three are open at the same time.
            producer.flush(10)
            if (round + index) % 3:
                expected += values
        for index, producer in enumerate(producers):
            producer.commit_transaction(20) if (round + index) % 3 else producer.abort_transaction(20)
    assert sorted(read(name, "read_committed", 4)) == sorted(expected)
    consumer = KafkaConsumer(bootstrap_servers=server, isolation_level="read_committed", consumer_timeout_ms=3000, auto_offset_reset="earliest")
    consumer.assign([TopicPartition(name, p) for p in range(4)])
    consumer.seek_to_beginning()
    assert sorted(record.value for record in consumer) == sorted(expected), "kafka-python sees something else"
    consumer.close()


@check
def a_later_producer_shuts_out_the_earlier_one():
    name = topic("fence")
    first = transactional("fence")
    first.begin_transaction()
    send(first, name, [b"zombie"])
    first.flush(10)
    second = transactional("fence")
    try:
        first.commit_transaction(10)
        raise AssertionError("a producer that was shut out committed")
    except confluent_kafka.KafkaException as error:
        assert error.args[0].code() in (confluent_kafka.KafkaError._FENCED, confluent_kafka.KafkaError.PRODUCER_FENCED, confluent_kafka.KafkaError.INVALID_PRODUCER_EPOCH), error
    second.begin_transaction()
    send(second, name, [b"alive"])
    second.commit_transaction(10)
    assert read(name, "read_committed") == [b"alive"]


@check
def offsets_are_committed_with_the_records():
    source, target, group = topic("copy-from"), topic("copy-to"), f"copy-{run}"
    plain = confluent_kafka.Producer({"bootstrap.servers": server})
    send(plain, source, [str(n).encode() for n in range(100)])
    plain.flush(10)
    consumer = confluent_kafka.Consumer({
        "bootstrap.servers": server, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False, "isolation.level": "read_committed"})
    consumer.subscribe([source])
    producer = transactional("copy")
    copied, attempt = 0, 0
    while copied < 100:
        messages = [one for one in consumer.consume(10, 5) if not one.error()]
        if not messages:
            continue
        attempt += 1
        producer.begin_transaction()
        send(producer, target, [one.value() for one in messages])
        producer.send_offsets_to_transaction(consumer.position(consumer.assignment()), consumer.consumer_group_metadata(), 10)
        if attempt == 3:
            producer.abort_transaction(10)
            for place in consumer.committed(consumer.assignment(), 10):
                consumer.seek(place)
            continue
        producer.commit_transaction(10)
        copied += len(messages)
    assert read(target, "read_committed") == [str(n).encode() for n in range(100)]
    assert consumer.committed([confluent_kafka.TopicPartition(source, 0)], 10)[0].offset == 100
    consumer.close()


@check
def an_open_transaction_ends_with_its_timeout():
    name = topic("timeout")
    producer = transactional("timeout", transaction_timeout_ms=1500)
    producer.begin_transaction()
    send(producer, name, [b"late"])
    producer.flush(10)
    plain = confluent_kafka.Producer({"bootstrap.servers": server})
    send(plain, name, [b"plain"])
    plain.flush(10)
    assert read(name, "read_committed") == [], "a record behind an open transaction is seen"
    deadline = time.time() + 10
    while read(name, "read_committed") != [b"plain"]:
        assert time.time() < deadline, "the transaction was not aborted"
        time.sleep(0.2)
    try:
        producer.commit_transaction(10)
        raise AssertionError("a transaction that was aborted was committed")
    except confluent_kafka.KafkaException as error:
        assert error.args[0].fatal() or error.args[0].txn_requires_abort(), error


@check
def ends_of_partitions_by_isolation():
    name = topic("ends")
    producer = transactional("ends")
    plain = confluent_kafka.Producer({"bootstrap.servers": server})
    send(plain, name, [b"1", b"2"])
    plain.flush(10)
    producer.begin_transaction()
    send(producer, name, [b"3"])
    producer.flush(10)
    place = TopicPartition(name, 0)
    ends = {}
    for isolation in ("read_committed", "read_uncommitted"):
        consumer = KafkaConsumer(bootstrap_servers=server, isolation_level=isolation)
        ends[isolation] = consumer.end_offsets([place])[place]
        consumer.close()
    assert ends == {"read_committed": 2, "read_uncommitted": 3}, ends
    producer.abort_transaction(10)


@check
def kafka_python_transactions():
    name, group = topic("kp", 2), f"kp-{run}"
    producer = KafkaProducer(bootstrap_servers=server, transactional_id=f"kp-{run}", acks="all", linger_ms=2)
    producer.init_transactions()
    for round in range(10):
        producer.begin_transaction()
        for n in range(10):
            producer.send(name, f"{round}/{n}".encode(), partition=n % 2)
        producer.send_offsets_to_transaction({TopicPartition(name, 0): OffsetAndMetadata(round, "", -1)}, group)
        producer.abort_transaction() if round % 2 else producer.commit_transaction()
    expected = sorted(f"{round}/{n}".encode() for round in range(0, 10, 2) for n in range(10))
    assert sorted(read(name, "read_committed", 2)) == expected
    consumer = KafkaConsumer(bootstrap_servers=server, group_id=group)
    assert consumer.committed(TopicPartition(name, 0)) == 8
    consumer.close()
    zombie = KafkaProducer(bootstrap_servers=server, transactional_id=f"kp-{run}", acks="all")
    zombie.init_transactions()
    try:
        producer.begin_transaction()
        producer.send(name, b"x").get(timeout=10)
        producer.commit_transaction()
        raise AssertionError("a producer that was shut out went on")
    except KafkaError:
        pass
    zombie.close()


@check
def aiokafka_transactions():
    name, group = topic("aio", 2), f"aio-{run}"

    async def produce():
        producer = aiokafka.AIOKafkaProducer(bootstrap_servers=server, transactional_id=f"aio-{run}")
        await producer.start()
        for round in range(6):
            try:
                async with producer.transaction():
                    for n in range(10):
                        await producer.send(name, f"{round}/{n}".encode(), partition=n % 2)
                    await producer.send_offsets_to_transaction({aiokafka.TopicPartition(name, 1): round + 1}, group)
                    if round % 2:
                        raise ValueError("given up")
            except ValueError:
                pass
        await producer.stop()

    async def consume():
        consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=server, isolation_level="read_committed", auto_offset_reset="earliest")
        await consumer.start()
        consumer.assign([aiokafka.TopicPartition(name, p) for p in range(2)])
        values = []
        deadline = time.time() + 10
        while len(values) < 30 and time.time() < deadline:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                values += [record.value for record in records]
        await consumer.stop()
        return values

    asyncio.run(produce())
    expected = sorted(f"{round}/{n}".encode() for round in range(0, 6, 2) for n in range(10))
    assert sorted(read(name, "read_committed", 2)) == expected
    assert sorted(asyncio.run(consume())) == expected
    consumer = KafkaConsumer(bootstrap_servers=server, group_id=group)
    assert consumer.committed(TopicPartition(name, 1)) == 5
    consumer.close()


# Single requests


def batch(identity, sequence, values, is_transactional=True):
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=0, is_transactional=is_transactional, producer_id=identity[0], producer_epoch=identity[1], base_sequence=sequence, batch_size=1 << 20)
    for place, value in enumerate(values):
        builder.append(place, timestamp=int(time.time() * 1000), key=None, value=value, headers=[])
    return bytes(builder.build())


class Steps:
    """A transactional producer by single requests."""

    def __init__(self, name):
        self.name = f"{name}-{run}"
        self.raw = Raw(server)
        self.identity = self.begin()

    def begin(self, expected=(-1, -1), timeout=60000, version=4):
        answer = self.raw.ask(
            InitProducerIdRequest(transactional_id=self.name, transaction_timeout_ms=timeout, producer_id=expected[0], producer_epoch=expected[1]), version)
        return (answer.producer_id, answer.producer_epoch) if answer.error_code == 0 else answer.error_code

    def add(self, name, partitions=(0,), version=3, identity=None):
        identity = identity or self.identity
        Topic = AddPartitionsToTxnRequest.AddPartitionsToTxnTopic
        answer = self.raw.ask(
            AddPartitionsToTxnRequest(
                v3_and_below_transactional_id=self.name, v3_and_below_producer_id=identity[0], v3_and_below_producer_epoch=identity[1],
                v3_and_below_topics=[Topic(name=name, partitions=list(partitions))]), version)
        return answer.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code

    def produce(self, name, sequence, values, version=11, identity=None):
        Topic = ProduceRequest.TopicProduceData
        part = Topic.PartitionProduceData(index=0, records=batch(identity or self.identity, sequence, values))
        answer = self.raw.ask(
            ProduceRequest(transactional_id=self.name, acks=-1, timeout_ms=10000, topic_data=[Topic(name=name, partition_data=[part])]), version)
        return answer.responses[0].partition_responses[0].error_code

    def end(self, commits, version=3, identity=None):
        identity = identity or self.identity
        answer = self.raw.ask(
            EndTxnRequest(transactional_id=self.name, producer_id=identity[0], producer_epoch=identity[1], committed=commits), version)
        if version >= 5 and answer.error_code == 0:
            return answer.producer_id, answer.producer_epoch
        return answer.error_code

    def stage(self, group, name, offset, version):
        Topic = TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic
        part = Topic.TxnOffsetCommitRequestPartition(partition_index=0, committed_offset=offset, committed_leader_epoch=-1, committed_metadata="")
        answer = self.raw.ask(
            TxnOffsetCommitRequest(
                transactional_id=self.name, group_id=group, producer_id=self.identity[0], producer_epoch=self.identity[1], generation_id=-1, member_id="",
                group_instance_id=None, topics=[Topic(name=name, partitions=[part])]), version)
        return answer.topics[0].partitions[0].error_code


@check
def what_does_not_belong_to_the_transaction_is_refused():
    name, steps = topic("gate"), Steps("gate")
    assert steps.produce(name, 0, [b"x"], version=10) == INVALID_TXN_STATE, "a partition that was not added took a batch"
    assert steps.produce(name, 0, [b"x"]) == TRANSACTION_ABORTABLE, "a partition that was not added took a batch"
    assert steps.add(name, partitions=(7,)) == 3
    assert steps.add(name) == 0
    assert steps.produce(name, 0, [b"x"]) == 0
    earlier = (steps.identity[0], steps.identity[1] - 1)
    assert steps.produce(name, 1, [b"x"], identity=earlier) == INVALID_PRODUCER_EPOCH
    assert steps.produce(name, 1, [b"x"], identity=(steps.identity[0] + 99, 0)) == INVALID_PRODUCER_ID_MAPPING
    assert steps.add(name, identity=earlier) == PRODUCER_FENCED
    assert steps.add(name, version=1, identity=earlier) == INVALID_PRODUCER_EPOCH
    assert steps.stage(f"g-{run}", name, 1, 3) == INVALID_TXN_STATE, "a group that did not join"
    assert steps.stage(f"g-{run}", name, 1, 4) == TRANSACTION_ABORTABLE, "a group that did not join"
    assert steps.end(True) == 0
    assert steps.end(True) == 0, "the same request again"
    assert steps.end(False) == INVALID_TXN_STATE
    assert steps.produce(name, 1, [b"late"]) == TRANSACTION_ABORTABLE, "a batch came in after the end"
    assert read(name, "read_committed") == [b"x"]


@check
def what_an_aborted_transaction_wrote_does_not_stand_for_the_next_one():
    """A client that never heard of its batch and gives it up may number the next one alike; taken for a repetition it would be lost."""
    name, steps = topic("again"), Steps("again")
    assert steps.add(name) == 0
    assert steps.produce(name, 0, [b"given up"]) == 0
    assert steps.produce(name, 0, [b"given up"]) == 0, "a repetition within the transaction"
    assert steps.end(False) == 0
    assert steps.add(name) == 0
    assert steps.produce(name, 0, [b"another"]) == OUT_OF_ORDER_SEQUENCE_NUMBER
    assert steps.end(False) == 0
    steps.identity = steps.begin(steps.identity)
    assert steps.add(name) == 0
    assert steps.produce(name, 0, [b"another"]) == 0, "with the next epoch it goes on"
    assert steps.end(True) == 0
    assert read(name, "read_committed") == [b"another"]


@check
def a_batch_that_numbers_itself_is_refused():
    """A fetched batch carries the offset at which it lay; sent as it is it is no producer's batch."""
    name, raw = topic("numbered"), Raw(server)
    Topic = ProduceRequest.TopicProduceData
    made = batch((-1, -1), -1, [b"x"], is_transactional=False)
    for offset, wanted in ((0, 0), (5, INVALID_RECORD)):
        part = Topic.PartitionProduceData(index=0, records=offset.to_bytes(8, "big") + made[8:])
        answer = raw.ask(ProduceRequest(transactional_id=None, acks=-1, timeout_ms=10000, topic_data=[Topic(name=name, partition_data=[part])]), 11)
        assert answer.responses[0].partition_responses[0].error_code == wanted, answer


@check
def an_epoch_for_each_transaction():
    """KIP-890: a delayed EndTxn of one transaction does not touch the next, partitions and groups join by themselves."""
    name, steps, group = topic("epochs"), Steps("epochs"), f"epochs-{run}"
    first = steps.identity
    assert steps.produce(name, 0, [b"1"], version=12) == 0
    assert steps.produce(name, 1, [b"2"], version=12) == 0
    assert steps.stage(group, name, 5, 5) == 0
    second = steps.end(True, version=5)
    assert second == (first[0], first[1] + 1), second
    assert steps.end(True, version=5) == second, "the same request again"
    steps.identity = second
    assert steps.produce(name, 0, [b"3"], version=12) == 0
    assert steps.end(True, version=5, identity=first) == PRODUCER_FENCED, "a delayed request ended the next transaction"
    assert steps.end(False, version=5, identity=first) == PRODUCER_FENCED
    assert read(name, "read_committed") == [b"1", b"2"]
    third = steps.end(False, version=5)
    assert third == (first[0], first[1] + 2), third
    assert read(name, "read_committed") == [b"1", b"2"]
    steps.identity = third
    assert steps.end(False, version=5) == (first[0], first[1] + 3), "an abort of nothing"


@check
def a_producer_comes_back_with_its_identity():
    name, steps = topic("back"), Steps("back")
    first = steps.identity
    second = steps.begin(first)
    assert second == (first[0], first[1] + 1)
    assert steps.begin(first) == second, "the same request again"
    steps.identity = second
    assert steps.add(name) == 0
    assert steps.produce(name, 0, [b"gone"]) == 0
    assert steps.begin((first[0] + 50, 0)) == PRODUCER_FENCED
    third = steps.begin(second)
    assert third == (first[0], first[1] + 2), third
    assert read(name, "read_committed") == [], "what was open was not aborted"


@check
def offsets_that_a_transaction_may_change_are_unstable():
    name, steps, group = topic("unstable"), Steps("unstable"), f"unstable-{run}"
    assert steps.stage(group, name, 3, 5) == 0
    Topic = OffsetFetchRequest.OffsetFetchRequestTopic

    def fetch(stable):
        answer = steps.raw.ask(OffsetFetchRequest(group_id=group, topics=[Topic(name=name, partition_indexes=[0])], require_stable=stable), 7)
        part = answer.topics[0].partitions[0]
        return part.error_code, part.committed_offset

    assert fetch(True) == (UNSTABLE_OFFSET_COMMIT, -1)
    assert fetch(False) == (0, -1)
    assert steps.end(True) == 0
    assert fetch(True) == (0, 3)


@check
def transactions_listed_and_described():
    name, steps = topic("listed", 2), Steps("listed")
    assert steps.add(name, (0, 1)) == 0
    assert steps.produce(name, 0, [b"x"]) == 0
    listed = steps.raw.ask(ListTransactionsRequest(state_filters=["Ongoing", "Nonsense"], producer_id_filters=[], duration_filter=-1), 1)
    assert listed.unknown_state_filters == ["Nonsense"]
    assert (steps.name, steps.identity[0], "Ongoing") in [(one.transactional_id, one.producer_id, one.transaction_state) for one in listed.transaction_states]
    described = steps.raw.ask(DescribeTransactionsRequest(transactional_ids=[steps.name, "no-such"]), 0).transaction_states
    one = described[0]
    assert (one.error_code, one.transaction_state, one.producer_id, one.producer_epoch) == (0, "Ongoing") + steps.identity, one
    assert [(part.topic, part.partitions) for part in one.topics] == [(name, [0, 1])]
    assert described[1].error_code == TRANSACTIONAL_ID_NOT_FOUND
    Topic = DescribeProducersRequest.TopicRequest
    producers = steps.raw.ask(DescribeProducersRequest(topics=[Topic(name=name, partition_indexes=[0, 9])]), 0).topics[0].partitions
    found = [(one.producer_id, one.producer_epoch, one.last_sequence, one.current_txn_start_offset) for one in producers[0].active_producers]
    assert found == [steps.identity + (0, 0)], found
    assert producers[1].error_code == 3
    assert steps.end(False) == 0


passed = failed = 0
only = sys.argv[2:]
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
