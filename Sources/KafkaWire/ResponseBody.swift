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

    private static func read<L: WireLayout>(_ bytes: Bytes, _ version: Int16, _ row: ApiRow) throws(WireError) -> L {
        try L(decoding: bytes, as: KafkaDialect.self, version: version, flexible: row.isFlexible(version))
    }

    /// Decodes the body of `row`'s API; it must fill `bytes`.
    package static func decode(_ bytes: Bytes, _ row: ApiRow, version: Int16) throws(WireError) -> ResponseBody {
        switch row.key {
        case .produce: .produce(try read(bytes, version, row))
        case .fetch: .fetch(try read(bytes, version, row))
        case .listOffsets: .listOffsets(try read(bytes, version, row))
        case .metadata: .metadata(try read(bytes, version, row))
        case .offsetCommit: .offsetCommit(try read(bytes, version, row))
        case .offsetFetch: .offsetFetch(try read(bytes, version, row))
        case .findCoordinator: .findCoordinator(try read(bytes, version, row))
        case .joinGroup: .joinGroup(try read(bytes, version, row))
        case .heartbeat: .heartbeat(try read(bytes, version, row))
        case .leaveGroup: .leaveGroup(try read(bytes, version, row))
        case .syncGroup: .syncGroup(try read(bytes, version, row))
        case .describeGroups: .describeGroups(try read(bytes, version, row))
        case .listGroups: .listGroups(try read(bytes, version, row))
        case .saslHandshake: .saslHandshake(try read(bytes, version, row))
        case .apiVersions: .apiVersions(try read(bytes, version, row))
        case .createTopics: .createTopics(try read(bytes, version, row))
        case .deleteTopics: .deleteTopics(try read(bytes, version, row))
        case .deleteRecords: .deleteRecords(try read(bytes, version, row))
        case .initProducerID: .initProducerID(try read(bytes, version, row))
        case .offsetForLeaderEpoch: .offsetForLeaderEpoch(try read(bytes, version, row))
        case .addPartitionsToTxn: .addPartitionsToTxn(try read(bytes, version, row))
        case .addOffsetsToTxn: .addOffsetsToTxn(try read(bytes, version, row))
        case .endTxn: .endTxn(try read(bytes, version, row))
        case .writeTxnMarkers: .writeTxnMarkers(try read(bytes, version, row))
        case .txnOffsetCommit: .txnOffsetCommit(try read(bytes, version, row))
        case .describeAcls: .describeAcls(try read(bytes, version, row))
        case .createAcls: .createAcls(try read(bytes, version, row))
        case .deleteAcls: .deleteAcls(try read(bytes, version, row))
        case .describeConfigs: .describeConfigs(try read(bytes, version, row))
        case .alterConfigs: .alterConfigs(try read(bytes, version, row))
        case .describeLogDirs: .describeLogDirs(try read(bytes, version, row))
        case .saslAuthenticate: .saslAuthenticate(try read(bytes, version, row))
        case .createPartitions: .createPartitions(try read(bytes, version, row))
        case .createDelegationToken: .createDelegationToken(try read(bytes, version, row))
        case .renewDelegationToken: .renewDelegationToken(try read(bytes, version, row))
        case .expireDelegationToken: .expireDelegationToken(try read(bytes, version, row))
        case .describeDelegationToken: .describeDelegationToken(try read(bytes, version, row))
        case .deleteGroups: .deleteGroups(try read(bytes, version, row))
        case .electLeaders: .electLeaders(try read(bytes, version, row))
        case .alterPartitionReassignments: .alterPartitionReassignments(try read(bytes, version, row))
        case .listPartitionReassignments: .listPartitionReassignments(try read(bytes, version, row))
        case .incrementalAlterConfigs: .incrementalAlterConfigs(try read(bytes, version, row))
        case .offsetDelete: .offsetDelete(try read(bytes, version, row))
        case .describeClientQuotas: .describeClientQuotas(try read(bytes, version, row))
        case .alterClientQuotas: .alterClientQuotas(try read(bytes, version, row))
        case .describeUserScramCredentials: .describeUserScramCredentials(try read(bytes, version, row))
        case .alterUserScramCredentials: .alterUserScramCredentials(try read(bytes, version, row))
        case .describeQuorum: .describeQuorum(try read(bytes, version, row))
        case .describeCluster: .describeCluster(try read(bytes, version, row))
        case .describeProducers: .describeProducers(try read(bytes, version, row))
        case .unregisterBroker: .unregisterBroker(try read(bytes, version, row))
        case .describeTransactions: .describeTransactions(try read(bytes, version, row))
        case .listTransactions: .listTransactions(try read(bytes, version, row))
        case .consumerGroupHeartbeat: .consumerGroupHeartbeat(try read(bytes, version, row))
        case .consumerGroupDescribe: .consumerGroupDescribe(try read(bytes, version, row))
        case .listConfigResources: .listConfigResources(try read(bytes, version, row))
        case .describeTopicPartitions: .describeTopicPartitions(try read(bytes, version, row))
        case .shareGroupHeartbeat: .shareGroupHeartbeat(try read(bytes, version, row))
        case .shareGroupDescribe: .shareGroupDescribe(try read(bytes, version, row))
        case .shareFetch: .shareFetch(try read(bytes, version, row))
        case .shareAcknowledge: .shareAcknowledge(try read(bytes, version, row))
        case .addRaftVoter: .addRaftVoter(try read(bytes, version, row))
        case .removeRaftVoter: .removeRaftVoter(try read(bytes, version, row))
        case .describeShareGroupOffsets: .describeShareGroupOffsets(try read(bytes, version, row))
        case .alterShareGroupOffsets: .alterShareGroupOffsets(try read(bytes, version, row))
        case .deleteShareGroupOffsets: .deleteShareGroupOffsets(try read(bytes, version, row))
        }
    }

    private func write<L: WireLayout>(_ body: L, _ buffer: inout Bytes, _ version: Int16) throws(WireError) {
        try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: ApiTable.row(key).isFlexible(version))
    }

    /// Appends the body in `version` to `buffer`.
    package func encode(into buffer: inout Bytes, version: Int16) throws(WireError) {
        switch self {
        case .produce(let body): try write(body, &buffer, version)
        case .fetch(let body): try write(body, &buffer, version)
        case .listOffsets(let body): try write(body, &buffer, version)
        case .metadata(let body): try write(body, &buffer, version)
        case .offsetCommit(let body): try write(body, &buffer, version)
        case .offsetFetch(let body): try write(body, &buffer, version)
        case .findCoordinator(let body): try write(body, &buffer, version)
        case .joinGroup(let body): try write(body, &buffer, version)
        case .heartbeat(let body): try write(body, &buffer, version)
        case .leaveGroup(let body): try write(body, &buffer, version)
        case .syncGroup(let body): try write(body, &buffer, version)
        case .describeGroups(let body): try write(body, &buffer, version)
        case .listGroups(let body): try write(body, &buffer, version)
        case .saslHandshake(let body): try write(body, &buffer, version)
        case .apiVersions(let body): try write(body, &buffer, version)
        case .createTopics(let body): try write(body, &buffer, version)
        case .deleteTopics(let body): try write(body, &buffer, version)
        case .deleteRecords(let body): try write(body, &buffer, version)
        case .initProducerID(let body): try write(body, &buffer, version)
        case .offsetForLeaderEpoch(let body): try write(body, &buffer, version)
        case .addPartitionsToTxn(let body): try write(body, &buffer, version)
        case .addOffsetsToTxn(let body): try write(body, &buffer, version)
        case .endTxn(let body): try write(body, &buffer, version)
        case .writeTxnMarkers(let body): try write(body, &buffer, version)
        case .txnOffsetCommit(let body): try write(body, &buffer, version)
        case .describeAcls(let body): try write(body, &buffer, version)
        case .createAcls(let body): try write(body, &buffer, version)
        case .deleteAcls(let body): try write(body, &buffer, version)
        case .describeConfigs(let body): try write(body, &buffer, version)
        case .alterConfigs(let body): try write(body, &buffer, version)
        case .describeLogDirs(let body): try write(body, &buffer, version)
        case .saslAuthenticate(let body): try write(body, &buffer, version)
        case .createPartitions(let body): try write(body, &buffer, version)
        case .createDelegationToken(let body): try write(body, &buffer, version)
        case .renewDelegationToken(let body): try write(body, &buffer, version)
        case .expireDelegationToken(let body): try write(body, &buffer, version)
        case .describeDelegationToken(let body): try write(body, &buffer, version)
        case .deleteGroups(let body): try write(body, &buffer, version)
        case .electLeaders(let body): try write(body, &buffer, version)
        case .alterPartitionReassignments(let body): try write(body, &buffer, version)
        case .listPartitionReassignments(let body): try write(body, &buffer, version)
        case .incrementalAlterConfigs(let body): try write(body, &buffer, version)
        case .offsetDelete(let body): try write(body, &buffer, version)
        case .describeClientQuotas(let body): try write(body, &buffer, version)
        case .alterClientQuotas(let body): try write(body, &buffer, version)
        case .describeUserScramCredentials(let body): try write(body, &buffer, version)
        case .alterUserScramCredentials(let body): try write(body, &buffer, version)
        case .describeQuorum(let body): try write(body, &buffer, version)
        case .describeCluster(let body): try write(body, &buffer, version)
        case .describeProducers(let body): try write(body, &buffer, version)
        case .unregisterBroker(let body): try write(body, &buffer, version)
        case .describeTransactions(let body): try write(body, &buffer, version)
        case .listTransactions(let body): try write(body, &buffer, version)
        case .consumerGroupHeartbeat(let body): try write(body, &buffer, version)
        case .consumerGroupDescribe(let body): try write(body, &buffer, version)
        case .listConfigResources(let body): try write(body, &buffer, version)
        case .describeTopicPartitions(let body): try write(body, &buffer, version)
        case .shareGroupHeartbeat(let body): try write(body, &buffer, version)
        case .shareGroupDescribe(let body): try write(body, &buffer, version)
        case .shareFetch(let body): try write(body, &buffer, version)
        case .shareAcknowledge(let body): try write(body, &buffer, version)
        case .addRaftVoter(let body): try write(body, &buffer, version)
        case .removeRaftVoter(let body): try write(body, &buffer, version)
        case .describeShareGroupOffsets(let body): try write(body, &buffer, version)
        case .alterShareGroupOffsets(let body): try write(body, &buffer, version)
        case .deleteShareGroupOffsets(let body): try write(body, &buffer, version)
        }
    }
}
