// The page of functions is made from the tables of functions, and functions that are said to be absent are.

import ComputeCore
import Foundation
import QueryCore
import Testing

@Suite struct FunctionPageTests {
    private static let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("docs/compute-functions.md")

    private static var text: String {
        let aggregates = Set(RoutineNames.aggregates)
        let others = aggregates.union(RoutineNames.windows).union(RoutineNames.generators)
        let scalars = Set(RoutineNames.scalars).union(FunctionTable.words).subtracting(others).sorted()
        let families = [
            ("Scalar functions", scalars), ("Aggregates, also over windows", RoutineNames.aggregates),
            ("Functions that need OVER", RoutineNames.windows), ("Generators and table functions", RoutineNames.generators),
            ("Not yet here", AbsentFunctions.names.sorted()),
        ]
        let count = families.dropLast().reduce(0) { $0 + $1.1.count }
        var lines = [
            "# compute: functions", "",
            "The \(count) functions of SQL and of `pyspark.sql.functions` that compute has, by Spark's names for them. This page is",
            "made from the engine's tables: `PLATFORM_WRITE_PAGES=1 swift test --filter FunctionPageTests` writes it anew.", "",
            "A call of a function that Spark has and compute lacks says so; these are the last list.",
        ]
        for (title, names) in families {
            lines += ["", "## \(title)", ""]
            var line = ""
            for name in names {
                let word = "`\(name)`"
                if line.utf8.count + word.utf8.count > 138 {
                    lines.append(line)
                    line = ""
                }
                line += line.isEmpty ? word : " " + word
            }
            lines.append(line)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    @Test func thePageOfFunctionsIsThatOfTheTables() throws {
        if ProcessInfo.processInfo.environment["PLATFORM_WRITE_PAGES"] != nil {
            try Self.text.write(to: Self.page, atomically: true, encoding: .utf8)
        }
        let written = try String(contentsOf: Self.page, encoding: .utf8)
        #expect(written == Self.text, "docs/compute-functions.md is stale; PLATFORM_WRITE_PAGES=1 writes it anew")
    }

    @Test func absentFunctionsSaySo() {
        let present = Set(RoutineNames.all + FunctionTable.words)
        for name in AbsentFunctions.names.sorted() {
            #expect(!present.contains(name), "\(name) is here and in the list of absent functions")
        }
        let session = QuerySession(files: MemoryFiles())
        #expect(throws: QueryError.unsupported("the function `xpath`, which is not yet here")) {
            try session.viewFacts(try session.plan(sql: "SELECT xpath('a', 'b')"))
        }
    }

    @Test(arguments: [
        ("levenstein", " Did you mean `levenshtein`?"), ("summ", " Did you mean `sum`?"), ("no_such_function_at_all", ""),
    ]) func mistypedNamesAreAnsweredWithNearOnes(_ name: String, _ hint: String) {
        let session = QuerySession(files: MemoryFiles())
        do throws(QueryError) {
            _ = try session.viewFacts(try session.plan(sql: "SELECT \(name)(1)"))
            Issue.record("\(name) is no function")
        } catch {
            #expect(error.parameters["hint"] == hint)
        }
    }

    @Test func callsThatRepeatAnArgumentStaySmall() {
        let session = QuerySession(files: MemoryFiles())
        let nested = { (name: String, rest: String) in
            String(repeating: "\(name)(", count: 40) + "1" + String(repeating: "\(rest))", count: 40)
        }
        for call in [nested("decode", ", 1, 2"), nested("nanvl", ", 1"), nested("assert_true", "")] {
            // An answer and a refusal both serve, hence `try?`; a step for each of 2^40 copies does not.
            _ = try? session.viewFacts(try session.plan(sql: "SELECT \(call)"))
        }
    }
}
