"""ZooKeeper's own Java client against coord: zkCli line by line, and Curator's recipes, with the server that leads killed (-9) under them.

Usage: java_clients.py PROGRAM JARS [--servers N] [--update] [--reference]

JARS is a folder that holds zookeeper, zookeeper-jute, curator-* and what they need, as PyPI's pyspark does. A file of source is run by `java`, which needs
a JDK. What zkCli prints is compared with zkcli-3.9.3.txt, which --reference --update records from the real server (zxids and members only where one
server stands alone). java.must-pass and java-3.must-pass name what must pass; --update adds to them. --reference runs the real ZooKeeper, from
the same jars, and prints. Ends with 1 if something of the list did not pass.
"""
import argparse
import glob
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "zkcli-3.9.3.txt")
SECONDS_MAX = 60
NEEDED = "zookeeper netty-buffer netty-codec netty-common netty-handler netty-resolver netty-transport slf4j-api commons-cli commons-io metrics-core snappy-java guava failureaccess curator-"
MARK = "ZooKeeper CLI version:"

COMMANDS = """
create /a x
create /a y
create /none/a
create relative
get /a
get -s -w /a
set /a y
set -v 7 /a z
set -v 1 /a z
stat /a
stat -w /a
set -s /a yy
stat /none
ls /
ls -s /a
ls -w /a
create -s /a/s- 1
create -e /a/e 2
create -e -s /a/es- 3
create /a/e/child
ls /a
ls -R /a
delete /a
delete -v 9 /a/s-0000000000
delete /a/s-0000000000
getEphemerals
getEphemerals /none
getAllChildrenNumber /a
deleteall /a
ls /
create -c /container
create -t 100000 /ttl
stat /container
create -t 0 /ttl-0
whoami
getAcl /ttl
create /acl
addauth digest ann:secret
whoami
setAcl /acl auth:ann:secret:cdrwa
getAcl -s /acl
setAcl /acl world:anyone:r,digest:ann:7RJfAeIvrl4zdj6sS2fXrQHDvHM=:cdrwa
getAcl /acl
setAcl /acl nonsense:x:r
setAcl -v 9 /acl world:anyone:r
create /quota
setquota -n 2 /quota
setquota -B 100 /quota
create /quota/1
create /quota/2
listquota /quota
setquota -n 3 /quota/1
delquota -n /quota
listquota /quota
delquota /quota
listquota /quota
sync /quota
addWatch /w
create /w
set /w 1
addWatch -m PERSISTENT_RECURSIVE /quota
create /quota/3
set /quota/3 x
delete /quota/3
removewatches /w
removewatches /w
set /w 2
config
reconfig -remove 2
create /zookeeper/x
delete /zookeeper
ls /zookeeper
get /zookeeper/config
set /zookeeper/config x
""".strip().splitlines()


class Console:
    """One zkCli, fed a line at a time; after each line a mark is asked for, so that what belongs to the line is known."""

    def __init__(self, jars, hosts):
        self.process = subprocess.Popen(["java", "-cp", jars, "org.apache.zookeeper.ZooKeeperMain", "-waitforconnection", "-timeout", "30000", "-server", hosts],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()
        self.events = []
        self.run("")

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def next(self):
        line = self.lines.get(timeout=SECONDS_MAX)
        assert line is not None, "zkCli ended"
        return line

    def run(self, command):
        """What the command printed; events, which come in between, are put aside."""
        self.process.stdin.write(command + "\nversion\n" if command else "version\n")
        self.process.stdin.flush()
        found = []
        while True:
            line = self.next()
            if line.startswith(MARK):
                return found
            if line.startswith("WatchedEvent"):
                self.events.append(line)
            elif line and line != "WATCHER::":
                found.append(line)

    def end(self):
        """Closes the session; its last event comes after all others."""
        self.process.stdin.write("close\n")
        self.process.stdin.flush()
        while not any("state:Closed" in event for event in self.events):
            line = self.next()
            if line.startswith("WatchedEvent"):
                self.events.append(line)
        self.process.kill()
        self.process.wait()


def plain(line, alone):
    """Without what differs from run to run; of several servers the zxids as well, which begin with the epoch."""
    line = re.sub(r"(ctime|mtime) = .*", r"\1 = TIME", line)
    line = re.sub(r"ephemeralOwner = 0x[0-9a-f]{6,}", "ephemeralOwner = SESSION", line)
    if line.startswith("["):
        line = "[%s]" % ", ".join(sorted(line[1:-1].split(", ")))
    if not alone:
        line = re.sub(r"(Zxid = |zxid: )(0x)?[0-9a-f]+", r"\1ZXID", line)
    return line


def transcript(jars, hosts, alone):
    console = Console(jars, hosts)
    found = {}
    for place, command in enumerate(COMMANDS):
        lines = [plain(line, alone) for line in console.run(command) if "SLF4J" not in line]
        # Identities are a set there.
        found["%02d %s" % (place + 1, command)] = sorted(lines) if command == "whoami" else lines
    console.end()
    found["events"] = [plain(line, alone) for line in console.events]
    return found


def written(found):
    return "".join("> %s\n%s" % (name, "".join(line + "\n" for line in lines)) for name, lines in found.items())


def recorded(alone):
    found, lines = {}, []
    with open(GOLDEN) as file:
        for line in file.read().splitlines():
            if line.startswith("> "):
                lines = found[line[2:]] = []
            elif not line.startswith("#"):
                lines.append(plain(line, alone))
    return found


# Several servers show members where one alone shows none, and may be asked to change.
MEMBERS = re.compile(r"\d+ (config|reconfig .*|get /zookeeper/config)$")


def console_checks(jars, hosts, alone):
    """Name and problem of each line of zkCli; None where it printed what the real server made it print."""
    found, wanted = transcript(jars, hosts, alone), recorded(alone)
    outcomes = {}
    for name, lines in found.items():
        if not alone and MEMBERS.match(name):
            holds = "reconfig" in name or sum(line.startswith("server.") for line in lines) >= 3
            outcomes["zkCli " + name] = None if holds else "it printed %s" % lines
        else:
            outcomes["zkCli " + name] = None if lines == wanted.get(name) else "it printed %s, with ZooKeeper %s" % (lines, wanted.get(name))
    return outcomes


def leader_of(servers):
    for _ in range(200):
        for server in servers:
            answer = server.four_letter_word("srvr")
            if "Mode: leader" in answer or "Mode: standalone" in answer:
                return server
        time.sleep(0.1)
    raise RuntimeError("nobody leads: " + "".join(line for server in servers for line in server.get_logs(20)))


def conversation(command, seconds_max, kill):
    """Starts a program of checks and gives what it says: the first word of each line and the rest. `kill` does what KILL asks for, and the program hears when that is done.
    The last is END, with None or why the program did not come to its own."""
    whole = False
    errors = tempfile.TemporaryFile("w+")
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
    watchdog = threading.Timer(seconds_max, child.kill)
    watchdog.start()
    for line in child.stdout:
        word, _, rest = line.strip().partition(" ")
        if word == "KILL":
            kill(rest)
            child.stdin.write("\n")
            child.stdin.flush()
        elif word == "END":
            whole = True
        else:
            yield word, rest
    watchdog.cancel()
    child.wait()
    errors.seek(0)
    yield "END", None if whole else "status %s, %s" % (child.returncode, errors.read()[-2000:])


def curator_checks(jars, servers):
    def kill(_):
        victim = leader_of(servers)
        victim.kill()
        victim.run()
        victim.wait()

    outcomes = {}
    hosts = ",".join(server.address for server in servers)
    for word, rest in conversation(["java", "-cp", jars, os.path.join(HERE, "CuratorCheck.java"), hosts], 10 * SECONDS_MAX, kill):
        if word == "ok":
            outcomes["Curator " + rest] = None
        elif word == "FAILED":
            # The name may have a colon of its own; the reason is the last part but for what follows it.
            name = next((text for text in re.split(r": (?=[a-z.]+[A-Z]\w+(?:Exception|Error))", rest)), rest)
            outcomes["Curator " + name] = rest[len(name) + 2:]
        elif word == "END":
            outcomes["Curator came to its end"] = rest
    return outcomes


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("jars")
    parser.add_argument("--servers", type=int, default=1)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--reference", action="store_true")
    chosen = parser.parse_args()
    os.environ.update(PLATFORM_PROGRAM=os.path.abspath(chosen.program), PLATFORM_COMPAT_SERVERS=str(chosen.servers))
    if chosen.reference:
        os.environ["PLATFORM_COMPAT_REFERENCE"] = chosen.jars
    import coord_cluster  # reads the environment

    jars = os.pathsep.join(sorted(path for path in glob.glob(chosen.jars + "/*.jar") if os.path.basename(path).startswith(tuple(NEEDED.split()))))
    cluster = coord_cluster.ZookeeperCluster()
    cluster.start()
    try:
        alone = chosen.servers == 1
        leader_of(cluster.servers)
        hosts = ",".join(server.address for server in cluster)
        if chosen.reference and chosen.update:
            with open(GOLDEN, "w") as file:
                file.write("# What zkCli 3.9.3 printed with a real ZooKeeper 3.9.3 behind it, by java_clients.py.\n" + written(transcript(jars, hosts, alone)))
            return 0
        outcomes = console_checks(jars, hosts, alone)
        outcomes.update(curator_checks(jars, cluster.servers))
    finally:
        cluster.terminate()
    return judge(outcomes, os.path.join(HERE, "java.must-pass" if alone else "java-%d.must-pass" % chosen.servers), chosen)


def judge(outcomes, path, chosen, who="zkCli and Curator", service="coord", kinds=("",)):
    """`kinds`: how the names begin that were asked for."""
    passed = {name for name, problem in outcomes.items() if problem is None}
    for name, problem in outcomes.items():
        if problem is not None:
            print("failed  %s: %s" % (name, problem))
    must = set()
    if os.path.exists(path):
        with open(path) as file:
            must = {line.rstrip("\n") for line in file if line.strip() and line.startswith(kinds) and not line.startswith("#")}
    if chosen.update:
        with open(path, "w") as file:
            file.writelines(["# What %s must do against %s, %d of it. The list only grows.\n" % (who, service, chosen.servers)] + [name + "\n" for name in sorted(must | passed)])
    broken = sorted(must - passed)
    for name in [] if chosen.reference else broken:
        print("MUST PASS  %s: %s" % (name, outcomes.get(name, "it did not run")))
    print("%d passed, %d failed, %d of them on the list" % (len(passed), len(outcomes) - len(passed), len(broken)))
    return 1 if broken and not chosen.reference else 0


if __name__ == "__main__":
    sys.exit(main())
