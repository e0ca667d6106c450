// A partition's producers, transactions and leader epochs up to an offset, stored beside the log: a start reads the log only from that
// offset on. A snapshot that does not fit the log is ignored, and the whole log is read.
import Base

/// Producers, transactions and epochs below `nextOffset`.
package struct ProducerSnapshot: WireLayout {
    package var nextOffset: Int64 = 0
    package var ledger = ProducerLedger()
    package var transactions = PartitionTransactions()
    package var epochs = LeaderEpochs()

    package init() {}
    package init(nextOffset: Int64, ledger: ProducerLedger, transactions: PartitionTransactions, epochs: LeaderEpochs) {
        self.nextOffset = nextOffset
        self.ledger = ledger
        self.transactions = transactions
        self.epochs = epochs
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int64(&nextOffset)
        try io.nested(&ledger)
        try io.nested(&transactions)
        try io.nested(&epochs)
    }
}
