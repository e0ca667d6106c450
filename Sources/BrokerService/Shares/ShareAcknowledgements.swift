// What a member of a share group says of records, checked and handed to the partition's state, and whom it has to ask instead where another broker leads.
import Base
import BrokerCore
import KafkaWire

/// The acknowledgements of one request.
struct ShareAcknowledgements {
    let broker: Broker
    let call: Call
    let session: ShareSession
    let config: ShareGroupConfig
    let mayRenew: Bool

    /// `done` gets how it went, once it is stored.
    func take(_ part: ShareSession.Part, _ batches: [ShareAcknowledgementBatch], _ done: @escaping (KafkaErrorCode) -> Void) {
        guard let name = broker.machine.topic(id: part.topicID)?.name else { return done(.unknownTopicID) }
        guard AccessReview(broker: broker, call: call).may(.read, .topic, name) else { return done(.topicAuthorizationFailed) }
        var ranges: [ShareAcknowledgementRange] = []
        for batch in batches {
            let kinds = batch.acknowledgeTypes.compactMap(ShareAcknowledgement.init(rawValue:))
            guard kinds.count == batch.acknowledgeTypes.count, mayRenew || !kinds.contains(.renew) else { return done(.invalidRequest) }
            ranges.append(ShareAcknowledgementRange(first: batch.firstOffset, last: batch.lastOffset, kinds: kinds))
        }
        broker.sharedPartitions.acknowledge(session.group, session.member, TopicPartition(name, part.partition), ranges, config, done)
    }
}

/// Who leads what another broker was asked for, with where they are found.
struct ShareLeaders {
    private let broker: Broker
    private let call: Call
    private(set) var endpoints: [ShareNodeEndpoint] = []

    init(_ broker: Broker, _ call: Call) {
        self.broker = broker
        self.call = call
    }

    mutating func leader(of part: ShareSession.Part, _ code: KafkaErrorCode) -> ShareLeader {
        guard code == .notLeaderOrFollower, broker.isClustered, let name = broker.machine.topic(id: part.topicID)?.name,
            let state = broker.machine.cluster.partitions[TopicPartition(name, part.partition)], state.leader >= 0,
            state.leader != broker.settings.nodeID, let endpoint = broker.endpoint(of: state.leader, call)
        else { return ShareLeader() }
        if !endpoints.contains(where: { $0.nodeID == endpoint.id }) {
            endpoints.append(.init(nodeID: endpoint.id, host: endpoint.host, port: endpoint.port, rack: endpoint.rack))
        }
        return ShareLeader(leaderID: state.leader, leaderEpoch: state.leaderEpoch)
    }
}
