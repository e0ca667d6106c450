// The common part of the coordinators of groups whose members only heartbeat (KIP-848, KIP-932): the table of groups, their pending
// stores, and when an empty group is forgotten. ConsumerGroup and ShareGroup have the rules of one group, their coordinators the joins.
import Base

/// A group whose changes are stored before the answers that came with them go out.
package protocol HeartbeatGroup: Sendable {
    var id: GroupID { get }
    var isEmpty: Bool { get }
    /// Whether the stored state is complete.
    var isForgettable: Bool { get }
    /// Changes since the last call; nil if there are none.
    mutating func takeChange() -> StoredGroupChange?
    /// A store has ended. After a failure the next one carries the whole group.
    mutating func stored(_ isStored: Bool)
    /// Whether a member's time is over.
    func isDue(now: Instant) -> Bool
    /// Ends sessions and waits whose time is over.
    mutating func expire(now: Instant)
}

/// The groups of one kind that a broker coordinates, with their pending stores.
package struct HeartbeatGroups<Group: HeartbeatGroup>: Sendable {
    private(set) var table = SortedTable<GroupID, Group>()
    private var changes: [(group: GroupID, change: StoredGroupChange)] = []

    /// Puts a new or changed group in its place. An empty group is forgotten once it is stored as such.
    mutating func keep(_ group: Group) {
        var group = group
        if let change = group.takeChange() { changes.append((group.id, change)) }
        table[group.id] = group.isForgettable ? nil : group
    }

    /// Adopts a stored group as it is.
    mutating func adopt(_ group: Group) { table[group.id] = group }

    mutating func takeChanges() -> [(group: GroupID, change: StoredGroupChange)] {
        defer { changes = [] }
        return changes
    }

    mutating func stored(_ id: GroupID, _ isStored: Bool) {
        table.update(id) { $0.stored(isStored) }
        if table[id]?.isForgettable == true { table[id] = nil }
    }

    mutating func expire(now: Instant) {
        for id in table.keys {
            guard var group = table[id], group.isDue(now: now) || group.isEmpty else { continue }
            group.expire(now: now)
            keep(group)
        }
    }

    mutating func forget(_ id: GroupID) { table[id] = nil }
}

/// A coordinator of such groups.
package protocol HeartbeatGroupCoordinator: Sendable {
    associatedtype Group: HeartbeatGroup
    /// For the coordinator alone; other code reads `groups`.
    var kept: HeartbeatGroups<Group> { get set }
}

extension HeartbeatGroupCoordinator {
    package var groups: SortedTable<GroupID, Group> { kept.table }
    /// Whether anything can expire, so that the shell has to call `expire`.
    package var needsTicks: Bool { !kept.table.isEmpty }
    /// Changes since the last call, to be stored before their answers go out.
    package mutating func takeChanges() -> [(group: GroupID, change: StoredGroupChange)] { kept.takeChanges() }
    /// A store of the group has ended. After a failure the next one carries the whole group.
    package mutating func stored(_ id: GroupID, _ isStored: Bool) { kept.stored(id, isStored) }
    /// Ends sessions and waits whose time is over.
    package mutating func expire(now: Instant) { kept.expire(now: now) }
    /// Another broker coordinates the group now.
    package mutating func forget(_ id: GroupID) { kept.forget(id) }
}
