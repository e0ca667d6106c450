// The values of one data page, taken a stretch at a time. Plain values and codes stay as they lie in the page until they are wanted; the
// other encodings are opened at once. Source: apache/parquet-format, Encodings.md.

struct PageValues {
    private enum Form {
        /// The position of the next value, for truth values of the next bit.
        case plain(at: Int)
        case codes([UInt32], at: Int)
        case opened(LeafValues, at: Int)
    }

    private let page: PageBytes
    private let leaf: ParquetLeaf
    private var form: Form

    /// `count` values without nulls from `start` on.
    init(_ page: PageBytes, _ start: Int, _ encoding: PageEncoding, _ leaf: ParquetLeaf, count: Int, dictionary: LeafValues?)
        throws(ParquetError)
    {
        self.page = page
        self.leaf = leaf
        switch encoding {
        case .plain: form = .plain(at: leaf.type == .boolean ? start * 8 : start)
        case .dictionary, .plainDictionary:
            guard let dictionary else { throw .damaged("values refer to a dictionary that is not there") }
            form = .codes(try Self.codes(page, start, count, dictionary.count), at: 0)
        case .runLength:
            guard leaf.type == .boolean else { throw .unsupported("run lengths of values other than truth values") }
            var values = LeafValues(leaf)
            let length = try page.word32(start)
            try page.checked(start + 4, length)
            try BitRuns.read(page, start + 4..<start + 4 + length, width: 1, count: count, into: &values.booleans)
            form = .opened(values, at: 0)
        case .deltaBinaryPacked: form = .opened(try Self.deltas(page, start, leaf, count), at: 0)
        case .deltaLengthBytes:
            guard leaf.type == .byteArray else { throw .unsupported("lengths as deltas of values that are no texts") }
            var (values, at) = (LeafValues(leaf), start)
            try Self.texts(page, &at, count, into: &values)
            form = .opened(values, at: 0)
        case .deltaBytes: form = .opened(try Self.prefixes(page, start, leaf, count), at: 0)
        case .byteStreamSplit: form = .opened(try Self.streams(page, start, leaf, count), at: 0)
        case .bitPacked: throw .unsupported("the encoding BIT_PACKED")
        }
    }

    /// Appends the next `count` values. The caller takes no more than the page has.
    mutating func take(_ count: Int, dictionary: LeafValues?, into values: inout LeafValues) throws(ParquetError) {
        switch form {
        case .plain(let at): form = .plain(at: try plain(at, count, into: &values))
        case .codes(let codes, let at):
            guard let dictionary else { throw .damaged("values refer to a dictionary that is not there") }
            guard count <= codes.count - at else { throw .damaged("the page has fewer values than announced") }
            try values.append(dictionary, codes: codes[at..<at + count])
            form = .codes(codes, at: at + count)
        case .opened(let opened, let at):
            guard count <= opened.count - at else { throw .damaged("the page has fewer values than announced") }
            try values.append(opened, at..<at + count)
            form = .opened(opened, at: at + count)
        }
    }

    /// A dictionary page: all of its values are plain.
    static func dictionary(_ page: PageBytes, _ leaf: ParquetLeaf, count: Int) throws(ParquetError) -> LeafValues {
        var plain = try PageValues(page, 0, .plain, leaf, count: count, dictionary: nil)
        var values = LeafValues(leaf)
        try plain.take(count, dictionary: nil, into: &values)
        return values
    }

    // MARK: codes

    private static func codes(_ page: PageBytes, _ start: Int, _ count: Int, _ dictionaryCount: Int) throws(ParquetError) -> [UInt32] {
        var codes: [UInt32] = []
        if count == 0 { return codes }
        try page.checked(start, 1)
        try BitRuns.read(page, start + 1..<page.count, width: Int(page.bytes[start]), count: count, into: &codes)
        var greatest: UInt32 = 0
        for code in codes { greatest = max(greatest, code) }
        guard Int(greatest) < dictionaryCount else { throw .damaged("value \(greatest) of a dictionary of \(dictionaryCount)") }
        return codes
    }

    // MARK: plain values

    private func plain(_ at: Int, _ count: Int, into values: inout LeafValues) throws(ParquetError) -> Int {
        switch leaf.type {
        case .boolean:
            try page.checked(0, (at + count + 7) / 8)
            for bit in at..<at + count { values.booleans.append(page.bytes[bit >> 3] >> UInt8(bit & 7) & 1) }
            return at + count
        case .int32: return try copy(at, count, into: &values.int32s)
        case .int64: return try copy(at, count, into: &values.int64s)
        case .float: return try copy(at, count, into: &values.floats)
        case .double: return try copy(at, count, into: &values.doubles)
        case .int96:
            try page.checked(at, count.multipliedReportingOverflow(by: 12).partialValue)
            for index in 0..<count { values.int64s.append(timestamp(at + 12 * index)) }
            return at + count * 12
        case .fixedBytes:
            let (size, overflow) = count.multipliedReportingOverflow(by: leaf.length)
            try page.checked(at, overflow ? -1 : size)
            try values.checkText(size)
            values.bytes += page.bytes[at..<at + size]
            return at + size
        case .byteArray: return try texts(at, count, into: &values)
        }
    }

    /// Little-endian values of one width are copied as they lie.
    private func copy<T: BitwiseCopyable>(_ at: Int, _ count: Int, into values: inout [T]) throws(ParquetError) -> Int {
        let (size, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<T>.size)
        try page.checked(at, overflow ? -1 : size)
        // The range was checked against the page; values need no alignment, since bytes are copied.
        let made = [T](unsafeUninitializedCapacity: count) { output, filled in
            page.bytes.withUnsafeBytes { bytes in
                UnsafeMutableRawBufferPointer(output).copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[at..<at + size]))
            }
            filled = count
        }
        if values.isEmpty { values = made } else { values += made }
        return at + size
    }

    /// Nanoseconds of a day, then the Julian day, as microseconds since 1970; wraps for days beyond its range, as in Spark.
    private func timestamp(_ at: Int) -> Int64 {
        var (nanoseconds, day) = (UInt64(0), UInt32(0))
        for index in 0..<8 { nanoseconds |= UInt64(page.bytes[at + index]) << UInt64(8 * index) }
        for index in 0..<4 { day |= UInt32(page.bytes[at + 8 + index]) << UInt32(8 * index) }
        let julianEpoch: Int64 = 2_440_588
        return (Int64(Int32(bitPattern: day)) - julianEpoch) &* 86_400_000_000 &+ Int64(bitPattern: nanoseconds) / 1000
    }

    private func texts(_ start: Int, _ count: Int, into values: inout LeafValues) throws(ParquetError) -> Int {
        var at = start
        let base = values.offsets.count
        var total = values.bytes.count
        let end = page.count
        values.offsets.reserveCapacity(base + count)
        // Lengths first, so that the bytes are copied into memory of their size.
        let isWhole = page.bytes.withUnsafeBytes { bytes -> Bool in
            for _ in 0..<count {
                // Padding makes the load safe at the very end.
                guard at &+ 4 <= end else { return false }
                let length = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)))
                at &+= 4
                guard length <= end &- at, total &+ length <= LeafValues.textBytesMax else { return false }
                at &+= length
                total &+= length
                values.offsets.append(Int32(truncatingIfNeeded: total))
            }
            return true
        }
        guard isWhole else {
            values.offsets.removeLast(values.offsets.count - base)
            if total > LeafValues.textBytesMax - (1 << 20) { try values.checkText(LeafValues.textBytesMax) }
            throw .damaged("a text ends after its page")
        }
        let filled = values.bytes.count
        values.bytes.append(contentsOf: repeatElement(0, count: total - filled))
        // The lengths were checked against the page and summed up to the room there is.
        page.bytes.withUnsafeBufferPointer { bytes in
            values.bytes.withUnsafeMutableBufferPointer { target in
                guard let from = bytes.baseAddress, let to = target.baseAddress else { return }
                var (source, place) = (start, filled)
                for index in base..<base &+ count {
                    let length = Int(values.offsets[index]) &- place
                    source &+= 4
                    (to + place).update(from: from + source, count: length)
                    source &+= length
                    place &+= length
                }
            }
        }
        return at
    }

    // MARK: deltas

    private static func deltas(_ page: PageBytes, _ start: Int, _ leaf: ParquetLeaf, _ count: Int) throws(ParquetError) -> LeafValues {
        var (values, at) = (LeafValues(leaf), start)
        let numbers = try DeltaRuns.read(page, &at, countMax: count)
        guard numbers.count == count else { throw .damaged("\(numbers.count) values where \(count) are announced") }
        switch leaf.type {
        case .int32: values.int32s = numbers.map { Int32(truncatingIfNeeded: $0) }
        case .int64: values.int64s = numbers
        default: throw .unsupported("deltas of values that are no integers")
        }
        return values
    }

    /// Lengths as deltas, then all bytes.
    private static func texts(_ page: PageBytes, _ at: inout Int, _ count: Int, into values: inout LeafValues) throws(ParquetError) {
        let lengths = try DeltaRuns.read(page, &at, countMax: count)
        guard lengths.count == count else { throw .damaged("\(lengths.count) values where \(count) are announced") }
        var total: Int64 = 0
        for length in lengths {
            total &+= length
            guard length >= 0, total <= Int64(page.count - at) else { throw .damaged("a text ends after its page") }
            values.offsets.append(Int32(truncatingIfNeeded: total))
        }
        values.bytes += page.bytes[at..<at + Int(total)]
        at += Int(total)
    }

    /// Each value repeats a prefix of the one before.
    private static func prefixes(_ page: PageBytes, _ start: Int, _ leaf: ParquetLeaf, _ count: Int) throws(ParquetError) -> LeafValues {
        guard leaf.type == .byteArray || leaf.type == .fixedBytes else { throw .unsupported("prefixes of values that are no texts") }
        var at = start
        let shared = try DeltaRuns.read(page, &at, countMax: count)
        guard shared.count == count else { throw .damaged("\(shared.count) values where \(count) are announced") }
        var suffixes = LeafValues(.bytes)
        try texts(page, &at, count, into: &suffixes)
        var values = LeafValues(leaf)
        var (from, length) = (0, 0)
        for index in 0..<count {
            let suffix = Int(suffixes.offsets[index])..<Int(suffixes.offsets[index + 1])
            guard shared[index] >= 0, shared[index] <= Int64(length) else { throw .damaged("a prefix is longer than the text before") }
            try values.checkText(Int(shared[index]) + suffix.count)
            let begin = values.bytes.count
            values.bytes += values.bytes[from..<from + Int(shared[index])]
            values.bytes += suffixes.bytes[suffix]
            (from, length) = (begin, values.bytes.count - begin)
            if leaf.type == .byteArray {
                values.offsets.append(Int32(values.bytes.count))
            } else if length != leaf.length {
                throw .damaged("a value of \(length) bytes where all have \(leaf.length)")
            }
        }
        return values
    }

    /// The first bytes of all values, then the second ones, and so on.
    private static func streams(_ page: PageBytes, _ start: Int, _ leaf: ParquetLeaf, _ count: Int) throws(ParquetError) -> LeafValues {
        let width: Int
        switch leaf.type {
        case .int32, .float: width = 4
        case .int64, .double: width = 8
        case .fixedBytes: width = leaf.length
        default: throw .unsupported("byte streams of values without a fixed length")
        }
        let (size, overflow) = count.multipliedReportingOverflow(by: width)
        try page.checked(start, overflow ? -1 : size)
        var joined = [UInt8](repeating: 0, count: size)
        for byte in 0..<width {
            let stream = start + byte * count
            for index in 0..<count { joined[index &* width &+ byte] = page.bytes[stream &+ index] }
        }
        let whole = PageBytes(joined)
        var plain = try PageValues(whole, 0, .plain, leaf, count: count, dictionary: nil)
        var values = LeafValues(leaf)
        try plain.take(count, dictionary: nil, into: &values)
        return values
    }
}
