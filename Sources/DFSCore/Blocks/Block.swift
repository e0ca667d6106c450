// A block of a file as the namespace knows it: number, generation, length, state. Places are the datanodes' to report.
import Base

/// A block's number, never used again.
package struct BlockID: TypedID {
    package let rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
}

/// Which writing of a block this is. A replica of an older generation missed something and is never read.
package struct Generation: TypedID {
    package let rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
    /// Of blocks from before generations were counted.
    package static let first = Generation(1000)
}

/// A piece of a file.
package struct Block: Sendable, Hashable {
    package enum State: Int64, Sendable {
        case complete = 0
        /// A client writes it; the length is what it last said.
        case underConstruction = 1
        /// Its writer has said its last length.
        case committed = 2
        /// It is cut to its length by the datanode that holds it.
        case truncating = 3
    }
    package var id: BlockID
    package var generation: Generation
    package var lengthBytes: Int64
    package var state: State
    /// While it is truncated: the bytes that it will have.
    package var cutTo: Int64 = 0

    package init(id: BlockID, generation: Generation = .first, lengthBytes: Int64, state: State = .complete) {
        self.id = id
        self.generation = generation
        self.lengthBytes = lengthBytes
        self.state = state
    }

    /// More bytes than any block has, so that sums of lengths stay in range.
    package static let lengthBytesMax: Int64 = 1 << 46

    /// Whether a client's idea of a block may become the namespace's.
    var isPlausible: Bool { (0...Self.lengthBytesMax).contains(lengthBytes) && generation.rawValue >= 0 }

    /// Bytes that any replica has that counts.
    package var leastBytes: Int64 { state == .truncating ? cutTo : lengthBytes }

    package var isOpen: Bool { state == .underConstruction || state == .truncating }
}

extension Block: WireLayout {
    package init() { self.init(id: BlockID(0), lengthBytes: 0) }
    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var raw = Int8(state.rawValue)
        try io.id(&id)
        try io.id(&generation)
        try io.int64(&lengthBytes)
        try io.int8(&raw)
        try io.int64(&cutTo)
        guard let state = State(rawValue: Int64(raw)) else { throw .unknownTag("block state", Int(raw)) }
        self.state = state
    }
}
