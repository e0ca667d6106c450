// Runs one action: checks that it may run here, cuts its lineage into stages and hands them to the driver of the runtime; gathers results
// by partition.
import ComputeCore
import ComputeRuntime
import Synchronization

struct JobRunner {
    let context: SparkContext

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
        let results = JobResults<Result>()
        do {
            try JobDriver(pool: context.pool).run(StageGraph(target: rdd.node, partitions: partitions)) { attempt, stage in
                switch stage.kind {
                case .shuffleMap(let work): try work.runMapTask(attempt.partition)
                case .result: results.keep(try task(attempt.partition), attempt.partition)
                }
            }
        } catch let failure as JobFailure {
            throw ComputeError(failure)
        }
        return results.ordered(partitions)
    }
}

/// Results of the tasks of one job by partition.
private final class JobResults<Result: Sendable>: Sendable {
    private let values = Mutex<[Int: Result]>([:])

    func keep(_ result: Result, _ partition: Int) {
        values.withLock { $0[partition] = result }
    }

    func ordered(_ partitions: [Int]) -> [Result] {
        values.withLock { values in partitions.compactMap { values[$0] } }
    }
}
