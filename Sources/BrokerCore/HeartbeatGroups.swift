// What the coordinators of groups whose members only heartbeat have in common (KIP-848, KIP-932): which groups there are, which of their changes are to be
// stored, and when one that nobody is in is forgotten. The rules of one group are in ConsumerGroup and ShareGroup, joining in their coordinators.
import Base

/// A group whose changes are stored before the answers that came with them go out.
package protocol HeartbeatGroup: Sendable {
    var id: GroupID { get }
    var isEmpty: Bool { get }
    /// Whether what is stored says all that there is to say.
    var isForgettable: Bool { get }
    /// What has changed since the last call; nil if nothing has.
    mutating func takeChange() -> StoredGroupChange?
    /// A change was stored, or could not be: then the whole group goes along with the next one.
    mutating func stored(_ isStored: Bool)
    /// Whether the time of a member is over.
    func isDue(now: Instant) -> Bool
    /// Ends sessions and waits whose time is over.
    mutating func expire(now: Instant)
}

/// The groups of one kind that a broker coordinates, with what of them is to be stored.
package struct HeartbeatGroups<Group: HeartbeatGroup>: Sendable {
    private(set) var table = SortedTable<GroupID, Group>()
    private var changes: [(group: GroupID, change: StoredGroupChange)] = []

    /// Puts a group, or what an event has made of it, in its place. One that nobody is in any more is forgotten once that is stored.
    mutating func keep(_ group: Group) {
        var group = group
        if let change = group.takeChange() { changes.append((group.id, change)) }
        table[group.id] = group.isForgettable ? nil : group
    }

    /// Takes in a group that was stored, as it is.
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

/// Who coordinates such groups.
package protocol HeartbeatGroupCoordinator: Sendable {
    associatedtype Group: HeartbeatGroup
    /// For the coordinator alone; others look at `groups`.
    var kept: HeartbeatGroups<Group> { get set }
}

extension HeartbeatGroupCoordinator {
    package var groups: SortedTable<GroupID, Group> { kept.table }
    /// Whether anything can expire, so that the shell has to call `expire`.
    package var needsTicks: Bool { !kept.table.isEmpty }
    /// What has changed since the last call: to be stored before the answers that came with it go out.
    package mutating func takeChanges() -> [(group: GroupID, change: StoredGroupChange)] { kept.takeChanges() }
    /// A change of the group was stored, or could not be: then the whole group goes along with the next one.
    package mutating func stored(_ id: GroupID, _ isStored: Bool) { kept.stored(id, isStored) }
    /// Ends sessions and waits whose time is over.
    package mutating func expire(now: Instant) { kept.expire(now: now) }
    /// Another broker coordinates the group now.
    package mutating func forget(_ id: GroupID) { kept.forget(id) }
}
