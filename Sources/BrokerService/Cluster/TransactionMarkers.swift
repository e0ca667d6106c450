// Transactions in a cluster. The log holds the outcome, so every leader learns it and writes the marker into its partitions. Once a marker
// is on all in-sync replicas, the leader reports it through the log; the last report completes the transaction. No broker has to ask
// another one, and a new leader finds the pending markers in the state.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    /// Whether this broker coordinates the group or transaction of this name. Before it has joined, its knowledge of them may be old.
    func coordinates(_ name: String) -> Bool {
        guard isClustered else { return true }
        return cluster?.hasJoined == true && machine.cluster.coordinator(of: name) == settings.nodeID
    }

    /// The claim by which the log tells a command of this group's coordinator from a late one. Taken when the request is accepted.
    func claim(of group: GroupID) -> CoordinatorClaim { machine.cluster.claim(of: group.rawValue, by: settings.nodeID) }

    /// A transaction changed; every broker learns of it.
    func transactionChanged(_ transaction: Transaction) {
        note(transaction)
        guard transaction.phase.isPrepared else {
            if transactions.completions[ExactText(transaction.name)] != nil { tell(transaction.name, .done) }
            return
        }
        for name in transaction.content.partitions {
            if let partition = partitions[name], partition.leads { writeMarker(of: transaction, partition) }
        }
        reportGone(transaction)
    }

    /// Writes the pending markers of a partition that this broker leads now.
    func writePendingMarkers(of partition: Partition) {
        for name in machine.transactionsUnderWay.keys {
            guard let transaction = machine.transactions[name], transaction.phase.isPrepared, transaction.contains(partition.name) else {
                continue
            }
            writeMarker(of: transaction, partition)
        }
    }

    private func writeMarker(of transaction: Transaction, _ partition: Partition) {
        let mark = PendingMark(
            transaction: transaction.name, producer: transaction.producer, decided: transaction.decided, partition: partition.name,
            term: partition.term)
        guard transactions.marks.insert(mark).inserted else { return }
        func again() {
            transactions.marks.remove(mark)
            loop.schedule(after: BrokerSettings.transactionRetry) { [self] in
                guard !isStopping, let partition = partitions[mark.partition], partition.leads, partition.term == mark.term,
                    let present = machine.transactions[mark.transaction], present.decided == mark.decided, present.phase.isPrepared,
                    present.contains(mark.partition)
                else { return }
                writeMarker(of: present, partition)
            }
        }
        let job = AppendJob(
            partition: partition, log: partition.log, payload: AppendPayload(marker(of: transaction), logAppendTime: nil),
            term: partition.term, mustSync: true
        ) { [self] outcome in
            guard case .appended(let offset, _) = outcome else { return again() }
            partition.whenReplicated(offset + 1, until: now + BrokerSettings.markerTimeout) { [self] code in
                // A marker on too few replicas would be lost with its leader.
                guard code == .none else { return again() }
                report(mark, again)
            }
        }
        partition.writer.append(job)
    }

    private func report(_ mark: PendingMark, _ again: @escaping () -> Void) {
        replica.propose(.cluster(.marked(transaction: mark.transaction, mark.producer, decided: mark.decided, [mark.partition]))) {
            [self] result in
            guard case .success = result else { return again() }
            transactions.marks.remove(mark)
        }
    }

    /// Waits for the leaders' reports; after a while the request gets the answer that they take longer.
    func awaitMarkers(of transaction: Transaction) {
        reportGone(transaction)
        loop.schedule(after: BrokerSettings.markerTimeout) { self.tell(transaction.name, .delayed) }
    }

    /// Reports partitions whose topics were deleted, which need no marker; this completes a transaction without partitions too.
    private func reportGone(_ transaction: Transaction) {
        guard coordinates(transaction.name) else { return }
        let gone = transaction.content.partitions.filter { machine.topics[$0.topic] == nil }
        guard !gone.isEmpty || transaction.content.partitions.isEmpty else { return }
        replica.propose(.cluster(.marked(transaction: transaction.name, transaction.producer, decided: transaction.decided, gone))) { _ in }
    }

    /// The live brokers changed: groups and transactions may have another coordinator.
    func coordinatorsChanged() {
        guard coordinatorsKnown != machine.cluster.alive else { return }
        for gone in coordinatorsKnown where !machine.cluster.aliveSet.contains(gone) { departed[gone] = now }
        for alive in machine.cluster.alive { departed[alive] = nil }
        coordinatorsKnown = machine.cluster.alive
        forgetGroups(all: false)
        adoptGroups()
        for name in machine.transactionsUnderWay.keys {
            if let transaction = machine.transactions[name], transaction.phase.isPrepared { reportGone(transaction) }
        }
    }
}

/// A marker being written.
struct PendingMark: Hashable {
    @ExactText var transaction: String
    var producer: ProducerIdentity
    /// Tells transactions of one producer apart.
    var decided: Int64
    var partition: TopicPartition
    var term: Int32
}
