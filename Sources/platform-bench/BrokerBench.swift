// The broker under loads that our own client replays: batches that librdkafka (kcat) made once, in each codec and record size, so that making records is not
// what is measured. Beside the disk's and the loopback's own limits in the same run. Rates are of values before compression, medians of several runs.
import Base
import Clients
import Foundation
import NetKit
import TestKit

enum BrokerBench {
    private static let runs = 3
    private static let runTime = Duration.milliseconds(1200)
    private static let sizes = [100, 1024]
    private static let codecs = ["none", "lz4", "zstd"]
    private static let inFlight = 8

    /// When an append is acknowledged, and the acks that go with it.
    private enum Mode: String, CaseIterable {
        /// After fdatasync, whatever acks says.
        case sync = "acks=all, synced"
        /// After the write; comparable to Kafka, which does not sync.
        case interval = "acks=1, not synced"

        var settings: [String] { self == .sync ? [] : ["--set", "broker.durability=interval"] }
        var acks: Int16 { self == .sync ? -1 : 1 }
    }

    static func run(_ table: inout FigureTable) async throws {
        let directory = try PlatformProcess.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
        let disk = try Limits.diskRate(directory)
        let loopback = try Limits.loopbackRate()
        table.add("limit: disk, 1 MiB writes, a sync for every 8 (MB/s)", Figures.text(disk))
        table.add("limit: disk, 4 KiB write and sync (ms, median)", Figures.text(try Limits.syncMilliseconds(directory)))
        table.add("limit: loopback, one connection (MB/s)", Figures.text(loopback))
        for mode in Mode.allCases { try await throughput(&table, mode, directory, disk: disk, loopback: loopback) }
        for mode in Mode.allCases { try await latency(&table, mode) }
        try await idlePartitions(&table, directory)
    }

    // MARK: throughput

    private static func throughput(_ table: inout FigureTable, _ mode: Mode, _ directory: String, disk: Double, loopback: Double) async throws {
        let platform = try PlatformProcess(["up", "--only", "broker", "--data-dir", directory + "/" + (mode == .sync ? "sync" : "interval"), "--ports", "auto"] + mode.settings)
        defer { platform.stop() }
        table.add("broker, \(mode.rawValue): resident memory, idle (MB)", Figures.text(Double(platform.residentBytes) / 1e6))
        let client = try await KafkaClient.connect(try address(platform, "broker"))
        for size in sizes {
            for codec in codecs {
                guard let load = try await recorded(platform, client, codec, size, directory) else {
                    table.add("broker, \(codec)", "kcat is not installed")
                    continue
                }
                for partitions in [1, 16] {
                    let name = "\(size) B, \(codec), \(partitions) partition\(partitions == 1 ? "" : "s"), \(mode.rawValue)"
                    let measured = try await round(platform, client, load, partitions, mode.acks, topic: "bench-\(codec)-\(size)-\(partitions)")
                    let produced = Figures.median(measured.map { $0.produced.recordRate * Double(size) / 1e6 })
                    let wire = Figures.median(measured.map { $0.produced.byteRate / 1e6 })
                    table.add(
                        "produce, \(name) (MB/s)", Figures.text(produced), peer: "\(Figures.text(wire)) on the wire, p99 \(Figures.text(Figures.median(measured.map { $0.produced.latency(99) * 1000 }))) ms",
                        ratio: mode == .sync ? "\(Figures.text(wire / disk)) of the disk" : "")
                    let consumed = Figures.median(measured.map { $0.consumed.recordRate * Double(size) / 1e6 })
                    let fetched = Figures.median(measured.map { $0.consumed.byteRate / 1e6 })
                    table.add(
                        "consume, \(name) (MB/s)", Figures.text(consumed), peer: "\(Figures.text(fetched)) on the wire", ratio: "\(Figures.text(fetched / loopback)) of loopback")
                    table.add("broker's processor, \(name) (s for 1 GB in and out)", Figures.text(Figures.median(measured.map(\.processorPerGigabyte))))
                }
            }
        }
        table.add("broker, \(mode.rawValue): resident memory after the load (MB)", Figures.text(Double(platform.residentBytes) / 1e6))
        await client.close()
    }

    private struct Round {
        var produced: KafkaLoadResult
        var consumed: KafkaLoadResult
        var processorPerGigabyte: Double
    }

    private static func round(
        _ platform: PlatformProcess, _ client: KafkaClient, _ load: KafkaLoadBatches, _ partitions: Int, _ acks: Int16, topic: String
    ) async throws -> [Round] {
        var rounds: [Round] = []
        for run in 0..<runs {
            let name = "\(topic)-\(run)"
            try await client.createTopic(name, partitions: Int32(partitions))
            let before = Limits.processorSeconds(platform.pid)
            let produced = try await client.produceLoad(name, load, acks: acks, inFlight: inFlight, duration: runTime)
            let consumed = try await client.consumeLoad(name)
            let spent = Limits.processorSeconds(platform.pid) - before
            guard consumed.records == produced.records else { throw PlatformProcess.Failure("\(produced.records) records went in and \(consumed.records) came out") }
            rounds.append(Round(produced: produced, consumed: consumed, processorPerGigabyte: spent / (Double(produced.bytes) / 1e9)))
            try await client.deleteTopic(name)
        }
        return rounds
    }

    /// Batches as librdkafka makes them of lines with mixed words; nil without kcat.
    private static func recorded(_ platform: PlatformProcess, _ client: KafkaClient, _ codec: String, _ size: Int, _ directory: String) async throws -> KafkaLoadBatches? {
        let topic = "recorded-\(codec)-\(size)"
        let path = "\(directory)/lines-\(size)"
        if !FileManager.default.fileExists(atPath: path) { try writeLines(path, size) }
        try await client.createTopic(topic, partitions: 1)
        let kcat = Process()
        kcat.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        kcat.arguments = [
            "kcat", "-P", "-b", try platform.endpoint("broker"), "-t", topic, "-z", codec, "-l", path, "-X", "linger.ms=200", "-X", "batch.size=500000", "-X",
            "batch.num.messages=100000", "-X", "queue.buffering.max.messages=1000000",
        ]
        kcat.standardError = FileHandle.nullDevice
        try kcat.run()
        kcat.waitUntilExit()
        guard kcat.terminationStatus == 0 else { return nil }
        let load = try await client.loadBatches(topic, 0, bytesMax: 64 << 20)
        try await client.deleteTopic(topic)
        return load
    }

    private static func writeLines(_ path: String, _ size: Int) throws {
        var random = Prng(seed: 7)
        let words = (0..<5000).map { _ in (0..<(2 + random.below(9))).map { _ in UInt8(97 + random.below(26)) } + [32] }
        var text = Data()
        while text.count < 16 << 20 {
            var line: [UInt8] = []
            while line.count < size { line += random.chance(1, in: 4) ? Array("\(random.below(1_000_000)) ".utf8) : words[random.below(words.count)] }
            text.append(contentsOf: line.prefix(size) + [10])
        }
        try text.write(to: URL(fileURLWithPath: path))
    }

    // MARK: latency, idle partitions

    private static func latency(_ table: inout FigureTable, _ mode: Mode) async throws {
        let platform = try PlatformProcess(["up", "--only", "broker", "--ephemeral", "--ports", "auto"] + mode.settings)
        defer { platform.stop() }
        let client = try await KafkaClient.connect(try address(platform, "broker"))
        let reader = try await KafkaClient.connect(try address(platform, "broker"))
        try await client.createTopic("latency", partitions: 1)
        for rate in [1000, 5000] {
            let result = try await client.endToEndLoad("latency", reader: reader, valueBytes: 100, rate: rate, duration: .seconds(4), acks: mode.acks)
            table.add(
                "end to end at \(rate)/s, \(mode.rawValue) (ms, p50 / p99)", "\(Figures.text(result.latency(50) * 1000)) / \(Figures.text(result.latency(99) * 1000))",
                peer: "\(Int(result.recordRate))/s reached")
        }
        await client.close()
        await reader.close()
    }

    private static func idlePartitions(_ table: inout FigureTable, _ directory: String) async throws {
        let arguments = ["up", "--only", "broker", "--data-dir", directory + "/idle", "--ports", "auto"]
        var platform = try PlatformProcess(arguments)
        table.add("broker: start to READY, empty (ms)", Figures.text(Figures.seconds(platform.readyAfter) * 1000))
        var client = try await KafkaClient.connect(try address(platform, "broker"))
        try await client.createTopic("idle", partitions: 1000)
        await client.close()
        platform.stop()
        platform = try PlatformProcess(arguments)
        defer { platform.stop() }
        table.add("broker: start to READY, 1000 partitions (ms)", Figures.text(Figures.seconds(platform.readyAfter) * 1000))
        table.add("broker: resident memory, 1000 idle partitions (MB)", Figures.text(Double(platform.residentBytes) / 1e6))
        client = try await KafkaClient.connect(try address(platform, "broker"))
        try await client.createTopic("busy", partitions: 1)
        let load = try KafkaLoadBatches.made(valueBytes: 1024, batchBytes: 256 << 10)
        let result = try await client.produceLoad("busy", load, acks: -1, inFlight: inFlight, duration: runTime)
        table.add("produce, 1024 B, none, beside 1000 idle partitions (MB/s)", Figures.text(result.byteRate / 1e6))
        await client.close()
    }
}
