// AlterReplicaLogDirs: moves replicas between the directories of one broker. Source: Kafka protocol guide, api key 34; KIP-113.
import Base

package struct AlterReplicaLogDirsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(34) }
    package typealias Response = AlterReplicaLogDirsResponse

    package var dirs: [Directory] = []

    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&dirs)
        try io.tags()
    }

    /// A directory and the replicas to move there.
    package struct Directory: WireLayout, Equatable {
        /// Absolute.
        package var path: String = ""
        package var topics: [Topic] = []

        package init() {}

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&path)
            try io.list(&topics)
            try io.tags()
        }
    }

    package struct Topic: WireLayout, Equatable {
        package var name: String = ""
        package var partitions: [Int32] = []

        package init() {}

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&name)
            try io.int32s(&partitions)
            try io.tags()
        }
    }

    /// The response with one code per partition.
    package func answered(_ code: (Directory, Topic, Int32) -> KafkaErrorCode) -> AlterReplicaLogDirsResponse {
        AlterReplicaLogDirsResponse(
            results: dirs.flatMap { dir in
                dir.topics.map { topic in
                    .init(name: topic.name, partitions: topic.partitions.map { .init(partition: $0, errorCode: code(dir, topic, $0)) })
                }
            })
    }

    package func refused(_ code: KafkaErrorCode) -> AlterReplicaLogDirsResponse { answered { _, _, _ in code } }
}

package struct AlterReplicaLogDirsResponse: ThrottledResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var results: [Topic] = []

    package init() {}

    package init(results: [Topic]) { self.results = results }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.list(&results)
        try io.tags()
    }

    package typealias Topic = PerTopic<Partition>

    package typealias Partition = PartitionResult
}
