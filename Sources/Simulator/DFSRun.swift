// The namenode's cores (namespace, leases, board) with datanodes, writers and readers in a seeded random order of events: datanodes that
// end and come back, disks that fill and rot, messages that are lost, namenodes that restart and know no place of a block. Laws: no order
// deletes the last sound replica of acknowledged bytes; a file closes at no fewer bytes than were acknowledged; no reader gets a wrong byte
// or an older generation; once the faults end every file is closed and every block has its copies, and no more, within a bound. Pipelines
// and data are modelled here, the decisions are the cores'.
import Base
import DFSCore

/// A rule of dfs that a run breaks on purpose, to check that the laws notice.
package enum DFSFlaw: String, CaseIterable, Sendable {
    case none
    /// Readers take any replica of a block, whatever its generation.
    case readsStale
    /// A packet is acknowledged when the first datanode of the pipeline has it.
    case answersEarly
    /// Replicas are copied without a look at their checksums.
    case copiesUnchecked
    /// A replica that has missed the last bytes may become the block.
    case recoversOld
    /// Blocks with too few or too many copies are left so.
    case neverMends
}

/// The results of a run.
package struct DFSSummary: Sendable {
    package var files = (closed: 0, recovered: 0)
    package var pipelines = (rebuilt: 0, full: 0)
    package var reads = (done: 0, damageSeen: 0)
    package var copies = 0
    package var deletions = (all: 0, stale: 0)
    package var faults = (crashes: 0, namenodeStarts: 0, lostMessages: 0)
    package var lostToRot = 0
    package var trace: UInt32 = 0
    package init() {}

    /// Adds the counts of another run.
    package mutating func add(_ other: DFSSummary) {
        files = (files.closed + other.files.closed, files.recovered + other.files.recovered)
        pipelines = (pipelines.rebuilt + other.pipelines.rebuilt, pipelines.full + other.pipelines.full)
        reads = (reads.done + other.reads.done, reads.damageSeen + other.reads.damageSeen)
        copies += other.copies
        deletions = (deletions.all + other.deletions.all, deletions.stale + other.deletions.stale)
        faults.crashes += other.faults.crashes
        faults.namenodeStarts += other.faults.namenodeStarts
        faults.lostMessages += other.faults.lostMessages
        lostToRot += other.lostToRot
    }
}

package struct DFSRun {
    let seed: UInt64
    let flaw: DFSFlaw
    var random: Prng
    private(set) var machine = DFSMachine()
    var board = ReplicaBoard(silenceMax: Self.silence)
    private var office = Office()
    private var clock = (slot: Slot.zero, milliseconds: Int64(0))
    var nodes: [SimDatanode]
    var writers: [DFSWriter]
    var truth = Truth()
    private var isCalm = false
    var summary = DFSSummary()

    /// The namenode's soft state besides the board.
    private struct Office {
        var leases = Leases(now: Instant.zero)
        /// Files whose recovery is under way, and since when.
        var recoveries: [InodeID: Instant] = [:]
        /// Until all datanodes have reported after a start.
        var isSafe = true
    }

    /// The bytes that writers sent, by block, and how many of them must last.
    struct Truth {
        var sent: [BlockID: [UInt32]] = [:]
        var acknowledged: [BlockID: Int] = [:]
        var rotted: Set<BlockID> = []
    }

    static let caller = Caller(user: "root", isSuper: true)
    static let paths = (0..<8).map { "/d\($0 % 2)/f\($0)" }
    var now: Instant { Instant.zero + .milliseconds(clock.milliseconds) }

    package init(seed: UInt64, datanodes: Int, flaw: DFSFlaw = .none) {
        self.seed = seed
        self.flaw = flaw
        random = Prng(seed: seed)
        var chances = random
        nodes = (0..<datanodes).map { SimDatanode($0, capacityBytes: 40 + chances.below(160)) }
        writers = (0..<3).map { DFSWriter("w\($0)") }
    }

    /// Takes `steps` random steps, then ends the faults and checks the result.
    package mutating func run(steps: Int) throws -> DFSSummary {
        for _ in 0..<steps { try step() }
        isCalm = true
        for index in nodes.indices { (nodes[index].isAlive, nodes[index].capacityBytes) = (true, 1 << 20) }
        for _ in 0..<(Self.restoreWithinSeconds) where try !isSettled() {
            clock.milliseconds += 1000
            for index in nodes.indices { try beat(index) }
            try readAll()
            try tick()
        }
        guard try isSettled() else { throw LawBroken(seed, "not settled \(Self.restoreWithinSeconds) s after the faults: \(unsettled())") }
        try checkEnd()
        return summary
    }
    /// The soft limit of leases, rounds of recovery and copying with their patience, and some.
    private static let restoreWithinSeconds = 400

    func broken(_ text: String) -> LawBroken { LawBroken(seed, text) }

    /// Executes a command; blocks that no file has any more are forgotten.
    @discardableResult mutating func execute(_ command: DFSCommand) -> Result<DFSOutcome.Answer, DFSRefusal> {
        clock.slot = clock.slot.next
        var rows = RowChanges()
        let outcome = machine.apply(
            command, at: ApplyPosition(slot: clock.slot, time: WallTime(milliseconds: clock.milliseconds)), rows: &rows)
        for id in outcome.removedBlocks { (truth.sent[id], truth.acknowledged[id]) = (nil, nil) }
        board.forget(outcome.removedBlocks)
        return outcome.answer
    }

    func wanted(_ id: BlockID) -> WantedBlock? {
        machine.namespace.wanted(id).map { WantedBlock(block: $0.block, replication: Int($0.replication)) }
    }

    mutating func renew(_ holder: String) {
        let open = machine.openFiles.compactMap { machine.namespace.inode($0)?.file?.writer }
        office.leases.renew(holder, now: now) { name in open.contains(name) }
    }

    /// Every block of every file.
    private var blocks: [WantedBlock] { truth.sent.keys.sorted().compactMap { wanted($0) } }

    private mutating func step() throws {
        clock.milliseconds += Int64(20 + random.below(60))
        let choice = random.below(100)
        summary.trace =
            (summary.trace ^ UInt32(truncatingIfNeeded: choice + machine.openFileCount * 128 + truth.sent.count * 1024)) &* 16_777_619
        let index = random.below(nodes.count)
        switch choice {
        case 0..<34: try beat(index)
        case 34..<44: try tick()
        case 44..<78: try act(random.below(writers.count))
        case 78..<90: try read()
        case 90, 91: if nodes[index].isAlive, random.chance(1, in: 6) { end(index) }
        case 92..<95:
            if !nodes[index].isAlive, random.chance(1, in: 10) { (nodes[index].isAlive, nodes[index].mustRegister) = (true, true) }
        case 95: if random.chance(1, in: 4) { rot(index) }
        case 96: if random.chance(1, in: 12) { startNamenode() }
        case 97: if random.chance(1, in: 10) { nodes[index].capacityBytes = 30 + random.below(200) }
        case 98: if random.chance(1, in: 4) { try takeOver() }
        default: break
        }
    }

    // MARK: faults

    private mutating func end(_ index: Int) {
        nodes[index].isAlive = false
        summary.faults.crashes += 1
    }

    private mutating func rot(_ index: Int) {
        let found = nodes[index].replicas.filter { $0.value.isFinal && !$0.value.bytes.isEmpty }.keys.sorted()
        guard !found.isEmpty else { return }
        let id = found[random.below(found.count)]
        nodes[index].replicas[id]?.bytes[0] ^= 0x8000_0000
        nodes[index].replicas[id]?.isRotten = true
        truth.rotted.insert(id)
    }

    /// A namenode starts: the namespace is in its log, places are not.
    private mutating func startNamenode() {
        summary.faults.namenodeStarts += 1
        office = Office()
        office.leases = Leases(now: now)
        board = ReplicaBoard(silenceMax: Self.silence)
        for index in nodes.indices { nodes[index].mustRegister = true }
    }

    /// Whether a message is lost on its way.
    mutating func isLost() -> Bool {
        guard !isCalm, random.chance(1, in: 25) else { return false }
        summary.faults.lostMessages += 1
        return true
    }

    // MARK: datanodes

    /// A report of one replica; one that is lost makes the datanode report all.
    mutating func report(_ index: Int, _ id: BlockID) {
        guard !isLost(), !nodes[index].mustRegister else { return nodes[index].mustRegister = true }
        guard let own = nodes[index].replicas[id] else { return board.deleted(nodes[index].record.uuid, id) }
        board.received(nodes[index].record.uuid, id, own.generation, isFinal: own.isFinal, wanted: wanted(id))
    }

    private mutating func beat(_ index: Int) throws {
        guard nodes[index].isAlive, !isLost() else { return }
        let uuid = nodes[index].record.uuid
        if nodes[index].mustRegister {
            board.register(nodes[index].record, now: now)
            nodes[index].mustRegister = false
            guard let number = board.beginReport(uuid) else { throw broken("a datanode that has registered is unknown") }
            for (id, own) in nodes[index].replicas.sorted(by: { $0.key < $1.key }) {
                board.received(uuid, id, own.generation, isFinal: own.isFinal, wanted: wanted(id))
            }
            _ = board.endReport(uuid, number, known: truth.sent.keys.sorted())
            board.closeReport(uuid, number)
        }
        guard
            let orders = board.heartbeat(
                uuid, nodes[index].figures, now: now, wall: WallTime(milliseconds: clock.milliseconds), givesOrders: !office.isSafe)
        else { return nodes[index].mustRegister = true }
        // The answer's loss shows: the datanode registers again.
        guard !isLost() else { return nodes[index].mustRegister = true }
        for order in orders {
            switch order {
            case .delete(let doomed): for one in doomed { try delete(one, on: index) }
            case .copy(let block, let targets): for target in targets { copy(block, from: index, to: target) }
            case .recover(let block, let known): try recover(block, known, on: index)
            }
        }
    }

    /// Whether a replica has the bytes that must last.
    func isSound(_ id: BlockID, _ own: SimReplicaFile) -> Bool {
        guard let wanted = wanted(id), own.generation >= wanted.block.generation, !own.isRotten else { return false }
        let count = truth.acknowledged[id] ?? 0
        return own.bytes.count >= count && own.bytes.prefix(count) == (truth.sent[id] ?? []).prefix(count)
    }
    private func soundCount(_ id: BlockID) -> Int { nodes.count { $0.replicas[id].map { isSound(id, $0) } ?? false } }

    private mutating func delete(_ doomed: DoomedReplica, on index: Int) throws {
        guard let own = nodes[index].replicas[doomed.id] else { return }
        // The namenode does not know this replica, and decides again.
        guard own.generation <= doomed.generation else { return report(index, doomed.id) }
        if (truth.acknowledged[doomed.id] ?? 0) > 0, isSound(doomed.id, own), soundCount(doomed.id) == 1 {
            throw broken("the last sound replica of blk_\(doomed.id) was ordered to be deleted, on \(nodes[index].record.uuid)")
        }
        summary.deletions.all += 1
        if let block = wanted(doomed.id)?.block, own.generation < block.generation { summary.deletions.stale += 1 }
        nodes[index].replicas[doomed.id] = nil
        report(index, doomed.id)
    }

    private mutating func copy(_ block: Block, from index: Int, to target: DatanodeRecord) {
        guard let own = nodes[index].replicas[block.id], own.isFinal, own.generation >= block.generation,
            let goal = nodes.firstIndex(where: { $0.record.uuid == target.uuid }), nodes[goal].isAlive,
            nodes[goal].hasRoom(own.bytes.count),
            nodes[goal].replicas[block.id].map({ $0.generation < own.generation }) ?? true
        else { return }
        // The sender checks the bytes against their checksums.
        if own.isRotten, flaw != .copiesUnchecked { return board.corrupt(block.id, on: nodes[index].record.uuid) }
        nodes[goal].replicas[block.id] = own
        nodes[goal].replicas[block.id]?.isRotten = false
        summary.copies += 1
        report(goal, block.id)
    }

    private mutating func recover(_ order: Block, _ known: Int64, on index: Int) throws {
        var block = order
        let uuid = nodes[index].record.uuid
        if let own = nodes[index].replicas[block.id] {
            guard own.generation <= block.generation, Int64(own.bytes.count) >= known else { return }
            guard !own.isRotten else { return board.corrupt(block.id, on: uuid) }
            if block.state == .truncating { nodes[index].replicas[block.id]?.bytes.removeLast(max(0, own.bytes.count - Int(block.cutTo))) }
            nodes[index].replicas[block.id]?.generation = block.generation
            nodes[index].replicas[block.id]?.isFinal = true
            block.lengthBytes = Int64(nodes[index].replicas[block.id]?.bytes.count ?? 0)
        } else {
            block.lengthBytes = 0
        }
        let isEmpty = block.lengthBytes == 0
        if !isEmpty { report(index, block.id) }
        guard !isLost(), let inode = machine.namespace.owner(of: block.id) else { return }
        if isEmpty {
            board.deleted(uuid, block.id)
            guard mayBeNowhere(block.id) else { return office.recoveries[inode.id] = nil }
            try checkDrop(block)
        }
        guard case .success = execute(.file(.endRecovery(block, drop: isEmpty))) else { return }
        office.recoveries[inode.id] = nil
        summary.files.recovered += 1
        try closed(inode.id)
    }

    /// Whether a block without a promised byte is on no datanode, although all had the time to report.
    private func mayBeNowhere(_ id: BlockID) -> Bool {
        !board.hasPlaces(id) && wanted(id)?.block.leastBytes ?? 0 == 0 && now - office.leases.began > Self.silence * 3
    }

    /// A block may go if nothing of it was acknowledged, or no live datanode has that.
    private mutating func checkDrop(_ block: Block) throws {
        let isThere = nodes.contains { $0.isAlive && $0.replicas[block.id].map { isSound(block.id, $0) } ?? false }
        guard (truth.acknowledged[block.id] ?? 0) > 0, isThere else { return truth.acknowledged[block.id] = nil }
        throw broken("blk_\(block.id) was dropped from its file, \(truth.acknowledged[block.id] ?? 0) acknowledged bytes of it are there")
    }

    // MARK: the namenode

    /// A file was closed: its blocks are at their lengths for good.
    mutating func closed(_ id: InodeID) throws {
        summary.files.closed += 1
        for block in machine.namespace.inode(id)?.file?.blocks ?? [] {
            let least = truth.acknowledged[block.id] ?? 0
            guard block.lengthBytes >= least else {
                throw broken("blk_\(block.id) was closed at \(block.lengthBytes) bytes, \(least) were acknowledged")
            }
            truth.acknowledged[block.id] = Int(block.lengthBytes)
            truth.sent[block.id] = truth.sent[block.id].map { Array($0.prefix(Int(block.lengthBytes))) }
            board.reconsider([block.id])
        }
    }

    private mutating func tick() throws {
        let lost = board.findSilent(now: now)
        board.doubtBlocks(of: lost, among: truth.sent.keys.sorted())
        if office.isSafe { office.isSafe = !nodes.allSatisfy { !$0.isAlive || !$0.mustRegister } || board.aliveCount == 0 }
        guard !office.isSafe else { return }
        if flaw != .neverMends {
            let namespace = machine.namespace
            while board.mendSome(
                now: now, wanted: { id in namespace.wanted(id).map { WantedBlock(block: $0.block, replication: Int($0.replication)) } })
            {}
        }
        for id in machine.openFiles {
            guard let holder = machine.namespace.inode(id)?.file?.writer else { continue }
            if holder == FileCommand.recoverer {
                if office.recoveries[id].map({ now - $0 > .seconds(10) }) ?? true { try beginRecovery(id) }
            } else if office.leases.isOver(isCalm ? Leases.softLimit : Self.leaseLimit, holder, now: now) {
                try beginRecovery(id)
            }
        }
    }

    private mutating func beginRecovery(_ id: InodeID) throws {
        office.recoveries[id] = now
        guard case .success(.recovering(let block)) = execute(.file(.beginRecovery(id))) else { return }
        let oldest = wanted(block.id)?.block.generation ?? block.generation
        guard !board.recover(block, oldest: flaw == .recoversOld ? Generation(0) : oldest, known: block.leastBytes),
            mayBeNowhere(block.id)
        else { return }
        try checkDrop(block)
        execute(.file(.endRecovery(block, drop: true)))
        office.recoveries[id] = nil
    }
    private static let silence = Duration.seconds(5)
    /// Shorter than HDFS's limits, so that many leases end while other faults last.
    private static let leaseLimit = Duration.seconds(15)

    /// Another client asks for a file whose writer may be at work.
    private mutating func takeOver() throws {
        guard !office.isSafe, !machine.openFiles.isEmpty else { return }
        let id = machine.openFiles[random.below(machine.openFiles.count)]
        guard machine.namespace.inode(id)?.file?.writer != FileCommand.recoverer else { return }
        try beginRecovery(id)
    }

    // MARK: readers

    private mutating func read() throws {
        let ids = truth.sent.keys.sorted()
        guard !ids.isEmpty else { return }
        try read(ids[random.below(ids.count)])
    }
    private mutating func readAll() throws { for id in truth.sent.keys.sorted() { try read(id, all: true) } }

    /// Reads a finished block from a datanode that the namenode names, or from all of them.
    private mutating func read(_ id: BlockID, all: Bool = false) throws {
        guard let block = wanted(id)?.block, !block.isOpen, block.state != .committed, block.lengthBytes > 0 else { return }
        var places = board.locations(block).nodes
        if flaw == .readsStale { places = nodes.filter { $0.isAlive && $0.replicas[id] != nil }.map(\.record) }
        guard !places.isEmpty else { return }
        if !all { places = [places[random.below(places.count)]] }
        for place in places {
            guard let index = nodes.firstIndex(where: { $0.record.uuid == place.uuid }), nodes[index].isAlive,
                let own = nodes[index].replicas[id], flaw == .readsStale || own.generation >= block.generation
            else { continue }
            if own.isRotten {
                summary.reads.damageSeen += 1
                board.corrupt(id, on: place.uuid)
                continue
            }
            summary.reads.done += 1
            let count = Int(block.lengthBytes)
            guard own.bytes.count >= count, own.bytes.prefix(count) == (truth.sent[id] ?? []).prefix(count) else {
                throw broken(
                    "\(place.uuid) served generation \(own.generation) of blk_\(id)_\(block.generation) with other bytes than were written"
                )
            }
        }
    }

    // MARK: the end

    private func isWhole(_ wanted: WantedBlock) -> Bool {
        let id = wanted.block.id
        let sound = soundCount(id)
        guard sound > 0 else { return truth.rotted.contains(id) }
        return sound == min(wanted.replication, nodes.count) && nodes.count { $0.replicas[id] != nil } == sound
    }
    /// A file whose last block has only damaged replicas stays open.
    private func isStuck(_ id: InodeID) -> Bool {
        guard let last = machine.namespace.inode(id)?.file?.blocks.last else { return false }
        return truth.rotted.contains(last.id) && soundCount(last.id) == 0
    }
    private func isSettled() throws -> Bool {
        machine.openFiles.allSatisfy(isStuck) && blocks.allSatisfy { $0.block.isOpen || isWhole($0) }
    }
    private func unsettled() -> String {
        let open = machine.openFiles.map { machine.namespace.path(of: $0) }
        let some = blocks.filter { !isWhole($0) }.prefix(3).map { wanted in
            let places = nodes.compactMap { node in node.replicas[wanted.block.id].map { "\(node.record.uuid): \($0.printed)" } }
            return "blk_\(wanted.block.id)_\(wanted.block.generation) x\(wanted.replication) on \(places)"
        }
        return "open \(open), \(some)"
    }

    private mutating func checkEnd() throws {
        for wanted in blocks where soundCount(wanted.block.id) == 0 && wanted.block.lengthBytes > 0 {
            guard truth.rotted.contains(wanted.block.id) else {
                throw broken("blk_\(wanted.block.id) is lost, and none of its replicas was damaged")
            }
            summary.lostToRot += 1
        }
    }
}
