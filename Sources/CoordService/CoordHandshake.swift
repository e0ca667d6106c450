// The first frame of a connection: a new session, one to be taken over, or nothing that this server can serve.
import Base
import CoordCore
import NetKit
import ZooKeeperWire

extension CoordConnection {
    func greet(_ frame: Bytes) {
        var reader = JuteReader(frame)
        var connect = ConnectRequest()
        do { try connect.layout(&reader) } catch { return end() }
        guard reader.remaining <= 1 else { return end() }
        let readOnlyByte = reader.remaining == 1
        // A client that has seen more than this server would read the past.
        guard connect.lastZxidSeen <= door.zxid else { return end() }
        if let subject = frames.peerSubject { identities.append(Identity(scheme: "x509", id: subject)) }
        state = .opening(backlog: [])
        door.attach(self, connect) { [weak self] granted in self?.answer(granted, readOnlyByte: readOnlyByte) }
    }

    private func answer(_ granted: CoordDoor.GrantedSession?, readOnlyByte: Bool) {
        guard case .opening(let backlog) = state else { return }
        var response = ConnectResponse()
        if let granted {
            response.timeoutMilliseconds = granted.timeoutMilliseconds
            response.sessionID = granted.id.rawValue
            response.password = granted.password
        }
        var bytes = encode(response)
        // This server always takes writes, also from clients that would be content with less.
        if readOnlyByte { bytes.writeInteger(UInt8(0)) }
        transmit(bytes)
        guard let granted else { return end() }
        opened(granted)
        for frame in backlog { received(frame) }
    }
}
