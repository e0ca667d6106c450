// Admission of transactional batches: only batches of their producer epoch's open transaction are appended. The loop decides before the
// batch goes to the disk, and a marker takes the same way, so that no batch follows its transaction's end. Source: Kafka KIP-98; KIP-890
// for partitions that join with their first batch.
import Base
import BrokerCore
import KafkaWire

/// A partition that is about to join a transaction.
struct TransactionJoin: Hashable {
    @ExactText var transaction: String
    var producer: ProducerIdentity
    var partition: TopicPartition
}

extension Broker {
    /// The first version of Produce in which a partition joins its transaction with the first batch.
    private static var firstVersionThatJoins: Int16 { 12 }
    /// The first version of Produce whose clients can be asked to abort the transaction and continue with the next one.
    private static var firstVersionThatAborts: Int16 { 11 }

    /// Calls `done` at once or after the partition has joined, in the order of the batches.
    func enterTransaction(
        _ batch: RecordBatch, _ partition: Partition, _ request: ProduceRequest, _ call: Call, _ done: @escaping (ProduceRefusal?) -> Void
    ) {
        let producer = ProducerIdentity(batch.producerID, batch.producerEpoch)
        guard isClustered, let name = request.transactionalID, !isOpen(name, producer, partition) else {
            return enter(batch, partition, request, call, done)
        }
        // The coordinator may know a later state of the transaction than was executed here.
        replica.afterBarrier { [self] isReadable in
            if isReadable { enter(batch, partition, request, call, done) } else { done(.init(.notLeaderOrFollower, nil)) }
        }
    }

    private func isOpen(_ name: String, _ producer: ProducerIdentity, _ partition: Partition) -> Bool {
        guard let transaction = machine.transactions[name] else { return false }
        return transaction.producer == producer && transaction.phase == .ongoing && transaction.contains(partition.name)
    }

    private func enter(
        _ batch: RecordBatch, _ partition: Partition, _ request: ProduceRequest, _ call: Call, _ done: @escaping (ProduceRefusal?) -> Void
    ) {
        guard let name = request.transactionalID else {
            return done(.init(.transactionalIDAuthorizationFailed, "a batch of a transaction comes with the transactional id"))
        }
        let producer = ProducerIdentity(batch.producerID, batch.producerEpoch)
        guard let transaction = machine.transactions[name], transaction.producer.id == producer.id else {
            return done(.init(.invalidProducerIDMapping, BrokerRefusal.unknownTransaction(name).message))
        }
        guard transaction.producer.epoch == producer.epoch else {
            return done(.init(.invalidProducerEpoch, BrokerRefusal.producerFenced(name).message))
        }
        if transaction.phase == .ongoing, transaction.contains(partition.name) { return done(nil) }
        guard call.version >= Self.firstVersionThatJoins else {
            let code: KafkaErrorCode = call.version >= Self.firstVersionThatAborts ? .transactionAbortable : .invalidTransactionState
            return done(.init(code, "the partition was not added to the transaction '\(name)', or that has ended"))
        }
        join(TransactionJoin(transaction: name, producer: producer, partition: partition.name)) { refusal in
            done(refusal.map { .init($0 == .producerFenced(name) ? .invalidProducerEpoch : $0.code, $0.message) })
        }
    }

    private func join(_ join: TransactionJoin, _ done: @escaping (BrokerRefusal?) -> Void) {
        // Batches that arrive while the partition joins wait behind the first one, so that their order stays.
        guard transactions.joins[join] == nil else {
            transactions.joins[join]?.append(done)
            return
        }
        transactions.joins[join] = [done]
        change(TransactionCommand(join.transaction, join.producer, .addPartitions([join.partition]))) { [self] result in
            var refusal: BrokerRefusal?
            if case .failure(let reason) = result { refusal = reason }
            for waiter in transactions.joins.removeValue(forKey: join) ?? [] { waiter(refusal) }
        }
    }
}
