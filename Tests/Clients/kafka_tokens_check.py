#!/usr/bin/env python3
"""Logging in with tokens. Usage: kafka_tokens_check.py PROGRAM DATA_DIRECTORY

OAUTHBEARER with kafka-python, aiokafka and confluent-kafka, and delegation tokens, which no client here makes, by single requests and a SCRAM conversation of our own.
"""
import asyncio
import base64
import hashlib
import hmac
import json
import os
import struct
import subprocess
import sys
import time

import aiokafka
import confluent_kafka
from kafka import KafkaProducer
from kafka.net.sasl.oauth import AbstractTokenProvider
from kafka.protocol.metadata import MetadataRequest
from kafka.protocol.sasl import SaslAuthenticateRequest, SaslHandshakeRequest

from checks import Checks
from kafka_raw import Raw
from platform_child import PlatformChild

program, directory = sys.argv[1], sys.argv[2]
checks = Checks()
SECRET = b"a secret of more than thirty-two bytes"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*words, **options):
    return subprocess.run(["openssl", *words], capture_output=True, check=True, **options).stdout


key_file, keys_file, key_of_tokens, password_file = (os.path.join(directory, name) for name in ("rsa.pem", "keys.json", "token-key", "password"))
os.makedirs(directory, exist_ok=True)
openssl("genrsa", "-out", key_file, "2048")
modulus = bytes.fromhex(openssl("rsa", "-in", key_file, "-noout", "-modulus").decode().strip().split("=")[1])


def write_keys(secret):
    with open(keys_file, "w") as file:
        json.dump({"keys": [
            {"kty": "RSA", "kid": "r", "use": "sig", "alg": "RS256", "n": base64url(modulus), "e": "AQAB"},
            {"kty": "oct", "kid": "s", "k": base64url(secret)}, {"kty": "EC", "kid": "other", "crv": "P-256"}]}, file)


write_keys(SECRET)
for name, text in ((key_of_tokens, "the key of tokens"), (password_file, "admin-secret")):
    with open(name, "w") as file:
        file.write(text + "\n")


def token(user, algorithm="HS256", kid="s", secret=SECRET, header=None, **claims):
    claims = {"sub": user, "iss": "issuer", "aud": ["other", "platform"], "iat": int(time.time()), "exp": int(time.time()) + 600, **claims}
    claims = {name: value for name, value in claims.items() if value is not None}
    head = {"alg": algorithm, **({"kid": kid} if kid else {}), **(header or {})}
    message = base64url(json.dumps(head).encode()) + "." + base64url(json.dumps(claims).encode())
    if algorithm == "RS256":
        signature = openssl("dgst", "-sha256", "-sign", key_file, input=message.encode())
    else:
        signature = b"" if algorithm == "none" else hmac.new(secret, message.encode(), hashlib.sha256).digest()
    return message + "." + base64url(signature)


SETTINGS = [
    "broker.login-required=true", "broker.first-user=admin", "broker.first-user-password-file=" + password_file, "broker.oauth.keys-file=" + keys_file, "broker.oauth.issuer=issuer",
    "broker.oauth.audience=platform", "broker.delegation-token.secret-key-file=" + key_of_tokens, "broker.delegation-token.expiry.ms=3600000"]
server = PlatformChild(program, directory + "/data", "broker", ["broker.listen"], SETTINGS)
server.start()
address = server.endpoints["broker"]


class Provider(AbstractTokenProvider):
    def __init__(self, text):
        super().__init__()
        self.text = text

    def token(self):
        return self.text


def bearer(text, identity="", where=None):
    """Shows a token; returns the connection, the first answer and the second if the first was no end."""
    raw = Raw(where or address)
    assert raw.ask(SaslHandshakeRequest(mechanism="OAUTHBEARER"), 1).error_code == 0
    first = raw.ask(SaslAuthenticateRequest(auth_bytes=("n,%s,\1auth=Bearer %s\1\1" % (identity and "a=" + identity, text)).encode()), 2)
    second = raw.ask(SaslAuthenticateRequest(auth_bytes=b"\1"), 2) if first.error_code == 0 and first.auth_bytes else None
    return raw, first, second


@checks.check("three clients log in by OAUTHBEARER, with both kinds of signatures")
def _():
    for algorithm, kid in (("HS256", "s"), ("RS256", "r")):
        text = token("alice", algorithm, kid)
        options = {"bootstrap_servers": address, "security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "OAUTHBEARER"}
        producer = KafkaProducer(**options, sasl_oauth_token_provider=Provider(text))
        producer.send("tokens", b"x").get(20)
        producer.close()
        errors = []
        producer = confluent_kafka.Producer({
            "bootstrap.servers": address, "security.protocol": "SASL_PLAINTEXT", "sasl.mechanisms": "OAUTHBEARER", "log_level": 0,
            "oauth_cb": lambda _: (text, time.time() + 600)})
        producer.produce("tokens", b"x", on_delivery=lambda error, _: errors.append(error))
        producer.flush(20)
        assert errors == [None], errors

        async def send():
            class AsyncProvider(aiokafka.abc.AbstractTokenProvider):
                async def token(self):
                    return text

            producer = aiokafka.AIOKafkaProducer(**options, sasl_oauth_token_provider=AsyncProvider())
            await producer.start()
            await producer.send_and_wait("tokens", b"x")
            await producer.stop()

        asyncio.run(send())


@checks.check("a token that is not good is refused in two steps, with Kafka's words")
def _():
    now = int(time.time())
    good = token("alice")
    head, body, _ = good.split(".")
    rsa_as_secret = openssl("rsa", "-in", key_file, "-pubout")
    for what, text in {
            "ended": token("alice", exp=now - 60), "without an end": token("alice", exp=None), "from the future": token("alice", nbf=now + 600),
            "of another issuer": token("alice", iss="other"), "for somebody else": token("alice", aud="other"), "of nobody": token(None),
            "with a number for a name": token(7), "another secret": token("alice", secret=b"x" * 40), "another key's name": token("alice", kid="r"),
            "unknown key": token("alice", kid="z"), "unsigned": token("alice", "none"), "cut": good[:-4], "two parts": head + "." + body,
            "changed claims": head + "." + base64url(json.dumps({"sub": "admin", "exp": now + 600}).encode()) + "." + good.split(".")[2],
            "the public key as a secret": token("alice", kid=None, secret=rsa_as_secret), "extensions": token("alice", header={"crit": ["x"]}), "nonsense": "a.b.c",
            "very long": token("alice", padding="x" * 9000)}.items():
        raw, first, second = bearer(text)
        if what == "very long":
            assert first.error_code == 0 and not first.auth_bytes, first
            continue
        assert first.error_code == 0 and first.auth_bytes == b'{"status":"invalid_token"}', (what, first)
        assert second.error_code == 58 and second.error_message == '{"status":"invalid_token"}', (what, second)
        raw.close()
    raw, first, second = bearer(good, identity="bob")
    assert second and second.error_code == 58, first
    raw, first, second = bearer(good, identity="alice")
    assert first.error_code == 0 and not first.auth_bytes, first
    raw = Raw(address)
    raw.ask(SaslHandshakeRequest(mechanism="OAUTHBEARER"), 1)
    assert raw.ask(SaslAuthenticateRequest(auth_bytes=b"nonsense"), 2).error_code == 58


@checks.check("changed keys count without a restart")
def _():
    other = b"another secret of more than thirty-two bytes"
    _, first, _ = bearer(token("alice", secret=other))
    assert first.auth_bytes
    write_keys(other)
    os.utime(keys_file, (time.time() + 5, time.time() + 5))
    _, first, _ = bearer(token("alice", secret=other))
    assert first.error_code == 0 and not first.auth_bytes, first
    _, first, _ = bearer(token("alice"))
    assert first.auth_bytes


# Delegation tokens.

def compact(data):
    return bytes([len(data) + 1]) + (data if isinstance(data, bytes) else data.encode())


class Reader:
    def __init__(self, data):
        self.data = data

    def take(self, count):
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def number(self, count):
        return int.from_bytes(self.take(count), "big", signed=True)

    def text(self):
        return self.take(self.take(1)[0] - 1)


def scram(name, password, by_token=False, mechanism="SCRAM-SHA-256"):
    """A connection that has logged in, and None; or None and the refusal."""
    digest = "sha256" if mechanism.endswith("256") else "sha512"
    raw = Raw(address)
    assert raw.ask(SaslHandshakeRequest(mechanism=mechanism), 1).error_code == 0
    bare = "n=%s,r=nonce" % name + (",tokenauth=true" if by_token else "")
    first = raw.ask(SaslAuthenticateRequest(auth_bytes=b"n,," + bare.encode()), 2)
    assert first.error_code == 0, first
    fields = dict(part.split("=", 1) for part in first.auth_bytes.decode().split(","))
    salted = hashlib.pbkdf2_hmac(digest, password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
    client_key = hmac.new(salted, b"Client Key", digest).digest()
    unproved = "c=biws,r=" + fields["r"]
    signature = hmac.new(hashlib.new(digest, client_key).digest(), ",".join((bare, first.auth_bytes.decode(), unproved)).encode(), digest).digest()
    proof = base64.b64encode(bytes(a ^ b for a, b in zip(client_key, signature))).decode()
    last = raw.ask(SaslAuthenticateRequest(auth_bytes=(unproved + ",p=" + proof).encode()), 2)
    return (raw, None) if last.error_code == 0 else (None, last)


def create(raw, owner=None, renewers=(), lifetime=-1, owner_type="User"):
    names = b"\0\0" if owner is None else compact(owner_type) + compact(owner)
    body = names + bytes([len(renewers) + 1]) + b"".join(compact(kind) + compact(name) + b"\0" for kind, name in renewers) + struct.pack(">q", lifetime) + b"\0"
    answer = Reader(raw.ask_bytes(38, 3, body))
    code = answer.number(2)
    texts = [answer.text().decode() for _ in range(4)]
    issued, expires, latest = (answer.number(8) for _ in range(3))
    return {"code": code, "owner": texts[1], "requester": texts[3], "issued": issued, "expires": expires, "latest": latest, "id": answer.text().decode(), "hmac": answer.text()}


def change(raw, key, secret, period):
    answer = Reader(raw.ask_bytes(key, 2, compact(secret) + struct.pack(">q", period) + b"\0"))
    return answer.number(2), answer.number(8)


def describe(raw, owners=None):
    body = b"\0" if owners is None else bytes([len(owners) + 1]) + b"".join(compact("User") + compact(name) + b"\0" for name in owners)
    answer = Reader(raw.ask_bytes(41, 3, body + b"\0"))
    code = answer.number(2)
    count = answer.take(1)[0] - 1
    tokens = []
    for _ in range(count):
        names = [answer.text().decode() for _ in range(4)]
        times = [answer.number(8) for _ in range(3)]
        identity, secret = answer.text().decode(), answer.text()
        renewers = []
        for _ in range(answer.take(1)[0] - 1):
            renewers.append((answer.text().decode(), answer.text().decode()))
            answer.take(1)
        answer.take(1)
        tokens.append({"id": identity, "owner": names[1], "hmac": secret, "expires": times[1], "renewers": renewers})
    return code, tokens


NOT_FOUND, MISMATCH, NOT_ALLOWED, EXPIRED, WRONG_TYPE = 62, 63, 64, 66, 67
ALL = MetadataRequest(topics=None, allow_auto_topic_creation=False)


def password(made):
    return base64.b64encode(made["hmac"]).decode()


admin, _ = scram("admin", "admin-secret")
for user in ("carol", "dave"):
    ran = subprocess.run([program, "broker", "user", "set", user, "--with-password-file", "-", "--server", address, "--user", "admin", "--password-file", password_file], input=user + "-secret\n", text=True, capture_output=True)
    assert ran.returncode == 0, ran.stderr


@checks.check("a token is made, logs in as its owner by both mechanisms, and gets no tokens itself")
def _():
    carol, _ = scram("carol", "carol-secret")
    made = create(carol, renewers=[("User", "dave")])
    assert made["code"] == 0 and made["owner"] == made["requester"] == "carol" and len(made["hmac"]) == 64, made
    assert made["latest"] - made["issued"] == 7 * 24 * 3600 * 1000 and made["expires"] - made["issued"] == 3600_000, made
    for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
        raw, refusal = scram(made["id"], password(made), True, mechanism)
        assert refusal is None, refusal
        assert [topic.name for topic in raw.ask(ALL, 5).topics] == ["tokens"]
        assert create(raw)["code"] == NOT_ALLOWED and change(raw, 39, made["hmac"], -1)[0] == NOT_ALLOWED and describe(raw)[0] == NOT_ALLOWED
    # The password of a user is not one of a token, nor the other way about.
    assert scram(made["id"], password(made))[1].error_code == 58
    assert scram("carol", "carol-secret", True)[1].error_code == 58
    assert scram(made["id"], "wrong", True)[1].error_code == 58


@checks.check("owners and renewers change tokens and see them; others do not")
def _():
    (carol, _), (dave, _) = scram("carol", "carol-secret"), scram("dave", "dave-secret")
    made, own = create(carol, renewers=[("User", "dave")]), create(carol)
    assert made["id"] != own["id"]
    code, expires = change(dave, 39, made["hmac"], 60_000)
    assert code == 0 and abs(expires - time.time() * 1000 - 60_000) < 30_000, (code, expires)
    code, expires = change(carol, 39, made["hmac"], 2 ** 62)
    assert code == 0 and expires == made["latest"], (code, expires)
    assert change(dave, 39, own["hmac"], 1000)[0] == MISMATCH and change(dave, 40, own["hmac"], -1)[0] == MISMATCH
    assert change(carol, 39, b"x" * 64, 1000)[0] == NOT_FOUND
    assert own["id"] in [one["id"] for one in describe(carol)[1]] and own["id"] not in [one["id"] for one in describe(dave)[1]]
    shown = [one for one in describe(dave, ["carol"])[1] if one["id"] == made["id"]]
    assert shown[0]["renewers"] == [("User", "dave")] and shown[0]["hmac"] == made["hmac"], shown
    assert describe(dave, ["nobody"]) == (0, []) and describe(dave, []) == (0, [])
    assert create(carol, renewers=[("Group", "x")])["code"] == WRONG_TYPE
    # Without access rules everybody may do everything, also ask for others.
    other = create(carol, owner="dave", lifetime=5000)
    assert other["code"] == 0 and (other["owner"], other["requester"]) == ("dave", "carol") and other["expires"] - other["issued"] == 5000, other


@checks.check("a token that has ended logs nobody in")
def _():
    carol, _ = scram("carol", "carol-secret")
    made, short = create(carol), create(carol, lifetime=1)
    time.sleep(0.1)
    assert change(carol, 39, short["hmac"], 1000)[0] == EXPIRED
    assert scram(short["id"], password(short), True)[1].error_code == 58
    assert scram(made["id"], password(made), True)[1] is None
    assert change(carol, 40, made["hmac"], -1)[0] == 0
    assert scram(made["id"], password(made), True)[1].error_code == 58
    assert made["id"] not in [one["id"] for one in describe(carol)[1]]


@checks.check("tokens outlive a kill; without the key there are none, without a login nobody gets one")
def _():
    carol, _ = scram("carol", "carol-secret")
    made = create(carol)
    server.kill()
    server.arguments += ["--set", "broker.login-required=false"]
    server.start()
    assert scram(made["id"], password(made), True)[1] is None
    nobody = Raw(address)
    assert create(nobody)["code"] == NOT_ALLOWED and describe(nobody)[0] == NOT_ALLOWED
    server.stop()
    at = server.arguments.index("broker.delegation-token.secret-key-file=" + key_of_tokens)
    server.arguments[at] = "broker.oauth.unsecured-tokens=true"
    server.start()
    carol, _ = scram("carol", "carol-secret")
    assert create(carol)["code"] == 61 and describe(carol)[0] == 61
    assert scram(made["id"], password(made), True)[1].error_code == 58


@checks.check("tokens that nobody has signed are taken if a setting says so")
def _():
    _, first, _ = bearer(token("alice", "none", None))
    assert first.error_code == 0 and not first.auth_bytes, first
    _, first, _ = bearer(token("alice", "none", None, exp=int(time.time()) - 100))
    assert first.auth_bytes


@checks.check("a start with keys that cannot be used says why")
def _():
    with open(keys_file, "w") as file:
        file.write('{"keys":[{"kty":"oct","k":"c2hvcnQ"}]}')
    ran = subprocess.run([program, "broker", "serve", "--ephemeral", "--listen", "127.0.0.1:0", "--set", "broker.oauth.keys-file=" + keys_file], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 78 and "has no key for RS256" in ran.stderr and "next:" in ran.stderr, (ran.returncode, ran.stderr)


server.stop()
status = checks.finish()
if status:
    print(server.tail(), file=sys.stderr)
sys.exit(status)
