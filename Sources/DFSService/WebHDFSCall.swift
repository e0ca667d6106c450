// A WebHDFS request's path and parameters, read once and checked, with the errors that HDFS gives for bad ones.
import Base
import DFSCore
import NetKit

/// A request under /webhdfs/v1.
struct WebHDFSCall: Sendable {
    static let prefix = "/webhdfs/v1"
    let http: HTTPCall
    let path: String
    let operation: String

    init(_ http: HTTPCall) throws(RemoteException) {
        guard http.path.hasPrefix(Self.prefix) else {
            throw RemoteException(status: 404, javaClass: "java.io.FileNotFoundException", message: "\(http.path) is not under \(Self.prefix)")
        }
        self.http = http
        let rest = String(http.path.dropFirst(Self.prefix.count))
        path = rest.isEmpty ? "/" : rest
        guard let operation = http.parameter("op"), !operation.isEmpty else {
            throw .illegalArgument("Invalid value for webhdfs parameter \"op\": it is missing")
        }
        self.operation = operation.uppercased()
    }

    var user: String? { http.parameter("user.name") }

    func integer(_ name: String, in range: ClosedRange<Int64>) throws(RemoteException) -> Int64? {
        guard let text = http.parameter(name), !text.isEmpty else { return nil }
        guard let value = Int64(text), range.contains(value) else {
            throw .illegalArgument("Invalid value for webhdfs parameter \"\(name)\": \"\(text)\" is no number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    func flag(_ name: String) throws(RemoteException) -> Bool? {
        guard let text = http.parameter(name), !text.isEmpty else { return nil }
        switch text.lowercased() {
        case "true": return true
        case "false": return false
        default: throw .illegalArgument("Invalid value for webhdfs parameter \"\(name)\": \"\(text)\" is neither true nor false")
        }
    }

    /// Permission bits in octal.
    func permission(_ fallback: Int16) throws(RemoteException) -> Int16 {
        guard let text = http.parameter("permission"), !text.isEmpty else { return fallback }
        guard let bits = Int16(text, radix: 8), (0...0o1777).contains(bits) else {
            throw .illegalArgument("Invalid value for webhdfs parameter \"permission\": \"\(text)\" is no octal number up to 1777")
        }
        return bits
    }
}
