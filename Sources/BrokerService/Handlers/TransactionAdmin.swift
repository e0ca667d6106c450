// ListTransactions, DescribeTransactions and DescribeProducers: the transactions, and the producers of a partition.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    func listTransactions(_ request: ListTransactionsRequest, _ call: Call) {
        var pattern: NameMatcher?
        if let text = request.transactionalIDPattern, !text.isEmpty {
            do { pattern = NameMatcher(try NameExpression(text)) } catch {
                return call.reply(ListTransactionsResponse(errorCode: .invalidRegularExpression))
            }
        }
        let known = Set(TransactionPhase.allCases.map(\.name))
        var response = ListTransactionsResponse(unknownStateFilters: request.stateFilters.filter { !known.contains($0) })
        let states = request.stateFilters.filter(known.contains)
        let wall = time.wallTime().milliseconds
        var work = NameExpression.workMax
        for (name, transaction) in machine.transactions.entries where coordinates(name) {
            guard request.stateFilters.isEmpty || states.contains(transaction.phase.name),
                request.producerIDFilters.isEmpty || request.producerIDFilters.contains(transaction.producer.id),
                request.durationFilter < 0
                    || (!transaction.phase.isAtRest && wall.subtractingClamped(transaction.started.milliseconds) > request.durationFilter)
            else { continue }
            if pattern != nil {
                guard let isMatch = pattern?.matches(name, &work) else {
                    log.info(
                        "an expression takes too long to be matched",
                        metadata: [
                            "request": "ListTransactions", "problem": "\(NameExpression.tooMuchWork(names: machine.transactions.count))",
                        ])
                    return call.reply(ListTransactionsResponse(errorCode: .invalidRegularExpression))
                }
                if !isMatch { continue }
            }
            response.transactionStates.append(
                .init(transactionalID: name, producerID: transaction.producer.id, transactionState: transaction.phase.name))
        }
        call.reply(response)
    }

    func describeTransactions(_ request: DescribeTransactionsRequest, _ call: Call) {
        let states = request.transactionalIDs.map { name -> DescribeTransactionsResponse.Transaction in
            guard let transaction = machine.transactions[name] else {
                return .init(errorCode: .transactionalIDNotFound, transactionalID: name)
            }
            var described = DescribeTransactionsResponse.Transaction(
                transactionalID: name, transactionState: transaction.phase.name,
                transactionTimeoutMilliseconds: transaction.timeoutMilliseconds,
                transactionStartTimeMilliseconds: transaction.phase.isAtRest ? -1 : transaction.started.milliseconds,
                producerID: transaction.producer.id, producerEpoch: transaction.producer.epoch)
            for partition in transaction.content.partitions.sorted() {
                if described.topics.last?.topic != partition.topic { described.topics.append(.init(topic: partition.topic)) }
                described.topics[described.topics.count - 1].partitions.append(partition.partition)
            }
            return described
        }
        call.reply(DescribeTransactionsResponse(transactionStates: states))
    }

    func describeProducers(_ request: DescribeProducersRequest, _ call: Call) {
        var topics = request.topics.map { topic in
            DescribeProducersResponse.Topic(name: topic.name, partitions: topic.partitionIndexes.map { .init(partition: $0) })
        }
        let gathering = Gathering { call.reply(DescribeProducersResponse(topics: topics)) }
        for (t, topic) in request.topics.enumerated() {
            for (p, number) in topic.partitionIndexes.enumerated() {
                let partition: Partition
                do { partition = try led(TopicPartition(topic.name, number)).get() } catch {
                    topics[t].partitions[p].errorCode = error.code
                    topics[t].partitions[p].errorMessage =
                        "partition \(number) of '\(topic.name)' is not led by this broker, if there is one"
                    continue
                }
                gathering.enter()
                producers(of: partition) {
                    topics[t].partitions[p].activeProducers = $0
                    gathering.leave()
                }
            }
        }
        gathering.leave()
    }

    private typealias Producer = DescribeProducersResponse.Topic.Partition.Producer

    /// Reads a partition's producers on its disk thread.
    private func producers(of partition: Partition, _ done: @escaping ([Producer]) -> Void) {
        let log = partition.log
        // Made and called on the loop; the disk thread only carries it back.
        nonisolated(unsafe) let done = done
        partition.writer.disk.submit {
            let producers = log.producers.map { one, openSince in
                Producer(
                    producerID: one.producerID, producerEpoch: Int32(one.epoch), lastSequence: one.lastSequence,
                    lastTimestamp: one.timestamp,
                    coordinatorEpoch: openSince == nil ? -1 : 0, currentTxnStartOffset: openSince ?? -1)
            }
            self.loop.execute { done(producers) }
        }
    }
}
