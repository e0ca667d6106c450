// A partition's replicas, leader and in-sync replicas, with the rules of their changes. Pure functions of a state and an event; the
// machine stores the result. Source: Kafka KIP-101, KIP-497, KIP-631 and the protocol's documentation.
import Base

/// One partition of a cluster.
package struct PartitionState: Sendable, Hashable {
    /// In the order of preference.
    package var replicas: [Int32]
    /// Replicas that have everything acknowledged, in the order of `replicas`.
    package var inSync: [Int32]
    /// -1 while no replica that may lead is alive.
    package var leader: Int32
    /// Rises with every change of the leader.
    package var leaderEpoch: Int32 = 0
    /// Rises with every change of this state.
    package var version: Int32 = 0
    /// Replicas that a reassignment adds and removes.
    package var adding: [Int32] = []
    package var removing: [Int32] = []

    package init(replicas: [Int32], inSync: [Int32], leader: Int32) {
        self.replicas = replicas
        self.inSync = inSync
        self.leader = leader
    }

    /// A new partition: every live replica is in sync, since the log is empty.
    package init(made replicas: [Int32], alive: Set<Int32>) {
        let present = replicas.filter(alive.contains)
        self.init(replicas: replicas, inSync: present.isEmpty ? Array(replicas.prefix(1)) : present, leader: present.first ?? -1)
    }

    package static let noLeader: Int32 = -1
    package var isReassigned: Bool { !adding.isEmpty || !removing.isEmpty }
    /// The replicas after the reassignment.
    package var target: [Int32] { replicas.filter { !removing.contains($0) } }
    /// The leader if all replicas are in sync.
    package var preferredLeader: Int32 { replicas.first ?? Self.noLeader }

    private mutating func setLeader(_ broker: Int32) {
        guard broker != leader else { return }
        leader = broker
        leaderEpoch += 1
    }

    /// Elects the first replica that may lead. With `unclean` a live one that may lack records leads if there is no other.
    private mutating func elect(_ alive: Set<Int32>, unclean: Bool) {
        if let next = replicas.first(where: { inSync.contains($0) && alive.contains($0) }) { return setLeader(next) }
        guard unclean, let next = replicas.first(where: alive.contains) else { return setLeader(Self.noLeader) }
        inSync = [next]
        setLeader(next)
    }

    /// A broker is gone. The last one in sync stays so: only it has everything acknowledged.
    package mutating func lost(_ broker: Int32, alive: Set<Int32>, unclean: Bool) -> Bool {
        let before = self
        let others = inSync.filter { $0 != broker }
        if !others.isEmpty { inSync = others }
        if leader == broker { elect(alive, unclean: unclean) }
        return note(before)
    }

    /// A broker is back. If it led before its restart, its epoch ends and the first replica in sync begins another.
    package mutating func returned(_ broker: Int32, alive: Set<Int32>, keepsLog: Bool) -> Bool {
        let before = self
        if !keepsLog {
            let others = inSync.filter { $0 != broker }
            if !others.isEmpty { inSync = others }
        }
        if leader == broker {
            leader = Self.noLeader
            elect(alive, unclean: false)
            if leader == Self.noLeader { leaderEpoch += 1 }
        } else if leader == Self.noLeader {
            elect(alive, unclean: false)
        }
        return note(before)
    }

    /// Elects the preferred leader, or with `unclean` any live replica where there is no leader.
    package mutating func elect(again alive: Set<Int32>, unclean: Bool) -> Bool {
        let before = self
        if unclean {
            if leader == Self.noLeader { elect(alive, unclean: true) }
        } else if inSync.contains(preferredLeader), alive.contains(preferredLeader) {
            setLeader(preferredLeader)
        }
        return note(before)
    }

    /// The leader's change of the in-sync replicas; false if it is based on an earlier state.
    package mutating func changeInSync(_ change: InSyncChange, alive: Set<Int32>) -> Bool {
        guard change.leader == leader, change.leaderEpoch == leaderEpoch, change.version == version, change.inSync.contains(leader),
            change.inSync.allSatisfy({ replicas.contains($0) && ($0 == leader || alive.contains($0)) })
        else { return false }
        let before = self
        inSync = replicas.filter(change.inSync.contains)
        finishReassignment(alive)
        version = before.version + 1
        return true
    }

    /// Removes the leaving replicas once all staying ones are in sync.
    private mutating func finishReassignment(_ alive: Set<Int32>) {
        let target = self.target
        guard isReassigned, target.allSatisfy(inSync.contains) else { return }
        replicas = target
        inSync = target
        adding = []
        removing = []
        if !replicas.contains(leader) { elect(alive, unclean: false) }
    }

    /// Begins a reassignment, or cancels one.
    package mutating func reassign(to target: [Int32], alive: Set<Int32>) -> Bool {
        let before = self
        let settled = replicas.filter { !adding.contains($0) }
        if target.isEmpty {
            let kept = inSync.filter(settled.contains)
            // A replica being added may be the only one in sync: it stays until another is.
            guard !kept.isEmpty else { return false }
            replicas = settled
            inSync = kept
            adding = []
            removing = []
            if !replicas.contains(leader) { elect(alive, unclean: false) }
        } else {
            adding = target.filter { !settled.contains($0) }
            removing = settled.filter { !target.contains($0) }
            replicas = target + removing
            inSync = replicas.filter(before.inSync.contains)
            finishReassignment(alive)
        }
        return note(before)
    }

    private mutating func note(_ before: PartitionState) -> Bool {
        guard self != before else { return false }
        version = before.version + 1
        return true
    }
}

/// The placement of new partitions.
package enum ReplicaPlacement {
    /// `count` lists of `factor` brokers each, spread over brokers and racks; `start` makes topics begin at different brokers. `brokers` is
    /// not empty; `factor` is between 1 and the number of brokers.
    package static func lists(count: Int, factor: Int, brokers: [BrokerRecord], start: Int) -> [ReplicaList] {
        let order = alternating(brokers)
        return (0..<count).map { place in
            let first = (start + place) % order.count
            // The followers shift once per round, so that the same broker does not always replace another.
            let shift = (start + place) / order.count % max(1, order.count - 1)
            let rest = (0..<(order.count - 1)).map { order[(first + 1 + (shift + $0) % (order.count - 1)) % order.count] }
            return ReplicaList([order[first]] + rest.prefix(factor - 1))
        }
    }

    /// Alternates racks, so that neighbours are in different ones.
    private static func alternating(_ brokers: [BrokerRecord]) -> [Int32] {
        var racks: [(rack: String, brokers: [Int32])] = []
        for broker in brokers.sorted(by: { $0.id < $1.id }) {
            if let place = racks.firstIndex(where: { $0.rack == broker.rack }) {
                racks[place].brokers.append(broker.id)
            } else {
                racks.append((broker.rack, [broker.id]))
            }
        }
        var order: [Int32] = []
        while order.count < brokers.count {
            for place in racks.indices where !racks[place].brokers.isEmpty { order.append(racks[place].brokers.removeFirst()) }
        }
        return order
    }
}
