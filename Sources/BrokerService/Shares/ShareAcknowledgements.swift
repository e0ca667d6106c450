// A share group member's acknowledgements, checked and passed to the partition's state.
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

    /// `done` gets the result, once it is stored.
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
