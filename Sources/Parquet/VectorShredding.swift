// Vectors in Arrow's layout become levels and values, the inverse of VectorAssembly. Source: Melnik et al., "Dremel: Interactive Analysis
// of Web-Scale Datasets", 2010.

package enum VectorShredding {
    /// The places of a level: each has its levels so far, and the position of its value or -1 where the value ended above.
    private struct Places {
        var definitions: [UInt8]
        var repetitions: [UInt8]
        var positions: [Int32]
        /// Nothing ended above, and position i is i.
        var isWhole: Bool
    }

    /// The rows of all leaves of a field, in the order of `field.leaves`.
    package static func leaves(_ field: ParquetField, _ vector: ParquetVector) throws(ParquetError) -> [LeafRows] {
        let count = vector.count
        let places = Places(
            definitions: [UInt8](repeating: 0, count: count), repetitions: [UInt8](repeating: 0, count: count),
            positions: (0..<Int32(count)).map { $0 }, isWhole: true)
        var rows: [LeafRows] = []
        try shred(field, vector, places, rowCount: count, into: &rows)
        return rows
    }

    private static func shred(_ field: ParquetField, _ vector: ParquetVector, _ above: Places, rowCount: Int, into rows: inout [LeafRows])
        throws(ParquetError)
    {
        var places = above
        if field.isOptional { mark(vector, definition: UInt8(field.definition), &places) }
        switch (field.shape, vector.storage) {
        case (.leaf(let leaf), .leaf(let values)):
            var leafRows = LeafRows(leaf)
            leafRows.rowCount = rowCount
            if leaf.definition > 0 { leafRows.definitions = places.definitions }
            if leaf.repetition > 0 { leafRows.repetitions = places.repetitions }
            leafRows.values = places.isWhole ? values : values.picked(places.positions)
            rows.append(leafRows)
        case (.group(let fields), .group(let children)):
            for (index, child) in fields.enumerated() { try shred(child, children[index], places, rowCount: rowCount, into: &rows) }
        case (.list(let element), .list(let offsets, let child)):
            try shred(element, child, elements(offsets, element, places), rowCount: rowCount, into: &rows)
        case (.map(let key, let value), .map(let offsets, let keys, let values)):
            let inner = elements(offsets, key, places)
            try shred(key, keys, inner, rowCount: rowCount, into: &rows)
            try shred(value, values, inner, rowCount: rowCount, into: &rows)
        default: preconditionFailure("a vector has the shape of its field")
        }
    }

    private static func mark(_ vector: ParquetVector, definition: UInt8, _ places: inout Places) {
        guard let validity = vector.validity else {
            if places.isWhole {
                places.definitions = [UInt8](repeating: definition, count: places.positions.count)
            } else {
                for index in places.positions.indices where places.positions[index] >= 0 { places.definitions[index] = definition }
            }
            return
        }
        places.isWhole = false
        for index in places.positions.indices where places.positions[index] >= 0 {
            let position = Int(places.positions[index])
            if validity[position >> 6] >> UInt64(position & 63) & 1 == 1 {
                places.definitions[index] = definition
            } else {
                places.positions[index] = -1
            }
        }
    }

    /// The places of a list's elements; an absent or empty list keeps one place without a value.
    private static func elements(_ offsets: [Int32], _ element: ParquetField, _ places: Places) -> Places {
        var inner = Places(definitions: [], repetitions: [], positions: [], isWhole: false)
        // The repeated level itself is present where there is an element.
        let (definition, repetition) = (UInt8(element.slotDefinition), UInt8(element.repetition))
        for index in places.positions.indices {
            let position = Int(places.positions[index])
            let range = position < 0 ? 0..<0 : offsets[position]..<offsets[position + 1]
            if range.isEmpty {
                inner.definitions.append(places.definitions[index])
                inner.repetitions.append(places.repetitions[index])
                inner.positions.append(-1)
                continue
            }
            for (number, child) in range.enumerated() {
                inner.definitions.append(definition)
                inner.repetitions.append(number == 0 ? places.repetitions[index] : repetition)
                inner.positions.append(child)
            }
        }
        return inner
    }
}

extension LeafValues {
    /// The values at the positions that are not negative.
    fileprivate func picked(_ positions: [Int32]) -> LeafValues {
        var picked = LeafValues(layout)
        switch layout {
        case .booleans: picked.booleans = Self.picked(booleans, positions)
        case .int32: picked.int32s = Self.picked(int32s, positions)
        case .int64: picked.int64s = Self.picked(int64s, positions)
        case .float: picked.floats = Self.picked(floats, positions)
        case .double: picked.doubles = Self.picked(doubles, positions)
        case .bytes:
            picked.offsets.reserveCapacity(positions.count + 1)
            picked.bytes.reserveCapacity(bytes.count)
            for position in positions where position >= 0 {
                picked.bytes += bytes[Int(offsets[Int(position)])..<Int(offsets[Int(position) + 1])]
                picked.offsets.append(Int32(picked.bytes.count))
            }
        case .fixed(let length):
            for position in positions where position >= 0 { picked.bytes += bytes[Int(position) * length..<(Int(position) + 1) * length] }
        }
        return picked
    }

    private static func picked<T>(_ values: [T], _ positions: [Int32]) -> [T] {
        var picked: [T] = []
        picked.reserveCapacity(positions.count)
        for position in positions where position >= 0 { picked.append(values[Int(position)]) }
        return picked
    }
}
