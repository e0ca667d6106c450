// Long fields on their way out: bytes in memory, in one piece or several, or a part of a file, which goes to a socket without passing
// through memory.
import Glibc

/// An open file with several owners; the last owner's release closes it.
public final class SharedFile: Sendable {
    public let descriptor: Int32

    /// Takes the descriptor over.
    public init(takingOver descriptor: Int32) { self.descriptor = descriptor }

    // Nothing is written through it, so a close that fails loses nothing.
    deinit { _ = Glibc.close(descriptor) }
}

/// A part of a file. Its content does not change while it has an owner.
public struct FileExtent: Sendable, Equatable {
    public var file: SharedFile
    /// Its start, in bytes.
    public var position: Int64
    /// Its length, in bytes.
    public var count: Int

    public init(_ file: SharedFile, position: Int64, count: Int) {
        self.file = file
        self.position = position
        self.count = count
    }

    public static func == (a: FileExtent, b: FileExtent) -> Bool { a.file === b.file && a.position == b.position && a.count == b.count }
}

/// A field of bytes that may be in pieces or in a file.
public enum BytesOrFile: Sendable, Equatable {
    case memory(Bytes)
    /// One after another.
    case pieces([Bytes])
    case file(FileExtent)

    public init() { self = .memory(Bytes()) }

    @inlinable public var count: Int {
        switch self {
        case .memory(let bytes): bytes.readableBytes
        case .pieces(let pieces): pieces.reduce(0) { $0 + $1.readableBytes }
        case .file(let extent): extent.count
        }
    }

    /// The bytes in memory, joined if they are in pieces; nil for a part of a file.
    public var bytes: Bytes? {
        switch self {
        case .memory(let bytes): bytes
        case .pieces(let pieces):
            pieces.reduce(into: ByteBufferAllocator().buffer(capacity: count)) { $0.writeImmutableBuffer($1) }
        case .file: nil
        }
    }
}
