// Text files in morsels: stretches of whole lines, read one after another in the queue's turn and parsed by the chain that took them. With
// records across line ends (`multiLine`) a morsel is a whole file.

import QueryCore

struct FileMorsel {
    let number: Int
    let file: TableFile
    var feed: ByteFeed
    /// Whether it begins its file, where the header is.
    let isStart: Bool
}

/// Shared by the chains of one scan; its state is used in the queue's turn only.
final class FileMorsels {
    /// Limit of the morsels by the sizes of the files; compressed files may have more.
    let pieces: Int
    private let port: any TableFiles
    private let morselBytes: Int
    /// Of timestamps that name none; nil for UTC.
    let zone: ZoneRules?
    private let wholeFiles: Bool
    private let lines: LineRule
    private let queue: MorselQueue
    private var files: ArraySlice<TableFile>
    private var reader: (any TableFileReader)?
    private var file = TableFile(path: "", byteCount: 0)
    private var isStart = true
    private var carry: [UInt8] = []

    /// The possible ends of a stretch.
    enum LineRule {
        case newline
        /// A carriage return alone ends a line too. The first stretch of a file has a line that is neither blank nor a comment.
        case anyEnd(comment: UInt8?)
    }

    init(_ files: [TableFile], _ context: QueryContext, wholeFiles: Bool = false, lines: LineRule = .newline, _ queue: MorselQueue) {
        self.files = files[...]
        port = context.files
        morselBytes = context.morselBytes
        zone = context.zone
        self.wholeFiles = wholeFiles
        self.lines = lines
        self.queue = queue
        let morselBytes = morselBytes
        pieces = wholeFiles ? files.count : files.reduce(0) { $0 + $1.byteCount / morselBytes + 1 }
    }

    /// Nil after the last morsel, or if the round allows no more.
    func next() throws(QueryError) -> FileMorsel? {
        let claimed = try queue.claim { (number) throws(QueryError) in try take(number) }
        return claimed?.piece
    }

    private func take(_ number: Int) throws(QueryError) -> FileMorsel? {
        while true {
            if reader == nil {
                guard let file = files.popFirst() else { return nil }
                self.file = file
                reader = try port.open(file)
                isStart = true
                carry = []
            }
            guard let reader else { return nil }
            if wholeFiles {
                self.reader = nil
                return FileMorsel(number: number, file: file, feed: ByteFeed(reader, path: file.path), isStart: true)
            }
            let block = try stretch(reader)
            if block.isEmpty { continue }
            defer { isStart = false }
            return FileMorsel(number: number, file: file, feed: ByteFeed(block, path: file.path), isStart: isStart)
        }
    }

    /// Lines of about `morselBytes`; empty at the end of the file.
    private func stretch(_ reader: any TableFileReader) throws(QueryError) -> [UInt8] {
        var wanted = morselBytes
        while true {
            while carry.count < wanted {
                let more = try reader.read(upTo: morselBytes)
                if more.isEmpty {
                    self.reader = nil
                    defer { carry = [] }
                    return ByteFeed.withoutMark(carry, isStart)
                }
                if carry.isEmpty { carry = more } else { carry += more }
            }
            if let end = lineEnd() {
                let rest = Array(carry[end...])
                carry.removeLast(carry.count - end)
                defer { carry = rest }
                return ByteFeed.withoutMark(carry, isStart)
            }
            if carry.count > ByteFeed.recordBytesMax { throw ByteFeed.tooLong(file.path) }
            wanted = carry.count + morselBytes
        }
    }

    /// The position behind the last whole line; nil if the stretch must go on.
    private func lineEnd() -> Int? {
        switch lines {
        case .newline: return carry.lastIndex(of: 0x0A).map { $0 + 1 }
        case .anyEnd(let comment):
            // A carriage return at the very end may have its newline behind it.
            guard let end = carry.lastIndex(of: 0x0A) ?? carry.dropLast().lastIndex(of: 0x0D) else { return nil }
            return !isStart || Self.hasRecord(carry[...end], comment) ? end + 1 : nil
        }
    }

    private static func hasRecord(_ bytes: ArraySlice<UInt8>, _ comment: UInt8?) -> Bool {
        var atStart = true
        for byte in bytes {
            let endsLine = byte == 0x0A || byte == 0x0D
            if atStart, !endsLine, byte != comment { return true }
            atStart = endsLine
        }
        return false
    }
}
