// The records of a replica's log: accepted entries and promises. The command inside is opaque here; a roster is an entry of
// its own kind. A tag that was released keeps its meaning: tag 2 is an entry from the time before origins and is still read.
import Base

/// Who proposed a command: the replica, which of its lives, and the place in that life's row of proposals, from 1 on. A command is
/// executed only in its place, so a proposal that was sent twice takes effect once and none overtakes another.
package struct Origin: Hashable, Sendable {
    package var node: NodeID
    package var incarnation: Int64
    package var sequence: Int64

    package init(node: NodeID = NodeID(0), incarnation: Int64 = 0, sequence: Int64 = 0) {
        self.node = node
        self.incarnation = incarnation
        self.sequence = sequence
    }

    /// The origin of entries without a proposer: no-ops that fill a hole, and entries from before origins were recorded.
    package static let none = Origin()

    mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.id(&node)
        try io.int64(&incarnation)
        try io.int64(&sequence)
    }
}

/// A command on its way to a slot.
package struct Proposal: WireLayout, Equatable {
    package var origin = Origin.none
    package var command = Bytes()

    package init() {}

    package init(origin: Origin, command: Bytes) {
        self.origin = origin
        self.command = command
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try origin.layout(&io)
        try io.bytes(&command)
    }
}

/// A command in a slot, as accepted under a ballot. An empty command changes nothing.
package struct LogEntry: WireLayout, Equatable {
    package var slot = Slot.zero
    package var ballot = Ballot.none
    /// When the leader proposed it; every replica executes it at this time.
    package var time = WallTime.zero
    package var origin = Origin.none
    package var command = Bytes()
    /// Whether the command is a roster: who decides the slots behind this one.
    package var isRoster = false

    package init() {}

    package init(slot: Slot, ballot: Ballot, time: WallTime, origin: Origin = .none, command: Bytes, isRoster: Bool = false) {
        self.slot = slot
        self.ballot = ballot
        self.time = time
        self.origin = origin
        self.command = command
        self.isRoster = isRoster
    }

    /// Whether a roster can be read and has a voter; commands are opaque here.
    var isSound: Bool {
        // What cannot be read is the answer.
        !isRoster || (try? Roster(decoding: command, as: DurableDialect.self))?.voters.isEmpty == false
    }

    /// The roster in an entry of that kind.
    package var roster: Roster {
        do { return try Roster(decoding: command, as: DurableDialect.self) } catch {
            preconditionFailure("the log holds a roster that this version cannot read (slot \(slot)): \(error)")
        }
    }

    /// The same value under another ballot.
    func under(_ ballot: Ballot) -> LogEntry {
        var entry = self
        entry.ballot = ballot
        return entry
    }

    /// Bytes that the entry takes in a message, roughly.
    var sizeBytes: Int { command.readableBytes + 64 }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try position(&io)
        try origin.layout(&io)
        try io.bytes(&command)
    }

    /// As it travels where entries of both kinds may come.
    mutating func layoutWithKind<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.bool(&isRoster)
        try layout(&io)
    }

    private mutating func position<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.id(&slot)
        try ballot.layout(&io)
        try io.wallTime(&time)
    }

    mutating func layoutWithoutOrigin<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try position(&io)
        try io.bytes(&command)
    }
}

/// One durable record of an acceptor. Later records win over earlier ones for the same slot.
package enum AcceptorRecord: WireLayout, Equatable {
    /// Never again accept a lower ballot.
    case promise(Ballot)
    case accept(LogEntry)
    /// The replica began this life; its proposals carry the number.
    case began(incarnation: Int64)
    /// The tables hold everything up to this slot, durably: they were taken from a peer, or the log was trimmed. Entries up to it need not
    /// be in this log.
    case installed(Slot)
    /// The number of this data directory.
    case directory(Int64)
    /// The group was founded with these members, this replica among them.
    case founded(Roster)

    package init() { self = .promise(.none) }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var kind: Int8 =
            switch self {
            case .promise: 1
            case .accept(let entry): entry.isRoster ? 6 : 3
            case .began: 4
            case .installed: 5
            case .directory: 7
            case .founded: 8
            }
        try io.int8(&kind)
        switch kind {
        case 1:
            var ballot = if case .promise(let own) = self { own } else { Ballot.none }
            try ballot.layout(&io)
            self = .promise(ballot)
        case 2, 3, 6:
            var entry = if case .accept(let own) = self { own } else { LogEntry() }
            entry.isRoster = kind == 6
            if kind == 2 { try entry.layoutWithoutOrigin(&io) } else { try entry.layout(&io) }
            self = .accept(entry)
        case 4:
            var number: Int64 = if case .began(let own) = self { own } else { 0 }
            try io.int64(&number)
            self = .began(incarnation: number)
        case 5:
            var slot = if case .installed(let own) = self { own } else { Slot.zero }
            try io.id(&slot)
            self = .installed(slot)
        case 7:
            var number: Int64 = if case .directory(let own) = self { own } else { 0 }
            try io.int64(&number)
            self = .directory(number)
        case 8:
            var roster = if case .founded(let own) = self { own } else { Roster() }
            try roster.layout(&io)
            self = .founded(roster)
        default: throw .unknownTag("acceptor record", Int(kind))
        }
    }
}

extension AcceptorRecord {
    /// Its bytes in the log. Written out here so that it is compiled for this type; the generic form would not be. hot: `platform-bench
    /// coord`.
    package func writeDurable(into bytes: inout Bytes) throws(WireError) { try encode(into: &bytes, as: DurableDialect.self) }
    package init(durable bytes: Bytes) throws(WireError) { try self.init(decoding: bytes, as: DurableDialect.self) }
}
