// Producing: records are spread over partitions as by Kafka's own client (murmur2 of the key; records without a key fill one partition's
// batch and move on), gathered into batches and sent to each partition's leader.
import Base
import KafkaWire

/// A record to be produced.
package struct OutgoingRecord: Sendable {
    package var key: Bytes?
    package var value: Bytes?
    package var headers: [(name: String, value: Bytes?)]
    /// Milliseconds since 1970.
    package var timestamp: Int64
    /// nil lets the key choose.
    package var partition: Int32?

    package init(key: Bytes? = nil, value: Bytes?, headers: [(name: String, value: Bytes?)] = [], timestamp: Int64, partition: Int32? = nil)
    {
        self.key = key
        self.value = value
        self.headers = headers
        self.timestamp = timestamp
        self.partition = partition
    }
}

/// The place of a produced batch.
package struct ProducedBatch: Sendable, Equatable {
    package var partition: Int32
    package var baseOffset: Int64
    package var count: Int
}

/// Kafka's hash of keys. Source: murmur2 by Austin Appleby (32 bits, seed 0x9747b28c), as Kafka's default partitioner uses it.
package enum KeyHash {
    package static func murmur2(_ key: Bytes) -> UInt32 {
        let bytes = Array(key.readableBytesView)
        let multiplier: UInt32 = 0x5bd1_e995
        var hash: UInt32 = 0x9747_b28c ^ UInt32(truncatingIfNeeded: bytes.count)
        let whole = bytes.count & ~3
        for start in stride(from: 0, to: whole, by: 4) {
            var word =
                UInt32(bytes[start]) | UInt32(bytes[start + 1]) << 8 | UInt32(bytes[start + 2]) << 16 | UInt32(bytes[start + 3]) << 24
            word = word &* multiplier
            word ^= word >> 24
            word = word &* multiplier
            hash = hash &* multiplier
            hash ^= word
        }
        let rest = bytes.count - whole
        if rest >= 3 { hash ^= UInt32(bytes[whole + 2]) << 16 }
        if rest >= 2 { hash ^= UInt32(bytes[whole + 1]) << 8 }
        if rest >= 1 {
            hash ^= UInt32(bytes[whole])
            hash = hash &* multiplier
        }
        hash ^= hash >> 13
        hash = hash &* multiplier
        hash ^= hash >> 15
        return hash
    }

    /// The partition of a key among `count`.
    package static func partition(of key: Bytes, count: Int) -> Int32 { Int32(Int(murmur2(key) & 0x7fff_ffff) % count) }
}

extension KafkaClient {
    /// The size at which a batch is sent, in bytes; below the brokers' default limit of 1 MiB.
    private static var batchBytesMax: Int { 900_000 }

    /// Produces records in order (per partition) and returns their places, once all replicas that the topic demands have them.
    package func produce(_ topic: String, _ records: [OutgoingRecord], gzip: Bool = false) async throws -> [ProducedBatch] {
        let compression: Compression = gzip ? .gzip : .none
        let known = try await self.topic(topic)
        guard !known.partitions.isEmpty else { throw KafkaFailure.noLeader(topic: topic, partition: 0) }
        var open: [Int32: RecordBatchBuilder] = [:]
        var produced: [ProducedBatch] = []
        var keyless = known.partitions[0].number
        for record in records {
            let place = record.partition ?? record.key.map { KeyHash.partition(of: $0, count: known.partitions.count) } ?? keyless
            guard known.partitions.contains(where: { $0.number == place }) else {
                throw KafkaFailure.unknownPartition(place, topic: topic, count: known.partitions.count)
            }
            let size = (record.key?.readableBytes ?? 0) + (record.value?.readableBytes ?? 0)
            if let full = open[place], full.sizeBytesEstimate + size > Self.batchBytesMax {
                produced.append(try await send(topic, place, full))
                open[place] = nil
                keyless = known.partitions[(Int(keyless) + 1) % known.partitions.count].number
            }
            open[place, default: RecordBatchBuilder(compression: compression)].add(
                Record(
                    timestamp: record.timestamp, key: record.key, value: record.value,
                    headers: record.headers.map { RecordField(name: $0.name, value: $0.value) }))
        }
        for (place, rest) in open.sorted(by: { $0.key < $1.key }) { produced.append(try await send(topic, place, rest)) }
        return produced
    }

    private func send(_ topic: String, _ partition: Int32, _ builder: RecordBatchBuilder) async throws -> ProducedBatch {
        let allReplicas: Int16 = -1
        let batch: Bytes
        do { batch = try builder.build() } catch {
            throw KafkaFailure.refused(.unsupportedCompressionType, doing: "producing to '\(topic)'", detail: "\(error)")
        }
        let request = ProduceRequest(
            acks: allReplicas, timeoutMilliseconds: Self.adminTimeoutMilliseconds,
            topics: [.init(name: topic, partitions: [.init(partition: partition, records: batch)])])
        let node = try await leader(of: topic, partition)
        let answer = try await call(node, request, versionMax: Self.produceByName)
        guard let result = answer.topics.first?.partitions.first else { throw Self.mismatch }
        guard result.errorCode == .none else {
            throw KafkaFailure.refused(
                result.errorCode, doing: "producing to '\(topic)' partition \(partition)", detail: result.errorMessage)
        }
        return ProducedBatch(partition: partition, baseOffset: result.baseOffset, count: builder.count)
    }
}
