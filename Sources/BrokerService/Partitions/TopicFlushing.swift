// Topics that are synced more often than the broker does it by itself: after a number of records (flush.messages; 1 is before each acknowledgement) or a time
// (flush.ms). With a broker that syncs before it acknowledges there is nothing left to do. Used on the loop.
import Base
import BrokerCore
import KafkaWire
import Logging
import Storage

/// What of each topic is not known to be durable.
final class TopicFlushing: @unchecked Sendable {
    // Safe to share: every member is touched on the loop only; closures carry the reference back there.
    private unowned let broker: Broker
    private var unsynced: [TopicPartition: Int64] = [:]
    private var timed: Set<TopicPartition> = []

    init(_ broker: Broker) { self.broker = broker }

    /// Whether an append has to be durable before it is acknowledged; counts it, and sees to it that it is synced in time.
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

    /// The same for what a follower takes from its leader: a topic that counts records is synced each time.
    func mustSyncReplicated(_ partition: Partition) -> Bool {
        broker.settings.durability != .beforeAcknowledging && partition.config.flushMessages < .max
    }

    /// One timer at a time, begun by the first record that waits.
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
