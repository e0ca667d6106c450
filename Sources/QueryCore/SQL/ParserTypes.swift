// Types and column definitions in SQL: `DECIMAL(5,2)`, `ARRAY<STRUCT<a: INT>>`, `a INT NOT NULL COMMENT 'x', b STRING`.
// Source: Spark SQL reference, "Data Types".

extension Parser {
    mutating func columnDefinitions() throws(QueryError) -> [StructField] {
        var fields: [StructField] = []
        repeat {
            let name = try identifier()
            _ = takeSymbol(":")
            let type = try dataType()
            var nullable = true
            if takeWord("NOT", "NULL") { nullable = false }
            if takeWord("COMMENT") { _ = take() }
            fields.append(StructField(name, type, nullable: nullable))
        } while takeSymbol(",")
        return fields
    }

    mutating func dataType() throws(QueryError) -> DataType {
        let token = peek
        let name = try identifier().uppercased()
        if let simple = Self.simpleTypes[name] { return simple }
        switch name {
        case "DECIMAL", "DEC", "NUMERIC": return try decimalType()
        case "CHAR", "CHARACTER", "VARCHAR":
            try expectSymbol("(")
            _ = take()
            try expectSymbol(")")
            return .string
        case "ARRAY":
            try expectSymbol("<")
            let element = try nested { (parser) throws(QueryError) in try parser.dataType() }
            try expectSymbol(">")
            return .array(element: element, containsNull: true)
        case "MAP":
            try expectSymbol("<")
            let key = try nested { (parser) throws(QueryError) in try parser.dataType() }
            try expectSymbol(",")
            let value = try nested { (parser) throws(QueryError) in try parser.dataType() }
            try expectSymbol(">")
            return .map(key: key, value: value, valueContainsNull: true)
        case "STRUCT":
            try expectSymbol("<")
            let fields = try nested { (parser) throws(QueryError) in try parser.columnDefinitions() }
            try expectSymbol(">")
            return .structure(fields)
        default: throw QueryError(.unsupportedDataType, ["typeName": "\"\(name)\""], at: position(token.start))
        }
    }

    private static let simpleTypes: [String: DataType] = [
        "BOOLEAN": .boolean, "TINYINT": .byte, "BYTE": .byte, "SMALLINT": .short, "SHORT": .short, "INT": .int, "INTEGER": .int,
        "BIGINT": .long,
        "LONG": .long, "FLOAT": .float, "REAL": .float, "DOUBLE": .double, "STRING": .string, "BINARY": .binary, "DATE": .date,
        "TIMESTAMP": .timestamp, "TIMESTAMP_LTZ": .timestamp, "VOID": .null,
    ]

    private mutating func decimalType() throws(QueryError) -> DataType {
        guard takeSymbol("(") else { return .defaultDecimal }
        let precision = try wholeNumber()
        let scale = takeSymbol(",") ? try wholeNumber() : 0
        try expectSymbol(")")
        guard (1...DataType.decimalPrecisionMax).contains(precision), (0...precision).contains(scale) else {
            throw QueryError(.unsupportedDataType, ["typeName": "\"DECIMAL(\(precision),\(scale))\""])
        }
        return .decimal(precision: precision, scale: scale)
    }

    private mutating func wholeNumber() throws(QueryError) -> Int {
        guard peek.kind == .number, let number = Int(peek.text) else { throw unexpected() }
        _ = take()
        return number
    }
}
