// Outgoing HTTP/1.1, one connection a request, bodies streamed both ways. For our own clients of WebHDFS and of the console; redirects
// are the caller's business, since WebHDFS gives them a meaning.
import Base
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// An address of the form `http://host:port/path?query`, or the same with https.
package struct HTTPAddress: Sendable, CustomStringConvertible {
    package var server: HostPort
    /// https.
    package var isSecure: Bool
    /// Path and query, percent-encoded.
    package var target: String

    package init(_ server: HostPort, _ target: String, isSecure: Bool = false) {
        self.server = server
        self.target = target
        self.isSecure = isSecure
    }

    /// nil for any scheme but http and https.
    package init?(parsing text: String) {
        guard let scheme = ["http://", "https://"].first(where: text.hasPrefix) else { return nil }
        let isSecure = scheme == "https://"
        let rest = text.dropFirst(scheme.count)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        guard let server = HostPort(parsing: String(rest[..<slash]), defaultPort: isSecure ? 443 : 80) else { return nil }
        self.init(server, slash == rest.endIndex ? "/" : String(rest[slash...]), isSecure: isSecure)
    }

    /// The part before the path.
    package var origin: String { "http\(isSecure ? "s" : "")://\(server)" }
    package var description: String { origin + target }
}

/// A request that failed. An answer with an error status does not count as such.
package struct HTTPFailure: Error, Sendable, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}

/// The head of an answer.
package struct HTTPAnswer: Sendable {
    package var status: Int
    package let headers: [(name: String, value: String)]
    package func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }
}

/// The body of an answer, in chunks as they arrive.
package struct HTTPAnswerBody: AsyncSequence {
    package typealias Element = Bytes
    fileprivate let parts: NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator

    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate var parts: NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator
        package mutating func next() async throws -> Bytes? {
            while let part = try await parts.next() {
                if case .body(let bytes) = part { return bytes }
                if case .end = part { return nil }
            }
            throw HTTPFailure("the server closed the connection in the middle of its answer")
        }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(parts: parts) }

    /// The whole body, at most `bytesMax` bytes.
    package func collect(bytesMax: Int = 64 << 20) async throws -> Bytes {
        var all = Bytes()
        for try await var chunk in self {
            guard all.readableBytes + chunk.readableBytes <= bytesMax else {
                throw HTTPFailure("the answer is larger than \(bytesMax) bytes")
            }
            all.writeBuffer(&chunk)
        }
        return all
    }
}

/// Makes requests.
package enum HTTPClient {
    /// A request's body.
    package enum Body: Sendable {
        case empty
        case bytes(Bytes)
        /// Chunked, produced while it is sent.
        case stream(@Sendable (_ write: (Bytes) async throws -> Void) async throws -> Void)
    }

    /// Sends a request and passes the answer to `consume`; the connection ends with it. Throws `HTTPFailure` if no server answers. `trust`
    /// decides which certificates of an https server are accepted; by default those of the system's authorities.
    package static func request<T: Sendable>(
        _ method: String, _ address: HTTPAddress, trust: TLSTrust? = nil, headers: [(String, String)] = [], body: Body = .empty,
        connectTimeout: Duration = .seconds(10), _ consume: (HTTPAnswer, HTTPAnswerBody) async throws -> T
    ) async throws -> T {
        let channel: NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let handshake = loop.makePromise(of: Void.self)
        do {
            let tls = address.isSecure ? try (trust ?? TLSTrust()).prepare() : nil
            if tls == nil { handshake.succeed() }
            channel = try await ClientBootstrap(group: loop)
                .connectTimeout(.nanoseconds(connectTimeout.inNanoseconds))
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .connect(host: address.server.host, port: address.server.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let tls {
                            try channel.pipeline.syncOperations.addHandlers([
                                try tls.handler(host: address.server.host), HandshakeHandler(handshake),
                            ])
                        }
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        return try NIOAsyncChannel(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            handshake.fail(error)
            throw HTTPFailure("cannot reach \(address.origin): \(ConnectFailure.reason(error))")
        }
        do {
            return try await exchange(channel, handshake.futureResult, method, address, headers, body, consume)
        } catch  where error is NIOSSLError || error is BoringSSLError {
            throw HTTPFailure("cannot reach \(address.origin): \(TLSProblem.reason(error))")
        }
    }

    private static func exchange<T: Sendable>(
        _ channel: NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>, _ handshake: EventLoopFuture<Void>, _ method: String,
        _ address: HTTPAddress,
        _ headers: [(String, String)], _ body: Body, _ consume: (HTTPAnswer, HTTPAnswerBody) async throws -> T
    ) async throws -> T {
        try await channel.executeThenClose { inbound, outbound in
            do { try await handshake.get() } catch { throw HTTPFailure("cannot reach \(address.origin): \(ConnectFailure.reason(error))") }
            // A server may answer and close before it has read everything: its answer counts more than our broken write.
            var broken: (any Error)?
            do { try await send(method, address, headers, body, outbound) } catch let error as ChannelError { broken = error } catch let
                error as IOError
            { broken = error }
            var parts = inbound.makeAsyncIterator()
            guard case .head(let head)? = try await parts.next() else {
                throw HTTPFailure("\(address.origin) closed the connection without an answer\(broken.map { ": \($0)" } ?? "")")
            }
            let answer = HTTPAnswer(status: Int(head.status.code), headers: head.headers.map { ($0.name, $0.value) })
            return try await consume(answer, HTTPAnswerBody(parts: parts))
        }
    }

    private static func send(
        _ method: String, _ address: HTTPAddress, _ headers: [(String, String)], _ body: Body,
        _ outbound: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>
    ) async throws {
        var head = HTTPRequestHead(version: .http1_1, method: HTTPMethod(rawValue: method), uri: address.target)
        head.headers.add(name: "Host", value: address.server.description)
        head.headers.add(name: "Connection", value: "close")
        for (name, value) in headers { head.headers.add(name: name, value: value) }
        switch body {
        case .empty:
            if method != "GET" && method != "HEAD" { head.headers.add(name: "Content-Length", value: "0") }
            // In one write: a server that needs only the head may close before a second one.
            return try await outbound.write(contentsOf: [.head(head), .end(nil)])
        case .bytes(let bytes):
            head.headers.add(name: "Content-Length", value: "\(bytes.readableBytes)")
            return try await outbound.write(contentsOf: [.head(head), .body(.byteBuffer(bytes)), .end(nil)])
        case .stream(let produce):
            head.headers.add(name: "Transfer-Encoding", value: "chunked")
            try await outbound.write(.head(head))
            try await produce { try await outbound.write(.body(.byteBuffer($0))) }
            try await outbound.write(.end(nil))
        }
    }
}
