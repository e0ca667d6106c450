// One connection of a length-prefixed protocol (ZooKeeper, Kafka: a big-endian int32, then that many bytes). Cuts frames with a
// limit before anything is allocated for them, hands them over in order, coalesces replies into one write per read burst, and
// stops reading while the peer does not take its answers. Everything happens on the connection's loop.
import Base
import NIOCore

/// What a service does with one connection. Called on the connection's loop, in arrival order.
package protocol FrameSession: AnyObject {
    /// A whole frame, without its length. The bytes are a slice of the read buffer: copy what outlives the request.
    func received(_ frame: Bytes)
    /// The frames of one read burst were all delivered.
    func burstEnded()
    /// The connection is gone; no more calls follow.
    func closed()
    /// The first four bytes are not an allowed frame length. Returns true if they were understood (ZooKeeper's four-letter words) and the
    /// session answers and closes by itself; otherwise the connection is closed.
    func refusedLength(_ raw: UInt32) -> Bool
}

extension FrameSession {
    package func burstEnded() {}
    package func refusedLength(_ raw: UInt32) -> Bool { false }
}

/// Limits of a listener or a client connection.
package struct FrameLimits: Sendable {
    /// Largest frame in bytes, length excluded; a larger one closes the connection before it is read.
    package var frameBytesMax: Int
    /// Largest first frame, in bytes: before a peer has introduced itself it gets less room.
    package var firstFrameBytesMax: Int
    /// Connections at a time, over all peers.
    package var connectionsMax = 10_000
    /// Connections at a time from one address; 0 for no limit.
    package var connectionsPerAddressMax = 0
    /// Unsent bytes above which the connection's requests are no longer read.
    package var outboundBytesMax = 4 << 20
    /// A connection without traffic for this long is closed, within a few seconds; nil for never.
    package var idleTimeout: Duration?
    /// The first frame of a connection must be complete within this time; nil for no limit. Guards against peers that only connect.
    package var firstFrameTimeout: Duration?
    /// A frame that has begun must be complete within this time; guards against peers that send a byte now and then.
    package var frameTimeout = Duration.seconds(60)

    package init(frameBytesMax: Int, firstFrameBytesMax: Int? = nil) {
        self.frameBytesMax = frameBytesMax
        self.firstFrameBytesMax = firstFrameBytesMax ?? frameBytesMax
    }
}

/// The service's handle on a connection. Used on the connection's loop only.
package final class FrameConnection {
    let channel: any Channel
    private let limits: FrameLimits
    private var outbound = Bytes()
    /// The size of the last burst: the next one is about as large.
    private var burstBytes = 0
    private var flushScheduled = false
    private(set) var isClosed = false
    private var closeAfterFlush = false
    private var pausedBySession = false
    private var pausedByPeer = false
    /// Whether anything was sent since the handler last looked.
    private(set) var sentSinceLook = false
    /// Whether parts of files may be sent; where the connection is encrypted all passes through memory.
    package let takesFiles: Bool
    /// Called when the pauses allow reading again.
    var resume: () -> Void = {}

    /// Above this size a frame goes to the socket from its own buffer instead of being copied behind others, in bytes.
    package static let copyBytesMax = 16 << 10

    init(channel: any Channel, limits: FrameLimits, takesFiles: Bool) {
        self.channel = channel
        self.limits = limits
        self.takesFiles = takesFiles
    }

    package var remote: HostPort? { HostPort(channel.remoteAddress) }
    package var local: HostPort? { HostPort(channel.localAddress) }
    /// Whether the peer takes what it is sent, apart from what fits in the buffers.
    package var isPeerTaking: Bool { !pausedByPeer && !isClosed }
    var mayRead: Bool { !pausedBySession && !pausedByPeer && !isClosed }

    /// Sends a frame with its length in front. Leaves with the others of this burst.
    package func send(_ frame: Bytes) {
        send(bytes: frame.readableBytes) { $0.writeImmutableBuffer(frame) }
    }

    /// Sends a frame that `write` puts where it leaves from; it writes `count` bytes.
    package func send(bytes count: Int, _ write: (inout Bytes) -> Void) {
        guard !isClosed else { return }
        if count > Self.copyBytesMax {
            writeOutbound()
            var frame = channel.allocator.buffer(capacity: 4 + count)
            frame.writeInteger(UInt32(count))
            write(&frame)
            channel.write(frame, promise: nil)
        } else {
            if outbound.capacity == 0 { outbound = channel.allocator.buffer(capacity: min(Self.copyBytesMax, max(4 + count, burstBytes))) }
            outbound.writeInteger(UInt32(count))
            write(&outbound)
        }
        scheduleFlush()
    }

    /// Sends bytes as they are.
    package func sendRaw(_ bytes: Bytes) {
        guard !isClosed else { return }
        if bytes.readableBytes > Self.copyBytesMax {
            writeOutbound()
            channel.write(bytes, promise: nil)
        } else {
            outbound.writeImmutableBuffer(bytes)
        }
        scheduleFlush()
    }

    /// Sends a part of a file as it is, if the connection takes files. It must be whole: what is missing of it would be waited for.
    package func sendRaw(_ extent: FileExtent) {
        guard !isClosed, extent.count > 0 else { return }
        precondition(takesFiles, "an encrypted connection sends what passes through memory")
        writeOutbound()
        sentSinceLook = true
        let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: extent.file.descriptor)
        let written = channel.eventLoop.makePromise(of: Void.self)
        written.futureResult.whenComplete { [file = extent.file] _ in
            // The handle gives back what is the file's to close; nobody else has it, so it cannot fail.
            _ = try? handle.takeDescriptorOwnership()
            withExtendedLifetime(file) {}
        }
        let start = Int(extent.position)
        channel.write(FileRegion(fileHandle: handle, readerIndex: start, endIndex: start + extent.count), promise: written)
        scheduleFlush()
    }

    private func writeOutbound() {
        guard outbound.readableBytes > 0 else { return }
        sentSinceLook = true
        burstBytes = outbound.readableBytes
        channel.write(outbound, promise: nil)
        outbound = Bytes()
    }

    private func scheduleFlush() {
        guard !flushScheduled else { return }
        flushScheduled = true
        let this = NIOLoopBound(self, eventLoop: channel.eventLoop)
        channel.eventLoop.execute { this.value.flush() }
    }

    /// Writes what has gathered; called at the end of a burst, and by itself soon after any other send.
    func flush() {
        flushScheduled = false
        guard !isClosed else { return }
        writeOutbound()
        channel.flush()
        if closeAfterFlush { channel.close(mode: .all, promise: nil) }
    }

    /// Closes once what was sent before has left.
    package func close() {
        guard !isClosed else { return }
        closeAfterFlush = true
        scheduleFlush()
    }

    /// Stops reading further requests until `resumeReading`; those of the present burst are still delivered.
    package func pauseReading() { pausedBySession = true }
    package func resumeReading() {
        pausedBySession = false
        if mayRead { resume() }
    }

    func peerTakes(_ takes: Bool) {
        pausedByPeer = !takes
        if mayRead { resume() }
    }

    func looked() { sentSinceLook = false }

    func noteClosed() { isClosed = true }
}
