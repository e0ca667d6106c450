// Coord as a service of the platform: checks the settings, reads the users' file, and leaves out the AdminServer if its port is taken.
import Base
import CoordService
import Foundation
import Logging
import NetKit

struct RunningCoord: RunningService {
    let door: CoordDoor
    var name: String { "coord" }
    var trouble: String? { door.trouble }
    func stop() async { await door.stop() }

    var endpoints: [Endpoint] {
        let admin = door.adminAddress.map { [Endpoint(key: "coord-admin", address: $0, clients: "HTTP; /commands")] } ?? []
        let secure = door.secureAddress.map { [Endpoint(key: "coord-tls", address: $0, clients: "ZooKeeper clients by TLS")] } ?? []
        return [Endpoint(key: "coord", address: door.address, clients: "ZooKeeper clients")] + secure + admin
    }

    static func start(_ context: ServiceName.Context, _ directory: String, _ log: Logger) async throws -> RunningCoord {
        var settings = try settings(context.settings)
        settings.processMemory = context.memory
        settings.ensemble = try context.settings.ensemble(
            SettingsTable.coordPeers, SettingsTable.coordID, SettingsTable.coordPeerTLS, service: "coord", what: "server")
        return RunningCoord(door: try await open(settings, context.settings, directory, context.metrics, log))
    }

    /// Starts a server; without its AdminServer if that has a default port which is taken.
    static func open(_ settings: CoordSettings, _ values: Settings, _ directory: String, _ metrics: MetricsRegistry, _ log: Logger)
        async throws -> CoordDoor
    {
        var settings = settings
        let start = { try await CoordDoor.start(settings, dataDirectory: directory, metrics: metrics, log: log) }
        do { return try await start() } catch let error as ListenError {
            guard error.address == settings.adminListen, values.origin(of: SettingsTable.coordAdminListen.name) == .defaultValue else {
                throw error
            }
            log.notice(
                "the AdminServer stays off: its port is taken",
                metadata: ["address": "\(error.address)", "next": "choose another with --set coord.admin.listen=HOST:PORT"])
            settings.adminListen = nil
            return try await start()
        }
    }

    static func settings(_ values: Settings) throws -> CoordSettings {
        var settings = CoordSettings()
        settings.listen = values[SettingsTable.coordListen]
        settings.sessions.tickMilliseconds = Int32(values[SettingsTable.coordTick])
        settings.sessions.countMax = values[SettingsTable.coordSessions]
        settings.sessions.countPerAddressMax = values[SettingsTable.coordSessionsPerAddress]
        settings.connectionsPerAddressMax = values[SettingsTable.coordConnectionsPerAddress]
        settings.requestBytesMax = values[SettingsTable.coordRequestBytes]
        settings.outstandingMax = values[SettingsTable.coordOutstanding]
        settings.outstandingBytesMax = values[SettingsTable.coordOutstandingBytes]
        settings.watchesMax = values[SettingsTable.coordWatches]
        settings.watchesPerConnectionMax = values[SettingsTable.coordWatchesPerConnection]
        settings.clientMemoryMax = values[SettingsTable.coordClientMemory]
        settings.clientMemoryPerAddressMax = values[SettingsTable.coordClientMemoryPerAddress]
        settings.allowsReconfig = values[SettingsTable.coordReconfig]
        settings.servesReadOnly = values[SettingsTable.coordReadOnly]
        settings.sessions.areLocalFirst = values[SettingsTable.coordLocalSessions]
        settings.audits = values[SettingsTable.coordAudit]
        settings.enforcesQuota = values[SettingsTable.coordQuota]
        settings.reapInterval = .milliseconds(values[SettingsTable.coordReapInterval])
        settings.unusedContainerLife = .milliseconds(values[SettingsTable.coordUnusedContainer])
        settings.superDigest = try superDigest(values[SettingsTable.coordSuperDigest])
        settings.saslUsers = try saslUsers(values[SettingsTable.coordSASLUsers])
        settings.requiresSASL = values[SettingsTable.coordSASLRequired]
        settings.fourLetterWords = values[SettingsTable.coordFourLetterWords]
        settings.tls = try values.tls(SettingsTable.coordTLS)
        try values.checkExposure(settings.listen, SettingsTable.coordListen.name, settings.tls)
        if values[SettingsTable.coordAdmin] {
            settings.adminListen = values[SettingsTable.coordAdminListen]
            try values.checkExposure(values[SettingsTable.coordAdminListen], SettingsTable.coordAdminListen.name, nil)
        }
        settings.secureListen = settings.tls == nil ? nil : values[SettingsTable.coordSecureListen]
        if let secure = settings.secureListen { try values.checkExposure(secure, SettingsTable.coordSecureListen.name, settings.tls) }
        guard !settings.requiresSASL || !settings.saslUsers.isEmpty else {
            throw CommandFailure(
                .configuration, "\(SettingsTable.coordSASLRequired.name) is on, but nobody could log in",
                why: "\(SettingsTable.coordSASLUsers.name) names no users",
                next: "name a file with lines of user:password in \(SettingsTable.coordSASLUsers.name)")
        }
        return settings
    }

    private static func superDigest(_ text: String) throws(CommandFailure) -> String? {
        if text.isEmpty { return nil }
        let parts = text.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, Data(base64Encoded: String(parts[1]))?.count == 20 else {
            throw CommandFailure(
                .configuration, "\(SettingsTable.coordSuperDigest.name) is no digest",
                why: "it must be user:base64(SHA-1(user:password)), as ZooKeeper's superDigest",
                next: "make one: printf user:password | openssl dgst -sha1 -binary | base64")
        }
        return text
    }

    private static func saslUsers(_ path: String) throws(CommandFailure) -> SASLUsers {
        if path.isEmpty { return SASLUsers() }
        let users: SASLUsers
        do { users = try SASLUsers(lines: try String(contentsOfFile: path, encoding: .utf8)) } catch let line as SASLUsers.BadLine {
            throw CommandFailure(
                .configuration, "line \(line.number) of \(path) names no user", why: "each line must be user:password",
                next: "mend that line; lines that begin with # are comments")
        } catch {
            throw CommandFailure(
                .configuration, "cannot read \(path), the users of coord", why: error.localizedDescription,
                next: "check the path in \(SettingsTable.coordSASLUsers.name)")
        }
        guard !users.isEmpty else {
            throw CommandFailure(
                .configuration, "\(path) names no users", why: "every line is empty or a comment",
                next: "add lines of user:password, or leave \(SettingsTable.coordSASLUsers.name) empty")
        }
        return users
    }
}
