// The schema of a file as a tree of fields, with the levels of each: lists and maps in the standard form of three levels and in the older
// ones of two. Source: apache/parquet-format, LogicalTypes.md ("Lists", "Maps" and their backward-compatibility rules).

/// A column or a part of one. Levels count optional and repeated fields from the root down to this one.
package struct ParquetField: Sendable {
    package var name: String
    package var isOptional: Bool
    /// The definition level at which the field is present.
    package var definition: Int
    /// The definition level of an element of the nearest list around the field; 0 outside of lists.
    package var slotDefinition: Int
    /// The number of lists around the field.
    package var repetition: Int
    package var shape: ParquetShape

    /// The leaves from left to right.
    package var leaves: [ParquetLeaf] {
        switch shape {
        case .leaf(let leaf): [leaf]
        case .list(let element): element.leaves
        case .map(let key, let value): key.leaves + value.leaves
        case .group(let fields): fields.flatMap(\.leaves)
        }
    }
}

package indirect enum ParquetShape: Sendable {
    case leaf(ParquetLeaf)
    /// The element's levels say how deep the list lies.
    case list(ParquetField)
    case map(key: ParquetField, value: ParquetField)
    case group([ParquetField])
}

package struct ParquetLeaf: Sendable {
    /// Its position among the column chunks of a row group.
    package var index: Int
    package var path: [String]
    package var type: PhysicalType
    /// Of fixed-length values, in bytes.
    package var length: Int
    package var logical: LogicalType?
    package var definition: Int
    package var repetition: Int
}

package struct ParquetSchema: Sendable {
    /// The columns of the table.
    package var fields: [ParquetField] = []
    package private(set) var leafCount = 0

    /// Levels are bytes here, and reading recurses as deep.
    private static let depthMax = 60
    private static let lengthMax = 1 << 20

    private var elements: ArraySlice<SchemaElement>
    private var path: [String] = []

    package init(_ elements: [SchemaElement]) throws(ParquetError) {
        self.elements = elements[...]
        guard let root = self.elements.popFirst(), root.type == nil else { throw .damaged("the schema has no root") }
        fields = try children(root.childCount, Levels())
        guard self.elements.isEmpty else { throw .damaged("the schema has elements outside of its root") }
    }

    private struct Levels {
        var definition = 0
        var slotDefinition = 0
        var repetition = 0

        func inside(_ repetition: Repetition) -> Levels {
            switch repetition {
            case .required: self
            case .optional: Levels(definition: definition + 1, slotDefinition: slotDefinition, repetition: self.repetition)
            case .repeated: Levels(definition: definition + 1, slotDefinition: definition + 1, repetition: self.repetition + 1)
            }
        }
    }

    private mutating func take() throws(ParquetError) -> SchemaElement {
        guard path.count < Self.depthMax else { throw .damaged("the schema nests too deeply") }
        guard let element = elements.popFirst() else { throw .damaged("the schema announces more elements than it has") }
        guard !element.name.isEmpty else { throw .damaged("a column has no name") }
        path.append(element.name)
        return element
    }

    private mutating func children(_ count: Int, _ levels: Levels) throws(ParquetError) -> [ParquetField] {
        guard count >= 0, count <= elements.count else { throw .damaged("the schema announces more elements than it has") }
        var fields: [ParquetField] = []
        for _ in 0..<count { fields.append(try field(levels)) }
        return fields
    }

    private mutating func field(_ levels: Levels) throws(ParquetError) -> ParquetField {
        let element = try take()
        defer { path.removeLast() }
        guard element.repetition == .repeated else { return try single(element, levels) }
        // A repeated field without a list around it is a required list of required elements.
        let inner = levels.inside(.repeated)
        let item = try content(element, name: element.name, isOptional: false, inner)
        return ParquetField(
            name: element.name, isOptional: false, definition: levels.definition, slotDefinition: levels.slotDefinition,
            repetition: levels.repetition, shape: .list(item))
    }

    /// A field that is not repeated.
    private mutating func single(_ element: SchemaElement, _ levels: Levels) throws(ParquetError) -> ParquetField {
        try content(element, name: element.name, isOptional: element.repetition == .optional, levels.inside(element.repetition))
    }

    /// `levels` are those of the field when it is present.
    private mutating func content(_ element: SchemaElement, name: String, isOptional: Bool, _ levels: Levels) throws(ParquetError)
        -> ParquetField
    {
        let shape: ParquetShape =
            if element.type != nil {
                .leaf(try leaf(element, levels))
            } else if element.logical == .list, element.childCount == 1 {
                .list(try listElement(levels, listName: element.name))
            } else if element.logical == .map, element.childCount == 1 {
                try mapEntries(levels)
            } else {
                .group(try children(element.childCount, levels))
            }
        return ParquetField(
            name: name, isOptional: isOptional, definition: levels.definition, slotDefinition: levels.slotDefinition,
            repetition: levels.repetition, shape: shape)
    }

    private mutating func leaf(_ element: SchemaElement, _ levels: Levels) throws(ParquetError) -> ParquetLeaf {
        guard let type = element.type, element.childCount == 0 else { throw .damaged("a column has both values and children") }
        if type == .fixedBytes, element.length <= 0 || element.length > Self.lengthMax {
            throw .damaged("column \(element.name) has values of \(element.length) bytes")
        }
        defer { leafCount += 1 }
        return ParquetLeaf(
            index: leafCount, path: path, type: type, length: element.length, logical: element.logical, definition: levels.definition,
            repetition: levels.repetition)
    }

    private mutating func listElement(_ levels: Levels, listName: String) throws(ParquetError) -> ParquetField {
        let repeated = try take()
        defer { path.removeLast() }
        guard repeated.repetition == .repeated else { throw .damaged("list \(listName) has no repeated field") }
        let inner = levels.inside(.repeated)
        // Two levels: the repeated field is the element itself.
        let isElement =
            repeated.type != nil || repeated.childCount != 1 || repeated.name == "array" || repeated.name == listName + "_tuple"
        if isElement { return try content(repeated, name: "element", isOptional: false, inner) }
        let element = try take()
        defer { path.removeLast() }
        if element.repetition == .repeated {
            // The only child is a list without annotation: the repeated group is a structure of it.
            let list = try content(element, name: element.name, isOptional: false, inner.inside(.repeated))
            let field = ParquetField(
                name: element.name, isOptional: false, definition: inner.definition, slotDefinition: inner.slotDefinition,
                repetition: inner.repetition, shape: .list(list))
            return ParquetField(
                name: "element", isOptional: false, definition: inner.definition, slotDefinition: inner.slotDefinition,
                repetition: inner.repetition, shape: .group([field]))
        }
        var field = try single(element, inner)
        field.name = "element"
        return field
    }

    private mutating func mapEntries(_ levels: Levels) throws(ParquetError) -> ParquetShape {
        let repeated = try take()
        defer { path.removeLast() }
        guard repeated.repetition == .repeated, repeated.type == nil, repeated.childCount == 2 else {
            throw .unsupported("a map whose entries are not a key and a value")
        }
        let entries = try children(2, levels.inside(.repeated))
        return .map(key: entries[0], value: entries[1])
    }
}
