// DeleteRecords: raises a partition's start offset. The start is metadata; whole segments below it are deleted.
import Base
import BrokerCore
import KafkaWire
import Storage

extension Broker {
    private static var everything: Int64 { -1 }

    func deleteRecords(_ request: DeleteRecordsRequest, _ call: Call) {
        var response = DeleteRecordsResponse(
            topics: request.topics.map { topic in
                .init(name: topic.name, partitions: topic.partitions.map { .init(partition: $0.partition, lowWatermark: -1) })
            })
        let gathering = Gathering { call.reply(response) }
        for (t, topic) in request.topics.enumerated() {
            for (p, part) in topic.partitions.enumerated() {
                let name = TopicPartition(topic.name, part.partition)
                let partition: Partition
                if InternalTopic.isName(name.topic) {
                    response.topics[t].partitions[p].errorCode = .invalidTopic
                    continue
                }
                do { partition = try led(name).get() } catch {
                    response.topics[t].partitions[p].errorCode = error.code
                    continue
                }
                // A topic with compaction alone keeps the newest value of every key.
                guard partition.config.cleanup.deletes else {
                    response.topics[t].partitions[p].errorCode = .policyViolation
                    continue
                }
                let offset = part.offset == Self.everything ? partition.highWatermark : part.offset
                guard (0...partition.highWatermark).contains(offset) else {
                    response.topics[t].partitions[p].errorCode = .offsetOutOfRange
                    continue
                }
                gathering.enter()
                delete(below: offset, in: partition) { code in
                    response.topics[t].partitions[p].errorCode = code
                    if code == .none { response.topics[t].partitions[p].lowWatermark = partition.startOffset }
                    gathering.leave()
                }
            }
        }
        gathering.leave()
    }

    private func delete(below offset: Int64, in partition: Partition, _ done: @escaping (KafkaErrorCode) -> Void) {
        guard offset > partition.startOffset else { return done(.none) }
        replica.propose(.deleteRecords([PartitionOffset(partition.name, offset)])) { [self] result in
            guard case .success(.recordsDeleted) = result else { return done(.kafkaStorageError) }
            trim(partition, to: offset, done)
        }
    }

    /// Deletes whole segments below `offset`.
    func trim(_ partition: Partition, to offset: Int64, _ done: @escaping (KafkaErrorCode) -> Void) {
        let log = partition.log
        // Made and called on the loop; the disk thread only carries it back.
        nonisolated(unsafe) let trimmed: (Result<LogBounds, StorageError>) -> Void = { [self] result in
            switch result {
            case .success(let bounds):
                partition.trimmed(bounds)
                done(.none)
            case .failure(let error):
                self.log.warning(
                    "deleted records stay on the disk for now", metadata: ["partition": "\(partition.name)", "error": "\(error)"])
                done(.kafkaStorageError)
            }
        }
        partition.writer.disk.submit {
            let result = Result { () throws(StorageError) in
                try log.begin(at: offset)
                return log.bounds
            }
            self.loop.execute { trimmed(result) }
        }
    }
}
