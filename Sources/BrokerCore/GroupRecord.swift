// The stored form of a classic group, written with each generation. Source of the stored fields: Kafka's group metadata records.
import Base

/// The common state of a group's members.
struct GroupHead: WireLayout, Equatable {
    var generation: Int32 = 0
    var protocolType = ""
    var protocolName = ""
    var leader = MemberID("")

    mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&generation)
        try io.string(&protocolType)
        try io.string(&protocolName)
        try io.id(&leader)
    }
}

/// A member of a group.
struct GroupMemberRecord: WireLayout {
    /// Its place in the order of joining.
    var place: Int32 = 0
    var instance: String?
    var clientID = ""
    var clientHost = ""
    var sessionMilliseconds: Int64 = 0
    var rebalanceMilliseconds: Int64 = 0
    var protocols: [OfferedProtocol] = []
    var assignment = Bytes()

    mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&place)
        try io.optionalString(&instance)
        try io.string(&clientID)
        try io.string(&clientHost)
        try io.int64(&sessionMilliseconds)
        try io.int64(&rebalanceMilliseconds)
        try io.list(&protocols)
        try io.bytes(&assignment)
    }
}

/// An assignment protocol that a member knows, with its subscription.
struct OfferedProtocol: WireLayout {
    var name = ""
    var metadata = Bytes()

    init() {}
    init(_ name: String, _ metadata: Bytes) {
        self.name = name
        self.metadata = metadata
    }

    mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&name)
        try io.bytes(&metadata)
    }
}

/// A change of a group that is being stored.
struct GroupStore: Sendable {
    enum Purpose: Sendable, Equatable {
        /// The shares of this generation: the group is stable once they are stored.
        case shares(generation: Int32)
        /// A static member took its predecessor's place; its answer goes out after the store.
        case successor(ReplyToken, JoinedGroup)
        /// The group is empty.
        case emptied
    }
    var purpose: Purpose
    var change: StoredGroupChange
    /// Set when the store begins.
    var number = 0
}

extension Group {
    /// The stored form of the present group.
    func record() -> StoredGroupChange {
        let head = GroupHead(
            generation: generation, protocolType: protocolType ?? "", protocolName: protocolName ?? "", leader: leader ?? MemberID(""))
        let members = memberTable.values.enumerated().map { place, member in
            StoredMember(
                member.id,
                GroupMemberRecord(
                    place: Int32(place), instance: member.instance, clientID: member.clientID, clientHost: member.clientHost,
                    sessionMilliseconds: member.sessionTimeout.inMilliseconds,
                    rebalanceMilliseconds: member.rebalanceTimeout.inMilliseconds,
                    protocols: member.protocols.map { OfferedProtocol($0.name, $0.metadata) }, assignment: member.assignment
                ).stored)
        }
        return StoredGroupChange(.classic, head: head.stored, members: members, replacesAll: true)
    }

    /// A stored group; its members' sessions restart. Throws WireError if the record is damaged.
    package init(id: GroupID, settings: GroupSettings, stored: StoredGroup, now: Instant) throws(WireError) {
        self.init(id: id, settings: settings)
        let head = try GroupHead(decoding: stored.head, as: DurableDialect.self)
        var members: [(id: MemberID, record: GroupMemberRecord)] = []
        for (id, content) in stored.members.entries {
            members.append((id, try GroupMemberRecord(decoding: content, as: DurableDialect.self)))
        }
        for (id, record) in members.sorted(by: { $0.record.place < $1.record.place }) {
            let session = Duration.milliseconds(record.sessionMilliseconds)
            restore(
                GroupMember(
                    id: id, instance: record.instance, clientID: record.clientID, clientHost: record.clientHost, sessionTimeout: session,
                    rebalanceTimeout: .milliseconds(record.rebalanceMilliseconds),
                    protocols: record.protocols.map { ($0.name, $0.metadata) },
                    assignment: record.assignment, deadline: now + session))
        }
        generation = head.generation
        protocolType = head.protocolType
        guard !members.isEmpty else { return }
        protocolName = head.protocolName
        leader = head.leader
        phase = .stable
    }

    // MARK: storing

    /// Whether the shares of this generation are being stored.
    var isStoringShares: Bool { storesUnderWay.contains { $0.purpose == .shares(generation: generation) } }

    mutating func store(_ purpose: GroupStore.Purpose) { storesWanted.append(GroupStore(purpose: purpose, change: record())) }

    /// Hands out the pending stores, numbered on from `last`.
    mutating func takeStores(_ last: inout Int) -> [GroupEffect] {
        guard !storesWanted.isEmpty else { return [] }
        var effects: [GroupEffect] = []
        for var store in storesWanted {
            last += 1
            store.number = last
            storesUnderWay.append(store)
            effects.append(.store(id, number: last, store.change))
        }
        storesWanted = []
        return effects
    }

    /// A store has ended.
    mutating func stored(_ number: Int, _ refusal: GroupRefusal?, now: Instant) -> [GroupEffect] {
        guard let place = storesUnderWay.firstIndex(where: { $0.number == number }) else { return [] }
        switch storesUnderWay.remove(at: place).purpose {
        case .successor(let token, let joined):
            let reason = memberTable[joined.member] == nil ? .unknownMember : refusal
            return [reason.map { .joinRefused(token, $0, joined.member) } ?? .joined(token, joined)]
        case .emptied:
            if refusal != nil { owesEmptied = true }
            return []
        case .shares(let generation):
            // Another rebalance has begun meanwhile.
            guard phase == .completingRebalance, generation == self.generation else { return [] }
            return refusal.map { refuseShares($0, now: now) } ?? handOutShares(now: now)
        }
    }

    /// Refuses the requests that wait for stores under way.
    func refuseStores(_ refusal: GroupRefusal) -> [GroupEffect] {
        storesUnderWay.compactMap { store in
            if case .successor(let token, let joined) = store.purpose { .joinRefused(token, refusal, joined.member) } else { nil }
        }
    }
}
