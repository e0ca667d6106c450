"""The brokers of a cluster change under load. Usage: kafka_members_check.py PROGRAM DATA_DIRECTORY

Three brokers grow to four and shrink to three again, of which one is lost then, while an idempotent producer and a group work; a broker that stood alone goes
on as a cluster of one and grows. Nothing that was acknowledged may be missing, twice or out of order.
"""
import json
import signal
import subprocess
import sys

from confluent_kafka import Consumer, Producer, TopicPartition

from checks import Checks, Findings
from kafka_cluster import Broker, Cluster, Reader, Writer, audit
from kafka_raw import Raw
from platform_child import free_port, stop_all

program, directory = sys.argv[1], sys.argv[2]
checks = Checks()
cluster = Cluster(program, directory)
extra = []
REQUEST_TIMED_OUT, INVALID_REQUEST, BROKER_ID_NOT_REGISTERED, INCONSISTENT_CLUSTER_ID, DUPLICATE_VOTER, VOTER_NOT_FOUND = 7, 42, 102, 104, 126, 127


def verb(*words, server=None):
    ran = subprocess.run([program, "broker", *words, "--server", server or cluster.brokers[0].address], capture_output=True, text=True, timeout=180)
    return ran.returncode, ran.stdout, ran.stderr


def succeeds(*words, server=None):
    status, out, error = verb(*words, server=server)
    assert status == 0, (words, out, error)
    return out


def members(server=None):
    return {row["id"]: row for row in json.loads(succeeds("members", "-o", "json", server=server))}


def compact(text):
    return b"\0" if text is None else bytes([len(text) + 1]) + text.encode()


def ask(server, key, body):
    """Sends a flexible request of version 0; returns the error's number and message."""
    raw = Raw(server)
    answer = raw.ask_bytes(key, 0, body + b"\0")
    raw.close()
    length = answer[6]
    return int.from_bytes(answer[4:6], "big"), answer[7:6 + length].decode() if length else None


def add_voter(server, number, address, timeout_ms=500, cluster_id=None):
    host, port = address.split(":")
    listener = compact("CONTROLLER") + compact(host) + int(port).to_bytes(2, "big") + b"\0"
    return ask(server, 80, compact(cluster_id) + timeout_ms.to_bytes(4, "big") + number.to_bytes(4, "big") + bytes(16) + b"\2" + listener)


def remove_voter(server, number):
    return ask(server, 81, compact(None) + number.to_bytes(4, "big") + bytes(16))


def unregister(server, number):
    return ask(server, 64, number.to_bytes(4, "big"))


def is_closed_to_clients(server):
    try:
        Raw(server).ask_bytes(60, 0, b"\0\0")
        return False
    except ConnectionError:
        return True


def newcomer(number, others, directory=directory):
    place = "127.0.0.1:%d" % free_port()
    peers = ",".join(["%d=%s" % (other, members(server)[other]["peers"]) for other, server in others] + ["%d=%s" % (number, place)])
    broker = Broker(program, directory, number, peers)
    broker.place = place
    extra.append(broker)
    broker.start()
    broker.wait_ready()
    return broker


cluster.create("numbers")
cluster.wait_in_sync("numbers")
writer = Writer(cluster.servers, "numbers")
reader = Reader(cluster.servers, "numbers", "readers")
writer.start()
reader.start()
first = cluster.brokers[0].address


@checks.check("members are listed with their addresses")
def _():
    found = members()
    assert sorted(found) == [1, 2, 3] and sum(row["controller"] for row in found.values()) == 1, found
    assert found[2]["clients"] == cluster.brokers[1].address and found[2]["role"] == "voter", found


@checks.check("changes that make no sense are refused, and change nothing")
def _():
    place = "127.0.0.1:%d" % free_port()
    code, message = add_voter(first, 4, place)
    assert code == REQUEST_TIMED_OUT and "does not keep up" in message, (code, message)
    code, message = add_voter(first, 2, place)
    assert code == DUPLICATE_VOTER and "member already" in message, (code, message)
    code, message = add_voter(first, 4, members()[2]["peers"])
    assert code == INVALID_REQUEST and "broker 2" in message, (code, message)
    assert add_voter(first, 4, place, cluster_id="other")[0] == INCONSISTENT_CLUSTER_ID
    assert add_voter(first, 0, place)[0] == INVALID_REQUEST
    assert remove_voter(first, 9)[0] == VOTER_NOT_FOUND
    code, message = remove_voter(first, 2)
    assert code == INVALID_REQUEST and "6 partitions" in message and "--away-from 2" in message, (code, message)
    code, message = unregister(first, 2)
    assert code == INVALID_REQUEST and "is a member" in message, (code, message)
    assert unregister(first, 9)[0] == BROKER_ID_NOT_REGISTERED
    assert sorted(members()) == [1, 2, 3] and cluster.alive() == [1, 2, 3]


@checks.check("a broker that is no member serves nobody, and is added once it has caught up")
def _():
    fourth = newcomer(4, [(1, first)])
    assert is_closed_to_clients(fourth.address), "a broker that is no member answers"
    succeeds("members", "add", "4=" + fourth.place)
    cluster.wait(lambda: cluster.alive() == [1, 2, 3, 4], "the fourth broker in the metadata")
    assert members(fourth.address)[4] == {"id": 4, "peers": fourth.place, "clients": fourth.address, "role": "voter", "controller": members()[4]["controller"]}
    succeeds("reassign", "start", "numbers", "--to", "4,1,2")
    found = cluster.partitions("numbers")
    assert all(sorted(p.replicas) == [1, 2, 4] for p in found.values()), found


@checks.check("a broker with partitions is not removed; without them it is, though it leads the log")
def _():
    controller = next(number for number, row in members().items() if row["controller"])
    others = [b for b in cluster.brokers + extra if b.number != controller]
    succeeds("reassign", "start", "numbers", "--to", ",".join(str(n) for n in [controller] + [b.number for b in others[:2]]), server=others[0].address)
    status, _, error = verb("members", "remove", str(controller), server=others[0].address)
    assert status != 0 and "has replicas of 6 partitions" in error, error
    succeeds("reassign", "start", "--away-from", str(controller), server=others[0].address)
    succeeds("members", "remove", str(controller), server=others[0].address)
    cluster.wait(lambda: controller not in members(others[0].address) and controller not in cluster.alive(), "three members")
    assert unregister(others[0].address, controller)[0] == BROKER_ID_NOT_REGISTERED
    global removed
    removed = next(b for b in cluster.brokers + extra if b.number == controller)
    cluster.wait(lambda: is_closed_to_clients(removed.address), "the removed broker's silence")


@checks.check("three members are left: with one of them lost, writes go on")
def _():
    removed.process.terminate()
    removed.process.wait(15)
    left = [b for b in cluster.brokers + extra if b is not removed]
    left[0].send(signal.SIGKILL)
    count = writer.count
    cluster.wait(lambda: writer.count > count + 100, "acknowledgements with two of three brokers")
    left[0].start()
    left[0].wait_ready()
    cluster.wait(lambda: all(sorted(p.isrs) == sorted(b.number for b in left) for p in cluster.partitions("numbers").values()), "all in sync again")


@checks.check("another broker takes the place of the removed one, under its number and with a directory of its own")
def _():
    global again
    number = removed.number
    left = next(b for b in cluster.brokers + extra if b is not removed)
    again = newcomer(number, [(left.number, left.address)], directory + "/again")
    assert is_closed_to_clients(again.address), "a broker that is no member answers"
    succeeds("members", "add", "%d=%s" % (number, again.place), server=left.address)
    cluster.wait(lambda: number in cluster.alive() and len(cluster.alive()) == 4, "four brokers again")


@checks.check("a broker that is lost is emptied, and removed without it")
def _():
    lost, left = [b for b in cluster.brokers + extra if b is not removed and b is not again][:2]
    assert any(lost.number in p.replicas for p in cluster.partitions("numbers").values())
    lost.send(signal.SIGKILL)
    cluster.wait(lambda: lost.number not in cluster.alive(), "the loss of a broker")
    succeeds("reassign", "start", "--away-from", str(lost.number), "--throttle", "100000000", server=left.address)
    succeeds("members", "remove", str(lost.number), server=left.address)
    found = members(left.address)
    assert len(found) == 3 and lost.number not in found and again.number in found, found
    assert any(again.number in p.replicas for p in cluster.partitions("numbers").values())
    assert all(len(p.isrs) == 3 and lost.number not in p.replicas for p in cluster.partitions("numbers").values())


@checks.check("nothing that was acknowledged is missing, twice or out of order, and the group has read all of it")
def _():
    writer.halt.set()
    writer.join(90)
    assert not writer.failures, writer.failures[:3]
    findings = Findings()
    total = sum(map(len, audit(findings, writer, cluster).values()))
    assert not findings.failed and total > 500, total
    cluster.wait(lambda: len(reader.seen) >= total, "the group's last record", 60)
    reader.halt.set()
    reader.join(40)
    assert not reader.errors, reader.errors


@checks.check("a broker that stood alone goes on as a cluster of one, and grows")
def _():
    port, places = free_port(), ["127.0.0.1:%d" % free_port() for _ in range(2)]
    one = Broker(program, directory + "/alone", 1, "1=" + places[0])
    extra.append(one)
    one.port = port
    clustered = one.arguments
    one.arguments = [program, "broker", "serve", "--listen", one.address, "--data-dir", directory + "/alone/broker-1", "--set", clustered[clustered.index("--data-dir") + 3]]
    clustered[clustered.index("--listen") + 1] = one.address
    one.start()
    one.wait_ready()
    producer = Producer({"bootstrap.servers": one.address, "log_level": 0})
    for number in range(100):
        producer.produce("before", b"%d" % number, partition=0)
    assert producer.flush(20) == 0
    one.process.terminate()
    one.process.wait(15)
    one.arguments = clustered
    one.start()
    one.wait_ready()

    def read():
        consumer = Consumer({"bootstrap.servers": one.address, "group.id": "g", "log_level": 0})
        consumer.assign([TopicPartition("before", 0, 0)])
        values = [message.value() for message in consumer.consume(100, 20) if message.error() is None]
        consumer.close()
        return values

    assert read() == [b"%d" % number for number in range(100)]
    two = Broker(program, directory + "/alone", 2, "1=%s,2=%s" % tuple(places))
    extra.append(two)
    two.start()
    two.wait_ready()
    succeeds("members", "add", "2=" + places[1], server=one.address)
    cluster.wait(lambda: "2" in {str(number) for number, row in members(one.address).items() if row["clients"]}, "the second broker")
    succeeds("reassign", "start", "before", "--to", "2", server=one.address)
    assert read() == [b"%d" % number for number in range(100)]


try:
    status = checks.finish()
    if status:
        for each in cluster.brokers + extra:
            print("--- broker %d\n%s" % (each.number, each.tail()[-3000:]), file=sys.stderr)
finally:
    stop_all(cluster.brokers + extra)
sys.exit(status)
