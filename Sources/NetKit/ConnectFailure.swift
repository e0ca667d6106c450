// The reason of a failed connection, in words for people; the networking packages' own descriptions are for programmers.
import NIOCore
import NIOPosix

package enum ConnectFailure {
    private static let refused: Int32 = 111

    /// One line, without the address, which the caller knows.
    package static func reason(_ error: any Error) -> String {
        if let error = error as? NIOConnectionError {
            // A host may have several addresses; one reason is enough.
            if let first = error.connectionErrors.first { return reason(first.error) }
            return error.dnsAError == nil && error.dnsAAAAError == nil ? "the host has no address" : "nobody knows the name '\(error.host)'"
        }
        if let error = error as? IOError { return error.errnoCode == refused ? "connection refused" : error.description }
        if case .connectTimeout(let time)? = error as? ChannelError { return "no answer within \(time.nanoseconds / 1_000_000_000) s" }
        return "\(error)"
    }
}
