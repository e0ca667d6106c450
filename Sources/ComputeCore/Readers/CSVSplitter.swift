// Splits CSV bytes into records and fields. The rules are Spark's: quote `"`, escape `\` unless set otherwise (`escape='"'` gives RFC
// 4180's doubled quotes), a quote inside an unquoted field is text, a quoted field with text behind its closing quote is taken as written.
// Without `multiLine` a line end always ends the record.

import QueryCore

struct CSVOptions {
    enum Mode { case permissive, dropMalformed, failFast }

    var separator = UInt8(ascii: ",")
    var quote = UInt8(ascii: "\"")
    var escape = UInt8(ascii: "\\")
    var comment: UInt8?
    var header = false
    var inferSchema = false
    var multiLine = false
    var trimLeading = false
    var trimTrailing = false
    var nullValue: [UInt8] = []
    var mode = Mode.permissive
    var corruptColumn = "_corrupt_record"

    init(_ source: FileSource) throws(QueryError) {
        func flag(_ name: String) -> Bool { source.option(name).map { Identifier.same($0, "true") } ?? false }
        func byte(_ text: String?, _ name: String) throws(QueryError) -> UInt8? {
            guard let text else { return nil }
            let plain = text == "\\t" ? "\t" : text
            guard plain.utf8.count == 1, let byte = plain.utf8.first else {
                throw QueryError.unsupported("CSV option \(name) of more than one byte: '\(text)'")
            }
            return byte
        }
        separator = try byte(source.option("sep") ?? source.option("delimiter"), "sep") ?? separator
        // An empty quote turns quoting off; no text holds a zero byte.
        quote = source.option("quote") == "" ? 0 : try byte(source.option("quote"), "quote") ?? quote
        escape = try byte(source.option("escape"), "escape") ?? escape
        if let text = source.option("comment"), !text.isEmpty { comment = try byte(text, "comment") }
        header = flag("header")
        inferSchema = flag("inferSchema")
        multiLine = flag("multiLine")
        trimLeading = flag("ignoreLeadingWhiteSpace")
        trimTrailing = flag("ignoreTrailingWhiteSpace")
        nullValue = Array((source.option("nullValue") ?? "").utf8)
        corruptColumn = source.option("columnNameOfCorruptRecord") ?? corruptColumn
        switch (source.option("mode") ?? "PERMISSIVE").uppercased() {
        case "DROPMALFORMED": mode = .dropMalformed
        case "FAILFAST": mode = .failFast
        default: mode = .permissive
        }
        if let encoding = source.option("encoding") ?? source.option("charset"),
            !["utf-8", "utf8", "us-ascii"].contains(encoding.lowercased())
        {
            throw QueryError.unsupported("CSV encoding \(encoding)")
        }
    }
}

/// One field of a record: a stretch of the buffer, and whether escapes in it must be undone.
struct CSVField {
    var start: Int
    var end: Int
    var hasEscapes: Bool
}

struct CSVSplitter {
    private let options: CSVOptions
    private var feed: ByteFeed
    private var at = 0
    private(set) var fields: [CSVField] = []
    private(set) var recordStart = 0
    private(set) var recordEnd = 0

    /// Fields of one record: the limit of Spark's parser.
    static let fieldsMax = 20_480

    init(_ feed: ByteFeed, _ options: CSVOptions) {
        self.options = options
        self.feed = feed
    }

    var buffer: [UInt8] { feed.buffer }
    var path: String { feed.path }

    /// Finds the next record that is not blank; its fields are in `fields` until the next call.
    mutating func next() throws(QueryError) -> Bool {
        while true {
            if at >= feed.buffer.count {
                if feed.isAtEnd { return false }
                try refill()
                continue
            }
            let first = feed.buffer[at]
            if first == 0x0A || first == 0x0D {
                at += 1
                continue
            }
            if let comment = options.comment, first == comment {
                guard let end = feed.buffer[at...].firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) else {
                    if feed.isAtEnd { return false }
                    try refill()
                    continue
                }
                at = end
                continue
            }
            recordStart = at
            if split() {
                if fields.count > Self.fieldsMax {
                    throw QueryError(.failedReadFile, ["path": path, "reason": "A record has more than \(Self.fieldsMax) fields."])
                }
                return true
            }
            try refill()
        }
    }

    private mutating func refill() throws(QueryError) {
        try feed.refill(dropping: at)
        at = 0
    }

    // hot: `platform-bench compute`, CSV parse
    /// Splits the record at `at`; false when the buffer ends before the record does.
    private mutating func split() -> Bool {
        fields.removeAll(keepingCapacity: true)
        let isLast = feed.isAtEnd
        let (separator, quote) = (options.separator, options.quote)
        let multiLine = options.multiLine
        let escape = options.escape
        var position = at
        var found = fields
        fields = []
        // The pointer covers the buffer, which does not change until this closure ends.
        let complete = feed.buffer.withUnsafeBufferPointer { bytes in
            let count = bytes.count
            while true {
                let start = position
                if position < count, bytes[position] == quote {
                    guard let next = Self.quoted(bytes, start, separator, quote, escape, multiLine, isLast, &found) else { return false }
                    position = next
                } else {
                    while position < count {
                        let byte = bytes[position]
                        if byte == separator || byte == 0x0A || byte == 0x0D { break }
                        position += 1
                    }
                    if position == count, !isLast { return false }
                    found.append(CSVField(start: start, end: position, hasEscapes: false))
                }
                if position < count, bytes[position] == separator {
                    position += 1
                    continue
                }
                return true
            }
        }
        fields = found
        guard complete else { return false }
        recordEnd = position
        at = position
        if at < feed.buffer.count { at += 1 }
        return true
    }

    /// `bytes` is the whole buffer, alive while `split` runs; positions are compared with its count before use. Parses a quoted field;
    /// returns the position behind it, nil if the buffer ends first.
    private static func quoted(
        _ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ separator: UInt8, _ quote: UInt8, _ escape: UInt8, _ multiLine: Bool,
        _ isLast: Bool,
        _ fields: inout [CSVField]
    ) -> Int? {
        var position = start + 1
        var hasEscapes = false
        while position < bytes.count {
            let byte = bytes[position]
            if byte == escape, escape != quote, position + 1 < bytes.count, bytes[position + 1] == quote || bytes[position + 1] == escape {
                hasEscapes = true
                position += 2
            } else if byte == quote {
                if position + 1 >= bytes.count, !isLast { return nil }
                let next = position + 1 < bytes.count ? bytes[position + 1] : 0x0A
                if next == separator || next == 0x0A || next == 0x0D {
                    fields.append(CSVField(start: start + 1, end: position, hasEscapes: hasEscapes))
                    return position + 1
                }
                if escape == quote, next == quote {
                    hasEscapes = true
                    position += 2
                    continue
                }
                // Text after the closing quote: the whole field stands as written.
                while position < bytes.count, bytes[position] != separator, bytes[position] != 0x0A, bytes[position] != 0x0D {
                    position += 1
                }
                if position == bytes.count, !isLast { return nil }
                fields.append(CSVField(start: start, end: position, hasEscapes: false))
                return position
            } else if !multiLine, byte == 0x0A || byte == 0x0D {
                break
            } else {
                position += 1
            }
        }
        if position >= bytes.count, !isLast { return nil }
        // The quote was never closed.
        let end = min(position, bytes.count)
        fields.append(CSVField(start: start + 1, end: end, hasEscapes: hasEscapes))
        return end
    }

    /// Calls `body` with the field's content. `bytes` is the splitter's buffer and fields lie inside of it; the content is a stretch
    /// of it unless it must be rewritten.
    @inline(__always)
    func withContent<R>(_ field: CSVField, _ bytes: UnsafeBufferPointer<UInt8>, _ body: (FieldBytes) -> R) -> R {
        if field.hasEscapes || options.trimLeading || options.trimTrailing { return content(field).withUnsafeBufferPointer(body) }
        return body(FieldBytes(rebasing: bytes[field.start..<field.end]))
    }

    /// The field's bytes without escapes and, if asked, without outer blanks.
    func content(_ field: CSVField) -> ArraySlice<UInt8> {
        var slice = feed.buffer[field.start..<field.end]
        if field.hasEscapes {
            var plain: [UInt8] = []
            var index = field.start
            while index < field.end {
                let byte = feed.buffer[index]
                if byte == options.escape, index + 1 < field.end,
                    feed.buffer[index + 1] == options.quote || feed.buffer[index + 1] == options.escape
                {
                    index += 1
                }
                plain.append(feed.buffer[index])
                index += 1
            }
            slice = plain[...]
        }
        if options.trimLeading { while let first = slice.first, first <= 0x20 { slice = slice.dropFirst() } }
        if options.trimTrailing { while let last = slice.last, last <= 0x20 { slice = slice.dropLast() } }
        return slice
    }
}
