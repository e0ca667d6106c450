// Compression formats of the four services, by the system's libraries: gzip, Zstandard, LZ4 and Snappy. This target is the only one that
// names the C libraries. Whole blocks are compressed and opened here, streams in StreamOpener.swift; opened sizes are bounded before memory
// is taken. Sources: RFC 1952, RFC 8878, LZ4 block and frame formats (lz4/lz4, doc), Snappy's format description (google/snappy).
import CompressionLibraries

/// A format of compressed bytes.
package enum Codec: String, Sendable, CaseIterable {
    case gzip
    case zstd
    /// LZ4's frame format.
    case lz4
    /// One LZ4 block without a frame; its reader must know the opened size.
    case lz4Block
    /// One Snappy block.
    case snappy
    /// Snappy blocks in the framing of snappy-java, which Kafka's clients write.
    case snappyFramed
}

package enum CodecError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes do not follow the format; `reason` is the library's.
    case damaged(Codec, reason: String)
    /// The bytes stop before the end that the format announces.
    case endsEarly(Codec)
    /// The opened bytes are more than the caller allows.
    case overLimit(bytesMax: Int)

    package var description: String {
        switch self {
        case .damaged(let codec, let reason): "the \(codec.rawValue) bytes are damaged (\(reason))"
        case .endsEarly(let codec): "the \(codec.rawValue) stream ends early"
        case .overLimit(let bytesMax): "the opened bytes are more than the limit \(bytesMax)"
        }
    }
}

/// The checksum of gzip, zip and Parquet pages; not the CRC-32C of logs and blocks.
package enum Crc32 {
    package static func of(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { of($0) } }

    /// zlib reads the bytes within this call only; its length is 32 bits wide, so that long inputs go in parts.
    package static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var sum: UInt = 0
        var rest = bytes[...]
        while let start = UnsafeRawBufferPointer(rebasing: rest).bindMemory(to: UInt8.self).baseAddress, !rest.isEmpty {
            let count = min(rest.count, 1 << 30)
            sum = crc32(sum, start, UInt32(count))
            rest = rest.dropFirst(count)
        }
        return UInt32(truncatingIfNeeded: sum)
    }
}

extension Codec {
    /// Bytes of one block of snappy-java.
    private static let snappyBlockBytes = 32 << 10
    /// Magic, version and the oldest compatible version of snappy-java.
    static let snappyHeader: [UInt8] = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00, 0, 0, 0, 1, 0, 0, 0, 1]
    /// The largest input of one call, in bytes: the libraries' lengths are 31 bits wide.
    package static let plainBytesMax = 1 << 30

    /// The compressed form of `plain`, which holds at most `plainBytesMax` bytes. `level` is the library's own scale and has a meaning for
    /// gzip (1 to 9) and Zstandard (1 to 22); nil is the library's default.
    package func compress(_ plain: UnsafeRawBufferPointer, level: Int? = nil) -> [UInt8] {
        precondition(plain.count <= Self.plainBytesMax, "one call compresses at most \(Self.plainBytesMax) bytes")
        switch self {
        case .gzip: return Self.deflated(plain, level: Int32(clamping: level ?? Int(Z_DEFAULT_COMPRESSION)))
        case .zstd:
            return Self.made(self, bytesMax: ZSTD_compressBound(plain.count)) { output in
                let size = ZSTD_compress(output.baseAddress, output.count, plain.baseAddress, plain.count, Int32(clamping: level ?? 3))
                return ZSTD_isError(size) == 0 ? size : nil
            }
        case .lz4: return Self.lz4Frame(plain)
        case .lz4Block:
            return Self.made(self, bytesMax: Int(LZ4_compressBound(Int32(plain.count)))) { output in
                let source = plain.bindMemory(to: CChar.self).baseAddress
                let target = output.bindMemory(to: CChar.self).baseAddress
                let size = LZ4_compress_default(source, target, Int32(plain.count), Int32(clamping: output.count))
                return size > 0 ? Int(size) : nil
            }
        case .snappy: return Self.snappyBlock(plain)
        case .snappyFramed:
            var packed = Self.snappyHeader
            var at = 0
            repeat {
                let end = min(plain.count, at + Self.snappyBlockBytes)
                let block = Self.snappyBlock(UnsafeRawBufferPointer(rebasing: plain[at..<end]))
                for shift in [24, 16, 8, 0] { packed.append(UInt8(truncatingIfNeeded: block.count >> shift)) }
                packed += block
                at = end
            } while at < plain.count
            return packed
        }
    }

    package func compress(_ plain: [UInt8], level: Int? = nil) -> [UInt8] { plain.withUnsafeBytes { compress($0, level: level) } }

    /// An array of at most `bytesMax` bytes, of which `fill` says how many it wrote. Its caller gives the library's own bound, so that nil
    /// would be a defect.
    private static func made(_ codec: Codec, bytesMax: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Int?) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: bytesMax) { output, count in
            guard let size = fill(UnsafeMutableRawBufferPointer(output)) else {
                preconditionFailure("the bound of \(codec.rawValue) is enough for its output")
            }
            count = size
        }
    }

    private static func deflated(_ plain: UnsafeRawBufferPointer, level: Int32) -> [UInt8] {
        var stream = z_stream()
        let code = platform_gzip_deflate_init(&stream, level)
        precondition(code == Z_OK, "zlib has memory for a stream and takes levels from -1 to 9 (\(code))")
        defer { deflateEnd(&stream) }
        return made(.gzip, bytesMax: Int(deflateBound(&stream, UInt(plain.count)))) { output in
            // zlib reads the input and writes the output within this call only; the bound makes one call enough.
            stream.next_in = UnsafeMutablePointer(mutating: plain.bindMemory(to: UInt8.self).baseAddress)
            stream.avail_in = UInt32(plain.count)
            stream.next_out = output.bindMemory(to: UInt8.self).baseAddress
            stream.avail_out = UInt32(clamping: output.count)
            let room = Int(stream.avail_out)
            return deflate(&stream, Z_FINISH) == Z_STREAM_END ? room - Int(stream.avail_out) : nil
        }
    }

    /// Independent blocks of 64 KiB without checksums, as Kafka's clients write them.
    private static func lz4Frame(_ plain: UnsafeRawBufferPointer) -> [UInt8] {
        var preferences = LZ4F_preferences_t()
        preferences.frameInfo.blockSizeID = LZ4F_max64KB
        preferences.frameInfo.blockMode = LZ4F_blockIndependent
        return made(.lz4, bytesMax: LZ4F_compressFrameBound(plain.count, &preferences)) { output in
            let size = LZ4F_compressFrame(output.baseAddress, output.count, plain.baseAddress, plain.count, &preferences)
            return LZ4F_isError(size) == 0 ? size : nil
        }
    }

    private static func snappyBlock(_ plain: UnsafeRawBufferPointer) -> [UInt8] {
        made(.snappy, bytesMax: snappy_max_compressed_length(plain.count)) { output in
            var size = output.count
            let target = output.bindMemory(to: CChar.self).baseAddress
            // The library wants an address also for no bytes.
            let status = withUnsafeBytes(of: UInt64(0)) { none in
                snappy_compress((plain.baseAddress ?? none.baseAddress)?.assumingMemoryBound(to: CChar.self), plain.count, target, &size)
            }
            return status == SNAPPY_OK ? size : nil
        }
    }
}

extension Codec {
    /// Opens a whole block or stream of exactly `size` bytes, which the caller has bounded. Throws if it opens to another size.
    package func open(_ packed: UnsafeRawBufferPointer, size: Int) throws(CodecError) -> [UInt8] {
        switch self {
        case .lz4Block, .snappy, .zstd:
            guard size >= 0, packed.count <= Self.plainBytesMax, size <= Self.plainBytesMax else {
                throw .overLimit(bytesMax: Self.plainBytesMax)
            }
            if self == .snappy, try Self.snappySize(packed) != size { throw .damaged(self, reason: "another size than announced") }
            var made = 0
            // The libraries want an address also for no bytes.
            let opened = [UInt8](unsafeUninitializedCapacity: max(1, size)) { output, count in
                made = openBlock(packed, UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: output[..<size])))
                count = max(0, min(made, size))
            }
            guard made == size else { throw .damaged(self, reason: made < 0 ? "it cannot be opened" : "another size than announced") }
            return opened
        case .gzip, .lz4, .snappyFramed:
            let stream = StreamOpener(self, bytesMax: size)
            stream.feed(Array(packed), isLast: true)
            var opened: [UInt8] = []
            while let piece = try stream.next() { opened += piece }
            guard opened.count == size else { throw .damaged(self, reason: "another size than announced") }
            return opened
        }
    }

    /// Bytes written to `output`; negative if the block is damaged. The libraries check each length against both buffers.
    private func openBlock(_ packed: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer) -> Int {
        switch self {
        case .zstd:
            let size = ZSTD_decompress(output.baseAddress, output.count, packed.baseAddress, packed.count)
            return ZSTD_isError(size) == 0 ? size : -1
        case .lz4Block:
            let source = packed.bindMemory(to: CChar.self).baseAddress
            let target = output.bindMemory(to: CChar.self).baseAddress
            return Int(LZ4_decompress_safe(source, target, Int32(packed.count), Int32(output.count)))
        default:
            var size = output.count
            let source = packed.bindMemory(to: CChar.self).baseAddress
            let status = snappy_uncompress(source, packed.count, output.bindMemory(to: CChar.self).baseAddress, &size)
            return status == SNAPPY_OK ? size : -1
        }
    }

    /// Opened bytes that one packed byte of Snappy can stand for: a copy of three bytes gives at most 64.
    static let snappyGrowthMax = 22

    /// The opened size that a Snappy block announces; one that its bytes cannot give is refused.
    static func snappySize(_ packed: UnsafeRawBufferPointer) throws(CodecError) -> Int {
        guard !packed.isEmpty else { throw .endsEarly(.snappy) }
        var size = 0
        let status = snappy_uncompressed_length(packed.bindMemory(to: CChar.self).baseAddress, packed.count, &size)
        guard status == SNAPPY_OK, size >= 0 else { throw .damaged(.snappy, reason: "its length cannot be read") }
        guard size <= packed.count.multipliedReportingOverflow(by: snappyGrowthMax).partialValue else {
            throw .damaged(.snappy, reason: "it announces \(size) bytes in \(packed.count)")
        }
        return size
    }
}
