// Statements from their text to the files on disk, on a catalog in memory: what they change, what they answer, what they refuse. The same
// through PySpark, with kills, is in Tests/Clients/tables_check.py.
import ComputeCore
import ComputeRuntime
import Foundation
import QueryCore
import Testing

@testable import ComputeService

@Suite struct StatementTests {
    /// A mark behind a slash makes one character with it, of the bytes of two.
    @Test(arguments: [
        ("/\u{301}x", "/\u{301}x"), ("file:///\u{301}x/", "/\u{301}x"), ("file:/\u{301}x", "/\u{301}x"), ("x\u{600}/", "/w/x\u{600}"),
        ("hdfs://\u{301}h/a//", "hdfs://\u{301}h/a"), ("a/b", "/w/a/b"), ("/", "/"),
    ])
    func aLocationGoesByItsBytes(_ given: String, _ kept: String) throws {
        #expect(Array(try StatementRunner.absolute(given, in: "/w").utf8) == Array(kept.utf8))
    }

    /// A session on a warehouse of its own.
    final class World {
        let directory: String
        let catalog: MemoryCatalog
        let storage: TableStorage
        let session: SparkSession
        let operation: PlanOperation

        init() throws {
            directory = NSTemporaryDirectory() + "/statements-" + UUID().uuidString
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            catalog = MemoryCatalog(warehouse: directory)
            storage = TableStorage(files: FileSchemes())
            let memory = ComputeMemory(bytesMax: 1 << 40)
            let engine = QueryEngine(
                files: FileSchemes(), tables: CatalogLookup(catalog: catalog, storage: storage), limits: QuerySettings(),
                threads: QueryThreads(threads: 2))
            session = SparkSession(key: .init(user: "u", session: "s"), engine: engine, memory: memory)
            operation = PlanOperation(id: "op", tags: [], isReattachable: false, memory: OperationMemory(memory))
        }

        deinit { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay

        /// The rows of the last statement, their cells as texts, `|` between them.
        @discardableResult func run(_ statements: String...) throws -> [String] {
            var rows: [[Value]] = []
            for statement in statements {
                let plan = try Parser.parse(statement)
                let runner = StatementRunner(session: session, catalog: catalog, storage: storage, operation: operation)
                if let statement = QuerySession.statement(plan) {
                    rows = try runner.run(statement).rows()
                } else if QuerySession.isCommand(plan) {
                    rows = try session.engine.execute(plan).rows()
                } else {
                    rows = try session.engine.run(plan, operation).rows()
                }
            }
            return rows.map { $0.map(Self.text).joined(separator: "|") }
        }

        private static func text(_ value: Value) -> String {
            switch value {
            case .null: "NULL"
            case .string(let text): text
            case .integer(let number): "\(number)"
            case .boolean(let flag): "\(flag)"
            default: "\(value)"
            }
        }

        /// The refusal of a statement, by its class.
        func refusal(_ statement: String) -> ErrorClass? {
            do {
                try run(statement)
                return nil
            } catch let error as QueryError { return error.errorClass } catch { return nil }
        }
    }

    @Test func rowsGoIntoTheColumnsThatTheStatementNames() throws {
        let world = try World()
        try world.run(
            "CREATE TABLE t (a INT, b STRING, c BIGINT)", "INSERT INTO t VALUES (1, 'x', 2)", "INSERT INTO t (c, a) VALUES (3, 4)")
        try world.run("INSERT INTO t BY NAME SELECT 'y' AS b, 5 AS a")
        #expect(try world.run("SELECT * FROM t ORDER BY a") == ["1|x|2", "4|NULL|3", "5|y|NULL"])
        #expect(world.refusal("INSERT INTO t VALUES (1, 2)") == .insertNotEnoughColumns)
        #expect(world.refusal("INSERT INTO t (a, b) VALUES (1, '2', 3)") == .insertTooManyColumns)
        #expect(world.refusal("INSERT INTO t (a, A) VALUES (1, 2)") == .columnAlreadyExists)
        #expect(world.refusal("INSERT INTO t (d) VALUES (1)") == .unresolvedColumn)
        #expect(world.refusal("INSERT INTO t (a) VALUES (true)") == .incompatibleDataCast)
        #expect(world.refusal("INSERT INTO t (a) VALUES (5000000000)") == .castOverflow)
        #expect(world.refusal("INSERT INTO t BY NAME SELECT 1 AS z") == .incompatibleDataExtraColumns)
        #expect(try world.run("SELECT count(*) FROM t") == ["3"])
        try world.run("INSERT OVERWRITE t SELECT a + 1, b, c FROM t WHERE a = 1")
        #expect(try world.run("SELECT * FROM t") == ["2|x|2"])
    }

    @Test func partitionsAreReplacedByTheirFixedValues() throws {
        let world = try World()
        try world.run("CREATE TABLE t (v INT) PARTITIONED BY (p STRING, q INT)")
        try world.run("INSERT INTO t VALUES (1, 'a', 1), (2, 'a', 2), (3, 'b', 1)")
        try world.run("INSERT OVERWRITE t PARTITION (p = 'a', q) VALUES (10, 3)")
        #expect(try world.run("SELECT * FROM t ORDER BY v") == ["3|b|1", "10|a|3"])
        try world.run("INSERT OVERWRITE t PARTITION (p = 'a/b c', q = 7) SELECT 11")
        #expect(try world.run("SHOW PARTITIONS t") == ["p=a/q=3", "p=a%2Fb c/q=7", "p=b/q=1"])
        try world.run("INSERT OVERWRITE t PARTITION (p = 'b', q = 1) IF NOT EXISTS VALUES (12)")
        #expect(try world.run("SELECT v FROM t WHERE p = 'b'") == ["3"])
        try world.run("SET spark.sql.sources.partitionOverwriteMode=dynamic", "INSERT OVERWRITE t VALUES (4, 'b', 1)")
        #expect(try world.run("SELECT v FROM t ORDER BY v") == ["4", "10", "11"])
        try world.run("ALTER TABLE t DROP PARTITION (p = 'a')", "ALTER TABLE t ADD PARTITION (p = 'n', q = 1)")
        #expect(try world.run("SHOW PARTITIONS t") == ["p=a%2Fb c/q=7", "p=b/q=1", "p=n/q=1"])
        #expect(world.refusal("ALTER TABLE t ADD PARTITION (p = 'n', q = 1)") == .partitionsAlreadyExist)
        #expect(world.refusal("INSERT INTO t PARTITION (v = 1) VALUES ('x', 1)") == .nonPartitionColumn)
        #expect(world.refusal("INSERT INTO t PARTITION (p = 'x', P = 'y') VALUES (1)") == .duplicateKey)
        #expect(world.refusal("CREATE TABLE u (a INT) PARTITIONED BY (b)") == .columnNotDefinedInTable)
        #expect(world.refusal("CREATE TABLE u (a INT, b ARRAY<INT>) PARTITIONED BY (b)") == .unsupportedFeature)
    }

    @Test func aRenamedTableKeepsItsFilesAndFreesItsName() throws {
        let world = try World()
        try world.run("CREATE TABLE t AS SELECT 1 AS a", "ALTER TABLE t RENAME TO u", "CREATE TABLE t AS SELECT 2 AS a")
        #expect(try world.run("SELECT t.a, u.a FROM t CROSS JOIN u") == ["2|1"])
        try world.run("CREATE OR REPLACE TABLE t AS SELECT t.a + u.a AS b FROM t CROSS JOIN u", "DROP TABLE u")
        #expect(try world.run("SELECT * FROM t") == ["3"])
        try world.run("DROP TABLE t")
        #expect(try FileManager.default.contentsOfDirectory(atPath: world.directory) == [])
        try FileManager.default.createDirectory(atPath: world.directory + "/w/kept", withIntermediateDirectories: true)
        #expect(world.refusal("CREATE TABLE w (a INT)") == .locationAlreadyExists)
    }

    @Test func aReplacementThatDiedBetweenItsRenamesIsUndone() throws {
        let world = try World()
        try world.run("CREATE TABLE t AS SELECT 1 AS a")
        let former = world.directory + "/.t-" + UUID().uuidString.lowercased() + ".replaced"
        try FileManager.default.moveItem(atPath: world.directory + "/t", toPath: former)
        #expect(try world.run("SELECT * FROM t") == ["1"])
        // One that died after them left a former folder that is of no use.
        try FileManager.default.copyItem(atPath: world.directory + "/t", toPath: former)
        try world.run("INSERT OVERWRITE t VALUES (2)")
        #expect(!FileManager.default.fileExists(atPath: former))
        #expect(try world.run("SELECT * FROM t") == ["2"])
        try FileManager.default.removeItem(atPath: world.directory + "/t")
        #expect(try world.run("SELECT t.a FROM default.t") == [])
        // The statement itself keeps the folder while it reads.
        try world.run("INSERT INTO t SELECT a FROM t", "INSERT INTO t VALUES (3)")
        #expect(try world.run("SELECT a FROM t") == ["3"])
    }

    @Test func viewsAreReadInTheDatabaseOfTheirCreation() throws {
        let world = try World()
        try world.run("CREATE TABLE t AS SELECT 1 AS a, 2 AS b", "CREATE VIEW v (x COMMENT 'first', y) AS SELECT * FROM t")
        try world.run("CREATE DATABASE d", "USE d", "CREATE TABLE t AS SELECT 'other' AS a, 0 AS b")
        #expect(try world.run("SELECT x, default.v.y FROM default.v") == ["1|2"])
        #expect(try world.run("SHOW TABLES") == ["d|t|false"])
        #expect(try world.run("SHOW VIEWS IN default") == ["default|v|false"])
        #expect(try world.run("DESCRIBE default.v") == ["x|int|first", "y|int|NULL"])
        #expect(world.refusal("CREATE OR REPLACE VIEW default.v AS SELECT * FROM default.v") == .recursiveView)
        try world.run("CREATE VIEW w AS SELECT * FROM default.v")
        #expect(world.refusal("ALTER VIEW default.v AS SELECT x FROM w") == .recursiveView)
        try world.run("CREATE TEMP VIEW passing AS SELECT 1 AS one")
        #expect(world.refusal("CREATE VIEW z AS SELECT * FROM passing") == .invalidTemporaryReference)
        #expect(world.refusal("DROP TABLE w") == .wrongCommandForObject)
        #expect(world.refusal("INSERT INTO w VALUES (1)") == .expectTableNotView)
        #expect(world.refusal("DROP DATABASE d") == .schemaNotEmpty)
        try world.run("DROP DATABASE d CASCADE", "USE default", "DROP VIEW IF EXISTS passing")
        #expect(world.refusal("DROP VIEW passing") == .tableOrViewNotFound)
        #expect(world.refusal("SELECT * FROM passing") == .tableOrViewNotFound)
        try world.run("CREATE TEMP VIEW again AS SELECT 1 AS one, 'x' AS text")
        #expect(try world.run("DESCRIBE again") == ["one|int|NULL", "text|string|NULL"])
        #expect(try world.run("SHOW TABLES LIKE 'ag*'") == ["|again|true"])
        #expect(world.refusal("DROP DATABASE default") == .dropDefaultDatabase)
    }

    @Test func definitionsAreShownAsTheyWouldBeWritten() throws {
        let world = try World()
        let text =
            "CREATE TABLE spark_catalog.default.t (\n  a INT NOT NULL COMMENT 'it\\'s',\n  `b c` STRUCT<x: ARRAY<STRING>>,\n  p DATE)\n"
            + "USING json\nOPTIONS (\n  'ignoreNullFields' = 'false')\nPARTITIONED BY (p)\nCOMMENT 'c'\nTBLPROPERTIES (\n  'k' = 'v')\n"
        try world.run(text)
        #expect(try world.run("SHOW CREATE TABLE t") == [text])
        try world.run("CREATE TABLE u LIKE t")
        #expect(try world.run("DESCRIBE u") == (try world.run("DESCRIBE t")))
        #expect(try world.run("SHOW TBLPROPERTIES t ('none')") == ["none|Table spark_catalog.default.t does not have property: none"])
    }

    @Test(arguments: [
        ("CREATE TABLE t (a INT DEFAULT 1)", ErrorClass.unsupportedFeature),
        ("CREATE TABLE t (a INT) CLUSTERED BY (a) INTO 4 BUCKETS", .unsupportedFeature),
        ("CREATE TABLE t (a INT) PARTITIONED BY (years(a))", .unsupportedFeature),
        ("CREATE TABLE t (a INT) USING orc", .unsupportedFeature),
        ("CREATE TABLE t (a INT) USING nothing", .dataSourceNotFound), ("CREATE TABLE t", .unableToInferSchema),
        ("CREATE TABLE t (a INT) AS SELECT 1", .parseSyntaxError), ("INSERT t VALUES (1)", .parseSyntaxError),
        ("CREATE TABLE a.b.c (x INT)", .catalogNotFound), ("CREATE TABLE nowhere.c (x INT)", .schemaNotFound),
        ("MERGE INTO t USING s ON true", .unsupportedFeature), ("CREATE DATABASE a.b.c", .requiresSinglePartNamespace),
        ("ALTER TABLE nothing SET TBLPROPERTIES ('a' = 'b')", .tableOrViewNotFound), ("USE nowhere", .schemaNotFound),
    ])
    func isRefusedByName(statement: String, error: ErrorClass) throws {
        let world = try World()
        #expect(world.refusal(statement) == error)
    }
}

@Suite struct FolderLockTests {
    @Test func aReplacementWaitsForAppendsAndKeepsNewOnesOut() throws {
        let locks = FolderLocks()
        let order = OrderedNotes()
        let inside = DispatchSemaphore(value: 0)
        let leave = DispatchSemaphore(value: 0)
        let ended = DispatchGroup()
        func thread(_ body: @escaping @Sendable () throws -> Void) {
            ended.enter()
            Thread.detachNewThread {
                do { try body() } catch { order.add("failed: \(error)") }
                ended.leave()
            }
        }
        thread {
            try locks.shared("t", isCancelled: { false }) {
                inside.signal()
                leave.wait()
                order.add("append")
            }
        }
        inside.wait()
        thread { try locks.exclusive("t", isCancelled: { false }) { order.add("replace") } }
        // The second append may come before the replacement has asked, and then goes first; it never goes in the middle.
        try locks.exclusive("other", isCancelled: { false }) {}
        #expect(throws: QueryError.self) { try locks.exclusive("t", isCancelled: { true }) {} }
        leave.signal()
        ended.wait()
        #expect(order.all == ["append", "replace"])
    }

    final class OrderedNotes: @unchecked Sendable {  // guarded by its lock
        private let lock = NSLock()
        private var notes: [String] = []
        func add(_ note: String) { lock.withLock { notes.append(note) } }
        var all: [String] { lock.withLock { notes } }
    }
}
