// Methods about snapshots.
import Base
import DFSCore
import Foundation
import HadoopWire

enum SnapshotMethods {
    static let rows: [RPCMethod] = [
        RPCMethod("allowSnapshot", needs: "superuser", allow), RPCMethod("disallowSnapshot", needs: "superuser", disallow),
        RPCMethod("createSnapshot", needs: "owner", create), RPCMethod("deleteSnapshot", needs: "owner", delete),
        RPCMethod("renameSnapshot", needs: "owner", rename), RPCMethod("getSnapshottableDirListing", needs: "", directories),
        RPCMethod("getSnapshotListing", needs: "read on the directory", snapshots),
        RPCMethod("getSnapshotDiffReport", needs: "read on the directory", differences),
    ]

    @Sendable static func allow(_ request: SnapshotRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        try await namenode.execute(.snapshot(.allow(path: request.path, call.caller)))
        return EmptyMessage()
    }

    @Sendable static func disallow(_ request: SnapshotRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        try await namenode.execute(.snapshot(.disallow(path: request.path, call.caller)))
        return EmptyMessage()
    }

    @Sendable static func create(_ request: SnapshotRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> TextAnswer {
        TextAnswer(try await create(request.path, request.name ?? "", call.caller, retry: call.retry, namenode))
    }

    /// Returns the path of the new snapshot. Without a name it gets one of the time of day.
    static func create(_ path: String, _ given: String, _ caller: Caller, retry: RetryID?, _ namenode: Namenode) async throws -> String {
        let name = given.isEmpty ? defaultName(namenode.wallTime()) : given
        try await namenode.execute(.snapshot(.create(path: path, name: name, caller)), retry: retry)
        return FilePath.joined((FilePath.components(path) ?? []) + [Snapshot.folder, FileName(name)])
    }

    /// `s20261130-180000.123` in local time, as in HDFS.
    private static func defaultName(_ time: WallTime) -> String {
        var seconds = time_t(time.milliseconds / 1000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return String(
            format: "s%04d%02d%02d-%02d%02d%02d.%03d", Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday),
            Int(parts.tm_hour), Int(parts.tm_min), Int(parts.tm_sec), Int(time.milliseconds % 1000))
    }

    @Sendable static func delete(_ request: SnapshotRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        try await delete(request.path, request.name ?? "", call.caller, retry: call.retry, namenode)
        return EmptyMessage()
    }

    static func delete(_ path: String, _ name: String, _ caller: Caller, retry: RetryID?, _ namenode: Namenode) async throws {
        try await namenode.execute(.snapshot(.delete(path: path, name: name, caller)), retry: retry)
        // The states that it kept are dropped from the first node on.
        try await namenode.look { _, soft in soft.trimsAfter = InodeID(0) }
    }

    @Sendable static func rename(_ request: SnapshotRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        try await namenode.execute(
            .snapshot(.rename(path: request.path, name: request.name ?? "", to: request.other ?? "", call.caller)), retry: call.retry)
        return EmptyMessage()
    }

    @Sendable static func directories(_ request: EmptyMessage, _ call: RPCCall, _ namenode: Namenode) async throws -> NestedListAnswer<
        SnapshottableDirectory
    > {
        try await namenode.look { machine, _ in
            let namespace = machine.namespace
            let views = FileViews(superUser: namenode.settings.superUser, poolID: "")
            return NestedListAnswer(
                namespace.snapshots.directories.compactMap { id in
                    guard let inode = namespace.inode(id), call.caller.isSuper || call.caller.user == inode.owner else { return nil }
                    var directory = SnapshottableDirectory()
                    directory.status = views.status(inode, name: inode.name.text)
                    directory.limit = UInt32(Snapshot.countMax)
                    directory.count = UInt32(clamping: namespace.snapshots.snapshots(of: id).count)
                    directory.parent = Bytes(string: id == .root ? "" : namespace.path(of: inode.parent))
                    return directory
                })
        }
    }

    @Sendable static func snapshots(_ request: SnapshotRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> NestedListAnswer<
        SnapshotStatus
    > {
        try await namenode.look { machine, _ in
            let inode = try snapshottable(request.path, call.caller, machine)
            let views = FileViews(superUser: namenode.settings.superUser, poolID: "")
            return NestedListAnswer(
                machine.namespace.snapshots.snapshots(of: inode.id).compactMap { snapshot in
                    guard let view = Namenode.view(snapshot, in: machine) else { return nil }
                    var status = SnapshotStatus()
                    status.status = views.status(view, name: snapshot.name.text)
                    status.number = UInt32(clamping: snapshot.number)
                    status.parent = Bytes(string: request.path)
                    return status
                })
        }
    }

    private static func snapshottable(_ path: String, _ caller: Caller, _ machine: borrowing DFSMachine) throws(DFSRefusal) -> Inode {
        let inode = try Namenode.find(path, caller, in: machine)
        try machine.namespace.check(caller, .read, inode)
        guard machine.namespace.snapshots.isAllowed(inode.id) else {
            throw .snapshot("Directory is not a snapshottable directory: \(path)")
        }
        return inode
    }

    @Sendable static func differences(_ request: SnapshotRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> OptionalAnswer<
        SnapshotDifferences
    > {
        var answer = SnapshotDifferences()
        (answer.path, answer.from, answer.to) = (request.path, request.name ?? "", request.other ?? "")
        let names = (answer.from, answer.to)
        var comparison = try await namenode.look { machine, _ in
            let inode = try snapshottable(request.path, call.caller, machine)
            var comparison = SnapshotComparison(
                inode.id, from: try time(names.0, inode.id, request.path, machine), to: try time(names.1, inode.id, request.path, machine))
            comparison.begin(machine.namespace)
            return comparison
        }
        var goesOn = true
        while goesOn {
            let before = comparison
            (comparison, goesOn) = try await namenode.look { machine, _ in
                var comparison = before
                let more = try comparison.step(machine.namespace)
                return (comparison, more)
            }
        }
        answer.entries = comparison.differences
        return OptionalAnswer(answer)
    }

    /// The snapshot of a name; nil, for now, without one.
    private static func time(_ name: String, _ directory: InodeID, _ path: String, _ machine: borrowing DFSMachine) throws(DFSRefusal)
        -> Snapshot?
    {
        // Java's client writes "." for the present, too.
        if name.isEmpty || name == "." { return nil }
        guard let found = machine.namespace.snapshots.snapshot(FileName(name), of: directory) else {
            throw .snapshot("Cannot find the snapshot of directory \(path) with name \(name)")
        }
        return found
    }
}
