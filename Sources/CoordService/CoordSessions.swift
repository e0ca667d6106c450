// Sessions as this server sees them: opening, taking over, hearing from them, and ending those that fell silent.
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

    private static var expiryTick: Duration { .milliseconds(200) }

    /// After a start every session gets its whole timeout.
    func watchSessions() {
        for id in machine.sessions.ids {
            guard let record = machine.sessions[id] else { continue }
            clock.watch(id, timeout: .milliseconds(Int64(record.timeoutMilliseconds)), now: now)
        }
    }

    func heardFrom(_ session: SessionID) { clock.touch(session, now: now) }

    /// Opens a session or takes an existing one over; nil if there is none to take over.
    func attach(_ connection: CoordConnection, _ request: ConnectRequest, _ done: @escaping (GrantedSession?) -> Void) {
        let timeout = min(max(request.timeoutMilliseconds, settings.sessionMillisecondsMin), settings.sessionMillisecondsMax)
        guard request.sessionID == 0 else { return takeOver(connection, request, timeout, done) }
        let id = SessionID(nextSession)
        nextSession += 1
        let password = Digests.randomBytes(16)
        propose(.openSession(id, timeoutMilliseconds: timeout, password: password)) { [weak self, weak connection] result in
            guard let self, case .success = result else { return done(nil) }
            self.clock.watch(id, timeout: .milliseconds(Int64(timeout)), now: self.now)
            if let connection { self.bySession[id] = connection }
            done(GrantedSession(id: id, timeoutMilliseconds: timeout, password: password))
        }
    }

    private func takeOver(_ connection: CoordConnection, _ request: ConnectRequest, _ timeout: Int32, _ done: (GrantedSession?) -> Void) {
        let id = SessionID(request.sessionID)
        guard let record = machine.sessions[id], let password = request.password, Digests.equal(password, record.password) else {
            return done(nil)
        }
        bySession[id]?.end()
        bySession[id] = connection
        clock.watch(id, timeout: .milliseconds(Int64(timeout)), now: now)
        done(GrantedSession(id: id, timeoutMilliseconds: timeout, password: record.password))
    }

    func scheduleExpiry() {
        loop.schedule(after: Self.expiryTick) { [weak self] in
            guard let self, !self.isStopped else { return }
            for id in self.clock.expire(now: self.now) { self.expire(id) }
            self.scheduleExpiry()
        }
    }

    private func expire(_ id: SessionID) {
        counters.expirations.add()
        log.info("session expired", metadata: ["session": "0x\(String(id.rawValue, radix: 16))"])
        propose(.closeSession(id)) { [weak self] result in
            guard let self, case .failure = result else { return }
            // Nothing was decided, so the session lives on and is looked at again.
            self.clock.watch(id, timeout: Self.expiryTick, now: self.now)
        }
    }

    /// The log has ended a session.
    func sessionClosed(_ session: SessionID) {
        clock.forget(session)
        // A client that closes its own session still waits for the reply; everybody else is cut off.
        if let connection = bySession.removeValue(forKey: session), connection.pendingCount == 0 { connection.end() }
    }
}
