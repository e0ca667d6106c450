"""TLS on every listener, with clients that we did not write and with the verbs. Usage: tls_check.py PROGRAM

First the server alone shows a certificate, then clients must show one as well.
"""
import atexit
import json
import logging
import os
import socket
import ssl
import subprocess
import sys
import tempfile

from certificates import Certificates
from checks import Checks

logging.disable(logging.CRITICAL)
checks = Checks()


class Server:
    def __init__(self, program, settings):
        arguments = [program, "up", "--ephemeral", "--ports", "auto", "--set", "log.level=critical"]
        for text in settings:
            arguments += ["--set", text]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        atexit.register(self.process.kill)  # a check that fails leaves nothing behind
        line = self.process.stdout.readline()
        assert line.startswith("READY "), line
        self.endpoints = dict(word.split("=", 1) for word in line.split()[1:])

    def at_localhost(self, name):
        return "localhost:" + self.endpoints[name].rsplit(":", 1)[1]

    def stop(self):
        self.process.terminate()
        assert self.process.wait(10) == 0


def kazoo_round(address, **options):
    from kazoo.client import KazooClient

    client = KazooClient(address, timeout=10, connection_retry={"max_tries": 0}, **options)
    try:
        client.start(timeout=4)
        path = client.create("/tls-", b"secret", sequence=True)
        assert client.get(path)[0] == b"secret"
    finally:
        client.stop()
        client.close()


def kafka_round(address, **options):
    from kafka import KafkaConsumer, KafkaProducer

    shared = dict(bootstrap_servers=address, security_protocol="SSL", **options)
    producer = KafkaProducer(max_block_ms=5000, **shared)
    try:
        producer.send("tls", b"secret").get(timeout=10)
    finally:
        producer.close(timeout=1)
    consumer = KafkaConsumer("tls", auto_offset_reset="earliest", consumer_timeout_ms=10_000, **shared)
    try:
        assert next(iter(consumer)).value == b"secret"
    finally:
        consumer.close()


def webhdfs_round(address, **session_options):
    import requests
    from hdfs import InsecureClient

    session = requests.Session()
    session.trust_env = False  # a variable that names a bundle would win over `verify`
    for name, value in session_options.items():
        setattr(session, name, value)
    client = InsecureClient("https://" + address, user="root", session=session, timeout=5)
    client.write("/tls.txt", b"secret", overwrite=True)
    with client.read("/tls.txt") as reader:
        assert reader.read() == b"secret"


def refused(function, *arguments, **options):
    try:
        function(*arguments, **options)
    except BaseException:  # every client has its own error, and kazoo's threads their own way
        return
    raise AssertionError("the server took a client that it must refuse")


def verb(program, arguments, status=0, text=""):
    ran = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)
    assert ran.returncode == status, "%s: %s %s%s" % (arguments, ran.returncode, ran.stdout, ran.stderr)
    assert text in ran.stdout + ran.stderr, ran.stdout + ran.stderr
    return ran.stdout


def curl(*arguments):
    return subprocess.run(["curl", "-s", "--max-time", "5", *arguments], capture_output=True, text=True)


PYSPARK = "from pyspark.sql import SparkSession; import sys; print(SparkSession.builder.remote(sys.argv[1]).getOrCreate().sql('SELECT 41 + 1 AS n').collect())"


def server_shows_a_certificate(program, files):
    server = Server(program, files.settings())
    coord, broker, dfs, connect, console = (server.at_localhost(name) for name in ("coord", "broker", "webhdfs", "connect", "console"))

    @checks.check("kazoo with use_ssl")
    def _():
        kazoo_round(coord, use_ssl=True, ca=files.authority, verify_certs=True)
        kazoo_round(server.endpoints["coord"], use_ssl=True, ca=files.authority, verify_certs=True)

    @checks.check("kazoo without TLS, and with another authority, gets nothing")
    def _():
        refused(kazoo_round, coord)
        refused(kazoo_round, coord, use_ssl=True, ca=files.stranger, verify_certs=True)

    @checks.check("kafka-python with security_protocol SSL")
    def _():
        kafka_round(broker, ssl_cafile=files.authority)
        kafka_round(server.endpoints["broker"], ssl_cafile=files.authority)

    @checks.check("kcat with security.protocol=ssl")
    def _():
        options = ["-b", broker, "-X", "security.protocol=ssl", "-X", "ssl.ca.location=" + files.authority]
        subprocess.run(["kcat", "-P", "-t", "kcat", *options], input="one\n", text=True, check=True, timeout=20)
        ran = subprocess.run(["kcat", "-C", "-t", "kcat", "-o", "beginning", "-e", "-q", *options], capture_output=True, text=True, timeout=20)
        assert ran.stdout == "one\n", ran

    @checks.check("hdfs over https, through the redirects to the datanode")
    def _():
        webhdfs_round(dfs, verify=files.authority)
        refused(webhdfs_round, dfs, verify=files.stranger)

    @checks.check("PySpark with use_ssl")
    def _():
        environment = dict(os.environ, GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=files.authority)
        script = files.path("pyspark_program.py")
        with open(script, "w") as file:
            file.write(PYSPARK)
        ran = subprocess.run([sys.executable, script, "sc://%s/;use_ssl=true" % connect], capture_output=True, text=True, env=environment, timeout=60)
        assert "n=42" in ran.stdout, ran

    @checks.check("curl reads the console over https, and not over http")
    def _():
        assert curl("--cacert", files.authority, "https://%s/readyz" % console).stdout == "ok\n"
        assert curl("http://%s/readyz" % console).returncode != 0
        assert curl("--cacert", files.stranger, "https://%s/readyz" % console).returncode != 0

    @checks.check("every verb takes --tls-ca")
    def _():
        tls = ["--tls-ca", files.authority]
        verb(program, ["coord", "create", "/verb", "x", "--server", coord, *tls])
        assert verb(program, ["coord", "get", "/verb", "--server", server.endpoints["coord"], *tls]) == "x"
        verb(program, ["broker", "topic", "list", "--server", broker, *tls], text="kcat")
        assert verb(program, ["dfs", "cat", "/tls.txt", "--server", dfs, *tls]) == "secret"
        for address in (connect, server.endpoints["connect"]):
            assert json.loads(verb(program, ["compute", "sql", "SELECT true AS yes", "-o", "json", "--server", address, *tls])) == [{"yes": True}]
        verb(program, ["status", "--server", console, *tls], text="ready")

    @checks.check("a verb that does not trust the server says so and exits with 69")
    def _():
        verb(program, ["coord", "ls", "/", "--server", coord, "--tls-ca", files.stranger], 69, "not signed by an authority")
        verb(program, ["broker", "topic", "list", "--server", broker, "--tls-ca", files.stranger], 69, "not signed by an authority")
        verb(program, ["dfs", "ls", "/", "--server", dfs, "--tls-ca", files.stranger], 69, "not signed by an authority")
        verb(program, ["compute", "sql", "SELECT 1", "--server", connect, "--tls-ca", files.stranger], 69)
        verb(program, ["coord", "ls", "/", "--server", coord], 69)

    @checks.check("compute reads the dfs of its process over https")
    def _():
        out = verb(program, ["compute", "sql", "SELECT count(*) AS n FROM text.`webhdfs:///tls.txt`", "-o", "json", "--server", connect, "--tls-ca", files.authority])
        assert json.loads(out) == [{"n": 1}], out

    @checks.check("TLS 1.1 is refused")
    def _():
        ran = subprocess.run(["openssl", "s_client", "-connect", coord, "-tls1_1"], input="", capture_output=True, text=True, timeout=10)
        assert "Cipher is (NONE)" in ran.stdout or ran.returncode != 0, ran.stdout

    @checks.check("bytes that are no handshake close the connection")
    def _():
        for name in ("coord", "broker", "webhdfs", "connect", "console"):
            host, port = server.endpoints[name].rsplit(":", 1)
            with socket.create_connection((host, int(port)), timeout=5) as peer:
                peer.sendall(b"GET / HTTP/1.1\r\n\r\n" * 10)
                while peer.recv(4096):
                    pass

    checks.check("the server stops cleanly")(server.stop)


def clients_must_show_one(program, files):
    server = Server(program, files.settings(clients_must_show=True))
    coord, broker, dfs, connect, console = (server.at_localhost(name) for name in ("coord", "broker", "webhdfs", "connect", "console"))
    own = ["--tls-ca", files.authority, "--tls-certificate", files.client, "--tls-key", files.client_key]
    strange = ["--tls-ca", files.authority, "--tls-certificate", files.strange_client, "--tls-key", files.strange_client_key]

    @checks.check("client certificates: kazoo")
    def _():
        kazoo_round(coord, use_ssl=True, ca=files.authority, verify_certs=True, certfile=files.client, keyfile=files.client_key)
        refused(kazoo_round, coord, use_ssl=True, ca=files.authority, verify_certs=True)

    @checks.check("client certificates: kafka-python")
    def _():
        kafka_round(broker, ssl_cafile=files.authority, ssl_certfile=files.client, ssl_keyfile=files.client_key)

        def ask_versions():
            # kafka-python itself tries again for half a minute before it gives up.
            context = ssl.create_default_context(cafile=files.authority)
            host, port = broker.split(":")
            with context.wrap_socket(socket.create_connection((host, int(port)), timeout=5), server_hostname=host) as peer:
                peer.sendall(bytes.fromhex("0000000e00120000000000010004") + b"idle")
                assert peer.recv(4)

        refused(ask_versions)

    @checks.check("client certificates: hdfs and curl")
    def _():
        webhdfs_round(dfs, verify=files.authority, cert=(files.client, files.client_key))
        refused(webhdfs_round, dfs, verify=files.authority)
        shown = ["--cacert", files.authority, "--cert", files.client, "--key", files.client_key]
        assert curl(*shown, "https://%s/livez" % console).stdout == "ok\n"
        assert curl("--cacert", files.authority, "https://%s/livez" % console).stdout == ""

    @checks.check("client certificates: verbs, and strangers kept out")
    def _():
        verb(program, ["coord", "ls", "/", "--server", coord, *own], text="zookeeper")
        verb(program, ["broker", "topic", "list", "--server", broker, *own], text="tls")
        verb(program, ["dfs", "cat", "/tls.txt", "--server", dfs, *own], text="secret")
        verb(program, ["compute", "sql", "SELECT 1 AS one", "--server", connect, *own], text="1")
        verb(program, ["status", "--server", console, *own], text="ready")
        for kind, address, what in (("coord", coord, ["ls", "/"]), ("broker", broker, ["topic", "list"]), ("dfs", dfs, ["ls", "/"]), ("compute", connect, ["sql", "SELECT 1"])):
            verb(program, [kind, *what, "--server", address, *strange], 69)
            verb(program, [kind, *what, "--server", address, "--tls-ca", files.authority], 69)

    @checks.check("client certificates: compute reads the dfs of its process")
    def _():
        out = verb(program, ["compute", "sql", "SELECT count(*) AS n FROM text.`webhdfs:///tls.txt`", "-o", "json", "--server", connect, *own])
        assert json.loads(out) == [{"n": 1}], out

    checks.check("the server with client certificates stops cleanly")(server.stop)


def main(program):
    with tempfile.TemporaryDirectory() as directory:
        files = Certificates(directory)
        server_shows_a_certificate(program, files)
        clients_must_show_one(program, files)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
