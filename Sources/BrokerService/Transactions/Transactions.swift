// The coordinator of transactions on the loop: writes decided outcomes as markers into the partitions and completes them, aborts
// transactions past their timeout, and resumes interrupted ones after a crash. BrokerCore has the rules, the replica the state.
import Base
import BrokerCore
import KafkaWire
import Storage

/// The transactions that this broker coordinates, or whose partitions it leads, while something of them is under way.
struct OpenTransactions {
    /// Deadline of each open transaction.
    var deadlines: [ExactText: Instant] = [:]
    var isCheckScheduled = false
    /// Reserved ids for new producers.
    var producerIDs: Range<Int64> = 0..<0
    /// Transactions whose outcome is being written to the partitions, with the waiting requests.
    var completions: [ExactText: [(Completion) -> Void]] = [:]
    /// Markers that this broker is writing as the leader of their partitions.
    var marks: Set<PendingMark> = []
    /// Partitions that join a transaction with their first batch, with the waiting batches.
    var joins: [TransactionJoin: [(BrokerRefusal?) -> Void]] = [:]
}

/// The result of a transaction's completion, for a waiting request.
enum Completion {
    case done
    /// A partition does not take its marker at present. The outcome stands and is completed in the background.
    case delayed
}

extension Broker {
    typealias TransactionResult = Result<Transaction, BrokerRefusal>

    /// Proposes a change of a transactional id as its coordinator.
    func coordinate(_ command: TransactionCommand, _ done: @escaping (TransactionResult) -> Void) {
        guard isClustered else { return change(command, done) }
        change(.cluster(.transact(by: machine.cluster.claim(of: command.name, by: settings.nodeID), command)), done)
    }

    /// The same from any broker.
    func change(_ command: TransactionCommand, _ done: @escaping (TransactionResult) -> Void) { change(.transaction(command), done) }

    /// The same for a command that changes a transaction among other things.
    func change(_ command: BrokerCommand, _ done: @escaping (TransactionResult) -> Void) {
        replica.propose(command) { [self] result in
            switch result {
            case .success(.transaction(let transaction)):
                note(transaction)
                done(.success(transaction))
            case .success(.refused(let refusal)): done(.failure(refusal))
            case .success, .failure: done(.failure(.notWritable))
            }
        }
    }

    /// Starts a transaction's timeout. It runs on the monotonic clock and restarts with the broker, so that no jump of the calendar ends it
    /// early.
    func note(_ transaction: Transaction) {
        guard transaction.phase == .ongoing else {
            transactions.deadlines[ExactText(transaction.name)] = nil
            return
        }
        guard transactions.deadlines[ExactText(transaction.name)] == nil else { return }
        transactions.deadlines[ExactText(transaction.name)] = now + .milliseconds(Int(transaction.timeoutMilliseconds))
        scheduleTransactionCheck()
    }

    private func scheduleTransactionCheck() {
        guard !transactions.isCheckScheduled, !transactions.deadlines.isEmpty, !isStopping else { return }
        transactions.isCheckScheduled = true
        loop.schedule(after: BrokerSettings.transactionTick) { [self] in
            transactions.isCheckScheduled = false
            guard !isStopping else { return }
            for (name, deadline) in transactions.deadlines.sorted(by: { $0.key < $1.key }) where deadline <= now { expire(name.text) }
            scheduleTransactionCheck()
        }
    }

    private func expire(_ name: String) {
        transactions.deadlines[ExactText(name)] = nil
        guard let transaction = machine.transactions[name], transaction.phase == .ongoing else { return }
        // The coordinator aborts it; if that fails, another broker is the coordinator by then.
        guard coordinates(name) else { return transactions.deadlines[ExactText(name)] = now + BrokerSettings.transactionRetry }
        log.info(
            "transaction aborted: it was open for longer than its timeout",
            metadata: [
                "transaction": "\(name)", "timeout": "\(transaction.timeoutMilliseconds) ms",
            ])
        decide(transaction.name, transaction.producer, commits: false, .fencing) { [self] result in
            // The disk may be full, or another broker the coordinator by now; the transaction's producer is fenced later then.
            guard case .failure(let refusal) = result else { return }
            if refusal == .notWritable || refusal == .notCoordinator(GroupID(name)) {
                transactions.deadlines[ExactText(name)] = now + BrokerSettings.transactionRetry
            }
        }
    }

    /// Decides a transaction and carries the outcome to its partitions. `done` gets the transaction after that, or as soon as a delay is
    /// known; the outcome is durable in both cases.
    func decide(
        _ name: String, _ producer: ProducerIdentity, commits: Bool, _ epoch: EpochChange, _ done: @escaping (TransactionResult) -> Void
    ) {
        coordinate(TransactionCommand(name, producer, .decide(commits: commits, epoch))) { [self] result in
            guard case .success(let transaction) = result, transaction.phase.isPrepared else { return done(result) }
            complete(name) { [self] completion in
                // With a new producer id after this epoch the successor is known only at the completion.
                if case .done = completion { return done(machine.transactions[name].map { .success($0) } ?? result) }
                done(transaction.successor < 0 ? result : .failure(.transactionCompleting(name)))
            }
        }
    }

    /// Waits for the completion of a decided transaction, and starts it if it has not begun.
    func complete(_ name: String, _ done: @escaping (Completion) -> Void) {
        if transactions.completions[ExactText(name)] != nil {
            transactions.completions[ExactText(name)]?.append(done)
            return
        }
        guard let transaction = machine.transactions[name], transaction.phase.isPrepared else { return done(.done) }
        transactions.completions[ExactText(name)] = [done]
        if isClustered { awaitMarkers(of: transaction) } else { writeMarkers(of: transaction) }
    }

    private func writeMarkers(of transaction: Transaction) {
        let batch = marker(of: transaction)
        var failed = false
        let gathering = Gathering { [self] in
            if failed { delay(transaction) } else { markersWritten(transaction) }
        }
        for name in transaction.content.partitions {
            // Its topic was deleted meanwhile: there is nothing left to mark.
            guard let partition = partitions[name] else { continue }
            gathering.enter()
            partition.writer.append(
                AppendJob(
                    partition: partition, log: partition.log, payload: AppendPayload(batch, logAppendTime: nil), term: partition.term,
                    mustSync: true
                ) { outcome in
                    if case .failed = outcome { failed = true }
                    gathering.leave()
                })
        }
        gathering.leave()
    }

    /// The batch with the outcome for a partition.
    func marker(of transaction: Transaction) -> RecordBatch {
        let marker: TransactionMarker = transaction.phase == .prepareCommit ? .commit : .abort
        return marker.batch(
            producerID: transaction.producer.id, producerEpoch: transaction.producer.epoch, timestamp: time.wallTime().milliseconds)
    }

    private func markersWritten(_ transaction: Transaction) {
        change(TransactionCommand(transaction.name, transaction.producer, .complete)) { [self] result in
            guard case .success = result else { return delay(transaction) }
            tell(transaction.name, .done)
        }
    }

    func tell(_ name: String, _ completion: Completion) {
        for waiter in transactions.completions.removeValue(forKey: ExactText(name)) ?? [] { waiter(completion) }
    }

    private func delay(_ transaction: Transaction) {
        log.warning(
            "a transaction's outcome cannot be written to all its partitions; trying again",
            metadata: ["transaction": "\(transaction.name)"])
        tell(transaction.name, .delayed)
        guard !isStopping else { return }
        loop.schedule(after: BrokerSettings.transactionRetry) { [self] in
            if !isStopping { complete(transaction.name) { _ in } }
        }
    }

    /// After a start: completes decided transactions, and gives open ones their full time.
    func resumeTransactions(_ done: @escaping () -> Void) {
        let gathering = Gathering(done)
        for name in machine.transactionsUnderWay.keys {
            guard let transaction = machine.transactions[name] else { continue }
            note(transaction)
            guard transaction.phase.isPrepared else { continue }
            log.info(
                "a transaction was decided before the last end; it is completed now",
                metadata: ["transaction": "\(name)", "phase": "\(transaction.phase.name)"])
            gathering.enter()
            complete(name) { _ in gathering.leave() }
        }
        gathering.leave()
    }

    /// Forgets transactional ids that are unused for long.
    func forgetIdleTransactions() {
        let oldest = time.wallTime().milliseconds.subtractingClamped(BrokerSettings.transactionalIDExpiry.inMilliseconds)
        for (name, transaction) in machine.transactions.entries
        where transaction.phase.isAtRest && transaction.updated.milliseconds < oldest {
            change(TransactionCommand(name, transaction.producer, .forget)) { _ in }
        }
    }
}
