// The broker as a service of the platform.
import Base
import BrokerService
import Logging
import NetKit

struct RunningBroker: RunningService {
    let door: BrokerDoor
    var name: String { "broker" }
    var endpoints: [Endpoint] { [Endpoint(key: "broker", address: door.address, clients: "Kafka clients")] }
    var trouble: String? { door.trouble }
    var durability: String { door.durability }
    func stop() async { await door.stop() }

    static func start(_ context: ServiceName.Context, _ directory: String, _ log: Logger) async throws -> RunningBroker {
        var settings = try settings(context)
        let peers = try context.settings.ensemble(
            SettingsTable.brokerPeers, SettingsTable.brokerID, SettingsTable.brokerPeerTLS, service: "broker", what: "broker")
        if let peers { join(peers, &settings, context.settings) }
        warn(settings, log)
        return RunningBroker(door: try await BrokerDoor.start(settings, dataDirectory: directory, metrics: context.metrics, log: log))
    }

    private static func warn(_ settings: BrokerSettings, _ log: Logger) {
        if settings.access.oauth?.allowsUnsecured == true {
            log.warning(
                "tokens that nobody has signed are taken, so everybody can be anybody",
                metadata: ["setting": "\(SettingsTable.brokerOAuthUnsecured.name)"])
        }
        if settings.access.enforcesRules, settings.access.superUsers.isEmpty {
            log.warning(
                "access rules are obeyed and nobody may do everything: without a rule that is there already nobody can make the first one",
                metadata: ["setting": "\(SettingsTable.brokerSuperUsers.name)"])
        }
    }

    /// Makes the broker a member of the cluster of `peers`.
    static func join(_ peers: PeerLinkSettings, _ settings: inout BrokerSettings, _ values: Settings) {
        var cluster = ClusterSettings(peers: peers)
        let factor = values[SettingsTable.brokerReplicationFactor]
        cluster.rack = values[SettingsTable.brokerRack]
        cluster.defaultReplicationFactor = Int16(factor == 0 ? min(3, peers.peers.count) : factor)
        cluster.sessionTimeout = .milliseconds(values[SettingsTable.brokerNodeTimeout])
        cluster.replicaLagMax = .milliseconds(values[SettingsTable.brokerReplicaLag])
        cluster.rebalancesLeaders = values[SettingsTable.brokerLeaderRebalance]
        cluster.leaderImbalanceCheckInterval = .milliseconds(values[SettingsTable.brokerLeaderRebalanceInterval])
        let minInSync = values[SettingsTable.brokerMinInSync]
        settings.topicDefaults.minInSyncReplicas = Int64(minInSync == 0 ? cluster.defaultReplicationFactor / 2 + 1 : Int16(minInSync))
        settings.nodeID = Int32(truncatingIfNeeded: peers.id)
        settings.cluster = cluster
    }

    static func settings(_ context: ServiceName.Context) throws -> BrokerSettings {
        var settings = BrokerSettings()
        settings.listen = context.settings[SettingsTable.brokerListen]
        settings.advertised = try advertised(context.settings[SettingsTable.brokerAdvertised])
        settings.autoCreateTopics = context.settings[SettingsTable.brokerAutoCreate]
        settings.defaultPartitions = Int32(context.settings[SettingsTable.brokerPartitions])
        if context.settings[SettingsTable.brokerDurability] == "interval" {
            settings.durability = .every(.milliseconds(context.settings[SettingsTable.brokerFlushInterval]))
        }
        settings.groups.sessionTimeoutMin = .milliseconds(context.settings[SettingsTable.brokerSessionTimeoutMin])
        settings.groups.initialRebalanceDelay = .milliseconds(context.settings[SettingsTable.brokerRebalanceDelay])
        settings.topicDefaults.retentionMilliseconds = Int64(context.settings[SettingsTable.brokerRetention])
        settings.cleanerInterval = .milliseconds(context.settings[SettingsTable.brokerCleanerInterval])
        settings.fetchSessionsMax = context.settings[SettingsTable.brokerFetchSessions]
        settings.connections.countMax = context.settings[SettingsTable.brokerConnections]
        settings.connections.countPerAddressMax = context.settings[SettingsTable.brokerConnectionsPerAddress]
        settings.connections.requestBytesMax = context.settings[SettingsTable.brokerRequestBytes]
        settings.connections.memoryMax = context.settings[SettingsTable.brokerClientMemory]
        settings.connections.memoryPerAddressMax = context.settings[SettingsTable.brokerClientMemoryPerAddress]
        settings.connections.processMemory = context.memory
        settings.offsetsRetentionCheckInterval = .milliseconds(context.settings[SettingsTable.brokerGroupCheck])
        try addSecurity(context.settings, &settings)
        let idle = context.settings[SettingsTable.brokerConnectionsMaxIdle]
        settings.connections.idleMax = idle < 0 ? nil : .milliseconds(max(idle, 1))
        settings.connections.tls = try context.settings.tls(SettingsTable.brokerTLS)
        try context.settings.checkExposure(settings.listen, SettingsTable.brokerListen.name, settings.connections.tls)
        return settings
    }

    private static func addSecurity(_ all: Settings, _ settings: inout BrokerSettings) throws {
        settings.access.requiresLogin = all[SettingsTable.brokerLogin]
        settings.access.enforcesRules = all[SettingsTable.brokerAccess]
        let reauth = all[SettingsTable.brokerConnectionsMaxReauth]
        settings.connections.loginMax = reauth > 0 ? .milliseconds(reauth) : nil
        settings.access.superUsers = Set(
            all[SettingsTable.brokerSuperUsers].split(separator: ",").map { ExactText("User:" + $0.drop { $0 == " " }) })
        settings.access.oauth = try oauth(all)
        let secret = all[SettingsTable.brokerTokenSecret]
        if !secret.isEmpty {
            var tokens = DelegationTokenSettings(
                secretKey: Bytes(string: try PasswordFile.read(secret, setting: SettingsTable.brokerTokenSecret.name)))
            tokens.maxLifetime = .milliseconds(all[SettingsTable.brokerTokenLifetime])
            tokens.expiry = .milliseconds(all[SettingsTable.brokerTokenExpiry])
            settings.access.delegationTokens = tokens
        }
        let name = all[SettingsTable.brokerFirstUser]
        guard !name.isEmpty else { return }
        let path = all[SettingsTable.brokerFirstUserPasswordFile]
        settings.access.firstUser = (name, try PasswordFile.read(path, setting: SettingsTable.brokerFirstUserPasswordFile.name))
    }

    private static func oauth(_ all: Settings) throws(CommandFailure) -> OAuthSettings? {
        var oauth = OAuthSettings()
        oauth.keysFile = all[SettingsTable.brokerOAuthKeys]
        oauth.allowsUnsecured = all[SettingsTable.brokerOAuthUnsecured]
        oauth.issuer = all[SettingsTable.brokerOAuthIssuer]
        oauth.audience = all[SettingsTable.brokerOAuthAudience]
        oauth.principalClaim = all[SettingsTable.brokerOAuthClaim]
        if !oauth.keysFile.isEmpty {
            do throws(TokenRefusal) { _ = try TokenKeySet(file: oauth.keysFile) } catch {
                throw CommandFailure(
                    .configuration, "the keys of \(SettingsTable.brokerOAuthKeys.name) cannot be used", why: error.reason,
                    next: "write {\"keys\":[...]} there, as the server that issues the tokens publishes it")
            }
        }
        return oauth.keysFile.isEmpty && !oauth.allowsUnsecured ? nil : oauth
    }

    private static func advertised(_ text: String) throws(CommandFailure) -> HostPort? {
        guard !text.isEmpty else { return nil }
        let nowhere = ["0.0.0.0", "::"]
        guard let address = HostPort(parsing: text, defaultPort: 9092), address.port > 0, !nowhere.contains(address.host),
            !address.host.contains(" ")
        else {
            throw CommandFailure(
                .configuration, "bad value '\(text)' for \(SettingsTable.brokerAdvertised.name)",
                why: "it must be host:port, a place to which clients can connect",
                next: "for example --set \(SettingsTable.brokerAdvertised.name)=127.0.0.1:9092")
        }
        return address
    }
}
