// How long a client was held up for its limits, which nearly every response can tell. Source: KIP-124, KIP-219.
import Base

/// A response that can tell how long its client is held up.
package protocol ThrottledResponse {
    var throttleTimeMilliseconds: Int32 { get set }
}

extension ThrottledResponse {
    fileprivate func throttled(_ time: Int32) -> Self {
        var body = self
        body.throttleTimeMilliseconds = max(throttleTimeMilliseconds, time)
        return body
    }
}

extension ResponseBody {
    /// Tells the client, in milliseconds. Responses without the field stay as they are.
    package mutating func setThrottleTime(_ time: Int32) {
        switch self {
        case .saslHandshake, .saslAuthenticate, .describeQuorum, .writeTxnMarkers: break
        case .produce(let body): self = .produce(body.throttled(time))
        case .fetch(let body): self = .fetch(body.throttled(time))
        case .listOffsets(let body): self = .listOffsets(body.throttled(time))
        case .metadata(let body): self = .metadata(body.throttled(time))
        case .offsetCommit(let body): self = .offsetCommit(body.throttled(time))
        case .offsetFetch(let body): self = .offsetFetch(body.throttled(time))
        case .findCoordinator(let body): self = .findCoordinator(body.throttled(time))
        case .joinGroup(let body): self = .joinGroup(body.throttled(time))
        case .heartbeat(let body): self = .heartbeat(body.throttled(time))
        case .leaveGroup(let body): self = .leaveGroup(body.throttled(time))
        case .syncGroup(let body): self = .syncGroup(body.throttled(time))
        case .describeGroups(let body): self = .describeGroups(body.throttled(time))
        case .listGroups(let body): self = .listGroups(body.throttled(time))
        case .apiVersions(let body): self = .apiVersions(body.throttled(time))
        case .createTopics(let body): self = .createTopics(body.throttled(time))
        case .deleteTopics(let body): self = .deleteTopics(body.throttled(time))
        case .deleteRecords(let body): self = .deleteRecords(body.throttled(time))
        case .initProducerID(let body): self = .initProducerID(body.throttled(time))
        case .alterPartitionReassignments(let body): self = .alterPartitionReassignments(body.throttled(time))
        case .listPartitionReassignments(let body): self = .listPartitionReassignments(body.throttled(time))
        case .offsetForLeaderEpoch(let body): self = .offsetForLeaderEpoch(body.throttled(time))
        case .addPartitionsToTxn(let body): self = .addPartitionsToTxn(body.throttled(time))
        case .addOffsetsToTxn(let body): self = .addOffsetsToTxn(body.throttled(time))
        case .endTxn(let body): self = .endTxn(body.throttled(time))
        case .txnOffsetCommit(let body): self = .txnOffsetCommit(body.throttled(time))
        case .describeAcls(let body): self = .describeAcls(body.throttled(time))
        case .createAcls(let body): self = .createAcls(body.throttled(time))
        case .deleteAcls(let body): self = .deleteAcls(body.throttled(time))
        case .describeConfigs(let body): self = .describeConfigs(body.throttled(time))
        case .alterConfigs(let body): self = .alterConfigs(body.throttled(time))
        case .describeLogDirs(let body): self = .describeLogDirs(body.throttled(time))
        case .createPartitions(let body): self = .createPartitions(body.throttled(time))
        case .createDelegationToken(let body): self = .createDelegationToken(body.throttled(time))
        case .renewDelegationToken(let body): self = .renewDelegationToken(body.throttled(time))
        case .expireDelegationToken(let body): self = .expireDelegationToken(body.throttled(time))
        case .describeDelegationToken(let body): self = .describeDelegationToken(body.throttled(time))
        case .deleteGroups(let body): self = .deleteGroups(body.throttled(time))
        case .electLeaders(let body): self = .electLeaders(body.throttled(time))
        case .incrementalAlterConfigs(let body): self = .incrementalAlterConfigs(body.throttled(time))
        case .offsetDelete(let body): self = .offsetDelete(body.throttled(time))
        case .describeClientQuotas(let body): self = .describeClientQuotas(body.throttled(time))
        case .alterClientQuotas(let body): self = .alterClientQuotas(body.throttled(time))
        case .describeUserScramCredentials(let body): self = .describeUserScramCredentials(body.throttled(time))
        case .alterUserScramCredentials(let body): self = .alterUserScramCredentials(body.throttled(time))
        case .describeCluster(let body): self = .describeCluster(body.throttled(time))
        case .describeProducers(let body): self = .describeProducers(body.throttled(time))
        case .unregisterBroker(let body): self = .unregisterBroker(body.throttled(time))
        case .describeTransactions(let body): self = .describeTransactions(body.throttled(time))
        case .listTransactions(let body): self = .listTransactions(body.throttled(time))
        case .consumerGroupHeartbeat(let body): self = .consumerGroupHeartbeat(body.throttled(time))
        case .consumerGroupDescribe(let body): self = .consumerGroupDescribe(body.throttled(time))
        case .listConfigResources(let body): self = .listConfigResources(body.throttled(time))
        case .describeTopicPartitions(let body): self = .describeTopicPartitions(body.throttled(time))
        case .shareGroupHeartbeat(let body): self = .shareGroupHeartbeat(body.throttled(time))
        case .shareGroupDescribe(let body): self = .shareGroupDescribe(body.throttled(time))
        case .shareFetch(let body): self = .shareFetch(body.throttled(time))
        case .shareAcknowledge(let body): self = .shareAcknowledge(body.throttled(time))
        case .addRaftVoter(let body): self = .addRaftVoter(body.throttled(time))
        case .removeRaftVoter(let body): self = .removeRaftVoter(body.throttled(time))
        case .describeShareGroupOffsets(let body): self = .describeShareGroupOffsets(body.throttled(time))
        case .alterShareGroupOffsets(let body): self = .alterShareGroupOffsets(body.throttled(time))
        case .deleteShareGroupOffsets(let body): self = .deleteShareGroupOffsets(body.throttled(time))
        }
    }
}

extension ProduceResponse: ThrottledResponse {}
extension FetchResponse: ThrottledResponse {}
extension ListOffsetsResponse: ThrottledResponse {}
extension MetadataResponse: ThrottledResponse {}
extension OffsetCommitResponse: ThrottledResponse {}
extension OffsetFetchResponse: ThrottledResponse {}
extension FindCoordinatorResponse: ThrottledResponse {}
extension JoinGroupResponse: ThrottledResponse {}
extension HeartbeatResponse: ThrottledResponse {}
extension LeaveGroupResponse: ThrottledResponse {}
extension SyncGroupResponse: ThrottledResponse {}
extension DescribeGroupsResponse: ThrottledResponse {}
extension ListGroupsResponse: ThrottledResponse {}
extension ApiVersionsResponse: ThrottledResponse {}
extension CreateTopicsResponse: ThrottledResponse {}
extension DeleteTopicsResponse: ThrottledResponse {}
extension DeleteRecordsResponse: ThrottledResponse {}
extension InitProducerIDResponse: ThrottledResponse {}
extension OffsetForLeaderEpochResponse: ThrottledResponse {}
extension AddPartitionsToTxnResponse: ThrottledResponse {}
extension AddOffsetsToTxnResponse: ThrottledResponse {}
extension EndTxnResponse: ThrottledResponse {}
extension TxnOffsetCommitResponse: ThrottledResponse {}
extension DescribeAclsResponse: ThrottledResponse {}
extension CreateAclsResponse: ThrottledResponse {}
extension DeleteAclsResponse: ThrottledResponse {}
extension DescribeConfigsResponse: ThrottledResponse {}
extension AlterConfigsResponse: ThrottledResponse {}
extension DescribeLogDirsResponse: ThrottledResponse {}
extension CreatePartitionsResponse: ThrottledResponse {}
extension DeleteGroupsResponse: ThrottledResponse {}
extension ElectLeadersResponse: ThrottledResponse {}
extension IncrementalAlterConfigsResponse: ThrottledResponse {}
extension AlterPartitionReassignmentsResponse: ThrottledResponse {}
extension ListPartitionReassignmentsResponse: ThrottledResponse {}
extension OffsetDeleteResponse: ThrottledResponse {}
extension DescribeClientQuotasResponse: ThrottledResponse {}
extension AlterClientQuotasResponse: ThrottledResponse {}
extension DescribeUserScramCredentialsResponse: ThrottledResponse {}
extension AlterUserScramCredentialsResponse: ThrottledResponse {}
extension DescribeClusterResponse: ThrottledResponse {}
extension DescribeProducersResponse: ThrottledResponse {}
extension DescribeTransactionsResponse: ThrottledResponse {}
extension ListTransactionsResponse: ThrottledResponse {}
extension ListConfigResourcesResponse: ThrottledResponse {}
extension ConsumerGroupHeartbeatResponse: ThrottledResponse {}
extension ConsumerGroupDescribeResponse: ThrottledResponse {}
extension DescribeTopicPartitionsResponse: ThrottledResponse {}
extension ShareGroupHeartbeatResponse: ThrottledResponse {}
extension ShareGroupDescribeResponse: ThrottledResponse {}
extension ShareFetchResponse: ThrottledResponse {}
extension ShareAcknowledgeResponse: ThrottledResponse {}
extension UnregisterBrokerResponse: ThrottledResponse {}
extension AddRaftVoterResponse: ThrottledResponse {}
extension RemoveRaftVoterResponse: ThrottledResponse {}
extension DescribeShareGroupOffsetsResponse: ThrottledResponse {}
extension AlterShareGroupOffsetsResponse: ThrottledResponse {}
extension DeleteShareGroupOffsetsResponse: ThrottledResponse {}
extension CreateDelegationTokenResponse: ThrottledResponse {}
extension RenewDelegationTokenResponse: ThrottledResponse {}
extension ExpireDelegationTokenResponse: ThrottledResponse {}
extension DescribeDelegationTokenResponse: ThrottledResponse {}
