// One client's connection: requests in order. Writes are pipelined into the log; a read waits behind the session's earlier writes and is
// answered right after the last of them was executed, so a session sees its own order and nothing later. The handshake and the requests
// about the session itself are in files of their own. Confined to the service loop.
import Base
import Collections
import CoordCore
import NetKit
import Replication
import ZooKeeperWire

/// A connected client.
final class CoordConnection: FrameSession, @unchecked Sendable {
    // Safe to share: everything is touched on the door's loop only.
    enum State {
        case greeting
        /// The session is being opened; nothing is read meanwhile.
        case opening
        case open(SessionID)
        case ended
    }
    /// A request in line.
    private struct Waiting {
        var xid: Int32
        var operation: OpCode?
        var since: Instant
        /// Bytes that it holds of the server's memory.
        var bytes: Int
        var request: Request
    }
    enum Request {
        /// On its way through the log, by number.
        case proposed(Int, CoordWrite?)
        case read(CoordAPI, Bytes)
        case setWatches(WatchRestore)
        /// Its answer comes later, by number.
        case deferred(Int)
        case ready(CoordAnswer, zxid: Int64? = nil, endsConnection: Bool = false)

        /// Whether its answer is still to be made.
        var isWork: Bool {
            switch self {
            case .read, .setWatches: true
            case .proposed, .deferred, .ready: false
            }
        }

        var isReady: Bool {
            switch self {
            case .proposed, .deferred: false
            case .read, .setWatches, .ready: true
            }
        }
    }

    let id: WatcherID
    let frames: FrameConnection
    /// Not weak, nor is anything else that is asked for each request: an object that was ever referred to weakly is counted the slow way
    /// for good. The door lets go of its connections as they close.
    let door: CoordDoor
    let openedAt: Instant
    var state = State.greeting
    var identities: [Identity]
    var sasl: SASLExchange?
    /// Numbers this connection over all servers of an ensemble; the log knows by it which connection a session is on. 0 on a server that
    /// stands alone.
    let owner: Int64
    /// The session that is on this connection, from when the log says so.
    var attached: SessionID?
    /// Whether only this server knows the session.
    var isLocal = false
    /// Whether this client came while no leader was to be had, content to read.
    var isReadOnly = false
    /// Whether the leader is still to be told that this session was heard from.
    var isHeard = false
    private(set) var timeoutMilliseconds: Int32 = 0
    private(set) var statistics = RequestStatistics()
    private(set) var last = LastRequest()
    private lazy var watches = door.watches(of: id)
    /// When the first request of the present burst of frames came; nil between bursts. Requests count from then.
    private var burstBegan: Instant?
    private var pending = Deque<Waiting>()
    private var proposals = 0
    private var pauses: Pauses = []
    /// What of the answers had not left when that was last looked at, in bytes.
    private var unsentBefore = 0
    /// How many identities the log has from this connection; 0 while it has none.
    private var rememberedIdentities = 0

    /// Why nothing is read.
    private struct Pauses: OptionSet {
        let rawValue: UInt8
        /// The session is being opened.
        static let opening = Pauses(rawValue: 1)
        /// Too much waits.
        static let full = Pauses(rawValue: 2)
        /// Others have their turn.
        static let turn = Pauses(rawValue: 4)
    }

    init(id: WatcherID, frames: FrameConnection, door: CoordDoor) {
        self.id = id
        self.frames = frames
        self.door = door
        openedAt = door.now
        owner = door.settings.ensemble == nil ? 0 : Digests.randomBytes(8).getInteger(at: 0, as: Int64.self).map { $0 == 0 ? 1 : $0 } ?? 1
        identities = [.address(frames.remote?.host ?? "")]
    }

    var isEnded: Bool { if case .ended = state { true } else { false } }
    var session: SessionID? { if case .open(let id) = state { id } else { nil } }
    /// The client's address without its port.
    var address: String { frames.remote?.host ?? "" }
    var remote: String { frames.remote?.description ?? "?" }
    var pendingCount: Int { pending.count }

    // MARK: frames

    func received(_ frame: Bytes) {
        statistics.noteReceived()
        door.noteReceived()
        switch state {
        case .greeting: greet(frame)
        case .opening: preconditionFailure("nothing is read while a session is being opened")
        case .open(let session): request(frame, session)
        case .ended: break
        }
    }

    func burstEnded() {
        burstBegan = nil
    }

    func heard() { if let session { door.heardFrom(self, session) } }

    /// Whether the peer has taken answers since the last call: it is alive, even if its pings lie behind the read-ahead limit.
    func noteProgress() {
        let unsent = frames.unsentBytes
        if unsent < unsentBefore { heard() }
        unsentBefore = unsent
    }

    /// Nothing is read until the session is open.
    func beginOpening() {
        state = .opening
        pause(.opening)
    }

    private func pause(_ reason: Pauses) {
        if pauses.isEmpty { frames.pauseReading() }
        pauses.insert(reason)
    }

    private func goOn(_ reason: Pauses) {
        guard pauses.remove(reason) != nil, pauses.isEmpty else { return }
        frames.resumeReading()
    }

    func refusedLength(_ raw: UInt32) -> Bool {
        guard case .greeting = state, let word = FourLetterWord(raw) else { return false }
        statistics.noteReceived()
        door.noteReceived()
        if let report = door.report(word) {
            send(report)
        } else {
            frames.sendRaw(Bytes(string: door.answer(word)))
            end()
        }
        return true
    }

    func closed() {
        state = .ended
        for waiting in pending { door.requestEnded(bytes: waiting.bytes) }
        pending.removeAll()
        door.connectionClosed(self)
    }

    /// Ends the connection from our side, behind the answers.
    func end() {
        state = .ended
        frames.close()
    }

    func opened(_ granted: CoordDoor.GrantedSession) {
        timeoutMilliseconds = granted.timeoutMilliseconds
        state = .open(granted.id)
        goOn(.opening)
    }

    func resetStatistics() { statistics.reset() }

    // MARK: requests

    private func request(_ frame: Bytes, _ session: SessionID) {
        if burstBegan == nil { burstBegan = door.now }
        var reader = JuteReader(frame)
        var header = RequestHeader()
        do { try header.read(&reader) } catch {
            door.log.info("connection closed: a request has no header", metadata: ["remote": "\(remote)"])
            return end()
        }
        let xid = header.xid
        guard let api = CoordAPI.row(header.operation) else {
            // As ZooKeeper does: the client and this server do not speak the same language.
            return enqueue(xid, nil, .ready(.refused(.unimplemented), zxid: -1, endsConnection: true))
        }
        guard mayAsk(api.code) else { return enqueue(xid, api.code, .ready(.refused(.sessionClosedRequireSASL), endsConnection: true)) }
        if isReadOnly, let answer = readOnlyAnswer(api) { return enqueue(xid, api.code, answer) }
        do {
            switch api.handler {
            case .read: read(xid, api, reader.buffer)
            case .write(let read):
                let write = bounded(try read(&reader))
                if isLocal, write.operations.contains(where: \.isEphemeral) { door.promote(session, on: self) }
                propose(xid, api.code, write, command(write.operations, session), bytes: frame.readableBytes)
            case .barrier(let read):
                let answer = CoordAnswer.body(try read(&reader))
                answerLater(xid, api.code, bytes: frame.readableBytes) { done in door.replica.afterBarrier { done($0 ? answer : nil) } }
            case .membership(let read):
                let change = try read(&reader)
                let (audit, caller) = (door.audit, caller(session))
                answerLater(xid, api.code, bytes: frame.readableBytes) { done in
                    door.reconfigure(change, identities) { answer in
                        audit?.note(caller, "reconfig", answer.map { if case .body = $0 { .success } else { .failure } } ?? .invoked)
                        done(answer)
                    }
                }
            case .session: try sessionRequest(api.code, xid, &reader, session, bytes: frame.readableBytes)
            }
        } catch { enqueue(xid, api.code, .ready(.refused(.marshallingError))) }
    }

    private func command(_ operations: [CoordOperation], _ session: SessionID) -> CoordCommand {
        let withinQuota = door.settings.enforcesQuota
        if isLocal { return .localWrite(withinQuota: withinQuota, identities: identities, operations: operations) }
        if identities.reduce(0, { $0 + $1.byteCount }) > CoordSettings.identityBytesWithEachWrite {
            // They travel once: later proposals of this connection are executed later.
            let isKnown = rememberedIdentities == identities.count
            rememberedIdentities = identities.count
            return .writeAs(session, owner: owner, withinQuota: withinQuota, identities: isKnown ? nil : identities, operations: operations)
        }
        return .write(session, owner: owner, withinQuota: withinQuota, identities: identities, operations: operations)
    }

    /// Operations whose lists are too long are refused in their turn, as lists of none are.
    private func bounded(_ write: CoordWrite) -> CoordWrite {
        guard write.operations.contains(where: { !AccessControl.isBounded($0.accessList, by: identities) }) else { return write }
        var write = write
        write.operations = write.operations.map { AccessControl.isBounded($0.accessList, by: identities) ? $0 : $0.withoutAccessList }
        return write
    }

    /// Puts a command into the log and its answer in line; `write` is nil for the end of the session.
    func propose(_ xid: Int32, _ operation: OpCode, _ write: CoordWrite?, _ command: CoordCommand, bytes: Int = 0) {
        proposals += 1
        let number = proposals
        enqueue(xid, operation, .proposed(number, write), bytes: bytes)
        guard let audit = door.audit, let write, let session else { return door.propose(command) { self.ended(number, $0) } }
        let caller = caller(session)
        door.propose(command) { result in
            audit.note(caller, write.operations, isMulti: operation == .multi, result)
            self.ended(number, result)
        }
    }

    /// Keeps the place in line for an answer that `work` comes to in time; with nil, the client goes elsewhere.
    private func answerLater(_ xid: Int32, _ operation: OpCode, bytes: Int, _ work: (@escaping (CoordAnswer?) -> Void) -> Void) {
        proposals += 1
        let number = proposals
        enqueue(xid, operation, .deferred(number), bytes: bytes)
        work { answer in
            guard case .open = self.state else { return }
            guard let answer else { return self.end() }
            guard let place = self.pending.firstIndex(where: { if case .deferred(number) = $0.request { true } else { false } }) else {
                return
            }
            self.pending[place].request = .ready(answer)
            if place == 0 { self.answerReady() }
        }
    }

    // MARK: answers in order

    func enqueue(_ xid: Int32, _ operation: OpCode?, _ request: Request, bytes: Int = 0) {
        pending.append(Waiting(xid: xid, operation: operation, since: burstBegan ?? door.now, bytes: bytes, request: request))
        door.requestBegan(bytes: bytes)
        if pending.count == 1 { answerReady() }
        if pending.count >= CoordSettings.pendingPerConnectionMax || (door.isFull && !pending.isEmpty) { hold() }
    }

    private func hold() {
        guard !pauses.contains(.full) else { return }
        pause(.full)
        door.held(self)
    }

    /// Reads on if this connection has room again; false if it has not.
    func release() -> Bool {
        guard pending.count < CoordSettings.pendingPerConnectionMax / 2 else { return false }
        goOn(.full)
        return true
    }

    /// A command of this connection was executed, or will not be.
    private func ended(_ number: Int, _ result: Result<CoordOutcome, ReplicaRefusal>) {
        if case .failure = result { rememberedIdentities = 0 }
        guard case .open = state else { return }
        // Proposals end in order, so this is nearly always the first in line.
        let place = pending.firstIndex { if case .proposed(number, _) = $0.request { true } else { false } }
        guard let place, case .proposed(_, let write) = pending[place].request else { return }
        // Its outcome is unknown, and there is no leader: the client goes elsewhere. If the disk is full the connection stays, and the next
        // write gets the reason; on a new connection it would not, since a session comes back through the log.
        if case .failure(.notLeading) = result, door.replica.writeRefusal == nil { return end() }
        pending[place].request = Self.answer(write, result)
        if place == 0 { answerReady() }
    }

    private static func answer(_ write: CoordWrite?, _ result: Result<CoordOutcome, ReplicaRefusal>) -> Request {
        switch result {
        case .failure(let refusal): return .ready(.refused(refusal.code))
        case .success(let outcome):
            guard let write else { return .ready(.body(Bytes()), zxid: outcome.zxid, endsConnection: true) }
            switch outcome.result {
            case .success(let results): return .ready(write.reply(results), zxid: outcome.zxid)
            case .failure(let refusal) where refusal.reason == .sessionExpired || refusal.reason == .sessionMoved:
                return .ready(.refused(refusal.reason.code), zxid: outcome.zxid, endsConnection: true)
            case .failure(let refusal):
                return .ready(write.refusal.map { .body($0(refusal)) } ?? .refused(refusal.reason.code), zxid: outcome.zxid)
            }
        }
    }

    /// Answers what stands before the next unfinished write.
    private func answerReady() {
        let isOwnBurst = burstBegan == nil
        if isOwnBurst, pending.first?.request.isWork == true { burstBegan = door.now }
        defer { if isOwnBurst { burstBegan = nil } }
        while case .open = state, pending.first?.request.isReady == true {
            // Answers to writes are made already, and small.
            guard pending.first?.request.isWork != true || mayWork() else { return workLater() }
            if case .setWatches(var restore)? = pending.first?.request, !door.restoreWatches(&restore, for: self) {
                guard !pending.isEmpty else { return }
                pending[0].request = .setWatches(restore)
                return workLater()
            }
            guard !pending.isEmpty else { return }
            let first = pending.removeFirst()
            switch first.request {
            case .proposed, .deferred: preconditionFailure("what is not ready stays in line")
            case .ready(let answer, let zxid, let endsConnection):
                send(first.xid, answer, zxid: zxid)
                noteAnswered(first.xid, first.operation, since: first.since, zxid)
                if endsConnection { end() }
            case .setWatches:
                send(first.xid, .body(Bytes()))
                noteAnswered(first.xid, first.operation, since: first.since, nil)
            case .read(let api, let bytes):
                send(first.xid, read(api, bytes))
                noteAnswered(first.xid, first.operation, since: first.since, nil)
            }
            door.requestEnded(bytes: first.bytes)
        }
        if pauses.contains(.full), !door.isFull, release() { door.released(self) }
    }

    /// Whether this connection may go on in this turn of the loop: what one client asks for in a row must not hold the others up.
    private func mayWork() -> Bool {
        guard !pauses.contains(.turn), frames.isPeerTaking || frames.unsentBytes == 0, door.hasTime else { return false }
        return burstBegan.map { door.now - $0 <= CoordSettings.turnShare } ?? true
    }

    private func workLater() {
        guard !pauses.contains(.turn) else { return }
        pause(.turn)
        door.waitForTurn(self)
    }

    /// It is this connection's turn.
    func work() {
        guard !isEnded else { return }
        // A peer that takes nothing is looked at now and then.
        guard frames.isPeerTaking else { return door.loop.schedule(after: CoordSettings.peerPause) { self.door.waitForTurn(self) } }
        goOn(.turn)
        answerReady()
    }

    /// Answers a read at once if nothing is before it and there is time, or puts it in line.
    private func read(_ xid: Int32, _ api: CoordAPI, _ bytes: Bytes) {
        guard pending.isEmpty, mayWork() else {
            // What waits must not hold on to all that came with it.
            let own = bytes.copied()
            return enqueue(xid, api.code, .read(api, own), bytes: own.readableBytes)
        }
        send(xid, read(api, bytes))
        noteAnswered(xid, api.code, since: burstBegan ?? door.now, nil)
    }

    private func read(_ api: CoordAPI, _ bytes: Bytes) -> CoordAnswer {
        guard case .read(let read) = api.handler, let session else { preconditionFailure("a queued read has a read handler and a session") }
        var reader = JuteReader(bytes)
        let context = ReadContext(session: session, identities: identities, watches: watches)
        do { return try read(&reader, door.machine, context) } catch { return .refused(.marshallingError) }
    }

    private func noteAnswered(_ xid: Int32, _ operation: OpCode?, since: Instant, _ zxid: Int64?) {
        let now = door.now
        let latency = now - since
        statistics.noteAnswered(after: latency)
        door.noteAnswered(operation, after: latency)
        // A paused connection is not read and cannot be heard; that must not cost it its session.
        if !pauses.isEmpty { heard() }
        last = LastRequest(operation: operation, xid: xid, zxid: zxid ?? door.zxid, answeredAt: now, latency: latency)
    }

    func send(_ xid: Int32, _ answer: CoordAnswer, zxid: Int64? = nil) {
        statistics.noteSent()
        door.noteSent()
        frames.send(ReplyHeader(xid: xid, zxid: zxid ?? door.zxid, error: answer.code), answer)
    }

    /// A watch of this connection has fired.
    func notify(_ event: WatchEvent, zxid: Int64) {
        statistics.noteSent()
        door.noteSent()
        frames.send(ReplyHeader(xid: SpecialXid.event, zxid: zxid, error: .ok), .body(encode(event)))
    }

    func transmit(_ bytes: Bytes) {
        statistics.noteSent()
        door.noteSent()
        frames.send(bytes)
    }
}

extension FrameConnection {
    /// Sends a header and a body as one frame.
    fileprivate func send(_ header: ReplyHeader, _ body: CoordAnswer) {
        send(bytes: ReplyHeader.byteCount + body.byteCount) { frame in
            frame.writeMultipleIntegers(header.xid, header.zxid, header.error)
            body.write(into: &frame)
        }
    }
}
