// A parser for one JSON text (one line of a JSON-lines file) with a bounded depth. Numbers keep their text, so that the reader decides
// between whole numbers, doubles and decimals. Source: RFC 8259.

import Collections
import QueryCore

indirect enum JSONValue: Hashable {
    case null
    case boolean(Bool)
    case number(String)
    case string(String)
    case array([JSONValue])
    /// Fields in the order of the text; the last of equal names wins.
    case object(OrderedDictionary<String, JSONValue>)
}

struct JSONText {
    /// Limit of nested arrays and objects.
    static let depthMax = 100

    private let bytes: ArraySlice<UInt8>
    private var at: Int
    private var depth = 0

    /// Nil when the bytes are not one JSON value, or do not begin with one if more may follow.
    static func parse(_ bytes: ArraySlice<UInt8>, allowsRest: Bool = false) -> JSONValue? {
        var text = JSONText(bytes)
        guard let value = text.value() else { return nil }
        if allowsRest { return value }
        text.skipBlanks()
        return text.at == bytes.endIndex ? value : nil
    }

    private init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        at = bytes.startIndex
    }

    private var peek: UInt8 { at < bytes.endIndex ? bytes[at] : 0 }

    private mutating func skipBlanks() {
        while at < bytes.endIndex, bytes[at] == 0x20 || (bytes[at] >= 0x09 && bytes[at] <= 0x0D) { at += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipBlanks()
        guard at < bytes.endIndex, bytes[at] == byte else { return false }
        at += 1
        return true
    }

    private mutating func take(_ word: String) -> Bool {
        guard bytes[at...].starts(with: word.utf8) else { return false }
        at += word.utf8.count
        return true
    }

    private mutating func value() -> JSONValue? {
        skipBlanks()
        switch peek {
        case UInt8(ascii: "{"): return nested { $0.object() }
        case UInt8(ascii: "["): return nested { $0.array() }
        case UInt8(ascii: "\""): return string().map { .string($0) }
        case UInt8(ascii: "t"): return take("true") ? .boolean(true) : nil
        case UInt8(ascii: "f"): return take("false") ? .boolean(false) : nil
        case UInt8(ascii: "n"): return take("null") ? .null : nil
        default: return number()
        }
    }

    private mutating func nested(_ body: (inout JSONText) -> JSONValue?) -> JSONValue? {
        depth += 1
        defer { depth -= 1 }
        return depth > Self.depthMax ? nil : body(&self)
    }

    private mutating func object() -> JSONValue? {
        at += 1
        var fields: OrderedDictionary<String, JSONValue> = [:]
        if take(UInt8(ascii: "}")) { return .object(fields) }
        while true {
            skipBlanks()
            guard peek == UInt8(ascii: "\""), let name = string(), take(UInt8(ascii: ":")), let value = value() else { return nil }
            fields[name] = value
            if take(UInt8(ascii: "}")) { return .object(fields) }
            guard take(UInt8(ascii: ",")) else { return nil }
        }
    }

    private mutating func array() -> JSONValue? {
        at += 1
        var items: [JSONValue] = []
        if take(UInt8(ascii: "]")) { return .array(items) }
        while true {
            guard let item = value() else { return nil }
            items.append(item)
            if take(UInt8(ascii: "]")) { return .array(items) }
            guard take(UInt8(ascii: ",")) else { return nil }
        }
    }

    private mutating func number() -> JSONValue? {
        let start = at
        while at < bytes.endIndex {
            let byte = bytes[at]
            guard (byte >= 0x30 && byte <= 0x39) || "+-.eE".utf8.contains(byte) else { break }
            at += 1
        }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        return Double(text) == nil ? nil : .number(text)
    }

    private mutating func string() -> String? {
        at += 1
        var out: [UInt8] = []
        while at < bytes.endIndex {
            let byte = bytes[at]
            at += 1
            if byte == UInt8(ascii: "\"") { return String(decoding: out, as: UTF8.self) }
            if byte != UInt8(ascii: "\\") {
                out.append(byte)
                continue
            }
            guard at < bytes.endIndex else { return nil }
            let escape = bytes[at]
            at += 1
            switch escape {
            case UInt8(ascii: "n"): out.append(0x0A)
            case UInt8(ascii: "t"): out.append(0x09)
            case UInt8(ascii: "r"): out.append(0x0D)
            case UInt8(ascii: "b"): out.append(0x08)
            case UInt8(ascii: "f"): out.append(0x0C)
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(escape)
            case UInt8(ascii: "u"):
                guard let scalar = unicode() else { return nil }
                out += Array(String(Character(scalar)).utf8)
            default: return nil
            }
        }
        return nil
    }

    private mutating func hexadecimal() -> UInt32? {
        guard at + 4 <= bytes.endIndex else { return nil }
        let code = UInt32(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16)
        at += 4
        return code
    }

    /// After `\u`; a surrogate pair is one scalar, a lone surrogate becomes the replacement character.
    private mutating func unicode() -> Unicode.Scalar? {
        guard let first = hexadecimal() else { return nil }
        guard (0xD800..<0xDC00).contains(first) else { return Unicode.Scalar(first) ?? "\u{FFFD}" }
        guard take("\\u"), let second = hexadecimal(), (0xDC00..<0xE000).contains(second) else { return "\u{FFFD}" }
        return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    }
}
