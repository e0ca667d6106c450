// The server of a data directory, written once, beside the log that has the rest. Under another number a replica would vote without this
// one's promises. Files of earlier versions list the members, which count until the log names some.
import Base
import Storage

/// A data directory that belongs to another ensemble, or to another server of this one.
package struct ForeignEnsemble: Error, Sendable, CustomStringConvertible {
    package var directory: String
    package var found: String
    package var wanted: String

    package var description: String { "\(directory) belongs to \(found), not to \(wanted)" }
}

package enum EnsembleFile {
    private static let alone = "a server that stands alone"
    private static let founding = "of an ensemble; its log tells the members"

    /// The membership at a server's beginning. `named` are the servers of its settings.
    package static func membership(_ me: Member, _ named: [Member], _ directory: String, _ files: RealFileSystem) throws -> Membership {
        let peers = named.map(\.id).sorted()
        let path = directory + "/ENSEMBLE"
        let wanted = "server \(me.id) \(founding)"
        var found = try read(path, files)
        if found == nil, try isUsed(directory, files) { found = alone }
        switch found {
        case nil: try write(wanted, path, directory, files)
        case wanted: break
        case alone where peers == [me.id]:
            // A former standalone server goes on as an ensemble of one, which can grow.
            try write("server \(me.id) of \(me.id)", path, directory, files)
            return Membership(founding: me, with: peers, members: [me])
        case let text?:
            guard let members = listed(text, me, named) else {
                throw ForeignEnsemble(directory: directory, found: text, wanted: "server \(me.id)")
            }
            return Membership(founding: me, with: peers, members: members)
        }
        return Membership(founding: me, with: peers)
    }

    /// Refuses a directory that belongs to a server of an ensemble.
    package static func checkAlone(_ directory: String, _ files: RealFileSystem) throws {
        guard let found = try read(directory + "/ENSEMBLE", files), found != alone else { return }
        throw ForeignEnsemble(directory: directory, found: found, wanted: alone)
    }

    /// The members of `server 1 of 1,2,3`, if it is this server.
    private static func listed(_ text: String, _ me: Member, _ named: [Member]) -> [Member]? {
        let start = "server \(me.id) of "
        guard text.beginsWithBytes(of: start) else { return nil }
        let ids = text.droppingBytes(first: start.utf8.count).pieces(at: ",", keepsEmpty: false).map { Int64($0) }
        guard !ids.isEmpty, !ids.contains(nil) else { return nil }
        return ids.compactMap { $0 }.map { id in named.first { $0.id.rawValue == id } ?? Member(id: NodeID(id)) }
    }

    private static func isUsed(_ directory: String, _ files: RealFileSystem) throws(StorageError) -> Bool {
        do { return try !files.list(directory + "/log").isEmpty } catch {
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

    private static func write(_ text: String, _ path: String, _ directory: String, _ files: RealFileSystem) throws(StorageError) {
        try files.makeDirectory(directory)
        let file = try files.open(path, create: true)
        defer { files.close(file) }
        try files.truncate(file, to: 0)
        try files.write(file, at: 0, Bytes(string: text))
        try files.sync(file)
        try files.syncDirectory(directory)
    }
}
