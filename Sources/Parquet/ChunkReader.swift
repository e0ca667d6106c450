// Reads one column of one row group, a stretch of rows at a time: page by page out of a window of the file, opened when its turn comes. It
// keeps a window of packed bytes, one page and the dictionary; the owner counts that memory before it is taken.
import Codecs

/// The file behind a reader. Both calls may throw errors of their own, which come back as `ParquetError.failedRead`.
package protocol ParquetBytes: AnyObject {
    /// The file's size in bytes.
    var byteCount: Int { get }
    /// Exactly `count` bytes, which lie within the file.
    func read(at offset: Int, count: Int) throws -> [UInt8]
    /// Counts memory that a reader is about to take; negative for memory that it gives back.
    func reserve(_ bytes: Int) throws
}

/// Levels and values of some rows.
package struct LeafRows: Sendable {
    package init(_ leaf: ParquetLeaf) { values = LeafValues(leaf) }

    /// Without nulls.
    package var values: LeafValues
    /// One for each value, null or empty list; empty if the column is required and in no list.
    package var definitions: [UInt8] = []
    /// Empty if the column is in no list.
    package var repetitions: [UInt8] = []
    package var rowCount = 0
}

package final class ChunkReader {
    /// Limit of one page, packed or opened.
    package static let pageBytesMax = 256 << 20
    private static let pageValuesMax = 64 << 20

    private let leaf: ParquetLeaf
    private let chunk: ColumnChunk
    private let rowGroup: Int
    private let memory: CountedMemory
    private var window: ChunkWindow
    private var number = -1
    private var dictionary: LeafValues?
    private var page = OpenPage()
    /// Values of all pages so far, nulls included.
    private var seen = 0

    /// The page whose turn it is.
    private struct OpenPage {
        var values: PageValues?
        var definitions: [UInt8] = []
        var repetitions: [UInt8] = []
        /// The next value, nulls included, and their number.
        var taken = 0
        var count = 0
    }

    /// `windowBytes`: how much of the file one read fetches, unless a page is larger.
    package init(_ leaf: ParquetLeaf, _ chunk: ColumnChunk, rowGroup: Int, file: any ParquetBytes, windowBytes: Int) throws(ParquetError) {
        self.leaf = leaf
        self.chunk = chunk
        self.rowGroup = rowGroup
        let name = leaf.path.joined(separator: ".")
        guard chunk.type == leaf.type else { throw .damaged("column \(name) has another type in a row group") }
        guard chunk.offset >= 0, chunk.offset <= file.byteCount, chunk.compressedBytes <= file.byteCount - chunk.offset else {
            throw .damaged("column \(name) lies outside of the file")
        }
        memory = CountedMemory(file)
        window = ChunkWindow(file, chunk.offset..<chunk.offset + chunk.compressedBytes, windowBytes: windowBytes)
    }

    private var place: ParquetPlace { .page(column: leaf.path.joined(separator: "."), rowGroup: rowGroup, page: max(0, number)) }

    /// Appends the next `rowCount` rows.
    package func read(rowCount: Int, into rows: inout LeafRows) throws(ParquetError) {
        do { try readRows(rowCount, &rows) } catch { throw error.at(place) }
    }

    private func readRows(_ rowCount: Int, _ rows: inout LeafRows) throws(ParquetError) {
        var left = rowCount
        while true {
            if left == 0, try !hasRest() { return }
            if page.taken == page.count { try openPage() }
            let from = page.taken
            var begun = 0
            if leaf.repetition == 0 {
                begun = min(left, page.count - page.taken)
                page.taken += begun
            } else {
                // A row begins at each repetition level of 0; the ones behind it belong to it, also in the next pages.
                while page.taken < page.count, left > begun || page.repetitions[page.taken] > 0 {
                    if page.repetitions[page.taken] == 0 { begun += 1 }
                    page.taken += 1
                }
                if begun == 0, rows.rowCount == 0 { throw .damaged("a row group begins in the middle of a row") }
                rows.repetitions += page.repetitions[from..<page.taken]
            }
            left -= begun
            rows.rowCount += begun
            var present = page.taken - from
            if leaf.definition > 0 {
                present = count(of: leaf.definition, from..<page.taken)
                rows.definitions += page.definitions[from..<page.taken]
            }
            try page.values?.take(present, dictionary: dictionary, into: &rows.values)
        }
    }

    /// Whether values of the last row may be in further pages.
    private func hasRest() throws(ParquetError) -> Bool {
        if leaf.repetition == 0 { return false }
        if page.taken == page.count {
            if seen >= chunk.valueCount { return false }
            try openPage()
        }
        return page.repetitions[page.taken] > 0
    }

    private func count(of level: Int, _ range: Range<Int>) -> Int {
        let level = UInt8(truncatingIfNeeded: level)
        return page.definitions.withUnsafeBufferPointer { levels in
            var count = 0
            for index in range { count &+= levels[index] == level ? 1 : 0 }
            return count
        }
    }

    // MARK: pages

    /// Opens the next data page with values; dictionary pages on the way are kept.
    private func openPage() throws(ParquetError) {
        while page.taken == page.count {
            number += 1
            let header = try nextHeader()
            guard header.packedBytes >= 0, header.packedBytes <= Self.pageBytesMax, header.plainBytes >= 0,
                header.plainBytes <= Self.pageBytesMax
            else { throw .unsupported("a page of \(max(header.packedBytes, header.plainBytes)) bytes, more than \(Self.pageBytesMax)") }
            guard header.valueCount >= 0, header.valueCount <= Self.pageValuesMax else {
                throw .unsupported("a page of \(header.valueCount) values, more than \(Self.pageValuesMax)")
            }
            guard try window.fetch(header.packedBytes, memory) else { throw .damaged("a page ends after its column") }
            // The opened page and for each value two levels, and a code, or a delta with its value.
            let isPlain = [.plain, .dictionary, .plainDictionary].contains(PageEncoding(rawValue: header.encoding))
            try memory.hold(header.plainBytes + header.valueCount * (isPlain ? 6 : 18), for: \.page)
            let range = window.at..<window.at + header.packedBytes
            window.at = range.upperBound
            if let checksum = header.checksum {
                let found = window.bytes.withUnsafeBytes { Crc32.of(UnsafeRawBufferPointer(rebasing: $0[range])) }
                guard found == checksum else { throw .damaged("its checksum is \(found), not \(checksum)") }
            }
            switch PageHeader.Kind(rawValue: header.kind) {
            case .dictionary: try openDictionary(header, range)
            case .data: try openData(header, range)
            case .dataV2: try openDataV2(header, range)
            default: continue
            }
        }
    }

    private func nextHeader() throws(ParquetError) -> PageHeader {
        guard let header = try window.header(memory) else { throw .damaged("the column has \(seen) values, not \(chunk.valueCount)") }
        return header
    }

    private func opened(_ range: Range<Int>, size: Int) throws(ParquetError) -> [UInt8] {
        let codec: Codec
        switch chunk.codec {
        case .none:
            guard range.count == size else { throw .damaged("a plain page of \(range.count) bytes announces \(size)") }
            return Array(window.bytes[range])
        case .snappy: codec = .snappy
        case .gzip: codec = .gzip
        case .zstd: codec = .zstd
        case .lz4: codec = .lz4Block
        case .lzo, .brotli, .lz4Hadoop: throw .unsupported("the compression codec \(Self.codecNames[chunk.codec] ?? "")")
        }
        do {
            return try window.bytes.withUnsafeBufferPointer { bytes throws(CodecError) in
                try codec.open(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[range])), size: size)
            }
        } catch { throw .damaged(error.description) }
    }

    private static let codecNames: [PageCodec: String] = [.lzo: "LZO", .brotli: "BROTLI", .lz4Hadoop: "LZ4 (of Hadoop, without LZ4_RAW)"]

    private func openDictionary(_ header: PageHeader, _ range: Range<Int>) throws(ParquetError) {
        guard dictionary == nil, page.values == nil else { throw .damaged("a dictionary that is not the first page") }
        guard let encoding = PageEncoding(rawValue: header.encoding), encoding == .plain || encoding == .plainDictionary else {
            throw .unsupported("a dictionary in the encoding \(header.encoding)")
        }
        try memory.hold(header.plainBytes + header.valueCount * 12, for: \.dictionary)
        let bytes = PageBytes(try opened(range, size: header.plainBytes))
        dictionary = try PageValues.dictionary(bytes, leaf, count: header.valueCount)
    }

    private func begin(_ header: PageHeader) throws(ParquetError) -> PageEncoding {
        guard let encoding = PageEncoding(rawValue: header.encoding) else { throw .unsupported("the encoding \(header.encoding)") }
        guard header.valueCount <= chunk.valueCount - seen else { throw .damaged("the column has more than \(chunk.valueCount) values") }
        seen += header.valueCount
        (page.taken, page.count) = (0, header.valueCount)
        page.definitions.removeAll(keepingCapacity: true)
        page.repetitions.removeAll(keepingCapacity: true)
        return encoding
    }

    private func openData(_ header: PageHeader, _ range: Range<Int>) throws(ParquetError) {
        let encoding = try begin(header)
        let bytes = PageBytes(try opened(range, size: header.plainBytes))
        var at = 0
        for (max, kind, isRepetition) in [
            (leaf.repetition, header.repetitionEncoding, true), (leaf.definition, header.definitionEncoding, false),
        ] where max > 0 {
            guard kind == PageEncoding.runLength.rawValue else { throw .unsupported("levels in the encoding \(kind)") }
            let length = try bytes.word32(at)
            try bytes.checked(at + 4, length)
            try levels(bytes, at + 4..<at + 4 + length, max: max, isRepetition)
            at += 4 + length
        }
        try openValues(bytes, at, encoding)
    }

    private func openDataV2(_ header: PageHeader, _ range: Range<Int>) throws(ParquetError) {
        let encoding = try begin(header)
        let (repetitionBytes, definitionBytes) = (header.version2.repetitionBytes, header.version2.definitionBytes)
        guard repetitionBytes >= 0, definitionBytes >= 0, repetitionBytes <= range.count, definitionBytes <= range.count - repetitionBytes,
            repetitionBytes + definitionBytes <= header.plainBytes
        else { throw .damaged("levels that are longer than their page") }
        let levelBytes = repetitionBytes + definitionBytes
        let levelPage = PageBytes(Array(window.bytes[range.prefix(levelBytes)]))
        if leaf.repetition > 0 { try levels(levelPage, 0..<repetitionBytes, max: leaf.repetition, true) }
        if leaf.definition > 0 { try levels(levelPage, repetitionBytes..<levelBytes, max: leaf.definition, false) }
        let packed = range.lowerBound + levelBytes..<range.upperBound
        let plainBytes = header.plainBytes - levelBytes
        let isPacked = header.version2.isCompressed && chunk.codec != .none && !packed.isEmpty
        let bytes = PageBytes(isPacked ? try opened(packed, size: plainBytes) : Array(window.bytes[packed]))
        try openValues(bytes, 0, encoding)
    }

    private func levels(_ bytes: PageBytes, _ range: Range<Int>, max: Int, _ isRepetition: Bool) throws(ParquetError) {
        let width = Int.bitWidth - max.leadingZeroBitCount
        if isRepetition {
            try BitRuns.read(bytes, range, width: width, count: page.count, into: &page.repetitions)
        } else {
            try BitRuns.read(bytes, range, width: width, count: page.count, into: &page.definitions)
        }
        let limit = UInt8(max)
        var greatest: UInt8 = 0
        for level in isRepetition ? page.repetitions : page.definitions { greatest = Swift.max(greatest, level) }
        guard greatest <= limit else { throw .damaged("a level of \(greatest) where \(max) is the highest") }
    }

    private func openValues(_ bytes: PageBytes, _ at: Int, _ encoding: PageEncoding) throws(ParquetError) {
        let present = leaf.definition > 0 ? count(of: leaf.definition, 0..<page.count) : page.count
        page.values = try PageValues(bytes, at, encoding, leaf, count: present, dictionary: dictionary)
    }
}
