// The server's side of Hadoop IPC version 9: one conversation per connection; calls run side by side, each answered at its end, as in
// Hadoop. The service has the methods; here are the frames, the headers, the caller's name, and the answers to malformed input.
import Base
import HadoopWire
import Logging
import NetKit

/// The caller. Nothing proves the name.
package struct RPCCaller: Sendable {
    package var user: String
    package var peer: HostPort
    package static let userBytesMax = 255
    /// The client of the request, by which a repetition is known; empty where the caller is no RPC client.
    package var clientID: Bytes
    package var callID: Int64
    package init(user: String, peer: HostPort, clientID: Bytes = Bytes(), callID: Int64 = 0) {
        (self.user, self.peer, self.clientID, self.callID) = (user, peer, clientID, callID)
    }
}

/// The answerer of calls. Throws JavaException.
package protocol RPCTarget: Sendable {
    func answer(_ method: MethodHeader, _ body: Bytes, _ caller: RPCCaller) async throws -> Bytes
}

/// A listening RPC port.
package struct RPCServer: Sendable {
    private let listener: StreamListener
    package var address: HostPort { listener.address }
    package var connectionCount: Int { listener.connectionCount }

    /// Limit of the calls under way on a connection; the next request is read when one has ended.
    static let callsMax = 64

    package static func bind(_ address: HostPort, memory: MemoryBudget?, log: Logger, target: any RPCTarget) async throws -> RPCServer {
        RPCServer(
            listener: try await StreamListener.bind(
                address, limits: StreamLimits(connectionsMax: 8192, idleTimeout: .seconds(300), memory: memory), log: log
            ) { stream in
                try await RPCConversation(stream: stream, target: target, log: log).run()
            })
    }

    package func stop() async { await listener.stop() }
}

/// One connection.
private struct RPCConversation: Sendable {
    let stream: ByteStream
    let target: any RPCTarget
    let log: Logger

    func run() async throws {
        switch Preamble(try await stream.read(Preamble.bytes)) {
        case .simple: try await serve(negotiates: false)
        case .sasl: try await serve(negotiates: true)
        case .http: try await stream.write(Bytes(string: Preamble.httpAnswer))
        case .wrongVersion(let version):
            var header = RPCRequestHeader()
            header.callID = -1
            let text = "Server IPC version \(Preamble.version) cannot communicate with client version \(version)"
            try await stream.write(RPCFrame.failure(header, JavaException.versionMismatch, text, .fatalVersion, fatal: true))
        case .garbage: return
        }
    }

    private func serve(negotiates: Bool) async throws {
        var user: String?
        // Each call takes a credit, and returns it with its answer.
        let credits = AsyncStream.makeStream(of: Void.self)
        for _ in 0..<RPCServer.callsMax { credits.continuation.yield() }
        var credit = credits.stream.makeAsyncIterator()
        try await withThrowingDiscardingTaskGroup { group in
            while let frame = try await nextFrame() {
                guard let request = try await Request(frame, fatal: fatal) else { return }
                switch request.header.callID {
                case RPCRequestHeader.contextCall:
                    guard let named = try await context(request) else { return }
                    user = named
                    stream.memory.giveBack(frame.readableBytes)
                case RPCRequestHeader.pingCall: stream.memory.giveBack(frame.readableBytes)
                case RPCRequestHeader.saslCall:
                    guard negotiates, try await negotiate(request) else { return }
                    stream.memory.giveBack(frame.readableBytes)
                default:
                    guard let user else { return try await fatal(request.header, "Connection context not found", .fatalHeader) }
                    _ = await credit.next()
                    let bytes = frame.readableBytes
                    group.addTask {
                        try await answer(request, user)
                        stream.memory.giveBack(bytes)
                        credits.continuation.yield()
                    }
                }
            }
        }
    }

    private func nextFrame() async throws -> Bytes? {
        guard try await stream.hasMore() else { return nil }
        var length = try await stream.read(RPCFrame.lengthBytes)
        guard let bytes = length.readInteger(as: Int32.self), bytes > 0, bytes <= RPCFrame.requestBytesMax else {
            log.debug("a connection is closed for the length of its frame", metadata: ["peer": "\(stream.peer)"])
            return nil
        }
        // Counts the bytes before reading them, until the call's answer or the connection's end.
        guard stream.memory.take(Int(bytes), sparing: true) else {
            log.debug("a connection is closed: requests hold too much memory", metadata: ["peer": "\(stream.peer)"])
            return nil
        }
        return try await stream.read(Int(bytes))
    }

    private struct Request: Sendable {
        var header: RPCRequestHeader
        var rest: Bytes

        /// Nil after an answer that the header is invalid.
        init?(_ frame: Bytes, fatal: (RPCRequestHeader, String, RPCErrorDetail) async throws -> Void) async throws {
            var bytes = frame
            var unknown = RPCRequestHeader()
            unknown.callID = -1
            do { header = try RPCRequestHeader(delimitedIn: &bytes) } catch {
                try await fatal(unknown, "problem getting rpc request header: \(error)", .fatalRequest)
                return nil
            }
            guard header.kind == RPCRequestHeader.protobufKind else {
                try await fatal(header, "IPC Server does not implement rpc header kind \(header.kind)", .fatalSerialization)
                return nil
            }
            guard header.clientID.readableBytes <= 64 else {
                try await fatal(header, "the client's id has \(header.clientID.readableBytes) bytes", .fatalHeader)
                return nil
            }
            rest = bytes
        }
    }

    private func fatal(_ header: RPCRequestHeader, _ message: String, _ detail: RPCErrorDetail) async throws {
        try await stream.write(RPCFrame.failure(header, JavaException.server, message, detail, fatal: true))
    }

    private func context(_ request: Request) async throws -> String? {
        var rest = request.rest
        do {
            let user = try ConnectionContext(delimitedIn: &rest).user?.effectiveUser ?? ""
            // User names are kept with files and in the log.
            guard user.utf8.count <= RPCCaller.userBytesMax else { throw WireError.overLimit("bytes of a user's name", user.utf8.count) }
            return user
        } catch {
            try await fatal(request.header, "problem reading the connection context: \(error)", .fatalRequest)
            return nil
        }
    }

    /// Answers a client that offers authentication that none is needed.
    private func negotiate(_ request: Request) async throws -> Bool {
        var rest = request.rest
        let message: SaslMessage
        do { message = try SaslMessage(delimitedIn: &rest) } catch {
            try await fatal(request.header, "problem reading the negotiation: \(error)", .fatalRequest)
            return false
        }
        guard message.state == .negotiate else {
            try await fatal(request.header, "only simple authentication is spoken here", .fatalUnauthorized)
            return false
        }
        var done = SaslMessage()
        done.state = .success
        try await stream.write(RPCFrame.success(request.header, done.encoded))
        return true
    }

    private func answer(_ request: Request, _ user: String) async throws {
        var rest = request.rest
        let reply: Bytes
        do {
            let method = try MethodHeader(delimitedIn: &rest)
            let body = rest.readableBytes == 0 ? Bytes() : rest.readSlice(length: try rest.takeLength()) ?? Bytes()
            let caller = RPCCaller(user: user, peer: stream.peer, clientID: request.header.clientID, callID: request.header.callID)
            reply = RPCFrame.success(request.header, try await target.answer(method, body, caller))
        } catch let exception as JavaException {
            reply = RPCFrame.failure(request.header, exception.className, exception.message, exception.detail)
        } catch let error as WireError {
            reply = RPCFrame.failure(request.header, JavaException.server, "the request cannot be read: \(error)", .fatalRequest)
        }
        try await stream.write(reply)
    }
}
