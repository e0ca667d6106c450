// WriteTxnMarkers: an administrator ends a hanging transaction, open in a partition's log but no longer known to any coordinator. A
// transaction that a coordinator has open or has decided is refused: the coordinator writes its outcome, and a client may still learn that
// it was committed. Source: KIP-664; docs/decisions/0023.
import Base
import BrokerCore
import KafkaWire

/// A requested marker of one partition.
private struct AskedMarker {
    var producer: ProducerIdentity
    var marker: TransactionMarker
    var coordinatorEpoch: Int32
    /// Whether the marker's epoch must be above that of the batches that it ends (KIP-1228).
    var hasOwnEpoch: Bool
}

extension Broker {
    /// The epoch of every coordinator here, as in DescribeProducers and in markers.
    private static var coordinatorEpoch: Int32 { 0 }
    /// The first level of `transaction.version` with an epoch per transaction.
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

    /// Checks for an open transaction on the partition's disk thread, then writes the marker.
    private func end(_ asked: AskedMarker, in name: TopicPartition, _ done: @escaping (KafkaErrorCode) -> Void) {
        let partition: Partition
        do { partition = try led(name).get() } catch { return done(error.code) }
        guard asked.coordinatorEpoch >= Self.coordinatorEpoch else { return done(.transactionCoordinatorFenced) }
        let log = partition.log
        // Made and called on the loop; the disk thread only carries it back.
        nonisolated(unsafe) let judged: (Bool, Int16?) -> Void = { [self] isOpen, epoch in
            if let epoch, asked.producer.epoch < epoch { return done(.invalidProducerEpoch) }
            // A marker that ends no transaction would only lengthen the log.
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

    /// Refuses a transaction known here, since its batches may be on their way: the marker may only end a transaction without a
    /// coordinator.
    private func write(_ asked: AskedMarker, _ partition: Partition, _ done: @escaping (KafkaErrorCode) -> Void) {
        guard !machine.hasTransaction(of: asked.producer.id, in: partition.name) else { return done(.transactionCoordinatorFenced) }
        let batch = asked.marker.batch(
            producerID: asked.producer.id, producerEpoch: asked.producer.epoch, timestamp: time.wallTime().milliseconds)
        let job = AppendJob(
            partition: partition, log: partition.log, payload: AppendPayload(batch, logAppendTime: nil), term: partition.term,
            mustSync: true
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
