// To which ensemble a replica's directory belongs, so that it is never started as another one by mistake. A foreign directory is refused before
// anything in it is touched.
import Base
import Storage

/// A data directory that belongs to another ensemble, or to another server of this one.
package struct ForeignEnsemble: Error, Sendable, CustomStringConvertible {
    package var directory: String
    package var found: String
    package var wanted: String

    package var description: String { "\(directory) belongs to \(found), not to \(wanted)" }
}

/// Which ensemble a data directory belongs to, written once. Another number, or other members, would let replicas decide without what this one
/// has promised.
package enum EnsembleFile {
    private static let alone = "a server that stands alone"

    package static func check(_ options: ReplicaOptions) throws {
        let membership = options.membership
        let members = membership.members.sorted().map(\.description).joined(separator: ",")
        let wanted = membership == .alone ? alone : "server \(membership.id) of \(members)"
        let path = options.directory + "/ENSEMBLE"
        var found = try read(path, options.files)
        if found == nil, try isUsed(options) { found = alone }
        if found == nil, membership != .alone { try write(wanted, path, options) }
        if let found, found != wanted { throw ForeignEnsemble(directory: options.directory, found: found, wanted: wanted) }
    }

    private static func isUsed(_ options: ReplicaOptions) throws(StorageError) -> Bool {
        do { return try !options.files.list(options.directory + "/log").isEmpty } catch {
            guard error.cause == .notFound else { throw error }
            return false
        }
    }

    private static func read(_ path: String, _ files: RealFileSystem) throws(StorageError) -> String? {
        let file: FileHandle
        do { file = try files.open(path, create: false) } catch {
            guard error.cause == .notFound else { throw error }
            return nil
        }
        defer { files.close(file) }
        return try files.read(file, at: 0, count: 4096).text
    }

    private static func write(_ text: String, _ path: String, _ options: ReplicaOptions) throws(StorageError) {
        try options.files.makeDirectory(options.directory)
        let file = try options.files.open(path, create: true)
        defer { options.files.close(file) }
        try options.files.write(file, at: 0, Bytes(string: text))
        try options.files.sync(file)
        try options.files.syncDirectory(options.directory)
    }
}
