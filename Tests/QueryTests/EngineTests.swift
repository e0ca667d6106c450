// Behaviour that scripts cannot say: where in a text an error is, CSV records cut at any byte, the memory limit, bounds of nesting, what
// the optimiser reads, the printed table and tree.

import ComputeCore
import QueryCore
import Testing

private func run(_ sql: String, _ files: [String: String] = [:]) throws(QueryError) -> [[Value]] {
    let session = QuerySession(files: MemoryFiles(files))
    return try session.run(try session.plan(sql: sql), now: SQLScript.now).rows()
}

private func refusal(_ sql: String) -> QueryError? {
    do throws(QueryError) {
        _ = try run(sql)
        return nil
    } catch {
        return error
    }
}

@Suite struct EngineTests {
    @Test func parseErrorNamesTokenLineAndColumn() {
        let error = refusal("select 1,\n  from t")
        #expect(error?.name == "PARSE_SYNTAX_ERROR")
        #expect(error?.parameters["error"] == "'from'")
        #expect(error?.position?.line == 2)
        #expect(error?.position?.column == 2)
        #expect(
            refusal("select 1 +")?.message.hasPrefix(
                "[PARSE_SYNTAX_ERROR] Syntax error at or near end of input. SQLSTATE: 42601 (line 1, pos 10)") == true)
    }

    @Test func unknownColumnProposesTheNearestNames() {
        let error = refusal("select delya from (select 1 delay, 2 carrier)")
        #expect(error?.name == "UNRESOLVED_COLUMN.WITH_SUGGESTION")
        #expect(error?.sqlState == "42703")
        #expect(error?.parameters["objectName"] == "`delya`")
        #expect(error?.parameters["proposal"]?.contains("`delay`") == true)
    }

    @Test func nestingBeyondTheLimitIsRefusedAndDoesNotOverflowTheStack() {
        let deep = "select " + String(repeating: "(", count: 5000) + "1" + String(repeating: ")", count: 5000)
        #expect(refusal(deep)?.name == "FAILED_TO_PARSE_TOO_COMPLEX")
        let long = "select " + Array(repeating: "1", count: 5000).joined(separator: "+")
        #expect(refusal(long)?.name == "FAILED_TO_PARSE_TOO_COMPLEX")
    }

    @Test func expressionsWithinTheLimitOfNestingAreEvaluated() throws {
        let depth = Parser.depthMax / 2
        let rows = try run("select " + String(repeating: "(", count: depth) + "1" + String(repeating: ")", count: depth))
        #expect(rows == [[.integer(1)]])
        #expect(try run("select " + Array(repeating: "1", count: 150).joined(separator: "+")) == [[.integer(150)]])
    }

    @Test func memoryLimitRefusesClearly() throws {
        var settings = QuerySettings()
        settings.memoryBytesMax = 100_000
        let session = QuerySession(files: MemoryFiles(), settings: settings)
        let plan = try session.plan(sql: "select id, count(*) from range(100000) group by id")
        do throws(QueryError) {
            _ = try session.run(plan, now: 0).rows()
            Issue.record("the aggregation should not fit")
        } catch {
            #expect(error.name == "UNABLE_TO_ACQUIRE_MEMORY")
        }
    }

    @Test func topNNeedsMemoryForItsRowsOnly() throws {
        var settings = QuerySettings()
        settings.memoryBytesMax = 2_000_000
        let session = QuerySession(files: MemoryFiles(), settings: settings)
        let plan = try session.plan(sql: "select id from range(1000000) order by id desc limit 2")
        #expect(try session.run(plan, now: 0).rows() == [[.integer(999_999)], [.integer(999_998)]])
    }

    @Test func csvRecordsMayBeCutAnywhere() throws {
        let text = "a,b\r\n1,\"x, \\\"y\\\"\"\r\n\r\n2,\"multi\nline\"\n3,last"
        for most in 1...text.utf8.count {
            let session = QuerySession(files: CutFiles(text: text, most: most))
            let source = FileSource(format: .csv, paths: ["/f"], options: [ReadOption("header", "true"), ReadOption("multiLine", "true")])
            let rows = try session.run(.files(source), now: 0).rows()
            #expect(
                rows == [[.string("1"), .string("x, \"y\"")], [.string("2"), .string("multi\nline")], [.string("3"), .string("last")]])
        }
    }

    @Test func csvEscapeOptionGivesDoubledQuotes() throws {
        let session = QuerySession(files: MemoryFiles(["/f": "a,b\n1,\"x \"\"y\"\" z\"\n"]))
        let source = FileSource(format: .csv, paths: ["/f"], options: [ReadOption("header", "true"), ReadOption("escape", "\"")])
        #expect(try session.run(.files(source), now: 0).rows() == [[.string("1"), .string("x \"y\" z")]])
    }

    @Test func scanReadsOnlyTheColumnsThatAreNeeded() throws {
        let session = QuerySession(files: MemoryFiles(["/f": "1,2,3\n4,5,6\n"]))
        let text = try session.explain(try session.plan(sql: "select _c1 from csv.`/f` where _c2 > 3"), now: 0)
        #expect(text.contains("FileScan csv [_c1#2, _c2#3]"))
    }

    @Test func filterGoesBelowTheJoin() throws {
        let session = QuerySession(files: MemoryFiles())
        let sql = "select * from (values (1, 2)) as a(x, y) join (values (1, 3)) as b(x, z) on a.x = b.x where y = 2 and z = 3"
        let text = try session.explain(try session.plan(sql: sql), now: 0)
        #expect(text.contains(":  +- Filter equal(col2#2, 2)"))
        #expect(text.contains("   +- Filter equal(col2#6, 3)"))
    }

    @Test func planIDsTellTheColumnsOfASelfJoinApart() throws {
        let base = Plan.values([[.literal(.int(1)), .literal(.int(10))], [.literal(.int(2)), .literal(.int(20))]])
        let left = Plan.identified(planID: 1, base)
        let right = Plan.identified(planID: 2, .filter(.call(">", .column("col1"), .literal(.int(1))), base))
        let condition = Expression.call("=", .attribute(["col1"], planID: 1), .attribute(["col1"], planID: 2))
        let join = Plan.join(Join(left: left, right: right, kind: .inner, condition: condition))
        let plan = Plan.project([.attribute(["col2"], planID: 1), .attribute(["col2"], planID: 2)], join)
        #expect(try QuerySession(files: MemoryFiles()).run(plan, now: 0).rows() == [[.integer(20), .integer(20)]])
    }

    @Test func viewKeepsTheViewsItWasMadeFrom() throws {
        var session = QuerySession(files: MemoryFiles())
        for sql in [
            "create temp view v as select 1 a", "create or replace temp view v as select a + 1 as a from v",
            "create or replace temp view v as select a + 1 as a from v",
        ] {
            _ = try session.execute(try session.plan(sql: sql), now: 0)
        }
        #expect(try session.run(try session.plan(sql: "select a from v"), now: 0).rows() == [[.integer(3)]])
    }

    @Test func showStringIsSparks() throws {
        let session = QuerySession(files: MemoryFiles())
        let run = try session.run(
            try session.plan(sql: "select id, 'a long text of more than twenty' as text, array(1, null) l from range(3)"), now: 0)
        #expect(
            try ShowString.render(run, rowsMax: 2) == """
                +---+--------------------+---------+
                | id|                text|        l|
                +---+--------------------+---------+
                |  0|a long text of mo...|[1, NULL]|
                |  1|a long text of mo...|[1, NULL]|
                +---+--------------------+---------+
                only showing top 2 rows

                """)
    }

    @Test func treeStringIsSparks() throws {
        let schema = Schema([
            StructField("a", .long),
            StructField("n", .structure([StructField("y", .array(element: .int, containsNull: true))]), nullable: false),
        ])
        #expect(
            TreeString.render(schema) == """
                root
                 |-- a: long (nullable = true)
                 |-- n: struct (nullable = false)
                 |    |-- y: array (nullable = true)
                 |    |    |-- element: integer (containsNull = true)

                """)
    }

    @Test(arguments: [
        (1.0, "1.0"), (1e7, "1.0E7"), (9_999_999.0, "9999999.0"), (0.001, "0.001"), (1e-4, "1.0E-4"), (-1.5e-10, "-1.5E-10"),
        (123456789.123, "1.23456789123E8"),
        (0.1, "0.1"), (100, "100.0"), (1e100, "1.0E100"), (-0.0, "-0.0"),
    ]) func doublesPrintAsInJava(_ value: Double, _ text: String) { #expect(FloatText.format(value) == text) }

    @Test(arguments: [
        "cast(9223372036854 as timestamp)", "cast(-9223372036854 as timestamp)", "timestamp'290000-01-01'", "date'999999-01-01'",
        "cast(cast(-9223372036854.775808 as timestamp) as string)", "date_format(cast(-9223372036854 as timestamp), 'yyyy-MM-dd HH:mm:ss')",
        "cast(date'999999-01-01' as timestamp)", "timestamp'999999-01-01'", "id from range(3) order by id limit 9223372036854775807",
        "round(1e300, -400)", "lpad('x', 2147483647)", "substring('x', -2147483648, 2147483647)", "date_add(date'9999-12-31', 2147483647)",
    ]) func extremesAnswerOrRefuseAndNeverTrap(_ expression: String) {
        // Reaching this line is the point; either outcome is right.
        do throws(QueryError) { #expect(try run("select \(expression)").count >= 1) } catch { #expect(!error.name.isEmpty) }
    }

    @Test func datesRoundTripOverTwoThousandYears() {
        for day in stride(from: -800_000, to: 800_000, by: 97) {
            #expect(CivilTime.parseDate(CivilTime.formatDate(day)) == day)
        }
    }
}

/// One file whose reads are cut short, as a network does.
private struct CutFiles: TableFiles {
    let text: String
    let most: Int

    func list(_ path: String) throws(QueryError) -> [TableFile]? { [TableFile(path: path, byteCount: text.utf8.count)] }
    func open(_ file: TableFile) throws(QueryError) -> any TableFileReader { MemoryReader(Array(text.utf8), most: most) }
    func openRanges(_ file: TableFile) throws(QueryError) -> any TableRanges { MemoryRanges(Array(text.utf8)) }
}
