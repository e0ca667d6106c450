// Transactions: which requests a transactional id takes in which phase, what fences whom, and when offsets hold. Then what a partition
// knows of them, and what a snapshot keeps.
import Base
import Testing

@testable import BrokerCore

@Suite struct TransactionTests {
    /// A machine with a topic and the transactional id `tx`, whose producer is `producer`.
    private struct World {
        var machine = BrokerMachine()
        var producer = ProducerIdentity()
        private var time: Int64 = 0

        init() throws {
            var random = Prng(seed: 1)
            _ = run(.createTopic(TopicRecord(name: "t", id: .drawn(from: &random), partitions: 2)))
            producer = try #require(try begin()).producer
        }

        mutating func run(_ command: BrokerCommand) -> BrokerOutcome {
            time += 1
            var rows = RowChanges()
            return machine.apply(command, at: ApplyPosition(slot: Slot(time), time: WallTime(milliseconds: time)), rows: &rows)
        }

        /// The transaction after the command; throws the refusal.
        @discardableResult mutating func run(_ action: TransactionCommand.Action, as identity: ProducerIdentity? = nil) throws
            -> Transaction?
        {
            switch run(.transaction(TransactionCommand("tx", identity ?? producer, action))) {
            case .transaction(let transaction): return transaction
            case .refused(let refusal): throw refusal
            default: return nil
            }
        }

        @discardableResult mutating func begin(as expected: ProducerIdentity = ProducerIdentity()) throws -> Transaction? {
            try run(.begin(timeoutMilliseconds: 1000), as: expected)
        }

        mutating func openOne() throws { try run(.addPartitions([TopicPartition("t", 0)])) }
        func committed(_ partition: Int32) -> Int64? { machine.offsets[GroupID("g")]?[TopicPartition("t", partition)]?.offset }
    }

    private let group = GroupID("g")

    @Test func aCommitGoesThroughPreparedToComplete() throws {
        var world = try World()
        try world.openOne()
        #expect(world.machine.transactionsUnderWay.keys == ["tx"])
        #expect(try world.run(.decide(commits: true, .kept))?.phase == .prepareCommit)
        #expect(try world.run(.complete)?.phase == .completeCommit)
        #expect(world.machine.transactionsUnderWay.isEmpty)
        #expect(world.machine.transactions["tx"]?.content == TransactionContent())
    }

    @Test func aTransactionIsItsCoordinatorsUntilItIsComplete() throws {
        var world = try World()
        let (here, elsewhere) = (TopicPartition("t", 0), TopicPartition("t", 1))
        #expect(!world.machine.hasTransaction(of: world.producer.id, in: here))
        try world.openOne()
        #expect(world.machine.hasTransaction(of: world.producer.id, in: here))
        #expect(!world.machine.hasTransaction(of: world.producer.id, in: elsewhere))
        #expect(!world.machine.hasTransaction(of: world.producer.id + 1, in: here))
        try world.run(.decide(commits: true, .kept))
        #expect(world.machine.hasTransaction(of: world.producer.id, in: here))
        try world.run(.complete)
        #expect(!world.machine.hasTransaction(of: world.producer.id, in: here))
    }

    @Test func stagedOffsetsHoldOnlyOnceTheirTransactionIsComplete() throws {
        var world = try World()
        try world.run(.addGroup(group))
        try world.run(.stageOffsets(group, [OffsetEntry(topic: "t", partition: 0, offset: 7)], joining: false))
        try world.run(
            .stageOffsets(
                group, [OffsetEntry(topic: "t", partition: 0, offset: 9), OffsetEntry(topic: "t", partition: 1, offset: 1)], joining: false)
        )
        #expect(world.machine.stagedPartitions(of: group).contains(TopicPartition("t", 0)))
        try world.run(.decide(commits: true, .kept))
        #expect(world.committed(0) == nil, "decided is not complete")
        try world.run(.complete)
        #expect(world.committed(0) == 9 && world.committed(1) == 1)
        #expect(!world.machine.stagedPartitions(of: group).contains(TopicPartition("t", 0)))
    }

    @Test func stagedOffsetsOfAnAbortedTransactionAreGone() throws {
        var world = try World()
        try world.run(.addGroup(group))
        try world.run(.stageOffsets(group, [OffsetEntry(topic: "t", partition: 0, offset: 7)], joining: false))
        try world.run(.decide(commits: false, .kept))
        try world.run(.complete)
        #expect(world.committed(0) == nil)
    }

    @Test func offsetsOfAGroupThatDidNotJoinAreRefused() throws {
        var world = try World()
        try world.openOne()
        #expect(throws: BrokerRefusal.self) {
            try world.run(.stageOffsets(group, [OffsetEntry(topic: "t", partition: 0, offset: 7)], joining: false))
        }
        #expect(throws: Never.self) {
            try world.run(.stageOffsets(group, [OffsetEntry(topic: "t", partition: 0, offset: 7)], joining: true))
        }
    }

    @Test func aLaterInstanceShutsOutTheEarlierOne() throws {
        var world = try World()
        let earlier = world.producer
        let later = try #require(try world.begin()).producer
        #expect(later == ProducerIdentity(earlier.id, earlier.epoch + 1))
        for action: TransactionCommand.Action in [
            .addPartitions([TopicPartition("t", 0)]), .addGroup(group), .decide(commits: true, .kept),
        ] {
            #expect(throws: BrokerRefusal.producerFenced("tx")) { try world.run(action, as: earlier) }
        }
        #expect(throws: BrokerRefusal.unknownTransaction("tx")) {
            try world.run(.addGroup(group), as: ProducerIdentity(earlier.id + 50, 0))
        }
    }

    @Test func nobodyBeginsWhileSomethingIsOpenOrBeingCompleted() throws {
        var world = try World()
        try world.openOne()
        #expect(throws: BrokerRefusal.transactionOpen("tx")) { try world.begin() }
        try world.run(.decide(commits: false, .fencing))
        #expect(throws: BrokerRefusal.transactionCompleting("tx")) { try world.begin() }
        #expect(throws: BrokerRefusal.producerFenced("tx")) { try world.run(.addGroup(group)) }
        try world.run(.complete)
        #expect(try world.begin()?.producer.epoch == 2)
    }

    @Test func aProducerThatComesBackKeepsItsPlaceAndAZombieDoesNot() throws {
        var world = try World()
        let first = world.producer
        let second = try #require(try world.begin(as: first)).producer
        #expect(second.epoch == first.epoch + 1)
        #expect(try world.begin(as: first)?.producer == second, "the answer was lost and the request came again")
        let third = try #require(try world.begin()).producer
        #expect(third.epoch == second.epoch + 1)
        #expect(throws: BrokerRefusal.producerFenced("tx")) { try world.begin(as: second) }
        try world.run(.addGroup(group), as: third)
        #expect(throws: BrokerRefusal.producerFenced("tx")) { try world.begin(as: first) }
    }

    @Test("a decision that comes again is recognised", arguments: [true, false])
    func repeatedDecisionIsRecognised(_ commits: Bool) throws {
        var world = try World()
        try world.openOne()
        try world.run(.decide(commits: commits, .kept))
        #expect(throws: BrokerRefusal.transactionCompleting("tx")) { try world.run(.decide(commits: commits, .kept)) }
        #expect(throws: BrokerRefusal.self) { try world.run(.decide(commits: !commits, .kept)) }
        try world.run(.complete)
        #expect(try world.run(.decide(commits: commits, .kept))?.phase.isAtRest == true)
        #expect(throws: BrokerRefusal.self) { try world.run(.decide(commits: !commits, .kept)) }
    }

    @Test func aDelayedDecisionDoesNotTouchTheNextTransaction() throws {
        var world = try World()
        let first = world.producer
        try world.openOne()
        try world.run(.decide(commits: true, .raised))
        let next = try #require(try world.run(.complete, as: world.machine.transactions["tx"]?.producer)).producer
        #expect(next.epoch == first.epoch + 1)
        try world.run(.addPartitions([TopicPartition("t", 1)]), as: next)
        #expect(throws: BrokerRefusal.producerFenced("tx")) { try world.run(.decide(commits: true, .raised), as: first) }
        #expect(throws: BrokerRefusal.producerFenced("tx")) { try world.run(.decide(commits: false, .raised), as: first) }
        #expect(world.machine.transactions["tx"]?.phase == .ongoing)
    }

    @Test func aDecisionWithARaisedEpochThatComesAgainGetsTheSameAnswer() throws {
        var world = try World()
        try world.openOne()
        let prepared = try #require(try world.run(.decide(commits: true, .raised)))
        #expect(throws: BrokerRefusal.transactionCompleting("tx")) { try world.run(.decide(commits: true, .raised)) }
        try world.run(.complete, as: prepared.producer)
        #expect(try world.run(.decide(commits: true, .raised))?.producer == prepared.producer)
    }

    @Test func whenTheEpochsAreUsedUpTheProducerGetsAnotherID() throws {
        var world = try World()
        let first = world.producer
        while world.producer.epoch < Int16.max - 1 { world.producer = try #require(try world.begin()).producer }
        #expect(world.producer.id == first.id)
        try world.openOne()
        try world.run(.decide(commits: true, .raised))
        let successor = try #require(try world.run(.complete, as: world.machine.transactions["tx"]?.producer)).producer
        #expect(successor.id != first.id && successor.epoch == 0)
    }

    @Test func anIDThatIsInUseIsNotForgotten() throws {
        var world = try World()
        try world.openOne()
        #expect(try world.run(.forget) != nil)
        try world.run(.decide(commits: true, .kept))
        try world.run(.complete)
        #expect(try world.run(.forget) == nil)
        #expect(world.machine.transactions.isEmpty)
    }
}

@Suite struct PartitionTransactionsTests {
    @Test func readersStopBeforeTheFirstOpenTransaction() {
        var known = PartitionTransactions()
        #expect(known.lastStableOffset(end: 5) == 5)
        known.note(1, at: 5)
        known.note(2, at: 8)
        known.note(1, at: 10)
        #expect(known.lastStableOffset(end: 12) == 5)
        known.end(1, commits: true, at: 12)
        #expect(known.lastStableOffset(end: 13) == 8)
        known.end(2, commits: false, at: 13)
        #expect(known.lastStableOffset(end: 14) == 14)
        #expect(known.aborted(from: 0, below: 14) == [AbortedTransaction(producerID: 2, firstOffset: 8, lastOffset: 13, stableOffset: 14)])
        known.end(2, commits: false, at: 14)
        #expect(known.aborted.count == 1, "a marker without a transaction changes nothing")
    }

    @Test("the aborted transactions of a range are all those that lie in it", arguments: UInt64(0)..<20)
    func abortedOfARange(_ seed: UInt64) throws {
        var random = Prng(seed: seed)
        var known = PartitionTransactions()
        var all: [AbortedTransaction] = []
        for offset in Int64(0)..<400 {
            let producer = Int64(random.below(6))
            if random.chance(1, in: 3), let first = known.firstOffset(of: producer) {
                let commits = random.chance(1, in: 2)
                known.end(producer, commits: commits, at: offset)
                if !commits {
                    all.append(AbortedTransaction(producerID: producer, firstOffset: first, lastOffset: offset, stableOffset: 0))
                }
            } else {
                known.note(producer, at: offset)
            }
        }
        for _ in 0..<50 {
            let start = Int64(random.below(400))
            let end = min(start + Int64(random.below(100)), known.lastStableOffset(end: 400))
            let found = known.aborted(from: start, below: end).map(\.firstOffset)
            let expected = all.filter { $0.lastOffset >= start && $0.firstOffset < end }.map(\.firstOffset).sorted()
            #expect(found == expected, "seed \(seed), from \(start) below \(end)")
        }
        known.trim(below: 200)
        #expect(known.aborted.allSatisfy { $0.lastOffset >= 200 })
    }

    @Test func aSnapshotKeepsProducersAndTransactions() throws {
        var ledger = ProducerLedger()
        let batch = ProducerBatch(producerID: 7, epoch: 2, baseSequence: 0, recordCount: 10)
        ledger.record(batch, baseOffset: 30, timestamp: 5)
        var transactions = PartitionTransactions()
        transactions.note(7, at: 30)
        transactions.note(8, at: 35)
        transactions.end(8, commits: false, at: 40)
        let bytes = try ProducerSnapshot(nextOffset: 41, ledger: ledger, transactions: transactions, epochs: LeaderEpochs()).encoded(
            as: DurableDialect.self)
        let read = try ProducerSnapshot(decoding: bytes, as: DurableDialect.self)
        #expect(read.nextOffset == 41 && read.transactions == transactions)
        #expect(read.ledger.judge(batch) == .duplicate(baseOffset: 30))
        #expect(read.ledger.producers == ledger.producers)
    }

    @Test func aMarkerOfALaterEpochShutsTheEarlierOneOutOfThePartition() {
        var ledger = ProducerLedger()
        ledger.record(ProducerBatch(producerID: 7, epoch: 2, baseSequence: 0, recordCount: 1), baseOffset: 0)
        ledger.noteMarker(ProducerIdentity(7, 3))
        #expect(ledger.judge(ProducerBatch(producerID: 7, epoch: 2, baseSequence: 1, recordCount: 1)) == .staleEpoch(current: 3))
        #expect(ledger.judge(ProducerBatch(producerID: 7, epoch: 3, baseSequence: 0, recordCount: 1)) == .append)
    }
}
