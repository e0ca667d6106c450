// A client's connection to one broker: requests with correlation ids, versions agreed on at the start. It does not reconnect; its owner
// opens another one.
import Base
import KafkaWire
import NetKit

/// A connection to one broker.
final class KafkaConnection: FrameSession, @unchecked Sendable {
    // Safe to share: everything mutable is touched on `loop` only; callers hop there.
    private struct Waiting {
        var row: ApiRow
        var version: Int16
        var deadline: ContinuousClock.Instant
        var continuation: CheckedContinuation<any KafkaResponse, any Error>
    }
    let address: HostPort
    private let loop: NIOServiceLoop
    private let clientID: String
    private var frames: FrameConnection?
    private var waiting: [Int32: Waiting] = [:]
    private var nextCorrelation: Int32 = 1
    private var served: [Int16: ClosedRange<Int16>] = [:]
    private var isClosed = false
    private var isWatching = false

    /// Size limit of an answer, in bytes.
    private static let answerBytesMax = 256 << 20
    /// Limit of requests under way.
    private static let outstandingMax = 1000
    /// The time limit of an answer: longer than brokers may take over administrative work (`KafkaClient.adminTimeoutMilliseconds`).
    private static let answerTime = Duration.seconds(60)
    /// The time limit of an answer that a broker gives from its own memory, such as its versions.
    static let shortAnswerTime = Duration.seconds(10)
    private static let watchInterval = Duration.seconds(1)

    private init(_ address: HostPort, _ loop: NIOServiceLoop, _ clientID: String) {
        self.address = address
        self.loop = loop
        self.clientID = clientID
    }

    /// Connects and fetches the broker's versions.
    static func connect(_ address: HostPort, loop: NIOServiceLoop, clientID: String, user: KafkaUser?, tls: TLSTrust?) async throws
        -> KafkaConnection
    {
        let connection = KafkaConnection(address, loop, clientID)
        do {
            try await FrameClient.connect(address, loop: loop, limits: FrameLimits(frameBytesMax: answerBytesMax), tls: tls) { frames in
                connection.frames = frames
                return connection
            }
        } catch { throw KafkaFailure.cannotConnect(address, reason: ConnectFailure.reason(error)) }
        let answer = try await connection.send(ApiVersionsRequest(), within: shortAnswerTime) { _ in 0 }
        guard answer.errorCode == .none else { throw KafkaFailure.refused(answer.errorCode, doing: "asking for versions", detail: nil) }
        var served: [Int16: ClosedRange<Int16>] = [:]
        for api in answer.apis where api.minVersion <= api.maxVersion { served[api.apiKey] = api.minVersion...api.maxVersion }
        connection.agree(served)
        if let user { try await connection.logIn(user) }
        return connection
    }

    private func agree(_ served: [Int16: ClosedRange<Int16>]) { loop.execute { self.served = served } }

    /// Sends a request in the highest version that both sides know, at most `versionMax`. An overdue answer closes the connection.
    func call<Request: KafkaRequest>(_ request: Request, versionMax: Int16 = .max, within time: Duration = answerTime) async throws
        -> Request.Response
    {
        try await send(request, within: time) { served in
            let ours = ApiTable.row(Request.apiKey).versions
            guard let theirs = served[Request.apiKey.rawValue] else { return nil }
            let version = min(ours.upperBound, theirs.upperBound, versionMax)
            return version >= max(ours.lowerBound, theirs.lowerBound) ? version : nil
        }
    }

    private func send<Request: KafkaRequest>(
        _ request: Request, within time: Duration, _ choose: @escaping @Sendable ([Int16: ClosedRange<Int16>]) -> Int16?
    ) async throws -> Request.Response {
        let deadline = ContinuousClock.now + time
        let answer = try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<any KafkaResponse, any Error>) in
            loop.execute { self.send(request, ApiTable.row(Request.apiKey), choose(self.served), deadline, continuation) }
        }
        guard let answer = answer as? Request.Response else { throw KafkaClient.mismatch }
        return answer
    }

    private func send(
        _ request: any KafkaRequest, _ row: ApiRow, _ version: Int16?, _ deadline: ContinuousClock.Instant,
        _ continuation: CheckedContinuation<any KafkaResponse, any Error>
    ) {
        guard let frames, !isClosed else { return continuation.resume(throwing: KafkaFailure.connectionLost(address)) }
        guard let version else { return continuation.resume(throwing: KafkaFailure.notServed(row.name)) }
        guard waiting.count < Self.outstandingMax else {
            return continuation.resume(throwing: KafkaFailure.timedOut(doing: "too many requests wait"))
        }
        let correlation = nextCorrelation
        nextCorrelation = nextCorrelation == .max ? 1 : nextCorrelation + 1
        do {
            let bytes = try KafkaFrame.encodeRequest(request, correlationID: correlation, version: version, clientID: clientID)
            waiting[correlation] = Waiting(row: row, version: version, deadline: deadline, continuation: continuation)
            frames.sendRaw(bytes)
            watch()
        } catch { continuation.resume(throwing: KafkaFailure.damagedAnswer("the request cannot be written: \(error)")) }
    }

    func received(_ frame: Bytes) {
        do {
            let correlation = try KafkaFrame.correlationID(of: frame)
            guard let one = waiting.removeValue(forKey: correlation) else { return close() }
            do { one.continuation.resume(returning: try KafkaFrame.decodeResponse(frame, of: one.row, version: one.version)) } catch {
                one.continuation.resume(throwing: KafkaFailure.damagedAnswer("\(error)"))
            }
        } catch { close() }
    }

    /// After a while, checks for overdue answers.
    private func watch() {
        guard !isWatching, !isClosed, !waiting.isEmpty else { return }
        isWatching = true
        loop.schedule(after: Self.watchInterval) {
            self.isWatching = false
            let now = ContinuousClock.now
            guard self.waiting.values.contains(where: { $0.deadline <= now }) else { return self.watch() }
            self.end(.timedOut(doing: "asking \(self.address)"))
            self.frames?.close()
        }
    }

    func closed() { end(.connectionLost(address)) }

    private func end(_ failure: KafkaFailure) {
        isClosed = true
        let lost = waiting.sorted { $0.key < $1.key }
        waiting = [:]
        for (_, one) in lost { one.continuation.resume(throwing: failure) }
    }

    /// Ends the connection; on the loop or off it.
    func close() { loop.execute { self.frames?.close() } }
}
