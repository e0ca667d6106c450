// Requests about the session itself: pings, who it is, its watches, its end. Identity comes from the socket and from a proof here,
// never from a client's claim.
import Base
import CoordCore
import NetKit
import ZooKeeperWire

extension CoordConnection {
    func sessionRequest(_ code: OpCode, _ xid: Int32, _ reader: inout JuteReader, _ session: SessionID, bytes: Int) throws(WireError) {
        switch code {
        case .ping: send(SpecialXid.ping, .body(Bytes()))
        case .closeSession where isLocal:
            door.endLocal(session)
            enqueue(xid, code, .ready(.body(Bytes()), endsConnection: true))
        case .closeSession: propose(xid, code, nil, .closeSession(session, owner: owner))
        case .setWatches:
            var request = SetWatches2Request()
            try request.oneTime.layout(&reader)
            enqueue(xid, code, .setWatches(WatchRestore(request)), bytes: bytes)
        case .setWatches2:
            var request = SetWatches2Request()
            try request.layout(&reader)
            enqueue(xid, code, .setWatches(WatchRestore(request)), bytes: bytes)
        case .auth:
            var request = AuthRequest()
            try request.layout(&reader)
            authenticate(xid, request)
        case .sasl:
            var request = SASLToken()
            try request.layout(&reader)
            exchange(xid, request.token ?? Bytes())
        default: preconditionFailure("\(code) is no operation of the session itself")
        }
    }

    /// Whether a session may ask for this before it has logged in.
    func mayAsk(_ code: OpCode) -> Bool {
        guard door.settings.requiresSASL else { return true }
        switch code {
        case .sasl, .auth, .ping, .closeSession: return true
        default: return identities.contains { $0.scheme == "sasl" }
        }
    }

    private func authenticate(_ xid: Int32, _ request: AuthRequest) {
        switch request.scheme {
        case "digest":
            guard let text = request.credentials?.text else { return refuseLogin(xid, "digest") }
            let identity = Identity(scheme: "digest", id: text.piece(before: ":") + ":" + Digests.sha1Base64(text))
            guard take(identity) else { return refuseLogin(xid, "digest") }
            if let wanted = door.settings.superDigest, Digests.equal(Bytes(string: wanted), Bytes(string: identity.id)) {
                door.log.notice("the super user logged in", metadata: ["remote": "\(remote)"])
                guard take(Identity(scheme: Identity.superScheme, id: "")) else { return refuseLogin(xid, "digest") }
            }
            send(xid, .body(Bytes()), zxid: 0)
        case "ip": send(xid, .body(Bytes()), zxid: 0)
        default: refuseLogin(xid, request.scheme ?? "none")
        }
    }

    private func refuseLogin(_ xid: Int32, _ scheme: String) {
        door.authenticationFailed(self, scheme: scheme)
        send(xid, .refused(.authFailed), zxid: 0)
        end()
    }

    /// False if this session is more people already than a server keeps in mind.
    private func take(_ identity: Identity) -> Bool {
        if identities.contains(identity) { return true }
        let bytes = identities.reduce(identity.byteCount) { $0 + $1.byteCount }
        guard identities.count < CoordSettings.identitiesMax, bytes <= CoordSettings.identityBytesMax else { return false }
        identities.append(identity)
        return true
    }

    private func exchange(_ xid: Int32, _ token: Bytes) {
        var exchange = sasl ?? SASLExchange(door.settings.saslUsers)
        switch exchange.step(token) {
        case .challenge(let challenge):
            sasl = exchange
            send(xid, .body(encode(SASLToken(token: challenge))), zxid: 0)
        case .done(let user, let proof):
            sasl = nil
            guard take(Identity(scheme: "sasl", id: user)) else { return refuseLogin(xid, "sasl") }
            send(xid, .body(encode(SASLToken(token: proof))), zxid: 0)
        case .refused: refuseLogin(xid, "sasl")
        }
    }
}
