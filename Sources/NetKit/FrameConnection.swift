// The service's handle on one connection of a length-prefixed protocol (ZooKeeper, Kafka: a big-endian int32, then that many bytes).
// Replies are coalesced into one write per burst of reads; unsent bytes are counted and stop the delivery of further requests. Everything
// happens on the connection's loop. hot: measured by `platform-bench coord` and `platform-bench broker`.
import Base
import DequeModule
import Glibc
import NIOCore

/// A service's handler of one connection. Called on the connection's loop, in arrival order.
package protocol FrameSession: AnyObject {
    /// Bytes have arrived, delivered now or later: the peer is alive.
    func heard()
    /// A whole frame, without its length. The bytes are a slice of the read buffer: copy any part that outlives the request. No frame comes
    /// while the connection is paused or the peer does not read its answers.
    func received(_ frame: Bytes)
    /// The frames of one read burst were delivered, as far as the pauses allow.
    func burstEnded()
    /// The connection is gone; no more calls follow.
    func closed()
    /// The first four bytes are not an allowed frame length. Returns true if the session understood them (ZooKeeper's four-letter words);
    /// it then answers and closes by itself. Otherwise the connection is closed.
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
    /// Memory held for this peer; the budget's parents are the peer's address, the service and the process.
    package let memory: MemoryBudget
    /// The largest frame accepted from now on, in bytes, if it differs from the listener's limit: a peer gets less room until it has
    /// introduced itself.
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
    /// Bytes of answers not yet taken by the socket, parts of files included.
    package private(set) var unsentBytes = 0
    /// The part of them in memory, and the part of that counted in the budget.
    private var unsentInMemory = 0
    private var unsentCounted = 0
    /// The part of them in memory shared with other owners.
    private var unsentShared = 0
    /// The queue after a file that is read piece by piece; its bytes count as unsent.
    private var queued = Deque<Queued>()
    private var piecesUnderWay = 0
    /// Whether anything was sent since the handler's last look.
    private(set) var sentSinceLook = false
    /// Called when the pauses allow reading again.
    var resume: () -> Void = {}

    private enum Queued {
        case bytes(Bytes, areShared: Bool)
        case file(FileExtent)
    }

    /// Above this size, in bytes, a frame goes to the socket from its own buffer instead of being copied after others.
    package static let copyBytesMax = 16 << 10
    /// Size of a file's pieces on an encrypted connection, and limit of their bytes under way.
    private static let pieceBytes = 256 << 10
    private static let piecesBytesMax = 1 << 20
    /// Unsent answers up to this size, in bytes, need no budget: a small answer always gets through.
    private static let unsentFreeBytes = 64 << 10
    /// Time for the bytes sent before a close to leave, then for the peer to close its side.
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
    /// Whether the peer reads its answers, apart from those in the buffers. A session that gathers answers stops while it does not.
    package var isPeerTaking: Bool { !pausedByPeer && !pausedByUnsent && !isClosed && !isClosing }
    /// Whether requests are delivered.
    var mayDeliver: Bool { !pausedBySession && isPeerTaking }

    // MARK: sending

    /// Sends a frame with its length in front, together with the others of this burst.
    package func send(_ frame: Bytes) {
        send(bytes: frame.readableBytes) { $0.writeImmutableBuffer(frame) }
    }

    /// Sends a frame of `count` bytes that `write` puts directly into the outgoing buffer.
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

    /// Sends bytes as they are. `areShared`: other owners hold the same memory, so a peer that does not read it is not cut off for it.
    package func sendRaw(_ bytes: Bytes, areShared: Bool = false) {
        guard maySend else { return }
        if bytes.readableBytes > Self.copyBytesMax { sendApart(bytes, areShared: areShared) } else { outbound.writeImmutableBuffer(bytes) }
        scheduleFlush()
    }

    /// Sends a part of a file as it is. The file must have all of it: the connection would wait for missing bytes.
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
            // The handle gives back the descriptor, which the file closes; it has no other user, so this cannot fail.
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

    /// Writes the gathered bytes; called at the end of a burst, and soon after any other send.
    func flush() {
        flushScheduled = false
        guard !isClosed else { return }
        writeOutbound()
        channel.flush()
        countUnsent()
        if isClosing { closeIfAllLeft() }
    }

    // MARK: files on an encrypted connection

    /// Writes the queue after a file, piece by piece as the peer reads it, so that the whole file is never in memory. The pieces are in the
    /// page cache, as those of sendfile(2) are.
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

    // MARK: unsent bytes

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

    /// Counts the memory of answers that the socket did not take at once. A peer that does not read is cut off once memory has run out.
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

    /// Closes after the bytes sent before have left; reads and sends nothing more. A peer that does not read gets half a minute.
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
        // Unread bytes of the peer would make the kernel drop bytes still on their way to the peer: the peer is given the chance to close
        // first.
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
