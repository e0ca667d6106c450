// Functions over text, by code points as in Spark. All arguments are present, except those of `concat_ws`, which skips nulls. Source: Spark
// SQL reference, "String Functions".

import QueryCore

enum TextFunctions {
    static func apply(_ function: ScalarFunction, _ values: [Value]) -> Value {
        if function == .concatWs { return concatWs(values) }
        if function == .concat {
            if case .binary = values.first { return .binary(values.flatMap { EncodingRows.octets($0) }) }
            return .string(values.map(text).joined())
        }
        let first = text(values[0])
        switch function {
        case .upper: return .string(first.uppercased())
        case .lower: return .string(first.lowercased())
        case .initcap: return .string(initcap(first))
        case .replace: return .string(replace(first, text(values[1]), values.count > 2 ? text(values[2]) : ""))
        case .instr: return .integer(Int64(position(of: text(values[1]), in: first)))
        case .startsWith: return .boolean(first.utf8.starts(with: text(values[1]).utf8))
        case .endsWith: return .boolean(first.utf8.reversed().starts(with: text(values[1]).utf8.reversed()))
        case .contains: return .boolean(position(of: text(values[1]), in: first) > 0)
        default: preconditionFailure("\(function) is not a function over text")
        }
    }

    static func integer(_ value: Value) -> Int {
        if case .integer(let number) = value { Int(number) } else { 0 }
    }

    static func text(_ value: Value) -> String {
        if case .string(let text) = value { text } else { "" }
    }

    private static func concatWs(_ values: [Value]) -> Value {
        guard case .string(let separator) = values[0] else { return .null }
        var parts: [String] = []
        for value in values.dropFirst() {
            switch value {
            case .string(let text): parts.append(text)
            case .array(let items): parts += items.filter { !$0.isNull }.map(text)
            default: break
            }
        }
        return .string(parts.joined(separator: separator))
    }

    private static func initcap(_ text: String) -> String {
        var out = ""
        var starts = true
        for character in text.lowercased() {
            out += starts ? String(character).uppercased() : String(character)
            starts = character == " "
        }
        return out
    }

    private static func replace(_ text: String, _ search: String, _ replacement: String) -> String {
        if search.isEmpty { return text }
        let bytes = Array(text.utf8)
        let wanted = Array(search.utf8)
        var out: [UInt8] = []
        var at = 0
        while at < bytes.count {
            if bytes[at] == wanted[0], bytes[at...].starts(with: wanted) {
                out += Array(replacement.utf8)
                at += wanted.count
            } else {
                out.append(bytes[at])
                at += 1
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// From 1 in characters; 0 when absent.
    private static func position(of search: String, in text: String) -> Int {
        let bytes = Array(text.utf8)
        let wanted = Array(search.utf8)
        if wanted.isEmpty { return 1 }
        if bytes.count < wanted.count { return 0 }
        for at in 0...(bytes.count - wanted.count) where bytes[at] == wanted[0] && bytes[at...].starts(with: wanted) {
            return bytes[..<at].count { $0 & 0xC0 != 0x80 } + 1
        }
        return 0
    }
}
