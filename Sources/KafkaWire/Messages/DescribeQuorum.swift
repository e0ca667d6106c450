// DescribeQuorum: the voters of the metadata quorum and their progress. Source: Kafka protocol guide, api key 55; KIP-595, KIP-836,
// KIP-853.
import Base

package struct DescribeQuorumRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(55) }
    package typealias Response = DescribeQuorumResponse

    package var topics: [Topic] = []

    package init() {}

    package init(topics: [Topic] = []) {
        self.topics = topics
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&topics)
        try io.tags()
    }

    package typealias Topic = PerTopic<Partition>

    package struct Partition: WireLayout, Equatable {
        package var partition: Int32 = 0

        package init() {}

        package init(partition: Int32 = 0) {
            self.partition = partition
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int32(&partition)
            try io.tags()
        }
    }
}

package struct DescribeQuorumResponse: CodedResponse, Equatable {
    package var errorCode: KafkaErrorCode = .none
    package var errorMessage: String?
    package var topics: [Topic] = []
    /// The addresses of voters and observers.
    package var nodes: [Node] = []

    package init() {}

    package init(errorCode: KafkaErrorCode = .none, topics: [Topic] = [], nodes: [Node] = []) {
        self.errorCode = errorCode
        self.topics = topics
        self.nodes = nodes
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.errorCode(&errorCode)
        if io.version >= 2 { try io.optionalString(&errorMessage) }
        try io.list(&topics)
        if io.version >= 2 { try io.list(&nodes) }
        try io.tags()
    }

    package struct Node: WireLayout, Equatable {
        package var nodeID: Int32 = 0
        package var listeners: [QuorumListener] = []

        package init() {}

        package init(nodeID: Int32, listeners: [QuorumListener]) {
            self.nodeID = nodeID
            self.listeners = listeners
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int32(&nodeID)
            try io.list(&listeners)
            try io.tags()
        }
    }

    package typealias Topic = PerTopic<Partition>

    package struct Partition: WireLayout, Equatable {
        package var partition: Int32 = 0
        package var errorCode: KafkaErrorCode = .none
        package var errorMessage: String?
        package var leaderID: Int32 = 0
        package var leaderEpoch: Int32 = 0
        package var highWatermark: Int64 = 0
        package var currentVoters: [Replica] = []
        package var observers: [Replica] = []

        package init() {}

        package init(
            partition: Int32 = 0, errorCode: KafkaErrorCode = .none, leaderID: Int32 = 0, leaderEpoch: Int32 = 0,
            highWatermark: Int64 = 0, currentVoters: [Replica] = [], observers: [Replica] = []
        ) {
            self.partition = partition
            self.errorCode = errorCode
            self.leaderID = leaderID
            self.leaderEpoch = leaderEpoch
            self.highWatermark = highWatermark
            self.currentVoters = currentVoters
            self.observers = observers
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int32(&partition)
            try io.errorCode(&errorCode)
            if io.version >= 2 { try io.optionalString(&errorMessage) }
            try io.int32(&leaderID)
            try io.int32(&leaderEpoch)
            try io.int64(&highWatermark)
            try io.list(&currentVoters)
            try io.list(&observers)
            try io.tags()
        }
    }

    package struct Replica: WireLayout, Equatable {
        package var replicaID: Int32 = 0
        package var directoryID = UUIDBytes()
        package var logEndOffset: Int64 = 0
        package var lastFetchTimestamp: Int64 = -1
        package var lastCaughtUpTimestamp: Int64 = -1

        package init() {}

        package init(
            replicaID: Int32 = 0, directoryID: UUIDBytes = UUIDBytes(), logEndOffset: Int64 = 0, lastFetchTimestamp: Int64 = -1,
            lastCaughtUpTimestamp: Int64 = -1
        ) {
            self.replicaID = replicaID
            self.directoryID = directoryID
            self.logEndOffset = logEndOffset
            self.lastFetchTimestamp = lastFetchTimestamp
            self.lastCaughtUpTimestamp = lastCaughtUpTimestamp
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int32(&replicaID)
            if io.version >= 2 { try io.uuid(&directoryID) }
            try io.int64(&logEndOffset)
            if io.version >= 1 {
                try io.int64(&lastFetchTimestamp)
                try io.int64(&lastCaughtUpTimestamp)
            }
            try io.tags()
        }
    }
}
