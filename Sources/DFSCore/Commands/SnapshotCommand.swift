// Commands about snapshots, and their rules. Source: "HDFS Snapshots"; SnapshotManager of Hadoop 3 for the messages.
import Base

/// A command about snapshots.
package enum SnapshotCommand: WireLayout, Equatable {
    /// The directory at the path may have snapshots.
    case allow(path: String, Caller)
    case disallow(path: String, Caller)
    case create(path: String, name: String, Caller)
    case delete(path: String, name: String, Caller)
    case rename(path: String, name: String, to: String, Caller)
    /// Drops the versions of the nodes behind one, up to another, that no snapshot shows.
    case trim(after: InodeID, upTo: InodeID)

    package init() { self = .trim(after: InodeID(0), upTo: InodeID(0)) }

    private static let uses: [Int8: CommandFieldSet] = [
        1: [.path, .caller], 2: [.path, .caller], 3: [.path, .other, .caller], 4: [.path, .other, .caller],
        5: [.path, .other, .holder, .caller], 6: [.inode, .number],
    ]

    private func fill(_ fields: inout CommandFields) -> Int8 {
        switch self {
        case .allow(let path, let caller):
            (fields.path, fields.caller) = (path, caller)
            return 1
        case .disallow(let path, let caller):
            (fields.path, fields.caller) = (path, caller)
            return 2
        case .create(let path, let name, let caller):
            (fields.path, fields.other, fields.caller) = (path, name, caller)
            return 3
        case .delete(let path, let name, let caller):
            (fields.path, fields.other, fields.caller) = (path, name, caller)
            return 4
        case .rename(let path, let name, let target, let caller):
            (fields.path, fields.other, fields.holder, fields.caller) = (path, name, target, caller)
            return 5
        case .trim(let after, let upTo):
            (fields.inode, fields.number) = (after, upTo.rawValue)
            return 6
        }
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var fields = CommandFields(0, Self.uses) { _ in }
        fields.tag = fill(&fields)
        try io.nested(&fields)
        let (path, name, caller) = (fields.path, fields.other, fields.caller)
        self =
            switch fields.tag {
            case 1: .allow(path: path, caller)
            case 2: .disallow(path: path, caller)
            case 3: .create(path: path, name: name, caller)
            case 4: .delete(path: path, name: name, caller)
            case 5: .rename(path: path, name: name, to: fields.holder, caller)
            default: .trim(after: fields.inode, upTo: InodeID(fields.number))
            }
    }
}

extension DFSMachine {
    mutating func execute(
        _ command: SnapshotCommand, _ time: Int64, _ rows: inout RowChanges, _ removed: inout [BlockID]
    ) throws(DFSRefusal) -> DFSOutcome.Answer {
        switch command {
        case .allow(let path, let caller):
            let directory = try superDirectory(path, caller)
            try checkNotNested(directory.id, path)
            namespace.change(snapshots: { $0.allow(directory.id, &rows) })
        case .disallow(let path, let caller):
            let directory = try superDirectory(path, caller)
            guard namespace.snapshots.snapshots(of: directory.id).isEmpty else {
                throw .snapshot("The directory \(path) has snapshot(s). Please redo the operation after removing all the snapshots.")
            }
            namespace.change(snapshots: { $0.disallow(directory.id, &rows) })
        case .create(let path, let name, let caller):
            let directory = try snapshottable(path, caller)
            try checkFree(name, directory.id, "Failed to create snapshot")
            guard namespace.snapshots.all.count < Snapshot.countMax else {
                throw .snapshot("Failed to create snapshot: there are already \(Snapshot.countMax) snapshots")
            }
            namespace.takeSnapshot(of: directory.id, as: FileName(name), at: time, &rows)
        case .delete(let path, let name, let caller):
            let directory = try snapshottable(path, caller)
            let snapshot = try snapshot(name, directory.id, path, "Cannot delete snapshot \(name) from path \(path)")
            namespace.change(snapshots: { $0.delete(snapshot, &rows) })
        case .rename(let path, let name, let target, let caller):
            let directory = try snapshottable(path, caller)
            let snapshot = try snapshot(name, directory.id, path, "The snapshot \(name) does not exist for directory \(path)")
            guard FileName(name) != FileName(target) else { return .done }
            try checkFree(target, directory.id, "Failed to rename snapshot")
            namespace.change(snapshots: { $0.rename(snapshot, to: FileName(target), &rows) })
        case .trim(let after, let upTo): removed += namespace.trimVersions(after: after, upTo: upTo, &rows)
        }
        return .done
    }

    private func superDirectory(_ path: String, _ caller: Caller) throws(DFSRefusal) -> Inode {
        guard caller.isSuper else { throw .denied(user: caller.user, needs: "SUPERUSER", path: path) }
        let inode = try existing(path, caller)
        guard inode.isDirectory else { throw .parentNotDirectory(path) }
        return inode
    }

    private func snapshottable(_ path: String, _ caller: Caller) throws(DFSRefusal) -> Inode {
        let inode = try existing(path, caller)
        try checkOwner(caller, inode, path)
        guard namespace.snapshots.isAllowed(inode.id) else { throw .snapshot("Directory is not a snapshottable directory: \(path)") }
        return inode
    }

    private func snapshot(_ name: String, _ directory: InodeID, _ path: String, _ complaint: String) throws(DFSRefusal) -> Snapshot {
        guard let found = namespace.snapshots.snapshot(FileName(name), of: directory) else {
            throw .snapshot("\(complaint): the snapshot does not exist.")
        }
        return found
    }

    private func checkFree(_ name: String, _ directory: InodeID, _ complaint: String) throws(DFSRefusal) {
        guard let parts = FilePath.components("/" + name), parts.count == 1, parts[0].text.utf8.elementsEqual(name.utf8),
            parts[0] != Snapshot.folder
        else { throw .invalidArgument("\(complaint): \"\(name)\" is no name of a snapshot") }
        guard namespace.snapshots.snapshot(parts[0], of: directory) == nil else {
            throw .snapshot("\(complaint): there is already a snapshot with the same name \"\(name)\".")
        }
    }

    /// As in HDFS, a snapshottable directory is not made within another one.
    private func checkNotNested(_ directory: InodeID, _ path: String) throws(DFSRefusal) {
        for other in namespace.snapshots.directories where other != directory {
            let relation = isBelow(directory, other) ? "ancestor" : isBelow(other, directory) ? "subdirectory" : nil
            guard let relation else { continue }
            throw .snapshot(
                "Nested snapshottable directories not allowed: path=\(path), "
                    + "the \(relation) \(namespace.path(of: other)) is already a snapshottable directory.")
        }
    }

    private func isBelow(_ id: InodeID, _ top: InodeID) -> Bool {
        var current = id
        while let inode = namespace.inode(current) {
            if current == top { return true }
            guard current != .root else { return false }
            current = inode.parent
        }
        return false
    }

    /// A tree with snapshots must not go.
    func checkNoSnapshots(below top: Inode) throws(DFSRefusal) {
        for snapshot in namespace.snapshots.all where isBelow(snapshot.directory, top.id) {
            let (path, directory) = (namespace.path(of: top.id), namespace.path(of: snapshot.directory))
            throw .snapshot(
                "The directory \(path) cannot be deleted since \(directory) is snapshottable and already has snapshots")
        }
    }
}
