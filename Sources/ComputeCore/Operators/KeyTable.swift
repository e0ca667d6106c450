// Numbers the distinct keys of rows in order of first appearance: the heart of GROUP BY, DISTINCT, joins and COUNT(DISTINCT). Open
// addressing. A key that fits 64 bits lies in its slot; a text is compared by its bytes behind a stored part of its hash; a key of several
// columns is the pair of the numbers of its first columns and of its last, so that it needs no bytes of its own. Equal means SQL's
// grouping: null equals null, NaN equals NaN, -0.0 equals 0.0.

import QueryCore

struct KeyTable {
    private enum Kind { case words, text, encoded, columns }

    private let kind: Kind
    private var words = WordKeys()
    private var texts = ByteKeys()
    /// For several columns: a table for each, and one of pairs for each but the first.
    private var parts: [KeyTable] = []
    private var pairs: [WordKeys] = []

    init(types: [DataType]) {
        if types.count > 1 {
            kind = .columns
            parts = types.map { KeyTable(types: [$0]) }
            pairs = types.dropFirst().map { _ in WordKeys() }
        } else {
            kind = types.first.map(KeyWords.fits) ?? false ? .words : types == [.string] || types == [.binary] ? .text : .encoded
        }
    }

    var count: Int {
        switch kind {
        case .words: words.count
        case .text, .encoded: texts.count
        case .columns: pairs[pairs.count - 1].count
        }
    }

    var byteCount: Int {
        words.byteCount + texts.byteCount + parts.reduce(0) { $0 + $1.byteCount } + pairs.reduce(0) { $0 + $1.byteCount }
    }

    /// The group of each row, new ones added.
    mutating func assign(_ keys: [Column], _ count: Int) -> [Int32] {
        switch kind {
        case .words: return words.assign(KeyWords.of(keys[0]), keys[0].validity)
        case .text: return Self.withText(keys[0]) { offsets, bytes in texts.assign(offsets, bytes, count, keys[0].validity) }
        case .encoded: return Self.withEncoded(keys, count) { offsets, bytes in texts.assign(offsets, bytes, count, nil) }
        case .columns:
            var numbers = parts[0].assign([keys[0]], count)
            for index in 1..<parts.count {
                numbers = pairs[index - 1].assign(Self.paired(numbers, parts[index].assign([keys[index]], count)), nil)
            }
            return numbers
        }
    }

    /// The group of each row, -1 where the key is unknown. Several threads may ask at once.
    func find(_ keys: [Column], _ count: Int) -> [Int32] {
        switch kind {
        case .words: return words.find(KeyWords.of(keys[0]), keys[0].validity)
        case .text: return Self.withText(keys[0]) { offsets, bytes in texts.find(offsets, bytes, count, keys[0].validity) }
        case .encoded: return Self.withEncoded(keys, count) { offsets, bytes in texts.find(offsets, bytes, count, nil) }
        case .columns:
            var numbers = parts[0].find([keys[0]], count)
            for index in 1..<parts.count {
                let more = parts[index].find([keys[index]], count)
                let found = pairs[index - 1].find(Self.paired(numbers, more), nil)
                // An unknown part makes a pair that no two known parts make, since known numbers are not negative.
                numbers = found
            }
            return numbers
        }
    }

    private static func paired(_ left: [Int32], _ right: [Int32]) -> [Int64] {
        zip(left, right).map { Int64($0) << 32 | Int64(UInt32(bitPattern: $1)) }
    }

    private typealias Texts = (UnsafeBufferPointer<Int32>, UnsafeRawBufferPointer) -> [Int32]

    private static func withText(_ key: Column, _ body: Texts) -> [Int32] {
        guard case .bytes(let offsets, let bytes) = key.storage else { preconditionFailure("a key of text has a column of bytes") }
        // The pointers cover the column's arrays for the length of the call.
        return offsets.withUnsafeBufferPointer { offsets in bytes.withUnsafeBytes { body(offsets, $0) } }
    }

    private static func withEncoded(_ keys: [Column], _ count: Int, _ body: Texts) -> [Int32] {
        let (offsets, bytes) = KeyEncoder.encode(keys, count)
        // The pointers cover the encoding for the length of the call.
        return offsets.withUnsafeBufferPointer { offsets in bytes.withUnsafeBytes { body(offsets, $0) } }
    }
}

/// Keys of 64 bits, each in its slot.
private struct WordKeys {
    private struct Slot {
        var key: Int64 = 0
        /// Group number + 1; zero is free.
        var entry: Int32 = 0
    }

    private var slots: [Slot] = []
    private var nullGroup: Int32 = -1
    private(set) var count = 0

    var byteCount: Int { slots.count * MemoryLayout<Slot>.stride }

    /// Makes room for `more` keys at a load of one half.
    private mutating func reserve(_ more: Int) {
        guard (count + more) * 2 > slots.count else { return }
        var size = max(64, slots.count * 2)
        while size < (count + more) * 2 { size *= 2 }
        let old = slots
        slots = [Slot](repeating: Slot(), count: size)
        for slot in old where slot.entry != 0 {
            var at = Int(truncatingIfNeeded: KeyHash.mix(UInt64(bitPattern: slot.key))) & (size - 1)
            while slots[at].entry != 0 { at = (at + 1) & (size - 1) }
            slots[at] = slot
        }
    }

    // hot: `platform-bench compute`, SQL filter and group-by
    mutating func assign(_ keys: [Int64], _ validity: Bitmap?) -> [Int32] {
        reserve(keys.count)
        let mask = slots.count - 1
        var (next, nullGroup) = (Int32(count), nullGroup)
        let groups = [Int32](unsafeUninitializedCapacity: keys.count) { groups, filled in
            // Positions are masked to the table, which has free slots, and rows are below the count of keys.
            slots.withUnsafeMutableBufferPointer { slots in
                keys.withUnsafeBufferPointer { keys in
                    for row in 0..<keys.count {
                        if let validity, !validity[row] {
                            if nullGroup < 0 {
                                nullGroup = next
                                next &+= 1
                            }
                            groups.initializeElement(at: row, to: nullGroup)
                            continue
                        }
                        let key = keys[row]
                        var at = Int(truncatingIfNeeded: KeyHash.mix(UInt64(bitPattern: key))) & mask
                        while slots[at].entry != 0, slots[at].key != key { at = (at &+ 1) & mask }
                        if slots[at].entry == 0 {
                            next &+= 1
                            slots[at] = Slot(key: key, entry: next)
                        }
                        groups.initializeElement(at: row, to: slots[at].entry &- 1)
                    }
                }
            }
            filled = keys.count
        }
        count = Int(next)
        self.nullGroup = nullGroup
        return groups
    }

    func find(_ keys: [Int64], _ validity: Bitmap?) -> [Int32] {
        if slots.isEmpty { return [Int32](repeating: -1, count: keys.count) }
        let mask = slots.count - 1
        return [Int32](unsafeUninitializedCapacity: keys.count) { groups, filled in
            // As in `assign`.
            slots.withUnsafeBufferPointer { slots in
                keys.withUnsafeBufferPointer { keys in
                    for row in 0..<keys.count {
                        var found = nullGroup
                        if validity?[row] ?? true {
                            let key = keys[row]
                            var at = Int(truncatingIfNeeded: KeyHash.mix(UInt64(bitPattern: key))) & mask
                            while slots[at].entry != 0, slots[at].key != key { at = (at &+ 1) & mask }
                            found = slots[at].entry &- 1
                        }
                        groups.initializeElement(at: row, to: found)
                    }
                }
            }
            filled = keys.count
        }
    }
}

/// Keys of any length, back to back.
private struct ByteKeys {
    /// The upper half of the hash, then the group number + 1; zero is free.
    private var slots: [UInt64] = []
    private var hashes: [UInt64] = []
    private var nullGroup: Int32 = -1
    private var arena: [UInt8] = []
    private var ends: [Int] = [0]

    var count: Int { hashes.count }
    var byteCount: Int { slots.count * 8 + hashes.count * 8 + arena.count + ends.count * 8 }

    private mutating func reserve(_ more: Int) {
        guard (count + more) * 2 > slots.count else { return }
        var size = max(64, slots.count * 2)
        while size < (count + more) * 2 { size *= 2 }
        slots = [UInt64](repeating: 0, count: size)
        for (group, hash) in hashes.enumerated() where group != Int(nullGroup) {
            var at = Int(truncatingIfNeeded: hash) & (size - 1)
            while slots[at] != 0 { at = (at + 1) & (size - 1) }
            slots[at] = Self.entry(hash, group)
        }
    }

    private static func entry(_ hash: UInt64, _ group: Int) -> UInt64 { hash & ~0xFFFF_FFFF | UInt64(group + 1) }

    /// The slot of a key, or the free slot for it. The offsets lie inside of the bytes, as `KeyTable` gives them.
    @inline(__always)
    private func slot(_ hash: UInt64, _ key: UnsafeRawBufferPointer) -> Int {
        let mask = slots.count - 1
        var at = Int(truncatingIfNeeded: hash) & mask
        while slots[at] != 0 {
            if slots[at] >> 32 == hash >> 32, isStored(Int(slots[at] & 0xFFFF_FFFF) - 1, key) { return at }
            at = (at &+ 1) & mask
        }
        return at
    }

    // hot: `platform-bench compute`, SQL filter and group-by
    mutating func assign(_ offsets: UnsafeBufferPointer<Int32>, _ bytes: UnsafeRawBufferPointer, _ rows: Int, _ validity: Bitmap?)
        -> [Int32]
    {
        reserve(rows)
        var groups = [Int32](repeating: 0, count: rows)
        for row in 0..<rows {
            if let validity, !validity[row] {
                if nullGroup < 0 {
                    nullGroup = Int32(hashes.count)
                    hashes.append(0)
                    ends.append(arena.count)
                }
                groups[row] = nullGroup
                continue
            }
            let key = UnsafeRawBufferPointer(rebasing: bytes[Int(offsets[row])..<Int(offsets[row + 1])])
            let hash = KeyHash.of(key)
            let at = slot(hash, key)
            if slots[at] == 0 {
                slots[at] = Self.entry(hash, hashes.count)
                hashes.append(hash)
                arena.append(contentsOf: key)
                ends.append(arena.count)
            }
            groups[row] = Int32(truncatingIfNeeded: slots[at] & 0xFFFF_FFFF) - 1
        }
        return groups
    }

    func find(_ offsets: UnsafeBufferPointer<Int32>, _ bytes: UnsafeRawBufferPointer, _ rows: Int, _ validity: Bitmap?) -> [Int32] {
        var groups = [Int32](repeating: -1, count: rows)
        if slots.isEmpty { return groups }
        for row in 0..<rows {
            if let validity, !validity[row] {
                groups[row] = nullGroup
                continue
            }
            let key = UnsafeRawBufferPointer(rebasing: bytes[Int(offsets[row])..<Int(offsets[row + 1])])
            groups[row] = Int32(truncatingIfNeeded: slots[slot(KeyHash.of(key), key)] & 0xFFFF_FFFF) - 1
        }
        return groups
    }

    private func isStored(_ group: Int, _ key: UnsafeRawBufferPointer) -> Bool {
        let start = ends[group]
        guard ends[group + 1] - start == key.count else { return false }
        // Equal lengths were checked above, so both sides have `key.count` bytes.
        return arena.withUnsafeBytes { stored in
            var at = 0
            while at + 8 <= key.count {
                if stored.loadUnaligned(fromByteOffset: start + at, as: UInt64.self)
                    != key.loadUnaligned(fromByteOffset: at, as: UInt64.self)
                {
                    return false
                }
                at += 8
            }
            while at < key.count {
                if stored[start + at] != key[at] { return false }
                at += 1
            }
            return true
        }
    }
}

enum KeyHash {
    @inline(__always)
    static func mix(_ value: UInt64) -> UInt64 {
        var hash = value &* 0x9E37_79B9_7F4A_7C15
        hash ^= hash >> 32
        return hash &* 0xD6E8_FEB8_6659_FD93 ^ (hash >> 29)
    }

    /// Reads inside of `key` only: whole words while eight bytes remain, then single bytes.
    @inline(__always)
    static func of(_ key: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = UInt64(key.count) &* 0x9E37_79B9_7F4A_7C15
        var at = 0
        while at + 8 <= key.count {
            hash = mix(hash ^ key.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            at += 8
        }
        var tail: UInt64 = 0
        while at < key.count {
            tail = tail << 8 | UInt64(key[at])
            at += 1
        }
        return mix(hash ^ tail)
    }

    /// A number for each row, equal for equal keys in any table.
    static func rows(_ keys: [Column], _ count: Int) -> [UInt64] {
        var hashes = [UInt64](repeating: 0, count: count)
        for key in keys {
            if KeyWords.fits(key.type) {
                let words = KeyWords.of(key)
                for row in 0..<count { hashes[row] = mix(hashes[row] ^ (key.isNull(row) ? 0x5A5A : UInt64(bitPattern: words[row]))) }
            } else {
                let (offsets, bytes) = KeyEncoder.encode([key], count)
                // The offsets lie inside of the encoding's bytes.
                bytes.withUnsafeBytes { bytes in
                    for row in 0..<count {
                        hashes[row] = mix(
                            hashes[row] ^ of(UnsafeRawBufferPointer(rebasing: bytes[Int(offsets[row])..<Int(offsets[row + 1])])))
                    }
                }
            }
        }
        return hashes
    }
}

/// Values as 64-bit words such that equal keys, and only they, have equal words.
enum KeyWords {
    static func fits(_ type: DataType) -> Bool {
        switch type {
        case .boolean, .byte, .short, .int, .long, .date, .timestamp, .float, .double: true
        case .decimal(let precision, _): precision <= 18
        default: false
        }
    }

    static func of(_ column: Column) -> [Int64] {
        switch column.storage {
        case .boolean(let bits): (0..<bits.count).map { bits[$0] ? 1 : 0 }
        case .int8(let values): values.map(Int64.init)
        case .int16(let values): values.map(Int64.init)
        case .int32(let values): values.map(Int64.init)
        case .int64(let values): values
        case .float(let values): values.map { word(Double($0)) }
        case .double(let values): values.map(word)
        // 18 digits fit; a null's slot may hold more, and is not used.
        case .decimal(let values): values.map { Int64(truncatingIfNeeded: $0) }
        default: preconditionFailure("a key of one word has a column of words")
        }
    }

    private static func word(_ value: Double) -> Int64 {
        Int64(bitPattern: value == 0 ? 0 : value.isNaN ? Double.nan.bitPattern : value.bitPattern)
    }
}

/// Rows as bytes such that equal keys, and only they, have equal bytes.
enum KeyEncoder {
    static func encode(_ keys: [Column], _ count: Int) -> (offsets: [Int32], bytes: [UInt8]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count * keys.count * 12)
        var offsets: [Int32] = [0]
        offsets.reserveCapacity(count + 1)
        for row in 0..<count {
            for key in keys { encode(key, row, into: &bytes) }
            offsets.append(Int32(bytes.count))
        }
        return (offsets, bytes)
    }

    private static func put<T: FixedWidthInteger>(_ value: T, into bytes: inout [UInt8]) {
        // The bytes of a local value, copied within the call.
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private static func encode(_ column: Column, _ row: Int, into bytes: inout [UInt8]) {
        if column.isNull(row) {
            bytes.append(0)
            return
        }
        bytes.append(1)
        switch column.storage {
        case .nothing: break
        case .boolean(let bits): bytes.append(bits[row] ? 1 : 0)
        case .int8(let values): put(values[row], into: &bytes)
        case .int16(let values): put(values[row], into: &bytes)
        case .int32(let values): put(values[row], into: &bytes)
        case .int64(let values): put(values[row], into: &bytes)
        case .decimal(let values): put(values[row], into: &bytes)
        case .float(let values): put(canonical(Double(values[row])).bitPattern, into: &bytes)
        case .double(let values): put(canonical(values[row]).bitPattern, into: &bytes)
        case .bytes(let offsets, let content):
            let range = Int(offsets[row])..<Int(offsets[row + 1])
            put(UInt32(range.count), into: &bytes)
            bytes.append(contentsOf: content[range])
        case .list(let offsets, let child):
            put(UInt32(offsets[row + 1] - offsets[row]), into: &bytes)
            for position in offsets[row]..<offsets[row + 1] { encode(child, Int(position), into: &bytes) }
        case .structure(let children): for child in children { encode(child, row, into: &bytes) }
        }
    }

    private static func canonical(_ value: Double) -> Double { value == 0 ? 0 : value.isNaN ? .nan : value }
}
