// Snapshots: what they show after any change, what is freed when they go, and that rows and state agree.
import Base
import Testing

@testable import DFSCore

private struct Bench {
    var machine = DFSMachine()
    var slot = Slot.zero
    var rows: [String: [Row: Row]] = [:]
    let root = Caller(user: "root", isSuper: true)

    @discardableResult mutating func run(_ command: DFSCommand) -> DFSOutcome {
        slot = slot.next
        var changes = RowChanges()
        let outcome = machine.apply(command, at: ApplyPosition(slot: slot, time: WallTime(milliseconds: slot.rawValue)), rows: &changes)
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

    mutating func directory(_ path: String) { run(.makeDirectories(path: path, permission: 0o755, root)) }

    mutating func file(_ path: String, bytes: Int64 = 10) {
        var options = CreateOptions()
        options.overwrite = true
        guard case .success(.opened(let inode, let block, _)) = run(.create(path: path, options, writer: "w", root)).answer else { return }
        run(.finishBlock(inode, writer: "w", block, lengthBytes: bytes, last: true))
    }

    mutating func allow(_ path: String) { run(.snapshot(.allow(path: path, root))) }
    mutating func snapshot(_ path: String, _ name: String) -> Bool {
        if case .success = run(.snapshot(.create(path: path, name: name, root))).answer { true } else { false }
    }
    mutating func take(_ path: String, _ name: String, _ what: String = "") {
        let isTaken = snapshot(path, name)
        #expect(isTaken, "\(what)")
    }
    mutating func drop(_ path: String, _ name: String) -> [BlockID] {
        run(.snapshot(.delete(path: path, name: name, root)))
        return run(.snapshot(.trim(after: InodeID(0), upTo: InodeID(.max)))).removedBlocks
    }
    mutating func move(_ path: String, _ target: String) { run(.rename(source: path, target: target, root)) }
    @discardableResult mutating func delete(_ path: String) -> DFSOutcome { run(.delete(path: path, recursive: true, root)) }

    /// Names and lengths below a directory, with slashes, as a snapshot shows them.
    func shown(_ name: String, of path: String) -> [String] { Self.shown(name, of: path, machine) }

    static func shown(_ name: String, of path: String, _ machine: DFSMachine) -> [String] {
        guard let directory = FilePath.components(path).flatMap({ machine.namespace.lookup($0) }),
            let snapshot = machine.namespace.snapshots.snapshot(FileName(name), of: directory.id)
        else { return ["no snapshot"] }
        var found: [String] = []
        func list(_ id: InodeID, _ prefix: String) {
            var after = FileName("")
            while true {
                let page = machine.namespace.page(of: id, in: snapshot, after: after, count: 2)
                for entry in page.entries {
                    found.append(prefix + entry.name.text + (entry.file.map { ":\($0.lengthBytes)" } ?? ""))
                    if entry.isDirectory { list(entry.id, prefix + entry.name.text + "/") }
                }
                guard page.hasMore, let last = page.entries.last else { return }
                after = last.name
            }
        }
        list(directory.id, "")
        return found
    }

    func loaded() throws -> DFSMachine {
        var other = DFSMachine()
        for table in DFSMachine.tables {
            let all = (rows[table.name] ?? [:]).values
            for row in all.sorted(by: {
                ($0[0].integer ?? 0, $0.count > 1 ? $0[1].integer ?? 0 : 0) < ($1[0].integer ?? 0, $1.count > 1 ? $1[1].integer ?? 0 : 0)
            }) {
                try other.load(row, of: table)
            }
        }
        try other.finishLoading(applied: slot)
        return other
    }
}

@Suite struct SnapshotTests {
    private func tree() -> Bench {
        var bench = Bench()
        for path in ["/d/a/x", "/d/b", "/e"] { bench.directory(path) }
        bench.file("/d/one", bytes: 1)
        bench.file("/d/a/two", bytes: 2)
        bench.file("/d/a/x/three", bytes: 3)
        bench.file("/e/four", bytes: 4)
        bench.allow("/d")
        return bench
    }
    private let whole = ["a", "a/two:2", "a/x", "a/x/three:3", "b", "one:1"]

    @Test func aSnapshotShowsTheTreeOfItsTimeAfterAnyChange() throws {
        let changes: [(String, (inout Bench) -> Void)] = [
            ("nothing", { _ in }), ("a new file", { $0.file("/d/a/new") }), ("a deleted file", { $0.delete("/d/one") }),
            ("a deleted tree", { $0.delete("/d/a") }), ("an overwritten file", { $0.file("/d/one", bytes: 77) }),
            ("a renamed file", { $0.move("/d/one", "/d/uno") }), ("a file moved down", { $0.move("/d/one", "/d/b/one") }),
            ("a tree moved out", { $0.move("/d/a", "/e/a") }), ("a tree moved in", { $0.move("/e", "/d/e") }),
            (
                "a tree moved out and changed",
                { bench in
                    bench.move("/d/a", "/e/a")
                    bench.delete("/e/a/two")
                    bench.file("/e/a/x/more")
                    bench.move("/e/a/x/three", "/e/three")
                    bench.delete("/e")
                }
            ),
            (
                "a tree moved out and back",
                { bench in
                    bench.move("/d/a", "/e/a")
                    bench.file("/e/a/two", bytes: 9)
                    bench.move("/e/a", "/d/a")
                }
            ),
            (
                "names that change places",
                { bench in
                    bench.move("/d/one", "/d/tmp")
                    bench.move("/d/b", "/d/one")
                    bench.move("/d/tmp", "/d/b")
                }
            ),
            ("the directory itself moved", { $0.move("/d", "/e/d") }),
        ]
        for (what, change) in changes {
            var bench = tree()
            bench.take("/d", "s")
            change(&bench)
            let path = what == "the directory itself moved" ? "/e/d" : "/d"
            #expect(bench.shown("s", of: path) == whole, "\(what)")
            bench.take(path, "t", what)
            change(&bench)
            bench.file(path + "/later")
            #expect(bench.shown("s", of: path) == whole, "\(what), again")
            #expect(try Bench.shown("s", of: path, bench.loaded()) == whole, "\(what), loaded")
            #expect(try Bench.shown("t", of: path, bench.loaded()) == bench.shown("t", of: path), "\(what), loaded")
            // Without the second snapshot the first one shows the same.
            _ = bench.drop(path, "t")
            #expect(bench.shown("s", of: path) == whole, "\(what), after the other's end")
            #expect(try Bench.shown("s", of: path, bench.loaded()) == whole, "\(what), after the other's end, loaded")
        }
    }

    @Test func aNodeThatCameFromElsewhereIsInNoEarlierSnapshot() {
        var bench = tree()
        bench.directory("/e/deep")
        bench.file("/e/deep/five", bytes: 5)
        bench.take("/d", "s")
        bench.move("/e/deep", "/d/deep")
        bench.take("/d", "t")
        bench.delete("/d/deep/five")
        bench.move("/d/deep", "/e/deep")
        #expect(bench.shown("s", of: "/d") == whole)
        #expect(bench.shown("t", of: "/d") == ["a", "a/two:2", "a/x", "a/x/three:3", "b", "deep", "deep/five:5", "one:1"])
        _ = bench.drop("/d", "t")
        #expect(bench.shown("s", of: "/d") == whole)
    }

    @Test func blocksStayWhileASnapshotShowsThem() throws {
        var bench = tree()
        let blocks = FilePath.components("/d/a/two").flatMap { bench.machine.namespace.lookup($0)?.file?.blocks.map(\.id) } ?? []
        bench.take("/d", "s")
        bench.take("/d", "t")
        let removed = bench.delete("/d/a").removedBlocks
        #expect(removed.isEmpty && blocks.count == 1)
        #expect(bench.machine.namespace.wanted(blocks[0])?.block.lengthBytes == 2)
        #expect(try bench.loaded().namespace.wanted(blocks[0])?.replication == 1)
        let dropped = bench.drop("/d", "s")
        #expect(dropped.isEmpty)
        let released = bench.drop("/d", "t")
        #expect(released.contains(blocks[0]) && released.count == 2 && bench.machine.namespace.wanted(blocks[0]) == nil)
        #expect(bench.rows["versions"]?.isEmpty ?? true, "nothing is kept for no snapshot")
        // What was never in a snapshot goes at once.
        bench.file("/e/six")
        bench.take("/d", "u")
        let gone = bench.delete("/e").removedBlocks
        #expect(gone.count == 2 && bench.rows["versions"]?.isEmpty ?? true)
    }

    @Test func aLargeTreeThatIsDeletedInStepsStays() throws {
        var bench = Bench()
        bench.directory("/d/big")
        for number in 0..<2_100 { bench.directory("/d/big/\(number)") }
        bench.allow("/d")
        bench.take("/d", "s")
        bench.delete("/d/big")
        let before = bench.shown("s", of: "/d")
        #expect(before.count == 2_101 && bench.machine.namespace.removedTops.count == 1)
        for _ in 0..<3 { bench.run(.file(.removeMore)) }
        #expect(bench.machine.namespace.removedTops.isEmpty && bench.shown("s", of: "/d") == before)
        #expect(try Bench.shown("s", of: "/d", bench.loaded()) == before)
    }

    private func refusal(_ outcome: DFSOutcome) -> DFSRefusal? { if case .failure(let refusal) = outcome.answer { refusal } else { nil } }
    private func isRefused(_ outcome: DFSOutcome) -> Bool { if case .snapshot? = refusal(outcome) { true } else { false } }
    private func refuses(_ bench: inout Bench, _ commands: DFSCommand...) {
        for command in commands {
            let outcome = bench.run(command)
            #expect(isRefused(outcome), "\(command)")
        }
    }

    @Test func rulesOfSnapshots() {
        var bench = tree()
        let (root, ann) = (bench.root, Caller(user: "ann", isSuper: false))
        refuses(
            &bench, .snapshot(.create(path: "/e", name: "s", root)), .snapshot(.allow(path: "/d/a", root)),
            .snapshot(.allow(path: "/", root)))
        for command in [SnapshotCommand.allow(path: "/e", ann), .create(path: "/d", name: "s", ann)] {
            guard case .denied? = refusal(bench.run(.snapshot(command))) else { return #expect(Bool(false), "\(command)") }
        }
        for name in ["", "a/b", ".snapshot", ".", "..", "a:b"] {
            let isTaken = bench.snapshot("/d", name)
            #expect(!isTaken, "\(name)")
        }
        bench.take("/d", "s")
        bench.take("/d", "t")
        refuses(&bench, .snapshot(.create(path: "/d", name: "s", root)), .snapshot(.rename(path: "/d", name: "s", to: "t", root)))
        bench.run(.snapshot(.rename(path: "/d", name: "s", to: "v", root)))
        #expect(bench.shown("v", of: "/d") == whole && bench.shown("s", of: "/d") == ["no snapshot"])
        refuses(&bench, .delete(path: "/d", recursive: true, root), .snapshot(.disallow(path: "/d", root)))
        for path in ["/d/.snapshot/v/one", "/d/.snapshot", "/e/.snapshot/x"] {
            guard case .readOnly? = refusal(bench.delete(path)),
                case .readOnly? = refusal(bench.run(.makeDirectories(path: path, permission: 0o755, root)))
            else { return #expect(Bool(false), "\(path) was changed") }
        }
        bench.file("/d/a/young")
        refuses(
            &bench, .file(.truncate(path: "/d/a/two", lengthBytes: 1, root)),
            .file(.concat(target: "/d/a/young", sources: ["/d/a/two"], root)))
        _ = (bench.drop("/d", "v"), bench.drop("/d", "t"))
        bench.delete("/d")
        #expect(bench.machine.namespace.snapshots.directories.isEmpty, "a directory that goes may have no snapshots any more")
    }

    @Test func aSnapshotShowsAnAppendedFileAtItsLengthOfThen() throws {
        var bench = tree()
        bench.take("/d", "s")
        guard
            case .success(.appending(let inode, let last?, _)) = bench.run(
                .file(.append(path: "/d/one", ownBlock: false, holder: "w", bench.root))
            ).answer
        else { return #expect(Bool(false), "no append") }
        var grown = last
        grown.lengthBytes = 500
        bench.run(.file(.complete(inode, holder: "w", last: grown)))
        #expect(bench.shown("s", of: "/d") == whole && bench.machine.namespace.inode(inode)?.file?.lengthBytes == 500)
    }

    @Test(arguments: UInt64(1)...6) func randomTreesAreShownAsTheyWere(_ seed: UInt64) throws {
        var (bench, random) = (Bench(), Prng(seed: seed))
        let folders = ["/d", "/d/a", "/d/a/b", "/e", "/e/c"]
        for path in folders { bench.directory(path) }
        bench.allow("/d")
        var expected: [String: [String]] = [:]
        for step in 0..<400 {
            let (one, other) = (folders[random.below(folders.count)], folders[random.below(folders.count)])
            let name = "n\(random.below(5))"
            switch random.below(12) {
            case 0, 1, 2: bench.file("\(one)/\(name)", bytes: Int64(step))
            case 3: bench.delete("\(one)/\(name)")
            case 4, 5: bench.move("\(one)/\(name)", "\(other)/n\(random.below(5))")
            case 6: bench.move(one == "/d" ? "/e/c" : one, other == "/d" ? "/d/a/moved" : other)
            case 7: bench.directory(one)
            case 8, 9:
                let name = "s\(random.below(4))"
                if bench.snapshot("/d", name) { expected[name] = now(bench) }
            case 10:
                let name = "s\(random.below(4))"
                if expected.removeValue(forKey: name) != nil { _ = bench.drop("/d", name) }
            default: if one != "/d", random.chance(1, in: 3) { bench.delete(one) }
            }
            for (name, tree) in expected where bench.shown(name, of: "/d") != tree {
                return #expect(Bool(false), "seed \(seed), step \(step): \(bench.shown(name, of: "/d")) for \(tree)")
            }
        }
        let loaded = try bench.loaded()
        for (name, tree) in expected { #expect(Bench.shown(name, of: "/d", loaded) == tree) }
        let kept = Set(bench.machine.namespace.snapshots.versioned(after: InodeID(0), count: .max))
        #expect(kept == Set(loaded.namespace.snapshots.versioned(after: InodeID(0), count: .max)))
        for name in expected.keys.sorted() { _ = bench.drop("/d", name) }
        #expect(bench.rows["versions"]?.isEmpty ?? true)
    }

    /// The present tree below /d, in the form of `shown`.
    private func now(_ bench: Bench) -> [String] {
        var found: [String] = []
        func list(_ path: [FileName], _ prefix: String) {
            let ids = bench.machine.namespace.lookup(path)?.entries?.page(after: FileName(""), count: .max / 2).ids ?? []
            for entry in ids.compactMap({ bench.machine.namespace.inode($0) }) {
                found.append(prefix + entry.name.text + (entry.file.map { ":\($0.lengthBytes)" } ?? ""))
                if entry.isDirectory { list(path + [entry.name], prefix + entry.name.text + "/") }
            }
        }
        list([FileName("d")], "")
        return found
    }
}
