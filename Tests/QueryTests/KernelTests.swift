// Loops over whole columns against the functions that look at one value: the same expression over columns, over constants and over values that
// are computed for each row gives the same rows, with nulls, extremes and empty texts.
import ComputeCore
import QueryCore
import Testing

@Suite struct KernelTests {
    private static func rows(_ sql: String) throws -> [[Value]] {
        let session = QuerySession(files: MemoryFiles())
        return try session.run(try session.plan(sql: sql), now: SQLScript.now).rows()
    }

    /// 500 texts of few letters, so that literals are found, also over the ends of rows; every ninth is null.
    private static let texts = """
        (SELECT id, CASE WHEN id % 9 = 0 THEN NULL ELSE substring(concat(array('abab', 'ba', '', 'aab\u{E4}b', '%a_b', 'xaxabxabcx', 'abcabcabcd')[CAST(p % 7 AS INT)],
        array('', 'a', 'abcx', '\\\\\\\\', 'b%')[CAST(p % 5 AS INT)]), CAST(1 + p % 3 AS INT), CAST(p % 17 AS INT)) END AS t
        FROM (SELECT id, (id * 48271 + 11) % 65537 AS p FROM range(500)))
        """

    @Test(
        arguments: ["like", "startswith", "endswith", "contains"],
        [
            "", "%", "a%", "%b", "%ab%", "ab%ab", "%a%b%", "abab", "%%", "\\\\\\\\%", "%\\\\%a%", "a%a%a", "%abcx", "a", "b", "bc",
            "\u{E4}", "%abcabcabc%",
        ])
    func constantPatternsMatchAsThoseOfRows(_ function: String, _ pattern: String) throws {
        func call(_ pattern: String) -> String { function == "like" ? "t LIKE \(pattern)" : "\(function)(t, \(pattern))" }
        // A pattern that a row computes is matched row by row.
        let each = "CASE WHEN id >= 0 THEN '\(pattern)' ELSE 'never' END"
        let rows = try Self.rows("SELECT \(call("'\(pattern)'")), \(call(each)), t FROM \(Self.texts)")
        for row in rows { #expect(row[0] == row[1], "\(function) \(pattern) of \(row[2])") }
    }

    @Test(arguments: ["+", "-", "*", "/", "%", "=", "<", "<=", ">", ">=", "<=>"], ["INT", "BIGINT", "DOUBLE", "SMALLINT", "FLOAT"])
    func constantsAreAsColumns(_ operation: String, _ type: String) throws {
        let numbers =
            "(SELECT id, CAST(CASE WHEN id % 7 = 0 THEN NULL ELSE (id * 37) % 151 - 75 END AS \(type)) AS x, CAST(7 AS \(type)) + CAST(id * 0 AS \(type)) AS c FROM range(300))"
        let rows = try Self.rows(
            "SELECT x \(operation) CAST(7 AS \(type)), x \(operation) c, CAST(7 AS \(type)) \(operation) nullif(x, 0), c \(operation) nullif(x, 0) FROM \(numbers)"
        )
        for row in rows {
            #expect(row[0] == row[1])
            #expect(row[2] == row[3])
        }
    }

    @Test(arguments: ["TINYINT", "SMALLINT", "INT", "BIGINT"], [("+", "1"), ("-", "-1"), ("*", "2")])
    func overflowRaisesForPresentRowsOnly(_ type: String, _ step: (String, String)) throws {
        let most = ["TINYINT": "127", "SMALLINT": "32767", "INT": "2147483647", "BIGINT": "9223372036854775807"][type] ?? ""
        let column = "CAST(CASE WHEN id = 77 THEN \(most) WHEN id % 5 = 0 THEN NULL ELSE id % 50 END AS \(type))"
        func sum(_ value: String) -> String {
            "SELECT sum(CAST(\(value) \(step.0) CAST(\(step.1) AS \(type)) AS DOUBLE)) FROM (SELECT \(column) AS x FROM range(100))"
        }
        #expect(throws: QueryError.self) { try Self.rows(sum("x")) }
        #expect(try Self.rows(sum("nullif(x, \(most))")).count == 1)
    }

    @Test func textsCompareByTheirBytes() throws {
        let rows = try Self.rows(
            "SELECT a.t = b.t, a.t < b.t, a.t, b.t FROM \(Self.texts) a JOIN \(Self.texts) b ON a.id % 40 = 3 AND b.id % 30 = 7")
        #expect(rows.count > 100)
        for row in rows {
            guard case .string(let left) = row[2], case .string(let right) = row[3] else {
                #expect(row[0].isNull)
                continue
            }
            #expect(row[0] == .boolean(Array(left.utf8) == Array(right.utf8)))
            #expect(row[1] == .boolean(left.utf8.lexicographicallyPrecedes(right.utf8)))
        }
    }

    @Test func datesOfFilesAreThoseOfCasts() throws {
        let texts = [
            "2024-02-29", "2023-02-29", "0001-01-01", "9999-12-31", "2024-1-5", "2024-13-01", "2024-00-10", "20x4-01-01",
            "2024-01-01 10:00", "12024-01-01", "0000-01-01", "1582-10-15",
        ]
        let session = QuerySession(files: MemoryFiles(["/d": texts.joined(separator: "\n")]))
        let source = FileSource(format: .csv, paths: ["/d"], schema: Schema([StructField("d", .date)]), options: [])
        let read = try session.run(.files(source), now: 0).rows().map { $0[0] }
        let cast = try texts.map { try Self.rows("SELECT try_cast('\($0)' AS DATE)")[0][0] }
        #expect(read == cast)
    }
}
