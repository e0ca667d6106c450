// The API table: one row per API that this broker answers. ApiVersions, decoding, dispatch and the compatibility table in the docs
// derive from it, so an API is served exactly when it has a row. Source: Kafka protocol guide, "Api Keys".
import Base

/// An API that this broker serves, by its number on the wire.
package enum ApiKey: Int16, CaseIterable, Sendable {
    case produce = 0
    case fetch = 1
    case listOffsets = 2
    case metadata = 3
    case offsetCommit = 8
    case offsetFetch = 9
    case findCoordinator = 10
    case joinGroup = 11
    case heartbeat = 12
    case leaveGroup = 13
    case syncGroup = 14
    case describeGroups = 15
    case listGroups = 16
    case saslHandshake = 17
    case apiVersions = 18
    case createTopics = 19
    case deleteTopics = 20
    case deleteRecords = 21
    case initProducerID = 22
    case offsetForLeaderEpoch = 23
    case addPartitionsToTxn = 24
    case addOffsetsToTxn = 25
    case endTxn = 26
    case writeTxnMarkers = 27
    case txnOffsetCommit = 28
    case describeAcls = 29
    case createAcls = 30
    case deleteAcls = 31
    case describeConfigs = 32
    case alterConfigs = 33
    case describeLogDirs = 35
    case saslAuthenticate = 36
    case createPartitions = 37
    case createDelegationToken = 38
    case renewDelegationToken = 39
    case expireDelegationToken = 40
    case describeDelegationToken = 41
    case deleteGroups = 42
    case electLeaders = 43
    case incrementalAlterConfigs = 44
    case alterPartitionReassignments = 45
    case listPartitionReassignments = 46
    case offsetDelete = 47
    case describeClientQuotas = 48
    case alterClientQuotas = 49
    case describeUserScramCredentials = 50
    case alterUserScramCredentials = 51
    case describeQuorum = 55
    case describeCluster = 60
    case describeProducers = 61
    case unregisterBroker = 64
    case describeTransactions = 65
    case listTransactions = 66
    case consumerGroupHeartbeat = 68
    case consumerGroupDescribe = 69
    case listConfigResources = 74
    case describeTopicPartitions = 75
    case shareGroupHeartbeat = 76
    case shareGroupDescribe = 77
    case shareFetch = 78
    case shareAcknowledge = 79
    case addRaftVoter = 80
    case removeRaftVoter = 81
    case describeShareGroupOffsets = 90
    case alterShareGroupOffsets = 91
    case deleteShareGroupOffsets = 92
}

/// What is served of an API.
package struct ApiRow: Sendable {
    package let key: ApiKey
    /// The name in Kafka's documentation.
    package let name: String
    package let versions: ClosedRange<Int16>
    /// The first version with compact lengths and tagged fields.
    package let firstFlexible: Int16
    package let request: any WireLayout.Type
    package let response: any WireLayout.Type

    package func isFlexible(_ version: Int16) -> Bool { version >= firstFlexible }
    /// Whether the response's header carries tagged fields; never for ApiVersions, since its client does not yet know our versions.
    package func hasFlexibleResponseHeader(_ version: Int16) -> Bool { key != .apiVersions && isFlexible(version) }
}

/// All rows in the order of their keys.
package enum ApiTable {
    package static let rows: [ApiRow] = [
        row(.produce, "Produce", 0...13, 9, ProduceRequest.self, ProduceResponse.self),
        row(.fetch, "Fetch", 4...18, 12, FetchRequest.self, FetchResponse.self),
        row(.listOffsets, "ListOffsets", 1...11, 6, ListOffsetsRequest.self, ListOffsetsResponse.self),
        row(.metadata, "Metadata", 0...13, 9, MetadataRequest.self, MetadataResponse.self),
        row(.offsetCommit, "OffsetCommit", 2...10, 8, OffsetCommitRequest.self, OffsetCommitResponse.self),
        row(.offsetFetch, "OffsetFetch", 1...10, 6, OffsetFetchRequest.self, OffsetFetchResponse.self),
        row(.findCoordinator, "FindCoordinator", 0...6, 3, FindCoordinatorRequest.self, FindCoordinatorResponse.self),
        row(.joinGroup, "JoinGroup", 0...9, 6, JoinGroupRequest.self, JoinGroupResponse.self),
        row(.heartbeat, "Heartbeat", 0...4, 4, HeartbeatRequest.self, HeartbeatResponse.self),
        row(.leaveGroup, "LeaveGroup", 0...5, 4, LeaveGroupRequest.self, LeaveGroupResponse.self),
        row(.syncGroup, "SyncGroup", 0...5, 4, SyncGroupRequest.self, SyncGroupResponse.self),
        row(.describeGroups, "DescribeGroups", 0...6, 5, DescribeGroupsRequest.self, DescribeGroupsResponse.self),
        row(.listGroups, "ListGroups", 0...5, 3, ListGroupsRequest.self, ListGroupsResponse.self),
        row(.saslHandshake, "SaslHandshake", 0...1, .max, SaslHandshakeRequest.self, SaslHandshakeResponse.self),
        row(.apiVersions, "ApiVersions", 0...4, 3, ApiVersionsRequest.self, ApiVersionsResponse.self),
        row(.createTopics, "CreateTopics", 2...7, 5, CreateTopicsRequest.self, CreateTopicsResponse.self),
        row(.deleteTopics, "DeleteTopics", 1...6, 4, DeleteTopicsRequest.self, DeleteTopicsResponse.self),
        row(.deleteRecords, "DeleteRecords", 0...2, 2, DeleteRecordsRequest.self, DeleteRecordsResponse.self),
        row(.initProducerID, "InitProducerId", 0...5, 2, InitProducerIDRequest.self, InitProducerIDResponse.self),
        row(.offsetForLeaderEpoch, "OffsetForLeaderEpoch", 2...4, 4, OffsetForLeaderEpochRequest.self, OffsetForLeaderEpochResponse.self),
        row(.addPartitionsToTxn, "AddPartitionsToTxn", 0...3, 3, AddPartitionsToTxnRequest.self, AddPartitionsToTxnResponse.self),
        row(.addOffsetsToTxn, "AddOffsetsToTxn", 0...4, 3, AddOffsetsToTxnRequest.self, AddOffsetsToTxnResponse.self),
        row(.endTxn, "EndTxn", 0...5, 3, EndTxnRequest.self, EndTxnResponse.self),
        row(.writeTxnMarkers, "WriteTxnMarkers", 1...2, 1, WriteTxnMarkersRequest.self, WriteTxnMarkersResponse.self),
        row(.txnOffsetCommit, "TxnOffsetCommit", 0...5, 3, TxnOffsetCommitRequest.self, TxnOffsetCommitResponse.self),
        row(.describeAcls, "DescribeAcls", 1...3, 2, DescribeAclsRequest.self, DescribeAclsResponse.self),
        row(.createAcls, "CreateAcls", 1...3, 2, CreateAclsRequest.self, CreateAclsResponse.self),
        row(.deleteAcls, "DeleteAcls", 1...3, 2, DeleteAclsRequest.self, DeleteAclsResponse.self),
        row(.describeConfigs, "DescribeConfigs", 1...4, 4, DescribeConfigsRequest.self, DescribeConfigsResponse.self),
        row(.alterConfigs, "AlterConfigs", 0...2, 2, AlterConfigsRequest.self, AlterConfigsResponse.self),
        row(.describeLogDirs, "DescribeLogDirs", 1...5, 2, DescribeLogDirsRequest.self, DescribeLogDirsResponse.self),
        row(.saslAuthenticate, "SaslAuthenticate", 0...2, 2, SaslAuthenticateRequest.self, SaslAuthenticateResponse.self),
        row(.createPartitions, "CreatePartitions", 0...3, 2, CreatePartitionsRequest.self, CreatePartitionsResponse.self),
        row(.createDelegationToken, "CreateDelegationToken", 1...3, 2, CreateDelegationTokenRequest.self, CreateDelegationTokenResponse.self),
        row(.renewDelegationToken, "RenewDelegationToken", 1...2, 2, RenewDelegationTokenRequest.self, RenewDelegationTokenResponse.self),
        row(.expireDelegationToken, "ExpireDelegationToken", 1...2, 2, ExpireDelegationTokenRequest.self, ExpireDelegationTokenResponse.self),
        row(.describeDelegationToken, "DescribeDelegationToken", 1...3, 2, DescribeDelegationTokenRequest.self, DescribeDelegationTokenResponse.self),
        row(.deleteGroups, "DeleteGroups", 0...2, 2, DeleteGroupsRequest.self, DeleteGroupsResponse.self),
        row(.electLeaders, "ElectLeaders", 0...2, 2, ElectLeadersRequest.self, ElectLeadersResponse.self),
        row(.incrementalAlterConfigs, "IncrementalAlterConfigs", 0...1, 1, IncrementalAlterConfigsRequest.self, IncrementalAlterConfigsResponse.self),
        row(.alterPartitionReassignments, "AlterPartitionReassignments", 0...1, 0, AlterPartitionReassignmentsRequest.self, AlterPartitionReassignmentsResponse.self),
        row(.listPartitionReassignments, "ListPartitionReassignments", 0...0, 0, ListPartitionReassignmentsRequest.self, ListPartitionReassignmentsResponse.self),
        row(.offsetDelete, "OffsetDelete", 0...0, .max, OffsetDeleteRequest.self, OffsetDeleteResponse.self),
        row(.describeClientQuotas, "DescribeClientQuotas", 0...1, 1, DescribeClientQuotasRequest.self, DescribeClientQuotasResponse.self),
        row(.alterClientQuotas, "AlterClientQuotas", 0...1, 1, AlterClientQuotasRequest.self, AlterClientQuotasResponse.self),
        row(.describeUserScramCredentials, "DescribeUserScramCredentials", 0...0, 0, DescribeUserScramCredentialsRequest.self, DescribeUserScramCredentialsResponse.self),
        row(.alterUserScramCredentials, "AlterUserScramCredentials", 0...0, 0, AlterUserScramCredentialsRequest.self, AlterUserScramCredentialsResponse.self),
        row(.describeQuorum, "DescribeQuorum", 0...2, 0, DescribeQuorumRequest.self, DescribeQuorumResponse.self),
        row(.describeCluster, "DescribeCluster", 0...2, 0, DescribeClusterRequest.self, DescribeClusterResponse.self),
        row(.describeProducers, "DescribeProducers", 0...0, 0, DescribeProducersRequest.self, DescribeProducersResponse.self),
        row(.unregisterBroker, "UnregisterBroker", 0...0, 0, UnregisterBrokerRequest.self, UnregisterBrokerResponse.self),
        row(.describeTransactions, "DescribeTransactions", 0...0, 0, DescribeTransactionsRequest.self, DescribeTransactionsResponse.self),
        row(.listTransactions, "ListTransactions", 0...2, 0, ListTransactionsRequest.self, ListTransactionsResponse.self),
        row(.consumerGroupHeartbeat, "ConsumerGroupHeartbeat", 0...1, 0, ConsumerGroupHeartbeatRequest.self, ConsumerGroupHeartbeatResponse.self),
        row(.consumerGroupDescribe, "ConsumerGroupDescribe", 0...1, 0, ConsumerGroupDescribeRequest.self, ConsumerGroupDescribeResponse.self),
        row(.listConfigResources, "ListConfigResources", 0...1, 0, ListConfigResourcesRequest.self, ListConfigResourcesResponse.self),
        row(.describeTopicPartitions, "DescribeTopicPartitions", 0...0, 0, DescribeTopicPartitionsRequest.self, DescribeTopicPartitionsResponse.self),
        row(.shareGroupHeartbeat, "ShareGroupHeartbeat", 1...1, 0, ShareGroupHeartbeatRequest.self, ShareGroupHeartbeatResponse.self),
        row(.shareGroupDescribe, "ShareGroupDescribe", 1...1, 0, ShareGroupDescribeRequest.self, ShareGroupDescribeResponse.self),
        row(.shareFetch, "ShareFetch", 1...2, 0, ShareFetchRequest.self, ShareFetchResponse.self),
        row(.shareAcknowledge, "ShareAcknowledge", 1...2, 0, ShareAcknowledgeRequest.self, ShareAcknowledgeResponse.self),
        row(.addRaftVoter, "AddRaftVoter", 0...1, 0, AddRaftVoterRequest.self, AddRaftVoterResponse.self),
        row(.removeRaftVoter, "RemoveRaftVoter", 0...0, 0, RemoveRaftVoterRequest.self, RemoveRaftVoterResponse.self),
        row(.describeShareGroupOffsets, "DescribeShareGroupOffsets", 0...1, 0, DescribeShareGroupOffsetsRequest.self, DescribeShareGroupOffsetsResponse.self),
        row(.alterShareGroupOffsets, "AlterShareGroupOffsets", 0...0, 0, AlterShareGroupOffsetsRequest.self, AlterShareGroupOffsetsResponse.self),
        row(.deleteShareGroupOffsets, "DeleteShareGroupOffsets", 0...0, 0, DeleteShareGroupOffsetsRequest.self, DeleteShareGroupOffsetsResponse.self),
    ]

    private static func row(
        _ key: ApiKey, _ name: String, _ versions: ClosedRange<Int16>, _ firstFlexible: Int16,
        _ request: any WireLayout.Type, _ response: any WireLayout.Type
    ) -> ApiRow {
        ApiRow(key: key, name: name, versions: versions, firstFlexible: firstFlexible, request: request, response: response)
    }

    /// Rows by wire number; most numbers have none.
    private static let byNumber: [ApiRow?] = {
        var table = [ApiRow?](repeating: nil, count: 93)
        for row in rows { table[Int(row.key.rawValue)] = row }
        return table
    }()

    /// The row of a number from the wire, nil if that API is not served.
    package static func row(number: Int16) -> ApiRow? {
        guard number >= 0, Int(number) < byNumber.count else { return nil }
        return byNumber[Int(number)]
    }

    package static func row(_ key: ApiKey) -> ApiRow {
        guard let row = byNumber[Int(key.rawValue)] else { preconditionFailure("every API key has a row") }
        return row
    }
}
