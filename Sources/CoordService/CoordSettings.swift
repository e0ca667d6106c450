// Coord's settings. Names and defaults are ZooKeeper's where ZooKeeper has them.
import Base
import NetKit

/// Settings of the coord service.
package struct CoordSettings: Sendable {
    package var listen = HostPort("127.0.0.1", 2181)
    package var sessions = SessionSettings()
    /// Connections from one address; 0 for no limit.
    package var connectionsPerAddressMax = 60
    /// ZooKeeper's jute.maxbuffer: the largest request in bytes. Answers have no limit.
    package var requestBytesMax = 0xfffff
    /// Requests of all connections that wait for their answers; above it connections are read no further.
    package var outstandingMax = 1000
    /// Bytes that these requests may hold.
    package var outstandingBytesMax = 100 << 20
    /// Watches of all connections, and of one.
    package var watchesMax = 1_000_000
    package var watchesPerConnectionMax = 250_000
    /// Bytes that clients may make this server hold: requests that are not whole or wait to be read, answers that have not left.
    package var clientMemoryMax = 256 << 20
    /// The same for the clients of one address.
    package var clientMemoryPerAddressMax = 128 << 20
    /// What this server shares with others in the process; nil for nothing.
    package var processMemory: MemoryBudget?
    /// Whether the members of an ensemble may be changed.
    package var allowsReconfig = false
    /// Whether a server that is cut off from the quorum serves reads to clients that are content with that.
    package var servesReadOnly = false
    /// Whether each write of a client gets a line in the audit log.
    package var audits = false
    /// Whether writes that exceed a hard quota are refused.
    package var enforcesQuota = false
    /// How often containers and nodes with a time to live are looked at.
    package var reapInterval = Duration.seconds(60)
    /// How long a container that never had a child lives; zero for ever.
    package var unusedContainerLife = Duration.seconds(300)
    /// `user:base64(SHA-1(user:password))` of the account that passes every check.
    package var superDigest: String?
    package var saslUsers = SASLUsers()
    /// Whether a session must log in by SASL before it may do anything.
    package var requiresSASL = false
    package var fourLetterWords = FourLetterWord.byDefault
    /// Where the AdminServer answers; nil for nowhere.
    package var adminListen: HostPort?
    /// Where clients connect by TLS, and with which certificates; nil for nowhere.
    package var secureListen: HostPort?
    package var tls: TLSSettings?
    /// The servers that this one belongs to; nil for one that stands alone.
    package var ensemble: PeerLinkSettings?

    package init() {}

    /// A connection must ask for a session, or say a four-letter word, within this time.
    package static let handshakeTimeout = Duration.seconds(30)
    /// Requests of one connection that wait for their answer; reading stops above it.
    package static let pendingPerConnectionMax = 1000
    /// Read-ahead of a connection, in bytes: above all pings of a client that takes its answers slowly.
    static let readAheadBytesMax = 64 << 10
    /// How long one connection's requests may take in a row before the others have their turn.
    static let turnShare = Duration.milliseconds(2 * slowness)
    /// A program that is built for debugging takes about ten times as long for everything.
    private static var slowness: Int {
        #if DEBUG
            10
        #else
            1
        #endif
    }
    /// How long waiting connections may take in one turn of the loop, exceeded by at most one request.
    static let turnMax = Duration.milliseconds(6 * slowness)
    /// How often a connection with work left is looked at whose peer takes nothing.
    static let peerPause = Duration.milliseconds(5)
    /// Identities of one session, and bytes of their texts; a login beyond that is refused.
    package static let identitiesMax = 128
    package static let identityBytesMax = 16 << 10
    /// Those with more bytes travel through the log once and not with each write.
    static let identityBytesWithEachWrite = 256
}
