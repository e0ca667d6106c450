// What the broker holds for its clients, counted before it is taken. Connections whose batches wait for the disk are not read while too much waits. The
// budgets may be used anywhere, the rest on the loop.
import Base
import NetKit

/// The memory of the broker's clients.
final class ClientMemory {
    /// All of it.
    let clients: MemoryBudget
    let fetchSessions: MemoryBudget
    /// Batches on their way to the disk.
    private let pendingProduce: MemoryBudget
    private var paused: [BrokerSession] = []

    init(_ settings: BrokerSettings, _ metrics: MetricsRegistry) {
        clients = MemoryBudget(name: "clients", limitBytes: settings.clientMemoryMax, parent: settings.processMemory)
        pendingProduce = MemoryBudget(name: "produce", limitBytes: settings.pendingProduceBytesMax, parent: clients)
        fetchSessions = MemoryBudget(name: "fetch-sessions", limitBytes: BrokerSettings.fetchSessionBytesMax, parent: clients)
        for budget in [clients, pendingProduce, fetchSessions] { metrics.memory(budget, service: "broker") }
    }

    /// Counts a Produce request's bytes until it is answered; above the budget its connection is not read.
    func hold(_ call: Call) {
        pendingProduce.takeAnyway(call.frameBytes)
        if pendingProduce.usedBytes > pendingProduce.limitBytes, !call.session.pausedForMemory {
            call.session.pausedForMemory = true
            paused.append(call.session)
        }
    }

    func release(_ call: Call) {
        pendingProduce.giveBack(call.frameBytes)
        guard pendingProduce.usedBytes <= pendingProduce.limitBytes / 2, !paused.isEmpty else { return }
        let sessions = paused
        paused = []
        for session in sessions { session.pausedForMemory = false }
    }
}
