// The current leader, added to the refusal for a client that asked the wrong broker or has an old leader, so that it need not ask for
// metadata first. Only for partitions that the client may see. Source: KIP-951; KIP-932 for share groups.
import Base
import BrokerCore
import KafkaWire

/// The leaders in one answer, with their addresses.
struct CurrentLeaders {
    private let broker: Broker
    private let call: Call
    private(set) var endpoints: [NodeEndpoint] = []

    init(_ broker: Broker, _ call: Call) {
        self.broker = broker
        self.call = call
    }

    /// The leader as this broker knows it; nil if that does not help with `code`.
    mutating func leader(of name: TopicPartition, _ code: KafkaErrorCode) -> CurrentLeader? {
        guard code == .notLeaderOrFollower || code == .fencedLeaderEpoch else { return nil }
        let state = broker.shownState(of: name)
        let isHere = state.leader == broker.settings.nodeID
        // A leader that refuses is cut off or has only begun; asking it again at once is useless.
        guard state.leader >= 0, !isHere || code == .fencedLeaderEpoch else { return nil }
        guard let endpoint = broker.isClustered ? broker.endpoint(of: state.leader, call) : broker.ownEndpoint(call) else { return nil }
        if !endpoints.contains(where: { $0.nodeID == endpoint.id }) {
            endpoints.append(.init(nodeID: endpoint.id, host: endpoint.host, port: endpoint.port, rack: endpoint.rack))
        }
        return CurrentLeader(leaderID: state.leader, leaderEpoch: state.leaderEpoch)
    }

    mutating func leader(of part: ShareSession.Part, _ code: KafkaErrorCode) -> CurrentLeader {
        guard let name = broker.machine.topic(id: part.topicID)?.name else { return CurrentLeader() }
        return leader(of: TopicPartition(name, part.partition), code) ?? CurrentLeader()
    }
}

extension ProduceResponse {
    /// Adds the leaders of partitions led elsewhere. Topics have their names already.
    mutating func nameLeaders(_ broker: Broker, _ call: Call) {
        guard call.version >= 10 else { return }
        var leaders = CurrentLeaders(broker, call)
        for t in topics.indices {
            for p in topics[t].partitions.indices where topics[t].partitions[p].errorCode != .none {
                let name = TopicPartition(topics[t].name, topics[t].partitions[p].partition)
                topics[t].partitions[p].currentLeader = leaders.leader(of: name, topics[t].partitions[p].errorCode)
            }
        }
        nodeEndpoints = leaders.endpoints
    }
}

extension FetchResponse {
    /// Adds the leaders of partitions led elsewhere. Follower brokers know them from the log.
    mutating func nameLeaders(_ broker: Broker, _ call: Call) {
        guard call.version >= 16, !call.session.isPeer else { return }
        var leaders = CurrentLeaders(broker, call)
        for t in topics.indices {
            for p in topics[t].partitions.indices where topics[t].partitions[p].errorCode != .none {
                guard let topic = broker.machine.topic(id: topics[t].topicID)?.name else { continue }
                let name = TopicPartition(topic, topics[t].partitions[p].partition)
                topics[t].partitions[p].currentLeader = leaders.leader(of: name, topics[t].partitions[p].errorCode)
            }
        }
        nodeEndpoints = leaders.endpoints
    }
}
