"""Drives Python functions of compute with the unmodified PySpark client. Usage: python_functions_check.py PROGRAM DATA_DIRECTORY

Functions of every kind with values of every type; then functions that raise, exit, crash, loop, eat memory or write nonsense, after each of
which the same session and another one go on; at the end no process of a function outlives the server. Prints one line for each check.
"""
import datetime
import decimal
import logging
import os
import sys
import threading
import time
import traceback
import warnings

warnings.filterwarnings("ignore")

import pandas as pd  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.compute as pc  # noqa: E402
from pyspark.errors import PySparkException, PythonException  # noqa: E402
from pyspark.sql import Row, SparkSession, Window  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402
from pyspark.sql import types as T  # noqa: E402

from platform_child import PlatformChild  # noqa: E402

logging.disable(logging.CRITICAL)
CHECKS = []
# A wait that never comes true fails after this long.
PATIENCE = 60


def check(function):
    CHECKS.append(function)
    return function


def equal(found, expected, what=""):
    assert found == expected, "%s found %.600r, expected %.600r" % (what, found, expected)


def rows(frame):
    return [tuple(row) for row in frame.collect()]


def until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "never: " + what
        time.sleep(0.02)


def fails(body, *texts):
    try:
        body()
    except PythonException as error:
        for text in ("[PYTHON_EXCEPTION]",) + texts:
            assert text in str(error), "%r is not in %.800s" % (text, error)
        return str(error)
    raise AssertionError("nothing was raised")


EVERYTHING = T.StructType(
    [
        T.StructField("truth", T.BooleanType()),
        T.StructField("tiny", T.ByteType()),
        T.StructField("small", T.ShortType()),
        T.StructField("number", T.IntegerType()),
        T.StructField("big", T.LongType()),
        T.StructField("half", T.FloatType()),
        T.StructField("whole", T.DoubleType()),
        T.StructField("money", T.DecimalType(12, 2)),
        T.StructField("text", T.StringType()),
        T.StructField("raw", T.BinaryType()),
        T.StructField("day", T.DateType()),
        T.StructField("moment", T.TimestampType()),
        T.StructField("list", T.ArrayType(T.IntegerType())),
        T.StructField("map", T.MapType(T.StringType(), T.LongType())),
        T.StructField("row", T.StructType([T.StructField("a", T.IntegerType()), T.StructField("b", T.TimestampType())])),
        T.StructField("deep", T.ArrayType(T.MapType(T.StringType(), T.ArrayType(T.DateType())))),
    ]
)
FULL = (
    True, 1, -2, 3, -4, 1.5, 2.25, decimal.Decimal("12345.67"), "größer", b"\x00\xff", datetime.date(2024, 2, 29),
    datetime.datetime(2024, 7, 1, 12, 30, 15, 123456), [1, None, 3], {"a": 1, "b": None}, (7, datetime.datetime(1969, 12, 31, 23, 59, 59)),
    [{"x": [datetime.date(1900, 1, 1), None]}, None],
)  # fmt: skip
EMPTY = (None,) * len(FULL)


def everything(spark):
    return spark.createDataFrame([FULL, EMPTY], EVERYTHING)


@check
def row_functions(spark):
    plus = F.udf(lambda x: x + 1, "long")
    numbers = spark.range(5)
    equal(rows(numbers.select(plus("id"), plus(plus("id")).alias("twice"), (plus("id") * 2).alias("double"))), [(i + 1, i + 2, 2 * i + 2) for i in range(5)])
    equal(numbers.select(plus("id")).columns, ["<lambda>(id)"])

    @F.udf("string")
    def name(first, second="?", third=None):
        return "%s-%s-%s" % (first, second, third)

    equal(numbers.select(name("id")).columns, ["name(id)"])
    equal(rows(numbers.limit(1).select(name("id", second=F.lit("b")), name("id", F.lit("x"), third=F.col("id")))), [("0-b-None", "0-x-0")])
    equal(rows(numbers.withColumn("p", plus("id")).filter(plus("p") > 4).select("id")), [(3,), (4,)])
    equal(rows(numbers.filter((F.col("id") > 2) & (plus("id") < 5))), [(3,)])
    equal(rows(numbers.groupBy(plus(F.col("id") % 2).alias("k")).agg(F.sum(plus("id"))).orderBy("k")), [(1, 9), (2, 6)])
    equal(rows(numbers.agg(F.sum("id").alias("s")).select(plus("s"))), [(11,)])
    equal(rows(numbers.orderBy(F.udf(lambda x: -x, "long")("id")).limit(2)), [(4,), (3,)])
    equal(rows(spark.range(0).select(plus("id"))), [])
    equal(F.udf(lambda: 7, "int")().__class__.__name__, "Column")
    equal(rows(spark.range(2).select(F.udf(lambda: 7, "int")())), [(7,), (7,)])
    big = spark.range(30000).select(plus("id").alias("x"))
    equal(rows(big.agg(F.sum("x"), F.count("x"))), [(450015000, 30000)])
    equal(big.limit(3).collect(), [Row(x=1), Row(x=2), Row(x=3)])
    import numpy

    for arrow in (False, True):
        given = [F.udf(lambda x, kind=kind: kind(x), t, useArrow=arrow)("id") for kind, t in ((numpy.int32, "long"), (numpy.float32, "double"), (numpy.bool_, "boolean"))]
        equal(rows(spark.range(1, 2).select(*given)), [(1, 1.0, True)])
    unsteady = F.udf(lambda: __import__("random").random(), "double").asNondeterministic()
    found = spark.range(1).select(unsteady().alias("a"), unsteady().alias("b")).collect()[0]
    assert found.a != found.b, found


@check
def reuse(spark):
    plus = F.udf(lambda x: x + 1, "long")
    folder = spark.directory + "/compute/python"
    before = len(os.listdir(folder))
    for _ in range(6):
        spark.range(30000).select(plus("id").alias("x")).agg(F.sum("x")).collect()
    found = len(os.listdir(folder))
    assert found <= before + os.cpu_count(), "%d workers after %d" % (found, before)


@check
def row_joins(spark):
    left, right = spark.range(4).toDF("a"), spark.range(4).toDF("b")
    half = F.udf(lambda x: x // 2, "long")
    equal(sorted(rows(left.join(right, half("a") == F.col("b")))), [(0, 0), (1, 0), (2, 1), (3, 1)])
    equal(sorted(rows(left.join(right, half("a") == half("b"), "left_semi"))), [(0,), (1,), (2,), (3,)])
    both = F.udf(lambda a, b: a + b == 5, "boolean")
    equal(sorted(rows(left.join(right, both("a", "b")))), [(2, 3), (3, 2)])
    equal(sorted(rows(left.join(right, (F.col("a") < F.col("b")) & both("a", "b")))), [(2, 3)])


@check
def row_types(spark):
    table = everything(spark)
    for arrow in (False, True):
        same = [F.udf(lambda x: x, field.dataType, useArrow=arrow)(field.name).alias(field.name) for field in EVERYTHING]
        equal(rows(table.select(*same)), rows(table), "arrow %s" % arrow)
    kinds = F.udf(lambda *values: ",".join(type(value).__name__ for value in values), "string")
    equal(
        rows(table.limit(1).select(kinds(*table.columns))),
        [("bool,int,int,int,int,float,float,Decimal,str,bytes,date,datetime,list,dict,Row,list",)],
    )
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    try:
        hour = F.udf(lambda moment: moment.hour, "int")
        equal(rows(spark.sql("SELECT timestamp'2024-07-01 12:00:00Z' t").select(hour("t"))), [(8,)])
        shift = F.udf(lambda moment: moment + datetime.timedelta(hours=1), "timestamp")
        equal(rows(spark.sql("SELECT timestamp'2024-07-01 12:00:00' t").select(shift("t").cast("string"))), [("2024-07-01 13:00:00",)])
    finally:
        spark.conf.unset("spark.sql.session.timeZone")


@check
def row_mismatches(spark):
    values = [None, True, 1, 1000, 1.5, "a", b"x", [1, 2], (1, "b"), {"a": 1}, decimal.Decimal("1.239"), datetime.date(2020, 1, 2)]
    expected = {
        "int": [None, None, 1, 1000] + [None] * 8,
        "tinyint": [None, None, 1, -24] + [None] * 8,
        "double": [None, None, None, None, 1.5] + [None] * 7,
        "boolean": [None, True] + [None] * 10,
        "binary": [None] * 5 + [b"a", b"x"] + [None] * 5,
        "decimal(5,2)": [None] * 10 + [decimal.Decimal("1.24"), None],
        "map<string,int>": [None] * 9 + [{"a": 1}, None, None],
    }
    columns = []
    for kind, results in expected.items():
        for value in values:
            columns.append(F.udf(lambda _, value=value: value, kind, useArrow=False)("id").alias("c%d" % len(columns)))
    equal(list(spark.range(1).select(*columns).collect()[0]), [value for results in expected.values() for value in results])
    texts = [F.udf(lambda _, value=value: value, "string", useArrow=False)("id") for value in (True, 1, 1.5, [1, 2], {"a": 1})]
    equal(list(spark.range(1).select(*texts).collect()[0]), ["true", "1", "1.5", "[1, 2]", "{a=1}"])
    fails(lambda: spark.range(1).select(F.udf(lambda x: "a", "date", useArrow=False)("id")).collect(), "toordinal")
    fails(lambda: spark.range(1).select(F.udf(lambda x: "a", "int")("id")).collect(), "ArrowInvalid")
    equal(rows(spark.range(1).select(F.udf(lambda x: "12", "int")("id"), F.udf(lambda x: [1], "string")("id"))), [(12, "[1]")])


@check
def named_functions(spark):
    spark.udf.register("twice", lambda x: None if x is None else 2 * x, "long")
    equal(rows(spark.sql("SELECT twice(id), TWICE(twice(id)) FROM range(3) WHERE twice(id) > 0")), [(2, 4), (4, 8)])
    equal(spark.sql("SELECT twice(id) FROM range(1)").columns, ["twice(id)"])
    total = F.pandas_udf(lambda v: float(v.sum()), "double", F.PandasUDFType.GROUPED_AGG)
    spark.udf.register("total", total)
    equal(rows(spark.sql("SELECT id % 2 k, total(id) FROM range(5) GROUP BY id % 2 ORDER BY k")), [(0, 6.0), (1, 4.0)])
    equal(rows(spark.sql("SELECT total(id) FROM range(5)")), [(10.0,)])
    other = spark.newSession() if hasattr(spark, "newSession") else None
    if other is not None:
        try:
            other.sql("SELECT twice(1)").collect()
        except PySparkException as error:
            equal(error.getCondition(), "UNRESOLVED_ROUTINE")


@check
def pandas_functions(spark):
    @F.pandas_udf("long")
    def plus(values: pd.Series) -> pd.Series:
        return values + 1

    equal(rows(spark.range(3).select(plus("id"), plus(plus("id")))), [(1, 2), (2, 3), (3, 4)])

    @F.pandas_udf("a long, b string")
    def both(values: pd.Series, row: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"a": values + row["x"], "b": row["y"].str.upper()})

    equal(rows(spark.range(2).select(both("id", F.struct(F.col("id").alias("x"), F.lit("q").alias("y"))))), [(Row(a=0, b="Q"),), (Row(a=2, b="Q"),)])

    @F.pandas_udf("long")
    def shifted(parts):
        for part in parts:
            yield part + 100

    shifted_iter = F.pandas_udf(lambda parts: (part + 100 for part in parts), "long", F.PandasUDFType.SCALAR_ITER)
    equal(rows(spark.range(20000).select(shifted_iter("id").alias("x")).agg(F.min("x"), F.max("x"), F.count("x"))), [(100, 20099, 20000)])
    table = everything(spark)
    same = [F.pandas_udf(lambda v: v, field.dataType, F.PandasUDFType.SCALAR)(field.name).alias(field.name) for field in EVERYTHING]
    equal(rows(table.limit(1).select(*same)), [FULL])
    nulls = [F.pandas_udf(lambda v: v, field.dataType, F.PandasUDFType.SCALAR)(field.name).alias(field.name) for field in EVERYTHING[1:13]]
    equal(rows(table.select(*nulls)), [row[1:13] for row in (FULL, EMPTY)])

    @F.arrow_udf("long")
    def doubled(values: pa.Array) -> pa.Array:
        return pc.multiply(values, 2)

    equal(rows(spark.range(3).select(doubled("id"))), [(0,), (2,), (4,)])
    fails(lambda: spark.range(3).select(F.pandas_udf(lambda v: v.head(1), "long", F.PandasUDFType.SCALAR)("id")).collect(), "required length")
    fails(lambda: spark.range(3).select(F.pandas_udf(lambda v: 7, "long", F.PandasUDFType.SCALAR)("id")).collect(), "pandas.Series")


@check
def maps(spark):
    def even(frames):
        for frame in frames:
            yield frame[frame.id % 2 == 0]

    equal(rows(spark.range(5).mapInPandas(even, "id long")), [(0,), (2,), (4,)])
    equal(spark.range(50000).mapInPandas(even, "id long").count(), 25000)
    equal(rows(spark.range(0).mapInPandas(lambda frames: [pd.DataFrame({"x": [1]})], "x int")), [(1,)])

    def lengths(batches):
        for batch in batches:
            yield pa.RecordBatch.from_pydict({"n": [batch.num_rows]})

    equal(rows(spark.range(5).mapInArrow(lengths, "n long")), [(5,)])
    fails(lambda: spark.range(2).mapInPandas(lambda frames: (f.rename(columns={"id": "x"}) for f in frames), "id long").collect(), "RESULT_COLUMN_NAMES_MISMATCH")
    equal(spark.range(100000).mapInPandas(even, "id long").limit(2).collect(), [Row(id=0), Row(id=2)])


@check
def groups(spark):
    table = spark.range(10).select((F.col("id") % 3).alias("k"), F.col("id").alias("v"))

    def centred(frame):
        return frame.assign(v=frame.v - frame.v.mean())

    equal(sorted(rows(table.groupBy("k").applyInPandas(centred, "k long, v double")))[:3], [(0, -4.5), (0, -1.5), (0, 1.5)])

    def keyed(key, frame):
        return pd.DataFrame([key + (frame.v.sum(),)])

    equal(rows(table.groupBy("k").applyInPandas(keyed, "k long, s long")), [(0, 18), (1, 12), (2, 15)])
    equal(rows(table.groupBy((F.col("k") + 1).alias("j")).applyInPandas(keyed, "k long, s long")), [(1, 18), (2, 12), (3, 15)])

    def counted(key, rows):
        return pa.table({"k": [key[0].as_py()], "n": [rows.num_rows]})

    equal(rows(table.groupBy("k").applyInArrow(counted, "k long, n long")), [(0, 4), (1, 3), (2, 3)])
    many = spark.range(20000).select((F.col("id") % 2000).alias("k"), F.col("id").alias("v"))
    equal(many.groupBy("k").applyInPandas(lambda f: f.head(1), "k long, v long").count(), 2000)
    one = spark.range(30000).select(F.lit(None).cast("string").alias("k"), F.col("id").alias("v"))
    equal(rows(one.groupBy("k").applyInPandas(lambda f: pd.DataFrame({"n": [len(f)]}), "n long")), [(30000,)])
    mean = F.pandas_udf(lambda v: v.mean(), "double", F.PandasUDFType.GROUPED_AGG)
    equal(rows(table.groupBy("k").agg(mean("v"), mean(F.col("v") * 2).alias("d"))), [(0, 4.5, 9.0), (1, 4.0, 8.0), (2, 5.0, 10.0)])
    equal(rows(table.agg(mean("v"))), [(4.5,)])
    equal(rows(many.groupBy("k").agg(mean("v").alias("m")).agg(F.count("m"), F.sum("m"))), [(2000, 19999000.0)])
    try:
        table.groupBy("k").agg(mean("v"), F.sum("v")).collect()
        raise AssertionError("a mixture was accepted")
    except PySparkException as error:
        equal(error.getCondition(), "INVALID_PANDAS_UDF_PLACEMENT")


@check
def refusals(spark):
    mean = F.pandas_udf(lambda v: v.mean(), "double", F.PandasUDFType.GROUPED_AGG)
    for frame in (
        lambda: spark.range(3).select(mean("id").over(Window.partitionBy("id"))),
        lambda: spark.range(3).join(spark.range(3).toDF("b"), F.udf(lambda a, b: a == b, "boolean")("id", "b"), "left"),
    ):
        try:
            frame().collect()
            raise AssertionError("accepted")
        except PySparkException as error:
            equal(error.getCondition(), "UNSUPPORTED_FEATURE")


@check
def cogroups(spark):
    left = spark.createDataFrame([(1, "a"), (1, "b"), (2, "c")], "k int, l string")
    right = spark.createDataFrame([(2, 20), (3, 30)], "k long, r long")

    def joined(key, one, other):
        return pd.DataFrame({"k": [key[0]], "l": ["".join(sorted(one.l))], "r": [int(other.r.sum())]})

    found = left.groupBy("k").cogroup(right.groupBy("k")).applyInPandas(joined, "k long, l string, r long")
    equal(rows(found), [(1, "ab", 0), (2, "c", 20), (3, "", 30)])
    counts = left.groupBy("k").cogroup(right.groupBy("k")).applyInArrow(lambda a, b: pa.table({"a": [a.num_rows], "b": [b.num_rows]}), "a long, b long")
    equal(rows(counts), [(2, 0), (1, 1), (0, 1)])


@check
def failures(spark):
    def nested(value):
        return 1 // value

    text = fails(lambda: spark.range(1).select(F.udf(lambda x: nested(x), "int")("id")).collect(), "Traceback (most recent call last)", "in nested", "ZeroDivisionError")
    assert "platform_worker" not in text, text
    fails(lambda: spark.range(1).select(F.udf(lambda x: sys.exit(3), "int")("id")).collect(), "SystemExit: 3")
    fails(lambda: spark.range(1).select(F.udf(lambda x: os._exit(5), "int")("id")).collect(), "exited unexpectedly", "exit code 5")
    crash = F.udf(lambda x: __import__("ctypes").string_at(0), "int")
    fails(lambda: spark.range(1).select(crash("id")).collect(), "signal 11", "Segmentation fault", "string_at")
    fails(lambda: spark.range(1).select(F.udf(lambda x: len(bytearray(8 << 30)), "long")("id")).collect(), "MemoryError")
    fails(lambda: spark.range(1).select(F.udf(lambda x: os.write(3, b"nonsense" * 9), "long")("id")).collect(), "no message")
    fails(lambda: spark.range(1).select(F.udf(lambda x: os.close(3), "long")("id")).collect(), "PYTHON_EXCEPTION")
    equal(rows(spark.range(1).select(F.udf(lambda x: print("printed" * 50000), "string")("id"))), [(None,)])
    equal(rows(spark.range(2).select(F.udf(lambda x: x, "long")("id"))), [(0,), (1,)])


@check
def environment(spark):
    def look(_):
        import glob

        open("here", "w").write("x")
        names = sorted(os.environ)
        return [os.getcwd(), os.environ["HOME"], str([int(n) for n in os.listdir("/proc/self/fd") if int(n) > 5])] + names

    found = spark.range(1).select(F.udf(look, "array<string>")("id")).collect()[0][0]
    equal(found[0], found[1])
    assert found[0].startswith(spark.directory + "/compute/python/"), found
    equal(found[2], "[]")
    assert "SECRET_OF_SERVER" not in found[3:], found
    spark.folder = found[0]


def endless(spark, stop):
    def loop(_):
        open("/proc/self/comm", "w").write("endless")
        while True:
            pass

    failure = []

    def run():
        try:
            spark.addTag("loop")
            spark.range(1).select(F.udf(loop, "int")("id")).collect()
        except PySparkException as error:
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    until(lambda: processes("endless"), "the endless function runs")
    stop()
    until(lambda: not processes("endless"), "the endless function ends")
    return thread, failure


@check
def interrupt(spark):
    thread, failure = endless(spark, lambda: spark.interruptTag("loop"))
    thread.join(PATIENCE)
    equal([error.getCondition() for error in failure], ["OPERATION_CANCELED"])
    equal(rows(spark.range(2).select(F.udf(lambda x: x, "long")("id"))), [(0,), (1,)])


def processes(name):
    """Ids of the running processes of this name below the server."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open("/proc/%s/comm" % entry) as file:
                    comm = file.read().strip()
                with open("/proc/%s/cmdline" % entry) as file:
                    line = file.read()
            except OSError:
                continue
            if comm == name and DIRECTORY + "/compute/python/" in line:
                found.append(int(entry))
    return found


def main(program, directory):
    global DIRECTORY
    DIRECTORY = directory
    os.environ["SECRET_OF_SERVER"] = "1"
    child = PlatformChild(program, directory, "compute", ["compute.connect.listen"], ["compute.python=" + sys.executable])
    child.start()
    failed = 0
    try:
        spark = SparkSession.builder.remote("sc://" + child.endpoints["connect"]).create()
        spark.directory = directory
        for function in CHECKS:
            began = time.monotonic()
            try:
                function(spark)
                print("ok %s (%.1f s)" % (function.__name__, time.monotonic() - began), flush=True)
            except Exception:
                failed += 1
                print("FAILED %s\n%s" % (function.__name__, traceback.format_exc()), flush=True)
        # Its client tries to reach the server again for minutes, so that this process ends without it.
        endless(spark, child.kill)
        child.start()
        until(lambda: not os.path.exists(spark.folder), "the folders of the killed server are removed")
        print("ok the server's death ends an endless function")
    finally:
        child.stop()
    print("%d of %d checks failed" % (failed, len(CHECKS)) if failed else "all checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    # The client of a server that is gone tries for minutes to end its session.
    code = 1
    try:
        code = main(sys.argv[1], os.path.realpath(sys.argv[2]))
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
