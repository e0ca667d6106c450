// Members as ZooKeeper writes them: `server.1=host:2888:3888:participant;0.0.0.0:2181`, in `/zookeeper/config` and in requests. The first
// of the two ports is where our replicas reach each other; the second one, which ZooKeeper elects over, is kept as it came. Source:
// ZooKeeper's "Dynamic Reconfiguration", "Changes to Configuration Format".
import Base

package enum MemberText {
    /// A text that names no server, or the same one twice.
    package struct Unreadable: Error, Sendable {
        package init() {}
    }

    /// A server's own part of its entry: its second port and its client address.
    package static func card(electionPort: Int, clients: String) -> String { "\(electionPort);\(clients)" }

    /// One line for each member, and the version.
    package static func config(_ roster: Roster) -> String {
        roster.members.map { line($0) + "\n" }.joined() + "version=" + String(roster.version, radix: 16)
    }

    static func line(_ member: Member) -> String {
        let parts = member.card.pieces(at: ";", maxSplits: 1)
        let port = electionPort(member)
        let clients = parts.count > 1 && !parts[1].isEmpty ? ";" + parts[1] : ""
        return "server.\(member.id)=\(member.address):\(port):\(member.isVoter ? "participant" : "observer")\(clients)"
    }

    /// The second port. Ours listen on one only, and clients of ZooKeeper take no member whose two are the same: another number stands for
    /// it then.
    package static func electionPort(_ member: Member) -> String {
        let own = member.address.pieces(at: ":", keepsEmpty: false).last ?? "0"
        let told = member.card.piece(before: ";")
        guard told.isEmpty || told.hasSameBytes(as: own) else { return String(told) }
        return number(own).map { "\($0 <= portMax - portDistance ? $0.addingClamped(portDistance) : $0 - portDistance)" } ?? String(own)
    }

    private static let portMax: Int64 = 65_535
    /// ZooKeeper's own two, 2888 and 3888, lie so far apart.
    private static let portDistance: Int64 = 1000

    /// `server.N=host:port:port[:role];[host:]port`; only a whole list may leave out the clients' part.
    static func member(_ text: some StringProtocol, needsClients: Bool) throws(Unreadable) -> Member {
        let sides = text.pieces(at: "=")
        guard sides.count == 2, let id = sides[0].pieces(at: ".", keepsEmpty: false).last.flatMap({ number($0) }), id > 0 else {
            throw Unreadable()
        }
        let halves = sides[1].withoutBlanks.pieces(at: ";")
        guard let first = halves.first, halves.count == 2 || (halves.count == 1 && !needsClients) else { throw Unreadable() }
        var words = first.pieces(at: ":")
        var member = Member(id: NodeID(id))
        switch words.last?.lowercased() {
        case "observer": member.isVoter = false
        case "participant": break
        default: words.append("")
        }
        words.removeLast()
        guard words.count >= 3, let election = words.popLast(), let port = words.popLast(), isPort(election), isPort(port),
            words.contains(where: { !$0.isEmpty })
        else { throw Unreadable() }
        member.address = words.joined(separator: ":") + ":" + port
        member.card = String(election)
        guard halves.count == 2 else { return member }
        let clients = halves[1].withoutBlanks
        guard let last = clients.pieces(at: ":").last, isPort(last) else { throw Unreadable() }
        member.card += ";" + (clients.utf8.contains(UInt8(ascii: ":")) ? String(clients) : "0.0.0.0:" + clients)
        return member
    }

    private static func isPort(_ text: some StringProtocol) -> Bool { number(text).map { (0...portMax).contains($0) } ?? false }
    private static func number(_ text: some StringProtocol) -> Int64? { Int64(text.withoutBlanks) }

    /// A whole list, by commas or line ends; a version in it says nothing.
    package static func members(_ text: String) throws(Unreadable) -> [Member] {
        var members: [Member] = []
        let entries = text.pieces(at: ",").flatMap { $0.pieces(at: "\n", keepsEmpty: false) }
        for entry in entries.map(\.withoutBlanks) where !entry.isEmpty && !entry.beginsWithBytes(of: "version=") {
            guard entry.beginsWithBytes(of: "server.") else { throw Unreadable() }
            try put(try member(entry, needsClients: false), into: &members, replaces: false)
        }
        return members
    }

    /// The members with some that leave and others that join, or change.
    package static func members(_ present: [Member], joining: String?, leaving: String?) throws(Unreadable) -> [Member] {
        var members = present
        for entry in leaving?.pieces(at: ",", keepsEmpty: false) ?? [] {
            guard let id = number(entry) else { throw Unreadable() }
            members.removeAll { $0.id.rawValue == id }
        }
        for entry in joining?.pieces(at: ",", keepsEmpty: false) ?? [] {
            try put(try member(entry, needsClients: true), into: &members, replaces: true)
        }
        return members
    }

    /// No two may be reached at the same place.
    private static func put(_ member: Member, into members: inout [Member], replaces: Bool) throws(Unreadable) {
        if replaces { members.removeAll { $0.id == member.id } }
        guard !members.contains(where: { $0.id == member.id || $0.address == member.address }) else { throw Unreadable() }
        members.append(member)
    }
}
