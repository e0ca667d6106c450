// A WebHDFS request's path and parameters, read once and checked, with HDFS's errors for bad ones in the form of WebHDFS.
import Base
import HadoopWire
import NetKit

/// A request under /webhdfs/v1.
package struct WebHDFSCall: Sendable {
    package static let prefix = "/webhdfs/v1"
    package let http: HTTPCall
    package let path: String
    package let operation: String

    package init(_ http: HTTPCall) throws(JavaException) {
        guard http.path.utf8.starts(with: Self.prefix.utf8) else {
            throw JavaException(JavaException.fileNotFound, "\(http.path) is not under \(Self.prefix)")
        }
        self.http = http
        let rest = String(decoding: http.path.utf8.dropFirst(Self.prefix.utf8.count), as: UTF8.self)
        path = rest.isEmpty ? "/" : rest
        guard let operation = http.parameter("op"), !operation.isEmpty else { throw Self.invalid("op", "it is missing") }
        self.operation = operation.uppercased()
        if let user = http.parameter("user.name"), user.utf8.count > RPCCaller.userBytesMax {
            throw Self.invalid("user.name", "a name of \(user.utf8.count) bytes is too long")
        }
    }

    /// The account of requests without a user name, as in HDFS.
    package static let anonymous = "dr.who"
    package var user: String { http.parameter("user.name").flatMap { $0.isEmpty ? nil : $0 } ?? Self.anonymous }

    package static func invalid(_ name: String, _ why: String) -> JavaException {
        JavaException(JavaException.illegalArgument, "Invalid value for webhdfs parameter \"\(name)\": \(why)")
    }

    package func text(_ name: String) throws(JavaException) -> String {
        guard let text = http.parameter(name), !text.isEmpty else { throw Self.invalid(name, "it is missing") }
        return text
    }

    package func integer(_ name: String, in range: ClosedRange<Int64>) throws(JavaException) -> Int64? {
        guard let text = http.parameter(name), !text.isEmpty else { return nil }
        guard let value = Int64(text), range.contains(value) else {
            throw Self.invalid(name, "\"\(text)\" is no number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    package func flag(_ name: String) throws(JavaException) -> Bool? {
        guard let text = http.parameter(name), !text.isEmpty else { return nil }
        switch text.lowercased() {
        case "true": return true
        case "false": return false
        default: throw Self.invalid(name, "\"\(text)\" is neither true nor false")
        }
    }

    /// Permission bits in octal.
    package func permission(_ fallback: Int16) throws(JavaException) -> Int16 {
        guard let text = http.parameter("permission"), !text.isEmpty else { return fallback }
        guard let bits = Int16(text, radix: 8), (0...0o1777).contains(bits) else {
            throw Self.invalid("permission", "\"\(text)\" is no octal number up to 1777")
        }
        return bits
    }
}

extension JavaException {
    /// The exception in the form of WebHDFS.
    package var reply: HTTPReply {
        let text =
            "{\"RemoteException\":{\"exception\":\(JSONText.quoted(shortName)),\"javaClassName\":\(JSONText.quoted(className)),\"message\":\(JSONText.quoted(message))}}"
        return .json(httpStatus, text)
    }
}
