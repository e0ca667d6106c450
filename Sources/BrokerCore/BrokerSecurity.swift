// Users and access rules in the broker's durable state. Of a password it keeps only the SCRAM verifier. Source: RFC 5802, RFC 7677.
import Base

/// How a user logs in; the numbers are the wire's.
package enum ScramMechanism: Int8, Sendable, CaseIterable {
    case sha256 = 1
    case sha512 = 2

    package var name: String { self == .sha256 ? "SCRAM-SHA-256" : "SCRAM-SHA-512" }
    package init?(name: String) {
        guard let known = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = known
    }
}

/// A user of one mechanism.
package struct ScramUser: WireLayout, Hashable, Comparable {
    @ExactText package var name = ""
    package var mechanism: ScramMechanism = .sha256

    package init() {}
    package init(_ name: String, _ mechanism: ScramMechanism) {
        self.name = name
        self.mechanism = mechanism
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&name)
        try io.choice(&mechanism)
    }

    package static func < (left: ScramUser, right: ScramUser) -> Bool {
        left._name == right._name ? left.mechanism.rawValue < right.mechanism.rawValue : left._name < right._name
    }
}

/// The SCRAM verifier of a password.
package struct ScramCredential: WireLayout, Hashable {
    package var iterations: Int32 = 0
    package var salt = Bytes()
    package var storedKey = Bytes()
    package var serverKey = Bytes()

    package init() {}
    package init(iterations: Int32, salt: Bytes, storedKey: Bytes, serverKey: Bytes) {
        self.iterations = iterations
        self.salt = salt
        self.storedKey = storedKey
        self.serverKey = serverKey
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&iterations)
        try io.bytes(&salt)
        try io.bytes(&storedKey)
        try io.bytes(&serverKey)
    }
}

/// A change of users or rules.
package enum SecurityCommand: WireLayout, Equatable {
    case setUser(ScramUser, ScramCredential)
    case removeUser(ScramUser)
    case addRules([AccessRule])
    case removeRules([AccessRule])

    package init() { self = .addRules([]) }

    private var tag: Int8 {
        switch self {
        case .setUser: 1
        case .removeUser: 2
        case .addRules: 3
        case .removeRules: 4
        }
    }

    private static func blank(_ tag: Int8) throws(WireError) -> SecurityCommand {
        switch tag {
        case 1: .setUser(ScramUser(), ScramCredential())
        case 2: .removeUser(ScramUser())
        case 3: .addRules([])
        case 4: .removeRules([])
        default: throw .unknownTag("security command", Int(tag))
        }
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var tag = self.tag
        try io.int8(&tag)
        if tag != self.tag { self = try Self.blank(tag) }
        switch self {
        case .setUser(var user, var credential):
            try io.nested(&user)
            try io.nested(&credential)
            self = .setUser(user, credential)
        case .removeUser(var user):
            try io.nested(&user)
            self = .removeUser(user)
        case .addRules(var rules):
            try io.list(&rules)
            self = .addRules(rules)
        case .removeRules(var rules):
            try io.list(&rules)
            self = .removeRules(rules)
        }
    }
}

extension BrokerMachine {
    /// Limit of users of each mechanism.
    package static let usersMax = 10_000

    mutating func apply(_ command: SecurityCommand, _ rows: inout RowChanges) -> BrokerOutcome {
        switch command {
        case .setUser(let user, let credential):
            guard users[user] != nil || users.count < Self.usersMax else { return .refused(.tooManyUsers(limit: Self.usersMax)) }
            set(user, credential)
            rows.upsert(
                Self.usersTable,
                Self.key(user) + [
                    .integer(Int64(credential.iterations)), .blob(credential.salt), .blob(credential.storedKey),
                    .blob(credential.serverKey),
                ])
        case .removeUser(let user):
            guard users[user] != nil else { return .refused(.unknownUser(user.name)) }
            set(user, nil)
            rows.delete(Self.usersTable, key: Self.key(user))
        case .addRules(let rules):
            guard accessRules.rules.count + rules.count <= AccessRules.rulesMax else {
                return .refused(.tooManyRules(limit: AccessRules.rulesMax))
            }
            for rule in rules where accessRules.rules[rule] == nil {
                insert(rule)
                rows.upsert(Self.rulesTable, Self.row(rule))
            }
            return .rulesChanged
        case .removeRules(let rules):
            for rule in rules where accessRules.rules[rule] != nil {
                remove(rule)
                rows.delete(Self.rulesTable, key: Self.row(rule))
            }
            return .rulesChanged
        }
        return .done
    }

    static let usersTable = TableSchema(
        "scram_users", key: [.init("user", .text), .init("mechanism", .integer)],
        values: [.init("iterations", .integer), .init("salt", .blob), .init("stored_key", .blob), .init("server_key", .blob)])
    static let rulesTable = TableSchema(
        "access_rules",
        key: [
            .init("kind", .integer), .init("name", .text), .init("pattern", .integer), .init("principal", .text), .init("host", .text),
            .init("operation", .integer), .init("permission", .integer),
        ], values: [])

    private static func key(_ user: ScramUser) -> Row { [.text(user.name), .integer(Int64(user.mechanism.rawValue))] }

    private static func row(_ rule: AccessRule) -> Row {
        [
            .integer(Int64(rule.kind.rawValue)), .text(rule.name), .integer(Int64(rule.pattern.rawValue)), .text(rule.principal),
            .text(rule.host),
            .integer(Int64(rule.operation.rawValue)), .integer(Int64(rule.permission.rawValue)),
        ]
    }

    mutating func loadUser(_ row: Row) throws(StateCorruption) {
        guard let name = row[0].text, let mechanism = Self.choice(row[1], ScramMechanism.self),
            let iterations = row[2].integer.flatMap(Int32.init(exactly:)),
            let salt = row[3].blob, let stored = row[4].blob, let server = row[5].blob
        else { throw StateCorruption("a user's row is incomplete") }
        set(ScramUser(name, mechanism), ScramCredential(iterations: iterations, salt: salt, storedKey: stored, serverKey: server))
    }

    mutating func loadRule(_ row: Row) throws(StateCorruption) {
        guard let kind = Self.choice(row[0], ResourceKind.self), let name = row[1].text,
            let pattern = Self.choice(row[2], NamePattern.self),
            let principal = row[3].text, let host = row[4].text, let operation = Self.choice(row[5], AccessOperation.self),
            let permission = Self.choice(row[6], AccessPermission.self)
        else { throw StateCorruption("an access rule's row is incomplete") }
        insert(
            AccessRule(
                kind: kind, name: name, pattern: pattern, principal: principal, host: host, operation: operation, permission: permission))
    }

    private static func choice<E: RawRepresentable>(_ value: ColumnValue, _: E.Type) -> E? where E.RawValue == Int8 {
        value.integer.flatMap(Int8.init(exactly:)).flatMap(E.init(rawValue:))
    }
}
