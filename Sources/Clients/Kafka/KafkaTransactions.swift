// Transactions for an operator: listing, describing, and ending one whose producer does not come back.
import Base
import KafkaWire

/// A transactional id in its coordinator's description.
package struct KafkaTransaction: Sendable, Equatable {
    package var name: String
    package var state: String
    package var producerID: Int64
    package var epoch: Int16 = -1
    package var timeoutMilliseconds: Int32 = 0
    /// Milliseconds since 1970; nil if none is open.
    package var startTime: Int64?
    package var partitions: [(topic: String, partition: Int32)] = []

    package static func == (left: KafkaTransaction, right: KafkaTransaction) -> Bool {
        left.name == right.name && left.state == right.state && left.producerID == right.producerID && left.epoch == right.epoch
    }
}

extension KafkaClient {
    /// The transactional ids of all brokers, by name.
    package func transactions() async throws -> KafkaListing<KafkaTransaction> {
        let listing = try await list(ListTransactionsRequest()) { answer throws(KafkaFailure) in
            guard answer.errorCode == .none else {
                throw KafkaFailure.refused(answer.errorCode, doing: "listing transactions", detail: nil)
            }
            return answer.transactionStates.map {
                KafkaTransaction(name: $0.transactionalID, state: $0.transactionState, producerID: $0.producerID)
            }
        }
        return listing.sorted(by: \.name)
    }

    package func transaction(_ name: String) async throws -> KafkaTransaction {
        let node = try await coordinator(of: name, .transaction)
        let request = DescribeTransactionsRequest(transactionalIDs: [name])
        let answer = try await call(node, request)
        guard let one = answer.transactionStates.first else { throw Self.mismatch }
        if one.errorCode == .transactionalIDNotFound { throw KafkaFailure.unknownTransaction(name) }
        guard one.errorCode == .none else {
            throw KafkaFailure.refused(one.errorCode, doing: "describing transaction '\(name)'", detail: nil)
        }
        return KafkaTransaction(
            name: name, state: one.transactionState, producerID: one.producerID, epoch: one.producerEpoch,
            timeoutMilliseconds: one.transactionTimeoutMilliseconds,
            startTime: one.transactionStartTimeMilliseconds >= 0 ? one.transactionStartTimeMilliseconds : nil,
            partitions: one.topics.flatMap { topic in topic.partitions.map { (topic.topic, $0) } })
    }

    /// Takes over the id like a new producer: aborts the open transaction, and fences the producer that had it.
    package func abortTransaction(_ name: String) async throws {
        let known = try await transaction(name)
        let node = try await coordinator(of: name, .transaction)
        let attemptsMax = 20
        for _ in 0..<attemptsMax {
            let request = InitProducerIDRequest(transactionalID: name, transactionTimeoutMilliseconds: max(1, known.timeoutMilliseconds))
            let answer = try await call(node, request)
            if answer.errorCode == .none { return }
            guard answer.errorCode == .concurrentTransactions else {
                throw KafkaFailure.refused(answer.errorCode, doing: "aborting transaction '\(name)'", detail: nil)
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw KafkaFailure.timedOut(doing: "aborting transaction '\(name)'")
    }
}
