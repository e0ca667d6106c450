// The sum of all requests. Decoding and encoding happen in this module, for concrete types, since a generic coder across modules is
// not specialised and costs a hundred times as much. Exhaustive switches over it are the list of what is served.
import Base

/// A request of any served API.
package enum RequestBody: Sendable {
    case produce(ProduceRequest)
    case fetch(FetchRequest)
    case listOffsets(ListOffsetsRequest)
    case metadata(MetadataRequest)
    case offsetCommit(OffsetCommitRequest)
    case offsetFetch(OffsetFetchRequest)
    case findCoordinator(FindCoordinatorRequest)
    case joinGroup(JoinGroupRequest)
    case heartbeat(HeartbeatRequest)
    case leaveGroup(LeaveGroupRequest)
    case syncGroup(SyncGroupRequest)
    case describeGroups(DescribeGroupsRequest)
    case listGroups(ListGroupsRequest)
    case saslHandshake(SaslHandshakeRequest)
    case apiVersions(ApiVersionsRequest)
    case createTopics(CreateTopicsRequest)
    case deleteTopics(DeleteTopicsRequest)
    case deleteRecords(DeleteRecordsRequest)
    case initProducerID(InitProducerIDRequest)
    case offsetForLeaderEpoch(OffsetForLeaderEpochRequest)
    case addPartitionsToTxn(AddPartitionsToTxnRequest)
    case addOffsetsToTxn(AddOffsetsToTxnRequest)
    case endTxn(EndTxnRequest)
    case writeTxnMarkers(WriteTxnMarkersRequest)
    case txnOffsetCommit(TxnOffsetCommitRequest)
    case describeAcls(DescribeAclsRequest)
    case createAcls(CreateAclsRequest)
    case deleteAcls(DeleteAclsRequest)
    case describeConfigs(DescribeConfigsRequest)
    case alterConfigs(AlterConfigsRequest)
    case describeLogDirs(DescribeLogDirsRequest)
    case saslAuthenticate(SaslAuthenticateRequest)
    case createPartitions(CreatePartitionsRequest)
    case createDelegationToken(CreateDelegationTokenRequest)
    case renewDelegationToken(RenewDelegationTokenRequest)
    case expireDelegationToken(ExpireDelegationTokenRequest)
    case describeDelegationToken(DescribeDelegationTokenRequest)
    case deleteGroups(DeleteGroupsRequest)
    case electLeaders(ElectLeadersRequest)
    case alterPartitionReassignments(AlterPartitionReassignmentsRequest)
    case listPartitionReassignments(ListPartitionReassignmentsRequest)
    case incrementalAlterConfigs(IncrementalAlterConfigsRequest)
    case offsetDelete(OffsetDeleteRequest)
    case describeClientQuotas(DescribeClientQuotasRequest)
    case alterClientQuotas(AlterClientQuotasRequest)
    case describeUserScramCredentials(DescribeUserScramCredentialsRequest)
    case alterUserScramCredentials(AlterUserScramCredentialsRequest)
    case describeQuorum(DescribeQuorumRequest)
    case describeCluster(DescribeClusterRequest)
    case describeProducers(DescribeProducersRequest)
    case unregisterBroker(UnregisterBrokerRequest)
    case describeTransactions(DescribeTransactionsRequest)
    case listTransactions(ListTransactionsRequest)
    case consumerGroupHeartbeat(ConsumerGroupHeartbeatRequest)
    case consumerGroupDescribe(ConsumerGroupDescribeRequest)
    case listConfigResources(ListConfigResourcesRequest)
    case describeTopicPartitions(DescribeTopicPartitionsRequest)
    case shareGroupHeartbeat(ShareGroupHeartbeatRequest)
    case shareGroupDescribe(ShareGroupDescribeRequest)
    case shareFetch(ShareFetchRequest)
    case shareAcknowledge(ShareAcknowledgeRequest)
    case addRaftVoter(AddRaftVoterRequest)
    case removeRaftVoter(RemoveRaftVoterRequest)
    case describeShareGroupOffsets(DescribeShareGroupOffsetsRequest)
    case alterShareGroupOffsets(AlterShareGroupOffsetsRequest)
    case deleteShareGroupOffsets(DeleteShareGroupOffsetsRequest)

    package var key: ApiKey {
        switch self {
        case .produce: .produce
        case .fetch: .fetch
        case .listOffsets: .listOffsets
        case .metadata: .metadata
        case .offsetCommit: .offsetCommit
        case .offsetFetch: .offsetFetch
        case .findCoordinator: .findCoordinator
        case .joinGroup: .joinGroup
        case .heartbeat: .heartbeat
        case .leaveGroup: .leaveGroup
        case .syncGroup: .syncGroup
        case .describeGroups: .describeGroups
        case .listGroups: .listGroups
        case .saslHandshake: .saslHandshake
        case .apiVersions: .apiVersions
        case .createTopics: .createTopics
        case .deleteTopics: .deleteTopics
        case .deleteRecords: .deleteRecords
        case .initProducerID: .initProducerID
        case .offsetForLeaderEpoch: .offsetForLeaderEpoch
        case .addPartitionsToTxn: .addPartitionsToTxn
        case .addOffsetsToTxn: .addOffsetsToTxn
        case .endTxn: .endTxn
        case .writeTxnMarkers: .writeTxnMarkers
        case .txnOffsetCommit: .txnOffsetCommit
        case .describeAcls: .describeAcls
        case .createAcls: .createAcls
        case .deleteAcls: .deleteAcls
        case .describeConfigs: .describeConfigs
        case .alterConfigs: .alterConfigs
        case .describeLogDirs: .describeLogDirs
        case .saslAuthenticate: .saslAuthenticate
        case .createPartitions: .createPartitions
        case .createDelegationToken: .createDelegationToken
        case .renewDelegationToken: .renewDelegationToken
        case .expireDelegationToken: .expireDelegationToken
        case .describeDelegationToken: .describeDelegationToken
        case .deleteGroups: .deleteGroups
        case .electLeaders: .electLeaders
        case .alterPartitionReassignments: .alterPartitionReassignments
        case .listPartitionReassignments: .listPartitionReassignments
        case .incrementalAlterConfigs: .incrementalAlterConfigs
        case .offsetDelete: .offsetDelete
        case .describeClientQuotas: .describeClientQuotas
        case .alterClientQuotas: .alterClientQuotas
        case .describeUserScramCredentials: .describeUserScramCredentials
        case .alterUserScramCredentials: .alterUserScramCredentials
        case .describeQuorum: .describeQuorum
        case .describeCluster: .describeCluster
        case .describeProducers: .describeProducers
        case .unregisterBroker: .unregisterBroker
        case .describeTransactions: .describeTransactions
        case .listTransactions: .listTransactions
        case .consumerGroupHeartbeat: .consumerGroupHeartbeat
        case .consumerGroupDescribe: .consumerGroupDescribe
        case .listConfigResources: .listConfigResources
        case .describeTopicPartitions: .describeTopicPartitions
        case .shareGroupHeartbeat: .shareGroupHeartbeat
        case .shareGroupDescribe: .shareGroupDescribe
        case .shareFetch: .shareFetch
        case .shareAcknowledge: .shareAcknowledge
        case .addRaftVoter: .addRaftVoter
        case .removeRaftVoter: .removeRaftVoter
        case .describeShareGroupOffsets: .describeShareGroupOffsets
        case .alterShareGroupOffsets: .alterShareGroupOffsets
        case .deleteShareGroupOffsets: .deleteShareGroupOffsets
        }
    }

    /// A body that lies at the beginning of `bytes`. What follows is passed over, as Kafka does: librdkafka ends some requests with bytes too many.
    private static func read<L: WireLayout>(_ bytes: Bytes, _ version: Int16, _ flexible: Bool) throws(WireError) -> L {
        var reader = FieldReader<KafkaDialect>(bytes, version: version, flexible: flexible)
        var message = L()
        try message.layout(&reader)
        return message
    }

    /// Decodes the body of `row`'s API.
    package static func decode(_ bytes: Bytes, _ row: ApiRow, version: Int16) throws(WireError) -> RequestBody {
        let flexible = row.isFlexible(version)
        return switch row.key {
        case .produce: .produce(try read(bytes, version, flexible))
        case .fetch: .fetch(try read(bytes, version, flexible))
        case .listOffsets: .listOffsets(try read(bytes, version, flexible))
        case .metadata: .metadata(try read(bytes, version, flexible))
        case .offsetCommit: .offsetCommit(try read(bytes, version, flexible))
        case .offsetFetch: .offsetFetch(try read(bytes, version, flexible))
        case .findCoordinator: .findCoordinator(try read(bytes, version, flexible))
        case .joinGroup: .joinGroup(try read(bytes, version, flexible))
        case .heartbeat: .heartbeat(try read(bytes, version, flexible))
        case .leaveGroup: .leaveGroup(try read(bytes, version, flexible))
        case .syncGroup: .syncGroup(try read(bytes, version, flexible))
        case .describeGroups: .describeGroups(try read(bytes, version, flexible))
        case .listGroups: .listGroups(try read(bytes, version, flexible))
        case .saslHandshake: .saslHandshake(try read(bytes, version, flexible))
        case .apiVersions: .apiVersions(try read(bytes, version, flexible))
        case .createTopics: .createTopics(try read(bytes, version, flexible))
        case .deleteTopics: .deleteTopics(try read(bytes, version, flexible))
        case .deleteRecords: .deleteRecords(try read(bytes, version, flexible))
        case .initProducerID: .initProducerID(try read(bytes, version, flexible))
        case .offsetForLeaderEpoch: .offsetForLeaderEpoch(try read(bytes, version, flexible))
        case .addPartitionsToTxn: .addPartitionsToTxn(try read(bytes, version, flexible))
        case .addOffsetsToTxn: .addOffsetsToTxn(try read(bytes, version, flexible))
        case .endTxn: .endTxn(try read(bytes, version, flexible))
        case .writeTxnMarkers: .writeTxnMarkers(try read(bytes, version, flexible))
        case .txnOffsetCommit: .txnOffsetCommit(try read(bytes, version, flexible))
        case .describeAcls: .describeAcls(try read(bytes, version, flexible))
        case .createAcls: .createAcls(try read(bytes, version, flexible))
        case .deleteAcls: .deleteAcls(try read(bytes, version, flexible))
        case .describeConfigs: .describeConfigs(try read(bytes, version, flexible))
        case .alterConfigs: .alterConfigs(try read(bytes, version, flexible))
        case .describeLogDirs: .describeLogDirs(try read(bytes, version, flexible))
        case .saslAuthenticate: .saslAuthenticate(try read(bytes, version, flexible))
        case .createPartitions: .createPartitions(try read(bytes, version, flexible))
        case .createDelegationToken: .createDelegationToken(try read(bytes, version, flexible))
        case .renewDelegationToken: .renewDelegationToken(try read(bytes, version, flexible))
        case .expireDelegationToken: .expireDelegationToken(try read(bytes, version, flexible))
        case .describeDelegationToken: .describeDelegationToken(try read(bytes, version, flexible))
        case .deleteGroups: .deleteGroups(try read(bytes, version, flexible))
        case .electLeaders: .electLeaders(try read(bytes, version, flexible))
        case .alterPartitionReassignments: .alterPartitionReassignments(try read(bytes, version, flexible))
        case .listPartitionReassignments: .listPartitionReassignments(try read(bytes, version, flexible))
        case .incrementalAlterConfigs: .incrementalAlterConfigs(try read(bytes, version, flexible))
        case .offsetDelete: .offsetDelete(try read(bytes, version, flexible))
        case .describeClientQuotas: .describeClientQuotas(try read(bytes, version, flexible))
        case .alterClientQuotas: .alterClientQuotas(try read(bytes, version, flexible))
        case .describeUserScramCredentials: .describeUserScramCredentials(try read(bytes, version, flexible))
        case .alterUserScramCredentials: .alterUserScramCredentials(try read(bytes, version, flexible))
        case .describeQuorum: .describeQuorum(try read(bytes, version, flexible))
        case .describeCluster: .describeCluster(try read(bytes, version, flexible))
        case .describeProducers: .describeProducers(try read(bytes, version, flexible))
        case .unregisterBroker: .unregisterBroker(try read(bytes, version, flexible))
        case .describeTransactions: .describeTransactions(try read(bytes, version, flexible))
        case .listTransactions: .listTransactions(try read(bytes, version, flexible))
        case .consumerGroupHeartbeat: .consumerGroupHeartbeat(try read(bytes, version, flexible))
        case .consumerGroupDescribe: .consumerGroupDescribe(try read(bytes, version, flexible))
        case .listConfigResources: .listConfigResources(try read(bytes, version, flexible))
        case .describeTopicPartitions: .describeTopicPartitions(try read(bytes, version, flexible))
        case .shareGroupHeartbeat: .shareGroupHeartbeat(try read(bytes, version, flexible))
        case .shareGroupDescribe: .shareGroupDescribe(try read(bytes, version, flexible))
        case .shareFetch: .shareFetch(try read(bytes, version, flexible))
        case .shareAcknowledge: .shareAcknowledge(try read(bytes, version, flexible))
        case .addRaftVoter: .addRaftVoter(try read(bytes, version, flexible))
        case .removeRaftVoter: .removeRaftVoter(try read(bytes, version, flexible))
        case .describeShareGroupOffsets: .describeShareGroupOffsets(try read(bytes, version, flexible))
        case .alterShareGroupOffsets: .alterShareGroupOffsets(try read(bytes, version, flexible))
        case .deleteShareGroupOffsets: .deleteShareGroupOffsets(try read(bytes, version, flexible))
        }
    }

    /// Appends the body in `version` to `buffer`.
    package func encode(into buffer: inout Bytes, version: Int16) throws(WireError) {
        let flexible = ApiTable.row(key).isFlexible(version)
        switch self {
        case .produce(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .fetch(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .listOffsets(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .metadata(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .offsetCommit(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .offsetFetch(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .findCoordinator(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .joinGroup(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .heartbeat(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .leaveGroup(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .syncGroup(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .describeGroups(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .listGroups(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .saslHandshake(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .apiVersions(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .createTopics(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .deleteTopics(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .deleteRecords(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .initProducerID(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .offsetForLeaderEpoch(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .addPartitionsToTxn(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .addOffsetsToTxn(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .endTxn(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .writeTxnMarkers(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .txnOffsetCommit(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .describeAcls(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .createAcls(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .deleteAcls(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .describeConfigs(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .alterConfigs(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .describeLogDirs(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .saslAuthenticate(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .createPartitions(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .createDelegationToken(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .renewDelegationToken(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .expireDelegationToken(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .describeDelegationToken(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .deleteGroups(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .electLeaders(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .alterPartitionReassignments(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .listPartitionReassignments(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .incrementalAlterConfigs(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .offsetDelete(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .describeClientQuotas(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .alterClientQuotas(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .describeUserScramCredentials(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .alterUserScramCredentials(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .describeQuorum(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .describeCluster(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .describeProducers(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .unregisterBroker(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .describeTransactions(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .listTransactions(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .consumerGroupHeartbeat(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .consumerGroupDescribe(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .listConfigResources(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .describeTopicPartitions(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .shareGroupHeartbeat(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .shareGroupDescribe(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .shareFetch(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .shareAcknowledge(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .addRaftVoter(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .removeRaftVoter(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .describeShareGroupOffsets(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .alterShareGroupOffsets(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .deleteShareGroupOffsets(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        }
    }
}
