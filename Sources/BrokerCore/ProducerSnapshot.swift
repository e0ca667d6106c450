// What a partition knows of its producers, their transactions and its leaders, up to an offset, as it is kept beside the log: a start reads the log from that
// offset on only. A snapshot that does not fit the log is not used, and the log is read instead.
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
