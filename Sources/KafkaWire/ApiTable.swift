// The API table: one row per served API. ApiVersions, decoding, dispatch and the compatibility table in the docs derive from it, so an API
// is served exactly when it has a row. Source: Kafka protocol guide, "Api Keys".
import Base

/// The number of an API on the wire; each request states its own.
package struct ApiKey: RawRepresentable, Hashable, Sendable {
    package let rawValue: Int16
    package init(rawValue: Int16) { self.rawValue = rawValue }
    package init(_ number: Int16) { rawValue = number }
}

/// The served part of an API.
package struct ApiRow: Sendable {
    package let key: ApiKey
    /// The name in Kafka's documentation.
    package let name: String
    package let versions: ClosedRange<Int16>
    /// The first version with compact lengths and tagged fields; `Int16.max` for none.
    package let firstFlexible: Int16
    package let request: any KafkaRequest.Type
    package let response: any KafkaResponse.Type

    package func isFlexible(_ version: Int16) -> Bool { version >= firstFlexible }
    /// Whether the response's header has tagged fields; never for ApiVersions, since its client does not yet know our versions.
    package func hasFlexibleResponseHeader(_ version: Int16) -> Bool { key != ApiVersionsRequest.apiKey && isFlexible(version) }
}

/// All rows in the order of their keys.
package enum ApiTable {
    /// Name, served versions, first flexible version, and the request type, which gives the key and the response.
    package static let rows: [ApiRow] = [
        row("Produce", 0...13, 9, ProduceRequest.self),
        row("Fetch", 4...18, 12, FetchRequest.self),
        row("ListOffsets", 1...11, 6, ListOffsetsRequest.self),
        row("Metadata", 0...13, 9, MetadataRequest.self),
        row("OffsetCommit", 2...10, 8, OffsetCommitRequest.self),
        row("OffsetFetch", 1...10, 6, OffsetFetchRequest.self),
        row("FindCoordinator", 0...6, 3, FindCoordinatorRequest.self),
        row("JoinGroup", 0...9, 6, JoinGroupRequest.self),
        row("Heartbeat", 0...4, 4, HeartbeatRequest.self),
        row("LeaveGroup", 0...5, 4, LeaveGroupRequest.self),
        row("SyncGroup", 0...5, 4, SyncGroupRequest.self),
        row("DescribeGroups", 0...6, 5, DescribeGroupsRequest.self),
        row("ListGroups", 0...5, 3, ListGroupsRequest.self),
        row("SaslHandshake", 0...1, .max, SaslHandshakeRequest.self),
        row("ApiVersions", 0...4, 3, ApiVersionsRequest.self),
        row("CreateTopics", 2...7, 5, CreateTopicsRequest.self),
        row("DeleteTopics", 1...6, 4, DeleteTopicsRequest.self),
        row("DeleteRecords", 0...2, 2, DeleteRecordsRequest.self),
        row("InitProducerId", 0...5, 2, InitProducerIDRequest.self),
        row("OffsetForLeaderEpoch", 2...4, 4, OffsetForLeaderEpochRequest.self),
        row("AddPartitionsToTxn", 0...3, 3, AddPartitionsToTxnRequest.self),
        row("AddOffsetsToTxn", 0...4, 3, AddOffsetsToTxnRequest.self),
        row("EndTxn", 0...5, 3, EndTxnRequest.self),
        row("WriteTxnMarkers", 1...2, 1, WriteTxnMarkersRequest.self),
        row("TxnOffsetCommit", 0...5, 3, TxnOffsetCommitRequest.self),
        row("DescribeAcls", 1...3, 2, DescribeAclsRequest.self),
        row("CreateAcls", 1...3, 2, CreateAclsRequest.self),
        row("DeleteAcls", 1...3, 2, DeleteAclsRequest.self),
        row("DescribeConfigs", 1...4, 4, DescribeConfigsRequest.self),
        row("AlterConfigs", 0...2, 2, AlterConfigsRequest.self),
        row("AlterReplicaLogDirs", 1...2, 2, AlterReplicaLogDirsRequest.self),
        row("DescribeLogDirs", 1...5, 2, DescribeLogDirsRequest.self),
        row("SaslAuthenticate", 0...2, 2, SaslAuthenticateRequest.self),
        row("CreatePartitions", 0...3, 2, CreatePartitionsRequest.self),
        row("CreateDelegationToken", 1...3, 2, CreateDelegationTokenRequest.self),
        row("RenewDelegationToken", 1...2, 2, RenewDelegationTokenRequest.self),
        row("ExpireDelegationToken", 1...2, 2, ExpireDelegationTokenRequest.self),
        row("DescribeDelegationToken", 1...3, 2, DescribeDelegationTokenRequest.self),
        row("DeleteGroups", 0...2, 2, DeleteGroupsRequest.self),
        row("ElectLeaders", 0...2, 2, ElectLeadersRequest.self),
        row("IncrementalAlterConfigs", 0...1, 1, IncrementalAlterConfigsRequest.self),
        row("AlterPartitionReassignments", 0...1, 0, AlterPartitionReassignmentsRequest.self),
        row("ListPartitionReassignments", 0...0, 0, ListPartitionReassignmentsRequest.self),
        row("OffsetDelete", 0...0, .max, OffsetDeleteRequest.self),
        row("DescribeClientQuotas", 0...1, 1, DescribeClientQuotasRequest.self),
        row("AlterClientQuotas", 0...1, 1, AlterClientQuotasRequest.self),
        row("DescribeUserScramCredentials", 0...0, 0, DescribeUserScramCredentialsRequest.self),
        row("AlterUserScramCredentials", 0...0, 0, AlterUserScramCredentialsRequest.self),
        row("DescribeQuorum", 0...2, 0, DescribeQuorumRequest.self),
        row("DescribeCluster", 0...2, 0, DescribeClusterRequest.self),
        row("DescribeProducers", 0...0, 0, DescribeProducersRequest.self),
        row("UnregisterBroker", 0...0, 0, UnregisterBrokerRequest.self),
        row("DescribeTransactions", 0...0, 0, DescribeTransactionsRequest.self),
        row("ListTransactions", 0...2, 0, ListTransactionsRequest.self),
        row("ConsumerGroupHeartbeat", 0...1, 0, ConsumerGroupHeartbeatRequest.self),
        row("ConsumerGroupDescribe", 0...1, 0, ConsumerGroupDescribeRequest.self),
        row("ListConfigResources", 0...1, 0, ListConfigResourcesRequest.self),
        row("DescribeTopicPartitions", 0...0, 0, DescribeTopicPartitionsRequest.self),
        row("ShareGroupHeartbeat", 1...1, 0, ShareGroupHeartbeatRequest.self),
        row("ShareGroupDescribe", 1...1, 0, ShareGroupDescribeRequest.self),
        row("ShareFetch", 1...2, 0, ShareFetchRequest.self),
        row("ShareAcknowledge", 1...2, 0, ShareAcknowledgeRequest.self),
        row("AddRaftVoter", 0...1, 0, AddRaftVoterRequest.self),
        row("RemoveRaftVoter", 0...0, 0, RemoveRaftVoterRequest.self),
        row("DescribeShareGroupOffsets", 0...1, 0, DescribeShareGroupOffsetsRequest.self),
        row("AlterShareGroupOffsets", 0...0, 0, AlterShareGroupOffsetsRequest.self),
        row("DeleteShareGroupOffsets", 0...0, 0, DeleteShareGroupOffsetsRequest.self),
    ]

    private static func row<R: KafkaRequest>(_ name: String, _ versions: ClosedRange<Int16>, _ firstFlexible: Int16, _ request: R.Type)
        -> ApiRow
    {
        ApiRow(key: R.apiKey, name: name, versions: versions, firstFlexible: firstFlexible, request: request, response: R.Response.self)
    }

    /// Rows by wire number; most numbers have none.
    private static let byNumber: [ApiRow?] = {
        var table = [ApiRow?](repeating: nil, count: (rows.map { Int($0.key.rawValue) }.max() ?? 0) + 1)
        for row in rows { table[Int(row.key.rawValue)] = row }
        return table
    }()

    /// The row of a wire number, nil if that API is not served. hot: `platform-bench broker`.
    package static func row(number: Int16) -> ApiRow? {
        guard number >= 0, Int(number) < byNumber.count else { return nil }
        return byNumber[Int(number)]
    }

    package static func row(_ key: ApiKey) -> ApiRow {
        guard let row = row(number: key.rawValue) else { preconditionFailure("every request's API has a row") }
        return row
    }
}
