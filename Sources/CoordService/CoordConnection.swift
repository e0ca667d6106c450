// One client's connection: handshake, then requests in order. Writes are pipelined into the log; a read waits behind the session's
// earlier writes and is answered right after the last of them was executed, so a session sees its own order and nothing later.
// Confined to the service loop.
import Base
import Collections
import CoordCore
import NetKit
import Replication
import ZooKeeperWire

/// A connected client.
final class CoordConnection: FrameSession {
    private enum State {
        case greeting
        /// The session is being opened; frames that arrive early wait.
        case opening(backlog: [Bytes])
        case open(SessionID)
        case ended
    }
    private enum Pending {
        case write(xid: Int32, CoordWrite)
        case close(xid: Int32)
        case read(xid: Int32, CoordAPI, JuteFrame)
        case setWatches(xid: Int32, SetWatchesRequest)
        case ready(xid: Int32, CoordAnswer)
    }
    /// The rest of a frame behind its header.
    struct JuteFrame { var bytes: Bytes }

    let id: WatcherID
    private let frames: FrameConnection
    private unowned let door: CoordDoor
    private var state = State.greeting
    private var pending = Deque<Pending>()
    private(set) var identities: [Identity]

    init(id: WatcherID, frames: FrameConnection, door: CoordDoor) {
        self.id = id
        self.frames = frames
        self.door = door
        identities = [Identity(scheme: "ip", id: frames.remote?.host ?? "")]
    }

    var session: SessionID? { if case .open(let id) = state { id } else { nil } }
    var remote: String { frames.remote?.description ?? "?" }
    var pendingCount: Int { pending.count }

    // MARK: frames

    func received(_ frame: Bytes) {
        door.counters.requests.add()
        switch state {
        case .greeting: greet(frame)
        case .opening(var backlog):
            guard backlog.count < CoordSettings.outstandingMax else { return end() }
            backlog.append(frame)
            state = .opening(backlog: backlog)
        case .open(let session): request(frame, session)
        case .ended: break
        }
    }

    func refusedLength(_ raw: UInt32) -> Bool {
        guard case .greeting = state, let word = FourLetterWord(raw) else { return false }
        frames.sendRaw(Bytes(string: word.answer(door)))
        frames.close()
        return true
    }

    func closed() {
        state = .ended
        pending.removeAll()
        door.connectionClosed(self)
    }

    /// Ends the connection from our side.
    func end() {
        state = .ended
        frames.close()
    }

    // MARK: handshake

    private func greet(_ frame: Bytes) {
        var reader = JuteReader(frame)
        var connect = ConnectRequest()
        do { try connect.layout(&reader) } catch { return end() }
        guard reader.remaining <= 1 else { return end() }
        let readOnlyByte = reader.remaining == 1
        // A client that has seen more than this server would read the past.
        guard connect.lastZxidSeen <= door.zxid else { return end() }
        state = .opening(backlog: [])
        door.attach(self, connect) { [weak self] granted in self?.opened(granted, readOnlyByte: readOnlyByte) }
    }

    private func opened(_ granted: CoordDoor.GrantedSession?, readOnlyByte: Bool) {
        guard case .opening(let backlog) = state else { return }
        var response = ConnectResponse()
        if let granted {
            response.timeoutMilliseconds = granted.timeoutMilliseconds
            response.sessionID = granted.id.rawValue
            response.password = granted.password
        }
        var bytes = encode(response)
        if readOnlyByte { bytes.writeInteger(UInt8(0)) }
        frames.send(bytes)
        guard let granted else { return end() }
        state = .open(granted.id)
        for frame in backlog { received(frame) }
    }

    // MARK: requests

    private func request(_ frame: Bytes, _ session: SessionID) {
        door.heardFrom(session)
        var reader = JuteReader(frame)
        var header = RequestHeader()
        do {
            try header.layout(&reader)
            guard let api = CoordAPI.byCode[header.operation] else { return enqueue(.ready(xid: header.xid, .refused(.unimplemented))) }
            switch api.handler {
            case .read: enqueue(.read(xid: header.xid, api, JuteFrame(bytes: reader.buffer)))
            case .write(let read): propose(try read(&reader), header.xid, session)
            case .session: try sessionRequest(api.code, header.xid, &reader, session)
            }
        } catch {
            // What cannot be decoded cannot be answered in order either: ZooKeeper closes, and so do we.
            door.log.info("connection closed: a request cannot be read", metadata: ["remote": "\(remote)", "error": "\(error)"])
            end()
        }
    }

    private func propose(_ write: CoordWrite, _ xid: Int32, _ session: SessionID) {
        enqueue(.write(xid: xid, write))
        door.propose(.write(session, identities: identities, operations: write.operations)) { [weak self] in self?.writeEnded($0) }
    }

    private func sessionRequest(_ code: OpCode, _ xid: Int32, _ reader: inout JuteReader, _ session: SessionID) throws(WireError) {
        switch code {
        case .ping: send(SpecialXid.ping, .body(Bytes()))
        case .closeSession:
            enqueue(.close(xid: xid))
            door.propose(.closeSession(session)) { [weak self] in self?.writeEnded($0) }
        case .setWatches:
            var request = SetWatchesRequest()
            try request.layout(&reader)
            enqueue(.setWatches(xid: SpecialXid.setWatches, request))
        case .auth:
            var request = AuthRequest()
            try request.layout(&reader)
            authenticate(request)
        default: preconditionFailure("\(code) is no operation of the session itself")
        }
    }

    private func authenticate(_ request: AuthRequest) {
        switch request.scheme {
        case "digest":
            let text = request.credentials?.text ?? ""
            guard let colon = text.firstIndex(of: ":") else { return refuseAuthentication() }
            let identity = Identity(scheme: "digest", id: text[..<colon] + ":" + Digests.sha1Base64(text))
            if !identities.contains(identity) { identities.append(identity) }
            send(SpecialXid.auth, .body(Bytes()))
        case "ip": send(SpecialXid.auth, .body(Bytes()))
        default: refuseAuthentication()
        }
    }

    private func refuseAuthentication() {
        send(SpecialXid.auth, .refused(.authFailed))
        end()
    }

    // MARK: answers in order

    private func enqueue(_ next: Pending) {
        pending.append(next)
        if pending.count >= CoordSettings.outstandingMax { frames.pauseReading() }
        if pending.count == 1 { answerReady() }
    }

    /// The oldest write of this connection was executed or refused.
    private func writeEnded(_ result: Result<CoordOutcome, ReplicaRefusal>) {
        guard case .open = state else { return }
        // Proposals of one session end in the order in which they were made, unless one is refused at once; then its place is still in line.
        guard case .success(let outcome) = result else {
            if case .failure(let refusal) = result { refuseWrite(refusal.code) }
            return
        }
        guard let first = pending.popFirst() else { return }
        switch first {
        case .write(let xid, let write):
            switch outcome.result {
            case .success(let results): send(xid, .body(write.reply(results, door.machine)), zxid: outcome.zxid)
            case .failure(let refusal):
                if let body = write.refusal { send(xid, .body(body(refusal)), zxid: outcome.zxid) } else { send(xid, .refused(refusal.reason.code), zxid: outcome.zxid) }
                if refusal.reason == .sessionExpired { return end() }
            }
        case .close(let xid):
            send(xid, .body(Bytes()), zxid: outcome.zxid)
            return end()
        case .read, .ready, .setWatches: preconditionFailure("only writes wait at the head of the line")
        }
        answerReady()
    }

    /// Replaces the write that was refused by its answer: the newest if it was refused at once, else the oldest.
    private func refuseWrite(_ code: ZKErrorCode) {
        guard let place = pending.lastIndex(where: { if case .write = $0 { true } else if case .close = $0 { true } else { false } }) else { return }
        switch pending[place] {
        case .write(let xid, _), .close(let xid): pending[place] = .ready(xid: xid, .refused(code))
        default: break
        }
        answerReady()
    }

    /// Answers what stands before the next unfinished write.
    private func answerReady() {
        while let first = pending.first {
            switch first {
            case .write, .close: return
            case .ready(let xid, let answer): send(xid, answer)
            case .setWatches(let xid, let request): door.restoreWatches(request, for: self) { self.send(xid, .body(Bytes())) }
            case .read(let xid, let api, let frame):
                guard case .read(let read) = api.handler else { preconditionFailure("a queued read has a read handler") }
                var reader = JuteReader(frame.bytes)
                do { send(xid, try read(&reader, door.machine, door.readContext(self))) } catch { return end() }
            }
            pending.removeFirst()
        }
        if pending.count < CoordSettings.outstandingMax / 2 { frames.resumeReading() }
    }

    private func send(_ xid: Int32, _ answer: CoordAnswer, zxid: Int64? = nil) {
        var bytes: Bytes
        switch answer {
        case .body(let body):
            bytes = encode(ReplyHeader(xid: xid, zxid: zxid ?? door.zxid, error: .ok))
            bytes.writeImmutableBuffer(body)
        case .refused(let code): bytes = encode(ReplyHeader(xid: xid, zxid: zxid ?? door.zxid, error: code))
        }
        frames.send(bytes)
    }

    /// A watch of this connection has fired.
    func notify(_ event: WatchEvent, zxid: Int64) {
        var bytes = encode(ReplyHeader(xid: SpecialXid.event, zxid: zxid, error: .ok))
        bytes.writeImmutableBuffer(encode(event))
        frames.send(bytes)
    }
}
