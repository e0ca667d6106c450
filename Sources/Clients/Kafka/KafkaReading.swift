// Reading of partitions from given offsets, by long polls: a reader without a group, and the ground for members of groups.
import Base
import KafkaWire

/// A consumed record.
package struct ConsumedRecord: Sendable, Equatable {
    package var partition: Int32
    package var record: Record
}

extension KafkaClient {
    private static var fetchBytesMax: Int32 { 16 << 20 }
    private static var partitionBytesMax: Int32 { 4 << 20 }

    /// Fetches from the given offsets of one topic, waiting up to `maxWait` for the first record. Returns records in offset order per
    /// partition, and the next offsets. `committedOnly` skips records of aborted transactions, and holds back those of open ones.
    package func fetch(_ topic: String, from offsets: [Int32: Int64], maxWait: Duration = .milliseconds(500), committedOnly: Bool = false)
        async throws -> (records: [ConsumedRecord], next: [Int32: Int64])
    {
        var byLeader: [Int32: [Int32]] = [:]
        for partition in offsets.keys.sorted() { byLeader[try await leader(of: topic, partition), default: []].append(partition) }
        var records: [ConsumedRecord] = []
        var next = offsets
        // Several leaders share the wait, so that none of them delays the others' records by more than its part.
        let wait = Int32(clamping: maxWait.inMilliseconds / Int64(max(1, byLeader.count)))
        for (node, partitions) in byLeader.sorted(by: { $0.key < $1.key }) {
            let places = partitions.map {
                FetchRequest.Topic.Partition(partition: $0, fetchOffset: offsets[$0] ?? 0, partitionMaxBytes: Self.partitionBytesMax)
            }
            let request = FetchRequest(
                maxWaitMilliseconds: wait, minBytes: 1, maxBytes: Self.fetchBytesMax, isolationLevel: committedOnly ? 1 : 0,
                topics: [.init(name: topic, partitions: places)])
            let answer = try await call(node, request, versionMax: Self.fetchByName)
            guard answer.errorCode == .none else { throw KafkaFailure.refused(answer.errorCode, doing: "reading '\(topic)'", detail: nil) }
            for part in answer.topics.flatMap(\.partitions) { try take(topic, part, &records, &next) }
        }
        return (records, next)
    }

    private func take(
        _ topic: String, _ part: FetchResponse.Topic.Partition, _ records: inout [ConsumedRecord], _ next: inout [Int32: Int64]
    ) throws {
        if part.errorCode == .offsetOutOfRange {
            throw KafkaFailure.refused(
                part.errorCode, doing: "reading '\(topic)' partition \(part.partition)",
                detail:
                    "offset \(next[part.partition] ?? 0) is outside of what the partition holds (from \(part.logStartOffset) to \(part.highWatermark))"
            )
        }
        guard part.errorCode == .none else {
            throw KafkaFailure.refused(part.errorCode, doing: "reading '\(topic)' partition \(part.partition)", detail: nil)
        }
        let wanted = next[part.partition] ?? 0
        var aborted = AbortedProducers(part.abortedTransactions ?? [])
        do {
            for batch in try RecordBatch.all(in: part.records?.bytes ?? Bytes()) {
                // A batch may begin before the requested offset; control batches carry no records for readers.
                let isAborted = aborted.isAborted(batch)
                if !batch.isControl, !isAborted {
                    records += try batch.records().filter { $0.offset >= wanted }.map {
                        ConsumedRecord(partition: part.partition, record: $0)
                    }
                }
                next[part.partition] = max(next[part.partition] ?? 0, batch.nextOffset)
            }
        } catch { throw KafkaFailure.damagedAnswer("a record batch of '\(topic)' partition \(part.partition): \(error)") }
    }
}

/// Tracks the aborted transactions of producers, batch by batch. Source: KIP-98, "Aborted transactions".
private struct AbortedProducers {
    private var ahead: [FetchResponse.Topic.Partition.AbortedTransaction]
    private var producers: Set<Int64> = []

    init(_ aborted: [FetchResponse.Topic.Partition.AbortedTransaction]) { ahead = aborted.sorted { $0.firstOffset > $1.firstOffset } }

    /// Whether a batch belongs to an aborted transaction; must be called in log order.
    mutating func isAborted(_ batch: RecordBatch) -> Bool {
        while let next = ahead.last, next.firstOffset < batch.nextOffset {
            producers.insert(next.producerID)
            ahead.removeLast()
        }
        if batch.marker == .abort { producers.remove(batch.producerID) }
        return batch.isTransactional && producers.contains(batch.producerID)
    }
}
