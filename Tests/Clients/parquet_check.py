"""Drives the Parquet files of compute with the unmodified PySpark client and with pyarrow, on the local disk and on dfs. Usage: parquet_check.py PROGRAM DATA_DIRECTORY

What pyarrow writes, compute reads; what compute writes, pyarrow reads; both come back equal. Then partitions, save modes, merged schemas, pruning, damaged files, and a
kill in the middle of a write. Prints one line for each check.
"""
import datetime
import decimal
import glob
import json
import logging
import os
import random
import shutil
import sys
import threading
import time
import traceback
import warnings

warnings.filterwarnings("ignore")

import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from hdfs import InsecureClient  # noqa: E402
from pyspark.errors import AnalysisException, PySparkException  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402

from platform_child import PlatformChild  # noqa: E402

logging.disable(logging.CRITICAL)
ROWS = 1000


def equal(found, expected, what=""):
    assert found == expected, "%s found %.500r, expected %.500r" % (what, found, expected)


def raises(condition, body):
    try:
        body()
    except PySparkException as error:
        equal(error.getCondition(), condition, str(error)[:300])
        return str(error)
    raise AssertionError("nothing was raised, %s was expected" % condition)


def sample():
    """A table of every type, with nulls, nested values and texts of both kinds: repeated and unique."""
    rng = random.Random(7)

    def column(make, kind):
        return pa.array([None if rng.random() < 0.2 else make(i) for i in range(ROWS)], kind)

    start = datetime.datetime(2020, 1, 1)
    return pa.table({
        "flag": column(lambda i: i % 3 == 0, pa.bool_()),
        "i8": column(lambda i: i % 100 - 50, pa.int8()),
        "i16": column(lambda i: i - 500, pa.int16()),
        "i32": column(lambda i: i * 7 - 900, pa.int32()),
        "i64": column(lambda i: i * 10 ** 11, pa.int64()),
        "single": column(lambda i: i / 4, pa.float32()),
        "double": column(lambda i: i / 7, pa.float64()),
        "text": column(lambda i: "t%d" % (i % 40), pa.string()),
        "unique": column(lambda i: "ünique %d" % i, pa.string()),
        "bytes": column(lambda i: b"%d" % i, pa.binary()),
        "day": column(lambda i: (start + datetime.timedelta(days=i)).date(), pa.date32()),
        "time": column(lambda i: start + datetime.timedelta(seconds=i, microseconds=i), pa.timestamp("us", tz="UTC")),
        "money": column(lambda i: decimal.Decimal(i) / 100, pa.decimal128(7, 2)),
        "sum": column(lambda i: decimal.Decimal(-i) / 100, pa.decimal128(15, 2)),
        "large": column(lambda i: decimal.Decimal(i * 10 ** 20) / 100, pa.decimal128(38, 4)),
        "list": column(lambda i: [None if j == 2 else j for j in range(i % 5)], pa.list_(pa.int32())),
        "lists": column(lambda i: [None if j == 3 else ["a%d" % k for k in range(j)] for j in range(i % 4)], pa.list_(pa.list_(pa.string()))),
        "map": column(lambda i: [("k%d" % j, j) for j in range(i % 3)], pa.map_(pa.string(), pa.int64())),
        "struct": column(lambda i: {"x": i if i % 2 else None, "y": {"z": "t%d" % i}}, pa.struct([("x", pa.int64()), ("y", pa.struct([("z", pa.string())]))])),
        "structs": column(lambda i: [{"a": j, "b": [j] * j} for j in range(i % 3)], pa.list_(pa.struct([("a", pa.int32()), ("b", pa.list_(pa.int32()))]))),
        "id": pa.array(range(ROWS), pa.int64()),
    })


def rows(table):
    """Python values by column, rows by id; maps as dictionaries, since their clients differ in how they show them."""
    found = {}
    for name in table.column_names:
        values = table[name].to_pylist()
        if pa.types.is_map(table.schema.field(name).type):
            values = [None if value is None else dict(value) for value in values]
        found[name] = values
    order = sorted(range(table.num_rows), key=lambda row: found["id"][row])
    return {name: [values[row] for row in order] for name, values in found.items()}


def collected(frame):
    return rows(frame.toArrow())


class Check:
    def __init__(self, spark, base, local, upload, download):
        """`base` is the folder as compute sees it; `upload` and `download` move a local file or folder there and back."""
        self.spark, self.base, self.local, self.upload, self.download = spark, base, local, upload, download

    def path(self, name):
        return self.base + "/" + name

    def reads_pyarrow(self):
        table = sample()
        expected = rows(table)
        kinds = {
            "snappy": {}, "gzip": dict(compression="gzip", row_group_size=700), "zstd": dict(compression="zstd", data_page_version="2.0"),
            "lz4": dict(compression="lz4", data_page_size=2000), "plain": dict(compression="none", use_dictionary=False, write_page_checksum=True),
            "int96": dict(use_deprecated_int96_timestamps=True), "old": dict(version="1.0", use_compliant_nested_type=False),
        }
        for name, options in kinds.items():
            file = os.path.join(self.local, name + ".parquet")
            pq.write_table(table, file, **options)
            self.upload(file, "read/%s.parquet" % name)
            found = collected(self.spark.read.parquet(self.path("read/%s.parquet" % name)))
            for column, values in expected.items():
                equal(found[column], values, "%s %s" % (name, column))
        deltas = table.select(["i32", "i64", "text", "unique", "bytes", "single", "double", "id"])
        file = os.path.join(self.local, "delta.parquet")
        pq.write_table(deltas, file, use_dictionary=False, column_encoding={
            "i32": "DELTA_BINARY_PACKED", "i64": "DELTA_BINARY_PACKED", "id": "DELTA_BINARY_PACKED", "text": "DELTA_BYTE_ARRAY", "unique": "DELTA_BYTE_ARRAY",
            "bytes": "DELTA_LENGTH_BYTE_ARRAY", "single": "BYTE_STREAM_SPLIT", "double": "BYTE_STREAM_SPLIT"})
        self.upload(file, "read/delta.parquet")
        equal(collected(self.spark.read.format("parquet").load(self.path("read/delta.parquet"))), rows(deltas))

    def is_read_by_pyarrow(self):
        table = sample()
        expected = rows(table)
        source = self.spark.read.parquet(self.path("read/snappy.parquet"))
        for name, options in {
            "default": {}, "none": {"compression": "none"}, "gzip": {"compression": "gzip"}, "zstd": {"compression": "zstd"}, "lz4": {"compression": "lz4_raw"},
            "small": {"parquet.block.size": "50000", "parquet.page.size": "2000", "parquet.writer.version": "v2"}, "plain": {"parquet.enable.dictionary": "false"},
        }.items():
            source.write.options(**options).parquet(self.path("written/" + name))
            folder = self.download("written/" + name)
            assert os.path.exists(folder + "/_SUCCESS"), os.listdir(folder)
            found = rows(pq.read_table(folder, page_checksum_verification=True))
            for column, values in expected.items():
                equal(found[column], values, "%s %s" % (name, column))
            equal(collected(self.spark.read.parquet(self.path("written/" + name))), expected, name)
        footer = pq.read_metadata(glob.glob(self.download("written/default") + "/*.parquet")[0])
        described = json.loads(footer.metadata[b"org.apache.spark.sql.parquet.row.metadata"])
        equal([field["name"] for field in described["fields"]], table.column_names)
        statistics = footer.row_group(0).column(footer.schema.names.index("id")).statistics
        assert statistics.has_min_max and statistics.null_count == 0

    def finds_partitions(self):
        frame = self.spark.range(1000).select(
            F.col("id"), (F.col("id") % 3).cast("int").alias("k"), F.when(F.col("id") % 2 == 0, F.lit("a/b =1")).alias("name"))
        frame.write.partitionBy("k", "name").parquet(self.path("parts"))
        back = self.spark.read.parquet(self.path("parts"))
        equal([field.simpleString() for field in back.schema], ["id:bigint", "k:int", "name:string"])
        equal(back.count(), 1000)
        equal(back.where("k = 1").agg(F.count("*"), F.sum("id")).collect()[0][:], (333, sum(range(1, 1000, 3))))
        equal(back.where("name is null").count(), 500)
        equal(back.where(F.col("name") == "a/b =1").count(), 500)
        assert len(back.where("k = 2").inputFiles()) > 0
        for kind in ("csv", "json"):
            frame.write.partitionBy("k").option("header", "true").format(kind).save(self.path("parts_" + kind))
            reader = self.spark.read.option("header", "true").option("inferSchema", "true").format(kind)
            again = reader.load(self.path("parts_" + kind))
            equal(again.groupBy("k").count().orderBy("k").collect(), [(0, 334), (1, 333), (2, 333)])

    def keeps_save_modes(self):
        frame = self.spark.range(10)
        place = self.path("modes")
        frame.write.parquet(place)
        raises("PATH_ALREADY_EXISTS", lambda: frame.write.parquet(place))
        frame.write.mode("ignore").parquet(place)
        equal(self.spark.read.parquet(place).count(), 10)
        frame.write.mode("append").parquet(place)
        equal(self.spark.read.parquet(place).count(), 20)
        self.spark.range(3).write.mode("overwrite").parquet(place)
        equal(sorted(row.id for row in self.spark.read.parquet(place).collect()), [0, 1, 2])
        self.spark.read.parquet(place).write.mode("overwrite").csv(place)
        equal(self.spark.read.schema("id bigint").csv(place).count(), 3)
        self.spark.range(0).write.mode("overwrite").parquet(place)
        equal(self.spark.read.parquet(place).columns, ["id"])
        raises("PATH_NOT_FOUND", lambda: self.spark.read.parquet(self.path("nowhere")).count())
        equal(self.spark.sql("SELECT count(*) FROM parquet.`%s`" % self.path("read/snappy.parquet")).collect()[0][0], ROWS)
        raises("CODEC_NOT_AVAILABLE.WITH_AVAILABLE_CODECS_SUGGESTION", lambda: frame.write.option("compression", "lzo").parquet(self.path("codec")))

    def merges_schemas(self):
        for name, table in {"one": pa.table({"a": pa.array([1, 2], pa.int32()), "b": ["x", "y"]}), "two": pa.table({"a": pa.array([3], pa.int64()), "c": [1.5]})}.items():
            pq.write_table(table, os.path.join(self.local, name))
            self.upload(os.path.join(self.local, name), "merge/%s.parquet" % name)
        merged = self.spark.read.option("mergeSchema", "true").parquet(self.path("merge"))
        equal(merged.dtypes, [("a", "bigint"), ("b", "string"), ("c", "double")])
        equal(sorted(merged.collect()), [(1, "x", None), (2, "y", None), (3, None, 1.5)])

    def names_damage(self):
        file = os.path.join(self.local, "snappy.parquet")
        whole = open(file, "rb").read()
        at = pq.read_metadata(file).row_group(0).column(7).data_page_offset
        broken = bytearray(whole)
        broken[at + 40:at + 60] = b"\xff" * 20
        with open(os.path.join(self.local, "broken"), "wb") as stream:
            stream.write(broken)
        self.upload(os.path.join(self.local, "broken"), "broken.parquet")
        text = raises("FAILED_READ_FILE.NO_HINT", lambda: self.spark.read.parquet(self.path("broken.parquet")).select("text").collect())
        assert "column text" in text and "page" in text, text
        for size in (3, 8, len(whole) - 5):
            with open(os.path.join(self.local, "short"), "wb") as stream:
                stream.write(whole[:size])
            self.upload(os.path.join(self.local, "short"), "short_%d.parquet" % size)
            raises("FAILED_READ_FILE.NO_HINT", lambda: self.spark.read.parquet(self.path("short_%d.parquet" % size)).collect())

    def writes_texts(self):
        frame = self.spark.createDataFrame(
            [(1, "a,b", 1.5, datetime.date(2024, 1, 2)), (2, 'q"q', None, None), (3, "", 2.0, datetime.date(1999, 12, 31)), (4, None, -1e10, None)],
            "id bigint, text string, number double, day date")
        frame.write.option("header", "true").option("compression", "gzip").csv(self.path("texts/csv"))
        back = self.spark.read.schema(frame.schema).option("header", "true").csv(self.path("texts/csv"))
        expected = [(1, "a,b", 1.5, datetime.date(2024, 1, 2)), (2, 'q"q', None, None), (4, None, -1e10, None)]
        equal(sorted(tuple(row) for row in back.where("id <> 3").collect()), expected)
        frame.write.json(self.path("texts/json"))
        equal(sorted(tuple(row) for row in self.spark.read.schema(frame.schema).json(self.path("texts/json")).where("id <> 3").collect()), expected)
        frame.select("text").where("text is not null").write.text(self.path("texts/text"))
        equal(sorted(row.value for row in self.spark.read.text(self.path("texts/text")).collect()), ["", "a,b", 'q"q'])
        ordered = self.spark.range(50000).orderBy(F.col("id").desc())
        ordered.write.parquet(self.path("texts/ordered"))
        equal([row.id for row in self.spark.read.parquet(self.path("texts/ordered")).limit(3).collect()], [49999, 49998, 49997])

    def run(self, where):
        for step in (self.reads_pyarrow, self.is_read_by_pyarrow, self.finds_partitions, self.keeps_save_modes, self.merges_schemas, self.names_damage, self.writes_texts):
            began = time.monotonic()
            step()
            print("%s: %s (%.1f s)" % (where, step.__name__.replace("_", " "), time.monotonic() - began), flush=True)


def dies_in_a_write(compute, local):
    """A writer that is killed leaves nothing that a reader sees, and an output that it replaces stays as it was."""
    place = os.path.join(local, "killed", "output")
    spark = SparkSession.builder.remote("sc://" + compute.endpoints["connect"]).create()
    spark.range(10).write.parquet(place)
    wide = spark.range(400000000).select("id", (F.col("id") * 3).alias("b"), F.col("id").cast("string").alias("c"))

    def write():
        try:
            wide.write.mode("overwrite").parquet(place)
        except Exception:  # the server dies
            return

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    hidden = os.path.join(local, "killed", ".output-*", "*")
    until = time.monotonic() + 60
    while not glob.glob(hidden):
        assert time.monotonic() < until, "the write did not begin"
        time.sleep(0.02)
    compute.kill()
    compute.start()
    again = SparkSession.builder.remote("sc://" + compute.endpoints["connect"]).create()
    equal(again.read.parquet(place).count(), 10)
    equal([name for name in os.listdir(os.path.dirname(place)) if not name.startswith(".")], ["output"])
    again.stop()
    print("local: a killed writer leaves nothing visible", flush=True)


def main():
    program, directory = sys.argv[1], sys.argv[2]
    local = os.path.join(directory, "local")
    os.makedirs(local)
    dfs = PlatformChild(program, directory + "/files", "dfs", ["dfs.namenode.listen", "dfs.datanode.listen"])
    dfs.start()
    compute = PlatformChild(program, directory + "/none", "compute", ["compute.connect.listen"])
    try:
        compute.start()
        spark = SparkSession.builder.remote("sc://" + compute.endpoints["connect"]).create()
        base = os.path.join(local, "tables")

        def copy(file, name):
            os.makedirs(os.path.dirname(os.path.join(base, name)), exist_ok=True)
            shutil.copy(file, os.path.join(base, name))

        Check(spark, base, local, copy, lambda name: os.path.join(base, name)).run("local")
        web = InsecureClient("http://" + dfs.endpoints["webhdfs"], user="root")

        def fetched(name):
            target = os.path.join(local, "fetched", name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            web.download("/tables/" + name, target, overwrite=True)
            return target

        Check(spark, "hdfs://" + dfs.endpoints["namenode"] + "/tables", local, lambda file, name: web.upload("/tables/" + name, file, overwrite=True), fetched).run("dfs")
        spark.stop()
        dies_in_a_write(compute, local)
    finally:
        compute.kill()
        dfs.kill()
    print("all checks passed", flush=True)


status = 0
try:
    main()
except BaseException:
    traceback.print_exc()
    status = 1
sys.stdout.flush()
sys.stderr.flush()
# Clients of the killed server would try to reach it for minutes at a regular exit.
os._exit(status)
