// The sum of all responses; see RequestBody for why coding happens here.
import Base

/// A response of any served API.
package enum ResponseBody: Sendable {
    case produce(ProduceResponse)
    case fetch(FetchResponse)
    case listOffsets(ListOffsetsResponse)
    case metadata(MetadataResponse)
    case offsetCommit(OffsetCommitResponse)
    case offsetFetch(OffsetFetchResponse)
    case findCoordinator(FindCoordinatorResponse)
    case joinGroup(JoinGroupResponse)
    case heartbeat(HeartbeatResponse)
    case leaveGroup(LeaveGroupResponse)
    case syncGroup(SyncGroupResponse)
    case describeGroups(DescribeGroupsResponse)
    case listGroups(ListGroupsResponse)
    case saslHandshake(SaslHandshakeResponse)
    case apiVersions(ApiVersionsResponse)
    case createTopics(CreateTopicsResponse)
    case deleteTopics(DeleteTopicsResponse)
    case deleteRecords(DeleteRecordsResponse)
    case initProducerID(InitProducerIDResponse)
    case offsetForLeaderEpoch(OffsetForLeaderEpochResponse)
    case addPartitionsToTxn(AddPartitionsToTxnResponse)
    case addOffsetsToTxn(AddOffsetsToTxnResponse)
    case endTxn(EndTxnResponse)
    case writeTxnMarkers(WriteTxnMarkersResponse)
    case txnOffsetCommit(TxnOffsetCommitResponse)
    case describeAcls(DescribeAclsResponse)
    case createAcls(CreateAclsResponse)
    case deleteAcls(DeleteAclsResponse)
    case describeConfigs(DescribeConfigsResponse)
    case alterConfigs(AlterConfigsResponse)
    case describeLogDirs(DescribeLogDirsResponse)
    case saslAuthenticate(SaslAuthenticateResponse)
    case createPartitions(CreatePartitionsResponse)
    case createDelegationToken(CreateDelegationTokenResponse)
    case renewDelegationToken(RenewDelegationTokenResponse)
    case expireDelegationToken(ExpireDelegationTokenResponse)
    case describeDelegationToken(DescribeDelegationTokenResponse)
    case deleteGroups(DeleteGroupsResponse)
    case electLeaders(ElectLeadersResponse)
    case alterPartitionReassignments(AlterPartitionReassignmentsResponse)
    case listPartitionReassignments(ListPartitionReassignmentsResponse)
    case incrementalAlterConfigs(IncrementalAlterConfigsResponse)
    case offsetDelete(OffsetDeleteResponse)
    case describeClientQuotas(DescribeClientQuotasResponse)
    case alterClientQuotas(AlterClientQuotasResponse)
    case describeUserScramCredentials(DescribeUserScramCredentialsResponse)
    case alterUserScramCredentials(AlterUserScramCredentialsResponse)
    case describeQuorum(DescribeQuorumResponse)
    case describeCluster(DescribeClusterResponse)
    case describeProducers(DescribeProducersResponse)
    case unregisterBroker(UnregisterBrokerResponse)
    case describeTransactions(DescribeTransactionsResponse)
    case listTransactions(ListTransactionsResponse)
    case consumerGroupHeartbeat(ConsumerGroupHeartbeatResponse)
    case consumerGroupDescribe(ConsumerGroupDescribeResponse)
    case listConfigResources(ListConfigResourcesResponse)
    case describeTopicPartitions(DescribeTopicPartitionsResponse)
    case shareGroupHeartbeat(ShareGroupHeartbeatResponse)
    case shareGroupDescribe(ShareGroupDescribeResponse)
    case shareFetch(ShareFetchResponse)
    case shareAcknowledge(ShareAcknowledgeResponse)
    case addRaftVoter(AddRaftVoterResponse)
    case removeRaftVoter(RemoveRaftVoterResponse)
    case describeShareGroupOffsets(DescribeShareGroupOffsetsResponse)
    case alterShareGroupOffsets(AlterShareGroupOffsetsResponse)
    case deleteShareGroupOffsets(DeleteShareGroupOffsetsResponse)

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

    /// Decodes the body of `row`'s API; it must fill `bytes`.
    package static func decode(_ bytes: Bytes, _ row: ApiRow, version: Int16) throws(WireError) -> ResponseBody {
        let flexible = row.isFlexible(version)
        return switch row.key {
        case .produce: .produce(try ProduceResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .fetch: .fetch(try FetchResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .listOffsets: .listOffsets(try ListOffsetsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .metadata: .metadata(try MetadataResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .offsetCommit: .offsetCommit(try OffsetCommitResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .offsetFetch: .offsetFetch(try OffsetFetchResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .findCoordinator: .findCoordinator(try FindCoordinatorResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .joinGroup: .joinGroup(try JoinGroupResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .heartbeat: .heartbeat(try HeartbeatResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .leaveGroup: .leaveGroup(try LeaveGroupResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .syncGroup: .syncGroup(try SyncGroupResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .describeGroups: .describeGroups(try DescribeGroupsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .listGroups: .listGroups(try ListGroupsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .saslHandshake: .saslHandshake(try SaslHandshakeResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .apiVersions: .apiVersions(try ApiVersionsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .createTopics: .createTopics(try CreateTopicsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .deleteTopics: .deleteTopics(try DeleteTopicsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .deleteRecords: .deleteRecords(try DeleteRecordsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .initProducerID: .initProducerID(try InitProducerIDResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .offsetForLeaderEpoch: .offsetForLeaderEpoch(try OffsetForLeaderEpochResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .addPartitionsToTxn: .addPartitionsToTxn(try AddPartitionsToTxnResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .addOffsetsToTxn: .addOffsetsToTxn(try AddOffsetsToTxnResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .endTxn: .endTxn(try EndTxnResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .writeTxnMarkers: .writeTxnMarkers(try WriteTxnMarkersResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .txnOffsetCommit: .txnOffsetCommit(try TxnOffsetCommitResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .describeAcls: .describeAcls(try DescribeAclsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .createAcls: .createAcls(try CreateAclsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .deleteAcls: .deleteAcls(try DeleteAclsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .describeConfigs: .describeConfigs(try DescribeConfigsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .alterConfigs: .alterConfigs(try AlterConfigsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .describeLogDirs: .describeLogDirs(try DescribeLogDirsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .saslAuthenticate: .saslAuthenticate(try SaslAuthenticateResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .createPartitions: .createPartitions(try CreatePartitionsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .createDelegationToken: .createDelegationToken(try CreateDelegationTokenResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .renewDelegationToken: .renewDelegationToken(try RenewDelegationTokenResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .expireDelegationToken: .expireDelegationToken(try ExpireDelegationTokenResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .describeDelegationToken: .describeDelegationToken(try DescribeDelegationTokenResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .deleteGroups: .deleteGroups(try DeleteGroupsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .electLeaders: .electLeaders(try ElectLeadersResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .alterPartitionReassignments: .alterPartitionReassignments(try AlterPartitionReassignmentsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .listPartitionReassignments: .listPartitionReassignments(try ListPartitionReassignmentsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .incrementalAlterConfigs: .incrementalAlterConfigs(try IncrementalAlterConfigsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .offsetDelete: .offsetDelete(try OffsetDeleteResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .describeClientQuotas: .describeClientQuotas(try DescribeClientQuotasResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .alterClientQuotas: .alterClientQuotas(try AlterClientQuotasResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .describeUserScramCredentials: .describeUserScramCredentials(try DescribeUserScramCredentialsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .alterUserScramCredentials: .alterUserScramCredentials(try AlterUserScramCredentialsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .describeQuorum: .describeQuorum(try DescribeQuorumResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .describeCluster: .describeCluster(try DescribeClusterResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .describeProducers: .describeProducers(try DescribeProducersResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .unregisterBroker: .unregisterBroker(try UnregisterBrokerResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .describeTransactions: .describeTransactions(try DescribeTransactionsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .listTransactions: .listTransactions(try ListTransactionsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .consumerGroupHeartbeat: .consumerGroupHeartbeat(try ConsumerGroupHeartbeatResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .consumerGroupDescribe: .consumerGroupDescribe(try ConsumerGroupDescribeResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .listConfigResources: .listConfigResources(try ListConfigResourcesResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .describeTopicPartitions: .describeTopicPartitions(try DescribeTopicPartitionsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .shareGroupHeartbeat: .shareGroupHeartbeat(try ShareGroupHeartbeatResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .shareGroupDescribe: .shareGroupDescribe(try ShareGroupDescribeResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .shareFetch: .shareFetch(try ShareFetchResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .shareAcknowledge: .shareAcknowledge(try ShareAcknowledgeResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .addRaftVoter: .addRaftVoter(try AddRaftVoterResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .removeRaftVoter: .removeRaftVoter(try RemoveRaftVoterResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .describeShareGroupOffsets: .describeShareGroupOffsets(try DescribeShareGroupOffsetsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .alterShareGroupOffsets: .alterShareGroupOffsets(try AlterShareGroupOffsetsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .deleteShareGroupOffsets: .deleteShareGroupOffsets(try DeleteShareGroupOffsetsResponse(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
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
