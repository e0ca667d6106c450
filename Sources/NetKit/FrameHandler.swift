// The channel handler behind FrameConnection: bytes in, frames out. Frames are slices of what was read; only one that did not come in one
// read is put together in a buffer of its own. hot: measured by `platform-bench coord` and `platform-bench broker`.
import Base
import NIOCore

/// Cuts the inbound bytes of one connection into frames.
final class FrameHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let limits: FrameLimits
    private let isEncrypted: Bool
    private let makeSession: (FrameConnection) -> any FrameSession
    private let onClose: () -> Void
    private var connection: FrameConnection?
    private var session: (any FrameSession)?
    private var partial = PartialFrame()
    private var firstFrameSeen = false
    private var ended = false
    private var readWanted = false
    private var frameBegan: NIODeadline?
    private let opened = NIODeadline.now()
    private var lastTraffic = NIODeadline.now()
    private var receivedSinceLook = false
    /// Until the handler is removed. Not weak: what was ever referred to weakly is counted the slow way for good.
    private var context: ChannelHandlerContext?
    private static let lookInterval = Duration.seconds(5)
    /// Cancelled at the end: a task that waits would keep the handler and its buffers of a closed connection for seconds.
    private var timeCheck: Scheduled<Void>?

    init(limits: FrameLimits, isEncrypted: Bool, makeSession: @escaping (FrameConnection) -> any FrameSession, onClose: @escaping () -> Void) {
        self.limits = limits
        self.isEncrypted = isEncrypted
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
        let connection = FrameConnection(channel: context.channel, limits: limits, takesFiles: !isEncrypted)
        self.connection = connection
        connection.resume = { self.resumeReading() }
        session = makeSession(connection)
        watchTime(context)
    }

    func read(context: ChannelHandlerContext) {
        if connection?.mayRead ?? true { context.read() } else { readWanted = true }
    }

    private func resumeReading() {
        guard readWanted, let context else { return }
        readWanted = false
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !ended, let session else { return }
        var bytes = unwrapInboundIn(data)
        receivedSinceLook = true
        while bytes.readableBytes > 0, isOpen {
            guard let length = partial.length(with: bytes) else { return keep(&bytes) }
            guard length <= UInt32(firstFrameSeen ? limits.frameBytesMax : limits.firstFrameBytesMax), length > 0 else {
                return refuse(context, session, length)
            }
            guard let frame = partial.complete(Int(length), from: &bytes) else { return keep(&bytes) }
            firstFrameSeen = true
            frameBegan = nil
            session.received(frame)
        }
    }

    private var isOpen: Bool { !ended && connection?.isClosed == false }

    /// The bytes begin a frame, or go on with one, that is not whole yet.
    private func keep(_ bytes: inout Bytes) {
        partial.append(&bytes)
        if frameBegan == nil { frameBegan = .now() }
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
        connection?.noteClosed()
        connection?.resume = {}
        session.closed()
        onClose()
    }

    /// Looks every few seconds whether the peer keeps its time limits.
    private func watchTime(_ context: ChannelHandlerContext) {
        let look = min(limits.idleTimeout ?? Self.lookInterval, limits.firstFrameTimeout ?? Self.lookInterval, Self.lookInterval)
        let this = NIOLoopBound(self, eventLoop: context.eventLoop)
        timeCheck = context.eventLoop.scheduleTask(in: .nanoseconds(look.inNanoseconds)) { this.value.checkTime() }
    }

    private func checkTime() {
        guard session != nil, let context else { return }
        let now = NIODeadline.now()
        if let frameBegan, now - frameBegan > .nanoseconds(limits.frameTimeout.inNanoseconds) { return context.close(promise: nil) }
        if let limit = limits.firstFrameTimeout, !firstFrameSeen, now - opened > .nanoseconds(limit.inNanoseconds) { return context.close(promise: nil) }
        if receivedSinceLook || connection?.sentSinceLook == true {
            lastTraffic = now
            receivedSinceLook = false
            connection?.looked()
        }
        if let idle = limits.idleTimeout, now - lastTraffic > .nanoseconds(idle.inNanoseconds) { return context.close(promise: nil) }
        watchTime(context)
    }
}

/// A frame that has begun and did not come in one read.
struct PartialFrame {
    /// With the four bytes of length in front.
    private var bytes = Bytes()

    static let lengthBytes = 4
    /// Room that a frame gets whatever it announces, in bytes.
    private static let roomMin = 64 << 10
    /// How much more room than it has filled a frame gets: a peer that announces much and sends little gets little.
    private static let growth = 8

    /// The length of the frame that begins here and goes on with `more`; nil while its length itself is not whole.
    func length(with more: Bytes) -> UInt32? {
        guard bytes.readableBytes < Self.lengthBytes else { return bytes.getInteger(at: bytes.readerIndex) }
        guard bytes.readableBytes > 0 else { return more.getInteger(at: more.readerIndex) }
        guard bytes.readableBytes + more.readableBytes >= Self.lengthBytes else { return nil }
        var first = bytes
        first.writeImmutableBuffer(more.getSlice(at: more.readerIndex, length: Self.lengthBytes - bytes.readableBytes) ?? Bytes())
        return first.getInteger(at: first.readerIndex)
    }

    /// The whole frame without its length, if `more` brings what it lacks; that is taken from `more`.
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

    /// Takes all of `more`, which does not complete the frame.
    mutating func append(_ more: inout Bytes) {
        let gathered = bytes.readableBytes + more.readableBytes
        if let length = length(with: more) {
            let room = min(Self.lengthBytes + Int(length), max(gathered * Self.growth, Self.roomMin))
            if bytes.capacity < gathered { bytes.reserveCapacity(room) }
        }
        bytes.writeBuffer(&more)
    }
}

extension FrameHandler: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
}
