// Coord, broker and dfs together: the holder of the leader lock publishes the flights, keyed by carrier; a consumer group drains the topic
// into files, half by one member, the rest by its successor from the first one's committed offset.
import Base
import Clients
import Foundation
import NetKit

enum PipelineDemo: DemoPart {
    static let name = "pipeline"
    static let summary = "a leader publishes flights to a topic; a consumer group drains it into files"
    static let directory = "/flights"
    private static let topic = "flights"
    private static let group = "archive"
    private static let partitions: Int32 = 4

    static func run(_ stage: DemoStage) async throws {
        let leader = try await ZooKeeperClient.connect(stage.coord)
        let second = try await ZooKeeperClient.connect(stage.coord)
        let broker = try await KafkaClient.connect(stage.broker)
        do {
            try await elect(leader, second, stage)
            try await archive(broker, stage)
            try await succeed(leader, second, stage)
        } catch {
            await close(leader, second, broker)
            throw error
        }
        await close(leader, second, broker)
    }

    private static func close(_ leader: ZooKeeperClient, _ second: ZooKeeperClient, _ broker: KafkaClient) async {
        await leader.close()
        await second.close()
        await broker.close()
    }

    /// The lowest sequence number leads; both candidates are ephemeral.
    private static func elect(_ leader: ZooKeeperClient, _ second: ZooKeeperClient, _ stage: DemoStage) async throws {
        try await stage.step("coord: take the leader lock") {
            _ = try await leader.create("/producers", Bytes())
            let mine = try await leader.create("/producers/candidate-", Bytes(string: "first"), mode: [.ephemeral, .sequential])
            let other = try await second.create("/producers/candidate-", Bytes(string: "second"), mode: [.ephemeral, .sequential])
            let lowest = try await leader.children("/producers").min().map { "/producers/" + $0 }
            try DemoStage.check("who leads", lowest, equals: mine)
            return .init(rows: 2, bytes: mine.utf8.count + other.utf8.count, remark: "\(mine) leads, the other waits")
        }
    }

    /// When the leader's session ends, its node goes and the other one leads.
    private static func succeed(_ leader: ZooKeeperClient, _ second: ZooKeeperClient, _ stage: DemoStage) async throws {
        try await stage.step("coord: the leader leaves, the other takes over") {
            await leader.close()
            let left = try await second.children("/producers")
            try DemoStage.check("candidates after the leader left", left.count, equals: 1)
            return .init(rows: 1, bytes: left[0].utf8.count, remark: left[0])
        }
    }

    /// Each half is published, read and committed before the next, so that the second member must begin where the first one stopped.
    private static func archive(_ broker: KafkaClient, _ stage: DemoStage) async throws {
        try await broker.createTopic(topic, partitions: partitions)
        let lines = stage.flights.lines
        let middle = lines.count / 2
        var texts: [Int32: String] = [:]
        var rows = 0
        for (member, half) in [("first", lines[..<middle]), ("second", lines[middle...])] {
            try await stage.step("broker: publish half, keyed by carrier") { try await publish(Array(half), broker) }
            try await stage.step("broker: the \(member) member reads and commits") {
                let before = rows
                let bytes = try await read(broker, until: before + half.count, &rows, &texts)
                return .init(rows: rows - before, bytes: bytes, remark: "group '\(group)' stands at \(rows)")
            }
        }
        try DemoStage.check("consumed records", rows, equals: lines.count)
        try await write(texts, rows, stage)
    }

    private static func publish(_ lines: [String], _ broker: KafkaClient) async throws -> DemoStage.Done {
        let now = SystemTime().wallTime().milliseconds
        let records = lines.map { OutgoingRecord(key: Bytes(string: FlightRecords.carrier($0)), value: Bytes(string: $0), timestamp: now) }
        let batches = try await broker.produce(topic, records)
        try DemoStage.check("published records", batches.reduce(0) { $0 + $1.count }, equals: lines.count)
        return .init(
            rows: records.count, bytes: records.reduce(0) { $0 + ($1.value?.readableBytes ?? 0) },
            remark: "\(partitions) partitions, on disk before the answer")
    }

    private static func write(_ texts: [Int32: String], _ rows: Int, _ stage: DemoStage) async throws {
        try await stage.step("dfs: write a file for each partition") {
            var bytes = 0
            for (partition, text) in texts.sorted(by: { $0.key < $1.key }) {
                let body = Bytes(string: stage.flights.header + "\n" + text)
                bytes += body.readableBytes
                try await stage.dfs.create("\(directory)/part-0000\(partition).csv", overwrite: false, body: .bytes(body))
            }
            let summary = try await stage.dfs.contentSummary(directory)
            try DemoStage.check("bytes in dfs", summary.length, equals: Int64(bytes))
            return .init(rows: rows, bytes: bytes, remark: "\(summary.fileCount) files under \(directory)")
        }
    }

    /// One member's turn; commits its records before it leaves.
    private static func read(_ broker: KafkaClient, until goal: Int, _ rows: inout Int, _ texts: inout [Int32: String]) async throws -> Int
    {
        let reader = try await broker.join(group: group, topic: topic)
        var bytes = 0
        var emptyRounds = 0
        while rows < goal {
            let records = try await reader.next()
            emptyRounds = records.isEmpty ? emptyRounds + 1 : 0
            guard emptyRounds < 40 else {
                throw CommandFailure(
                    .timeout, "the topic ran dry", why: "\(rows) of \(goal) records came",
                    next: "this is a defect of the platform; please report it")
            }
            for record in records {
                guard let value = record.record.value else { continue }
                rows += 1
                bytes += value.readableBytes
                texts[record.partition, default: ""] += value.text + "\n"
            }
        }
        guard try await reader.commit() else {
            throw CommandFailure(
                .failed, "the group did not take the commit", why: "it has moved on",
                next: "this is a defect of the platform; please report it")
        }
        try await reader.leave()
        return bytes
    }
}
