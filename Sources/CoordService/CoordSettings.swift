// What a person may choose about coord. Names and defaults are ZooKeeper's where ZooKeeper has them.
import Base
import NetKit

/// Settings of the coord service.
package struct CoordSettings: Sendable {
    package var listen = HostPort("127.0.0.1", 2181)
    /// The unit of session timeouts, in milliseconds: a session lives 2 to 20 ticks without being heard from.
    package var tickMilliseconds: Int32 = 2000
    /// Connections from one address; 0 for no limit.
    package var connectionsPerAddressMax = 0
    package var tls: TLSSettings?

    package init() {}

    package var sessionMillisecondsMin: Int32 { 2 * tickMilliseconds }
    package var sessionMillisecondsMax: Int32 { 20 * tickMilliseconds }
    /// ZooKeeper's jute.maxbuffer: the largest request in bytes.
    package static let frameBytesMax = 0xfffff
    /// A connection must ask for a session, or say a four-letter word, within this time.
    package static let handshakeTimeout = Duration.seconds(30)
    /// Requests of one connection that wait for their answer; reading stops above it.
    package static let outstandingMax = 1000
}
