"""The examples of PySpark's docstrings, run as they stand against a Spark Connect server.

    docstrings.py SERVER [--module NAME] [--only NAME,...] [--must-pass FILE] [--write FILE] [--why N] [--part I/N]

SERVER is the port of one on this machine, or the program, which is then started and stopped. Names are `module.name`. With --must-pass, an example of that file that fails is an error. --write saves the names that pass; --why lists the N most
frequent causes of failures. --part takes every Nth example, for several processes at once.
"""

import argparse
import contextlib
import doctest
import importlib
import io
import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
import warnings

MODULES = {
    "functions": "pyspark.sql.functions.builtin",
    "dataframe": "pyspark.sql.dataframe",
    "column": "pyspark.sql.column",
    "group": "pyspark.sql.group",
    "window": "pyspark.sql.window",
    "types": "pyspark.sql.types",
    "tvf": "pyspark.sql.tvf",
}
# As Spark runs them.
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
SECONDS_MAX = 30
CAUSE = re.compile(r"(\[[A-Z_]+(?:\.[A-Z_]+)*\].{0,110}|feature is not supported: .{0,80}|NotImplementedError.{0,60}|Error: .{0,80})")


class TooSlow(Exception):
    pass


@contextlib.contextmanager
def server(given):
    """The port of a running server."""
    if given.isdigit():
        yield given
        return
    process = subprocess.Popen(
        [given, "compute", "serve", "--ephemeral", "--ports", "auto"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        for line in process.stdout:
            if found := re.search(r"READY connect=127\.0\.0\.1:(\d+)", line):
                yield found.group(1)
                return
        raise SystemExit("the server did not start")
    finally:
        process.terminate()
        process.wait()


def examples(module, given):
    import pyspark.sql.functions as functions
    from pyspark.sql import SparkSession

    source = importlib.import_module(MODULES[module])
    names = dict(vars(source), spark=given, sf=functions, SparkSession=SparkSession)
    for test in doctest.DocTestFinder(exclude_empty=True).find(source, globs=names):
        if test.examples:
            yield f"{module}.{test.name.removeprefix(MODULES[module] + '.')}", test


def run(test):
    """None if all answers are those of the docstring, else the first thing that went wrong."""
    said = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    try:
        signal.alarm(SECONDS_MAX)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            failed = runner.run(test, out=said.write, clear_globs=False).failed
        signal.alarm(0)
    except TooSlow:
        return f"more than {SECONDS_MAX} seconds", ""
    finally:
        signal.alarm(0)
    if not failed:
        return None
    cause = CAUSE.search(said.getvalue())
    return (cause.group(0) if cause else "another answer"), said.getvalue()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("server")
    options.add_argument("--module")
    options.add_argument("--only")
    options.add_argument("--must-pass")
    options.add_argument("--write")
    options.add_argument("--why", type=int, default=0)
    options.add_argument("--show", action="store_true")
    options.add_argument("--part", default="0/1")
    options = options.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)

    def too_slow(*_):
        raise TooSlow

    signal.signal(signal.SIGALRM, too_slow)
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
    wanted = set()
    if options.must_pass:
        with open(options.must_pass) as file:
            wanted = {line.strip() for line in file if line.strip() and not line.startswith("#")}
    with server(options.server) as port, tempfile.TemporaryDirectory() as folder:
        target = os.path.abspath(options.write) if options.write else None
        os.chdir(folder)
        passed, failed = check(options, port)
    if target:
        with open(target, "w") as file:
            file.writelines(f"{name}\n" for name in sorted(set(passed)))
    lost = sorted(wanted - set(passed))
    for name in lost:
        print(f"LOST {name}: {next((cause for cause, names in failed.items() if name in names), 'there is no such example')}")
    sys.exit(1 if lost else 0)


def check(options, port):
    """The names of the examples that pass, and by cause those that do not."""
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
    part, parts = map(int, options.part.split("/"))
    only = set(options.only.split(",")) if options.only else None
    passed, failed, number = [], {}, 0
    for module in [options.module] if options.module else MODULES:
        count = [0, 0]
        for name, test in examples(module, spark):
            number += 1
            if number % parts != part or only and name not in only and name.split(".", 1)[1] not in only:
                continue
            cause = run(test)
            count[1] += 1
            if cause is None:
                count[0] += 1
                passed.append(name)
            else:
                failed.setdefault(cause[0], []).append(name)
                if options.show:
                    print(name, cause[1])
        print(f"{module}: {count[0]} of {count[1]}", flush=True)
    print(f"total: {len(passed)} of {len(passed) + sum(map(len, failed.values()))}")
    for cause, names in sorted(failed.items(), key=lambda item: -len(item[1]))[: options.why]:
        print(f"{len(names)}  {cause}  {' '.join(names[:12])}")
    return passed, failed


main()
