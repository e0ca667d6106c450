// A client of the ZooKeeper protocol for our own command line, demos and benchmarks; it works against a real ZooKeeper as well. One
// connection, automatic pings, watch events as a bounded stream. It does not reconnect: a command that loses its server reports it.
import Base
import Collections
import NetKit
import Synchronization
import ZooKeeperWire

/// A server's refusal, or a lost connection.
package struct ZooKeeperFailure: Error, Sendable, Equatable, CustomStringConvertible {
    package var code: ZKErrorCode
    package var path: String
    package init(_ code: ZKErrorCode, _ path: String = "") {
        self.code = code
        self.path = path
    }

    package var description: String {
        let subject = path.isEmpty ? "" : " \(path)"
        return switch code {
        case .noNode: "there is no node\(subject)"
        case .nodeExists: "the node\(subject) exists already"
        case .badVersion: "the node\(subject) has another version than the one given"
        case .notEmpty: "the node\(subject) has children"
        case .noAuth: "access to\(subject) is denied"
        case .badArguments: "the server does not accept the path or flags of\(subject)"
        case .noChildrenForEphemerals: "an ephemeral node cannot have children:\(subject)"
        case .invalidACL: "the access list for\(subject) is not valid"
        case .authFailed: "the server refuses this login"
        case .quotaExceeded: "a quota has no room for\(subject)"
        case .noWatcher: "nothing watches\(subject)"
        case .newConfigNoQuorum: "the members that would be are not a quorum that is connected and keeps up"
        case .reconfigInProgress: "another change of the members is on its way"
        case .reconfigDisabled: "the server does not let its members be changed"
        case .sessionExpired: "the session has expired"
        case .connectionLoss: "the connection to the server is lost"
        case .systemError: "the server cannot write at present: its disk is full or has failed"
        default: "the server answered \(code) (\(code.rawValue)) for\(subject)"
        }
    }
}

/// A session with a ZooKeeper server.
package final class ZooKeeperClient: FrameSession, @unchecked Sendable {
    // Safe to share: everything mutable is touched on `loop` only; callers hop there.
    private enum Waiting {
        case connect(CheckedContinuation<Void, any Error>)
        case reply(CheckedContinuation<Bytes, any Error>, path: String)
    }
    private let loop: NIOServiceLoop
    private var frames: FrameConnection?
    private var waiting = Deque<(xid: Int32, Waiting)>()
    private var nextXid: Int32 = 1
    private var timeoutMilliseconds: Int32
    private var isOpen = false
    private let watchStream: (stream: AsyncStream<WatchEvent>, continuation: AsyncStream<WatchEvent>.Continuation)
    /// Set once the loop is about to end; scheduling on it is forbidden afterwards.
    private let isStopped = Mutex(false)
    package private(set) var sessionID: Int64 = 0

    /// Limit of requests without an answer.
    private static let outstandingMax = 10_000
    /// Watch events kept for a slow reader; older ones are dropped.
    private static let eventsMax = 10_000

    private init(_ loop: NIOServiceLoop, _ timeout: Duration) {
        self.loop = loop
        timeoutMilliseconds = Int32(clamping: timeout.inMilliseconds)
        watchStream = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.eventsMax))
    }

    /// Connects and opens a session. Throws `HTTPFailure`-like errors of the system if no server listens, `ZooKeeperFailure` if refused.
    package static func connect(_ address: HostPort, timeout: Duration = .seconds(10), tls: TLSTrust? = nil) async throws -> ZooKeeperClient
    {
        let loop = NIOServiceLoop()
        let client = ZooKeeperClient(loop, timeout)
        do {
            try await FrameClient.connect(address, loop: loop, limits: FrameLimits(frameBytesMax: 64 << 20), tls: tls) { frames in
                client.frames = frames
                return client
            }
            try await client.handshake()
        } catch {
            // The loop's thread ends in any case; the connection's error is the one that matters.
            try? await loop.stop()
            throw error
        }
        return client
    }

    /// Events of the watches of `get`, `exists` and `children`.
    package var events: AsyncStream<WatchEvent> { watchStream.stream }

    private func handshake() async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            loop.execute {
                // The server may have closed the connection before this point.
                guard let frames = self.frames else { return continuation.resume(throwing: ZooKeeperFailure(.connectionLoss)) }
                var request = ConnectRequest()
                request.timeoutMilliseconds = self.timeoutMilliseconds
                request.password = Bytes(repeating: 0, count: 16)
                self.waiting.append((0, .connect(continuation)))
                var bytes = Self.bytes(request)
                bytes.writeInteger(UInt8(0))
                frames.send(bytes)
            }
        }
    }

    private static func bytes(_ record: some WireLayout) -> Bytes {
        do { return try record.encoded(as: JuteDialect.self) } catch {
            preconditionFailure("a record of ours fits jute's lengths: \(error)")
        }
    }

    /// Sends one request and returns the body of its reply. Only `auth` has an xid of its own.
    package func call(_ code: OpCode, _ body: some WireLayout, path: String = "", xid special: Int32? = nil) async throws -> Bytes {
        guard !isStopped.withLock({ $0 }) else { throw ZooKeeperFailure(.connectionLoss, path) }
        return try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Bytes, any Error>) in
            loop.execute {
                guard let frames = self.frames, self.isOpen, self.waiting.count < Self.outstandingMax else {
                    return continuation.resume(throwing: ZooKeeperFailure(.connectionLoss, path))
                }
                let xid = special ?? self.takeXid()
                var bytes = Self.bytes(RequestHeader(xid: xid, operation: code.rawValue))
                bytes.writeImmutableBuffer(Self.bytes(body))
                self.waiting.append((xid, .reply(continuation, path: path)))
                frames.send(bytes)
            }
        }
    }

    private func takeXid() -> Int32 {
        defer { nextXid = nextXid == Int32.max ? 1 : nextXid + 1 }
        return nextXid
    }

    // MARK: frames

    package func received(_ frame: Bytes) {
        do {
            if case .connect(let continuation)? = waiting.first?.1 {
                waiting.removeFirst()
                return try connected(frame, continuation)
            }
            var reader = FieldReader<JuteDialect>(frame)
            var header = ReplyHeader()
            try header.layout(&reader)
            switch header.xid {
            case SpecialXid.ping: break
            case SpecialXid.event:
                var event = WatchEvent()
                try event.layout(&reader)
                watchStream.continuation.yield(event)
            default: answered(header, reader.buffer)
            }
        } catch { frames?.close() }
    }

    private func connected(_ frame: Bytes, _ continuation: CheckedContinuation<Void, any Error>) throws(WireError) {
        var reader = FieldReader<JuteDialect>(frame)
        var response = ConnectResponse()
        try response.layout(&reader)
        // Only a server that cannot record a new session refuses it.
        guard response.sessionID != 0 else { return continuation.resume(throwing: ZooKeeperFailure(.systemError)) }
        sessionID = response.sessionID
        timeoutMilliseconds = response.timeoutMilliseconds
        isOpen = true
        schedulePing()
        continuation.resume()
    }

    private func answered(_ header: ReplyHeader, _ body: Bytes) {
        guard let first = waiting.first, first.xid == header.xid, case .reply(let continuation, let path) = first.1 else {
            frames?.close()
            return
        }
        waiting.removeFirst()
        if header.error == 0 {
            continuation.resume(returning: body.copied())
        } else {
            continuation.resume(throwing: ZooKeeperFailure(ZKErrorCode(rawValue: header.error) ?? .systemError, path))
        }
    }

    private func schedulePing() {
        loop.schedule(after: .milliseconds(Int64(timeoutMilliseconds / 3))) { [weak self] in
            guard let self, self.isOpen else { return }
            self.frames?.send(Self.bytes(RequestHeader(xid: SpecialXid.ping, operation: OpCode.ping.rawValue)))
            self.schedulePing()
        }
    }

    package func closed() {
        isOpen = false
        frames = nil
        watchStream.continuation.finish()
        while let (_, next) = waiting.popFirst() {
            switch next {
            case .connect(let continuation): continuation.resume(throwing: ZooKeeperFailure(.connectionLoss))
            case .reply(let continuation, let path): continuation.resume(throwing: ZooKeeperFailure(.connectionLoss, path))
            }
        }
    }

    /// Ends the session and its ephemeral nodes. Waiting requests fail; a second close does nothing.
    package func close() async {
        guard !isStopped.withLock({ $0 }) else { return }
        // A server that is gone has already ended the session's connection; there is nothing left to send.
        _ = try? await call(.closeSession, NoBody())
        let first = isStopped.withLock { stopped in
            defer { stopped = true }
            return !stopped
        }
        guard first else { return }
        try? await loop.stop()  // the thread ends with the process at the latest
    }
}

/// The body of a request without one.
package struct NoBody: WireLayout {
    package init() {}
    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {}
}
