// A coord server among others: its links to them, what it tells the leader about its clients, and what it does when the leader changes or is
// lost. Clients stay connected while a new leader is found; they are sent away only when none is to be had.
import Base
import CoordCore
import Logging
import NetKit
import Replication
import Storage

/// What servers tell each other beside the log.
private struct CoordWord: WireLayout {
    /// Sessions that the sender has heard from lately.
    var heard: [SessionID] = []

    init() {}
    init(heard: [SessionID]) { self.heard = heard }

    mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.array(&heard, empty: .none) { (id: inout SessionID, io: inout C) throws(WireError) in try io.id(&id) }
    }
}

extension CoordDoor {
    /// How long no leader may be known before clients are sent away, in expiry ticks.
    private static var leaderlessTicksMax: Int { 20 }

    static func replicaOptions(_ settings: CoordSettings, _ dataDirectory: String, _ metrics: MetricsRegistry) throws -> ReplicaOptions {
        var options = ReplicaOptions(directory: dataDirectory, name: "coord", files: RealFileSystem(onSync: metrics.syncObserver("coord")))
        if let ensemble = settings.ensemble {
            options.membership = Membership(id: NodeID(ensemble.id), members: ensemble.peers.map { NodeID($0.id) })
        }
        try EnsembleFile.check(options)
        return options
    }

    /// Listens for the other servers, and dials them.
    func joinPeers(_ ensemble: PeerLinkSettings) async throws {
        let links = try await PeerLinks.listen(ensemble, loop: loop, log: log)
        await onLoop {
            self.links = links
            links.events.onFrame = { [unowned self] in self.receivedFromPeer($0, NodeID($1)) }
            links.events.onConnected = { [unowned self] in self.replica.peerConnected(NodeID($0)) }
            links.events.onDisconnected = { [unowned self] in self.replica.peerDisconnected(NodeID($0)) }
            self.replica.events.send = { frame, peer in links.send(frame, to: peer.rawValue) }
            self.replica.events.onService = { [unowned self] bytes, _ in self.receivedWord(bytes) }
            links.connect()
        }
    }

    /// As ZooKeeper writes them; peers speak over one port here, which stands for both of ZooKeeper's.
    static func memberList(_ ensemble: PeerLinkSettings) -> Bytes {
        let lines = ensemble.peers.map { "server.\($0.id)=\($0.address):\($0.address.port):participant\n" }
        return Bytes(string: lines.joined() + "version=0")
    }

    private func receivedFromPeer(_ frame: Bytes, _ peer: NodeID) {
        do { try replica.received(frame, from: peer) } catch {
            log.error("a frame of a peer cannot be read; do all servers run the same version?", metadata: ["peer": "\(peer)", "error": "\(error)"])
        }
    }

    private func receivedWord(_ bytes: Bytes) {
        // A word that cannot be read comes from a newer version; sessions that it names are heard of again.
        guard let word = try? CoordWord(decoding: bytes, as: DurableDialect.self) else { return }
        for session in word.heard { clock.touch(session, now: now) }
    }

    /// Tells the leader whom this server has heard from.
    func tellLeader() {
        noteServing()
        guard !heard.isEmpty else { return }
        let sessions = heard.compactMap { connection in
            connection.isHeard = false
            return connection.attached
        }
        heard.removeAll(keepingCapacity: true)
        guard let leader = replica.leader, !sessions.isEmpty else { return }
        if leader == replica.id {
            for session in sessions { clock.touch(session, now: now) }
            return
        }
        do { replica.sendService(try CoordWord(heard: sessions).encoded(as: DurableDialect.self), to: leader) } catch {
            preconditionFailure("a list of sessions can always be encoded: \(error)")
        }
    }

    func leaderChanged(_ leader: NodeID?) {
        guard settings.ensemble != nil else { return }
        if let leader { log.notice("server \(leader) leads", metadata: ["self": "\(leader == replica.id)"]) } else { log.notice("no leader is known, looking for one") }
        // Who was heard from lately is known to the leader before only.
        if leader == replica.id { watchSessions() }
    }

    /// Another server's tables took the place of this one's: what happened in between was not seen here, so clients begin anew with what is.
    func stateReplaced() {
        clock = SessionClock()
        watchSessions()
        for connection in connections.values { connection.end() }
    }

    private func noteServing() {
        if replica.leader != nil {
            leaderlessTicks = 0
            isServing = true
            return
        }
        leaderlessTicks += 1
        guard leaderlessTicks == Self.leaderlessTicksMax else { return }
        isServing = false
        log.warning("clients are sent away: fewer than half of the servers can be reached")
        for connection in connections.values { connection.end() }
    }
}
