// The settings of a broker in a cluster. Each needs a restart to change; a setting with a counterpart in Kafka names it.
import Base
import NetKit

extension SettingsTable {
    static let brokerNodes = SettingKey.integer(
        "broker.nodes", 1, 1...7, "brokers", "How many brokers this process runs as one cluster, each on the port after the one before.")
    static let brokerID = SettingKey.integer("broker.id", 1, 1...255, "", "The number of this broker among broker.peers (Kafka: node.id).")
    static let brokerPeers = SettingKey.peers(
        "broker.peers", defaultPort: 9093, "number=host:port,... for every broker, this one too; empty: it stands alone",
        "The brokers of the cluster, and where each listens for the others.")
    static let brokerRack = SettingKey.text(
        "broker.rack", "", "a name",
        "Where this broker stands: replicas are spread over racks, and consumers read in their own (Kafka: broker.rack).")
    static let brokerReplicationFactor = SettingKey.integer(
        "broker.default-replication-factor", 0, 0...255, "replicas; 0: three, or as many as there are brokers",
        "Replicas of a topic whose creator names no number (Kafka: default.replication.factor).")
    static let brokerMinInSync = SettingKey.integer(
        "broker.min-insync-replicas", 0, 0...255, "replicas; 0: more than half of the replicas of a topic made without a number",
        "Replicas that must have a record before it is acknowledged with acks=all, where a topic says nothing else (Kafka: min.insync.replicas)."
    )
    static let brokerNodeTimeout = SettingKey.integer(
        "broker.node-timeout.ms", 2000, 300...600_000, "ms",
        "A broker that was not heard from for this long is taken for lost (Kafka: broker.session.timeout.ms).")
    static let brokerReplicaLag = SettingKey.integer(
        "broker.replica-lag-max.ms", 30_000, 100...3_600_000, "ms",
        "A follower that has not had everything for this long is not counted on (Kafka: replica.lag.time.max.ms).")
    static let brokerLeaderRebalance = SettingKey.flag(
        "broker.auto-leader-rebalance", true,
        "Let the first replica of a partition lead again once it is back (Kafka: auto.leader.rebalance.enable).")
    static let brokerLeaderRebalanceInterval = SettingKey.integer(
        "broker.leader-rebalance-interval.ms", 300_000, 100...86_400_000, "ms", "How often that is looked at.")
    static let brokerPeerTLS = TLSKeys("broker.peer", "the other brokers")

    static let brokerCluster: [AnySetting] =
        [
            brokerNodes.erased, brokerID.erased, brokerPeers.erased, brokerRack.erased, brokerReplicationFactor.erased,
            brokerMinInSync.erased,
            brokerNodeTimeout.erased, brokerReplicaLag.erased, brokerLeaderRebalance.erased, brokerLeaderRebalanceInterval.erased,
        ] + brokerPeerTLS.erased
}

extension SettingKey where Value == [PeerLinkSettings.Peer] {
    /// The members of an ensemble, by number.
    static func peers(_ name: String, defaultPort: Int, _ domain: String, _ summary: String) -> SettingKey {
        SettingKey(
            name: name, defaultText: "", domain: domain, summary: summary,
            parse: { text throws(SettingRefusal) in
                let peers = text.split(separator: ",").map { entry -> PeerLinkSettings.Peer? in
                    let parts = entry.split(separator: "=", maxSplits: 1)
                    guard parts.count == 2, let id = Int64(parts[0]), (1...255).contains(id),
                        let address = HostPort(parsing: String(parts[1]), defaultPort: defaultPort)
                    else { return nil }
                    return PeerLinkSettings.Peer(id: id, address: address)
                }
                let known = peers.compactMap { $0 }
                guard known.count == peers.count, Set(known.map(\.id)).count == known.count else {
                    throw SettingRefusal(
                        expected:
                            "a list such as 1=10.0.0.1:\(defaultPort),2=10.0.0.2:\(defaultPort),3=10.0.0.3:\(defaultPort), each number once"
                    )
                }
                return known
            })
    }
}

extension Settings {
    /// The ensemble of a server, nil if it stands alone. `what` names the server to people.
    func ensemble(_ peers: SettingKey<[PeerLinkSettings.Peer]>, _ id: SettingKey<Int>, _ tls: TLSKeys, service: String, what: String)
        throws(CommandFailure) -> PeerLinkSettings?
    {
        let members = self[peers]
        guard !members.isEmpty else { return nil }
        let number = Int64(self[id])
        guard let own = members.first(where: { $0.id == number }) else {
            throw CommandFailure(
                .configuration, "\(what) \(number) is not among the peers",
                why: "\(peers.name) names \(members.map { "\($0.id)" }.joined(separator: ", "))",
                next: "give this \(what) one of these numbers with --id, or add it to --peers on every \(what)")
        }
        var ensemble = PeerLinkSettings(id: number, listen: own.address, peers: members, service: service)
        ensemble.tls = try self.tls(tls)
        try checkExposure(own.address, peers.name, ensemble.tls)
        return ensemble
    }
}
