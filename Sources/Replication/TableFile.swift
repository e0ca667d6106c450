// The SQLite file of one replica on its own thread: opened, loaded, written, copied for a peer, and replaced by a peer's copy. Every use of
// the store runs on the table thread.
import Base
import MetaStore
import Storage

/// A replica's tables.
final class TableFile<Machine: StateMachine & Sendable>: @unchecked Sendable {
    // Safe to share: `store` is touched on `thread` only, once `init` is over.
    struct Loaded: Sendable {
        var machine: Machine
        var ledger: ReplicaLedger
        var applied: Slot
    }
    private let directory: String
    private var path: String { directory + "/meta.sqlite" }
    private let files: RealFileSystem
    private let thread: DiskThread
    private var store: SQLiteTableStore

    static var schemas: [TableSchema] { Machine.tables + ReplicaLedger.schemas }
    /// The name of a peer's copy until it is whole.
    private var incomingPath: String { path + ".incoming" }
    /// The copy on its way to a peer.
    private var outgoingPath: String { path + ".outgoing" }

    init(directory: String, files: RealFileSystem, thread: DiskThread) throws(StorageError) {
        self.directory = directory
        self.files = files
        self.thread = thread
        store = try SQLiteTableStore(path: directory + "/meta.sqlite", tables: Self.schemas)
    }

    // MARK: a damaged file

    /// Limit of the damaged files kept for inspection, the latest ones.
    private static var asideMax: Int { 2 }

    /// Renames a damaged and closed file: `meta.sqlite.damaged-1` and so on. Its place is free then.
    static func setAside(_ directory: String, _ files: RealFileSystem) throws(StorageError) {
        let kept = try asideNumbers(directory, files)
        let next = (kept.last ?? 0) + 1
        // The `-wal` file first: a main file without these rows lacks some, but they must never meet another file.
        for end in ["-wal", ""] where try files.list(directory).contains("meta.sqlite" + end) {
            try files.rename("\(directory)/meta.sqlite\(end)", to: "\(directory)/meta.sqlite.damaged-\(next)\(end)")
        }
        try files.remove(directory + "/meta.sqlite-shm")
        for number in kept.dropLast(asideMax - 1) {
            for end in ["", "-wal"] { try files.remove("\(directory)/meta.sqlite.damaged-\(number)\(end)") }
        }
        try files.syncDirectory(directory)
    }

    /// The numbers of the files set aside, in order.
    private static func asideNumbers(_ directory: String, _ files: RealFileSystem) throws(StorageError) -> [Int] {
        let start = "meta.sqlite.damaged-"
        return Set(
            try files.list(directory).filter { $0.beginsWithBytes(of: start) }.compactMap {
                Int($0.droppingBytes(first: start.utf8.count).piece(before: "-"))
            }
        ).sorted()
    }

    /// The last file set aside, if there is one.
    var asideName: String? {
        // It serves only for a message.
        (try? Self.asideNumbers(directory, files))?.last.map { "\(path).damaged-\($0)" }
    }

    /// Sets the file aside in a running replica and begins with an empty one.
    func setAside(_ done: @escaping @Sendable (Result<Void, StorageError>) -> Void) {
        thread.submit {
            done(
                Result { () throws(StorageError) in
                    try self.store.close()
                    try Self.setAside(self.directory, self.files)
                    self.store = try SQLiteTableStore(path: self.path, tables: Self.schemas)
                })
        }
    }

    /// Everything in the tables, as a machine.
    func load() throws -> Loaded { try Self.load(store) }

    private static func load(_ store: SQLiteTableStore) throws -> Loaded {
        let applied = try store.appliedSlot()
        var machine = Machine()
        var ledger = ReplicaLedger()
        machine.expectRows(try store.rowsEstimate())
        for table in Machine.tables {
            try store.forEachRow(of: table) { (row: Row) throws(StateCorruption) in try machine.load(row, of: table) }
        }
        for table in ReplicaLedger.schemas {
            try store.forEachRow(of: table) { (row: Row) throws(StateCorruption) in try ledger.load(row, of: table) }
        }
        try machine.finishLoading(applied: applied)
        return Loaded(machine: machine, ledger: ledger, applied: applied)
    }

    /// Uses the store on its thread.
    func submit(_ body: @escaping @Sendable (SQLiteTableStore) -> Void) {
        thread.submit { body(self.store) }
    }

    // MARK: a copy for a peer

    /// Makes a consistent copy; reports its slot and its size in bytes.
    func makeCopy(_ done: @escaping @Sendable (Result<(slot: Slot, bytes: Int64), StorageError>) -> Void) {
        thread.submit {
            done(
                Result { () throws(StorageError) -> (slot: Slot, bytes: Int64) in
                    for end in ["", "-wal", "-shm", "-journal"] { try self.files.remove(self.outgoingPath + end) }
                    try self.store.backup(to: self.outgoingPath)
                    let copy = try SQLiteTableStore(path: self.outgoingPath, tables: Self.schemas)
                    let slot = try copy.checkpoint()
                    try copy.close()
                    let file = try self.files.open(self.outgoingPath, create: false)
                    defer { self.files.close(file) }
                    return (slot, try self.files.size(file))
                })
        }
    }

    func readCopy(at offset: Int64, count: Int, _ done: @escaping @Sendable (Result<Bytes, StorageError>) -> Void) {
        thread.submit {
            done(
                Result { () throws(StorageError) -> Bytes in
                    let file = try self.files.open(self.outgoingPath, create: false)
                    defer { self.files.close(file) }
                    return try self.files.read(file, at: offset, count: count)
                })
        }
    }

    // MARK: a peer's copy

    func writeIncoming(at offset: Int64, _ bytes: Bytes, _ done: @escaping @Sendable (Result<Void, StorageError>) -> Void) {
        thread.submit {
            done(
                Result { () throws(StorageError) in
                    let file = try self.files.open(self.incomingPath, create: true)
                    defer { self.files.close(file) }
                    if offset == 0 { try self.files.truncate(file, to: 0) }
                    try self.files.write(file, at: offset, bytes)
                })
        }
    }

    /// Checks the copy, puts it in the place of the tables, and loads it. The old tables stay if the copy is unsound, or does not lead to
    /// `slot` (then the answer is nil).
    func adoptIncoming(from slot: Slot, _ done: @escaping @Sendable (Result<Loaded?, any Error>) -> Void) {
        thread.submit { done(Result { try self.adopt(from: slot) }) }
    }

    private func adopt(from slot: Slot) throws -> Loaded? {
        let copy = try SQLiteTableStore(path: incomingPath, tables: Self.schemas)
        let loaded: Loaded
        do {
            try copy.verify()
            loaded = try Self.load(copy)
            _ = try copy.checkpoint()
        } catch {
            try copy.close()
            throw error
        }
        try copy.close()
        guard loaded.applied >= slot else { return nil }
        let file = try files.open(incomingPath, create: false)
        do {
            defer { files.close(file) }
            try files.sync(file)
        }
        try store.close()
        for end in ["-wal", "-shm"] { try files.remove(path + end) }
        try files.rename(incomingPath, to: path)
        for end in ["-wal", "-shm"] { try files.remove(incomingPath + end) }
        try files.syncDirectory(directory)
        store = try SQLiteTableStore(path: path, tables: Self.schemas)
        return loaded
    }

    /// Writes the last rows, makes everything durable and closes.
    func close(_ rest: (changes: [RowChanges.Change], applied: Slot)?) async throws {
        try await thread.run {
            if let rest { try self.store.commit(rest.changes, applied: rest.applied) }
            _ = try self.store.checkpoint()
            try self.store.close()
            for path in [self.outgoingPath, self.incomingPath] { try self.files.remove(path) }
        }
        thread.stop()
    }
}
