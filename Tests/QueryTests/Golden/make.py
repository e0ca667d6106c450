"""Makes the Parquet files beside this script with pyarrow, DuckDB and Spark, and what is in them as text. Usage: make.py, with pyarrow 26, duckdb 1.4 or later and pyspark 4.0.1 (Java).

A line of a `.txt` file has a column's name and its values: dates are days, timestamps microseconds, decimals unscaled.
"""
import datetime
import decimal
import glob
import os
import shutil
import tempfile

import pyarrow as pa
import pyarrow.parquet as pq

HERE = os.path.dirname(os.path.abspath(__file__))
ROWS = 60
START = datetime.datetime(2019, 12, 31, 23, 59, 50)


def column(make, kind):
    return pa.array([None if (i * 7) % 11 == 3 else make(i) for i in range(ROWS)], kind)


def sample():
    return pa.table({
        "flag": column(lambda i: i % 3 == 0, pa.bool_()),
        "i8": column(lambda i: i - 50, pa.int8()),
        "i16": column(lambda i: i * 100 - 500, pa.int16()),
        "i32": column(lambda i: i * 7 - 900, pa.int32()),
        "i64": column(lambda i: i * 10 ** 11, pa.int64()),
        "single": column(lambda i: i / 4, pa.float32()),
        "double": column(lambda i: i / 8, pa.float64()),
        "text": column(lambda i: "t%d" % (i % 7), pa.string()),
        "unique": column(lambda i: "unique %d" % i, pa.string()),
        "day": column(lambda i: (START + datetime.timedelta(days=i)).date(), pa.date32()),
        "time": column(lambda i: START + datetime.timedelta(seconds=i, microseconds=i), pa.timestamp("us", tz="UTC")),
        "money": column(lambda i: decimal.Decimal(i) / 100, pa.decimal128(7, 2)),
        "sum": column(lambda i: decimal.Decimal(-i) / 100, pa.decimal128(15, 2)),
        "large": column(lambda i: decimal.Decimal(i * 10 ** 18) / 100, pa.decimal128(38, 4)),
        "list": column(lambda i: [None if j == 2 else j for j in range(i % 5)], pa.list_(pa.int32())),
        "lists": column(lambda i: [None if j == 3 else ["a%d" % k for k in range(j)] for j in range(i % 4)], pa.list_(pa.list_(pa.string()))),
        "map": column(lambda i: [("k%d" % j, j) for j in range(i % 3)], pa.map_(pa.string(), pa.int64())),
        "struct": column(lambda i: {"x": i if i % 2 else None, "y": {"z": "t%d" % i}}, pa.struct([("x", pa.int64()), ("y", pa.struct([("z", pa.string())]))])),
        "structs": column(lambda i: [{"a": j, "b": [j] * j} for j in range(i % 3)], pa.list_(pa.struct([("a", pa.int32()), ("b", pa.list_(pa.int32()))]))),
    })


def text(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        return str((value.replace(tzinfo=None) - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1))
    if isinstance(value, datetime.date):
        return str((value - datetime.date(1970, 1, 1)).days)
    if isinstance(value, decimal.Decimal):
        return str(int(value.scaleb(-value.as_tuple().exponent)))
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        if value and isinstance(value[0], tuple):
            return "{" + ",".join(text(a) + ":" + text(b) for a, b in value) + "}"
        return "[" + ",".join(map(text, value)) + "]"
    if isinstance(value, dict):
        return "(" + ",".join(map(text, value.values())) + ")"
    return str(value)


def expect(name, table):
    with open(os.path.join(HERE, name + ".txt"), "w") as stream:
        for label in table.column_names:
            stream.write(label + "|" + "|".join(text(value) for value in table[label].to_pylist()) + "\n")


def by_pyarrow(table):
    for name, options in {
        "snappy": {}, "gzip": dict(compression="gzip", row_group_size=25), "zstd_v2": dict(compression="zstd", data_page_version="2.0"),
        "lz4": dict(compression="lz4", data_page_size=100), "plain": dict(compression="none", use_dictionary=False, write_page_checksum=True),
        "old": dict(version="1.0", use_compliant_nested_type=False, compression="none"),
    }.items():
        pq.write_table(table, os.path.join(HERE, "all-pyarrow-%s.parquet" % name), **options)
    deltas = table.select(["i32", "i64", "text", "unique", "single", "double", "flag"])
    pq.write_table(deltas, os.path.join(HERE, "all-pyarrow-delta.parquet"), use_dictionary=False, column_encoding={
        "i32": "DELTA_BINARY_PACKED", "i64": "DELTA_BINARY_PACKED", "text": "DELTA_BYTE_ARRAY", "unique": "DELTA_LENGTH_BYTE_ARRAY",
        "single": "BYTE_STREAM_SPLIT", "double": "BYTE_STREAM_SPLIT", "flag": "RLE"})
    other = pa.table({
        "u8": column(lambda i: i, pa.uint8()), "u16": column(lambda i: i * 1000, pa.uint16()), "u32": column(lambda i: i * 70000000, pa.uint32()),
        "u64": column(lambda i: 2 ** 63 + i, pa.uint64()), "half": pa.array([i / 4 for i in range(ROWS)], pa.float16()),
        "ms": column(lambda i: START + datetime.timedelta(milliseconds=i), pa.timestamp("ms")),
        "ns": column(lambda i: START + datetime.timedelta(seconds=i), pa.timestamp("ns")),
        "fixed": column(lambda i: b"%04d" % i, pa.binary(4)), "nothing": pa.nulls(ROWS),
    })
    pq.write_table(other, os.path.join(HERE, "kinds-pyarrow.parquet"), compression="none")
    shown = other.set_column(other.column_names.index("ns"), "ns", other["ns"].cast(pa.timestamp("us")))
    expect("kinds-pyarrow", shown.set_column(other.column_names.index("half"), "half", other["half"].cast(pa.float32())))
    pq.write_table(table.slice(0, 0), os.path.join(HERE, "empty-pyarrow.parquet"))


def odd():
    """A Julian day that no calendar has; nulls of a large fixed length."""
    at = pa.table({"at": pa.array([datetime.datetime(2024, 1, 2, 3, 4, 5)], pa.timestamp("us"))})
    path = os.path.join(HERE, "odd-int96.parquet")
    pq.write_table(at, path, use_deprecated_int96_timestamps=True, use_dictionary=False, compression="NONE", write_statistics=False, store_schema=False)
    with open(path, "r+b") as file:
        data = file.read().replace((2460312).to_bytes(4, "little"), (0x7FFFFFFF).to_bytes(4, "little"))
        file.seek(0)
        file.write(data)
    wide = pa.table({"wide": pa.nulls(3000, pa.binary(1 << 20))})
    pq.write_table(wide, os.path.join(HERE, "odd-wide-nulls.parquet"), use_dictionary=False, compression="NONE", store_schema=False)


def by_duckdb():
    import duckdb

    source = os.path.join(HERE, "all-pyarrow-snappy.parquet")
    for name, options in {"snappy": "", "v2": ", PARQUET_VERSION v2", "zstd": ", COMPRESSION zstd"}.items():
        duckdb.sql("COPY (SELECT * FROM '%s') TO '%s' (FORMAT parquet%s)" % (source, os.path.join(HERE, "all-duckdb-%s.parquet" % name), options))


def by_spark():
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.master("local[1]").config("spark.sql.session.timeZone", "UTC").config("spark.ui.enabled", "false").getOrCreate()
    frame = spark.read.parquet(os.path.join(HERE, "all-pyarrow-snappy.parquet")).coalesce(1)
    settings = {
        "default": {}, "micros": {"spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS"}, "legacy": {"spark.sql.parquet.writeLegacyFormat": "true"},
    }
    for name, values in settings.items():
        for key, value in values.items():
            spark.conf.set(key, value)
        keep(frame.write.option("parquet.writer.version", "v2" if name == "micros" else "v1"), name)
        for key in values:
            spark.conf.unset(key)
    spark.stop()


def keep(writer, name):
    with tempfile.TemporaryDirectory() as folder:
        writer.parquet(folder + "/out")
        shutil.copy(glob.glob(folder + "/out/*.parquet")[0], os.path.join(HERE, "all-spark-%s.parquet" % name))


table = sample()
expect("all", table)
by_pyarrow(table)
odd()
by_duckdb()
by_spark()
