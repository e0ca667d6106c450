"""Kills compute under load again and again and verifies that what it acknowledged is whole. Usage: compute_kill.py PROGRAM DATA_DIRECTORY ROUNDS [SEED]

dfs runs on in a process of its own. In each round compute is started, a MapReduce job and SQL queries run, and compute is killed with SIGKILL at a random
moment. A job that was reported as done has `_SUCCESS` and the right counts; one that was not has no `_SUCCESS`, or is whole all the same;
a query that was answered was answered rightly; and the next compute runs the same job at once.
"""
import random
import signal
import subprocess
import sys
import time

from hdfs import InsecureClient

from platform_child import PlatformChild

WORDS = ["the", "licence", "of", "a", "work"]
LINES = 4000


def expected():
    counts = {}
    for number in range(LINES):
        word = WORDS[number % len(WORDS)]
        counts[word] = counts.get(word, 0) + 1
    return counts


def counts(client, path):
    found = {}
    for name in client.list(path):
        if name.startswith("part-"):
            with client.read(path + "/" + name) as reader:
                for line in reader.read().decode().splitlines():
                    word, _, count = line.partition("\t")
                    found[word] = found.get(word, 0) + int(count)
    return found


def job(program, compute, output):
    return [
        program, "compute", "mapreduce", "--server", compute, "-input", "webhdfs:///texts", "-output", "webhdfs://" + output,
        "-mapper", "awk '{print $1 \"\\t1\"}'", "-reducer", "awk -F '\\t' '{n[$1] += $2} END {for (w in n) print w \"\\t\" n[w]}'", "-numReduceTasks", "2",
    ]


def main():
    program, directory, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 30)
    print("seed %d" % seed)
    rng = random.Random(seed)
    dfs = PlatformChild(program, directory + "/files", "dfs", ["dfs.namenode.listen", "dfs.datanode.listen"])
    dfs.start()
    client = InsecureClient("http://" + dfs.endpoints["webhdfs"], user="root")
    client.write("/texts/one", data="".join(WORDS[number % len(WORDS)] + "\n" for number in range(LINES)))
    compute = PlatformChild(program, directory + "/none", "compute", ["compute.connect.listen"], ["compute.dfs=" + dfs.endpoints["webhdfs"]])
    done = killed = 0
    longest = 1.0
    try:
        for turn in range(rounds):
            compute.start()
            output = "/counts-%d" % turn
            began = time.monotonic()
            running = subprocess.Popen(job(program, compute.endpoints["connect"], output), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            query = subprocess.Popen(
                [program, "compute", "sql", "--server", compute.endpoints["connect"], "SELECT sum(id) AS s FROM range(1000)"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            if turn == 0:
                running.wait(60)
                longest = time.monotonic() - began
            else:
                # The first kill comes before the job can have ended, so that one at least is cut off.
                time.sleep(0 if turn == 1 else rng.uniform(0, longest * 1.1))
            compute.process.send_signal(signal.SIGKILL)
            compute.process.wait()
            answer = query.communicate(timeout=60)[0]
            assert query.returncode != 0 or "499500" in answer, answer
            running.communicate(timeout=60)
            names = client.list(output) if client.status(output, strict=False) else []
            if running.returncode == 0:
                done += 1
                assert "_SUCCESS" in names and counts(client, output) == expected(), "round %d was acknowledged and is not whole: %s" % (turn, names)
            else:
                killed += 1
                assert "_SUCCESS" not in names or counts(client, output) == expected(), "round %d is marked as done and is not whole" % turn
    finally:
        if compute.process and compute.alive:
            compute.kill()
        status = dfs.stop()
    assert status == 0, "dfs ended with %s" % status
    print("%d jobs were done, %d were cut off" % (done, killed))
    assert done > 0 and killed > 0, "the kills came all too early or all too late"
    print("%d passed, 0 failed" % rounds)


if __name__ == "__main__":
    main()
