// Functions over one line of CSV. A field that does not have its type is null. Source: Spark SQL reference, "CSV Functions".

import QueryCore

enum CSVRows {
    static let rows: [ScalarRow] = [
        ScalarRow(
            FunctionSignature(
                "from_csv", [.any, .any, .any], required: 2, .rule(JSONRows.parsed("from_csv")), nulls: .possible, canRaise: true,
                clock: .onlyUTC)
        ) { (input) throws(QueryError) in
            let line = CSVLine(TextOptions(input, at: 2))
            guard case .structure(let fields) = input.type else { return Column.nulls(input.type, count: input.count) }
            return try input.valueColumn { (values) throws(QueryError) in try line.read(values[0].plainText, fields) }
        },
        ScalarRow(FunctionSignature("to_csv", [.any, .any], required: 1, .rule(written), canRaise: true, clock: .onlyUTC)) {
            (input) throws(QueryError) in
            let line = CSVLine(TextOptions(input, at: 1))
            guard case .structure(let fields) = input.arguments[0].column.type else { return Column.nulls(.string, count: input.count) }
            return try input.valueColumn { (values) throws(QueryError) in
                guard case .structure(let items) = values[0] else { return .null }
                return .string(try line.text(items, fields))
            }
        },
        ScalarRow(FunctionSignature("schema_of_csv", [.any, .any], required: 1, .rule(inferred), nulls: .possible)) {
            (input) throws(QueryError) in
            let line = CSVLine(TextOptions(input, at: 1))
            return try input.valueColumn { values in
                let fields = line.fields(values[0].plainText).enumerated().map { place, field in
                    StructField("_c\(place)", CSVLine.type(of: field))
                }
                return .string(DataType.structure(fields).sqlName)
            }
        },
    ]

    private static let written = TypeRule("\"STRUCT\"") { arguments in
        guard case .structure(let fields) = arguments[0].type, fields.allSatisfy({ $0.type.isAtomic }) else { return nil }
        return (arguments.map(\.type), .string)
    }

    private static let inferred = TypeRule("\"STRING\"") { arguments in
        arguments[0].type == .string ? (arguments.map(\.type), .string) : nil
    }
}

/// One line, by the options of a call.
struct CSVLine: Sendable {
    private let options: TextOptions
    private let separator: [UInt8]
    private let quote: UInt8
    private let escape: UInt8
    private let null: String

    init(_ options: TextOptions) {
        self.options = options
        separator = Array((options["sep"] ?? options["delimiter"] ?? ",").utf8)
        quote = options["quote"]?.utf8.first ?? UInt8(ascii: "\"")
        escape = options["escape"]?.utf8.first ?? UInt8(ascii: "\\")
        null = options["nullValue"] ?? ""
    }

    func fields(_ text: String) -> [String] {
        var fields: [String] = []
        var field: [UInt8] = []
        var rest = Array(text.utf8)[...]
        var isQuoted = false
        while let byte = rest.first {
            if isQuoted {
                rest = rest.dropFirst()
                if byte == escape, escape != quote, let next = rest.first, next == quote || next == escape {
                    field.append(next)
                    rest = rest.dropFirst()
                } else if byte == quote {
                    if rest.first == quote, escape == quote {
                        field.append(quote)
                        rest = rest.dropFirst()
                    } else {
                        isQuoted = false
                    }
                } else {
                    field.append(byte)
                }
            } else if !separator.isEmpty, rest.starts(with: separator) {
                fields.append(String(decoding: field, as: UTF8.self))
                field = []
                rest = rest.dropFirst(separator.count)
            } else {
                rest = rest.dropFirst()
                if byte == quote, field.isEmpty { isQuoted = true } else { field.append(byte) }
            }
        }
        return fields + [String(decoding: field, as: UTF8.self)]
    }

    func read(_ text: String, _ wanted: [StructField]) throws(QueryError) -> Value {
        var fields = fields(text)
        if options.isSet("ignoreLeadingWhiteSpace") { fields = fields.map { String($0.drop { $0 == " " || $0 == "\t" }) } }
        if options.isSet("ignoreTrailingWhiteSpace") {
            fields = fields.map { field in String(field.prefix(field.count - field.reversed().prefix { $0 == " " || $0 == "\t" }.count)) }
        }
        let corrupt = options["columnNameOfCorruptRecord"] ?? "_corrupt_record"
        var isMalformed = false
        var values: [Value] = []
        for (place, field) in wanted.filter({ $0.name != corrupt }).enumerated() {
            guard place < fields.count, fields[place] != null else {
                isMalformed = isMalformed || place >= fields.count
                values.append(.null)
                continue
            }
            let value = value(fields[place], field.type)
            if value == nil { isMalformed = true }
            values.append(value ?? .null)
        }
        if isMalformed, options["mode"]?.uppercased() == "FAILFAST" {
            throw QueryError(.malformedRecord, ["badRecord": text, "failFastMode": "FAILFAST"])
        }
        if let place = wanted.firstIndex(where: { $0.name == corrupt }) { values.insert(isMalformed ? .string(text) : .null, at: place) }
        return .structure(values)
    }

    private func value(_ text: String, _ type: DataType) -> Value? {
        switch type {
        case .string: return .string(text)
        case .timestamp: return FieldTimes.timestamp(text, options).map { .integer($0) }
        case .date: return FieldTimes.date(text, options).map { .integer($0) }
        // A failed cast is a malformed field; hence `try?`.
        default: return try? Cast.value(.string(text), .string, type)
        }
    }

    func text(_ items: [Value], _ fields: [StructField]) throws(QueryError) -> String {
        var cells: [String] = []
        for (item, field) in zip(items, fields) {
            switch (item, field.type) {
            case (.null, _): cells.append(null)
            case (.integer(let micros), .timestamp): cells.append(quoted(try FieldTimes.text(micros, options)))
            case (.integer(let day), .date): cells.append(quoted(try FieldTimes.text(ofDay: day, options)))
            default: cells.append(item == .string("") ? "\"\"" : quoted(item.text(field.type)))
            }
        }
        return cells.joined(separator: String(decoding: separator, as: UTF8.self))
    }

    /// In quotes where the field would be read as more than one, or as another.
    private func quoted(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let needs = bytes.contains { $0 == quote || $0 == 0x0A || $0 == 0x0D } || bytes.firstRange(of: separator) != nil
        guard needs, !separator.isEmpty else { return text }
        var out: [UInt8] = [quote]
        for byte in bytes { out += byte == quote ? [escape, quote] : [byte] }
        return String(decoding: out + [quote], as: UTF8.self)
    }

    static func type(of field: String) -> DataType {
        var text = field
        // The pointer is used within the call, with the text's own length.
        let type = text.withUTF8 { FieldParser.infer($0) }
        return type == .null ? .string : type
    }
}
