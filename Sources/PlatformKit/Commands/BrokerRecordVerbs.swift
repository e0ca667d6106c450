// `platform broker produce` and `consume`: lines become records and records become lines, so that a shell can speak Kafka.
import ArgumentParser
import Base
import Clients
import Foundation
import NetKit

extension BrokerCommand {
    struct Produce: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "produce",
            abstract: "Send each line of stdin, or of files, as a record.",
            discussion:
                "EXAMPLES\n  echo hello | platform broker produce greetings --create\n  platform broker produce events --key-separator : < events.txt\n  platform broker produce events --file day1.txt --file day2.txt --header source=import --rate 500"
        )
        @Argument(help: "The topic.") var topic: String
        @Option(name: .long, help: "Take what stands before this text as the record's key.") var keySeparator: String?
        @Option(name: .long, help: "Send everything to this partition.") var partition: Int32?
        @Flag(name: .long, help: "Make the topic if it is missing.") var create = false
        @Option(name: .long, help: ArgumentHelp("Read lines from this file instead of stdin; may be repeated.", valueName: "path"))
        var file: [String] = []
        @Option(name: .long, help: ArgumentHelp("A header of every record; may be repeated.", valueName: "name=value")) var header:
            [String] = []
        @Option(name: .long, help: ArgumentHelp("At most this many records a second.", valueName: "count")) var rate: Int?
        @Flag(name: .long, help: "Compress the batches (gzip).") var gzip = false
        @OptionGroup var server: ServerOptions

        /// Limit of the lines of one send.
        private static var linesPerSendMax: Int { 10_000 }
        /// Sends per second with a rate.
        private static var sendsPerSecond: Int { 10 }

        func run() async throws {
            if let rate, rate < 1 {
                throw CommandFailure(
                    .usage, "--rate \(rate) is not possible", why: "at least one record a second has to go", next: "for example --rate 100")
            }
            let headers = try parsedHeaders()
            let count = try await server.withClient("cannot produce to \(topic)") { client in
                if create { try await makeIfMissing(client) }
                var pacer = Pacer(rate: rate)
                let linesPerSend = rate.map { max(1, $0 / Self.sendsPerSecond) } ?? Self.linesPerSendMax
                var pending: [OutgoingRecord] = []
                var sent = 0
                for path in file.isEmpty ? ["-"] : file {
                    try await LocalFile.open(path).forEachLine { line in
                        pending.append(record(line, headers))
                        guard pending.count >= linesPerSend else { return }
                        sent += try await send(client, pending, &pacer)
                        pending = []
                    }
                }
                if !pending.isEmpty { sent += try await send(client, pending, &pacer) }
                return sent
            }
            Output.note("\(count) record\(count == 1 ? "" : "s") sent to \(topic)")
        }

        private func send(_ client: KafkaClient, _ records: [OutgoingRecord], _ pacer: inout Pacer) async throws -> Int {
            try await pacer.wait(for: records.count)
            return try await client.produce(topic, records, gzip: gzip).reduce(0) { $0 + $1.count }
        }

        private func parsedHeaders() throws(CommandFailure) -> [(name: String, value: Bytes?)] {
            try header.map { text throws(CommandFailure) in
                guard let equals = text.firstIndex(of: "=") else {
                    throw CommandFailure(
                        .usage, "--header \(text) has no value", why: "it needs the form name=value",
                        next: "for example --header source=import")
                }
                return (String(text[..<equals]), Bytes(string: String(text[text.index(after: equals)...])))
            }
        }

        private func makeIfMissing(_ client: KafkaClient) async throws {
            if try await client.cluster().topics.contains(where: { $0.name == topic }) { return }
            try await client.createTopic(topic)
        }

        /// The line's bytes as they are, text or not.
        private func record(_ line: Bytes, _ headers: [(name: String, value: Bytes?)]) -> OutgoingRecord {
            let now = SystemTime().wallTime().milliseconds
            guard let keySeparator, !keySeparator.isEmpty, let split = line.array.firstRange(of: Array(keySeparator.utf8)) else {
                return OutgoingRecord(value: line, headers: headers, timestamp: now, partition: partition)
            }
            let bytes = line.array
            return OutgoingRecord(
                key: Bytes(bytes: bytes[..<split.lowerBound]), value: Bytes(bytes: bytes[split.upperBound...]), headers: headers,
                timestamp: now, partition: partition)
        }
    }

    struct Consume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "consume",
            abstract: "Print the records of a topic, a line each.",
            discussion: """
                Without --group every partition is read; with it the group's members share them, and what was printed is committed.

                EXAMPLES
                  platform broker consume events --from beginning --until-end
                  platform broker consume events --from -10 --until-end
                  platform broker consume events --from 2026-01-31T12:00:00 --partition 2
                  platform broker consume events --group reports
                  platform broker consume events -o json | head
                """)
        @Argument(help: "The topic.") var topic: String
        @Option(
            name: .long, parsing: .unconditional,
            help: ArgumentHelp(
                "beginning, end, an offset, -N for the last N of each partition, or a time in UTC; end if left out. A group knows its own place.",
                valueName: "place"))
        var from: String?
        @Option(name: .long, help: "Read this partition only.") var partition: Int32?
        @Option(name: .long, help: "Read as a member of this group, from where it had come to.") var group: String?
        @Option(name: .long, help: "Stop after this many records; a member of a group finishes what it has fetched.") var count: Int?
        @Flag(name: .long, help: "Stop at the end of what is there now.") var untilEnd = false
        @Option(name: .long, help: "Print the key and this text before the value.") var keySeparator: String?
        @OptionGroup var server: ServerOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            guard group == nil || (from == nil && partition == nil) else {
                throw CommandFailure(
                    .usage, "--from and --partition do not go with --group",
                    why: "a group goes on where it had come to, begins at the beginning, and shares the partitions",
                    next: "leave --group out, or let the group go on from elsewhere: `platform broker group reset`")
            }
            if let count, count < 1 {
                throw CommandFailure(
                    .usage, "--count \(count) is not possible", why: "at least one record is read", next: "for example --count 10")
            }
            try await server.withClient("cannot consume \(topic)") { client in
                if let group { try await consume(client, as: group) } else { try await consume(client) }
            }
        }

        private func consume(_ client: KafkaClient) async throws {
            var offsets: [Int32: Int64] = [:]
            var ends: [Int32: Int64] = [:]
            let place = try ReadingPlace(from ?? "end", flag: "--from")
            let known = try await client.topic(topic).partitions.map(\.number)
            if let partition, !known.contains(partition) {
                throw KafkaFailure.unknownPartition(partition, topic: topic, count: known.count)
            }
            for partition in known where self.partition == nil || self.partition == partition {
                offsets[partition] = try await place.offset(client, topic, partition, from: nil)
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
                        ("partition", .number(Int64(one.partition))), ("offset", .number(record.offset)),
                        ("timestamp", .number(record.timestamp)),
                    ] + Self.field("key", record.key) + Self.field("value", record.value)
                        + record.headers.flatMap { Self.field("header." + $0.name, $0.value) }, .json)
            }
        }

        /// Text as it is; other bytes as base64 under a name of their own.
        private static func field(_ name: String, _ bytes: Bytes?) -> [(String, OutputValue)] {
            guard let bytes else { return [(name, .null)] }
            if let text = String(validating: bytes.readableBytesView, as: UTF8.self) { return [(name, .text(text))] }
            return [(name, .null), (name + "Base64", .text(Data(bytes.readableBytesView).base64EncodedString()))]
        }
    }
}

/// Limits a stream of records to a rate.
private struct Pacer {
    private let rate: Int?
    private let began = ContinuousClock.now
    private var count = 0

    init(rate: Int?) { self.rate = rate }

    /// Returns when `more` further records may go.
    mutating func wait(for more: Int) async throws {
        guard let rate else { return }
        try await Task.sleep(until: began + .milliseconds(count * 1000 / rate), clock: .continuous)
        count += more
    }
}
