// The channel handler behind FrameConnection: bytes in, frames out. Frames are slices of the read buffer; only a frame that did not come
// in one read gets a buffer of its own. hot: measured by `platform-bench coord` and `platform-bench broker`.
import Base
import DequeModule
import NIOCore

/// Cuts the inbound bytes of one connection into frames.
final class FrameHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let limits: FrameLimits
    private let isEncrypted: Bool
    private let memory: MemoryBudget
    private let waiting: MemoryWaiting
    private let makeSession: (FrameConnection) -> any FrameSession
    private let onClose: () -> Void
    private var connection: FrameConnection?
    private var session: (any FrameSession)?
    private var partial = PartialFrame()
    private var partialCounted = 0
    /// Read bytes not delivered yet, since the connection was paused in the middle of a burst or a frame waits for memory.
    private var unread = Bytes()
    private var unreadCounted = 0
    private var isDelivering = false
    private var deliveryScheduled = false
    /// When the frame that has begun started to wait for memory.
    private var waitsSince: NIODeadline?
    private var firstFrameSeen = false
    private var ended = false
    private var readWanted = false
    private var frameBegan: NIODeadline?
    private let opened = NIODeadline.now()
    private var lastTraffic = NIODeadline.now()
    private var receivedSinceLook = false
    /// Set until the handler is removed. Not weak: any object with weak references is reference-counted the slow way for good.
    private var context: ChannelHandlerContext?
    private static let lookInterval = Duration.seconds(5)
    /// Cancelled at the end: a pending task would keep the handler and its buffers of a closed connection for seconds.
    private var timeCheck: Scheduled<Void>?

    init(
        limits: FrameLimits, isEncrypted: Bool, memory: MemoryBudget, waiting: MemoryWaiting,
        makeSession: @escaping (FrameConnection) -> any FrameSession,
        onClose: @escaping () -> Void
    ) {
        self.limits = limits
        self.isEncrypted = isEncrypted
        self.memory = memory
        self.waiting = waiting
        self.makeSession = makeSession
        self.onClose = onClose
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard connection == nil else { return }
        let connection = FrameConnection(channel: context.channel, limits: limits, isEncrypted: isEncrypted, memory: memory)
        self.connection = connection
        connection.resume = { self.resume() }
        session = makeSession(connection)
        watchTime(context)
    }

    // MARK: reading

    /// Whether to read the socket. While a connection closes it is read, and the bytes are dropped.
    private var mayRead: Bool {
        guard let connection else { return true }
        if connection.isClosing { return true }
        guard waitsSince == nil else { return false }
        return connection.mayDeliver && unread.readableBytes == 0 || unread.readableBytes < limits.readAheadBytesMax
    }

    func read(context: ChannelHandlerContext) {
        if mayRead { context.read() } else { readWanted = true }
    }

    private func readIfWanted() {
        guard readWanted, mayRead, let context else { return }
        readWanted = false
        context.read()
    }

    /// Ends a pause. Waiting bytes are delivered in a turn of their own: the caller may be in the middle of something.
    private func resume() {
        guard unread.readableBytes > 0 else { return readIfWanted() }
        guard !deliveryScheduled, let context else { return }
        deliveryScheduled = true
        let this = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            this.value.deliveryScheduled = false
            this.value.deliverUnread()
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard isOpen, let session, let connection else { return }
        var bytes = unwrapInboundIn(data)
        receivedSinceLook = true
        session.heard()
        if unread.readableBytes == 0, connection.mayDeliver { deliver(&bytes, context, session, connection) }
        if bytes.readableBytes > 0 { keepUnread(bytes, context) }
    }

    private func deliverUnread() {
        guard isOpen, !isDelivering, waitsSince == nil, unread.readableBytes > 0, let connection, connection.mayDeliver, let context,
            let session
        else { return }
        var bytes = unread
        unread = Bytes()
        deliver(&bytes, context, session, connection)
        if bytes.readableBytes > 0 { keepUnread(bytes, context) } else { countUnread(0) }
        session.burstEnded()
        connection.flush()
        readIfWanted()
    }

    /// Delivers frames while the pauses allow; undelivered bytes stay in `bytes`.
    private func deliver(_ bytes: inout Bytes, _ context: ChannelHandlerContext, _ session: any FrameSession, _ connection: FrameConnection)
    {
        isDelivering = true
        defer { isDelivering = false }
        while bytes.readableBytes > 0, isOpen, connection.mayDeliver {
            guard let length = partial.length(with: bytes) else { return keepPartial(&bytes, context) }
            guard length <= UInt32(connection.frameBytesMax ?? (firstFrameSeen ? limits.frameBytesMax : limits.firstFrameBytesMax)),
                length > 0
            else {
                bytes.clear()
                return refuse(context, session, length)
            }
            guard let frame = partial.complete(Int(length), from: &bytes) else { return keepPartial(&bytes, context) }
            firstFrameSeen = true
            frameBegan = nil
            if partialCounted > 0 { countPartial(0) }
            session.received(frame)
        }
    }

    private var isOpen: Bool { !ended && connection.map { !$0.isClosed && !$0.isClosing } ?? false }

    /// Keeps the bytes of a frame that is not whole yet. Its room is counted before it is taken; without room the frame waits.
    private func keepPartial(_ bytes: inout Bytes, _ context: ChannelHandlerContext) {
        if frameBegan == nil { frameBegan = .now() }
        let room = partial.room(with: bytes)
        if room > partialCounted {
            if room <= FrameLimits.freeBytes {
                memory.takeAnyway(room - partialCounted)
            } else if !memory.take(room - partialCounted, sparing: true) {
                waitsSince = waitsSince ?? .now()
                return waiting.append(self)
            }
            partialCounted = room
        }
        waitsSince = nil
        partial.append(&bytes)
    }

    private func countPartial(_ room: Int) {
        memory.giveBack(partialCounted - room)
        partialCounted = room
    }

    /// Asks again for memory for the waiting frame; false while there is none.
    func askAgain() -> Bool {
        guard let since = waitsSince, isOpen, let connection, let context else { return true }
        guard connection.mayDeliver else { return false }
        waitsSince = nil
        deliverUnread()
        guard waitsSince != nil else { return true }
        waitsSince = since
        if NIODeadline.now() - since > .nanoseconds(FrameLimits.memoryPatience.inNanoseconds) { context.close(promise: nil) }
        return false
    }

    private func keepUnread(_ bytes: Bytes, _ context: ChannelHandlerContext) {
        guard isOpen else { return }
        if unread.readableBytes == 0 {
            // A small slice of a large buffer would keep all of it in memory.
            unread = bytes.storageCapacity / 4 > bytes.readableBytes ? bytes.copied() : bytes
        } else {
            unread.writeImmutableBuffer(bytes)
        }
        if !countUnread(unread.storageCapacity) { context.close(promise: nil) }
    }

    /// Counts the unread bytes held; false if they exceed the peer's limit.
    @discardableResult
    private func countUnread(_ capacity: Int) -> Bool {
        defer { unreadCounted = capacity }
        guard capacity > unreadCounted else {
            memory.giveBack(unreadCounted - capacity)
            return true
        }
        let isFree = capacity <= FrameLimits.freeBytes
        if !isFree, memory.take(capacity - unreadCounted) { return true }
        memory.takeAnyway(capacity - unreadCounted)
        return isFree
    }

    private func refuse(_ context: ChannelHandlerContext, _ session: any FrameSession, _ length: UInt32) {
        ended = true
        if firstFrameSeen || !session.refusedLength(length) { context.close(promise: nil) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        session?.burstEnded()
        connection?.flush()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        connection?.peerTakes(context.channel.isWritable)
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
        self.context = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func end() {
        guard let session else { return }
        self.session = nil
        ended = true
        timeCheck?.cancel()
        timeCheck = nil
        partial = PartialFrame()
        countPartial(0)
        unread = Bytes()
        countUnread(0)
        waitsSince = nil
        connection?.noteClosed()
        connection?.resume = {}
        session.closed()
        onClose()
    }

    /// Checks every few seconds whether the peer keeps its time limits.
    private func watchTime(_ context: ChannelHandlerContext) {
        let look = min(limits.idleTimeout ?? Self.lookInterval, limits.firstFrameTimeout ?? Self.lookInterval, Self.lookInterval)
        let this = NIOLoopBound(self, eventLoop: context.eventLoop)
        timeCheck = context.eventLoop.scheduleTask(in: .nanoseconds(look.inNanoseconds)) { this.value.checkTime() }
    }

    private func checkTime() {
        guard session != nil, let context else { return }
        let now = NIODeadline.now()
        // A peer whose socket is not read cannot continue its frame.
        if frameBegan != nil, !mayRead { frameBegan = now }
        if let frameBegan, now - frameBegan > .nanoseconds(limits.frameTimeout.inNanoseconds) { return context.close(promise: nil) }
        if let limit = limits.firstFrameTimeout, !firstFrameSeen, now - opened > .nanoseconds(limit.inNanoseconds) {
            return context.close(promise: nil)
        }
        if receivedSinceLook || connection?.sentSinceLook == true {
            lastTraffic = now
            receivedSinceLook = false
            connection?.looked()
        }
        if let idle = limits.idleTimeout, now - lastTraffic > .nanoseconds(idle.inNanoseconds) { return context.close(promise: nil) }
        watchTime(context)
    }
}

/// Frames of one listener that have begun and wait for memory, in order of arrival. Used on the loop only.
final class MemoryWaiting {
    private var frames = Deque<FrameHandler>()
    private var isScheduled = false
    private var asking: FrameHandler?
    private let eventLoop: any EventLoop
    private static let interval = TimeAmount.milliseconds(10)
    /// Limit of frames asked in one turn.
    private static let turnMax = 64

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func append(_ frame: FrameHandler) {
        // A frame that is being asked keeps its place.
        if asking !== frame { frames.append(frame) }
        schedule()
    }

    private func schedule() {
        guard !isScheduled, !frames.isEmpty else { return }
        isScheduled = true
        let this = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: Self.interval) {
            this.value.isScheduled = false
            this.value.ask()
        }
    }

    /// Asks all frames: those of one address may wait while another address has room.
    private func ask() {
        for _ in 0..<min(frames.count, Self.turnMax) {
            guard let frame = frames.popFirst() else { break }
            asking = frame
            if !frame.askAgain() { frames.append(frame) }
        }
        asking = nil
        schedule()
    }
}

/// A frame that has begun and did not come in one read.
struct PartialFrame {
    /// Includes the four bytes of length.
    private var bytes = Bytes()

    static let lengthBytes = 4
    /// Room of any frame, whatever length it announces, in bytes.
    private static let roomMin = 4 << 10
    /// Ratio of a frame's room to its received bytes: a peer that announces much and sends little gets little.
    private static let growth = 4

    /// The length of the frame that begins here and continues with `more`; nil until all four bytes of it are there.
    func length(with more: Bytes) -> UInt32? {
        guard bytes.readableBytes < Self.lengthBytes else { return bytes.getInteger(at: bytes.readerIndex) }
        guard bytes.readableBytes > 0 else { return more.getInteger(at: more.readerIndex) }
        guard bytes.readableBytes + more.readableBytes >= Self.lengthBytes else { return nil }
        var first = bytes
        first.writeImmutableBuffer(more.getSlice(at: more.readerIndex, length: Self.lengthBytes - bytes.readableBytes) ?? Bytes())
        return first.getInteger(at: first.readerIndex)
    }

    /// The whole frame without its length, if `more` completes it; takes the missing bytes from `more`.
    mutating func complete(_ length: Int, from more: inout Bytes) -> Bytes? {
        let lacking = Self.lengthBytes + length - bytes.readableBytes
        guard more.readableBytes >= lacking else { return nil }
        guard bytes.readableBytes > 0 else {
            more.moveReaderIndex(forwardBy: Self.lengthBytes)
            return more.readSlice(length: length)
        }
        var last = more.readSlice(length: lacking) ?? Bytes()
        bytes.reserveCapacity(Self.lengthBytes + length)
        bytes.writeBuffer(&last)
        defer { bytes = Bytes() }
        bytes.moveReaderIndex(forwardBy: Self.lengthBytes)
        return bytes
    }

    /// The bytes of memory that the frame holds after taking `more`, which does not complete it.
    func room(with more: Bytes) -> Int {
        let gathered = bytes.readableBytes + more.readableBytes
        guard bytes.storageCapacity < gathered || bytes.storageCapacity == 0 else { return bytes.storageCapacity }
        let wanted = max(gathered * Self.growth, Self.roomMin)
        let room = length(with: more).map { min(Self.lengthBytes + Int($0), wanted) } ?? gathered
        // A buffer is a power of two.
        return room <= 1 ? 1 : 1 << (Int.bitWidth - (room - 1).leadingZeroBitCount)
    }

    /// Takes all of `more`, which does not complete the frame.
    mutating func append(_ more: inout Bytes) {
        bytes.reserveCapacity(room(with: more))
        bytes.writeBuffer(&more)
    }
}

extension FrameHandler: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
}
