// The last resort against a decided command that ends the process at its execution: every start would execute it again. A start refuses if
// the process ended twice at one of its commands. An operator can then have the command refused, on each replica by its slot and its
// checksum. Owns the files EXECUTING and REFUSED of a replica.
import Base
import Consensus
import MetaStore
import Storage

/// A command that ended the process repeatedly.
package struct RepeatedDeath: Error, Sendable, CustomStringConvertible {
    /// The replica's own directory.
    package var directory: String
    package var refusal: RefusedCommand
    package var deaths: Int64
    /// The command, as far as it is printable.
    package var command: String

    package var description: String {
        "the command in slot \(refusal.slot) of the log in \(directory) ended this process \(deaths) times, and this start would execute it again: \(command)"
    }
}

/// A command to be left out, identified by its slot and its checksum.
package struct RefusedCommand: Sendable, Hashable, CustomStringConvertible, WireLayout {
    package var slot: Slot
    /// CRC-32C of the command.
    package var checksum: UInt32

    package init(slot: Slot, checksum: UInt32) {
        self.slot = slot
        self.checksum = checksum
    }

    package init() { self.init(slot: .zero, checksum: 0) }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.id(&slot)
        var bits = Int32(bitPattern: checksum)
        try io.int32(&bits)
        checksum = UInt32(bitPattern: bits)
    }

    init(_ entry: LogEntry) { self.init(slot: entry.slot, checksum: CRC32C.checksum(entry.command)) }

    /// `SLOT:CHECKSUM`, the checksum in hex.
    package init?(_ text: some StringProtocol) {
        let parts = text.pieces(at: ":")
        guard parts.count == 2, let slot = Int64(parts[0]), slot > 0, let checksum = UInt32(parts[1], radix: 16) else { return nil }
        self.init(slot: Slot(slot), checksum: checksum)
    }

    package var description: String { "\(slot):\(String(checksum, radix: 16))" }
}

/// Decides which commands a replica executes, and which it leaves out.
final class ExecutionGuard {
    /// Nil if the file could not be made, as on a full disk: then deaths are not counted.
    private let mark: ExecutionMark?
    private(set) var refused: Set<RefusedCommand>
    private var executing: Int64 = 0
    private let directory: String
    private let files: RealFileSystem
    /// Replicas whose tables differ from those here by the execution of one command: nothing of theirs is taken.
    var strangers: [NodeID: Stranger] = [:]

    init(_ directory: String, _ files: RealFileSystem) throws(StorageError) {
        (self.directory, self.files) = (directory, files)
        refused = Set(try RefusedCommands.read(directory, files))
        do { mark = try ExecutionMark(directory + "/EXECUTING") } catch {
            guard error.cause == .noSpace else { throw error }
            mark = nil
        }
    }

    /// Throws `RepeatedDeath` if the log still holds the command that ended the process twice, found by `entry`, and it is neither refused
    /// nor within `applied`.
    func check(applied: Slot, directory: String, entry: (Slot) -> LogEntry?, print: (Bytes) -> String) throws {
        guard let suspect = mark?.suspect else { return }
        guard Slot(suspect.slot) > applied, let entry = entry(Slot(suspect.slot)) else { return mark?.forget() ?? () }
        let refusal = RefusedCommand(entry)
        guard suspect.deaths >= Self.deathsMax, !refused.contains(refusal) else { return }
        throw RepeatedDeath(directory: directory, refusal: refusal, deaths: suspect.deaths, command: print(entry.command))
    }

    /// Once may be chance, such as a kill of the process.
    private static let deathsMax: Int64 = 2

    /// Leaves a command out from now on, durably.
    func refuse(_ command: RefusedCommand) throws(StorageError) {
        try RefusedCommands.add(command, directory, files)
        refused.insert(command)
    }

    /// Whether to execute the command; notes its start.
    func begins(_ slot: Slot, _ command: Bytes) -> Bool {
        if !refused.isEmpty, refused.contains(RefusedCommand(slot: slot, checksum: CRC32C.checksum(command))) { return false }
        executing = slot.rawValue
        mark?.begin(executing)
        return true
    }

    /// The execution of the command has ended.
    func ended() {
        guard executing != 0 else { return }
        mark?.end(executing)
        executing = 0
    }
}

/// The commands that an operator has refused: a line `SLOT:CHECKSUM` each.
package enum RefusedCommands {
    private static func path(_ directory: String) -> String { directory + "/REFUSED" }
    /// Size limit of the file, far above any need, in bytes.
    private static var bytesMax: Int { 1 << 20 }

    package static func read(_ directory: String, _ files: RealFileSystem) throws(StorageError) -> [RefusedCommand] {
        let file: FileHandle
        do { file = try files.open(path(directory), create: false) } catch {
            guard error.cause == .notFound else { throw error }
            return []
        }
        defer { files.close(file) }
        let lines = try files.read(file, at: 0, count: bytesMax).readableBytesView.split(separator: UInt8(ascii: "\n"))
        var commands: [RefusedCommand] = []
        for line in lines {
            guard let command = RefusedCommand(String(decoding: line, as: UTF8.self)) else {
                throw StorageError(.corrupt("a line is no SLOT:CHECKSUM"), "read", path(directory))
            }
            commands.append(command)
        }
        return commands
    }

    /// Adds a command, durably.
    package static func add(_ command: RefusedCommand, _ directory: String, _ files: RealFileSystem) throws(StorageError) {
        let all = try read(directory, files).filter { $0 != command } + [command]
        let unfinished = path(directory) + ".new"
        let file = try files.open(unfinished, create: true)
        do {
            defer { files.close(file) }
            try files.truncate(file, to: 0)
            try files.write(file, at: 0, Bytes(string: all.map { "\($0)\n" }.joined()))
            try files.sync(file)
        }
        try files.rename(unfinished, to: path(directory))
        try files.syncDirectory(directory)
    }

    /// The command that ended this replica's process, if any; nil if the file is missing. The replica must be stopped.
    package static func suspect(_ directory: String, _ files: RealFileSystem) throws(StorageError) -> (
        refusal: RefusedCommand, deaths: Int64
    )? {
        guard try files.list(directory).contains("EXECUTING"), let suspect = try ExecutionMark(directory + "/EXECUTING").suspect else {
            return nil
        }
        let log = try AcceptorLog(files: files, directory: directory + "/log")
        let entry = try log.recover(applied: nil, mayAwaitTables: true).entry(at: Slot(suspect.slot))
        try log.close()
        return entry.map { (RefusedCommand($0), suspect.deaths) }
    }

    /// The last slot whose effect the tables hold; zero without tables. The replica must be stopped.
    package static func applied(_ directory: String, _ files: RealFileSystem) throws(StorageError) -> Slot {
        guard try files.list(directory).contains("meta.sqlite") else { return .zero }
        return try SQLiteTableStore.appliedSlot(at: directory + "/meta.sqlite")
    }

    /// The next start tries the command once more.
    package static func tryAgain(_ directory: String) throws(StorageError) { try ExecutionMark(directory + "/EXECUTING").forget() }
}
