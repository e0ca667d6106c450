// The service's handle on one connection of a length-prefixed protocol (ZooKeeper, Kafka: a big-endian int32, then that many bytes).
// Replies are coalesced into one write per burst of reads; what has not left is counted, and stops the delivery of further requests.
// Everything happens on the connection's loop. hot: measured by `platform-bench coord` and `platform-bench broker`.
import Base
import DequeModule
import Glibc
import NIOCore

/// What a service does with one connection. Called on the connection's loop, in arrival order.
package protocol FrameSession: AnyObject {
    /// Bytes have come, whether they are delivered now or wait: the peer is alive.
    func heard()
    /// A whole frame, without its length. The bytes are a slice of the read buffer: copy what outlives the request. None comes while the
    /// connection is paused or the peer does not take what it was sent.
    func received(_ frame: Bytes)
    /// The frames of one read burst were delivered, as far as the pauses allow.
    func burstEnded()
    /// The connection is gone; no more calls follow.
    func closed()
    /// The first four bytes are not an allowed frame length. Returns true if they were understood (ZooKeeper's four-letter words) and the
    /// session answers and closes by itself; otherwise the connection is closed.
    func refusedLength(_ raw: UInt32) -> Bool
}

extension FrameSession {
    package func heard() {}
    package func burstEnded() {}
    package func refusedLength(_ raw: UInt32) -> Bool { false }
}

/// The service's handle on a connection. Used on the connection's loop only.
package final class FrameConnection {
    let channel: any Channel
    private let limits: FrameLimits
    private let isEncrypted: Bool
    /// What is held for this peer; its parents are the peer's address, the service and the process.
    package let memory: MemoryBudget
    /// The largest frame that is taken from now on, in bytes, if it is another one than the listener's limits say: a peer that has to
    /// introduce itself gets less room until it has.
    package var frameBytesMax: Int?
    private var outbound = Bytes()
    /// The size of the last burst: the next one is about as large.
    private var burstBytes = 0
    private var flushScheduled = false
    private(set) var isClosed = false
    private(set) var isClosing = false
    private var isDraining = false
    private var closeTimer: Scheduled<Void>?
    private var pausedBySession = false
    private var pausedByPeer = false
    private var pausedByUnsent = false
    /// Bytes of answers that the socket has not taken, parts of files among them.
    package private(set) var unsentBytes = 0
    /// Those of them that are in memory, and how many of those the budget counts.
    private var unsentInMemory = 0
    private var unsentCounted = 0
    /// Those that lie in memory that others hold as well.
    private var unsentShared = 0
    /// What follows a part of a file that is read piece by piece; its bytes are among the unsent.
    private var queued = Deque<Queued>()
    private var piecesUnderWay = 0
    /// Whether anything was sent since the handler last looked.
    private(set) var sentSinceLook = false
    /// Called when the pauses allow reading again.
    var resume: () -> Void = {}

    private enum Queued {
        case bytes(Bytes, areShared: Bool)
        case file(FileExtent)
    }

    /// Above this size a frame goes to the socket from its own buffer instead of being copied behind others, in bytes.
    package static let copyBytesMax = 16 << 10
    /// An encrypted connection takes a file in pieces of this size, and has this many bytes of them under way.
    private static let pieceBytes = 256 << 10
    private static let piecesBytesMax = 1 << 20
    /// Unsent answers of this size need nobody's leave, in bytes: a small answer always gets through.
    private static let unsentFreeBytes = 64 << 10
    /// What was sent before a close has this long to leave, and the peer then to close its side.
    private static let closePatience = TimeAmount.seconds(30)
    private static let drainPatience = TimeAmount.seconds(2)

    init(channel: any Channel, limits: FrameLimits, isEncrypted: Bool, memory: MemoryBudget) {
        self.channel = channel
        self.limits = limits
        self.isEncrypted = isEncrypted
        self.memory = memory
    }

    package var remote: HostPort? { HostPort(channel.remoteAddress) }
    package var local: HostPort? { HostPort(channel.localAddress) }
    /// Whether the peer takes what it is sent, apart from what fits in the buffers. Who gathers answers stops while it does not.
    package var isPeerTaking: Bool { !pausedByPeer && !pausedByUnsent && !isClosed && !isClosing }
    /// Whether requests are delivered.
    var mayDeliver: Bool { !pausedBySession && isPeerTaking }

    // MARK: sending

    /// Sends a frame with its length in front. Leaves with the others of this burst.
    package func send(_ frame: Bytes) {
        send(bytes: frame.readableBytes) { $0.writeImmutableBuffer(frame) }
    }

    /// Sends a frame that `write` puts where it leaves from; it writes `count` bytes.
    package func send(bytes count: Int, _ write: (inout Bytes) -> Void) {
        guard maySend else { return }
        if count > Self.copyBytesMax {
            var frame = channel.allocator.buffer(capacity: 4 + count)
            frame.writeInteger(UInt32(count))
            write(&frame)
            sendApart(frame)
        } else {
            if outbound.capacity == 0 { outbound = channel.allocator.buffer(capacity: min(Self.copyBytesMax, max(4 + count, burstBytes))) }
            outbound.writeInteger(UInt32(count))
            write(&outbound)
        }
        scheduleFlush()
    }

    /// Sends bytes as they are. `areShared`: others hold the same memory, so that a peer which does not take it is not let go for it.
    package func sendRaw(_ bytes: Bytes, areShared: Bool = false) {
        guard maySend else { return }
        if bytes.readableBytes > Self.copyBytesMax { sendApart(bytes, areShared: areShared) } else { outbound.writeImmutableBuffer(bytes) }
        scheduleFlush()
    }

    /// Sends a part of a file as it is. It must be whole: what is missing of it would be waited for.
    package func sendRaw(_ extent: FileExtent) {
        guard maySend, extent.count > 0 else { return }
        writeOutbound()
        noteUnsent(extent.count, inMemory: 0)
        if isEncrypted {
            queued.append(.file(extent))
            writeQueued()
        } else {
            write(extent)
        }
        scheduleFlush()
    }

    private var maySend: Bool { !isClosed && !isClosing }

    private func sendApart(_ bytes: Bytes, areShared: Bool = false) {
        writeOutbound()
        noteUnsent(bytes.readableBytes, inMemory: bytes.readableBytes)
        if areShared { unsentShared += bytes.readableBytes }
        if queued.isEmpty { write(bytes, areShared: areShared) } else { queued.append(.bytes(bytes, areShared: areShared)) }
    }

    private func writeOutbound() {
        let count = outbound.readableBytes
        guard count > 0 else { return }
        burstBytes = count
        noteUnsent(count, inMemory: count)
        let bytes = outbound
        outbound = Bytes()
        if queued.isEmpty { write(bytes) } else { queued.append(.bytes(bytes, areShared: false)) }
    }

    private func write(_ bytes: Bytes, areShared: Bool = false, isPiece: Bool = false) {
        sentSinceLook = true
        let count = bytes.readableBytes
        let left = channel.eventLoop.makePromise(of: Void.self)
        left.futureResult.assumeIsolated().whenComplete { _ in
            if areShared { self.unsentShared -= count }
            if isPiece { self.pieceLeft(count) } else { self.left(count, inMemory: count) }
        }
        channel.write(bytes, promise: left)
    }

    private func write(_ extent: FileExtent) {
        sentSinceLook = true
        let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: extent.file.descriptor)
        let left = channel.eventLoop.makePromise(of: Void.self)
        left.futureResult.assumeIsolated().whenComplete { _ in
            // The handle gives back what is the file's to close; nobody else has it, so it cannot fail.
            _ = try? handle.takeDescriptorOwnership()
            withExtendedLifetime(extent.file) {}
            self.left(extent.count, inMemory: 0)
        }
        let start = Int(extent.position)
        channel.write(FileRegion(fileHandle: handle, readerIndex: start, endIndex: start + extent.count), promise: left)
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
        countUnsent()
        if isClosing { closeIfAllLeft() }
    }

    // MARK: files on an encrypted connection

    /// Writes what waits behind a file, piece by piece as the peer takes it, so that a file never lies in memory whole. The pieces are in
    /// the page cache, as those of sendfile(2) are.
    private func writeQueued() {
        while piecesUnderWay < Self.piecesBytesMax, !isClosed, let first = queued.first {
            switch first {
            case .bytes(let bytes, let areShared):
                queued.removeFirst()
                write(bytes, areShared: areShared)
            case .file(var extent):
                guard let piece = read(extent) else { return channel.close(promise: nil) }
                extent.position += Int64(piece.readableBytes)
                extent.count -= piece.readableBytes
                if extent.count > 0 { queued[queued.startIndex] = .file(extent) } else { queued.removeFirst() }
                piecesUnderWay += piece.readableBytes
                unsentInMemory += piece.readableBytes
                write(piece, isPiece: true)
            }
        }
    }

    private func read(_ extent: FileExtent) -> Bytes? {
        let count = min(extent.count, Self.pieceBytes)
        var piece = channel.allocator.buffer(capacity: count)
        let got = piece.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { room in
            max(0, pread(extent.file.descriptor, room.baseAddress, count, off_t(extent.position)))
        }
        return got > 0 ? piece : nil
    }

    private func pieceLeft(_ count: Int) {
        piecesUnderWay -= count
        left(count, inMemory: count)
        guard !queued.isEmpty, !isClosed else { return }
        writeQueued()
        scheduleFlush()
    }

    // MARK: what has not left

    private func noteUnsent(_ count: Int, inMemory: Int) {
        unsentBytes += count
        unsentInMemory += inMemory
        if unsentBytes > limits.outboundBytesMax { pausedByUnsent = true }
    }

    private func left(_ count: Int, inMemory: Int) {
        guard !isClosed else { return }
        unsentBytes -= count
        unsentInMemory -= inMemory
        if unsentInMemory < unsentCounted { countUnsent() }
        if pausedByUnsent, unsentBytes <= limits.outboundBytesMax / 4 {
            pausedByUnsent = false
            if mayDeliver { resume() }
        }
        if isClosing { closeIfAllLeft() }
    }

    /// Counts the memory of answers that the socket did not take at once. A peer that does not read when memory has run out is let go.
    private func countUnsent() {
        let change = unsentInMemory - unsentCounted
        guard change != 0 else { return }
        if change < 0 {
            memory.giveBack(-change)
        } else if unsentInMemory - unsentShared <= Self.unsentFreeBytes {
            memory.takeAnyway(change)
        } else if !memory.take(change) {
            return channel.close(promise: nil)
        }
        unsentCounted = unsentInMemory
    }

    // MARK: closing

    /// Closes once what was sent before has left; nothing is read or sent any more. A peer that does not take it is given half a minute.
    package func close() {
        guard maySend else { return }
        isClosing = true
        scheduleFlush()
    }

    private func closeIfAllLeft() {
        guard unsentBytes == 0 else {
            if closeTimer == nil { closeAtLatest(in: Self.closePatience) }
            return
        }
        guard !isDraining else { return }
        isDraining = true
        guard !isEncrypted else { return channel.close(promise: nil) }
        // The peer's bytes that nobody read would make the kernel throw away what is still on its way to the peer: it closes first, if it
        // will.
        closeAtLatest(in: Self.drainPatience)
        channel.close(mode: .output, promise: nil)
        resume()
    }

    private func closeAtLatest(in time: TimeAmount) {
        closeTimer?.cancel()
        let channel = channel
        closeTimer = channel.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }

    func noteClosed() {
        isClosed = true
        closeTimer?.cancel()
        closeTimer = nil
        queued = []
        outbound = Bytes()
        memory.giveBack(unsentCounted)
        unsentCounted = 0
        unsentInMemory = 0
    }

    // MARK: reading

    /// Stops the delivery of further requests, those of the present burst included, until `resumeReading`.
    package func pauseReading() { pausedBySession = true }
    package func resumeReading() {
        guard pausedBySession else { return }
        pausedBySession = false
        if mayDeliver { resume() }
    }

    func peerTakes(_ takes: Bool) {
        pausedByPeer = !takes
        if mayDeliver { resume() }
    }

    func looked() { sentSinceLook = false }
}
