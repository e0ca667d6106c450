// Dfs as a service of the platform: a namenode and its datanodes in one process, or either of them alone. They meet through their protocol,
// wherever they run.
import Base
import DatanodeService
import Foundation
import HadoopNet
import Logging
import NamenodeService
import NetKit
import Storage

struct RunningDFS: RunningService {
    let directory: DataDirectory
    /// Nil in a process with only a datanode.
    let namenode: NamenodeDoor?
    /// Empty in a process with only a namenode.
    let datanodes: [DatanodeDoor]
    /// The channel to a namenode in another process.
    private let channel: RemoteChannel?
    var name: String { "dfs" }
    var endpoints: [Endpoint] {
        let first = namenode.map {
            [
                Endpoint(key: "namenode", address: $0.rpcAddress, clients: "HDFS clients (hdfs://)"),
                Endpoint(key: "webhdfs", address: $0.webAddress, clients: "WebHDFS clients"),
            ]
        }
        return (first ?? [])
            + (datanodes.first.map { [Endpoint(key: "datanode", address: $0.transferAddress, clients: "HDFS clients, for data")] } ?? [])
    }
    var trouble: String? { namenode?.trouble ?? datanodes.lazy.compactMap(\.trouble).first }

    func stop() async {
        // The namenode takes no new work first; then the datanodes stop, which still report finished blocks.
        await namenode?.stopListening()
        await Self.stop(datanodes)
        await channel?.close()
        await namenode?.stop()
        directory.release()
    }

    /// The part of dfs in a process.
    private enum Role: String { case all, namenode, datanode }

    /// How long a starting datanode waits for its namenode.
    private static let namenodePatience = Duration.seconds(60)

    static func start(_ context: ServiceName.Context, _ path: String, _ log: Logger) async throws -> RunningDFS {
        let role = Role(rawValue: context.settings[SettingsTable.dfsRole]) ?? .all
        let directory = try DataDirectory(path, service: "dfs")
        do {
            let namenode = role == .datanode ? nil : try await startNamenode(context, path, log)
            let channel = namenode == nil ? RemoteChannel(try namenodes(context.settings), patience: namenodePatience) : nil
            do {
                let datanodes = role == .namenode ? [] : try await startDatanodes(context, path, namenode?.channel ?? channel, log)
                return RunningDFS(directory: directory, namenode: namenode, datanodes: datanodes, channel: channel)
            } catch {
                await channel?.close()
                await namenode?.stopListening()
                await namenode?.stop()
                throw error
            }
        } catch {
            directory.release()
            throw error
        }
    }

    /// The namenodes for a datanode in a process of its own.
    static func namenodes(_ settings: Settings) throws -> [HostPort] {
        let text = settings[SettingsTable.dfsNamenodes]
        guard !text.isEmpty else { return [settings[SettingsTable.namenodeRPCListen]] }
        return try text.pieces(at: ",").map { part in
            guard let address = HostPort(parsing: String(part.withoutBlanks), defaultPort: 8020) else {
                throw CommandFailure(
                    .configuration, "dfs.namenode.addresses cannot be used", why: "'\(part)' is no host:port",
                    next: "for example dfs.namenode.addresses=10.0.0.1:8020")
            }
            return address
        }
    }

    private static func startNamenode(_ context: ServiceName.Context, _ path: String, _ log: Logger) async throws -> NamenodeDoor {
        try await NamenodeDoor.start(
            try namenodeSettings(context.settings), directory: path + "/name", memory: context.memory, metrics: context.metrics, log: log)
    }

    private static func startDatanodes(_ context: ServiceName.Context, _ path: String, _ namenode: (any RPCChannel)?, _ log: Logger)
        async throws -> [DatanodeDoor]
    {
        guard let namenode else { preconditionFailure("a datanode has a namenode, here or elsewhere") }
        let settings = try datanodeSettings(context.settings)
        var datanodes: [DatanodeDoor] = []
        do {
            for number in 1...context.settings[SettingsTable.dfsDatanodes] {
                datanodes.append(
                    try await DatanodeDoor.start(
                        number == 1 ? settings : settings.onAnyPorts, directory: path + (number == 1 ? "/blocks" : "/blocks-\(number)"),
                        namenode: namenode,
                        memory: context.memory, metrics: context.metrics, log: log))
            }
            return datanodes
        } catch {
            await stop(datanodes)
            throw error
        }
    }

    private static func stop(_ datanodes: [DatanodeDoor]) async {
        await withTaskGroup(of: Void.self) { group in
            for datanode in datanodes { group.addTask { await datanode.stop() } }
        }
    }

    private static func namenodeSettings(_ settings: Settings) throws -> NamenodeSettings {
        var namenode = NamenodeSettings()
        namenode.rpcListen = settings[SettingsTable.namenodeRPCListen]
        namenode.webListen = settings[SettingsTable.namenodeListen]
        namenode.blockSizeBytes = Int64(settings[SettingsTable.dfsBlockSize])
        namenode.replication = Int64(settings[SettingsTable.dfsReplication])
        namenode.datanodeSilence = .milliseconds(settings[SettingsTable.dfsSilence])
        let chosen = settings[SettingsTable.dfsSuperUser]
        namenode.superUser = chosen.isEmpty ? NSUserName() : chosen
        namenode.tls = try settings.tls(SettingsTable.dfsTLS)
        try settings.checkExposure(namenode.webListen, SettingsTable.namenodeListen.name, namenode.tls)
        try settings.checkExposure(namenode.rpcListen, SettingsTable.namenodeRPCListen.name, nil)
        return namenode
    }

    private static func datanodeSettings(_ settings: Settings) throws -> DatanodeSettings {
        var datanode = DatanodeSettings()
        datanode.transferListen = settings[SettingsTable.datanodeTransferListen]
        datanode.ipcListen = settings[SettingsTable.datanodeIPCListen]
        datanode.webListen = settings[SettingsTable.datanodeListen]
        datanode.blockSizeBytes = Int64(settings[SettingsTable.dfsBlockSize])
        datanode.replication = Int64(settings[SettingsTable.dfsReplication])
        datanode.tls = try settings.tls(SettingsTable.dfsTLS)
        for (address, key, tls) in [
            (datanode.webListen, SettingsTable.datanodeListen, datanode.tls),
            (datanode.transferListen, SettingsTable.datanodeTransferListen, nil),
            (datanode.ipcListen, SettingsTable.datanodeIPCListen, nil),
        ] { try settings.checkExposure(address, key.name, tls) }
        return datanode
    }
}
