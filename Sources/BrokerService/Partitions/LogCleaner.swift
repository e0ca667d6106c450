// The cleaner: examines the compacted partitions, picks the one that needs it most, and compacts it on a thread of its own while appends
// and fetches continue. The partition's own thread puts the result into the log. Used on the loop.
import Base
import BrokerCore
import KafkaWire
import Logging
import Storage

/// Compacts partitions, one at a time.
final class LogCleaner: @unchecked Sendable {
    // Safe to share: every member is used on the loop only; `stop` is made for several threads.
    private unowned let broker: Broker
    private let disk = DiskThread(name: "broker-cleaner")
    private let stopSign = CleaningStop()
    private var isBusy = false

    init(_ broker: Broker) { self.broker = broker }

    func schedule() {
        broker.loop.schedule(after: broker.settings.cleanerInterval) { [self] in
            guard !broker.isStopping else { return }
            check()
            schedule()
        }
    }

    /// Stops the running compaction; blocking, called off the loop once the loop takes no more work.
    func end() {
        stopSign.set()
        disk.stop()
    }

    /// Asks every compacted partition for its need and compacts the neediest.
    private func check() {
        guard !isBusy else { return }
        isBusy = true
        var candidates: [(partition: Partition, plan: CleaningPlan, ratio: Double)] = []
        let gathering = Gathering { [self] in
            guard let neediest = candidates.max(by: { ($0.ratio, $1.partition.name) < ($1.ratio, $0.partition.name) }), !broker.isStopping
            else {
                isBusy = false
                return
            }
            clean(neediest.partition, neediest.plan)
        }
        let now = broker.time.wallTime()
        for partition in broker.partitions.values where partition.config.cleanup.compacts && partition.failure == nil {
            gathering.enter()
            need(of: partition, now) { plan, ratio in
                if let plan { candidates.append((partition, plan, ratio)) }
                gathering.leave()
            }
        }
        gathering.leave()
    }

    private func need(of partition: Partition, _ now: WallTime, _ done: @escaping (CleaningPlan?, Double) -> Void) {
        let log = partition.log
        let config = partition.config
        let end = partition.highWatermark
        // Made and called on the loop; the disk thread only carries it back.
        nonisolated(unsafe) let answered: (Result<(CleaningPlan, Double)?, StorageError>) -> Void = { [self] result in
            switch result {
            case .success(let found): done(found?.0, found?.1 ?? 0)
            case .failure(let error):
                complain(partition, error)
                done(nil, 0)
            }
        }
        partition.writer.disk.submit { [loop = broker.loop] in
            let result = Result { () throws(StorageError) in try log.cleaningPlan(config, below: end, now: now) }
            loop.execute { answered(result) }
        }
    }

    private func complain(_ partition: Partition, _ error: StorageError) {
        // The topic's deletion may be removing its files.
        guard broker.partitions[partition.name] === partition else { return }
        broker.log.warning(
            "a partition was not compacted; trying again later", metadata: ["partition": "\(partition.name)", "error": "\(error)"])
    }

    private func clean(_ partition: Partition, _ plan: CleaningPlan) {
        // Made and called on the loop; the cleaner's thread only carries it back.
        nonisolated(unsafe) let cleaned: (Result<CleaningResult?, StorageError>) -> Void = { [self] result in
            switch result {
            case .success(let made?) where !broker.isStopping && broker.partitions[partition.name] === partition:
                putInPlace(made, partition)
            case .success: isBusy = false
            case .failure(let error):
                complain(partition, error)
                isBusy = false
            }
        }
        let stop = stopSign
        disk.submit { [loop = broker.loop] in
            let result = Result { () throws(StorageError) in try Cleaning.run(plan, stop) }
            loop.execute { cleaned(result) }
        }
    }

    private func putInPlace(_ made: CleaningResult, _ partition: Partition) {
        let log = partition.log
        // Made and called on the loop; the disk thread only carries it back.
        nonisolated(unsafe) let placed: (Result<LogBounds, StorageError>) -> Void = { [self] result in
            isBusy = false
            switch result {
            case .success(let bounds):
                partition.compacted(below: made.state.firstDirty, bounds)
                broker.log.info(
                    "partition compacted",
                    metadata: [
                        "partition": "\(partition.name)", "before": "\(made.bytesBefore) bytes", "after": "\(made.bytesAfter) bytes",
                    ])
                // This partition or another one may need another compaction.
                check()
            case .failure(let error):
                partition.failure = error.description
                broker.log.error(
                    "a compacted log could not be put in place; the partition takes no appends until a restart",
                    metadata: [
                        "partition": "\(partition.name)", "error": "\(error)",
                    ])
            }
        }
        partition.writer.disk.submit { [loop = broker.loop] in
            let result = Result { () throws(StorageError) in
                try log.take(made)
                return log.bounds
            }
            loop.execute { placed(result) }
        }
    }
}
