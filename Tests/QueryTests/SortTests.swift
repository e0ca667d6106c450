// ORDER BY over random rows with nulls, NaN, signed zeros and texts that share their first bytes, against a comparison of the values one by
// one; and its memory of a limit: the best rows are the first rows of the whole order.
import ComputeCore
import QueryCore
import Testing

struct SortTests {
    private static let texts = ["", "a", "abcdefgh", "abcdefghi", "abcdefgh\u{0}", "ab", "\u{301}", "zzzzzzzzz", "abcdefgz"]

    private static func rows(_ statement: String) throws -> [[Value]] {
        var session = QuerySession(files: MemoryFiles())
        return try session.execute(try session.plan(sql: statement), now: SQLScript.now).rows()
    }

    /// A column of `count` rows as a relation with the columns v and id; the generator is a fixed linear one.
    private static func relation(_ kind: String, _ count: Int) -> String {
        let picks = "(id * 48271 + 11) % 2147483647"
        let value =
            switch kind {
            case "long": "CASE WHEN \(picks) % 7 = 0 THEN NULL ELSE (\(picks) % 50 - 25) * 9000000000000 END"
            case "double":
                "CASE WHEN \(picks) % 11 = 0 THEN NULL WHEN \(picks) % 11 = 1 THEN double('NaN') WHEN \(picks) % 11 = 2 THEN -0.0D WHEN \(picks) % 11 = 3 THEN 0.0D "
                    + "WHEN \(picks) % 11 = 4 THEN double('-Infinity') ELSE (\(picks) % 40 - 20) / 3.0D END"
            default: "array(\(texts.map { "'\($0)'" }.joined(separator: ", ")), NULL)[CAST(\(picks) % \(texts.count) AS INT)]"
            }
        return "(SELECT \(value) AS v, id FROM range(\(count)))"
    }

    @Test(arguments: ["long", "double", "string"], ["ASC NULLS FIRST", "ASC NULLS LAST", "DESC NULLS FIRST", "DESC NULLS LAST"])
    func theOrderIsThatOfTheValues(_ kind: String, _ order: String) throws {
        let relation = Self.relation(kind, 3000).replacing(", NULL)[", with: ")[")
        let type: DataType = kind == "long" ? .long : kind == "double" ? .double : .string
        let plain = try Self.rows("SELECT v, id FROM \(relation)")
        let nulls = order.hasSuffix("FIRST") ? -1 : 1
        let expected = plain.sorted { left, right in
            if left[0].isNull || right[0].isNull {
                if left[0].isNull != right[0].isNull { return left[0].isNull == (nulls < 0) }
            } else {
                let compared = Value.compare(left[0], right[0], type)
                if compared != 0 { return (compared < 0) == order.hasPrefix("ASC") }
            }
            return Value.compare(left[1], right[1], .long) < 0
        }
        let sorted = try Self.rows("SELECT v, id FROM \(relation) ORDER BY v \(order)")
        #expect(sorted.map { $0[1] } == expected.map { $0[1] })
        for limit in [1, 10, 2999, 5000] {
            let best = try Self.rows("SELECT v, id FROM \(relation) ORDER BY v \(order) LIMIT \(limit)")
            #expect(best.map { $0[1] } == expected.prefix(limit).map { $0[1] })
        }
        let second = try Self.rows("SELECT v, id FROM \(relation) ORDER BY v \(order), id DESC LIMIT 100")
        #expect(second.map { $0[0].text(type) } == expected.prefix(100).map { $0[0].text(type) })
    }

    /// Enough rows that the operator drops those beyond its bound.
    @Test func aLimitOverManyRowsKeepsTheBest() throws {
        let best = try Self.rows("SELECT (id * 7919) % 100003 AS k FROM range(100000) ORDER BY k DESC LIMIT 5")
        let all = (0..<100_000).map { ($0 * 7919) % 100_003 }.sorted(by: >).prefix(5)
        #expect(best.map { $0[0] } == all.map { .integer(Int64($0)) })
    }

    /// Groups are many: each is appended where the earlier ones lie, not to a copy of them.
    @Test func manyGroupsAreGroupedOnce() throws {
        let rows = try Self.rows(
            "SELECT count(*), sum(n), count(DISTINCT k) FROM (SELECT id % 20000 AS k, count(*) AS n FROM range(60000) GROUP BY id % 20000)")
        #expect(rows == [[.integer(20_000), .integer(60_000), .integer(20_000)]])
    }
}
