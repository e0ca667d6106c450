// Texts to bytes and back: base64, character sets, the forms of `to_binary`, UTF-8 checks and the parts and escapes of URLs. Source: Spark
// SQL reference, "String Functions", "URL Functions"; RFC 3986, RFC 4648.

import QueryCore

enum EncodingRows {
    static let rows: [ScalarRow] = [
        bytes("base64", [.binary], .string) { values in .string(String(decoding: Base64.encoded(octets(values[0])), as: UTF8.self)) },
        bytes("unbase64", [.string], .binary, canRaise: true) { (values) throws(QueryError) in
            guard let out = Base64.decoded(octets(values[0])) else { throw malformed(values[0], "BASE64", "try_to_binary") }
            return .binary(out)
        },
        bytes("encode", [.string, .string], .binary, canRaise: true) { (values) throws(QueryError) in
            .binary(try CharacterSet.named(values[1].plainText, "encode").encoded(values[0].plainText))
        },
        bytes("decode", [.binary, .string], .string, canRaise: true) { (values) throws(QueryError) in
            .string(try CharacterSet.named(values[1].plainText, "decode").decoded(octets(values[0])))
        },
        bytes("to_binary", [.string, .string], .binary, required: 1, nulls: .possible, canRaise: true) { (values) throws(QueryError) in
            let format = values.count > 1 ? values[1].plainText.lowercased() : "hex"
            switch format {
            case "utf-8", "utf8": return .binary(octets(values[0]))
            case "hex": if let out = TextRows.bytes(ofHexadecimal: octets(values[0])[...]) { return .binary(out) }
            case "base64": if let out = Base64.decoded(octets(values[0])) { return .binary(out) }
            default: throw QueryError.unsupported("to_binary with the format '\(format)'; it is one of hex, utf-8 and base64")
            }
            throw malformed(values[0], format.uppercased(), "try_to_binary")
        },
        bytes("is_valid_utf8", [.binary], .boolean) { values in .boolean(isValid(octets(values[0]))) },
        bytes("make_valid_utf8", [.binary], .string) { values in .string(String(decoding: octets(values[0]), as: UTF8.self)) },
        bytes("validate_utf8", [.binary], .string, canRaise: true) { (values) throws(QueryError) in
            let bytes = octets(values[0])
            guard isValid(bytes) else {
                let shown = bytes.prefix(64).map { "\\x" + FunctionText.hexadecimal($0) }.joined()
                throw QueryError(.invalidUTF8, ["str": shown])
            }
            return .string(String(decoding: bytes, as: UTF8.self))
        },
        bytes("url_encode", [.string], .string) { values in .string(URLText.escaped(octets(values[0]))) },
        bytes("url_decode", [.string], .string, canRaise: true) { (values) throws(QueryError) in
            guard let text = URLText.unescaped(octets(values[0])) else {
                throw QueryError(.cannotDecodeURL, ["url": values[0].plainText])
            }
            return .string(text)
        },
        bytes("parse_url", [.string, .string, .string], .string, required: 2, nulls: .possible, canRaise: true) {
            (values) throws(QueryError) in
            guard let url = URLText(values[0].plainText) else { throw QueryError(.invalidURL, ["url": values[0].plainText]) }
            guard values.count > 2 else { return url.part(values[1].plainText).map { .string($0) } ?? .null }
            guard values[1].plainText == "QUERY", let found = url.value(ofKey: values[2].plainText) else { return .null }
            return .string(found)
        },
    ]

    static func bytes(
        _ name: String, aliases: [String] = [], _ parameters: [FunctionSignature.Parameter], _ type: DataType, required: Int? = nil,
        nulls: FunctionSignature.Nulls = .strict, canRaise: Bool = false,
        _ body: @escaping @Sendable ([Value]) throws(QueryError) -> Value
    ) -> ScalarRow {
        let signature = FunctionSignature(
            name, aliases: aliases, parameters, required: required, .type(type), nulls: nulls, canRaise: canRaise)
        return ScalarRow(signature) { (input) throws(QueryError) in try input.valueColumn(body) }
    }

    /// The bytes of a text or a binary.
    static func octets(_ value: Value) -> [UInt8] {
        switch value {
        case .string(let text): Array(text.utf8)
        case .binary(let bytes): bytes
        default: []
        }
    }

    private static func isValid(_ bytes: [UInt8]) -> Bool { String(validating: bytes, as: UTF8.self) != nil }

    private static func malformed(_ value: Value, _ format: String, _ suggestion: String) -> QueryError {
        QueryError(
            .conversionInvalidInput,
            ["str": "'\(value.plainText)'", "fmt": "'\(format)'", "targetType": "\"BINARY\"", "suggestion": "`\(suggestion)`"])
    }
}

extension Value {
    /// The text of a string; empty for any other value.
    var plainText: String { if case .string(let text) = self { text } else { "" } }
    /// The number of a whole number; 0 for any other value.
    var whole: Int64 { if case .integer(let number) = self { number } else { 0 } }
    /// The number of a double; 0 for any other value.
    var real: Double { if case .double(let number) = self { number } else { 0 } }
}

enum Base64 {
    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let places: [UInt8: UInt32] = Dictionary(uniqueKeysWithValues: letters.enumerated().map { ($1, UInt32($0)) })

    static func encoded(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var word: UInt32 = 0
            for index in 0..<3 { word = word << 8 | (index < group.count ? UInt32(group[start + index]) : 0) }
            for index in 0..<4 { out.append(index <= group.count ? letters[Int(word >> UInt32(18 - 6 * index) & 63)] : UInt8(ascii: "=")) }
        }
        return out
    }

    /// Blanks and line ends are skipped; nil for other foreign characters and for a last group of one.
    static func decoded(_ text: [UInt8]) -> [UInt8]? {
        var out: [UInt8] = []
        var (word, bits): (UInt32, UInt32) = (0, 0)
        var isOver = false
        for byte in text where byte > 0x20 {
            if byte == UInt8(ascii: "=") {
                isOver = true
                continue
            }
            guard !isOver, let place = places[byte] else { return nil }
            word = word << 6 | place
            bits += 6
            if bits >= 8 {
                bits -= 8
                out.append(UInt8(truncatingIfNeeded: word >> bits))
                word &= (1 << bits) - 1
            }
        }
        return bits >= 6 ? nil : out
    }
}

/// The character sets of `encode` and `decode`; a character that a set lacks becomes a question mark, bytes that are none U+FFFD.
enum CharacterSet: String, CaseIterable {
    case latin = "iso-8859-1", ascii = "us-ascii", utf16 = "utf-16", utf16be = "utf-16be", utf16le = "utf-16le", utf32 = "utf-32"
    case utf8 = "utf-8"

    static func named(_ name: String, _ function: String) throws(QueryError) -> CharacterSet {
        if let set = CharacterSet(rawValue: name.lowercased()) { return set }
        throw QueryError(
            .invalidCharset,
            [
                "parameter": "`charset`", "functionName": "`\(function)`", "charset": name,
                "charsets": allCases.map(\.rawValue).joined(separator: ", "),
            ])
    }

    func encoded(_ text: String) -> [UInt8] {
        switch self {
        case .utf8: return Array(text.utf8)
        case .latin, .ascii:
            let most: UInt32 = self == .latin ? 0xFF : 0x7F
            return text.unicodeScalars.map { $0.value <= most ? UInt8($0.value) : UInt8(ascii: "?") }
        case .utf16, .utf16be, .utf16le:
            let words = (self == .utf16 ? [0xFEFF] : []) + Array(text.utf16)
            return words.flatMap { word in
                let pair = [UInt8(word >> 8), UInt8(truncatingIfNeeded: word)]
                return self == .utf16le ? pair.reversed() : pair
            }
        case .utf32:
            return text.unicodeScalars.flatMap { scalar in (0..<4).map { UInt8(truncatingIfNeeded: scalar.value >> (24 - 8 * $0)) } }
        }
    }

    func decoded(_ bytes: [UInt8]) -> String {
        switch self {
        case .utf8: return String(decoding: bytes, as: UTF8.self)
        case .latin: return text(bytes.map { UInt32($0) })
        case .ascii: return text(bytes.map { $0 < 0x80 ? UInt32($0) : 0xFFFD })
        case .utf16, .utf16be, .utf16le:
            var rest = bytes[...]
            var isLittle = self == .utf16le
            if self == .utf16, rest.starts(with: [0xFE, 0xFF]) || rest.starts(with: [0xFF, 0xFE]) {
                isLittle = rest.first == 0xFF
                rest = rest.dropFirst(2)
            }
            var words: [UInt16] = []
            while rest.count >= 2 {
                let (one, other) = (UInt16(rest[rest.startIndex]), UInt16(rest[rest.startIndex + 1]))
                words.append(isLittle ? other << 8 | one : one << 8 | other)
                rest = rest.dropFirst(2)
            }
            return String(decoding: words, as: UTF16.self) + (rest.isEmpty ? "" : "\u{FFFD}")
        case .utf32:
            let whole = stride(from: 0, to: bytes.count / 4 * 4, by: 4).map { at in
                (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(bytes[at + $1]) }
            }
            return text(whole + (bytes.count % 4 == 0 ? [] : [0xFFFD]))
        }
    }

    private func text(_ codes: [UInt32]) -> String {
        var out = String.UnicodeScalarView()
        for code in codes { out.append(Unicode.Scalar(code) ?? "\u{FFFD}") }
        return String(out)
    }
}

/// The parts of a URL as written.
struct URLText {
    private var scheme: String?
    private var authority: String?
    private var path = ""
    private var query: String?
    private var fragment: String?

    /// Nil for a text with characters that a URL may not have, such as blanks.
    init?(_ text: String) {
        let foreign = Set("\"<>\\^`{|} ".utf8)
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F && !foreign.contains($0) }) else { return nil }
        var rest = Array(text.utf8)[...]
        func string(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
        if let mark = rest.firstIndex(of: UInt8(ascii: "#")) {
            fragment = string(rest[(mark + 1)...])
            rest = rest[..<mark]
        }
        if let mark = rest.firstIndex(of: UInt8(ascii: "?")) {
            query = string(rest[(mark + 1)...])
            rest = rest[..<mark]
        }
        if let colon = rest.firstIndex(of: UInt8(ascii: ":")), !rest[..<colon].contains(UInt8(ascii: "/")), colon > rest.startIndex {
            scheme = string(rest[..<colon])
            rest = rest[(colon + 1)...]
        }
        if rest.starts(with: Array("//".utf8)) {
            rest = rest.dropFirst(2)
            let end = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
            authority = string(rest[..<end])
            rest = rest[end...]
        }
        path = string(rest)
    }

    /// By Spark's name of the part; nil if it is absent or has another name.
    func part(_ name: String) -> String? {
        switch name {
        case "PROTOCOL": return scheme
        case "AUTHORITY": return authority
        case "PATH": return path
        case "QUERY": return query
        case "REF": return fragment
        case "FILE": return path + (query.map { "?" + $0 } ?? "")
        case "USERINFO":
            guard let authority, let mark = authority.utf8.lastIndex(of: UInt8(ascii: "@")) else { return nil }
            return String(authority[..<mark])
        case "HOST":
            guard let authority else { return nil }
            let bytes = Array(authority.utf8)
            var host = bytes[(bytes.lastIndex(of: UInt8(ascii: "@")).map { $0 + 1 } ?? 0)...]
            if host.last != UInt8(ascii: "]"), let colon = host.lastIndex(of: UInt8(ascii: ":")) { host = host[..<colon] }
            return host.isEmpty ? nil : String(decoding: host, as: UTF8.self)
        default: return nil
        }
    }

    func value(ofKey key: String) -> String? {
        for pair in (query ?? "").utf8.split(separator: UInt8(ascii: "&")) {
            guard let mark = pair.firstIndex(of: UInt8(ascii: "=")), pair[..<mark].elementsEqual(key.utf8) else { continue }
            return String(decoding: pair[pair.index(after: mark)...], as: UTF8.self)
        }
        return nil
    }

    /// As a form of HTML: blanks become plus signs.
    static func escaped(_ bytes: [UInt8]) -> String {
        var out = ""
        for byte in bytes {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "*"):
                out.unicodeScalars.append(Unicode.Scalar(byte))
            case 0x20: out += "+"
            default: out += "%" + FunctionText.hexadecimal(byte)
            }
        }
        return out
    }

    /// Nil for a percent sign without two hexadecimal digits behind it.
    static func unescaped(_ bytes: [UInt8]) -> String? {
        var out: [UInt8] = []
        var at = 0
        while at < bytes.count {
            if bytes[at] == UInt8(ascii: "%") {
                guard at + 2 < bytes.count, let byte = TextRows.bytes(ofHexadecimal: bytes[(at + 1)...(at + 2)]) else { return nil }
                out += byte
                at += 3
            } else {
                out.append(bytes[at] == UInt8(ascii: "+") ? 0x20 : bytes[at])
                at += 1
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}

enum FunctionText {
    /// Two digits, in capitals.
    static func hexadecimal(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true) }
}
