// Every function and operator over the least, the greatest and the odd values of every type: an answer or a refusal, never the end of the
// process. A seed chooses what is tried; PLATFORM_BOUNDARY_SEED repeats one, PLATFORM_BOUNDARY_SHARE=1 tries everything, and
// PLATFORM_BOUNDARY_SHOW=1 prints each statement before it runs.
import ComputeCore
import Foundation
import QueryCore
import Testing

struct BoundaryValueTests {
    private static let literals = [
        "NULL", "true", "127Y", "-128Y", "32767S", "-32768S", "2147483647", "(-2147483647 - 1)", "9223372036854775807L",
        "(-9223372036854775807L - 1L)", "0", "-1", "1",
        "double('NaN')", "double('-Infinity')", "1.7976931348623157E308D", "-0.0D", "float('3.4028235E38')",
        "99999999999999999999999999999999999999BD",
        "-0.99999999999999999999999999999999999999BD", "0.5BD", "''", "'a'", "'\u{0301}'", "'-9223372036854775808'", "'%_%'",
        "'yyyyMMddHHmmssSSSSSSSSS'", "'((((('",
        "date'9999-12-31'", "date'-2147483-01-01'", "timestamp'294247-01-10 04:00:54'", "timestamp'-290308-12-21 19:59:06'", "array()",
        "array(1, NULL)",
        "map('k', 1)", "struct(1, 'a')", "binary('x')", "'9999999999-99-99'", "'1e400'", "100000", "-100000",
    ]
    private static let operators = ["+", "-", "*", "/", "%", "div", "=", "<=>", "<", "LIKE", "RLIKE", "||", "AND"]
    private static let types = [
        "BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL(38,38)", "DECIMAL(1,0)", "STRING", "BINARY", "DATE",
        "TIMESTAMP",
    ]

    private static let share = ProcessInfo.processInfo.environment["PLATFORM_BOUNDARY_SHARE"].flatMap(Double.init)

    /// Runs one statement; what it answers is not looked at.
    private static func run(_ statement: String) {
        if ProcessInfo.processInfo.environment["PLATFORM_BOUNDARY_SHOW"] != nil {
            FileHandle.standardError.write(Data((statement + "\n").utf8))
        }
        var session = QuerySession(files: MemoryFiles())
        // A refusal is an answer here.
        do {
            let plan = try session.plan(sql: statement)
            for row in try session.execute(plan, now: SQLScript.now).rows(upTo: 10) { _ = row.map(\.isNull) }
        } catch { _ = error }
    }

    private static let seed: UInt64 = {
        let seed = ProcessInfo.processInfo.environment["PLATFORM_BOUNDARY_SEED"].flatMap(UInt64.init) ?? .random(in: 0 ... .max)
        print("boundary values: PLATFORM_BOUNDARY_SEED=\(seed)")
        return seed
    }()

    /// Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators".
    private struct SplitMix: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    private static func isTried(_ random: inout SplitMix, _ usual: Double) -> Bool {
        Double.random(in: 0..<1, using: &random) < (share ?? usual)
    }

    @Test(arguments: RoutineNames.all + FunctionTable.words) func functionsSurviveBoundaryValues(_ name: String) {
        var random = SplitMix(state: name.utf8.reduce(Self.seed) { $0 &* 31 &+ UInt64($1) })
        Self.run("SELECT \(name)()")
        for one in Self.literals {
            if Self.isTried(&random, 0.2) { Self.run("SELECT \(name)(\(one))") }
            for two in Self.literals where Self.isTried(&random, 0.005) { Self.run("SELECT \(name)(\(one), \(two))") }
            for two in Self.literals where Self.isTried(&random, 0.003) {
                guard let three = Self.literals.randomElement(using: &random) else { continue }
                Self.run("SELECT \(name)(\(one), \(two), \(three))")
            }
        }
    }

    @Test func operatorsSurviveBoundaryValues() {
        var random = SplitMix(state: Self.seed)
        for one in Self.literals {
            for two in Self.literals {
                for symbol in Self.operators where Self.isTried(&random, 0.02) { Self.run("SELECT \(one) \(symbol) \(two)") }
            }
            for type in Self.types where Self.isTried(&random, 0.2) {
                Self.run("SELECT CAST(\(one) AS \(type))")
                Self.run("SELECT CAST(CAST(\(one) AS \(type)) AS STRING), CAST(CAST(\(one) AS \(type)) AS BIGINT)")
                Self.run("SELECT CAST(CAST(\(one) AS \(type)) AS TIMESTAMP), CAST(CAST(\(one) AS \(type)) AS DATE)")
            }
            if Self.isTried(&random, 0.15) {
                Self.run(
                    "SELECT sum(v), avg(v), min(v), max(v), stddev(v), count(DISTINCT v), first(v), collect_list(v) FROM VALUES (\(one)), (\(one)) AS t(v)"
                )
                Self.run("SELECT v, count(*) FROM VALUES (\(one)), (NULL) AS t(v) GROUP BY v ORDER BY v")
                Self.run("SELECT id FROM range(5) LIMIT \(one)")
                Self.run("SELECT id FROM range(5) LIMIT 5 OFFSET \(one)")
                Self.run("SELECT id FROM range(\(one), 3, 9223372036854775807) LIMIT 1")
                Self.run("SELECT id FROM range(\(one)) LIMIT 1")
                Self.run("SELECT array(1, 2)[\(one)]")
            }
        }
    }

    /// 10 MB of text in each of 200 rows: the batch is refused before its offsets overflow.
    @Test func textBeyondABatchIsRefused() throws {
        var session = QuerySession(files: MemoryFiles())
        let plan = try session.plan(
            sql:
                "SELECT length(concat(\(Array(repeating: "lpad('x', 1000000, 'y')", count: 10).joined(separator: ", ")), CAST(id AS STRING))) FROM range(200)"
        )
        #expect(throws: QueryError.self) { try session.execute(plan, now: SQLScript.now).rows() }
    }

    /// ANSI mode raises where the rounded number does not fit.
    @Test(arguments: [
        "round(127Y, -1)", "round(-128Y, -1)", "round(32767S, -1)", "round(-32768S, -1)", "round(2147483647, -1)",
        "round(9223372036854775807L, -1)",
    ])
    func roundingBeyondTheTypeRaises(_ expression: String) throws {
        var session = QuerySession(files: MemoryFiles())
        let plan = try session.plan(sql: "SELECT \(expression)")
        #expect(throws: QueryError.self) { try session.execute(plan, now: SQLScript.now).rows() }
        do { _ = try session.execute(plan, now: SQLScript.now).rows() } catch {
            #expect((error as? QueryError)?.name == "ARITHMETIC_OVERFLOW")
        }
    }
}
