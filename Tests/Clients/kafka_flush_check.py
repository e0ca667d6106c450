#!/usr/bin/env python3
"""Checks when topics are synced with a broker that syncs at intervals: counts of syncs from /metrics while kafka-python produces.

usage: kafka_flush_check.py PROGRAM DIRECTORY
Starts the program itself with an interval of an hour. Prints a line per check and 'N passed, N failed'.
"""
import json
import subprocess
import sys
import time
import urllib.request

from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from checks import Checks
from platform_child import PlatformChild

program, directory = sys.argv[1:3]
checks = Checks()
server = PlatformChild(program, directory, "broker", ["broker.listen"], ["broker.durability=interval", "broker.flush-interval.ms=3600000"])
server.start()
address = server.endpoints["broker"]
admin = KafkaAdminClient(bootstrap_servers=address)
producer = KafkaProducer(bootstrap_servers=address, linger_ms=0)


def syncs():
    text = urllib.request.urlopen("http://%s/metrics" % server.endpoints["console"], timeout=10).read().decode()
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("platform_store_fsync_duration_seconds_count") and "broker" in line)


def topic(name, **settings):
    admin.create_topics([NewTopic(name, 1, 1, topic_configs={key.replace("_", "."): value for key, value in settings.items()})])
    producer.send(name, b"first").get(10)
    time.sleep(1)
    return name


def counted(name, count):
    before = syncs()
    for _ in range(count):
        producer.send(name, b"x").get(10)
    return syncs() - before


@checks.check("without a setting of its own a topic waits for the interval")
def _():
    assert counted(topic("plain"), 20) == 0


@checks.check("flush.messages=1 syncs before each acknowledgement")
def _():
    assert counted(topic("each", flush_messages="1"), 20) == 20


@checks.check("flush.messages=10 syncs after ten records")
def _():
    assert counted(topic("tenth", flush_messages="10"), 40) == 4


@checks.check("flush.ms syncs what waits, once, and an idle topic not at all")
def _():
    name = topic("timed", flush_ms="300")
    before = syncs()
    for _ in range(5):
        producer.send(name, b"x").get(10)
    assert syncs() == before, "it was synced at once"
    time.sleep(1)
    assert syncs() - before == 1, syncs() - before
    time.sleep(1)
    assert syncs() - before == 1, "an idle topic was synced"


@checks.check("the status says when a write counts as taken")
def _():
    ran = subprocess.run([program, "status", "--server", server.endpoints["console"], "-o", "json"], capture_output=True, text=True)
    durability = json.loads(ran.stdout)["services"][0]["durability"]
    assert durability.startswith("synced every 3600000 ms"), durability


status = checks.finish()
server.kill()
sys.exit(status)
