// The namenode service: the replicated namespace with its two doors, RPC and WebHDFS. Owns their life: open, name, listen, stop.
import Base
import DFSCore
import HadoopNet
import Logging
import NetKit
import Replication
import Storage

/// A running namenode.
package final class NamenodeDoor: Sendable {
    private let namenode: Namenode
    private let rpc: RPCServer
    private let web: HTTPServer
    private let links: PeerLinks?
    private let ticking: Task<Void, Never>

    private init(_ namenode: Namenode, rpc: RPCServer, web: HTTPServer, links: PeerLinks?, ticking: Task<Void, Never>) {
        (self.namenode, self.rpc, self.web, self.links, self.ticking) = (namenode, rpc, web, links, ticking)
    }

    /// How often the namenode looks for silent datanodes and overdue leases.
    private static let tickEvery = Duration.seconds(1)

    /// Opens the namespace in `directory`, recovers, and listens. Throws StorageError or ListenError.
    package static func start(
        _ settings: NamenodeSettings, directory: String, memory: MemoryBudget, metrics: MetricsRegistry, log: Logger
    ) async throws -> NamenodeDoor {
        let loop = NIOServiceLoop(turns: metrics.loopTurns("dfs"))
        do {
            let replica = try await ReplicaHost<DFSMachine>.open(
                try Namenode.replicaOptions(settings, directory, metrics), loop: loop, time: SystemTime(), log: log)
            do {
                let namenode = Namenode(replica: replica, settings: settings, loop: loop, log: log)
                try await namenode.begin()
                let rpc = try await RPCServer.bind(settings.rpcListen, memory: memory, log: log, target: NamenodeRPC(namenode: namenode))
                do {
                    let web = try await HTTPServer.start(settings.webListen, name: "platform-namenode", tls: settings.tls, log: log) {
                        await NamenodePages.answer($0, namenode)
                    }
                    do {
                        var links: PeerLinks?
                        if let ensemble = settings.ensemble { links = try await namenode.joinPeers(ensemble) }
                        return NamenodeDoor(namenode, rpc: rpc, web: web, links: links, ticking: Task { await tick(namenode) })
                    } catch {
                        await web.stop()
                        throw error
                    }
                } catch {
                    await rpc.stop()
                    throw error
                }
            } catch {
                await replica.stop()
                throw error
            }
        } catch {
            try await loop.stop()
            throw error
        }
    }

    private static func tick(_ namenode: Namenode) async {
        while !Task.isCancelled {
            await namenode.tick()
            // Only the end wakes it early.
            try? await Task.sleep(for: tickEvery)
        }
    }

    package var rpcAddress: HostPort { rpc.address }
    package var webAddress: HostPort { web.address }
    /// Calls to this namenode from within the process, in the messages of its protocols.
    package var channel: any RPCChannel { LocalChannel(NamenodeRPC(namenode: namenode)) }
    /// The reason why writes are refused at present, or nil; safe from any thread.
    package var trouble: String? { namenode.replica.trouble }

    /// Refuses new calls and cuts off those under way.
    package func stopListening() async {
        await web.stop()
        await rpc.stop()
    }

    /// Makes everything durable and closes.
    package func stop() async {
        ticking.cancel()
        await ticking.value
        await namenode.replica.stop()
        await links?.stop()
        // The loop's thread has nothing left to do; a failure to join it changes nothing.
        try? await namenode.loop.stop()
    }
}
