// Hashes of values and checksums of bytes. Source: Spark SQL reference, "Hash Functions"; MurmurHash3 x86_32 as Spark applies it; xxHash
// specification; CRC-32 of ISO 3309.

import QueryCore

enum HashRows {
    static let rows: [ScalarRow] = [
        ScalarRow(hashed("hash", .int)) { (input) throws(QueryError) in
            try input.valueColumn { values in
                var hash = Murmur(state: 42)
                for (value, argument) in zip(values, input.arguments) { hash.add(value, argument.column.type) }
                return .integer(Int64(Int32(bitPattern: hash.state)))
            }
        },
        ScalarRow(hashed("xxhash64", .long)) { (input) throws(QueryError) in
            try input.valueColumn { values in
                var hash = XXHash(state: 42)
                for (value, argument) in zip(values, input.arguments) { hash.add(value, argument.column.type) }
                return .integer(Int64(bitPattern: hash.state))
            }
        },
        ScalarRow(FunctionSignature("crc32", [.binary], .type(.long))) { (input) throws(QueryError) in
            let binaries = input.texts(0)
            return try input.integerColumn { Int64(checksum(binaries[$0])) }
        },
        digest("md5", []) { MessageDigests.md5($0) },
        digest("sha1", ["sha"]) { MessageDigests.sha1($0) },
        ScalarRow(FunctionSignature("sha2", [.binary, .int], .type(.string), nulls: .possible)) { (input) throws(QueryError) in
            let (binaries, bits) = (input.texts(0), input.integers(1))
            return try input.textColumn { row, out in
                guard let digest = MessageDigests.sha2(binaries[row], bits: Int(bits[row])) else { return false }
                appendHexadecimal(digest, &out)
                return true
            }
        },
    ]

    private static func hashed(_ name: String, _ type: DataType) -> FunctionSignature {
        let rule = TypeRule("\"ANY\"") { (arguments) throws(QueryError) in
            for argument in arguments where holdsMap(argument.type) {
                throw QueryError(.hashMapType, ["sqlExpr": "\"\(name)\"", "functionName": "`\(name)`"])
            }
            return (arguments.map(\.type), type)
        }
        let parameters = [FunctionSignature.Parameter](repeating: .any, count: FunctionSignature.many)
        return FunctionSignature(name, parameters, required: 1, .rule(rule), nulls: .accepted)
    }

    private static func holdsMap(_ type: DataType) -> Bool {
        switch type {
        case .map: true
        case .array(let element, _): holdsMap(element)
        case .structure(let fields): fields.contains { holdsMap($0.type) }
        default: false
        }
    }

    private static func digest(_ name: String, _ aliases: [String], _ body: @escaping @Sendable (ArraySlice<UInt8>) -> [UInt8]) -> ScalarRow
    {
        ScalarRow(FunctionSignature(name, aliases: aliases, [.binary], .type(.string))) { (input) throws(QueryError) in
            let binaries = input.texts(0)
            return try input.textColumn { row, out in
                appendHexadecimal(body(binaries[row]), &out)
                return true
            }
        }
    }

    private static func appendHexadecimal(_ bytes: [UInt8], _ out: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        for byte in bytes { out += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
    }

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }

    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        ~bytes.reduce(~UInt32(0)) { table[Int(($0 ^ UInt32($1)) & 0xFF)] ^ $0 >> 8 }
    }
}

/// What a hash takes of a value: whole numbers of 32 and 64 bits, and bytes. A null changes nothing.
protocol ValueHash {
    mutating func add(_ number: Int32)
    mutating func add(_ number: Int64)
    mutating func add(_ bytes: [UInt8])
}

extension ValueHash {
    mutating func add(_ value: Value, _ type: DataType) {
        switch (value, type) {
        case (.boolean(let flag), _): add(Int32(flag ? 1 : 0))
        case (.integer(let number), .long), (.integer(let number), .timestamp): add(number)
        case (.integer(let number), _): add(Int32(truncatingIfNeeded: number))
        case (.double(let number), .float):
            add(Int32(bitPattern: number == 0 ? 0 : number.isNaN ? 0x7FC0_0000 : Float(number).bitPattern))
        case (.double(let number), _):
            add(Int64(bitPattern: number == 0 ? 0 : number.isNaN ? 0x7FF8_0000_0000_0000 : number.bitPattern))
        case (.decimal(let number), .decimal(let precision, _)):
            if precision <= 18 { add(Int64(truncatingIfNeeded: number)) } else { add(Self.bytes(number)) }
        case (.string(let text), _): add(Array(text.utf8))
        case (.binary(let bytes), _): add(bytes)
        case (.array(let items), .array(let element, _)): for item in items { add(item, element) }
        case (.structure(let items), .structure(let fields)): for (item, field) in zip(items, fields) { add(item, field.type) }
        default: break
        }
    }

    /// The shortest two's complement, most significant byte first.
    private static func bytes(_ number: Int128) -> [UInt8] {
        var bytes = (0..<16).map { UInt8(truncatingIfNeeded: number >> Int128(8 * (15 - $0))) }[...]
        while bytes.count > 1, let first = bytes.first {
            let next = bytes[bytes.startIndex + 1]
            guard first == 0 && next < 0x80 || first == 0xFF && next >= 0x80 else { break }
            bytes = bytes.dropFirst()
        }
        return Array(bytes)
    }
}

/// MurmurHash3 of 32 bits, whose state is the seed of the next value. The bytes behind the last whole word count one by one, with their
/// signs.
struct Murmur: ValueHash {
    var state: UInt32

    private mutating func mix(_ word: UInt32) {
        var k = word &* 0xCC9E_2D51
        k = (k << 15 | k >> 17) &* 0x1B87_3593
        state ^= k
        state = (state << 13 | state >> 19) &* 5 &+ 0xE654_6B64
    }

    private mutating func finish(_ length: Int) {
        state ^= UInt32(truncatingIfNeeded: length)
        state = (state ^ state >> 16) &* 0x85EB_CA6B
        state = (state ^ state >> 13) &* 0xC2B2_AE35
        state ^= state >> 16
    }

    mutating func add(_ number: Int32) {
        mix(UInt32(bitPattern: number))
        finish(4)
    }

    mutating func add(_ number: Int64) {
        mix(UInt32(truncatingIfNeeded: number))
        mix(UInt32(truncatingIfNeeded: number >> 32))
        finish(8)
    }

    mutating func add(_ bytes: [UInt8]) {
        let whole = bytes.count / 4 * 4
        for at in stride(from: 0, to: whole, by: 4) {
            mix(UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16 | UInt32(bytes[at + 3]) << 24)
        }
        for byte in bytes[whole...] { mix(UInt32(bitPattern: Int32(Int8(bitPattern: byte)))) }
        finish(bytes.count)
    }
}

/// xxHash of 64 bits, whose state is the seed of the next value.
struct XXHash: ValueHash {
    var state: UInt64

    private static let primes: [UInt64] = [
        0x9E37_79B1_85EB_CA87, 0xC2B2_AE3D_27D4_EB4F, 0x1656_67B1_9E37_79F9, 0x85EB_CA77_C2B2_AE63, 0x27D4_EB2F_1656_67C5,
    ]

    private static func rotated(_ word: UInt64, _ bits: UInt64) -> UInt64 { word << bits | word >> (64 - bits) }

    private static func lane(_ word: UInt64, _ input: UInt64) -> UInt64 { rotated(word &+ input &* primes[1], 31) &* primes[0] }

    private static func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } }

    private static func long(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        rotated(hash ^ lane(0, word), 27) &* primes[0] &+ primes[3]
    }

    private static func int(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        rotated(hash ^ word &* primes[0], 23) &* primes[1] &+ primes[2]
    }

    private mutating func finish(_ hash: UInt64) {
        var hash = (hash ^ hash >> 33) &* Self.primes[1]
        hash = (hash ^ hash >> 29) &* Self.primes[2]
        state = hash ^ hash >> 32
    }

    mutating func add(_ number: Int32) { finish(Self.int(state &+ Self.primes[4] &+ 4, UInt64(UInt32(bitPattern: number)))) }

    mutating func add(_ number: Int64) { finish(Self.long(state &+ Self.primes[4] &+ 8, UInt64(bitPattern: number))) }

    mutating func add(_ bytes: [UInt8]) {
        var rest = bytes[...]
        var hash = state &+ Self.primes[4]
        if rest.count >= 32 {
            let (first, second) = (Self.primes[0], Self.primes[1])
            var lanes = [state &+ first &+ second, state &+ second, state, state &- first]
            while rest.count >= 32 {
                for index in 0..<4 { lanes[index] = Self.lane(lanes[index], Self.word(rest.dropFirst(8 * index).prefix(8))) }
                rest = rest.dropFirst(32)
            }
            hash = Self.rotated(lanes[0], 1) &+ Self.rotated(lanes[1], 7) &+ Self.rotated(lanes[2], 12) &+ Self.rotated(lanes[3], 18)
            for lane in lanes { hash = (hash ^ Self.lane(0, lane)) &* Self.primes[0] &+ Self.primes[3] }
        }
        hash = hash &+ UInt64(bytes.count)
        while rest.count >= 8 {
            hash = Self.long(hash, Self.word(rest.prefix(8)))
            rest = rest.dropFirst(8)
        }
        if rest.count >= 4 {
            hash = Self.int(hash, Self.word(rest.prefix(4)))
            rest = rest.dropFirst(4)
        }
        for byte in rest { hash = Self.rotated(hash ^ UInt64(byte) &* Self.primes[4], 11) &* Self.primes[0] }
        finish(hash)
    }
}
