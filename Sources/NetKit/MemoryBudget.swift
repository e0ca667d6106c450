// The accounting of memory that a service holds for its peers: incomplete frames, unsent answers, and any further memory that a service
// adds. Memory is requested from a budget before it is taken. Budgets form a chain (connection, address, service, process); a request
// counts in each level or in none. Any thread.
import Synchronization

/// Bytes held for peers, against a named limit.
package final class MemoryBudget: Sendable {
    package let name: String
    package let limitBytes: Int
    private let parent: MemoryBudget?
    private let used = Atomic<Int>(0)
    private let refused = Atomic<Int64>(0)
    /// The part of a budget reserved for requests already read, as a divisor of the limit: work under way finds room while new work waits.
    private static let reserve = 5

    package init(name: String, limitBytes: Int, parent: MemoryBudget? = nil) {
        precondition(limitBytes >= 0, "a budget has a limit")
        self.name = name
        self.limitBytes = limitBytes
        self.parent = parent
    }

    package var usedBytes: Int { used.load(ordering: .relaxed) }
    /// Refusals by this level, since the start.
    package var refusals: Int64 { refused.load(ordering: .relaxed) }

    /// Counts `bytes` on all levels, or on none and returns false. `sparing`: the last fifth of each level stays free.
    package func take(_ bytes: Int, sparing: Bool = false) -> Bool {
        guard takeHere(bytes, sparing ? limitBytes - limitBytes / Self.reserve : limitBytes) else { return false }
        guard let parent, !parent.take(bytes, sparing: sparing) else { return true }
        used.subtract(bytes, ordering: .relaxed)
        return false
    }

    private func takeHere(_ bytes: Int, _ limit: Int) -> Bool {
        precondition(bytes >= 0, "bytes are given back by giveBack")
        var before = used.load(ordering: .relaxed)
        // Bytes counted without asking can exceed the limit.
        while bytes <= limit - min(before, limit) {
            let (exchanged, found) = used.compareExchange(expected: before, desired: before + bytes, ordering: .relaxed)
            if exchanged { return true }
            before = found
        }
        refused.add(1, ordering: .relaxed)
        return false
    }

    /// Counts bytes already held and bounded by another limit, even above the budget's. New work is refused for it.
    package func takeAnyway(_ bytes: Int) {
        precondition(bytes >= 0, "bytes are given back by giveBack")
        var level: MemoryBudget? = self
        while let here = level {
            here.used.add(bytes, ordering: .relaxed)
            level = here.parent
        }
    }

    /// Gives taken bytes back.
    package func giveBack(_ bytes: Int) {
        var level: MemoryBudget? = self
        while let here = level {
            let after = here.used.subtract(bytes, ordering: .relaxed).newValue
            assert(after >= 0, "more was given back to the budget \(here.name) than was taken")
            level = here.parent
        }
    }
}

extension MetricsRegistry {
    /// Metrics of a service's peer memory: bytes held, the limit, and how often it was reached.
    package func memory(_ budget: MemoryBudget, service: String) {
        let labels = [("service", service), ("budget", budget.name)]
        gauge("peer_memory_bytes", help: "Memory held on behalf of peers.", labels: labels) { Double(budget.usedBytes) }
        gauge("peer_memory_limit_bytes", help: "Memory that may be held on behalf of peers.", labels: labels) { Double(budget.limitBytes) }
        gauge(
            "peer_memory_refusals", help: "How often a peer had to wait or was refused because the limit was reached, since the start.",
            labels: labels
        ) {
            Double(budget.refusals)
        }
    }
}
