// The rules for a producer's batch before its acknowledgement: a batch with a right checksum and invalid records would stop every consumer
// of its partition. The check walks the records without collecting them. Not on the loop. Sources: KIP-467 (errors of single records),
// KIP-937 (bounds of timestamps), Kafka's LogValidator for the error codes.
import Base
import BrokerCore
import KafkaWire
import NetKit

/// The topic's rules for records.
struct RecordRules: Sendable {
    /// Whether the topic refuses records without a key.
    var needsKeys = false
    /// The topic's codec; nil for the producer's.
    var codec: Compression?
    /// The topic's largest batch, in bytes.
    var bytesMax = Int64.max
    /// The range of a producer's timestamps, in milliseconds since 1970; nil where the broker sets the time.
    var times: ClosedRange<Int64>?

    /// Most bytes that a batch may decompress to: as much as real data ever does, with a minimum for the smallest batches.
    static func openedBytesMax(packed: Int) -> Int {
        min(max(openedBytesMin, packed.multipliedClamped(by: openedPerByteMax)), Compression.decompressedBytesMax)
    }
    private static let openedBytesMin = 32 << 20
    private static let openedPerByteMax = 256
    /// Most record errors in one answer; a producer with more errors is wrong about all records.
    private static let errorsMax = 100

    init(_ config: TopicConfig, now: WallTime) {
        needsKeys = config.cleanup.compacts
        codec = Compression(config.compression)
        bytesMax = config.maxMessageBytes
        guard config.timestampType == .createTime else { return }
        let earliest = now.milliseconds.subtractingClamped(config.timestampBeforeMaxMilliseconds)
        times = earliest...max(earliest, now.milliseconds.addingClamped(config.timestampAfterMaxMilliseconds))
    }

    /// The accepted batch, or the refusal. A wrong highest time in the header is corrected, as in Kafka, since lookups by time use it.
    func checked(_ batch: consuming RecordBatch) -> Result<RecordBatch, RecordRefusal> {
        var (index, highest, errors) = (Int32(0), Int64.min, 0)
        let base = batch.baseTimestamp
        var refusal: RecordRefusal?
        func note(_ code: KafkaErrorCode, _ message: String) {
            if refusal == nil { refusal = RecordRefusal(code: code, message: message) }
            refusal?.errors.append((index, message))
            errors += 1
        }
        do {
            try batch.forEachRecord(bytesMax: Self.openedBytesMax(packed: batch.sizeBytes)) { record in
                if record.offsetDelta != Int64(index) {
                    note(.invalidRecord, "record \(index) of the batch is numbered \(record.offsetDelta)")
                }
                if needsKeys, record.key == nil {
                    note(.invalidRecord, "the topic is compacted (cleanup.policy), and a record without a key has no place in it")
                }
                let time = base &+ record.timestampDelta
                if let times, time != Self.noTime, !times.contains(time) {
                    note(
                        .invalidTimestamp,
                        "the time \(time) of record \(index) is not between \(times.lowerBound) and \(times.upperBound), which message.timestamp.before.max.ms and message.timestamp.after.max.ms allow"
                    )
                }
                highest = max(highest, time)
                index &+= 1
                return errors < Self.errorsMax
            }
        } catch {
            return .failure(
                refusal
                    ?? RecordRefusal(
                        code: .invalidRecord, message: "record \(index) of the batch cannot be read: \(error)",
                        errors: [(index, "\(error)")]))
        }
        if let refusal { return .failure(refusal) }
        if batch.maxTimestamp != highest, times != nil { batch.set(maxTimestamp: highest) }
        return .success(batch)
    }

    /// Whether the topic's codec differs from the batch's.
    func recompresses(_ batch: RecordBatch) -> Bool { codec.map { $0.rawValue != batch.codecNumber } ?? false }

    /// A checked batch in the topic's codec. `memory` counts the decompressed bytes; without room the producer must retry.
    func recompressed(_ batch: RecordBatch, _ memory: MemoryBudget) -> Result<RecordBatch, RecordRefusal> {
        guard let codec, recompresses(batch) else { return .success(batch) }
        var held = 0
        defer { memory.giveBack(held) }
        do {
            let made = try batch.recompressed(as: codec, bytesMax: Self.openedBytesMax(packed: batch.sizeBytes)) { count in
                // The decompressed records and their recompressed form.
                guard memory.take(2 * count) else { return false }
                held += 2 * count
                return true
            }
            guard Int64(made.sizeBytes) <= bytesMax else {
                return .failure(
                    RecordRefusal(
                        code: .messageTooLarge,
                        message:
                            "the batch has \(made.sizeBytes) bytes in the topic's codec (compression.type=\(codec)), max.message.bytes is \(bytesMax)"
                    ))
            }
            return .success(made)
        } catch {
            return .failure(
                RecordRefusal(code: .requestTimedOut, message: "there is no memory to compress the batch anew (\(error)); try again"))
        }
    }

    /// The value of a missing timestamp.
    private static let noTime: Int64 = -1
}

extension Compression {
    /// nil to keep the producer's codec.
    init?(_ topic: TopicCompression) {
        switch topic {
        case .producer: return nil
        case .uncompressed: self = .none
        case .gzip: self = .gzip
        case .snappy: self = .snappy
        case .lz4: self = .lz4
        case .zstd: self = .zstd
        }
    }
}

/// The reason for refusing a batch, and the records at fault.
struct RecordRefusal: Error, Sendable {
    var code: KafkaErrorCode
    var message: String
    var errors: [(index: Int32, message: String)] = []
}
