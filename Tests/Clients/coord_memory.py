"""coord_memory.py PLATFORM: what a session leaves behind goes back to the system when the session has ended."""
import sys
import tempfile
import time

from kazoo.client import KazooClient

from checks import Checks
from platform_child import PlatformChild, resident_bytes

NODES = 40_000
BYTES = 400


def main(program):
    checks = Checks()
    with tempfile.TemporaryDirectory() as directory:
        child = PlatformChild(program, directory, "coord", [])
        child.start()
        try:
            run(checks, child)
        finally:
            child.stop()
    return checks.finish()


def run(checks, child):
    client = KazooClient(child.endpoints["coord"], timeout=30)
    client.start()
    client.create("/parent")
    before = resident_bytes(child.process.pid)
    for start in range(0, NODES, 500):
        made = [client.create_async("/parent/n-%06d" % number, b"x" * BYTES, ephemeral=True) for number in range(start, start + 500)]
        for one in made:
            one.get(60)
    peak = resident_bytes(child.process.pid)

    @checks.check("nodes take memory")
    def _():
        assert peak > before + NODES * BYTES, (before, peak)

    client.stop()
    client.close()

    @checks.check("most of that goes back to the system")
    def _():
        deadline = time.monotonic() + 60
        while True:
            now = resident_bytes(child.process.pid)
            if peak - now > NODES * BYTES * 0.8:
                return
            assert time.monotonic() < deadline, "%d bytes before, %d with the nodes, %d after" % (before, peak, now)
            time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
