// CreateTopics: creates topics with partitions and settings. Source: Kafka protocol guide, api key 19.
import Base

package struct CreateTopicsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(19) }
    package typealias Response = CreateTopicsResponse

    package var topics: [Topic] = []
    package var timeoutMilliseconds: Int32 = 60000
    package var validateOnly: Bool = false

    package init() {}

    package init(topics: [Topic] = [], timeoutMilliseconds: Int32 = 60000, validateOnly: Bool = false) {
        self.topics = topics
        self.timeoutMilliseconds = timeoutMilliseconds
        self.validateOnly = validateOnly
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&topics)
        try io.int32(&timeoutMilliseconds)
        try io.bool(&validateOnly)
        try io.tags()
    }

    package struct Topic: WireLayout, Equatable {
        package var name: String = ""
        package var numPartitions: Int32 = 0
        package var replicationFactor: Int16 = 0
        package var assignments: [ReplicaAssignment] = []
        package var configs: [Config] = []

        package init() {}

        package init(
            name: String = "", numPartitions: Int32 = 0, replicationFactor: Int16 = 0, assignments: [ReplicaAssignment] = [],
            configs: [Config] = []
        ) {
            self.name = name
            self.numPartitions = numPartitions
            self.replicationFactor = replicationFactor
            self.assignments = assignments
            self.configs = configs
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&name)
            try io.int32(&numPartitions)
            try io.int16(&replicationFactor)
            try io.list(&assignments)
            try io.list(&configs)
            try io.tags()
        }

        package struct ReplicaAssignment: WireLayout, Equatable {
            package var partition: Int32 = 0
            package var brokerIDs: [Int32] = []

            package init() {}

            package init(partition: Int32 = 0, brokerIDs: [Int32] = []) {
                self.partition = partition
                self.brokerIDs = brokerIDs
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.int32(&partition)
                try io.int32s(&brokerIDs)
                try io.tags()
            }
        }

        package struct Config: WireLayout, Equatable {
            package var name: String = ""
            package var value: String?

            package init() {}

            package init(name: String = "", value: String? = nil) {
                self.name = name
                self.value = value
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.string(&name)
                try io.optionalString(&value)
                try io.tags()
            }
        }
    }

    package func refused(_ code: KafkaErrorCode) -> CreateTopicsResponse {
        CreateTopicsResponse(topics: topics.map { .init(name: $0.name, errorCode: code) })
    }
}

package struct CreateTopicsResponse: ThrottledResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var topics: [Topic] = []

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, topics: [Topic] = []) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.topics = topics
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.list(&topics)
        try io.tags()
    }

    package struct Topic: WireLayout, Equatable {
        package var name: String = ""
        package var topicID: UUIDBytes = UUIDBytes()
        package var errorCode: KafkaErrorCode = .none
        package var errorMessage: String?
        package var numPartitions: Int32 = -1
        package var replicationFactor: Int16 = -1
        package var configs: [Config]?

        package init() {}

        package init(
            name: String = "", topicID: UUIDBytes = UUIDBytes(), errorCode: KafkaErrorCode = .none, errorMessage: String? = nil,
            numPartitions: Int32 = -1, replicationFactor: Int16 = -1, configs: [Config]? = nil
        ) {
            self.name = name
            self.topicID = topicID
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.numPartitions = numPartitions
            self.replicationFactor = replicationFactor
            self.configs = configs
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&name)
            if io.version >= 7 { try io.uuid(&topicID) }
            try io.errorCode(&errorCode)
            try io.optionalString(&errorMessage)
            if io.version >= 5 {
                try io.int32(&numPartitions)
                try io.int16(&replicationFactor)
                try io.optionalList(&configs)
            }
            try io.tags()
        }

        package struct Config: WireLayout, Equatable {
            package var name: String = ""
            package var value: String?
            package var readOnly: Bool = false
            package var configSource: Int8 = -1
            package var isSensitive: Bool = false

            package init() {}

            package init(
                name: String = "", value: String? = nil, readOnly: Bool = false, configSource: Int8 = -1, isSensitive: Bool = false
            ) {
                self.name = name
                self.value = value
                self.readOnly = readOnly
                self.configSource = configSource
                self.isSensitive = isSensitive
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.string(&name)
                try io.optionalString(&value)
                try io.bool(&readOnly)
                try io.int8(&configSource)
                try io.bool(&isSensitive)
                try io.tags()
            }
        }
    }
}
