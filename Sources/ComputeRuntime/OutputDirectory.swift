// The output of a job in Hadoop's layout: parts are written below `_temporary`, each under the name of its attempt; a finished attempt
// moves to its task's place, and only after all tasks do the parts move into the directory, with `_SUCCESS` behind them. A reader that
// waits for `_SUCCESS` never sees half a result, and two attempts of one task never mix. Source: Hadoop's FileOutputCommitter (documented
// behaviour).
import ComputeCore

package enum OutputRefusal: Error, CustomStringConvertible {
    case alreadyExists(String)

    package var description: String {
        switch self {
        case .alreadyExists(let path):
            "org.apache.hadoop.mapred.FileAlreadyExistsException: Output directory \(path) already exists"
        }
    }
}

package struct OutputDirectory: Sendable {
    private let files: any JobFiles
    private let path: String

    package init(files: any JobFiles, path: String) {
        self.files = files
        self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    package func begin() throws {
        if try files.status(path) != nil { throw OutputRefusal.alreadyExists(path) }
        try files.makeDirectories(committed)
    }

    package func openPart(_ part: Int, attempt: Int) throws -> OutputPart {
        let digits = String(part)
        let name = "part-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits
        let attemptPath = JobPath.join(JobPath.join(temporary, "attempt_\(part)_\(attempt)"), name)
        return OutputPart(
            files: files, attemptPath: attemptPath, committedPath: JobPath.join(committed, name), writer: try files.create(attemptPath))
    }

    /// All tasks are done: the parts become visible, then `_SUCCESS`.
    package func commit() throws {
        for part in try files.list(committed) { try files.rename(part.path, to: JobPath.join(path, part.name)) }
        try files.delete(temporary)
        try files.create(JobPath.join(path, "_SUCCESS")).finish()
    }

    /// The job failed: removes all of its output. A failure to clean up must not hide the job's own.
    package func abandon() {
        do { try files.delete(path) } catch { _ = error }
    }

    private var temporary: String { JobPath.join(path, "_temporary") }
    private var committed: String { JobPath.join(temporary, "committed") }
}

/// One attempt at one part; owned by the thread of its task.
package final class OutputPart {
    private let files: any JobFiles
    private let attemptPath: String
    private let committedPath: String
    private let writer: any JobFileWriter

    init(files: any JobFiles, attemptPath: String, committedPath: String, writer: any JobFileWriter) {
        self.files = files
        self.attemptPath = attemptPath
        self.committedPath = committedPath
        self.writer = writer
    }

    package func write(_ bytes: ArraySlice<UInt8>) throws {
        try writer.write(bytes)
    }

    /// The first attempt wins; a later one is discarded, its bytes are the same.
    package func commit() throws {
        try writer.finish()
        if try files.status(committedPath) != nil {
            try files.delete(attemptPath)
        } else {
            try files.rename(attemptPath, to: committedPath)
        }
    }

    package func abandon() {
        writer.abandon()
    }
}
