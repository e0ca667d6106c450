// Values of one column without its nulls, one array for each physical layout. Appended in place: an array taken out of an enum's payload
// would be copied at each append.

package struct LeafValues: Sendable {
    package enum Layout: Sendable {
        /// One byte each, 0 or 1.
        case booleans
        case int32, int64, float, double
        /// Texts of any length: offsets and bytes.
        case bytes
        /// Values of one length, beside each other in `bytes`.
        case fixed(Int)
    }

    package let layout: Layout
    package var booleans: [UInt8] = []
    package var int32s: [Int32] = []
    /// Also INT96, as microseconds since 1970.
    package var int64s: [Int64] = []
    package var floats: [Float] = []
    package var doubles: [Double] = []
    /// One more than there are texts.
    package var offsets: [Int32] = []
    package var bytes: [UInt8] = []

    /// Limit of the texts of one vector, in bytes; 32-bit offsets address no more than twice as much.
    static let textBytesMax = 1 << 30

    package init(_ layout: Layout) {
        self.layout = layout
        if case .bytes = layout { offsets = [0] }
    }

    init(_ leaf: ParquetLeaf) {
        let layout: Layout =
            switch leaf.type {
            case .boolean: .booleans
            case .int32: .int32
            case .int64, .int96: .int64
            case .float: .float
            case .double: .double
            case .byteArray: .bytes
            case .fixedBytes: .fixed(leaf.length)
            }
        self.init(layout)
    }

    package var count: Int {
        switch layout {
        case .booleans: booleans.count
        case .int32: int32s.count
        case .int64: int64s.count
        case .float: floats.count
        case .double: doubles.count
        case .bytes: offsets.count - 1
        case .fixed(let length): bytes.count / length
        }
    }

    /// Throws if `more` bytes do not fit a vector.
    func checkText(_ more: Int) throws(ParquetError) {
        guard more <= Self.textBytesMax - bytes.count else {
            throw .unsupported("more than \(Self.textBytesMax >> 20) MiB of text in \(count) rows")
        }
    }

    // MARK: copies

    /// The values of `range` of another set of the same layout.
    mutating func append(_ other: LeafValues, _ range: Range<Int>) throws(ParquetError) {
        switch layout {
        case .booleans: booleans += other.booleans[range]
        case .int32: int32s += other.int32s[range]
        case .int64: int64s += other.int64s[range]
        case .float: floats += other.floats[range]
        case .double: doubles += other.doubles[range]
        case .bytes:
            let (start, end) = (other.offsets[range.lowerBound], other.offsets[range.upperBound])
            try checkText(Int(end - start))
            let shift = Int32(bytes.count) - start
            offsets.reserveCapacity(offsets.count + range.count)
            for index in range { offsets.append(other.offsets[index + 1] + shift) }
            bytes += other.bytes[Int(start)..<Int(end)]
        case .fixed(let length):
            try checkText(range.count * length)
            bytes += other.bytes[range.lowerBound * length..<range.upperBound * length]
        }
    }

    /// The values that the codes name; each code is below `dictionary.count`.
    mutating func append(_ dictionary: LeafValues, codes: ArraySlice<UInt32>) throws(ParquetError) {
        switch layout {
        case .booleans: Self.gather(&booleans, dictionary.booleans, codes)
        case .int32: Self.gather(&int32s, dictionary.int32s, codes)
        case .int64: Self.gather(&int64s, dictionary.int64s, codes)
        case .float: Self.gather(&floats, dictionary.floats, codes)
        case .double: Self.gather(&doubles, dictionary.doubles, codes)
        case .bytes: try gatherTexts(dictionary, codes)
        case .fixed(let length):
            try checkText(codes.count * length)
            for code in codes { bytes += dictionary.bytes[Int(code) * length..<(Int(code) + 1) * length] }
        }
    }

    private static func gather<T>(_ values: inout [T], _ dictionary: [T], _ codes: ArraySlice<UInt32>) {
        values.reserveCapacity(values.count + codes.count)
        // Codes were compared with the dictionary's count when their page was opened.
        codes.withUnsafeBufferPointer { codes in
            dictionary.withUnsafeBufferPointer { dictionary in
                for code in codes { values.append(dictionary[Int(code)]) }
            }
        }
    }

    private mutating func gatherTexts(_ dictionary: LeafValues, _ codes: ArraySlice<UInt32>) throws(ParquetError) {
        var total = bytes.count
        offsets.reserveCapacity(offsets.count + codes.count)
        let first = offsets.count
        dictionary.offsets.withUnsafeBufferPointer { places in
            for code in codes {
                total &+= Int(places[Int(code) + 1] &- places[Int(code)])
                offsets.append(Int32(truncatingIfNeeded: total))
            }
        }
        guard total <= Self.textBytesMax else {
            offsets.removeLast(offsets.count - first)
            throw .unsupported("more than \(Self.textBytesMax >> 20) MiB of text in \(codes.count) rows")
        }
        var at = bytes.count
        let grown = total - at
        bytes.reserveCapacity(total)
        bytes.append(contentsOf: repeatElement(0, count: grown))
        // Each copy lies within the dictionary's bytes and within the `total` bytes that the lengths summed up to.
        bytes.withUnsafeMutableBufferPointer { target in
            dictionary.bytes.withUnsafeBufferPointer { source in
                dictionary.offsets.withUnsafeBufferPointer { places in
                    for code in codes {
                        let start = Int(places[Int(code)])
                        let length = Int(places[Int(code) + 1]) &- start
                        if length > 0, let to = target.baseAddress, let from = source.baseAddress {
                            (to + at).update(from: from + start, count: length)
                            at &+= length
                        }
                    }
                }
            }
        }
    }
}
