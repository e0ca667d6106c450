// Levels and values become vectors in Arrow's layout: validity, offsets of lists, values with a place for each null. Source: Melnik et al.,
// "Dremel: Interactive Analysis of Web-Scale Datasets", 2010; the Arrow project's description of nested columns in Parquet.

package struct ParquetVector: Sendable {
    package indirect enum Storage: Sendable {
        /// With zeros, or empty texts, in the places of nulls.
        case leaf(LeafValues)
        case list(offsets: [Int32], ParquetVector)
        case map(offsets: [Int32], key: ParquetVector, value: ParquetVector)
        case group([ParquetVector])
    }

    package var count: Int
    /// A bit for each value, set if it is present, in 64-bit words from the lowest bit up; nil if all are present.
    package var validity: [UInt64]?
    package var storage: Storage

    package init(count: Int, validity: [UInt64]?, storage: Storage) {
        self.count = count
        self.validity = validity
        self.storage = storage
    }
}

package enum VectorAssembly {
    /// The vector of a field from the rows of its leaves, in the order of `field.leaves`.
    package static func vector(_ field: ParquetField, _ leaves: [LeafRows]) throws(ParquetError) -> ParquetVector {
        var rest = leaves[...]
        return try vector(field, &rest)
    }

    private static func vector(_ field: ParquetField, _ leaves: inout ArraySlice<LeafRows>) throws(ParquetError) -> ParquetVector {
        guard let first = leaves.first else { preconditionFailure("each leaf of a field has its rows") }
        switch field.shape {
        case .leaf:
            leaves = leaves.dropFirst()
            return try leaf(field, first)
        case .group(let fields):
            let (count, validity) = slots(field, first)
            if fields.isEmpty { throw .unsupported("a structure without fields") }
            var children: [ParquetVector] = []
            for child in fields { children.append(try vector(child, &leaves)) }
            try check(children, count)
            return ParquetVector(count: count, validity: validity, storage: .group(children))
        case .list(let element):
            let (count, validity) = slots(field, first)
            let offsets = offsets(field, element, first, count)
            let child = try vector(element, &leaves)
            try check([child], Int(offsets[count]))
            return ParquetVector(count: count, validity: validity, storage: .list(offsets: offsets, child))
        case .map(let key, let value):
            let (count, validity) = slots(field, first)
            let offsets = offsets(field, key, first, count)
            let children = [try vector(key, &leaves), try vector(value, &leaves)]
            try check(children, Int(offsets[count]))
            return ParquetVector(count: count, validity: validity, storage: .map(offsets: offsets, key: children[0], value: children[1]))
        }
    }

    /// Leaves of one group or list say the same about its shape, or the file is damaged.
    private static func check(_ children: [ParquetVector], _ count: Int) throws(ParquetError) {
        guard children.allSatisfy({ $0.count == count }) else { throw .damaged("the columns of a nested field differ in their levels") }
    }

    /// The field's values, nulls included, and which of them are present.
    private static func slots(_ field: ParquetField, _ rows: LeafRows) -> (Int, [UInt64]?) {
        if rows.definitions.isEmpty { return (rows.rowCount, nil) }
        let (slot, present) = (UInt8(field.slotDefinition), UInt8(field.definition))
        let repetition = UInt8(field.repetition)
        var (count, absent, words) = (0, 0, [UInt64](repeating: 0, count: (rows.definitions.count + 63) / 64))
        for index in rows.definitions.indices {
            guard rows.definitions[index] >= slot, rows.repetitions.isEmpty || rows.repetitions[index] <= repetition else { continue }
            if rows.definitions[index] >= present { words[count >> 6] |= 1 << UInt64(count & 63) } else { absent += 1 }
            count += 1
        }
        words.removeLast(words.count - (count + 63) / 64)
        return (count, absent == 0 ? nil : words)
    }

    private static func offsets(_ list: ParquetField, _ element: ParquetField, _ rows: LeafRows, _ count: Int) -> [Int32] {
        let slot = UInt8(list.slotDefinition)
        let (repetition, inside) = (UInt8(list.repetition), UInt8(element.slotDefinition))
        var offsets: [Int32] = []
        offsets.reserveCapacity(count + 1)
        var elements: Int32 = 0
        for index in rows.definitions.indices where rows.definitions[index] >= slot {
            if rows.repetitions[index] <= repetition { offsets.append(elements) }
            if rows.definitions[index] >= inside, rows.repetitions[index] <= repetition + 1 { elements += 1 }
        }
        offsets.append(elements)
        return offsets
    }

    private static func leaf(_ field: ParquetField, _ rows: LeafRows) throws(ParquetError) -> ParquetVector {
        let (count, validity) = slots(field, rows)
        guard let validity else {
            guard rows.values.count == count else { throw .damaged("a column has \(rows.values.count) values, not \(count)") }
            return ParquetVector(count: count, validity: nil, storage: .leaf(rows.values))
        }
        let present = validity.reduce(0) { $0 + $1.nonzeroBitCount }
        guard rows.values.count == present else { throw .damaged("a column has \(rows.values.count) values, not \(present)") }
        return ParquetVector(count: count, validity: validity, storage: .leaf(try rows.values.spread(validity, count)))
    }
}

extension LeafValues {
    /// With a place for each null.
    fileprivate func spread(_ validity: [UInt64], _ count: Int) throws(ParquetError) -> LeafValues {
        var spread = LeafValues(layout)
        switch layout {
        case .booleans: spread.booleans = Self.spread(booleans, 0, validity, count)
        case .int32: spread.int32s = Self.spread(int32s, 0, validity, count)
        case .int64: spread.int64s = Self.spread(int64s, 0, validity, count)
        case .float: spread.floats = Self.spread(floats, 0, validity, count)
        case .double: spread.doubles = Self.spread(doubles, 0, validity, count)
        case .bytes:
            spread.bytes = bytes
            var (places, next): ([Int32], Int) = ([0], 0)
            places.reserveCapacity(count + 1)
            for index in 0..<count {
                next &+= Int(validity[index >> 6] >> UInt64(index & 63) & 1)
                places.append(offsets[next])
            }
            spread.offsets = places
        case .fixed(let length):
            // Nulls are no bytes in the file and `length` bytes here.
            try spread.checkText(count * length)
            let empty = [UInt8](repeating: 0, count: length)
            spread.bytes.reserveCapacity(count * length)
            var next = 0
            for index in 0..<count {
                if validity[index >> 6] >> UInt64(index & 63) & 1 == 0 {
                    spread.bytes += empty
                } else {
                    spread.bytes += bytes[next..<next + length]
                    next += length
                }
            }
        }
        return spread
    }

    private static func spread<T>(_ dense: [T], _ zero: T, _ validity: [UInt64], _ count: Int) -> [T] {
        [T](unsafeUninitializedCapacity: count) { output, filled in
            // There are as many dense values as set bits, and each place is initialised once.
            dense.withUnsafeBufferPointer { dense in
                var next = 0
                for index in 0..<count {
                    if validity[index >> 6] >> UInt64(index & 63) & 1 == 0 {
                        output.initializeElement(at: index, to: zero)
                    } else {
                        output.initializeElement(at: index, to: dense[next])
                        next &+= 1
                    }
                }
            }
            filled = count
        }
    }
}
