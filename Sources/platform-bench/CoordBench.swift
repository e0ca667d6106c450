// Gets and sets through our ZooKeeper client, against our coord and, in the same run, against a real ZooKeeper where one is installed.
import Base
import Clients
import Foundation
import NetKit
import TestKit

/// Starts services on free ports with data that goes away.
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
    private struct Load {
        var sessions: Int
        var depth: Int
        var seconds: Double
    }
    private struct Result {
        var rate: Double
        var p50: Double
        var p99: Double
        var text: String { "\(Figures.text(rate))/s p50 \(Figures.text(p50)) p99 \(Figures.text(p99)) ms" }
    }
    private static let runs = 3

    static func run(_ table: inout FigureTable, peer: HostPort?) async throws {
        let platform = try started("coord")
        defer { platform.stop() }
        let ours = try address(platform, "coord")
        for load in [Load(sessions: 1, depth: 1, seconds: 1.5), Load(sessions: 16, depth: 32, seconds: 2)] {
            for isSet in [false, true] {
                let mine = try await median(ours, load, isSet)
                let name = "coord \(isSet ? "set" : "get") 100 B, \(load.sessions) sessions x \(load.depth)"
                guard let peer else {
                    table.add(name, mine.text)
                    continue
                }
                let theirs = try await median(peer, load, isSet)
                table.add(name, mine.text, peer: theirs.text, ratio: Figures.text(mine.rate / max(theirs.rate, 1)))
            }
        }
    }

    private static func median(_ server: HostPort, _ load: Load, _ isSet: Bool) async throws -> Result {
        var results: [Result] = []
        for _ in 0..<runs { results.append(try await measure(server, load, isSet)) }
        return results.sorted { $0.rate < $1.rate }[runs / 2]
    }

    private static func measure(_ server: HostPort, _ load: Load, _ isSet: Bool) async throws -> Result {
        var clients: [ZooKeeperClient] = []
        for _ in 0..<load.sessions { clients.append(try await ZooKeeperClient.connect(server)) }
        var paths: [String] = []
        let data = Bytes(repeating: 0x61, count: 100)
        for client in clients { paths.append(try await client.create("/bench-", data, mode: [.ephemeral, .sequential])) }
        let began = ContinuousClock.now
        let end = began + .seconds(load.seconds)
        let latencies = try await withThrowingTaskGroup(of: [Double].self) { group in
            for (client, path) in zip(clients, paths) {
                for _ in 0..<load.depth {
                    group.addTask {
                        var own: [Double] = []
                        while ContinuousClock.now < end {
                            let sent = ContinuousClock.now
                            if isSet { _ = try await client.set(path, data) } else { _ = try await client.get(path) }
                            own.append(Figures.seconds(ContinuousClock.now - sent) * 1000)
                        }
                        return own
                    }
                }
            }
            return try await group.reduce(into: [Double]()) { $0 += $1 }
        }
        let took = Figures.seconds(ContinuousClock.now - began)
        for client in clients { await client.close() }
        return Result(rate: Double(latencies.count) / took, p50: Figures.percentile(latencies, 50), p99: Figures.percentile(latencies, 99))
    }
}

/// Debian's ZooKeeper, on a free port with data in a temporary directory.
final class RealZooKeeper {
    let address: HostPort
    private let process: Process
    private let directory: String

    private init(_ address: HostPort, _ process: Process, _ directory: String) {
        self.address = address
        self.process = process
        self.directory = directory
    }

    /// nil if it is not installed or does not start.
    static func start() -> RealZooKeeper? {
        let jars = "/usr/share/java"
        guard FileManager.default.fileExists(atPath: jars + "/zookeeper.jar"),
            FileManager.default.isExecutableFile(atPath: "/usr/bin/java"),
            let directory = try? PlatformProcess.temporaryDirectory()  // without a directory there is no peer to measure
        else { return nil }
        let port = Int.random(in: 20_000...32_000)
        let settings =
            "tickTime=2000\ndataDir=\(directory)\nclientPort=\(port)\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\nmaxClientCnxns=0\n"
        _ = FileManager.default.createFile(atPath: directory + "/zoo.cfg", contents: Data(settings.utf8))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/java")
        process.arguments = [
            "-Xmx1g", "-cp", "/etc/zookeeper/conf:\(jars)/*", "org.apache.zookeeper.server.quorum.QuorumPeerMain", directory + "/zoo.cfg",
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { return nil }
        let peer = RealZooKeeper(HostPort("127.0.0.1", port), process, directory)
        for _ in 0..<100 where process.isRunning {
            Thread.sleep(forTimeInterval: 0.1)
            if peer.accepts { return peer }
        }
        peer.stop()
        return nil
    }

    private var accepts: Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = UInt16(address.port).bigEndian
        target.sin_addr.s_addr = inet_addr(address.host)
        return withUnsafePointer(to: &target) {
            // A sockaddr_in is passed as the sockaddr that it begins with, with its own size, as connect(2) asks.
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
        }
    }

    func stop() {
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
        try? FileManager.default.removeItem(atPath: directory)  // a temporary directory may stay
    }
}
