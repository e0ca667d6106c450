// The machine's side of transactions: a table by transactional id, the rules applied to it, staged offsets committed with their
// transaction, and the rows that keep all of it.
import Base

extension BrokerMachine {
    /// Limit of transactional ids; each takes memory until it expires.
    package static let transactionsMax = 10_000

    mutating func apply(_ command: TransactionCommand, _ position: ApplyPosition, _ rows: inout RowChanges) -> BrokerOutcome {
        let time = position.time
        if case .begin(let timeout) = command.action { return begin(command.name, command.producer, timeout, time, &rows) }
        guard var transaction = transactions[command.name] else { return .refused(.unknownTransaction(command.name)) }
        var refusal: BrokerRefusal?
        switch command.action {
        case .begin: break
        case .addPartitions(let partitions): refusal = transaction.add(partitions, as: command.producer, at: time)
        case .addGroup(let group): refusal = transaction.add(group, as: command.producer, at: time)
        case .stageOffsets(let group, let entries, let joining):
            refusal = transaction.stage(entries, of: group, joining: joining, as: command.producer, at: time)
        case .decide(let commits, let epoch):
            refusal = transaction.decide(commits: commits, epoch, as: command.producer) { takeProducerID(&rows) }
            if refusal == nil, transaction.phase.isPrepared { transaction.decided = position.slot.rawValue }
        case .complete:
            guard transaction.phase.isPrepared, transaction.producer.id == command.producer.id else { return .transaction(transaction) }
            if transaction.phase == .prepareCommit { commitStaged(of: transaction, time, &rows) }
            transaction.complete()
        case .forget:
            guard transaction.phase.isAtRest, transaction.producer == command.producer else { return .transaction(transaction) }
            drop(command.name, &rows)
            return .done
        }
        if let refusal { return .refused(refusal) }
        transaction.updated = time
        store(transaction, &rows)
        return .transaction(transaction)
    }

    /// Leaders have written a decided transaction's marker into these partitions; the last of them completes the transaction. A late
    /// report does not count for the producer's next transaction.
    mutating func marked(
        _ name: String, _ producer: ProducerIdentity, decided: Int64, _ partitions: [TopicPartition], _ time: WallTime,
        _ rows: inout RowChanges
    ) -> BrokerOutcome {
        guard var transaction = transactions[name] else { return .refused(.unknownTransaction(name)) }
        guard transaction.phase.isPrepared, transaction.producer == producer, decided < 0 || transaction.decided == decided else {
            return .transaction(transaction)
        }
        let done = Set(partitions)
        transaction.content.partitions.removeAll(where: done.contains)
        if transaction.content.partitions.isEmpty {
            if transaction.phase == .prepareCommit { commitStaged(of: transaction, time, &rows) }
            transaction.complete()
        }
        transaction.updated = time
        store(transaction, &rows)
        return .transaction(transaction)
    }

    private mutating func begin(_ name: String, _ expected: ProducerIdentity, _ timeout: Int32, _ time: WallTime, _ rows: inout RowChanges)
        -> BrokerOutcome
    {
        guard var transaction = transactions[name] else {
            guard transactions.count < Self.transactionsMax else { return .refused(.tooManyTransactions(limit: Self.transactionsMax)) }
            guard expected.id < 0 else { return .refused(.unknownTransaction(name)) }
            var made = Transaction(name: name, producer: ProducerIdentity(takeProducerID(&rows), 0), timeoutMilliseconds: timeout)
            made.updated = time
            store(made, &rows)
            return .transaction(made)
        }
        if let refusal = transaction.begin(expected, timeoutMilliseconds: timeout, freshID: { takeProducerID(&rows) }) {
            return .refused(refusal)
        }
        transaction.updated = time
        store(transaction, &rows)
        return .transaction(transaction)
    }

    /// Commits staged offsets, group by group in the order of staging; drops an offset whose topic has gone, as every commit does.
    private mutating func commitStaged(of transaction: Transaction, _ time: WallTime, _ rows: inout RowChanges) {
        for group in transaction.content.groups {
            let entries = transaction.content.staged.filter { $0.group == group }.map(\.entry)
            if !entries.isEmpty { _ = commit(group, entries, time, &rows) }
        }
    }

    private mutating func store(_ transaction: Transaction, _ rows: inout RowChanges) {
        insert(transaction)
        rows.upsert(Self.transactionsTable, Self.row(transaction))
    }

    private mutating func drop(_ name: String, _ rows: inout RowChanges) {
        remove(transaction: name)
        rows.delete(Self.transactionsTable, key: [.text(name)])
    }

    /// Whether a producer has an open or a decided, incomplete transaction with this partition in it. A transaction that is open in the
    /// partition's log and has neither hangs: no command will decide it.
    package func hasTransaction(of producerID: Int64, in partition: TopicPartition) -> Bool {
        transactionsUnderWay.keys.contains { name in
            transactions[name].map { $0.producer.id == producerID && $0.contains(partition) } ?? false
        }
    }

    /// The partitions whose offset of this group an incomplete transaction holds back.
    package func stagedPartitions(of group: GroupID) -> Set<TopicPartition> {
        var found: Set<TopicPartition> = []
        for name in transactionsUnderWay.keys {
            for one in transactions[name]?.content.staged ?? [] where one.group == group { found.insert(one.place.partition) }
        }
        return found
    }
}

// MARK: rows

extension BrokerMachine {
    static let transactionsTable = TableSchema(
        "transactions", key: [.init("transactional_id", .text)],
        values: [
            .init("producer_id", .integer), .init("epoch", .integer), .init("previous_epoch", .integer), .init("successor", .integer),
            .init("timeout_ms", .integer), .init("phase", .integer), .init("started_ms", .integer), .init("updated_ms", .integer),
            .init("content", .blob), .init("decided_slot", .integer),
        ])

    static func row(_ transaction: Transaction) -> Row {
        let content: Bytes
        do { content = try transaction.content.encoded(as: DurableDialect.self) } catch {
            preconditionFailure("the content of a transaction can always be encoded: \(error)")
        }
        return [
            .text(transaction.name), .integer(transaction.producer.id), .integer(Int64(transaction.producer.epoch)),
            .integer(Int64(transaction.previousEpoch)), .integer(transaction.successor), .integer(Int64(transaction.timeoutMilliseconds)),
            .integer(Int64(transaction.phase.rawValue)), .integer(transaction.started.milliseconds),
            .integer(transaction.updated.milliseconds),
            .blob(content), .integer(transaction.decided),
        ]
    }

    mutating func loadTransaction(_ row: Row) throws(StateCorruption) {
        guard let name = row[0].text, let id = row[1].integer, let epoch = row[2].integer.flatMap(Int16.init(exactly:)),
            let previous = row[3].integer.flatMap(Int16.init(exactly:)), let successor = row[4].integer,
            let timeout = row[5].integer.flatMap(Int32.init(exactly:)),
            let phase = row[6].integer.flatMap(Int8.init(exactly:)).flatMap(TransactionPhase.init(rawValue:)), let started = row[7].integer,
            let updated = row[8].integer, let content = row[9].blob
        else { throw StateCorruption("a transaction's row is incomplete") }
        var transaction = Transaction(name: name, producer: ProducerIdentity(id, epoch), timeoutMilliseconds: timeout)
        transaction.previousEpoch = previous
        transaction.successor = successor
        transaction.phase = phase
        transaction.started = WallTime(milliseconds: started)
        transaction.updated = WallTime(milliseconds: updated)
        // Rows of earlier versions have no slot.
        transaction.decided = row[10].integer ?? 0
        do { transaction.content = try TransactionContent(decoding: content, as: DurableDialect.self) } catch {
            throw StateCorruption("the content of transaction '\(name)' cannot be read: \(error)")
        }
        insert(transaction)
    }
}
