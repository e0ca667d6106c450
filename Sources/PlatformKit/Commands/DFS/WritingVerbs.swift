// Verbs that change files and directories. A copied file appears under its name only when it is whole: until then its name is
// NAME._COPYING_, as in Hadoop.
import Base
import Clients
import Foundation
import HadoopWire
import NetKit

extension DFSVerb {
    static let writing: [DFSVerb] = [
        DFSVerb("mkdir", "[-p] <path> ...", "Make directories.", flags: ["p"], Writing.makeDirectories),
        DFSVerb(
            "put", "[-f] [-p] [-l] [-d] <localsrc> ... <dst>", "Copy local files into the file system; - is the standard input.",
            flags: ["f", "p", "l", "d"], Copying.put),
        DFSVerb(
            "moveFromLocal", "[-f] [-p] [-l] [-d] <localsrc> ... <dst>", "Copy local files and delete them here.",
            flags: ["f", "p", "l", "d"], Copying.put),
        DFSVerb(
            "cp", "[-f] [-p] <src> ... <dst>", "Copy files, also from one file system to another.", flags: ["f", "p", "d"],
            operands: 2...Int.max, Copying.copy),
        DFSVerb("appendToFile", "<localsrc> ... <dst>", "Append local files to one file.", operands: 2...Int.max, Copying.append),
        DFSVerb(
            "mv", "<src> ... <dst>", "Rename files and directories, or move them into a directory.", operands: 2...Int.max, Writing.move),
        DFSVerb(
            "rm", "[-f] [-r|-R] [-skipTrash] <path> ...", "Delete files and directories.", flags: ["f", "r", "R", "skipTrash", "safely"],
            Writing.remove),
        DFSVerb(
            "rmdir", "[--ignore-fail-on-non-empty] <dir> ...", "Delete empty directories.", flags: ["ignore-fail-on-non-empty"],
            Writing.removeDirectories),
        DFSVerb("touchz", "<path> ...", "Make empty files.", Writing.touchEmpty),
        DFSVerb(
            "touch", "[-a] [-m] [-t yyyyMMdd:HHmmss] [-c] <path> ...", "Set times, and make files that are missing.",
            flags: ["a", "m", "c", "t:"], Writing.touch),
        DFSVerb("truncate", "[-w] <length> <path> ...", "Cut files to a length.", flags: ["w"], operands: 2...Int.max, Writing.truncate),
        DFSVerb("concat", "<target> <src> ...", "Put the blocks of files at the end of one.", operands: 2...Int.max, Writing.concat),
    ]
}

private enum Writing {
    @Sendable static func makeDirectories(_ call: VerbCall) async throws {
        let makesParents = call.has("p") || !call.isHadoops
        try await call.eachPath(missingIsTold: false) { path in
            if let status = path.status {
                if status.kind == .directory, makesParents { return }
                throw ShellComplaint(path.shown, status.kind == .directory ? ShellComplaint.exists : ShellComplaint.notDirectory)
            }
            if !makesParents, try await path.access.status(path.parent) == nil {
                throw ShellComplaint(path.access.address + path.parent, ShellComplaint.missing)
            }
            try await path.access.makeDirectories(path.path)
        }
    }

    @Sendable static func move(_ call: VerbCall) async throws {
        let target = try await call.shell.path(call.operands[call.operands.count - 1]).looked()
        let isDirectory = target.status?.kind == .directory
        if call.operands.count > 2, !isDirectory {
            throw ShellComplaint(target.shown, target.status == nil ? ShellComplaint.missing : ShellComplaint.notDirectory)
        }
        try await call.eachPath(Array(call.operands.dropLast())) { path in
            guard path.access.address.hasSameBytes(as: target.access.address) else {
                throw ShellComplaint(path.shown, "Does not match target filesystem")
            }
            let goal = isDirectory ? try await target.child(path.name, nil).looked() : target
            if let there = goal.status {
                throw ShellComplaint(
                    goal.shown, there.kind == .directory && !isDirectory ? ShellComplaint.isDirectory : ShellComplaint.exists)
            }
            if !isDirectory, try await path.access.status(goal.parent) == nil {
                throw ShellComplaint(goal.shown, "\(ShellComplaint.missing): `\(goal.qualified)'")
            }
            guard try await path.access.rename(path.path, to: goal.path) else { throw ShellComplaint(path.shown, "Input/output error") }
        }
    }

    @Sendable static func remove(_ call: VerbCall) async throws {
        let isRecursive = call.has("r") || call.has("R")
        for operand in call.operands {
            try await call.attempt {
                let found = try await call.shell.path(operand).expanded()
                guard !found.isEmpty || call.has("f") else { throw ShellComplaint(operand, ShellComplaint.missing) }
                for path in found { try await call.attempt { try await remove(path, isRecursive, call) } }
            }
        }
    }

    private static func remove(_ path: ShellPath, _ isRecursive: Bool, _ call: VerbCall) async throws {
        guard let status = path.status else {
            if call.has("f") { return }
            throw ShellComplaint(path.shown, ShellComplaint.missing)
        }
        if status.kind == .directory, !isRecursive { throw ShellComplaint(path.shown, ShellComplaint.isDirectory) }
        if !call.has("skipTrash"), try await Trash.take(path) { return }
        guard try await path.access.delete(path.path, recursive: isRecursive) else {
            throw ShellComplaint(path.shown, "Input/output error")
        }
        Output.line("Deleted \(path.shown)")
    }

    @Sendable static func removeDirectories(_ call: VerbCall) async throws {
        try await call.eachPath { path in
            guard path.status?.kind == .directory else { throw ShellComplaint(path.shown, ShellComplaint.notDirectory) }
            guard try await path.access.list(path.path).isEmpty else {
                if call.has("ignore-fail-on-non-empty") { return }
                throw ShellComplaint(path.shown, "Directory is not empty")
            }
            _ = try await path.access.delete(path.path, recursive: false)
        }
    }

    @Sendable static func touchEmpty(_ call: VerbCall) async throws {
        let choices = try call.shell.writeChoices(overwrite: true)
        try await call.eachPath(missingIsTold: false) { path in
            if let status = path.status {
                if status.kind == .directory { throw ShellComplaint(path.shown, ShellComplaint.isDirectory) }
                if status.lengthBytes > 0 { throw ShellComplaint(path.shown, "Not a zero-length file") }
            } else {
                try await checkParent(path)
            }
            try await path.access.write(path.path, choices) { _ in }
        }
    }

    static func checkParent(_ path: ShellPath) async throws {
        if try await path.access.status(path.parent) == nil {
            throw ShellComplaint(path.shown, "\(ShellComplaint.missing): `\(path.qualified)'")
        }
    }

    @Sendable static func touch(_ call: VerbCall) async throws {
        let time = try call.values["t"].map(milliseconds) ?? SystemTime().wallTime().milliseconds
        let (sets, isBoth) = ((accessed: call.has("a"), modified: call.has("m")), call.has("a") == call.has("m"))
        let choices = try call.shell.writeChoices(overwrite: false)
        try await call.eachPath(missingIsTold: false) { path in
            if path.status == nil {
                if call.has("c") { return }
                try await checkParent(path)
                try await path.access.write(path.path, choices) { _ in }
            }
            try await path.access.rpc("touch").namenode.setTimes(
                path.path, modified: isBoth || sets.modified ? time : nil, accessed: isBoth || sets.accessed ? time : nil)
        }
    }

    /// `20260102:030405`, local time.
    private static func milliseconds(_ text: String) throws -> Int64 {
        let digits = text.utf8.filter { $0 != UInt8(ascii: ":") }.map { Int32($0) - 48 }
        guard digits.count == 14, digits.allSatisfy({ (0...9).contains($0) }), text.utf8.count == 15 else {
            throw ShellMisuse("Unable to parse the specified timestamp \(text). The expected format is yyyyMMdd:HHmmss")
        }
        func number(_ range: Range<Int>) -> Int32 { digits[range].reduce(0) { $0 * 10 + $1 } }
        var parts = tm()
        (parts.tm_year, parts.tm_mon, parts.tm_mday) = (number(0..<4) - 1900, number(4..<6) - 1, number(6..<8))
        (parts.tm_hour, parts.tm_min, parts.tm_sec, parts.tm_isdst) = (number(8..<10), number(10..<12), number(12..<14), -1)
        return Int64(mktime(&parts)) * 1000
    }

    @Sendable static func truncate(_ call: VerbCall) async throws {
        guard let length = Int64(call.operands[0]), length >= 0 else { throw ShellMisuse("Illegal new length: \(call.operands[0])") }
        try await call.eachPath(Array(call.operands.dropFirst())) { path in
            if path.status?.kind == .directory { throw ShellComplaint(path.shown, ShellComplaint.isDirectory) }
            let size = Int64(clamping: path.status?.lengthBytes ?? 0)
            guard length <= size else {
                throw ShellMisuse("Cannot truncate to a larger file size. Current size: \(size), truncate size: \(length).")
            }
            let files = try path.access.rpc("truncate")
            var isDone = try await files.truncate(path.path, to: length)
            if !isDone, call.has("w") {
                Output.line("Waiting for \(path.shown) ...")
                isDone = try await files.closed(path.path)
            }
            Output.line(
                isDone || length == size
                    ? "Truncated \(path.shown) to length: \(length)"
                    : "Truncating \(path.shown) to length: \(length). Wait for block recovery to complete before further updating this file."
            )
        }
    }

    @Sendable static func concat(_ call: VerbCall) async throws {
        let target = try call.shell.path(call.operands[0])
        let sources = try call.operands.dropFirst().map { try call.shell.path($0).path }
        try await target.access.rpc("concat").namenode.concat(target.path, sources)
    }
}

/// Copies into a file system.
private enum Copying {
    private static let unfinished = "._COPYING_"

    /// The source of a copy: a local file, or a file of a file system.
    private enum Source {
        case local(String)
        case remote(ShellPath)

        @Sendable func produce(_ write: (Bytes) async throws -> Void) async throws {
            switch self {
            case .local(let path): try await LocalFile.open(path).forEachChunk(write)
            case .remote(let path): try await path.access.read(path.path, offset: 0, lengthBytes: .max, write)
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

    private static func write(_ source: Source, to target: ShellPath, _ call: VerbCall) async throws {
        if let there = target.status {
            if there.kind == .directory { throw ShellComplaint(target.shown, ShellComplaint.isDirectory) }
            if !call.has("f") { throw ShellComplaint(target.shown, ShellComplaint.exists) }
        }
        var choices = try call.shell.writeChoices(overwrite: true)
        if call.has("l") { choices.replication = 1 }
        guard !call.has("d") else { return try await target.access.write(target.path, choices, source.produce) }
        let partial = target.path + unfinished
        do {
            try await target.access.write(partial, choices, source.produce)
            if target.status != nil { _ = try await target.access.delete(target.path, recursive: false) }
            guard try await target.access.rename(partial, to: target.path) else {
                throw ShellComplaint(target.shown, "cannot be given its name: \(target.qualified) exists by now")
            }
        } catch {
            // Removes the rest of the copy; if that fails as well, the first failure counts.
            _ = try? await target.access.delete(partial, recursive: false)
            throw error
        }
    }

    @Sendable static func put(_ call: VerbCall) async throws {
        let sources = call.operands.count > 1 ? Array(call.operands.dropLast()) : call.operands
        let goal = try await target(call, sources.count)
        for source in sources {
            try await call.attempt {
                var isDirectory: ObjCBool = false
                guard source == "-" || FileManager.default.fileExists(atPath: source, isDirectory: &isDirectory) else {
                    throw ShellComplaint(source, ShellComplaint.missing)
                }
                let target = goal.isDirectory && source != "-" ? try await goal.path.child(Paths.name(source), nil).looked() : goal.path
                try await put(source, isDirectory.boolValue, target, call)
            }
        }
    }

    private static func put(_ source: String, _ isDirectory: Bool, _ target: ShellPath, _ call: VerbCall) async throws {
        guard isDirectory else {
            try await write(.local(source), to: target, call)
            try await keep(source, target, call)
            if call.word == "moveFromLocal" { try FileManager.default.removeItem(atPath: source) }
            return
        }
        if let there = target.status, there.kind != .directory { throw ShellComplaint(target.shown, ShellComplaint.notDirectory) }
        try await target.access.makeDirectories(target.path)
        for name in try FileManager.default.contentsOfDirectory(atPath: source).sorted() {
            let local = Paths.join(source, name)
            var isBelow: ObjCBool = false
            guard FileManager.default.fileExists(atPath: local, isDirectory: &isBelow) else { continue }
            let below = isBelow.boolValue
            try await call.attempt { try await put(local, below, try await target.child(name, nil).looked(), call) }
        }
        if call.word == "moveFromLocal", call.exitCode == 0 { try FileManager.default.removeItem(atPath: source) }
    }

    /// `-p`: copies the local times and permission.
    private static func keep(_ source: String, _ target: ShellPath, _ call: VerbCall) async throws {
        guard call.has("p"), source != "-" else { return }
        let found = try FileManager.default.attributesOfItem(atPath: source)
        let namenode = try target.access.rpc("put -p").namenode
        if let bits = found[.posixPermissions] as? NSNumber { try await namenode.setPermission(target.path, bits.uint32Value & 0o777) }
        if let modified = found[.modificationDate] as? Date {
            try await namenode.setTimes(target.path, modified: Int64(modified.timeIntervalSince1970 * 1000), accessed: nil)
        }
    }

    @Sendable static func copy(_ call: VerbCall) async throws {
        let sources = Array(call.operands.dropLast())
        let goal = try await target(call, sources.count)
        try await call.eachPath(sources) { path in
            try await copy(path, to: goal.isDirectory ? try await goal.path.child(path.name, nil).looked() : goal.path, call)
        }
    }

    private static func copy(_ path: ShellPath, to target: ShellPath, _ call: VerbCall) async throws {
        guard path.status?.kind == .directory else {
            if path.qualified.hasSameBytes(as: target.qualified) { throw ShellComplaint(path.shown, "\(target.shown) is the same file") }
            try await write(.remote(path), to: target, call)
            guard call.has("p"), let status = path.status else { return }
            let namenode = try target.access.rpc("cp -p").namenode
            try await namenode.setPermission(target.path, status.permission.bits)
            return try await namenode.setTimes(
                target.path, modified: Int64(clamping: status.modified), accessed: Int64(clamping: status.accessed))
        }
        guard !ShellPath.join(target.qualified, "").beginsWithBytes(of: ShellPath.join(path.qualified, "")) else {
            throw ShellComplaint(path.shown, "is a subdirectory of itself")
        }
        if let there = target.status, there.kind != .directory { throw ShellComplaint(target.shown, ShellComplaint.notDirectory) }
        try await target.access.makeDirectories(target.path)
        for child in try await path.children() {
            try await call.attempt { try await copy(child, to: try await target.child(child.name, nil).looked(), call) }
        }
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
