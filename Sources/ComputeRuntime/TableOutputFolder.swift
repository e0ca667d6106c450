// The folder of a table's files while a query writes them, and their commit. A new or replaced table is written beside its place, in a
// hidden folder, and takes the place by one rename, with `_SUCCESS` in it; files that are appended are written below `_temporary` and move
// one by one when all are whole. A writer that dies leaves only hidden names. As with other outputs of jobs, files are not synced.
import ComputeCore
import QueryCore
import Synchronization

package final class TableOutputFolder: TableOutput {
    package enum Placement: Sendable { case new, replacing, appending }

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
            placement == .appending ? JobPath.join(JobPath.join(path, "_temporary"), id) : JobPath.join(parent, ".\(name)-\(id).writing")
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
        }
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
        if try files.status(success) == nil { try files.create(success).finish() }
        let temporary = JobPath.join(path, "_temporary")
        // Other writers may have files there.
        if let status = try files.status(temporary), status.isDirectory, try files.list(temporary).isEmpty { try files.delete(temporary) }
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
