// The least and the greatest value of a column chunk, for its statistics: numbers by value, texts by their bytes. NaN is not among the
// bounds, and zeros are written with the sign that makes them bounds of both. Source: apache/parquet-format, parquet.thrift ("Statistics").

struct ColumnBounds {
    private static let textBytesMax = 64

    private let leaf: ParquetLeaf
    var nullCount = 0
    private var integers: ClosedRange<Int64>?
    private var doubles: ClosedRange<Double>?
    private var texts: (least: [UInt8], greatest: [UInt8])?

    init(_ leaf: ParquetLeaf) { self.leaf = leaf }

    mutating func add(_ values: LeafValues) {
        switch values.layout {
        case .booleans: widen(values.booleans.min().map(Int64.init), values.booleans.max().map(Int64.init))
        case .int32:
            guard var (least, greatest) = values.int32s.first.map({ ($0, $0) }) else { return }
            for value in values.int32s { (least, greatest) = (min(least, value), max(greatest, value)) }
            widen(Int64(least), Int64(greatest))
        case .int64:
            guard var (least, greatest) = values.int64s.first.map({ ($0, $0) }) else { return }
            for value in values.int64s { (least, greatest) = (min(least, value), max(greatest, value)) }
            widen(least, greatest)
        case .float: for value in values.floats { widen(Double(value)) }
        case .double: for value in values.doubles { widen(value) }
        case .bytes where leaf.logical == .string: addTexts(values)
        case .bytes, .fixed: return
        }
    }

    private mutating func widen(_ least: Int64?, _ greatest: Int64?) {
        guard let least, let greatest else { return }
        integers = integers.map { min($0.lowerBound, least)...max($0.upperBound, greatest) } ?? least...greatest
    }

    private mutating func widen(_ value: Double) {
        if value.isNaN { return }
        guard let known = doubles else {
            doubles = value...value
            return
        }
        if value < known.lowerBound { doubles = value...known.upperBound }
        if value > known.upperBound { doubles = known.lowerBound...value }
    }

    private mutating func addTexts(_ values: LeafValues) {
        guard values.count > 0 else { return }
        var (least, greatest) = (0, 0)
        values.bytes.withUnsafeBytes { bytes in
            func text(_ index: Int) -> UnsafeRawBufferPointer {
                UnsafeRawBufferPointer(rebasing: bytes[Int(values.offsets[index])..<Int(values.offsets[index + 1])])
            }
            for index in 1..<max(1, values.count) {
                if Self.isLess(text(index), text(least)) { least = index }
                if Self.isLess(text(greatest), text(index)) { greatest = index }
            }
            let found = (least: Array(text(least)), greatest: Array(text(greatest)))
            guard let known = texts else {
                texts = found
                return
            }
            texts = (
                found.least.lexicographicallyPrecedes(known.least) ? found.least : known.least,
                known.greatest.lexicographicallyPrecedes(found.greatest) ? found.greatest : known.greatest
            )
        }
    }

    private static func isLess(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        let common = min(left.count, right.count)
        for index in 0..<common where left[index] != right[index] { return left[index] < right[index] }
        return left.count < right.count
    }

    var statistics: ChunkStatistics {
        var statistics = ChunkStatistics()
        statistics.nullCount = nullCount
        if let integers {
            let size = leaf.type == .boolean ? 1 : leaf.type == .int32 ? 4 : 8
            statistics.least = Self.bytes(UInt64(bitPattern: integers.lowerBound), size)
            statistics.greatest = Self.bytes(UInt64(bitPattern: integers.upperBound), size)
        } else if let doubles {
            let least = doubles.lowerBound == 0 ? -0.0 : doubles.lowerBound
            let greatest = doubles.upperBound == 0 ? 0.0 : doubles.upperBound
            let isFloat = leaf.type == .float
            statistics.least = isFloat ? Self.bytes(UInt64(Float(least).bitPattern), 4) : Self.bytes(least.bitPattern, 8)
            statistics.greatest = isFloat ? Self.bytes(UInt64(Float(greatest).bitPattern), 4) : Self.bytes(greatest.bitPattern, 8)
        } else if let texts {
            // The beginning of a text is not above it.
            statistics.least = Array(texts.least.prefix(Self.textBytesMax))
            if texts.greatest.count <= Self.textBytesMax { statistics.greatest = texts.greatest }
        }
        return statistics
    }

    private static func bytes(_ bits: UInt64, _ size: Int) -> [UInt8] {
        (0..<size).map { UInt8(truncatingIfNeeded: bits >> UInt64(8 * $0)) }
    }
}
