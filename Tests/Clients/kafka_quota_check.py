#!/usr/bin/env python3
"""Checks limits of users and clients: set, asked for and removed by single requests, and obeyed with kafka-python and confluent-kafka.

usage: kafka_quota_check.py HOST:PORT
Topics and client ids get names of their own in each run.
"""
import logging
import socket
import sys
import time
import uuid

import confluent_kafka
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.protocol.admin import CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest
from kafka.protocol.admin.client_quotas import AlterClientQuotasRequest, DescribeClientQuotasRequest
from kafka.protocol.parser import KafkaProtocol

from checks import Checks
from kafka_raw import Raw

server = sys.argv[1]
run = uuid.uuid4().hex[:8]
checks = Checks()
raw = Raw(server)


def alter(entity, values, version=1, validate=False):
    """entity: {type: name or None}; values: {key: value or None}. Returns the error's number."""
    Entry = AlterClientQuotasRequest.EntryData
    entry = Entry(
        entity=[Entry.EntityData(entity_type=kind, entity_name=name) for kind, name in entity.items()],
        ops=[Entry.OpData(key=key, value=value or 0.0, remove=value is None) for key, value in values.items()])
    return raw.ask(AlterClientQuotasRequest(entries=[entry], validate_only=validate), version).entries[0].error_code


def describe(components, strict=False, version=1):
    """components: [(type, match type, match)]. Returns {entity: values}, or the error's number."""
    Part = DescribeClientQuotasRequest.ComponentData
    answer = raw.ask(DescribeClientQuotasRequest(components=[Part(entity_type=k, match_type=t, match=m) for k, t, m in components], strict=strict), version)
    if answer.error_code:
        return answer.error_code
    return {
        tuple(sorted((part.entity_type, part.entity_name or "<default>") for part in entry.entity)): {value.key: value.value for value in entry.values}
        for entry in answer.entries or []}


def topic(name, partitions=1):
    name = f"{name}-{run}"
    Topic = CreateTopicsRequest.CreatableTopic
    request = CreateTopicsRequest(topics=[Topic(name=name, num_partitions=partitions, replication_factor=-1, assignments=[], configs=[])], timeout_ms=5000, validate_only=False)
    assert raw.ask(request, 5).topics[0].error_code == 0
    return name


@checks.check("limits are set, asked for by filter, and removed")
def _():
    a, b = f"a-{run}", f"b-{run}"
    assert alter({"client-id": a}, {"producer_byte_rate": 1000.0, "request_percentage": 12.5}) == 0
    assert alter({"user": b, "client-id": a}, {"consumer_byte_rate": 5.0}, version=0) == 0
    assert alter({"user": b}, {"controller_mutation_rate": 0.5}) == 0
    assert describe([("client-id", 0, a)]) == {
        (("client-id", a),): {"producer_byte_rate": 1000.0, "request_percentage": 12.5}, (("client-id", a), ("user", b)): {"consumer_byte_rate": 5.0}}
    assert list(describe([("client-id", 0, a)], strict=True, version=0)) == [(("client-id", a),)]
    assert len(describe([("user", 2, None)])) == 2 and describe([("user", 1, None)]) == {}
    assert alter({"client-id": a}, {"producer_byte_rate": None}) == 0
    assert describe([("client-id", 0, a)], strict=True) == {(("client-id", a),): {"request_percentage": 12.5}}
    for entity, key in (({"client-id": a}, "request_percentage"), ({"user": b, "client-id": a}, "consumer_byte_rate"), ({"user": b}, "controller_mutation_rate")):
        assert alter(entity, {key: None}) == 0
    assert describe([("client-id", 0, a)]) == {}


@checks.check("what is not possible is refused")
def _():
    assert alter({"client-id": "x"}, {"no_such_rate": 1.0}) == 42
    assert alter({"client-id": "x"}, {"producer_byte_rate": -1.0}) == 42
    assert alter({"client-id": "x"}, {"producer_byte_rate": 1.5}) == 42
    assert alter({"client-id": ""}, {"producer_byte_rate": 1.0}) == 42
    assert alter({"ip": "10.0.0.1"}, {"producer_byte_rate": 1.0}) == 42 and alter({"user": "x"}, {"connection_creation_rate": 1.0}) == 42
    assert alter({"ip": "10.0.0.1"}, {"connection_creation_rate": 1.5}) == 42
    assert alter({"ip": "no-such-host.invalid"}, {"connection_creation_rate": 1.0}) == 42
    assert alter({"ip": "10.0.0.1", "user": "x"}, {"connection_creation_rate": 1.0}) == 42
    assert describe([("ip", 2, None), ("user", 2, None)]) == 42
    assert alter({"planet": "x"}, {"producer_byte_rate": 1.0}) == 42
    assert alter({}, {"producer_byte_rate": 1.0}) == 42
    assert describe([("planet", 0, "x")]) == 35
    assert describe([("user", 0, "x"), ("user", 1, None)]) == 42
    assert alter({"client-id": "only-validated"}, {"producer_byte_rate": 1.0}, validate=True) == 0
    assert describe([("client-id", 0, "only-validated")]) == {}


@checks.check("a producer is held to its rate, told how long it waits, and others are not")
def _():
    name, slow = topic("produce"), f"slow-{run}"
    assert alter({"client-id": slow}, {"producer_byte_rate": 30_000.0}) == 0

    def took(client):
        producer = KafkaProducer(bootstrap_servers=server, client_id=client, linger_ms=0, batch_size=10_000)
        began = time.monotonic()
        for _ in range(40):
            producer.send(name, b"x" * 9_000).get(30)
        elapsed = time.monotonic() - began
        producer.close()
        return elapsed

    told = []

    class Listener(logging.Handler):
        def emit(self, record):
            if "throttled by broker" in record.msg:
                told.append(record.args[-1])

    listener = Listener()
    logging.getLogger("kafka.net.connection").addHandler(listener)
    fast, untold = took(f"fast-{run}"), list(told)
    elapsed = took(slow)
    logging.getLogger("kafka.net.connection").removeHandler(listener)
    # 365 kB at 30 kB/s, of which ten seconds' worth is free; what is beyond that waits until eleven seconds count no more than that.
    assert fast < 1.5 and not untold, (fast, untold)
    assert 1.5 < elapsed < 14 and max(told) > 50, (elapsed, told)
    assert alter({"client-id": slow}, {"producer_byte_rate": None}) == 0


@checks.check("librdkafka is held to the default rate of clients, and tells of it")
def _():
    name = topic("librdkafka")
    assert alter({"client-id": None}, {"producer_byte_rate": 50_000.0}) == 0
    told = []
    producer = confluent_kafka.Producer({"bootstrap.servers": server, "client.id": f"rd-{run}", "linger.ms": 0, "batch.size": 20_000, "throttle_cb": told.append})
    began = time.monotonic()
    for _ in range(60):
        producer.produce(name, b"x" * 10_000)
        producer.poll(0)
    producer.flush(30)
    elapsed = time.monotonic() - began
    producer.poll(0.1)
    assert alter({"client-id": None}, {"producer_byte_rate": None}) == 0
    assert 1.3 < elapsed < 14 and told and max(event.throttle_time for event in told) > 0.02, (elapsed, told[:3])


@checks.check("a consumer is held to its rate and misses nothing")
def _():
    name, slow = topic("consume"), f"reader-{run}"
    producer = KafkaProducer(bootstrap_servers=server, linger_ms=0, batch_size=10_000)
    for n in range(40):
        producer.send(name, b"%d " % n + b"x" * 10_000)
    producer.flush()
    # Two records a fetch; ten seconds' worth are nineteen fetches, the last one waits.
    assert alter({"client-id": slow}, {"consumer_byte_rate": 38_500.0}) == 0
    consumer = KafkaConsumer(
        bootstrap_servers=server, client_id=slow, auto_offset_reset="earliest", consumer_timeout_ms=30_000, fetch_max_bytes=20_500, max_partition_fetch_bytes=20_500)
    consumer.assign([TopicPartition(name, 0)])
    began = time.monotonic()
    seen = [int(next(consumer).value.split()[0]) for _ in range(40)]
    elapsed = time.monotonic() - began
    consumer.close()
    assert alter({"client-id": slow}, {"consumer_byte_rate": None}) == 0
    assert seen == list(range(40)) and 0.3 < elapsed < 30, (seen, elapsed)


@checks.check("what is beyond a consumer's limit is withheld until it has waited, in a session and without one")
def _():
    from kafka.protocol.consumer import FetchRequest
    name = topic("withheld")
    producer = KafkaProducer(bootstrap_servers=server, linger_ms=0, batch_size=0)
    for _ in range(12):
        producer.send(name, b"x" * 10_000).get(30)
    producer.close()

    def fetch(connection, offset, session=0, epoch=-1, most=20_200):
        Topic = FetchRequest.FetchTopic
        part = Topic.FetchPartition(
            partition=0, fetch_offset=offset, partition_max_bytes=most, current_leader_epoch=-1, log_start_offset=-1, last_fetched_epoch=-1)
        request = FetchRequest(
            replica_id=-1, max_wait_ms=100, min_bytes=1, max_bytes=most, isolation_level=0, session_id=session, session_epoch=epoch,
            topics=[] if epoch > 0 else [Topic(topic=name, partitions=[part])], forgotten_topics_data=[], rack_id="")
        return connection.ask(request, 11)

    def held(answer):
        return sum(len(part.records or b"") for one in answer.responses for part in one.partitions)

    reader = Raw(server)
    opened = fetch(reader, 0, 0, 0)
    assert held(opened) > 20_000 and opened.session_id > 0
    # Ten seconds' worth are 60,000 bytes: five records pass, and two more are beyond it.
    assert alter({"client-id": "raw"}, {"consumer_byte_rate": 6_000.0}) == 0
    try:
        first = fetch(reader, 0, most=60_000)
        assert held(first) > 50_000 and first.throttle_time_ms == 0, (held(first), first.throttle_time_ms)
        began = time.monotonic()
        second = fetch(reader, 5)
        assert held(second) == 0 and second.throttle_time_ms > 500 and not second.responses, (held(second), second.throttle_time_ms)
        opening = fetch(Raw(server), 5, 0, 0)
        assert held(opening) == 0 and opening.throttle_time_ms > 0 and opening.session_id == 0, "an empty answer opens no session"
        # The connection is not read before the time is over.
        third = fetch(reader, 0, opened.session_id, 1)
        assert time.monotonic() - began > second.throttle_time_ms / 1000 - 0.1 and third.error_code == 0, third
        assert held(third) == 0 and third.throttle_time_ms > 0 and third.session_id == opened.session_id, (held(third), third.throttle_time_ms)
        assert alter({"client-id": "raw"}, {"consumer_byte_rate": None}) == 0
        assert held(fetch(reader, 0, opened.session_id, 2)) > 20_000, "the session has forgotten what it withheld"
        # A batch that is larger than all that may be used goes out when nothing was used, or nobody would ever get it.
        lone = f"lone-{run}"
        assert alter({"client-id": lone}, {"consumer_byte_rate": 100.0}) == 0
        readers = [Raw(server), Raw(server)]
        for one in readers:
            one.protocol = KafkaProtocol(client_id=lone)
        first, second = [fetch(one, 0) for one in readers]
        assert held(first) > 10_000 and first.throttle_time_ms > 10_000 and held(second) == 0 and second.throttle_time_ms > 0
    finally:
        assert alter({"client-id": "raw"}, {"consumer_byte_rate": None}) == 0 and alter({"client-id": f"lone-{run}"}, {"consumer_byte_rate": None}) == 0


@checks.check("an address that connects too often is held up and sent away, and others are not")
def _():
    host, port = server.rsplit(":", 1)
    address = "127.0.0.77"

    def is_served():
        with socket.create_connection((host, int(port)), 10, source_address=(address, 0)) as connection:
            connection.sendall(bytes.fromhex("0000000a" "0012" "0000" "00000001" "ffff"))
            began = time.monotonic()
            try:
                answered = len(connection.recv(4)) == 4
            except ConnectionError:
                answered = False
            return answered, time.monotonic() - began

    assert alter({"ip": address}, {"connection_creation_rate": 1.0}) == 0
    assert describe([("ip", 0, address)]) == {(("ip", address),): {"connection_creation_rate": 1.0}} and describe([("user", 0, address)]) == {}
    try:
        found = [is_served() for _ in range(14)]
        served = [took for answered, took in found if answered]
        refused = [took for answered, took in found if not answered]
        # Ten in ten seconds; what is refused does not count.
        assert 10 <= len(served) <= 13 and refused and max(refused) > 0.3, found
        Raw(server).close()
        assert alter({"ip": None}, {"connection_creation_rate": 1000.0}) == 0
        assert describe([("ip", 1, None)]) == {(("ip", "<default>"),): {"connection_creation_rate": 1000.0}} and len(describe([("ip", 2, None)])) == 2
    finally:
        assert alter({"ip": address}, {"connection_creation_rate": None}) == 0
        assert alter({"ip": None}, {"connection_creation_rate": None}) == 0
    assert all(is_served()[0] for _ in range(20)), "the default has gone"


@checks.check("changes of partitions above the limit are refused, and wait in older versions")
def _():
    assert alter({"client-id": "raw"}, {"controller_mutation_rate": 1.0}) == 0
    Topic = CreateTopicsRequest.CreatableTopic
    limited = Raw(server)

    def create(connection, name, partitions, version):
        request = CreateTopicsRequest(
            topics=[Topic(name=f"{name}-{run}", num_partitions=partitions, replication_factor=-1, assignments=[], configs=[])], timeout_ms=5000, validate_only=False)
        return connection.ask(request, version)

    try:
        first = create(limited, "changes", 13, 7)
        assert first.topics[0].error_code == 0 and first.throttle_time_ms > 1000, first
        refused = create(Raw(server), "refused", 1, 7)
        assert refused.topics[0].error_code == 89 and refused.throttle_time_ms > 0, refused
        Grown = CreatePartitionsRequest.CreatePartitionsTopic
        answer = Raw(server).ask(CreatePartitionsRequest(topics=[Grown(name=f"changes-{run}", count=14, assignments=None)], timeout_ms=1000, validate_only=False), 3)
        assert answer.results[0].error_code == 89
        assert Raw(server).ask(DeleteTopicsRequest(topic_names=[f"changes-{run}"], timeout_ms=1000), 5).responses[0].error_code == 89
        older = create(Raw(server), "older", 1, 5)
        assert older.topics[0].error_code == 0 and older.throttle_time_ms > 0
        began = time.monotonic()
        create(limited, "more", 1, 7)
        assert time.monotonic() - began > 1, "the connection was read while it was held up"
    finally:
        assert alter({"client-id": "raw"}, {"controller_mutation_rate": None}) == 0


@checks.check("requests that take too much of the broker's time are held up")
def _():
    assert alter({"client-id": "raw"}, {"request_percentage": 0.01}) == 0
    try:
        greedy = Raw(server)
        from kafka.protocol.metadata import MetadataRequest
        # A ten-thousandth of a processor is used up by few requests, however fast they are answered.
        assert any(0 < greedy.ask(MetadataRequest(topics=None, allow_auto_topic_creation=False), 5).throttle_time_ms <= 1000 for _ in range(400))
    finally:
        assert alter({"client-id": "raw"}, {"request_percentage": None}) == 0


sys.exit(checks.finish())
