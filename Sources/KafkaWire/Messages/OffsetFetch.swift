// OffsetFetch: a group's committed offsets; several groups in one request from version 8, topics named by id from version 10. Source: Kafka
// protocol guide, api key 9.
import Base

package struct OffsetFetchRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(9) }
    package typealias Response = OffsetFetchResponse

    package var groupID: String = ""
    package var topics: [Topic]?
    package var groups: [Group] = []
    package var requireStable: Bool = false

    package init() {}

    package init(groupID: String = "", topics: [Topic]? = nil, groups: [Group] = [], requireStable: Bool = false) {
        self.groupID = groupID
        self.topics = topics
        self.groups = groups
        self.requireStable = requireStable
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        if io.version <= 7 {
            try io.string(&groupID)
            try io.list(&topics, nullableFrom: 2)
        }
        if io.version >= 8 { try io.list(&groups) }
        if io.version >= 7 { try io.bool(&requireStable) }
        try io.tags()
    }

    package struct Topic: WireLayout, Equatable {
        package var name: String = ""
        package var topicID: UUIDBytes = UUIDBytes()
        package var partitions: [Int32] = []

        package init() {}

        package init(name: String = "", topicID: UUIDBytes = UUIDBytes(), partitions: [Int32] = []) {
            self.name = name
            self.topicID = topicID
            self.partitions = partitions
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            if io.version <= 9 { try io.string(&name) } else { try io.uuid(&topicID) }
            try io.int32s(&partitions)
            try io.tags()
        }
    }

    package struct Group: WireLayout, Equatable {
        package var groupID: String = ""
        package var memberID: String?
        package var memberEpoch: Int32 = -1
        package var topics: [Topic]?

        package init() {}

        package init(groupID: String = "", memberID: String? = nil, memberEpoch: Int32 = -1, topics: [Topic]? = nil) {
            self.groupID = groupID
            self.memberID = memberID
            self.memberEpoch = memberEpoch
            self.topics = topics
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&groupID)
            if io.version >= 9 {
                try io.optionalString(&memberID)
                try io.int32(&memberEpoch)
            }
            try io.optionalList(&topics)
            try io.tags()
        }
    }

    /// Before version 2 a response has errors only in its partitions (KAFKA-19439), from version 8 on in its groups.
    package func refused(_ code: KafkaErrorCode) -> OffsetFetchResponse {
        OffsetFetchResponse(
            topics: (topics ?? []).map { topic in
                .init(
                    name: topic.name, topicID: topic.topicID,
                    partitions: topic.partitions.map { .init(partition: $0, committedOffset: -1, metadata: "", errorCode: code) })
            }, errorCode: code, groups: groups.map { .init(groupID: $0.groupID, errorCode: code) })
    }
}

package struct OffsetFetchResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var topics: [Topic] = []
    package var errorCode: KafkaErrorCode = .none
    package var groups: [Group] = []

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, topics: [Topic] = [], errorCode: KafkaErrorCode = .none, groups: [Group] = []) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.topics = topics
        self.errorCode = errorCode
        self.groups = groups
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        if io.version >= 3 { try io.int32(&throttleTimeMilliseconds) }
        if io.version <= 7 { try io.list(&topics) }
        if io.version >= 2 && io.version <= 7 { try io.errorCode(&errorCode) }
        if io.version >= 8 { try io.list(&groups) }
        try io.tags()
    }

    package struct Topic: WireLayout, Equatable {
        package var name: String = ""
        package var topicID: UUIDBytes = UUIDBytes()
        package var partitions: [Partition] = []

        package init() {}

        package init(name: String = "", topicID: UUIDBytes = UUIDBytes(), partitions: [Partition] = []) {
            self.name = name
            self.topicID = topicID
            self.partitions = partitions
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            if io.version <= 9 { try io.string(&name) } else { try io.uuid(&topicID) }
            try io.list(&partitions)
            try io.tags()
        }

        package struct Partition: WireLayout, Equatable {
            package var partition: Int32 = 0
            package var committedOffset: Int64 = 0
            package var committedLeaderEpoch: Int32 = -1
            package var metadata: String?
            package var errorCode: KafkaErrorCode = .none

            package init() {}

            package init(
                partition: Int32 = 0, committedOffset: Int64 = 0, committedLeaderEpoch: Int32 = -1, metadata: String? = nil,
                errorCode: KafkaErrorCode = .none
            ) {
                self.partition = partition
                self.committedOffset = committedOffset
                self.committedLeaderEpoch = committedLeaderEpoch
                self.metadata = metadata
                self.errorCode = errorCode
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.int32(&partition)
                try io.int64(&committedOffset)
                if io.version >= 5 { try io.int32(&committedLeaderEpoch) }
                try io.optionalString(&metadata)
                try io.errorCode(&errorCode)
                try io.tags()
            }
        }
    }

    package struct Group: WireLayout, Equatable {
        package var groupID: String = ""
        package var topics: [Topic] = []
        package var errorCode: KafkaErrorCode = .none

        package init() {}

        package init(groupID: String = "", topics: [Topic] = [], errorCode: KafkaErrorCode = .none) {
            self.groupID = groupID
            self.topics = topics
            self.errorCode = errorCode
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&groupID)
            try io.list(&topics)
            try io.errorCode(&errorCode)
            try io.tags()
        }
    }
}
