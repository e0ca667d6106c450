// Functions over arrays and maps, row by row. Elements compare as in GROUP BY: a null equals a null, a NaN a NaN. Source: Spark SQL
// reference, "Array Functions", "Map Functions".

import QueryCore

enum CollectionRows {
    /// Limit of the elements of an array that a function makes of numbers.
    static let elementsMax = 1 << 21
    /// Limit of the bytes of all values that a function makes of one batch.
    static let valueBytesMax = 256 << 20

    static let rows: [ScalarRow] =
        [
            search("array_contains", .type(.boolean)) { items, wanted in
                if items.contains(wanted) { return .boolean(true) }
                return items.contains { $0.isNull } ? .null : .boolean(false)
            },
            search("array_position", .type(.long)) { items, wanted in .integer(Int64((items.firstIndex(of: wanted) ?? -1) + 1)) },
            search("array_remove", .ofFirst) { items, wanted in .array(items.filter { $0 != wanted }) },
            row("array_append", rule: grown, nulls: .accepted) { values in
                guard case .array(let items) = values[0] else { return .null }
                return .array(items + [values[1]])
            },
            row("array_prepend", rule: grown, nulls: .accepted) { values in
                guard case .array(let items) = values[0] else { return .null }
                return .array([values[1]] + items)
            },
            row("array_repeat", rule: repeated, nulls: .accepted) { (values) throws(QueryError) in
                guard case .integer(let count) = values[1] else { return .null }
                try check(count)
                return .array([Value](repeating: values[0], count: max(0, Int(count))))
            },
            row("array_compact", rule: same) { values in .array(items(values[0]).filter { !$0.isNull }) },
            row("array_distinct", rule: same) { values in
                var seen: Set<Value> = []
                return .array(items(values[0]).filter { seen.insert($0).inserted })
            },
            sets("array_union") { left, right in left + right },
            sets("array_intersect") { left, right in
                let wanted = Set(right)
                return left.filter { wanted.contains($0) }
            },
            sets("array_except") { left, right in
                let unwanted = Set(right)
                return left.filter { !unwanted.contains($0) }
            },
            row("arrays_overlap", rule: both(.boolean)) { values in
                let (left, right) = (items(values[0]), items(values[1]))
                let known = Set(left.filter { !$0.isNull })
                if right.contains(where: { known.contains($0) }) { return .boolean(true) }
                let isUnknown = !left.isEmpty && !right.isEmpty && (left + right).contains { $0.isNull }
                return isUnknown ? .null : .boolean(false)
            },
            extreme("array_max", 1), extreme("array_min", -1),
            row("array_size", rule: TypeRule("\"ARRAY\"") { $0[0].type.element == nil ? nil : ([$0[0].type], .int) }) { values in
                .integer(Int64(items(values[0]).count))
            },
            row("array_join", rule: joined, required: 2) { values in
                guard case .string(let separator) = values[1] else { return .null }
                let replacement = values.count > 2 ? values[2] : .null
                let texts = items(values[0]).compactMap { item -> String? in
                    if case .string(let text) = item { return text }
                    if case .string(let text) = replacement { return text }
                    return nil
                }
                return .string(texts.joined(separator: separator))
            },
            row("flatten", rule: flattened, canRaise: true) { (values) throws(QueryError) in
                let inner = items(values[0])
                try check(Int64(inner.reduce(0) { $0 + items($1).count }))
                return inner.contains { $0.isNull } ? .null : .array(inner.flatMap(items))
            },
            row("slice", rule: sliced, canRaise: true) { (values) throws(QueryError) in
                guard case .integer(let start) = values[1], case .integer(let length) = values[2] else { return .null }
                if start == 0 { throw QueryError(.invalidParameterStart, ["parameter": "`start`", "functionName": "`slice`"]) }
                if length < 0 {
                    throw QueryError(
                        .invalidParameterLength, ["parameter": "`length`", "functionName": "`slice`", "length": "\(length)"])
                }
                let items = items(values[0])
                let from = start > 0 ? Int(start) - 1 : items.count + Int(start)
                guard from >= 0, from < items.count else { return .array([]) }
                return .array(Array(items[from..<min(items.count, from + Int(length))]))
            },
            row("array_insert", rule: inserted, nulls: .accepted, canRaise: true) { (values) throws(QueryError) in
                guard case .array(var items) = values[0], case .integer(let place) = values[1] else { return .null }
                if place == 0 { throw QueryError(.invalidIndexOfZero) }
                try check(place.magnitude < UInt64(Int64.max) ? Int64(place.magnitude) : Int64.max)
                if place > 0 {
                    while items.count < Int(place) - 1 { items.append(.null) }
                    items.insert(values[2], at: Int(place) - 1)
                } else {
                    let at = items.count + Int(place) + 1
                    if at < 0 { items = [Value](repeating: .null, count: -at) + items }
                    items.insert(values[2], at: max(0, at))
                }
                return .array(items)
            },
            ScalarRow(FunctionSignature("sort_array", [.any, .any], required: 1, .rule(sorted))) { (input) throws(QueryError) in
                let type = input.type.element?.type ?? .null
                return try input.valueColumn { values in
                    var isAscending = true
                    if values.count > 1, case .boolean(let flag) = values[1] { isAscending = flag }
                    // Nulls are least.
                    let ordered = items(values[0]).sorted { one, other in
                        if one.isNull || other.isNull { return isAscending ? one.isNull && !other.isNull : other.isNull && !one.isNull }
                        let answer = Value.compare(one, other, type)
                        return isAscending ? answer < 0 : answer > 0
                    }
                    return .array(ordered)
                }
            },
            row("element_at", rule: element, nulls: .possible, canRaise: true) { (values) throws(QueryError) in
                try elementAt(values[0], values[1], isTry: false)
            },
            row("try_element_at", rule: element, nulls: .possible, canRaise: true) { (values) throws(QueryError) in
                try elementAt(values[0], values[1], isTry: true)
            },
            row("get", rule: got, nulls: .possible) { values in
                guard case .integer(let index) = values[1] else { return .null }
                let items = items(values[0])
                return index >= 0 && index < items.count ? items[Int(index)] : .null
            },
        ] + MapRows.rows

    // MARK: Rows

    static func items(_ value: Value) -> [Value] {
        if case .array(let items) = value { items } else { [] }
    }

    static func check(_ count: Int64) throws(QueryError) {
        if count > elementsMax { throw QueryError.unsupported("an array of more than \(elementsMax) elements") }
    }

    static func row(
        _ name: String, rule: TypeRule, required: Int? = nil, count: Int? = nil, nulls: FunctionSignature.Nulls = .strict,
        canRaise: Bool = false, _ body: @escaping @Sendable ([Value]) throws(QueryError) -> Value
    ) -> ScalarRow {
        let most = count ?? counts[name] ?? 1
        let signature = FunctionSignature(
            name, [FunctionSignature.Parameter](repeating: .any, count: most), required: required, .rule(rule), nulls: nulls,
            canRaise: canRaise)
        return ScalarRow(signature) { (input) throws(QueryError) in try input.valueColumn(body) }
    }

    /// Parameters of the functions that have more than one.
    private static let counts: [String: Int] = [
        "array_contains": 2, "array_position": 2, "array_remove": 2, "array_append": 2, "array_prepend": 2, "array_repeat": 2,
        "array_union": 2, "array_intersect": 2, "array_except": 2, "arrays_overlap": 2, "array_join": 3, "slice": 3, "array_insert": 3,
        "element_at": 2, "try_element_at": 2, "get": 2, "map_contains_key": 2, "map_from_arrays": 2,
    ]

    private static func search(_ name: String, _ result: FunctionSignature.Result, _ body: @escaping @Sendable ([Value], Value) -> Value)
        -> ScalarRow
    {
        let rule = TypeRule("\"ARRAY\"") { arguments in
            guard let (element, containsNull) = arguments[0].type.element,
                let type = TypeCoercion.tightest(element, arguments[1].type)
            else { return nil }
            let list = DataType.array(element: type, containsNull: containsNull)
            if case .type(let made) = result { return ([list, type], made) }
            return ([list, type], list)
        }
        return row(name, rule: rule, nulls: name == "array_contains" ? .possible : .strict) { values in body(items(values[0]), values[1]) }
    }

    private static func sets(_ name: String, _ body: @escaping @Sendable ([Value], [Value]) -> [Value]) -> ScalarRow {
        row(name, rule: both(nil)) { values in
            var seen: Set<Value> = []
            return .array(body(items(values[0]), items(values[1])).filter { seen.insert($0).inserted })
        }
    }

    private static func extreme(_ name: String, _ sign: Int) -> ScalarRow {
        let rule = TypeRule("\"ARRAY\"") { arguments in
            guard let (element, _) = arguments[0].type.element, element.isOrderable else { return nil }
            return ([arguments[0].type], element)
        }
        let signature = FunctionSignature(name, [.any], .rule(rule), nulls: .possible)
        return ScalarRow(signature) { (input) throws(QueryError) in
            let type = input.type
            return try input.valueColumn { values in
                items(values[0]).reduce(.null) { best, item in
                    if item.isNull { return best }
                    return best.isNull || Value.compare(item, best, type) * sign > 0 ? item : best
                }
            }
        }
    }

    private static func elementAt(_ base: Value, _ key: Value, isTry: Bool) throws(QueryError) -> Value {
        switch (base, key) {
        case (.map(let keys, let values), _): return keys.firstIndex(of: key).map { values[$0] } ?? .null
        case (.array(let items), .integer(let index)):
            if index == 0 { throw QueryError(.invalidIndexOfZero) }
            let at = index > 0 ? Int(index) - 1 : items.count + Int(index)
            if items.indices.contains(at) { return items[at] }
            if isTry { return .null }
            throw QueryError(
                .invalidArrayIndexInElementAt,
                ["indexValue": "\(index)", "arraySize": "\(items.count)", "ansiConfig": QueryError.ansiSetting])
        default: return .null
        }
    }

    // MARK: Types

    static let same = TypeRule("\"ARRAY\"") { $0[0].type.element == nil ? nil : ([$0[0].type], $0[0].type) }

    private static let sorted = TypeRule("\"ARRAY\"") { arguments in
        guard let (element, _) = arguments[0].type.element, element.isOrderable else { return nil }
        return (arguments.count > 1 ? [arguments[0].type, .boolean] : [arguments[0].type], arguments[0].type)
    }

    private static let grown = TypeRule("\"ARRAY\"") { arguments in
        guard let (element, containsNull) = arguments[0].type.element, let type = TypeCoercion.tightest(element, arguments[1].type) else {
            return nil
        }
        let made = DataType.array(element: type, containsNull: containsNull || arguments[1].nullable)
        return ([.array(element: type, containsNull: containsNull), type], made)
    }

    private static let inserted = TypeRule("\"ARRAY\"") { arguments in
        guard let (element, containsNull) = arguments[0].type.element, arguments[1].type.isIntegral,
            let type = TypeCoercion.tightest(element, arguments[2].type)
        else { return nil }
        return ([.array(element: type, containsNull: containsNull), .int, type], .array(element: type, containsNull: true))
    }

    private static let repeated = TypeRule("\"INT\"") { arguments in
        guard arguments[1].type.isIntegral || arguments[1].type == .null else { return nil }
        return ([arguments[0].type, .int], .array(element: arguments[0].type, containsNull: arguments[0].nullable))
    }

    private static func both(_ result: DataType?) -> TypeRule {
        TypeRule("\"ARRAY\"") { arguments in
            guard arguments[0].type.element != nil, arguments[1].type.element != nil,
                let type = TypeCoercion.tightest(arguments[0].type, arguments[1].type)
            else { return nil }
            return ([type, type], result ?? type)
        }
    }

    private static let joined = TypeRule("\"ARRAY\"") { arguments in
        guard let (element, containsNull) = arguments[0].type.element, element.isAtomic else { return nil }
        return ([.array(element: .string, containsNull: containsNull)] + arguments.dropFirst().map { _ in .string }, .string)
    }

    private static let flattened = TypeRule("\"ARRAY\" of \"ARRAY\"") { arguments in
        arguments[0].type.element.flatMap { $0.type.element == nil ? nil : ([arguments[0].type], $0.type) }
    }

    private static let sliced = TypeRule("\"ARRAY\"") { arguments in
        guard arguments[0].type.element != nil, arguments[1].type.isIntegral, arguments[2].type.isIntegral else { return nil }
        return ([arguments[0].type, .int, .int], arguments[0].type)
    }

    private static let element = TypeRule("(\"ARRAY\" or \"MAP\")") { arguments in
        if let (element, _) = arguments[0].type.element {
            return arguments[1].type.isIntegral ? ([arguments[0].type, .int], element) : nil
        }
        guard let (key, value, _) = arguments[0].type.entry, TypeCoercion.tightest(key, arguments[1].type) == key else { return nil }
        return ([arguments[0].type, key], value)
    }

    private static let got = TypeRule("\"ARRAY\"") { arguments in
        arguments[0].type.element.flatMap { arguments[1].type.isIntegral ? ([arguments[0].type, .int], $0.type) : nil }
    }
}

extension FunctionInput {
    /// A column of the result's type by values; a row with an absent argument is null, if the signature does not accept those.
    func valueColumn(_ body: ([Value]) throws(QueryError) -> Value) throws(QueryError) -> Column {
        var builder = ColumnBuilder(type: type, capacity: count)
        var room = CollectionRows.valueBytesMax
        for row in 0..<count {
            if isPresent(row) {
                let value = try body(arguments.map { $0.column.value(row & $0.mask) })
                value.takeBytes(&room)
                if room < 0 {
                    let limit = CollectionRows.valueBytesMax >> 20
                    throw QueryError.unsupported("an expression that makes arrays or maps of more than \(limit) MiB of \(count) rows")
                }
                builder.append(value)
            } else {
                builder.appendNull()
            }
        }
        return builder.finish()
    }
}

extension Value {
    /// Takes its bytes from the room, until that is used up: one array may stand in another many times.
    fileprivate func takeBytes(_ room: inout Int) {
        guard room >= 0 else { return }
        room -= 16
        switch self {
        case .string(let text): room -= text.utf8.count
        case .binary(let bytes): room -= bytes.count
        case .array(let items), .structure(let items):
            for item in items where room >= 0 { item.takeBytes(&room) }
        case .map(let keys, let items):
            for item in keys where room >= 0 { item.takeBytes(&room) }
            for item in items where room >= 0 { item.takeBytes(&room) }
        default: break
        }
    }
}
