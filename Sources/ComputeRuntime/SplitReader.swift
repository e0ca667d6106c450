// Reads the lines of one input split through the job files port, chunk by chunk; gzip inputs are decoded on the way. Lines are byte slices,
// valid during the call. It holds one chunk and at most one line that crosses chunks.
import CZlib
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
        let stream = GzipStream(path: split.path)
        var offset: Int64 = 0
        while !lines.isFinished {
            let chunk = try files.read(split.path, offset: offset, count: Self.chunkBytes)
            offset += Int64(chunk.count)
            try stream.inflate(chunk, isLast: chunk.count < Self.chunkBytes) { bytes in
                try lines.feed(bytes, body)
                return !lines.isFinished
            }
            if chunk.count < Self.chunkBytes { try lines.finish(body) }
        }
    }
}

/// Decodes a gzip stream of one or more members.
package final class GzipStream {
    private static let outputBytes = 256 << 10

    private let path: String
    private var stream = z_stream()
    private var isInsideMember = false
    private var output = [UInt8](repeating: 0, count: outputBytes)

    package init(path: String) {
        self.path = path
        // 15 window bits, +16: gzip with its header and checksum.
        let result = inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(result == Z_OK, "zlib gives a stream for valid parameters")
    }

    deinit {
        inflateEnd(&stream)
    }

    package func inflate(_ input: [UInt8], isLast: Bool, _ body: (ArraySlice<UInt8>) throws -> Bool) throws {
        var input = input
        // zlib reads within avail_in of the array and writes within avail_out of the output array while both are pinned by the closures.
        try input.withUnsafeMutableBufferPointer { source in
            stream.next_in = source.baseAddress
            stream.avail_in = UInt32(source.count)
            stream.avail_out = 1
            while stream.avail_in > 0 || stream.avail_out == 0 {
                if stream.avail_in > 0 { isInsideMember = true }
                let (result, count) = output.withUnsafeMutableBufferPointer { target -> (Int32, Int) in
                    stream.next_out = target.baseAddress
                    stream.avail_out = UInt32(target.count)
                    let result = CZlib.inflate(&stream, Z_NO_FLUSH)
                    return (result, target.count - Int(stream.avail_out))
                }
                // No progress is possible: all input is read and nothing was pending.
                if result == Z_BUF_ERROR { break }
                guard result == Z_OK || result == Z_STREAM_END else {
                    throw JobFileError.failed(path: path, operation: "decompress", reason: "the gzip stream is damaged (zlib \(result))")
                }
                if result == Z_STREAM_END {
                    isInsideMember = false
                    inflateReset(&stream)
                }
                if count > 0, try !body(output[..<count]) { return }
            }
        }
        if isLast && isInsideMember { throw JobFileError.failed(path: path, operation: "decompress", reason: "the gzip stream ends early") }
    }
}
