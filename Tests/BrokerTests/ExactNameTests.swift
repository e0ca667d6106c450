// Names with the same look and other bytes are other names, everywhere.
import Base
import Testing

@testable import BrokerCore
@testable import BrokerService

@Suite struct ExactNameTests {
    private static let pairs = [("\u{E9}", "e\u{301}"), ("K", "\u{212A}"), ("a:", "a:\u{301}")]

    @Test(arguments: pairs) func keysGoByBytes(_ one: String, _ other: String) {
        var table = SortedTable<String, Int>()
        var lookup = LookupTable<String, Int>()
        table[one] = 1
        table[other] = 2
        lookup[one] = 1
        lookup[other] = 2
        #expect(table[one] == 1 && table[other] == 2 && table.count == 2 && lookup[one] == 1 && lookup.count == 2)
        table[one] = nil
        #expect(table.keys.count == 1 && table.keys[0].hasSameBytes(as: other))
        #expect(GroupID(one) != GroupID(other) && Set([GroupID(one), GroupID(other)]).count == 2)
        #expect(TopicPartition(one, 0) != TopicPartition(other, 0))
        #expect(ScramUser(one, .sha256) != ScramUser(other, .sha256) && QuotaSubject.named(one) != .named(other))
    }

    @Test(arguments: pairs) func aRuleConcernsItsOwnNames(_ one: String, _ other: String) {
        let full = AccessRule(kind: .group, name: one, principal: "User:\(one)", operation: .read, permission: .allow)
        var rules = AccessRules()
        rules.insert(full)
        func allows(_ user: String, _ group: String) -> Bool { rules.allows("User:\(user)", from: "h", .read, .group, group) }
        #expect(allows(one, one) && !allows(other, one) && !allows(one, other))
    }

    @Test func aDenialByPrefixIsNotEvadedByAnAccent() {
        var rules = AccessRules()
        rules.insert(AccessRule(kind: .group, name: "*", principal: "User:*", operation: .read, permission: .allow))
        rules.insert(AccessRule(kind: .group, name: "secret", pattern: .prefixed, principal: "User:*", operation: .read, permission: .deny))
        #expect(!rules.allows("User:ann", from: "h", .read, .group, "secret\u{301}s"))
        #expect(rules.allows("User:ann", from: "h", .read, .group, "sacred"))
    }

    @Test func settingsOfTheSameLookAreTwo() {
        let before = [TopicConfigEntry(name: "\u{E9}", value: "1")]
        let after = ConfigChange(set: [TopicConfigEntry(name: "e\u{301}", value: "2")]).applied(to: before)
        #expect(after.map(\.value) == ["1", "2"])
    }

    @Test func aFetchOfOffsetsWaitsForTheCommitsBeforeIt() {
        var commits = CommitsUnderWay()
        var fetched: [String] = []
        #expect(!commits.waits { fetched.append("at once") })
        let (first, second) = (commits.begin(), commits.begin())
        #expect(commits.waits { fetched.append("after two") })
        let third = commits.begin()
        for body in commits.end(second) { body() }
        #expect(fetched.isEmpty)
        for body in commits.end(first) { body() }
        #expect(fetched == ["after two"])
        #expect(commits.waits { fetched.append("after the third") })
        for body in commits.end(third) { body() }
        #expect(fetched == ["after two", "after the third"])
    }
}
