// The members of a replicated group, their roles and their addresses. A roster is itself an entry of the group's log and a table beside the
// service's own, so every replica knows the slot from which it holds. Nothing here decides; consensus does.

/// A replica in its group.
public struct Member: WireLayout, Hashable {
    public var id = NodeID(0)
    /// Observers get every decision and count in no quorum.
    public var isVoter = true
    /// The number of its data directory, drawn at the directory's first use; zero if unknown. A replica with another number has lost its
    /// promises.
    public var directory: Int64 = 0
    /// Its address for peers.
    public var address = ""
    /// The service's description of it, in the service's own form.
    public var card = ""

    public init() {}

    public init(id: NodeID, isVoter: Bool = true, directory: Int64 = 0, address: String = "", card: String = "") {
        self.id = id
        self.isVoter = isVoter
        self.directory = directory
        self.address = address
        self.card = card
    }

    /// Whether both have the same number and directory; an unknown directory matches any.
    public func isSame(as other: Member) -> Bool {
        id == other.id && (directory == 0 || other.directory == 0 || directory == other.directory)
    }

    public mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.id(&id)
        try io.bool(&isVoter)
        try io.int64(&directory)
        try io.string(&address)
        try io.string(&card)
    }
}

/// The members of a group from one slot on.
public struct Roster: WireLayout, Hashable {
    /// The slot of its entry; zero for the founding roster.
    public var version: Int64 = 0
    /// The group's number; zero for groups from before groups had numbers.
    public var group: Int64 = 0
    /// By number, each once.
    public private(set) var members: [Member] = []

    public init() {}

    public init(version: Int64 = 0, group: Int64 = 0, members: [Member]) {
        self.version = version
        self.group = group
        self.members = members.sorted { $0.id < $1.id }
    }

    public var voters: [NodeID] { members.filter(\.isVoter).map(\.id) }
    public subscript(id: NodeID) -> Member? { members.first { $0.id == id } }
    public func isVoter(_ id: NodeID) -> Bool { self[id]?.isVoter == true }

    /// Whether another replica has, or had, this member's number.
    public func hasOther(than member: Member) -> Bool { self[member.id].map { !$0.isSame(as: member) } ?? false }

    public mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int64(&version)
        try io.int64(&group)
        try io.list(&members)
    }
}

/// Why a membership change is refused.
public enum RosterRefusal: Error, Sendable, Equatable, CaseIterable {
    /// This replica does not lead, or not yet for certain.
    case notLeading
    /// Another change is under way.
    case inProgress
    /// The change is based on another version of the roster.
    case versionDiffers
    /// A new voter does not keep up with the log yet, or too few of the future voters are reachable.
    case quorumOutOfReach
    /// The change leaves no voter.
    case noVoters
}

/// A replica's role in its group.
public enum Standing: Sendable, Equatable {
    case alone, voter, observer
    /// Waits until all named founders have started with empty directories.
    case founding(missing: [NodeID])
    /// Not a member: follows the log, and serves no clients.
    case guest
    /// The group knows this number with another data directory.
    case stranger
}
