"""coord_repair.py PLATFORM: a command that ended the process twice is not executed a third time without being asked for, and can be left out, on all
servers of an ensemble alike."""
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from checks import Findings
from coord_ensemble import Ensemble
from platform_child import PlatformChild, stop_all
from zkwire import Wire, create, path_watch


def mark(directory, executing, suspect, deaths):
    """What a process leaves behind that dies while it executes a command."""
    with open(directory + "/coord/EXECUTING", "r+b") as file:
        file.write(struct.pack("<qqq", executing, suspect, deaths))


def crash_after(program, directory, path):
    """Starts a server, makes a node and kills the server before its tables know; the slot of the node."""
    child = PlatformChild(program, directory, "coord", [])
    child.start()
    wire = Wire(child.endpoints["coord"])
    _, zxid, error, _ = wire.call("create", create(path))
    child.kill()
    assert error == 0, error
    return zxid


def start_failed(program, directory):
    arguments = [program, "coord", "serve", "--data-dir", directory, "--ports", "auto"]
    ran = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    return ran.returncode, ran.stderr


def exists(program, directory, *paths):
    child = PlatformChild(program, directory, "coord", [])
    child.start()
    wire = Wire(child.endpoints["coord"])
    found = [wire.call("exists", path_watch(path))[2] == 0 for path in paths]
    wire.close()
    return found, child.stop()


def repair(program, directory, *arguments):
    return subprocess.run([program, "coord", "repair", "--data-dir", directory] + list(arguments), capture_output=True, text=True, timeout=60)


def ready(server):
    """The answer of /readyz, or its reason not to be ready."""
    try:
        with urllib.request.urlopen("http://%s/readyz?verbose" % server.endpoints["console"], timeout=5) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)
    return condition()


def found(server, *paths):
    wire = Wire("127.0.0.1:%d" % server.port)
    try:
        return [wire.call("exists", path_watch(path))[2] == 0 for path in paths]
    finally:
        wire.close()


def start(*servers):
    for server in servers:
        server.start()
    for server in servers:
        server.wait_ready()


def on_all_replicas_alike(findings, program, directory):
    ensemble = Ensemble(program, directory)
    first, second, third = ensemble.servers
    homes = ["%s/server-%d" % (directory, number) for number in (1, 2, 3)]
    try:
        wire = Wire("127.0.0.1:%d" % first.port)
        wire.call("create", create("/kept"))
        slot = wire.call("create", create("/poison"))[1]
        wire.close()
        ensemble.stop()
        mark(homes[0], slot, slot, 1)
        named = re.search(r"\d+:[0-9a-f]+", repair(program, homes[0]).stdout).group(0)
        refused = repair(program, homes[0], "--refuse", named)
        findings.true(refused.returncode == 1 and "move " in refused.stderr, "tables that hold the command's effect are told", refused.stderr)
        for home in homes[:2]:
            os.remove(home + "/coord/meta.sqlite")
            findings.equal(repair(program, home, "--refuse", named).returncode, 0, "a server without its effect leaves it out")
        start(first, second)
        ensemble.leader([first, second])
        findings.equal(found(first, "/kept", "/poison"), [True, False], "two servers leave it out")

        start(third)
        findings.true(until(lambda: named in ready(third)), "a server that has executed it stands apart and says why", ready(third))
        findings.equal(found(second, "/kept", "/poison"), [True, False], "and takes nothing from the two")
        stop_all([third])
        os.remove(homes[2] + "/coord/meta.sqlite")
        start(third)
        findings.true(until(lambda: third.mode() == "follower"), "without its tables it follows", third.tail())
        findings.true(until(lambda: found(third, "/kept", "/poison") == [True, False]), "and leaves out what the others leave out")
        with open(homes[2] + "/coord/REFUSED") as file:
            findings.equal(file.read().strip(), named, "from now on")
    finally:
        ensemble.stop()


def main(program):
    findings = Findings()
    with tempfile.TemporaryDirectory() as directory:
        on_all_replicas_alike(findings, program, directory)
    with tempfile.TemporaryDirectory() as directory:
        crash_after(program, directory, "/before")
        slot = crash_after(program, directory, "/poison")
        mark(directory, slot, 0, 0)
        findings.equal(exists(program, directory, "/before", "/poison")[0], [True, True], "once may be chance: the command is executed")

        slot = crash_after(program, directory, "/second")
        mark(directory, slot, slot, 1)
        code, errors = start_failed(program, directory)
        findings.equal(code, 65, "the second time in a row ends the start with 65")
        named = re.search(r"--refuse (\d+:[0-9a-f]+)", errors)
        findings.true(named is not None and "/second" in errors, "the message names the command and what to do", errors)
        findings.equal(start_failed(program, directory)[0], 65, "and so does every later start")

        told = repair(program, directory)
        findings.true(told.returncode == 0 and named and named.group(1) in told.stdout, "repair tells the same", told.stdout + told.stderr)
        findings.equal(repair(program, directory, "--refuse", "nonsense").returncode, 64, "what names no command is refused")
        findings.equal(repair(program, directory, "--refuse", named.group(1), "--again").returncode, 64, "leaving out and trying again exclude each other")
        findings.equal(repair(program, directory, "--refuse", named.group(1)).returncode, 0, "the command is left out")
        for _ in range(2):
            findings.equal(exists(program, directory, "/before", "/poison", "/second"), ([True, True, False], 0), "what is left out changes nothing, at any start")

        slot = crash_after(program, directory, "/third")
        mark(directory, slot, slot, 1)
        findings.equal(start_failed(program, directory)[0], 65, "another one")
        findings.equal(repair(program, directory, "--again").returncode, 0, "can be tried again")
        findings.equal(exists(program, directory, "/third")[0], [True], "and is executed if it ends nothing")

        modes = {name: os.stat(os.path.join(root, name)).st_mode & 0o777 for root, _, names in os.walk(directory + "/coord") for name in names}
        findings.true(all(mode == 0o600 for mode in modes.values()), "every file is its owner's alone", repr(modes))
        findings.equal(os.stat(directory + "/coord").st_mode & 0o777, 0o700, "and so is the directory")
    return findings.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
