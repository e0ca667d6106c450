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
    /// Empty in a process with only datanodes.
    let namenodes: [NamenodeDoor]
    /// Empty in a process with only a namenode.
    let datanodes: [DatanodeDoor]
    /// The channels to namenodes in other processes.
    private let channels: [RemoteChannel]
    var name: String { "dfs" }
    var endpoints: [Endpoint] {
        let named = namenodes.enumerated().flatMap { place, door in
            let suffix = place == 0 ? "" : "-\(place + 1)"
            return [
                Endpoint(key: "namenode" + suffix, address: door.rpcAddress, clients: "HDFS clients (hdfs://)"),
                Endpoint(key: "webhdfs" + suffix, address: door.webAddress, clients: "WebHDFS clients"),
            ]
        }
        return named
            + (datanodes.first.map { [Endpoint(key: "datanode", address: $0.transferAddress, clients: "HDFS clients, for data")] } ?? [])
    }
    /// Several namenodes serve while more than half of them can.
    var trouble: String? {
        let troubles = namenodes.compactMap(\.trouble)
        if troubles.count * 2 >= max(1, namenodes.count), let first = troubles.first { return first }
        return datanodes.lazy.compactMap(\.trouble).first
    }

    func stop() async {
        // The namenodes take no new work first; then the datanodes stop, which still report finished blocks.
        for namenode in namenodes { await namenode.stopListening() }
        await Self.stop(datanodes)
        for channel in channels { await channel.close() }
        await Self.stop(namenodes)
        directory.release()
    }

    private static func stop(_ namenodes: [NamenodeDoor]) async {
        await withTaskGroup(of: Void.self) { group in
            for namenode in namenodes { group.addTask { await namenode.stop() } }
        }
    }

    /// The part of dfs in a process.
    private enum Role: String { case all, namenode, datanode }

    /// How long a starting datanode waits for its namenode.
    private static let namenodePatience = Duration.seconds(60)

    static func start(_ context: ServiceName.Context, _ path: String, _ log: Logger) async throws -> RunningDFS {
        let role = Role(rawValue: context.settings[SettingsTable.dfsRole]) ?? .all
        let directory = try DataDirectory(path, service: "dfs")
        do {
            let namenodes = role == .datanode ? [] : try await startNamenodes(context, path, hasDatanodes: role == .all, log)
            let channels = namenodes.isEmpty ? try remoteChannels(context.settings) : []
            do {
                let group = namenodes.isEmpty ? group(channels) : group(namenodes)
                let datanodes = role == .namenode ? [] : try await startDatanodes(context, path, group, log)
                return RunningDFS(directory: directory, namenodes: namenodes, datanodes: datanodes, channels: channels)
            } catch {
                for channel in channels { await channel.close() }
                for namenode in namenodes { await namenode.stopListening() }
                await stop(namenodes)
                throw error
            }
        } catch {
            directory.release()
            throw error
        }
    }

    /// The first leads to the namenode that leads; with several, one to each follows.
    private static func remoteChannels(_ settings: Settings) throws -> [RemoteChannel] {
        let addresses = try namenodes(settings)
        let leading = RemoteChannel(addresses, patience: namenodePatience)
        return [leading] + (addresses.count == 1 ? [] : addresses.map { RemoteChannel([$0], reached: .zero) })
    }

    private static func group(_ channels: [RemoteChannel]) -> NamenodeGroup {
        channels.count == 1 ? NamenodeGroup(channels[0]) : NamenodeGroup(leader: channels[0], each: Array(channels.dropFirst()))
    }

    private static func group(_ namenodes: [NamenodeDoor]) -> NamenodeGroup {
        let each = namenodes.map(\.channel)
        return each.count == 1 ? NamenodeGroup(each[0]) : NamenodeGroup(leader: LocalGroup(each), each: each)
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

    private static func startNamenodes(
        _ context: ServiceName.Context, _ path: String, hasDatanodes: Bool, _ log: Logger
    ) async throws -> [NamenodeDoor] {
        var settings = try namenodeSettings(context.settings)
        settings.hasDatanodes = hasDatanodes
        let count = context.settings[SettingsTable.dfsNodes]
        guard count > 1 else {
            settings.ensemble = try context.settings.ensemble(
                SettingsTable.dfsPeers, SettingsTable.dfsID, SettingsTable.dfsPeerTLS, service: "dfs", what: "namenode")
            return [
                try await NamenodeDoor.start(
                    settings, directory: path + "/name", memory: context.memory, metrics: context.metrics, log: log)
            ]
        }
        let ports = try FreePorts.take(count)
        let peers = ports.enumerated().map { PeerLinkSettings.Peer(id: Int64($0 + 1), address: HostPort("127.0.0.1", $1)) }
        var doors: [NamenodeDoor] = []
        do {
            for place in 0..<count {
                var one = settings
                one.rpcListen.port = settings.rpcListen.port == 0 ? 0 : settings.rpcListen.port + place
                one.webListen.port = settings.webListen.port == 0 ? 0 : settings.webListen.port + place
                one.ensemble = PeerLinkSettings(id: Int64(place + 1), listen: peers[place].address, peers: peers, service: "dfs")
                // The first namenode's figures stand for those of all.
                doors.append(
                    try await NamenodeDoor.start(
                        one, directory: path + "/name-\(place + 1)-of-\(count)", memory: context.memory,
                        metrics: place == 0 ? context.metrics : MetricsRegistry(), log: log))
            }
            return doors
        } catch {
            await stop(doors)
            throw error
        }
    }

    private static func startDatanodes(_ context: ServiceName.Context, _ path: String, _ namenodes: NamenodeGroup, _ log: Logger)
        async throws -> [DatanodeDoor]
    {
        let settings = try datanodeSettings(context.settings)
        var datanodes: [DatanodeDoor] = []
        do {
            for number in 1...context.settings[SettingsTable.dfsDatanodes] {
                datanodes.append(
                    try await DatanodeDoor.start(
                        number == 1 ? settings : settings.onAnyPorts, directory: path + (number == 1 ? "/blocks" : "/blocks-\(number)"),
                        namenodes: namenodes,
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
        namenode.operation.hostsFile = settings[SettingsTable.dfsHosts]
        namenode.operation.safeModeThousandths = Int64(settings[SettingsTable.safeModeThreshold])
        namenode.operation.safeModeDatanodes = settings[SettingsTable.safeModeDatanodes]
        namenode.operation.trashMinutes = Int64(settings[SettingsTable.trashInterval])
        namenode.operation.trashCheckpointMinutes = Int64(settings[SettingsTable.trashCheckpoints])
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
