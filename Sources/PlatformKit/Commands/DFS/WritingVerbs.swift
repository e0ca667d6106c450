// Verbs that change files and directories where they are.
import Base
import Clients
import Foundation
import HadoopWire
import NetKit

extension DFSVerb {
    static let writing: [DFSVerb] = [
        DFSVerb("mkdir", "[-p] <path> ...", "Make directories.", flags: ["p"], Writing.makeDirectories),
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

enum Writing {
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
