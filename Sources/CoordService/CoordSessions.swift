// Sessions on this server: opening, takeover, signs of life, expiry.
import Base
import CoordCore
import NetKit
import Replication
import ZooKeeperWire

extension CoordDoor {
    /// A session that a client may use.
    struct GrantedSession {
        var id: SessionID
        var timeoutMilliseconds: Int32
        var password: Bytes
    }

    /// Where the session ids of a server's life begin: its number (1 to 255, 0 alone), so that no two servers of an ensemble give the same
    /// id; then 39 bits of the clock's milliseconds, so that no two lives do, as long as fewer than 65,536 sessions begin in a millisecond.
    package static func firstSession(server: Int64, startedAt: WallTime) -> Int64 {
        precondition((0...255).contains(server), "a server's number has eight bits")
        return server << 55 | (startedAt.milliseconds & (1 << 39 - 1)) << 16
    }

    private static var expiryTick: Duration { .milliseconds(200) }
    /// From this on a tick that comes late counts as a pause of the server.
    private static var pauseNoted: Duration { .seconds(1) }

    /// After a start every session gets its whole timeout.
    func watchSessions() {
        for id in machine.sessions.ids {
            guard let record = machine.sessions[id] else { continue }
            sessions.clock.watch(id, timeout: .milliseconds(Int64(record.timeoutMilliseconds)), now: now)
        }
    }

    func heardFrom(_ connection: CoordConnection, _ session: SessionID) {
        if connection.isLocal { return sessions.locals.touch(session, now: now) }
        if replica.isLeading { return sessions.clock.touch(session, now: now) }
        guard !connection.isHeard else { return }
        connection.isHeard = true
        heard.append(connection)
    }

    /// What comes of a client's first frame.
    enum Attachment {
        case granted(GrantedSession)
        /// There is no such session, or the password is wrong.
        case unknown
        /// No leader is to be had here: the client goes elsewhere, its session lives on.
        case unavailable
    }

    /// Opens a session, or takes an existing one over.
    func attach(_ connection: CoordConnection, _ request: ConnectRequest, _ done: @escaping (Attachment) -> Void) {
        let timeout = min(max(request.timeoutMilliseconds, settings.sessions.millisecondsMin), settings.sessions.millisecondsMax)
        if request.sessionID != 0, let granted = sessions.locals[SessionID(request.sessionID)] {
            guard let password = request.password, Digests.equal(password, granted.password) else { return done(.unknown) }
            beginLocal(granted, on: connection)
            return done(.granted(granted))
        }
        guard request.sessionID == 0 else {
            // The session may have begun on another server a moment ago.
            return replica.afterBarrier { reached in
                guard !connection.isEnded, reached else { return done(.unavailable) }
                self.takeOver(connection, request, timeout, done)
            }
        }
        guard hasRoom(from: connection.address) else { return done(.unavailable) }
        let id = sessions.takeNumber()
        sessions.shares.begin(id, from: connection.address)
        let password = Digests.randomBytes(16)
        let granted = GrantedSession(id: id, timeoutMilliseconds: timeout, password: password)
        if settings.sessions.areLocalFirst, connection.owner != 0 {
            // It begins no earlier in time than one that went through the log would.
            return replica.afterBarrier { reached in
                guard !connection.isEnded, reached else {
                    self.sessions.shares.end(id)
                    return done(.unavailable)
                }
                self.beginLocal(granted, on: connection)
                done(.granted(granted))
            }
        }
        open(connection, .openSession(id, timeoutMilliseconds: timeout, password: password, owner: connection.owner), granted, done)
    }

    private func takeOver(
        _ connection: CoordConnection, _ request: ConnectRequest, _ timeout: Int32, _ done: @escaping (Attachment) -> Void
    ) {
        let id = SessionID(request.sessionID)
        guard let record = machine.sessions[id], let password = request.password, Digests.equal(password, record.password) else {
            return done(.unknown)
        }
        let granted = GrantedSession(id: id, timeoutMilliseconds: timeout, password: record.password)
        guard connection.owner != 0 else {
            settle(id, on: connection)
            sessions.clock.watch(id, timeout: .milliseconds(Int64(timeout)), now: now)
            return done(.granted(granted))
        }
        open(connection, .attachSession(id, timeoutMilliseconds: timeout, owner: connection.owner), granted, done)
    }

    private func open(
        _ connection: CoordConnection, _ command: CoordCommand, _ granted: GrantedSession, _ done: @escaping (Attachment) -> Void
    ) {
        if connection.owner != 0 { byOwner[connection.owner] = connection }
        propose(command) { result in
            if case .failure = result, self.machine.sessions[granted.id] == nil { self.sessions.shares.end(granted.id) }
            guard !connection.isEnded, case .success(let outcome) = result else { return done(.unavailable) }
            guard case .success = outcome.result else { return done(.unknown) }
            if connection.owner == 0 { self.settle(granted.id, on: connection) }
            // It may have gone on to yet another connection since.
            done(self.bySession[granted.id] === connection ? .granted(granted) : .unavailable)
        }
    }

    /// A session began or moved: the connection that it is on now, if that is here, takes the place of the one before.
    func sessionAttached(_ session: SessionID) {
        guard let record = machine.sessions[session] else { return }
        sessions.clock.watch(session, timeout: .milliseconds(Int64(record.timeoutMilliseconds)), now: now)
        if record.owner != 0 { settle(session, on: byOwner[record.owner]) }
    }

    /// A session is on this connection of ours now, or on none; the one before is cut off.
    private func settle(_ session: SessionID, on connection: CoordConnection?) {
        if let before = bySession[session], before !== connection { before.end() }
        bySession[session] = connection
        connection?.attached = session
    }

    func scheduleExpiry() {
        let began = now
        loop.schedule(after: Self.expiryTick) {
            guard !self.isStopped else { return }
            // A server that was stopped itself cannot say that others were silent.
            let pause = self.now - began
            if pause > Self.pauseNoted {
                self.sessions.clock.postpone(by: pause)
                self.sessions.locals.postpone(by: pause)
            }
            for connection in self.connections.values { connection.noteProgress() }
            self.expireSilent()
            self.expireLocals()
            self.tellLeader()
            self.scheduleExpiry()
        }
    }

    /// The leader expires silent sessions; the others report the sessions that they hear. A former leader that was stopped or cut off, and
    /// does not know yet of its successor, would expire live sessions of other servers, so a leader confirms its leadership first.
    private func expireSilent() {
        guard replica.isLeading else { return }
        let silent = sessions.clock.expire(now: now)
        guard !silent.isEmpty else { return }
        replica.afterBarrier { reached in
            guard self.replica.isLeading else { return }
            for id in silent {
                // Nothing is known, so it is looked at again.
                if reached { self.expire(id) } else { self.sessions.clock.watch(id, timeout: Self.expiryTick, now: self.now) }
            }
        }
    }

    private func expire(_ id: SessionID) {
        counters.expirations.add()
        log.info("session expired", metadata: ["session": "0x\(String(id.rawValue, radix: 16))"])
        propose(.closeSession(id)) { result in
            guard case .failure = result else { return }
            // Nothing was decided, so the session lives on and is looked at again.
            self.sessions.clock.watch(id, timeout: Self.expiryTick, now: self.now)
        }
    }

    /// The log has ended a session.
    func sessionClosed(_ session: SessionID) {
        sessions.shares.end(session)
        sessions.clock.forget(session)
        // A client that closes its own session still waits for the reply; other connections of it are cut off.
        if let connection = bySession.removeValue(forKey: session), connection.pendingCount == 0 { connection.end() }
    }
}
