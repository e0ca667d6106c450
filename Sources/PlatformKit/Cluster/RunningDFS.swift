// Dfs as the roof starts it.
import Base
import DFSService
import Foundation
import Logging
import NetKit

struct RunningDFS: RunningService {
    let door: DFSDoor
    var name: String { "dfs" }
    var endpoints: [Endpoint] { [Endpoint(key: "webhdfs", address: door.webHDFSAddress, clients: "WebHDFS clients")] }
    var trouble: String? { door.trouble }
    func stop() async { await door.stop() }

    static func start(_ context: ServiceName.Context, _ directory: String, _ log: Logger) async throws -> RunningDFS {
        var settings = DFSSettings()
        settings.namenodeListen = context.settings[SettingsTable.namenodeListen]
        settings.datanodeListen = context.settings[SettingsTable.datanodeListen]
        settings.blockSizeBytes = Int64(context.settings[SettingsTable.dfsBlockSize])
        let chosen = context.settings[SettingsTable.dfsSuperUser]
        settings.superUser = chosen.isEmpty ? NSUserName() : chosen
        settings.tls = try context.settings.tls(SettingsTable.dfsTLS)
        try context.settings.checkExposure(settings.namenodeListen, SettingsTable.namenodeListen.name, settings.tls)
        try context.settings.checkExposure(settings.datanodeListen, SettingsTable.datanodeListen.name, settings.tls)
        return RunningDFS(door: try await DFSDoor.start(settings, dataDirectory: directory, metrics: context.metrics, log: log))
    }
}
