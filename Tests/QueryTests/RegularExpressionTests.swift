// Regular expressions: the bound on a match's steps, the dialect that Java and PCRE2 share, and splitting at matches of nothing.
import ComputeCore
import QueryCore
import Testing

struct RegularExpressionTests {
    private func value(_ expression: String) throws -> Value {
        var session = QuerySession(files: MemoryFiles())
        return try session.execute(try session.plan(sql: "SELECT \(expression)"), now: SQLScript.now).rows()[0][0]
    }

    @Test func aPatternThatBacktracksForEverIsRefused() {
        do {
            _ = try value("'\(String(repeating: "a", count: 5000))b' RLIKE '(a|a|a)*(a|a)*$'")
            Issue.record("the match ended")
        } catch { #expect((error as? QueryError)?.name == "UNSUPPORTED_FEATURE") }
    }

    @Test(arguments: [
        ("'spark' RLIKE '^s.*k$'", true), ("'spark' RLIKE 'SPARK'", false), ("'spark' RLIKE '(?i)SPARK'", true),
        ("'äöü' RLIKE '^...$'", true),
        ("'a1' RLIKE '[[:alpha:]][0-9]'", true), ("'x' RLIKE r'\\d'", false), ("'7' RLIKE r'\\d'", true),
        ("'aXb' RLIKE '(?<=a)X(?=b)'", true), ("'' RLIKE ''", true),
    ])
    func theDialectIsJavas(_ expression: String, _ expected: Bool) throws {
        #expect(try value(expression) == .boolean(expected))
    }

    @Test func whatIsNoPatternOrMeansAnotherThingIsRefused() {
        #expect(throws: QueryError.self) { try value("'a' RLIKE '('") }
        #expect(throws: QueryError.self) { try value("'a' RLIKE '[a-z&&[^b]]'") }
    }

    @Test(arguments: [
        ("split('a1b22c', '[0-9]+')", ["a", "b", "c"]), ("split('äb', '')", ["ä", "b"]), ("split('a,b,c', ',', 2)", ["a", "b,c"]),
        ("split('', ',')", [""]),
        ("split('a1b2', '[0-9]')", ["a", "b", ""]),
    ])
    func textIsSplitAtMatches(_ expression: String, _ parts: [String]) throws {
        #expect(try value(expression) == .array(parts.map { .string($0) }))
    }
}
