// Connections whose protocol is a conversation. Each has a task of its own that reads as many bytes as it wants and writes with
// back-pressure. Memory is taken for received bytes, never for an announced length. For protocols with one frame after another and many
// small requests FrameListener is cheaper.
import Base
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Limits of such connections.
package struct StreamLimits: Sendable {
    package var connectionsMax: Int
    /// A connection without a byte in either direction for this long is closed.
    package var idleTimeout: Duration
    /// The budget of all connections together.
    package var memory: MemoryBudget?
    /// The limit of one connection, in bytes.
    package var memoryPerConnectionMax = 64 << 20

    package init(connectionsMax: Int = 4096, idleTimeout: Duration = .seconds(600), memory: MemoryBudget? = nil) {
        self.connectionsMax = connectionsMax
        self.idleTimeout = idleTimeout
        self.memory = memory
    }
}

/// The peer ended the connection too early.
package struct StreamEnded: Error, Sendable, CustomStringConvertible {
    package init() {}
    package var description: String { "the connection ended" }
}

/// One connection. Used by one task at a time, except `write`, which any number of tasks may call.
package final class ByteStream: @unchecked Sendable {
    // Safe to share: `pending` and `inbound` are used by the one task that reads; the writer is safe in itself.
    private var pending = Bytes()
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private let channel: any Channel
    package let peer: HostPort
    /// This side's address, as the peer reached it.
    package let local: HostPort
    /// Memory held for the peer. All of it is given back at the latest when the connection ends.
    package let memory: MemoryBudget

    init(
        _ channel: any Channel, _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>,
        _ memory: MemoryBudget
    ) {
        self.channel = channel
        self.memory = memory
        self.inbound = inbound.makeAsyncIterator()
        self.outbound = outbound
        peer = HostPort(channel.remoteAddress) ?? HostPort("unknown", 0)
        local = HostPort(channel.localAddress) ?? HostPort("unknown", 0)
    }

    /// Waits for a byte; false at the end.
    package func hasMore() async throws -> Bool {
        while pending.readableBytes == 0 {
            guard try await receive() else { return false }
        }
        return true
    }

    private func receive() async throws -> Bool {
        guard var more = try await inbound.next() else { return false }
        if pending.readableBytes == 0 {
            pending = more
        } else {
            // The buffer grows with the received bytes.
            pending.discardReadBytes()
            pending.writeBuffer(&more)
        }
        return true
    }

    /// Exactly `count` bytes.
    package func read(_ count: Int) async throws -> Bytes {
        while pending.readableBytes < count {
            guard try await receive() else { throw StreamEnded() }
        }
        guard let bytes = pending.readSlice(length: count) else { throw StreamEnded() }
        return bytes
    }

    /// A length as an unsigned varint of at most `bytesMax` bytes, at most `limit`.
    package func readLength(limit: Int) async throws -> Int {
        var (value, shift): (UInt64, UInt64) = (0, 0)
        while true {
            guard let byte: UInt8 = try await read(1).readableBytesView.first else { throw StreamEnded() }
            value |= UInt64(byte & 0x7f) &<< shift
            if byte < 0x80 { break }
            shift += 7
            guard shift <= 28 else { throw WireError.varintTooLong }
        }
        guard value <= UInt64(limit) else { throw WireError.overLimit("message bytes", Int(clamping: value)) }
        return Int(value)
    }

    /// Hands the bytes to the system; waits while the peer reads nothing.
    package func write(_ bytes: Bytes) async throws { try await outbound.write(bytes) }
    package func write(_ pieces: [Bytes]) async throws { try await outbound.write(contentsOf: pieces) }

    /// Cuts the connection; a task that waits for it gets an error.
    package func close() { channel.close(promise: nil) }
}

/// A listening port whose connections are conversations.
package final class StreamListener: Sendable {
    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>
    package let address: HostPort
    private let channel: any Channel
    private let serving: Task<Void, Never>
    private let open: OpenChannels

    /// The open connections, for counting and cutting.
    private final class OpenChannels: Sendable {
        private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])
        var count: Int { channels.withLock { $0.count } }
        func admit(_ channel: any Channel, limit: Int) -> Bool {
            channels.withLock {
                guard $0.count < limit else { return false }
                $0[ObjectIdentifier(channel)] = channel
                return true
            }
        }
        func leave(_ channel: any Channel) { channels.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(channel)) } }
        func closeAll() { for channel in channels.withLock({ Array($0.values) }) { channel.close(promise: nil) } }
    }

    private init(address: HostPort, channel: any Channel, serving: Task<Void, Never>, open: OpenChannels) {
        self.address = address
        self.channel = channel
        self.serving = serving
        self.open = open
    }

    package var connectionCount: Int { open.count }

    /// Binds and serves each connection with `session`, then closes it. Throws `ListenError`.
    package static func bind(
        _ address: HostPort, limits: StreamLimits = StreamLimits(), log: Logger,
        session: @escaping @Sendable (ByteStream) async throws -> Void
    ) async throws -> StreamListener {
        let open = OpenChannels()
        let idle = TimeAmount.nanoseconds(limits.idleTimeout.inNanoseconds)
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // A peer may close its sending side and still wait for answers.
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 8192, maximum: 256 << 10))
        let server: NIOAsyncChannel<Connection, Never>
        do {
            server = try await bootstrap.bind(host: address.host, port: address.port) { channel in
                channel.eventLoop.makeCompletedFuture { try StreamChannels.wrap(channel, idle: idle) }
            }
        } catch { throw ListenError(address, error) }
        guard let bound = HostPort(server.channel.localAddress) else { preconditionFailure("a listener is bound as long as it exists") }
        let serving = Task {
            do {
                try await server.executeThenClose { incoming in
                    try await withThrowingDiscardingTaskGroup { group in
                        for try await connection in incoming {
                            guard open.admit(connection.channel, limit: limits.connectionsMax) else {
                                log.warning("connection refused: too many are open", metadata: ["open": "\(open.count)"])
                                connection.channel.close(promise: nil)
                                continue
                            }
                            group.addTask {
                                let memory = MemoryBudget(
                                    name: "connection", limitBytes: limits.memoryPerConnectionMax, parent: limits.memory)
                                await StreamChannels.serve(connection, memory, log, session)
                                memory.giveBack(memory.usedBytes)
                                open.leave(connection.channel)
                            }
                        }
                    }
                }
            } catch { log.debug("the listener ended", metadata: ["error": "\(error)"]) }
        }
        return StreamListener(address: bound, channel: server.channel, serving: serving, open: open)
    }

    /// Stops accepting, cuts the open connections, and waits until their tasks have ended.
    package func stop() async {
        // A listener that is closed already has nothing left to stop.
        try? await channel.close().get()
        open.closeAll()
        serving.cancel()
        await serving.value
    }
}

/// Outgoing conversations.
package enum StreamClient {
    /// Connects, runs `session`, then closes the connection.
    package static func connect<T: Sendable>(
        _ address: HostPort, timeout: Duration = .seconds(10), idleTimeout: Duration = .seconds(600),
        session: @escaping @Sendable (ByteStream) async throws -> T
    ) async throws -> T {
        let idle = TimeAmount.nanoseconds(idleTimeout.inNanoseconds)
        let connection = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.nanoseconds(timeout.inNanoseconds))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 8192, maximum: 256 << 10))
            .connect(host: address.host, port: address.port) { channel in
                channel.eventLoop.makeCompletedFuture { try StreamChannels.wrap(channel, idle: idle) }
            }
        let memory = MemoryBudget(name: "connection", limitBytes: StreamLimits().memoryPerConnectionMax)
        return try await connection.executeThenClose { inbound, outbound in
            try await session(ByteStream(connection.channel, inbound, outbound, memory))
        }
    }
}

/// The common part of both directions.
private enum StreamChannels {
    /// Limits of the unread buffers held here: above the higher one the socket is not read.
    static let inbound = NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark(lowWatermark: 1, highWatermark: 4)

    static func wrap(_ channel: any Channel, idle: TimeAmount) throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        try channel.pipeline.syncOperations.addHandlers([IdleStateHandler(allTimeout: idle), IdleCutter()])
        return try NIOAsyncChannel(
            wrappingChannelSynchronously: channel,
            configuration: .init(
                backPressureStrategy: inbound, isOutboundHalfClosureEnabled: false, inboundType: ByteBuffer.self,
                outboundType: ByteBuffer.self))
    }

    static func serve(
        _ connection: NIOAsyncChannel<ByteBuffer, ByteBuffer>, _ memory: MemoryBudget, _ log: Logger,
        _ session: @escaping @Sendable (ByteStream) async throws -> Void
    ) async {
        do {
            try await connection.executeThenClose { inbound, outbound in
                try await session(ByteStream(connection.channel, inbound, outbound, memory))
            }
        } catch { log.debug("connection ended", metadata: ["error": "\(error)"]) }
    }
}

/// Closes an idle connection.
private final class IdleCutter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) } else { context.fireUserInboundEventTriggered(event) }
    }
}
