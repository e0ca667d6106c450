// Users and access rules of a cluster, for our own verbs.
import Base
import KafkaWire
import NetKit

/// A way in which a user can log in.
package struct KafkaCredential: Sendable, Equatable {
    package var user: String
    package var mechanism: String
    package var iterations: Int32
}

/// An access rule in words.
package struct KafkaRule: Sendable, Equatable {
    package var resource: String
    package var name: String
    package var pattern: String
    package var principal: String
    package var host: String
    package var operation: String
    package var permission: String

    package init(resource: String, name: String, pattern: String, principal: String, host: String, operation: String, permission: String) {
        self.resource = resource
        self.name = name
        self.pattern = pattern
        self.principal = principal
        self.host = host
        self.operation = operation
        self.permission = permission
    }

    package static let resources: [(word: String, number: Int8)] = [("topic", 2), ("group", 3), ("cluster", 4), ("transaction", 5)]
    package static let operations: [(word: String, number: Int8)] = [
        ("all", 2), ("read", 3), ("write", 4), ("create", 5), ("delete", 6), ("alter", 7), ("describe", 8), ("cluster-action", 9),
        ("describe-configs", 10),
        ("alter-configs", 11), ("idempotent-write", 12),
    ]
    static let patterns: [(word: String, number: Int8)] = [("literal", 3), ("prefixed", 4)]
    static let permissions: [(word: String, number: Int8)] = [("deny", 2), ("allow", 3)]

    static func word(_ number: Int8, _ table: [(word: String, number: Int8)]) -> String {
        table.first { $0.number == number }?.word ?? "\(number)"
    }
    static func number(_ word: String, _ table: [(word: String, number: Int8)]) -> Int8 { table.first { $0.word == word }?.number ?? 0 }
}

extension KafkaClient {
    private static let mechanisms: [(word: String, number: Int8)] = [("SCRAM-SHA-256", 1), ("SCRAM-SHA-512", 2)]
    private static var iterations: Int32 { 4096 }

    package func users() async throws -> [KafkaCredential] {
        let answer = try await callAny(DescribeUserScramCredentialsRequest())
        guard answer.errorCode == .none else {
            throw KafkaFailure.refused(answer.errorCode, doing: "listing users", detail: answer.errorMessage)
        }
        return answer.results.flatMap { user in
            user.credentialInfos.map {
                KafkaCredential(user: user.user, mechanism: KafkaRule.word($0.mechanism, Self.mechanisms), iterations: $0.iterations)
            }
        }
    }

    /// Sets a user's password for both mechanisms, also in place of an earlier one. Kafka changes one mechanism of a user per request.
    package func setUser(_ user: KafkaUser) async throws {
        for (_, number) in Self.mechanisms {
            let salt = Digests.randomBytes(16)
            let hash: ScramHash = number == 1 ? .sha256 : .sha512
            let salted = hash.saltedPassword(Bytes(string: user.password), salt: salt, iterations: Int(Self.iterations))
            let upsertion = AlterUserScramCredentialsRequest.Upsertion(
                name: user.name, mechanism: number, iterations: Self.iterations, salt: salt, saltedPassword: salted)
            try await alterUsers(AlterUserScramCredentialsRequest(upsertions: [upsertion]), doing: "setting user '\(user.name)'")
        }
    }

    package func deleteUser(_ name: String) async throws {
        let known = try await users().filter { $0.user == name }
        guard !known.isEmpty else {
            throw KafkaFailure.refused(.resourceNotFound, doing: "deleting user '\(name)'", detail: "there is no such user")
        }
        for credential in known {
            let deletion = AlterUserScramCredentialsRequest.Deletion(
                name: name, mechanism: KafkaRule.number(credential.mechanism, Self.mechanisms))
            try await alterUsers(AlterUserScramCredentialsRequest(deletions: [deletion]), doing: "deleting user '\(name)'")
        }
    }

    private func alterUsers(_ request: AlterUserScramCredentialsRequest, doing: String) async throws {
        let answer = try await callAny(request)
        for result in answer.results where result.errorCode != .none {
            throw KafkaFailure.refused(result.errorCode, doing: doing, detail: result.errorMessage)
        }
    }

    private static var any: Int8 { 1 }

    package func rules() async throws -> [KafkaRule] {
        let request = DescribeAclsRequest(
            resourceTypeFilter: Self.any, patternTypeFilter: Self.any, operation: Self.any, permissionType: Self.any)
        let answer = try await callAny(request)
        guard answer.errorCode == .none else {
            throw KafkaFailure.refused(answer.errorCode, doing: "listing access rules", detail: answer.errorMessage)
        }
        return answer.resources.flatMap { resource in
            resource.acls.map { rule in
                KafkaRule(
                    resource: KafkaRule.word(resource.resourceType, KafkaRule.resources), name: resource.resourceName,
                    pattern: KafkaRule.word(resource.patternType, KafkaRule.patterns), principal: rule.principal, host: rule.host,
                    operation: KafkaRule.word(rule.operation, KafkaRule.operations),
                    permission: KafkaRule.word(rule.permissionType, KafkaRule.permissions))
            }
        }
    }

    package func addRules(_ rules: [KafkaRule]) async throws {
        let creations = rules.map {
            CreateAclsRequest.Rule(
                resourceType: KafkaRule.number($0.resource, KafkaRule.resources), resourceName: $0.name,
                resourcePatternType: KafkaRule.number($0.pattern, KafkaRule.patterns),
                principal: $0.principal, host: $0.host, operation: KafkaRule.number($0.operation, KafkaRule.operations),
                permissionType: KafkaRule.number($0.permission, KafkaRule.permissions))
        }
        let answer = try await callAny(CreateAclsRequest(creations: creations))
        for result in answer.results where result.errorCode != .none {
            throw KafkaFailure.refused(result.errorCode, doing: "adding an access rule", detail: result.errorMessage)
        }
    }

    /// Removes exactly these rules; returns the number removed.
    package func removeRules(_ rules: [KafkaRule]) async throws -> Int {
        let filters = rules.map {
            DeleteAclsRequest.Filter(
                resourceTypeFilter: KafkaRule.number($0.resource, KafkaRule.resources), resourceNameFilter: $0.name,
                patternTypeFilter: KafkaRule.number($0.pattern, KafkaRule.patterns), principalFilter: $0.principal, hostFilter: $0.host,
                operation: KafkaRule.number($0.operation, KafkaRule.operations),
                permissionType: KafkaRule.number($0.permission, KafkaRule.permissions))
        }
        let answer = try await callAny(DeleteAclsRequest(filters: filters))
        for result in answer.filterResults where result.errorCode != .none {
            throw KafkaFailure.refused(result.errorCode, doing: "removing access rules", detail: result.errorMessage)
        }
        return answer.filterResults.reduce(0) { $0 + $1.matchingAcls.count }
    }
}
