// How the tables' file gets a checksum in each page, and whether it has them: the VFS of TablePages makes and compares checksums where the
// header reserves room for them.
import Base
import Foundation
import GRDB
import GRDBSQLite
import Storage
import TablePages

enum PageChecksums {
    /// The first version of the tables in which every file has them.
    static let sinceVersion = 4
    private static let headerBytes = 100
    /// The header's field with the number of bytes reserved at the end of each page.
    private static let reservedAt = 20

    /// The result of installing the VFS: once, before any file is opened, whichever service comes first.
    private static let installed = tablepages_install()

    /// A configuration that reserves the room when a file is made or rewritten.
    static func configuration() throws -> Configuration {
        guard installed == SQLITE_OK else {
            throw DatabaseError(resultCode: ResultCode(rawValue: installed), message: "SQLite took no other way to its files")
        }
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        configuration.prepareDatabase { database in
            var bytes = Int32(TABLEPAGES_RESERVED)
            let code = sqlite3_file_control(database.sqliteConnection, "main", SQLITE_FCNTL_RESERVE_BYTES, &bytes)
            guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
        }
        return configuration
    }

    /// Whether the file on disk has room for checksums; nil if there is no file yet.
    static func areIn(_ path: String) throws(StorageError) -> Bool? {
        let files = RealFileSystem()
        let file: Base.FileHandle
        do throws(StorageError) { file = try files.open(path, create: false) } catch {
            guard error.cause == .notFound else { throw error }
            return nil
        }
        defer { files.close(file) }
        let header = try files.read(file, at: 0, count: headerBytes)
        guard header.readableBytes == headerBytes else { return nil }
        return header.getInteger(at: header.readerIndex + reservedAt, as: UInt8.self) == UInt8(TABLEPAGES_RESERVED)
    }

    /// Rewrites every page, with room for its checksum, into the file itself.
    static func rebuild(_ queue: DatabaseQueue) throws {
        try queue.writeWithoutTransaction { database in
            try database.execute(sql: "VACUUM")
            _ = try database.checkpoint(.truncate)
        }
    }
}
