// Access rules as Kafka's clients write them: a principal, an operation and a resource, named in full or by a prefix. A denial beats
// any permission; anything without a rule is denied. Numbers are the wire's. Source: Kafka documentation, "Authorization and ACLs";
// KIP-290.
import Base

/// The protected resource.
package enum ResourceKind: Int8, Sendable, CaseIterable {
    case topic = 2
    case group = 3
    case cluster = 4
    case transactionalID = 5
}

/// The operation on the resource.
package enum AccessOperation: Int8, Sendable, CaseIterable {
    case all = 2
    case read = 3
    case write = 4
    case create = 5
    case delete = 6
    case alter = 7
    case describe = 8
    case clusterAction = 9
    case describeConfigs = 10
    case alterConfigs = 11
    case idempotentWrite = 12

    /// Whether permission for `self` includes `other`.
    package func implies(_ other: AccessOperation) -> Bool {
        if self == .all || self == other { return true }
        switch other {
        case .describe: return self == .read || self == .write || self == .delete || self == .alter
        case .describeConfigs: return self == .alterConfigs
        default: return false
        }
    }
}

package enum AccessPermission: Int8, Sendable { case deny = 2, allow = 3 }
package enum NamePattern: Int8, Sendable { case literal = 3, prefixed = 4 }

/// One rule.
package struct AccessRule: WireLayout, Hashable, Comparable {
    package var kind: ResourceKind = .topic
    @ExactText package var name = ""
    package var pattern: NamePattern = .literal
    /// `User:NAME`, or `User:*` for all users.
    @ExactText package var principal = ""
    /// An address, or `*`.
    @ExactText package var host = ""
    package var operation: AccessOperation = .all
    package var permission: AccessPermission = .allow

    package init() {}
    package init(
        kind: ResourceKind, name: String, pattern: NamePattern = .literal, principal: String, host: String = "*",
        operation: AccessOperation,
        permission: AccessPermission = .allow
    ) {
        self.kind = kind
        self.name = name
        self.pattern = pattern
        self.principal = principal
        self.host = host
        self.operation = operation
        self.permission = permission
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.choice(&kind)
        try io.string(&name)
        try io.choice(&pattern)
        try io.string(&principal)
        try io.string(&host)
        try io.choice(&operation)
        try io.choice(&permission)
    }

    package static let everybody = "User:*"
    package static let anyHost = "*"
    package static let anyName = "*"

    private var order: (Int8, ExactText, Int8, ExactText, ExactText) { (kind.rawValue, _name, pattern.rawValue, _principal, _host) }
    package static func < (left: AccessRule, right: AccessRule) -> Bool {
        if left.order != right.order { return left.order < right.order }
        return (left.operation.rawValue, left.permission.rawValue) < (right.operation.rawValue, right.permission.rawValue)
    }

    func covers(_ kind: ResourceKind, _ name: String) -> Bool {
        guard kind == self.kind else { return false }
        switch pattern {
        case .literal: return self.name.hasSameBytes(as: name) || self.name.hasSameBytes(as: Self.anyName)
        case .prefixed: return name.beginsWithBytes(of: self.name)
        }
    }

    func concerns(_ principal: String, from host: String) -> Bool {
        (self.principal.hasSameBytes(as: principal) || self.principal.hasSameBytes(as: Self.everybody))
            && (self.host.hasSameBytes(as: host) || self.host.hasSameBytes(as: Self.anyHost))
    }
}

extension FieldCoder where Self: ~Copyable {
    /// An enum by its number; an unknown number is an error.
    mutating func choice<E: RawRepresentable>(_ value: inout E) throws(WireError) where E.RawValue == Int8 {
        var number = value.rawValue
        try int8(&number)
        guard let known = E(rawValue: number) else { throw .unknownTag("\(E.self)", Int(number)) }
        value = known
    }
}

/// All rules.
package struct AccessRules: Sendable {
    package private(set) var rules = SortedTable<AccessRule, Bool>()
    /// Limit of rules; each request looks through all of them.
    package static let rulesMax = 10_000

    package init() {}

    mutating func insert(_ rule: AccessRule) { rules[rule] = true }
    mutating func remove(_ rule: AccessRule) { rules[rule] = nil }

    package func allows(_ principal: String, from host: String, _ operation: AccessOperation, _ kind: ResourceKind, _ name: String) -> Bool
    {
        var isAllowed = false
        for rule in rules.keys where rule.covers(kind, name) && rule.concerns(principal, from: host) {
            switch rule.permission {
            case .deny: if rule.operation == .all || rule.operation == operation { return false }
            case .allow: if rule.operation.implies(operation) { isAllowed = true }
            }
        }
        return isAllowed
    }

    /// Whether any resource of this kind is allowed, whatever its name.
    package func allowsSome(_ principal: String, from host: String, _ operation: AccessOperation, _ kind: ResourceKind) -> Bool {
        rules.keys.contains {
            $0.kind == kind && $0.permission == .allow && $0.concerns(principal, from: host) && $0.operation.implies(operation)
        }
    }
}

/// A selection of rules; nil matches any.
package struct AccessFilter: Sendable {
    package enum Pattern: Sendable, Equatable {
        case any
        /// Every rule that would apply to a resource of this name.
        case match
        case exactly(NamePattern)
    }
    package var kind: ResourceKind?
    package var name: String?
    package var pattern: Pattern
    package var principal: String?
    package var host: String?
    package var operation: AccessOperation?
    package var permission: AccessPermission?

    package init(
        kind: ResourceKind? = nil, name: String? = nil, pattern: Pattern = .any, principal: String? = nil, host: String? = nil,
        operation: AccessOperation? = nil, permission: AccessPermission? = nil
    ) {
        self.kind = kind
        self.name = name
        self.pattern = pattern
        self.principal = principal
        self.host = host
        self.operation = operation
        self.permission = permission
    }

    package func matches(_ rule: AccessRule) -> Bool {
        func fits(_ wanted: String?, _ text: String) -> Bool { wanted.map { $0.hasSameBytes(as: text) } ?? true }
        guard kind == nil || kind == rule.kind, fits(principal, rule.principal), fits(host, rule.host),
            operation == nil || operation == rule.operation, permission == nil || permission == rule.permission
        else { return false }
        switch pattern {
        case .any: return fits(name, rule.name)
        case .exactly(let pattern): return pattern == rule.pattern && fits(name, rule.name)
        case .match: return name.map { rule.covers(rule.kind, $0) } ?? true
        }
    }
}
