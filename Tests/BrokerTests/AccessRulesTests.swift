// Access rules: what is not allowed is denied, and a denial is stronger than any permission.
import Base
import Testing

@testable import BrokerCore

@Suite struct AccessRulesTests {
    private func rules(_ list: AccessRule...) -> AccessRules {
        var rules = AccessRules()
        for rule in list { rules.insert(rule) }
        return rules
    }

    private func rule(
        _ operation: AccessOperation, _ name: String = "t", kind: ResourceKind = .topic, pattern: NamePattern = .literal,
        who: String = "User:a", host: String = "*",
        permission: AccessPermission = .allow
    ) -> AccessRule {
        AccessRule(kind: kind, name: name, pattern: pattern, principal: who, host: host, operation: operation, permission: permission)
    }

    private func may(
        _ rules: AccessRules, _ operation: AccessOperation, _ name: String = "t", who: String = "User:a", host: String = "10.0.0.1"
    ) -> Bool {
        rules.allows(who, from: host, operation, .topic, name)
    }

    @Test func nothingIsAllowedWithoutARule() { #expect(!may(AccessRules(), .read)) }

    @Test func aRuleIsAboutItsOperationResourceAndUser() {
        let one = rules(rule(.read))
        #expect(may(one, .read) && !may(one, .write) && !may(one, .read, "other") && !may(one, .read, who: "User:b"))
        #expect(!one.allows("User:a", from: "10.0.0.1", .read, .group, "t"))
    }

    @Test func namesMatchWholeOrByTheirBeginningOrAll() {
        let prefixed = rules(rule(.read, "team-", pattern: .prefixed))
        #expect(may(prefixed, .read, "team-a") && may(prefixed, .read, "team-") && !may(prefixed, .read, "tea"))
        #expect(may(rules(rule(.read, "*")), .read, "anything"))
        #expect(!may(rules(rule(.read, "*", pattern: .prefixed)), .read, "anything"), "a prefix is taken as it is")
    }

    @Test func everybodyAndAnyHostAreMeantByAStar() {
        #expect(may(rules(rule(.read, who: "User:*")), .read, who: "User:z"))
        let near = rules(rule(.read, host: "127.0.0.1"))
        #expect(may(near, .read, host: "127.0.0.1") && !may(near, .read))
    }

    @Test func aDenialIsStrongerThanAnyPermission() {
        let both = rules(rule(.all), rule(.write, permission: .deny))
        #expect(may(both, .read) && !may(both, .write) && may(both, .describe))
        #expect(!may(rules(rule(.all), rule(.all, "*", permission: .deny)), .read))
    }

    @Test(
        "some permissions bring others with them",
        arguments: [
            (AccessOperation.read, AccessOperation.describe, true), (.write, .describe, true), (.delete, .describe, true),
            (.alter, .describe, true), (.create, .describe, false),
            (.alterConfigs, .describeConfigs, true), (.alter, .describeConfigs, false), (.all, .alterConfigs, true),
            (.describe, .read, false),
        ])
    func permissionsImply(_ has: AccessOperation, _ wants: AccessOperation, _ implied: Bool) {
        #expect(may(rules(rule(has)), wants) == implied)
    }

    @Test func aDenialBringsNothingElseWithIt() { #expect(may(rules(rule(.all), rule(.read, permission: .deny)), .describe)) }

    @Test func filtersFindExactlyWhatTheyDescribe() {
        let all = [rule(.read), rule(.read, "te", pattern: .prefixed), rule(.write, "x"), rule(.read, who: "User:b", permission: .deny)]
        func found(_ filter: AccessFilter) -> Int { all.count(where: filter.matches) }
        #expect(found(AccessFilter()) == 4)
        #expect(found(AccessFilter(name: "t", pattern: .exactly(.literal))) == 2)
        #expect(found(AccessFilter(name: "test", pattern: .match)) == 1)
        #expect(found(AccessFilter(name: "t", pattern: .match)) == 2)
        #expect(
            found(AccessFilter(principal: "User:b")) == 1 && found(AccessFilter(operation: .write)) == 1
                && found(AccessFilter(permission: .deny)) == 1)
    }
}
