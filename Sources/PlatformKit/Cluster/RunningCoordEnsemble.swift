// Several coord servers in this process that form one ensemble, for trying out a client's view of it: each has its own port, loop and data
// directory. On several machines each server is a process of its own, started with --id and --peers.
import Base
import CoordService
import Logging
import NetKit

struct RunningCoordEnsemble: RunningService {
    let doors: [CoordDoor]
    var name: String { "coord" }
    /// An ensemble serves while more than half of its servers do.
    var trouble: String? {
        let troubles = doors.compactMap(\.trouble)
        return troubles.count * 2 < doors.count ? nil : troubles.first
    }

    func stop() async {
        await withTaskGroup(of: Void.self) { group in
            for door in doors { group.addTask { await door.stop() } }
        }
    }

    var endpoints: [Endpoint] {
        let servers = doors.enumerated().map { place, door in
            Endpoint(key: place == 0 ? "coord" : "coord-\(place + 1)", address: door.address, clients: "ZooKeeper clients")
        }
        return servers + (doors.first?.adminAddress.map { [Endpoint(key: "coord-admin", address: $0, clients: "HTTP; /commands")] } ?? [])
    }

    /// Starts `count` servers. Their client ports follow the first one's; their links to each other use free ports.
    static func start(_ context: ServiceName.Context, count: Int, log: Logger) async throws -> RunningCoordEnsemble {
        let first = try RunningCoord.settings(context.settings)
        let peerPorts = try FreePorts.take(count)
        let peers = peerPorts.enumerated().map { PeerLinkSettings.Peer(id: Int64($0 + 1), address: HostPort("127.0.0.1", $1)) }
        var doors: [CoordDoor] = []
        do {
            for place in 0..<count {
                var settings = first
                settings.listen.port = first.listen.port == 0 ? 0 : first.listen.port + place
                if place > 0 { settings.adminListen = nil }
                settings.ensemble = PeerLinkSettings(id: Int64(place + 1), listen: peers[place].address, peers: peers, service: "coord")
                // The first server's figures stand for the ensemble's.
                let metrics = place == 0 ? context.metrics : MetricsRegistry()
                let directory = context.dataDirectory + "/coord-\(place + 1)-of-\(count)"
                doors.append(try await RunningCoord.open(settings, context.settings, directory, metrics, log))
            }
            try await waitForLeader(doors)
        } catch {
            await RunningCoordEnsemble(doors: doors).stop()
            throw error
        }
        return RunningCoordEnsemble(doors: doors)
    }

    /// Ready means that a leader takes requests.
    private static func waitForLeader(_ doors: [CoordDoor]) async throws {
        for _ in 0..<1000 where doors.contains(where: { $0.trouble != nil }) { try await Task.sleep(for: .milliseconds(5)) }
    }
}
