// Dfs as the roof starts it: a namenode and its datanodes in one process, which meet through their protocol.
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
    let datanodes: [DatanodeDoor]
    var name: String { "dfs" }
    var endpoints: [Endpoint] {
        [
            Endpoint(key: "namenode", address: namenode.rpcAddress, clients: "HDFS clients (hdfs://)"),
            Endpoint(key: "webhdfs", address: namenode.webAddress, clients: "WebHDFS clients"),
            Endpoint(key: "datanode", address: datanodes[0].transferAddress, clients: "HDFS clients, for data"),
        ]
    }
    var trouble: String? { namenode.trouble ?? datanodes.lazy.compactMap(\.trouble).first }

    func stop() async {
        // No new work first; then the datanodes, which still report what they have finished.
        await namenode.stopListening()
        await Self.stop(datanodes)
        await namenode.stop()
        directory.release()
    }

    static func start(_ context: ServiceName.Context, _ path: String, _ log: Logger) async throws -> RunningDFS {
        let (forNamenode, forDatanode) = try settings(context.settings)
        let directory = try DataDirectory(path, service: "dfs")
        do {
            let namenode = try await NamenodeDoor.start(forNamenode, directory: path + "/name", memory: context.memory, metrics: context.metrics, log: log)
            var datanodes: [DatanodeDoor] = []
            do {
                for number in 1...context.settings[SettingsTable.dfsDatanodes] {
                    datanodes.append(
                        try await DatanodeDoor.start(
                            number == 1 ? forDatanode : forDatanode.onAnyPorts, directory: path + (number == 1 ? "/blocks" : "/blocks-\(number)"),
                            namenode: namenode.channel, memory: context.memory, metrics: context.metrics, log: log))
                }
                return RunningDFS(directory: directory, namenode: namenode, datanodes: datanodes)
            } catch {
                await namenode.stopListening()
                await stop(datanodes)
                await namenode.stop()
                throw error
            }
        } catch {
            directory.release()
            throw error
        }
    }

    private static func stop(_ datanodes: [DatanodeDoor]) async {
        await withTaskGroup(of: Void.self) { group in
            for datanode in datanodes { group.addTask { await datanode.stop() } }
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
