"""TLS between brokers, on three as processes of their own. Usage: kafka_peer_tls_check.py PROGRAM DATA_DIRECTORY"""
import os
import signal
import socket
import ssl
import sys

from confluent_kafka import Consumer, Producer, TopicPartition

from certificates import Certificates
from checks import Checks
from kafka_cluster import Cluster

program, directory = sys.argv[1], sys.argv[2]
os.makedirs(directory, exist_ok=True)
certificates = Certificates(directory)
extra = []
for name, path in (("certificate", certificates.server), ("key", certificates.server_key), ("client-ca", certificates.authority)):
    extra += ["--set", "broker.peer.tls.%s=%s" % (name, path)]
checks = Checks()
cluster = Cluster(program, directory, extra=extra)
peer_port = int(cluster.brokers[0].arguments[cluster.brokers[0].arguments.index("--peers") + 1].split(",")[0].split(":")[1])


def produce(values):
    errors = []
    producer = Producer({"bootstrap.servers": cluster.servers, "acks": "all", "log_level": 0, "message.timeout.ms": 20000, "socket.timeout.ms": 3000})
    for value in values:
        producer.produce("sealed", value, partition=0, on_delivery=lambda error, _: errors.append(error))
    producer.flush(30)
    return errors


@checks.check("records are replicated over TLS, and outlive the loss of their leader")
def _():
    cluster.create("sealed", 1, 3)
    cluster.wait_in_sync("sealed")
    values = [b"%d" % number for number in range(500)]
    assert produce(values) == [None] * 500
    leader = cluster.leader("sealed")
    leader.send(signal.SIGKILL)
    cluster.wait(lambda: cluster.partitions("sealed")[0].leader not in (-1, leader.number), "another leader")
    assert produce([b"after"]) == [None]
    leader.start()
    leader.wait_ready()
    cluster.wait_in_sync("sealed")
    consumer = Consumer({"bootstrap.servers": cluster.servers, "group.id": "g", "log_level": 0})
    consumer.assign([TopicPartition("sealed", 0, 0)])
    found = [message.value() for message in consumer.consume(501, 20)]
    consumer.close()
    assert found == values + [b"after"], len(found)


ALERT = 0x15


def ends(connection):
    """Whether the other side ends the connection, with no more than an alert of TLS."""
    connection.settimeout(10)
    try:
        first = connection.recv(64)
        return first == b"" or (first[0] == ALERT and connection.recv(64) == b"")
    except (ConnectionError, ssl.SSLError):
        return True


def shows(certificate=None, key=None):
    context = ssl.create_default_context(cafile=certificates.authority)
    context.check_hostname = False
    if certificate:
        context.load_cert_chain(certificate, key)
    return context


@checks.check("who speaks in the clear, or shows no certificate of the authority, is not let in")
def _():
    with socket.create_connection(("127.0.0.1", peer_port), 10) as plain:
        plain.sendall(b"\0\0\0\x20PLT2" + bytes(28))
        assert ends(plain), "an answer in the clear"
    for context in (shows(), shows(certificates.strange_client, certificates.strange_client_key)):
        try:
            with context.wrap_socket(socket.create_connection(("127.0.0.1", peer_port), 10)) as connection:
                connection.sendall(b"\0\0\0\x20PLT2" + bytes(28))
                assert ends(connection), "an answer to a stranger"
        except (ConnectionError, ssl.SSLError):
            pass
    # The right certificate is heard, and what it says is looked at: this is no introduction of a broker.
    with shows(certificates.client, certificates.client_key).wrap_socket(socket.create_connection(("127.0.0.1", peer_port), 10)) as connection:
        assert connection.version() in ("TLSv1.2", "TLSv1.3")
        connection.sendall(b"\0\0\0\x20PLT2" + bytes(28))
        assert ends(connection)


sys.exit(cluster.finish(checks))
