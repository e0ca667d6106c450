// Trees of any size in bounded steps: sums that are kept, deletes in parts, walks.
import Base
import DFSCore
import Testing

private struct Bench {
    var machine = DFSMachine()
    var slot = Slot.zero
    var rows: [String: [Row: Row]] = [:]
    let root = Caller(user: "root", isSuper: true)
    /// Rows that the last command changed.
    var changed = 0

    mutating func run(_ command: DFSCommand) -> DFSOutcome {
        slot = slot.next
        var changes = RowChanges()
        let outcome = machine.apply(command, at: ApplyPosition(slot: slot, time: WallTime(milliseconds: slot.rawValue)), rows: &changes)
        changed = changes.changes.count
        for change in changes.changes {
            switch change {
            case .upsert(let table, let row):
                let count = DFSMachine.tables.first { $0.name == table }?.keyCount ?? 1
                rows[table, default: [:]][Array(row.prefix(count))] = row
            case .delete(let table, let key): rows[table]?[key] = nil
            }
        }
        return outcome
    }

    mutating func directory(_ path: String) { _ = run(.makeDirectories(path: path, permission: 0o755, root)) }

    /// Creates a closed file with one block, or leaves it open without any.
    mutating func file(_ path: String, bytes: Int64 = 10, isOpen: Bool = false) {
        guard case .success(.opened(let inode, let block, _)) = run(.create(path: path, CreateOptions(), writer: "w", root)).answer,
            !isOpen
        else { return }
        _ = run(.finishBlock(inode, writer: "w", block, lengthBytes: bytes, last: true))
    }

    func inode(_ path: String) -> Inode? { FilePath.components(path).flatMap { machine.namespace.lookup($0) } }

    func loaded() throws -> DFSMachine {
        var other = DFSMachine()
        for table in DFSMachine.tables {
            for row in (rows[table.name] ?? [:]).values.sorted(by: { ($0[0].integer ?? 0) < ($1[0].integer ?? 0) }) {
                try other.load(row, of: table)
            }
        }
        try other.finishLoading(applied: slot)
        return other
    }

    /// The sums of a tree, counted.
    static func counted(_ top: Inode, _ machine: DFSMachine) -> [Int64] {
        var sums: [Int64] = [0, 0, 0, 0, 0]
        var waiting = [top]
        while let inode = waiting.popLast() {
            if let file = inode.file {
                let found = [1, 0, Int64(file.blocks.count), file.lengthBytes, file.lengthBytes * Int64(file.replication)]
                sums = zip(sums, found).map(+)
            } else {
                sums[1] += 1
                let children = inode.entries?.page(after: "", count: .max / 2).ids ?? []
                waiting += children.compactMap { machine.namespace.inode($0) }
            }
        }
        return sums
    }

    static func kept(_ top: Inode, _ machine: DFSMachine) -> [Int64] {
        let usage = machine.namespace.usage(of: top)
        return [usage.files, usage.directories, usage.blocks, Int64(usage.lengthBytes), usage.space]
    }

    /// The kept sums of every directory are those that counting gives, here and after a load.
    func checkSums() throws {
        for machine in [machine, try loaded()] {
            var walk = TreeWalk(looksAtFiles: true)
            var wrong: [String] = []
            while walk.step(
                machine.namespace,
                visit: { inode in
                    if Self.kept(inode, machine) != Self.counted(inode, machine) { wrong.append(machine.namespace.path(of: inode.id)) }
                })
            {}
            #expect(wrong.isEmpty)
        }
    }
}

@Suite struct LargeTreeTests {
    @Test func sumsAreThoseThatCountingGives() throws {
        var random = Prng(seed: 7)
        var bench = Bench()
        let names = ["a", "b", "c"]
        func path() -> String {
            (0...Int(random.next() % 3)).map { _ in "/" + names[Int(random.next() % 3)] }.joined()
        }
        for round in 0..<600 {
            switch random.next() % 7 {
            case 0, 1: bench.directory(path())
            case 2, 3: bench.file(path() + "/f\(random.next() % 4)", bytes: Int64(random.next() % 1000), isOpen: random.next() % 4 == 0)
            case 4: _ = bench.run(.rename(source: path(), target: path(), bench.root))
            case 5:
                var change = AttributeChange()
                change.replication = Int16(1 + random.next() % 3)
                _ = bench.run(.setAttributes(path: path() + "/f\(random.next() % 4)", change, bench.root))
            default: _ = bench.run(.delete(path: path(), recursive: true, bench.root))
            }
            if round % 100 == 99 { try bench.checkSums() }
        }
        let root = try #require(bench.inode("/"))
        #expect(bench.machine.namespace.inodeCount == Int(Bench.counted(root, bench.machine)[..<2].reduce(0, +)))
    }

    @Test func aLargeTreeLosesItsPathAtOnceAndGoesInSteps() throws {
        var bench = Bench()
        let count = 3_000
        for number in 0..<count { bench.file("/big/d\(number % 7)/f\(number)") }
        bench.file("/big/open", isOpen: true)
        bench.file("/other")
        let outcome = bench.run(.delete(path: "/big", recursive: true, bench.root))
        #expect(outcome.removedBlocks.isEmpty && bench.changed < 10)
        #expect(bench.inode("/big") == nil && bench.machine.namespace.inodeCount == 2 && bench.machine.namespace.blockCount == 1)
        let open = try #require(bench.machine.openFiles.first)
        #expect(!bench.machine.namespace.isReachable(open))
        #expect(bench.run(.close(open, writer: "w")).answer == .failure(.leaseLost(bench.machine.namespace.path(of: open))))
        #expect(bench.run(.file(.beginRecovery(open))).answer == .success(.done))
        // A start in between finds the rest and goes on, as one without a start does.
        var other = bench
        other.machine = try bench.loaded()
        #expect(other.machine.namespace.removedTops == bench.machine.namespace.removedTops && other.machine.namespace.inodeCount == 2)
        var freed = 0
        var steps = 0
        while !bench.machine.namespace.removedTops.isEmpty {
            let (here, there) = (bench.run(.file(.removeMore)), other.run(.file(.removeMore)))
            #expect(here.removedBlocks == there.removedBlocks && here.removedBlocks.count <= DFSMachine.removedPerStep)
            #expect(bench.changed <= DFSMachine.removedPerStep)
            freed += here.removedBlocks.count
            steps += 1
            try #require(steps < 10)
        }
        #expect(freed == count && steps > 1 && bench.machine.openFiles.isEmpty && !bench.machine.namespace.isHolder("w"))
        #expect(bench.rows["inodes"]?.count == 2 && bench.run(.file(.removeMore)).removedBlocks.isEmpty)
        try bench.checkSums()
    }

    @Test func aWalkHasBoundedStepsAndVisitsAll() {
        var bench = Bench()
        for number in 0..<500 { bench.file("/wide/f\(number)") }
        for number in 0..<50 { bench.directory("/deep/d\(number)/e") }
        var (files, steps) = (0, 0)
        var walk = TreeWalk(looksAtFiles: true)
        var goesOn = true
        while goesOn {
            var inStep = 0
            goesOn = walk.step(bench.machine.namespace, budget: 40) { inode in
                inStep += 1
                if inode.file != nil { files += 1 }
            }
            steps += 1
            #expect(inStep <= 41)
        }
        #expect(files == 500 && steps > 10)
        // Directories alone: a wide one is not looked through.
        var directories = 0
        var short = TreeWalk(looksAtFiles: false)
        while short.step(bench.machine.namespace, visit: { _ in directories += 1 }) {}
        #expect(directories == 103)
    }

    @Test func sumsBeyondSixtyFourBitsAreLimited() throws {
        var bench = Bench()
        for number in 0..<40 {
            bench.file("/huge/f\(number)", bytes: Block.lengthBytesMax)
            var change = AttributeChange()
            change.replication = 32_000
            _ = bench.run(.setAttributes(path: "/huge/f\(number)", change, bench.root))
        }
        let usage = bench.machine.namespace.usage(of: try #require(bench.inode("/huge")))
        #expect(usage.space == .max && usage.spaceBytes > Int128(Int64.max))
        _ = bench.run(.delete(path: "/huge", recursive: true, bench.root))
        #expect(bench.machine.namespace.usage(of: try #require(bench.inode("/"))).space == 0)
    }

    @Test func leasesAreKeptOfHoldersOnly() {
        var leases = Leases(now: Instant(nanoseconds: 0))
        let later = Instant(nanoseconds: 0) + .seconds(100)
        leases.renew("held", now: later) { _ in true }
        for number in 0..<100 { leases.renew("client\(number)", now: later) { $0 == "held" || $0 == "client\(number)" } }
        #expect(!leases.isOver(Leases.softLimit, "held", now: later) && leases.isOver(Leases.softLimit, "client0", now: later))
        #expect(leases.count < 10)
    }
}
