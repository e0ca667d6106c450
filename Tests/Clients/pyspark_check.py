#!/usr/bin/env python3
"""Drives a Spark Connect server with the unmodified PySpark client and checks what comes back.

Usage: pyspark_check.py HOST:PORT
Prints one line for each check and ends with 'N passed, N failed'; the exit code is 0 when none failed.
"""
import contextlib
import datetime
import decimal
import gzip
import io
import logging
import os
import sys
import tempfile
import threading
import time
import warnings

warnings.filterwarnings("ignore")

import pandas as pd  # noqa: E402
from pyspark.errors import (  # noqa: E402
    AnalysisException, ArithmeticException, ParseException, PySparkException, UnsupportedOperationException)
from pyspark.sql import Row, SparkSession, Window  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402
from pyspark.sql.types import (  # noqa: E402
    ArrayType, BooleanType, DateType, DecimalType, DoubleType, IntegerType, LongType, MapType, StringType, StructField, StructType,
    TimestampType)

logging.disable(logging.CRITICAL)
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def equal(found, expected):
    assert found == expected, f"found {found!r}, expected {expected!r}"


def raises(kind, condition, body):
    try:
        body()
    except kind as error:
        if condition is not None:
            equal(error.getCondition(), condition)
        return error
    raise AssertionError(f"no {kind.__name__} was raised")


def shown(frame, *args, **options):
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        frame.show(*args, **options)
    return text.getvalue()


@check
def sql_collects_rows(spark):
    equal(spark.sql("SELECT 1 AS a, 'x' AS b, 2.5D AS c, true AS d, NULL AS e").collect(), [Row(a=1, b="x", c=2.5, d=True, e=None)])


@check
def version_is_told(spark):
    assert spark.version.split(".")[0] == "4", spark.version


@check
def range_counts_and_sums(spark):
    equal(spark.range(1000).count(), 1000)
    equal(spark.range(1, 101).agg(F.sum("id")).collect()[0][0], 5050)
    equal([r.id for r in spark.range(10, 0, -3).collect()], [10, 7, 4, 1])


@check
def show_prints_spark_tables(spark):
    expected = "+---+-----+\n| id|twice|\n+---+-----+\n|  0|    0|\n|  1|    2|\n+---+-----+\n\n"
    equal(shown(spark.range(2).select("id", (F.col("id") * 2).alias("twice"))), expected)
    assert "only showing top 2 rows" in shown(spark.range(5), 2)
    assert "RECORD 0" in shown(spark.range(1), vertical=True)


@check
def to_pandas_gives_a_frame(spark):
    frame = spark.sql("SELECT id, id * 2 AS twice FROM range(5)").toPandas()
    equal(list(frame.columns), ["id", "twice"])
    equal(frame["twice"].tolist(), [0, 2, 4, 6, 8])
    empty = spark.range(5).filter("id > 100").toPandas()
    equal((len(empty), list(empty.columns)), (0, ["id"]))


@check
def rows_come_back_as_they_went(spark):
    schema = StructType([
        StructField("i", IntegerType()), StructField("l", LongType()), StructField("d", DoubleType()), StructField("s", StringType()),
        StructField("b", BooleanType()), StructField("day", DateType()), StructField("at", TimestampType()),
        StructField("price", DecimalType(10, 2)), StructField("tags", ArrayType(StringType())),
        StructField("counts", MapType(StringType(), IntegerType())),
        StructField("pair", StructType([StructField("x", IntegerType()), StructField("y", StringType())])),
    ])
    rows = [
        (1, 2**40, 1.5, "ä", True, datetime.date(2013, 1, 1), datetime.datetime(2013, 1, 1, 5, 15), decimal.Decimal("12.34"), ["a", None],
         {"k": 1}, Row(x=1, y="z")),
        (None,) * 11,
    ]
    frame = spark.createDataFrame(rows, schema)
    equal(frame.schema, schema)
    equal([tuple(r) for r in frame.collect()], [tuple(r) for r in rows])


@check
def pandas_frames_go_in_and_out(spark):
    frame = pd.DataFrame({"carrier": ["UA", "AA", "UA"], "delay": [10, -5, 20], "distance": [1.5, 2.5, None]})
    back = spark.createDataFrame(frame).groupBy("carrier").agg(F.avg("delay").alias("mean")).orderBy("carrier").toPandas()
    equal(back.to_dict("list"), {"carrier": ["AA", "UA"], "mean": [-5.0, 15.0]})


@check
def large_local_relation_goes_in(spark):
    frame = pd.DataFrame({"n": range(300_000), "text": ["some text to make the frame large enough"] * 300_000})
    equal(spark.createDataFrame(frame).agg(F.sum("n"), F.count("text")).collect()[0], Row(**{"sum(n)": 44999850000, "count(text)": 300000}))


@check
def frames_are_transformed(spark):
    frame = spark.createDataFrame([("a", 1), ("b", 2), ("a", 3), ("c", 4)], ["k", "v"])
    equal(frame.filter(F.col("v") > 1).select("k").distinct().orderBy("k").collect(), [Row(k="a"), Row(k="b"), Row(k="c")])
    equal(frame.withColumn("w", F.col("v") + 1).drop("v").limit(1).collect(), [Row(k="a", w=2)])
    equal(frame.withColumnRenamed("v", "value").columns, ["k", "value"])
    equal(frame.groupBy("k").sum("v").orderBy(F.desc("sum(v)")).collect()[0], Row(**{"k": "a", "sum(v)": 4}))
    equal(frame.orderBy(F.col("v").desc()).offset(1).limit(2).collect(), [Row(k="a", v=3), Row(k="b", v=2)])
    equal(frame.toDF("x", "y").columns, ["x", "y"])
    equal(frame.dropDuplicates(["k"]).count(), 3)
    equal(frame.union(frame).count(), 8)
    equal(frame.intersect(frame).count(), 4)
    equal(frame.exceptAll(frame).count(), 0)
    equal([r.v for r in frame.tail(2)], [3, 4])
    equal(frame.take(2), [Row(k="a", v=1), Row(k="b", v=2)])
    equal(frame.first(), Row(k="a", v=1))
    equal(frame.select(F.when(F.col("v") > 2, "big").otherwise("small").alias("size")).collect()[2], Row(size="big"))
    equal(frame.filter(F.col("k").isin("b", "c")).count(), 2)
    equal(frame.select(F.col("v").cast("string").alias("s")).collect()[0], Row(s="1"))


@check
def frames_are_joined(spark):
    left = spark.createDataFrame([(1, "a"), (2, "b"), (3, "c")], ["id", "l"])
    right = spark.createDataFrame([(1, "x"), (3, "y"), (4, "z")], ["id", "r"])
    equal(left.join(right, "id").orderBy("id").collect(), [Row(id=1, l="a", r="x"), Row(id=3, l="c", r="y")])
    equal(left.join(right, "id", "left").filter("r IS NULL").collect(), [Row(id=2, l="b", r=None)])
    equal(left.join(right, left.id == right.id, "inner").select(left.id, right.r).orderBy("r").collect(), [Row(id=1, r="x"), Row(id=3, r="y")])
    equal(left.join(right, "id", "left_anti").collect(), [Row(id=2, l="b")])
    equal(left.join(right, "id", "outer").count(), 4)
    equal(left.crossJoin(right).count(), 9)
    equal(left.alias("a").join(left.alias("b"), F.col("a.id") == F.col("b.id")).count(), 3)


@check
def views_are_queried(spark):
    spark.range(10).createOrReplaceTempView("numbers")
    equal(spark.sql("SELECT sum(id) AS s FROM numbers WHERE id % 2 = 0").collect(), [Row(s=20)])
    equal(spark.table("numbers").count(), 10)
    spark.sql("CREATE OR REPLACE TEMP VIEW evens AS SELECT id FROM numbers WHERE id % 2 = 0")
    equal(spark.sql("SELECT count(*) FROM evens").collect()[0][0], 5)
    raises(AnalysisException, "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS", lambda: spark.range(1).createTempView("numbers"))
    equal({r.tableName for r in spark.sql("SHOW TABLES").collect()} >= {"numbers", "evens"}, True)


@check
def files_are_read(spark):
    with tempfile.TemporaryDirectory() as directory:
        with open(os.path.join(directory, "flights.csv"), "w") as stream:
            stream.write("carrier,delay\nUA,10\nAA,-5\nUA,\n")
        with gzip.open(os.path.join(directory, "more.csv.gz"), "wt") as stream:
            stream.write("carrier,delay\nDL,7\n")
        with open(os.path.join(directory, "rows.json"), "w") as stream:
            stream.write('{"a": 1, "b": {"c": "x"}}\n{"a": 2, "b": null}\n')
        frame = spark.read.csv(os.path.join(directory, "flights.csv"), header=True, inferSchema=True)
        equal(frame.dtypes, [("carrier", "string"), ("delay", "int")])
        equal(frame.groupBy("carrier").agg(F.sum("delay").alias("s")).orderBy("carrier").collect(), [Row(carrier="AA", s=-5), Row(carrier="UA", s=10)])
        equal(spark.read.option("header", True).csv(os.path.join(directory, "more.csv.gz")).collect(), [Row(carrier="DL", delay="7")])
        equal(spark.read.json(os.path.join(directory, "rows.json")).orderBy("a").collect(), [Row(a=1, b=Row(c="x")), Row(a=2, b=None)])
        equal(spark.read.text(os.path.join(directory, "flights.csv")).count(), 4)
        equal([os.path.basename(f) for f in frame.inputFiles()], ["flights.csv"])
        equal(spark.sql(f"SELECT count(*) FROM json.`{directory}/rows.json`").collect()[0][0], 2)
    raises(AnalysisException, "PATH_NOT_FOUND", lambda: spark.read.csv("/no/such/file").collect())


@check
def a_wrong_column_is_named(spark):
    error = raises(AnalysisException, "UNRESOLVED_COLUMN.WITH_SUGGESTION", lambda: spark.range(3).select("idd").collect())
    equal(error.getSqlState(), "42703")
    assert "`idd`" in error.getMessage() and "`id`" in error.getMessage(), error.getMessage()
    equal(error.getMessageParameters()["objectName"], "`idd`")
    raises(AnalysisException, "UNRESOLVED_COLUMN.WITH_SUGGESTION", lambda: spark.sql("SELECT nope FROM range(3)"))


@check
def wrong_syntax_is_a_parse_error(spark):
    raises(ParseException, "PARSE_SYNTAX_ERROR", lambda: spark.sql("SELEC 1"))


@check
def windows_rank_and_add_up(spark):
    frame = spark.createDataFrame([("a", 1), ("a", 3), ("b", 2)], "k string, v int")
    by_key = Window.partitionBy("k").orderBy("v")
    ranked = frame.withColumn("r", F.row_number().over(by_key)).withColumn("before", F.lag("v").over(by_key))
    equal(ranked.orderBy("v").collect(), [Row(k="a", v=1, r=1, before=None), Row(k="b", v=2, r=1, before=None), Row(k="a", v=3, r=2, before=1)])
    moving = F.sum("v").over(Window.orderBy("v").rowsBetween(-1, Window.currentRow))
    equal(frame.select("v", moving.alias("s")).orderBy("v").collect(), [Row(v=1, s=1), Row(v=2, s=3), Row(v=3, s=5)])


@check
def subqueries_and_rollups_answer(spark):
    frame = spark.createDataFrame([("a", 1), ("a", 3), ("b", 2)], "k string, v int")
    equal(frame.rollup("k").sum("v").orderBy("k").collect(), [Row(**{"k": k, "sum(v)": s}) for k, s in [(None, 6), ("a", 4), ("b", 2)]])
    frame.createOrReplaceTempView("kv")
    largest = "SELECT k, v FROM kv o WHERE v = (SELECT max(v) FROM kv i WHERE i.k = o.k) ORDER BY k"
    equal(spark.sql(largest).collect(), [Row(k="a", v=3), Row(k="b", v=2)])


@check
def a_missing_table_is_named(spark):
    raises(AnalysisException, "TABLE_OR_VIEW_NOT_FOUND", lambda: spark.table("missing").collect())


@check
def dividing_by_zero_raises(spark):
    raises(ArithmeticException, "DIVIDE_BY_ZERO", lambda: spark.sql("SELECT 1 / 0").collect())


@check
def missing_features_are_refused_at_once(spark):
    started = time.monotonic()
    raises(UnsupportedOperationException, None, lambda: spark.range(3).sample(True, 0.5).collect())
    raises(UnsupportedOperationException, None, lambda: spark.range(3).createGlobalTempView("never"))
    raises(PySparkException, None, lambda: spark.range(3).groupBy("id").pivot("id", [1]).count().collect())
    raises(PySparkException, None, lambda: spark.range(3).transpose().collect())
    assert time.monotonic() - started < 10, "a refusal took too long"


@check
def schemas_are_analysed(spark):
    frame = spark.sql("SELECT 1 AS a, array('x') AS b")
    equal(frame.schema.simpleString(), "struct<a:int,b:array<string>>")
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        frame.printSchema()
    assert text.getvalue().startswith("root\n |-- a: integer (nullable = false)\n |-- b: array (nullable = false)\n"), text.getvalue()
    equal(frame.isStreaming, False)
    explained = io.StringIO()
    with contextlib.redirect_stdout(explained):
        frame.explain()
    assert "Physical Plan" in explained.getvalue(), explained.getvalue()
    equal(spark.createDataFrame([(1, "x")], "a INT, b STRING").dtypes, [("a", "int"), ("b", "string")])


@check
def settings_are_kept(spark):
    spark.conf.set("spark.sql.shuffle.partitions", "7")
    equal(spark.conf.get("spark.sql.shuffle.partitions"), "7")
    equal(spark.conf.get("spark.not.there", "fallback"), "fallback")
    raises(PySparkException, "SQL_CONF_NOT_FOUND", lambda: spark.conf.get("spark.not.there"))
    spark.conf.unset("spark.sql.shuffle.partitions")
    equal(spark.conf.get("spark.sql.shuffle.partitions"), "200")


@check
def large_results_arrive_whole(spark):
    table = spark.range(1_000_000).toArrow()
    equal(table.num_rows, 1_000_000)
    equal(sum(table.column("id").to_pylist()), 499999500000)


@check
def a_second_session_does_not_see_the_first_ones_views(spark):
    spark.range(1).createOrReplaceTempView("private")
    other = SparkSession.builder.remote(f"sc://{sys.argv[1]}").create()
    try:
        raises(AnalysisException, "TABLE_OR_VIEW_NOT_FOUND", lambda: other.sql("SELECT * FROM private"))
    finally:
        other.stop()


@check
def a_query_is_interrupted(spark):
    equal(spark.interruptAll(), [])
    interrupted = []

    def interrupt():
        while not interrupted:
            time.sleep(0.2)
            interrupted.extend(spark.interruptAll())

    thread = threading.Thread(target=interrupt)
    thread.start()
    query = "SELECT count(*) FROM range(300000) a CROSS JOIN range(300000) b WHERE a.id + b.id < 0"
    raises(PySparkException, "OPERATION_CANCELED", lambda: spark.sql(query).collect())
    thread.join()
    equal(len(interrupted), 1)
    equal(spark.range(3).count(), 3)


@check
def collections_become_rows(spark):
    frame = spark.createDataFrame([(1, [10, 20], {"a": 1}), (2, [], {}), (3, None, None)], "i INT, xs ARRAY<INT>, m MAP<STRING, INT>")
    equal(frame.select("i", F.explode("xs").alias("x")).collect(), [Row(i=1, x=10), Row(i=1, x=20)])
    equal([tuple(row) for row in frame.select("i", F.explode_outer("m").alias("k", "v")).collect()],
          [(1, "a", 1), (2, None, None), (3, None, None)])
    equal([tuple(row) for row in frame.select(F.posexplode("xs")).collect()], [(0, 10), (1, 20)])
    equal(frame.select(F.posexplode("xs")).columns, ["pos", "col"])
    equal(frame.withColumn("x", F.explode("xs")).filter("x > 10").select("i", "x").collect(), [Row(i=1, x=20)])
    equal(frame.groupBy("i").agg(F.count("*").alias("n")).select(F.explode(F.array("i", "n")).alias("z")).count(), 6)
    equal(spark.tvf.explode(F.array(F.lit(1), F.lit(2))).collect(), [Row(col=1), Row(col=2)])
    words = spark.createDataFrame([("a b",), ("b",)], "line STRING")
    counts = words.select(F.explode(F.split("line", " ")).alias("word")).groupBy("word").count().orderBy("word")
    equal([tuple(row) for row in counts.collect()], [("a", 1), ("b", 2)])
    equal(spark.range(1).select(F.stack(F.lit(2), F.lit(1), F.lit(2))).count(), 2)
    raises(AnalysisException, "UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS", lambda: frame.select(F.explode("xs") + 1).collect())


@check
def lambdas_are_applied(spark):
    frame = spark.createDataFrame([(1, [1, 2, 3], {"a": 1, "b": 2}), (10, [4], {})], "k INT, xs ARRAY<INT>, m MAP<STRING, INT>")

    def column(expression):
        return [row[0] for row in frame.select(expression).collect()]

    equal(column(F.transform("xs", lambda x: x + F.col("k"))), [[2, 3, 4], [14]])
    equal(column(F.transform("xs", lambda x, i: x * i)), [[0, 2, 6], [0]])
    equal(column(F.filter("xs", lambda x: x % 2 == 1)), [[1, 3], []])
    equal(column(F.exists("xs", lambda x: x > 3)), [False, True])
    equal(column(F.forall("xs", lambda x: x > 1)), [False, True])
    equal(column(F.aggregate("xs", F.lit(0), lambda total, x: total + x)), [6, 4])
    equal(column(F.aggregate("xs", F.lit(0), lambda total, x: total + x, lambda total: total * 10)), [60, 40])
    equal(column(F.zip_with("xs", F.array(F.lit(1)), lambda x, y: F.coalesce(y, F.lit(0)) + x)), [[2, 2, 3], [5]])
    equal(column(F.map_filter("m", lambda k, v: v > 1)), [{"b": 2}, {}])
    equal(column(F.transform_keys("m", lambda k, v: F.upper(k))), [{"A": 1, "B": 2}, {}])
    equal(column(F.transform_values("m", lambda k, v: v + 1)), [{"a": 2, "b": 3}, {}])
    equal(column(F.map_zip_with("m", "m", lambda k, one, other: one + other)), [{"a": 2, "b": 4}, {}])
    equal(column(F.array_sort("xs", lambda x, y: y - x)), [[3, 2, 1], [4]])
    equal(column(F.transform(F.array("xs"), lambda inner: F.transform(inner, lambda x: x + F.size(inner)))), [[[4, 5, 6]], [[5]]])
    raises(AnalysisException, "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", lambda: column(F.filter("xs", lambda x: x)))


@check
def the_time_zone_of_the_session_is_in_force(spark):
    equal(spark.sql("SELECT hour(timestamp'2024-07-01 12:00:00Z')").collect()[0][0], 12)
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    try:
        row = spark.sql("""SELECT hour(timestamp'2024-07-01 12:00:00Z') h, cast(timestamp'2024-07-01 12:00:00' AS bigint) s,
            cast(timestamp'2024-07-01 02:00:00Z' AS string) t, timestamp'2024-07-01 12:00:00' x""")
        equal(tuple(row.collect()[0])[:3], (8, 1719849600, "2024-06-30 22:00:00"))
        assert "2024-07-01 12:00:00" in shown(row.select("x"))
        equal(str(row.toPandas().x[0]), "2024-07-01 12:00:00")
        assert "|hour(TIMESTAMP '2024-07-01 12:00:00')|" in shown(spark.sql("SELECT hour(timestamp'2024-07-01 12:00:00')"))
        raises(PySparkException, "INVALID_CONF_VALUE.TIME_ZONE", lambda: spark.conf.set("spark.sql.session.timeZone", "Mars/Base"))
    finally:
        spark.conf.unset("spark.sql.session.timeZone")
    equal(spark.sql("SELECT hour(timestamp'2024-07-01 12:00:00Z')").collect()[0][0], 12)


@check
def missing_values_are_filled_and_dropped(spark):
    frame = spark.createDataFrame(
        [(1, "a", 1.5), (None, None, float("nan")), (3, "c", None)], "i INT, s STRING, d DOUBLE")

    def rows(made):
        return [tuple(row) for row in made.collect()]

    equal(rows(frame.na.fill(0)), [(1, "a", 1.5), (0, None, 0.0), (3, "c", 0.0)])
    equal(rows(frame.fillna({"s": "?", "d": 9.5})), [(1, "a", 1.5), (None, "?", 9.5), (3, "c", 9.5)])
    equal([row.s for row in frame.fillna("-", subset=["s"]).collect()], ["a", "-", "c"])
    equal([row.i for row in frame.na.drop().collect()], [1])
    equal([row.i for row in frame.na.drop("all").collect()], [1, 3])
    equal([row.i for row in frame.dropna(thresh=2).collect()], [1, 3])
    equal([row.i for row in frame.dropna(subset=["s"]).collect()], [1, 3])
    equal([row.s for row in frame.na.replace(["a", "c"], ["x", "y"], "s").collect()], ["x", None, "y"])
    equal([row.i for row in frame.replace(1, 100).collect()], [100, None, 3])


@check
def frames_are_described_and_sampled(spark):
    frame = spark.createDataFrame([(1, "a", 2.0), (2, "b", 4.0), (3, "c", 9.0)], "i INT, s STRING, d DOUBLE")
    described = {row.summary: (row.i, row.s, row.d) for row in frame.describe().collect()}
    equal(described, {"count": ("3", "3", "3"), "mean": ("2.0", None, "5.0"), "stddev": ("1.0", None, "3.605551275463989"),
                      "min": ("1", "a", "2.0"), "max": ("3", "c", "9.0")})
    equal([row.summary for row in frame.summary().collect()], ["count", "mean", "stddev", "min", "25%", "50%", "75%", "max"])
    equal([tuple(row) for row in frame.select("i").summary("count", "50%").collect()], [("count", "3"), ("50%", "2")])
    assert abs(frame.stat.corr("i", "d") - 0.970725343394151) < 1e-12
    equal(frame.cov("i", "d"), 3.5)
    equal(frame.approxQuantile("i", [0.0, 0.5, 1.0], 0.0), [1.0, 2.0, 3.0])
    equal(sorted(frame.freqItems(["s"], 0.3).collect()[0][0]), ["a", "b", "c"])
    numbers = spark.range(10000)
    drawn = numbers.sample(fraction=0.1, seed=7).count()
    assert 800 < drawn < 1200, drawn
    equal(numbers.sample(fraction=0.1, seed=7).count(), drawn)
    parts = [part.count() for part in numbers.randomSplit([0.25, 0.75], seed=3)]
    equal(sum(parts), 10000)
    assert 2200 < parts[0] < 2800, parts
    strata = numbers.withColumn("k", F.col("id") % 2).sampleBy("k", {0: 0.0, 1: 0.5}, seed=1).groupBy("k").count().collect()
    assert len(strata) == 1 and strata[0].k == 1 and 2300 < strata[0]["count"] < 2700, strata
    wide = spark.createDataFrame([(1, 11, 12.5), (2, 21, None)], "id INT, a INT, b DOUBLE")
    equal([tuple(row) for row in wide.unpivot("id", ["a", "b"], "name", "value").collect()],
          [(1, "a", 11.0), (1, "b", 12.5), (2, "a", 21.0), (2, "b", None)])
    equal([tuple(row) for row in wide.melt("id", None, "name", "value").collect()][0], (1, "a", 11.0))
    equal(wide.to(StructType([StructField("a", StringType())])).collect(), [Row(a="11"), Row(a="21")])
    equal(wide.dropDuplicates(["id"]).hint("broadcast").count(), 2)


@check
def a_cached_frame_keeps_its_level(spark):
    frame = spark.range(3)
    equal(frame.is_cached, False)
    equal(frame.cache().count(), 3)
    equal(frame.is_cached, True)
    assert frame.storageLevel.useMemory
    equal(frame.unpersist().is_cached, False)


@check
def lists_are_aggregated(spark):
    frame = spark.createDataFrame([("a", 1, 10.0), ("a", 1, 20.0), ("b", 2, 30.0)], "k STRING, i INT, d DOUBLE")
    row = frame.agg(F.collect_set("i"), F.max_by("k", "d"), F.median("d"), F.percentile_approx("i", 0.5), F.bool_and(F.col("i") > 0),
                    F.corr("i", "d"), F.mode("k"), F.approx_count_distinct("k")).collect()[0]
    equal((sorted(row[0]), *row[1:5], *row[6:]), ([1, 2], "b", 20.0, 1, True, "a", 2))
    assert abs(row[5] - 0.8660254037844387) < 1e-12
    equal(frame.select(F.array_contains(F.array("i", F.lit(7)), 7)).distinct().collect()[0][0], True)
    equal(frame.select(F.element_at(F.create_map(F.lit("x"), "i"), "x").alias("x")).collect()[2], Row(x=2))
    equal([row[0] for row in frame.select(-F.col("i")).collect()], [-1, -1, -2])
    equal(frame.select(F.sequence(F.lit(1), F.lit(3)).alias("s")).first(), Row(s=[1, 2, 3]))
    equal(frame.select(F.sort_array(F.array(F.lit(2), F.lit(1)), asc=False).alias("s")).first(), Row(s=[2, 1]))


@check
def views_are_listed_and_dropped(spark):
    spark.range(1).createOrReplaceTempView("short_lived")
    assert spark.catalog.tableExists("short_lived")
    assert "short_lived" in [t.name for t in spark.catalog.listTables()]
    equal(spark.catalog.dropTempView("short_lived"), True)
    equal(spark.catalog.dropTempView("short_lived"), False)
    equal(spark.catalog.currentDatabase(), "default")


@check
def statements_take_frames_and_parameters(spark):
    equal(spark.sql("SELECT id FROM {numbers} WHERE id > 1", numbers=spark.range(4)).collect(), [Row(id=2), Row(id=3)])


def main():
    spark = SparkSession.builder.remote(f"sc://{sys.argv[1]}").getOrCreate()
    passed = failed = 0
    for function in CHECKS:
        name = function.__name__.replace("_", " ")
        try:
            function(spark)
            passed += 1
            print(f"ok      {name}", flush=True)
        except Exception as error:  # a check may fail in any way; the others still run
            failed += 1
            lines = str(error).strip().splitlines() or [""]
            print(f"FAILED  {name}: {type(error).__name__}: {' '.join(lines)[:400]}", flush=True)
    try:
        spark.stop()
    except Exception as error:
        failed += 1
        print(f"FAILED  stopping: {error}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
