// Functions over texts of JSON. A text that is none gives null; numbers lose their zeros behind the point. Source: Spark SQL reference,
// "JSON Functions"; RFC 8259.

import QueryCore

enum JSONRows {
    static let rows: [ScalarRow] = [
        ScalarRow(
            FunctionSignature(
                "from_json", [.any, .any, .any], required: 2, .rule(parsed("from_json")), nulls: .possible, canRaise: true,
                clock: .onlyUTC)
        ) { (input) throws(QueryError) in
            let options = TextOptions(input, at: 2)
            let reader = JSONFields(options, input.type)
            return try input.valueColumn { (values) throws(QueryError) in try reader.read(values[0].plainText) }
        },
        ScalarRow(FunctionSignature("to_json", [.any, .any], required: 1, .rule(written), canRaise: true, clock: .onlyUTC)) {
            (input) throws(QueryError) in
            let (options, type) = (TextOptions(input, at: 1), input.arguments[0].column.type)
            let writer = JSONWriter(options)
            return try input.valueColumn { (values) throws(QueryError) in
                var out = ""
                try writer.append(values[0], type, 0, &out)
                return .string(out)
            }
        },
        text("get_json_object", [.string, .string]) { values in
            guard let path = JSONPath(values[1].plainText), let json = JSONText.first(of: values[0].plainText) else { return .null }
            return path.found(in: json).map { .string($0) } ?? .null
        },
        text("json_array_length", [.string], .int) { values in
            guard case .array(let items)? = JSONText.whole(values[0].plainText) else { return .null }
            return .integer(Int64(items.count))
        },
        text("json_object_keys", [.string], .array(element: .string, containsNull: true)) { values in
            guard case .object(let fields)? = JSONText.whole(values[0].plainText) else { return .null }
            return .array(fields.keys.map { .string($0) })
        },
        ScalarRow(FunctionSignature("schema_of_json", [.any, .any], required: 1, .rule(inferred), nulls: .possible)) {
            (input) throws(QueryError) in
            let options = TextOptions(input, at: 1)
            return try input.valueColumn { values in
                guard let json = JSONText.whole(JSONFields.plain(values[0].plainText, options)) else { return .string("STRING") }
                return .string(JSONSchema.type(of: json).sqlName)
            }
        },
        // The generator `json_tuple`: a structure of the fields' texts.
        ScalarRow(FunctionSignature("json tuple", WordRows.many(.any), required: 2, .rule(tuple), nulls: .accepted)) {
            (input) throws(QueryError) in
            try input.valueColumn { values in
                var fields: [Value] = []
                let json = JSONText.first(of: values[0].plainText)
                for name in values.dropFirst() {
                    guard case .object(let found)? = json, let value = found[name.plainText], value != .null else {
                        fields.append(.null)
                        continue
                    }
                    fields.append(.string(JSONWriter.plain(value)))
                }
                return .structure(fields)
            }
        },
    ]

    private static func text(
        _ name: String, _ parameters: [FunctionSignature.Parameter], _ type: DataType = .string,
        _ body: @escaping @Sendable ([Value]) -> Value
    ) -> ScalarRow {
        EncodingRows.bytes(name, parameters, type, nulls: .possible, body)
    }

    // MARK: Types

    /// The result's type is what the schema says, which is a constant.
    static func parsed(_ name: String) -> TypeRule {
        TypeRule("\"STRING\"") { (arguments) throws(QueryError) in
            guard arguments[0].type == .string || arguments[0].type == .null else { return nil }
            guard case .string(let schema)? = try arguments[1].constant() else {
                throw QueryError.unsupported("\(name) with a schema that is not a constant text")
            }
            let type = try SchemaText.type(schema)
            if name == "from_csv", !type.isStructure { throw QueryError.unsupported("from_csv with a schema that is not of a structure") }
            return ([.string, .string] + arguments.dropFirst(2).map(\.type), type)
        }
    }

    private static let written = TypeRule("(\"STRUCT\" or \"ARRAY\" or \"MAP\")") { arguments in
        guard !arguments[0].type.isAtomic else { return nil }
        return (arguments.map(\.type), .string)
    }

    private static let inferred = TypeRule("\"STRING\"") { arguments in
        arguments[0].type == .string ? (arguments.map(\.type), .string) : nil
    }

    private static let tuple = TypeRule("\"STRING\"") { arguments in
        guard arguments.allSatisfy({ $0.type == .string || $0.type == .null }) else { return nil }
        let fields = (0..<arguments.count - 1).map { StructField("c\($0)", .string) }
        return (arguments.map { _ in .string }, .structure(fields))
    }
}

extension DataType {
    var isStructure: Bool { if case .structure = self { true } else { false } }
}

extension JSONText {
    /// The value of a text that is nothing else.
    static func whole(_ text: String) -> JSONValue? { parse(Array(text.utf8)[...]) }
    /// The value at the beginning of a text.
    static func first(of text: String) -> JSONValue? { parse(Array(text.utf8)[...], allowsRest: true) }
}

/// The options of a call, by lower-case name.
struct TextOptions: Sendable {
    private var values: [String: String] = [:]

    init(_ input: FunctionInput, at index: Int) {
        guard input.arguments.count > index, case .map(let keys, let items) = input.arguments[index].column.value(0) else { return }
        for (key, item) in zip(keys, items) { values[key.plainText.lowercased()] = item.plainText }
    }

    subscript(name: String) -> String? { values[name.lowercased()] }

    func isSet(_ name: String) -> Bool { self[name]?.lowercased() == "true" }
}

/// A schema as text: column definitions, a type, or the JSON form that clients write.
enum SchemaText {
    static func type(_ text: String) throws(QueryError) -> DataType {
        if let json = JSONText.whole(text), let type = type(json) { return type }
        do throws(QueryError) {
            return try Parser.parseType(text)
        } catch {
            return .structure(try Parser.parseSchema(text).fields)
        }
    }

    private static func type(_ json: JSONValue) -> DataType? {
        switch json {
        case .string(let name):
            // The caller refuses a name of no type; hence `try?`.
            return name == "null" ? .null : try? Parser.parseType(name)
        case .object(let fields):
            switch fields["type"] {
            case .string("struct"):
                guard case .array(let items)? = fields["fields"] else { return nil }
                var made: [StructField] = []
                for item in items {
                    guard case .object(let field) = item, case .string(let name)? = field["name"], let type = field["type"].flatMap(type)
                    else { return nil }
                    made.append(StructField(name, type, nullable: field["nullable"] != .boolean(false)))
                }
                return .structure(made)
            case .string("array"):
                guard let element = fields["elementType"].flatMap(type) else { return nil }
                return .array(element: element, containsNull: fields["containsNull"] != .boolean(false))
            case .string("map"):
                guard let key = fields["keyType"].flatMap(type), let value = fields["valueType"].flatMap(type) else { return nil }
                return .map(key: key, value: value, valueContainsNull: fields["valueContainsNull"] != .boolean(false))
            default: return nil
            }
        default: return nil
        }
    }
}

/// Reads values of one type from texts of JSON.
struct JSONFields: Sendable {
    private let type: DataType
    private let options: TextOptions
    private let corruptColumn: String
    private let failsFast: Bool

    init(_ options: TextOptions, _ type: DataType) {
        (self.options, self.type) = (options, type)
        corruptColumn = options["columnNameOfCorruptRecord"] ?? "_corrupt_record"
        failsFast = options["mode"]?.uppercased() == "FAILFAST"
    }

    /// Zeros before whole numbers, if they are allowed, fall away.
    static func plain(_ text: String, _ options: TextOptions) -> String {
        let text = options.isSet("allowUnquotedFieldNames") ? quoted(text) : text
        guard options.isSet("allowNumericLeadingZeros") else { return text }
        var out: [UInt8] = []
        var isText = false
        let bytes = Array(text.utf8)
        for (place, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: "\""), place == 0 || bytes[place - 1] != UInt8(ascii: "\\") { isText.toggle() }
            let isNumber = { (at: Int) in
                bytes.indices.contains(at) && ((0x30...0x39).contains(bytes[at]) || bytes[at] == UInt8(ascii: "."))
            }
            if !isText, byte == 0x30, !isNumber(place - 1), isNumber(place + 1), bytes[place + 1] != UInt8(ascii: ".") { continue }
            out.append(byte)
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// With quotes around names of fields that have none.
    private static func quoted(_ text: String) -> String {
        var out: [UInt8] = []
        var isText = false
        var rest = Array(text.utf8)[...]
        func isLetter(_ byte: UInt8) -> Bool {
            (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "_")
        }
        // The last byte that is no blank.
        var last: UInt8 = 0
        while let byte = rest.first {
            let opens = last == UInt8(ascii: "{") || last == UInt8(ascii: ",")
            if byte > 0x20 { last = byte }
            if !isText, opens, isLetter(byte) {
                let name = rest.prefix(while: isLetter)
                rest = rest.dropFirst(name.count)
                let isName = rest.first { $0 > 0x20 } == UInt8(ascii: ":")
                out += isName ? [UInt8(ascii: "\"")] + name + [UInt8(ascii: "\"")] : Array(name)
                continue
            }
            if byte == UInt8(ascii: "\""), out.last != UInt8(ascii: "\\") { isText.toggle() }
            out.append(byte)
            rest = rest.dropFirst()
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// A text that does not have the type: a structure without values, or null.
    func read(_ text: String) throws(QueryError) -> Value {
        if text.utf8.allSatisfy({ $0 <= 0x20 }) { return .null }
        var isMalformed = false
        let json = JSONText.first(of: Self.plain(text, options))
        var value = Value.null
        switch (json, type) {
        case (.object?, .array(let element, _)) where element.isStructure:
            value = .array([converted(json ?? .null, element, &isMalformed)])
        case (let json?, _): value = converted(json, type, &isMalformed)
        case (nil, _): isMalformed = true
        }
        if isMalformed, failsFast { throw QueryError(.malformedRecord, ["badRecord": text, "failFastMode": "FAILFAST"]) }
        guard case .structure(let fields) = type else { return value }
        var values = [Value](repeating: .null, count: fields.count)
        if case .structure(let read) = value { values = read }
        if let place = fields.firstIndex(where: { $0.name == corruptColumn && $0.type == .string }) {
            values[place] = isMalformed ? .string(text) : .null
        }
        return .structure(values)
    }

    private func converted(_ json: JSONValue, _ type: DataType, _ isMalformed: inout Bool) -> Value {
        var value: Value?
        switch (json, type) {
        case (.null, _): value = .null
        case (_, .string): value = .string(JSONWriter.plain(json))
        case (.boolean(let flag), .boolean): value = .boolean(flag)
        // A failed cast is a malformed field; hence `try?`.
        case (.number(let text), _) where type.isIntegral: value = Int64(text).flatMap { try? Cast.value(.integer($0), .long, type) }
        // The same holds for other numbers; hence `try?`.
        case (.number(let text), _) where type.isNumeric: value = try? Cast.value(.string(text), .string, type)
        case (.string(let text), .float), (.string(let text), .double):
            value =
                ["NaN", "Infinity", "-Infinity", "+Infinity", "INF", "-INF"].contains(text)
                ? Cast.parseDouble(text).map { .double($0) } : nil
        case (.string(let text), .binary): value = Base64.decoded(Array(text.utf8)).map { .binary($0) }
        case (.string(let text), .date): value = FieldTimes.date(text, options).map { .integer($0) }
        case (.string(let text), .timestamp): value = FieldTimes.timestamp(text, options).map { .integer($0) }
        case (.array(let items), .array(let element, _)): value = .array(items.map { converted($0, element, &isMalformed) })
        case (.object(let fields), .structure(let wanted)):
            value = .structure(wanted.map { converted(fields[$0.name] ?? .null, $0.type, &isMalformed) })
        case (.object(let fields), .map(.string, let element, _)):
            value = .map(
                keys: fields.keys.map { .string($0) }, values: fields.values.map { converted($0, element, &isMalformed) })
        default: break
        }
        if value == nil { isMalformed = true }
        return value ?? .null
    }
}

/// Dates and timestamps in fields of text, by the patterns of the options.
enum FieldTimes {
    static func timestamp(_ text: String, _ options: TextOptions) -> Int64? {
        guard let pattern = options["timestampFormat"] else { return CivilTime.parseTimestamp(text) }
        // An unknown pattern reads nothing; hence `try?`.
        return (try? TimeFunctions.parse(text, pattern)) ?? nil
    }

    static func date(_ text: String, _ options: TextOptions) -> Int64? {
        guard let pattern = options["dateFormat"] else { return CivilTime.parseDate(text).map { Int64($0) } }
        // The same holds for dates.
        return ((try? TimeFunctions.parse(text, pattern)) ?? nil).map { Int64(CivilTime.floorDay($0)) }
    }

    static func text(_ micros: Int64, _ options: TextOptions) throws(QueryError) -> String {
        guard let pattern = options["timestampFormat"] else {
            return try TimeFunctions.format(micros, "yyyy-MM-dd'T'HH:mm:ss.SSS") + "Z"
        }
        return try TimeFunctions.format(micros, pattern)
    }

    static func text(ofDay day: Int64, _ options: TextOptions) throws(QueryError) -> String {
        guard let pattern = options["dateFormat"], let micros = CivilTime.midnight(Int(day)) else { return CivilTime.formatDate(Int(day)) }
        return try TimeFunctions.format(micros, pattern)
    }
}

/// Writes values as JSON.
struct JSONWriter: Sendable {
    private let options: TextOptions
    private let isPretty: Bool
    private let keepsNulls: Bool

    init(_ options: TextOptions) {
        self.options = options
        isPretty = options.isSet("pretty")
        keepsNulls = options["ignoreNullFields"]?.lowercased() == "false"
    }

    func append(_ value: Value, _ type: DataType, _ depth: Int, _ out: inout String) throws(QueryError) {
        switch (value, type) {
        case (.null, _): out += "null"
        case (.boolean(let flag), _): out += flag ? "true" : "false"
        case (.integer(let micros), .timestamp): out += Self.quoted(try FieldTimes.text(micros, options))
        case (.integer(let day), .date): out += Self.quoted(try FieldTimes.text(ofDay: day, options))
        case (.double(let number), _): out += number.isFinite ? value.text(type) : "\"\(value.text(type))\""
        case (.string(let text), _): out += Self.quoted(text)
        case (.binary(let bytes), _): out += "\"" + String(decoding: Base64.encoded(bytes), as: UTF8.self) + "\""
        case (.array(let items), .array(let element, _)):
            try list("[", items.count, "]", isPretty: false, depth, &out) { (place, out) throws(QueryError) in
                try append(items[place], element, depth + 1, &out)
            }
        case (.structure(let items), .structure(let fields)):
            let places = items.indices.filter { keepsNulls || !items[$0].isNull }
            try list("{", places.count, "}", isPretty: isPretty, depth, &out) { (index, out) throws(QueryError) in
                let place = places[index]
                out += Self.quoted(fields[place].name) + (isPretty ? " : " : ":")
                try append(items[place], fields[place].type, depth + 1, &out)
            }
        case (.map(let keys, let items), .map(let key, let element, _)):
            try list("{", keys.count, "}", isPretty: isPretty, depth, &out) { (place, out) throws(QueryError) in
                out += Self.quoted(Self.key(keys[place], key)) + (isPretty ? " : " : ":")
                try append(items[place], element, depth + 1, &out)
            }
        default: out += value.text(type)
        }
        try Batch.checkText(out.utf8.count)
    }

    private func list(
        _ open: String, _ count: Int, _ close: String, isPretty: Bool, _ depth: Int, _ out: inout String,
        _ item: (Int, inout String) throws(QueryError) -> Void
    ) throws(QueryError) {
        out += open
        for place in 0..<count {
            if place > 0 { out += "," }
            if isPretty { out += "\n" + String(repeating: "  ", count: depth + 1) }
            try item(place, &out)
        }
        if isPretty { out += "\n" + String(repeating: "  ", count: depth) }
        out += close
    }

    /// A structure as a key is its fields in brackets.
    private static func key(_ value: Value, _ type: DataType) -> String {
        guard case .structure(let items) = value, case .structure(let fields) = type else { return value.text(type) }
        return "[" + zip(items, fields).map { $0.text($1.type) }.joined(separator: ",") + "]"
    }

    static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case "\u{8}": out += "\\b"
            case "\u{C}": out += "\\f"
            case _ where scalar.value < 0x20: out += "\\u00" + FunctionText.hexadecimal(UInt8(scalar.value))
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }

    /// A string as it is, any other value as JSON.
    static func plain(_ json: JSONValue) -> String { if case .string(let text) = json { text } else { text(json) } }

    static func text(_ json: JSONValue) -> String {
        switch json {
        case .null: "null"
        case .boolean(let flag): flag ? "true" : "false"
        case .number(let text): number(text)
        case .string(let text): quoted(text)
        case .array(let items): "[" + items.map(text).joined(separator: ",") + "]"
        case .object(let fields): "{" + fields.map { "\(quoted($0.key)):\(text($0.value))" }.joined(separator: ",") + "}"
        }
    }

    /// Whole numbers as written, others as doubles.
    private static func number(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }), let number = Double(text) else {
            return text
        }
        return FloatText.format(number)
    }
}

/// `$.name['name'][0][*]`, as Hive reads it.
struct JSONPath {
    private enum Step { case name(String), place(Int), all }

    private var steps: [Step] = []

    init?(_ text: String) {
        var rest = Array(text.utf8)[...]
        guard rest.popFirst() == UInt8(ascii: "$") else { return nil }
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "."):
                let name = rest.prefix { $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "[") }
                guard !name.isEmpty else { return nil }
                rest = rest.dropFirst(name.count)
                steps.append(name.elementsEqual("*".utf8) ? .all : .name(String(decoding: name, as: UTF8.self)))
            case UInt8(ascii: "["):
                guard let step = Self.bracket(&rest) else { return nil }
                steps.append(step)
            default: return nil
            }
        }
    }

    private static func bracket(_ rest: inout ArraySlice<UInt8>) -> Step? {
        if rest.first == UInt8(ascii: "'") {
            rest = rest.dropFirst()
            let name = rest.prefix { $0 != UInt8(ascii: "'") }
            rest = rest.dropFirst(name.count)
            guard rest.popFirst() == UInt8(ascii: "'"), rest.popFirst() == UInt8(ascii: "]"), !name.isEmpty else { return nil }
            return .name(String(decoding: name, as: UTF8.self))
        }
        let inside = rest.prefix { $0 != UInt8(ascii: "]") }
        rest = rest.dropFirst(inside.count)
        guard rest.popFirst() == UInt8(ascii: "]") else { return nil }
        if inside.elementsEqual("*".utf8) { return .all }
        guard inside.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(String(decoding: inside, as: UTF8.self)).map { .place($0) }
    }

    /// The text of the value at the path; several values behind a star are an array, one is itself.
    func found(in json: JSONValue) -> String? {
        var hasStar = false
        var values = [json]
        for step in steps {
            var next: [JSONValue] = []
            for value in values {
                switch (step, value) {
                case (.name(let name), .object(let fields)): if let field = fields[name], field != .null { next.append(field) }
                case (.place(let place), .array(let items)): if items.indices.contains(place) { next.append(items[place]) }
                case (.all, .array(let items)): next += items
                // The fields of the structures of an array, which a star has opened.
                default: break
                }
            }
            if case .all = step { hasStar = true }
            values = next
        }
        guard let first = values.first else { return nil }
        if values.count > 1 { return "[" + values.map(JSONWriter.text).joined(separator: ",") + "]" }
        if first == .null { return nil }
        return hasStar ? JSONWriter.text(first) : JSONWriter.plain(first)
    }
}
