// How the coordinator spreads partitions over members (KIP-848): `uniform` evenly and with as few moves as possible; `range` by
// consecutive partitions of each topic, so that one member gets the same numbers of several topics.
import Base

/// A strategy of assigning partitions.
package enum ConsumerGroupAssignor: String, Sendable {
    case uniform
    case range

    struct Member {
        var id: MemberID
        /// The existing topics it subscribes to.
        var topics: [String]
        var present: [TopicPartition]
    }

    /// Each member's share, in order.
    func assign(members: [Member], partitions: SortedTable<String, Int32>) -> [(MemberID, [TopicPartition])] {
        let members = members.sorted { $0.id < $1.id }
        let shares = self == .range ? Self.ranges(members, partitions) : Self.evenly(members, partitions)
        return zip(members, shares).map { ($0.id, $1.sorted()) }
    }

    private static func ranges(_ members: [Member], _ partitions: SortedTable<String, Int32>) -> [[TopicPartition]] {
        var shares = members.map { _ in [TopicPartition]() }
        for (topic, count) in partitions.entries {
            let subscribers = members.indices.filter { members[$0].topics.contains(topic) }
            var next: Int32 = 0
            for (place, member) in subscribers.enumerated() {
                let size = count / Int32(subscribers.count) + (Int32(place) < count % Int32(subscribers.count) ? 1 : 0)
                shares[member] += (next..<(next + size)).map { TopicPartition(topic, $0) }
                next += size
            }
        }
        return shares
    }

    private static func evenly(_ members: [Member], _ partitions: SortedTable<String, Int32>) -> [[TopicPartition]] {
        guard !members.isEmpty else { return [] }
        let all = partitions.entries.flatMap { topic, count in (0..<count).map { TopicPartition(topic, $0) } }
        let subscriptions = members.map { Set($0.topics) }
        let most = (all.count + members.count - 1) / members.count
        // Members keep their partitions as long as no share is more than even.
        var owner = LookupTable<TopicPartition, Int>()
        var shares = members.map { _ in [TopicPartition]() }
        for (place, member) in members.enumerated() {
            for partition in member.present.sorted() where shares[place].count < most && owner[partition] == nil {
                guard subscriptions[place].contains(partition.topic), partition.partition < partitions[partition.topic] ?? 0 else {
                    continue
                }
                owner[partition] = place
                shares[place].append(partition)
            }
        }
        for partition in all where owner[partition] == nil {
            let able = members.indices.filter { subscriptions[$0].contains(partition.topic) }
            guard let least = able.min(by: { (shares[$0].count, $0) < (shares[$1].count, $1) }) else { continue }
            owner[partition] = least
            shares[least].append(partition)
        }
        balance(&shares, subscriptions)
        return shares
    }

    /// Moves single partitions from members to members with at least two fewer. Each move brings the shares closer, so it ends.
    private static func balance(_ shares: inout [[TopicPartition]], _ subscriptions: [Set<String>]) {
        var hasMoved = true
        while hasMoved {
            hasMoved = false
            let byLoad = shares.indices.sorted { (shares[$1].count, $0) < (shares[$0].count, $1) }
            for rich in byLoad {
                for poor in byLoad.reversed() where shares[rich].count >= shares[poor].count + 2 {
                    guard let place = shares[rich].lastIndex(where: { subscriptions[poor].contains($0.topic) }) else { continue }
                    shares[poor].append(shares[rich].remove(at: place))
                    hasMoved = true
                    break
                }
                if hasMoved { break }
            }
        }
    }
}
