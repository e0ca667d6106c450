// Serving while no leader is to be had: clients that say that they are content to read get a session that only this server knows, or go on with the
// one that they had. Nothing is written; when there is a leader again they are sent away, to come back and write. Source: ZooKeeper's
// administrator's guide, "readonlymode.enabled".
import Base
import CoordCore
import NetKit
import ZooKeeperWire

extension CoordDoor {
    /// Takes a client that is content to read. Nil if its session may exist, and this server cannot tell.
    func attachReadOnly(_ request: ConnectRequest) -> GrantedSession? {
        let timeout = min(max(request.timeoutMilliseconds, settings.sessionMillisecondsMin), settings.sessionMillisecondsMax)
        guard request.sessionID != 0 else {
            defer { nextSession += 1 }
            return GrantedSession(id: SessionID(nextSession), timeoutMilliseconds: timeout, password: Digests.randomBytes(16))
        }
        let id = SessionID(request.sessionID)
        guard let record = machine.sessions[id], let password = request.password, Digests.equal(password, record.password) else { return nil }
        return GrantedSession(id: id, timeoutMilliseconds: timeout, password: record.password)
    }

    /// No leader has been known for long: those who are content to read may come.
    func beginReadOnly() {
        guard settings.servesReadOnly, isMember else { return }
        isReadOnly = true
        log.warning("this server serves reads only, to clients that are content with that")
    }

    /// There is a leader: those who only read come back and may write.
    func endReadOnly() {
        guard isReadOnly else { return }
        isReadOnly = false
        log.notice("this server takes writes again")
        for connection in connectionList where connection.isReadOnly { connection.end() }
    }
}

extension CoordConnection {
    /// What a client that only reads is answered at once; nil for what it may ask.
    func readOnlyAnswer(_ api: CoordAPI) -> Request? {
        switch api.handler {
        case .write, .barrier, .membership: .ready(.refused(.notReadOnly))
        case .session where api.code == .closeSession: .ready(.body(Bytes()), endsConnection: true)
        case .read, .session: nil
        }
    }
}
