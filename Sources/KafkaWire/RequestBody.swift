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
    case apiVersions(ApiVersionsRequest)
    case createTopics(CreateTopicsRequest)
    case deleteTopics(DeleteTopicsRequest)
    case deleteRecords(DeleteRecordsRequest)
    case initProducerID(InitProducerIDRequest)
    case offsetForLeaderEpoch(OffsetForLeaderEpochRequest)
    case addPartitionsToTxn(AddPartitionsToTxnRequest)
    case addOffsetsToTxn(AddOffsetsToTxnRequest)
    case endTxn(EndTxnRequest)
    case txnOffsetCommit(TxnOffsetCommitRequest)
    case describeConfigs(DescribeConfigsRequest)
    case alterConfigs(AlterConfigsRequest)
    case describeLogDirs(DescribeLogDirsRequest)
    case createPartitions(CreatePartitionsRequest)
    case deleteGroups(DeleteGroupsRequest)
    case electLeaders(ElectLeadersRequest)
    case incrementalAlterConfigs(IncrementalAlterConfigsRequest)
    case offsetDelete(OffsetDeleteRequest)
    case describeQuorum(DescribeQuorumRequest)
    case describeCluster(DescribeClusterRequest)
    case describeProducers(DescribeProducersRequest)
    case describeTransactions(DescribeTransactionsRequest)
    case listTransactions(ListTransactionsRequest)
    case describeTopicPartitions(DescribeTopicPartitionsRequest)

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
        case .apiVersions: .apiVersions
        case .createTopics: .createTopics
        case .deleteTopics: .deleteTopics
        case .deleteRecords: .deleteRecords
        case .initProducerID: .initProducerID
        case .offsetForLeaderEpoch: .offsetForLeaderEpoch
        case .addPartitionsToTxn: .addPartitionsToTxn
        case .addOffsetsToTxn: .addOffsetsToTxn
        case .endTxn: .endTxn
        case .txnOffsetCommit: .txnOffsetCommit
        case .describeConfigs: .describeConfigs
        case .alterConfigs: .alterConfigs
        case .describeLogDirs: .describeLogDirs
        case .createPartitions: .createPartitions
        case .deleteGroups: .deleteGroups
        case .electLeaders: .electLeaders
        case .incrementalAlterConfigs: .incrementalAlterConfigs
        case .offsetDelete: .offsetDelete
        case .describeQuorum: .describeQuorum
        case .describeCluster: .describeCluster
        case .describeProducers: .describeProducers
        case .describeTransactions: .describeTransactions
        case .listTransactions: .listTransactions
        case .describeTopicPartitions: .describeTopicPartitions
        }
    }

    /// Decodes the body of `row`'s API; it must fill `bytes`.
    package static func decode(_ bytes: Bytes, _ row: ApiRow, version: Int16) throws(WireError) -> RequestBody {
        let flexible = row.isFlexible(version)
        return switch row.key {
        case .produce: .produce(try ProduceRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .fetch: .fetch(try FetchRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .listOffsets: .listOffsets(try ListOffsetsRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .metadata: .metadata(try MetadataRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .offsetCommit: .offsetCommit(try OffsetCommitRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .offsetFetch: .offsetFetch(try OffsetFetchRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .findCoordinator: .findCoordinator(try FindCoordinatorRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .joinGroup: .joinGroup(try JoinGroupRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .heartbeat: .heartbeat(try HeartbeatRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .leaveGroup: .leaveGroup(try LeaveGroupRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .syncGroup: .syncGroup(try SyncGroupRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .describeGroups: .describeGroups(try DescribeGroupsRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .listGroups: .listGroups(try ListGroupsRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .apiVersions: .apiVersions(try ApiVersionsRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .createTopics: .createTopics(try CreateTopicsRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .deleteTopics: .deleteTopics(try DeleteTopicsRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .deleteRecords: .deleteRecords(try DeleteRecordsRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .initProducerID: .initProducerID(try InitProducerIDRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .offsetForLeaderEpoch: .offsetForLeaderEpoch(try OffsetForLeaderEpochRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .addPartitionsToTxn: .addPartitionsToTxn(try AddPartitionsToTxnRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .addOffsetsToTxn: .addOffsetsToTxn(try AddOffsetsToTxnRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .endTxn: .endTxn(try EndTxnRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .txnOffsetCommit: .txnOffsetCommit(try TxnOffsetCommitRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .describeConfigs: .describeConfigs(try DescribeConfigsRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .alterConfigs: .alterConfigs(try AlterConfigsRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .describeLogDirs: .describeLogDirs(try DescribeLogDirsRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .createPartitions: .createPartitions(try CreatePartitionsRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .deleteGroups: .deleteGroups(try DeleteGroupsRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .electLeaders: .electLeaders(try ElectLeadersRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .incrementalAlterConfigs: .incrementalAlterConfigs(try IncrementalAlterConfigsRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .offsetDelete: .offsetDelete(try OffsetDeleteRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .describeQuorum: .describeQuorum(try DescribeQuorumRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .describeCluster: .describeCluster(try DescribeClusterRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .describeProducers: .describeProducers(try DescribeProducersRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .describeTransactions: .describeTransactions(try DescribeTransactionsRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .listTransactions: .listTransactions(try ListTransactionsRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
        case .describeTopicPartitions: .describeTopicPartitions(try DescribeTopicPartitionsRequest(decoding: bytes, as: KafkaDialect.self, version: version, flexible: flexible))
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
        case .apiVersions(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .createTopics(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .deleteTopics(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .deleteRecords(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .initProducerID(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .offsetForLeaderEpoch(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .addPartitionsToTxn(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .addOffsetsToTxn(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .endTxn(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .txnOffsetCommit(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .describeConfigs(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .alterConfigs(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .describeLogDirs(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .createPartitions(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .deleteGroups(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .electLeaders(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .incrementalAlterConfigs(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .offsetDelete(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .describeQuorum(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .describeCluster(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .describeProducers(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .describeTransactions(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .listTransactions(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        case .describeTopicPartitions(let body): try body.encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        }
    }
}
