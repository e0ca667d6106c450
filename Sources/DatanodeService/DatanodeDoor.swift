// The datanode service: its replicas, its three doors and its registration. Owns their order: open, bind, join, serve, stop.
import Base
import Foundation
import HadoopNet
import HadoopWire
import Logging
import NetKit
import Storage

/// A running datanode.
package final class DatanodeDoor: Sendable {
    private let loop: NIOServiceLoop
    private let datanode: Datanode
    private let transfer: StreamListener
    private let ipc: RPCServer
    private let web: HTTPServer
    private let life: Task<Void, Never>

    private init(
        _ loop: NIOServiceLoop, _ datanode: Datanode, transfer: StreamListener, ipc: RPCServer, web: HTTPServer, life: Task<Void, Never>
    ) {
        (self.loop, self.datanode, self.transfer, self.ipc, self.web, self.life) = (loop, datanode, transfer, ipc, web, life)
    }

    package var transferAddress: HostPort { transfer.address }
    package var webAddress: HostPort { web.address }
    /// The reason why writes are refused at present, or nil; safe from any thread.
    package var trouble: String? { datanode.trouble }

    /// Opens the replicas in `directory`, binds the doors and joins the namenode. Throws StorageError, ListenError or the namenode's
    /// refusal.
    package static func start(
        _ settings: DatanodeSettings, directory: String, namenodes: NamenodeGroup, memory: MemoryBudget, metrics: MetricsRegistry,
        log: Logger
    ) async throws -> DatanodeDoor {
        let loop = NIOServiceLoop()
        let files = RealFileSystem(onSync: metrics.syncObserver("dfs"))
        let store: ReplicaStore
        do { store = try ReplicaStore(files: files, directory: directory, loop: loop) } catch {
            try await loop.stop()
            throw error
        }
        var opened = Opened()
        do {
            let datanode = Datanode(store: store, namenodes: namenodes, settings: settings, uuid: try identity(files, directory), log: log)
            let door = TransferDoor(datanode: datanode)
            let transfer = try await StreamListener.bind(settings.transferListen, limits: StreamLimits(memory: memory), log: log) {
                try await door.serve($0)
            }
            opened.transfer = transfer
            let ipc = try await RPCServer.bind(settings.ipcListen, memory: memory, log: log, target: ReplicaQuestions(datanode: datanode))
            opened.ipc = ipc
            let data = WebHDFSData(datanode: datanode, metrics: metrics)
            let web = try await HTTPServer.start(settings.webListen, name: "platform-datanode", tls: settings.tls, log: log) {
                await data.answer($0)
            }
            opened.web = web
            await store.keepReserve()
            try checkCluster(files, directory, try await datanode.cluster())
            try await datanode.join(transfer: transfer.address, web: web.address, ipc: ipc.address)
            return DatanodeDoor(loop, datanode, transfer: transfer, ipc: ipc, web: web, life: Task { await datanode.live() })
        } catch {
            await opened.stop()
            store.stop()
            try await loop.stop()
            throw error
        }
    }

    /// The doors bound before a start failed.
    private struct Opened {
        var transfer: StreamListener?
        var ipc: RPCServer?
        var web: HTTPServer?
        func stop() async {
            await transfer?.stop()
            await ipc?.stop()
            await web?.stop()
        }
    }

    /// The datanode's identity, the same for the life of its replicas.
    private static func identity(_ files: RealFileSystem, _ directory: String) throws -> String {
        try remembered(files, directory, "DATANODE", fresh: UUID().uuidString.lowercased()) { UUID(uuidString: $0) != nil }
    }

    /// A datanode's replicas belong to one namenode: another one would order the deletion of all, since none is in its files.
    private static func checkCluster(_ files: RealFileSystem, _ directory: String, _ cluster: String) throws {
        let known = try remembered(files, directory, "CLUSTER", fresh: cluster) { !$0.isEmpty }
        guard known.hasSameBytes(as: cluster) else {
            throw StorageError(
                .corrupt("its replicas belong to the file system \(known), and the namenode serves \(cluster)"), "join", directory)
        }
    }

    /// The text of a small file. Writes `fresh` if the file is missing or invalid.
    private static func remembered(_ files: RealFileSystem, _ directory: String, _ name: String, fresh: String, _ isValid: (String) -> Bool)
        throws -> String
    {
        let file = try files.open(directory + "/" + name, create: true)
        defer { files.close(file) }
        let found = try files.read(file, at: 0, count: 64).text
        if isValid(found) { return found }
        try files.write(file, at: 0, Bytes(string: fresh))
        try files.sync(file)
        try files.syncDirectory(directory)
        return fresh
    }

    /// Refuses new data, ends transfers under way, closes.
    package func stop() async {
        life.cancel()
        await web.stop()
        await transfer.stop()
        await ipc.stop()
        await life.value
        datanode.store.stop()
        // The loop's thread has nothing left to do; a failure to join it changes nothing.
        try? await loop.stop()
    }
}
