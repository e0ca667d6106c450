// ListOffsets: ends of partitions from memory, offsets by time from the partition's disk thread.
import Base
import BrokerCore
import KafkaWire
import Storage

extension Broker {
    private static var latest: Int64 { -1 }
    private static var earliest: Int64 { -2 }
    private static var highestTimestamp: Int64 { -3 }
    /// All records lie here, so it equals the earliest offset.
    private static var earliestLocal: Int64 { -4 }
    /// The ends of tiered storage, which does not exist here: answered with -1, as Kafka does for topics without it.
    private static var tiered: [Int64: Int16] { [-5: 9, -6: 11] }

    func listOffsets(_ request: ListOffsetsRequest, _ call: Call) {
        let answer = ListOffsetsAnswer(request)
        let isolation = IsolationLevel(wire: request.isolationLevel)
        let gathering = Gathering { call.reply(answer.response) }
        for (t, topic) in request.topics.enumerated() {
            for (p, part) in topic.partitions.enumerated() {
                if isEmptyInternal(TopicPartition(topic.name, part.partition)) {
                    if part.timestamp == Self.latest || part.timestamp == Self.earliest { answer.set(t, p, 0, -1, 0) }
                    continue
                }
                let partition: Partition
                do { partition = try led(TopicPartition(topic.name, part.partition)).get() } catch {
                    answer.refuse(t, p, error.code)
                    continue
                }
                let isEarliest = part.timestamp == Self.earliest || (part.timestamp == Self.earliestLocal && call.version >= 8)
                if let code = partition.refusal(ofEpoch: part.currentLeaderEpoch) {
                    answer.refuse(t, p, code)
                } else if let since = Self.tiered[part.timestamp], call.version >= since {
                    continue
                } else if !partition.knowsEnd, !isEarliest {
                    // The end known now could lie below an end that an earlier leader has shown.
                    answer.refuse(t, p, call.version >= Self.firstVersionThatWaits ? .offsetNotAvailable : .leaderNotAvailable)
                } else if part.timestamp == Self.latest {
                    answer.set(t, p, partition.end(of: isolation), -1, partition.epochs.latest)
                } else if isEarliest {
                    answer.set(t, p, partition.startOffset, -1, partition.epochs.entries.first?.epoch ?? -1)
                } else if part.timestamp >= 0 || (part.timestamp == Self.highestTimestamp && call.version >= 7) {
                    gathering.enter()
                    find(part.timestamp, in: partition) { found in
                        answer.take(t, p, found, partition, below: partition.end(of: isolation))
                        gathering.leave()
                    }
                } else {
                    answer.refuse(t, p, .invalidRequest)
                }
            }
        }
        gathering.leave()
    }

    /// The first version of ListOffsets with OFFSET_NOT_AVAILABLE.
    private static var firstVersionThatWaits: Int16 { 5 }

    typealias FoundByTime = Result<(offset: Int64, timestamp: Int64)?, StorageError>

    /// Looks up the first record at or after a time in milliseconds since 1970; for a negative time, a record with the highest time.
    func find(_ timestamp: Int64, in partition: Partition, _ done: @escaping (FoundByTime) -> Void) {
        let log = partition.log
        // Made and called on the loop; the disk thread only carries it back.
        nonisolated(unsafe) let done = done
        partition.writer.disk.submit {
            let found: FoundByTime = Result { () throws(StorageError) in
                timestamp >= 0 ? try log.find(timestamp: timestamp) : try log.findMaxTimestamp()
            }
            self.loop.execute { done(found) }
        }
    }
}

/// A ListOffsets response under assembly.
private final class ListOffsetsAnswer {
    private(set) var response: ListOffsetsResponse

    init(_ request: ListOffsetsRequest) {
        response = ListOffsetsResponse(
            topics: request.topics.map { topic in
                .init(name: topic.name, partitions: topic.partitions.map { .init(partition: $0.partition) })
            })
    }

    func refuse(_ t: Int, _ p: Int, _ code: KafkaErrorCode) { response.topics[t].partitions[p].errorCode = code }

    func set(_ t: Int, _ p: Int, _ offset: Int64, _ timestamp: Int64, _ epoch: Int32) {
        response.topics[t].partitions[p].offset = offset
        response.topics[t].partitions[p].timestamp = timestamp
        response.topics[t].partitions[p].leaderEpoch = max(0, epoch)
    }

    /// A missing record is no error: offset and time stay -1.
    func take(_ t: Int, _ p: Int, _ found: Broker.FoundByTime, _ partition: Partition, below end: Int64) {
        switch found {
        case .success(let place?) where place.offset < end:
            set(t, p, place.offset, place.timestamp, partition.epochs.epoch(at: place.offset))
        case .success: break
        case .failure: refuse(t, p, .kafkaStorageError)
        }
    }
}
