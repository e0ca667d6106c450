#!/usr/bin/env python3
"""kafka_hostile.py PLATFORM [--long]: what clients that mean harm can take from a broker: memory and other clients' time. Each attack runs beside an ordinary
client, whose slowest request is measured. Bounds are for a busy machine and a program built for debugging; what the attacks ask for is many times larger."""
import os
import socket
import ssl
import struct
import sys
import tempfile
import threading
import time
import zlib

from kafka.protocol.metadata import MetadataRequest
from kafka.protocol.sasl import SaslAuthenticateRequest, SaslHandshakeRequest
from kafka.record.util import calc_crc32c

from certificates import Certificates
from checks import Findings
from kafka_raw import Raw
from platform_child import PlatformChild, resident_bytes

MIB = 1 << 20


class Bystander:
    """An ordinary client that asks one small thing after the other, and notes how long the slowest took."""

    def __init__(self, ask):
        self.ask = ask
        self.stopped, self.slowest, self.asked, self.failure = False, 0.0, 0, None
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped = True
        self.thread.join()

    def run(self):
        try:
            while not self.stopped:
                began = time.monotonic()
                self.ask()
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.asked += 1
                time.sleep(0.005)
        except Exception as failure:  # told by who looks
            self.failure = failure


def string(text):
    return struct.pack(">h", len(text)) + text.encode()


def varint(number):
    number, out = number << 1, b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def request(key, version, body):
    content = struct.pack(">hhi", key, version, 7) + string("hostile") + body
    return struct.pack(">i", len(content)) + content


def fetch(topic, wait=0, least=1):
    part = struct.pack(">iqi", 0, 0, 50 * MIB)
    return request(1, 4, struct.pack(">iiiib", -1, wait, least, 50 * MIB, 0) + struct.pack(">i", 1) + string(topic) + struct.pack(">i", 1) + part)


def batch(body, count, codec=0):
    rest = struct.pack(">hiqqqhii", codec, count - 1, 0, 0, -1, -1, -1, count) + body
    return struct.pack(">qiib", 0, len(rest) + 9, -1, 2) + struct.pack(">I", calc_crc32c(rest)) + rest


def produce(topic, records):
    part = struct.pack(">ii", 0, len(records)) + records
    return request(0, 3, struct.pack(">hhi", -1, -1, 30000) + struct.pack(">i", 1) + string(topic) + struct.pack(">i", 1) + part)


def offsets_by_time(topic):
    return request(2, 1, struct.pack(">ii", -1, 1) + string(topic) + struct.pack(">i", 1) + struct.pack(">iq", 0, 1))


class Attacks:
    def __init__(self, program, findings, factor):
        self.program, self.findings, self.factor = program, findings, factor
        self.directory = tempfile.mkdtemp()

    def begin(self, name, settings=()):
        directory = os.path.join(self.directory, name)
        os.mkdir(directory)
        self.child = PlatformChild(self.program, directory, "broker", ["broker.listen"], settings)
        self.child.start()
        self.address = self.child.endpoints["broker"]

    def end(self):
        self.findings.true(self.child.alive, "the broker lives")
        self.findings.equal(self.child.stop(), 0, "the broker stops in order")

    def link(self):
        host, port = self.address.rsplit(":", 1)
        return socket.create_connection((host, int(port)), 60)

    def call(self, bytes, link=None):
        link = link or self.link()
        link.sendall(bytes)
        return self.read(link, struct.unpack(">i", self.read(link, 4))[0])

    @staticmethod
    def read(link, size):
        found = b""
        while len(found) < size:
            more = link.recv(size - len(found))
            if not more:
                raise ConnectionError("closed by the broker")
            found += more
        return found

    def make_topic(self, name, settings=()):
        body = struct.pack(">i", 1) + string(name) + struct.pack(">ihi", 1, 1, 0) + struct.pack(">i", len(settings))
        for key, value in settings:
            body += string(key) + string(value)
        self.call(request(19, 2, body + struct.pack(">i", 10000) + b"\0"))

    def metadata(self):
        raw = Raw(self.address, 120)
        return lambda: raw.ask(MetadataRequest(topics=[], allow_auto_topic_creation=False), 5)

    def measure(self, what, attack, grown_max, slowest_max=2.0, ask=None):
        before = resident_bytes(self.child.process.pid)
        highest = [before]
        with Bystander(ask or self.metadata()) as bystander:
            watch = threading.Event()

            def look():
                while not watch.wait(0.02):
                    highest[0] = max(highest[0], resident_bytes(self.child.process.pid))
            looker = threading.Thread(target=look)
            looker.start()
            try:
                attack()
            finally:
                watch.set()
                looker.join()
        grown = highest[0] - before
        print("        %s: %d MiB more, others' slowest of %d requests %.0f ms" % (what, grown // MIB, bystander.asked, bystander.slowest * 1000), flush=True)
        self.findings.true(grown < grown_max, what + ": memory", "%d MiB" % (grown // MIB))
        self.findings.true(bystander.failure is None and bystander.slowest < slowest_max, what + ": others' time", "%.1f s, %r" % (bystander.slowest, bystander.failure))

    def partial_frames(self):
        """Frames of 100 MB that never become whole, from many connections. The address may hold 64 MiB here."""
        def attack():
            links, piece = [self.link() for _ in range(30 * self.factor)], b"x" * (256 << 10)
            for link in links:
                link.setblocking(False)
                link.send(struct.pack(">i", 100 * MIB) + struct.pack(">hhi", 0, 3, 1))
            deadline = time.monotonic() + 3
            while time.monotonic() < deadline:
                for link in links:
                    try:
                        link.send(piece)
                    except OSError:  # full, or closed by the broker
                        pass
            for link in links:
                link.close()
        self.measure("partial frames", attack, 200 * MIB)

    def frames_before_login(self):
        """Nobody has logged in: 16 KiB hold while the frame is partial."""
        link = self.link()
        link.sendall(struct.pack(">i", 17 << 10) + b"\0\3")
        self.findings.equal(link.recv(1), b"", "a frame above 16 KiB is closed by its length alone before a login")

    def unread_fetches(self, what, ask=None):
        """Many fetches in one burst, whose answers nobody reads."""
        def attack():
            links = [self.link() for _ in range(3 * self.factor)]
            for link in links:
                link.sendall(fetch("full") * 60)
            time.sleep(3)
            for link in links:
                link.close()
        self.measure(what, attack, 250 * MIB, ask=ask)

    def bombs(self):
        """Batches of some ten kilobytes that open to much, to a compacted topic: nonsense, one record of 28 MB, and more than any batch may open to."""
        def packed(size, body):
            packer = zlib.compressobj(9, zlib.DEFLATED, 31)
            return packer.compress(body) + b"".join(packer.compress(bytes(MIB)) for _ in range(size)) + packer.flush()
        bombs = [produce("compacted", batch(packed(0, bytes([12, 0, 0, 0, 0, 1, 0]) * 4_000_000), 4_000_000, 1))]
        for size in (28, 300):
            value = size * MIB - 1
            record = b"\0\0\0\2k" + varint(value)
            bombs.append(produce("compacted", batch(packed(size, varint(len(record) + value + 1) + record), 1, 1)))

        def attack():
            for link in [self.link() for _ in range(2 * self.factor)]:
                for bomb in bombs * 2:
                    self.call(bomb, link)
        producer, small = self.link(), produce("others", batch(bytes([14, 0, 0, 0, 2]) + b"k" + bytes([1, 0]), 1))
        self.measure("bombs", attack, 300 * MIB, 5.0)
        self.measure("bombs beside a producer", attack, 300 * MIB, 10.0, ask=lambda: self.call(small, producer))
        # A batch whose records are as they should be is kept, and a time is looked for in it.
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        records = (b"\0\0" + varint(number) + b"\1\1\0" for number in range(500_000))
        body = b"".join(varint(len(one)) + one for one in records)
        answer = self.call(produce("plain", batch(packer.compress(body) + packer.flush(), 500_000, 1)))
        self.findings.true(b"\0\5plain\0\0\0\1\0\0\0\0\0\0" in answer, "half a million small records are taken", repr(answer))
        self.measure("times", lambda: [self.call(offsets_by_time("plain")) for _ in range(10 * self.factor)], 100 * MIB)

    def logins(self):
        """Wrong passwords by the thousand on connections that are closed at once."""
        wrong = request(36, 0, struct.pack(">i", 14) + b"\0admin\0wrong-1")

        def attack():
            for _ in range(10 * self.factor):
                link = self.link()
                link.sendall(request(17, 1, string("PLAIN")) + wrong * 500)
                link.close()

        def log_in():
            raw = Raw(self.address, 120)
            assert raw.ask(SaslHandshakeRequest(mechanism="PLAIN"), 1).error_code == 0
            assert raw.ask(SaslAuthenticateRequest(auth_bytes=b"\0admin\0admin-secret"), 1).error_code == 0
            raw.close()
        self.measure("logins", attack, 100 * MIB, 5.0, ask=log_in)
        log_in()

        def timed(user):
            took = []
            for _ in range(8 * self.factor):
                raw = Raw(self.address, 120)
                raw.ask(SaslHandshakeRequest(mechanism="PLAIN"), 1)
                began = time.monotonic()
                raw.ask(SaslAuthenticateRequest(auth_bytes=b"\0" + user + b"\0wrong"), 1)
                took.append(time.monotonic() - began)
                raw.close()
            return min(took)
        known, unknown = timed(b"admin"), timed(b"nobody")
        self.findings.true(0.7 < known / unknown < 1.4, "a user who is not known takes as long", "%.1f ms, known %.1f ms" % (unknown * 1000, known * 1000))

    def fill(self, name, mebibytes):
        value, link = os.urandom(900_000), self.link()
        record = b"\0\0\0\1" + varint(len(value)) + value + b"\0"
        for _ in range(mebibytes):
            self.call(produce(name, batch(varint(len(record)) + record, 1)), link)


def main():
    program, factor = sys.argv[1], 5 if "--long" in sys.argv else 1
    findings = Findings()
    attacks = Attacks(program, findings, factor)
    attacks.begin("plain", ["broker.client-memory-per-address.bytes.max=%d" % (64 * MIB)])
    attacks.partial_frames()
    for name, settings in (("full", ()), ("compacted", (("cleanup.policy", "compact"),)), ("others", ()), ("plain", ())):
        attacks.make_topic(name, settings)
    attacks.fill("full", 60)
    attacks.unread_fetches("unread fetches")
    attacks.bombs()
    attacks.end()
    secret = os.path.join(attacks.directory, "secret")
    with open(secret, "w") as file:
        file.write("admin-secret\n")
    attacks.begin("login", ["broker.login-required=true", "broker.first-user=admin", "broker.first-user-password-file=" + secret])
    attacks.frames_before_login()
    attacks.logins()
    attacks.end()
    certificates = Certificates(attacks.directory)
    attacks.begin("tls", [one for one in certificates.settings() if one.startswith("broker.")])
    context = ssl.create_default_context(cafile=certificates.authority)
    plain = attacks.link
    attacks.link = lambda: context.wrap_socket(plain(), server_hostname="localhost")
    attacks.make_topic("full")
    attacks.fill("full", 60)
    link = attacks.link()
    attacks.unread_fetches("unread encrypted fetches", ask=lambda: attacks.call(request(18, 0, b""), link))
    attacks.end()
    return findings.finish()


sys.exit(main())
