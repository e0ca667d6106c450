"""Asks a ZooKeeper server for what clients depend on, by bytes of our own, and writes down what it answers: error codes, stats, zxids relative
to the case's beginning, events and their place among the replies.

Usage: zk_probe.py record JARS                 the real server, from the jars in a folder, into Golden/zookeeper.json
       zk_probe.py compare PROGRAM [--update]  coord, against that file; cases in zk_probe.must-match have to match, --update adds those that do
"""
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "Golden", "zookeeper.json")
LIST = os.path.join(HERE, "zk_probe.must-match")


def cases():
    import zk_cases_nodes
    import zk_cases_sessions

    return zk_cases_nodes.CASES + zk_cases_sessions.CASES


def lives(address):
    """Whether the server takes a request; one that a case has killed needs a moment to be gone."""
    from zk_cases import Case

    time.sleep(0.05)
    try:
        Case(address, "alive-%d" % time.monotonic_ns()).end()
        return True
    except Exception:  # whatever it is, the server does not serve
        return False


def run(server):
    """Answers by case; a case that cannot be carried out has the reason as its answer."""
    from zk_cases import Case

    found = {}
    for name, body in cases():
        case = Case(server.address, name)
        try:
            body(case)
        except Exception as error:  # the rest goes on; a reason never matches an answer
            case.note("broken off: %s %s" % (type(error).__name__, error))
        case.end()
        if not lives(server.address):
            case.note("the server ended")
            server.reset()  # its log may end it again
            server.run()
        found[name] = json.loads(json.dumps(case.notes))
    return found


def started(jars=None):
    if jars:
        os.environ["PLATFORM_COMPAT_REFERENCE"] = jars
    import coord_cluster

    cluster = coord_cluster.ZookeeperCluster()
    cluster.start()
    return cluster


def record(jars):
    cluster = started(jars)
    try:
        found = run(cluster[0])
    finally:
        cluster.terminate()
    os.makedirs(os.path.dirname(GOLDEN), exist_ok=True)
    with open(GOLDEN, "w") as file:
        json.dump(found, file, indent=1)
        file.write("\n")
    print("%d cases recorded" % len(found))
    return 0


def compare(program, update):
    os.environ["PLATFORM_PROGRAM"] = os.path.abspath(program)
    cluster = started()
    try:
        found = run(cluster[0])
    finally:
        cluster.terminate()
    with open(GOLDEN) as file:
        wanted = json.load(file)
    with open(LIST) as file:
        lines = file.readlines()
    must = {line.strip() for line in lines if line.strip() and not line.startswith("#")}
    matching = {name for name in wanted if found.get(name) == wanted[name]}
    for name in wanted:
        if name in matching:
            continue
        print("%s  %s" % ("MUST MATCH" if name in must else "differs   ", name))
        for place in range(max(len(wanted[name]), len(found.get(name, [])))):
            pair = [notes[place] if place < len(notes) else None for notes in (wanted[name], found.get(name, []))]
            if pair[0] != pair[1]:
                print("    real: %s\n    ours: %s" % tuple(json.dumps(note) for note in pair))
    if update:
        with open(LIST, "w") as file:
            file.writelines([line for line in lines if line.startswith("#")] + [name + "\n" for name in sorted(must | matching)])
    elif matching - must:
        print("%d match that are not in the list; --update adds them: %s" % (len(matching - must), ", ".join(sorted(matching - must)[:5])))
    print("%d passed, %d failed" % (len(must & matching), len(must - matching)))
    return 1 if must - matching else 0


if __name__ == "__main__":
    sys.path.insert(0, HERE)
    sys.exit(record(sys.argv[2]) if sys.argv[1] == "record" else compare(sys.argv[2], "--update" in sys.argv))
