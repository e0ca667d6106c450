// The messages between the replicas of one service: consensus, proposals on their way to the leader, copies of the tables for a replica
// that lags too far, and a service's own word to its peers. One frame on a peer link is one message; a released tag keeps its meaning.
import Base
import Consensus

package enum PeerMessage: WireLayout, Equatable {
    case paxos(PaxosMessage)
    /// Proposals of the sender, in order. `restart` begins with the first one that the sender has not seen executed.
    case forward([Proposal], restart: Bool)
    /// The service's own bytes; may be lost.
    case service(Bytes)
    /// A request for the copy of the tables through `slot`, from `offset` on; slot zero asks for a new copy.
    case tablesRequest(slot: Slot, offset: Int64)
    /// A part of the copy through `slot`; `total` is the copy's size in bytes.
    case tablesChunk(slot: Slot, offset: Int64, total: Int64, bytes: Bytes)
    /// A proposal of these members in place of those of `version`; the answer carries `token`.
    case changeMembers(token: Int64, version: Int64, members: [Member])
    /// The change's slot, or the reason why it does not take place.
    case membersAnswer(token: Int64, slot: Slot, refusal: RosterRefusal?)
    /// The commands that the sender leaves out; the first message of a link, missing if there are none.
    case refusedCommands([RefusedCommand])
    /// The sender's tables hold the effect of a command that the receiver leaves out.
    case executed(RefusedCommand)

    package init() { self = .service(Bytes()) }

    private var tag: Int8 {
        switch self {
        case .paxos: 1
        case .forward: 2
        case .service: 3
        case .tablesRequest: 4
        case .tablesChunk: 5
        case .changeMembers: 6
        case .membersAnswer: 7
        case .refusedCommands: 8
        case .executed: 9
        }
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var tag = tag
        try io.int8(&tag)
        switch tag {
        case 1:
            var message = if case .paxos(let own) = self { own } else { PaxosMessage() }
            try message.layout(&io)
            self = .paxos(message)
        case 2:
            var proposals: [Proposal] = []
            var restart = false
            if case .forward(let own, let again) = self { (proposals, restart) = (own, again) }
            try io.list(&proposals)
            try io.bool(&restart)
            self = .forward(proposals, restart: restart)
        case 3:
            var bytes = if case .service(let own) = self { own } else { Bytes() }
            try io.bytes(&bytes)
            self = .service(bytes)
        case 4, 5: try layoutTables(tag, &io)
        case 6:
            var (token, version, members) = (Int64(0), Int64(0), [Member]())
            if case .changeMembers(let own, let from, let list) = self { (token, version, members) = (own, from, list) }
            try io.int64(&token)
            try io.int64(&version)
            try io.list(&members)
            self = .changeMembers(token: token, version: version, members: members)
        case 7:
            var (token, slot, refusal) = (Int64(0), Slot.zero, RosterRefusal?.none)
            if case .membersAnswer(let own, let place, let why) = self { (token, slot, refusal) = (own, place, why) }
            var code = refusal.map { $0.code } ?? 0
            try io.int64(&token)
            try io.id(&slot)
            try io.int8(&code)
            let reason = RosterRefusal(code: code)
            // An unknown reason is no consent.
            guard code == 0 || reason != nil else { throw .unknownTag("refusal of a change of members", Int(code)) }
            self = .membersAnswer(token: token, slot: slot, refusal: reason)
        case 8:
            var commands = if case .refusedCommands(let own) = self { own } else { [RefusedCommand]() }
            try io.list(&commands)
            self = .refusedCommands(commands)
        case 9:
            var command = if case .executed(let own) = self { own } else { RefusedCommand(slot: .zero, checksum: 0) }
            try command.layout(&io)
            self = .executed(command)
        default: throw .unknownTag("peer message", Int(tag))
        }
    }

    private mutating func layoutTables<C: FieldCoder & ~Copyable>(_ tag: Int8, _ io: inout C) throws(WireError) {
        var slot = Slot.zero
        var (offset, total) = (Int64(0), Int64(0))
        var bytes = Bytes()
        switch self {
        case .tablesRequest(let own, let from): (slot, offset) = (own, from)
        case .tablesChunk(let own, let from, let all, let part): (slot, offset, total, bytes) = (own, from, all, part)
        default: break
        }
        try io.id(&slot)
        try io.int64(&offset)
        guard tag == 5 else {
            self = .tablesRequest(slot: slot, offset: offset)
            return
        }
        try io.int64(&total)
        try io.bytes(&bytes)
        self = .tablesChunk(slot: slot, offset: offset, total: total, bytes: bytes)
    }
}

extension RosterRefusal {
    /// Its number between peers; 0 means none. A released number keeps its meaning.
    fileprivate var code: Int8 {
        switch self {
        case .notLeading: 1
        case .inProgress: 2
        case .versionDiffers: 3
        case .quorumOutOfReach: 4
        case .noVoters: 5
        }
    }

    fileprivate init?(code: Int8) {
        guard let found = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = found
    }
}

/// A message with its receiver.
package struct Outgoing: Sendable, Equatable {
    package var to: NodeID
    package var message: PeerMessage

    package init(to: NodeID, _ message: PeerMessage) {
        self.to = to
        self.message = message
    }
}
