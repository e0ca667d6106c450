// DescribeQuorum: who votes on the metadata, and how far each is. Source: Kafka protocol guide, api key 55; KIP-595, KIP-836.
import Base

package struct DescribeQuorumRequest: WireLayout, Equatable {
    package var topics: [Topic] = []

    package init() {}

    package init(topics: [Topic] = []) {
        self.topics = topics
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&topics)
        try io.tags()
    }

    package struct Topic: WireLayout, Equatable {
        package var topicName: String = ""
        package var partitions: [Partition] = []

        package init() {}

        package init(topicName: String = "", partitions: [Partition] = []) {
            self.topicName = topicName
            self.partitions = partitions
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&topicName)
            try io.list(&partitions)
            try io.tags()
        }

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
}

package struct DescribeQuorumResponse: WireLayout, Equatable {
    package var errorCode: KafkaErrorCode = .none
    package var topics: [Topic] = []

    package init() {}

    package init(errorCode: KafkaErrorCode = .none, topics: [Topic] = []) {
        self.errorCode = errorCode
        self.topics = topics
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.errorCode(&errorCode)
        try io.list(&topics)
        try io.tags()
    }

    package struct Topic: WireLayout, Equatable {
        package var topicName: String = ""
        package var partitions: [Partition] = []

        package init() {}

        package init(topicName: String = "", partitions: [Partition] = []) {
            self.topicName = topicName
            self.partitions = partitions
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&topicName)
            try io.list(&partitions)
            try io.tags()
        }

        package struct Partition: WireLayout, Equatable {
            package var partition: Int32 = 0
            package var errorCode: KafkaErrorCode = .none
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
                try io.int32(&leaderID)
                try io.int32(&leaderEpoch)
                try io.int64(&highWatermark)
                try io.list(&currentVoters)
                try io.list(&observers)
                try io.tags()
            }
        }
    }

    package struct Replica: WireLayout, Equatable {
        package var replicaID: Int32 = 0
        package var logEndOffset: Int64 = 0
        package var lastFetchTimestamp: Int64 = -1
        package var lastCaughtUpTimestamp: Int64 = -1

        package init() {}

        package init(replicaID: Int32 = 0, logEndOffset: Int64 = 0, lastFetchTimestamp: Int64 = -1, lastCaughtUpTimestamp: Int64 = -1) {
            self.replicaID = replicaID
            self.logEndOffset = logEndOffset
            self.lastFetchTimestamp = lastFetchTimestamp
            self.lastCaughtUpTimestamp = lastCaughtUpTimestamp
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int32(&replicaID)
            try io.int64(&logEndOffset)
            if io.version >= 1 {
                try io.int64(&lastFetchTimestamp)
                try io.int64(&lastCaughtUpTimestamp)
            }
            try io.tags()
        }
    }
}
