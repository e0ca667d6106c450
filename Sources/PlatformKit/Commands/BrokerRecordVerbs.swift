// `platform broker produce` and `consume`: lines become records and records become lines, so that a shell can speak Kafka.
import ArgumentParser
import Base
import Clients
import Foundation
import NetKit

extension BrokerCommand {
    struct Produce: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send each line of stdin as a record.",
            discussion: "EXAMPLES\n  echo hello | platform broker produce greetings --create\n  platform broker produce events --key-separator : < events.txt")
        @Argument(help: "The topic.") var topic: String
        @Option(name: .long, help: "Take what stands before this text as the record's key.") var keySeparator: String?
        @Option(name: .long, help: "Send everything to this partition.") var partition: Int32?
        @Flag(name: .long, help: "Make the topic if it is missing.") var create = false
        @OptionGroup var server: ServerOptions

        /// Lines that are sent together.
        private static var linesPerSend: Int { 10_000 }

        func run() async throws {
            let count = try await server.withClient("cannot produce to \(topic)") { client in
                if create { try await makeIfMissing(client) }
                var pending: [OutgoingRecord] = []
                var sent = 0
                try await LocalFile.open("-").forEachLine { line in
                    pending.append(record(line))
                    guard pending.count >= Self.linesPerSend else { return }
                    sent += try await client.produce(topic, pending).reduce(0) { $0 + $1.count }
                    pending = []
                }
                if !pending.isEmpty { sent += try await client.produce(topic, pending).reduce(0) { $0 + $1.count } }
                return sent
            }
            Output.note("\(count) records sent to \(topic)")
        }

        private func makeIfMissing(_ client: KafkaClient) async throws {
            if try await client.cluster().topics.contains(where: { $0.name == topic }) { return }
            try await client.createTopic(topic)
        }

        /// The line's bytes as they are; they need not be text.
        private func record(_ line: Bytes) -> OutgoingRecord {
            let now = SystemTime().wallTime().milliseconds
            guard let keySeparator, !keySeparator.isEmpty, let split = line.array.firstRange(of: Array(keySeparator.utf8)) else {
                return OutgoingRecord(value: line, timestamp: now, partition: partition)
            }
            let bytes = line.array
            return OutgoingRecord(key: Bytes(bytes: bytes[..<split.lowerBound]), value: Bytes(bytes: bytes[split.upperBound...]), timestamp: now, partition: partition)
        }
    }

    struct Consume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the records of a topic, a line each.",
            discussion: """
                Without --group every partition is read; with it the group's members share them, and what was printed is committed.

                EXAMPLES
                  platform broker consume events --from beginning --until-end
                  platform broker consume events --group reports
                  platform broker consume events -o json | head
                """)
        @Argument(help: "The topic.") var topic: String
        @Option(name: .long, help: "beginning, end, or an offset; end if left out. A group knows its own place.") var from: String?
        @Option(name: .long, help: "Read as a member of this group, from where it had come to.") var group: String?
        @Option(name: .long, help: "Stop after this many records; a member of a group finishes what it has fetched.") var count: Int?
        @Flag(name: .long, help: "Stop at the end of what is there now.") var untilEnd = false
        @Option(name: .long, help: "Print the key and this text before the value.") var keySeparator: String?
        @OptionGroup var server: ServerOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            guard group == nil || from == nil else {
                throw CommandFailure(.usage, "--from and --group do not go together", why: "a group goes on where it had come to, and begins at the beginning", next: "leave one of them out")
            }
            try await server.withClient("cannot consume \(topic)") { client in
                if let group { try await consume(client, as: group) } else { try await consume(client) }
            }
        }

        private func consume(_ client: KafkaClient) async throws {
            var offsets: [Int32: Int64] = [:]
            var ends: [Int32: Int64] = [:]
            for partition in try await client.topic(topic).partitions.map(\.number) {
                offsets[partition] = try await start(client, partition)
                if untilEnd { ends[partition] = try await client.offset(of: topic, partition, at: KafkaClient.latest) ?? 0 }
            }
            var printed = 0
            while !(untilEnd && offsets.allSatisfy { $0.value >= ends[$0.key] ?? 0 }) {
                let (records, next) = try await client.fetch(topic, from: offsets)
                offsets = next
                for record in records {
                    show(record)
                    printed += 1
                    if printed == count { return }
                }
            }
        }

        private func start(_ client: KafkaClient, _ partition: Int32) async throws -> Int64 {
            let from = from ?? "end"
            switch from {
            case "beginning": return try await client.offset(of: topic, partition, at: KafkaClient.earliest) ?? 0
            case "end": return try await client.offset(of: topic, partition, at: KafkaClient.latest) ?? 0
            default:
                guard let offset = Int64(from), offset >= 0 else {
                    throw CommandFailure(.usage, "--from \(from) is no place in a topic", why: "it must be beginning, end or an offset", next: "for example --from beginning")
                }
                return offset
            }
        }

        private func consume(_ client: KafkaClient, as group: String) async throws {
            let reader = try await client.join(group: group, topic: topic)
            var printed = 0
            var isDone = false
            while !isDone {
                let records = try await reader.next()
                for record in records { show(record) }
                printed += records.count
                if !records.isEmpty { _ = try await reader.commit() }
                isDone = count.map { printed >= $0 } ?? false
                if untilEnd, records.isEmpty, !(await reader.partitions.isEmpty) { isDone = true }
            }
            try await reader.leave()
        }

        private func show(_ one: ConsumedRecord) {
            let record = one.record
            switch output.output {
            case .table:
                var line = keySeparator.map { (record.key ?? Bytes()).array + Array($0.utf8) } ?? []
                line += (record.value ?? Bytes()).array + [UInt8(ascii: "\n")]
                Output.raw(Bytes(bytes: line))
            case .json:
                Output.fields(
                    [
                        ("partition", .number(Int64(one.partition))), ("offset", .number(record.offset)), ("timestamp", .number(record.timestamp)),
                    ] + Self.field("key", record.key) + Self.field("value", record.value), .json)
            }
        }

        /// Text as it is; other bytes as base64 under a name that says so.
        private static func field(_ name: String, _ bytes: Bytes?) -> [(String, OutputValue)] {
            guard let bytes else { return [(name, .null)] }
            if let text = String(validating: bytes.readableBytesView, as: UTF8.self) { return [(name, .text(text))] }
            return [(name, .null), (name + "Base64", .text(Data(bytes.readableBytesView).base64EncodedString()))]
        }
    }
}
