// The namespace's rules: Hadoop's file system specification, operation by operation.
import Base
import DFSCore
import Testing

private struct Bench {
    var machine = DFSMachine()
    var slot = Slot.zero
    let root = Caller(user: "root", isSuper: true)
    let ann = Caller(user: "ann", isSuper: false)

    mutating func run(_ command: DFSCommand) -> DFSOutcome {
        slot = slot.next
        var rows = RowChanges()
        return machine.apply(command, at: ApplyPosition(slot: slot, time: WallTime(milliseconds: slot.rawValue)), rows: &rows)
    }

    mutating func answer(_ command: DFSCommand) -> Result<DFSOutcome.Answer, DFSRefusal> { run(command).answer }

    /// Creates a closed file with one block of `bytes` bytes.
    mutating func file(_ path: String, bytes: Int64 = 10, by caller: Caller? = nil) {
        guard case .success(.opened(let inode, let block, _)) = answer(.create(path: path, CreateOptions(), writer: "w", caller ?? root))
        else { return }
        _ = run(.finishBlock(inode, writer: "w", block, lengthBytes: bytes, last: true))
    }

    func inode(_ path: String) -> Inode? { FilePath.components(path).flatMap { machine.namespace.lookup($0) } }
    var counts: (inodes: Int, blocks: Int) { (machine.namespace.inodeCount, machine.namespace.blockCount) }
}

@Suite struct NamespaceTests {
    @Test func pathsHaveComponentsOrAreRefused() {
        #expect(FilePath.components("/a//b/") == ["a", "b"] && FilePath.components("/") == [])
        for path in ["", "a", "/a/../b", "/a/./b", "/a:b", "/a\0"] { #expect(FilePath.components(path) == nil, "\(path)") }
        #expect(FilePath.components("/" + String(repeating: "x", count: 256)) == nil)
    }

    @Test func directoriesAreMadeWithTheirParentsAndTwice() {
        var bench = Bench()
        #expect(bench.answer(.makeDirectories(path: "/a/b/c", permission: 0o700, bench.root)) == .success(.flag(true)))
        #expect(bench.answer(.makeDirectories(path: "/a/b/c", permission: 0o700, bench.root)) == .success(.flag(true)))
        bench.file("/a/f")
        #expect(bench.answer(.makeDirectories(path: "/a/f/x", permission: 0o755, bench.root)) == .failure(.parentNotDirectory("/a/f")))
        #expect(bench.answer(.makeDirectories(path: "/a/f", permission: 0o755, bench.root)) == .failure(.exists("/a/f")))
    }

    @Test func aFileIsVisibleBeforeItsFirstByteAndCountsItsFinishedBlocks() throws {
        var bench = Bench()
        guard case .success(.opened(let inode, let first, _)) = bench.answer(.create(path: "/f", CreateOptions(), writer: "w", bench.root))
        else { throw Failed() }
        #expect(bench.inode("/f")?.file?.lengthBytes == 0)
        guard case .success(.opened(_, let second, _)) = bench.answer(.finishBlock(inode, writer: "w", first, lengthBytes: 7, last: false))
        else { throw Failed() }
        #expect(second > first)
        #expect(bench.answer(.finishBlock(inode, writer: "other", second, lengthBytes: 5, last: true)) == .failure(.leaseLost("/f")))
        #expect(bench.answer(.finishBlock(inode, writer: "w", second, lengthBytes: 5, last: true)) == .success(.done))
        #expect(bench.inode("/f")?.file?.lengthBytes == 12 && bench.inode("/f")?.file?.writer == nil)
        #expect(bench.answer(.close(inode, writer: "w")) == .failure(.leaseLost("/f")))
    }

    private struct Failed: Error {}

    @Test func oneWriterAtATime() {
        var bench = Bench()
        bench.file("/f")
        #expect(bench.run(.openForAppend(path: "/f", writer: "one", bench.root)).removedBlocks.isEmpty)
        #expect(bench.answer(.openForAppend(path: "/f", writer: "two", bench.root)) == .failure(.beingWritten("/f", by: "one")))
        var options = CreateOptions()
        options.overwrite = true
        #expect(bench.answer(.create(path: "/f", options, writer: "two", bench.root)) == .failure(.beingWritten("/f", by: "one")))
        _ = bench.run(.closeAbandoned)
        guard case .success(.opened) = bench.answer(.openForAppend(path: "/f", writer: "two", bench.root)) else {
            return #expect(Bool(false), "the file was not released")
        }
    }

    @Test func anUploadThatBrokeOffIsNoFile() {
        var bench = Bench()
        guard
            case .success(.opened(let inode, let block, _)) = bench.answer(.create(path: "/half", CreateOptions(), writer: "w", bench.root))
        else {
            return #expect(Bool(false), "the file was not opened")
        }
        _ = bench.run(.finishBlock(inode, writer: "w", block, lengthBytes: 7, last: false))
        #expect(bench.run(.closeAbandoned).removedBlocks == [block])
        #expect(bench.inode("/half") == nil)
    }

    @Test func aBrokenUploadNeverTakesTheFileThatStandsAtItsPathByThen() throws {
        var bench = Bench()
        guard case .success(.opened(let lost, _, _)) = bench.answer(.create(path: "/x", CreateOptions(), writer: "first", bench.root))
        else { throw Failed() }
        #expect(bench.answer(.delete(path: "/x", recursive: false, bench.root)) == .success(.flag(true)))
        bench.file("/x", bytes: 9)
        #expect(bench.answer(.abandonFile(lost, writer: "first")) == .failure(.leaseLost("/")))
        #expect(bench.inode("/x")?.file?.lengthBytes == 9)
        // After a rename the upload is another path's, and still its own.
        guard case .success(.opened(let moved, _, _)) = bench.answer(.create(path: "/y", CreateOptions(), writer: "second", bench.root))
        else { throw Failed() }
        #expect(bench.answer(.rename(source: "/y", target: "/z", bench.root)) == .success(.flag(true)))
        bench.file("/y", bytes: 8)
        #expect(bench.answer(.abandonFile(moved, writer: "other")) == .failure(.leaseLost("/z")))
        #expect(bench.answer(.abandonFile(moved, writer: "second")) == .success(.done))
        #expect(bench.inode("/z") == nil && bench.inode("/y")?.file?.lengthBytes == 8)
    }

    @Test func createTellsStrangersNothingOfWhatIsThere() {
        var bench = Bench()
        bench.file("/locked/f")
        var locked = AttributeChange()
        locked.permission = 0o700
        _ = bench.run(.setAttributes(path: "/locked", locked, bench.root))
        let denied = Result<DFSOutcome.Answer, DFSRefusal>.failure(.denied(user: "ann", needs: "EXECUTE", path: "/locked"))
        #expect(bench.answer(.create(path: "/locked/f", CreateOptions(), writer: "w", bench.ann)) == denied)
        #expect(bench.answer(.create(path: "/locked/none", CreateOptions(), writer: "w", bench.ann)) == denied)
        bench.file("/f")
        #expect(
            bench.answer(.create(path: "/f", CreateOptions(), writer: "w", bench.ann))
                == .failure(.denied(user: "ann", needs: "WRITE", path: "/")))
    }

    @Test func overwritingFreesTheOldBlocks() {
        var bench = Bench()
        bench.file("/f")
        let old = bench.inode("/f")?.file?.blocks.map(\.id)
        #expect(bench.answer(.create(path: "/f", CreateOptions(), writer: "w", bench.root)) == .failure(.exists("/f")))
        var options = CreateOptions()
        options.overwrite = true
        #expect(bench.run(.create(path: "/f", options, writer: "w", bench.root)).removedBlocks == old)
    }

    @Test func renameFollowsTheSpecification() {
        var bench = Bench()
        bench.file("/f")
        bench.file("/g")
        _ = bench.run(.makeDirectories(path: "/d/e", permission: 0o755, bench.root))
        func rename(_ source: String, _ target: String) -> Result<DFSOutcome.Answer, DFSRefusal> {
            bench.answer(.rename(source: source, target: target, bench.root))
        }
        #expect(rename("/none", "/x") == .success(.flag(false)))
        #expect(rename("/f", "/g") == .success(.flag(false)))
        #expect(rename("/f", "/missing/x") == .success(.flag(false)))
        #expect(rename("/f", "/g/x") == .success(.flag(false)))
        #expect(rename("/d", "/d/e/x") == .success(.flag(false)))
        #expect(rename("/f", "/d") == .success(.flag(true)) && bench.inode("/d/f") != nil && bench.inode("/f") == nil)
        #expect(
            rename("/d", "/moved") == .success(.flag(true)) && bench.inode("/moved/e") != nil
                && bench.inode("/moved/f")?.file?.lengthBytes == 10)
    }

    @Test func deleteFreesEverythingBelow() {
        var bench = Bench()
        let before = bench.counts
        bench.file("/d/a")
        bench.file("/d/e/b")
        #expect(bench.answer(.delete(path: "/d", recursive: false, bench.root)) == .failure(.notEmpty("/d")))
        #expect(bench.run(.delete(path: "/d", recursive: true, bench.root)).removedBlocks.count == 2)
        #expect(bench.answer(.delete(path: "/d", recursive: true, bench.root)) == .success(.flag(false)))
        #expect(bench.counts == before)
    }

    @Test func permissionsAreKept() {
        var bench = Bench()
        #expect(
            bench.answer(.makeDirectories(path: "/mine", permission: 0o755, bench.ann))
                == .failure(.denied(user: "ann", needs: "WRITE", path: "/")))
        _ = bench.run(.makeDirectories(path: "/home/ann", permission: 0o755, bench.root))
        var change = AttributeChange()
        change.owner = "ann"
        #expect(
            bench.answer(.setAttributes(path: "/home/ann", change, bench.ann))
                == .failure(.denied(user: "ann", needs: "SUPERUSER", path: "/home/ann")))
        #expect(bench.answer(.setAttributes(path: "/home/ann", change, bench.root)) == .success(.done))
        bench.file("/home/ann/f", by: bench.ann)
        #expect(bench.inode("/home/ann/f")?.owner == "ann")
        let bob = Caller(user: "bob", isSuper: false)
        #expect(
            bench.answer(.delete(path: "/home/ann/f", recursive: false, bob))
                == .failure(.denied(user: "bob", needs: "WRITE", path: "/home/ann")))
        var locked = AttributeChange()
        locked.permission = 0o700
        #expect(bench.answer(.setAttributes(path: "/home/ann", locked, bench.ann)) == .success(.done))
        #expect(
            bench.answer(.openForAppend(path: "/home/ann/f", writer: "w", bob))
                == .failure(.denied(user: "bob", needs: "EXECUTE", path: "/home/ann")))
    }

    @Test func everyCommandIsReadAsItWasWritten() throws {
        let caller = Caller(user: "ü", isSuper: false)
        var change = AttributeChange()
        (change.permission, change.group, change.modified) = (0o7, "g", -3)
        let commands: [DFSCommand] = [
            .makeDirectories(path: "/a", permission: 0o755, caller), .create(path: "/b", CreateOptions(), writer: "w", caller),
            .openForAppend(path: "/c", writer: "w", caller), .finishBlock(InodeID(3), writer: "w", BlockID(4), lengthBytes: 5, last: true),
            .close(InodeID(3), writer: "w"), .rename(source: "/a", target: "/b", caller), .delete(path: "/a", recursive: true, caller),
            .setAttributes(path: "/a", change, caller), .closeAbandoned, .abandonFile(InodeID(3), writer: "w"),
        ]
        for command in commands {
            #expect(try DFSCommand(decoding: command.encoded(as: DurableDialect.self), as: DurableDialect.self) == command)
        }
    }
}
