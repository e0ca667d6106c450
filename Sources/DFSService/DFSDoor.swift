// The dfs service: a namenode and a datanode in one process, each on its own HTTP port. Owns their life: open, reconcile, listen, stop.
import Base
import DFSCore
import Logging
import NetKit
import Replication
import Storage

/// A running dfs service.
package final class DFSDoor: Sendable {
    private let loop: NIOServiceLoop
    private let directory: DataDirectory
    private let blocks: BlockStore
    private let namenode: Namenode
    private let servers: (namenode: HTTPServer, datanode: HTTPServer)

    private init(_ loop: NIOServiceLoop, _ directory: DataDirectory, _ blocks: BlockStore, _ namenode: Namenode, _ servers: (namenode: HTTPServer, datanode: HTTPServer)) {
        self.loop = loop
        self.directory = directory
        self.blocks = blocks
        self.namenode = namenode
        self.servers = servers
    }

    /// Opens the data directory, recovers, and listens. Throws StorageError or ListenError.
    package static func start(_ settings: DFSSettings, dataDirectory: String, metrics: MetricsRegistry, log: Logger) async throws -> DFSDoor {
        let directory = try DataDirectory(dataDirectory, service: "dfs")
        let loop = NIOServiceLoop()
        do {
            let files = RealFileSystem(onSync: metrics.syncObserver("dfs"))
            let replica = try await ReplicaHost<DFSMachine>.open(
                ReplicaOptions(directory: dataDirectory + "/name", name: "dfs", files: files), loop: loop, time: SystemTime(), log: log)
            do {
                let blocks = try BlockStore(files: files, directory: dataDirectory + "/blocks", loop: loop)
                let namenode = Namenode(replica: replica, settings: settings, blocks: blocks, log: log)
                try await namenode.reconcile()
                let servers = try await listen(settings, namenode, blocks, metrics, log)
                return DFSDoor(loop, directory, blocks, namenode, servers)
            } catch {
                await replica.stop()
                throw error
            }
        } catch {
            try await loop.stop()
            directory.release()
            throw error
        }
    }

    private static func listen(
        _ settings: DFSSettings, _ namenode: Namenode, _ blocks: BlockStore, _ metrics: MetricsRegistry, _ log: Logger
    ) async throws -> (namenode: HTTPServer, datanode: HTTPServer) {
        let datanodeDoor = DatanodeDoor(namenode: namenode, blocks: blocks, metrics: metrics)
        let datanode = try await HTTPServer.start(settings.datanodeListen, name: "platform-datanode", tls: settings.tls, log: log) { await datanodeDoor.answer($0) }
        do {
            let door = NamenodeDoor(namenode: namenode, datanode: datanode.address)
            let server = try await HTTPServer.start(settings.namenodeListen, name: "platform-namenode", tls: settings.tls, log: log) { await door.answer($0) }
            return (server, datanode)
        } catch {
            await datanode.stop()
            throw error
        }
    }

    package var webHDFSAddress: HostPort { servers.namenode.address }
    package var datanodeAddress: HostPort { servers.datanode.address }
    /// Why writes are refused at present, or nil; may be asked from any thread.
    package var trouble: String? { namenode.replica.trouble ?? blocks.health.trouble }

    /// Ends what is under way, makes everything durable, closes.
    package func stop() async {
        await servers.namenode.stop()
        await servers.datanode.stop()
        await namenode.replica.stop()
        blocks.stop()
        // The loop's thread has nothing left to do; a failure to join it changes nothing.
        try? await loop.stop()
        directory.release()
    }
}
