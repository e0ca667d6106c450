// Files as HDFS's clients write them: blocks with generations and states, leases, recovery, retries, access lists, attributes, quotas. After each test
// the state is loaded from its rows and must be the same.
import Base
import Testing

@testable import DFSCore

private struct Bench {
    var machine = DFSMachine()
    var rows: [String: [Row: Row]] = [:]
    var slot = Slot.zero
    let root = Caller(user: "root", isSuper: true)
    let ann = Caller(user: "ann", isSuper: false)

    @discardableResult mutating func run(_ command: DFSCommand) -> DFSOutcome {
        slot = slot.next
        var changes = RowChanges()
        let outcome = machine.apply(command, at: ApplyPosition(slot: slot, time: WallTime(milliseconds: slot.rawValue)), rows: &changes)
        for change in changes.changes {
            switch change {
            case .upsert(let table, let row): rows[table, default: [:]][[row[0]]] = row
            case .delete(let table, let key): rows[table]?[key] = nil
            }
        }
        return outcome
    }

    @discardableResult mutating func file(_ command: FileCommand) -> Result<DFSOutcome.Answer, DFSRefusal> { run(.file(command)).answer }
    @discardableResult mutating func name(_ command: NameCommand) -> Result<DFSOutcome.Answer, DFSRefusal> { run(.name(command)).answer }
    func content(_ path: String) -> FileContent? { node(path)?.file }
    func node(_ path: String) -> Inode? { FilePath.components(path).flatMap { machine.namespace.lookup($0) } }

    mutating func create(_ path: String, holder: String = "c", overwrite: Bool = false, by caller: Caller? = nil) throws -> InodeID {
        var options = CreateOptions()
        options.overwrite = overwrite
        options.blockSizeBytes = 1 << 20
        guard case .success(.created(let id)) = file(.create(path: path, options, createParents: true, holder: holder, caller ?? root))
        else { throw Unexpected() }
        return id
    }

    mutating func addBlock(_ id: InodeID, previous: Block? = nil) throws -> Block {
        guard case .success(.allocated(let block, _)) = file(.addBlock(id, holder: "c", previous: previous)) else { throw Unexpected() }
        return block
    }

    /// A closed file with blocks of the given lengths.
    mutating func closed(_ path: String, _ lengths: [Int64]) throws -> InodeID {
        let id = try create(path)
        var last: Block?
        for length in lengths {
            last = try addBlock(id, previous: last)
            last?.lengthBytes = length
        }
        guard case .success(.flag(true)) = file(.complete(id, holder: "c", last: last)) else { throw Unexpected() }
        return id
    }

    /// The state that the rows hold.
    func loaded() throws -> DFSMachine {
        var other = DFSMachine()
        for table in DFSMachine.tables {
            for row in (rows[table.name] ?? [:]).values.sorted(by: {
                "\($0[0])".count == "\($1[0])".count ? "\($0[0])" < "\($1[0])" : "\($0[0])".count < "\($1[0])".count
            }) {
                try other.load(row, of: table)
            }
        }
        try other.finishLoading(applied: slot)
        return other
    }

    private func forEachBlock(_ machine: DFSMachine, _ visit: (Inode, Block) -> Void) {
        var walk = TreeWalk(looksAtFiles: true)
        while walk.step(machine.namespace, visit: { inode in inode.file?.blocks.forEach { visit(inode, $0) } }) {}
    }

    mutating func checkRows() throws {
        let other = try loaded()
        #expect(other.openFiles == machine.openFiles && other.namespace.counters == machine.namespace.counters)
        var (ours, theirs): ([String], [String]) = ([], [])
        forEachBlock(machine) { ours.append("\($0.id) \($0.permission) \($0.extras as Any) \($1)") }
        forEachBlock(other) { theirs.append("\($0.id) \($0.permission) \($0.extras as Any) \($1)") }
        #expect(ours == theirs)
    }
}

private struct Unexpected: Error {}

@Suite struct FileRulesTests {
    @Test func blocksAreCommittedOneAfterAnother() throws {
        var bench = Bench()
        let id = try bench.create("/f")
        var first = try bench.addBlock(id)
        #expect(try bench.addBlock(id) == first, "the same request again gets the same block")
        first.lengthBytes = 1 << 20
        let second = try bench.addBlock(id, previous: first)
        #expect(second.id > first.id && second.generation > first.generation)
        #expect(try bench.addBlock(id, previous: first) == second)
        #expect(bench.content("/f")?.blocks.map(\.state) == [.committed, .underConstruction])
        var wrong = second
        wrong.generation = Generation(1)
        #expect(throws: DFSRefusal.self) { try bench.file(.complete(id, holder: "c", last: wrong)).get() }
        #expect(bench.file(.complete(id, holder: "other", last: nil)) == .failure(.leaseLost("/f")))
        try bench.checkRows()
        var last = second
        last.lengthBytes = 5
        #expect(bench.file(.complete(id, holder: "c", last: last)) == .success(.flag(true)))
        #expect(bench.file(.complete(id, holder: "c", last: last)) == .success(.flag(true)), "a repetition finds it closed")
        #expect(bench.content("/f")?.lengthBytes == 1 << 20 + 5 && bench.content("/f")?.blocks.allSatisfy { $0.state == .complete } == true)
        try bench.checkRows()
    }

    @Test func lengthsOfClientsNeverOverflow() throws {
        var bench = Bench()
        let id = try bench.create("/f")
        var block = try bench.addBlock(id)
        for length in [Int64.max, .min, -1, Block.lengthBytesMax + 1] {
            block.lengthBytes = length
            #expect(throws: DFSRefusal.self) { try bench.file(.complete(id, holder: "c", last: block)).get() }
            #expect(throws: DFSRefusal.self) { try bench.file(.addBlock(id, holder: "c", previous: block)).get() }
            bench.file(.sync(id, holder: "c", lastBlockBytes: length))
        }
        #expect(bench.content("/f")?.lengthBytes == 0)
    }

    @Test func anAppendGoesOnInTheLastBlockUnderANewGeneration() throws {
        var bench = Bench()
        _ = try bench.closed("/f", [1 << 20, 700])
        guard
            case .success(.appending(let id, let last?, let offset)) = bench.file(
                .append(path: "/f", ownBlock: false, holder: "a", bench.root))
        else { throw Unexpected() }
        #expect(offset == 1 << 20 && last.lengthBytes == 700 && last.state == .underConstruction)
        #expect(bench.file(.append(path: "/f", ownBlock: false, holder: "b", bench.root)) == .failure(.beingWritten("/f", by: "a")))
        guard case .success(.generation(let generation)) = bench.file(.takeGeneration(holder: "a", last.id)) else { throw Unexpected() }
        var after = last
        (after.generation, after.lengthBytes) = (generation, 700)
        #expect(bench.file(.updatePipeline(holder: "b", before: last, after: after)) == .failure(.leaseLost("/f")))
        #expect(bench.file(.updatePipeline(holder: "a", before: last, after: after)) == .success(.done))
        after.lengthBytes = 900
        #expect(throws: DFSRefusal.self) { try bench.file(.complete(id, holder: "a", last: last)).get() }
        #expect(bench.file(.complete(id, holder: "a", last: after)) == .success(.flag(true)))
        #expect(bench.content("/f")?.lengthBytes == 1 << 20 + 900 && bench.content("/f")?.blocks.last?.generation == generation)
        guard case .success(.appending(_, nil, _)) = bench.file(.append(path: "/f", ownBlock: true, holder: "a", bench.root)) else {
            throw Unexpected()
        }
        try bench.checkRows()
    }

    @Test func aFileWithoutItsWriterIsClosedAtWhatADatanodeHas() throws {
        var bench = Bench()
        let id = try bench.create("/f")
        let block = try bench.addBlock(id)
        bench.file(.sync(id, holder: "c", lastBlockBytes: 100))
        guard case .success(.recovering(let wanted)) = bench.file(.beginRecovery(id)) else { throw Unexpected() }
        #expect(bench.file(.addBlock(id, holder: "c", previous: block)) == .failure(.leaseLost("/f")), "the old writer has lost it")
        var found = wanted
        found.lengthBytes = 99
        #expect(throws: DFSRefusal.self, "less than was promised") { try bench.file(.endRecovery(found, drop: false)).get() }
        found.lengthBytes = 130
        try bench.checkRows()
        #expect(bench.file(.endRecovery(found, drop: false)) == .success(.done))
        #expect(bench.content("/f")?.lengthBytes == 130 && bench.content("/f")?.writer == nil)
        #expect(throws: DFSRefusal.self, "a datanode that comes late") { try bench.file(.endRecovery(found, drop: false)).get() }
        #expect(bench.file(.beginRecovery(id)) == .success(.done))
    }

    @Test func truncatingKeepsTheLengthUntilTheBlockIsCut() throws {
        var bench = Bench()
        let id = try bench.closed("/f", [1 << 20, 1 << 20, 10])
        #expect(bench.run(.file(.truncate(path: "/f", lengthBytes: 1 << 21, bench.root))).removedBlocks.count == 1)
        #expect(bench.content("/f")?.lengthBytes == 1 << 21 && bench.content("/f")?.writer == nil)
        guard case .success(.recovering(let cut)) = bench.file(.truncate(path: "/f", lengthBytes: 1 << 20 + 700, bench.root)) else {
            throw Unexpected()
        }
        #expect(bench.content("/f")?.lengthBytes == 1 << 21 && cut.cutTo == 700)
        try bench.checkRows()
        var done = cut
        done.lengthBytes = 700
        #expect(bench.file(.endRecovery(done, drop: false)) == .success(.done))
        #expect(bench.content("/f")?.lengthBytes == 1 << 20 + 700 && bench.node("/f")?.id == id)
        #expect(throws: DFSRefusal.self) { try bench.file(.truncate(path: "/f", lengthBytes: 1 << 22, bench.root)).get() }
        try bench.checkRows()
    }

    @Test func concatMovesBlocksAndFreesNone() throws {
        var bench = Bench()
        _ = try bench.closed("/d/a", [10])
        _ = try bench.closed("/d/b", [20])
        _ = try bench.closed("/e", [30])
        #expect(throws: DFSRefusal.self) { try bench.file(.concat(target: "/d/a", sources: ["/e"], bench.root)).get() }
        #expect(throws: DFSRefusal.self) { try bench.file(.concat(target: "/d/a", sources: ["/d/b", "/d/b"], bench.root)).get() }
        #expect(bench.run(.file(.concat(target: "/d/a", sources: ["/d/b"], bench.root))).removedBlocks.isEmpty)
        #expect(bench.content("/d/a")?.lengthBytes == 30 && bench.node("/d/b") == nil)
        let blocks = try #require(bench.content("/d/a")?.blocks)
        #expect(blocks.allSatisfy { bench.machine.namespace.owner(of: $0.id)?.name == "a" })
        #expect(bench.run(.delete(path: "/d/a", recursive: false, bench.root)).removedBlocks == blocks.map(\.id))
        try bench.checkRows()
    }

    @Test func aRepeatedRequestIsExecutedOnceAlsoAfterARestart() throws {
        var bench = Bench()
        _ = try bench.closed("/f", [1])
        let delete = DFSCommand.once(
            RetryID(client: Bytes(repeating: 7, count: 16), call: 3), .delete(path: "/f", recursive: false, bench.root))
        #expect(bench.run(delete).answer == .success(.flag(true)))
        #expect(bench.run(delete).answer == .success(.flag(true)), "and not false, as a second execution would say")
        bench.machine = try bench.loaded()
        #expect(bench.run(delete).answer == .success(.flag(true)))
        #expect(try DFSCommand(decoding: delete.encoded(as: DurableDialect.self), as: DurableDialect.self) == delete)
        // What was refused may be tried again.
        let make = DFSCommand.once(
            RetryID(client: Bytes(repeating: 7, count: 16), call: 4),
            .name(.makeDirectory(path: "/p/q", permission: 0o755, unmasked: 0o755, createParents: false, bench.root)))
        #expect(throws: DFSRefusal.self) { try bench.run(make).answer.get() }
        bench.name(.makeDirectory(path: "/p", permission: 0o755, unmasked: 0o755, createParents: false, bench.root))
        #expect(bench.run(make).answer == .success(.flag(true)))
    }

    @Test func accessListsAreKeptAsHDFSKeepsThem() throws {
        var bench = Bench()
        bench.name(.makeDirectory(path: "/d", permission: 0o750, unmasked: 0o750, createParents: true, bench.root))
        let bob = Caller(user: "bob", isSuper: false)
        #expect(
            bench.file(.create(path: "/d/f", CreateOptions(), createParents: false, holder: "c", bob))
                == .failure(.denied(user: "bob", needs: "EXECUTE", path: "/d")))
        bench.name(
            .changeACL(path: "/d", .modify, [AccessEntry(.user, "bob", 7), AccessEntry(isDefault: true, .user, "ann", 5)], bench.root))
        #expect(bench.node("/d")?.permission == 0o770, "the mask stands where the group's bits were")
        #expect(bench.node("/d")?.extras?.acl.entries.contains(AccessEntry(.group, 5)) == true)
        let id = try bench.create("/d/f", by: bob)
        #expect(bench.machine.namespace.inode(id)?.extras?.acl.entries == [AccessEntry(.user, "ann", 5), AccessEntry(.group, 5)])
        #expect(bench.name(.changeACL(path: "/d", .removeAll, [], bench.ann)) == .failure(.denied(user: "ann", needs: "OWNER", path: "/d")))
        bench.name(.changeACL(path: "/d", .modify, [AccessEntry(.mask, 4)], bench.root))
        #expect(
            bench.file(.create(path: "/d/g", CreateOptions(), createParents: false, holder: "c", bob))
                == .failure(.denied(user: "bob", needs: "EXECUTE", path: "/d")))
        try bench.checkRows()
        bench.name(.changeACL(path: "/d", .removeAll, [], bench.root))
        #expect(bench.node("/d")?.extras == nil && bench.node("/d")?.permission == 0o750)
        #expect(throws: DFSRefusal.self) {
            try bench.name(.changeACL(path: "/d/f", .modify, [AccessEntry(isDefault: true, .user, "x", 1)], bench.root)).get()
        }
        try bench.checkRows()
    }

    @Test func attributesAreBounded() throws {
        var bench = Bench()
        _ = try bench.closed("/f", [1])
        func attribute(_ name: String, _ bytes: Int) -> ExtendedAttribute {
            ExtendedAttribute(space: 0, name: name, value: Bytes(repeating: 1, count: bytes))
        }
        #expect(bench.name(.setAttribute(path: "/f", attribute("a", 10), flags: 1, bench.root)) == .success(.done))
        #expect(bench.name(.setAttribute(path: "/f", attribute("a", 11), flags: 1, bench.root)) == .failure(.attributeExists("a")))
        #expect(bench.name(.setAttribute(path: "/f", attribute("b", 11), flags: 2, bench.root)) == .failure(.attributeMissing("b")))
        #expect(throws: DFSRefusal.self) {
            try bench.name(.setAttribute(path: "/f", attribute("big", ExtendedAttribute.bytesMax), flags: 1, bench.root)).get()
        }
        for number in 1..<ExtendedAttribute.countMax {
            bench.name(.setAttribute(path: "/f", attribute("n\(number)", 1), flags: 3, bench.root))
        }
        #expect(throws: DFSRefusal.self) { try bench.name(.setAttribute(path: "/f", attribute("more", 1), flags: 3, bench.root)).get() }
        #expect(
            bench.name(.removeAttribute(path: "/f", attribute("a", 0), bench.ann))
                == .failure(.denied(user: "ann", needs: "WRITE", path: "/f")))
        #expect(bench.name(.removeAttribute(path: "/f", attribute("a", 0), bench.root)) == .success(.done))
        try bench.checkRows()
    }

    @Test func quotasCountNamesAndAllCopies() throws {
        var bench = Bench()
        bench.name(.makeDirectory(path: "/q/a", permission: 0o755, unmasked: 0o755, createParents: true, bench.root))
        #expect(
            bench.name(.setQuota(path: "/q", names: 3, spaceBytes: nil, bench.ann))
                == .failure(.denied(user: "ann", needs: "SUPERUSER", path: "/q")))
        bench.name(.setQuota(path: "/q", names: 3, spaceBytes: 3 << 20, bench.root))
        let id = try bench.create("/q/f")
        #expect(throws: Unexpected.self) { try bench.create("/q/g") }
        #expect(
            bench.file(.create(path: "/q/a/b", CreateOptions(), createParents: true, holder: "c", bench.root))
                == .failure(.nameQuotaExceeded(path: "/q", quota: 3, count: 4)))
        var last = try bench.addBlock(id)
        last.lengthBytes = 1 << 20
        last = try bench.addBlock(id, previous: last)
        last.lengthBytes = 1 << 20
        last = try bench.addBlock(id, previous: last)
        last.lengthBytes = 1 << 20
        #expect(
            bench.file(.addBlock(id, holder: "c", previous: last))
                == .failure(.spaceQuotaExceeded(path: "/q", quota: 3 << 20, bytes: 4 << 20)))
        _ = try bench.closed("/out", [1])
        #expect(
            bench.run(.rename(source: "/out", target: "/q/in", bench.root)).answer
                == .failure(.nameQuotaExceeded(path: "/q", quota: 3, count: 4)))
        #expect(
            bench.run(.rename(source: "/q/f", target: "/q/a/f", bench.root)).answer == .success(.flag(true)),
            "within the same tree nothing is added")
        bench.name(.setQuota(path: "/q", names: -1, spaceBytes: -1, bench.root))
        #expect(bench.node("/q")?.extras == nil)
        try bench.checkRows()
    }

    @Test func namesAreEqualIfTheirBytesAre() throws {
        var bench = Bench()
        _ = try bench.closed("/\u{e9}", [1])
        _ = try bench.closed("/e\u{301}", [2])
        #expect(bench.content("/\u{e9}")?.lengthBytes == 1 && bench.content("/e\u{301}")?.lengthBytes == 2)
        #expect(FilePath.components("/a/\u{301}b") == ["a", FileName("\u{301}b")], "a mark behind a slash belongs to the name")
        #expect(FilePath.components("/a:\u{301}") == nil)
        try bench.checkRows()
    }

    @Test func stickyDirectoriesKeepOthersFilesIn() throws {
        var bench = Bench()
        bench.name(.makeDirectory(path: "/tmp", permission: 0o1777, unmasked: 0o1777, createParents: true, bench.root))
        _ = try bench.create("/tmp/f", by: bench.ann)
        let bob = Caller(user: "bob", isSuper: false)
        #expect(throws: DFSRefusal.self) { try bench.run(.delete(path: "/tmp/f", recursive: false, bob)).answer.get() }
        #expect(throws: DFSRefusal.self) { try bench.run(.rename(source: "/tmp/f", target: "/tmp/g", bob)).answer.get() }
        #expect(bench.run(.rename(source: "/tmp/f", target: "/tmp/g", bench.ann)).answer == .success(.flag(true)))
    }

    @Test func everyCommandIsReadAsItWasWritten() throws {
        let (caller, block) = (
            Caller(user: "ü", isSuper: true), Block(id: BlockID(4), generation: Generation(5), lengthBytes: 6, state: .truncating)
        )
        let files: [FileCommand] = [
            .create(path: "/a", CreateOptions(), createParents: true, holder: "h", caller),
            .append(path: "/a", ownBlock: true, holder: "h", caller),
            .addBlock(InodeID(1), holder: "h", previous: block), .addBlock(InodeID(1), holder: "h", previous: nil),
            .abandonBlock(InodeID(1), holder: "h", BlockID(2)),
            .sync(InodeID(1), holder: "h", lastBlockBytes: -1), .complete(InodeID(1), holder: "h", last: block),
            .takeGeneration(holder: "h", BlockID(2)),
            .updatePipeline(holder: "h", before: block, after: block), .beginRecovery(InodeID(1)), .endRecovery(block, drop: true),
            .truncate(path: "/a", lengthBytes: 7, caller), .concat(target: "/a", sources: ["/b", "/c"], caller), .abandonUploads,
        ]
        let names: [NameCommand] = [
            .makeDirectory(path: "/a", permission: 0o755, unmasked: 0o777, createParents: true, caller),
            .renameOver(source: "/a", target: "/b", overwrite: true, caller),
            .changeACL(path: "/a", .replace, [AccessEntry(isDefault: true, .group, "g", 5)], caller),
            .setAttribute(path: "/a", ExtendedAttribute(space: 1, name: "n", value: Bytes(string: "v")), flags: 3, caller),
            .removeAttribute(path: "/a", ExtendedAttribute(space: 0, name: "n", value: Bytes()), caller),
            .setQuota(path: "/a", names: nil, spaceBytes: -1, caller),
            .setPolicy(path: "/a", number: 7, caller), .identify(9),
        ]
        for command in files.map(DFSCommand.file) + names.map(DFSCommand.name) {
            #expect(try DFSCommand(decoding: command.encoded(as: DurableDialect.self), as: DurableDialect.self) == command)
        }
    }
}
