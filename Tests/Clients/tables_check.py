"""Drives databases, tables and views of compute with the unmodified PySpark client. Usage: tables_check.py PROGRAM DATA_DIRECTORY

Definitions, inserts, partitions, views, `spark.catalog`, DataFrame writers and refusals; two sessions that write one table; then kills with
SIGKILL in the middle of writes, after which all that was acknowledged is there and nothing is half there. Prints one line for each check.
"""
import glob
import logging
import os
import shutil
import sys
import threading
import time
import traceback
import warnings

warnings.filterwarnings("ignore")

import pyarrow.parquet as pq  # noqa: E402
from pyspark.errors import PySparkException  # noqa: E402
from pyspark.sql import Row, SparkSession  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402

from platform_child import PlatformChild  # noqa: E402

logging.disable(logging.CRITICAL)
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def equal(found, expected, what=""):
    assert found == expected, "%s found %.600r, expected %.600r" % (what, found, expected)


def raises(condition, body, state=None):
    try:
        body()
    except PySparkException as error:
        equal(error.getCondition(), condition, str(error)[:300])
        if state:
            equal(error.getSqlState(), state)
        return str(error)
    raise AssertionError("nothing was raised, %s was expected" % condition)


def rows(spark, sql):
    return [tuple(row) for row in spark.sql(sql).collect()]


class World:
    def __init__(self, program, directory):
        self.directory = directory
        self.child = PlatformChild(program, directory + "/data", "compute", ["compute.connect.listen"])
        self.child.start()
        self.sessions = []

    def session(self):
        spark = SparkSession.builder.remote("sc://" + self.child.endpoints["connect"]).create()
        self.sessions.append(spark)
        return spark

    def restart(self):
        """As after a crash: SIGKILL, and a start on the same data."""
        self.child.kill()
        self.child.start()
        return self.session()


@check
def databases(world):
    spark = world.session()
    equal(rows(spark, "SHOW DATABASES"), [("default",)])
    spark.sql("CREATE DATABASE shop COMMENT 'of goods' WITH DBPROPERTIES (owner = 'ann', 'tier' = 2)")
    raises("SCHEMA_ALREADY_EXISTS", lambda: spark.sql("CREATE SCHEMA shop"), "42P06")
    spark.sql("CREATE SCHEMA IF NOT EXISTS shop")
    equal(rows(spark, "SHOW DATABASES LIKE 'sh*|nothing'"), [("shop",)])
    described = dict(rows(spark, "DESCRIBE DATABASE EXTENDED shop"))
    equal((described["Namespace Name"], described["Comment"], described["Properties"]), ("shop", "of goods", "((owner,ann), (tier,2))"))
    assert described["Location"].endswith("/warehouse/shop.db"), described
    spark.sql("USE shop")
    equal(spark.catalog.currentDatabase(), "shop")
    equal(rows(spark, "SHOW CURRENT NAMESPACE"), [("spark_catalog", "shop")])
    spark.sql("CREATE TABLE goods (id INT, name STRING)")
    raises("SCHEMA_NOT_EMPTY", lambda: spark.sql("DROP DATABASE shop"), "2BP01")
    raises("SCHEMA_NOT_FOUND", lambda: spark.sql("USE nowhere"), "42704")
    raises("SCHEMA_NOT_FOUND", lambda: spark.sql("DROP DATABASE nowhere"))
    spark.sql("DROP DATABASE IF EXISTS nowhere")
    spark.sql("ALTER DATABASE shop SET DBPROPERTIES (tier = 3)")
    equal(dict(rows(spark, "DESCRIBE DATABASE EXTENDED shop"))["Properties"], "((owner,ann), (tier,3))")
    # Another session has a current database of its own, and sees the same names.
    other = world.session()
    equal((other.catalog.currentDatabase(), rows(other, "SHOW TABLES IN shop")), ("default", [("shop", "goods", False)]))
    spark.sql("DROP DATABASE shop CASCADE")
    equal((rows(other, "SHOW DATABASES"), os.path.exists(world.directory + "/data/compute/warehouse/shop.db")), ([("default",)], False))


@check
def tables_and_inserts(world):
    spark = world.session()
    spark.sql("CREATE TABLE IF NOT EXISTS t (id INT NOT NULL COMMENT 'the key', name STRING, price DECIMAL(8,2), day DATE) COMMENT 'things' TBLPROPERTIES ('a.b' = '1')")
    equal(rows(spark, "SELECT * FROM t"), [])
    spark.sql("INSERT INTO t VALUES (1, 'one', 1.5, DATE'2024-01-01'), (2, NULL, 2, NULL)")
    spark.sql("INSERT INTO t (name, id) VALUES ('three', 3)")
    spark.sql("INSERT INTO TABLE t BY NAME SELECT 4 AS id, 'four' AS name")
    equal(rows(spark, "SELECT id, name, CAST(price AS STRING), CAST(day AS STRING) FROM t ORDER BY id"),
          [(1, "one", "1.50", "2024-01-01"), (2, None, "2.00", None), (3, "three", None, None), (4, "four", None, None)])
    equal(rows(spark, "SELECT t.id, default.t.name, spark_catalog.default.t.id FROM spark_catalog.default.t WHERE default.t.id = 1"), [(1, "one", 1)])
    raises("INSERT_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS", lambda: spark.sql("INSERT INTO t VALUES (1, 'x')"), "21S01")
    raises("INSERT_COLUMN_ARITY_MISMATCH.TOO_MANY_DATA_COLUMNS", lambda: spark.sql("INSERT INTO t VALUES (1, 'x', 1, NULL, 5)"), "21S01")
    raises("INCOMPATIBLE_DATA_FOR_TABLE.CANNOT_SAFELY_CAST", lambda: spark.sql("INSERT INTO t (id) VALUES ('x')"), "KD000")
    raises("INCOMPATIBLE_DATA_FOR_TABLE.EXTRA_COLUMNS", lambda: spark.sql("INSERT INTO t BY NAME SELECT 1 AS id, 2 AS other"))
    raises("TABLE_OR_VIEW_NOT_FOUND", lambda: spark.sql("INSERT INTO nothing VALUES (1)"), "42P01")
    raises("TABLE_OR_VIEW_NOT_FOUND", lambda: spark.sql("SELECT * FROM nowhere.t"))
    raises("TABLE_OR_VIEW_ALREADY_EXISTS", lambda: spark.sql("CREATE TABLE t (x INT)"), "42P07")
    raises("INVALID_SCHEMA_OR_RELATION_NAME", lambda: spark.sql("CREATE TABLE `a/b` (x INT)"), "42602")
    raises("COLUMN_ALREADY_EXISTS", lambda: spark.sql("CREATE TABLE u (x INT, X INT)"))
    equal(rows(spark, "DESCRIBE t")[:2], [("id", "int", "the key"), ("name", "string", None)])
    extended = {name: value for name, value, _ in rows(spark, "DESCRIBE EXTENDED t")}
    equal((extended["Type"], extended["Provider"], extended["Comment"], extended["Table Properties"]), ("MANAGED", "parquet", "things", "[a.b=1]"))
    equal(rows(spark, "DESCRIBE t name"), [("col_name", "name"), ("data_type", "string"), ("comment", "NULL")])
    equal(spark.sql("SHOW CREATE TABLE t").collect()[0][0],
          "CREATE TABLE spark_catalog.default.t (\n  id INT NOT NULL COMMENT 'the key',\n  name STRING,\n  price DECIMAL(8,2),\n  day DATE)\nUSING parquet\n"
          "COMMENT 'things'\nTBLPROPERTIES (\n  'a.b' = '1')\n")
    equal([row[0] for row in spark.sql("SHOW COLUMNS IN t").collect()], ["id", "name", "price", "day"])
    equal(rows(spark, "SHOW TBLPROPERTIES t"), [("a.b", "1")])
    spark.sql("INSERT OVERWRITE t SELECT id, upper(name), price, day FROM t WHERE id < 3")
    equal(rows(spark, "SELECT id, name FROM t ORDER BY id"), [(1, "ONE"), (2, None)])
    spark.sql("ALTER TABLE t ADD COLUMNS (more ARRAY<INT> COMMENT 'later')")
    spark.sql("INSERT INTO t BY NAME SELECT 5 AS id, array(1, 2) AS more")
    equal(rows(spark, "SELECT id, more FROM t ORDER BY id"), [(1, None), (2, None), (5, [1, 2])])
    spark.sql("ALTER TABLE t SET TBLPROPERTIES (b = 'x')")
    spark.sql("ALTER TABLE t UNSET TBLPROPERTIES ('a.b')")
    equal(rows(spark, "SHOW TBLPROPERTIES t"), [("b", "x")])
    spark.sql("ALTER TABLE t RENAME TO renamed")
    raises("TABLE_OR_VIEW_NOT_FOUND", lambda: spark.sql("SELECT * FROM t"))
    spark.sql("CREATE TABLE t AS SELECT 1 AS one")
    equal((spark.table("renamed").count(), spark.table("t").columns), (3, ["one"]))
    spark.sql("TRUNCATE TABLE renamed")
    equal(spark.table("renamed").count(), 0)
    spark.sql("CREATE OR REPLACE TABLE t USING csv OPTIONS (header 'true') AS SELECT 'x,y' AS text, 2 AS two")
    equal(rows(spark, "SELECT * FROM t"), [("x,y", 2)])
    files = glob.glob(spark.sql("DESCRIBE EXTENDED t").where("col_name = 'Location'").collect()[0][1][5:] + "/*.csv")
    equal(open(files[0]).read(), 'text,two\n"x,y",2\n')
    spark.sql("CREATE TABLE j USING json AS SELECT named_struct('a', 1) AS s, 'v' AS v")
    spark.sql("CREATE TABLE like_j LIKE j")
    equal((rows(spark, "SELECT s.a, v FROM j"), spark.table("like_j").schema, rows(spark, "SELECT * FROM like_j")), ([(1, "v")], spark.table("j").schema, []))
    for name in ("t", "renamed", "j", "like_j"):
        spark.sql("DROP TABLE " + name)
    spark.sql("DROP TABLE IF EXISTS t")
    raises("TABLE_OR_VIEW_NOT_FOUND", lambda: spark.sql("DROP TABLE t"))
    equal([name for name in os.listdir(world.directory + "/data/compute/warehouse") if not name.endswith(".db")], [])


@check
def partitions(world):
    spark = world.session()
    spark.sql("CREATE TABLE p (v INT, country STRING, year INT) USING parquet PARTITIONED BY (country, year)")
    spark.sql("INSERT INTO p VALUES (1, 'de', 2023), (2, 'de', 2024), (3, 'fr', 2024), (4, NULL, 2024)")
    spark.sql("INSERT INTO p PARTITION (country = 'it', year) SELECT 5, 2024")
    equal(rows(spark, "SHOW PARTITIONS p"), [("country=__HIVE_DEFAULT_PARTITION__/year=2024",), ("country=de/year=2023",), ("country=de/year=2024",), ("country=fr/year=2024",), ("country=it/year=2024",)])
    equal(rows(spark, "SHOW PARTITIONS p PARTITION (country = 'de')"), [("country=de/year=2023",), ("country=de/year=2024",)])
    spark.sql("INSERT OVERWRITE p PARTITION (country = 'de', year) VALUES (20, 2024)")
    equal(rows(spark, "SELECT v, country, year FROM p ORDER BY v"), [(3, "fr", 2024), (4, None, 2024), (5, "it", 2024), (20, "de", 2024)])
    spark.sql("SET spark.sql.sources.partitionOverwriteMode = dynamic")
    spark.sql("INSERT OVERWRITE p VALUES (30, 'fr', 2024), (31, 'fr', 2025)")
    equal(rows(spark, "SELECT v FROM p ORDER BY v"), [(4,), (5,), (20,), (30,), (31,)])
    spark.sql("RESET spark.sql.sources.partitionOverwriteMode")
    # The same for files without a table.
    place = world.directory + "/dynamic"
    spark.sql("SELECT 1 AS v, 'a' AS k UNION ALL SELECT 2, 'b'").write.partitionBy("k").parquet(place)
    spark.sql("SELECT 3 AS v, 'b' AS k").write.mode("overwrite").option("partitionOverwriteMode", "dynamic").partitionBy("k").parquet(place)
    equal(sorted(map(tuple, spark.read.parquet(place).collect())), [(1, "a"), (3, "b")])
    spark.sql("SELECT 4 AS v, 'b' AS k").write.mode("overwrite").partitionBy("k").parquet(place)
    equal(sorted(map(tuple, spark.read.parquet(place).collect())), [(4, "b")])
    spark.sql("INSERT OVERWRITE p PARTITION (country = 'fr', year = 2024) IF NOT EXISTS VALUES (99)")
    equal(spark.table("p").where("v = 99").count(), 0)
    spark.sql("ALTER TABLE p DROP PARTITION (country = 'fr', year = 2025)")
    raises("PARTITIONS_NOT_FOUND", lambda: spark.sql("ALTER TABLE p DROP PARTITION (country = 'fr', year = 2025)"), "428FT")
    raises("NON_PARTITION_COLUMN", lambda: spark.sql("INSERT INTO p PARTITION (v = 1) VALUES ('x', 1)"), "42000")
    spark.sql("TRUNCATE TABLE p PARTITION (country = 'it', year = 2024)")
    equal(rows(spark, "SELECT v FROM p ORDER BY v"), [(4,), (20,), (30,)])
    described = rows(spark, "DESCRIBE p")
    equal(described[3:], [("# Partition Information", "", ""), ("# col_name", "data_type", "comment"), ("country", "string", None), ("year", "int", None)])
    spark.sql("INSERT OVERWRITE p VALUES (7, 'es', 2020)")
    equal(rows(spark, "SELECT * FROM p"), [(7, "es", 2020)])
    raises("ALL_PARTITION_COLUMNS_NOT_ALLOWED", lambda: spark.sql("CREATE TABLE q (a INT) PARTITIONED BY (a)"))
    raises("INVALID_PARTITION_OPERATION.PARTITION_SCHEMA_IS_EMPTY", lambda: spark.sql("CREATE TABLE plain (a INT)") and spark.sql("SHOW PARTITIONS plain"))
    spark.sql("DROP TABLE p")
    spark.sql("DROP TABLE plain")


@check
def external_tables(world):
    spark = world.session()
    place = world.directory + "/outside"
    spark.range(3).withColumn("k", F.col("id") % 2).write.partitionBy("k").parquet(place)
    spark.sql("CREATE TABLE e USING parquet LOCATION '%s'" % place)
    equal((spark.table("e").columns, spark.catalog.getTable("e").tableType, spark.table("e").count()), (["id", "k"], "EXTERNAL", 3))
    equal([(c.name, c.isPartition) for c in spark.catalog.listColumns("e")], [("id", False), ("k", True)])
    spark.sql("INSERT INTO e VALUES (9, 5)")
    equal(pq.read_table(place).num_rows, 4)
    spark.sql("DROP TABLE e")
    equal(pq.read_table(place).num_rows, 4)
    raises("PATH_ALREADY_EXISTS", lambda: spark.sql("CREATE TABLE e USING parquet LOCATION '%s' AS SELECT 1 AS a" % place))
    shutil.rmtree(place)


@check
def views_that_last(world):
    spark = world.session()
    spark.sql("CREATE TABLE base AS SELECT id, id * 2 AS twice FROM range(5)")
    spark.sql("CREATE VIEW big (k COMMENT 'key', v) COMMENT 'large ones' AS SELECT * FROM base WHERE id > 2")
    spark.sql("CREATE VIEW IF NOT EXISTS big AS SELECT 1")
    spark.sql("CREATE DATABASE IF NOT EXISTS far")
    other = world.session()
    other.sql("USE far")
    equal(rows(other, "SELECT k, v FROM default.big ORDER BY k"), [(3, 6), (4, 8)])
    equal(rows(spark, "SHOW VIEWS"), [("default", "big", False)])
    equal(rows(spark, "DESCRIBE big"), [("k", "bigint", "key"), ("v", "bigint", None)])
    spark.sql("ALTER TABLE base ADD COLUMNS (later STRING)")
    equal(spark.table("big").columns, ["k", "v"])
    raises("TABLE_OR_VIEW_ALREADY_EXISTS", lambda: spark.sql("CREATE VIEW base AS SELECT 1"))
    raises("WRONG_COMMAND_FOR_OBJECT_TYPE", lambda: spark.sql("DROP VIEW base"), "42809")
    raises("WRONG_COMMAND_FOR_OBJECT_TYPE", lambda: spark.sql("DROP TABLE big"))
    raises("EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE", lambda: spark.sql("INSERT INTO big VALUES (1, 2)"))
    raises("RECURSIVE_VIEW", lambda: spark.sql("CREATE OR REPLACE VIEW big AS SELECT * FROM big"), "42K0H")
    spark.range(1).createOrReplaceTempView("passing")
    raises("INVALID_TEMP_OBJ_REFERENCE", lambda: spark.sql("CREATE VIEW w AS SELECT * FROM passing"), "42K0F")
    # A temporary view hides a table of the same name until it goes.
    spark.sql("CREATE TEMP VIEW base AS SELECT 'temporary' AS kind")
    equal((spark.table("base").columns, spark.table("default.base").columns), (["kind"], ["id", "twice", "later"]))
    equal(spark.table("big").columns, ["k", "v"])
    equal((spark.catalog.dropTempView("base"), spark.catalog.dropTempView("base"), spark.table("base").columns), (True, False, ["id", "twice", "later"]))
    spark.sql("ALTER VIEW big AS SELECT id FROM base")
    equal(spark.table("big").columns, ["id"])
    spark.sql("DROP VIEW big")
    spark.sql("DROP TABLE base")
    spark.sql("DROP DATABASE far")


@check
def writers_of_dataframes(world):
    spark = world.session()
    frame = spark.createDataFrame([(1, "a"), (2, "b")], "n INT, c STRING")
    frame.write.saveAsTable("saved")
    raises("TABLE_OR_VIEW_ALREADY_EXISTS", lambda: frame.write.saveAsTable("saved"))
    frame.write.mode("ignore").saveAsTable("saved")
    frame.select("c", "n").write.mode("append").saveAsTable("saved")
    equal(sorted(map(tuple, spark.table("saved").collect())), [(1, "a"), (1, "a"), (2, "b"), (2, "b")])
    frame.write.insertInto("saved")
    frame.limit(1).write.mode("overwrite").insertInto("saved")
    equal(spark.read.table("saved").collect(), [Row(n=1, c="a")])
    frame.write.mode("overwrite").format("json").partitionBy("c").saveAsTable("saved")
    equal((rows(spark, "SHOW PARTITIONS saved"), [f.name for f in spark.table("saved").schema]), ([("c=a",), ("c=b",)], ["n", "c"]))
    frame.writeTo("v2").using("parquet").tableProperty("p", "1").partitionedBy("c").create()
    frame.writeTo("v2").append()
    frame.where("n = 1").writeTo("v2").overwritePartitions()
    equal(sorted(map(tuple, spark.table("v2").collect())), [(1, "a"), (2, "b"), (2, "b")])
    frame.writeTo("v2").overwrite(F.lit(True))
    equal(spark.table("v2").count(), 2)
    frame.select("n").writeTo("v2").createOrReplace()
    equal(spark.table("v2").columns, ["n"])
    raises("TABLE_OR_VIEW_NOT_FOUND", lambda: frame.writeTo("nothing").append())
    raises("TABLE_OR_VIEW_NOT_FOUND", lambda: frame.write.insertInto("nothing"))
    spark.sql("DROP TABLE saved")
    spark.sql("DROP TABLE v2")


@check
def the_catalog_of_python(world):
    spark = world.session()
    catalog = spark.catalog
    equal(([c.name for c in catalog.listCatalogs()], catalog.currentCatalog()), (["spark_catalog"], "spark_catalog"))
    equal([(d.name, d.catalog, d.description) for d in catalog.listDatabases()], [("default", "spark_catalog", "default database")])
    equal((catalog.databaseExists("default"), catalog.databaseExists("spark_catalog.default"), catalog.databaseExists("nothing")), (True, True, False))
    spark.sql("CREATE DATABASE d")
    catalog.setCurrentDatabase("d")
    catalog.createTable("c", schema=spark.range(1).schema, source="parquet", description="made by hand")
    table = catalog.getTable("c")
    equal((table.name, table.catalog, table.namespace, table.description, table.tableType, table.isTemporary),
          ("c", "spark_catalog", ["d"], "made by hand", "MANAGED", False))
    spark.range(2).createOrReplaceTempView("passing")
    equal([(t.name, t.isTemporary) for t in catalog.listTables()], [("c", False), ("passing", True)])
    equal([t.name for t in catalog.listTables(pattern="p*")], ["passing"])
    equal((catalog.tableExists("c"), catalog.tableExists("d.c"), catalog.tableExists("c", "default"), catalog.tableExists("passing")), (True, True, False, True))
    column = catalog.listColumns("c")[0]
    equal((column.name, column.dataType, column.nullable, column.isPartition), ("id", "bigint", False, False))
    equal((catalog.isCached("c"), catalog.refreshTable("c"), catalog.clearCache()), (False, None, None))
    raises("TABLE_OR_VIEW_NOT_FOUND", lambda: catalog.getTable("nothing"))
    raises("SCHEMA_NOT_FOUND", lambda: catalog.setCurrentDatabase("nothing"))
    catalog.setCurrentDatabase("default")
    spark.sql("DROP DATABASE d CASCADE")


@check
def settings(world):
    spark = world.session()
    equal(rows(spark, "SET spark.sql.shuffle.partitions=7"), [("spark.sql.shuffle.partitions", "7")])
    equal((spark.conf.get("spark.sql.shuffle.partitions"), rows(spark, "SET spark.sql.shuffle.partitions")), ("7", [("spark.sql.shuffle.partitions", "7")]))
    spark.sql("RESET")
    equal((spark.conf.get("spark.sql.shuffle.partitions"), rows(spark, "SET no.such.key")), ("200", [("no.such.key", "<undefined>")]))


@check
def two_writers_lose_nothing(world):
    spark = world.session()
    spark.sql("CREATE TABLE shared (writer INT, n INT) PARTITIONED BY (writer)")
    spark.sql("CREATE TABLE counted (writer INT, n INT)")
    failures = []

    def write(writer):
        try:
            own = world.session()
            for n in range(6):
                own.sql("INSERT INTO counted VALUES (%d, %d)" % (writer, n))
                # Each replaces its own partition while the other appends to its own.
                own.sql("INSERT %s shared PARTITION (writer = %d) VALUES (%d)" % ("OVERWRITE" if writer == 0 else "INTO", writer, n))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(failures, [])
    equal(rows(spark, "SELECT writer, count(*), count(DISTINCT n) FROM counted GROUP BY writer ORDER BY writer"), [(0, 6, 6), (1, 6, 6), (2, 6, 6)])
    equal(rows(spark, "SELECT writer, count(*) FROM shared GROUP BY writer ORDER BY writer"), [(0, 1), (1, 6), (2, 6)])
    spark.sql("DROP TABLE shared")
    spark.sql("DROP TABLE counted")


@check
def kills_keep_what_was_acknowledged(world):
    spark = world.session()
    spark.sql("CREATE TABLE ledger (n INT)")
    spark.sql("CREATE VIEW total AS SELECT count(*) AS c FROM ledger")
    spark.sql("CREATE TABLE whole AS SELECT 0 AS generation, id FROM range(1000)")
    done, generation = set(), 0
    for turn in range(4):
        state = {"made": [], "generation": generation, "next": None}

        def work(own):
            number = turn * 100000
            try:
                while True:
                    number += 1
                    own.sql("INSERT INTO ledger VALUES (%d)" % number)
                    done.add(number)
                    own.sql("CREATE TABLE made_%d AS SELECT %d AS n" % (number, number))
                    state["made"].append(number)
                    state["next"] = state["generation"] + 1
                    own.sql("INSERT OVERWRITE whole SELECT %d, id FROM range(1000)" % state["next"])
                    state["generation"] = state["next"]
            except Exception:
                return

        own = world.session()
        thread = threading.Thread(target=work, args=(own,))
        thread.start()
        deadline = time.monotonic() + 60
        while len(state["made"]) < 2 + turn and time.monotonic() < deadline:
            time.sleep(0.01)
        spark = world.restart()
        thread.join(60)
        found = {row[0] for row in spark.table("ledger").collect()}
        assert done <= found and len(found - done) <= turn + 1, (sorted(done - found), sorted(found - done))
        equal((spark.table("ledger").count(), rows(spark, "SELECT c FROM total")), (len(found), [(len(found),)]))
        for number in state["made"]:
            equal(rows(spark, "SELECT n FROM made_%d" % number), [(number,)])
        (generation, count), = rows(spark, "SELECT generation, count(*) FROM whole GROUP BY generation")
        assert count == 1000 and generation in (state["generation"], state["next"]), (generation, count, state)
    names = [row.tableName for row in spark.sql("SHOW TABLES").collect()]
    for name in names:
        spark.sql("DROP VIEW total" if name == "total" else "DROP TABLE " + name)
    equal(rows(spark, "SHOW TABLES"), [])


def main():
    program, directory = sys.argv[1], sys.argv[2]
    wanted = sys.argv[3:]
    world = World(program, directory)
    failed = 0
    try:
        for function in CHECKS:
            if wanted and function.__name__ not in wanted:
                continue
            began = time.monotonic()
            try:
                function(world)
                print("ok   %-36s %.1f s" % (function.__name__, time.monotonic() - began), flush=True)
            except Exception as error:
                failed += 1
                lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == __file__]
                print("FAIL %s, lines %s: %s: %.1500s" % (function.__name__, lines, type(error).__name__, error), flush=True)
    finally:
        status = world.child.stop()
    if status != 0:
        print("compute ended with %s\n%s" % (status, world.child.tail()))
        failed += 1
    print("all checks passed" if failed == 0 else "%d failed" % failed)
    # Sessions of a killed server would try for minutes to release it.
    sys.stdout.flush()
    os._exit(1 if failed else 0)


if __name__ == "__main__":
    main()
