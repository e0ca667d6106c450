// The broker under loads replayed by our own client: batches that librdkafka (kcat) made once, in each codec and record size, so that the
// making of records is not measured, and a consumer that ignores their content. Measured beside the disk's and the loopback's own limits in
// the same run and, if KAFKA_HOME names a Kafka, beside it: the runs of both alternate. Rates are of values before compression, medians of
// several runs.
import Base
import Clients
import Foundation
import NetKit
import TestKit

enum BrokerBench {
    private static let runs = 3
    private static let runTime = Duration.milliseconds(1200)
    /// Both sides work this long before the measurement: a virtual machine compiles hot code only then.
    private static let warmTime = Duration.seconds(5)
    private static let latencyTime = Duration.seconds(4)
    private static let sizes = [100, 1024]
    private static let codecs = ["none", "lz4", "zstd"]
    private static let inFlight = 8
    private static let idleCount: Int32 = 1000

    /// The point of an append's acknowledgement, and its acks.
    private enum Mode: String, CaseIterable {
        /// After a sync of the disk: ours syncs appends in groups, Kafka, if set to, each by itself.
        case sync = "acks=all, synced"
        /// After the write, as Kafka does by default.
        case interval = "acks=1, not synced"

        var settings: [String] { self == .sync ? [] : ["--set", "broker.durability=interval"] }
        var kafkaSettings: [String] { self == .sync ? ["log.flush.interval.messages=1"] : [] }
        var acks: Int16 { self == .sync ? -1 : 1 }
        var directory: String { self == .sync ? "sync" : "interval" }
    }

    static func run(_ table: inout FigureTable) async throws {
        let directory = try PlatformProcess.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
        if RealKafka.home == nil { print("no Kafka beside: KAFKA_HOME names none") }
        let disk = try Limits.diskRate(directory)
        let loopback = try Limits.loopbackRate()
        table.add("limit: disk, 1 MiB writes, a sync for every 8 (MB/s)", Figures.text(disk))
        table.add("limit: disk, 4 KiB write and sync (ms, median)", Figures.text(try Limits.syncMilliseconds(directory)))
        table.add("limit: loopback, one connection (MB/s)", Figures.text(loopback))
        for mode in Mode.allCases { try await throughput(&table, mode, directory, disk: disk, loopback: loopback) }
        for mode in Mode.allCases { try await latency(&table, mode, directory) }
        try await idlePartitions(&table, directory)
    }

    /// Ours and, if there is one, Kafka, with directories below this one.
    private static func brokers(_ mode: Mode, _ directory: String) async throws -> [BenchBroker] {
        let ours = try BenchBroker.platform(directory + "/platform", mode.settings)
        guard let home = RealKafka.home else { return [ours] }
        do { return [ours, try await BenchBroker.kafka(home, directory + "/kafka", mode.kafkaSettings)] } catch {
            ours.stop()
            throw error
        }
    }

    /// A line of figures of one kind, ours first.
    private static func add(_ table: inout FigureTable, _ name: String, _ values: [Double]) {
        table.add(
            name, Figures.text(values[0]), peer: values.count > 1 ? Figures.text(values[1]) : "",
            ratio: values.count > 1 ? ratio(values) : "")
    }

    private static func ratio(_ values: [Double]) -> String { values.count > 1 ? Figures.text(values[0] / max(values[1], 1e-9)) : "" }

    // MARK: throughput

    private static func throughput(_ table: inout FigureTable, _ mode: Mode, _ directory: String, disk: Double, loopback: Double)
        async throws
    {
        let brokers = try await brokers(mode, directory + "/" + mode.directory)
        defer { for broker in brokers { broker.stop() } }
        add(&table, "\(mode.rawValue): resident memory, idle (MB)", brokers.map(\.megabytes))
        var clients: [KafkaClient] = []
        for broker in brokers {
            clients.append(try await KafkaClient.connect(broker.server))
            let load = try KafkaLoadBatches.made(valueBytes: 1024, batchBytes: 256 << 10)
            _ = try await round(broker, clients[clients.count - 1], load, 1, mode.acks, topic: "warm", time: warmTime)
        }
        for size in sizes {
            for codec in codecs {
                guard let load = try await recorded(brokers[0], clients[0], codec, size, directory) else {
                    table.add("broker, \(codec)", "kcat is not installed")
                    continue
                }
                for partitions in [1, 16] {
                    let name = "\(size) B, \(codec), \(partitions) partition\(partitions == 1 ? "" : "s"), \(mode.rawValue)"
                    var rounds: [[Round]] = Array(repeating: [], count: brokers.count)
                    for run in 0..<runs {
                        for place in run % 2 == 0 ? Array(brokers.indices) : brokers.indices.reversed() {
                            rounds[place].append(
                                try await round(
                                    brokers[place], clients[place], load, partitions, mode.acks,
                                    topic: "bench-\(codec)-\(size)-\(partitions)-\(run)"))
                        }
                    }
                    report(&table, name, rounds, size, limits: (mode == .sync ? disk : nil, loopback))
                }
            }
        }
        add(&table, "\(mode.rawValue): resident memory after the load (MB)", brokers.map(\.megabytes))
        for client in clients { await client.close() }
    }

    private struct Round {
        var produced: KafkaLoadResult
        var consumed: KafkaLoadResult
        var processorPerGigabyte: Double
    }

    /// Fills a topic for a time, reads it, and deletes it.
    private static func round(
        _ broker: BenchBroker, _ client: KafkaClient, _ load: KafkaLoadBatches, _ partitions: Int, _ acks: Int16, topic: String,
        time: Duration = runTime
    ) async throws -> Round {
        try await makeTopic(client, topic, partitions)
        let before = Limits.processorSeconds(broker.pid)
        let produced = try await client.produceLoad(topic, load, acks: acks, inFlight: inFlight, duration: time)
        var ends: [Int32: Int64] = [:]
        for number in 0..<Int32(partitions) { ends[number] = try await client.offset(of: topic, number, at: KafkaClient.latest) ?? 0 }
        let consumed = try FetchLoad.consume(broker.server, topic, ends)
        let spent = Limits.processorSeconds(broker.pid) - before
        guard consumed.records == produced.records else {
            throw PlatformProcess.Failure("\(produced.records) records went in and \(consumed.records) came out")
        }
        try await client.deleteTopic(topic)
        return Round(produced: produced, consumed: consumed, processorPerGigabyte: spent / (Double(produced.bytes) / 1e9))
    }

    /// Makes a topic and waits until its leaders serve; Kafka answers before that.
    private static func makeTopic(_ client: KafkaClient, _ name: String, _ partitions: Int) async throws {
        try await client.createTopic(name, partitions: Int32(partitions))
        let until = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < until {
            // An unknown topic is asked for again.
            if (try? await serves(client, name, partitions)) == true { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw PlatformProcess.Failure("topic \(name) has no leaders after 30 s")
    }

    private static func serves(_ client: KafkaClient, _ name: String, _ partitions: Int) async throws -> Bool {
        let topic = try await client.topic(name)
        guard topic.partitions.count == partitions, topic.partitions.allSatisfy({ $0.leader >= 0 }) else { return false }
        for partition in topic.partitions { _ = try await client.offset(of: name, partition.number, at: KafkaClient.latest) }
        return true
    }

    private static func report(
        _ table: inout FigureTable, _ name: String, _ rounds: [[Round]], _ size: Int, limits: (disk: Double?, loopback: Double)
    ) {
        func medians(_ value: (Round) -> Double) -> [Double] { rounds.map { Figures.median($0.map(value)) } }
        func text(_ rate: Double, _ wire: Double, _ latency: Double, _ limit: String) -> String {
            "\(Figures.text(rate)), \(Figures.text(wire)) on the wire\(limit), p99 \(Figures.text(latency)) ms"
        }
        func line(_ title: String, _ part: KeyPath<Round, KafkaLoadResult>, _ limit: (name: String, rate: Double)?) {
            let rates = medians { $0[keyPath: part].recordRate * Double(size) / 1e6 }
            let wires = medians { $0[keyPath: part].byteRate / 1e6 }
            let latencies = medians { $0[keyPath: part].latency(99) * 1000 }
            let texts = rounds.indices.map { place in
                let part = limit.map { " (\(Figures.text(wires[place] / $0.rate)) of \($0.name))" } ?? ""
                return text(rates[place], wires[place], latencies[place], part)
            }
            let compared = rates.count > 1 ? "\(ratio(rates)), p99 \(ratio(latencies))" : ""
            table.add("\(title), \(name) (MB/s)", texts[0], peer: texts.count > 1 ? texts[1] : "", ratio: compared)
        }
        line("produce", \.produced, limits.disk.map { ("the disk", $0) })
        line("consume", \.consumed, ("loopback", limits.loopback))
        add(&table, "processor, \(name) (s for 1 GB in and out)", medians(\.processorPerGigabyte))
    }

    /// Batches made by librdkafka of lines with mixed words; nil without kcat.
    private static func recorded(_ broker: BenchBroker, _ client: KafkaClient, _ codec: String, _ size: Int, _ directory: String)
        async throws -> KafkaLoadBatches?
    {
        let topic = "recorded-\(codec)-\(size)"
        let path = "\(directory)/lines-\(size)"
        if !FileManager.default.fileExists(atPath: path) { try writeLines(path, size) }
        try await client.createTopic(topic, partitions: 1)
        let kcat = Process()
        kcat.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        kcat.arguments = [
            "kcat", "-P", "-b", "\(broker.server)", "-t", topic, "-z", codec, "-l", path, "-X", "linger.ms=200", "-X", "batch.size=500000",
            "-X",
            "batch.num.messages=100000", "-X", "queue.buffering.max.messages=1000000",
        ]
        kcat.standardError = FileHandle.nullDevice
        try kcat.run()
        kcat.waitUntilExit()
        guard kcat.terminationStatus == 0 else { return nil }
        var load = try await client.loadBatches(topic, 0, bytesMax: 64 << 20)
        // They begin with the offset of their old place; a producer's begin with 0, and Kafka takes no others.
        for place in load.batches.indices { load.batches[place].setInteger(Int64(0), at: load.batches[place].readerIndex) }
        try await client.deleteTopic(topic)
        return load
    }

    private static func writeLines(_ path: String, _ size: Int) throws {
        var random = Prng(seed: 7)
        let words = (0..<5000).map { _ in (0..<(2 + random.below(9))).map { _ in UInt8(97 + random.below(26)) } + [32] }
        var text = Data()
        while text.count < 16 << 20 {
            var line: [UInt8] = []
            while line.count < size {
                line += random.chance(1, in: 4) ? Array("\(random.below(1_000_000)) ".utf8) : words[random.below(words.count)]
            }
            text.append(contentsOf: line.prefix(size) + [10])
        }
        try text.write(to: URL(fileURLWithPath: path))
    }

    // MARK: latency, idle partitions

    private static func latency(_ table: inout FigureTable, _ mode: Mode, _ directory: String) async throws {
        let brokers = try await brokers(mode, directory + "/latency-" + mode.directory)
        defer { for broker in brokers { broker.stop() } }
        var pairs: [(client: KafkaClient, reader: KafkaClient)] = []
        for broker in brokers {
            pairs.append((try await KafkaClient.connect(broker.server), try await KafkaClient.connect(broker.server)))
            try await makeTopic(pairs[pairs.count - 1].client, "latency", 1)
        }
        var kept = Array(brokers.indices)
        for rate in [1000, 5000] {
            // The first run of each is a warm-up.
            var results: [[KafkaLoadResult]] = Array(repeating: [], count: brokers.count)
            for _ in 0...runs {
                for place in kept {
                    let (client, reader) = pairs[place]
                    results[place].append(
                        try await client.endToEndLoad(
                            "latency", reader: reader, valueBytes: 100, rate: rate, duration: latencyTime, acks: mode.acks))
                }
            }
            func medians(_ value: (KafkaLoadResult) -> Double) -> [Double] { results.map { Figures.median($0.dropFirst().map(value)) } }
            let (middles, tails, rates) = (medians { $0.latency(50) * 1000 }, medians { $0.latency(99) * 1000 }, medians(\.recordRate))
            let texts = brokers.indices.map { place in
                kept.contains(place)
                    ? "\(Figures.text(middles[place])) / \(Figures.text(tails[place])), \(Int(rates[place]))/s reached" : "not measured"
            }
            table.add(
                "end to end at \(rate)/s, \(mode.rawValue) (ms, p50 / p99)", texts[0], peer: texts.count > 1 ? texts[1] : "",
                ratio: kept.count > 1 ? "\(ratio(middles)) / \(ratio(tails))" : "")
            // A broker below half of a rate would take minutes over the next one.
            kept.removeAll { rates[$0] < Double(rate) / 2 }
        }
        for pair in pairs {
            await pair.client.close()
            await pair.reader.close()
        }
    }

    private static func idlePartitions(_ table: inout FigureTable, _ directory: String) async throws {
        let place = directory + "/idle"
        // An existing directory is the start: with Kafka, making a new one is a step of its own.
        for broker in try await brokers(.sync, place) { broker.stop() }
        var brokers = try await brokers(.sync, place)
        add(&table, "start to ready, empty (ms)", brokers.map { Figures.seconds($0.readyAfter) * 1000 })
        for broker in brokers {
            let client = try await KafkaClient.connect(broker.server)
            try await makeTopic(client, "idle", Int(idleCount))
            await client.close()
            broker.stop()
        }
        brokers = try await Self.brokers(.sync, place)
        defer { for broker in brokers { broker.stop() } }
        add(&table, "start to ready, \(idleCount) partitions (ms)", brokers.map { Figures.seconds($0.readyAfter) * 1000 })
        add(&table, "resident memory, \(idleCount) idle partitions (MB)", brokers.map(\.megabytes))
        var rates: [Double] = []
        for broker in brokers {
            let client = try await KafkaClient.connect(broker.server)
            try await makeTopic(client, "busy", 1)
            let load = try KafkaLoadBatches.made(valueBytes: 1024, batchBytes: 256 << 10)
            rates.append(try await client.produceLoad("busy", load, acks: -1, inFlight: inFlight, duration: runTime).byteRate / 1e6)
            await client.close()
        }
        add(&table, "produce, 1024 B, none, beside \(idleCount) idle partitions (MB/s)", rates)
    }
}
