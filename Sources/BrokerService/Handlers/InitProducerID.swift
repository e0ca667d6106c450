// InitProducerId. An idempotent producer gets an id from a durably reserved block, so that no id is given twice. A transactional id gets
// its producer's identity: earlier holders are fenced and the open transaction is aborted first.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    /// Most retries of a begin after the completion of the transaction in its way.
    private static var beginAttemptsMax: Int { 3 }

    func initProducerID(_ request: InitProducerIDRequest, _ call: Call) {
        if let name = request.transactionalID { return initTransactional(name, request, call) }
        if let id = transactions.producerIDs.popFirst() { return call.reply(InitProducerIDResponse(producerID: id, producerEpoch: 0)) }
        replica.propose(.reserveProducerIDs(count: BrokerSettings.producerIDBlock)) { [self] result in
            guard case .success(.producerIDs(let first)) = result else { return refuse(.coordinatorNotAvailable, call) }
            // Other requests may have reserved blocks meanwhile: a larger block stays, and skipped ids do no harm.
            transactions.producerIDs = (first + 1)..<(first + BrokerSettings.producerIDBlock)
            call.reply(InitProducerIDResponse(producerID: first, producerEpoch: 0))
        }
    }

    private func refuse(_ code: KafkaErrorCode, _ call: Call) {
        call.reply(InitProducerIDResponse(errorCode: code, producerEpoch: -1))
    }

    private func initTransactional(_ name: String, _ request: InitProducerIDRequest, _ call: Call) {
        guard !name.isEmpty, name.utf8.count <= BrokerSettings.transactionalIDBytesMax else { return refuse(.invalidRequest, call) }
        let timeout = Duration.milliseconds(Int(request.transactionTimeoutMilliseconds))
        guard timeout > .zero, timeout <= BrokerSettings.transactionTimeoutMax else { return refuse(.invalidTransactionTimeout, call) }
        begin(name, ProducerIdentity(request.producerID, request.producerEpoch), request.transactionTimeoutMilliseconds, call, attempt: 1)
    }

    private func begin(_ name: String, _ expected: ProducerIdentity, _ timeout: Int32, _ call: Call, attempt: Int) {
        coordinate(TransactionCommand(name, expected, .begin(timeoutMilliseconds: timeout))) { [self] result in
            func again() { begin(name, expected, timeout, call, attempt: attempt + 1) }
            switch result {
            case .success(let transaction):
                call.reply(InitProducerIDResponse(producerID: transaction.producer.id, producerEpoch: transaction.producer.epoch))
            case .failure(.transactionOpen) where attempt <= Self.beginAttemptsMax:
                guard let open = machine.transactions[name] else { return again() }
                // A producer that returns as the present one keeps its epoch until the begin raises it.
                decide(name, open.producer, commits: false, expected.id >= 0 ? .kept : .fencing) { _ in again() }
            case .failure(.transactionCompleting) where attempt <= Self.beginAttemptsMax:
                complete(name) { [self] completion in
                    if case .done = completion { again() } else { refuse(.concurrentTransactions, call) }
                }
            case .failure(let refusal): refuse(refusal.transactionCode(fencedSince: 4, call.version), call)
            }
        }
    }
}

extension BrokerRefusal {
    /// The error code of transaction requests. Clients before version `first` do not know PRODUCER_FENCED.
    func transactionCode(fencedSince first: Int16, _ version: Int16) -> KafkaErrorCode {
        switch self {
        case .producerFenced where version < first: .invalidProducerEpoch
        case .notWritable: .coordinatorNotAvailable
        default: code
        }
    }
}
