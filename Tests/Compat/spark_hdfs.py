"""A real Spark, `local[2]` with its own JVM, on hdfs:// of ours: files of every format, overwritten partitions, commits by _SUCCESS, a streaming query
with its checkpoint, and the server killed and started again between its batches. Usage: spark_hdfs.py PROGRAM

Run by the Python of an environment that has pyspark 4 (`make compat-spark` makes one). Ends with 77, for "skipped", without Java or pyspark."""
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../Clients")

from checks import Checks
from platform_child import PlatformChild

try:
    from pyspark.sql import SparkSession, functions
except ImportError:
    SparkSession = None

ROWS = 20_000


def session(root, directory):
    """Spark with everything of its own below `directory`, and with our file system as its default."""
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": directory,
        "spark.sql.shuffle.partitions": "3",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.warehouse.dir": root + "/warehouse",
        "spark.hadoop.fs.defaultFS": root,
        "spark.hadoop.dfs.replication": "1",
        "spark.hadoop.dfs.blocksize": "1048576",
        # A server that was started again is tried again.
        "spark.hadoop.dfs.client.retry.policy.enabled": "true",
        "spark.driver.extraJavaOptions": "-Dderby.system.home=" + directory,
    }
    builder = SparkSession.builder.master("local[2]").appName("hdfs")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


class Folder:
    """Paths of our file system, by Hadoop's own FileSystem."""

    def __init__(self, spark, root):
        self.jvm, self.root = spark._jvm, root
        self.files = self.jvm.org.apache.hadoop.fs.FileSystem.get(spark._jsc.hadoopConfiguration())

    def path(self, name):
        return self.jvm.org.apache.hadoop.fs.Path(self.root + name)

    def names(self, name):
        return sorted(status.getPath().getName() for status in self.files.listStatus(self.path(name)))

    def exists(self, name):
        return self.files.exists(self.path(name))

    def committed(self, name):
        """The names of a job's output, which must be whole: _SUCCESS is there, and nothing temporary."""
        names = self.names(name)
        assert "_SUCCESS" in names and "_temporary" not in names, names
        return [part for part in names if part != "_SUCCESS"]


def run(spark, root, server, checks):
    folder = Folder(spark, root)
    numbers = spark.range(ROWS).withColumn("key", functions.col("id") % 7).withColumn("text", functions.concat(functions.lit("row "), "id"))
    total = ROWS * (ROWS - 1) // 2

    def total_of(frame):
        return frame.agg(functions.sum(functions.col("id").cast("long"))).first()[0]

    @checks.check("an RDD's text files, plain and compressed")
    def _():
        lines = spark.sparkContext.parallelize(["line %d" % number for number in range(1000)], 3)
        lines.saveAsTextFile(root + "/rdd")
        assert len(folder.committed("/rdd")) == 3
        assert sorted(spark.sparkContext.textFile(root + "/rdd").collect()) == sorted(lines.collect())
        lines.saveAsTextFile(root + "/rdd.gz", "org.apache.hadoop.io.compress.GzipCodec")
        assert spark.sparkContext.textFile(root + "/rdd.gz").count() == 1000
        assert spark.sparkContext.wholeTextFiles(root + "/rdd").count() == 3

    @checks.check("an output that is there is refused")
    def _():
        try:
            spark.sparkContext.parallelize([1]).saveAsTextFile(root + "/rdd")
        except Exception as error:
            assert "FileAlreadyExistsException" in str(error), error
        else:
            raise AssertionError("it was overwritten")

    for form in ("parquet", "csv", "json", "orc", "text"):

        @checks.check("%s is written and read" % form)
        def _():
            frame = numbers.select("text") if form == "text" else numbers
            frame.repartition(3).write.format(form).options(header="true").save(root + "/" + form)
            assert len(folder.committed("/" + form)) == 3
            back = spark.read.format(form).options(header="true").load(root + "/" + form)
            assert back.count() == ROWS
            if form == "text":
                assert back.distinct().count() == ROWS
            else:
                assert total_of(back) == total

    @checks.check("a file of several blocks is split")
    def _():
        numbers.select(functions.repeat("text", 40).alias("value")).repartition(1).write.text(root + "/large")
        name = folder.committed("/large")[0]
        assert folder.files.getFileStatus(folder.path("/large/" + name)).getLen() > 4 << 20
        lines = spark.sparkContext.textFile(root + "/large", 8)
        assert lines.getNumPartitions() >= 8 and lines.count() == ROWS

    @checks.check("append, overwrite, and the modes that refuse and ignore")
    def _():
        numbers.write.mode("append").parquet(root + "/parquet")
        assert spark.read.parquet(root + "/parquet").count() == 2 * ROWS
        numbers.write.mode("ignore").parquet(root + "/parquet")
        assert spark.read.parquet(root + "/parquet").count() == 2 * ROWS
        numbers.write.mode("overwrite").parquet(root + "/parquet")
        assert total_of(spark.read.parquet(root + "/parquet")) == total
        try:
            numbers.write.parquet(root + "/parquet")
        except Exception as error:
            assert "PATH_ALREADY_EXISTS" in str(error), error
        else:
            raise AssertionError("it was overwritten")

    @checks.check("partitions, one of them overwritten alone (dynamic mode)")
    def _():
        numbers.write.partitionBy("key").parquet(root + "/parts")
        assert folder.committed("/parts") == ["key=%d" % key for key in range(7)]
        spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
        try:
            spark.createDataFrame([(1, 3, "alone")], "id long, key long, text string").write.mode("overwrite").partitionBy("key").parquet(root + "/parts")
        finally:
            spark.conf.unset("spark.sql.sources.partitionOverwriteMode")
        back = spark.read.parquet(root + "/parts")
        assert back.where("key = 3").count() == 1, back.where("key = 3").count()
        assert back.count() == ROWS - numbers.where("key = 3").count() + 1
        assert not [name for name in folder.names("/parts") if name.startswith(".spark-staging")], folder.names("/parts")

    @checks.check("partitions overwritten all (static mode)")
    def _():
        numbers.where("key < 2").write.mode("overwrite").partitionBy("key").parquet(root + "/parts")
        assert folder.committed("/parts") == ["key=0", "key=1"]

    @checks.check("the committer's second algorithm")
    def _():
        numbers.write.option("mapreduce.fileoutputcommitter.algorithm.version", "2").parquet(root + "/second")
        folder.committed("/second")
        assert total_of(spark.read.parquet(root + "/second")) == total

    @checks.check("a job that fails leaves no committed output")
    def _():
        failing = numbers.withColumn("bad", functions.when(functions.col("id") == ROWS - 1, functions.raise_error(functions.lit("as wanted"))))
        try:
            failing.write.parquet(root + "/failed")
        except Exception as error:
            assert "as wanted" in str(error), error
        assert not folder.exists("/failed/_SUCCESS") and not folder.exists("/failed/_temporary")

    @checks.check("tables: created, inserted into, joined, dropped with their files")
    def _():
        numbers.write.saveAsTable("numbers")
        spark.sql("INSERT INTO numbers VALUES (-1, 0, 'more')")
        assert spark.sql("SELECT count(*) FROM numbers").first()[0] == ROWS + 1
        assert spark.sql("SELECT count(*) FROM numbers a JOIN numbers b ON a.id = b.id").first()[0] == ROWS + 1
        assert folder.exists("/warehouse/numbers")
        spark.sql("DROP TABLE numbers")
        assert not folder.exists("/warehouse/numbers")

    @checks.check("a checkpoint of an RDD and of a frame")
    def _():
        spark.sparkContext.setCheckpointDir(root + "/checkpoints")
        doubled = spark.sparkContext.parallelize(range(100), 2).map(lambda number: number * 2)
        doubled.checkpoint()
        assert doubled.sum() == 9900 and doubled.isCheckpointed()
        assert numbers.checkpoint().count() == ROWS

    def stream(expected):
        """Runs the query over what is new, and returns the sum of all that it ever wrote."""
        query = (
            spark.readStream.schema("id long, key long, text string").parquet(root + "/incoming").groupBy("key").agg(functions.sum("id").alias("sum"))
            .writeStream.outputMode("complete").foreachBatch(lambda frame, _: frame.write.mode("overwrite").parquet(root + "/sums"))
            .option("checkpointLocation", root + "/stream-state").trigger(availableNow=True).start()
        )
        assert query.awaitTermination(120), "the query did not end"
        found = spark.read.parquet(root + "/sums").agg(functions.sum("sum")).first()[0]
        assert found == expected, (found, expected)

    @checks.check("a streaming query with state goes on from its checkpoint")
    def _():
        numbers.write.parquet(root + "/incoming")
        stream(total)
        numbers.write.mode("append").parquet(root + "/incoming")
        stream(2 * total)

    @checks.check("and after the server was killed and started again")
    def _():
        server.kill()
        server.start()
        numbers.write.mode("append").parquet(root + "/incoming")
        stream(3 * total)

    @checks.check("a streaming query with files as its sink writes each row once")
    def _():
        for _ in range(2):
            query = (
                spark.readStream.schema("id long, key long, text string").parquet(root + "/incoming").writeStream.format("parquet")
                .option("path", root + "/sink").option("checkpointLocation", root + "/sink-state").trigger(availableNow=True).start()
            )
            assert query.awaitTermination(120), "the query did not end"
        assert spark.read.parquet(root + "/sink").count() == 3 * ROWS


def main(program):
    if SparkSession is None or shutil.which("java") is None:
        print("skipped: no java, or no pyspark in this Python")
        return 77
    checks = Checks()
    with tempfile.TemporaryDirectory() as directory:
        listeners = ("dfs.namenode.rpc.listen", "dfs.namenode.listen", "dfs.datanode.listen", "dfs.datanode.transfer.listen")
        server = PlatformChild(program, directory + "/data", "dfs", listeners)
        os.makedirs(directory + "/spark")
        os.chdir(directory)
        server.start()
        try:
            root = "hdfs://" + server.endpoints["namenode"]
            spark = session(root, directory + "/spark")
            try:
                run(spark, root, server, checks)
            finally:
                spark.stop()
        finally:
            print("the server's end: %s" % server.stop())
            if checks.failed:
                print(server.tail())
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main(os.path.abspath(sys.argv[1])))
