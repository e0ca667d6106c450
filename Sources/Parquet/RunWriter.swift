// Writes levels and dictionary codes as runs and bit-packed groups, whichever is shorter for each stretch. Source: apache/parquet-format,
// Encodings.md ("Run Length Encoding / Bit-Packing Hybrid").

enum RunWriter {
    /// Shorter runs cost more than bit-packed values.
    private static let runMin = 8

    /// Appends all values, each of at most `width` bits (at most 32).
    static func write<T: FixedWidthInteger & UnsignedInteger>(_ values: [T], width: Int, into bytes: inout [UInt8]) {
        guard width > 0 else { return }
        values.withUnsafeBufferPointer { values in
            var at = 0
            while at < values.count {
                let run = runLength(values, at)
                if run >= runMin {
                    varint(UInt64(run) << 1, into: &bytes)
                    for shift in stride(from: 0, to: width, by: 8) {
                        bytes.append(UInt8(truncatingIfNeeded: UInt64(values[at]) >> UInt64(shift)))
                    }
                    at += run
                    continue
                }
                var end = at + 8
                while end < values.count, runLength(values, end) < runMin { end += 8 }
                end = min(end, values.count)
                varint(UInt64((end - at + 7) / 8) << 1 | 1, into: &bytes)
                pack(values, at..<end, width, into: &bytes)
                at = end
            }
        }
    }

    private static func runLength<T: FixedWidthInteger>(_ values: UnsafeBufferPointer<T>, _ start: Int) -> Int {
        var end = start + 1
        while end < values.count, values[end] == values[start] { end &+= 1 }
        return end - start
    }

    /// Whole groups of eight; the last one is filled up with zeros.
    private static func pack<T: FixedWidthInteger & UnsignedInteger>(
        _ values: UnsafeBufferPointer<T>, _ range: Range<Int>, _ width: Int, into bytes: inout [UInt8]
    ) {
        let total = (range.count + 7) / 8 * width
        let start = bytes.count
        var word: UInt64 = 0
        var held = 0
        for index in range {
            word |= UInt64(values[index]) << UInt64(held)
            held &+= width
            while held >= 8 {
                bytes.append(UInt8(truncatingIfNeeded: word))
                word >>= 8
                held &-= 8
            }
        }
        if held > 0 { bytes.append(UInt8(truncatingIfNeeded: word)) }
        bytes.append(contentsOf: repeatElement(0, count: total - (bytes.count - start)))
    }

    private static func varint(_ value: UInt64, into bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
