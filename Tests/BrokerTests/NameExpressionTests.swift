// Regular expressions over names: what they match is what another engine matches, what is no expression is refused, and none takes long.
import Base
import Testing

@testable import BrokerCore

@Suite struct NameExpressionTests {
    private func matches(_ pattern: String, _ name: String) throws -> Bool {
        var work = NameExpression.workMax
        let found: Bool? = try NameExpression(pattern).matches(name, &work)
        return try #require(found as Bool?, "the work is enough")
    }

    @Test(arguments: [
        ("events-.*", "events-1", true), ("events-.*", "my-events-1", false), (#"a\.b"#, "a.b", true), (#"a\.b"#, "axb", false),
        ("a|b|cd", "cd", true), ("a|b|cd", "c", false),
        ("(a|b)*c", "ababc", true), ("[a-c]+[^0-9]", "abx", true), ("[a-c]+[^0-9]", "ab1", false), ("x{2,3}", "xx", true),
        ("x{2,3}", "xxxx", false), ("x{2,}", "xxxxx", true),
        ("x{2}", "x", false), (#"\w+-\d{3}"#, "orders-042", true), (#"[\d._-]+"#, "1.2_3-4", true), ("(?i)Events", "eVENTS", true),
        ("(?i:E)vents", "Events", true), ("(?i:E)vents", "eVents", false),
        ("(?P<kind>a+)(?<n>b)", "aab", true), ("^a$", "a", true), (#"\bfoo\b-.*"#, "foo-1", true), ("", "", true), ("", "a", false),
        ("a??b", "b", true), ("[[:alpha:]]+[[:^digit:]]", "ab-", true),
        ("[]a]+", "]a]", true), ("[a-]", "-", true), ("(a*)*b", "aaab", true), ("(|a)+", "aaa", true), ("x{,2}", "x{,2}", true),
        (#"\x41\x{42}"#, "AB", true), ("ä.", "äö", true), ("a.c", "a\nc", false),
        ("(?s)a.c", "a\nc", true), ("()", "", true), ("a{0}b", "b", true), ("(ab){0,2}c", "abc", true),
    ]) func knownOnes(pattern: String, name: String, expected: Bool) throws {
        #expect(try matches(pattern, name) == expected)
    }

    @Test(arguments: [
        "(", ")", "a)", "[", "[a", "*", "a**", "a|*", #"\"#, #"(a)\1"#, "(?=a)", "(?!a)", "(?<=a)b", "(?m)a", "a{3,2}", "a{1001}", "[b-a]",
        #"\p{L}"#, "[[:nothing:]]", "(?", "(?P<a", #"\xg"#,
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
        default:
            return "(" + expression(&random, depth: depth + 1) + ")"
                + ["*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "*?"][random.below(8)]
        }
    }

    @Test(arguments: UInt64(1)...UInt64(8)) func theyMatchWhatAnotherEngineMatches(seed: UInt64) throws {
        var random = Prng(seed: seed)
        for _ in 0..<150 {
            let pattern = expression(&random, depth: 0)
            let (ours, other) = (try NameExpression(pattern), try Regex(pattern))
            var matcher = NameMatcher(ours)
            for _ in 0..<12 {
                let name = String((0..<random.below(7)).map { _ in ["a", "b", "c"][random.below(3)] as Character })
                var work = NameExpression.workMax
                let direct = ours.matches(name, &work)
                #expect(matcher.matches(name, &work) == direct, "'\(pattern)' and '\(name)', by sets that are known")
                #expect(direct == (name.wholeMatch(of: other) != nil), "'\(pattern)' and '\(name)'")
            }
        }
    }

    /// With an engine that tries one way after the other these take longer than anybody lives.
    @Test(arguments: ["(a+)+b", "(a|a)*b", "(a*)*b", "(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)b", "(a?){40}a{40}b"]) func noneTakesLong(
        pattern: String
    ) throws {
        #expect(try !matches(pattern, String(repeating: "a", count: 249)))
    }

    @Test(arguments: ["^a+$", "(^a|b$)+", "a$|ab", "^$", "$a", "(a|$)*", "a^b", "(^|a)b(c|$)", #"\Aab\z"#, "^^a$$b?", "((^a)*b$)?c*"])
    func edgesHoldInKnownSetsToo(pattern: String) throws {
        let expression = try NameExpression(pattern)
        var matcher = NameMatcher(expression)
        for name in ["a", "b", "ab", "aa", "ba", "abc", "bc", "ac", "c", "", "aab", "ä", "cb"] {
            var work = NameExpression.workMax
            #expect(matcher.matches(name, &work) == expression.matches(name, &work), "'\(pattern)' and '\(name)'")
        }
    }

    /// An expression of which there are more sets than are kept.
    @Test func setsThatAreThrownAwayAreFoundAgain() throws {
        let expression = try NameExpression("(a|b)*a(a|b){11}")
        var matcher = NameMatcher(expression)
        var random = Prng(seed: 3)
        for _ in 0..<150 {
            let name = String((0..<(20 + random.below(60))).map { _ in ["a", "b"][random.below(2)] as Character })
            var work = NameExpression.workMax
            #expect(matcher.matches(name, &work) == (name.dropLast(11).last == "a"), "\(name)")
        }
    }

    @Test func namesThatAreMuchAlikeCostALookForEachScalar() throws {
        var matcher = NameMatcher(try NameExpression("(a|b|orders).*region.*west.*v1"))
        var work = NameExpression.workMax
        for number in 0..<2000 { #expect(matcher.matches("orders-region-eu-west-\(number)-events-v1", &work) == true) }
        #expect(NameExpression.workMax - work < 2000 * 45, "\(NameExpression.workMax - work)")
    }

    // MARK: work

    /// Every step is looked at for every scalar of the name, since the edge of a word keeps sets from being known.
    private static let slow = #"(.?){250}\b"#

    /// A tenth of the usual ones or less; a name and `slow` take some 150,000 steps.
    private static let limits = {
        var limits = MatchingLimits()
        limits.admission = 500_000
        limits.group = 900_000
        limits.perSecond = 200_000
        limits.perHeartbeat = 200_000
        return limits
    }()
    private static func names(_ count: Int) -> [String] { (0..<count).map { String(repeating: "a", count: 240) + "-\($0)" } }

    @Test func workThatIsUsedUpIsSaid() throws {
        var work = 1000
        #expect(try NameExpression(Self.slow).matches(Self.names(1)[0], &work) == nil && work <= 0)
        work = 1000
        #expect(try NameExpression("events-.*").matches("events-1", &work) == true && work > 900)
    }

    @Test func anExpressionThatTakesTooLongIsRefused() throws {
        var matches = PatternMatches(Self.limits)
        #expect(throws: NameExpressionProblem.self) { try matches.admit(Self.slow, among: Self.names(1000)) }
        try matches.admit("a*-7", among: Self.names(1000))
        #expect(matches.names("a*-7") == [Self.names(8)[7]])
    }

    @Test func theExpressionsOfAGroupAreRefusedTogether() throws {
        var matches = PatternMatches(Self.limits)
        let names = Self.names(1)
        #expect(throws: NameExpressionProblem.self) { for number in 0..<10 { try matches.admit(Self.slow + "(\(number))?", among: names) } }
        #expect(matches.names(Self.slow + "(0)?") == Set(names))
    }

    @Test func matchingGoesOnWithTopicsThatCome() throws {
        var matches = PatternMatches(Self.limits)
        try matches.admit(Self.slow, among: Self.names(1))
        var turns = 0
        repeat {
            var work = 200_000
            matches.goOn([Self.slow, "a*-5"], among: Self.names(10), &work)
            #expect(work > -400_000, "no turn takes longer than the name it ends with")
            turns += 1
        } while !matches.isComplete && turns < 100
        #expect(turns > 3 && matches.names(Self.slow) == Set(Self.names(10)) && matches.names("a*-5") == [Self.names(6)[5]])
        var work = 0
        matches.goOn(["a*-5"], among: Self.names(3), &work)
        #expect(
            matches.isComplete && matches.names("a*-5").isEmpty && matches.names(Self.slow).isEmpty,
            "topics go, and expressions that nobody has")
    }

    @Test func aMemberKeepsWhatItHasUntilAllIsMatched() throws {
        var topics = SortedTable<String, TopicRecord>()
        func add(_ names: [String]) {
            for name in names { topics[name] = TopicRecord(name: name, id: UUIDBytes(high: 1, low: UInt64(topics.count)), partitions: 1) }
        }
        add(Self.names(2))
        var settings = ConsumerGroupSettings()
        settings.matching = Self.limits
        var coordinator = ConsumerGroupCoordinator(settings: settings, random: Prng(seed: 1))
        var now = Instant.zero
        func beat(_ epoch: Int32) throws -> MemberOrders {
            let beat = MemberHeartbeat(member: MemberID("m"), epoch: epoch, pattern: epoch == 0 ? Self.slow : nil, owned: [])
            return try coordinator.heartbeat(GroupID("g"), beat, topics: topics, now: now)
        }
        var orders = try beat(0)
        #expect(orders.assignment?.count == 2)
        add(Self.names(12))
        var (beats, most) = (0, 2)
        repeat {
            now = now + .seconds(1)
            beats += 1
            orders = try beat(orders.epoch)
            most = max(most, orders.assignment?.count ?? 0)
        } while most < 12 && beats < 200
        #expect(most == 12 && beats > 4, "\(beats) heartbeats")
        #expect(throws: ConsumerGroupRefusal.self) {
            try coordinator.heartbeat(
                GroupID("g"), MemberHeartbeat(member: MemberID("n"), epoch: 0, pattern: "b|" + Self.slow), topics: topics, now: now)
        }
        #expect(try beat(0).assignment?.count == 12, "it may come back with the expression that it has")
    }
}
