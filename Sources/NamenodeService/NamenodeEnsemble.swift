// A namenode of several: one leads and serves, the others stand by with the same namespace and the reports of all datanodes. A namenode
// serves a request only after a check, by its ballot, that it still leads and has executed everything acknowledged.
import Base
import DFSCore
import HadoopWire
import Logging
import NetKit
import Replication
import Storage

/// A namenode's office. Confined to the replica's loop.
struct Office: Sendable {
    /// Whether requests are served.
    var isHeld = false
    /// The number of changes of the leader, so that late work is seen to be late.
    var term = 0
    fileprivate var asking: [Int: @Sendable (Bool) -> Void] = [:]
    fileprivate var asked = 0
}

extension Namenode {
    /// The options of the replica that keeps the namespace.
    static func replicaOptions(_ settings: NamenodeSettings, _ directory: String, _ metrics: MetricsRegistry) throws -> ReplicaOptions {
        var options = ReplicaOptions(directory: directory, name: "dfs", files: RealFileSystem(onSync: metrics.syncObserver("dfs")))
        guard let ensemble = settings.ensemble else {
            try EnsembleFile.checkAlone(directory, options.files)
            return options
        }
        let named = ensemble.peers.map { Member(id: NodeID($0.id), address: "\($0.address)", card: "") }
        let me = named.first { $0.id.rawValue == ensemble.id } ?? Member(id: NodeID(ensemble.id), address: "\(ensemble.listen)")
        options.membership = try EnsembleFile.membership(me, named, directory, options.files)
        options.heals = true
        return options
    }

    /// Listens for the other namenodes, and dials them.
    func joinPeers(_ ensemble: PeerLinkSettings) async throws -> PeerLinks {
        let links = try await PeerLinks.listen(ensemble, loop: loop, log: log)
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            loop.execute {
                links.events.onFrame = { [unowned self] in self.receivedFromPeer($0, NodeID($1)) }
                links.events.onConnected = { [unowned self] in self.replica.peerConnected(NodeID($0)) }
                links.events.onDisconnected = { [unowned self] in self.replica.peerDisconnected(NodeID($0)) }
                self.replica.events.send = { frame, peer in links.send(frame, to: peer.rawValue) }
                self.replica.events.onLeader = { [unowned self] in self.leaderChanged($0) }
                self.replica.events.onMembers = { [unowned self] in self.membersChanged(links) }
                self.membersChanged(links)
                links.connect()
                self.leaderChanged(self.replica.leader)
                continuation.resume()
            }
        }
        return links
    }

    private func receivedFromPeer(_ frame: Bytes, _ peer: NodeID) {
        do { try replica.received(frame, from: peer) } catch {
            log.error(
                "a frame of a peer cannot be read; do all namenodes run the same version?",
                metadata: ["peer": "\(peer)", "error": "\(error)"])
        }
    }

    private func membersChanged(_ links: PeerLinks) {
        let peers = replica.reachable.compactMap { member in
            HostPort(parsing: member.address, defaultPort: -1).map { PeerLinkSettings.Peer(id: member.id.rawValue, address: $0) }
        }
        links.follow(peers, group: replica.roster?.group ?? 0)
        let trouble: String? =
            switch replica.standing {
            case .alone, .voter, .observer: nil
            case .founding(missing: []): "a file system of several namenodes begins: all of them are there"
            case .founding(let missing):
                "several namenodes begin once all have started with empty directories; waiting for "
                    + missing.map(\.description).joined(separator: ", ")
            case .guest, .stranger:
                "the other namenodes know this one with another data directory, or not at all; restore its directory"
            }
        replica.note(trouble: trouble)
        guard let trouble else { return }
        if case .founding = replica.standing { log.notice("\(trouble)") } else { log.warning("\(trouble)") }
    }

    // MARK: the office

    private func leaderChanged(_ leader: NodeID?) {
        soft.office.isHeld = false
        soft.office.term += 1
        let asking = soft.office.asking
        soft.office.asking = [:]
        for (_, answer) in asking { answer(false) }
        log.notice(leader.map { "namenode \($0) leads" } ?? "no leader is known, looking for one")
        guard leader == replica.id else { return }
        let term = soft.office.term
        Task { await takeOffice(term) }
    }

    /// Once the first command of an office is executed, so is everything before it; then datanodes report again, and every lease holder has
    /// its full time.
    private func takeOffice(_ term: Int) async {
        do { _ = try await replica.propose(.name(.identify(Int64.random(in: 1...Int64(Int32.max))))) } catch {
            return log.notice("the office was lost again", metadata: ["error": "\(error)"])
        }
        let now = now()
        loop.execute { [self] in
            guard soft.office.term == term else { return }
            soft.board.beginOffice()
            soft.leases = Leases(now: now)
            soft.recoveries.removeAll()
            soft.survey = BlockSurvey()
            soft.trimsAfter = InodeID(0)
            // One that stood by has the reports already, and leaves at once.
            soft.safeMode = startingMode(replica.machine)
            soft.office.isHeld = true
            log.notice("this namenode serves")
            Task { await self.lookAtReports() }
        }
    }

    private func lookAtReports() async {
        do {
            try await leaveSafeModeIfReported()
            // The file may have changed since this namenode last led.
            try await refreshHosts()
        } catch let exception as JavaException {
            log.error("datanodes that leave or rest keep their state", metadata: ["why": "\(exception.message)"])
        } catch {
            log.debug("the reports of datanodes are looked at in a second", metadata: ["error": "\(error)"])
        }
    }

    /// Whether this namenode leads, with everything acknowledged executed here. A namenode without peers always does.
    func holdsOffice() async -> Bool {
        guard settings.ensemble != nil else { return true }
        return await withCheckedContinuation { continuation in
            loop.execute { self.ask { continuation.resume(returning: $0) } }
        }
    }

    private func ask(_ answer: @escaping @Sendable (Bool) -> Void) {
        guard soft.office.isHeld, replica.isLeading else { return answer(false) }
        let number = soft.office.asked
        soft.office.asked &+= 1
        soft.office.asking[number] = answer
        replica.afterBarrier { [self] isThere in
            soft.office.asking.removeValue(forKey: number)?(isThere && soft.office.isHeld && replica.isLeading)
        }
    }

    /// Throws StandbyException, at which clients ask the next namenode.
    func checkOffice() async throws {
        guard await holdsOffice() else {
            throw JavaException(JavaException.standby, "Operation is not supported in state standby: another namenode leads.")
        }
    }
}
