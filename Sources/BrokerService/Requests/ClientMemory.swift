// The broker's memory for its clients, reserved before use. While too many batches wait for the disk, their connections are not read. The
// budgets may be used on any thread, the rest on the loop.
import Base
import NetKit

/// The memory of the broker's clients.
final class ClientMemory {
    /// The memory of all clients.
    let clients: MemoryBudget
    let fetchSessions: MemoryBudget
    /// Batches waiting for the disk.
    private let pendingProduce: MemoryBudget
    private var paused: [BrokerSession] = []

    init(_ settings: BrokerSettings, _ metrics: MetricsRegistry) {
        clients = MemoryBudget(name: "clients", limitBytes: settings.connections.memoryMax, parent: settings.connections.processMemory)
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
