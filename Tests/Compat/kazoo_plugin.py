"""A pytest plugin that runs kazoo's own tests, as its package on PyPI carries them, against the servers of coord_cluster.py, and writes how each
test ended to the file that PLATFORM_COMPAT_RESULTS names."""
import json
import os
import sys

import coord_cluster

# Before kazoo's harness looks for it: the original needs Java's key stores, and starts Java.
sys.modules["kazoo.testing.common"] = coord_cluster
os.environ.setdefault("ZOOKEEPER_VERSION", "3.9.0")
os.environ.setdefault("ZOOKEEPER_CLUSTER_SIZE", "1")

outcomes = {}


def pytest_runtest_logreport(report):
    name = report.nodeid.split("kazoo/tests/")[-1]
    if report.when == "call" or report.outcome != "passed":
        if outcomes.get(name, {}).get("outcome") != "failed":
            reason = str(report.longrepr).strip().splitlines()[-1][:300] if report.outcome != "passed" and report.longrepr else ""
            outcomes[name] = {"outcome": report.outcome, "seconds": round(report.duration, 2), "reason": reason}


def pytest_sessionfinish(session):
    with open(os.environ["PLATFORM_COMPAT_RESULTS"], "w") as file:
        json.dump(outcomes, file, indent=1, sort_keys=True)
