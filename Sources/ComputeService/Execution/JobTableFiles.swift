// Job files for the SQL engine: listed, opened, read forwards; gzip files come out decompressed. Errors become the engine's.
import ComputeCore
import ComputeRuntime
import QueryCore

struct JobTableFiles: TableFiles {
    let schemes: FileSchemes

    func list(_ path: String) throws(QueryError) -> [TableFile]? {
        do {
            let (files, plain) = try schemes.resolve(path)
            if !plain.contains("*"), !plain.contains("?"), let status = try files.status(plain), status.isDirectory {
                var found: [TableFile] = []
                try gather(files, plain, [], &found)
                return found.sorted { $0.path < $1.path }
            }
            return try schemes.expand(path).map { TableFile(path: $0.path, byteCount: Int($0.bytes)) }.sorted { $0.path < $1.path }
        } catch {
            if case .notFound = error { return nil }
            throw Self.error(error, path)
        }
    }

    func open(_ file: TableFile) throws(QueryError) -> any TableFileReader {
        do {
            return JobTableReader(path: file.path, files: try schemes.resolve(file.path).files)
        } catch {
            throw Self.error(error, file.path)
        }
    }

    func openRanges(_ file: TableFile) throws(QueryError) -> any TableRanges {
        do {
            return JobTableRanges(path: file.path, files: try schemes.resolve(file.path).files)
        } catch {
            throw Self.error(error, file.path)
        }
    }

    /// Directories that hold columns within one another.
    private static let partitionsMax = 64

    /// The visible files of a directory, and of the directories in it that hold a column.
    private func gather(_ files: any JobFiles, _ directory: String, _ partition: [PartitionText], _ found: inout [TableFile])
        throws(JobFileError)
    {
        for child in try files.list(directory) {
            let name = child.name
            if child.isDirectory, let part = PartitionText(folder: name), partition.count < Self.partitionsMax {
                try gather(files, child.path, partition + [part], &found)
            } else if !child.isDirectory, !JobPath.isHidden(name) {
                found.append(TableFile(path: child.path, byteCount: Int(child.bytes), partition: partition))
            }
        }
    }

    fileprivate static func error(_ error: any Error, _ path: String) -> QueryError {
        QueryError(.failedReadFile, ["path": path, "reason": String(describing: error)])
    }
}

/// Reads one file from its start. Owned by the thread of its query.
private final class JobTableReader: TableFileReader {
    private let path: String
    private let files: any JobFiles
    private let compressed: CompressedInput?
    private var offset: Int64 = 0
    private var isAtEnd = false
    /// Decompressed bytes not yet read.
    private var pending: [UInt8] = []

    init(path: String, files: any JobFiles) {
        self.path = path
        self.files = files
        compressed = CompressedInput(path: path)
    }

    func read(upTo count: Int) throws(QueryError) -> [UInt8] {
        do {
            guard let compressed else { return try readRaw(count) }
            while pending.isEmpty && !isAtEnd {
                // Compressed text grows by a factor of up to a thousand; small steps bound the pending bytes.
                let chunk = try readRaw(64 << 10)
                isAtEnd = chunk.count < 64 << 10
                compressed.feed(chunk, isLast: isAtEnd)
                while let bytes = try compressed.next() { pending += bytes }
            }
            let bytes = Array(pending.prefix(count))
            pending.removeFirst(bytes.count)
            return bytes
        } catch {
            throw JobTableFiles.error(error, path)
        }
    }

    private func readRaw(_ count: Int) throws(JobFileError) -> [UInt8] {
        let bytes = try files.read(path, offset: offset, count: count)
        offset += Int64(bytes.count)
        return bytes
    }
}

/// Reads stretches of one file. Owned by one thread at a time.
private final class JobTableRanges: TableRanges {
    private let path: String
    private let files: any JobFiles

    init(path: String, files: any JobFiles) { (self.path, self.files) = (path, files) }

    func read(at offset: Int, count: Int) throws(QueryError) -> [UInt8] {
        do { return try files.read(path, offset: Int64(offset), count: count) } catch { throw JobTableFiles.error(error, path) }
    }
}
