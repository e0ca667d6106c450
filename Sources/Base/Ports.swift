// The ports of the house to the outside: a file system and a table store. Each has one production implementation and one in the simulator,
// and both pass the same contract suite. A port gains an operation only when both need it.

/// An open file; meaningless outside its file system.
public struct FileHandle: Hashable, Sendable {
    public let number: Int32
    public init(_ number: Int32) { self.number = number }
}

/// An error or a refusal of a disk, with the path and the operation.
public struct StorageError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Cause: Sendable, Equatable {
        case notFound, exists, noSpace, notPermitted, locked
        /// Impossible bytes on disk, in a place where a crash cannot have left them.
        case corrupt(String)
        /// Written by a later version of the program; unreadable for this one.
        case fromLaterVersion(String)
        /// fdatasync failed: everything written since the last success may be lost, so the owner must stop.
        case syncFailed(Int32)
        case system(Int32, String)
    }
    public var cause: Cause
    public var operation: String
    public var path: String

    public init(_ cause: Cause, _ operation: String, _ path: String) {
        self.cause = cause
        self.operation = operation
        self.path = path
    }

    public var description: String {
        let why =
            switch cause {
            case .notFound: "no such file"
            case .exists: "it exists already"
            case .noSpace: "no space left on the device"
            case .notPermitted: "permission denied"
            case .locked: "another process holds the lock"
            case .corrupt(let what): "corrupt: \(what)"
            case .fromLaterVersion(let what): what
            case .syncFailed(let code): "sync failed (errno \(code))"
            case .system(let code, let text): "\(text) (errno \(code))"
            }
        return "\(operation) \(path): \(why)"
    }
}

/// The file operations of the log and block stores. Blocking; called on disk threads only.
public protocol FileSystem: Sendable {
    /// Opens for reading and writing, creating the file if `create` is set.
    func open(_ path: String, create: Bool) throws(StorageError) -> FileHandle
    func close(_ file: FileHandle)
    /// At most `count` bytes from `offset`; fewer at the end of the file.
    func read(_ file: FileHandle, at offset: Int64, count: Int) throws(StorageError) -> Bytes
    /// Writes all of `bytes` at `offset`, or throws.
    func write(_ file: FileHandle, at offset: Int64, _ bytes: Bytes) throws(StorageError)
    /// Content and size are durable on return.
    func sync(_ file: FileHandle) throws(StorageError)
    /// The disk may begin to write this range. Nothing becomes durable by that, but a later sync waits for less.
    func startWriting(_ file: FileHandle, at offset: Int64, count: Int64)
    func size(_ file: FileHandle) throws(StorageError) -> Int64
    func truncate(_ file: FileHandle, to size: Int64) throws(StorageError)
    /// Names in a directory, sorted.
    func list(_ directory: String) throws(StorageError) -> [String]
    /// Creates a directory and its parents; no error if it is there.
    func makeDirectory(_ path: String) throws(StorageError)
    /// Removes a file; no error if it is absent.
    func remove(_ path: String) throws(StorageError)
    /// Replaces `target` atomically.
    func rename(_ path: String, to target: String) throws(StorageError)
    /// Creations, removals and renames in the directory are durable on return.
    func syncDirectory(_ path: String) throws(StorageError)
}

extension FileSystem {
    public func startWriting(_ file: FileHandle, at offset: Int64, count: Int64) {}
}

/// The tables of one service: rows and the applied position move together or not at all. Blocking; one caller at a time.
public protocol TableStore: AnyObject {
    /// The last slot whose changes are in the tables and durable.
    func appliedSlot() throws(StorageError) -> Slot
    /// Writes the changes, in order, and the position in one transaction.
    func commit(_ changes: [RowChanges.Change], applied: Slot) throws(StorageError)
    /// All rows of a table in key order.
    func forEachRow(of table: TableSchema, _ visit: (Row) throws(StateCorruption) -> Void) throws
    /// Everything committed so far survives a power cut; returns the position that does.
    func checkpoint() throws(StorageError) -> Slot
}

/// The one thread of a service's state: connections, core and replies meet there without locks.
public protocol ServiceLoop: Sendable {
    /// Whether the caller runs on this loop.
    var isCurrent: Bool { get }
    /// Runs `job` after the loop's present job, in order.
    func execute(_ job: @escaping @Sendable () -> Void)
    /// Runs `job` once the loop has looked at its other work again, above all its connections.
    func executeNextTurn(_ job: @escaping @Sendable () -> Void)
    /// Runs `job` once, `delay` from now.
    func schedule(after delay: Duration, _ job: @escaping @Sendable () -> Void)
}
