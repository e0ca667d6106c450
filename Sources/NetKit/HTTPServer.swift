// HTTP for every service that speaks it, on hummingbird: our own request and response values, bodies streamed both ways, a Host allow-list
// on every request (DNS rebinding), and a stop in bounded time. Handlers never see the library.
import Base
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// A request; its body is still unread.
package struct HTTPCall: Sendable {
    package var method: String
    /// The path, percent-decoded, without the query.
    package var path: String
    /// The query's names and values, decoded, in order.
    package var query: [(name: String, value: String)]
    package var body: RequestBody
    private let fields: HTTPFields

    init(_ request: Request) {
        method = request.method.rawValue
        path = request.uri.path.percentDecoded() ?? request.uri.path
        query = Self.parse(request.uri.query ?? "")
        body = request.body
        fields = request.headers
        host = request.head.authority
    }

    /// The authority in the request, with its port.
    package let host: String?

    package func header(_ name: String) -> String? { HTTPField.Name(name).flatMap { fields[$0] } }

    /// The first value of a query parameter; the case of names does not matter, as in WebHDFS.
    package func parameter(_ name: String) -> String? {
        query.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// The whole body, at most `bytesMax` bytes. Throws `WireError.overLimit` above that.
    package func collectBody(bytesMax: Int) async throws -> Bytes {
        var all = Bytes()
        for try await var chunk in body {
            guard all.readableBytes + chunk.readableBytes <= bytesMax else { throw WireError.overLimit("request body bytes", bytesMax) }
            all.writeBuffer(&chunk)
        }
        return all
    }

    private static func parse(_ text: String) -> [(name: String, value: String)] {
        text.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            func decoded(_ part: Substring) -> String {
                let spaced = part.replacing("+", with: " ")
                return spaced.percentDecoded() ?? String(spaced)
            }
            return (decoded(parts[0]), parts.count > 1 ? decoded(parts[1]) : "")
        }
    }
}

/// A handler's answer.
package struct HTTPReply: Sendable {
    package enum Body: Sendable {
        case empty
        case bytes(Bytes)
        /// A stream of `length` bytes (nil: chunked), produced while it is sent.
        case stream(length: Int?, @Sendable (_ write: (Bytes) async throws -> Void) async throws -> Void)
    }
    package var status: Int
    package var headers: [(String, String)]
    package var body: Body

    package init(_ status: Int, headers: [(String, String)] = [], body: Body = .empty) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package static func text(_ status: Int, _ text: String, type: String = "text/plain; charset=utf-8") -> HTTPReply {
        HTTPReply(status, headers: [("Content-Type", type)], body: .bytes(Bytes(string: text)))
    }

    package static func json(_ status: Int, _ text: String) -> HTTPReply { .text(status, text, type: "application/json") }
}

/// A listening HTTP port.
package final class HTTPServer: Sendable {
    package let address: HostPort
    private let group: ServiceGroup
    private let running: Task<Void, any Error>

    private init(address: HostPort, group: ServiceGroup, running: Task<Void, any Error>) {
        self.address = address
        self.group = group
        self.running = running
    }

    /// Idle time after which a connection is closed, between requests or within one.
    private static var idleTimeout: TimeAmount { .seconds(120) }

    /// Binds and serves. Clients may call this server by address or as localhost, by no other name.
    /// Throws `ListenError`.
    package static func start(
        _ address: HostPort, name: String, tls: TLSSettings? = nil, log: Logger, handler: @escaping @Sendable (HTTPCall) async -> HTTPReply
    ) async throws -> HTTPServer {
        let plain = HTTPServerBuilder.http1(configuration: .init(idleTimeout: idleTimeout))
        let protocols = try tls.map { try HTTPServerBuilder.tls(plain, tlsConfiguration: try $0.serverConfiguration()) } ?? plain
        let bound = AsyncStream.makeStream(of: HostPort.self, bufferingPolicy: .bufferingNewest(1))
        let responder = CallbackResponder<BasicRequestContext> { request, _ in
            guard hostIsAllowed(request.head.authority) else {
                return response(
                    .text(403, "this server does not answer to the name '\(request.head.authority ?? "")'; use its address or localhost\n"))
            }
            return response(await handler(HTTPCall(request)))
        }
        var quiet = log
        quiet.logLevel = max(log.logLevel, .warning)
        let application = Application(
            responder: responder, server: protocols,
            configuration: .init(address: .hostname(address.host, port: address.port), serverName: name, backlog: 1024),
            onServerRunning: { channel in
                if let address = HostPort(channel.localAddress) { bound.continuation.yield(address) }
            },
            // Loops that never end: late work of a library, after a stop, still finds a loop.
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), logger: quiet)
        let group = ServiceGroup(configuration: .init(services: [.init(service: application)], gracefulShutdownSignals: [], logger: quiet))
        let running = Task {
            defer { bound.continuation.finish() }
            try await group.run()
        }
        for await address in bound.stream { return HTTPServer(address: address, group: group, running: running) }
        do { try await running.value } catch { throw ListenError(address, error) }
        throw ListenError(address, .other("the server ended before it listened"))
    }

    /// Gives requests under way at most `grace`, then cuts them off.
    package func stop(grace: Duration = .milliseconds(500)) async {
        await group.triggerGracefulShutdown()
        guard await !ends(within: grace) else { return }
        running.cancel()
        _ = await ends(within: Self.cutOffMax)
    }

    /// Time for cut-off handlers to notice.
    private static var cutOffMax: Duration { .seconds(1) }

    /// Waits for the server's end, at most for `limit`.
    private func ends(within limit: Duration) async -> Bool {
        let first = AsyncStream.makeStream(of: Bool.self)
        Task { [running] in
            // However it ended, it has ended.
            _ = await running.result
            first.continuation.yield(true)
        }
        let alarm = Task {
            // Woken early only when there is no waiter any more.
            try? await Task.sleep(for: limit)
            first.continuation.yield(false)
        }
        defer { alarm.cancel() }
        for await ended in first.stream { return ended }
        return false
    }

    /// Whether the name is one that a browser cannot be tricked into using for another site's pages.
    static func hostIsAllowed(_ authority: String?) -> Bool {
        guard let authority, let host = HostPort(parsing: authority, defaultPort: 0)?.host.lowercased() else { return authority == nil }
        if host == "localhost" { return true }
        return host.contains(":")
            || (host.split(separator: ".", omittingEmptySubsequences: false).count == 4 && host.allSatisfy { $0.isNumber || $0 == "." })
    }

    private static func response(_ reply: HTTPReply) -> Response {
        var fields = HTTPFields()
        for (name, value) in reply.headers {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        let status = HTTPResponse.Status(code: reply.status)
        switch reply.body {
        case .empty: return Response(status: status, headers: fields)
        case .bytes(let bytes): return Response(status: status, headers: fields, body: ResponseBody(byteBuffer: bytes))
        case .stream(let length, let produce):
            let body = ResponseBody(contentLength: length) { writer in
                // The writer is used by one producer at a time, within this call.
                nonisolated(unsafe) var sink = writer
                try await produce { try await sink.write($0) }
                try await sink.finish(nil)
            }
            return Response(status: status, headers: fields, body: body)
        }
    }
}
