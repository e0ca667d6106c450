// Where replicas are and what is done about them.
import Base
import DFSCore
import Testing

private struct Board {
    var board = ReplicaBoard()
    var now = Instant(nanoseconds: 0)
    var wanted: [BlockID: WantedBlock] = [:]

    init(_ count: Int) {
        for number in 0..<count { join(number) }
    }

    mutating func join(_ number: Int, rack: String = "/r") {
        board.register(
            DatanodeRecord(
                uuid: "n\(number)", storageID: "s\(number)", address: "10.0.0.\(number)", hostName: "h\(number)", transferPort: 1,
                infoPort: 2, ipcPort: 3, rack: rack), now: now)
        _ = beat(number)
    }

    mutating func beat(_ number: Int, freeBytes: UInt64 = 1 << 40) -> [DatanodeOrder] {
        var figures = DatanodeRecord.Figures()
        figures.remainingBytes = freeBytes
        return board.heartbeat("n\(number)", figures, now: now, wall: WallTime(milliseconds: 0)) ?? []
    }

    mutating func want(_ id: Int64, _ replication: Int, generation: Int64 = 1001, state: Block.State = .complete) {
        wanted[BlockID(id)] = WantedBlock(
            block: Block(id: BlockID(id), generation: Generation(generation), lengthBytes: 10, state: state), replication: replication)
    }

    mutating func has(_ number: Int, _ id: Int64, generation: Int64 = 1001) {
        board.received("n\(number)", BlockID(id), Generation(generation), isFinal: true, wanted: wanted[BlockID(id)])
    }

    mutating func pass(_ seconds: Int, silent: Set<Int> = [], of count: Int) {
        for _ in 0..<seconds {
            now = now + .seconds(1)
            for number in 0..<count where !silent.contains(number) {
                _ = board.heartbeat("n\(number)", DatanodeRecord.Figures(), now: now, wall: WallTime(milliseconds: 0))
            }
        }
        tick()
    }

    mutating func tick() {
        let wanted = wanted
        let silent = board.findSilent(now: now)
        board.doubtBlocks(of: silent, among: wanted.keys.sorted())
        _ = board.mendSome(now: now) { wanted[$0] }
    }

    func holders(_ id: Int64) -> [String] { wanted[BlockID(id)].map { board.locations($0.block).nodes.map(\.uuid).sorted() } ?? [] }
}

@Suite struct ReplicaBoardTests {
    @Test func tooFewReplicasAreCopiedAndTooManyDeleted() {
        var board = Board(3)
        board.want(1, 2)
        board.has(0, 1)
        board.tick()
        guard case .copy(let block, let targets)? = board.beat(0).first else { return #expect(Bool(false), "no copy was ordered") }
        #expect(block.id == BlockID(1) && targets.count == 1 && targets[0].uuid != "n0")
        board.has(1, 1)
        board.has(2, 1)
        board.tick()
        let deletions = (0..<3).flatMap { board.beat($0) }
        #expect(deletions == [.delete([DoomedReplica(BlockID(1), Generation(1001))])] && board.holders(1).count == 2)
    }

    @Test func aSilentDatanodeIsReplacedAndComesBack() {
        var board = Board(3)
        board.want(1, 2)
        board.has(0, 1)
        board.has(1, 1)
        board.pass(31, silent: [1], of: 3)
        #expect(board.holders(1) == ["n0"] && board.board.aliveCount == 2)
        let orders = board.board.heartbeat("n1", DatanodeRecord.Figures(), now: board.now, wall: WallTime(milliseconds: 0))
        #expect(orders == nil, "it has to register again")
        board.join(1)
        #expect(board.holders(1) == ["n0", "n1"])
    }

    @Test func anOldGenerationIsNeverRead() {
        var board = Board(2)
        board.want(1, 2, generation: 1005)
        board.has(0, 1, generation: 1005)
        board.has(1, 1, generation: 1001)
        #expect(board.holders(1) == ["n0"])
        let orders = board.beat(1)
        #expect(orders == [.delete([DoomedReplica(BlockID(1), Generation(1001))])])
    }

    @Test func whatNoFileHasIsDeleted() {
        var board = Board(1)
        board.has(0, 9)
        let unknown = board.beat(0)
        #expect(unknown == [.delete([DoomedReplica(BlockID(9), Generation(1001))])])
        board.want(1, 1)
        board.has(0, 1)
        board.board.forget([BlockID(1)])
        #expect(board.board.pendingDeletions == 1)
        let orders = board.beat(0)
        #expect(orders == [.delete([DoomedReplica(BlockID(1), Generation(1001))])] && board.board.pendingDeletions == 0)
    }

    @Test func aDamagedReplicaGoesOnceThereIsAnother() {
        var board = Board(2)
        board.want(1, 1)
        board.has(0, 1)
        board.board.corrupt(BlockID(1), on: "n0")
        board.tick()
        let none = board.beat(0)
        #expect(none.isEmpty, "the only one stays")
        let only = Block(id: BlockID(1), generation: Generation(1001), lengthBytes: 10)
        #expect(board.board.locations(only).isCorrupt)
        board.has(1, 1)
        board.tick()
        let orders = board.beat(0)
        #expect(orders == [.delete([DoomedReplica(BlockID(1), Generation(1001))])] && board.holders(1) == ["n1"])
    }

    @Test func aDamagedReplicaMakesRoomWhereThereIsNoOtherDatanode() {
        var board = Board(2)
        board.want(1, 2)
        board.has(0, 1)
        board.has(1, 1)
        board.board.corrupt(BlockID(1), on: "n1")
        board.tick()
        let (source, damaged) = (board.beat(0), board.beat(1))
        #expect(source.isEmpty && damaged == [.delete([DoomedReplica(BlockID(1), Generation(1001))])])
        board.tick()
        #expect(board.beat(1).isEmpty, "it is told once")
        board.board.deleted("n1", BlockID(1))
        board.tick()
        guard case .copy(_, let targets)? = board.beat(0).first else { return #expect(Bool(false), "no copy was ordered") }
        #expect(targets.map(\.uuid) == ["n1"])
    }

    @Test func aDatanodeThatComesIsGivenWhatHadNoPlace() {
        var board = Board(1)
        board.want(1, 2)
        board.has(0, 1)
        board.tick()
        #expect(board.beat(0).isEmpty)
        board.join(1)
        board.tick()
        guard case .copy(_, let targets)? = board.beat(0).first else { return #expect(Bool(false), "no copy was ordered") }
        #expect(targets.map(\.uuid) == ["n1"])
    }

    @Test func aCopyToADatanodeThatIsGoneIsOrderedAnew() {
        var board = Board(3)
        board.want(1, 2)
        board.has(0, 1)
        board.tick()
        guard case .copy(_, let first)? = board.beat(0).first, let gone = first.first?.uuid else {
            return #expect(Bool(false), "no copy was ordered")
        }
        let number = gone == "n1" ? 1 : 2
        for _ in 0..<31 {
            board.now = board.now + .seconds(1)
            for other in 0..<3 where other != number { _ = board.beat(other) }
        }
        board.tick()
        guard case .copy(_, let second)? = board.beat(0).first else { return #expect(Bool(false), "no other copy was ordered") }
        #expect(second.map(\.uuid) == ["n\(3 - number)"])
    }

    @Test func aReplicaLeftBehindByItsPipelineGoesAndIsReplaced() {
        var board = Board(2)
        board.want(1, 2, state: .underConstruction)
        let open = board.wanted[BlockID(1)]?.block ?? Block(id: BlockID(1), generation: Generation(1001), lengthBytes: 0)
        board.board.expect(open, on: ["n0", "n1"])
        board.want(1, 2, generation: 1005)
        board.has(0, 1, generation: 1005)
        board.tick()
        let (source, stale) = (board.beat(0), board.beat(1))
        #expect(stale == [.delete([DoomedReplica(BlockID(1), Generation(1001))])])
        guard case .copy(let block, let targets)? = source.first else { return #expect(Bool(false), "no copy was ordered") }
        #expect(block.generation == Generation(1005) && targets.map(\.uuid) == ["n1"])
    }

    @Test func aFullReportTakesAwayWhatItDoesNotName() {
        var board = Board(1)
        board.want(1, 1)
        board.want(2, 1)
        board.has(0, 1)
        let number = board.board.beginReport("n0") ?? 0
        board.has(0, 2)
        board.has(0, 3)
        let isTaken = board.board.endReport("n0", number, known: [BlockID(1), BlockID(2)])
        #expect(isTaken)
        let wanted = board.wanted
        let orders = board.beat(0)
        #expect(
            board.holders(1).isEmpty && board.holders(2) == ["n0"] && orders == [.delete([DoomedReplica(BlockID(3), Generation(1001))])])
        #expect(board.board.health(wanted.values.map { $0 }).missing == 1)
    }

    @Test func aNamenodeThatBeginsToServeTrustsReportsOnly() {
        var board = Board(3)
        board.want(1, 1)
        board.has(0, 1)
        board.has(1, 1)
        board.board.forget([BlockID(9)], givesOrders: false)
        board.board.beginOffice()
        board.tick()
        let orders = board.board.heartbeat("n0", DatanodeRecord.Figures(), now: board.now, wall: WallTime(milliseconds: 0))
        #expect(orders == nil, "every datanode registers again")
        for number in 0..<2 { board.join(number) }
        board.tick()
        #expect(board.holders(1) == ["n0", "n1"] && board.board.pendingDeletions == 0, "one of two believed replicas must not go")
        // The second datanode has lost its replica meanwhile.
        for (uuid, has) in [("n0", true), ("n1", false)] {
            let number = board.board.beginReport(uuid) ?? 0
            if has { board.has(0, 1) }
            _ = board.board.endReport(uuid, number, known: [BlockID(1)])
            board.board.closeReport(uuid, number)
        }
        board.tick()
        #expect(board.holders(1) == ["n0"] && board.board.pendingDeletions == 0)
    }

    @Test func aNamenodeThatStandsByGivesNoOrders() {
        var board = Board(1)
        board.want(1, 1)
        board.has(0, 1)
        board.board.forget([BlockID(1)], givesOrders: false)
        #expect(board.board.pendingDeletions == 0)
        board.has(0, 9)
        let orders = board.board.heartbeat(
            "n0", DatanodeRecord.Figures(), now: board.now, wall: WallTime(milliseconds: 0), givesOrders: false)
        #expect(orders == [] && board.board.pendingDeletions == 1)
    }

    @Test func aWritersDatanodeComesFirstAndFullOnesAreLeftOut() {
        var board = Board(3)
        _ = board.beat(2, freeBytes: 10)
        let chosen = board.board.targets(3, excluding: [], near: "10.0.0.1", bytes: 1 << 20)
        #expect(chosen.map(\.uuid) == ["n1", "n0"])
        let none = board.board.targets(1, excluding: ["n0", "n1"], near: "", bytes: 1 << 20)
        #expect(none.isEmpty)
    }

    @Test func recoveryIsAskedOfADatanodeThatHasTheBlock() {
        var board = Board(2)
        board.want(1, 1, state: .underConstruction)
        let block = Block(id: BlockID(1), generation: Generation(1001), lengthBytes: 0, state: .underConstruction)
        let isOrdered = board.board.recover(block, oldest: block.generation, known: 0)
        #expect(!isOrdered)
        board.board.expect(block, on: ["n1"])
        var next = block
        next.generation = Generation(1009)
        let isOrderedNow = board.board.recover(next, oldest: block.generation, known: 5)
        let (other, first, second) = (board.beat(0), board.beat(1), board.beat(1))
        #expect(isOrderedNow && other.isEmpty && first == [.recover(next, knownLengthBytes: 5)] && second.isEmpty)
    }

    @Test func aReplicaThatMissedTheLastBytesIsNeverTheOneToRecover() {
        var board = Board(3)
        board.want(1, 2, generation: 1001, state: .underConstruction)
        let block = Block(id: BlockID(1), generation: Generation(1001), lengthBytes: 0, state: .underConstruction)
        board.board.expect(block, on: ["n0", "n1"])
        // The writer goes on without n0, then n1 ends.
        var after = block
        after.generation = Generation(1002)
        board.board.rebuilt(after, on: ["n1"])
        board.want(1, 2, generation: 1002, state: .underConstruction)
        board.pass(40, silent: [1], of: 3)
        var recovered = after
        recovered.generation = Generation(1003)
        let isOrdered = board.board.recover(recovered, oldest: after.generation, known: 0)
        #expect(!isOrdered && board.board.hasPlaces(BlockID(1)), "n1 may come back with what was acknowledged")
    }

    @Test func aReplicaOfAnOlderGenerationGoesOnceTheBlockIsFinished() {
        var board = Board(2)
        board.want(1, 1, generation: 1002, state: .underConstruction)
        board.board.received("n0", BlockID(1), Generation(1001), isFinal: false, wanted: board.wanted[BlockID(1)])
        board.has(1, 1, generation: 1002)
        board.tick()
        #expect(board.beat(0).isEmpty, "its writer may still need it")
        board.want(1, 1, generation: 1002)
        board.board.reconsider([BlockID(1)])
        board.tick()
        #expect(board.beat(0) == [.delete([DoomedReplica(BlockID(1), Generation(1001))])] && board.holders(1) == ["n1"])
    }

    @Test func aBlockThatFoundNoRoomIsCopiedOnceThereIsSome() {
        var board = Board(2)
        _ = board.beat(1, freeBytes: 5)
        board.want(1, 2)
        board.has(0, 1)
        board.tick()
        #expect(board.beat(0).isEmpty)
        _ = board.beat(1, freeBytes: 1 << 20)
        board.tick()
        board.tick()
        guard case .copy(_, let targets)? = board.beat(0).first else { return #expect(Bool(false), "no copy was ordered") }
        #expect(targets.map(\.uuid) == ["n1"])
    }

    // MARK: duties

    private func assign(_ duty: DatanodeDuty, to number: Int, _ board: inout Board) {
        let changed = board.board.assign { $0.uuid == "n\(number)" ? duty : .inService }
        board.board.doubtBlocks(of: changed, among: board.wanted.keys.sorted())
        board.tick()
    }

    private func held(_ board: Board) -> Set<Int> { board.board.holding(board.wanted.values.map { $0 }, enough: .max) }

    @Test func aDatanodeThatLeavesIsFreedOnceItsBlocksAreElsewhere() {
        var board = Board(3)
        board.want(1, 2)
        board.has(0, 1)
        board.has(1, 1)
        assign(.leaving, to: 0, &board)
        let orders = (0..<2).flatMap { board.beat($0) }
        guard case .copy(let block, let targets)? = orders.first else { return #expect(Bool(false), "no copy was ordered") }
        #expect(block.id == BlockID(1) && targets.map(\.uuid) == ["n2"] && held(board) == [0])
        #expect(!board.board.targets(3, excluding: [], near: "", bytes: 0).contains { $0.uuid == "n0" })
        board.has(2, 1)
        #expect(held(board).isEmpty && board.board.unfreed == [0])
        board.board.free([0], except: held(board))
        #expect(board.board.unfreed.isEmpty && board.board.datanodes[0].isFreed)
        // Its copy stays until it is back, and is trimmed then.
        board.tick()
        #expect((0..<3).flatMap { board.beat($0) }.isEmpty)
        #expect(board.wanted[BlockID(1)].map { board.board.locations($0.block).nodes.last?.uuid } == "n0")
        assign(.inService, to: 1, &board)
        #expect((0..<3).flatMap { board.beat($0) } == [.delete([DoomedReplica(BlockID(1), Generation(1001))])])
    }

    @Test func aRestingDatanodeMayBeSwitchedOffWhileItsBlocksHaveOneCopyElsewhere() {
        var board = Board(3)
        board.want(1, 2)
        board.has(0, 1)
        board.has(1, 1)
        board.want(2, 1)
        board.has(0, 2)
        assign(.resting(until: nil), to: 0, &board)
        #expect(held(board) == [0], "block 2 has no copy elsewhere")
        let orders = (0..<2).flatMap { board.beat($0) }
        guard orders.count == 1, case .copy(let block, let targets)? = orders.first else {
            return #expect(Bool(false), "not one copy was ordered: \(orders)")
        }
        #expect(block.id == BlockID(2))
        targets.first.map { board.has($0.uuid == "n1" ? 1 : 2, 2) }
        board.board.free([0], except: held(board))
        #expect(board.board.datanodes[0].isFreed)
        board.pass(31, silent: [0], of: 3)
        #expect((1..<3).flatMap { board.beat($0) }.isEmpty, "a resting datanode's copies count")
        #expect(board.board.health(board.wanted.values.map { $0 }).under == 0)
        // Its rest is over, and it is not back.
        assign(.inService, to: 0, &board)
        #expect((1..<3).flatMap { board.beat($0) }.contains { if case .copy(let block, _) = $0 { block.id == BlockID(1) } else { false } })
    }

    @Test func aBlockThatIsBeingWrittenHoldsItsDatanodeBack() {
        var board = Board(2)
        board.want(1, 1, state: .underConstruction)
        board.has(0, 1)
        assign(.leaving, to: 0, &board)
        #expect(held(board) == [0])
    }
}
