#!/usr/bin/env python3
"""Checks logging in and access rules with kafka-python, aiokafka and confluent-kafka, and every API one by one without a rule.

usage: kafka_security_check.py PROGRAM DIRECTORY
Starts the program itself: everybody has to log in, and rules are obeyed. Prints a line per check and 'N passed, N failed'.
"""
import asyncio
import os
import socket
import struct
import subprocess
import sys
import time

import aiokafka
import confluent_kafka
from confluent_kafka.admin import (
    AclBinding, AclBindingFilter, AclOperation, AclPermissionType, AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic,
    ResourcePatternType, ResourceType, ScramCredentialInfo, ScramMechanism, UserScramCredentialDeletion, UserScramCredentialUpsertion)
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from kafka.protocol.metadata import ApiVersionsRequest
from kafka.protocol.producer import ProduceRequest
from kafka.protocol.sasl import SaslAuthenticateRequest, SaslHandshakeRequest

from checks import Checks
from kafka_raw import Raw
from platform_child import PlatformChild

program, directory = sys.argv[1:3]
secret = os.path.join(directory, "secret")
with open(secret, "w") as file:
    file.write("admin-secret\n")
settings = ["broker.login-required=true", "broker.access-rules=true", "broker.super-users=admin", "broker.first-user=admin", "broker.first-user-password-file=" + secret]
server = PlatformChild(program, directory, "broker", ["broker.listen"], settings)
server.start()
address = server.endpoints["broker"]
checks = Checks()


def confluent(user, password, mechanism="SCRAM-SHA-256", **options):
    return {
        "bootstrap.servers": address, "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": mechanism, "sasl.username": user, "sasl.password": password, "log_level": 0,
        **{key.replace("_", "."): value for key, value in options.items()}}


def python(user, password, mechanism="SCRAM-SHA-256"):
    return dict(
        bootstrap_servers=address, security_protocol="SASL_PLAINTEXT", sasl_mechanism=mechanism, sasl_plain_username=user, sasl_plain_password=password)


admin = AdminClient(confluent("admin", "admin-secret"))


def topic(name):
    admin.create_topics([NewTopic(name, 1, 1)])[name].result(10)
    return name


def user(name, password, mechanism=ScramMechanism.SCRAM_SHA_256):
    info = ScramCredentialInfo(mechanism, 4096)
    admin.alter_user_scram_credentials([UserScramCredentialUpsertion(name, info, password.encode())])[name].result(10)


def rule(who, operation, kind, name, pattern=ResourcePatternType.LITERAL, permission=AclPermissionType.ALLOW):
    binding = AclBinding(kind, name, pattern, "User:" + who, "*", operation, permission)
    admin.create_acls([binding])[binding].result(10)
    return binding


def write(options, name, value=b"x"):
    """The error of writing a record, None if it went."""
    producer = confluent_kafka.Producer(dict(options, **{"message.timeout.ms": 4000}))
    errors = []
    producer.produce(name, value, partition=0, on_delivery=lambda error, _: errors.append(error))
    producer.flush(8)
    return errors[0] if errors else "no answer"


@checks.check("three clients log in by PLAIN and SCRAM")
def _():
    name = topic("logins")
    for mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"):
        assert write(confluent("admin", "admin-secret", mechanism), name) is None, mechanism
        producer = KafkaProducer(**python("admin", "admin-secret", mechanism))
        producer.send(name, b"x").get(timeout=60)
        producer.close()

        async def send():
            producer = aiokafka.AIOKafkaProducer(**python("admin", "admin-secret", mechanism))
            await producer.start()
            await producer.send_and_wait(name, b"x")
            await producer.stop()

        asyncio.run(send())


@checks.check("a wrong password and an unknown user are refused alike")
def _():
    for who, password in (("admin", "wrong"), ("nobody", "admin-secret")):
        for mechanism in ("PLAIN", "SCRAM-SHA-256"):
            raw = Raw(address)
            assert raw.ask(SaslHandshakeRequest(mechanism=mechanism), 1).error_code == 0
            if mechanism == "PLAIN":
                answer = raw.ask(SaslAuthenticateRequest(auth_bytes=b"\0" + who.encode() + b"\0" + password.encode()), 1)
                assert (answer.error_code, answer.error_message) == (58, "the user name or the password is wrong"), answer
            else:
                first = raw.ask(SaslAuthenticateRequest(auth_bytes=b"n,,n=" + who.encode() + b",r=abcdef"), 1)
                assert first.error_code == 0 and b"i=4096" in first.auth_bytes, first
            raw.close()
        assert write(confluent(who, password), "logins") is not None, "it was let in"


@checks.check("nothing is served before logging in, and little is read")
def _():
    raw = Raw(address)
    raw.ask(ApiVersionsRequest(client_software_name="x", client_software_version="1"), 3)
    assert raw.ask(SaslHandshakeRequest(mechanism="GSSAPI"), 1).error_code == 33
    assert raw.ask(SaslAuthenticateRequest(auth_bytes=b"x"), 1).error_code == 34, "a step without a beginning"
    host, port = address.split(":")
    for key in list(range(0, 17)) + list(range(18, 90)):
        if key in (17, 18, 36):
            continue
        with socket.create_connection((host, int(port)), 5) as connection:
            connection.sendall(struct.pack(">ihhih", 10, key, 1, 1, -1))
            connection.settimeout(30)
            assert connection.recv(1) == b"", "API %d was answered" % key
    with socket.create_connection((host, int(port)), 5) as connection:
        connection.sendall(struct.pack(">ihhih", 20000, 36, 1, 1, -1) + b"x" * 19990)
        connection.settimeout(30)
        try:
            assert connection.recv(1) == b"", "a large message before logging in was answered"
        except ConnectionResetError:
            pass


@checks.check("users are made, described and deleted")
def _():
    user("temp", "temp-secret", ScramMechanism.SCRAM_SHA_512)
    found = admin.describe_user_scram_credentials(["temp"])["temp"].result(10)
    assert [(one.mechanism, one.iterations) for one in found.scram_credential_infos] == [(ScramMechanism.SCRAM_SHA_512, 4096)]
    assert write(confluent("temp", "temp-secret", "SCRAM-SHA-512"), "logins").code() == confluent_kafka.KafkaError.TOPIC_AUTHORIZATION_FAILED
    admin.alter_user_scram_credentials([UserScramCredentialDeletion("temp", ScramMechanism.SCRAM_SHA_512)])["temp"].result(10)
    try:
        admin.describe_user_scram_credentials(["temp"])["temp"].result(10)
        raise AssertionError("the user is still there")
    except confluent_kafka.KafkaException as error:
        assert error.args[0].code() == confluent_kafka.KafkaError.RESOURCE_NOT_FOUND


@checks.check("a rule opens one topic for one operation, and a denial closes it again")
def _():
    name, other = topic("opened"), topic("closed")
    user("alice", "a")
    alice = confluent("alice", "a")
    assert write(alice, name).code() == confluent_kafka.KafkaError.TOPIC_AUTHORIZATION_FAILED
    rule("alice", AclOperation.WRITE, ResourceType.TOPIC, name)
    assert write(alice, name) is None
    assert write(alice, other).code() == confluent_kafka.KafkaError.TOPIC_AUTHORIZATION_FAILED
    seen = AdminClient(alice).list_topics(timeout=10).topics
    assert name in seen and other not in seen, list(seen)
    consumer = KafkaConsumer(consumer_timeout_ms=3000, auto_offset_reset="earliest", **python("alice", "a"))
    consumer.assign([TopicPartition(name, 0)])
    try:
        next(consumer)
        raise AssertionError("a writer read")
    except (KafkaError, StopIteration):
        pass
    consumer.close()
    denial = rule("alice", AclOperation.WRITE, ResourceType.TOPIC, name, permission=AclPermissionType.DENY)
    assert write(alice, name).code() == confluent_kafka.KafkaError.TOPIC_AUTHORIZATION_FAILED
    gone = AclBindingFilter(denial.restype, denial.name, denial.resource_pattern_type, denial.principal, denial.host, denial.operation, denial.permission_type)
    assert len(admin.delete_acls([gone])[gone].result(10)) == 1
    assert write(alice, name) is None


@checks.check("a prefix opens the topics of that name, a group needs a rule of its own")
def _():
    name = topic("team-a-events")
    user("bob", "b")
    rule("bob", AclOperation.READ, ResourceType.TOPIC, "team-a-", ResourcePatternType.PREFIXED)
    assert write(confluent("admin", "admin-secret"), name, b"hello") is None

    def read():
        consumer = confluent_kafka.Consumer(confluent("bob", "b", group_id="bobs", auto_offset_reset="earliest", session_timeout_ms=6000))
        consumer.subscribe([name])
        deadline = time.time() + 8
        try:
            while time.time() < deadline:
                message = consumer.poll(0.5)
                if message is not None:
                    return message.error().code() if message.error() else message.value()
        finally:
            consumer.close()

    assert read() == confluent_kafka.KafkaError.GROUP_AUTHORIZATION_FAILED
    rule("bob", AclOperation.READ, ResourceType.GROUP, "bobs")
    assert read() == b"hello"


@checks.check("a share group needs its rule and the topic's")
def _():
    name, hidden = topic("shared-events"), topic("shared-hidden")
    user("dora", "d")
    rule("dora", AclOperation.READ, ResourceType.TOPIC, name)
    resource = ConfigResource(
        ConfigResource.Type.GROUP, "doras", incremental_configs=[ConfigEntry("share.auto.offset.reset", "earliest", incremental_operation=AlterConfigOpType.SET)])
    admin.incremental_alter_configs([resource])[resource].result(10)
    theirs = AdminClient(confluent("dora", "d"))
    try:
        theirs.describe_configs([ConfigResource(ConfigResource.Type.GROUP, "doras")])[resource].result(10)
        raise AssertionError("settings of a group were shown to somebody without a rule")
    except confluent_kafka.KafkaException as error:
        assert error.args[0].code() == confluent_kafka.KafkaError.GROUP_AUTHORIZATION_FAILED, error
    assert write(confluent("admin", "admin-secret"), name, b"hello") is None

    def read(topic):
        """The first value or error."""
        consumer = confluent_kafka.ShareConsumer(confluent("dora", "d", group_id="doras"))
        consumer.subscribe([topic])
        deadline = time.time() + 8
        try:
            while time.time() < deadline:
                for message in consumer.poll(0.5):
                    return message.error().code() if message.error() else message.value()
        except confluent_kafka.KafkaException as error:
            return error.args[0].code()
        finally:
            consumer.close()

    assert read(name) == confluent_kafka.KafkaError.GROUP_AUTHORIZATION_FAILED
    rule("dora", AclOperation.READ, ResourceType.GROUP, "doras")
    assert read(name) == b"hello"
    assert read(hidden) == confluent_kafka.KafkaError.TOPIC_AUTHORIZATION_FAILED


@checks.check("rules are listed by filter")
def _():
    any_rule = AclBindingFilter(ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY)
    everything = admin.describe_acls(any_rule).result(10)
    assert len(everything) >= 3
    matching = AclBindingFilter(ResourceType.TOPIC, "team-a-events", ResourcePatternType.MATCH, None, None, AclOperation.ANY, AclPermissionType.ANY)
    assert [(one.name, one.principal) for one in admin.describe_acls(matching).result(10)] == [("team-a-", "User:bob")]


@checks.check("without acknowledgement a topic that may not be written ends the connection, and the others get their records")
def _():
    from kafka_denials import batch

    user("hasty", "h")
    allowed, denied = topic("hasty-may"), topic("hasty-may-not")
    rule("hasty", AclOperation.WRITE, ResourceType.TOPIC, allowed)
    Topic = ProduceRequest.TopicProduceData

    def goes_on(names):
        """Whether the connection serves another request after records for these topics."""
        raw = Raw(address)
        assert raw.ask(SaslHandshakeRequest(mechanism="PLAIN"), 1).error_code == 0
        assert raw.ask(SaslAuthenticateRequest(auth_bytes=b"\0hasty\0h"), 1).error_code == 0
        data = [Topic(name=name, partition_data=[Topic.PartitionProduceData(index=0, records=batch())]) for name in names]
        request = ProduceRequest(transactional_id=None, acks=0, timeout_ms=1000, topic_data=data)
        request.API_VERSION = 9
        raw.protocol.send_request(request)
        raw.socket.sendall(raw.protocol.send_bytes())
        try:
            return raw.ask(ApiVersionsRequest(client_software_name="x", client_software_version="1"), 3).error_code == 0
        except ConnectionError:
            return False
        finally:
            raw.close()

    assert goes_on([allowed])
    assert not goes_on([allowed, denied]) and not goes_on([denied])
    consumer = confluent_kafka.Consumer(confluent("admin", "admin-secret", group_id="count"))
    ends = [consumer.get_watermark_offsets(confluent_kafka.TopicPartition(name, 0), timeout=10)[1] for name in (allowed, denied)]
    consumer.close()
    assert ends == [2, 0], ends


@checks.check("without a rule every API refuses or shows nothing")
def _():
    """Each request is made by a user without any rule; what it answers must be a refusal, or empty."""
    from kafka_denials import attempts

    user("mallory", "m")
    topic("precious")
    raw = Raw(address)
    assert raw.ask(SaslHandshakeRequest(mechanism="PLAIN"), 1).error_code == 0
    assert raw.ask(SaslAuthenticateRequest(auth_bytes=b"\0mallory\0m"), 1).error_code == 0
    versions = {one.api_key: (one.min_version, one.max_version) for one in raw.ask(ApiVersionsRequest(client_software_name="x", client_software_version="1"), 3).api_keys}
    tried = set()
    for name, request, version, verdict in attempts("precious"):
        answer = raw.ask(request, version)
        assert verdict(answer), "%s: %s" % (name, answer)
        tried.add(request.API_KEY)
    # kafka-python has no messages for these two.
    options = confluent("mallory", "m")
    consumer = confluent_kafka.Consumer(dict(options, **{"group.id": "g", "group.protocol": "consumer"}))
    consumer.subscribe(["precious"])
    deadline = time.time() + 60
    message = None
    while message is None and time.time() < deadline:
        message = consumer.poll(0.5)
    consumer.close()
    assert message is not None and message.error().code() == confluent_kafka.KafkaError.GROUP_AUTHORIZATION_FAILED, message and message.error()
    # ConsumerGroupDescribe of one group: throttle time, one answer, and at once its error.
    answer = raw.ask_bytes(69, 0, b"\x02\x02g\x00\x00")
    assert answer[:7] == b"\0\0\0\0\x02\0\x1e", answer
    tried |= {68, 69}
    from kafka_denials import without_messages

    for key, version, body, wanted in without_messages():
        answer = raw.ask_bytes(key, version, body)
        assert answer.startswith(wanted), (key, answer)
        tried.add(key)
    # What everybody may ask who is let in at all; of tokens only their own are told.
    open_to_all = {17, 18, 36, 38, 39, 40, 41, 60}
    assert set(versions) - tried == open_to_all, "not tried: %s" % sorted(set(versions) - tried - open_to_all)
    assert "precious" in admin.list_topics(timeout=10).topics


@checks.check("topics that a request names by id are refused by their names")
def _():
    from kafka_ids_check import NOBODY, ByID

    def logged_in(name, password):
        raw = Raw(address)
        assert raw.ask(SaslHandshakeRequest(mechanism="PLAIN"), 1).error_code == 0
        assert raw.ask(SaslAuthenticateRequest(auth_bytes=b"\0%s\0%s" % (name, password)), 1).error_code == 0
        return ByID(raw)

    user("ida", "i")
    topic("by-id")
    rule("ida", AclOperation.READ, ResourceType.GROUP, "ida")
    every, ask = logged_in(b"admin", b"admin-secret"), logged_in(b"ida", b"i")
    topic_id = every.topic_id("by-id")
    assert every.commit("ida", topic_id)[1].error_code == 0
    for wanted, code in ((topic_id, confluent_kafka.KafkaError.TOPIC_AUTHORIZATION_FAILED), (NOBODY, 100)):
        for answer, part in (ask.produce(wanted), ask.fetch(wanted), ask.commit("ida", wanted), *ask.committed("ida", wanted)):
            assert (answer.topic_id, part.error_code) == (wanted, code), answer
    assert ask.committed("ida", topic_id)[0][1].committed_offset == -1 and ask.committed("ida", None) == []
    assert [part.committed_offset for _, part in every.committed("ida", None)] == [5]
    answers = {one.group_id: one.error_code for one in ask.offsets(["others", "ida"], None)}
    assert answers == {"others": confluent_kafka.KafkaError.GROUP_AUTHORIZATION_FAILED, "ida": 0}, answers


@checks.check("the verbs log in, make users and rules")
def _():
    def broker(*words, **options):
        return subprocess.run([program, "broker", *words, "--server", address], capture_output=True, text=True, timeout=60, **options)

    as_admin = ("--user", "admin", "--password-file", secret)
    ran = broker("user", "set", "carol", "--with-password-file", "-", *as_admin, input="c-secret\n")
    assert ran.returncode == 0, ran.stderr
    assert "carol" in broker("user", "list", *as_admin).stdout
    theirs = os.path.join(directory, "carol")
    with open(theirs, "w") as file:
        file.write("c-secret\n")
    as_carol = ("--user", "carol", "--password-file", theirs)
    ran = broker("produce", "precious", *as_carol, input="one\n")
    assert ran.returncode == 77 or ran.returncode == 1, (ran.returncode, ran.stderr)
    assert broker("acl", "add", "carol", "--operation", "all", "--topic", "precious", *as_admin).returncode == 0
    ran = broker("produce", "precious", *as_carol, input="one\n")
    assert ran.returncode == 0, ran.stderr
    assert "carol" in broker("acl", "list", *as_admin).stdout
    assert "1 rules removed" in broker("acl", "remove", "carol", "--operation", "all", "--topic", "precious", *as_admin).stderr
    ran = broker("topic", "list", "--user", "carol", "--password-file", secret)
    assert ran.returncode == 77 and "does not let" in ran.stderr, ran.stderr
    assert broker("topic", "list").returncode == 69
    assert broker("user", "delete", "carol", *as_admin).returncode == 0


@checks.check("users and rules outlive a kill")
def _():
    server.kill()
    server.start()
    assert write(confluent("alice", "a"), "opened") is None
    assert write(confluent("alice", "a"), "closed").code() == confluent_kafka.KafkaError.TOPIC_AUTHORIZATION_FAILED


@checks.check("a topic is copied to a cluster that wants a login")
def _():
    open_directory = os.path.join(directory, "open")
    os.makedirs(open_directory)
    source = PlatformChild(program, open_directory, "broker", ["broker.listen"])
    source.start()
    producer = confluent_kafka.Producer({"bootstrap.servers": source.endpoints["broker"], "log_level": 0})
    producer.produce("brought", b"x")
    producer.flush(10)
    command = [program, "broker", "mirror", "brought", "--server", source.endpoints["broker"], "--to", address]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert ran.returncode == 69 and "log in" in ran.stderr, ran
    ran = subprocess.run(command + ["--to-user", "admin", "--to-password-file", secret], capture_output=True, text=True, timeout=30)
    assert ran.returncode == 0, ran
    source.stop()
    consumer = KafkaConsumer("brought", auto_offset_reset="earliest", consumer_timeout_ms=5000, **python("admin", "admin-secret"))
    assert next(consumer).value == b"x"
    consumer.close()


@checks.check("a verb that is refused says that it is for want of a rule")
def _():
    user("nobody", "nobody-secret")
    path = os.path.join(directory, "nobody")
    with open(path, "w") as file:
        file.write("nobody-secret\n")
    hidden = topic("hidden-from-verbs")
    refusals = (
        ["topic", "describe", hidden], ["topic", "alter", hidden, "--partitions", "2"], ["consume", hidden, "--from", "beginning"], ["members", "list"], ["config"],
        ["group", "describe", "g"], ["user", "list"], ["acl", "list"])
    for words in refusals:
        ran = subprocess.run(
            [program, "broker", *words, "--server", address, "--user", "nobody", "--password-file", path], capture_output=True, text=True, timeout=30)
        assert ran.returncode == 77 and "no access rule lets this user do that" in ran.stderr and "platform broker acl add" in ran.stderr, (words, ran)


status = server.stop()
if status != 0:
    checks.failed += 1
    print("FAILED  the broker ended with %s\n%s" % (status, server.tail()))
sys.exit(checks.finish())
