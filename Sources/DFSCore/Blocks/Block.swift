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
    /// The generation of blocks from before generations were counted.
    package static let first = Generation(1000)
}

/// A piece of a file.
package struct Block: Sendable, Hashable {
    package enum State: Int64, Sendable {
        case complete = 0
        /// A client writes it; the length is the client's last report.
        case underConstruction = 1
        /// The writer has reported the final length.
        case committed = 2
        /// The datanode that holds it cuts it to its length.
        case truncating = 3
    }
    package var id: BlockID
    package var generation: Generation
    package var lengthBytes: Int64
    package var state: State
    /// The length after a truncation, in bytes.
    package var cutTo: Int64 = 0

    package init(id: BlockID, generation: Generation = .first, lengthBytes: Int64, state: State = .complete) {
        self.id = id
        self.generation = generation
        self.lengthBytes = lengthBytes
        self.state = state
    }

    /// Above the size of any block, so that sums of lengths stay in range.
    package static let lengthBytesMax: Int64 = 1 << 46

    /// Whether a client's idea of a block may become the namespace's.
    var isPlausible: Bool { (0...Self.lengthBytesMax).contains(lengthBytes) && generation.rawValue >= 0 }

    /// The least bytes of any valid replica.
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
