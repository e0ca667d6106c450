// Dfs as the roof starts it: a namenode and a datanode in one process, which meet through their protocol.
import Base
import DatanodeService
import Foundation
import Logging
import NamenodeService
import NetKit
import Storage

struct RunningDFS: RunningService {
    let directory: DataDirectory
    let namenode: NamenodeDoor
    let datanode: DatanodeDoor
    var name: String { "dfs" }
    var endpoints: [Endpoint] {
        [
            Endpoint(key: "namenode", address: namenode.rpcAddress, clients: "HDFS clients (hdfs://)"),
            Endpoint(key: "webhdfs", address: namenode.webAddress, clients: "WebHDFS clients"),
        ]
    }
    var trouble: String? { namenode.trouble ?? datanode.trouble }

    func stop() async {
        // No new work first; then the datanode, which still reports what it has finished.
        await namenode.stopListening()
        await datanode.stop()
        await namenode.stop()
        directory.release()
    }

    static func start(_ context: ServiceName.Context, _ path: String, _ log: Logger) async throws -> RunningDFS {
        let (forNamenode, forDatanode) = try settings(context.settings)
        let directory = try DataDirectory(path, service: "dfs")
        do {
            let namenode = try await NamenodeDoor.start(forNamenode, directory: path + "/name", metrics: context.metrics, log: log)
            do {
                let datanode = try await DatanodeDoor.start(forDatanode, directory: path + "/blocks", namenode: namenode.channel, metrics: context.metrics, log: log)
                return RunningDFS(directory: directory, namenode: namenode, datanode: datanode)
            } catch {
                await namenode.stopListening()
                await namenode.stop()
                throw error
            }
        } catch {
            directory.release()
            throw error
        }
    }

    private static func settings(_ settings: Settings) throws -> (NamenodeSettings, DatanodeSettings) {
        var namenode = NamenodeSettings()
        namenode.rpcListen = settings[SettingsTable.namenodeRPCListen]
        namenode.webListen = settings[SettingsTable.namenodeListen]
        namenode.blockSizeBytes = Int64(settings[SettingsTable.dfsBlockSize])
        namenode.replication = Int64(settings[SettingsTable.dfsReplication])
        let chosen = settings[SettingsTable.dfsSuperUser]
        namenode.superUser = chosen.isEmpty ? NSUserName() : chosen
        namenode.tls = try settings.tls(SettingsTable.dfsTLS)
        var datanode = DatanodeSettings()
        datanode.transferListen = settings[SettingsTable.datanodeTransferListen]
        datanode.ipcListen = settings[SettingsTable.datanodeIPCListen]
        datanode.webListen = settings[SettingsTable.datanodeListen]
        datanode.blockSizeBytes = namenode.blockSizeBytes
        datanode.replication = namenode.replication
        datanode.tls = namenode.tls
        for (address, key, tls) in [
            (namenode.webListen, SettingsTable.namenodeListen, namenode.tls), (datanode.webListen, SettingsTable.datanodeListen, namenode.tls),
            (namenode.rpcListen, SettingsTable.namenodeRPCListen, nil), (datanode.transferListen, SettingsTable.datanodeTransferListen, nil),
            (datanode.ipcListen, SettingsTable.datanodeIPCListen, nil),
        ] { try settings.checkExposure(address, key.name, tls) }
        return (namenode, datanode)
    }
}
