// Addresses as people write them, and the rule for addresses that may be bound without authentication.
import Base
import NIOCore

/// A host and a port; port 0 asks the system for a free one.
package struct HostPort: Hashable, Sendable, CustomStringConvertible {
    package var host: String
    package var port: Int

    package init(_ host: String, _ port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port`, `[v6]:port`, or a host alone with `defaultPort`; nil if the port is not a number in 0...65535.
    package init?(parsing text: String, defaultPort: Int) {
        var host = Substring(text)
        var port = defaultPort
        if let colon = text.lastIndex(of: ":"), text.first == "[" ? text[..<colon].hasSuffix("]") : text.firstIndex(of: ":") == colon {
            guard let number = Int(text[text.index(after: colon)...]), (0...65535).contains(number) else { return nil }
            port = number
            host = text[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty else { return nil }
        self.init(String(host), port)
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Whether the host is an IPv4 address and not a name.
    package var isLiteralIPv4: Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }

    /// An address of either kind in the system's form, an IPv4-mapped one as IPv4; nil if the text is not an address.
    package static func canonicalAddress(_ text: String) -> String? {
        // The only reason to throw is that the text is not an address.
        guard let ip = (try? SocketAddress(ipAddress: text, port: 0))?.ipAddress else { return nil }
        let mapped = "::ffff:"
        return ip.hasPrefix(mapped) && ip.contains(".") ? String(ip.dropFirst(mapped.count)) : ip
    }

    package var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }
}

extension HostPort {
    init?(_ address: SocketAddress?) {
        guard let address, let ip = address.ipAddress, let port = address.port else { return nil }
        self.init(ip, port)
    }
}

/// A listener that could not be opened.
package struct ListenError: Error, Sendable, CustomStringConvertible {
    package enum Cause: Sendable, Equatable {
        /// Another process listens there; with its name and pid if the system tells.
        case inUse(by: String?)
        case notPermitted
        case other(String)
    }
    package var address: HostPort
    package var cause: Cause

    package init(_ address: HostPort, _ cause: Cause) {
        self.address = address
        self.cause = cause
    }

    init(_ address: HostPort, _ error: any Error) {
        self.address = address
        if let io = error as? IOError {
            switch io.errnoCode {
            case 98: cause = .inUse(by: PortHolder.find(port: address.port))
            case 13, 1: cause = .notPermitted
            default: cause = .other(io.description)
            }
        } else {
            cause = .other("\(error)")
        }
    }

    package var description: String {
        switch cause {
        case .inUse(let holder?): "cannot listen on \(address): the port is taken by \(holder)"
        case .inUse(nil): "cannot listen on \(address): the port is taken by another process"
        case .notPermitted: "cannot listen on \(address): permission denied (ports below 1024 need privileges)"
        case .other(let text): "cannot listen on \(address): \(text)"
        }
    }
}
