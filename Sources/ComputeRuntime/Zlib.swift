// The system's zlib behind two small things: decoding gzip streams chunk by chunk, and CRC-32 for Spark Connect's artifacts. The only place
// that names the C library. Damaged and truncated streams are errors that name the file.
import CompressionLibraries
import ComputeCore

package enum Crc32 {
    /// The checksum of gzip and zip; not the CRC-32C of logs and blocks.
    package static func of(_ bytes: [UInt8]) -> UInt32 {
        UInt32(crc32(0, bytes, UInt32(bytes.count)))
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
                    let result = CompressionLibraries.inflate(&stream, Z_NO_FLUSH)
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
