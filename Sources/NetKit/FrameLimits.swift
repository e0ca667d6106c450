// The limits of a peer's connection in a length-prefixed protocol, for listeners and clients.
import Base

/// Limits of a listener or a client connection.
package struct FrameLimits: Sendable {
    /// Largest frame in bytes, length excluded; a larger one closes the connection before it is read.
    package var frameBytesMax: Int
    /// Largest first frame, in bytes: a peer gets less room until it has introduced itself.
    package var firstFrameBytesMax: Int
    /// Connections at a time, over all peers.
    package var connectionsMax = 10_000
    /// Connections at a time from one address; 0 for no limit.
    package var connectionsPerAddressMax = 0
    /// Unsent bytes above which the connection's requests are no longer delivered.
    package var outboundBytesMax = 4 << 20
    /// Bytes read ahead of delivery, so that a peer that does not read its answers still counts as alive; 0 for none.
    package var readAheadBytesMax = 0
    /// A connection without traffic for this long is closed, within a few seconds; nil for never.
    package var idleTimeout: Duration?
    /// The first frame of a connection must be complete within this time; nil for no limit. Guards against peers that only connect.
    package var firstFrameTimeout: Duration?
    /// A frame that has begun must be complete within this time; guards against peers that send a byte now and then.
    package var frameTimeout = Duration.seconds(60)
    /// The budget of all connections together; nil for trusted peers.
    package var memory: MemoryBudget?
    /// Limit of the connections of one address, in bytes.
    package var memoryPerAddressMax = Int.max
    /// Limit of one connection, in bytes.
    package var memoryPerConnectionMax = Int.max

    package init(frameBytesMax: Int, firstFrameBytesMax: Int? = nil) {
        self.frameBytesMax = frameBytesMax
        self.firstFrameBytesMax = firstFrameBytesMax ?? frameBytesMax
    }

    /// How long a frame that has begun waits for memory before its connection is closed, so that other frames get its memory.
    static let memoryPatience = Duration.seconds(10)
    /// Memory of an incomplete frame that needs no budget, in bytes: small requests are always read.
    static let freeBytes = 16 << 10
    /// The largest read from a socket, in bytes.
    static let readBytesMax = 256 << 10
}
