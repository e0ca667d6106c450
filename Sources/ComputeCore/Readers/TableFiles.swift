// The engine's port to files: dfs, local disks and tests stand behind it. Implementers decompress (`.gz`) and give plain bytes to those who
// read forwards; ranges are of the bytes as stored.

import QueryCore

package protocol TableFiles: Sendable {
    /// The files of a path: itself, or the files of a directory and of the directories in it that are named `column=value`, sorted by path;
    /// nil if it does not exist.
    func list(_ path: String) throws(QueryError) -> [TableFile]?
    func open(_ file: TableFile) throws(QueryError) -> any TableFileReader
    /// For formats whose readers choose what to read. The bytes come as they are stored.
    func openRanges(_ file: TableFile) throws(QueryError) -> any TableRanges
}

package struct TableFile: Hashable, Sendable {
    package var path: String
    /// The stored size; compressed files give more bytes than this.
    package var byteCount: Int
    /// The directories between the listed path and the file that hold columns, from the outermost.
    package var partition: [PartitionText]

    package init(path: String, byteCount: Int, partition: [PartitionText] = []) {
        self.path = path
        self.byteCount = byteCount
        self.partition = partition
    }
}

package protocol TableRanges: AnyObject {
    /// The bytes from `offset` on; fewer than `count` only at the end of the file.
    func read(at offset: Int, count: Int) throws(QueryError) -> [UInt8]
}

package protocol TableFileReader: AnyObject {
    /// The next bytes, at most `count`, possibly fewer; empty at the end.
    func read(upTo count: Int) throws(QueryError) -> [UInt8]
}

extension TableFiles {
    /// All data files of the paths; names that begin with `_` or `.` are markers and not data, as in Hadoop.
    func dataFiles(_ paths: [String]) throws(QueryError) -> [TableFile] {
        var files: [TableFile] = []
        for path in paths {
            guard let found = try list(path) else { throw QueryError(.pathNotFound, ["path": path]) }
            files += found.filter { file in
                let name = file.path.split(separator: "/").last ?? ""
                return file.path == path || !(name.hasPrefix("_") || name.hasPrefix("."))
            }
        }
        return files
    }
}

/// Hands out whole stretches of a file, read in large steps, or of a morsel in memory; shared by the CSV, JSON and text readers. A byte
/// order mark at the start of a file is no data.
struct ByteFeed {
    static let chunkBytes = 1 << 20
    /// Limit of a record (line); a longer one is refused, as it would fill the memory.
    static let recordBytesMax = 64 << 20

    private let reader: (any TableFileReader)?
    let path: String
    private(set) var buffer: [UInt8] = []
    private(set) var isAtEnd = false
    private var isStart = true

    init(_ reader: any TableFileReader, path: String) {
        self.reader = reader
        self.path = path
    }

    init(_ bytes: [UInt8], path: String) {
        reader = nil
        self.path = path
        buffer = bytes
        isAtEnd = true
    }

    static func tooLong(_ path: String) -> QueryError {
        QueryError(.failedReadFile, ["path": path, "reason": "A record is longer than \(recordBytesMax) bytes."])
    }

    /// The bytes, without the byte order mark at the start of a file.
    static func withoutMark(_ bytes: [UInt8], _ isStart: Bool) -> [UInt8] {
        isStart && bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
    }

    /// Drops `used` bytes from the front and appends the next chunk.
    mutating func refill(dropping used: Int) throws(QueryError) {
        guard let reader else { return }
        buffer.removeSubrange(0..<used)
        if buffer.count > Self.recordBytesMax { throw Self.tooLong(path) }
        // The mark may come in pieces.
        repeat {
            let more = try reader.read(upTo: Self.chunkBytes)
            if more.isEmpty { isAtEnd = true } else { buffer += more }
        } while isStart && buffer.count < 3 && !isAtEnd
        if isStart { buffer = Self.withoutMark(buffer, true) }
        isStart = false
    }
}

/// Lines without their ends (`\n`, `\r\n`).
struct LineFeed {
    private var feed: ByteFeed
    private var at = 0

    init(_ feed: ByteFeed) { self.feed = feed }

    mutating func next() throws(QueryError) -> ArraySlice<UInt8>? {
        while true {
            if let end = feed.buffer[at...].firstIndex(of: 0x0A) {
                var line = feed.buffer[at..<end]
                if line.last == 0x0D { line = line.dropLast() }
                at = end + 1
                return line
            }
            if feed.isAtEnd {
                guard at < feed.buffer.count else { return nil }
                let line = feed.buffer[at...]
                at = feed.buffer.count
                return line
            }
            try feed.refill(dropping: at)
            at = 0
        }
    }
}
