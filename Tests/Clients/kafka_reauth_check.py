#!/usr/bin/env python3
"""Logins that end, and connections that log in anew (KIP-368). Usage: kafka_reauth_check.py PROGRAM DATA_DIRECTORY"""
import base64
import json
import os
import sys
import time

from confluent_kafka import Producer
from kafka.protocol.metadata import ApiVersionsRequest, MetadataRequest
from kafka.protocol.sasl import SaslAuthenticateRequest, SaslHandshakeRequest

from checks import Checks
from kafka_raw import Raw
from platform_child import PlatformChild

program, directory = sys.argv[1], sys.argv[2]
checks = Checks()
LIFETIME_MS = 3000
ILLEGAL_SASL_STATE, SASL_AUTHENTICATION_FAILED = 34, 58

os.makedirs(directory, exist_ok=True)
password_file = os.path.join(directory, "password")
with open(password_file, "w") as file:
    file.write("secret\n")
SETTINGS = [
    "broker.login-required=true", "broker.first-user=admin", "broker.first-user-password-file=" + password_file, "broker.oauth.unsecured-tokens=true",
    "broker.connections.max.reauth.ms=%d" % LIFETIME_MS, "log.level=info"]
server = PlatformChild(program, directory + "/data", "broker", ["broker.listen"], SETTINGS)
server.start()
address = server.endpoints["broker"]


def token(user, seconds=600):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return part({"alg": "none"}) + "." + part({"sub": user, "exp": int(time.time()) + seconds}) + "."


def shown(mechanism, what):
    return b"\0admin\0" + what.encode() if mechanism == "PLAIN" else b"n,,\1auth=Bearer " + what.encode() + b"\1\1"


def log_in(raw, mechanism="PLAIN", what="secret", version=2):
    handshake = raw.ask(SaslHandshakeRequest(mechanism=mechanism), 1)
    assert handshake.error_code == 0, handshake
    return raw.ask(SaslAuthenticateRequest(auth_bytes=shown(mechanism, what)), version)


def works(raw):
    return raw.ask(MetadataRequest(topics=[], allow_auto_topic_creation=False), 8).brokers


def is_closed(raw):
    try:
        works(raw)
        return False
    except ConnectionError:
        return True


@checks.check("a client is told for how long its login counts, and logs in anew on its connection")
def _():
    raw = Raw(address)
    assert log_in(raw).session_lifetime_ms == LIFETIME_MS
    began = time.monotonic()
    while time.monotonic() - began < 2.5 * LIFETIME_MS / 1000:
        time.sleep(1.2)
        assert works(raw)
        assert log_in(raw).session_lifetime_ms == LIFETIME_MS
    raw.close()


@checks.check("a login that has ended serves a login only, and any other request closes the connection")
def _():
    late, unsaid = Raw(address), Raw(address)
    log_in(late)
    log_in(unsaid, version=0)
    time.sleep(LIFETIME_MS / 1000 + 0.3)
    assert late.ask(ApiVersionsRequest(), 0).error_code == 0
    assert log_in(late).error_code == 0 and works(late)
    assert is_closed(unsaid), "a login that has ended still counts"


@checks.check("user and mechanism of a connection stay, and it logs in anew once a second at most")
def _():
    raw = Raw(address)
    assert log_in(raw, "OAUTHBEARER", token("alice")).error_code == 0
    assert raw.ask(SaslHandshakeRequest(mechanism="PLAIN"), 1).error_code == ILLEGAL_SASL_STATE
    assert log_in(raw, "OAUTHBEARER", token("alice")).error_code == 0
    assert raw.ask(SaslHandshakeRequest(mechanism="OAUTHBEARER"), 1).error_code == ILLEGAL_SASL_STATE
    assert works(raw)
    time.sleep(1.1)
    answer = log_in(raw, "OAUTHBEARER", token("bob"))
    assert answer.error_code == SASL_AUTHENTICATION_FAILED and "cannot change" in answer.error_message, answer
    assert is_closed(raw)


@checks.check("a wrong password closes the connection also when it comes the second time")
def _():
    raw = Raw(address)
    log_in(raw)
    assert log_in(raw, what="wrong").error_code == SASL_AUTHENTICATION_FAILED
    assert is_closed(raw)


@checks.check("a login by a token ends with the token, if that is sooner")
def _():
    raw = Raw(address)
    # Clocks may differ by 30 s, for which a token counts longer than it says.
    lifetime = log_in(raw, "OAUTHBEARER", token("alice", -28)).session_lifetime_ms
    assert 0 < lifetime <= 2000, lifetime
    time.sleep(lifetime / 1000 + 0.2)
    assert is_closed(raw)


@checks.check("librdkafka logs in anew and goes on, by PLAIN, SCRAM and OAUTHBEARER")
def _():
    settings = {"bootstrap.servers": address, "security.protocol": "SASL_PLAINTEXT", "log_level": 0}
    producers, errors = [], []
    for mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"):
        producers.append(Producer({**settings, "sasl.mechanisms": mechanism, "sasl.username": "admin", "sasl.password": "secret", "error_cb": errors.append}))
    producers.append(Producer({
        **settings, "sasl.mechanisms": "OAUTHBEARER", "oauth_cb": lambda _: (token("carol"), time.time() + 600), "error_cb": errors.append}))
    sent = [[] for _ in producers]
    before = server.tail(1 << 20).count('"again":"true"')
    began = time.monotonic()
    while time.monotonic() - began < 2.5 * LIFETIME_MS / 1000:
        for producer, answers in zip(producers, sent):
            producer.produce("events", b"x", on_delivery=lambda error, _, answers=answers: answers.append(error))
            producer.poll(0)
        time.sleep(0.1)
    for producer, answers in zip(producers, sent):
        assert producer.flush(20) == 0 and answers and not any(answers), answers
    assert not errors, errors
    anew = server.tail(1 << 20).count('"again":"true"') - before
    assert anew >= 2 * len(producers), anew


try:
    status = checks.finish()
    if status:
        print(server.tail(), file=sys.stderr)
finally:
    server.stop()
sys.exit(status)
