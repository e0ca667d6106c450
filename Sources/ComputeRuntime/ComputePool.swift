// A fixed set of threads for work that blocks or computes: tasks of RDD jobs, map and reduce tasks, queries. Swift's cooperative pool must
// stay free of such work. First come, first served; the queue is bounded and a full queue makes the submitter wait.
import Foundation
import Synchronization

package final class ComputePool: Sendable {
    /// Limit of the work in the queue; a submitter beyond it blocks.
    static let queuedMax = 100_000
    /// Deep lineages nest one closure for each transformation; the memory is touched only when used.
    static let stackBytes = 256 << 20

    /// True on the threads of any pool, to refuse work that would wait for its own thread.
    @TaskLocal package static var isPoolThread = false

    private let queue: BlockingQueue<@Sendable () -> Void>
    package let threadCount: Int

    package init(name: String, threads: Int) {
        precondition(threads > 0, "a pool has at least one thread")
        threadCount = threads
        let queue = BlockingQueue<@Sendable () -> Void>(limit: Self.queuedMax)
        self.queue = queue
        for index in 0..<threads {
            let thread = Thread {
                ComputePool.$isPoolThread.withValue(true) {
                    while let work = queue.take() { work() }
                }
            }
            thread.name = "\(name)-\(index)"
            thread.stackSize = Self.stackBytes
            thread.start()
        }
    }

    deinit {
        queue.close()
    }

    package func submit(_ work: @escaping @Sendable () -> Void) {
        queue.put(work)
    }

    /// Runs `work` on a thread of the pool and suspends the caller meanwhile.
    package func run<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            submit { continuation.resume(with: Swift.Result(catching: work)) }
        }
    }
}

/// A bounded queue between threads. After `close`, `take` returns the remaining items, then nil.
package final class BlockingQueue<Item: Sendable>: Sendable {
    private struct State {
        /// Those before `head` are taken, and nil: an item lives no longer than its taker wants.
        var items: [Item?] = []
        var head = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    private let changed = Condition()
    private let limit: Int

    package init(limit: Int) {
        self.limit = limit
    }

    package func put(_ item: Item) {
        changed.locked { wait in
            while state.withLock({ !$0.isClosed && $0.items.count - $0.head >= limit }) { wait() }
            state.withLock { $0.items.append(item) }
        }
    }

    package func take() -> Item? {
        changed.locked { wait in
            while true {
                let (item, isClosed) = state.withLock { state -> (Item?, Bool) in
                    guard state.head < state.items.count else { return (nil, state.isClosed) }
                    let item = state.items[state.head]
                    state.items[state.head] = nil
                    state.head += 1
                    if state.head > 1_024, state.head * 2 > state.items.count {
                        state.items.removeFirst(state.head)
                        state.head = 0
                    }
                    return (item, false)
                }
                if item != nil || isClosed { return item }
                wait()
            }
        }
    }

    package func close() {
        changed.locked { _ in state.withLock { $0.isClosed = true } }
    }
}

/// A lock with a condition; every locked section wakes the waiters when it ends.
private final class Condition: Sendable {
    private let condition = NSCondition()

    func locked<Result>(_ body: (_ wait: () -> Void) -> Result) -> Result {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return body { condition.wait() }
    }
}
