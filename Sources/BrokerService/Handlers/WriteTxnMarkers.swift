// WriteTxnMarkers: an administrator ends a transaction that hangs, open in a partition's log while no coordinator knows it any more. What a coordinator has open or has
// decided is refused: its outcome is the coordinator's to write, and a client may still be told that it was committed. Source: KIP-664; docs/decisions/0023.
import Base
import BrokerCore
import KafkaWire

/// A marker that a client asks for, of one partition.
private struct AskedMarker {
    var producer: ProducerIdentity
    var marker: TransactionMarker
    var coordinatorEpoch: Int32
    /// Whether the marker's epoch is to be above that of the batches that it ends (KIP-1228).
    var hasOwnEpoch: Bool
}

extension Broker {
    /// The epoch of every coordinator here, as DescribeProducers tells it and markers carry it.
    private static var coordinatorEpoch: Int32 { 0 }
    /// From this level of `transaction.version` on each transaction has an epoch of its own.
    private static var firstLevelOfOwnEpochs: Int8 { 2 }

    func writeTxnMarkers(_ request: WriteTxnMarkersRequest, _ call: Call) {
        var response = request.answered(.none)
        let gathering = Gathering { call.reply(response) }
        for (m, marker) in request.markers.enumerated() {
            let asked = AskedMarker(
                producer: ProducerIdentity(marker.producerID, marker.producerEpoch), marker: marker.transactionResult ? .commit : .abort,
                coordinatorEpoch: marker.coordinatorEpoch, hasOwnEpoch: marker.transactionVersion >= Self.firstLevelOfOwnEpochs)
            for (t, topic) in marker.topics.enumerated() {
                for (p, number) in topic.partitionIndexes.enumerated() {
                    gathering.enter()
                    end(asked, in: TopicPartition(topic.name, number)) { code in
                        response.markers[m].topics[t].partitions[p].errorCode = code
                        gathering.leave()
                    }
                }
            }
        }
        gathering.leave()
    }

    /// The partition's disk thread knows what is open in it.
    private func end(_ asked: AskedMarker, in name: TopicPartition, _ done: @escaping (KafkaErrorCode) -> Void) {
        let partition: Partition
        do { partition = try led(name).get() } catch { return done(error.code) }
        guard asked.coordinatorEpoch >= Self.coordinatorEpoch else { return done(.transactionCoordinatorFenced) }
        let log = partition.log
        // Made and called on the loop; the disk thread only carries it back.
        nonisolated(unsafe) let judged: (Bool, Int16?) -> Void = { [self] isOpen, epoch in
            if let epoch, asked.producer.epoch < epoch { return done(.invalidProducerEpoch) }
            // A marker with nothing to end would only make the log longer.
            guard isOpen else { return done(.none) }
            if let epoch, asked.hasOwnEpoch, asked.producer.epoch == epoch { return done(.invalidProducerEpoch) }
            write(asked, partition, done)
        }
        partition.writer.disk.submit {
            let isOpen = log.bounds.transactions.firstOffset(of: asked.producer.id) != nil
            let epoch = log.producers.first { $0.0.producerID == asked.producer.id }?.0.epoch
            self.loop.execute { judged(isOpen, epoch) }
        }
    }

    /// A batch of a transaction that began meanwhile is on its way only if that transaction is known here: whatever the marker ends has no coordinator.
    private func write(_ asked: AskedMarker, _ partition: Partition, _ done: @escaping (KafkaErrorCode) -> Void) {
        guard !machine.hasTransaction(of: asked.producer.id, in: partition.name) else { return done(.transactionCoordinatorFenced) }
        let batch = asked.marker.batch(
            producerID: asked.producer.id, producerEpoch: asked.producer.epoch, timestamp: time.wallTime().milliseconds)
        let job = AppendJob(
            partition: partition, log: partition.log, payload: AppendPayload(batch, logAppendTime: nil), term: partition.term, mustSync: true
        ) { [self] outcome in
            guard case .appended(let offset, _) = outcome else {
                if case .notLeader = outcome { return done(.notLeaderOrFollower) }
                return done(.kafkaStorageError)
            }
            log.notice(
                "a transaction that hung was ended by an administrator",
                metadata: [
                    "partition": "\(partition.name)", "producer": "\(asked.producer.id)", "marker": "\(asked.marker)",
                ])
            partition.whenReplicated(offset + 1, until: now + BrokerSettings.markerTimeout, done)
        }
        partition.writer.append(job)
    }
}
