// Arrow's types, fields and schema, and their flatbuffer form. Only what Spark Connect's results and local relations use is here; other
// types are refused by name. It never holds values. Source: Arrow columnar format, Schema.fbs (field slots and type numbers).

package enum ArrowError: Error, Equatable, CustomStringConvertible {
    case malformed(String)
    case unsupported(String)

    package var description: String {
        switch self {
        case .malformed(let what): "malformed Arrow stream: \(what)"
        case .unsupported(let what): "unsupported in an Arrow stream: \(what)"
        }
    }
}

package enum ArrowTimeUnit: Int16, Sendable {
    case second, millisecond, microsecond, nanosecond
}

/// A type without its children: those belong to the field.
package enum ArrowType: Sendable, Equatable {
    case null
    case bool
    case integer(bits: Int, signed: Bool)
    case floating(bits: Int)
    case decimal(precision: Int, scale: Int, bits: Int)
    case utf8
    case largeUtf8
    case binary
    case largeBinary
    case dateDay
    case dateMillisecond
    case time(ArrowTimeUnit, bits: Int)
    case timestamp(ArrowTimeUnit, zone: String?)
    case duration(ArrowTimeUnit)
    case intervalYearMonth
    case list
    case largeList
    case structure
    case map(keysSorted: Bool)
}

package struct ArrowField: Sendable, Equatable {
    package var name: String
    package var type: ArrowType
    package var nullable: Bool
    package var children: [ArrowField]

    package init(_ name: String, _ type: ArrowType, nullable: Bool = true, children: [ArrowField] = []) {
        self.name = name
        self.type = type
        self.nullable = nullable
        self.children = children
    }
}

package struct ArrowSchema: Sendable, Equatable {
    package var fields: [ArrowField]

    package init(_ fields: [ArrowField]) {
        self.fields = fields
    }
}

/// Type numbers of the union `Type` in Schema.fbs.
private enum TypeNumber {
    static let null: UInt8 = 1
    static let integer: UInt8 = 2
    static let floating: UInt8 = 3
    static let binary: UInt8 = 4
    static let utf8: UInt8 = 5
    static let bool: UInt8 = 6
    static let decimal: UInt8 = 7
    static let date: UInt8 = 8
    static let time: UInt8 = 9
    static let timestamp: UInt8 = 10
    static let interval: UInt8 = 11
    static let list: UInt8 = 12
    static let structure: UInt8 = 13
    static let map: UInt8 = 17
    static let duration: UInt8 = 18
    static let largeBinary: UInt8 = 19
    static let largeUtf8: UInt8 = 20
    static let largeList: UInt8 = 21
}

extension ArrowSchema {
    /// Field nesting that is read or written; deeper schemas are refused.
    static let depthMax = 64

    func encode(into builder: inout FlatBufferBuilder) -> FlatBufferBuilder.Offset {
        var offsets: [FlatBufferBuilder.Offset] = []
        for field in fields { offsets.append(field.encode(into: &builder)) }
        let vector = builder.vector(of: offsets)
        builder.startTable(slots: 2)
        builder.add(vector, slot: 1)
        return builder.endTable()
    }

    init(table: FlatTable) throws(ArrowError) {
        guard try table.integer(0, default: Int16(0)) == 0 else { throw .unsupported("big-endian data") }
        fields = []
        for field in try table.tables(1) { fields.append(try ArrowField(table: field, depth: 0)) }
    }
}

extension ArrowField {
    fileprivate func encode(into builder: inout FlatBufferBuilder) -> FlatBufferBuilder.Offset {
        var offsets: [FlatBufferBuilder.Offset] = []
        for child in children { offsets.append(child.encode(into: &builder)) }
        let childVector = builder.vector(of: offsets)
        let nameOffset = builder.string(name)
        let (number, typeOffset) = type.encode(into: &builder)
        builder.startTable(slots: 6)
        builder.add(nameOffset, slot: 0)
        builder.add(typeOffset, slot: 3)
        builder.add(childVector, slot: 5)
        builder.add(nullable, slot: 1)
        builder.add(number, slot: 2)
        return builder.endTable()
    }

    fileprivate init(table: FlatTable, depth: Int) throws(ArrowError) {
        guard depth < ArrowSchema.depthMax else { throw .malformed("schema nests deeper than \(ArrowSchema.depthMax)") }
        guard try table.table(4) == nil else { throw .unsupported("dictionary-encoded column") }
        name = try table.string(0) ?? ""
        nullable = try table.flag(1)
        type = try ArrowType(number: try table.integer(2, default: UInt8(0)), table: try table.table(3))
        children = []
        for child in try table.tables(5) { children.append(try ArrowField(table: child, depth: depth + 1)) }
        let expected: Int? =
            switch type {
            case .list, .largeList, .map: 1
            case .structure: nil
            default: 0
            }
        guard expected == nil || expected == children.count else { throw .malformed("column \(name) has \(children.count) children") }
    }
}

extension ArrowType {
    fileprivate func encode(into builder: inout FlatBufferBuilder) -> (UInt8, FlatBufferBuilder.Offset) {
        var zoneOffset: FlatBufferBuilder.Offset?
        if case .timestamp(_, let zone?) = self { zoneOffset = builder.string(zone) }
        builder.startTable(slots: 3)
        let number: UInt8
        switch self {
        case .null: number = TypeNumber.null
        case .bool: number = TypeNumber.bool
        case .utf8: number = TypeNumber.utf8
        case .largeUtf8: number = TypeNumber.largeUtf8
        case .binary: number = TypeNumber.binary
        case .largeBinary: number = TypeNumber.largeBinary
        case .list: number = TypeNumber.list
        case .largeList: number = TypeNumber.largeList
        case .structure: number = TypeNumber.structure
        case .integer(let bits, let signed):
            number = TypeNumber.integer
            builder.add(Int32(bits), slot: 0)
            builder.add(signed, slot: 1)
        case .floating(let bits):
            number = TypeNumber.floating
            builder.add(Int16(bits == 64 ? 2 : bits == 32 ? 1 : 0), slot: 0)
        case .decimal(let precision, let scale, let bits):
            number = TypeNumber.decimal
            builder.add(Int32(precision), slot: 0)
            builder.add(Int32(scale), slot: 1)
            builder.add(Int32(bits), slot: 2)
        case .dateDay, .dateMillisecond:
            number = TypeNumber.date
            builder.add(Int16(self == .dateDay ? 0 : 1), slot: 0)
        case .time(let unit, let bits):
            number = TypeNumber.time
            builder.add(unit.rawValue, slot: 0)
            builder.add(Int32(bits), slot: 1)
        case .timestamp(let unit, _):
            number = TypeNumber.timestamp
            builder.add(unit.rawValue, slot: 0)
            if let zoneOffset { builder.add(zoneOffset, slot: 1) }
        case .duration(let unit):
            number = TypeNumber.duration
            builder.add(unit.rawValue, slot: 0)
        case .intervalYearMonth:
            number = TypeNumber.interval
            builder.add(Int16(0), slot: 0)
        case .map(let keysSorted):
            number = TypeNumber.map
            builder.add(keysSorted, slot: 0)
        }
        return (number, builder.endTable())
    }

    fileprivate init(number: UInt8, table: FlatTable?) throws(ArrowError) {
        guard let table else { throw .malformed("a column has no type") }
        switch number {
        case TypeNumber.null: self = .null
        case TypeNumber.bool: self = .bool
        case TypeNumber.utf8: self = .utf8
        case TypeNumber.largeUtf8: self = .largeUtf8
        case TypeNumber.binary: self = .binary
        case TypeNumber.largeBinary: self = .largeBinary
        case TypeNumber.list: self = .list
        case TypeNumber.largeList: self = .largeList
        case TypeNumber.structure: self = .structure
        case TypeNumber.integer: self = .integer(bits: Int(try table.integer(0, default: Int32(0))), signed: try table.flag(1))
        case TypeNumber.floating:
            let precision = try table.integer(0, default: Int16(0))
            guard (0...2).contains(precision) else { throw .malformed("floating point precision \(precision)") }
            self = .floating(bits: 16 << Int(precision))
        case TypeNumber.decimal:
            self = .decimal(
                precision: Int(try table.integer(0, default: Int32(0))), scale: Int(try table.integer(1, default: Int32(0))),
                bits: Int(try table.integer(2, default: Int32(128))))
        case TypeNumber.date: self = try table.integer(0, default: Int16(1)) == 0 ? .dateDay : .dateMillisecond
        case TypeNumber.time:
            self = .time(try Self.unit(table.integer(0, default: Int16(1))), bits: Int(try table.integer(1, default: Int32(32))))
        case TypeNumber.timestamp: self = .timestamp(try Self.unit(table.integer(0, default: Int16(0))), zone: try table.string(1))
        case TypeNumber.duration: self = .duration(try Self.unit(table.integer(0, default: Int16(1))))
        case TypeNumber.interval:
            guard try table.integer(0, default: Int16(0)) == 0 else { throw .unsupported("interval other than year-month") }
            self = .intervalYearMonth
        case TypeNumber.map: self = .map(keysSorted: try table.flag(0))
        default: throw .unsupported("Arrow type number \(number)")
        }
    }

    private static func unit(_ raw: Int16) throws(ArrowError) -> ArrowTimeUnit {
        guard let unit = ArrowTimeUnit(rawValue: raw) else { throw .malformed("time unit \(raw)") }
        return unit
    }

    /// Bytes per value of a fixed-width type; nil for bits, offsets and nesting.
    package var fixedWidth: Int? {
        switch self {
        case .integer(let bits, _), .floating(let bits), .decimal(_, _, let bits), .time(_, let bits): bits / 8
        case .dateDay, .intervalYearMonth: 4
        case .dateMillisecond, .timestamp, .duration: 8
        default: nil
        }
    }

    /// Bytes per offset of a variable-width type.
    package var offsetWidth: Int? {
        switch self {
        case .utf8, .binary, .list, .map: 4
        case .largeUtf8, .largeBinary, .largeList: 8
        default: nil
        }
    }
}
