// What a listener or a client connection of a length-prefixed protocol allows its peer.
import Base

/// Limits of a listener or a client connection.
package struct FrameLimits: Sendable {
    /// Largest frame in bytes, length excluded; a larger one closes the connection before it is read.
    package var frameBytesMax: Int
    /// Largest first frame, in bytes: before a peer has introduced itself it gets less room.
    package var firstFrameBytesMax: Int
    /// Connections at a time, over all peers.
    package var connectionsMax = 10_000
    /// Connections at a time from one address; 0 for no limit.
    package var connectionsPerAddressMax = 0
    /// Unsent bytes above which the connection's requests are no longer delivered.
    package var outboundBytesMax = 4 << 20
    /// Bytes that are read ahead of what is delivered, so that a peer is heard that does not take its answers; 0 for none.
    package var readAheadBytesMax = 0
    /// A connection without traffic for this long is closed, within a few seconds; nil for never.
    package var idleTimeout: Duration?
    /// The first frame of a connection must be complete within this time; nil for no limit. Guards against peers that only connect.
    package var firstFrameTimeout: Duration?
    /// A frame that has begun must be complete within this time; guards against peers that send a byte now and then.
    package var frameTimeout = Duration.seconds(60)
    /// What all connections together may hold; nil where the peers are trusted.
    package var memory: MemoryBudget?
    /// What the connections of one address may hold, in bytes.
    package var memoryPerAddressMax = Int.max
    /// What one connection may hold, in bytes.
    package var memoryPerConnectionMax = Int.max

    package init(frameBytesMax: Int, firstFrameBytesMax: Int? = nil) {
        self.frameBytesMax = frameBytesMax
        self.firstFrameBytesMax = firstFrameBytesMax ?? frameBytesMax
    }

    /// For how long a frame that has begun waits for memory; then its connection is closed, so that others get what it holds.
    static let memoryPatience = Duration.seconds(10)
    /// What a frame that is not whole may hold without anybody's leave, in bytes: small requests are read whatever others hold.
    static let freeBytes = 16 << 10
    /// The largest piece that is taken from a socket at once, in bytes.
    static let readBytesMax = 256 << 10
}
