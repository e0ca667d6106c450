// The compression of record batches, in all codecs of Kafka. The decompressed size is bounded, so that a small frame cannot fill the
// memory.
import Base
import CompressionLibraries

/// A batch's codec, by its number in the attributes.
package enum Compression: Int16, Sendable, CaseIterable {
    case none = 0
    case gzip = 1
    case snappy = 2
    case lz4 = 3
    case zstd = 4

    /// The largest decompressed batch, in bytes.
    package static let decompressedBytesMax = 256 << 20
    private static let chunkBytes = 64 << 10

    static func of(number: Int16) throws(WireError) -> Compression {
        guard let codec = Compression(rawValue: number) else { throw .unknownTag("compression codec", Int(number)) }
        return codec
    }

    package func compress(_ plain: Bytes) -> Bytes {
        switch self {
        case .none: plain
        case .gzip: Self.deflated(plain)
        case .snappy: Bytes(bytes: SnappyEncoder.encode(plain.array))
        case .lz4: Bytes(bytes: LZ4Encoder.encode(plain.array))
        case .zstd: Bytes(bytes: ZstdEncoder.encode(plain.array))
        }
    }

    /// Decompresses the whole payload; for payloads that are small or our own.
    package func decompress(_ packed: Bytes, bytesMax: Int) throws(WireError) -> Bytes {
        guard self != .none else { return packed }
        var plain = Bytes()
        try decompress(packed, bytesMax: bytesMax) { piece in
            plain.writeBytes(piece)
            return true
        }
        return plain
    }

    /// Decompresses the payload piece by piece; a piece is valid within its call. `sink` returns false to end early.
    func decompress(_ packed: Bytes, bytesMax: Int, _ sink: DecodedSink) throws(WireError) {
        switch self {
        case .none: _ = try packed.viewBytes(at: packed.readerIndex, length: packed.readableBytes, sink)
        case .gzip: try Self.unzip(packed, bytesMax, sink)
        case .snappy: try SnappyDecoder.decode(packed, bytesMax: bytesMax, sink)
        case .lz4: try LZ4Decoder.decode(packed, bytesMax: bytesMax, sink)
        case .zstd: try ZstdDecoder.decode(packed, bytesMax: bytesMax, sink)
        }
    }

    private static func deflated(_ plain: Bytes) -> Bytes {
        var stream = z_stream()
        let code = platform_gzip_deflate_init(&stream, Z_DEFAULT_COMPRESSION)
        precondition(code == Z_OK, "zlib refused its default parameters (\(code))")
        defer { deflateEnd(&stream) }
        let bound = Int(deflateBound(&stream, UInt(plain.readableBytes)))
        var packed = ByteBufferAllocator().buffer(capacity: bound)
        // zlib reads the input and writes at most `bound` bytes, both only within this call; deflateBound makes one call enough.
        _ = plain.withUnsafeReadableBytes { input in
            packed.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { output in
                stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.bindMemory(to: UInt8.self).baseAddress
                stream.avail_out = UInt32(bound)
                let code = deflate(&stream, Z_FINISH)
                precondition(code == Z_STREAM_END, "deflateBound bounds the output (\(code))")
                return bound - Int(stream.avail_out)
            }
        }
        return packed
    }

    private static func unzip(_ packed: Bytes, _ bytesMax: Int, _ sink: DecodedSink) throws(WireError) {
        var stream = z_stream()
        let code = platform_gzip_inflate_init(&stream)
        precondition(code == Z_OK, "zlib refused its default parameters (\(code))")
        defer { inflateEnd(&stream) }
        let input = Array(packed.readableBytesView)
        var output = [UInt8](repeating: 0, count: chunkBytes)
        var (status, taken, total) = (Z_OK, 0, 0)
        while status == Z_OK {
            // zlib reads the input that is left and writes at most one chunk, both only within this call.
            let made = input.withUnsafeBufferPointer { input in
                output.withUnsafeMutableBufferPointer { output in
                    stream.next_in = input.baseAddress.map { UnsafeMutablePointer(mutating: $0 + taken) }
                    stream.avail_in = UInt32(input.count - taken)
                    stream.next_out = output.baseAddress
                    stream.avail_out = UInt32(chunkBytes)
                    status = inflate(&stream, Z_NO_FLUSH)
                    taken = input.count - Int(stream.avail_in)
                    return chunkBytes - Int(stream.avail_out)
                }
            }
            total += made
            guard total <= bytesMax else { throw .overLimit("decompressed batch bytes", bytesMax) }
            guard try output.withUnsafeBytesThrowing(made, sink) else { return }
        }
        guard status == Z_STREAM_END else { throw .unknownTag("gzip stream state", Int(status)) }
    }
}

extension [UInt8] {
    /// The first `count` bytes for `body`, which only reads them and only within this call.
    fileprivate func withUnsafeBytesThrowing(_ count: Int, _ body: DecodedSink) throws(WireError) -> Bool {
        var result: Result<Bool, WireError> = .success(true)
        withUnsafeBytes { memory in result = Result { () throws(WireError) in try body(UnsafeRawBufferPointer(rebasing: memory[..<count])) }
        }
        return try result.get()
    }
}
