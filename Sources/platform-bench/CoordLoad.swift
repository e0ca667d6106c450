// A load of ZooKeeper requests that is not the bottleneck: each session keeps its depth of requests on the wire, encoded once and numbered
// on sending, and every answer sends the next one. All sessions share one event loop. Works against any ZooKeeper.
import Base
import Foundation
import NetKit
import ZooKeeperWire

/// The repeated operation of a session.
enum CoordWork: String, CaseIterable {
    case get, set, create
    /// Seven gets, three sets.
    case mixed

    var title: String { self == .mixed ? "70/30 get/set" : rawValue }
}

struct CoordLoadResult {
    var rate: Double
    var p50: Double
    var p99: Double
    var text: String { "\(Figures.text(rate))/s, p50 \(Figures.text(p50)), p99 \(Figures.text(p99)) ms" }
}

enum CoordLoad {
    struct Failure: Error, CustomStringConvertible { var description: String }

    /// Runs `sessions` sessions, spread over `servers`, each with `depth` requests under way, for `seconds`.
    static func run(_ servers: [HostPort], _ work: CoordWork, sessions: Int, depth: Int, seconds: Double) async throws -> CoordLoadResult {
        let loop = NIOServiceLoop()
        let state = LoadState(loop: loop, sessions: sessions, work: work, depth: depth, seconds: seconds)
        // Answers of a crowded server are read in large pieces.
        var limits = FrameLimits(frameBytesMax: 4 << 20)
        limits.outboundBytesMax = 16 << 20
        let (stream, ended) = AsyncStream<Void>.makeStream()
        state.onEnd = { ended.finish() }
        do {
            for place in 0..<sessions {
                try await FrameClient.connect(servers[place % servers.count], loop: loop, limits: limits) { LoadSession($0, state) }
            }
            for await _ in stream {}
        } catch {
            try await loop.stop()
            throw error
        }
        try await loop.stop()
        if let failure = state.failure { throw Failure(description: failure) }
        return state.result
    }
}

/// The shared state of the sessions of one run; on their loop.
final class LoadState: @unchecked Sendable {
    // Safe to share: touched on the loop only, and by the caller when the loop has ended.
    let work: CoordWork
    let depth: Int
    let time = SystemTime()
    private let sessions: Int
    private let nanoseconds: Int64
    private var ready: [LoadSession] = []
    private var began = Instant.zero
    private(set) var ends = Instant(nanoseconds: .max)
    private var lastAnswer = Instant.zero
    private var stopped = 0
    var latencies: [Int64] = []
    var failure: String?
    var onEnd: () -> Void = {}

    init(loop: NIOServiceLoop, sessions: Int, work: CoordWork, depth: Int, seconds: Double) {
        self.sessions = sessions
        self.work = work
        self.depth = depth
        nanoseconds = Int64(seconds * 1e9)
        latencies.reserveCapacity(2_000_000)
    }

    /// All sessions begin when the last one is ready.
    func becameReady(_ session: LoadSession) {
        ready.append(session)
        guard ready.count == sessions else { return }
        began = time.now()
        ends = began + .nanoseconds(nanoseconds)
        for session in ready { session.begin() }
    }

    func answered(_ sent: Instant, _ now: Instant) {
        latencies.append((now - sent).inNanoseconds)
        lastAnswer = now
    }

    func ended(_ failure: String?) {
        if let failure, self.failure == nil { self.failure = failure }
        stopped += 1
        if stopped == sessions || self.failure != nil { onEnd() }
    }

    var result: CoordLoadResult {
        let milliseconds = latencies.map { Double($0) / 1e6 }
        let seconds = max(1e-9, Double((lastAnswer - began).inNanoseconds) / 1e9)
        return CoordLoadResult(
            rate: Double(latencies.count) / seconds, p50: Figures.percentile(milliseconds, 50), p99: Figures.percentile(milliseconds, 99))
    }
}

/// One ZooKeeper session that keeps its pipe full.
final class LoadSession: FrameSession {
    private enum Phase { case greeting, preparing, running, ended }
    private let frames: FrameConnection
    private let state: LoadState
    private var phase = Phase.greeting
    private var get = Bytes()
    private var set = Bytes()
    private var create = Bytes()
    /// The send times of requests under way, by number.
    private var sent: [Instant] = []
    private var nextNumber = 0
    private var outstanding = 0

    init(_ frames: FrameConnection, _ state: LoadState) {
        self.frames = frames
        self.state = state
        sent = Array(repeating: .zero, count: max(1, state.depth))
        var connect = ConnectRequest()
        connect.timeoutMilliseconds = 30_000
        connect.password = Bytes(repeating: 0, count: 16)
        frames.send(Self.encode(connect))
    }

    private static func encode(_ record: some WireLayout) -> Bytes {
        do { return try record.encoded(as: JuteDialect.self) } catch {
            preconditionFailure("a request of ours can always be encoded: \(error)")
        }
    }

    private static func request(_ operation: OpCode, _ record: some WireLayout) -> Bytes {
        var bytes = encode(RequestHeader(xid: 0, operation: operation.rawValue))
        bytes.writeImmutableBuffer(encode(record))
        return bytes
    }

    func received(_ frame: Bytes) {
        switch phase {
        case .greeting:
            phase = .preparing
            var own = CreateRequest()
            (own.path, own.data, own.flags) = ("/bench-", Bytes(repeating: 0x61, count: 100), 3)
            own.acl = [ACLRecord(permissions: 31, scheme: "world", id: "anyone")]
            frames.send(Self.request(.create, own))
        case .preparing: prepare(frame)
        case .running: answered(frame)
        case .ended: break
        }
    }

    /// The session's node, ephemeral and numbered, exists: all further requests are about it.
    private func prepare(_ frame: Bytes) {
        var rest = frame
        rest.moveReaderIndex(forwardBy: 12)
        guard rest.readInteger(as: Int32.self) == 0, let count = rest.readInteger(as: Int32.self),
            let path = rest.readString(length: Int(count))
        else {
            return end("the node of a session could not be created")
        }
        let data = Bytes(repeating: 0x61, count: 100)
        var read = PathWatchRequest()
        read.path = path
        get = Self.request(.getData, read)
        var write = SetDataRequest()
        (write.path, write.data, write.version) = (path, data, -1)
        set = Self.request(.setData, write)
        var make = CreateRequest()
        (make.path, make.data, make.flags) = ("/made" + path.dropFirst(6) + "-", data, 3)
        make.acl = [ACLRecord(permissions: 31, scheme: "world", id: "anyone")]
        create = Self.request(.create, make)
        phase = .running
        state.becameReady(self)
    }

    func begin() { for _ in 0..<state.depth { sendNext() } }

    private func sendNext() {
        nextNumber += 1
        var bytes =
            switch state.work {
            case .get: get
            case .set: set
            case .create: create
            case .mixed: nextNumber % 10 < 7 ? get : set
            }
        bytes.setInteger(Int32(truncatingIfNeeded: nextNumber), at: 0)
        sent[nextNumber % sent.count] = state.time.now()
        outstanding += 1
        frames.send(bytes)
    }

    private func answered(_ frame: Bytes) {
        guard let xid = frame.getInteger(at: frame.readerIndex, as: Int32.self),
            let error = frame.getInteger(at: frame.readerIndex + 12, as: Int32.self)
        else { return end("an answer is too short") }
        guard xid > 0 else { return }
        guard error == 0 else { return end("a request was answered with error \(error)") }
        let now = state.time.now()
        outstanding -= 1
        state.answered(sent[Int(xid) % sent.count], now)
        if now < state.ends { sendNext() } else if outstanding == 0 { end(nil) }
    }

    private func end(_ failure: String?) {
        guard phase != .ended else { return }
        phase = .ended
        // The session is closed, so that its nodes go at once.
        frames.send(Self.encode(RequestHeader(xid: 1, operation: OpCode.closeSession.rawValue)))
        frames.close()
        state.ended(failure)
    }

    func closed() { if phase != .ended { end("the server closed a connection") } }
}
