// The types of the SQL engine: Spark's, with Spark's names. `simpleString` is the name in DESCRIBE and dtypes, `sqlName` that in error
// messages and CAST column names. Nothing here knows of values, columns or wire formats. Source: Spark SQL reference, "Data Types".

package indirect enum DataType: Hashable, Sendable {
    case null
    case boolean
    case byte, short, int, long
    case float, double
    case decimal(precision: Int, scale: Int)
    case string, binary
    /// Days since 1970-01-01.
    case date
    /// Microseconds since 1970-01-01T00:00:00Z.
    case timestamp
    case array(element: DataType, containsNull: Bool)
    case map(key: DataType, value: DataType, valueContainsNull: Bool)
    case structure([StructField])

    /// Limit of a decimal's digits: 128 bits hold 38.
    package static let decimalPrecisionMax = 38
    package static let defaultDecimal = DataType.decimal(precision: 10, scale: 0)
}

package struct StructField: Hashable, Sendable {
    package var name: String
    package var type: DataType
    package var nullable: Bool

    package init(_ name: String, _ type: DataType, nullable: Bool = true) {
        self.name = name
        self.type = type
        self.nullable = nullable
    }
}

/// The named, typed columns of a table or a result, in order. Names may repeat.
package struct Schema: Hashable, Sendable {
    package var fields: [StructField]

    package init(_ fields: [StructField]) { self.fields = fields }

    package var count: Int { fields.count }

    /// Spark's DDL form, e.g. `carrier STRING,delay INT`.
    package var ddl: String {
        fields.map { "\(Identifier.quotedIfNeeded($0.name)) \($0.type.sqlName)\($0.nullable ? "" : " NOT NULL")" }.joined(separator: ",")
    }
}

extension DataType {
    /// The name in DESCRIBE, `dtypes` and `typeof`, e.g. `bigint`, `struct<a:int>`.
    package var simpleString: String {
        switch self {
        case .null: "void"
        case .boolean: "boolean"
        case .byte: "tinyint"
        case .short: "smallint"
        case .int: "int"
        case .long: "bigint"
        case .float: "float"
        case .double: "double"
        case .decimal(let precision, let scale): "decimal(\(precision),\(scale))"
        case .string: "string"
        case .binary: "binary"
        case .date: "date"
        case .timestamp: "timestamp"
        case .array(let element, _): "array<\(element.simpleString)>"
        case .map(let key, let value, _): "map<\(key.simpleString),\(value.simpleString)>"
        case .structure(let fields): "struct<" + fields.map { "\($0.name):\($0.type.simpleString)" }.joined(separator: ",") + ">"
        }
    }

    /// The name in error messages, DDL and CAST, e.g. `BIGINT`, `STRUCT<a: INT>`.
    package var sqlName: String {
        switch self {
        case .array(let element, _): "ARRAY<\(element.sqlName)>"
        case .map(let key, let value, _): "MAP<\(key.sqlName), \(value.sqlName)>"
        case .structure(let fields):
            "STRUCT<" + fields.map { "\($0.name): \($0.type.sqlName)\($0.nullable ? "" : " NOT NULL")" }.joined(separator: ", ") + ">"
        default: simpleString.uppercased()
        }
    }

    /// The name in a printed schema tree: `long` where DESCRIBE says `bigint`.
    package var treeName: String {
        switch self {
        case .byte: "byte"
        case .short: "short"
        case .int: "integer"
        case .long: "long"
        case .array: "array"
        case .map: "map"
        case .structure: "struct"
        default: simpleString
        }
    }

    package var isIntegral: Bool {
        switch self {
        case .byte, .short, .int, .long: true
        default: false
        }
    }

    package var isFractional: Bool { self == .float || self == .double }

    package var isDecimal: Bool {
        if case .decimal = self { true } else { false }
    }

    package var isNumeric: Bool { isIntegral || isFractional || isDecimal }

    /// The same with nulls allowed in all of its parts.
    package var withNulls: DataType {
        switch self {
        case .array(let element, _): .array(element: element.withNulls, containsNull: true)
        case .map(let key, let value, _): .map(key: key.withNulls, value: value.withNulls, valueContainsNull: true)
        case .structure(let fields): .structure(fields.map { StructField($0.name, $0.type.withNulls) })
        default: self
        }
    }

    /// Neither array, map nor struct; null counts as atomic.
    package var isAtomic: Bool {
        switch self {
        case .array, .map, .structure: false
        default: true
        }
    }

    package var isOrderable: Bool {
        switch self {
        case .map: false
        case .array(let element, _): element.isOrderable
        case .structure(let fields): fields.allSatisfy { $0.type.isOrderable }
        default: true
        }
    }
}
