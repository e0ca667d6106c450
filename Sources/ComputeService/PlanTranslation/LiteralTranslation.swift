// Literals of Spark Connect as values of the engine. Types that the engine lacks are refused by name.
import Foundation
import QueryCore
import SparkWire

enum LiteralTranslation {
    static func literal(_ proto: Spark_Connect_Expression.Literal) throws -> Literal {
        let literal = try literal(proto, depth: 0)
        guard literal.value.belongs(to: literal.type) else {
            throw SparkError.invalidPlan("a literal's value is not one of its type \(literal.type.simpleString)")
        }
        return literal
    }

    private static func literal(_ proto: Spark_Connect_Expression.Literal, depth: Int) throws -> Literal {
        guard depth < TypeTranslation.depthMax else { throw SparkError.invalidPlan("a literal nests too deeply") }
        switch proto.literalType {
        case .null(let type): return Literal(.null, try TypeTranslation.type(type))
        case .boolean(let value): return .boolean(value)
        case .byte(let value): return Literal(.integer(Int64(value)), .byte)
        case .short(let value): return Literal(.integer(Int64(value)), .short)
        case .integer(let value): return .int(value)
        case .long(let value): return .long(value)
        case .float(let value): return Literal(.double(Double(value)), .float)
        case .double(let value): return .double(value)
        case .string(let value): return .string(value)
        case .binary(let value): return Literal(.binary(Array(value)), .binary)
        case .date(let days): return Literal(.integer(Int64(days)), .date)
        case .timestamp(let microseconds): return Literal(.integer(microseconds), .timestamp)
        case .decimal(let decimal): return try self.decimal(decimal)
        case .array(let array):
            let elements = try array.elements.map { try literal($0, depth: depth + 1) }
            let element = array.hasElementType ? try TypeTranslation.type(array.elementType) : known(elements)
            return Literal(.array(elements.map(\.value)), .array(element: element, containsNull: elements.contains { $0.value.isNull }))
        case .specializedArray(let array): return try specialized(array)
        case .map(let map):
            let keys = try map.keys.map { try literal($0, depth: depth + 1) }
            let values = try map.values.map { try literal($0, depth: depth + 1) }
            guard keys.count == values.count else {
                throw SparkError.invalidPlan("a map literal has \(keys.count) keys, \(values.count) values")
            }
            let keyType = map.hasKeyType ? try TypeTranslation.type(map.keyType) : known(keys)
            let valueType = map.hasValueType ? try TypeTranslation.type(map.valueType) : known(values)
            return Literal(
                .map(keys: keys.map(\.value), values: values.map(\.value)),
                .map(key: keyType, value: valueType, valueContainsNull: values.contains { $0.value.isNull }))
        case .struct(let structure):
            let elements = try structure.elements.map { try literal($0, depth: depth + 1) }
            var type = DataType.structure(elements.enumerated().map { StructField("col\($0.offset + 1)", $0.element.type) })
            if structure.hasStructType { type = try TypeTranslation.type(structure.structType) }
            return Literal(.structure(elements.map(\.value)), type)
        case .timestampNtz: throw SparkError.unsupportedType("TIMESTAMP_NTZ")
        case .calendarInterval: throw SparkError.unsupportedType("INTERVAL")
        case .yearMonthInterval: throw SparkError.unsupportedType("INTERVAL YEAR TO MONTH")
        case .dayTimeInterval: throw SparkError.unsupportedType("INTERVAL DAY TO SECOND")
        case .time: throw SparkError.unsupportedType("TIME")
        case nil: throw SparkError.invalidPlan("a literal is empty")
        }
    }

    /// The type of the first that is no null: those of untyped elements.
    private static func known(_ elements: [Literal]) -> DataType { elements.first { !$0.value.isNull }?.type ?? .null }

    private static func decimal(_ proto: Spark_Connect_Expression.Literal.Decimal) throws -> Literal {
        let text = Array(proto.value.utf8)
        let isSigned = text.first == UInt8(ascii: "-") || text.first == UInt8(ascii: "+")
        let parts = text.dropFirst(isSigned ? 1 : 0).split(
            separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = parts.count > 1 ? parts[1] : []
        let scale = proto.hasScale ? Int(proto.scale) : fraction.count
        let digitsMax = DataType.decimalPrecisionMax
        let refusal = SparkError.invalidPlan("decimal literal '\(String(decoding: text.prefix(100), as: UTF8.self))' does not fit its type")
        guard (0...digitsMax).contains(scale), fraction.count <= scale else { throw refusal }
        var digits = (parts[0] + fraction).drop { $0 == UInt8(ascii: "0") }
        guard digits.count <= digitsMax, digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { throw refusal }
        digits += [UInt8](repeating: UInt8(ascii: "0"), count: digits.isEmpty ? 0 : scale - fraction.count)
        let precision = proto.hasPrecision ? Int(proto.precision) : max(digits.count, scale, 1)
        guard (1...digitsMax).contains(precision) else { throw SparkError.invalidPlan("decimal precision \(precision) exceeds 38") }
        guard scale <= precision, digits.count <= precision,
            let unscaled = Int128(digits.isEmpty ? "0" : String(decoding: digits, as: UTF8.self))
        else { throw refusal }
        return Literal(.decimal(text.first == UInt8(ascii: "-") ? -unscaled : unscaled), .decimal(precision: precision, scale: scale))
    }

    private static func specialized(_ array: Spark_Connect_Expression.Literal.SpecializedArray) throws -> Literal {
        func list(_ values: [Value], _ type: DataType) -> Literal { Literal(.array(values), .array(element: type, containsNull: false)) }
        switch array.valueType {
        case .bools(let bools): return list(bools.values.map { .boolean($0) }, .boolean)
        case .ints(let ints): return list(ints.values.map { .integer(Int64($0)) }, .int)
        case .longs(let longs): return list(longs.values.map { .integer($0) }, .long)
        case .floats(let floats): return list(floats.values.map { .double(Double($0)) }, .float)
        case .doubles(let doubles): return list(doubles.values.map { .double($0) }, .double)
        case .strings(let strings): return list(strings.values.map { .string($0) }, .string)
        case nil: throw SparkError.invalidPlan("an array literal is empty")
        }
    }
}
