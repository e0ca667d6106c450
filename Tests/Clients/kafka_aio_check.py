#!/usr/bin/env python3
"""Checks a broker with aiokafka and confluent-kafka as producers and consumers, beyond transactions.

usage: kafka_aio_check.py HOST:PORT
Prints a line per check and 'N passed, N failed'. Topics get names of their own in each run.
"""
import asyncio
import struct
import sys
import time
import uuid

import aiokafka
import aiokafka.admin
import confluent_kafka
from confluent_kafka.admin import AdminClient, NewTopic
from kafka.protocol.consumer import FetchRequest
from kafka.protocol.producer import ProduceRequest
from kafka.record.default_records import DefaultRecordBatchBuilder

from checks import Checks
from kafka_raw import Raw

server = sys.argv[1]
run = uuid.uuid4().hex[:8]
checks = Checks()
admin = AdminClient({"bootstrap.servers": server})


def topic(name, partitions=1, **configs):
    name = f"{name}-{run}"
    admin.create_topics([NewTopic(name, partitions, 1, config=configs)])[name].result(10)
    return name


async def collect(consumer, count, seconds=15):
    records, deadline = [], time.time() + seconds
    while len(records) < count and time.time() < deadline:
        for part in (await consumer.getmany(timeout_ms=300)).values():
            records += part
    assert len(records) == count, f"{len(records)} of {count} records"
    return records


@checks.check("aiokafka: keys, headers, timestamps, in order")
def _():
    name = topic("aio")

    async def go():
        async with aiokafka.AIOKafkaProducer(bootstrap_servers=server, enable_idempotence=True) as producer:
            for n in range(200):
                await producer.send(name, key=b"k%d" % n, value=b"v%d" % n, headers=[("h", b"%d" % n)], timestamp_ms=1_700_000_000_000 + n)
        async with aiokafka.AIOKafkaConsumer(name, bootstrap_servers=server, auto_offset_reset="earliest") as consumer:
            records = await collect(consumer, 200)
        assert [(r.offset, r.key, r.value, r.headers, r.timestamp) for r in records] == [
            (n, b"k%d" % n, b"v%d" % n, (("h", b"%d" % n),), 1_700_000_000_000 + n) for n in range(200)]

    asyncio.run(go())


@checks.check("aiokafka: a group of two shares, commits and resumes")
def _():
    name, group = topic("aio-group", 4), f"aio-{run}"

    async def go():
        async with aiokafka.AIOKafkaProducer(bootstrap_servers=server) as producer:
            for n in range(80):
                await producer.send(name, b"%d" % n, partition=n % 4)
        options = dict(bootstrap_servers=server, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False)
        async with aiokafka.AIOKafkaConsumer(name, **options) as first, aiokafka.AIOKafkaConsumer(name, **options) as second:
            deadline = time.time() + 15
            while len(first.assignment()) != 2 or len(second.assignment()) != 2:
                await asyncio.gather(first.getmany(timeout_ms=200), second.getmany(timeout_ms=200))
                assert time.time() < deadline, (first.assignment(), second.assignment())
            assert not first.assignment() & second.assignment()
            await first.seek_to_beginning()
            await second.seek_to_beginning()
            got = await asyncio.gather(collect(first, 40), collect(second, 40))
            assert len({r.value for part in got for r in part}) == 80
            await first.commit()
            await second.commit()
        async with aiokafka.AIOKafkaProducer(bootstrap_servers=server) as producer:
            await producer.send_and_wait(name, b"later", partition=1)
        async with aiokafka.AIOKafkaConsumer(name, **options) as consumer:
            assert [r.value for r in await collect(consumer, 1)] == [b"later"]

    asyncio.run(go())


@checks.check("aiokafka: topics, settings and groups administered")
def _():
    name = f"aio-admin-{run}"

    async def go():
        client = aiokafka.admin.AIOKafkaAdminClient(bootstrap_servers=server)
        await client.start()
        await client.create_topics([aiokafka.admin.NewTopic(name, 2, 1, topic_configs={"retention.ms": "1000000"})])
        assert name in await client.list_topics()
        described = await client.describe_configs([aiokafka.admin.config_resource.ConfigResource(aiokafka.admin.config_resource.ConfigResourceType.TOPIC, name)])
        assert "1000000" in str(described)
        await client.create_partitions({name: aiokafka.admin.NewPartitions(3)})
        described = await client.describe_topics([name])
        assert len(described[0]["partitions"]) == 3
        await client.delete_topics([name])
        assert name not in await client.list_topics()
        await client.close()

    asyncio.run(go())


for codec in ("gzip", "snappy", "lz4", "zstd"):

    @checks.check("confluent-kafka: %s" % codec)
    def _(codec=codec):
        name = topic(codec)
        producer = confluent_kafka.Producer({"bootstrap.servers": server, "compression.type": codec, "linger.ms": 20})
        for n in range(300):
            producer.produce(name, b"line %d " % n * 20, key=b"%d" % n)
        producer.flush(10)
        consumer = confluent_kafka.Consumer({"bootstrap.servers": server, "group.id": name, "auto.offset.reset": "earliest"})
        consumer.subscribe([name])
        values, deadline = [], time.time() + 15
        while len(values) < 300 and time.time() < deadline:
            values += [m.value() for m in consumer.consume(300, 0.5) if not m.error()]
        consumer.close()
        assert values == [b"line %d " % n * 20 for n in range(300)], len(values)


@checks.check("confluent-kafka: cooperative rebalances give and take")
def _():
    name, group = topic("coop", 4), f"coop-{run}"
    options = {
        "bootstrap.servers": server, "group.id": group, "auto.offset.reset": "earliest", "partition.assignment.strategy": "cooperative-sticky", "session.timeout.ms": 6000,
        "heartbeat.interval.ms": 200}
    first, second = confluent_kafka.Consumer(options), confluent_kafka.Consumer(options)
    first.subscribe([name])
    deadline = time.time() + 15
    while len(first.assignment()) != 4:
        first.poll(0.1)
        assert time.time() < deadline
    second.subscribe([name])
    while (len(first.assignment()), len(second.assignment())) != (2, 2):
        first.poll(0.1)
        second.poll(0.1)
        assert time.time() < deadline + 15
    second.close()
    while len(first.assignment()) != 4:
        first.poll(0.1)
        assert time.time() < deadline + 30
    first.close()


@checks.check("confluent-kafka: watermarks, offsets by time, seeking")
def _():
    name = topic("marks")
    producer = confluent_kafka.Producer({"bootstrap.servers": server})
    for n in range(50):
        producer.produce(name, b"%d" % n, timestamp=1_700_000_000_000 + n * 1000)
    producer.flush(10)
    consumer = confluent_kafka.Consumer({"bootstrap.servers": server, "group.id": name})
    place = confluent_kafka.TopicPartition(name, 0)
    assert consumer.get_watermark_offsets(place, 10) == (0, 50)
    found = consumer.offsets_for_times([confluent_kafka.TopicPartition(name, 0, 1_700_000_020_500)], 10)[0]
    assert found.offset == 21, found
    consumer.assign([confluent_kafka.TopicPartition(name, 0, 40)])
    assert consumer.poll(10).value() == b"40"
    consumer.seek(confluent_kafka.TopicPartition(name, 0, 5))
    assert consumer.poll(10).value() == b"5"
    consumer.close()


@checks.check("a fetch that is cut short by its limit leaves no gap")
def _():
    """Two batches that were appended together, of which the first one fits, and a later one that would fit behind it."""
    name, raw = topic("gap"), Raw(server)
    Topic = ProduceRequest.TopicProduceData

    def batch(size):
        builder = DefaultRecordBatchBuilder(
            magic=2, compression_type=0, is_transactional=False, producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=1 << 20)
        builder.append(0, timestamp=1000, key=None, value=b"x" * size, headers=[])
        part = Topic.PartitionProduceData(index=0, records=bytes(builder.build()))
        return ProduceRequest(transactional_id=None, acks=-1, timeout_ms=5000, topic_data=[Topic(name=name, partition_data=[part])])

    raw.ask_all([batch(7000), batch(6000)], 9)
    raw.ask(batch(1000), 9)
    offset, seen = 0, []
    while offset < 3:
        part = FetchRequest.FetchTopic.FetchPartition(
            partition=0, current_leader_epoch=-1, fetch_offset=offset, last_fetched_epoch=-1, log_start_offset=-1, partition_max_bytes=10_000)
        request = FetchRequest(
            replica_id=-1, max_wait_ms=100, min_bytes=1, max_bytes=1 << 20, isolation_level=0, session_id=0, session_epoch=-1,
            topics=[FetchRequest.FetchTopic(topic=name, partitions=[part])], forgotten_topics_data=[], rack_id="")
        records = bytes(raw.ask(request, 11).responses[0].partitions[0].records)
        assert records, "nothing at offset %d" % offset
        while records:
            base, length = struct.unpack(">qi", records[:12])
            seen.append(base)
            records = records[12 + length:]
        offset = seen[-1] + 1
    raw.close()
    assert seen == [0, 1, 2], seen


@checks.check("confluent-kafka: groups listed, described, offsets altered, deleted")
def _():
    name, group = topic("listed", 2), f"listed-{run}"
    consumer = confluent_kafka.Consumer({"bootstrap.servers": server, "group.id": group})
    consumer.commit(offsets=[confluent_kafka.TopicPartition(name, 0, 7)], asynchronous=False)
    consumer.close()
    assert group in [one.group_id for one in admin.list_consumer_groups().result(10).valid]
    described = admin.describe_consumer_groups([group])[group].result(10)
    assert described.state == confluent_kafka.ConsumerGroupState.EMPTY, described.state
    request = confluent_kafka.ConsumerGroupTopicPartitions(group, [confluent_kafka.TopicPartition(name, 0, 3)])
    admin.alter_consumer_group_offsets([request])[group].result(10)
    request = confluent_kafka.ConsumerGroupTopicPartitions(group, [confluent_kafka.TopicPartition(name, 0)])
    assert admin.list_consumer_group_offsets([request])[group].result(10).topic_partitions[0].offset == 3
    admin.delete_consumer_groups([group])[group].result(10)
    assert group not in [one.group_id for one in admin.list_consumer_groups().result(10).valid]


sys.exit(checks.finish())
