// What lies in a replica's log: accepted entries and promises, as durable records. The command inside is opaque here.
import Base

/// A command in a slot, as accepted under a ballot. An empty command is a no-op that fills a hole.
package struct LogEntry: WireLayout, Equatable {
    package var slot = Slot.zero
    package var ballot = Ballot.none
    /// When the leader proposed it; every replica executes it at this time.
    package var time = WallTime.zero
    package var command = Bytes()

    package init() {}

    package init(slot: Slot, ballot: Ballot, time: WallTime, command: Bytes) {
        self.slot = slot
        self.ballot = ballot
        self.time = time
        self.command = command
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.id(&slot)
        try ballot.layout(&io)
        try io.wallTime(&time)
        try io.bytes(&command)
    }
}

/// One durable record of an acceptor. Later records win over earlier ones for the same slot.
package enum AcceptorRecord: WireLayout, Equatable {
    /// Never again accept a lower ballot.
    case promise(Ballot)
    case accept(LogEntry)

    package init() { self = .promise(.none) }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var kind: Int8 = if case .promise = self { 1 } else { 2 }
        try io.int8(&kind)
        switch kind {
        case 1:
            var ballot = if case .promise(let own) = self { own } else { Ballot.none }
            try ballot.layout(&io)
            self = .promise(ballot)
        case 2:
            var entry = if case .accept(let own) = self { own } else { LogEntry() }
            try entry.layout(&io)
            self = .accept(entry)
        default: throw .unknownTag("acceptor record", Int(kind))
        }
    }
}
