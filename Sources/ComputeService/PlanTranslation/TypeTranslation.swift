// Spark Connect's type messages to the engine's types and back, and the engine's schema to Arrow's. Types that the engine lacks are refused
// by Spark's name for them. No values here.
import ComputeCore
import QueryCore
import SparkWire

enum TypeTranslation {
    /// Limit of the nesting of a client's type.
    static let depthMax = 64

    static func type(_ proto: Spark_Connect_DataType, depth: Int = 0) throws -> DataType {
        guard depth < depthMax else { throw SparkError.invalidPlan("a type nests deeper than \(depthMax)") }
        switch proto.kind {
        case .null: return .null
        case .boolean: return .boolean
        case .byte: return .byte
        case .short: return .short
        case .integer: return .int
        case .long: return .long
        case .float: return .float
        case .double: return .double
        case .string, .char, .varChar: return .string
        case .binary: return .binary
        case .date: return .date
        case .timestamp: return .timestamp
        case .decimal(let decimal):
            let precision = decimal.hasPrecision ? Int(decimal.precision) : 10
            let scale = decimal.hasScale ? Int(decimal.scale) : 0
            guard (1...DataType.decimalPrecisionMax).contains(precision), (0...precision).contains(scale) else {
                throw SparkError.invalidPlan("decimal(\(precision),\(scale)) is no type: its digits are 1 to 38, its scale at most that")
            }
            return .decimal(precision: precision, scale: scale)
        case .array(let array):
            return .array(element: try type(array.elementType, depth: depth + 1), containsNull: array.containsNull)
        case .map(let map):
            return .map(
                key: try type(map.keyType, depth: depth + 1), value: try type(map.valueType, depth: depth + 1),
                valueContainsNull: map.valueContainsNull)
        case .struct(let structure):
            return .structure(
                try structure.fields.map {
                    StructField($0.name, try type($0.dataType, depth: depth + 1), nullable: $0.nullable)
                })
        case .unparsed(let text): return try Parser.parseType(text.dataTypeString)
        case .timestampNtz: throw SparkError.unsupportedType("TIMESTAMP_NTZ")
        case .calendarInterval: throw SparkError.unsupportedType("INTERVAL")
        case .yearMonthInterval: throw SparkError.unsupportedType("INTERVAL YEAR TO MONTH")
        case .dayTimeInterval: throw SparkError.unsupportedType("INTERVAL DAY TO SECOND")
        case .variant: throw SparkError.unsupportedType("VARIANT")
        case .udt: throw SparkError.unsupportedType("UDT")
        case .geometry: throw SparkError.unsupportedType("GEOMETRY")
        case .geography: throw SparkError.unsupportedType("GEOGRAPHY")
        case .time: throw SparkError.unsupportedType("TIME")
        case nil: throw SparkError.invalidPlan("a type message is empty")
        }
    }

    static func schema(_ proto: Spark_Connect_DataType) throws -> Schema {
        guard case .structure(let fields) = try type(proto) else { throw SparkError.invalidPlan("a schema must be a struct type") }
        return Schema(fields)
    }

    static func proto(_ schema: Schema) -> Spark_Connect_DataType {
        proto(.structure(schema.fields))
    }

    static func proto(_ type: DataType) -> Spark_Connect_DataType {
        var proto = Spark_Connect_DataType()
        switch type {
        case .null: proto.null = .init()
        case .boolean: proto.boolean = .init()
        case .byte: proto.byte = .init()
        case .short: proto.short = .init()
        case .int: proto.integer = .init()
        case .long: proto.long = .init()
        case .float: proto.float = .init()
        case .double: proto.double = .init()
        case .string: proto.string.collation = "UTF8_BINARY"
        case .binary: proto.binary = .init()
        case .date: proto.date = .init()
        case .timestamp: proto.timestamp = .init()
        case .decimal(let precision, let scale):
            proto.decimal.precision = Int32(precision)
            proto.decimal.scale = Int32(scale)
        case .array(let element, let containsNull):
            proto.array.elementType = self.proto(element)
            proto.array.containsNull = containsNull
        case .map(let key, let value, let valueContainsNull):
            proto.map.keyType = self.proto(key)
            proto.map.valueType = self.proto(value)
            proto.map.valueContainsNull = valueContainsNull
        case .structure(let fields):
            proto.struct.fields = fields.map { field in
                var structField = Spark_Connect_DataType.StructField()
                structField.name = field.name
                structField.dataType = self.proto(field.type)
                structField.nullable = field.nullable
                return structField
            }
        }
        return proto
    }

    /// Timestamps are instants; Arrow names them with the session's zone if it is one that every client knows.
    static func arrow(_ schema: Schema, zone: ZoneRules? = nil) -> ArrowSchema {
        let name = zone.flatMap { $0.name.contains("/") ? $0.name : nil } ?? "UTC"
        return ArrowSchema(schema.fields.map { arrow($0, name) })
    }

    private static func arrow(_ field: StructField, _ zone: String) -> ArrowField {
        var type: ArrowType
        var children: [ArrowField] = []
        switch field.type {
        case .null: type = .null
        case .boolean: type = .bool
        case .byte: type = .integer(bits: 8, signed: true)
        case .short: type = .integer(bits: 16, signed: true)
        case .int: type = .integer(bits: 32, signed: true)
        case .long: type = .integer(bits: 64, signed: true)
        case .float: type = .floating(bits: 32)
        case .double: type = .floating(bits: 64)
        case .decimal(let precision, let scale): type = .decimal(precision: precision, scale: scale, bits: 128)
        case .string: type = .utf8
        case .binary: type = .binary
        case .date: type = .dateDay
        case .timestamp: type = .timestamp(.microsecond, zone: zone)
        case .array(let element, let containsNull):
            type = .list
            children = [arrow(StructField("element", element, nullable: containsNull), zone)]
        case .map(let key, let value, let valueContainsNull):
            type = .map(keysSorted: false)
            let entries = [
                arrow(StructField("key", key, nullable: false), zone),
                arrow(StructField("value", value, nullable: valueContainsNull), zone),
            ]
            children = [ArrowField("entries", .structure, nullable: false, children: entries)]
        case .structure(let fields):
            type = .structure
            children = fields.map { arrow($0, zone) }
        }
        return ArrowField(field.name, type, nullable: field.nullable, children: children)
    }
}
