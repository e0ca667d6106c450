// Compressed batches on their way to be checked, and all batches that the topic keeps in another codec: opening and compressing take time that a producer does not pay for, so it is done on threads of its own, for one batch of a
// connection at a time and for the connections in turn. What a connection sends behind a batch that is being checked waits for it, so that batches stay in
// order. Used on the loop; only the check itself runs on a thread.
import Base
import DequeModule
import KafkaWire
import NetKit
import Storage

/// Shares the time of checking among the connections.
final class RecordChecks: @unchecked Sendable {
    // Safe to share: every member is used on the loop only; a thread gets a batch and hands back what became of it.
    typealias Checked = Result<RecordBatch, RecordRefusal>
    private struct Job {
        let batch: RecordBatch
        let rules: RecordRules
        /// Whether it needs no look, and only keeps its place.
        let isPassedOn: Bool
        let done: (Checked) -> Void
    }
    private let loop: any ServiceLoop
    /// What is opened to be compressed anew is counted here.
    private let memory: MemoryBudget
    private var waiting: [ObjectIdentifier: Deque<Job>] = [:]
    private var turns = Deque<ObjectIdentifier>()
    private lazy var threads = (0..<Self.threadCount).map { DiskThread(name: "broker-check-\($0)") }
    private var idle = Array(0..<threadCount)
    private var hasBegun = false

    /// As many as there are disk threads.
    private static let threadCount = 2

    init(loop: any ServiceLoop, memory: MemoryBudget) {
        self.loop = loop
        self.memory = memory
    }

    /// Ends the threads; blocking, off the loop, after the loop takes no more work.
    func end() { if hasBegun { for thread in threads { thread.stop() } } }

    /// Whether batches of this connection have to wait for others of it.
    func holds(_ session: BrokerSession) -> Bool { waiting[ObjectIdentifier(session)] != nil }

    /// `done` gets the batch or why it is refused, after all that this connection sent before.
    func check(_ batch: RecordBatch, _ rules: RecordRules, isPassedOn: Bool, of session: BrokerSession, _ done: @escaping (Checked) -> Void) {
        let id = ObjectIdentifier(session)
        let isFirst = waiting[id] == nil
        waiting[id, default: []].append(Job(batch: batch, rules: rules, isPassedOn: isPassedOn, done: done))
        if isFirst {
            turns.append(id)
            next()
        }
    }

    private func next() {
        while !idle.isEmpty, let id = turns.popFirst() {
            guard let job = waiting[id]?.first else { preconditionFailure("a connection in line has a batch") }
            if job.isPassedOn {
                ended(id, .success(job.batch))
                continue
            }
            let thread = idle.removeLast()
            hasBegun = true
            // Made and called on the loop; the thread only carries it back.
            nonisolated(unsafe) let checked: (Checked) -> Void = { [self] result in
                idle.append(thread)
                ended(id, result)
                next()
            }
            threads[thread].submit { [loop, memory, batch = job.batch, rules = job.rules] in
                let result: Checked = batch.isIntact ? rules.checked(batch).flatMap { rules.recompressed($0, memory) } : .failure(.damaged)
                loop.execute { checked(result) }
            }
        }
    }

    private func ended(_ id: ObjectIdentifier, _ result: Checked) {
        guard let job = waiting[id]?.popFirst() else { preconditionFailure("a batch is checked once") }
        // What the answer sets off may send more: the line is in order first.
        if waiting[id]?.isEmpty == true { waiting[id] = nil } else { turns.append(id) }
        job.done(result)
    }
}

extension RecordRefusal {
    /// A batch whose checksum does not hold.
    static var damaged: Self { Self(code: .corruptMessage, message: "the checksum of the batch does not match") }
}
