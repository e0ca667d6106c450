// The messages of replicas. A Canvass asks whether an election would find a quorum; Prepare and Promise open a leadership once; Accept
// and Accepted carry each batch; the decision (Commit) travels on the next Accept, or on an empty one. A released tag keeps its meaning.
import Base

/// A read that waits for its slot.
package struct ReadToken: TypedID {
    package let rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
}

/// A message between two replicas.
package enum PaxosMessage: WireLayout, Equatable {
    /// Would you promise this ballot to one who knows decisions up to `committed`? Changes nothing.
    case canvass(Ballot, committed: Slot)
    case canvassed(Ballot, granted: Bool, promised: Ballot)
    /// Asks for a promise of `ballot`, and for the entries accepted after `committed`.
    case prepare(Ballot, committed: Slot)
    /// A chunk of the promise: the entries that follow `previous`.
    case promise(Ballot, previous: Slot, accepted: [LogEntry], isLast: Bool)
    /// Not that ballot: a higher one was promised, or another leader is in office.
    case refuse(promised: Ballot)
    /// Accept these entries, which follow `previous`; everything up to `committed` is decided. `probe` is the leader's clock, to be sent
    /// back; zero for none.
    case accept(Ballot, previous: Slot, entries: [LogEntry], committed: Slot, probe: Instant)
    /// Every entry up to `through` is durable here under this ballot.
    case accepted(Ballot, through: Slot, probe: Instant)
    /// The entries after `after` have not arrived here.
    case missing(Ballot, after: Slot)
    /// Your missing entries are no longer in my log: take my tables, which go beyond `through`.
    case install(Ballot, through: Slot)
    /// From which slot on may I serve this read?
    case readQuery(ReadToken)
    case readAnswer(ReadToken, Slot)
    /// The sender's identity: from a replica that does not vote or that its leader does not know. A replica with an empty directory names
    /// the founders of its group, itself included.
    case knock(Member, founders: [NodeID])
    /// The members in the sender's view.
    case roster(Roster)

    package init() { self = .refuse(promised: .none) }

    /// The message for a replica whose disk is full: it goes on to follow, but takes no entries and asks for none.
    package var withoutEntries: PaxosMessage {
        guard case .accept(let ballot, _, _, let committed, let probe) = self else { return self }
        return .accept(ballot, previous: .zero, entries: [], committed: committed, probe: probe)
    }

    /// Whether a group can reach its slots and rounds: a leadership a microsecond would take a hundred thousand years. A replica of ours
    /// sends no others, and no count can go on from such numbers in the log.
    package var isPlausible: Bool {
        let (fields, most) = (fields, Int64(1) << 62)
        let numbers = [fields.slot.rawValue, fields.previous.rawValue, fields.ballot.round, fields.other.round]
        return numbers.allSatisfy { (0...most).contains($0) }
            && fields.entries.allSatisfy { (0...most).contains($0.slot.rawValue) && (0...most).contains($0.ballot.round) }
    }

    private var tag: Int8 {
        switch self {
        case .canvass: 1
        case .canvassed: 2
        case .prepare: 3
        case .promise(_, _, let entries, _): entries.contains(where: \.isRoster) ? 13 : 4
        case .refuse: 5
        case .accept(_, _, let entries, _, _): entries.contains(where: \.isRoster) ? 12 : 6
        case .accepted: 7
        case .missing: 8
        case .install: 9
        case .readQuery: 10
        case .readAnswer: 11
        case .knock: 14
        case .roster: 15
        }
    }

    /// The fields of all messages; each tag reads and writes its own.
    private struct Fields {
        var ballot = Ballot.none
        var slot = Slot.zero
        var previous = Slot.zero
        var entries: [LogEntry] = []
        var flag = false
        var other = Ballot.none
        var probe: Int64 = 0
        var token = ReadToken(0)
        var member = Member()
        var roster = Roster()
        var founders: [NodeID] = []

        mutating func layoutEntries<C: FieldCoder & ~Copyable>(_ io: inout C, withKind: Bool) throws(WireError) {
            guard withKind else { return try io.list(&entries) }
            try io.array(&entries, empty: LogEntry()) { (entry: inout LogEntry, io: inout C) throws(WireError) in
                try entry.layoutWithKind(&io)
            }
        }
    }

    private var fields: Fields {
        var fields = Fields()
        switch self {
        case .canvass(let ballot, let slot), .prepare(let ballot, let slot), .missing(let ballot, let slot), .install(let ballot, let slot):
            (fields.ballot, fields.slot) = (ballot, slot)
        case .canvassed(let ballot, let granted, let promised): (fields.ballot, fields.flag, fields.other) = (ballot, granted, promised)
        case .promise(let ballot, let previous, let entries, let isLast):
            (fields.ballot, fields.previous, fields.entries, fields.flag) = (ballot, previous, entries, isLast)
        case .refuse(let promised): fields.ballot = promised
        case .accept(let ballot, let previous, let entries, let committed, let probe):
            (fields.ballot, fields.previous, fields.entries, fields.slot, fields.probe) = (
                ballot, previous, entries, committed, probe.nanoseconds
            )
        case .accepted(let ballot, let through, let probe):
            (fields.ballot, fields.slot, fields.probe) = (ballot, through, probe.nanoseconds)
        case .readQuery(let token): fields.token = token
        case .readAnswer(let token, let slot): (fields.token, fields.slot) = (token, slot)
        case .knock(let member, let founders): (fields.member, fields.founders) = (member, founders)
        case .roster(let roster): fields.roster = roster
        }
        return fields
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var tag = tag
        var fields = fields
        try io.int8(&tag)
        switch tag {
        case 1, 3, 8, 9:
            try fields.ballot.layout(&io)
            try io.id(&fields.slot)
        case 2:
            try fields.ballot.layout(&io)
            try io.bool(&fields.flag)
            try fields.other.layout(&io)
        case 4, 13:
            try fields.ballot.layout(&io)
            try io.id(&fields.previous)
            try fields.layoutEntries(&io, withKind: tag == 13)
            try io.bool(&fields.flag)
        case 5: try fields.ballot.layout(&io)
        case 6, 12:
            try fields.ballot.layout(&io)
            try io.id(&fields.previous)
            try fields.layoutEntries(&io, withKind: tag == 12)
            try io.id(&fields.slot)
            try io.int64(&fields.probe)
        case 7:
            try fields.ballot.layout(&io)
            try io.id(&fields.slot)
            try io.int64(&fields.probe)
        case 10: try io.id(&fields.token)
        case 11:
            try io.id(&fields.token)
            try io.id(&fields.slot)
        case 14:
            try fields.member.layout(&io)
            try io.array(&fields.founders, empty: NodeID(0)) { (id: inout NodeID, io: inout C) throws(WireError) in try io.id(&id) }
        case 15: try fields.roster.layout(&io)
        default: throw .unknownTag("peer message", Int(tag))
        }
        self = Self.make(tag, fields)
    }

    private static func make(_ tag: Int8, _ fields: Fields) -> PaxosMessage {
        let probe = Instant(nanoseconds: fields.probe)
        return switch tag {
        case 1: .canvass(fields.ballot, committed: fields.slot)
        case 2: .canvassed(fields.ballot, granted: fields.flag, promised: fields.other)
        case 3: .prepare(fields.ballot, committed: fields.slot)
        case 4, 13: .promise(fields.ballot, previous: fields.previous, accepted: fields.entries, isLast: fields.flag)
        case 5: .refuse(promised: fields.ballot)
        case 6, 12: .accept(fields.ballot, previous: fields.previous, entries: fields.entries, committed: fields.slot, probe: probe)
        case 7: .accepted(fields.ballot, through: fields.slot, probe: probe)
        case 8: .missing(fields.ballot, after: fields.slot)
        case 9: .install(fields.ballot, through: fields.slot)
        case 10: .readQuery(fields.token)
        case 14: .knock(fields.member, founders: fields.founders)
        case 15: .roster(fields.roster)
        default: .readAnswer(fields.token, fields.slot)
        }
    }
}

/// A message with its sender and receiver.
package struct Envelope: Equatable, Sendable {
    package var from: NodeID
    package var to: NodeID
    package var message: PaxosMessage

    package init(from: NodeID, to: NodeID, _ message: PaxosMessage) {
        self.from = from
        self.to = to
        self.message = message
    }
}
