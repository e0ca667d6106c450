// How Spark shows calls whose columns are not named as they are written: with the defaults of arguments that were left out, under another
// name, or with words between their arguments. Spellings seen from pyspark 4.2.

enum FunctionNames {
    /// Of a function that Spark shows under another name.
    static let shown: [String: String] = [
        "dateadd": "date_add", "current_database": "current_schema", "random": "rand", "array_agg": "collect_list",
        "curdate": "current_date",
    ]

    /// The last arguments of functions, which are shown when they are left out; `least` arguments are always written.
    private static let optional: [String: (least: Int, defaults: [String])] = [
        "regexp_replace": (3, ["1"]), "regexp_extract": (2, ["1"]), "regexp_extract_all": (2, ["1"]), "regexp_instr": (2, ["0"]),
        "locate": (2, ["1"]), "position": (2, ["1"]), "overlay": (3, ["-1"]), "months_between": (2, ["true"]),
        "from_unixtime": (1, [pattern]), "unix_timestamp": (1, [pattern]), "to_unix_timestamp": (1, [pattern]),
        "round": (1, ["0"]), "bround": (1, ["0"]), "replace": (2, [""]), "split": (2, ["-1"]), "substring": (2, ["2147483647"]),
        "substr": (2, ["2147483647"]), "mask": (1, ["X", "x", "n", "NULL"]), "sentences": (1, ["", ""]),
        "listagg": (1, ["NULL"]), "string_agg": (1, ["NULL"]), "percentile": (2, ["1"]), "percentile_approx": (2, ["10000"]),
        "approx_percentile": (2, ["10000"]), "str_to_map": (1, [",", ":"]), "lpad": (2, [" "]), "rpad": (2, [" "]),
        "lag": (1, ["1", "NULL"]), "lead": (1, ["1", "NULL"]),
    ]

    private static let pattern = "yyyy-MM-dd HH:mm:ss"

    static func defaults(_ name: String, _ count: Int) -> [String] {
        guard let (least, defaults) = optional[name], count >= least else { return [] }
        return Array(defaults.dropFirst(count - least))
    }

    /// The shown name of a call with a form of its own; nil for all others.
    static func special(_ name: String, _ arguments: [Expression], _ names: [String]) -> String? {
        switch (name, names.count) {
        case ("extract", 2), ("datepart", 2): return "\(name)(\(names[0]) FROM \(names[1]))"
        case ("assert_true", 1): return "assert_true(\(names[0]), \(untrue(names[0])))"
        case ("ceil", 2), ("floor", 2): return "\(name)(\(names[0]), \(names[1]))"
        case ("from_json", 2...):
            let isMap = names[1].utf8.prefix(3).map { $0 | 0x20 }.elementsEqual("map".utf8)
            return isMap ? "entries" : "from_json(\(names[0]))"
        case ("from_csv", 2...): return "\(name)(\(names[0]))"
        case ("to_json", 2), ("to_csv", 2), ("schema_of_json", 2), ("schema_of_csv", 2): return "\(name)(\(names[0]))"
        case ("mode", 2):
            guard case .literal(let literal) = arguments[1], case .boolean(let isFixed) = literal.value else { return nil }
            return isFixed ? "mode() WITHIN GROUP (ORDER BY \(names[0]) DESC)" : "mode(\(names[0]))"
        case ("to_char", 2), ("to_varchar", 2): return "to_char(\(names[0]), \(names[1]))"
        case (StructUpdate.name, _): return StructUpdate.shown(arguments, names)
        case (OrderedAggregate.name, _): return OrderedAggregate.shown(arguments, names)
        default: return nil
        }
    }

    /// Whether IGNORE NULLS is part of the name.
    static func showsNulls(_ call: Expression) -> Bool {
        guard case .call(let name, _, _) = call else { return true }
        return !["first", "last", "first_value", "last_value", "any_value", "lag", "lead"].contains(name.lowercased())
    }

    /// The message of `assert_true`. A long condition is not repeated: nested ones would double with each level.
    static func untrue(_ condition: String) -> String {
        condition.utf8.count > 1000 ? "the condition is not true!" : "'\(condition)' is not true!"
    }

    static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789ABCDEF".unicodeScalars)
        var out = String.UnicodeScalarView()
        for byte in bytes { out += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        return String(out)
    }
}
