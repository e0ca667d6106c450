// Zstandard, reading only: frames, blocks, literals and sequences. Dictionaries are refused; frame checksums are ignored, since a record
// batch has one of its own. Every length and distance is checked against the available bytes, and the output is bounded. Source: RFC 8878,
// section 3.
import Base

struct ZstdDecoder: ~Copyable {
    private static let magic: UInt32 = 0xfd2f_b528
    private static let skippableMagic: UInt32 = 0x184d_2a50
    private static let blockBytesMax = 128 << 10

    private var plain: DecodedWindow
    private var frameStart = 0
    private var huffman: ZstdHuffmanTable?
    private var tables: [ZstdStateTable?] = [nil, nil, nil]
    /// The last three distances.
    private var recent = [1, 4, 8]

    /// The largest window of back references, in bytes.
    private static let reachMax = 32 << 20

    static func decode(_ packed: Bytes, bytesMax: Int, _ sink: DecodedSink) throws(WireError) {
        var decoder = ZstdDecoder(bytesMax: bytesMax)
        var input = Array(packed.readableBytesView)[...]
        while !input.isEmpty { if try !decoder.frame(&input, sink) { return } }
        _ = try decoder.plain.hand(isLast: true, sink)
    }

    private init(bytesMax: Int) { plain = DecodedWindow(reach: 0, bytesMax: bytesMax) }

    // MARK: frames and blocks

    private static func number(_ input: inout ArraySlice<UInt8>, _ size: Int) throws(WireError) -> UInt64 {
        let bytes = try take(&input, size)
        var value: UInt64 = 0
        for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
        return value
    }

    private static func take(_ input: inout ArraySlice<UInt8>, _ size: Int) throws(WireError) -> ArraySlice<UInt8> {
        guard size >= 0, size <= input.count else { throw .truncated(needed: size, remaining: input.count) }
        defer { input = input.dropFirst(size) }
        return input.prefix(size)
    }

    /// false if the sink ends early.
    private mutating func frame(_ input: inout ArraySlice<UInt8>, _ sink: DecodedSink) throws(WireError) -> Bool {
        let magic = UInt32(try Self.number(&input, 4))
        if magic & 0xffff_fff0 == Self.skippableMagic {
            _ = try Self.take(&input, Int(try Self.number(&input, 4)))
            return true
        }
        guard magic == Self.magic else { throw .unknownTag("zstd frame magic", Int(magic)) }
        let descriptor = try Self.number(&input, 1)
        let isSingle = descriptor & 0x20 != 0
        guard descriptor & 0x08 == 0 else { throw .unknownTag("zstd frame header", Int(descriptor)) }
        var window = isSingle ? 0 : Self.windowBytes(try Self.number(&input, 1))
        let dictionaryBytes = [0, 1, 2, 4][Int(descriptor & 3)]
        guard try Self.number(&input, dictionaryBytes) == 0 else { throw .unknownTag("zstd dictionary", 1) }
        let size = try Self.number(&input, [isSingle ? 1 : 0, 2, 4, 8][Int(descriptor >> 6)])
        // A single-segment frame refers back to all of itself; a two-byte size is stored minus 256.
        if isSingle { window = Int(clamping: size &+ (descriptor >> 6 == 1 ? 256 : 0)) }
        plain.reach = max(plain.reach, min(window, Self.reachMax))
        (frameStart, huffman, tables, recent) = (plain.total, nil, [nil, nil, nil], [1, 4, 8])
        var isLast = false
        while !isLast {
            let header = Int(try Self.number(&input, 3))
            isLast = header & 1 == 1
            try block(kind: header >> 1 & 3, size: header >> 3, &input)
            if try !plain.hand(sink) { return false }
        }
        if descriptor & 0x04 != 0 { _ = try Self.take(&input, 4) }
        return true
    }

    /// The size in a window descriptor: a power of two and eighths of it.
    private static func windowBytes(_ descriptor: UInt64) -> Int {
        let base = 1 << (10 + Int(descriptor >> 3))
        return base + base / 8 * Int(descriptor & 7)
    }

    private mutating func block(kind: Int, size: Int, _ input: inout ArraySlice<UInt8>) throws(WireError) {
        guard size <= Self.blockBytesMax else { throw .overLimit("zstd block bytes", size) }
        switch kind {
        case 0: try plain.append(try Self.take(&input, size))
        case 1:
            try plain.append(UInt8(try Self.number(&input, 1)), times: size)
        case 2:
            var content = try Self.take(&input, size)
            let literals = try literals(&content)
            try sequences(content, literals)
        default: throw .unknownTag("zstd block type", kind)
        }
    }

    // MARK: literals

    private mutating func literals(_ input: inout ArraySlice<UInt8>) throws(WireError) -> [UInt8] {
        guard let first = input.first.map(Int.init) else { throw .truncated(needed: 1, remaining: 0) }
        let (kind, format) = (first & 3, first >> 2 & 3)
        guard kind >= 2 else {
            let headerBytes = [1, 2, 1, 3][format]
            let size = Int(try Self.number(&input, headerBytes)) >> (headerBytes == 1 ? 3 : 4)
            guard size <= Self.blockBytesMax else { throw .overLimit("zstd literals", size) }
            return kind == 0 ? Array(try Self.take(&input, size)) : Array(repeating: UInt8(try Self.number(&input, 1)), count: size)
        }
        let sizeBits = [10, 10, 14, 18][format]
        let header = Int(try Self.number(&input, [3, 3, 4, 5][format]))
        let (size, packedSize) = (header >> 4 & ((1 << sizeBits) - 1), header >> (4 + sizeBits) & ((1 << sizeBits) - 1))
        guard size <= Self.blockBytesMax else { throw .overLimit("zstd literals", size) }
        var packed = try Self.take(&input, packedSize)
        if kind == 2 {
            let (table, taken) = try ZstdHuffmanTable.read(packed)
            huffman = table
            packed = packed.dropFirst(taken)
        }
        guard let huffman else { throw .unknownTag("zstd literals without a code", kind) }
        var literals: [UInt8] = []
        literals.reserveCapacity(size)
        guard format != 0 else {
            try huffman.decode(packed, count: size, into: &literals)
            return literals
        }
        let sizes = [Int(try Self.number(&packed, 2)), Int(try Self.number(&packed, 2)), Int(try Self.number(&packed, 2))]
        let quarter = (size + 3) / 4
        guard size >= 3 * quarter else { throw .unknownTag("zstd literals in four streams", size) }
        for streamSize in sizes { try huffman.decode(try Self.take(&packed, streamSize), count: quarter, into: &literals) }
        try huffman.decode(packed, count: size - 3 * quarter, into: &literals)
        return literals
    }

    // MARK: sequences

    private mutating func sequences(_ content: ArraySlice<UInt8>, _ literals: [UInt8]) throws(WireError) {
        var input = content
        var count = Int(try Self.number(&input, 1))
        if count == 255 {
            count = Int(try Self.number(&input, 2)) + 0x7f00
        } else if count >= 128 {
            count = (count - 128) << 8 + Int(try Self.number(&input, 1))
        }
        guard count > 0 else {
            guard input.isEmpty else { throw .trailingBytes(input.count) }
            return try plain.append(literals[...])
        }
        let modes = Int(try Self.number(&input, 1))
        guard modes & 3 == 0 else { throw .unknownTag("zstd table modes", modes) }
        for kind in ZstdSequenceKind.allCases { try table(kind, mode: modes >> kind.modeShift & 3, &input) }
        guard let lengths = tables[0], let offsets = tables[1], let matches = tables[2] else {
            preconditionFailure("each mode makes a table or throws")
        }
        var bits = try ZstdBackwardBits(input)
        var (lengthState, offsetState, matchState) = (bits.read(lengths.accuracy), bits.read(offsets.accuracy), bits.read(matches.accuracy))
        var taken = 0
        for number in 0..<count {
            let (length, offset, match) = (lengths.entries[lengthState], offsets.entries[offsetState], matches.entries[matchState])
            guard offset.symbol <= 31, length.symbol <= 35, match.symbol <= 52 else {
                throw .unknownTag("zstd sequence code", Int(offset.symbol))
            }
            let distanceCode = 1 << Int(offset.symbol) + bits.read(Int(offset.symbol))
            let matchLength = ZstdSequenceKind.matchBases[Int(match.symbol)] + bits.read(ZstdSequenceKind.matchBits[Int(match.symbol)])
            let literalLength =
                ZstdSequenceKind.literalBases[Int(length.symbol)] + bits.read(ZstdSequenceKind.literalBits[Int(length.symbol)])
            guard bits.left >= 0, taken + literalLength <= literals.count else {
                throw .truncated(needed: literalLength, remaining: literals.count - taken)
            }
            try plain.append(literals[taken..<(taken + literalLength)])
            taken += literalLength
            try copy(matchLength, from: distance(distanceCode, hasLiterals: literalLength > 0))
            guard number < count - 1 else { break }
            lengthState = Int(length.base) + bits.read(Int(length.bits))
            matchState = Int(match.base) + bits.read(Int(match.bits))
            offsetState = Int(offset.base) + bits.read(Int(offset.bits))
        }
        guard bits.left == 0 else { throw .unknownTag("bits left in a zstd stream", bits.left) }
        try plain.append(literals[taken...])
    }

    private mutating func table(_ kind: ZstdSequenceKind, mode: Int, _ input: inout ArraySlice<UInt8>) throws(WireError) {
        switch mode {
        case 0: tables[kind.rawValue] = kind.predefined
        case 1: tables[kind.rawValue] = ZstdStateTable(only: UInt8(try Self.number(&input, 1)))
        case 2:
            let (table, size) = try ZstdStateTable.read(input, accuracyMax: kind.accuracyMax, symbolsMax: kind.symbolsMax)
            tables[kind.rawValue] = table
            input = input.dropFirst(size)
        default: guard tables[kind.rawValue] != nil else { throw .unknownTag("zstd table that is used again", kind.rawValue) }
        }
    }

    /// The distance of a code; the last three distances have codes of their own, which shift if there are no literals before.
    private mutating func distance(_ code: Int, hasLiterals: Bool) -> Int {
        guard code <= 3 else {
            recent = [code - 3, recent[0], recent[1]]
            return code - 3
        }
        let place = code - (hasLiterals ? 1 : 0)
        let distance = place == 3 ? recent[0] - 1 : recent[place]
        if place == 1 { recent = [distance, recent[0], recent[2]] } else if place >= 2 { recent = [distance, recent[0], recent[1]] }
        return distance
    }

    private mutating func copy(_ length: Int, from distance: Int) throws(WireError) {
        guard distance > 0, distance <= plain.total - frameStart else { throw .overLimit("zstd distance", distance) }
        try plain.copy(length, from: distance)
    }
}

/// The three parts of a sequence with their fixed tables.
enum ZstdSequenceKind: Int, CaseIterable {
    case literalLength = 0
    case offset = 1
    case matchLength = 2

    var modeShift: Int { 6 - 2 * rawValue }
    var accuracyMax: Int { self == .offset ? 8 : 9 }
    var symbolsMax: Int { [36, 32, 53][rawValue] }

    var predefined: ZstdStateTable { Self.predefinedTables[rawValue] }

    private static let predefinedTables = [
        ZstdStateTable(
            [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1], accuracy: 6),
        ZstdStateTable([1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1], accuracy: 5),
        ZstdStateTable([1, 4, 3, 2, 2, 2, 2, 2, 2] + Array(repeating: 1, count: 37) + Array(repeating: -1, count: 7), accuracy: 6),
    ]

    static let literalBits = Array(repeating: 0, count: 16) + [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
    static let literalBases =
        Array(0..<16) + [16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536]
    static let matchBits = Array(repeating: 0, count: 32) + [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
    static let matchBases =
        Array(3..<35) + [35, 37, 39, 41, 43, 47, 51, 59, 67, 83, 99, 131, 259, 515, 1027, 2051, 4099, 8195, 16387, 32771, 65539]
}
