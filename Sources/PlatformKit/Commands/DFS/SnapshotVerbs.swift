// Verbs on snapshots, as in Hadoop's FsShell and its `hdfs` tools. Source: "HDFS Snapshots".
import Base
import Clients
import HadoopWire

extension DFSVerb {
    static let snapshots: [DFSVerb] = [
        DFSVerb("allowSnapshot", "<dir>", "Let a directory have snapshots.", operands: 0...Int.max, Snapshots.allow),
        DFSVerb("disallowSnapshot", "<dir>", "Let a directory have no more snapshots.", operands: 0...Int.max, Snapshots.allow),
        DFSVerb(
            "createSnapshot", "<dir> [<name>]", "Take a snapshot, which is <dir>/.snapshot/<name>.", operands: 0...Int.max, Snapshots.create
        ),
        DFSVerb("renameSnapshot", "<dir> <old> <new>", "Give a snapshot another name.", operands: 0...Int.max, Snapshots.rename),
        DFSVerb("deleteSnapshot", "<dir> <name>", "Delete a snapshot.", operands: 0...Int.max, Snapshots.delete),
        DFSVerb("lsSnapshottableDir", "", "List the directories that may have snapshots.", operands: 0...0, Snapshots.directories),
        DFSVerb("lsSnapshot", "<dir>", "List the snapshots of a directory.", operands: 0...Int.max, Snapshots.list),
        DFSVerb(
            "snapshotDiff", "<dir> <from> <to>", "Tell what differs between two snapshots; . is the present.", operands: 3...3,
            Snapshots.differences),
    ]
}

private enum Snapshots {
    /// The directory of the words, of which there may be so many.
    private static func directory(_ call: VerbCall, words: ClosedRange<Int>) async throws -> (path: ShellPath, namenode: NamenodeProxy) {
        guard words.contains(call.operands.count) else { throw ShellMisuse("Incorrect number of arguments.") }
        let path = try await call.shell.path(call.operands[0]).looked()
        guard path.status != nil else { throw ShellComplaint(path.shown, ShellComplaint.missing) }
        return (path, try path.access.rpc(call.word).namenode)
    }

    @Sendable static func allow(_ call: VerbCall) async throws {
        let (path, namenode) = try await directory(call, words: 1...1)
        try await namenode.changeSnapshottable(call.verb.name, path.path)
        Output.line("\(call.verb.name == "allowSnapshot" ? "Allowing" : "Disallowing") snapshot on \(path.shown) succeeded")
    }

    @Sendable static func create(_ call: VerbCall) async throws {
        let (path, namenode) = try await directory(call, words: 1...2)
        let made = try await namenode.createSnapshot(path.path, name: call.operands.count > 1 ? call.operands[1] : nil)
        Output.line("Created snapshot \(made)")
    }

    @Sendable static func rename(_ call: VerbCall) async throws {
        let (path, namenode) = try await directory(call, words: 3...3)
        try await namenode.renameSnapshot(path.path, name: call.operands[1], to: call.operands[2])
        Output.line("Renamed snapshot \(call.operands[1]) to \(call.operands[2]) under \(path.qualified)")
    }

    @Sendable static func delete(_ call: VerbCall) async throws {
        let (path, namenode) = try await directory(call, words: 2...2)
        try await namenode.deleteSnapshot(path.path, name: call.operands[1])
        Output.line("Deleted snapshot \(call.operands[1]) under \(path.qualified)")
    }

    private static func line(_ status: FileStatus, _ name: String) -> String {
        let time = Timestamps.text(milliseconds: Int64(clamping: status.modified)).droppingBytes(last: 3)
        return "d\(ShellForms.letters(status.permission.bits)) \(status.owner) \(status.group) \(time) \(name)"
    }

    @Sendable static func directories(_ call: VerbCall) async throws {
        for found in try await call.shell.path("/").access.rpc(call.word).namenode.snapshottableDirectories() {
            let path = ShellPath.join(found.parent.text.isEmpty ? "/" : found.parent.text, found.status.path.text)
            Output.line("\(line(found.status, path)) \(found.count) of \(found.limit)")
        }
    }

    @Sendable static func list(_ call: VerbCall) async throws {
        let (path, namenode) = try await directory(call, words: 1...1)
        for found in try await namenode.snapshots(path.path) {
            Output.line("\(line(found.status, ShellPath.join(path.path, ".snapshot/" + found.status.path.text))) \(found.number)")
        }
    }

    @Sendable static func differences(_ call: VerbCall) async throws {
        let (path, namenode) = try await directory(call, words: 3...3)
        let names = call.operands.dropFirst().map { $0 == "." ? "" : $0 }
        let found = try await namenode.snapshotDifferences(path.path, from: names[0], to: names[1])
        func time(_ name: String) -> String { name.isEmpty ? "current directory" : "snapshot \(name)" }
        Output.line("Difference between \(time(names[0])) and \(time(names[1])) under directory \(path.path):")
        for entry in found.entries {
            func place(_ bytes: Bytes) -> String { bytes.readableBytes == 0 ? "." : "./\(bytes.text)" }
            Output.line("\(entry.kind)\t\(place(entry.path))" + (entry.target.map { " -> \(place($0))" } ?? ""))
        }
    }
}
