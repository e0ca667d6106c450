// Opens a compressed stream piece by piece: input of any length goes in, pieces of bounded size come out, so that a small input with a
// large output never lies in memory whole. hot: `platform-bench broker`, every compressed batch that is produced passes through it.
import CompressionLibraries

/// Opens one stream: members or frames of gzip, Zstandard and LZ4 one after another, or Snappy blocks. It belongs to one thread at a time.
/// Snappy has no streaming form: its input is fed whole, and a block is opened whole.
package final class StreamOpener {
    /// Bytes of a piece of gzip, Zstandard and LZ4.
    private static let pieceBytes = 64 << 10

    private let codec: Codec
    private let bytesMax: Int
    private let stream: (any PieceStream)?
    private var input: [UInt8] = []
    private var at = 0
    private var isLast = false
    private var opened = 0
    private var isBeforeFirstBlock = true
    // Allocated here, freed in deinit; grows to a Snappy block's announced size, which is checked first.
    private var output: UnsafeMutableRawBufferPointer

    /// `bytesMax` limits all opened bytes together.
    package init(_ codec: Codec, bytesMax: Int) {
        precondition(codec != .lz4Block, "an LZ4 block alone is no stream")
        self.codec = codec
        self.bytesMax = bytesMax
        stream =
            switch codec {
            case .gzip: GzipPieces()
            case .zstd: ZstdPieces()
            case .lz4: LZ4Pieces()
            default: nil
            }
        output = .allocate(byteCount: stream == nil ? 1 : Self.pieceBytes, alignment: 16)
    }

    deinit { output.deallocate() }

    /// The next input; `next` has given nil before, or nothing was fed yet. Snappy takes one input, which is the last.
    package func feed(_ bytes: [UInt8], isLast: Bool) {
        precondition(stream != nil || isLast, "Snappy is fed whole")
        input = bytes
        at = 0
        self.isLast = isLast
    }

    /// The next opened bytes, valid until the next call; nil if all input is used.
    package func next() throws(CodecError) -> UnsafeRawBufferPointer? {
        guard let stream else { return try nextBlock() }
        while at < input.count || stream.hasPending {
            let (taken, made) = try input.withUnsafeBufferPointer { source throws(CodecError) in
                try stream.open(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: source[at...])), into: output)
            }
            at += taken
            guard made <= bytesMax - opened else { throw .overLimit(bytesMax: bytesMax) }
            opened += made
            if made > 0 { return UnsafeRawBufferPointer(rebasing: output[..<made]) }
            if taken == 0 { break }
        }
        guard isLast else { return nil }
        if stream.isInsideFrame { throw .endsEarly(codec) }
        if at < input.count { throw .damaged(codec, reason: "bytes are left over after its end") }
        return nil
    }

    // MARK: Snappy

    private func nextBlock() throws(CodecError) -> UnsafeRawBufferPointer? {
        if isBeforeFirstBlock {
            isBeforeFirstBlock = false
            // Eight bytes of magic; the versions behind it are not looked at. A raw block cannot begin so: its second byte would announce
            // more literals than there are.
            if !input.starts(with: Codec.snappyHeader.prefix(8)) {
                at = input.count
                return try openBlock(0..<input.count)
            }
            at = Codec.snappyHeader.count
        }
        while at < input.count {
            guard input.count - at >= 4 else { throw .endsEarly(codec) }
            let size = input[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
            at += 4
            guard size <= input.count - at else { throw .endsEarly(codec) }
            let block = at..<at + size
            at += size
            if let piece = try openBlock(block) { return piece }
        }
        return nil
    }

    /// Nil if the block is empty.
    private func openBlock(_ block: Range<Int>) throws(CodecError) -> UnsafeRawBufferPointer? {
        let made = try input.withUnsafeBufferPointer { source throws(CodecError) -> Int in
            let packed = UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: source[block]))
            let size = try Codec.snappySize(packed)
            guard size <= bytesMax - opened else { throw .overLimit(bytesMax: bytesMax) }
            if size > output.count {
                output.deallocate()
                output = .allocate(byteCount: size, alignment: 16)
            }
            var written = output.count
            let status = snappy_uncompress(
                packed.bindMemory(to: CChar.self).baseAddress, packed.count, output.bindMemory(to: CChar.self).baseAddress, &written)
            guard status == SNAPPY_OK, written == size else { throw .damaged(codec, reason: "a block cannot be opened") }
            return size
        }
        opened += made
        return made > 0 ? UnsafeRawBufferPointer(rebasing: output[..<made]) : nil
    }
}

/// A library's streaming state.
private protocol PieceStream: AnyObject {
    /// Whether bytes of earlier input may still come out.
    var hasPending: Bool { get }
    /// Whether a frame has begun and not ended.
    var isInsideFrame: Bool { get }
    /// Reads from `input` and writes to `output`, both within this call only.
    func open(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(CodecError) -> (taken: Int, made: Int)
}

private final class GzipPieces: PieceStream {
    private var stream = z_stream()
    private(set) var hasPending = false
    private(set) var isInsideFrame = true

    init() {
        let code = platform_gzip_inflate_init(&stream)
        precondition(code == Z_OK, "zlib has memory for a stream (\(code))")
    }

    deinit { inflateEnd(&stream) }

    func open(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(CodecError) -> (taken: Int, made: Int) {
        let offered = min(input.count, 1 << 30)
        if offered > 0, !isInsideFrame {
            inflateReset(&stream)
            isInsideFrame = true
        }
        stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
        stream.avail_in = UInt32(offered)
        stream.next_out = output.bindMemory(to: UInt8.self).baseAddress
        stream.avail_out = UInt32(output.count)
        let code = inflate(&stream, Z_NO_FLUSH)
        let made = output.count - Int(stream.avail_out)
        // A full output may leave bytes in the library.
        hasPending = made == output.count && code == Z_OK
        if code == Z_STREAM_END { isInsideFrame = false }
        guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else { throw .damaged(.gzip, reason: "zlib \(code)") }
        return (offered - Int(stream.avail_in), made)
    }
}

private final class ZstdPieces: PieceStream {
    /// Largest window of back references, as a power of two: what level 22 writes. The library takes the memory at the frame's header
    /// and touches it only as far as opened bytes reach, which the caller bounds.
    private static let windowBitsMax: Int32 = 27

    private let context: OpaquePointer
    private(set) var hasPending = false
    private(set) var isInsideFrame = true

    init() {
        guard let context = ZSTD_createDCtx() else { preconditionFailure("Zstandard has memory for a context") }
        self.context = context
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowBitsMax)
    }

    deinit { ZSTD_freeDCtx(context) }

    func open(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(CodecError) -> (taken: Int, made: Int) {
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let code = ZSTD_decompressStream(context, &target, &source)
        guard ZSTD_isError(code) == 0 else { throw .damaged(.zstd, reason: String(cString: ZSTD_getErrorName(code))) }
        hasPending = target.pos == target.size && code != 0
        // Zero says that a frame is complete and all of it has come out.
        isInsideFrame = code != 0
        return (source.pos, target.pos)
    }
}

private final class LZ4Pieces: PieceStream {
    private let context: OpaquePointer
    private(set) var hasPending = false
    private(set) var isInsideFrame = true

    init() {
        var context: OpaquePointer?
        let code = LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))
        guard LZ4F_isError(code) == 0, let context else { preconditionFailure("LZ4 has memory for a context") }
        self.context = context
    }

    deinit { LZ4F_freeDecompressionContext(context) }

    func open(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(CodecError) -> (taken: Int, made: Int) {
        var (taken, made) = (input.count, output.count)
        let code = LZ4F_decompress(context, output.baseAddress, &made, input.baseAddress, &taken, nil)
        guard LZ4F_isError(code) == 0 else { throw .damaged(.lz4, reason: String(cString: LZ4F_getErrorName(code))) }
        hasPending = made == output.count && code != 0
        isInsideFrame = code != 0
        return (taken, made)
    }
}
