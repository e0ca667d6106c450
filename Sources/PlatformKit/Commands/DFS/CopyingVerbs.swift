// Verbs that copy files and trees: put, get, cp and their kin. A copied file appears under its name only when it is whole: until
// then its name is NAME._COPYING_, as in Hadoop. Several files are under way at once.
import Base
import Clients
import Foundation
import HadoopWire
import NetKit

extension DFSVerb {
    static let copying: [DFSVerb] = [
        DFSVerb(
            "put", "[-f] [-p] [-l] [-d] [-t <files at once>] [--resume] <localsrc> ... <dst>",
            "Copy local files into the file system; - is the standard input.", flags: ["f", "p", "l", "d", "t:", "q:", "resume"],
            Copying.put),
        DFSVerb(
            "moveFromLocal", "[-f] [-p] [-l] [-d] <localsrc> ... <dst>", "Copy local files and delete them here.",
            flags: ["f", "p", "l", "d", "t:", "q:"], Copying.put),
        DFSVerb(
            "cp", "[-f] [-p] [-t <files at once>] [--resume] <src> ... <dst>", "Copy files, also from one file system to another.",
            flags: ["f", "p", "d", "t:", "q:", "resume"], operands: 2...Int.max, Copying.copy),
        DFSVerb("appendToFile", "<localsrc> ... <dst>", "Append local files to one file.", operands: 2...Int.max, Copying.append),
        DFSVerb(
            "get", "[-f] [-p] [-crc] [-ignoreCrc] [-t <files at once>] [--resume] <src> ... <localdst>", "Copy files to the local disk.",
            flags: ["f", "p", "crc", "ignoreCrc", "t:", "q:", "resume"], Copying.get),
        DistCp.verb,
    ]
}

/// Copies into and out of a file system.
enum Copying {
    /// The end of a name whose file is not whole yet.
    static let unfinished = "._COPYING_"

    /// The source of a copy.
    private enum Source {
        case input
        case file(ShellPath)

        var path: ShellPath? { if case .file(let path) = self { path } else { nil } }

        @Sendable func produce(_ write: (Bytes) async throws -> Void) async throws {
            switch self {
            case .input: try await LocalFile.open("-").forEachChunk(write)
            case .file(let path): try await path.access.read(path.path, offset: 0, lengthBytes: .max, write)
            }
        }
    }

    /// The target, and whether it is a directory that copies go into under their own names.
    private static func target(_ call: VerbCall, _ count: Int) async throws -> (path: ShellPath, isDirectory: Bool) {
        let text = call.operands.count > 1 ? call.operands[call.operands.count - 1] : "."
        let path = try await call.shell.path(text).looked()
        let isDirectory = path.status?.kind == .directory
        if count > 1, !isDirectory {
            throw ShellComplaint(path.shown, path.status == nil ? ShellComplaint.missing : ShellComplaint.notDirectory)
        }
        if !isDirectory, text.endsWithBytes(of: "/"), call.isHadoops { throw ShellComplaint(text, ShellComplaint.missing) }
        if path.status == nil, call.isHadoops { try await Writing.checkParent(path) }
        return (path, isDirectory)
    }

    /// `--resume`: whether an earlier run has finished a copy: the same length, and the same time of change or checksum.
    private static func isDone(_ source: ShellPath, _ target: ShellPath) async throws -> Bool {
        guard let one = source.status, let other = target.status, one.lengthBytes == other.lengthBytes else { return false }
        if one.modified == other.modified { return true }
        return try await SameContent.compare(source, target) ?? false
    }

    private static func write(_ source: Source, to target: ShellPath, _ call: VerbCall) async throws {
        if let there = target.status {
            if there.kind == .directory { throw ShellComplaint(target.shown, ShellComplaint.isDirectory) }
            if call.has("resume"), let path = source.path {
                if try await isDone(path, target) { return call.progress.noteFile() }
            } else if !call.has("f") {
                throw ShellComplaint(target.shown, ShellComplaint.exists)
            }
        }
        var choices = try call.shell.writeChoices(overwrite: true)
        if call.has("l") { choices.replication = 1 }
        let progress = call.progress
        @Sendable func produce(_ write: (Bytes) async throws -> Void) async throws {
            try await source.produce { bytes in
                try await write(bytes)
                progress.note(bytes: bytes.readableBytes)
            }
        }
        if call.has("d") {
            try await target.access.write(target.path, choices, produce)
        } else {
            try await write(target, choices, produce)
        }
        if call.has("p"), let path = source.path { try await KeptAttributes.plain.give(path, target) }
        progress.noteFile()
    }

    /// Writes a file under another name and renames it once it is whole.
    static func write(
        _ target: ShellPath, _ choices: WriteChoices,
        _ produce: @escaping @Sendable (_ write: (Bytes) async throws -> Void) async throws -> Void
    ) async throws {
        let partial = target.path + unfinished
        do {
            try await target.access.write(partial, choices, produce)
            if target.status != nil {
                try await target.access.rename(partial, over: target.path)
            } else if try await !target.access.rename(partial, to: target.path) {
                throw ShellComplaint(target.shown, "cannot be given its name: \(target.qualified) exists by now")
            }
        } catch {
            // Removes the rest of the copy; if that fails as well, the first failure counts.
            _ = try? await target.access.delete(partial, recursive: false)
            throw error
        }
    }

    /// An entry of a target directory; in one that was made just now there is nothing to look at.
    private static func entry(_ name: String, of directory: ShellPath) async throws -> ShellPath {
        let child = directory.child(name, nil)
        return directory.status == nil ? child : try await child.looked()
    }

    /// Copies a tree: makes directories one after another, and hands the files on.
    private static func tree(
        _ source: ShellPath, to target: ShellPath, _ call: VerbCall, _ add: (@escaping Flights.Work) async throws -> Void
    ) async throws {
        guard source.status?.kind == .directory else {
            return try await add { try await call.attempt { try await write(.file(source), to: target, call) } }
        }
        if let there = target.status, there.kind != .directory { throw ShellComplaint(target.shown, ShellComplaint.notDirectory) }
        if target.status == nil { try await target.access.makeDirectories(target.path) }
        for child in try await source.children() {
            if child.status?.kind == .directory {
                try await call.attempt { try await tree(child, to: try await entry(child.name, of: target), call, add) }
            } else {
                try await add {
                    try await call.attempt { try await write(.file(child), to: try await entry(child.name, of: target), call) }
                }
            }
        }
    }

    // MARK: from the local disk

    /// A local path as a path of the verbs.
    private static func local(_ path: String, _ call: VerbCall) async throws -> ShellPath {
        let plain = path.beginsWithBytes(of: "file:///") ? String(path.droppingBytes(first: 7)) : path
        return try await ShellPath(access: LocalAccess(user: call.shell.choices.user), path: plain, shown: plain, status: nil).looked()
    }

    @Sendable static func put(_ call: VerbCall) async throws {
        let sources = call.operands.count > 1 ? Array(call.operands.dropLast()) : call.operands
        let goal = try await target(call, sources.count)
        let most = try call.shell.inFlight(call.values["t"])
        try await Flights.run(most) { add in
            for source in sources {
                try await call.attempt {
                    guard source != "-" else { return try await write(.input, to: goal.path, call) }
                    let path = try await local(source, call)
                    guard path.status != nil else { throw ShellComplaint(source, ShellComplaint.missing) }
                    try await tree(path, to: goal.isDirectory ? try await entry(Paths.name(source), of: goal.path) : goal.path, call, add)
                }
            }
        }
        call.progress.clear()
        guard call.word == "moveFromLocal", call.exitCode == 0 else { return }
        for source in sources where source != "-" { try FileManager.default.removeItem(atPath: source) }
    }

    // MARK: to the local disk

    private static func isLocalDirectory(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
    }

    @Sendable static func get(_ call: VerbCall) async throws {
        // Hadoop's second operand is optional: the current directory.
        let text = call.operands.count > 1 ? call.operands[call.operands.count - 1] : "."
        let sources = call.operands.count > 1 ? Array(call.operands.dropLast()) : call.operands
        let target = try await local(text, call)
        if sources.count > 1, target.status?.kind != .directory { throw ShellComplaint(target.path, ShellComplaint.notDirectory) }
        let most = try call.shell.inFlight(call.values["t"])
        try await Flights.run(most) { add in
            try await call.eachPath(sources) { path in
                guard text != "-" else { return try await path.access.read(path.path, offset: 0, lengthBytes: .max) { Output.raw($0) } }
                let goal = target.status?.kind == .directory ? try await entry(path.name, of: target) : target
                guard isLocalDirectory(Paths.localDirectory(of: goal.path)) else { throw ShellComplaint(goal.path, ShellComplaint.missing) }
                try await tree(path, to: goal, call, add)
            }
        }
        call.progress.clear()
    }

    // MARK: from one file system to another

    @Sendable static func copy(_ call: VerbCall) async throws {
        let sources = Array(call.operands.dropLast())
        let goal = try await target(call, sources.count)
        let most = try call.shell.inFlight(call.values["t"])
        try await Flights.run(most) { add in
            try await call.eachPath(sources) { path in
                let target = goal.isDirectory ? try await entry(path.name, of: goal.path) : goal.path
                if path.status?.kind != .directory, path.qualified.hasSameBytes(as: target.qualified) {
                    throw ShellComplaint(path.shown, "\(target.shown) is the same file")
                }
                if path.status?.kind == .directory, isBelow(target, path) {
                    throw ShellComplaint(path.shown, "is a subdirectory of itself")
                }
                try await tree(path, to: target, call, add)
            }
        }
        call.progress.clear()
    }

    /// Whether a path is another one, or below it.
    static func isBelow(_ path: ShellPath, _ directory: ShellPath) -> Bool {
        ShellPath.join(path.qualified, "").beginsWithBytes(of: ShellPath.join(directory.qualified, ""))
    }

    @Sendable static func append(_ call: VerbCall) async throws {
        let target = try await call.shell.path(call.operands[call.operands.count - 1]).looked()
        if target.status?.kind == .directory { throw ShellComplaint(target.shown, ShellComplaint.isDirectory) }
        if target.status == nil {
            try await target.access.write(target.path, try call.shell.writeChoices(overwrite: false)) { _ in }
        }
        let sources = Array(call.operands.dropLast())
        for source in sources where source != "-" && !FileManager.default.fileExists(atPath: source) {
            throw ShellComplaint(source, ShellComplaint.missing)
        }
        try await target.access.append(target.path) { write in
            for source in sources { try await LocalFile.open(source).forEachChunk(write) }
        }
    }
}

/// The attributes that a copy takes over from its source, by the letters of distcp's -p.
struct KeptAttributes: OptionSet, Sendable {
    let rawValue: UInt8
    static let replication = KeptAttributes(rawValue: 1), blockSize = KeptAttributes(rawValue: 2), owner = KeptAttributes(rawValue: 4)
    static let group = KeptAttributes(rawValue: 8), permission = KeptAttributes(rawValue: 16), times = KeptAttributes(rawValue: 32)
    /// Of put, get and cp.
    static let plain: KeptAttributes = [.permission, .times]

    /// Checksums have one form here; c asks for nothing more.
    private static let letters: [Unicode.Scalar: KeptAttributes] = [
        "r": .replication, "b": .blockSize, "u": .owner, "g": .group, "p": .permission, "t": .times, "c": [],
    ]

    /// Nil for a letter that has no meaning. No letters stand for all.
    init?(letters text: String) {
        var all: KeptAttributes = []
        for letter in (text.isEmpty ? "rbugpt" : text).unicodeScalars {
            guard let one = Self.letters[letter] else { return nil }
            all.formUnion(one)
        }
        self = all
    }
    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Gives them to a copy; the block size is chosen when a file is made.
    func give(_ source: ShellPath, _ target: ShellPath) async throws {
        guard let status = source.status else { return }
        let (access, path) = (target.access, target.path)
        if contains(.replication), status.kind == .file { try await access.setReplication(path, Int(status.replication)) }
        if contains(.owner) || contains(.group) {
            try await access.setOwner(
                path, owner: contains(.owner) ? status.owner : nil, group: contains(.group) ? status.group : nil)
        }
        if contains(.permission) { try await access.setPermission(path, status.permission.bits & 0o1777) }
        if contains(.times) {
            let accessed = Int64(clamping: status.accessed)
            try await access.setTimes(path, modified: Int64(clamping: status.modified), accessed: accessed > 0 ? accessed : nil)
        }
    }
}
