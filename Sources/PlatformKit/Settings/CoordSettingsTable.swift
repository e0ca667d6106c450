// The settings of coord. Each needs a restart to change. Names and defaults are ZooKeeper's where it has them.
import Base
import CoordService
import NetKit

extension SettingsTable {
    static let coordListen = SettingKey.address("coord.listen", "127.0.0.1:2181", "Where ZooKeeper clients connect.")
    static let coordTick = SettingKey.integer(
        "coord.tick.ms", 2000, 10...60_000, "ms", "Unit of session timeouts: a session lives 2 to 20 ticks without being heard from.")
    static let coordConnectionsPerAddress = SettingKey.integer(
        "coord.connections-per-address.max", 60, 0...100_000, "connections", "Connections from one address; 0 for no limit.")
    static let coordSessions = SettingKey.integer(
        "coord.sessions.max", 200_000, 0...10_000_000, "sessions",
        "Sessions of all clients; a session outlives its connection by its timeout. 0 for no limit.")
    static let coordSessionsPerAddress = SettingKey.integer(
        "coord.sessions-per-address.max", 20_000, 0...10_000_000, "sessions", "Sessions opened from one address; 0 for no limit.")
    static let coordRequestBytes = SettingKey.integer(
        "coord.request.bytes.max", 0xfffff, 1024...(256 << 20), "bytes",
        "The largest request (ZooKeeper's jute.maxbuffer); answers have no limit.")
    static let coordOutstanding = SettingKey.integer(
        "coord.outstanding.max", 1000, 1...1_000_000, "requests",
        "Requests of all clients that wait for their answers; above it clients are read no further for a while.")
    static let coordOutstandingBytes = SettingKey.integer(
        "coord.outstanding.bytes.max", 100 << 20, (1 << 20)...(1 << 40), "bytes", "Memory that waiting requests may hold.")
    static let coordWatches = SettingKey.integer(
        "coord.watches.max", 1_000_000, 1...1_000_000_000, "watches",
        "Watches of all clients; each counts with its name, 512 bytes on average. More are refused (-8).")
    static let coordWatchesPerConnection = SettingKey.integer(
        "coord.watches-per-connection.max", 250_000, 1...1_000_000_000, "watches", "Watches of one client, in the same way.")
    static let coordClientMemory = SettingKey.integer(
        "coord.client-memory.bytes.max", 256 << 20, (8 << 20)...(1 << 50), "bytes",
        "What coord may hold for its clients: requests that are not whole or wait to be read, answers that have not left.")
    static let coordClientMemoryPerAddress = SettingKey.integer(
        "coord.client-memory-per-address.bytes.max", 128 << 20, (4 << 20)...(1 << 50), "bytes",
        "What it may hold for the clients of one address.")
    static let coordReconfig = SettingKey.flag(
        "coord.reconfig", false,
        "Let the members of an ensemble be changed by whoever may write /zookeeper/config (ZooKeeper's reconfigEnabled).")
    static let coordReadOnly = SettingKey.flag(
        "coord.read-only", false,
        "While no leader is to be had, serve reads to clients that are content with that (ZooKeeper's readonlymode.enabled).")
    static let coordLocalSessions = SettingKey.flag(
        "coord.local-sessions", false,
        "Sessions of an ensemble begin as ones that only their server knows, and are written down with their first ephemeral node (ZooKeeper's localSessionsEnabled)."
    )
    static let coordAudit = SettingKey.flag(
        "coord.audit", false, "Tell in the log who changed what, a line for each write (ZooKeeper's audit.enable).")
    static let coordQuota = SettingKey.flag(
        "coord.quota.enforce", false, "Refuse writes that exceed a hard quota (-125).")
    static let coordReapInterval = SettingKey.integer(
        "coord.reap.interval.ms", 60_000, 10...3_600_000, "ms", "How often containers and nodes with a time to live are looked at.")
    static let coordUnusedContainer = SettingKey.integer(
        "coord.container.unused.ms", 300_000, 0...Int.max, "ms", "How long a container that never had a child lives; 0 for ever.")
    static let coordSuperDigest = SettingKey.text(
        "coord.super.digest", "", "user:base64(SHA-1(user:password)); empty: nobody", "The account that passes every check of access.")
    static let coordSASLUsers = SettingKey.text(
        "coord.sasl.users", "", "a file with lines of user:password; empty: nobody", "Who may log in by SASL DIGEST-MD5.")
    static let coordSASLRequired = SettingKey.flag(
        "coord.sasl.required", false, "Refuse every request of sessions that have not logged in by SASL.")
    static let coordFourLetterWords = SettingKey<Set<FourLetterWord>>(
        name: "coord.four-letter-words", defaultText: FourLetterWord.byDefault.map(\.rawValue).sorted().joined(separator: ","),
        domain: "words separated by commas, or * for all",
        summary: "The four-letter words that are answered.",
        parse: { text throws(SettingRefusal) in
            guard let words = FourLetterWord.list(text) else {
                throw SettingRefusal(expected: "a list of \(FourLetterWord.allCases.map(\.rawValue).joined(separator: ", ")), or *")
            }
            return words
        })
    static let coordAdmin = SettingKey.flag("coord.admin", true, "Whether the AdminServer answers over HTTP.")
    static let coordAdminListen = SettingKey.address(
        "coord.admin.listen", "127.0.0.1:8080", "Where the AdminServer answers; if nobody chose it and it is taken, coord goes without.")

    static let coordNodes = SettingKey.integer(
        "coord.nodes", 1, 1...7, "servers",
        "How many coord servers this process runs as one ensemble, each on the port after the one before.")
    static let coordID = SettingKey.integer("coord.id", 1, 1...255, "", "The number of this server among coord.peers.")
    static let coordPeers = SettingKey.peers(
        "coord.peers", defaultPort: 2888, "number=host:port,... with this server too; empty: it stands alone",
        "The servers that begin an ensemble, or that a newcomer asks, and where each listens for the others. Later its log tells who belongs to it."
    )
    static let coordPeerTLS = TLSKeys("coord.peer", "the other servers")
    static let coordSecureListen = SettingKey<HostPort?>(
        name: "coord.tls.listen", defaultText: "", domain: "host:port, port 0 takes a free one; empty: coord.listen itself speaks TLS",
        summary: "A port of its own for ZooKeeper clients that connect by TLS, if there is a certificate; coord.listen stays plain then.",
        parse: { text throws(SettingRefusal) in
            if text.isEmpty { return nil }
            guard let address = HostPort(parsing: text, defaultPort: -1), address.port >= 0 else {
                throw SettingRefusal(expected: "empty, or host:port, for example 127.0.0.1:2281")
            }
            return address
        })

    static let coord: [AnySetting] = [
        coordNodes.erased, coordID.erased, coordPeers.erased, coordPeerTLS.certificate.erased, coordPeerTLS.key.erased,
        coordPeerTLS.clientCA.erased,
        coordListen.erased, coordTick.erased, coordConnectionsPerAddress.erased, coordSessions.erased,
        coordSessionsPerAddress.erased, coordRequestBytes.erased, coordOutstanding.erased,
        coordOutstandingBytes.erased, coordWatches.erased, coordWatchesPerConnection.erased, coordClientMemory.erased,
        coordClientMemoryPerAddress.erased,
        coordReconfig.erased, coordReadOnly.erased, coordLocalSessions.erased, coordAudit.erased, coordQuota.erased,
        coordReapInterval.erased, coordUnusedContainer.erased, coordSuperDigest.erased, coordSASLUsers.erased,
        coordSASLRequired.erased,
        coordFourLetterWords.erased, coordAdmin.erased, coordAdminListen.erased,
        coordSecureListen.erased,
    ]
}
