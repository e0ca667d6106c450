// Several brokers in this process that form one cluster, for trying out a client's view of it: each has its own port, loop, threads and
// data directory. On several machines each broker is a process of its own, started with --id and --peers.
import Base
import BrokerService
import Logging
import NetKit

struct RunningBrokerCluster: RunningService {
    let doors: [BrokerDoor]
    var name: String { "broker" }
    /// A cluster serves while more than half of its brokers do.
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
        doors.enumerated().map { place, door in
            Endpoint(key: place == 0 ? "broker" : "broker-\(place + 1)", address: door.address, clients: "Kafka clients")
        }
    }

    /// Starts `count` brokers. Their client ports follow the first one's; their links to each other use free ports.
    static func start(_ context: ServiceName.Context, count: Int, log: Logger) async throws -> RunningBrokerCluster {
        let first = try RunningBroker.settings(context)
        let peerPorts = try FreePorts.take(count)
        let peers = peerPorts.enumerated().map { PeerLinkSettings.Peer(id: Int64($0 + 1), address: HostPort("127.0.0.1", $1)) }
        let starts = (0..<count).map { place -> @Sendable () async -> Result<BrokerDoor, any Error> in
            var settings = first
            settings.listen.port = first.listen.port == 0 ? 0 : first.listen.port + place
            settings.advertised = first.advertised.map { HostPort($0.host, $0.port + place) }
            let own = PeerLinkSettings(id: Int64(place + 1), listen: peers[place].address, peers: peers, service: "broker")
            RunningBroker.join(own, &settings, context.settings)
            // The first broker's figures stand for the cluster's.
            let metrics = place == 0 ? context.metrics : MetricsRegistry()
            let directory = context.dataDirectory + "/broker-\(place + 1)-of-\(count)"
            return { [settings] () async -> Result<BrokerDoor, any Error> in
                do { return .success(try await BrokerDoor.start(settings, dataDirectory: directory, metrics: metrics, log: log)) } catch {
                    return .failure(error)
                }
            }
        }
        let results = await startAll(starts)
        let cluster = RunningBrokerCluster(doors: results.compactMap { try? $0.get() })  // the first failure is thrown below
        do {
            for result in results { _ = try result.get() }
            try await waitForMembers(cluster.doors)
        } catch {
            await cluster.stop()
            throw error
        }
        return cluster
    }

    /// Starts side by side, since each waits a moment for the others.
    private static func startAll(_ starts: [@Sendable () async -> Result<BrokerDoor, any Error>]) async -> [Result<BrokerDoor, any Error>] {
        await withTaskGroup(of: (Int, Result<BrokerDoor, any Error>).self) { group in
            for (place, start) in starts.enumerated() { group.addTask { (place, await start()) } }
            var results: [(Int, Result<BrokerDoor, any Error>)] = []
            for await result in group { results.append(result) }
            return results.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    /// Ready means that every broker knows all the others.
    private static func waitForMembers(_ doors: [BrokerDoor]) async throws {
        for _ in 0..<1000 {
            var known = 0
            for door in doors { if await door.liveBrokers() == doors.count { known += 1 } }
            if known == doors.count { return }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
