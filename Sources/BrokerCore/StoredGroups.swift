// The membership of groups in the replicated state, so that the next coordinator, or the same one after a restart, continues from it:
// the members keep their generation and their shares and notice nothing. Kafka keeps the same in its offsets topic. A group is a head
// and a row for each member; their content belongs to the coordinators (GroupRecord, ConsumerGroupRecord) and stays unread here. Of an
// empty group the head stays, as in Kafka: until an administrator deletes it, or until a sweep finds it without offsets.
import Base

/// The kinds of groups. The numbers are durable.
package enum GroupKind: Int8, Sendable, CaseIterable {
    /// The leader assigns.
    case classic = 1
    /// The coordinator assigns (KIP-848).
    case consumer = 2
    /// The coordinator assigns, and members share partitions (KIP-932).
    case share = 3
}

/// A change of a group's membership.
package struct StoredGroupChange: WireLayout, Equatable {
    package var kind = GroupKind.classic
    /// The common state of the members; nil deletes the group.
    package var head: Bytes?
    /// Members that are new or have changed.
    package var members: [StoredMember] = []
    package var removed: [MemberID] = []
    /// Whether members outside `members` are removed as well.
    package var replacesAll = false

    package init() {}
    package init(_ kind: GroupKind, head: Bytes?, members: [StoredMember] = [], removed: [MemberID] = [], replacesAll: Bool = false) {
        self.kind = kind
        self.head = head
        self.members = members
        self.removed = removed
        self.replacesAll = replacesAll
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var number = kind.rawValue
        try io.int8(&number)
        guard let kind = GroupKind(rawValue: number) else { throw .unknownTag("kind of group", Int(number)) }
        self.kind = kind
        try io.optionalBytes(&head)
        try io.list(&members)
        try io.array(&removed, empty: MemberID("")) { (member: inout MemberID, io: inout C) throws(WireError) in try io.id(&member) }
        try io.bool(&replacesAll)
    }

    /// Its size in the log, about.
    package var sizeBytes: Int { members.reduce(head?.readableBytes ?? 0) { $0 + $1.content.readableBytes + $1.id.rawValue.utf8.count } }
}

/// A member, written by its coordinator.
package struct StoredMember: WireLayout, Equatable {
    package var id = MemberID("")
    package var content = Bytes()

    package init() {}
    package init(_ id: MemberID, _ content: Bytes) {
        self.id = id
        self.content = content
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.id(&id)
        try io.bytes(&content)
    }
}

extension WireLayout {
    /// A coordinator's record as it is stored.
    var stored: Bytes {
        do { return try encoded(as: DurableDialect.self) } catch { preconditionFailure("a record of ours can always be encoded: \(error)") }
    }
}

/// A group as it is stored.
package struct StoredGroup: Sendable, Equatable {
    package var kind: GroupKind
    package var head: Bytes
    package fileprivate(set) var members = SortedTable<MemberID, Bytes>()
    /// Whether it has no members.
    package var isEmpty: Bool { members.isEmpty }

    package static func == (left: Self, right: Self) -> Bool {
        left.kind == right.kind && left.head == right.head && left.members.keys == right.members.keys
            && left.members.keys.allSatisfy { left.members[$0] == right.members[$0] }
    }
}

extension BrokerMachine {
    /// Limit of stored groups, above which an empty one is not kept; its offsets are.
    package static let groupsMax = 20_000

    /// Stores a group for its coordinator. In a cluster other brokers are refused, and so is a coordinator once another has coordinated.
    mutating func storeGroup(_ id: GroupID, by claim: CoordinatorClaim, _ change: StoredGroupChange, _ rows: inout RowChanges)
        -> BrokerOutcome
    {
        guard cluster.brokers.isEmpty || cluster.accepts(claim, of: id.rawValue) else { return .refused(.notCoordinator(id)) }
        let present = groups[id]
        guard let head = change.head else {
            removeGroup(id, &rows)
            return .done
        }
        // When a group of one kind begins, a group of another kind under its name has no members left.
        let replacesAll = change.replacesAll || present?.kind != change.kind
        var group = StoredGroup(kind: change.kind, head: head.copied())
        if let present { group.members = present.members }
        let named = Set(change.members.map(\.id))
        let gone = replacesAll ? group.members.keys.filter { !named.contains($0) } : change.removed
        for member in gone where group.members[member] != nil {
            group.members[member] = nil
            rows.delete(Self.groupMembersTable, key: Self.key(id, member))
        }
        for member in change.members {
            group.members[member.id] = member.content.copied()
            rows.upsert(Self.groupMembersTable, Self.key(id, member.id) + [.blob(member.content)])
        }
        put(group, id, &rows)
        return .done
    }

    private mutating func put(_ group: StoredGroup, _ id: GroupID, _ rows: inout RowChanges) {
        groups[id] = group
        guard !group.isEmpty || groups.count <= Self.groupsMax else { return removeGroup(id, &rows) }
        rows.upsert(Self.groupsTable, [.text(id.rawValue), .integer(Int64(group.kind.rawValue)), .blob(group.head)])
    }

    mutating func removeGroup(_ id: GroupID, _ rows: inout RowChanges) {
        guard let present = groups[id] else { return }
        rows.delete(Self.groupsTable, key: [.text(id.rawValue)])
        for member in present.members.keys { rows.delete(Self.groupMembersTable, key: Self.key(id, member)) }
        groups[id] = nil
    }

    /// The group's last offset has gone: the group stays as an empty one.
    mutating func keepGroup(_ id: GroupID, _ kind: GroupKind, _ rows: inout RowChanges) {
        guard groups[id] == nil else { return }
        let head = kind == .share ? ConsumerGroupHead(assignor: ShareGroup.assignor).stored : GroupHead().stored
        put(StoredGroup(kind: kind, head: head), id, &rows)
    }

    /// Empty groups without offsets, for a sweep to remove. Share groups stay until they are deleted (KIP-932).
    package var groupsWithoutUse: [(id: GroupID, kind: GroupKind)] {
        var staged: Set<GroupID> = []
        for name in transactionsUnderWay.keys { for one in transactions[name]?.content.staged ?? [] { staged.insert(one.group) } }
        return groups.entries.filter { $0.value.isEmpty && $0.value.kind != .share && offsets[$0.key] == nil && !staged.contains($0.key) }
            .map { ($0.key, $0.value.kind) }
    }

    // MARK: rows

    static let groupsTable = TableSchema(
        "groups", key: [.init("consumer_group", .text)], values: [.init("kind", .integer), .init("head", .blob)])
    static let groupMembersTable = TableSchema(
        "group_members", key: [.init("consumer_group", .text), .init("member", .text)], values: [.init("content", .blob)])

    private static func key(_ group: GroupID, _ member: MemberID) -> Row { [.text(group.rawValue), .text(member.rawValue)] }

    mutating func loadGroup(_ row: Row) throws(StateCorruption) {
        guard let name = row[0].text, let kind = row[1].integer.flatMap(Int8.init(exactly:)).flatMap(GroupKind.init(rawValue:)),
            let head = row[2].blob
        else {
            throw StateCorruption("a group's row is incomplete")
        }
        groups[GroupID(name)] = StoredGroup(kind: kind, head: head)
    }

    mutating func loadGroupMember(_ row: Row) throws(StateCorruption) {
        guard let name = row[0].text, let member = row[1].text, let content = row[2].blob else {
            throw StateCorruption("a group member's row is incomplete")
        }
        guard groups[GroupID(name)] != nil else {
            throw StateCorruption("'\(member)' is a member of group '\(name)', and there is no such group")
        }
        groups.update(GroupID(name)) { $0.members[MemberID(member)] = content }
    }
}
