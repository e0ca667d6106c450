// The served APIs: one row per API with its handler and the columns of `ServedAPI`. KafkaWire's table has the keys, versions and layouts; a
// test compares the two. A new API is a message in KafkaWire, a row in each table, and a handler.
import Base
import BrokerCore
import KafkaWire

extension BrokerAPI {
    /// All rows in the order of their keys.
    static let table: [BrokerAPI] = [
        row(Broker.produce, .review(AccessReview.produce), topics: ProduceRequest.topicReferences, quota: .produced),
        // The handler checks access per partition, since the session names most of them, not the request.
        row(Broker.fetch, .none),
        row(Broker.listOffsets, .each(\.topics, \.topics, .describe, .topic) { $0.name }),
        row(Broker.metadata, .review(AccessReview.metadata), operations: .metadata),
        row(Broker.offsetCommit, .review(AccessReview.offsetCommit), of: { $0.groupID }, topics: OffsetCommitRequest.topicReferences),
        row(
            Broker.offsetFetch, .review(AccessReview.offsetFetch), ofAll: { $1 >= 8 ? $0.groups.map(\.groupID) : [$0.groupID] },
            topics: OffsetFetchRequest.topicReferences),
        row(Broker.findCoordinator, .review(AccessReview.findCoordinator)),
        row(Broker.joinGroup, .group(.read) { $0.groupID }, of: { $0.groupID }),
        row(Broker.heartbeat, .group(.read) { $0.groupID }, of: { $0.groupID }),
        row(Broker.leaveGroup, .group(.read) { $0.groupID }, of: { $0.groupID }),
        row(Broker.syncGroup, .group(.read) { $0.groupID }, of: { $0.groupID }),
        row(
            Broker.describeGroups, .each(\.groups, \.groups, .describe, .group) { $0 }, ofAll: { request, _ in request.groups },
            operations: .groups),
        row(Broker.listGroups, .review(AccessReview.listGroups)),
        row(Broker.saslHandshake, .none, servesLogin: true),
        row(Broker.apiVersions, .none, servesLogin: true),
        row(Broker.createTopics, .review(AccessReview.createTopics), quota: .created),
        row(Broker.deleteTopics, .review(AccessReview.deleteTopics), quota: .deleted),
        row(Broker.deleteRecords, .each(\.topics, \.topics, .delete, .topic) { $0.name }),
        row(
            Broker.initProducerID, .review(AccessReview.initProducerID), ofAll: { request, _ in request.transactionalID.map { [$0] } ?? [] }
        ),
        row(Broker.offsetForLeaderEpoch, .each(\.topics, \.topics, .describe, .topic) { $0.topic }),
        row(Broker.addPartitionsToTxn, .review(AccessReview.addPartitionsToTxn), of: { $0.transactionalID }),
        row(Broker.addOffsetsToTxn, .review(AccessReview.addOffsetsToTxn), of: { $0.transactionalID }),
        row(Broker.endTxn, .transactionalID(.write) { $0.transactionalID }, of: { $0.transactionalID }),
        row(Broker.writeTxnMarkers, .review(AccessReview.writeTxnMarkers), catchesUp: true),
        row(
            Broker.txnOffsetCommit, .review(AccessReview.txnOffsetCommit), of: { $0.groupID },
            topics: TxnOffsetCommitRequest.topicReferences),
        row(Broker.describeAcls, .cluster(.describe), catchesUp: true),
        row(Broker.createAcls, .cluster(.alter)),
        row(Broker.deleteAcls, .cluster(.alter)),
        row(Broker.describeConfigs, .review(AccessReview.describeConfigs), catchesUp: true),
        row(Broker.alterConfigs, .review(AccessReview.alterConfigs), catchesUp: true),
        row(Broker.alterReplicaLogDirs, .cluster(.alter)),
        row(Broker.describeLogDirs, .cluster(.describe)),
        row(Broker.saslAuthenticate, .none, servesLogin: true),
        row(Broker.createPartitions, .each(\.topics, \.results, .alter, .topic) { $0.name }, quota: .grown, catchesUp: true),
        // Every logged-in user has tokens; the handlers check the owner.
        row(Broker.createDelegationToken, .none),
        row(Broker.renewDelegationToken, .none, catchesUp: true),
        row(Broker.expireDelegationToken, .none, catchesUp: true),
        row(Broker.describeDelegationToken, .none, catchesUp: true),
        row(Broker.deleteGroups, .each(\.groups, \.results, .delete, .group) { $0 }, ofAll: { request, _ in request.groups }),
        row(Broker.electLeaders, .cluster(.alter), catchesUp: true),
        row(Broker.incrementalAlterConfigs, .review(AccessReview.incrementalAlterConfigs), catchesUp: true),
        row(Broker.alterPartitionReassignments, .cluster(.alter)),
        row(Broker.listPartitionReassignments, .cluster(.describe), catchesUp: true),
        row(Broker.offsetDelete, .review(AccessReview.offsetDelete), of: { $0.groupID }),
        row(Broker.describeClientQuotas, .cluster(.describeConfigs), catchesUp: true),
        row(Broker.alterClientQuotas, .cluster(.alterConfigs)),
        row(Broker.describeUserScramCredentials, .cluster(.describe), catchesUp: true),
        row(Broker.alterUserScramCredentials, .cluster(.alter)),
        row(Broker.describeQuorum, .cluster(.describe), catchesUp: true),
        // Every client needs it to find its way.
        row(Broker.describeCluster, .none, operations: .cluster),
        row(Broker.describeProducers, .each(\.topics, \.topics, .read, .topic) { $0.name }),
        row(Broker.unregisterBroker, .cluster(.alter), catchesUp: true),
        row(
            Broker.describeTransactions, .each(\.transactionalIDs, \.transactionStates, .describe, .transactionalID) { $0 },
            ofAll: { request, _ in request.transactionalIDs }, catchesUp: true),
        row(Broker.listTransactions, .review(AccessReview.listTransactions), catchesUp: true),
        row(Broker.consumerGroupHeartbeat, .review(AccessReview.consumerGroupHeartbeat), of: { $0.groupID }),
        row(
            Broker.consumerGroupDescribe, .review(AccessReview.consumerGroupDescribe), ofAll: { request, _ in request.groupIDs },
            operations: .consumerGroups),
        row(Broker.listConfigResources, .cluster(.describeConfigs), catchesUp: true),
        // The handler checks access before it cuts pages, since the next page's start is a topic name.
        row(Broker.describeTopicPartitions, .none, operations: .topicPartitions, catchesUp: true),
        row(Broker.shareGroupHeartbeat, .review(AccessReview.shareGroupHeartbeat), of: { $0.groupID }),
        row(
            Broker.shareGroupDescribe, .review(AccessReview.shareGroupDescribe), ofAll: { request, _ in request.groupIDs },
            operations: .shareGroups),
        // The handlers of these two check access per partition, as for a fetch.
        row(Broker.shareFetch, .group(.read) { $0.groupID ?? "" }),
        row(Broker.shareAcknowledge, .group(.read) { $0.groupID ?? "" }),
        row(Broker.addRaftVoter, .cluster(.alter)),
        row(Broker.removeRaftVoter, .cluster(.alter)),
        row(
            Broker.describeShareGroupOffsets, .review(AccessReview.describeShareGroupOffsets),
            ofAll: { request, _ in request.groups.map(\.groupID) },
            catchesUp: true),
        row(Broker.alterShareGroupOffsets, .review(AccessReview.alterShareGroupOffsets), of: { $0.groupID }),
        row(Broker.deleteShareGroupOffsets, .review(AccessReview.deleteShareGroupOffsets), of: { $0.groupID }),
    ]

    /// A row. `name` or `names` gives the groups and transactional ids whose coordinator must answer.
    private static func row<Request: KafkaRequest>(
        _ handle: @escaping @Sendable (Broker) -> (Request, Call) -> Void, _ right: AccessRight<Request>,
        of name: (@Sendable (Request) -> String)? = nil, ofAll names: (@Sendable (Request, Int16) -> [String])? = nil,
        topics: TopicReferences<Request>? = nil, quota: RequestQuota<Request>? = nil, operations: OperationsColumn<Request>? = nil,
        catchesUp: Bool = false, servesLogin: Bool = false
    ) -> BrokerAPI {
        let coordinated: (@Sendable (Request, Int16) -> [String])? = if let name { { request, _ in [name(request)] } } else { names }
        return BrokerAPI(
            ServedAPI(
                handle: handle, right: right, coordinated: coordinated, topics: topics, quota: quota, operations: operations,
                catchesUp: catchesUp),
            servesLogin: servesLogin)
    }
}
