#!/usr/bin/env python3
"""Runs every check of the broker with real clients and holds the result against the list of those that must pass.

usage: kafka_compat.py PROGRAM [--servers N] [--write]
With --servers the scripts meet a cluster, and only those checks count that its clients make: what speaks to one connection alone is not led to the right broker.
The list is kafka_must_pass.txt (for a cluster kafka_must_pass_N.txt) beside this script: a script's name, a tab, a check's name. A check that is in the list and does not pass, or is not run, fails;
one that passes and is not in the list is told. --write writes the list anew. Ends with 'N passed, N failed'.
"""
import os
import re
import subprocess
import sys
import tempfile

from platform_child import PlatformChild

program = os.path.abspath(sys.argv[1])
folder = os.path.dirname(os.path.abspath(__file__))
servers = int(sys.argv[sys.argv.index("--servers") + 1]) if "--servers" in sys.argv else 1
must_pass = os.path.join(folder, "kafka_must_pass.txt" if servers == 1 else "kafka_must_pass_%d.txt" % servers)
# Scripts that are given an address, and those that start the program themselves.
with_address = ["kafka_check.py", "kafka_txn_check.py", "kafka_admin_check.py", "kafka_ids_check.py", "kafka_aio_check.py", "kafka_groups_check.py", "kafka_sessions_check.py", "kafka_quota_check.py", "kcat_check.sh"]
with_program = ["kafka_compact_check.py", "kafka_mirror_check.py", "kafka_flush_check.py", "kafka_security_check.py", "kafka_tokens_check.py", "kafka_reauth_check.py", "kafka_share_check.py"]


said = {}


def run(script, arguments):
    """The names of the checks that passed. What the script said is kept for the others."""
    interpreter = ["/bin/bash"] if script.endswith(".sh") else [sys.executable, "-B"]
    ran = subprocess.run(interpreter + [os.path.join(folder, script)] + arguments, capture_output=True, text=True, timeout=600)
    said[script] = ran.stdout + ran.stderr
    found = (re.match(r"ok +(.*?)( \(\d+[.\d]* m?s\))?$", line) for line in ran.stdout.splitlines())
    passed = {match.group(1) for match in found if match}
    print("%-28s %d passed" % (script, len(passed)), flush=True)
    return {(script, name) for name in passed}


passed = set()
with tempfile.TemporaryDirectory() as directory:
    settings = ["broker.session-timeout-min.ms=1000"] + (["broker.nodes=%d" % servers] if servers > 1 else [])
    server = PlatformChild(program, directory, "broker", ["broker.listen"] if servers == 1 else [], settings)
    server.start()
    for script in with_address:
        passed |= run(script, [server.endpoints["broker"]])
    server.stop()
for script in with_program if servers == 1 else []:
    with tempfile.TemporaryDirectory() as directory:
        passed |= run(script, [program, directory])
if "--write" in sys.argv:
    with open(must_pass, "w") as file:
        file.writelines("%s\t%s\n" % pair for pair in sorted(passed))
with open(must_pass) as file:
    wanted = {tuple(line.rstrip("\n").split("\t")) for line in file if line.strip()}
for script in sorted({script for script, _ in wanted - passed}):
    print("%s said:\n%s" % (script, said.get(script, "nothing, it was not run")[-6000:]))
for script, name in sorted(wanted - passed):
    print("FAIL  %s: %s" % (script, name))
for script, name in sorted(passed - wanted):
    print("new   %s: %s" % (script, name))
print("%d passed, %d failed" % (len(passed & wanted), len(wanted - passed)))
sys.exit(1 if wanted - passed else 0)
