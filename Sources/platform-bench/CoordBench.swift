// coord beside a real ZooKeeper in the same run, one server and three, with every write synced: rates, latencies, memory. Runs alternate;
// figures are medians.
import Base
import Foundation
import NetKit
import TestKit

/// Starts services on free ports with temporary data.
func started(_ services: String) throws -> PlatformProcess {
    try PlatformProcess(["up", "--only", services, "--ephemeral", "--ports", "auto"])
}

func address(_ platform: PlatformProcess, _ name: String) throws -> HostPort {
    guard let address = HostPort(parsing: try platform.endpoint(name), defaultPort: 0) else {
        throw PlatformProcess.Failure("\(name) has no usable address")
    }
    return address
}

enum CoordBench {
    private static let runs = 3

    static func run(_ table: inout FigureTable) async throws {
        try await compare(&table, servers: 1)
        try await compare(&table, servers: 3)
    }

    private static func compare(_ table: inout FigureTable, servers count: Int) async throws {
        let platform = try PlatformProcess(
            [
                "up", "--only", "coord", "--nodes", "\(count)", "--ephemeral", "--ports", "auto", "--set",
                "coord.connections-per-address.max=0", "--set", "coord.outstanding.max=100000",
            ])
        defer { platform.stop() }
        let ours = try (0..<count).map { try address(platform, $0 == 0 ? "coord" : "coord-\($0 + 1)") }
        let peer = RealZooKeeper.start(servers: count)
        defer { peer?.stop() }
        if peer == nil { print("no ZooKeeper of another make with \(count) servers: Debian's zookeeper package or java was not found") }
        let title = count == 1 ? "coord" : "coord, \(count) servers"
        table.add(
            "\(title): resident memory, fresh (MB)", Figures.text(megabytes(platform)), peer: peer.map { Figures.text($0.megabytes) } ?? "",
            ratio: ratio(megabytes(platform), peer?.megabytes))
        for (work, sessions, depth) in [
            (CoordWork.get, 1, 1), (.get, 16, 32), (.set, 1, 1), (.set, 16, 32), (.create, 16, 32), (.mixed, 16, 32),
        ] {
            var (mine, theirs): ([CoordLoadResult], [CoordLoadResult]) = ([], [])
            for _ in 0..<runs {
                mine.append(try await CoordLoad.run(ours, work, sessions: sessions, depth: depth, seconds: 2))
                if let peer { theirs.append(try await CoordLoad.run(peer.addresses, work, sessions: sessions, depth: depth, seconds: 2)) }
            }
            let (own, other) = (median(mine), theirs.isEmpty ? nil : median(theirs))
            table.add(
                "\(title): \(work.title), \(sessions) x \(depth)", own.text, peer: other?.text ?? "", ratio: ratio(own.rate, other?.rate))
        }
        table.add(
            "\(title): resident memory after the load (MB)", Figures.text(megabytes(platform)),
            peer: peer.map { Figures.text($0.megabytes) } ?? "", ratio: ratio(megabytes(platform), peer?.megabytes))
    }

    private static func megabytes(_ platform: PlatformProcess) -> Double { Double(platform.residentBytes) / 1e6 }

    private static func ratio(_ own: Double, _ other: Double?) -> String { other.map { Figures.text(own / max($0, 0.001)) } ?? "" }

    private static func median(_ results: [CoordLoadResult]) -> CoordLoadResult { results.sorted { $0.rate < $1.rate }[results.count / 2] }
}
