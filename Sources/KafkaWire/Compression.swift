// The compression of record batches: Kafka's codec numbers over the formats of Codecs. The opened size is bounded, so that a small batch
// cannot fill the memory; frame checksums are the codec's own, a batch has one besides. Source: Kafka documentation, "Record Batch".
import Base
import Codecs

/// Takes opened bytes piece by piece; they are valid within the call. Returns false to end early.
typealias DecodedSink = (UnsafeRawBufferPointer) throws(WireError) -> Bool

/// A batch's codec, by its number in the attributes.
package enum Compression: Int16, Sendable, CaseIterable {
    case none = 0
    case gzip = 1
    case snappy = 2
    case lz4 = 3
    case zstd = 4

    /// The largest opened batch, in bytes.
    package static let decompressedBytesMax = 256 << 20

    static func of(number: Int16) throws(WireError) -> Compression {
        guard let codec = Compression(rawValue: number) else { throw .unknownTag("compression codec", Int(number)) }
        return codec
    }

    /// Nil for plain batches.
    private var codec: Codec? {
        switch self {
        case .none: nil
        case .gzip: .gzip
        case .snappy: .snappyFramed
        case .lz4: .lz4
        case .zstd: .zstd
        }
    }

    package func compress(_ plain: Bytes) -> Bytes {
        guard let codec else { return plain }
        return plain.withUnsafeReadableBytes { Bytes(bytes: codec.compress($0)) }
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
        guard let codec else {
            _ = try packed.viewBytes(at: packed.readerIndex, length: packed.readableBytes, sink)
            return
        }
        let stream = StreamOpener(codec, bytesMax: bytesMax)
        stream.feed(packed.array, isLast: true)
        while let piece = try Self.next(stream) { if try !sink(piece) { return } }
    }

    private static func next(_ stream: StreamOpener) throws(WireError) -> UnsafeRawBufferPointer? {
        do { return try stream.next() } catch {
            switch error {
            case .overLimit(let bytesMax): throw .overLimit("decompressed batch bytes", bytesMax)
            case .endsEarly: throw .truncated(needed: 1, remaining: 0)
            case .damaged(let codec, let reason): throw .unknownTag("state of a \(codec.rawValue) stream: \(reason)", 0)
            }
        }
    }
}
