// Sessions that only this server knows: opening and ending one costs the ensemble nothing. A client that makes its first ephemeral node
// gets its session into the log before that, under the same number. Elsewhere, and after a restart of the server, such a session is
// unknown. Source: ZooKeeper's administrator's guide, "localSessionsEnabled".
import Base
import CoordCore
import NetKit
import ZooKeeperWire

/// The local sessions of one server.
struct LocalSessions {
    private var records: [SessionID: CoordDoor.GrantedSession] = [:]
    private var clock = SessionClock()

    var count: Int { records.count }
    subscript(id: SessionID) -> CoordDoor.GrantedSession? { records[id] }

    mutating func add(_ session: CoordDoor.GrantedSession, now: Instant) {
        records[session.id] = session
        clock.watch(session.id, timeout: .milliseconds(Int64(session.timeoutMilliseconds)), now: now)
    }

    mutating func touch(_ id: SessionID, now: Instant) { clock.touch(id, now: now) }
    mutating func postpone(by pause: Duration) { clock.postpone(by: pause) }

    /// Ended, or known to all from now on.
    mutating func forget(_ id: SessionID) {
        records[id] = nil
        clock.forget(id)
    }

    /// Those that fell silent; they are gone.
    mutating func expire(now: Instant) -> [SessionID] {
        let expired = clock.expire(now: now)
        for id in expired { records[id] = nil }
        return expired
    }
}

extension CoordDoor {
    /// A session that this server keeps to itself.
    func beginLocal(_ granted: GrantedSession, on connection: CoordConnection) {
        sessions.locals.add(granted, now: now)
        connection.isLocal = true
        bySession[granted.id]?.end()
        bySession[granted.id] = connection
        connection.attached = granted.id
    }

    func expireLocals() {
        for id in sessions.locals.expire(now: now) {
            counters.expirations.add()
            sessions.shares.end(id)
            log.info("local session expired", metadata: ["session": "0x\(String(id.rawValue, radix: 16))"])
            bySession.removeValue(forKey: id)?.end()
        }
    }

    /// Puts a local session into the log, ahead of its client's next request.
    func promote(_ session: SessionID, on connection: CoordConnection) {
        guard let granted = sessions.locals[session] else { return connection.end() }
        connection.isLocal = false
        byOwner[connection.owner] = connection
        sessions.locals.forget(session)
        let command = CoordCommand.openSession(
            session, timeoutMilliseconds: granted.timeoutMilliseconds, password: granted.password, owner: connection.owner)
        propose(command) { if case .failure = $0 { connection.end() } }
    }

    /// A client ends its local session.
    func endLocal(_ session: SessionID) {
        sessions.locals.forget(session)
        sessions.shares.end(session)
        bySession[session] = nil
    }
}
