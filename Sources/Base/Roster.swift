// Who belongs to a replicated group, in which role, and where. A roster is itself an entry of the group's log and a table beside the service's
// own, so every replica knows from which slot on it counts. Nothing here decides; consensus does.

/// A replica as its group knows it.
public struct Member: WireLayout, Hashable {
    public var id = NodeID(0)
    /// Observers get everything that is decided and count in no quorum.
    public var isVoter = true
    /// The number of its data directory, drawn when that was first used; zero if it is not known. A replica that comes with another one has lost what
    /// it promised.
    public var directory: Int64 = 0
    /// Where its peers reach it.
    public var address = ""
    /// What its service tells of it, in the service's own form.
    public var card = ""

    public init() {}

    public init(id: NodeID, isVoter: Bool = true, directory: Int64 = 0, address: String = "", card: String = "") {
        self.id = id
        self.isVoter = isVoter
        self.directory = directory
        self.address = address
        self.card = card
    }

    /// Whether the replica with this number and directory is meant.
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
    /// The slot whose entry brought it; zero for the one that the group was founded with.
    public var version: Int64 = 0
    /// Tells this group from every other one; zero for groups from before groups had numbers.
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

/// Why a change of the members does not take place.
public enum RosterRefusal: Error, Sendable, Equatable, CaseIterable {
    /// This replica does not lead, or not yet for certain.
    case notLeading
    /// Another change is on its way.
    case inProgress
    /// The members are not those that the change was made for.
    case versionDiffers
    /// A voter that is added does not keep up with the log yet, or too few of the voters that would be are reached.
    case quorumOutOfReach
    /// Nobody would vote.
    case noVoters
}

/// The part that a replica plays in its group.
public enum Standing: Sendable, Equatable {
    case alone, voter, observer
    /// Waits until all that were named have started with empty directories.
    case founding(missing: [NodeID])
    /// Not among the members: follows, and serves nobody.
    case guest
    /// The group knows this number with another data directory.
    case stranger
}
