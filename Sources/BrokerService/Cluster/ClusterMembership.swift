// The members of a broker's cluster, as the log records them: the links follow it, and a broker that is no member serves no client. The
// requests in QuorumAdmin add and remove brokers.
import Base
import BrokerCore
import Logging
import NetKit
import Replication

extension ClusterMember {
    /// Silence of a forgotten broker: longer than its removal from the voters takes.
    private static let silenceAfterForgetting = Duration.seconds(10)

    /// Whether this broker is a member of the cluster, and so may introduce itself.
    var isMember: Bool {
        switch broker.replica.standing {
        case .alone, .voter, .observer: true
        case .founding, .guest, .stranger: false
        }
    }

    /// Whether this broker has nothing to serve to clients.
    var isOutsider: Bool { broker.replica.standing == .guest || broker.replica.standing == .stranger }

    /// The members, or this broker's role, changed.
    func membersChanged() {
        let replica = broker.replica
        let peers = replica.reachable.compactMap { member in
            HostPort(parsing: member.address, defaultPort: -1).map { PeerLinkSettings.Peer(id: member.id.rawValue, address: $0) }
        }
        links.follow(peers, group: replica.roster?.group ?? 0)
        if let roster = replica.roster, Set(roster.members.map(\.id.rawValue)) != Set(settings.peers.peers.map(\.id)) {
            broker.log.notice(
                "the members that the log names count, not those of broker.peers",
                metadata: [
                    "members": "\(roster.members.map { "\($0.id)=\($0.address)" }.joined(separator: ","))"
                ])
        }
        noteStanding(replica.standing)
    }

    private func noteStanding(_ standing: Standing) {
        let trouble = Self.trouble(standing, settings.peers.id)
        broker.replica.note(trouble: trouble)
        guard let trouble else { return }
        if case .founding = standing { return broker.log.notice("\(trouble)") }
        broker.log.warning("\(trouble)")
        for session in broker.sessions.values where !session.isPeer { session.close() }
    }

    /// The reason why a broker outside of the cluster serves no client, and the remedy.
    private static func trouble(_ standing: Standing, _ id: Int64) -> String? {
        switch standing {
        case .alone, .voter, .observer: nil
        case .founding(let missing) where missing.isEmpty: nil
        case .founding(let missing):
            "a new cluster begins when all of its brokers have started once with empty directories; waiting for \(missing.map(\.description).joined(separator: ", "))"
        case .guest: "broker \(id) is no member of the cluster: it follows, and serves when it is added (platform broker members add)"
        case .stranger:
            "the cluster knows broker \(id) with another data directory: if that disk is lost, remove the broker (platform broker members remove \(id)) and add it again with an empty directory"
        }
    }

    /// A broker was forgotten. This broker, if it is the one, stays silent for a while: its removal from the voters may be under way.
    func forgot(_ id: Int32) {
        guard id == broker.settings.nodeID else { return }
        silentUntil = broker.now + Self.silenceAfterForgetting
        broker.log.notice("the cluster has forgotten this broker; it introduces itself again if it is still a member in some seconds")
    }
}
