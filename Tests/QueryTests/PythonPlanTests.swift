// Calls of Python functions in plans, with a runner that evaluates a few of them in this process: where the calls stand, which rows they
// see, and how sorted rows are cut into groups.
import ComputeCore
import QueryCore
import Testing

/// Knows `plus` (the argument and one), `count` (the rows of a group) and `total` (their sum).
private final class SmallRunner: PythonRunner {
    func start(_ task: PythonTask, _ grant: QueryGrant) throws(QueryError) -> any PythonExchange { SmallExchange(task) }
}

private final class SmallExchange: PythonExchange {
    private let task: PythonTask
    private var isDone = false

    init(_ task: PythonTask) { self.task = task }

    func next(_ input: () throws(QueryError) -> PythonInput?) throws(QueryError) -> Batch? {
        guard !isDone, let given = try input() else {
            isDone = true
            return nil
        }
        switch given {
        case .rows(let batch): return result(batch.rowCount) { function, row in self.number(batch, function, row) + 1 }
        case .groups(let lengths, let batches):
            var starts: [Int] = []
            var at = 0
            for length in lengths[0] {
                starts.append(at)
                at += length
            }
            #expect(at == batches[0].rowCount)
            return result(lengths[0].count) { function, group in
                if function.call.function.name == "count" { return Int64(lengths[0][group]) }
                return (starts[group]..<(starts[group] + lengths[0][group])).reduce(0) { $0 + self.number(batches[0], function, $1) }
            }
        }
    }

    private func number(_ batch: Batch, _ function: PythonTask.Function, _ row: Int) -> Int64 {
        if case .integer(let value) = batch.columns[function.arguments[0]].value(row) { value } else { 0 }
    }

    private func result(_ count: Int, _ value: (PythonTask.Function, Int) -> Int64) -> Batch {
        let columns = task.functions.map { function in
            Column(type: .long, values: (0..<count).map { .integer(value(function, $0)) })
        }
        return Batch(schema: task.result, columns: columns, rowCount: count)
    }
}

struct PythonPlanTests {
    private static func session() throws -> QuerySession {
        var session = QuerySession(files: MemoryFiles())
        session.pythonRunner = SmallRunner()
        for (name, kind) in [("plus", PythonKind.row), ("count_rows", .aggregatePandas), ("total", .aggregatePandas)] {
            let shown = name == "count_rows" ? "count" : name
            let function = PythonFunction(name: shown, kind: kind, type: .long, command: Array(name.utf8), version: "3.11")
            try session.register(function, as: name)
        }
        return session
    }

    private static func rows(_ statement: String) throws -> [[Value]] {
        var session = try session()
        return try session.execute(try session.plan(sql: statement), now: SQLScript.now).rows()
    }

    private static func numbers(_ values: Int64...) -> [Value] { values.map { .integer($0) } }

    @Test func callsStandAnywhereInAQuery() throws {
        #expect(try Self.rows("SELECT plus(id), plus(plus(id)) FROM range(2)") == [Self.numbers(1, 2), Self.numbers(2, 3)])
        #expect(try Self.rows("SELECT id FROM range(5) WHERE plus(id) > 3 AND id < 4") == [Self.numbers(3)])
        #expect(try Self.rows("SELECT sum(plus(id)) FROM range(3) GROUP BY plus(id % 2) ORDER BY 1") == [Self.numbers(2), Self.numbers(4)])
        #expect(try Self.rows("SELECT plus(sum(id)) FROM range(3)") == [Self.numbers(4)])
        #expect(try Self.rows("SELECT id FROM range(3) ORDER BY plus(-id) LIMIT 1") == [Self.numbers(2)])
        #expect(try Self.rows("SELECT plus(1)") == [Self.numbers(2)])
        #expect(try Self.rows("SELECT max(plus(id)) FROM range(100000)") == [Self.numbers(100_000)])
    }

    @Test func callsInConditionsOfJoinsReadOneSideOrBoth() throws {
        let from = "FROM range(3) a JOIN range(3) b ON"
        #expect(try Self.rows("SELECT a.id, b.id \(from) plus(a.id) = b.id ORDER BY 1") == [Self.numbers(0, 1), Self.numbers(1, 2)])
        #expect(try Self.rows("SELECT a.id, b.id \(from) plus(a.id + b.id) = 1") == [Self.numbers(0, 0)])
        #expect(throws: QueryError.self) { try Self.rows("SELECT * FROM range(3) a LEFT JOIN range(3) b ON plus(a.id + b.id) = 1") }
    }

    @Test(arguments: [1, 3, 4096, 8192, 8193, 30_000])
    func groupsAreWholeAcrossBatches(_ size: Int) throws {
        let found = try Self.rows(
            "SELECT g, count_rows(v), total(v) FROM (SELECT id DIV \(size) AS g, id % 10 AS v FROM range(30000)) GROUP BY g ORDER BY g")
        let expected = stride(from: 0, to: 30_000, by: size).enumerated().map { number, start in
            let rows = start..<min(30_000, start + size)
            return Self.numbers(Int64(number), Int64(rows.count), rows.reduce(0) { $0 + Int64($1 % 10) })
        }
        #expect(found == expected)
    }

    @Test func nullKeysAreOneGroupAndNoKeysAlwaysOne() throws {
        #expect(try Self.rows("SELECT count_rows(id) FROM range(9) GROUP BY CAST(NULL AS INT)") == [Self.numbers(9)])
        #expect(try Self.rows("SELECT count_rows(id) FROM range(0)") == [Self.numbers(0)])
        #expect(try Self.rows("SELECT count_rows(id) FROM range(0) GROUP BY id") == [])
    }

    @Test func aggregatesInPythonStandAlone() throws {
        let error = #expect(throws: QueryError.self) { try Self.rows("SELECT total(id), sum(id) FROM range(3)") }
        #expect(error?.errorClass == .invalidPandasUDFPlacement)
    }

    @Test func unreadCallsAreNotMade() throws {
        let session = try Self.session()
        let plan = try session.plan(sql: "SELECT id FROM (SELECT id, plus(id) AS p FROM range(3))")
        #expect(try !session.explain(plan, now: SQLScript.now).contains("EvalPython"))
    }
}
