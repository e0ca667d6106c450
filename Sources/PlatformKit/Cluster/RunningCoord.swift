// Coord as the roof starts it: settings checked, the users' file read, and the AdminServer left out if its port is somebody else's.
import Base
import CoordService
import Foundation
import Logging
import NetKit

struct RunningCoord: RunningService {
    let door: CoordDoor
    var name: String { "coord" }
    var isReady: Bool { door.isReady }
    func stop() async { await door.stop() }

    var endpoints: [Endpoint] {
        let admin = door.adminAddress.map { [Endpoint(key: "coord-admin", address: $0, clients: "HTTP; /commands")] } ?? []
        let secure = door.secureAddress.map { [Endpoint(key: "coord-tls", address: $0, clients: "ZooKeeper clients by TLS")] } ?? []
        return [Endpoint(key: "coord", address: door.address, clients: "ZooKeeper clients")] + secure + admin
    }

    static func start(_ context: ServiceName.Context, _ directory: String, _ log: Logger) async throws -> RunningCoord {
        let values = context.settings
        var settings = try settings(values)
        let start = { try await CoordDoor.start(settings, dataDirectory: directory, metrics: context.metrics, log: log) }
        do { return RunningCoord(door: try await start()) } catch let error as ListenError {
            guard error.address == settings.adminListen, values.origin(of: SettingsTable.coordAdminListen.name) == .defaultValue else {
                throw error
            }
            log.notice(
                "the AdminServer stays off: its port is taken",
                metadata: ["address": "\(error.address)", "next": "choose another with --set coord.admin.listen=HOST:PORT"])
            settings.adminListen = nil
            return RunningCoord(door: try await start())
        }
    }

    private static func settings(_ values: Settings) throws -> CoordSettings {
        var settings = CoordSettings()
        settings.listen = values[SettingsTable.coordListen]
        settings.tickMilliseconds = Int32(values[SettingsTable.coordTick])
        settings.connectionsPerAddressMax = values[SettingsTable.coordConnectionsPerAddress]
        settings.requestBytesMax = values[SettingsTable.coordRequestBytes]
        settings.outstandingMax = values[SettingsTable.coordOutstanding]
        settings.outstandingBytesMax = values[SettingsTable.coordOutstandingBytes]
        settings.enforcesQuota = values[SettingsTable.coordQuota]
        settings.reapInterval = .milliseconds(values[SettingsTable.coordReapInterval])
        settings.unusedContainerLife = .milliseconds(values[SettingsTable.coordUnusedContainer])
        settings.superDigest = try superDigest(values[SettingsTable.coordSuperDigest])
        settings.saslUsers = try saslUsers(values[SettingsTable.coordSASLUsers])
        settings.requiresSASL = values[SettingsTable.coordSASLRequired]
        settings.fourLetterWords = values[SettingsTable.coordFourLetterWords]
        try values.checkExposure(settings.listen, SettingsTable.coordListen.name)
        if values[SettingsTable.coordAdmin] {
            settings.adminListen = values[SettingsTable.coordAdminListen]
            try values.checkExposure(values[SettingsTable.coordAdminListen], SettingsTable.coordAdminListen.name)
        }
        settings.tls = try tls(values)
        if settings.tls != nil {
            settings.secureListen = values[SettingsTable.coordSecureListen]
            try values.checkExposure(values[SettingsTable.coordSecureListen], SettingsTable.coordSecureListen.name)
        }
        guard !settings.requiresSASL || !settings.saslUsers.isEmpty else {
            throw CommandFailure(
                .configuration, "\(SettingsTable.coordSASLRequired.name) is on, but nobody could log in",
                why: "\(SettingsTable.coordSASLUsers.name) names no users",
                next: "name a file with lines of user:password in \(SettingsTable.coordSASLUsers.name)")
        }
        return settings
    }

    /// Certificates are read and checked here, so that a bad file ends the program before anything is touched.
    private static func tls(_ values: Settings) throws(CommandFailure) -> TLSSettings? {
        let (certificate, key, authority) = (
            values[SettingsTable.coordCertificate], values[SettingsTable.coordKey], values[SettingsTable.coordAuthority]
        )
        if certificate.isEmpty, key.isEmpty, authority.isEmpty { return nil }
        guard !certificate.isEmpty, !key.isEmpty else {
            throw CommandFailure(
                .configuration, "TLS of coord is set up in part",
                why: "\(SettingsTable.coordCertificate.name) and \(SettingsTable.coordKey.name) belong together",
                next: "set both, or none of coord.tls.*")
        }
        let tls = TLSSettings(certificateFile: certificate, keyFile: key, authorityFile: authority.isEmpty ? nil : authority)
        do { _ = try tls.serverContext() } catch {
            throw CommandFailure(
                .configuration, "TLS of coord cannot be set up", why: "\(error)",
                next: "check the PEM files named by coord.tls.certificate, coord.tls.key and coord.tls.authority")
        }
        return tls
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
