// Topics with more syncs than the broker's interval gives: after a number of records (flush.messages; 1 means before each acknowledgement)
// or a time (flush.ms). A broker that syncs before it acknowledges needs none of it. Used on the loop.
import Base
import BrokerCore
import KafkaWire
import Logging
import Storage

/// The topics' records that may not be durable yet.
final class TopicFlushing: @unchecked Sendable {
    // Safe to share: every member is touched on the loop only; closures carry the reference back there.
    private unowned let broker: Broker
    private var unsynced: [TopicPartition: Int64] = [:]
    private var timed: Set<TopicPartition> = []

    init(_ broker: Broker) { self.broker = broker }

    /// Whether an append must be durable before its acknowledgement; counts it, and schedules its sync.
    func mustSync(_ batch: RecordBatch, _ partition: Partition) -> Bool {
        guard case .every(let interval) = broker.settings.durability else { return false }
        let config = partition.config
        let (count, overflow) = (unsynced[partition.name] ?? 0).addingReportingOverflow(Int64(batch.recordCount))
        guard !overflow, count < config.flushMessages else {
            unsynced[partition.name] = nil
            return true
        }
        if config.flushMessages < .max { unsynced[partition.name] = count }
        if config.flushMilliseconds < interval.inMilliseconds { syncLater(partition) }
        return false
    }

    /// The same for a follower's records: a topic that counts records is synced each time.
    func mustSyncReplicated(_ partition: Partition) -> Bool {
        broker.settings.durability != .beforeAcknowledging && partition.config.flushMessages < .max
    }

    /// One timer at a time, started by the first waiting record.
    private func syncLater(_ partition: Partition) {
        guard timed.insert(partition.name).inserted else { return }
        let name = partition.name
        broker.loop.schedule(after: .milliseconds(max(1, partition.config.flushMilliseconds))) { [self] in
            timed.remove(name)
            guard !broker.isStopping, let partition = broker.partitions[name] else { return }
            unsynced[name] = nil
            partition.writer.sync([partition.log], on: broker.syncThread) { [broker] failures in
                guard let (_, error) = failures.first else { return }
                broker.log.critical("a partition could not be synced", metadata: ["partition": "\(name)", "error": "\(error)"])
                broker.partitions[name]?.failure = error.description
            }
        }
    }
}
