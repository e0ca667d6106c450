// The only byte container of the house: NIO's ByteBuffer under our own name, so that bytes from a socket can go to disk and back without a
// copy. Slices share memory with their parent; a slice that outlives a request must be `copied()`, or a small value pins a large read
// buffer.
@_exported import struct NIOCore.ByteBuffer
@_exported import struct NIOCore.ByteBufferAllocator

public typealias Bytes = ByteBuffer

extension ByteBuffer {
    /// The readable bytes in memory of their own, without the larger buffer around them.
    @inlinable public func copied() -> Bytes {
        var own = ByteBufferAllocator().buffer(capacity: readableBytes)
        own.writeImmutableBuffer(self)
        return own
    }

    /// The readable bytes as text; invalid UTF-8 is replaced, so use it for messages, not for keys.
    @inlinable public var text: String { String(buffer: self) }

    /// The readable bytes as an array. O(n).
    @inlinable public var array: [UInt8] { Array(readableBytesView) }

    /// Lexicographic order of the readable bytes, unsigned.
    @inlinable public func precedes(_ other: Bytes) -> Bool {
        readableBytesView.lexicographicallyPrecedes(other.readableBytesView)
    }
}
