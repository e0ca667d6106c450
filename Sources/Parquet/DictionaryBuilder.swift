// The distinct values of a column chunk and the code of each. It gives up beyond its limit of bytes, and where values collide so often that
// looking them up would be slow, by chance or by a client's choice.

struct DictionaryBuilder {
    private(set) var values: LeafValues
    /// Code + 1 of the values of a place; 0 for none. A power of two, at most half full.
    private var slots = [UInt32](repeating: 0, count: 1024)
    private let bytesMax: Int
    private static let probesMax = 64

    init(_ layout: LeafValues.Layout, bytesMax: Int) {
        values = LeafValues(layout)
        self.bytesMax = bytesMax
    }

    var count: Int { values.count }

    /// The codes of all of `more`; nil if the dictionary gave up. It holds values of the page at hand then, too, which does no harm.
    mutating func codes(_ more: LeafValues) -> [UInt32]? {
        switch more.layout {
        case .booleans: return nil
        case .int32: return codes(more.int32s, \.int32s, 4) { UInt64(UInt32(bitPattern: $0)) }
        case .int64: return codes(more.int64s, \.int64s, 8) { UInt64(bitPattern: $0) }
        case .float: return codes(more.floats, \.floats, 4) { UInt64($0.bitPattern) }
        case .double: return codes(more.doubles, \.doubles, 8) { $0.bitPattern }
        case .bytes: return codes(more, { Int(more.offsets[$0])..<Int(more.offsets[$0 + 1]) })
        case .fixed(let length): return codes(more, { $0 * length..<($0 + 1) * length })
        }
    }

    private static func mixed(_ bits: UInt64) -> Int {
        let product = (bits ^ bits >> 32) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: (product ^ product >> 29) >> 1)
    }

    private mutating func codes<T>(_ more: [T], _ array: WritableKeyPath<LeafValues, [T]>, _ size: Int, _ bits: (T) -> UInt64) -> [UInt32]?
    {
        var known = values[keyPath: array]
        values[keyPath: array] = []
        defer { values[keyPath: array] = known }
        var codes: [UInt32] = []
        codes.reserveCapacity(more.count)
        for value in more {
            let wanted = bits(value)
            var place = Self.mixed(wanted) & (slots.count &- 1)
            var probes = 0
            while slots[place] != 0, bits(known[Int(slots[place] &- 1)]) != wanted {
                place = (place &+ 1) & (slots.count &- 1)
                probes &+= 1
            }
            if slots[place] == 0 {
                guard probes < Self.probesMax, known.count &* size < bytesMax else { return nil }
                known.append(value)
                slots[place] = UInt32(known.count)
                codes.append(UInt32(known.count - 1))
                if known.count * 2 > slots.count { grow(known.count) { Self.mixed(bits(known[$0])) } }
            } else {
                codes.append(slots[place] &- 1)
            }
        }
        return codes
    }

    private mutating func grow(_ count: Int, _ hash: (Int) -> Int) {
        slots = [UInt32](repeating: 0, count: slots.count * 2)
        for code in 0..<count {
            var place = hash(code) & (slots.count - 1)
            while slots[place] != 0 { place = (place + 1) & (slots.count - 1) }
            slots[place] = UInt32(code + 1)
        }
    }

    // MARK: texts

    private static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
        var sum = UInt64(bytes.count) &* 0xA076_1D64_78BD_642F
        var at = 0
        while at &+ 8 <= bytes.count {
            sum = (sum ^ bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)) &* 0x9E37_79B9_7F4A_7C15
            sum ^= sum >> 29
            at &+= 8
        }
        var rest: UInt64 = 0
        while at < bytes.count {
            rest = rest << 8 | UInt64(bytes[at])
            at &+= 1
        }
        return mixed(sum ^ rest)
    }

    private func range(_ code: Int) -> Range<Int> {
        if case .fixed(let length) = values.layout { return code * length..<(code + 1) * length }
        return Int(values.offsets[code])..<Int(values.offsets[code + 1])
    }

    private mutating func codes(_ more: LeafValues, _ place: (Int) -> Range<Int>) -> [UInt32]? {
        var codes: [UInt32] = []
        codes.reserveCapacity(more.count)
        let isWhole = more.bytes.withUnsafeBytes { bytes -> Bool in
            for index in 0..<more.count {
                let text = UnsafeRawBufferPointer(rebasing: bytes[place(index)])
                var slot = Self.hash(text) & (slots.count - 1)
                var probes = 0
                while slots[slot] != 0, !isEqual(Int(slots[slot] - 1), text) {
                    slot = (slot + 1) & (slots.count - 1)
                    probes += 1
                }
                if slots[slot] != 0 {
                    codes.append(slots[slot] - 1)
                    continue
                }
                guard probes < Self.probesMax, values.bytes.count + text.count + 4 * count < bytesMax else { return false }
                values.bytes += text
                if case .bytes = values.layout { values.offsets.append(Int32(values.bytes.count)) }
                let made = count
                slots[slot] = UInt32(made)
                codes.append(UInt32(made - 1))
                if made * 2 > slots.count { growTexts(made) }
            }
            return true
        }
        return isWhole ? codes : nil
    }

    private mutating func growTexts(_ count: Int) {
        let hashes = values.bytes.withUnsafeBytes { bytes in
            (0..<count).map { Self.hash(UnsafeRawBufferPointer(rebasing: bytes[range($0)])) }
        }
        grow(count) { hashes[$0] }
    }

    private func isEqual(_ code: Int, _ text: UnsafeRawBufferPointer) -> Bool {
        let range = range(code)
        guard range.count == text.count else { return false }
        return values.bytes.withUnsafeBytes { known in
            for index in 0..<text.count where known[range.lowerBound &+ index] != text[index] { return false }
            return true
        }
    }
}
