// Errors in bytes from a peer. The connection that delivered them is closed; nothing else is affected.

/// The peer sent bytes that its protocol does not allow.
public enum WireError: Error, Equatable, Sendable {
    /// The field needs `needed` bytes, and `remaining` are left.
    case truncated(needed: Int, remaining: Int)
    /// A negative or otherwise impossible length or count.
    case badLength(Int)
    /// A value that must be present is null.
    case unexpectedNull
    /// Text that is not UTF-8.
    case notUTF8
    /// A varint of more bytes than its width allows.
    case varintTooLong
    /// An unknown discriminator (operation, version, magic, tag); the text names the field.
    case unknownTag(String, Int)
    /// More than a named limit allows; the text names the limit.
    case overLimit(String, Int)
    /// Bytes left over after a complete message.
    case trailingBytes(Int)
    /// A checksum that does not match.
    case badChecksum(expected: UInt32, found: UInt32)
}

extension WireError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .truncated(let needed, let remaining): "message ends early: \(needed) bytes announced, \(remaining) there"
        case .badLength(let length): "impossible length \(length)"
        case .unexpectedNull: "null where a value is required"
        case .notUTF8: "text is not valid UTF-8"
        case .varintTooLong: "varint is longer than its type allows"
        case .unknownTag(let field, let value): "unknown \(field) \(value)"
        case .overLimit(let limit, let value): "\(value) is over the limit \(limit)"
        case .trailingBytes(let count): "\(count) bytes left over after the message"
        case .badChecksum(let expected, let found): "checksum \(found) does not match \(expected)"
        }
    }
}
