// Functions over maps, and the sequences and pairs of arrays that are made of several arguments. Source: Spark SQL reference, "Map
// Functions", "Array Functions".

import QueryCore

enum MapRows {
    static let rows: [ScalarRow] = [
        CollectionRows.row("map_keys", rule: keys) { values in
            if case .map(let keys, _) = values[0] { .array(keys) } else { .null }
        },
        CollectionRows.row("map_values", rule: mapped) { values in
            if case .map(_, let items) = values[0] { .array(items) } else { .null }
        },
        CollectionRows.row("map_entries", rule: entries) { values in
            guard case .map(let keys, let items) = values[0] else { return .null }
            return .array(zip(keys, items).map { .structure([$0, $1]) })
        },
        CollectionRows.row("map_contains_key", rule: contains) { values in
            if case .map(let keys, _) = values[0] { .boolean(keys.contains(values[1])) } else { .null }
        },
        CollectionRows.row("map_from_arrays", rule: fromArrays, canRaise: true) { (values) throws(QueryError) in
            try map(CollectionRows.items(values[0]), CollectionRows.items(values[1]))
        },
        CollectionRows.row("map_from_entries", rule: fromEntries, nulls: .possible, canRaise: true) { (values) throws(QueryError) in
            var (keys, items): ([Value], [Value]) = ([], [])
            for entry in CollectionRows.items(values[0]) {
                guard case .structure(let pair) = entry else { return .null }
                keys.append(pair[0])
                items.append(pair[1])
            }
            return try map(keys, items)
        },
        variadic("map_concat", rule: concatenated, canRaise: true) { (values) throws(QueryError) in
            var (keys, items): ([Value], [Value]) = ([], [])
            for case .map(let more, let content) in values {
                keys += more
                items += content
            }
            return try map(keys, items)
        },
        CollectionRows.row("str_to_map", rule: text, required: 1, count: 3, canRaise: true) { (values) throws(QueryError) in
            func argument(_ index: Int, _ standard: String) -> String {
                if values.count > index, case .string(let text) = values[index] { text } else { standard }
            }
            let (pairs, between) = (argument(1, ","), argument(2, ":"))
            var (keys, items): ([Value], [Value]) = ([], [])
            for pair in parts(argument(0, ""), pairs) {
                let parts = parts(pair, between)
                keys.append(.string(parts[0]))
                items.append(parts.count > 1 ? .string(parts.dropFirst().joined(separator: between)) : .null)
            }
            return try map(keys, items)
        },
        CollectionRows.row("sequence", rule: sequence, required: 2, count: 3, canRaise: true) { (values) throws(QueryError) in
            guard case .integer(let start) = values[0], case .integer(let stop) = values[1] else { return .null }
            var step: Int64 = start <= stop ? 1 : -1
            if values.count > 2, case .integer(let given) = values[2] { step = given }
            guard step != 0 || start == stop, (stop >= start) == (step > 0) || start == stop else {
                throw QueryError(.illegalSequence, ["start": "\(start)", "stop": "\(stop)", "step": "\(step)"])
            }
            if start == stop { return .array([.integer(start)]) }
            let count = (Int128(stop) - Int128(start)) / Int128(step) + 1
            try CollectionRows.check(Int64(clamping: count))
            return .array((0..<Int64(count)).map { .integer(start &+ $0 &* step) })
        },
        // The function `shuffle`: of an array and a random number.
        ScalarRow(FunctionSignature("shuffled", [.any, .double], .rule(shuffled))) { (input) throws(QueryError) in
            try input.valueColumn { values in
                var items = CollectionRows.items(values[0])
                var state = values[1].real.bitPattern
                for place in items.indices.dropFirst().reversed() {
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    items.swapAt(place, Int((state >> 33) % UInt64(place + 1)))
                }
                return .array(items)
            }
        },
        CollectionRows.row("array reverse", rule: CollectionRows.same) { values in .array(CollectionRows.items(values[0]).reversed()) },
        variadic("array concat", rule: joined, canRaise: true) { (values) throws(QueryError) in
            try CollectionRows.check(Int64(values.reduce(0) { $0 + CollectionRows.items($1).count }))
            return .array(values.flatMap(CollectionRows.items))
        },
        variadic("arrays_zip", rule: zipped) { values in
            let lists = values.map(CollectionRows.items)
            let longest = lists.map(\.count).max() ?? 0
            return .array((0..<longest).map { place in .structure(lists.map { place < $0.count ? $0[place] : .null }) })
        },
    ]

    private static func variadic(
        _ name: String, rule: TypeRule, canRaise: Bool = false, _ body: @escaping @Sendable ([Value]) throws(QueryError) -> Value
    ) -> ScalarRow {
        CollectionRows.row(name, rule: rule, required: 1, count: FunctionSignature.many, canRaise: canRaise, body)
    }

    /// The text between the separators, which are no patterns.
    private static func parts(_ text: String, _ separator: String) -> [String] {
        let (bytes, wanted) = (Array(text.utf8), Array(separator.utf8))
        guard !wanted.isEmpty else { return [text] }
        var parts: [String] = []
        var (start, at) = (0, 0)
        while at + wanted.count <= bytes.count {
            if bytes[at..<at + wanted.count].elementsEqual(wanted) {
                parts.append(String(decoding: bytes[start..<at], as: UTF8.self))
                at += wanted.count
                start = at
            } else {
                at += 1
            }
        }
        return parts + [String(decoding: bytes[start...], as: UTF8.self)]
    }

    /// Keys may be neither null nor repeated.
    private static func map(_ keys: [Value], _ items: [Value]) throws(QueryError) -> Value {
        guard keys.count == items.count else { throw QueryError.unsupported("a map of \(keys.count) keys and \(items.count) values") }
        var seen: Set<Value> = []
        for key in keys {
            if key.isNull { throw QueryError(.nullMapKey) }
            guard seen.insert(key).inserted else {
                throw QueryError(.duplicatedMapKey, ["key": "\(shown(key))", "mapKeyDedupPolicy": "\"spark.sql.mapKeyDedupPolicy\""])
            }
        }
        return .map(keys: keys, values: items)
    }

    private static func shown(_ key: Value) -> String {
        switch key {
        case .string(let text): text
        case .integer(let number): "\(number)"
        default: "\(key)"
        }
    }

    // MARK: Types

    private static func ofMap(_ result: @escaping @Sendable (DataType, DataType, Bool) -> DataType) -> TypeRule {
        TypeRule("\"MAP\"") { arguments in
            arguments[0].type.entry.map { ([arguments[0].type], result($0.key, $0.value, $0.containsNull)) }
        }
    }

    private static let keys = ofMap { key, _, _ in .array(element: key, containsNull: false) }
    private static let mapped = ofMap { _, value, containsNull in .array(element: value, containsNull: containsNull) }
    private static let entries = ofMap { key, value, containsNull in
        let fields = [StructField("key", key, nullable: false), StructField("value", value, nullable: containsNull)]
        return .array(element: .structure(fields), containsNull: false)
    }

    private static let contains = TypeRule("\"MAP\"") { arguments in
        guard let (key, _, _) = arguments[0].type.entry, TypeCoercion.tightest(key, arguments[1].type) == key else { return nil }
        return ([arguments[0].type, key], .boolean)
    }

    private static let fromArrays = TypeRule("\"ARRAY\"") { arguments in
        guard let (key, _) = arguments[0].type.element, let (value, containsNull) = arguments[1].type.element else { return nil }
        return (arguments.map(\.type), .map(key: key, value: value, valueContainsNull: containsNull))
    }

    private static let fromEntries = TypeRule("\"ARRAY\" of pair \"STRUCT\"") { arguments in
        guard let (element, _) = arguments[0].type.element, case .structure(let fields) = element, fields.count == 2 else { return nil }
        return ([arguments[0].type], .map(key: fields[0].type, value: fields[1].type, valueContainsNull: fields[1].nullable))
    }

    private static let concatenated = TypeRule("\"MAP\"") { arguments in
        var type: DataType?
        for argument in arguments {
            guard argument.type.entry != nil, let wider = type.map({ TypeCoercion.tightest($0, argument.type) }) ?? argument.type else {
                return nil
            }
            type = wider
        }
        guard let type else { return nil }
        return (arguments.map { _ in type }, type)
    }

    private static let text = TypeRule("\"STRING\"") { arguments in
        guard arguments.allSatisfy({ $0.type == .string || $0.type == .null }) else { return nil }
        return (arguments.map { _ in .string }, .map(key: .string, value: .string, valueContainsNull: true))
    }

    /// Of whole numbers, and of dates by days.
    private static let sequence = TypeRule("\"INTEGRAL\"") { arguments in
        var type = arguments[0].type
        if type == .date, arguments[1].type == .date, arguments.count == 2 {
            return ([.date, .date], .array(element: .date, containsNull: false))
        }
        for argument in arguments {
            guard argument.type.isIntegral, let wider = TypeCoercion.tightest(type, argument.type) else { return nil }
            type = wider
        }
        return (arguments.map { _ in type }, .array(element: type, containsNull: false))
    }

    private static let shuffled = TypeRule("\"ARRAY\"") { $0[0].type.element == nil ? nil : ([$0[0].type, .double], $0[0].type) }

    private static let joined = TypeRule("\"ARRAY\"") { arguments in
        var type = arguments[0].type
        for argument in arguments {
            guard argument.type.element != nil, let wider = TypeCoercion.tightest(type, argument.type) else { return nil }
            type = wider
        }
        return (arguments.map { _ in type }, type)
    }

    private static let zipped = TypeRule("\"ARRAY\"") { arguments in
        var fields: [StructField] = []
        for (place, argument) in arguments.enumerated() {
            guard let (element, _) = argument.type.element else { return nil }
            fields.append(StructField("\(place)", element, nullable: true))
        }
        return (arguments.map(\.type), .array(element: .structure(fields), containsNull: false))
    }
}
