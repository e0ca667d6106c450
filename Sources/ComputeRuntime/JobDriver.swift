// Runs one job of stages: takes the scheduler's orders, gives tasks to a pool, and reports their outcomes to the scheduler. It runs on the
// calling thread, blocks it until the job is over, and is the scheduler's only user.
import ComputeCore
import Synchronization

/// Lets another thread end a job. Cancelling twice, or after the end, does nothing.
package final class JobToken: Sendable {
    private struct State {
        var isCancelled = false
        var nextID = 0
        var handlers: [Int: @Sendable () -> Void] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    package var isCancelled: Bool { state.withLock { $0.isCancelled } }

    package func cancel() {
        let handlers = state.withLock { state in
            state.isCancelled = true
            defer { state.handlers = [:] }
            return state.handlers
        }
        for handler in handlers.keys.sorted().compactMap({ handlers[$0] }) { handler() }
    }

    /// Runs `body`; calls `handler` if the job is cancelled meanwhile (or was before).
    package func withCancelHandler<Result>(_ handler: @escaping @Sendable () -> Void, _ body: () throws -> Result) rethrows -> Result {
        let id = state.withLock { state -> Int? in
            if state.isCancelled { return nil }
            state.nextID += 1
            state.handlers[state.nextID] = handler
            return state.nextID
        }
        if id == nil { handler() }
        defer {
            if let id { state.withLock { _ = $0.handlers.removeValue(forKey: id) } }
        }
        return try body()
    }
}

package struct JobCancelled: Error, CustomStringConvertible {
    package init() {}
    package var description: String { "the job was cancelled" }
}

package struct JobDriver {
    /// A task succeeded; `done` counts the finished tasks of its stage.
    package struct Progress: Sendable {
        package let stage: Stage
        package let done: Int
    }

    private enum Report: Sendable {
        case succeeded(TaskAttempt)
        case failed(TaskAttempt, TaskFailure)
        case cancelled
    }

    /// Cancelled at every end of the job but success, so that no task outlives its job.
    package let tasks = JobToken()
    private let pool: ComputePool
    private let token: JobToken
    private let limits: JobScheduler.Limits

    package init(pool: ComputePool, token: JobToken = JobToken(), limits: JobScheduler.Limits = JobScheduler.Limits()) {
        self.pool = pool
        self.token = token
        self.limits = limits
    }

    /// Throws a `JobFailure` or `JobCancelled`, after the last of its tasks has ended. `task` runs on the pool; it throws
    /// `ShuffleOutputLost` for losses that are not its own fault.
    package func run(
        _ graph: StageGraph, progress: (Progress) -> Void = { _ in }, task: @escaping @Sendable (TaskAttempt, Stage) throws -> Void
    ) throws {
        for stage in graph.stages {
            if case .shuffleMap(let work) = stage.kind { try work.prepare() }
        }
        let reports = BlockingQueue<Report>(limit: Int.max)
        var running = 0
        do {
            try token.withCancelHandler({ reports.put(.cancelled) }) {
                try drive(graph, reports, &running, progress, task)
            }
        } catch {
            tasks.cancel()
            while running > 0, let report = reports.take() {
                if case .cancelled = report { continue }
                running -= 1
            }
            throw error
        }
    }

    private func drive(
        _ graph: StageGraph, _ reports: BlockingQueue<Report>, _ running: inout Int, _ progress: (Progress) -> Void,
        _ task: @escaping @Sendable (TaskAttempt, Stage) throws -> Void
    ) throws {
        var scheduler = JobScheduler(graph: graph, limits: limits) { $0.hasOutput($1) }
        var effects = scheduler.start()
        var done = [Int](repeating: 0, count: graph.stages.count)
        while true {
            for effect in effects {
                switch effect {
                case .finished: return
                case .failed(let failure): throw failure
                case .launch(let attempt):
                    running += 1
                    launch(attempt, graph.stages[attempt.stage.number], reports, task)
                }
            }
            guard let report = reports.take() else { preconditionFailure("the report queue of a running job stays open") }
            switch report {
            case .succeeded(let attempt):
                running -= 1
                effects = scheduler.succeeded(attempt)
                done[attempt.stage.number] += 1
                progress(Progress(stage: graph.stages[attempt.stage.number], done: done[attempt.stage.number]))
            case .failed(let attempt, let failure):
                running -= 1
                effects = scheduler.failed(attempt, failure)
            case .cancelled: throw JobCancelled()
            }
        }
    }

    private func launch(
        _ attempt: TaskAttempt, _ stage: Stage, _ reports: BlockingQueue<Report>,
        _ task: @escaping @Sendable (TaskAttempt, Stage) throws -> Void
    ) {
        pool.submit {
            do {
                if tasks.isCancelled { throw JobCancelled() }
                try task(attempt, stage)
                reports.put(.succeeded(attempt))
            } catch let lost as ShuffleOutputLost {
                reports.put(.failed(attempt, .shuffleOutputLost(lost.shuffle, mapPartition: lost.mapPartition)))
            } catch {
                reports.put(.failed(attempt, .error(String(describing: error))))
            }
        }
    }
}
