// Numbers the distinct keys of rows in order of first appearance: the heart of GROUP BY, DISTINCT, joins and COUNT(DISTINCT). Open
// addressing over stored hashes; a single integer key is compared as such, every other key as its encoded bytes. Equal means SQL's
// grouping: null equals null, NaN equals NaN, -0.0 equals 0.0.

import QueryCore

struct KeyTable {
    /// Positions in `slots` hold group number + 1; zero is free.
    private var slots: [Int32]
    private var hashes: [UInt64] = []
    private var integers: [Int64] = []
    private var arena: [UInt8] = []
    private var ends: [Int] = []
    private let isInteger: Bool
    private var nullGroup: Int32 = -1
    private(set) var count = 0

    init(types: [DataType]) {
        slots = [Int32](repeating: 0, count: 1024)
        isInteger = types.count == 1 && Self.isIntegerKey(types[0])
    }

    private static func isIntegerKey(_ type: DataType) -> Bool { type.isIntegral || type == .date || type == .timestamp }

    var byteCount: Int { slots.count * 4 + hashes.count * 8 + integers.count * 8 + arena.count + ends.count * 8 }

    /// The group of each row, new ones added.
    mutating func assign(_ keys: [Column], _ count: Int) -> [Int32] { number(keys, count, adding: true) }

    /// The group of each row, -1 where the key is unknown.
    mutating func find(_ keys: [Column], _ count: Int) -> [Int32] { number(keys, count, adding: false) }

    private mutating func number(_ keys: [Column], _ count: Int, adding: Bool) -> [Int32] {
        if isInteger { return numberIntegers(keys[0], count, adding) }
        if keys.count == 1, keys[0].validity == nil, case .bytes(let offsets, let bytes) = keys[0].storage {
            return numberBytes(offsets.map(Int.init), bytes, count, adding)
        }
        let (offsets, bytes) = KeyEncoder.encode(keys, count)
        return numberBytes(offsets, bytes, count, adding)
    }

    // hot: SQL filter and group-by
    private mutating func numberIntegers(_ column: Column, _ count: Int, _ adding: Bool) -> [Int32] {
        let values: [Int64]
        switch column.storage {
        case .int8(let narrow): values = narrow.map(Int64.init)
        case .int16(let narrow): values = narrow.map(Int64.init)
        case .int32(let narrow): values = narrow.map(Int64.init)
        case .int64(let wide): values = wide
        default: preconditionFailure("an integer key has an integer column")
        }
        var groups = [Int32](repeating: 0, count: count)
        for row in 0..<count {
            if let validity = column.validity, !validity[row] {
                if nullGroup < 0, adding {
                    nullGroup = Int32(self.count)
                    self.count += 1
                    hashes.append(0)
                    integers.append(0)
                }
                groups[row] = nullGroup
                continue
            }
            let value = values[row]
            let hash = Self.mix(UInt64(bitPattern: value))
            var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
            while true {
                let entry = slots[slot]
                if entry == 0 {
                    groups[row] = adding ? add(hash, slot) { $0.integers.append(value) } : -1
                    break
                }
                if integers[Int(entry) - 1] == value {
                    groups[row] = entry - 1
                    break
                }
                slot = (slot + 1) & (slots.count - 1)
            }
        }
        return groups
    }

    // hot: SQL filter and group-by
    private mutating func numberBytes(_ offsets: [Int], _ bytes: [UInt8], _ count: Int, _ adding: Bool) -> [Int32] {
        var groups = [Int32](repeating: 0, count: count)
        // The pointer covers `bytes` for the length of this call; all offsets lie inside of it.
        bytes.withUnsafeBytes { bytes in
            for row in 0..<count {
                let key = UnsafeRawBufferPointer(rebasing: bytes[offsets[row]..<offsets[row + 1]])
                let hash = Self.hash(key)
                var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
                while true {
                    let entry = slots[slot]
                    if entry == 0 {
                        groups[row] =
                            adding
                            ? add(hash, slot) { table in
                                table.arena.append(contentsOf: key)
                                table.ends.append(table.arena.count)
                            } : -1
                        break
                    }
                    if hashes[Int(entry) - 1] == hash, isStored(Int(entry) - 1, key) {
                        groups[row] = entry - 1
                        break
                    }
                    slot = (slot + 1) & (slots.count - 1)
                }
            }
        }
        return groups
    }

    private func isStored(_ group: Int, _ key: UnsafeRawBufferPointer) -> Bool {
        let start = group == 0 ? 0 : ends[group - 1]
        guard ends[group] - start == key.count else { return false }
        // Equal lengths were checked above, so both sides have `key.count` bytes.
        return arena.withUnsafeBytes { stored in
            for index in 0..<key.count where stored[start + index] != key[index] { return false }
            return true
        }
    }

    private mutating func add(_ hash: UInt64, _ slot: Int, _ store: (inout KeyTable) -> Void) -> Int32 {
        let group = Int32(count)
        slots[slot] = group + 1
        hashes.append(hash)
        store(&self)
        count += 1
        if count * 2 > slots.count { grow() }
        return group
    }

    private mutating func grow() {
        slots = [Int32](repeating: 0, count: slots.count * 4)
        for group in 0..<count where group != Int(nullGroup) {
            var slot = Int(truncatingIfNeeded: hashes[group]) & (slots.count - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = Int32(group) + 1
        }
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var hash = value &* 0x9E37_79B9_7F4A_7C15
        hash ^= hash >> 32
        return hash &* 0xD6E8_FEB8_6659_FD93 ^ (hash >> 29)
    }

    /// Reads inside of `key` only: whole words while eight bytes remain, then single bytes.
    private static func hash(_ key: UnsafeRawBufferPointer) -> UInt64 {
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
}

/// Rows as bytes such that equal keys, and only they, have equal bytes.
enum KeyEncoder {
    static func encode(_ keys: [Column], _ count: Int) -> (offsets: [Int], bytes: [UInt8]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count * keys.count * 12)
        var offsets = [0]
        offsets.reserveCapacity(count + 1)
        for row in 0..<count {
            for key in keys { encode(key, row, into: &bytes) }
            offsets.append(bytes.count)
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
