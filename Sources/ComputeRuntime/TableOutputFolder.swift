// The folder of a table's files while a query writes them, and their commit. A new or replaced table is written beside its place, in a
// hidden folder, and takes the place by one rename, with `_SUCCESS` in it; files that are appended are written in a hidden folder of the
// table, one for each writer, and move one by one when all are whole; partitions that are replaced are moved away, then the new files in.
// A writer that dies leaves only hidden names. As with other outputs of jobs, files are not synced.
import Base
import ComputeCore
import QueryCore
import Synchronization

package final class TableOutputFolder: TableOutput {
    package enum Placement: Equatable, Sendable {
        case new, replacing, appending
        /// The files go in place of those partitions whose texts contain `fixed`; with `onlyWritten` of those that get files.
        case replacingPartitions(fixed: [PartitionText], onlyWritten: Bool)
    }

    private let files: any JobFiles
    private let path: String
    private let stage: String
    private let id: String
    private let placement: Placement
    private let next = Atomic<Int>(0)

    private static let success = "_SUCCESS"

    /// `path` is the table's folder at `files`; `id` is unique among the writes of all times.
    package init(files: any JobFiles, path: String, id: String, _ placement: Placement) {
        self.files = files
        var path = path
        while path.utf8.count > 1, path.utf8.last == UInt8(ascii: "/"), !path.hasSuffix("://") { path.removeLast() }
        self.path = path
        self.id = id
        self.placement = placement
        let (parent, name) = Self.parts(path)
        stage =
            placement == .appending ? JobPath.join(path, "_temporary-" + id) : JobPath.join(parent, ".\(name)-\(id).writing")
    }

    /// The folder above a path, and its own name.
    package static func parts(_ path: String) -> (parent: String, name: String) {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", path) }
        let name = String(path[path.index(after: slash)...])
        let parent = path[..<slash]
        // The root keeps its slash: `/` and `hdfs:///`.
        return (parent.isEmpty || parent.hasSuffix("://") ? String(path[...slash]) : String(parent), name)
    }

    package func create(in directory: String, extension ending: String) throws(QueryError) -> any TableOutputFile {
        let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
        let digits = String(number)
        let name = "part-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits + "-\(id)-c000\(ending)"
        let folder = directory.isEmpty ? stage : JobPath.join(stage, directory)
        let path = JobPath.join(folder, name)
        do { return OutputFile(try files.create(path), path) } catch { throw Self.error(error, path) }
    }

    private static func error(_ error: JobFileError, _ path: String) -> QueryError {
        QueryError(.taskWriteFailed, ["path": path, "reason": error.description])
    }

    private final class OutputFile: TableOutputFile {
        private let writer: any JobFileWriter
        private let path: String
        private var isOpen = true

        init(_ writer: any JobFileWriter, _ path: String) { (self.writer, self.path) = (writer, path) }

        deinit { if isOpen { writer.abandon() } }

        func write(_ bytes: [UInt8]) throws(QueryError) {
            do { try writer.write(bytes[...]) } catch { throw TableOutputFolder.error(error, path) }
        }

        func finish() throws(QueryError) {
            isOpen = false
            do { try writer.finish() } catch { throw TableOutputFolder.error(error, path) }
        }
    }

    /// Makes all files visible. They are all finished.
    package func commit() throws(JobFileError) {
        switch placement {
        case .new:
            try files.create(JobPath.join(stage, Self.success)).finish()
            try files.rename(stage, to: path)
        case .replacing: try replace()
        case .appending: try append()
        case .replacingPartitions(let fixed, let onlyWritten):
            try files.makeDirectories(path)
            try replacePartitions(
                onlyWritten ? Self.partitions(files: files, path: stage) : Self.partitions(files: files, path: path), fixed)
        }
    }

    private func replacePartitions(_ candidates: [[PartitionText]], _ fixed: [PartitionText]) throws(JobFileError) {
        let (parent, name) = Self.parts(path)
        let old = JobPath.join(parent, ".\(name)-\(id).partitions")
        for partition in candidates where Self.contains(partition, fixed) {
            let folder = Self.folder(of: partition)
            let place = JobPath.join(path, folder)
            guard try files.status(place) != nil else { continue }
            let hidden = JobPath.join(old, folder)
            try files.makeDirectories(Self.parts(hidden).parent)
            try files.rename(place, to: hidden)
        }
        if try files.status(stage) != nil { try move(stage, to: path) }
        try files.delete(stage)
        try files.delete(old)
    }

    private func replace() throws(JobFileError) {
        try files.create(JobPath.join(stage, Self.success)).finish()
        guard try files.status(path) != nil else { return try files.rename(stage, to: path) }
        let (parent, name) = Self.parts(path)
        let old = JobPath.join(parent, ".\(name)-\(id).replaced")
        try files.rename(path, to: old)
        do { try files.rename(stage, to: path) } catch {
            try files.rename(old, to: path)
            throw error
        }
        try files.delete(old)
    }

    private func append() throws(JobFileError) {
        if try files.status(stage) != nil { try move(stage, to: path) }
        try files.delete(stage)
        let success = JobPath.join(path, Self.success)
        guard try files.status(success) == nil else { return }
        do { try files.create(success).finish() } catch {
            // Another writer of the same table was first.
            guard case .alreadyExists = error else { throw error }
        }
    }

    private func move(_ from: String, to target: String) throws(JobFileError) {
        try files.makeDirectories(target)
        for child in try files.list(from) {
            let place = JobPath.join(target, child.name)
            if child.isDirectory { try move(child.path, to: place) } else { try files.rename(child.path, to: place) }
        }
    }

    /// Removes the hidden files. A failure to clean up must not hide the write's own.
    package func abandon() {
        do { try files.delete(stage) } catch { return }
    }
}

// MARK: Folders of partitions

extension TableOutputFolder {
    /// The folders below a table that hold columns in their names, down to those without such folders, in the order of their names.
    package static func partitions(files: any JobFiles, path: String) throws(JobFileError) -> [[PartitionText]] {
        var found: [[PartitionText]] = []
        guard try files.status(path) != nil else { return [] }
        try gather(files, path, [], &found)
        return found
    }

    private static func gather(_ files: any JobFiles, _ path: String, _ outer: [PartitionText], _ found: inout [[PartitionText]])
        throws(JobFileError)
    {
        var isLeaf = true
        for child in try files.list(path) where child.isDirectory {
            guard let part = PartitionText(folder: child.name), outer.count < partitionsMax else { continue }
            isLeaf = false
            try gather(files, child.path, outer + [part], &found)
        }
        if isLeaf, !outer.isEmpty { found.append(outer) }
    }

    /// Columns that lie within one another.
    private static let partitionsMax = 64

    /// `a=1/b=2`.
    package static func folder(of partition: [PartitionText]) -> String { partition.map(\.folder).joined(separator: "/") }

    /// Whether a partition has all the given texts.
    package static func contains(_ partition: [PartitionText], _ fixed: [PartitionText]) -> Bool {
        fixed.allSatisfy { part in partition.contains { Identifier.same($0.name, part.name) && $0.text == part.text } }
    }

    /// Puts the former folder of a table back in place if a replacement died between its two renames. The caller keeps others out.
    package static func restore(files: any JobFiles, path: String) throws(JobFileError) {
        guard try files.status(path) == nil, let former = try formers(files, path).first else { return }
        try files.rename(former, to: path)
    }

    /// Removes former folders of a table that is in its place, left by writers that died. The caller keeps others out.
    package static func removeFormers(files: any JobFiles, path: String) throws(JobFileError) {
        guard try files.status(path) != nil else { return }
        for former in try formers(files, path) { try files.delete(former) }
    }

    private static func formers(_ files: any JobFiles, _ path: String) throws(JobFileError) -> [String] {
        let (parent, name) = parts(path)
        guard try files.status(parent) != nil else { return [] }
        let length = ".\(name)-.replaced".utf8.count + idBytes
        return try files.list(parent).filter {
            $0.name.beginsWithBytes(of: ".\(name)-") && $0.name.endsWithBytes(of: ".replaced") && $0.name.utf8.count == length
        }.map(\.path)
    }

    /// Of a UUID, which all writers have for an id.
    private static let idBytes = 36
}
