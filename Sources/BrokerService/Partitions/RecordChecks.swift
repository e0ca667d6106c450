// The checks of compressed batches, and the recompression of batches whose topic has another codec. Producers do not pay for that time, so
// it runs on threads of its own, for one batch of a connection at a time and for the connections in turn. Later batches of a connection
// wait for the one under check, so that batches stay in order. Used on the loop; only the check itself runs on a thread.
import Base
import DequeModule
import KafkaWire
import NetKit
import Storage

/// Shares the checking threads fairly among the connections.
final class RecordChecks: @unchecked Sendable {
    // Safe to share: every member is used on the loop only; a thread gets a batch and hands back the result.
    typealias Checked = Result<RecordBatch, RecordRefusal>
    private struct Job {
        let batch: RecordBatch
        let rules: RecordRules
        /// Whether it needs no check and only keeps its place.
        let isPassedOn: Bool
        let done: (Checked) -> Void
    }
    private let loop: any ServiceLoop
    /// The budget of batches opened for recompression.
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

    /// Ends the threads; blocking, called off the loop once the loop takes no more work.
    func end() { if hasBegun { for thread in threads { thread.stop() } } }

    /// Whether new batches of this connection must wait for its earlier ones.
    func holds(_ session: BrokerSession) -> Bool { waiting[ObjectIdentifier(session)] != nil }

    /// `done` gets the batch or the refusal, after all earlier batches of this connection.
    func check(_ batch: RecordBatch, _ rules: RecordRules, isPassedOn: Bool, of session: BrokerSession, _ done: @escaping (Checked) -> Void)
    {
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
        // The answer may cause further batches, so the queue is put in order first.
        if waiting[id]?.isEmpty == true { waiting[id] = nil } else { turns.append(id) }
        job.done(result)
    }
}

extension RecordRefusal {
    /// The refusal of a batch with a wrong checksum.
    static var damaged: Self { Self(code: .corruptMessage, message: "the checksum of the batch does not match") }
}
