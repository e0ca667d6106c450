// Every setting of the platform, once. Each needs a restart to change.
import Base
import NetKit

/// The keys.
enum SettingsTable {
    static let dataDirectory = SettingKey.text(
        "data.dir", "", "a path; empty: $STATE_DIRECTORY, $XDG_DATA_HOME/platform or ~/.local/share/platform",
        "Where the services keep their data.")
    static let logLevel = SettingKey.choice(
        "log.level", "info", ["trace", "debug", "info", "notice", "warning", "error", "critical"], "Least severity that is logged.")
    static let logFormat = SettingKey.choice(
        "log.format", "auto", ["auto", "text", "json"], "Form of the log on stderr; auto: text on a terminal, JSON otherwise.")
    static let insecureExpose = SettingKey.flag(
        "insecure-expose", false, "Allow addresses other than loopback although nobody has to show who they are.")

    static let clientMemory = SettingKey.integer(
        "client-memory.bytes.max", 1 << 30, (16 << 20)...(1 << 50), "bytes",
        "What the process may hold for the clients of all its services: requests that are not whole or wait, answers that have not left.")

    static let coordTLS = TLSKeys("coord", "ZooKeeper clients")

    static let brokerListen = SettingKey.address("broker.listen", "127.0.0.1:9092", "Where Kafka clients connect.")
    static let brokerAdvertised = SettingKey.text(
        "broker.advertised", "", "host:port; empty: the address that each client connected to", "What Kafka clients are told to connect to."
    )
    static let brokerAutoCreate = SettingKey.flag(
        "broker.auto-create-topics", true, "Make a topic when a client asks for one that is missing.")
    static let brokerPartitions = SettingKey.integer(
        "broker.default-partitions", 1, 1...10_000, "partitions", "Partitions of a topic whose creator names no number.")
    static let brokerDurability = SettingKey.choice(
        "broker.durability", "sync", ["sync", "interval"], "When an append is acknowledged: after fdatasync, or after the write.")
    static let brokerFlushInterval = SettingKey.integer(
        "broker.flush-interval.ms", 1000, 1...3_600_000, "ms", "How often partitions are synced if broker.durability is interval.")
    static let brokerSessionTimeoutMin = SettingKey.integer(
        "broker.session-timeout-min.ms", 6000, 10...1_800_000, "ms", "The shortest session that a member of a group may ask for.")
    static let brokerRebalanceDelay = SettingKey.integer(
        "broker.rebalance-delay.ms", 0, 0...600_000, "ms", "How long the first member of a group waits for others.")
    static let brokerGroupCheck = SettingKey.integer(
        "broker.offsets.retention.check.interval.ms", 600_000, 1...86_400_000, "ms",
        "How often groups without members and offsets are removed (Kafka: offsets.retention.check.interval.ms).")
    static let brokerRetention = SettingKey.integer(
        "broker.retention.ms", 604_800_000, -1...Int.max, "ms", "How long records stay in topics that do not say otherwise; -1 for ever.")

    static let brokerConnectionsMaxIdle = SettingKey.integer(
        "broker.connections.max.idle.ms", 600_000, -1...Int.max, "ms", "A connection without traffic for this long is closed; -1 for never."
    )
    static let brokerConnectionsMaxReauth = SettingKey.integer(
        "broker.connections.max.reauth.ms", 0, 0...31_536_000_000, "ms; 0: none",
        "A client has to log in anew on its connection within this time (Kafka: connections.max.reauth.ms, KIP-368).")
    static let brokerConnections = SettingKey.integer(
        "broker.connections.max", 10_000, 1...1_000_000, "connections",
        "Client connections at a time; further ones are closed (Kafka: max.connections).")
    static let brokerConnectionsPerAddress = SettingKey.integer(
        "broker.connections-per-address.max", 0, 0...1_000_000, "connections",
        "Connections from one address; 0 for no limit (Kafka: max.connections.per.ip).")
    static let brokerRequestBytes = SettingKey.integer(
        "broker.request.bytes.max", 100 << 20, 1024...(1 << 30), "bytes", "The largest request (Kafka: socket.request.max.bytes).")
    static let brokerClientMemory = SettingKey.integer(
        "broker.client-memory.bytes.max", 512 << 20, (8 << 20)...(1 << 50), "bytes",
        "What the broker may hold for its clients: requests that are not whole, batches that wait for the disk, answers that have not left."
    )
    static let brokerClientMemoryPerAddress = SettingKey.integer(
        "broker.client-memory-per-address.bytes.max", 256 << 20, (4 << 20)...(1 << 50), "bytes",
        "What it may hold for the clients of one address.")
    static let brokerTLS = TLSKeys("broker", "Kafka clients")

    static let brokerLogin = SettingKey.flag(
        "broker.login-required", false,
        "Ask every Kafka client to log in (SASL: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, and OAUTHBEARER if broker.oauth.* says so).")
    static let brokerAccess = SettingKey.flag(
        "broker.access-rules", false, "Obey the broker's access rules; what no rule allows is denied.")
    static let brokerSuperUsers = SettingKey.text("broker.super-users", "", "names, separated by commas", "Users that may do everything.")
    static let brokerFirstUser = SettingKey.text(
        "broker.first-user", "", "a user's name", "A user that is made at the start if it is missing.")
    static let brokerFirstUserPasswordFile = SettingKey.text(
        "broker.first-user-password-file", "", "a path", "The file whose first line is that user's password.")
    static let brokerTokenSecret = SettingKey.text(
        "broker.delegation-token.secret-key-file", "", "a path; empty: no tokens",
        "The file whose first line is the key of delegation tokens, the same on all brokers (Kafka: delegation.token.secret.key).")
    static let brokerTokenLifetime = SettingKey.integer(
        "broker.delegation-token.max-lifetime.ms", 604_800_000, 1000...31_536_000_000, "ms",
        "How long a delegation token can be renewed (Kafka: delegation.token.max.lifetime.ms).")
    static let brokerTokenExpiry = SettingKey.integer(
        "broker.delegation-token.expiry.ms", 86_400_000, 1000...31_536_000_000, "ms",
        "How long a delegation token is valid without being renewed (Kafka: delegation.token.expiry.time.ms).")
    static let brokerOAuthKeys = SettingKey.text(
        "broker.oauth.keys-file", "", "a path; empty: no tokens that are signed",
        "A JSON Web Key Set (RS256, HS256) that tokens of OAUTHBEARER are checked with; read again when it changes (Kafka: sasl.oauthbearer.jwks.endpoint.url)."
    )
    static let brokerOAuthUnsecured = SettingKey.flag(
        "broker.oauth.unsecured-tokens", false,
        "Take tokens of OAUTHBEARER that nobody has signed; everybody can be anybody then. For development only.")
    static let brokerOAuthIssuer = SettingKey.text(
        "broker.oauth.issuer", "", "a text; empty: anybody", "Who has to have issued a token (Kafka: sasl.oauthbearer.expected.issuer).")
    static let brokerOAuthAudience = SettingKey.text(
        "broker.oauth.audience", "", "a text; empty: anybody", "Whom a token has to be for (Kafka: sasl.oauthbearer.expected.audience).")
    static let brokerOAuthClaim = SettingKey.text(
        "broker.oauth.principal-claim", "sub", "a claim's name",
        "The claim of a token that names the user (Kafka: sasl.oauthbearer.sub.claim.name).")
    static let brokerFetchSessions = SettingKey.integer(
        "broker.fetch-sessions", 1000, 0...100_000, "sessions",
        "Fetch sessions that are kept; a client without one states its partitions with every fetch.")
    static let brokerCleanerInterval = SettingKey.integer(
        "broker.cleaner-interval.ms", 15_000, 10...3_600_000, "ms", "How often topics that are compacted are looked over.")

    static let namenodeListen = SettingKey.address("dfs.namenode.listen", "127.0.0.1:9870", "Where WebHDFS clients connect.")
    static let datanodeListen = SettingKey.address(
        "dfs.datanode.listen", "127.0.0.1:9864", "Where file data is read and written over HTTP.")
    static let namenodeRPCListen = SettingKey.address(
        "dfs.namenode.rpc.listen", "127.0.0.1:8020", "Where Hadoop's clients connect (hdfs://).")
    static let datanodeTransferListen = SettingKey.address(
        "dfs.datanode.transfer.listen", "127.0.0.1:9866", "Where Hadoop's clients read and write file data.")
    static let datanodeIPCListen = SettingKey.address(
        "dfs.datanode.ipc.listen", "127.0.0.1:9867", "Where Hadoop's clients ask how long a file is that is being written.")
    static let dfsRole = SettingKey.choice(
        "dfs.role", "all", ["all", "namenode", "datanode"], "What of dfs the process runs: both, or one of them.")
    static let dfsNamenodes = SettingKey.text(
        "dfs.namenode.addresses", "", "host:port, separated by commas; empty: dfs.namenode.rpc.listen",
        "Where a datanode in a process of its own finds its namenode.")
    static let dfsSilence = SettingKey.integer(
        "dfs.datanode.silence.ms", 30_000, 2000...86_400_000, "ms",
        "A datanode that is silent for this long is taken for gone, and its blocks are copied to others.")
    static let dfsDatanodes = SettingKey.integer(
        "dfs.datanodes", 1, 1...64, "datanodes",
        "Datanodes in this process, each with blocks and ports of its own; the first has those that are set, the others any.")
    static let dfsNodes = SettingKey.integer(
        "dfs.nodes", 1, 1...7, "namenodes",
        "How many namenodes this process runs as one file system, each on the ports after those of the one before.")
    static let dfsID = SettingKey.integer("dfs.id", 1, 1...255, "", "The number of this namenode among dfs.peers.")
    static let dfsPeers = SettingKey.peers(
        "dfs.peers", defaultPort: 8485, "number=host:port,... with this namenode too; empty: it stands alone",
        "The namenodes of the file system, and where each listens for the others. One leads, the others stand by.")
    static let dfsPeerTLS = TLSKeys("dfs.peer", "the other namenodes")
    static let dfsReplication = SettingKey.integer(
        "dfs.replication", 1, 1...512, "copies", "Copies of a block of new files, unless the client asks for another number.")
    static let dfsBlockSize = SettingKey.integer(
        "dfs.block.bytes", 128 << 20, (1 << 20)...(1 << 40), "bytes", "Size of a block of new files, unless the client asks for another.")
    static let dfsHosts = SettingKey.text(
        "dfs.hosts.exclude", "", "a file; empty: none",
        "The datanodes that leave or rest, a host[:port] on each line; `platform dfs refreshNodes` has it read again.")
    static let safeModeThreshold = SettingKey.integer(
        "dfs.namenode.safemode.threshold", 999, 0...1001, "thousandths; 1001: an operator ends it",
        "The blocks that datanodes must have reported before a starting namenode takes changes.")
    static let safeModeDatanodes = SettingKey.integer(
        "dfs.namenode.safemode.min.datanodes", 0, 0...10_000, "datanodes",
        "The datanodes that must have joined before a starting namenode takes changes.")
    static let trashInterval = SettingKey.integer(
        "fs.trash.interval", 0, 0...5_256_000, "minutes; 0: nothing is kept",
        "How long what `rm` moved to its user's trash is kept. Clients learn it from the namenode.")
    static let trashCheckpoints = SettingKey.integer(
        "fs.trash.checkpoint.interval", 0, 0...5_256_000, "minutes; 0: fs.trash.interval",
        "How often the namenode puts what was thrown away since into a checkpoint, from which its time counts.")
    static let dfsSuperUser = SettingKey.text(
        "dfs.superuser", "", "a user's name; empty: who runs the process", "The account that passes every check of access.")

    static let dfsTLS = TLSKeys("dfs", "WebHDFS clients")

    static let connectListen = SettingKey.address("compute.connect.listen", "127.0.0.1:15002", "Where Spark Connect clients connect.")
    static let computeDFS = SettingKey.text(
        "compute.dfs", "", "host:port; empty: the dfs of this process", "The WebHDFS address that webhdfs:///path and hdfs:///path mean.")

    static let computeMemory = SettingKey.integer(
        "compute.memory.bytes", 0, 0...Int.max, "bytes; 0: half of the machine's memory",
        "Memory that compute may have in RAM before it ends the query that holds most.")
    static let computeQueryMemory = SettingKey.integer(
        "compute.query-memory.bytes", 1 << 30, (1 << 20)...((1 << 31) - 1), "bytes", "Memory that the operators of one query may hold.")
    static let computeSpill = SettingKey.integer(
        "compute.spill.bytes.max", 20 << 30, 0...Int.max, "bytes; 0: such queries are refused",
        "Disk that queries beyond their memory may use together, in the data directory.")
    static let computeWarehouse = SettingKey.text(
        "compute.warehouse", "", "a folder or hdfs:// address; empty: in the data directory",
        "Where new databases and managed tables of SQL have their files.")
    static let computePython = SettingKey.text(
        "compute.python", "", "a program, or off; empty: python3 on a loopback address, off on any other",
        "The Python that runs the Python functions of Spark Connect clients, with the rights of this process.")
    static let computePythonMemory = SettingKey.integer(
        "compute.python.memory.bytes", 2 << 30, (256 << 20)...(1 << 40), "bytes", "Address space of one process of Python functions.")
    static let computeDFSAuthority = SettingKey.text(
        "compute.dfs.ca", "", "a PEM file; empty: compute.dfs speaks plain http",
        "Authorities that the certificate of compute.dfs must be signed by; with it https is spoken.")
    static let computeTLS = TLSKeys("compute", "Spark Connect clients")

    static let consoleListen = SettingKey.address(
        "console.listen", "127.0.0.1:7080", "Where the console, /metrics, /livez and /readyz answer.")

    static let consoleTLS = TLSKeys("console", "browsers and scrapers")
    static let tls = [coordTLS, coordPeerTLS, brokerTLS, brokerPeerTLS, dfsTLS, dfsPeerTLS, computeTLS, consoleTLS]

    static let all: [AnySetting] =
        [dataDirectory.erased, logLevel.erased, logFormat.erased, insecureExpose.erased, clientMemory.erased]
        + coord + coordTLS.erased
        + [
            brokerListen.erased, brokerAdvertised.erased, brokerAutoCreate.erased, brokerPartitions.erased, brokerDurability.erased,
            brokerFlushInterval.erased,
            brokerSessionTimeoutMin.erased, brokerRebalanceDelay.erased, brokerGroupCheck.erased, brokerRetention.erased,
            brokerConnectionsMaxIdle.erased, brokerConnectionsMaxReauth.erased,
            brokerConnections.erased, brokerConnectionsPerAddress.erased, brokerRequestBytes.erased, brokerClientMemory.erased,
            brokerClientMemoryPerAddress.erased,
            brokerCleanerInterval.erased, brokerFetchSessions.erased,
            brokerLogin.erased, brokerAccess.erased, brokerSuperUsers.erased, brokerFirstUser.erased, brokerFirstUserPasswordFile.erased,
            brokerTokenSecret.erased, brokerTokenLifetime.erased, brokerTokenExpiry.erased,
            brokerOAuthKeys.erased, brokerOAuthUnsecured.erased, brokerOAuthIssuer.erased, brokerOAuthAudience.erased,
            brokerOAuthClaim.erased,
        ] + brokerTLS.erased + brokerCluster
        + [
            namenodeRPCListen.erased, namenodeListen.erased, datanodeListen.erased, datanodeTransferListen.erased, datanodeIPCListen.erased,
            dfsBlockSize.erased,
            dfsNodes.erased, dfsID.erased, dfsPeers.erased, dfsPeerTLS.certificate.erased, dfsPeerTLS.key.erased,
            dfsPeerTLS.clientCA.erased,
            dfsRole.erased, dfsNamenodes.erased, dfsSilence.erased, dfsDatanodes.erased, dfsReplication.erased, dfsSuperUser.erased,
            dfsHosts.erased, safeModeThreshold.erased, safeModeDatanodes.erased, trashInterval.erased, trashCheckpoints.erased,
        ] + dfsTLS.erased
        + [
            connectListen.erased, computeDFS.erased, computeWarehouse.erased, computePython.erased, computePythonMemory.erased,
            computeDFSAuthority.erased, computeMemory.erased,
            computeQueryMemory.erased, computeSpill.erased,
        ]
        + computeTLS.erased
        + [consoleListen.erased] + consoleTLS.erased
    static let byName: [String: AnySetting] = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// The settings whose default ports `--port-offset` and `--ports auto` move.
    static let listeners: [SettingKey<HostPort>] = [
        coordListen, coordAdminListen, brokerListen, namenodeRPCListen, namenodeListen, datanodeListen, datanodeTransferListen,
        datanodeIPCListen, connectListen, consoleListen,
    ]
}
