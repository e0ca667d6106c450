// Group commit for the partitions of one disk thread. Appends gather while the disk is busy; the next round writes each partition once and
// syncs each once, and only then acknowledges its appends. Used on the loop; `Round` runs on the disk thread.
import Base
import BrokerCore
import KafkaWire
import Storage

/// The payload of an append until the disk thread takes it, so that no other reference holds the bytes in which it sets an offset.
final class AppendPayload: @unchecked Sendable {
    // Safe to share: made on the loop, and from then on the disk thread's.
    enum Content {
        /// A producer's batch, or a marker; the log gives it its offset.
        case batch(RecordBatch, logAppendTime: Int64?, rules: RecordRules?)
        /// Whole batches of the leader, as in its log.
        case replicated(Bytes)
    }
    private var content: Content?
    let sizeBytes: Int

    /// `rules`: the rules that the records must still meet.
    init(_ batch: RecordBatch, logAppendTime: Int64?, rules: RecordRules? = nil) {
        content = .batch(batch, logAppendTime: logAppendTime, rules: rules)
        sizeBytes = batch.sizeBytes
    }

    init(replicated records: Bytes) {
        content = .replicated(records)
        sizeBytes = records.readableBytes
    }

    func take() -> Content {
        guard let taken = content.take() else { preconditionFailure("a payload is appended once") }
        return taken
    }
}

/// An append on its way to a partition.
struct AppendJob: @unchecked Sendable {
    // Safe to share: `partition` and `completion` are touched on the loop only; the disk thread uses `log` and `payload`.
    let partition: Partition
    let log: PartitionLog
    let payload: AppendPayload
    /// The term in which the append was accepted.
    let term: Int32
    /// Whether the batch must be durable even if the broker syncs at intervals.
    var mustSync = false
    let completion: (AppendOutcome) -> Void
}

/// The result of a round for one partition.
private struct WrittenPartition: Sendable {
    var job: Int
    var chunks: [TailChunk]
    var bounds: LogBounds
}

/// Gathers appends and carries them to one disk thread.
final class LogWriter: @unchecked Sendable {
    // Safe to share: every member is touched on the loop only; a round gets its jobs by value.
    let disk: DiskThread
    private let loop: any ServiceLoop
    private let syncs: Bool
    private var queue: [AppendJob] = []
    private var roundUnderWay = false
    private var roundScheduled = false
    private var dirty: [ObjectIdentifier: PartitionLog] = [:]
    private var syncUnderWay = false
    private let published: (Partition, [TailChunk], LogBounds) -> Void
    private let failed: (Partition, StorageError) -> Void

    /// `published` is called for each partition that a round has made durable, before its appends are acknowledged.
    init(
        disk: DiskThread, loop: any ServiceLoop, durability: Durability, published: @escaping (Partition, [TailChunk], LogBounds) -> Void,
        failed: @escaping (Partition, StorageError) -> Void
    ) {
        self.disk = disk
        self.loop = loop
        self.published = published
        self.failed = failed
        syncs = durability == .beforeAcknowledging
    }

    var isIdle: Bool { queue.isEmpty && !roundUnderWay }

    func append(_ job: AppendJob) {
        queue.append(job)
        guard !roundScheduled, !roundUnderWay else { return }
        roundScheduled = true
        // After the current burst of reads, so that its appends go down in one round.
        loop.execute {
            self.roundScheduled = false
            self.startRound()
        }
    }

    private func startRound() {
        guard !roundUnderWay, !queue.isEmpty else { return }
        roundUnderWay = true
        let jobs = queue
        queue.removeAll(keepingCapacity: true)
        let syncs = syncs
        disk.submit {
            let round = Round(jobs, syncs: syncs)
            self.loop.execute { self.ended(jobs, round) }
        }
    }

    private func ended(_ jobs: [AppendJob], _ round: Round) {
        roundUnderWay = false
        startRound()
        for written in round.written {
            let partition = jobs[written.job].partition
            if !syncs { dirty[ObjectIdentifier(jobs[written.job].log)] = jobs[written.job].log }
            published(partition, written.chunks, written.bounds)
        }
        for (job, error) in round.failures { failed(jobs[job].partition, error) }
        for (job, outcome) in zip(jobs, round.outcomes) { job.completion(outcome) }
    }

    /// Syncs the appends that were acknowledged before their sync, under durability at intervals. Starts nothing while the previous sync
    /// runs.
    func syncDirty(on thread: DiskThread, _ failed: @escaping @Sendable (StorageError) -> Void) {
        guard !syncUnderWay, !dirty.isEmpty else { return }
        syncUnderWay = true
        let logs = Array(dirty.values)
        dirty.removeAll()
        sync(logs, on: thread) { failures in
            self.syncUnderWay = false
            for (_, error) in failures { failed(error) }
        }
    }

    /// Makes the written part of these logs durable, beside the appends. `done` gets, on the loop, the failed ones.
    func sync(_ logs: [PartitionLog], on thread: DiskThread, _ done: @escaping @Sendable ([(PartitionLog, StorageError)]) -> Void) {
        let (disk, loop) = (disk, loop)
        disk.submit {
            var failures: [(PartitionLog, StorageError)] = []
            var begun: [(log: PartitionLog, sync: SyncBeside)] = []
            for log in logs {
                do throws(StorageError) { if let sync = try log.beginSync() { begun.append((log, sync)) } } catch {
                    failures.append((log, error))
                }
            }
            thread.submit { [begun, failures] in
                let outcomes = begun.map { $0.log.carryOut($0.sync) }
                disk.submit {
                    for (one, failure) in zip(begun, outcomes) { one.log.ended(one.sync, failure) }
                    let failures = failures + zip(begun, outcomes).compactMap { one, failure in failure.map { (one.log, $0) } }
                    loop.execute { done(failures) }
                }
            }
        }
    }

    /// One round on the disk thread.
    private struct Round: Sendable {
        var outcomes: [AppendOutcome]
        var written: [WrittenPartition] = []
        var failures: [(job: Int, error: StorageError)] = []

        init(_ jobs: [AppendJob], syncs: Bool) {
            outcomes = []
            outcomes.reserveCapacity(jobs.count)
            var firstJobs: [Int] = []
            var seen: [ObjectIdentifier: Int] = [:]
            var gathered: [Int] = []
            for (index, job) in jobs.enumerated() {
                let size = job.payload.sizeBytes < StagedRecords.pieceBytesMin ? job.payload.sizeBytes : 0
                if let place = seen[ObjectIdentifier(job.log)] {
                    gathered[place] += size
                } else {
                    seen[ObjectIdentifier(job.log)] = firstJobs.count
                    firstJobs.append(index)
                    gathered.append(size)
                }
            }
            for (first, size) in zip(firstJobs, gathered) where size > 0 { jobs[first].log.reserve(size) }
            for job in jobs { outcomes.append(Self.stage(job)) }
            let forced = syncs ? [] : Set(jobs.filter(\.mustSync).map { ObjectIdentifier($0.log) })
            for first in firstJobs { write(jobs, first, syncs || forced.contains(ObjectIdentifier(jobs[first].log))) }
        }

        private static func stage(_ job: AppendJob) -> AppendOutcome {
            guard job.term == job.log.term else { return .notLeader }
            return switch job.payload.take() {
            case .batch(let batch, let logAppendTime, let rules): job.log.stage(batch, logAppendTime: logAppendTime, rules: rules)
            case .replicated(let records): job.log.stage(replicated: records)
            }
        }

        private mutating func write(_ jobs: [AppendJob], _ first: Int, _ syncs: Bool) {
            let log = jobs[first].log
            let firstOffset = log.bounds.nextOffset
            do {
                let chunks = try log.writeStaged()
                guard !chunks.isEmpty else { return }
                if syncs { try log.sync() }
                written.append(WrittenPartition(job: first, chunks: chunks, bounds: log.bounds))
                saveProducers(of: log, first)
            } catch {
                failures.append((first, error))
                for index in jobs.indices where jobs[index].log === log {
                    switch outcomes[index] {
                    case .appended, .replicated: outcomes[index] = .failed(error)
                    case .duplicate(let baseOffset) where baseOffset >= firstOffset: outcomes[index] = .failed(error)
                    default: break
                    }
                }
            }
        }

        /// The appends hold without a snapshot; a failed one is reported and retried with the next appends.
        private mutating func saveProducers(of log: PartitionLog, _ first: Int) {
            do { try log.saveProducersIfDue() } catch { failures.append((first, error)) }
        }
    }
}
