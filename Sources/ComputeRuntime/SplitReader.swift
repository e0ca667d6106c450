// Reads the lines of one input split through the job files port, chunk by chunk; gzip inputs are decoded on the way. Lines are byte slices,
// valid during the call. It holds one chunk and at most one line that crosses chunks.
import ComputeCore

package struct SplitReader {
    /// Bytes in one read: large enough that a remote file system's request costs little.
    static let chunkBytes = 1 << 20

    private let files: any JobFiles
    private let split: InputSplit

    package init(files: any JobFiles, split: InputSplit) {
        self.files = files
        self.split = split
    }

    /// Calls `body` with each line of the split until it returns false.
    package func forEachLine(_ body: (ArraySlice<UInt8>) throws -> Bool) throws {
        if split.isCompressed {
            try forEachCompressedLine(body)
            return
        }
        var lines = SplitLines(split: split)
        var offset = lines.readStart
        while !lines.isFinished {
            let chunk = try files.read(split.path, offset: offset, count: Self.chunkBytes)
            try lines.feed(chunk[...], body)
            offset += Int64(chunk.count)
            if chunk.count < Self.chunkBytes { try lines.finish(body) }
        }
    }

    private func forEachCompressedLine(_ body: (ArraySlice<UInt8>) throws -> Bool) throws {
        var lines = SplitLines(split: InputSplit(path: split.path, start: 0, end: Int64.max))
        guard let input = CompressedInput(path: split.path) else { preconditionFailure("the split's path says that it is compressed") }
        var offset: Int64 = 0
        while !lines.isFinished {
            let chunk = try files.read(split.path, offset: offset, count: Self.chunkBytes)
            offset += Int64(chunk.count)
            input.feed(chunk, isLast: chunk.count < Self.chunkBytes)
            while !lines.isFinished, let bytes = try input.next() { try lines.feed(bytes[...], body) }
            if chunk.count < Self.chunkBytes { try lines.finish(body) }
        }
    }
}
