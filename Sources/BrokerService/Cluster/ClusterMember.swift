// A broker's membership of its cluster: its links to the other brokers, its registration, and, on the controller, the watch over live
// brokers. Every broker learns the decisions from the log; Replicas applies them to its partitions.
import Base
import BrokerCore
import KafkaWire
import Logging
import NetKit
import Replication

/// The messages between brokers beside the log.
private struct BrokerWord: WireLayout {
    /// The sender's incarnation.
    var incarnation = UUIDBytes()

    init() {}
    init(incarnation: UUIDBytes) { self.incarnation = incarnation }

    mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.uuid(&incarnation) }
}

/// One broker's membership of its cluster. Used on the loop only.
final class ClusterMember: @unchecked Sendable {
    // Safe to share: every member is touched on the loop only; `links` is set before the listener opens.
    unowned let broker: Broker
    let settings: ClusterSettings
    let links: PeerLinks
    let incarnation: UUIDBytes
    /// One fetcher per broker that leads partitions with a replica here.
    var fetchers: [Int32: ReplicaFetcher] = [:]
    var leaderEnds: [Int32: LeaderEnds] = [:]
    private var lastHeard: [Int32: Instant] = [:]
    /// The time at which the link to a broker broke.
    private var lost: [Int32: Instant] = [:]
    private var isRegistering = false
    private var fencing: Set<Int32> = []
    private var nextPreferredCheck: Instant
    private var lastStep: Instant
    private(set) var isLeaving = false
    /// Whether this incarnation was ever registered, so that the state here is not one of an earlier incarnation.
    private(set) var hasJoined = false
    /// Time until which this broker does not introduce itself again, after the cluster has forgotten it.
    var silentUntil = Instant.zero
    /// Proposes the one-time records of a cluster's life.
    var beginning: Task<Void, any Error>?

    /// Interval of the brokers' heartbeats and of the controller's checks.
    private static let tick = Duration.milliseconds(100)
    /// Time without a link after which a broker counts as lost.
    private static let linkGrace = Duration.milliseconds(250)

    init(_ broker: Broker, _ settings: ClusterSettings, _ links: PeerLinks, incarnation: UUIDBytes) {
        self.broker = broker
        self.settings = settings
        self.links = links
        self.incarnation = incarnation
        lastStep = broker.now
        nextPreferredCheck = broker.now + settings.leaderImbalanceCheckInterval
    }

    private var id: Int32 { broker.settings.nodeID }
    private var record: BrokerRecord? { broker.machine.cluster.brokers[id] }
    /// Whether the cluster counts this incarnation of the broker as alive.
    var isRegistered: Bool { record.map { $0.incarnation == incarnation && !$0.isFenced } ?? false }

    /// Wires replica, links and broker together and begins to dial.
    func join() {
        let replica = broker.replica
        links.events.onFrame = { [unowned self] frame, peer in
            do { try replica.received(frame, from: NodeID(peer)) } catch {
                broker.log.error(
                    "a frame of a peer cannot be read; do all brokers run the same version?",
                    metadata: ["peer": "\(peer)", "error": "\(error)"])
            }
        }
        links.events.onConnected = { [unowned self] peer in
            lost[Int32(truncatingIfNeeded: peer)] = nil
            replica.peerConnected(NodeID(peer))
        }
        links.events.onDisconnected = { [unowned self] peer in
            lost[Int32(truncatingIfNeeded: peer)] = broker.now
            replica.peerDisconnected(NodeID(peer))
        }
        links.events.onStream = { [unowned self] frames, peer in BrokerSession(frames, broker, peer: Int32(truncatingIfNeeded: peer)) }
        replica.events.send = { [links] frame, peer in links.send(frame, to: peer.rawValue) }
        replica.events.onService = { [unowned self] bytes, peer in heard(bytes, Int32(truncatingIfNeeded: peer.rawValue)) }
        replica.events.onExecuted = { [unowned self] in broker.executed($0) }
        replica.events.onInstalled = { [unowned self] in broker.placeAll() }
        replica.events.onLeader = { [unowned self] in leaderChanged($0) }
        replica.events.onMembers = { [unowned self] in membersChanged() }
        membersChanged()
        links.connect()
        step()
    }

    private func step() {
        guard !broker.isStopping else { return }
        // A broker that was stopped itself cannot judge the silence of others.
        if broker.now - lastStep > Self.tick * 5 { lastHeard = [:] }
        lastStep = broker.now
        register()
        tellOthers()
        if broker.replica.isLeading { watch() }
        broker.checkReplicas()
        broker.loop.schedule(after: Self.tick) { self.step() }
    }

    // MARK: this broker

    /// Registers this incarnation, again if the cluster took it for lost.
    private func register() {
        guard !isRegistering, !isLeaving, isMember, broker.now >= silentUntil, broker.replica.leader != nil, !isRegistered else { return }
        isRegistering = true
        let address = broker.settings.advertised ?? settings.clientAddress
        let record = BrokerRecord(id: id, incarnation: incarnation, host: address.host, port: Int32(address.port), rack: settings.rack)
        broker.replica.propose(.cluster(.register(record, keepsLog: broker.settings.durability == .beforeAcknowledging))) {
            [unowned self] result in
            isRegistering = false
            guard case .success(.registered(let registered, _)) = result else { return }
            broker.log.notice("registered in the cluster", metadata: ["broker": "\(id)", "epoch": "\(registered.epoch)"])
        }
    }

    /// Whether an executed registration is the first one of this incarnation.
    func registered(_ record: BrokerRecord) -> Bool {
        guard !hasJoined, record.id == id, record.incarnation == incarnation else { return false }
        hasJoined = true
        return true
    }

    /// Sends the heartbeat to all members, so that the next controller has it already.
    private func tellOthers() {
        let word: Bytes
        do { word = try BrokerWord(incarnation: incarnation).encoded(as: DurableDialect.self) } catch {
            preconditionFailure("a word of ours can always be encoded: \(error)")
        }
        for member in broker.replica.roster?.members ?? [] where member.id != broker.replica.id {
            broker.replica.sendService(word, to: member.id)
        }
    }

    /// Hands leadership over before this broker leaves; `done` is called within the time limit of a stop.
    func leave(_ done: @escaping () -> Void) {
        isLeaving = true
        guard let record, isRegistered, broker.machine.cluster.alive.count > 1, broker.replica.leader != nil else { return done() }
        var isDone = false
        // Made and called on the loop.
        nonisolated(unsafe) let once: () -> Void = {
            guard !isDone else { return }
            isDone = true
            done()
        }
        broker.replica.propose(.cluster(.fence(broker: id, epoch: record.epoch))) { _ in once() }
        broker.loop.schedule(after: BrokerSettings.handOverTimeout) { once() }
    }

    // MARK: the controller

    private func leaderChanged(_ leader: NodeID?) {
        if let leader {
            broker.log.notice("broker \(leader) is the controller", metadata: ["self": "\(leader == broker.replica.id)"])
        } else {
            broker.log.notice("no controller is known, looking for one")
        }
        fencing = []
        register()
    }

    private func heard(_ bytes: Bytes, _ peer: Int32) {
        // An unreadable word comes from a newer version; it still shows that its sender is alive.
        let word = try? BrokerWord(decoding: bytes, as: DurableDialect.self)
        if let word, let record = broker.machine.cluster.brokers[peer], record.incarnation != word.incarnation, !record.isFenced { return }
        lastHeard[peer] = broker.now
    }

    /// Fences silent brokers, and elects preferred leaders at intervals.
    private func watch() {
        let now = broker.now
        for (peer, record) in broker.machine.cluster.brokers.entries where peer != id && !record.isFenced && !fencing.contains(peer) {
            let since = lastHeard[peer] ?? now
            if lastHeard[peer] == nil { lastHeard[peer] = now }
            let isCutOff = lost[peer].map { $0 >= since && now - $0 > Self.linkGrace } ?? false
            guard isCutOff || now - since > settings.sessionTimeout else { continue }
            fence(peer, record.epoch, isCutOff ? "its connections broke" : "it was not heard from for \((now - since).inMilliseconds) ms")
        }
        guard now >= nextPreferredCheck else { return }
        nextPreferredCheck = now + settings.leaderImbalanceCheckInterval
        guard settings.rebalancesLeaders else { return }
        let alive = broker.machine.cluster.aliveSet
        let others = broker.machine.cluster.partitions.entries.filter { _, state in
            state.leader != state.preferredLeader && alive.contains(state.preferredLeader) && state.inSync.contains(state.preferredLeader)
        }
        if !others.isEmpty { broker.replica.propose(.cluster(.elect(others.map(\.key), unclean: false))) { _ in } }
    }

    private func fence(_ peer: Int32, _ epoch: Int64, _ reason: String) {
        fencing.insert(peer)
        broker.log.warning(
            "a broker is taken for lost; others lead its partitions", metadata: ["broker": "\(peer)", "reason": "\(reason)"])
        broker.replica.propose(.cluster(.fence(broker: peer, epoch: epoch))) { [unowned self] _ in fencing.remove(peer) }
    }

    func stop() async {
        beginning?.cancel()
        await links.stop()
    }
}
