// A coord server of an ensemble: links to its peers, reports to the leader about its clients, changes and loss of the leader. Clients stay
// connected during an election; they are sent away only if it fails.
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

    static func replicaOptions(_ settings: CoordSettings, _ dataDirectory: String, _ counters: Counters) throws -> ReplicaOptions {
        let files = RealFileSystem(onSync: { counters.syncs.observe($0) })
        var options = ReplicaOptions(directory: dataDirectory, name: "coord", files: files)
        guard let ensemble = settings.ensemble else {
            try EnsembleFile.checkAlone(dataDirectory, options.files)
            return options
        }
        let named = ensemble.peers.map {
            Member(id: NodeID($0.id), address: "\($0.address)", card: MemberText.card(electionPort: $0.address.port, clients: ""))
        }
        let me = named.first { $0.id.rawValue == ensemble.id } ?? Member(id: NodeID(ensemble.id), address: "\(ensemble.listen)")
        options.membership = try EnsembleFile.membership(me, named, dataDirectory, options.files)
        options.heals = true
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
            let own = ensemble.peers.first { $0.id == ensemble.id }?.address ?? ensemble.listen
            self.replica.describe(card: MemberText.card(electionPort: own.port, clients: "\(self.address)"))
            self.membersChanged()
            links.connect()
        }
    }

    /// Whether this server belongs to the ensemble and has its state, and so may serve.
    var isMember: Bool {
        guard !replica.awaitsTables else { return false }
        return switch replica.standing {
        case .alone, .voter, .observer: true
        case .founding, .guest, .stranger: false
        }
    }

    /// The members or this server's part changed: adjusts the links and logs the change.
    func membersChanged() {
        guard let ensemble = settings.ensemble else { return }
        let peers = replica.reachable.compactMap { member in
            HostPort(parsing: member.address, defaultPort: -1).map { PeerLinkSettings.Peer(id: member.id.rawValue, address: $0) }
        }
        links?.follow(peers, group: replica.roster?.group ?? 0)
        if let roster = replica.roster {
            if Set(roster.members.map(\.id.rawValue)) != Set(ensemble.peers.map(\.id)) {
                log.notice(
                    "the members that the log names count, not those of coord.peers", metadata: ["members": "\(MemberText.config(roster))"])
            }
        }
        noteStanding(replica.standing)
    }

    private func noteStanding(_ standing: Standing) {
        let trouble = Self.trouble(standing, settings.ensemble?.id ?? 0)
        replica.note(trouble: trouble)
        guard let trouble else { return }
        if case .founding = standing { log.notice("\(trouble)") } else { log.warning("\(trouble)") }
        for connection in connections.values { connection.end() }
    }

    /// Why a server outside of the ensemble does not serve, and the remedy.
    private static func trouble(_ standing: Standing, _ id: Int64) -> String? {
        switch standing {
        case .alone, .voter, .observer: nil
        case .founding(missing: []): "a new ensemble begins: all of its servers are there"
        case .founding(let missing):
            "a new ensemble begins when all of its servers have started once with empty directories; waiting for \(missing.map(\.description).joined(separator: ", "))"
        case .guest: "server \(id) is no member of the ensemble: it follows, and serves when it is added (platform coord reconfig --add)"
        case .stranger:
            "the ensemble knows server \(id) with another data directory: if that disk is lost, remove the server (platform coord reconfig --remove \(id)) and add it again with an empty directory"
        }
    }

    private func receivedFromPeer(_ frame: Bytes, _ peer: NodeID) {
        do { try replica.received(frame, from: peer) } catch {
            log.error(
                "a frame of a peer cannot be read; do all servers run the same version?",
                metadata: ["peer": "\(peer)", "error": "\(error)"])
        }
    }

    private func receivedWord(_ bytes: Bytes) {
        // A word that cannot be read comes from a newer version; its sessions are reported again.
        guard let word = try? CoordWord(decoding: bytes, as: DurableDialect.self) else { return }
        for session in word.heard { sessions.clock.touch(session, now: now) }
    }

    /// Tells the leader whom this server has heard from.
    func tellLeader() {
        noteServing()
        guard !heard.isEmpty else { return }
        let reported = heard.compactMap { connection in
            connection.isHeard = false
            return connection.attached
        }
        heard.removeAll(keepingCapacity: true)
        guard let leader = replica.leader, !reported.isEmpty else { return }
        if leader == replica.id {
            for session in reported { sessions.clock.touch(session, now: now) }
            return
        }
        do { replica.sendService(try CoordWord(heard: reported).encoded(as: DurableDialect.self), to: leader) } catch {
            preconditionFailure("a list of sessions can always be encoded: \(error)")
        }
    }

    func leaderChanged(_ leader: NodeID?) {
        guard settings.ensemble != nil else { return }
        if leader == nil { leaderlessCount += 1 }
        if let leader {
            log.notice("server \(leader) leads", metadata: ["self": "\(leader == replica.id)"])
        } else {
            log.notice("no leader is known, looking for one")
        }
        // Only the leader before knew which sessions were heard from lately.
        if leader == replica.id { watchSessions() }
    }

    /// Another server's tables replaced this one's: the events in between were not seen here, so clients must reconnect.
    func stateReplaced() {
        sessions.clock = SessionClock()
        let locals = sessions.locals
        sessions.shares.keep { machine.sessions[$0] != nil || locals[$0] != nil }
        watchSessions()
        for connection in connections.values { connection.end() }
    }

    /// In an ensemble, a server without a leader or with a full disk serves read-only clients, if allowed. A single server keeps its
    /// clients: they have nowhere to go.
    private func noteServing() {
        let refusal = settings.ensemble == nil ? nil : replica.writeRefusal
        if replica.leader != nil, refusal == nil {
            leaderlessTicks = 0
            isServing = true
            return endReadOnly()
        }
        leaderlessTicks += 1
        guard leaderlessTicks == Self.leaderlessTicksMax else { return }
        isServing = false
        let reason = refusal.map { "this one takes no writes (\($0))" } ?? "fewer than half of the servers can be reached"
        log.warning("clients are sent away: \(reason)")
        for connection in connections.values { connection.end() }
        beginReadOnly()
    }
}
