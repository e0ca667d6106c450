// Service without a leader: read-only clients get a session of this server, or keep theirs. Nothing is written. Once there is a leader
// they are sent away and come back with write access. Source: ZooKeeper's
// administrator's guide, "readonlymode.enabled".
import Base
import CoordCore
import NetKit
import ZooKeeperWire

extension CoordDoor {
    /// Takes a client that is content to read. Nil if its session may exist, and this server cannot tell.
    func attachReadOnly(_ request: ConnectRequest) -> GrantedSession? {
        let timeout = min(max(request.timeoutMilliseconds, settings.sessions.millisecondsMin), settings.sessions.millisecondsMax)
        guard request.sessionID != 0 else {
            return GrantedSession(id: sessions.takeNumber(), timeoutMilliseconds: timeout, password: Digests.randomBytes(16))
        }
        let id = SessionID(request.sessionID)
        guard let record = machine.sessions[id], let password = request.password, Digests.equal(password, record.password) else {
            return nil
        }
        return GrantedSession(id: id, timeoutMilliseconds: timeout, password: record.password)
    }

    /// No leader has been known for long: read-only clients may connect.
    func beginReadOnly() {
        guard settings.servesReadOnly, isMember else { return }
        isReadOnly = true
        log.warning("this server serves reads only, to clients that are content with that")
    }

    /// There is a leader: read-only clients are sent away and come back with write access.
    func endReadOnly() {
        guard isReadOnly else { return }
        isReadOnly = false
        log.notice("this server takes writes again")
        for connection in connectionList where connection.isReadOnly { connection.end() }
    }
}

extension CoordConnection {
    /// The immediate refusal of a read-only client's request; nil if it may ask.
    func readOnlyAnswer(_ api: CoordAPI) -> Request? {
        switch api.handler {
        case .write, .barrier, .membership: .ready(.refused(.notReadOnly))
        case .session where api.code == .closeSession: .ready(.body(Bytes()), endsConnection: true)
        case .read, .session: nil
        }
    }
}
