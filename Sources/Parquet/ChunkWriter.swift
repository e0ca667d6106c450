// Writes one column of one row group: values gather into a page, full pages are encoded and compressed at once, the dictionary goes before
// them at the end. A dictionary that grows too large is left: its pages stay, later ones are plain. Source: apache/parquet-format,
// README.md and Encodings.md.
import Codecs

package struct WriterSettings: Sendable {
    /// Snappy as Spark's default; `none`, `gzip`, `zstd` and `lz4` (raw) are the others that can be written.
    package var codec = PageCodec.snappy
    /// Of gzip and zstd; nil is the library's default.
    package var level: Int?
    /// A row group ends when its encoded pages have this many bytes.
    package var rowGroupBytes = 128 << 20
    package var pageBytes = 1 << 20
    package var pageRows = 20_000
    /// Zero writes no dictionaries.
    package var dictionaryBytes = 1 << 20
    /// Pages of version 2, whose levels are not compressed.
    package var writesVersion2 = false

    package init() {}
}

struct ChunkWriter {
    private let leaf: ParquetLeaf
    private let settings: WriterSettings

    /// The page at hand.
    private var page: LeafRows
    private var dictionary: DictionaryBuilder?
    private var usesDictionary = false
    private var usesPlain = false
    private var pages: [UInt8] = []
    private var plainBytes = 0
    private var valueCount = 0
    private var bounds: ColumnBounds

    init(_ leaf: ParquetLeaf, _ settings: WriterSettings) {
        self.leaf = leaf
        self.settings = settings
        page = LeafRows(leaf)
        bounds = ColumnBounds(leaf)
        if settings.dictionaryBytes > 0, leaf.type != .boolean {
            dictionary = DictionaryBuilder(page.values.layout, bytesMax: settings.dictionaryBytes)
        }
    }

    /// Memory of the kept pages and values, about.
    var keptBytes: Int {
        pages.count + page.values.plainBytes + page.definitions.count + page.repetitions.count + (dictionary?.values.plainBytes ?? 0)
    }

    mutating func append(_ more: LeafRows) throws(ParquetError) {
        try page.values.append(more.values, 0..<more.values.count)
        page.definitions += more.definitions
        page.repetitions += more.repetitions
        page.rowCount += more.rowCount
        bounds.add(more.values)
        if page.rowCount >= settings.pageRows || page.values.plainBytes >= settings.pageBytes { try endPage() }
    }

    // MARK: pages

    private mutating func endPage() throws(ParquetError) {
        guard page.rowCount > 0 else { return }
        let (encoding, body) = encodedValues()
        let count = leaf.definition > 0 || leaf.repetition > 0 ? page.definitions.count : page.values.count
        var header = PageHeader()
        header.valueCount = count
        header.version2.nullCount = count - page.values.count
        header.version2.rowCount = page.rowCount
        header.encoding = encoding.rawValue
        let (repetitionLevels, definitionLevels) = (levels(page.repetitions, leaf.repetition), levels(page.definitions, leaf.definition))
        if settings.writesVersion2 {
            header.kind = PageHeader.Kind.dataV2.rawValue
            header.version2.repetitionBytes = repetitionLevels.count
            header.version2.definitionBytes = definitionLevels.count
            header.version2.isCompressed = settings.codec != .none
            try write(header, plain: repetitionLevels + definitionLevels, packed: body)
        } else {
            header.kind = PageHeader.Kind.data.rawValue
            var whole: [UInt8] = []
            for (max, bytes) in [(leaf.repetition, repetitionLevels), (leaf.definition, definitionLevels)] where max > 0 {
                for shift in [0, 8, 16, 24] { whole.append(UInt8(truncatingIfNeeded: bytes.count >> shift)) }
                whole += bytes
            }
            try write(header, plain: [], packed: whole + body)
        }
        valueCount += count
        bounds.nullCount += count - page.values.count
        page = LeafRows(leaf)
    }

    private func levels(_ levels: [UInt8], _ max: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        if max > 0 { RunWriter.write(levels, width: Int.bitWidth - max.leadingZeroBitCount, into: &bytes) }
        return bytes
    }

    private mutating func encodedValues() -> (PageEncoding, [UInt8]) {
        if var builder = dictionary {
            // Taken out, so that the builder is changed in place.
            dictionary = nil
            if let codes = builder.codes(page.values) {
                let width = max(1, Int.bitWidth - max(0, builder.count - 1).leadingZeroBitCount)
                // A first page that a dictionary does not make smaller says that no dictionary will.
                if usesDictionary || builder.values.plainBytes + codes.count * width / 8 < max(page.values.plainBytes, 64) {
                    dictionary = builder
                    usesDictionary = true
                    var body = [UInt8(width)]
                    RunWriter.write(codes, width: width, into: &body)
                    return (.dictionary, body)
                }
            }
            if usesDictionary { leftDictionary = builder.values }
        }
        usesPlain = true
        return (.plain, page.values.plainEncoded)
    }

    /// The dictionary of the first pages, after later values did not fit it.
    private var leftDictionary: LeafValues?

    private mutating func write(_ header: PageHeader, plain: [UInt8], packed: [UInt8]) throws(ParquetError) {
        var header = header
        header.plainBytes = plain.count + packed.count
        guard header.plainBytes <= ChunkReader.pageBytesMax else {
            throw .unsupported("values of \(header.plainBytes) bytes in one page, more than \(ChunkReader.pageBytesMax)")
        }
        let body = plain + compressed(packed)
        header.packedBytes = body.count
        header.checksum = Crc32.of(body)
        let head = header.encoded
        pages += head
        pages += body
        plainBytes += head.count + header.plainBytes
    }

    private func compressed(_ bytes: [UInt8]) -> [UInt8] {
        switch settings.codec {
        case .snappy: Codec.snappy.compress(bytes)
        case .gzip: Codec.gzip.compress(bytes, level: settings.level)
        case .zstd: Codec.zstd.compress(bytes, level: settings.level)
        case .lz4: Codec.lz4Block.compress(bytes)
        default: bytes
        }
    }

    /// Ends the chunk, which begins at `offset` in the file: its bytes and metadata.
    mutating func finish(at offset: Int) throws(ParquetError) -> (bytes: [UInt8], chunk: ColumnChunk) {
        try endPage()
        let data = pages
        var chunk = ColumnChunk()
        chunk.type = leaf.type
        chunk.codec = settings.codec
        chunk.path = leaf.path
        chunk.valueCount = valueCount
        chunk.statistics = bounds.statistics
        chunk.encodings = [.runLength]
        var bytes: [UInt8] = []
        if usesDictionary, let values = leftDictionary ?? dictionary?.values {
            pages = []
            var header = PageHeader()
            header.kind = PageHeader.Kind.dictionary.rawValue
            header.valueCount = values.count
            header.encoding = PageEncoding.plain.rawValue
            try write(header, plain: [], packed: values.plainEncoded)
            bytes = pages
            chunk.dictionaryPageOffset = offset
            chunk.encodings.append(.dictionary)
        }
        if usesPlain || usesDictionary { chunk.encodings.append(.plain) }
        chunk.dataPageOffset = offset + bytes.count
        bytes += data
        chunk.compressedBytes = bytes.count
        chunk.plainBytes = plainBytes
        return (bytes, chunk)
    }
}

extension LeafValues {
    /// Bytes of the values in PLAIN encoding; of truth values about.
    var plainBytes: Int {
        switch layout {
        case .booleans: booleans.count / 8
        case .int32: int32s.count * 4
        case .int64: int64s.count * 8
        case .float: floats.count * 4
        case .double: doubles.count * 8
        case .bytes: bytes.count + (offsets.count - 1) * 4
        case .fixed: bytes.count
        }
    }

    var plainEncoded: [UInt8] {
        switch layout {
        case .booleans:
            var packed = [UInt8](repeating: 0, count: (booleans.count + 7) / 8)
            for index in booleans.indices { packed[index >> 3] |= booleans[index] << UInt8(index & 7) }
            return packed
        case .int32: return int32s.withUnsafeBytes { Array($0) }
        case .int64: return int64s.withUnsafeBytes { Array($0) }
        case .float: return floats.withUnsafeBytes { Array($0) }
        case .double: return doubles.withUnsafeBytes { Array($0) }
        case .fixed: return bytes
        case .bytes:
            let total = plainBytes
            return [UInt8](unsafeUninitializedCapacity: total) { output, filled in
                // Each text takes four bytes and its own, which sum up to `total`.
                bytes.withUnsafeBufferPointer { source in
                    var at = 0
                    for index in 0..<offsets.count - 1 {
                        let start = Int(offsets[index])
                        let length = Int(offsets[index + 1]) - start
                        for shift in [0, 8, 16, 24] {
                            output.initializeElement(at: at, to: UInt8(truncatingIfNeeded: length >> shift))
                            at += 1
                        }
                        if length > 0, let to = output.baseAddress, let from = source.baseAddress {
                            (to + at).initialize(from: from + start, count: length)
                            at += length
                        }
                    }
                }
                filled = total
            }
        }
    }
}
