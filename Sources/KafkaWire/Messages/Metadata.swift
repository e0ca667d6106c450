// Metadata: brokers and the leaders of partitions; a request may create missing topics. Source: Kafka protocol guide, api key 3.
import Base

package struct MetadataRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(3) }
    package typealias Response = MetadataResponse

    package var topics: [Topic]?
    package var allowAutoTopicCreation: Bool = true
    package var includeClusterAuthorizedOperations: Bool = false
    package var includeTopicAuthorizedOperations: Bool = false

    package init() {}

    package init(
        topics: [Topic]? = nil, allowAutoTopicCreation: Bool = true, includeClusterAuthorizedOperations: Bool = false,
        includeTopicAuthorizedOperations: Bool = false
    ) {
        self.topics = topics
        self.allowAutoTopicCreation = allowAutoTopicCreation
        self.includeClusterAuthorizedOperations = includeClusterAuthorizedOperations
        self.includeTopicAuthorizedOperations = includeTopicAuthorizedOperations
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&topics, nullableFrom: 1)
        if io.version >= 4 { try io.bool(&allowAutoTopicCreation) }
        if io.version >= 8 && io.version <= 10 { try io.bool(&includeClusterAuthorizedOperations) }
        if io.version >= 8 { try io.bool(&includeTopicAuthorizedOperations) }
        try io.tags()
    }

    package struct Topic: WireLayout, Equatable {
        package var topicID: UUIDBytes = UUIDBytes()
        package var name: String?

        package init() {}

        package init(topicID: UUIDBytes = UUIDBytes(), name: String? = nil) {
            self.topicID = topicID
            self.name = name
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            if io.version >= 10 { try io.uuid(&topicID) }
            try io.string(&name, nullableFrom: 10)
            try io.tags()
        }
    }

    /// Only version 13 has an error for the whole request.
    package func refused(_ code: KafkaErrorCode) -> MetadataResponse {
        MetadataResponse(topics: (topics ?? []).map { .init(errorCode: code, name: $0.name ?? "", topicID: $0.topicID) }, errorCode: code)
    }
}

package struct MetadataResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var brokers: [Broker] = []
    package var clusterID: String?
    package var controllerID: Int32 = -1
    package var topics: [Topic] = []
    package var clusterAuthorizedOperations: Int32 = unknownOperations
    package var errorCode: KafkaErrorCode = .none

    package init() {}

    package init(
        throttleTimeMilliseconds: Int32 = 0, brokers: [Broker] = [], clusterID: String? = nil, controllerID: Int32 = -1,
        topics: [Topic] = [], clusterAuthorizedOperations: Int32 = unknownOperations, errorCode: KafkaErrorCode = .none
    ) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.brokers = brokers
        self.clusterID = clusterID
        self.controllerID = controllerID
        self.topics = topics
        self.clusterAuthorizedOperations = clusterAuthorizedOperations
        self.errorCode = errorCode
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        if io.version >= 3 { try io.int32(&throttleTimeMilliseconds) }
        try io.list(&brokers)
        if io.version >= 2 { try io.optionalString(&clusterID) }
        if io.version >= 1 { try io.int32(&controllerID) }
        try io.list(&topics)
        if io.version >= 8 && io.version <= 10 { try io.int32(&clusterAuthorizedOperations) }
        if io.version >= 13 { try io.errorCode(&errorCode) }
        try io.tags()
    }

    package struct Broker: WireLayout, Equatable {
        package var nodeID: Int32 = 0
        package var host: String = ""
        package var port: Int32 = 0
        package var rack: String?

        package init() {}

        package init(nodeID: Int32 = 0, host: String = "", port: Int32 = 0, rack: String? = nil) {
            self.nodeID = nodeID
            self.host = host
            self.port = port
            self.rack = rack
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int32(&nodeID)
            try io.string(&host)
            try io.int32(&port)
            if io.version >= 1 { try io.optionalString(&rack) }
            try io.tags()
        }
    }

    package struct Topic: WireLayout, Equatable {
        package var errorCode: KafkaErrorCode = .none
        package var name: String?
        package var topicID: UUIDBytes = UUIDBytes()
        package var isInternal: Bool = false
        package var partitions: [Partition] = []
        package var topicAuthorizedOperations: Int32 = unknownOperations

        package init() {}

        package init(
            errorCode: KafkaErrorCode = .none, name: String? = nil, topicID: UUIDBytes = UUIDBytes(), isInternal: Bool = false,
            partitions: [Partition] = [], topicAuthorizedOperations: Int32 = unknownOperations
        ) {
            self.errorCode = errorCode
            self.name = name
            self.topicID = topicID
            self.isInternal = isInternal
            self.partitions = partitions
            self.topicAuthorizedOperations = topicAuthorizedOperations
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.errorCode(&errorCode)
            try io.string(&name, nullableFrom: 12)
            if io.version >= 10 { try io.uuid(&topicID) }
            if io.version >= 1 { try io.bool(&isInternal) }
            try io.list(&partitions)
            if io.version >= 8 { try io.int32(&topicAuthorizedOperations) }
            try io.tags()
        }

        package struct Partition: WireLayout, Equatable {
            package var errorCode: KafkaErrorCode = .none
            package var partition: Int32 = 0
            package var leaderID: Int32 = 0
            package var leaderEpoch: Int32 = -1
            package var replicaNodes: [Int32] = []
            package var isrNodes: [Int32] = []
            package var offlineReplicas: [Int32] = []

            package init() {}

            package init(
                errorCode: KafkaErrorCode = .none, partition: Int32 = 0, leaderID: Int32 = 0, leaderEpoch: Int32 = -1,
                replicaNodes: [Int32] = [], isrNodes: [Int32] = [], offlineReplicas: [Int32] = []
            ) {
                self.errorCode = errorCode
                self.partition = partition
                self.leaderID = leaderID
                self.leaderEpoch = leaderEpoch
                self.replicaNodes = replicaNodes
                self.isrNodes = isrNodes
                self.offlineReplicas = offlineReplicas
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.errorCode(&errorCode)
                try io.int32(&partition)
                try io.int32(&leaderID)
                if io.version >= 7 { try io.int32(&leaderEpoch) }
                try io.int32s(&replicaNodes)
                try io.int32s(&isrNodes)
                if io.version >= 5 { try io.int32s(&offlineReplicas) }
                try io.tags()
            }
        }
    }
}
