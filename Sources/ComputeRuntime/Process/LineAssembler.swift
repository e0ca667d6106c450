// Cuts a stream of chunks into lines. It keeps only the unfinished line, which is bounded.

package struct LineAssembler {
    package static let lineBytesMax = 64 << 20

    private var partial: [UInt8] = []

    package init() {}

    /// Lines come without their line end.
    package mutating func feed(_ chunk: ArraySlice<UInt8>, _ body: (ArraySlice<UInt8>) throws -> Void) throws {
        var rest = chunk
        while let newline = rest.firstIndex(of: 0x0A) {
            if partial.isEmpty {
                try body(rest[..<newline])
            } else {
                partial.append(contentsOf: rest[..<newline])
                let line = partial
                partial.removeAll(keepingCapacity: true)
                try body(line[...])
            }
            rest = rest[(newline + 1)...]
        }
        guard partial.count + rest.count <= Self.lineBytesMax else {
            throw ChildError.pipe("a line is longer than \(Self.lineBytesMax) bytes")
        }
        partial.append(contentsOf: rest)
    }

    /// A last line without a line end is a line.
    package mutating func finish(_ body: (ArraySlice<UInt8>) throws -> Void) throws {
        guard !partial.isEmpty else { return }
        let line = partial
        partial = []
        try body(line[...])
    }
}
