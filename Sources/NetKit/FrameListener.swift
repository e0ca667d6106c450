// Listens for connections of a length-prefixed protocol and makes outgoing ones of the same kind. The listener counts connections, in all
// and per address, and refuses above its limits; sessions are made and used on the service's own loop.
import Base
import Logging
import NIOCore
import NIOPosix
import NIOSSL

/// A listening port of a framed protocol.
package final class FrameListener: @unchecked Sendable {
    // Safe to share: `connections`, `perAddress`, `waiting` and `open` are touched on the loop only; `channel` is set once, before the
    // listener is handed out.
    private let loop: NIOServiceLoop
    private let limits: FrameLimits
    private let log: Logger
    private var channel: (any Channel)?
    private var open: [ObjectIdentifier: any Channel] = [:]
    private var perAddress: [String: AddressShare] = [:]
    private let waiting: MemoryWaiting

    /// The common count and budget of one address's connections.
    private struct AddressShare {
        var connections = 0
        let memory: MemoryBudget
    }
    /// Connections refused because of a limit, since the start.
    package private(set) var refusedConnections = 0
    /// Connections since the start, refused ones included.
    package private(set) var requestedConnections = 0

    private init(loop: NIOServiceLoop, limits: FrameLimits, log: Logger) {
        self.loop = loop
        self.limits = limits
        self.log = log
        waiting = MemoryWaiting(loop.eventLoop)
    }

    package var connectionCount: Int { open.count }

    /// The bound address.
    package var address: HostPort {
        guard let address = HostPort(channel?.localAddress) else { preconditionFailure("a listener is bound as long as it exists") }
        return address
    }

    /// Binds `address` and serves every connection with a session of its own. `holdUp` gets the address of each connection, on the loop. It
    /// returns how long to keep the connection before closing it; zero serves it. Throws `ListenError`.
    package static func bind(
        _ address: HostPort, loop: NIOServiceLoop, limits: FrameLimits, tls: TLSSettings? = nil, log: Logger,
        holdUp: (@Sendable (String) -> Duration)? = nil, session: @escaping @Sendable (FrameConnection) -> any FrameSession
    ) async throws -> FrameListener {
        let listener = FrameListener(loop: loop, limits: limits, log: log)
        let context = try tls?.serverContext()
        let bootstrap = ServerBootstrap(group: loop.group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: limits.outboundBytesMax / 4, high: limits.outboundBytesMax))
            .childChannelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 8192, maximum: FrameLimits.readBytesMax)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let memory = listener.admit(channel) else { throw ChannelError.connectTimeout(.zero) }
                    if let wait = holdUp?(channel.remoteAddress?.ipAddress ?? ""), wait > .zero {
                        return try listener.close(channel, after: wait)
                    }
                    if let context { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context)) }
                    try channel.pipeline.syncOperations.addHandler(
                        FrameHandler(
                            limits: limits, isEncrypted: context != nil, memory: memory, waiting: listener.waiting, makeSession: session,
                            onClose: { listener.leave(channel) }))
                }
            }
        do { listener.channel = try await bootstrap.bind(host: address.host, port: address.port).get() } catch {
            throw ListenError(address, error)
        }
        return listener
    }

    /// The connection's budget; nil if there are too many connections.
    private func admit(_ channel: any Channel) -> MemoryBudget? {
        requestedConnections += 1
        let ip = channel.remoteAddress?.ipAddress ?? ""
        var share =
            perAddress[ip]
            ?? AddressShare(memory: MemoryBudget(name: "address", limitBytes: limits.memoryPerAddressMax, parent: limits.memory))
        guard open.count < limits.connectionsMax,
            limits.connectionsPerAddressMax == 0 || share.connections < limits.connectionsPerAddressMax
        else {
            refusedConnections += 1
            log.warning(
                "connection refused: too many are open",
                metadata: ["remote": "\(ip)", "open": "\(open.count)", "fromThere": "\(share.connections)"])
            return nil
        }
        open[ObjectIdentifier(channel)] = channel
        share.connections += 1
        perAddress[ip] = share
        return MemoryBudget(name: "connection", limitBytes: limits.memoryPerConnectionMax, parent: share.memory)
    }

    /// Closes the connection after a time, unread, so that its client does not reconnect at once.
    private func close(_ channel: any Channel, after wait: Duration) throws {
        refusedConnections += 1
        try channel.syncOptions?.setOption(.autoRead, value: false)
        channel.closeFuture.whenComplete { _ in self.leave(channel) }
        channel.eventLoop.scheduleTask(in: .nanoseconds(wait.inNanoseconds)) { channel.close(promise: nil) }
    }

    private func leave(_ channel: any Channel) {
        guard open.removeValue(forKey: ObjectIdentifier(channel)) != nil else { return }
        let ip = channel.remoteAddress?.ipAddress ?? ""
        perAddress[ip]?.connections -= 1
        if perAddress[ip]?.connections == 0 { perAddress[ip] = nil }
    }

    /// Stops accepting connections; open ones stay.
    package func stopAccepting() async {
        // A listener that is closed already has nothing left to stop.
        try? await channel?.close().get()
    }

    /// Closes every connection.
    package func closeConnections() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            loop.execute {
                for channel in self.open.values { channel.close(promise: nil) }
                continuation.resume()
            }
        }
    }
}

/// Outgoing connections of a framed protocol.
package enum FrameClient {
    /// Connects and serves the connection with `session`. Throws the system's error without a listener, TLSProblem if the handshake fails.
    package static func connect(
        _ address: HostPort, loop: NIOServiceLoop, limits: FrameLimits, timeout: Duration = .seconds(10), tls: TLSTrust? = nil,
        session: @escaping @Sendable (FrameConnection) -> any FrameSession
    ) async throws {
        let client = try tls?.prepare()
        let handshake = loop.eventLoop.makePromise(of: Void.self)
        if client == nil { handshake.succeed() }
        let bootstrap = ClientBootstrap(group: loop.group)
            .connectTimeout(.nanoseconds(timeout.inNanoseconds))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: .init(low: limits.outboundBytesMax / 4, high: limits.outboundBytesMax))
            .channelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 8192, maximum: FrameLimits.readBytesMax)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let client {
                        try channel.pipeline.syncOperations.addHandlers([
                            try client.handler(host: address.host), HandshakeHandler(handshake),
                        ])
                    }
                    let memory = MemoryBudget(name: "connection", limitBytes: limits.memoryPerConnectionMax, parent: limits.memory)
                    try channel.pipeline.syncOperations.addHandler(
                        FrameHandler(
                            limits: limits, isEncrypted: client != nil, memory: memory, waiting: MemoryWaiting(channel.eventLoop),
                            makeSession: session, onClose: {}))
                }
            }
        do { _ = try await bootstrap.connect(host: address.host, port: address.port).get() } catch {
            handshake.fail(error)
            throw error
        }
        try await handshake.futureResult.get()
    }
}
