// The first frame of a connection: a new session, one to be taken over, or nothing that this server can serve.
import Base
import CoordCore
import NetKit
import ZooKeeperWire

extension CoordConnection {
    func greet(_ frame: Bytes) {
        // Without a leader, or outside of the ensemble, only the four-letter words are answered.
        guard door.isMember, door.isServing || door.isReadOnly else { return end() }
        var reader = JuteReader(frame)
        var connect = ConnectRequest()
        do { try connect.layout(&reader) } catch { return end() }
        guard reader.remaining <= 1 else { return end() }
        let readOnlyByte = reader.remaining == 1
        let isContentToRead = readOnlyByte && frame.getInteger(at: frame.writerIndex - 1, as: UInt8.self) != 0
        if let subject = frames.peerSubject { identities.append(Identity(scheme: "x509", id: subject)) }
        if !door.isServing {
            guard isContentToRead, connect.lastZxidSeen <= door.zxid, let granted = door.attachReadOnly(connect) else { return end() }
            isReadOnly = true
            beginOpening()
            return answer(.granted(granted), readOnlyByte: true)
        }
        beginOpening()
        guard connect.lastZxidSeen <= door.zxid else { return catchUp(connect, readOnlyByte) }
        begin(connect, readOnlyByte)
    }

    /// A client that has seen more than this server would read the past: it waits until the server has seen as much, and is sent away if
    /// that is more than there is.
    private func catchUp(_ connect: ConnectRequest, _ readOnlyByte: Bool) {
        door.replica.afterBarrier { reached in
            guard case .opening = self.state else { return }
            guard reached, connect.lastZxidSeen <= self.door.zxid else { return self.end() }
            self.begin(connect, readOnlyByte)
        }
    }

    private func begin(_ connect: ConnectRequest, _ readOnlyByte: Bool) {
        door.attach(self, connect) { self.answer($0, readOnlyByte: readOnlyByte) }
    }

    private func answer(_ attachment: CoordDoor.Attachment, readOnlyByte: Bool) {
        guard case .opening = state else { return }
        var response = ConnectResponse()
        switch attachment {
        case .unavailable: return end()
        case .unknown: break
        case .granted(let granted):
            response.timeoutMilliseconds = granted.timeoutMilliseconds
            response.sessionID = granted.id.rawValue
            response.password = granted.password
        }
        var bytes = encode(response)
        if readOnlyByte { bytes.writeInteger(UInt8(isReadOnly ? 1 : 0)) }
        transmit(bytes)
        guard case .granted(let granted) = attachment else { return end() }
        opened(granted)
    }
}
