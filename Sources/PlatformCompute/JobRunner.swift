// Runs one job: asks the scheduler what to do, gives tasks to the context's threads, and tells the scheduler what came of them. It runs on
// the thread that called the action and is the only one that touches the scheduler.
import ComputeCore
import ComputeRuntime
import Synchronization

struct JobRunner {
    let context: SparkContext

    private enum Report: Sendable {
        case succeeded(TaskAttempt)
        case failed(TaskAttempt, TaskFailure)
    }

    /// The results of `task` for each of the partitions, in their order.
    func run<Element: Sendable, Result: Sendable>(
        _ rdd: RDD<Element>, partitions: [Int], _ task: @escaping @Sendable (Int) throws -> Result
    ) throws -> [Result] {
        try context.checkRunning()
        guard !ComputePool.isPoolThread else { throw ComputeError.actionInsideTask }
        guard rdd.node.depth <= LineageNode.depthMax else {
            throw ComputeError.lineageTooDeep(rdd.node.depth, max: LineageNode.depthMax)
        }
        guard !partitions.isEmpty else { return [] }
        let graph = StageGraph(target: rdd.node, partitions: partitions)
        for stage in graph.stages {
            if case .shuffleMap(let work) = stage.kind { try work.prepare() }
        }
        let results = JobResults<Result>()
        let reports = BlockingQueue<Report>(limit: Int.max)
        var scheduler = JobScheduler(graph: graph) { $0.hasOutput($1) }
        var effects = scheduler.start()
        while true {
            for effect in effects {
                switch effect {
                case .finished: return partitions.compactMap { results[$0] }
                case .failed(let failure):
                    results.close()
                    throw ComputeError(failure)
                case .launch(let attempt):
                    launch(attempt, graph.stages[attempt.stage.number], task, results, reports)
                }
            }
            guard let report = reports.take() else { preconditionFailure("the report queue of a running job stays open") }
            switch report {
            case .succeeded(let attempt): effects = scheduler.succeeded(attempt)
            case .failed(let attempt, let failure): effects = scheduler.failed(attempt, failure)
            }
        }
    }

    private func launch<Result: Sendable>(
        _ attempt: TaskAttempt, _ stage: Stage, _ task: @escaping @Sendable (Int) throws -> Result, _ results: JobResults<Result>,
        _ reports: BlockingQueue<Report>
    ) {
        context.pool.submit {
            guard !results.isClosed else { return }
            do {
                switch stage.kind {
                case .shuffleMap(let work): try work.runMapTask(attempt.partition)
                case .result: results[attempt.partition] = try task(attempt.partition)
                }
                reports.put(.succeeded(attempt))
            } catch let lost as ShuffleOutputLost {
                reports.put(.failed(attempt, .shuffleOutputLost(lost.shuffle, mapPartition: lost.mapPartition)))
            } catch {
                reports.put(.failed(attempt, .error(String(describing: error))))
            }
        }
    }
}

/// Results of the tasks of one job by partition. Closed when the job has failed, so that queued tasks do not start.
private final class JobResults<Result: Sendable>: Sendable {
    private let values = Mutex<[Int: Result]>([:])
    private let closed = Atomic<Bool>(false)

    subscript(partition: Int) -> Result? {
        get { values.withLock { $0[partition] } }
        set { values.withLock { $0[partition] = newValue } }
    }

    var isClosed: Bool { closed.load(ordering: .acquiring) }

    func close() {
        closed.store(true, ordering: .releasing)
    }
}
