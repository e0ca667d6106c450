// What every file system and every table store must do: the real ones and the simulator's pass the same suites.
import Base
import Foundation
import MetaStore
import Simulator
import Storage
import TestKit
import Testing

/// A file system under test with a directory that may be used up.
private struct Subject: Sendable, CustomTestStringConvertible {
    var name: String
    var make: @Sendable () throws -> (files: any FileSystem, root: String, end: () -> Void)
    var testDescription: String { name }

    static let all = [
        Subject(name: "RealFileSystem") {
            let root = try PlatformProcess.temporaryDirectory()
            return (RealFileSystem(), root, { try? FileManager.default.removeItem(atPath: root) })  // a temporary directory may stay
        },
        Subject(name: "SimDisk") {
            let disk = SimDisk()
            try disk.makeDirectory("/root")
            return (disk, "/root", {})
        },
    ]
}

@Suite struct FileSystemContractTests {
    @Test(arguments: Subject.all) private func filesReadBackWhatWasWritten(subject: Subject) throws {
        let (files, root, end) = try subject.make()
        defer { end() }
        let file = try files.open(root + "/f", create: true)
        try files.write(file, at: 0, Bytes(string: "hello"))
        try files.write(file, at: 8, Bytes(string: "there"))
        #expect(try files.size(file) == 13)
        #expect(try files.read(file, at: 0, count: 100).array == Array("hello\0\0\0there".utf8))
        #expect(try files.read(file, at: 3, count: 4).array == Array("lo\0\0".utf8))
        #expect(try files.read(file, at: 13, count: 4).readableBytes == 0)
        try files.truncate(file, to: 2)
        try files.sync(file)
        #expect(try files.read(file, at: 0, count: 100).text == "he")
        try files.truncate(file, to: 4)
        #expect(try files.read(file, at: 0, count: 100).array == [104, 101, 0, 0])
        files.close(file)
    }

    @Test(arguments: Subject.all) private func directoriesListRenameAndRemove(subject: Subject) throws {
        let (files, root, end) = try subject.make()
        defer { end() }
        #expect(throws: StorageError.self) { try files.open(root + "/none", create: false) }
        #expect(throws: StorageError.self) { try files.list(root + "/none") }
        try files.makeDirectory(root + "/a/b")
        try files.makeDirectory(root + "/a/b")
        for name in ["z", "y"] { files.close(try files.open(root + "/a/" + name, create: true)) }
        #expect(try files.list(root + "/a") == ["b", "y", "z"])
        let file = try files.open(root + "/a/y", create: false)
        try files.write(file, at: 0, Bytes(string: "y"))
        files.close(file)
        try files.rename(root + "/a/y", to: root + "/a/z")
        #expect(try files.list(root + "/a") == ["b", "z"])
        let moved = try files.open(root + "/a/z", create: false)
        #expect(try files.read(moved, at: 0, count: 9).text == "y")
        files.close(moved)
        try files.syncDirectory(root + "/a")
        try files.remove(root + "/a/z")
        try files.remove(root + "/a/z")
        #expect(try files.list(root + "/a") == ["b"])
    }
}

@Suite struct TableStoreContractTests {
    private static let table = TableSchema(
        "things", key: [.init("name", .text), .init("number", .integer)], values: [.init("payload", .blob)])

    private func exercise(_ store: any TableStore) throws {
        #expect(try store.appliedSlot() == .zero)
        var rows = RowChanges()
        rows.upsert(Self.table, [.text("b"), .integer(1), .blob(Bytes(string: "1"))])
        rows.upsert(Self.table, [.text("a"), .integer(2), .null])
        rows.upsert(Self.table, [.text("a"), .integer(-1), .blob(Bytes())])
        rows.upsert(Self.table, [.text("b"), .integer(1), .blob(Bytes(string: "2"))])
        rows.upsert(Self.table, [.text("c"), .integer(0), .null])
        rows.delete(Self.table, key: [.text("c"), .integer(0)])
        rows.delete(Self.table, key: [.text("missing"), .integer(0)])
        try store.commit(rows.changes, applied: Slot(7))
        var found: [Row] = []
        try store.forEachRow(of: Self.table) { found.append($0) }
        #expect(
            found == [
                [.text("a"), .integer(-1), .blob(Bytes())], [.text("a"), .integer(2), .null],
                [.text("b"), .integer(1), .blob(Bytes(string: "2"))],
            ])
        #expect(try store.appliedSlot() == Slot(7))
        #expect(try store.checkpoint() == Slot(7))
    }

    @Test func simulatedTablesKeepTheContract() throws { try exercise(SimTables(tables: [Self.table])) }

    @Test func sqliteKeepsTheContractAndSurvivesReopening() throws {
        let root = try PlatformProcess.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: root) }  // a temporary directory may stay
        let store = try SQLiteTableStore(path: root + "/t.sqlite", tables: [Self.table])
        try exercise(store)
        try store.backup(to: root + "/copy.sqlite")
        try store.close()
        for name in ["t", "copy"] {
            let again = try SQLiteTableStore(path: root + "/\(name).sqlite", tables: [Self.table])
            #expect(try again.appliedSlot() == Slot(7))
            var count = 0
            try again.forEachRow(of: Self.table) { _ in count += 1 }
            #expect(count == 3)
            try again.close()
        }
    }

    /// A table file of many pages, closed, and its rows.
    private func manyRows(_ path: String) throws -> [Row] {
        var rows = RowChanges()
        for number in 0..<400 {
            rows.upsert(
                Self.table,
                [.text("thing-\(number % 20)"), .integer(Int64(number)), .blob(Bytes(string: String(repeating: "\(number)", count: 30)))])
        }
        let store = try SQLiteTableStore(path: path, tables: [Self.table])
        try store.commit(rows.changes, applied: Slot(400))
        _ = try store.checkpoint()
        try store.close()
        return try contents(path).rows
    }

    private func contents(_ path: String) throws -> (rows: [Row], applied: Slot) {
        let store = try SQLiteTableStore(path: path, tables: [Self.table])
        var rows: [Row] = []
        let found = Result { try store.forEachRow(of: Self.table) { rows.append($0) } }
        let applied = Result { try store.appliedSlot() }
        try store.close()
        try found.get()
        return (rows, try applied.get())
    }

    /// Opens copies of a file with one bit changed each, spread over all of it, which must be refused or hold what they held; how many were
    /// refused.
    private func flip(_ path: String, _ times: Int, whole: (rows: [Row], applied: Slot)) throws -> Int {
        let original = try Data(contentsOf: URL(fileURLWithPath: path))
        var refused = 0
        var random = Prng(seed: 7)
        for time in 0..<times {
            var damaged = original
            // Each page in turn, and of the first page the header, byte by byte.
            let pages = original.count / 4096
            let offset = time < 30 ? time * 3 : (time % pages) * 4096 + random.below(4096)
            damaged[offset] ^= 1 << UInt8(random.below(8))
            let copy = path + "-flipped"
            for end in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: copy + end) }  // there may be none
            try damaged.write(to: URL(fileURLWithPath: copy))
            do {
                let found = try contents(copy)
                #expect(found.rows == whole.rows && found.applied == whole.applied, "byte \(offset) was changed and not noticed")
            } catch let error as StorageError {
                guard case .corrupt = error.cause else {
                    Issue.record("byte \(offset): \(error)")
                    continue
                }
                refused += 1
            }
        }
        return refused
    }

    @Test func aBitThatFlipsInATableFileIsNeverServed() throws {
        let root = try PlatformProcess.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: root) }  // a temporary directory may stay
        let rows = try manyRows(root + "/t.sqlite")
        #expect(rows.count == 400)
        // Some pages hold nothing that a start reads.
        #expect(try flip(root + "/t.sqlite", 200, whole: (rows, Slot(400))) > 150)
    }

    /// The file was made with SQLite by the rules of version 3.
    @Test func aTableFileWithoutChecksumsIsWrittenAnewWithThem() throws {
        let root = try PlatformProcess.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: root) }  // a temporary directory may stay
        let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden/tables-version-3.sqlite")
        try FileManager.default.copyItem(at: golden, to: URL(fileURLWithPath: root + "/t.sqlite"))
        let whole = try contents(root + "/t.sqlite")
        #expect(whole.rows.count == 100 && whole.applied == Slot(41))
        #expect(whole.rows.first == [.text("old"), .integer(0), .blob(Bytes(string: "payload 0"))])
        #expect(try flip(root + "/t.sqlite", 60, whole: whole) > 40)
    }

    @Test func aTableOfAnEarlierVersionGetsItsNewColumns() throws {
        let root = try PlatformProcess.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: root) }  // a temporary directory may stay
        let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden/tables-version-3.sqlite")
        try FileManager.default.copyItem(at: golden, to: URL(fileURLWithPath: root + "/t.sqlite"))
        let columns = Self.table.columns
        let later = TableSchema(
            Self.table.name, key: Array(columns.prefix(Self.table.keyCount)),
            values: columns.dropFirst(Self.table.keyCount) + [.init("colour", .text)])
        let store = try SQLiteTableStore(path: root + "/t.sqlite", tables: [later])
        var found: [Row] = []
        try store.forEachRow(of: later) { found.append($0) }
        #expect(found.count == 100 && found.first == [.text("old"), .integer(0), .blob(Bytes(string: "payload 0")), .null])
        try store.close()
    }

    @Test func aFileThatIsNoDatabaseIsRefusedAsCorrupt() throws {
        let root = try PlatformProcess.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: root) }  // a temporary directory may stay
        _ = FileManager.default.createFile(
            atPath: root + "/t.sqlite", contents: Data("this is no database, but it is long enough to be taken for one".utf8))
        do {
            _ = try SQLiteTableStore(path: root + "/t.sqlite", tables: [Self.table])
            Issue.record("it was opened")
        } catch { if case .corrupt = error.cause {} else { Issue.record("\(error)") } }
    }
}
