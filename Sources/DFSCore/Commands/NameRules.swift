// Rules of commands about names: directories, rename, delete. Source: Hadoop's file system specification; FSDirRenameOp of Hadoop 3 for the
// messages.
import Base

extension DFSMachine {
    mutating func execute(
        _ command: NameCommand, _ time: Int64, _ rows: inout RowChanges, _ removed: inout [BlockID]
    ) throws(DFSRefusal) -> DFSOutcome.Answer {
        switch command {
        case .makeDirectory(let path, let permission, let unmasked, let parents, let caller):
            let parts = try components(path)
            if !parents, !parts.isEmpty {
                try namespace.checkTraverse(caller, parts)
                guard let directory = namespace.lookup(parts.dropLast()) else {
                    throw .notFound("Parent directory doesn't exist: \(FilePath.joined(parts.dropLast()))")
                }
                guard directory.isDirectory else { throw .parentNotDirectory(FilePath.joined(parts.dropLast())) }
            }
            _ = try makeDirectories(parts, permission, unmasked: unmasked, caller, time, &rows)
            return .flag(true)
        case .renameOver(let source, let target, let overwrite, let caller):
            try renameOver(source, target, overwrite: overwrite, caller, time, &rows, &removed)
            return .done
        case .changeACL(let path, let change, let entries, let caller):
            try changeACL(path, change, entries, caller, &rows)
            return .done
        case .setAttribute(let path, let attribute, let flags, let caller):
            try setAttribute(path, attribute, flags, caller, &rows)
            return .done
        case .removeAttribute(let path, let attribute, let caller):
            try removeAttribute(path, attribute, caller, &rows)
            return .done
        case .setQuota(let path, let names, let bytes, let caller):
            try setQuota(path, names, bytes, caller, &rows)
            return .done
        case .setPolicy(let path, let number, let caller):
            let inode = try existing(path, caller)
            try namespace.check(caller, .write, inode)
            namespace.changeExtras(inode.id, &rows) { $0.storagePolicy = Int16(clamping: number) }
            return .done
        case .identify(let number):
            namespace.identify(number, &rows)
            return .done
        }
    }

    mutating func makeDirectories(
        _ parts: [FileName], _ permission: Int16, unmasked: Int16? = nil, _ caller: Caller, _ time: Int64, _ rows: inout RowChanges
    ) throws(DFSRefusal) -> InodeID {
        var depth = 0
        var current = InodeID.root
        while depth < parts.count, let inode = namespace.inode(current), let next = inode.entries?[parts[depth]] {
            try namespace.check(caller, .execute, inode)
            current = next
            depth += 1
        }
        guard let base = namespace.inode(current), base.isDirectory else {
            if depth == parts.count { throw .exists(FilePath.joined(parts)) }
            throw .parentNotDirectory(FilePath.joined(parts[..<depth]))
        }
        guard depth < parts.count else { return current }
        try namespace.check(caller, .write, base)
        try checkNameQuota(parts, adding: Int64(parts.count - depth))
        for name in parts[depth...] {
            current = namespace.add(
                name, to: current, permission: permission, owner: caller.user, time: time, kind: .directory(children: DirectoryEntries()),
                &rows)
            inheritACL(current, unmasked: unmasked ?? permission, &rows)
        }
        return current
    }

    /// False where HDFS answers false: a missing source, an existing file at the target, a missing parent, a directory under itself.
    mutating func rename(_ source: String, _ target: String, _ caller: Caller, _ time: Int64, _ rows: inout RowChanges) throws(DFSRefusal)
        -> Bool
    {
        let from = try components(source)
        var to = try components(target)
        try namespace.checkTraverse(caller, from)
        try namespace.checkTraverse(caller, to)
        guard let name = from.last, let inode = namespace.lookup(from) else { return false }
        if from == to { return !inode.isDirectory }
        if let there = namespace.lookup(to), there.isDirectory { to.append(name) }
        guard namespace.lookup(to) == nil, let newName = to.last, let directory = namespace.lookup(to.dropLast()), directory.isDirectory
        else { return false }
        guard !to.starts(with: from) else { return false }
        try namespace.check(caller, .write, parent(of: inode))
        try namespace.checkSticky(caller, inode, in: parent(of: inode))
        try namespace.check(caller, .write, directory)
        try checkQuotas(moving: inode, to: directory)
        namespace.move(inode.id, to: directory.id, as: newName, time: time, &rows)
        return true
    }

    private mutating func renameOver(
        _ source: String, _ target: String, overwrite: Bool, _ caller: Caller, _ time: Int64, _ rows: inout RowChanges,
        _ removed: inout [BlockID]
    ) throws(DFSRefusal) {
        let (from, to) = (try components(source), try components(target))
        try namespace.checkTraverse(caller, from)
        try namespace.checkTraverse(caller, to)
        guard let inode = namespace.lookup(from) else { throw .notFound(source) }
        guard !from.isEmpty, let name = to.last else { throw .notPossible("rename source or destination cannot be the root") }
        try namespace.check(caller, .write, parent(of: inode))
        try namespace.checkSticky(caller, inode, in: parent(of: inode))
        guard from != to else { throw .exists("The source \(source) and destination \(target) are the same") }
        guard !to.starts(with: from) else {
            throw .notPossible("Rename destination \(target) is a directory or file under source \(source)")
        }
        guard let directory = namespace.lookup(to.dropLast()) else { throw .notFound("rename destination parent \(target) not found.") }
        guard directory.isDirectory else { throw .parentNotDirectory("rename destination parent \(target) is a file.") }
        try namespace.check(caller, .write, directory)
        let old = namespace.lookup(to)
        if let old {
            try namespace.checkSticky(caller, old, in: directory)
            guard old.isDirectory == inode.isDirectory else {
                throw .notPossible("Source \(source) and destination \(target) must both be directories or both files")
            }
            guard overwrite else { throw .exists("rename destination \(target)") }
            try checkNoSnapshots(below: old)
            if let entries = old.entries, !entries.isEmpty { throw .notPossible("rename destination directory is not empty: \(target)") }
        }
        try checkQuotas(moving: inode, to: directory)
        if let old { removed += remove(old.id, time, &rows) }
        namespace.move(inode.id, to: directory.id, as: name, time: time, &rows)
    }

    mutating func delete(
        _ path: String, _ recursive: Bool, _ caller: Caller, _ time: Int64, _ rows: inout RowChanges, _ removed: inout [BlockID]
    ) throws(DFSRefusal) -> Bool {
        let parts = try components(path)
        try namespace.checkTraverse(caller, parts)
        guard !parts.isEmpty, let inode = namespace.lookup(parts) else { return false }
        try namespace.check(caller, .write, parent(of: inode))
        try namespace.checkSticky(caller, inode, in: parent(of: inode))
        if let entries = inode.entries, !entries.isEmpty {
            guard recursive else { throw .notEmpty(path) }
            try checkSubtree(inode, caller)
        }
        try checkNoSnapshots(below: inode)
        removed += remove(inode.id, time, &rows)
        return true
    }

    /// The caller of a recursive delete must be able to delete from every directory of the tree. Only directories with subdirectories and
    /// sticky ones are looked through.
    private func checkSubtree(_ top: Inode, _ caller: Caller) throws(DFSRefusal) {
        if caller.isSuper { return }
        var waiting = [top]
        while let directory = waiting.popLast() {
            try namespace.check(caller, .write, directory)
            let isSticky = directory.isSticky && caller.user != directory.owner
            guard isSticky || namespace.usage(of: directory).directories > 1 else { continue }
            for id in directory.entries?.all ?? [] {
                guard let child = namespace.inode(id) else { continue }
                try namespace.checkSticky(caller, child, in: directory)
                if let entries = child.entries, !entries.isEmpty { waiting.append(child) }
            }
        }
    }
}
