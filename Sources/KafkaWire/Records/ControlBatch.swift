// Control batches: brokers write a transaction's end into each of its partitions. Clients read the key and never see the record. Source:
// Kafka documentation, "Control Batches"; EndTransactionMarker, version 0.
import Base

/// The outcome of a transaction.
package enum TransactionMarker: Int16, Sendable {
    case abort = 0
    case commit = 1

    /// A batch with this marker, without an offset.
    package func batch(producerID: Int64, producerEpoch: Int16, timestamp: Int64) -> RecordBatch {
        var key = Bytes()
        key.writeInteger(Int16(0))
        key.writeInteger(rawValue)
        var value = Bytes()
        value.writeInteger(Int16(0))
        // The coordinator's epoch: there is one coordinator, and it does not change.
        value.writeInteger(Int32(0))
        var builder = RecordBatchBuilder()
        builder.producerID = producerID
        builder.producerEpoch = producerEpoch
        builder.isTransactional = true
        builder.isControl = true
        builder.add(Record(timestamp: timestamp, key: key, value: value))
        do { return try RecordBatch(try builder.build()) } catch { preconditionFailure("a marker of ours can always be written: \(error)") }
    }
}

extension RecordBatch {
    /// The marker in a control batch; nil for any other batch and for control records other than a transaction's end.
    package var marker: TransactionMarker? {
        guard isControl else { return nil }
        // A damaged batch has no marker; its checksum shows the damage.
        var number: Int16?
        let isRead = Result { () throws(WireError) in
            try forEachRecord { record in
                number = record.key.flatMap { $0.count >= 4 ? Int16($0[2]) << 8 | Int16($0[3]) : nil }
                return false
            }
        }
        guard case .success = isRead else { return nil }
        return number.flatMap(TransactionMarker.init(rawValue:))
    }
}
