// Limits of users, clients and addresses: the entity of each limit, the limit in force for a connection, and the commands that change
// limits. The order of precedence is Kafka's: the pair of user and client before the user, the user before the client, a name before the
// default. Source: KIP-55, KIP-257, KIP-612.
import Base

/// The limited quantity. The numbers are durable.
package enum QuotaKind: Int8, CaseIterable, Sendable, Comparable {
    case producerByteRate = 1
    case consumerByteRate = 2
    /// Percent of one processor's time on the broker's loop.
    case requestPercentage = 3
    /// Partitions made and deleted in a second.
    case controllerMutationRate = 4
    /// Connections made in a second; the only limit of addresses, and for addresses only.
    case connectionCreationRate = 5

    /// The name on the wire.
    package var name: String {
        switch self {
        case .producerByteRate: "producer_byte_rate"
        case .consumerByteRate: "consumer_byte_rate"
        case .requestPercentage: "request_percentage"
        case .controllerMutationRate: "controller_mutation_rate"
        case .connectionCreationRate: "connection_creation_rate"
        }
    }

    package init?(name: String) {
        guard let kind = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = kind
    }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// One part of a limit's entity.
package enum QuotaSubject: Hashable, Sendable, Comparable {
    /// The limit does not depend on this part.
    case unstated
    case byDefault
    case named(String)

    fileprivate var number: Int8 {
        switch self {
        case .unstated: 0
        case .byDefault: 1
        case .named: 2
        }
    }

    fileprivate var name: String { if case .named(let name) = self { name } else { "" } }
    private var key: (Int8, ExactText) { (number, ExactText(name)) }

    fileprivate init?(_ number: Int64, _ name: String) {
        switch number {
        case 0: self = .unstated
        case 1: self = .byDefault
        case 2: self = .named(name)
        default: return nil
        }
    }

    package static func < (left: Self, right: Self) -> Bool { left.key < right.key }
    package static func == (left: Self, right: Self) -> Bool { left.key == right.key }
    package func hash(into hasher: inout Hasher) {
        hasher.combine(number)
        hasher.combine(ExactText(name))
    }
}

/// The entity of a limit: a user, a client, a pair of them, or an address.
package struct QuotaEntity: WireLayout, Hashable, Comparable {
    package var user = QuotaSubject.unstated
    package var client = QuotaSubject.unstated
    /// Stated only if user and client are not.
    package var address = QuotaSubject.unstated

    package init() {}
    package init(address: QuotaSubject) { self.address = address }
    package init(user: QuotaSubject = .unstated, client: QuotaSubject = .unstated) {
        self.user = user
        self.client = client
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var (first, second) = numbered
        try io.int8(&first.number)
        try io.string(&first.name)
        try io.int8(&second.number)
        try io.string(&second.name)
        guard let read = Self(first, second) else { throw .unknownTag("quota subject", Int(max(first.number, second.number))) }
        self = read
    }

    fileprivate typealias Numbered = (number: Int8, name: String)
    /// An address is encoded in the client's place, with numbers after those of clients.
    private static let addressNumbersBegin: Int8 = 2

    fileprivate var numbered: (Numbered, Numbered) {
        guard address == .unstated else { return ((user.number, user.name), (address.number + Self.addressNumbersBegin, address.name)) }
        return ((user.number, user.name), (client.number, client.name))
    }

    fileprivate init?(_ first: Numbered, _ second: Numbered) {
        guard let user = QuotaSubject(Int64(first.number), first.name) else { return nil }
        if second.number > Self.addressNumbersBegin {
            guard user == .unstated, let address = QuotaSubject(Int64(second.number - Self.addressNumbersBegin), second.name) else {
                return nil
            }
            self.init(address: address)
        } else {
            guard let client = QuotaSubject(Int64(second.number), second.name) else { return nil }
            self.init(user: user, client: client)
        }
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.user, left.client, left.address) < (right.user, right.client, right.address)
    }
}

/// One limit of an entity, set or removed.
package struct QuotaChange: WireLayout, Hashable {
    package var kind = QuotaKind.producerByteRate
    /// nil removes it.
    package var rate: Double?

    package init() {}
    package init(_ kind: QuotaKind, _ rate: Double?) {
        self.kind = kind
        self.rate = rate
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var number = kind.rawValue
        var isSet = rate != nil
        var value = rate ?? 0
        try io.int8(&number)
        try io.bool(&isSet)
        try io.double(&value)
        guard let kind = QuotaKind(rawValue: number) else { throw .unknownTag("quota kind", Int(number)) }
        self = QuotaChange(kind, isSet ? value : nil)
    }
}

/// A change of limits.
package enum QuotaCommand: WireLayout, Equatable {
    case alter(QuotaEntity, [QuotaChange])

    package init() { self = .alter(QuotaEntity(), []) }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        guard case .alter(var entity, var changes) = self else { return }
        var tag: Int8 = 1
        try io.int8(&tag)
        guard tag == 1 else { throw .unknownTag("quota command", Int(tag)) }
        try io.nested(&entity)
        try io.list(&changes)
        self = .alter(entity, changes)
    }
}

/// The limits of all users, clients and addresses.
package struct ClientQuotas: Sendable {
    package private(set) var entries = SortedTable<QuotaEntity, [QuotaKind: Double]>()
    /// Goes up with each change; a cached limit of an earlier version is stale.
    package private(set) var version = 0

    /// Limit of entities.
    package static let entitiesMax = 10_000

    package init() {}

    package var isEmpty: Bool { entries.isEmpty }

    package mutating func set(_ entity: QuotaEntity, _ kind: QuotaKind, _ rate: Double?) {
        var rates = entries[entity] ?? [:]
        rates[kind] = rate
        entries[entity] = rates.isEmpty ? nil : rates
        version += 1
    }

    /// The limit in force for a connection, with the entity that shares it.
    package func limit(_ kind: QuotaKind, user: String, client: String) -> (rate: Double, sharedBy: QuotaEntity)? {
        let named = QuotaSubject.named(user)
        let from = QuotaSubject.named(client)
        let both = QuotaEntity(user: named, client: from)
        let order: [(stated: QuotaEntity, sharedBy: QuotaEntity)] = [
            (both, both), (QuotaEntity(user: named, client: .byDefault), both), (QuotaEntity(user: named), QuotaEntity(user: named)),
            (QuotaEntity(user: .byDefault, client: from), both), (QuotaEntity(user: .byDefault, client: .byDefault), both),
            (QuotaEntity(user: .byDefault), QuotaEntity(user: named)), (QuotaEntity(client: from), QuotaEntity(client: from)),
            (QuotaEntity(client: .byDefault), QuotaEntity(client: from)),
        ]
        for (stated, sharedBy) in order { if let rate = entries[stated]?[kind] { return (rate, sharedBy) } }
        return nil
    }
}

extension ClientQuotas {
    /// Connections a second allowed from an address; nil for no limit.
    package func connectionRate(of address: String) -> Double? {
        let named = entries[QuotaEntity(address: .named(address))]?[.connectionCreationRate]
        return named ?? entries[QuotaEntity(address: .byDefault)]?[.connectionCreationRate]
    }
}

extension BrokerMachine {
    mutating func apply(_ command: QuotaCommand, _ rows: inout RowChanges) -> BrokerOutcome {
        guard case .alter(let entity, let changes) = command else { return .done }
        guard quotas.entries[entity] != nil || quotas.entries.count < ClientQuotas.entitiesMax else {
            return .refused(.tooManyQuotas(limit: ClientQuotas.entitiesMax))
        }
        for change in changes {
            guard quotas.entries[entity]?[change.kind] != change.rate else { continue }
            quotas.set(entity, change.kind, change.rate)
            let key = Self.key(entity, change.kind)
            if let rate = change.rate {
                rows.upsert(Self.quotasTable, key + [.text("\(rate)")])
            } else {
                rows.delete(Self.quotasTable, key: key)
            }
        }
        return .done
    }

    static let quotasTable = TableSchema(
        "client_quotas",
        key: [
            .init("user_kind", .integer), .init("user", .text), .init("client_kind", .integer), .init("client", .text),
            .init("quota", .integer),
        ],
        values: [.init("rate", .text)])

    private static func key(_ entity: QuotaEntity, _ kind: QuotaKind) -> Row {
        let (first, second) = entity.numbered
        return [
            .integer(Int64(first.number)), .text(first.name), .integer(Int64(second.number)), .text(second.name),
            .integer(Int64(kind.rawValue)),
        ]
    }

    mutating func loadQuota(_ row: Row) throws(StateCorruption) {
        guard let firstNumber = row[0].integer.flatMap(Int8.init(exactly:)), let firstName = row[1].text,
            let secondNumber = row[2].integer.flatMap(Int8.init(exactly:)), let secondName = row[3].text,
            let entity = QuotaEntity((firstNumber, firstName), (secondNumber, secondName)),
            let kind = row[4].integer.flatMap(Int8.init(exactly:)).flatMap(QuotaKind.init(rawValue:)),
            let rate = row[5].text.flatMap(Double.init)
        else { throw StateCorruption("a quota's row is incomplete") }
        quotas.set(entity, kind, rate)
    }
}

/// The remaining allowance of a limit: fills at the rate, holds at most `burst` seconds' worth, and can be overdrawn once.
package struct QuotaBucket: Sendable {
    private var level: Double
    private var updated: Instant
    package private(set) var rate: Double
    private let burst: Double

    /// `burst` in seconds.
    package init(rate: Double, burst: Double, now: Instant) {
        self.rate = rate
        self.burst = burst
        level = rate * burst
        updated = now
    }

    private mutating func fill(_ now: Instant) {
        level = min(rate * burst, level + rate * Double(max(0, (now - updated).inNanoseconds)) / 1e9)
        updated = now
    }

    /// Changes the rate from now on.
    package mutating func set(rate: Double, now: Instant) {
        guard rate != self.rate else { return }
        fill(now)
        level = min(level * rate / self.rate, rate * burst)
        self.rate = rate
    }

    /// Takes an amount; returns the taker's wait until the bucket is no longer overdrawn.
    package mutating func take(_ amount: Double, now: Instant) -> Duration {
        fill(now)
        level -= amount
        return level < 0 ? .nanoseconds(Int64(min(-level / rate, Self.waitMax) * 1e9)) : .zero
    }

    /// Whether the level is below zero.
    package mutating func isOverdrawn(now: Instant) -> Bool {
        fill(now)
        return level < 0
    }

    /// The allowance left; negative while overdrawn.
    package mutating func left(now: Instant) -> Double {
        fill(now)
        return level
    }

    /// Whether the bucket has filled up since the last taking.
    package mutating func isFull(now: Instant) -> Bool {
        fill(now)
        return level >= rate * burst
    }

    /// The longest wait, in seconds.
    private static let waitMax = 3600.0
}
