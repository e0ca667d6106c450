// Which broker coordinates a group or a transaction, and how late commands of a coordinator are refused. Another broker may have
// coordinated between the acceptance of a command and its execution, even if the command's author coordinates again by then
// (docs/decisions/0020-a-coordinators-claim.md).
import Base

/// A broker's claim to coordinate a name, as of the moment it accepted a request.
package struct CoordinatorClaim: WireLayout, Hashable {
    package private(set) var broker: Int32 = -1
    /// `ClusterState.standing` at that time; nil in commands of earlier versions, which are checked by broker only.
    package private(set) var standing: Int64?

    package init() {}
    package init(_ broker: Int32, standing: Int64?) {
        self.broker = broker
        self.standing = standing
    }

    /// Includes the standing, unless the claim has none.
    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&broker)
        guard var standing else { return }
        try io.int64(&standing)
        self.standing = standing
    }
}

extension ClusterState {
    /// The broker that coordinates this name: the same on every broker; it changes only if that broker comes or goes. -1 if none is alive.
    /// Commits in the log depend on the choice, so this function never changes.
    package func coordinator(of name: String) -> Int32 {
        var best: (weight: UInt32, broker: Int32)?
        for broker in alive {
            let weight = Self.weight(of: name, on: broker)
            if best == nil || weight > best!.weight { best = (weight, broker) }
        }
        return best?.broker ?? -1
    }

    private static func weight(of name: String, on broker: Int32) -> UInt32 {
        var bytes = Bytes(string: name)
        bytes.writeInteger(broker)
        // Checksums of neighbours differ in few bits; multiplying and folding spreads them.
        return UInt32(truncatingIfNeeded: mixed(UInt64(CRC32C.checksum(bytes))) >> 32)
    }

    private static func mixed(_ value: UInt64) -> UInt64 { value &* 0x9E37_79B9_7F4A_7C15 }

    package func claim(of name: String, by broker: Int32) -> CoordinatorClaim {
        CoordinatorClaim(broker, standing: standing(of: name, on: broker))
    }

    /// Whether the broker has coordinated without a break since this claim.
    func accepts(_ claim: CoordinatorClaim, of name: String) -> Bool {
        guard coordinator(of: name) == claim.broker else { return false }
        return claim.standing.map { $0 == standing(of: name, on: claim.broker) } ?? true
    }

    /// A digest of the registrations of the broker and of every broker ranked above it. While it is the same, none of those has
    /// coordinated.
    private func standing(of name: String, on broker: Int32) -> Int64 {
        let own = Self.weight(of: name, on: broker)
        var sum: UInt64 = 0
        for (id, record) in brokers.entries where Self.weight(of: name, on: id) >= own {
            for part in [Int64(id), record.epoch, record.isFenced ? 1 : 0] {
                sum = Self.mixed(sum ^ UInt64(bitPattern: part))
                sum ^= sum >> 29
            }
        }
        return Int64(bitPattern: sum)
    }
}
