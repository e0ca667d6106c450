// The channel handler behind FrameConnection: bytes in, frames out. One accumulation buffer per connection, no copy of whole
// frames. hot: measured by `platform-bench coord`.
import Base
import NIOCore

/// Cuts the inbound bytes of one connection into frames.
final class FrameHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let limits: FrameLimits
    private let makeSession: (FrameConnection) -> any FrameSession
    private let onClose: () -> Void
    private var connection: FrameConnection?
    private var session: (any FrameSession)?
    private var pending = Bytes()
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

    init(limits: FrameLimits, makeSession: @escaping (FrameConnection) -> any FrameSession, onClose: @escaping () -> Void) {
        self.limits = limits
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
        let connection = FrameConnection(channel: context.channel, limits: limits)
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
        if pending.readableBytes > 0 {
            pending.writeBuffer(&bytes)
        } else {
            pending = bytes
        }
        while !ended, connection?.isClosed == false, let length = pending.getInteger(at: pending.readerIndex, as: UInt32.self) {
            guard length <= UInt32(firstFrameSeen ? limits.frameBytesMax : limits.firstFrameBytesMax), length > 0 else {
                return refuse(context, session, length)
            }
            guard pending.readableBytes >= 4 + Int(length) else {
                reserve(Int(length))
                break
            }
            pending.moveReaderIndex(forwardBy: 4)
            guard let frame = pending.readSlice(length: Int(length)) else { break }
            firstFrameSeen = true
            frameBegan = nil
            session.received(frame)
        }
        if pending.readableBytes == 0 { pending = Bytes() } else if frameBegan == nil { frameBegan = .now() }
    }

    /// Makes room for a frame that has begun, but for no more than has been announced and at most doubling what arrived: a peer that
    /// announces much and sends little gets little.
    private func reserve(_ length: Int) {
        pending.reserveCapacity(min(4 + length, max(pending.readableBytes * 2, 64 << 10)))
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
        pending = Bytes()
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

extension FrameHandler: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
}
