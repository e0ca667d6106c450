// Regular expressions over names: what they match is what another engine matches, what is no expression is refused, and none takes long.
import Base
import Testing

@testable import BrokerCore

@Suite struct NameExpressionTests {
    private func matches(_ pattern: String, _ name: String) throws -> Bool { try NameExpression(pattern).matches(name) }

    @Test(arguments: [
        ("events-.*", "events-1", true), ("events-.*", "my-events-1", false), (#"a\.b"#, "a.b", true), (#"a\.b"#, "axb", false), ("a|b|cd", "cd", true), ("a|b|cd", "c", false),
        ("(a|b)*c", "ababc", true), ("[a-c]+[^0-9]", "abx", true), ("[a-c]+[^0-9]", "ab1", false), ("x{2,3}", "xx", true), ("x{2,3}", "xxxx", false), ("x{2,}", "xxxxx", true),
        ("x{2}", "x", false), (#"\w+-\d{3}"#, "orders-042", true), (#"[\d._-]+"#, "1.2_3-4", true), ("(?i)Events", "eVENTS", true), ("(?i:E)vents", "Events", true), ("(?i:E)vents", "eVents", false),
        ("(?P<kind>a+)(?<n>b)", "aab", true), ("^a$", "a", true), (#"\bfoo\b-.*"#, "foo-1", true), ("", "", true), ("", "a", false), ("a??b", "b", true), ("[[:alpha:]]+[[:^digit:]]", "ab-", true),
        ("[]a]+", "]a]", true), ("[a-]", "-", true), ("(a*)*b", "aaab", true), ("(|a)+", "aaa", true), ("x{,2}", "x{,2}", true), (#"\x41\x{42}"#, "AB", true), ("ä.", "äö", true), ("a.c", "a\nc", false),
        ("(?s)a.c", "a\nc", true), ("()", "", true), ("a{0}b", "b", true), ("(ab){0,2}c", "abc", true),
    ]) func knownOnes(pattern: String, name: String, expected: Bool) throws {
        #expect(try matches(pattern, name) == expected)
    }

    @Test(arguments: [
        "(", ")", "a)", "[", "[a", "*", "a**", "a|*", #"\"#, #"(a)\1"#, "(?=a)", "(?!a)", "(?<=a)b", "(?m)a", "a{3,2}", "a{1001}", "[b-a]", #"\p{L}"#, "[[:nothing:]]", "(?", "(?P<a", #"\xg"#,
        "((a{1000}){1000}){1000}", String(repeating: "(", count: 200), String(repeating: "a", count: 1001),
    ]) func whatIsNoneIsRefused(pattern: String) {
        #expect(throws: NameExpressionProblem.self) { try NameExpression(pattern) }
    }

    /// An expression of few letters, so that it often matches.
    private func expression(_ random: inout Prng, depth: Int) -> String {
        switch random.below(depth > 3 ? 4 : 9) {
        case 0, 1: return ["a", "b", "c"][random.below(3)]
        case 2: return ["[ab]", "[^a]", ".", #"\w"#, "[b-c]"][random.below(5)]
        case 3: return ""
        case 4: return "(" + expression(&random, depth: depth + 1) + "|" + expression(&random, depth: depth + 1) + ")"
        case 5, 6: return expression(&random, depth: depth + 1) + expression(&random, depth: depth + 1)
        default: return "(" + expression(&random, depth: depth + 1) + ")" + ["*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "*?"][random.below(8)]
        }
    }

    @Test(arguments: UInt64(1)...UInt64(8)) func theyMatchWhatAnotherEngineMatches(seed: UInt64) throws {
        var random = Prng(seed: seed)
        for _ in 0..<150 {
            let pattern = expression(&random, depth: 0)
            let (ours, other) = (try NameExpression(pattern), try Regex(pattern))
            for _ in 0..<12 {
                let name = String((0..<random.below(7)).map { _ in ["a", "b", "c"][random.below(3)] as Character })
                #expect(ours.matches(name) == (name.wholeMatch(of: other) != nil), "'\(pattern)' and '\(name)'")
            }
        }
    }

    /// With an engine that tries one way after the other these take longer than anybody lives.
    @Test(arguments: ["(a+)+b", "(a|a)*b", "(a*)*b", "(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)b", "(a?){40}a{40}b"]) func noneTakesLong(pattern: String) throws {
        #expect(try !matches(pattern, String(repeating: "a", count: 249)))
    }
}
