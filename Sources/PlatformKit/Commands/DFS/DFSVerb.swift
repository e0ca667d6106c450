// The verbs on files as one table: names, arguments, actions. Parsing, help, dispatch and the docs page come from it. The rows stand in one
// file for each family. Source: Hadoop's "FileSystem Shell" guide for names, flags, messages and exit codes.
import Base
import HadoopWire
import Synchronization

/// One verb.
struct DFSVerb: Sendable {
    let name: String
    /// The arguments in Hadoop's notation.
    let usage: String
    let summary: String
    /// Letters and words behind a dash that may precede the operands; those with ":" at the end take a value, those with "*" have it behind
    /// them without a space, or none.
    let flags: [String]
    let operands: ClosedRange<Int>
    let run: @Sendable (VerbCall) async throws -> Void

    init(
        _ name: String, _ usage: String, _ summary: String, flags: [String] = [], operands: ClosedRange<Int> = 1...Int.max,
        _ run: @escaping @Sendable (VerbCall) async throws -> Void
    ) {
        (self.name, self.usage, self.summary, self.flags, self.operands, self.run) = (name, usage, summary, flags, operands, run)
    }

    static let all: [DFSVerb] = [listing, reading, writing, copying, attributes, cluster, trash, snapshots].flatMap { $0 }.sorted {
        $0.name < $1.name
    }

    /// Missing verbs of Hadoop, each with the reason.
    static let missing: [String: String] = [
        "balancer": "it is not written yet",
        "decommission": "name the datanode in the file of dfs.hosts.exclude, then call `platform dfs refreshNodes`",
        "getStoragePolicy": "there is one kind of disk", "setErasureCodingPolicy": "nothing is erasure-coded",
    ]

    /// Other names of verbs.
    private static let aliases = [
        "copyFromLocal": "put", "copyToLocal": "get", "lsr": "ls", "dus": "du", "rmr": "rm",
    ]

    static func named(_ word: String) -> DFSVerb? {
        let name = aliases[word] ?? word
        return all.first { $0.name == name }
    }
}

/// A failure of a verb on one operand; the others are still tried.
struct ShellComplaint: Error, Sendable {
    var text: String
    init(_ text: String) { self.text = text }
    /// "`/x': No such file or directory"
    init(_ path: String, _ what: String) { text = "`\(path)': \(what)" }

    static let missing = "No such file or directory", exists = "File exists", isDirectory = "Is a directory",
        notDirectory = "Is not a directory"
}

/// Invalid words, whatever the file system holds: the verb ends as with an unknown flag.
struct ShellMisuse: Error, Sendable {
    var text: String
    init(_ text: String) { self.text = text }
}

/// One run of a verb, which may work on several files at once.
final class VerbCall: Sendable {
    let shell: DFSShell
    let verb: DFSVerb
    /// The verb as called, without its dash.
    let word: String
    /// Whether it was called in Hadoop's spelling.
    let isHadoops: Bool
    let flags: Set<String>
    let values: [String: String]
    let operands: [String]
    private let ended = Mutex<Int32>(0)
    var exitCode: Int32 { ended.withLock { $0 } }
    let progress: CopyProgress

    init(
        _ shell: DFSShell, _ verb: DFSVerb, word: String, isHadoops: Bool, flags: Set<String>, values: [String: String], operands: [String]
    ) {
        (self.shell, self.verb, self.word, self.isHadoops) = (shell, verb, word, isHadoops)
        (self.flags, self.values, self.operands) = (flags, values, operands)
        progress = CopyProgress(word)
    }

    /// Ends with this exit code.
    func end(_ code: Int32) { ended.withLock { $0 = code } }

    func has(_ flag: String) -> Bool { flags.contains(flag) }

    /// Reports a failure, and remembers it.
    func complain(_ text: String) {
        progress.clear()
        Output.note("\(word): \(text)")
        end(1)
    }

    /// Runs work on one operand; reports its failure and goes on with the next.
    func attempt(_ body: () async throws -> Void) async throws {
        do { try await body() } catch let complaint as ShellComplaint { complain(complaint.text) } catch let exception as JavaException {
            complain(String(exception.message.piece(before: "\n")))
        }
    }

    /// Every path of the operands, with its status.
    func eachPath(_ operands: [String]? = nil, missingIsTold: Bool = true, _ body: (ShellPath) async throws -> Void) async throws {
        for operand in operands ?? self.operands {
            try await attempt {
                let found = try await shell.path(operand).expanded()
                if found.isEmpty { throw ShellComplaint(operand, ShellComplaint.missing) }
                for path in found {
                    try await attempt {
                        if missingIsTold, path.status == nil { throw ShellComplaint(path.shown, ShellComplaint.missing) }
                        try await body(path)
                    }
                }
            }
        }
    }

    /// A path and everything below it, a directory before its entries.
    func eachBelow(_ path: ShellPath, _ body: (ShellPath) async throws -> Void) async throws {
        try await attempt { try await body(path) }
        guard path.status?.kind == .directory else { return }
        try await attempt {
            for child in try await path.children() { try await eachBelow(child, body) }
        }
    }
}
