// The memory of all queries of this process. Operators reserve before they keep rows, results and artifacts before they are kept.
// Unreserved memory (texts under construction, files being parsed) is watched from outside: above the limit the largest query is ended, so
// that the system does not end the process.
import ComputeCore
import Foundation
import QueryCore
import Synchronization

final class ComputeMemory: Sendable {
    /// The interval of memory checks while queries run.
    private static let lookInterval = 0.05

    let bytesMax: Int
    private let residentBytes: @Sendable () -> Int
    private let returnFreed: @Sendable () -> Void
    private let reserved = Atomic<Int>(0)
    private let running = Mutex<[ObjectIdentifier: PlanOperation]>([:])

    /// `bytesMax` 0: half of the machine's memory. `residentBytes`: the process's resident memory; `returnFreed`: returns the allocator's
    /// unused memory to the system.
    init(bytesMax: Int, residentBytes: @escaping @Sendable () -> Int = { 0 }, returnFreed: @escaping @Sendable () -> Void = {}) {
        self.residentBytes = residentBytes
        self.returnFreed = returnFreed
        self.bytesMax = bytesMax > 0 ? bytesMax : Int(clamping: ProcessInfo.processInfo.physicalMemory / 2)
        let thread = Thread { [weak self] in
            while true {
                Thread.sleep(forTimeInterval: Self.lookInterval)
                guard let self else { return }
                look()
            }
        }
        thread.name = "memory watch"
        thread.start()
    }

    /// Registers an operation while `body` runs.
    func observed(_ operation: PlanOperation, _ body: () -> Void) {
        let id = ObjectIdentifier(operation)
        running.withLock { $0[id] = operation }
        body()
        running.withLock { $0[id] = nil }
    }

    fileprivate func take(_ bytes: Int) -> Bool {
        let after = reserved.wrappingAdd(bytes, ordering: .relaxed).newValue
        if after <= bytesMax { return true }
        giveBack(bytes)
        return false
    }

    fileprivate func giveBack(_ bytes: Int) { reserved.wrappingSubtract(bytes, ordering: .relaxed) }

    private func look() {
        guard running.withLock({ !$0.isEmpty }), residentBytes() > bytesMax else { return }
        // Freed memory in the allocator belongs to no query.
        returnFreed()
        let resident = residentBytes()
        guard resident > bytesMax else { return }
        let most = running.withLock {
            $0.values.filter { !$0.isFinished }.max { ($0.memory.bytesUsed, $0.begun) < ($1.memory.bytesUsed, $1.begun) }
        }
        most?.cancel(
            because: SparkError(QueryError(.unableToAcquireMemory, ["requestedBytes": "\(resident)", "receivedBytes": "\(bytesMax)"])))
    }
}

/// One operation's, or one session's artifacts', share of the process's memory.
final class OperationMemory: QueryMemoryPool {
    private let used = Atomic<Int>(0)
    private let all: ComputeMemory

    init(_ all: ComputeMemory) { self.all = all }

    var bytesUsed: Int { used.load(ordering: .relaxed) }

    func take(_ bytes: Int) -> Bool {
        guard all.take(bytes) else { return false }
        used.wrappingAdd(bytes, ordering: .relaxed)
        return true
    }

    func giveBack(_ bytes: Int) {
        used.wrappingSubtract(bytes, ordering: .relaxed)
        all.giveBack(bytes)
    }
}
