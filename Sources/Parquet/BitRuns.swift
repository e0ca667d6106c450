// Runs and bit-packed groups: levels, dictionary codes and truth values. Bits are read eight bytes at a time, so every buffer has as many
// bytes of padding behind its end. Source: apache/parquet-format, Encodings.md ("Run Length Encoding / Bit-Packing Hybrid").

/// Bytes of a page with padding behind them.
struct PageBytes {
    /// Readable zero bytes after the end.
    static let paddingBytes = 16

    let bytes: [UInt8]
    /// Without the padding.
    let count: Int

    init(_ plain: [UInt8]) {
        count = plain.count
        var padded = plain
        padded.append(contentsOf: repeatElement(0, count: Self.paddingBytes))
        bytes = padded
    }

    func checked(_ at: Int, _ more: Int) throws(ParquetError) {
        guard at >= 0, more >= 0, at <= count, more <= count - at else {
            throw .damaged("\(more) bytes are announced, \(count - at) are left")
        }
    }

    func word32(_ at: Int) throws(ParquetError) -> Int {
        try checked(at, 4)
        return Int(bytes[at]) | Int(bytes[at + 1]) << 8 | Int(bytes[at + 2]) << 16 | Int(bytes[at + 3]) << 24
    }

    func varint(_ at: inout Int, _ end: Int) throws(ParquetError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard at < end else { throw .damaged("a number ends early") }
            let next = bytes[at]
            at += 1
            value |= UInt64(next & 0x7f) << shift
            if next < 0x80 { return value }
        }
        throw .damaged("a number is longer than ten bytes")
    }
}

enum BitRuns {
    /// Appends `count` values of `width` bits (at most 32), which end before `end`.
    static func read<T: FixedWidthInteger & UnsignedInteger>(
        _ page: PageBytes, _ range: Range<Int>, width: Int, count: Int, into values: inout [T]
    )
        throws(ParquetError)
    {
        guard width <= 32, width <= T.bitWidth || width == 0 else { throw .damaged("values of \(width) bits") }
        if width == 0 {
            values.append(contentsOf: repeatElement(0, count: count))
            return
        }
        var at = range.lowerBound
        var left = count
        values.reserveCapacity(values.count + count)
        while left > 0 {
            let head = try page.varint(&at, range.upperBound)
            if head & 1 == 0 {
                let run = Int(clamping: head >> 1)
                let bytes = (width + 7) / 8
                guard run > 0, bytes <= range.upperBound - at else { throw .damaged("a run has no length or no value") }
                var value: UInt32 = 0
                for index in 0..<bytes { value |= UInt32(page.bytes[at + index]) << UInt32(8 * index) }
                at += bytes
                values.append(contentsOf: repeatElement(T(truncatingIfNeeded: value), count: min(run, left)))
                left -= min(run, left)
            } else {
                let groups = Int(clamping: head >> 1)
                // The last group may be cut at the values that it needs.
                let wanted = min(left, groups.multipliedReportingOverflow(by: 8).overflow ? left : groups * 8)
                guard groups > 0, (wanted * width + 7) / 8 <= range.upperBound - at else { throw .damaged("a bit-packed group ends early") }
                unpack(page, at, width: width, count: wanted, into: &values)
                at += min(groups.multipliedReportingOverflow(by: width).overflow ? .max : groups * width, range.upperBound - at)
                left -= wanted
            }
        }
    }

    private static func unpack<T: FixedWidthInteger & UnsignedInteger>(
        _ page: PageBytes, _ at: Int, width: Int, count: Int, into values: inout [T]
    ) {
        let mask = (UInt64(1) << UInt64(width)) - 1
        let start = values.count
        values.append(contentsOf: repeatElement(0, count: count))
        // The caller has checked that the bits lie within the page; a load reads at most eight bytes from its last one, which are padding.
        page.bytes.withUnsafeBytes { bytes in
            values.withUnsafeMutableBufferPointer { out in
                guard let base = bytes.baseAddress else { return }
                var bit = at &* 8
                for index in start..<start &+ count {
                    let word = base.loadUnaligned(fromByteOffset: bit >> 3, as: UInt64.self)
                    out[index] = T(truncatingIfNeeded: (word >> UInt64(bit & 7)) & mask)
                    bit &+= width
                }
            }
        }
    }
}

enum DeltaRuns {
    private static let blockValuesMax = 1 << 20

    /// Reads one DELTA_BINARY_PACKED sequence of at most `countMax` values from `at` on; `at` is behind it then.
    static func read(_ page: PageBytes, _ at: inout Int, countMax: Int) throws(ParquetError) -> [Int64] {
        let blockValues = Int(clamping: try page.varint(&at, page.count))
        let miniblocks = Int(clamping: try page.varint(&at, page.count))
        let total = Int(clamping: try page.varint(&at, page.count))
        let first = zigzag(try page.varint(&at, page.count))
        guard total <= countMax else { throw .damaged("\(total) values where \(countMax) are announced") }
        guard blockValues > 0, blockValues <= blockValuesMax, blockValues % 128 == 0, miniblocks > 0, blockValues % miniblocks == 0,
            blockValues / miniblocks % 32 == 0
        else { throw .damaged("delta blocks of \(blockValues) values in \(miniblocks) parts") }
        var values: [Int64] = []
        guard total > 0 else { return values }
        values.reserveCapacity(total)
        values.append(first)
        let perMiniblock = blockValues / miniblocks
        while values.count < total {
            let least = zigzag(try page.varint(&at, page.count))
            try page.checked(at, miniblocks)
            let widths = page.bytes[at..<at + miniblocks]
            at += miniblocks
            for width in widths where values.count < total {
                let wanted = min(perMiniblock, total - values.count)
                guard width <= 64 else { throw .damaged("deltas of \(width) bits") }
                // Some writers cut the last part at its last value.
                try page.checked(at, (wanted * Int(width) + 7) / 8)
                unpack(page, at, width: Int(width), count: wanted, least: least, into: &values)
                at = min(page.count, at + perMiniblock / 8 * Int(width))
            }
        }
        return values
    }

    private static func zigzag(_ value: UInt64) -> Int64 { Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }

    private static func unpack(_ page: PageBytes, _ at: Int, width: Int, count: Int, least: Int64, into values: inout [Int64]) {
        let mask: UInt64 = width == 64 ? .max : (1 << UInt64(width)) - 1
        var last = values[values.count - 1]
        // The caller has checked that the bits lie within the page; two loads read at most sixteen bytes from its last one, as padding has.
        page.bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            var bit = at &* 8
            for _ in 0..<count {
                let shift = UInt64(bit & 7)
                var word = base.loadUnaligned(fromByteOffset: bit >> 3, as: UInt64.self) >> shift
                if width > 56, shift > 0 {
                    word |= UInt64(base.loadUnaligned(fromByteOffset: bit >> 3 &+ 8, as: UInt8.self)) << (64 &- shift)
                }
                last = last &+ least &+ Int64(bitPattern: word & mask)
                values.append(last)
                bit &+= width
            }
        }
    }
}
