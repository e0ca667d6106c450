// The folders of tables: made, restored, emptied and removed, their partitions listed, and the locks of their writers. Appends to a table
// go on side by side; a statement that replaces or removes its files waits for them and keeps others out, so that no acknowledged row is
// lost.
import ComputeCore
import ComputeRuntime
import Foundation
import QueryCore

struct TableStorage: Sendable {
    let files: FileSchemes
    let locks = FolderLocks()

    func exists(_ location: String) throws -> Bool {
        let (files, path) = try files.resolve(location)
        return try files.status(path) != nil
    }

    /// Whether there are files or folders at the location.
    func isOccupied(_ location: String) throws -> Bool {
        let (files, path) = try files.resolve(location)
        guard let status = try files.status(path) else { return false }
        return status.isDirectory ? try !files.list(path).isEmpty : true
    }

    func make(_ location: String) throws {
        let (files, path) = try files.resolve(location)
        try files.makeDirectories(path)
    }

    /// Out of sight at once, then removed.
    func remove(_ location: String) throws {
        let (files, path) = try files.resolve(location)
        guard try files.status(path) != nil else { return }
        let (parent, name) = TableOutputFolder.parts(path)
        let hidden = JobPath.join(parent, ".\(name)-\(Self.uniqueID).dropped")
        try files.rename(path, to: hidden)
        try files.delete(hidden)
    }

    static var uniqueID: String { UUID().uuidString.lowercased() }

    func output(_ location: String, _ placement: TableOutputFolder.Placement) throws -> TableOutputFolder {
        let (files, path) = try files.resolve(location)
        return TableOutputFolder(files: files, path: path, id: Self.uniqueID, placement)
    }

    /// How long a reader of a missing folder waits for its writers.
    private static let restorePatience = Duration.seconds(2)

    /// Brings back the folder of a table whose replacement was cut off between its two renames. Returns whether there is a folder.
    func restore(_ location: String) throws(QueryError) -> Bool {
        do {
            let (files, path) = try files.resolve(location)
            if try files.status(path) != nil { return true }
            let deadline = ContinuousClock.now + Self.restorePatience
            do {
                try locks.exclusive(location, isCancelled: { ContinuousClock.now > deadline }) {
                    try TableOutputFolder.restore(files: files, path: path)
                }
            } catch let error as QueryError where error.errorClass == .operationCancelled {
                // A writer holds it for longer than any replacement takes, perhaps the very statement that reads.
                return try files.status(path) != nil
            }
            return try files.status(path) != nil
        } catch { throw QueryError(.failedReadFile, ["path": location, "reason": "\(error)"]) }
    }

    /// The folders of partitions, in the order of their names. `columns` are the table's.
    func partitions(_ location: String, columns: [String]) throws -> [[PartitionText]] {
        let (files, path) = try files.resolve(location)
        guard try files.status(path) != nil else { return [] }
        return try TableOutputFolder.partitions(files: files, path: path).filter { texts in
            texts.count == columns.count && zip(texts, columns).allSatisfy { Identifier.same($0.name, $1) }
        }
    }

    func folder(_ partition: [PartitionText], in location: String) -> String {
        JobPath.join(location, TableOutputFolder.folder(of: partition))
    }
}

/// Who works on which folder of this process. A caller waits in its own thread, and looks for the end of its operation.
final class FolderLocks: @unchecked Sendable {  // all state is read and written between `lock` and `unlock` of `condition`
    private struct Holders {
        var shared = 0
        var isExclusive = false
        /// Callers that want it alone; new shared holders wait for them.
        var waiting = 0

        var isFree: Bool { shared == 0 && !isExclusive && waiting == 0 }
    }

    private let condition = NSCondition()
    private var holders: [String: Holders] = [:]
    /// Between two looks whether the operation has ended.
    private static let lookInterval = 0.1

    /// With others that share it.
    func shared<T>(_ location: String, isCancelled: () -> Bool, _ body: () throws -> T) throws -> T {
        try wait(location, isCancelled) { $0.waiting == 0 && !$0.isExclusive }
        change(location) { $0.shared += 1 }
        condition.unlock()
        defer { release(location) { $0.shared -= 1 } }
        return try body()
    }

    /// Alone.
    func exclusive<T>(_ location: String, isCancelled: () -> Bool, _ body: () throws -> T) throws -> T {
        condition.lock()
        change(location) { $0.waiting += 1 }
        condition.unlock()
        do { try wait(location, isCancelled) { $0.shared == 0 && !$0.isExclusive } } catch {
            release(location) { $0.waiting -= 1 }
            throw error
        }
        change(location) {
            $0.waiting -= 1
            $0.isExclusive = true
        }
        condition.unlock()
        defer { release(location) { $0.isExclusive = false } }
        return try body()
    }

    /// Returns with the condition locked.
    private func wait(_ location: String, _ isCancelled: () -> Bool, until isReady: (Holders) -> Bool) throws {
        condition.lock()
        while !isReady(holders[location] ?? Holders()) {
            if isCancelled() {
                condition.unlock()
                throw QueryError(.operationCancelled)
            }
            _ = condition.wait(until: Date(timeIntervalSinceNow: Self.lookInterval))
        }
    }

    private func change(_ location: String, _ body: (inout Holders) -> Void) {
        var changed = holders[location] ?? Holders()
        body(&changed)
        holders[location] = changed.isFree ? nil : changed
    }

    private func release(_ location: String, _ body: (inout Holders) -> Void) {
        condition.lock()
        change(location, body)
        condition.broadcast()
        condition.unlock()
    }
}
