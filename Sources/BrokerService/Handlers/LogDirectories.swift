// DescribeLogDirs and AlterReplicaLogDirs: a broker has one directory for its partitions. A move to it changes nothing; other directories
// are refused, as Kafka refuses one outside of log.dirs. Source: KIP-113.
import Base
import BrokerCore
import KafkaWire
import Storage

extension Broker {
    /// The directory of the partitions.
    private var topicsDirectory: String { dataDirectory + "/topics" }

    func describeLogDirs(_ request: DescribeLogDirsRequest, _ call: Call) {
        let wanted: [TopicPartition] =
            request.topics?.flatMap { topic in topic.partitions.map { TopicPartition(topic.topic, $0) } }
            ?? machine.topics.entries.flatMap { name, topic in (0..<topic.partitions).map { TopicPartition(name, $0) } }
        var result = DescribeLogDirsResponse.Result(logDir: topicsDirectory)
        for name in wanted.sorted() {
            guard let partition = partitions[name] else { continue }
            if result.topics.last?.name != name.topic { result.topics.append(.init(name: name.topic)) }
            result.topics[result.topics.count - 1].partitions.append(.init(partition: name.partition, partitionSize: partition.sizeBytes))
        }
        if let space = RealFileSystem.space(dataDirectory) {
            result.totalBytes = space.total
            result.usableBytes = space.usable
        }
        call.reply(DescribeLogDirsResponse(results: [result]))
    }

    func alterReplicaLogDirs(_ request: AlterReplicaLogDirsRequest, _ call: Call) {
        call.reply(
            request.answered { dir, topic, number in
                guard dir.path == topicsDirectory else { return .logDirNotFound }
                let place = TopicPartition(topic.name, number)
                if partitions[place] != nil { return .none }
                let isKnown = (0..<(shownTopic(topic.name)?.partitions ?? 0)).contains(number)
                return isKnown ? .replicaNotAvailable : .unknownTopicOrPartition
            })
    }
}
