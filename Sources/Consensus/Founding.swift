// The founding of a group, and how a newcomer tells a new group from one that has gone on without it. Replicas with empty directories found
// a group only when every one of those named has said that its directory is empty too: so neither several newcomers nor one whose disk was
// lost can ever outvote a memory that they do not have.
import Base

/// A replica with an empty directory: the reports of the peers named to it.
struct Founding: Sendable {
    /// The named founders, itself among them.
    let founders: [NodeID]
    /// The peers' own descriptions, the latest of each.
    private var known: [Member]

    init(_ me: Member, with others: [NodeID]) {
        founders = (others.filter { $0 != me.id } + [me.id]).sorted()
        known = [me]
    }

    /// Another replica with an empty directory. It counts if its named founders are the same.
    mutating func note(_ member: Member, _ others: [NodeID]) {
        guard others == founders, founders.contains(member.id), member.id != known[0].id else { return }
        known.removeAll { $0.id == member.id }
        known.append(member)
    }

    /// Peers without a report yet.
    var missing: [NodeID] { founders.filter { id in !known.contains { $0.id == id } } }

    /// The first roster, once every peer has reported. The group's number is the same on every replica.
    var roster: Roster? {
        guard missing.isEmpty else { return nil }
        let voters = known.map { member in
            var member = member
            member.isVoter = true
            return member
        }
        var mixed: UInt64 = 0xcbf2_9ce4_8422_2325
        for member in voters.sorted(by: { $0.id < $1.id }) {
            for part in [member.id.rawValue, member.directory] { mixed = (mixed ^ UInt64(bitPattern: part)) &* 0x0000_0100_0000_01b3 }
        }
        return Roster(version: 0, group: Int64(mixed >> 1) | 1, members: voters)
    }
}
