// One client connection: takes frames, passes requests to the handlers, and answers in the order of the requests. An invalid frame closes
// this connection and affects nothing else.
import Base
import KafkaWire
import Logging
import NetKit

/// A connection's side of the broker. Used on the loop only.
final class BrokerSession: FrameSession, @unchecked Sendable {
    // Safe to share: every member is touched on the loop only; closures carry the reference back there.
    private let broker: Broker
    private let connection: FrameConnection
    private var pipeline = RequestPipeline<OutgoingFrame>(limit: BrokerSettings.pipelineLimit)
    private(set) var isClosed = false
    private var pausedForOrder = false
    /// Set while the broker's memory for produced batches is exhausted.
    var pausedForMemory = false {
        didSet { updateReading() }
    }
    var login = Login.anonymous
    /// Whether the current login's messages have no headers (SaslHandshake 0).
    var speaksBareTokens = false
    /// The logged-in user; kept while the same user reauthenticates.
    var identity: LoggedIn? {
        didSet { connection.frameBytesMax = nil }
    }
    /// The start of the previous reauthentication.
    var lastReauthentication: Instant?
    let remote: HostPort?
    let local: HostPort?
    /// Requests that wait for a group, given up when the connection closes.
    var groupWaits: [Int64: () -> Void] = [:]

    /// The broker at the other end of a stream between brokers; nil for a client.
    let peer: Int32?
    /// The follower's waiting fetch; the next one ends it.
    weak var replicaWait: FetchWait?

    init(_ connection: FrameConnection, _ broker: Broker, peer: Int32? = nil) {
        self.connection = connection
        self.broker = broker
        self.peer = peer
        remote = connection.remote
        local = connection.local
        if isLocked { connection.frameBytesMax = BrokerSettings.requestBytesBeforeLoginMax }
        broker.sessions[ObjectIdentifier(self)] = self
    }

    /// The logged-in user; nil without a login.
    var user: String? { identity?.user }
    var isByToken: Bool { identity?.isByToken ?? false }

    /// The sender's principal, as in access rules; no request can change it.
    var principal: String { user.map { "User:" + $0 } ?? "User:ANONYMOUS" }

    var isPeer: Bool { peer != nil }

    private var isLocked: Bool { broker.settings.access.requiresLogin && !isPeer && identity == nil }

    /// Whether the login has ended and the user must reauthenticate (KIP-368).
    private var isExpired: Bool { identity?.ends.map { $0 <= broker.now } ?? false }

    func received(_ frame: Bytes) {
        guard !isClosed else { return }
        guard isPeer || broker.cluster?.isOutsider != true else {
            isClosed = true
            return connection.close()
        }
        do { try take(frame) } catch {
            broker.metrics.refusedFrames.add()
            broker.log.debug(
                "connection closed: it sent what Kafka's protocol does not allow",
                metadata: [
                    "remote": "\(remote.map(String.init(describing:)) ?? "unknown")", "reason": "\(error)",
                ])
            connection.close()
            isClosed = true
        }
    }

    private func take(_ frame: Bytes) throws(WireError) {
        if speaksBareTokens { return takeToken(frame) }
        guard frame.readableBytes >= KafkaFrame.requestBytesMin else {
            throw .truncated(needed: KafkaFrame.requestBytesMin, remaining: frame.readableBytes)
        }
        let isProduce = frame.getInteger(at: frame.readerIndex, as: Int16.self) == ProduceRequest.apiKey.rawValue
        guard isProduce || frame.readableBytes <= BrokerSettings.smallRequestBytesMax else {
            throw .overLimit("request bytes other than Produce", frame.readableBytes)
        }
        if isLocked {
            try checkServesLogin(frame, "api key before logging in")
        } else if isExpired {
            try checkServesLogin(frame, "api key after the login has ended")
        }
        switch try KafkaFrame.decodeRequest(frame) {
        case .request(let header, let body):
            let call = Call(session: self, ticket: pipeline.open(), header: header, frameBytes: frame.readableBytes)
            if !isProduce, !isPeer { underWay = call.ticket }
            let began = broker.now
            broker.dispatch(body, call)
            broker.quotas.spent(broker.now - began, call)
        case .unknownApiVersions(var header):
            header.version = 0
            let call = Call(session: self, ticket: pipeline.open(), header: header, frameBytes: 0)
            call.reply(Broker.servedApis(error: .unsupportedVersion))
        }
        if pipeline.isFull { pausedForOrder = true }
        updateReading()
    }

    /// A login message without a header fills the frame.
    private func takeToken(_ frame: Bytes) {
        let header = RequestHeader(apiNumber: SaslAuthenticateRequest.apiKey.rawValue, version: 0, correlationID: 0, clientID: nil)
        let call = Call(session: self, ticket: pipeline.open(), header: header, frameBytes: frame.readableBytes, isBareToken: true)
        underWay = call.ticket
        broker.saslAuthenticate(SaslAuthenticateRequest(authBytes: frame.copied()), call)
        updateReading()
    }

    /// The answer to a login without headers; nil closes the connection without an answer.
    private func bareToken(_ body: any KafkaResponse) -> OutgoingFrame? {
        guard let answer = body as? SaslAuthenticateResponse, answer.errorCode == .none else { return nil }
        if case .done = login { speaksBareTokens = false }
        return OutgoingFrame(token: answer.authBytes)
    }

    private func checkServesLogin(_ frame: Bytes, _ what: String) throws(WireError) {
        let number = frame.getInteger(at: frame.readerIndex, as: Int16.self) ?? -1
        guard BrokerAPI.row(number: number)?.servesLogin == true else { throw .unknownTag(what, Int(number)) }
    }

    func answer(_ call: Call, _ body: (any KafkaResponse)?) {
        guard !isClosed else { return }
        var frame: OutgoingFrame?
        if let body, call.isBareToken {
            frame = bareToken(body)
            if frame == nil { close() }
        } else if let body {
            do {
                frame = try KafkaFrame.encodeResponse(
                    body, of: ApiTable.row(ApiKey(call.header.apiNumber)), correlationID: call.header.correlationID, version: call.version,
                    cutBytes: FrameConnection.copyBytesMax)
            } catch {
                broker.log.error(
                    "an answer cannot be written in this version", metadata: ["response": "\(type(of: body))", "error": "\(error)"])
                isClosed = true
                return connection.close()
            }
        }
        for ready in pipeline.complete(call.ticket, frame) { send(ready) }
        if underWay == call.ticket {
            underWay = nil
            updateReading()
        }
        if pausedForOrder, pipeline.waitingCount < BrokerSettings.pipelineLimit / 2 {
            pausedForOrder = false
            updateReading()
        }
    }

    private func send(_ frame: OutgoingFrame) {
        connection.sendRaw(frame.head)
        for piece in frame.rest {
            switch piece {
            case .memory(let bytes): connection.sendRaw(bytes, areShared: true)
            case .pieces(let pieces): for bytes in pieces { connection.sendRaw(bytes, areShared: true) }
            case .file(let extent): connection.sendRaw(extent)
            }
        }
    }

    /// End of the client's throttling.
    private var mutedUntil: Instant?

    /// Set while a request waits that no later request of this connection may overtake.
    var pausedForTurn = false {
        didSet { updateReading() }
    }

    /// The open request other than Produce. As in Kafka, later requests wait for its answer, so that a connection holds one possibly large
    /// answer. Answers to Produce are small, and producers send on without waiting for them.
    private var underWay: RequestPipeline<OutgoingFrame>.Ticket?

    /// Whether records may be sent from the tail's memory. Where much of it waits for slow peers, records are sent from their files.
    func maySendFromMemory(_ bytes: Int) -> Bool {
        guard connection.memory.take(bytes, sparing: true) else { return false }
        connection.memory.giveBack(bytes)
        return true
    }

    /// Stops reading from the connection for a time.
    func mute(for time: Duration) {
        guard time > .zero, !isClosed else { return }
        let end = broker.now + time
        guard mutedUntil.map({ $0 < end }) ?? true else { return }
        mutedUntil = end
        updateReading()
        broker.loop.schedule(after: time) { [weak self] in self?.unmute(end) }
    }

    private func unmute(_ end: Instant) {
        // A later, longer wait has a timer of its own.
        guard mutedUntil == end else { return }
        mutedUntil = nil
        updateReading()
    }

    private var isReading = true
    private func updateReading() {
        let wanted = !pausedForOrder && !pausedForMemory && mutedUntil == nil && !pausedForTurn && underWay == nil
        guard wanted != isReading else { return }
        isReading = wanted
        if wanted { connection.resumeReading() } else { connection.pauseReading() }
    }

    /// Closes after the pending answers were sent.
    func close() { connection.close() }

    func closed() {
        isClosed = true
        broker.sessions[ObjectIdentifier(self)] = nil
        if isPeer { broker.fetchSessions.connectionClosed(self) }
        broker.shareSessions.connectionClosed(self)
        for wait in groupWaits.sorted(by: { $0.key < $1.key }) { wait.value() }
        groupWaits = [:]
    }
}
