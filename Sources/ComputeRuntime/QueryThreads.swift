// The threads for the tasks of all queries, one for each core, beside the thread of each query itself. A query that finds them busy runs
// its tasks alone, so it never waits for another query's; the system shares the cores among the busy threads.
import ComputeCore
import Foundation
import Synchronization

package final class QueryThreads: QueryWorkers {
    private let pool: ComputePool
    package let width: Int

    /// `threads` in all, with the thread of the query.
    package init(threads: Int) {
        precondition(threads > 0, "a query has a thread")
        width = threads
        pool = ComputePool(name: "morsel", threads: threads)
    }

    package func run(_ tasks: [any PipelineTask]) {
        let work = SharedTasks(tasks)
        for _ in tasks.dropFirst() { pool.submit { work.help() } }
        work.help()
        work.wait()
    }

    package func makeTurn() -> any Turn { LockedTurn() }
}

private final class LockedTurn: Turn {
    private let lock = NSLock()

    func taken<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        lock.lock()
        defer { lock.unlock() }
        return try body()
    }
}

/// Tasks of one step of a query: one thread takes each and runs it to its end. A late helper finds none left.
private final class SharedTasks: @unchecked Sendable {  // the list is touched under the condition's lock, each task by the thread that took it
    private let condition = NSCondition()
    private var waiting: ArraySlice<any PipelineTask>
    private var running = 0

    init(_ tasks: [any PipelineTask]) { waiting = tasks[...] }

    private func take() -> (any PipelineTask)? {
        condition.lock()
        defer { condition.unlock() }
        guard let task = waiting.popFirst() else { return nil }
        // A late helper must not keep tasks that others have run.
        if waiting.isEmpty { waiting = [] }
        running += 1
        return task
    }

    func help() {
        while let task = take() {
            while task.step() {}
            condition.lock()
            running -= 1
            condition.broadcast()
            condition.unlock()
        }
    }

    /// Returns after the last task of another thread.
    func wait() {
        condition.lock()
        while running > 0 { condition.wait() }
        condition.unlock()
    }
}
