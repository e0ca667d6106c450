// Coord as the roof starts it.
import Base
import CoordService
import Logging
import NetKit

struct RunningCoord: RunningService {
    let door: CoordDoor
    var name: String { "coord" }
    var endpoints: [Endpoint] { [Endpoint(key: "coord", address: door.address, clients: "ZooKeeper clients")] }
    var trouble: String? { door.trouble }
    func stop() async { await door.stop() }

    static func start(_ context: ServiceName.Context, _ directory: String, _ log: Logger) async throws -> RunningCoord {
        var settings = CoordSettings()
        settings.listen = context.settings[SettingsTable.coordListen]
        settings.tickMilliseconds = Int32(context.settings[SettingsTable.coordTick])
        settings.connectionsPerAddressMax = context.settings[SettingsTable.coordConnectionsPerAddress]
        settings.tls = try context.settings.tls(SettingsTable.coordTLS)
        try context.settings.checkExposure(settings.listen, SettingsTable.coordListen.name, settings.tls)
        return RunningCoord(door: try await CoordDoor.start(settings, dataDirectory: directory, metrics: context.metrics, log: log))
    }
}
