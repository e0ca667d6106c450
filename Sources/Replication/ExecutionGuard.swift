// The last resort against a command that is decided and ends the process that executes it: every start would execute it again. A start that
// has a command before it which ended the process twice refuses, and an operator can have the command refused, on each replica by its slot
// and its checksum. Owns the files EXECUTING and REFUSED of a replica.
import Base
import Consensus
import Storage

/// A command that ended the process again and again.
package struct RepeatedDeath: Error, Sendable, CustomStringConvertible {
    /// The replica's own directory.
    package var directory: String
    package var refusal: RefusedCommand
    package var deaths: Int64
    /// The command, as far as it can be printed.
    package var command: String

    package var description: String {
        "the command in slot \(refusal.slot) of the log in \(directory) ended this process \(deaths) times, and this start would execute it again: \(command)"
    }
}

/// A command that is not to be executed, known by its place and its bytes.
package struct RefusedCommand: Sendable, Hashable, CustomStringConvertible {
    package var slot: Slot
    /// CRC-32C of the command.
    package var checksum: UInt32

    package init(slot: Slot, checksum: UInt32) {
        self.slot = slot
        self.checksum = checksum
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

/// The commands that a replica executes, and those that it leaves out.
final class ExecutionGuard {
    /// Nil where the file could not be made, as on a full disk: a death is not counted then.
    private let mark: ExecutionMark?
    private let refused: Set<RefusedCommand>
    private var executing: Int64 = 0

    init(_ directory: String, _ files: RealFileSystem) throws(StorageError) {
        refused = Set(try RefusedCommands.read(directory, files))
        do { mark = try ExecutionMark(directory + "/EXECUTING") } catch {
            guard error.cause == .noSpace else { throw error }
            mark = nil
        }
    }

    /// Throws `RepeatedDeath` if `entry` finds the command in the log that ended the process twice and is neither refused nor behind
    /// `applied`.
    func check(applied: Slot, directory: String, entry: (Slot) -> LogEntry?, print: (Bytes) -> String) throws {
        guard let suspect = mark?.suspect else { return }
        guard Slot(suspect.slot) > applied, let entry = entry(Slot(suspect.slot)) else { return mark?.forget() ?? () }
        let refusal = RefusedCommand(entry)
        guard suspect.deaths >= Self.deathsMax, !refused.contains(refusal) else { return }
        throw RepeatedDeath(directory: directory, refusal: refusal, deaths: suspect.deaths, command: print(entry.command))
    }

    /// Once may be chance, such as a kill of the process.
    private static let deathsMax: Int64 = 2

    /// Whether the command is to be executed; it begins now.
    func begins(_ slot: Slot, _ command: Bytes) -> Bool {
        if !refused.isEmpty, refused.contains(RefusedCommand(slot: slot, checksum: CRC32C.checksum(command))) { return false }
        executing = slot.rawValue
        mark?.begin(executing)
        return true
    }

    /// The command that began is executed.
    func ended() {
        guard executing != 0 else { return }
        mark?.end(executing)
        executing = 0
    }
}

/// The commands that an operator has had refused: a line `SLOT:CHECKSUM` each.
package enum RefusedCommands {
    private static func path(_ directory: String) -> String { directory + "/REFUSED" }
    /// Far more than any log should need, in bytes.
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

    /// Adds a command, durably. The replica must stand still.
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

    /// What ended the process of this replica, if anything did; nil if the file that tells is missing. The replica must stand still.
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

    /// The next start tries the command once more.
    package static func tryAgain(_ directory: String) throws(StorageError) { try ExecutionMark(directory + "/EXECUTING").forget() }
}
