// DescribeAcls, CreateAcls and DeleteAcls: the access rules themselves. They are stored whether or not the broker enforces them.
import Base
import BrokerCore
import KafkaWire

/// The reason for refusing a rule or filter.
private struct RuleRefusal: Error {
    var message: String
}

extension Broker {
    func describeAcls(_ request: DescribeAclsRequest, _ call: Call) {
        let filter: AccessFilter
        do {
            filter = try Self.filter(
                request.resourceTypeFilter, request.resourceNameFilter, request.patternTypeFilter, request.principalFilter,
                request.hostFilter, request.operation,
                request.permissionType)
        } catch { return call.reply(DescribeAclsResponse(errorCode: .invalidRequest, errorMessage: error.message)) }
        var resources: [DescribeAclsResponse.Resource] = []
        for rule in machine.accessRules.rules.keys where filter.matches(rule) {
            let last = resources.last
            if last?.resourceType != rule.kind.rawValue || last?.resourceName != rule.name || last?.patternType != rule.pattern.rawValue {
                resources.append(.init(resourceType: rule.kind.rawValue, resourceName: rule.name, patternType: rule.pattern.rawValue))
            }
            resources[resources.count - 1].acls.append(
                .init(
                    principal: rule.principal, host: rule.host, operation: rule.operation.rawValue, permissionType: rule.permission.rawValue
                ))
        }
        call.reply(DescribeAclsResponse(resources: resources))
    }

    func createAcls(_ request: CreateAclsRequest, _ call: Call) {
        var results = request.creations.map { _ in CreateAclsResponse.Result() }
        var rules: [AccessRule] = []
        for (index, creation) in request.creations.enumerated() {
            do { rules.append(try Self.rule(creation)) } catch {
                results[index].errorCode = .invalidRequest
                results[index].errorMessage = error.message
            }
        }
        guard !rules.isEmpty else { return call.reply(CreateAclsResponse(results: results)) }
        changeRules(.addRules(rules), call) { refusal in
            if let refusal {
                for index in results.indices where results[index].errorCode == .none {
                    results[index].errorCode = refusal.code
                    results[index].errorMessage = refusal.message
                }
            }
            call.reply(CreateAclsResponse(results: results))
        }
    }

    func deleteAcls(_ request: DeleteAclsRequest, _ call: Call) {
        var results: [DeleteAclsResponse.FilterResult] = []
        var gone: [AccessRule] = []
        for one in request.filters {
            do {
                let filter = try Self.filter(
                    one.resourceTypeFilter, one.resourceNameFilter, one.patternTypeFilter, one.principalFilter, one.hostFilter,
                    one.operation, one.permissionType)
                let found = machine.accessRules.rules.keys.filter(filter.matches)
                gone += found
                results.append(
                    .init(
                        matchingAcls: found.map {
                            .init(
                                resourceType: $0.kind.rawValue, resourceName: $0.name, patternType: $0.pattern.rawValue,
                                principal: $0.principal, host: $0.host,
                                operation: $0.operation.rawValue, permissionType: $0.permission.rawValue)
                        }))
            } catch { results.append(.init(errorCode: .invalidRequest, errorMessage: error.message)) }
        }
        guard !gone.isEmpty else { return call.reply(DeleteAclsResponse(filterResults: results)) }
        changeRules(.removeRules(gone), call) { refusal in
            if let refusal { results = results.map { _ in .init(errorCode: refusal.code, errorMessage: refusal.message) } }
            call.reply(DeleteAclsResponse(filterResults: results))
        }
    }

    private func changeRules(_ command: SecurityCommand, _ call: Call, _ done: @escaping (BrokerRefusal?) -> Void) {
        replica.propose(.security(command)) { [self] result in
            access.rulesChanged()
            switch result {
            case .success(.refused(let refusal)): done(refusal)
            case .success:
                log.notice("access rules were altered", metadata: ["by": "\(JSONText.quoted(call.session.principal))"])
                done(nil)
            case .failure: done(.notWritable)
            }
        }
    }

    private static func rule(_ creation: CreateAclsRequest.Rule) throws(RuleRefusal) -> AccessRule {
        guard let kind = ResourceKind(rawValue: creation.resourceType) else {
            throw RuleRefusal(
                message:
                    "topics (2), groups (3), the cluster (4) and transactional ids (5) are protected, not kind \(creation.resourceType)")
        }
        guard let pattern = NamePattern(rawValue: creation.resourcePatternType) else {
            throw RuleRefusal(message: "a rule's name is literal (3) or a prefix (4)")
        }
        guard let operation = AccessOperation(rawValue: creation.operation) else {
            throw RuleRefusal(message: "there is no operation \(creation.operation)")
        }
        guard let permission = AccessPermission(rawValue: creation.permissionType) else {
            throw RuleRefusal(message: "a rule denies (2) or allows (3)")
        }
        guard creation.principal.beginsWithBytes(of: "User:"), creation.principal.utf8.count > 5 else {
            throw RuleRefusal(message: "a principal has the form User:NAME")
        }
        guard !creation.resourceName.isEmpty, !creation.host.isEmpty else { throw RuleRefusal(message: "a rule has a resource and a host") }
        guard kind != .cluster || creation.resourceName == AccessReview.clusterName else {
            throw RuleRefusal(message: "the cluster's name is \(AccessReview.clusterName)")
        }
        return AccessRule(
            kind: kind, name: creation.resourceName, pattern: pattern, principal: creation.principal, host: creation.host,
            operation: operation, permission: permission)
    }

    private static var any: Int8 { 1 }
    private static var match: Int8 { 2 }

    private static func filter(
        _ kind: Int8, _ name: String?, _ pattern: Int8, _ principal: String?, _ host: String?, _ operation: Int8, _ permission: Int8
    ) throws(RuleRefusal) -> AccessFilter {
        func choice<E: RawRepresentable>(_ number: Int8, _: E.Type) throws(RuleRefusal) -> E? where E.RawValue == Int8 {
            if number == any { return nil }
            guard let known = E(rawValue: number) else { throw RuleRefusal(message: "\(number) stands for no \(E.self)") }
            return known
        }
        let wanted: AccessFilter.Pattern
        if pattern == any {
            wanted = .any
        } else if pattern == match {
            wanted = .match
        } else if let known = NamePattern(rawValue: pattern) {
            wanted = .exactly(known)
        } else {
            throw RuleRefusal(message: "\(pattern) stands for no kind of pattern")
        }
        return AccessFilter(
            kind: try choice(kind, ResourceKind.self), name: name, pattern: wanted, principal: principal, host: host,
            operation: try choice(operation, AccessOperation.self), permission: try choice(permission, AccessPermission.self))
    }
}
