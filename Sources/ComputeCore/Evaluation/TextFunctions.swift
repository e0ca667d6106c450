// Functions over text, by code points as in Spark. All arguments are present, except those of `concat_ws`, which skips nulls. Source: Spark
// SQL reference, "String Functions".

import QueryCore

enum TextFunctions {
    /// Limit of the characters of a value from `lpad` and `rpad`: beyond it the request is surely a mistake.
    static let padMax = 1 << 24

    static func apply(_ function: ScalarFunction, _ values: [Value]) -> Value {
        if function == .concatWs { return concatWs(values) }
        if function == .concat { return .string(values.map(text).joined()) }
        let first = text(values[0])
        switch function {
        case .upper: return .string(first.uppercased())
        case .lower: return .string(first.lowercased())
        case .length: return .integer(Int64(first.unicodeScalars.count))
        case .reverse: return .string(string(first.unicodeScalars.reversed()))
        case .initcap: return .string(initcap(first))
        case .substring: return .string(substring(first, integer(values[1]), values.count > 2 ? integer(values[2]) : Int.max))
        case .replace: return .string(replace(first, text(values[1]), values.count > 2 ? text(values[2]) : ""))
        case .instr: return .integer(Int64(position(of: text(values[1]), in: first)))
        case .lpad, .rpad: return .string(pad(first, integer(values[1]), values.count > 2 ? text(values[2]) : " ", left: function == .lpad))
        case .startsWith: return .boolean(first.utf8.starts(with: text(values[1]).utf8))
        case .endsWith: return .boolean(first.utf8.reversed().starts(with: text(values[1]).utf8.reversed()))
        case .contains: return .boolean(position(of: text(values[1]), in: first) > 0)
        default: preconditionFailure("\(function) is not a function over text")
        }
    }

    static func text(_ value: Value) -> String {
        if case .string(let text) = value { text } else { "" }
    }

    static func integer(_ value: Value) -> Int {
        if case .integer(let number) = value { Int(number) } else { 0 }
    }

    private static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var out = String.UnicodeScalarView()
        out.append(contentsOf: scalars)
        return String(out)
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

    /// Positions count from 1, from the end when negative; 0 means 1.
    private static func substring(_ text: String, _ position: Int, _ length: Int) -> String {
        let scalars = Array(text.unicodeScalars)
        let start = position > 0 ? position - 1 : position < 0 ? scalars.count + position : 0
        let (sum, overflow) = start.addingReportingOverflow(max(length, 0))
        let end = overflow ? scalars.count : min(sum, scalars.count)
        let low = max(start, 0)
        return low < end ? string(scalars[low..<end]) : ""
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

    private static func pad(_ text: String, _ length: Int, _ fill: String, left: Bool) -> String {
        let scalars = Array(text.unicodeScalars)
        let wanted = min(max(length, 0), padMax)
        if scalars.count >= wanted { return string(scalars.prefix(wanted)) }
        let filling = Array(fill.unicodeScalars)
        if filling.isEmpty { return text }
        let padding = (0..<(wanted - scalars.count)).map { filling[$0 % filling.count] }
        return string(left ? padding + scalars : scalars + padding)
    }
}
