// Cuts input files into splits on block boundaries, and finds the lines of a split so that exactly one split reads each line of a file,
// wherever the cuts fall: a split owns the lines that start in it, the first split also the one at byte 0. Pure; reads nothing. Source: the
// line rule of Hadoop's TextInputFormat.

package struct InputFile: Hashable, Sendable {
    package var path: String
    package var bytes: Int64
    package var blockBytes: Int64

    package init(path: String, bytes: Int64, blockBytes: Int64) {
        self.path = path
        self.bytes = bytes
        self.blockBytes = blockBytes
    }

    /// A gzip stream can only be read from its start.
    package var isSplittable: Bool { !path.hasSuffix(".gz") }
}

package struct InputSplit: Hashable, Sendable {
    package var path: String
    package var start: Int64
    package var end: Int64

    package init(path: String, start: Int64, end: Int64) {
        self.path = path
        self.start = start
        self.end = end
    }

    package var bytes: Int64 { end - start }
    package var isCompressed: Bool { path.hasSuffix(".gz") }
}

package enum InputSplits {
    /// The last split of a file may be this factor longer than the others, rather than leave a crumb.
    static let slack = 1.1
    /// A job with more splits than this is refused.
    package static let splitsMax = 100_000

    /// In the order of the files; empty files have no split.
    package static func plan(_ files: [InputFile], splitBytesMax: Int64) -> [InputSplit] {
        var splits: [InputSplit] = []
        for file in files where file.bytes > 0 {
            let size = max(1, min(file.blockBytes > 0 ? file.blockBytes : Int64.max, splitBytesMax > 0 ? splitBytesMax : Int64.max))
            var start: Int64 = 0
            if file.isSplittable, size < Int64.max {
                while Double(file.bytes - start) / Double(size) > slack {
                    splits.append(InputSplit(path: file.path, start: start, end: start + size))
                    start += size
                }
            }
            splits.append(InputSplit(path: file.path, start: start, end: file.bytes))
        }
        return splits
    }
}

/// Finds the lines of one split in chunks of bytes that arrive in order, starting with the byte at `readStart`.
package struct SplitLines: Sendable {
    /// A longer line is refused, so that a file without line ends cannot fill the memory.
    package static let lineBytesMax = 64 << 20

    package enum Refusal: Error, Hashable, Sendable { case lineTooLong(at: Int64) }

    private let end: Int64
    /// The offset of the next unread byte in the file.
    private var position: Int64
    private var isSkipping: Bool
    private var partial: [UInt8] = []
    package private(set) var isFinished = false

    package init(split: InputSplit) {
        end = split.end
        // A split that does not start the file reads the byte before it: the line in progress there belongs to the split before.
        position = split.start == 0 ? 0 : split.start - 1
        isSkipping = split.start != 0
    }

    /// The offset of the first byte to feed.
    package var readStart: Int64 { position }

    /// Feeds the next bytes; calls `body` with each whole line, without its line end, until it returns false.
    // hot: `platform-bench compute`, MapReduce lines
    package mutating func feed(_ chunk: ArraySlice<UInt8>, _ body: (ArraySlice<UInt8>) throws -> Bool) throws {
        var rest = chunk
        while !isFinished, !rest.isEmpty {
            // A line belongs to this split when it starts before the end.
            if partial.isEmpty, position >= end {
                isFinished = true
                return
            }
            guard let newline = rest.firstIndex(of: 0x0A) else {
                position += Int64(rest.count)
                if !isSkipping {
                    guard partial.count + rest.count <= Self.lineBytesMax else { throw Refusal.lineTooLong(at: position) }
                    partial.append(contentsOf: rest)
                }
                return
            }
            position += Int64(newline + 1 - rest.startIndex)
            let line = rest[..<newline]
            rest = rest[(newline + 1)...]
            if isSkipping {
                isSkipping = false
                continue
            }
            let more: Bool
            if partial.isEmpty {
                more = try body(Self.withoutReturn(line))
            } else {
                partial.append(contentsOf: line)
                let whole = partial
                partial = []
                more = try body(Self.withoutReturn(whole[...]))
            }
            if !more { isFinished = true }
        }
    }

    /// The file ended; a last line without a line end is a line.
    package mutating func finish(_ body: (ArraySlice<UInt8>) throws -> Bool) throws {
        guard !isFinished else { return }
        isFinished = true
        if !partial.isEmpty, !isSkipping { _ = try body(Self.withoutReturn(partial[...])) }
    }

    private static func withoutReturn(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        line.last == 0x0D ? line.dropLast() : line
    }
}
