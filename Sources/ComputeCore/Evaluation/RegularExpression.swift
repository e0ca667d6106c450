// A compiled regular expression of Java's kind, matched by PCRE2 with a bounded number of steps: a pattern such as (a+)+$ must not keep a
// query's thread for hours where no cancellation reaches it. Only this file calls PCRE2; its functions are pure. Java's class intersection
// (&&) has another meaning in PCRE2 and is refused. Source: pcre2api(3); java.util.regex.Pattern.
import QueryCore
import RegularExpressionLibrary

final class RegularExpression {
    /// Limit of the steps of one match: about a second.
    private static let stepsMax: UInt32 = 10_000_000
    /// Memory limit of one match, in KiB.
    private static let heapKibibytesMax: UInt32 = 20_000

    private let code: OpaquePointer
    private let data: OpaquePointer
    private let limits: OpaquePointer

    /// Throws `invalidParameterPattern`, which names `function`, for an invalid pattern.
    init(_ pattern: String, function: String) throws(QueryError) {
        let invalid = QueryError(
            .invalidParameterPattern, ["parameter": "`regexp`", "functionName": "`\(function)`", "value": "'\(pattern)'"])
        if Self.intersectsClasses(pattern) {
            throw QueryError.unsupported("the intersection && of classes in the regular expression '\(pattern)'")
        }
        guard let settings = pcre2_compile_context_create_8(nil) else { throw invalid }
        defer { pcre2_compile_context_free_8(settings) }
        pcre2_set_newline_8(settings, platform_pcre2_newline_anycrlf)
        var error: Int32 = 0
        var position = 0
        var pattern = pattern
        // The pointer is used within the call, with the text's own length.
        let compiled = pattern.withUTF8 {
            pcre2_compile_8($0.baseAddress ?? Self.nothing, $0.count, platform_pcre2_valid_utf, &error, &position, settings)
        }
        guard let compiled else { throw invalid }
        guard let data = pcre2_match_data_create_from_pattern_8(compiled, nil), let limits = pcre2_match_context_create_8(nil) else {
            pcre2_code_free_8(compiled)
            throw invalid
        }
        (code, self.data, self.limits) = (compiled, data, limits)
        // Where the system forbids machine code, matching is slower with the same results.
        _ = pcre2_jit_compile_8(code, platform_pcre2_jit_complete)
        pcre2_set_match_limit_8(limits, Self.stepsMax)
        pcre2_set_heap_limit_8(limits, Self.heapKibibytesMax)
    }

    deinit {
        pcre2_match_context_free_8(limits)
        pcre2_match_data_free_8(data)
        pcre2_code_free_8(code)
    }

    /// An address for empty texts, never read.
    private static var nothing: UnsafePointer<UInt8>? { UnsafePointer(bitPattern: 1) }

    /// The first match at or after `start`, in bytes from the beginning; nil if there is none. Throws if it takes too many steps.
    func firstMatch(in text: UnsafeBufferPointer<UInt8>, from start: Int = 0) throws(QueryError) -> Range<Int>? {
        var outcome = pcre2_match_8(
            code, text.baseAddress ?? Self.nothing, text.count, start, platform_pcre2_valid_utf & ~UInt32(PCRE2_UTF), data, limits)
        if outcome == platform_pcre2_error_jit_stack {
            outcome = pcre2_match_8(
                code, text.baseAddress ?? Self.nothing, text.count, start,
                platform_pcre2_no_jit | (platform_pcre2_valid_utf & ~UInt32(PCRE2_UTF)), data, limits)
        }
        if outcome == platform_pcre2_error_nomatch { return nil }
        guard outcome >= 0 else {
            throw QueryError.unsupported(
                "a regular expression that takes more than \(Self.stepsMax) steps for one text; make its repetitions exclude each other, or use LIKE"
            )
        }
        // A match always has at least one pair.
        guard let pair = pcre2_get_ovector_pointer_8(data), pair[0] <= pair[1] else { return nil }
        return pair[0]..<pair[1]
    }

    /// The number of groups in parentheses.
    var groupCount: Int { Int(pcre2_get_ovector_count_8(data)) - 1 }

    /// The whole of the first match at or after `start` and its groups, nil for one that took no part; nil if there is no match.
    func firstGroups(in text: [UInt8], from start: Int = 0) throws(QueryError) -> [Range<Int>?]? {
        // The pointer is used within the call, with the text's own length.
        let found = text.withUnsafeBufferPointer { bytes in
            Result { () throws(QueryError) in try firstMatch(in: bytes, from: start) }
        }
        guard try found.get() != nil, let pairs = pcre2_get_ovector_pointer_8(data) else { return nil }
        // There is a pair for the whole and for each group; a group without a part has -1 twice.
        return (0...groupCount).map { group in
            let (low, high) = (pairs[2 * group], pairs[2 * group + 1])
            return low >= 0 && low <= high && high <= text.count ? Int(low)..<Int(high) : nil
        }
    }

    func matches(_ text: String) throws(QueryError) -> Bool {
        var text = text
        // The pointer is used within the call, with the text's own length.
        let found = text.withUTF8 { bytes in Result { () throws(QueryError) in try firstMatch(in: bytes) } }
        return try found.get() != nil
    }

    /// Whether a class in brackets contains &&.
    private static func intersectsClasses(_ pattern: String) -> Bool {
        var depth = 0
        var last: UInt8 = 0
        var isEscaped = false
        for byte in pattern.utf8 {
            if isEscaped {
                (isEscaped, last) = (false, 0)
                continue
            }
            switch byte {
            case UInt8(ascii: "\\"): isEscaped = true
            case UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "]"): depth = max(0, depth - 1)
            case UInt8(ascii: "&") where depth > 0 && last == byte: return true
            default: break
            }
            last = byte
        }
        return false
    }
}
