// Kafka itself, for comparison: any distribution with KRaft (3.x, 4.x), started by its own scripts, one node as broker and controller, on
// free ports with data in the caller's directory. The scripts get the environment, so that KAFKA_HEAP_OPTS sets the heap.
import Base
import Clients
import Foundation
import NetKit
import TestKit

final class RealKafka {
    let address: HostPort
    private let process = Process()
    private(set) var readyAfter: Duration = .zero

    /// The distribution's directory; nil if none is named.
    static var home: String? { ProcessInfo.processInfo.environment["KAFKA_HOME"].flatMap { $0.isEmpty ? nil : $0 } }

    /// Any 16 bytes serve.
    private static let clusterID = "AAAAAAAAAAAAAAAAAAAAAQ"
    private static let startMax = Duration.seconds(60)

    /// Starts on a directory, formatted if new, and waits until the broker answers a client's question about the cluster. Throws
    /// `PlatformProcess.Failure` with Kafka's output if it does not come up.
    init(home: String, directory: String, settings: [String]) async throws {
        let ports = try FreePorts.take(2)
        address = HostPort("127.0.0.1", ports[0])
        let (data, configuration, log) = (directory + "/data", directory + "/server.properties", directory + "/output")
        let isNew = !FileManager.default.fileExists(atPath: data)
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        try Self.properties(ports, data, settings).write(toFile: configuration, atomically: true, encoding: .utf8)
        let environment = ["LOG_DIR": directory + "/logs"]
        if isNew {
            let ran = try Ran.run(
                home + "/bin/kafka-storage.sh", ["format", "-t", Self.clusterID, "-c", configuration], environment: environment)
            guard ran.status == 0 else {
                throw PlatformProcess.Failure("\(home)/bin/kafka-storage.sh did not format: \((ran.output + ran.errors).suffix(1000))")
            }
        }
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        process.executableURL = URL(fileURLWithPath: home + "/bin/kafka-server-start.sh")
        process.arguments = [configuration]
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = FileHandle(forWritingAtPath: log)
        process.standardError = process.standardOutput
        let began = ContinuousClock.now
        try process.run()
        while !(await serves()) {
            guard process.isRunning, ContinuousClock.now - began < Self.startMax else {
                let said = FileManager.default.contents(atPath: log).map { String(decoding: $0.suffix(1000), as: UTF8.self) } ?? ""
                stop()
                throw PlatformProcess.Failure("Kafka in \(home) did not start; it said: \(said)")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        readyAfter = ContinuousClock.now - began
    }

    private static func properties(_ ports: [Int], _ data: String, _ settings: [String]) -> String {
        let own = [
            "process.roles=broker,controller", "node.id=1", "controller.quorum.voters=1@127.0.0.1:\(ports[1])",
            "controller.listener.names=CONTROLLER",
            "listeners=PLAINTEXT://127.0.0.1:\(ports[0]),CONTROLLER://127.0.0.1:\(ports[1])",
            "advertised.listeners=PLAINTEXT://127.0.0.1:\(ports[0])",
            "log.dirs=\(data)", "offsets.topic.replication.factor=1", "transaction.state.log.replication.factor=1",
            "transaction.state.log.min.isr=1",
            // Removed topics free their space during the run; Kafka's default is a minute.
            "log.segment.delete.delay.ms=1000",
        ]
        return (own + settings).joined(separator: "\n") + "\n"
    }

    /// Whether a client can connect and sees the broker.
    private func serves() async -> Bool {
        do {
            let client = try await KafkaClient.connect(address)
            let cluster = try? await client.cluster(topics: [])  // an answer that fails is no answer yet
            await client.close()
            return cluster?.brokers.isEmpty == false
        } catch { return false }
    }

    /// The start script becomes the virtual machine, so its process number is the broker's.
    var pid: Int32 { process.processIdentifier }

    func stop() {
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
    }
}

/// A broker under measurement: ours, or Kafka itself.
struct BenchBroker {
    let server: HostPort
    let pid: Int32
    let readyAfter: Duration
    let stop: () -> Void

    static func platform(_ directory: String, _ settings: [String]) throws -> BenchBroker {
        let process = try PlatformProcess(["up", "--only", "broker", "--data-dir", directory, "--ports", "auto"] + settings)
        return BenchBroker(server: try address(process, "broker"), pid: process.pid, readyAfter: process.readyAfter) { process.stop() }
    }

    static func kafka(_ home: String, _ directory: String, _ settings: [String]) async throws -> BenchBroker {
        let kafka = try await RealKafka(home: home, directory: directory, settings: settings)
        return BenchBroker(server: kafka.address, pid: kafka.pid, readyAfter: kafka.readyAfter) { kafka.stop() }
    }

    /// Resident memory in MB.
    var megabytes: Double {
        let text = FileManager.default.contents(atPath: "/proc/\(pid)/statm").map { String(decoding: $0, as: UTF8.self) } ?? ""
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? 0
        return pages * 4096 / 1e6
    }
}
