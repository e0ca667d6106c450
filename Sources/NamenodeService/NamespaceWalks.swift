// Work on whole trees in steps, each in a turn of the loop of its own, so that other requests are served in between: summaries, surveys of
// all blocks, reports, deletes.
import Base
import DFSCore
import HadoopWire

/// Numbers of finished blocks: all, with too few sound replicas, with only damaged ones, with none.
struct BlockHealth: Sendable {
    var total = 0
    var under = 0
    var corrupt = 0
    var missing = 0

    static func + (one: BlockHealth, other: BlockHealth) -> BlockHealth {
        BlockHealth(
            total: one.total + other.total, under: one.under + other.under, corrupt: one.corrupt + other.corrupt,
            missing: one.missing + other.missing)
    }

    /// Blocks with a sound replica.
    var reported: Int { total - missing - corrupt }
}

/// The last look at all blocks. A long one is not repeated at once.
struct BlockSurvey: Sendable {
    var underWay: Task<BlockHealth, any Error>?
    var last = BlockHealth()
    /// Until then the last one serves.
    var servesUntil: Instant?
}

extension Namenode {
    /// Visits the nodes of a tree, or its directories alone. Each step fills a part on the loop; `take` gets it outside and tells whether
    /// to go on.
    func walk<Part: Sendable>(
        from top: InodeID = .root, looksAtFiles: Bool, part: Part,
        visit: @escaping @Sendable (inout Part, Inode, borrowing DFSMachine, SoftState) throws(DFSRefusal) -> Void,
        take: (Part) async throws -> Bool
    ) async throws {
        var walk = TreeWalk(from: top, looksAtFiles: looksAtFiles)
        var goesOn = true
        while goesOn {
            let before = walk
            let (after, filled, more) = try await look { machine, soft in
                var (walk, filled) = (before, part)
                let copy = machine
                let more = try walk.step(copy.namespace) { (inode: Inode) throws(DFSRefusal) in try visit(&filled, inode, copy, soft) }
                return (walk, filled, more)
            }
            walk = after
            guard try await take(filled) else { return }
            goesOn = more
        }
    }

    /// Visits the blocks of all files and of snapshots, some in each turn; a block may come twice.
    func forBlocks(_ body: @escaping @Sendable ([BlockID], SoftState) -> Void) async throws {
        try await walk(
            looksAtFiles: true, part: [BlockID](),
            visit: { (ids, inode, _, _) throws(DFSRefusal) in for block in inode.file?.blocks ?? [] { ids.append(block.id) } },
            take: { ids in
                try await self.look { _, soft in body(ids, soft) }
                return true
            })
        var last: InodeID? = InodeID(0)
        while let after = last {
            last = try await look { machine, soft in
                let snapshots = machine.namespace.snapshots
                let ids = snapshots.versioned(after: after, count: SnapshotTable.trimmedPerStep)
                body(ids.flatMap { snapshots.blocks(ofVersionsOf: $0) }, soft)
                return ids.last
            }
        }
    }

    // MARK: summaries

    /// The sums of a tree, which the caller must be able to read.
    func summary(_ path: String, _ caller: Caller) async throws -> (top: Inode, usage: TreeUsage) {
        if let past = try await snapshotSummary(path, caller) { return past }
        let (top, usage) = try await look { machine, _ in
            let top = try Self.find(path, caller, in: machine)
            return (top, machine.namespace.usage(of: top))
        }
        guard top.isDirectory, !caller.isSuper else { return (top, usage) }
        try await walk(
            from: top.id, looksAtFiles: false, part: (),
            visit: { (_, directory, machine, _) throws(DFSRefusal) in
                try machine.namespace.check(caller, .read, directory)
                try machine.namespace.check(caller, .execute, directory)
            }, take: { _ in true })
        return (top, usage)
    }

    // MARK: the health of all blocks

    /// A survey longer than this is not repeated at once.
    private static let longSurvey = Duration.milliseconds(50)

    /// The health of all blocks, now or a short while ago.
    func health() async throws -> BlockHealth {
        let now = now()
        let task = try await look { _, soft in
            if let task = soft.survey.underWay { return task }
            if let until = soft.survey.servesUntil, now < until {
                let last = soft.survey.last
                return Task { last }
            }
            let task = Task { try await self.survey() }
            soft.survey.underWay = task
            return task
        }
        return try await task.value
    }

    private func survey() async throws -> BlockHealth {
        let began = now()
        let found = try await surveyed()
        let now = now()
        let took = now - began
        try await look { _, soft in
            soft.survey = BlockSurvey(last: found, servesUntil: took > Self.longSurvey ? now + took * 10 : nil)
        }
        return found
    }

    private func surveyed() async throws -> BlockHealth {
        var sum = BlockHealth()
        try await walk(
            looksAtFiles: true, part: BlockHealth(),
            visit: { (part, inode, _, soft) throws(DFSRefusal) in
                guard let file = inode.file else { return }
                let found = soft.board.health(file.blocks.map { WantedBlock(block: $0, replication: Int(file.replication)) })
                part =
                    part
                    + BlockHealth(
                        total: file.blocks.count { !$0.isOpen }, under: found.under, corrupt: found.corrupt, missing: found.missing)
            },
            take: { part in
                sum = sum + part
                return true
            })
        return sum + (try await keptHealth())
    }

    /// The health of blocks that only snapshots have.
    private func keptHealth() async throws -> BlockHealth {
        var sum = BlockHealth()
        var last: InodeID? = InodeID(0)
        while let after = last {
            let (part, end) = try await look { machine, soft -> (BlockHealth, InodeID?) in
                let (blocks, end) = Self.keptBlocks(after: after, in: machine)
                let found = soft.board.health(blocks)
                let health = BlockHealth(total: blocks.count, under: found.under, corrupt: found.corrupt, missing: found.missing)
                return (health, end)
            }
            sum = sum + part
            last = end
        }
        return sum
    }

    /// Some blocks that only snapshots have, of the nodes behind one; and the last of these, nil after all.
    static func keptBlocks(after id: InodeID, in machine: borrowing DFSMachine) -> (blocks: [WantedBlock], end: InodeID?) {
        let namespace = machine.namespace
        let ids = namespace.snapshots.versioned(after: id, count: SnapshotTable.trimmedPerStep)
        var blocks: [WantedBlock] = []
        for id in ids {
            let present = namespace.inode(id)?.file?.blocks ?? []
            for block in namespace.snapshots.blocks(ofVersionsOf: id) where !present.contains(where: { $0.id == block }) {
                if let wanted = wanted(block, in: machine) { blocks.append(wanted) }
            }
        }
        return (blocks, ids.last)
    }

    // MARK: reports of datanodes

    /// Replicas of a report that are taken in one turn.
    static let reportedPerStep = 1_000

    func take(report replicas: [ReplicaBoard.ReportedReplica], of uuid: String) async throws {
        guard let number = try await look({ _, soft in soft.board.beginReport(uuid) }) else { return }
        for start in stride(from: 0, to: replicas.count, by: Self.reportedPerStep) {
            let part = replicas[start..<min(replicas.count, start + Self.reportedPerStep)]
            try await look { machine, soft in
                for replica in part {
                    self.received(uuid, replica.id, replica.generation, isFinal: replica.isFinal, machine, soft)
                }
            }
        }
        try await forBlocks { ids, soft in _ = soft.board.endReport(uuid, number, known: ids) }
        try await look { _, soft in soft.board.closeReport(uuid, number) }
    }

    /// A namenode that stands by believes every replica: its namespace may not yet have a block that a datanode has.
    func received(
        _ uuid: String, _ id: BlockID, _ generation: Generation, isFinal: Bool, _ machine: borrowing DFSMachine, _ soft: SoftState
    ) {
        let believed = WantedBlock(block: Block(id: id, generation: generation, lengthBytes: 0, state: .underConstruction), replication: 1)
        soft.board.received(
            uuid, id, generation, isFinal: isFinal, wanted: soft.office.isHeld ? Self.wanted(id, in: machine) : believed)
    }

    // MARK: once a second

    /// Steps of each kind in one tick.
    private static let stepsPerTick = 20

    /// Silent datanodes, and blocks with too few or too many copies.
    func mendReplicas(now: Instant) async throws {
        let lost = try await look { _, soft in soft.board.findSilent(now: now) }
        if !lost.isEmpty { try await forBlocks { ids, soft in soft.board.doubtBlocks(of: lost, among: ids) } }
        guard await holdsOffice() else { return }
        for _ in 0..<Self.stepsPerTick {
            let more = try await look { machine, soft in
                guard soft.office.isHeld, soft.safeMode == .off else { return false }
                let copy = machine
                return soft.board.mendSome(now: now) { Namenode.wanted($0, in: copy) }
            }
            guard more else { return }
        }
    }

    /// Removes some nodes of deleted trees that were too large for one command.
    func removeDeleted() async throws {
        for _ in 0..<Self.stepsPerTick {
            guard try await look({ machine, _ in !machine.namespace.removedTops.isEmpty }) else { return }
            _ = try await replica.propose(.file(.removeMore))
        }
    }

    /// A datanode renews the leases of its uploads, twice in this time.
    private static func limit(of holder: String) -> Duration {
        holder.utf8.starts(with: FileCommand.uploadPrefix.utf8) ? Leases.softLimit : Leases.hardLimit
    }

    /// Open files looked at in one turn.
    private static let openFilesPerStep = 500

    /// Files whose writers are gone, at most a hundred.
    func overdueFiles(now: Instant) async throws -> [InodeID] {
        var found: [InodeID] = []
        var last = InodeID(0)
        while found.count < 100 {
            let after = last
            let (overdue, end) = try await look { machine, soft in
                let part = machine.openFiles(after: after, count: Self.openFilesPerStep)
                var overdue: [InodeID] = []
                for id in part where machine.namespace.isReachable(id) {
                    guard let holder = machine.namespace.inode(id)?.file?.writer else { continue }
                    if holder != FileCommand.recoverer {
                        if soft.leases.isOver(Self.limit(of: holder), holder, now: now) { overdue.append(id) }
                    } else if soft.recoveries[id].map({ now - $0 > Self.recoveryPatience }) ?? true {
                        overdue.append(id)
                    }
                }
                return (overdue, part.count < Self.openFilesPerStep ? nil : part.last)
            }
            found += overdue
            guard let end else { break }
            last = end
        }
        return Array(found.prefix(100))
    }
}
