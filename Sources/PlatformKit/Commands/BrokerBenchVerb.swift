// `platform broker bench`: a broker's rates of writes and reads over Kafka's protocol, so that another broker can be measured with the same
// words.
import ArgumentParser
import Base
import Clients

extension BrokerCommand {
    struct Bench: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "bench",
            abstract: "Measure producing, consuming and latency from end to end.",
            discussion: """
                Makes a topic of its own, fills it for some seconds, reads it again, and sends single records at a fixed rate; then deletes the topic.

                EXAMPLES
                  platform broker bench
                  platform broker bench --value-bytes 100 --partitions 16 --acks 1 --server 127.0.0.1:9092
                """)
        @Option(name: .long, help: "The topic; it must not exist.") var topic = "platform-bench"
        @Option(name: .long, help: "How many partitions it gets.") var partitions: Int32 = 1
        @Option(name: .long, help: "Bytes of a record's value.") var valueBytes = 1024
        @Option(name: .long, help: "Bytes of a record batch.") var batchBytes = 256 << 10
        @Option(name: .long, help: "Requests under way at a time.") var inFlight = 5
        @Option(name: .long, help: ArgumentHelp("1, or all in-sync replicas.", valueName: "1|all")) var acks = "all"
        @Option(name: .long, help: "How long to produce, and how long to send at the fixed rate.") var seconds = 5
        @Option(name: .long, help: ArgumentHelp("Records a second from end to end; 0 leaves this part out.", valueName: "count")) var rate =
            1000
        @Flag(name: .long, help: "Compress the batches (gzip).") var gzip = false
        @Flag(name: .long, help: "Keep the topic.") var keep = false
        @OptionGroup var server: ServerOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            guard let acks: Int16 = acks == "all" ? -1 : acks == "1" ? 1 : nil else {
                throw CommandFailure(
                    .usage, "--acks \(acks) is not possible", why: "what is measured is when a request is answered",
                    next: "use --acks 1 or --acks all")
            }
            guard (1...(1 << 20)).contains(valueBytes), (1...64).contains(inFlight), (1...3600).contains(seconds),
                (0...100_000).contains(rate), batchBytes <= 1_000_000
            else {
                throw CommandFailure(
                    .usage, "a number is out of range",
                    why:
                        "values have 1 to 1048576 bytes, batches up to 1000000, 1 to 64 requests are under way, for 1 to 3600 seconds, at up to 100000 records a second",
                    next: "for example --value-bytes 1024 --batch-bytes 262144 --in-flight 5 --seconds 5")
            }
            let rows = try await server.withClient("cannot measure") { client in
                try await client.createTopic(topic, partitions: partitions)
                do {
                    let rows = try await measure(client, acks)
                    if !keep { try await client.deleteTopic(topic) }
                    return rows
                } catch {
                    // The first failure says more than a leftover topic.
                    if !keep { try? await client.deleteTopic(topic) }
                    throw error
                }
            }
            Output.rows(["measured", "records/s", "MB/s", "p50 ms", "p99 ms", "p99.9 ms", "largest ms"], rows, output.output)
        }

        private func measure(_ client: KafkaClient, _ acks: Int16) async throws -> [[OutputValue]] {
            let batches = try KafkaLoadBatches.made(valueBytes: valueBytes, batchBytes: batchBytes, gzip: gzip)
            let produced = try await client.produceLoad(topic, batches, acks: acks, inFlight: inFlight, duration: .seconds(seconds))
            let consumed = try await client.consumeLoad(topic)
            var rows = [Self.row("produce, each request", produced), Self.row("consume, each request", consumed)]
            guard rate > 0 else { return rows }
            let reached = try await server.withClient("cannot measure") { reader in
                try await client.endToEndLoad(
                    topic, reader: reader, valueBytes: max(8, valueBytes), rate: rate, duration: .seconds(seconds), acks: acks)
            }
            rows.append(Self.row("end to end, each record", reached))
            return rows
        }

        private static func row(_ name: String, _ result: KafkaLoadResult) -> [OutputValue] {
            func milliseconds(_ percent: Double) -> OutputValue { .decimal(rounded(result.latency(percent) * 1000)) }
            return [
                .text(name), .number(Int64(result.recordRate)), .decimal(rounded(result.byteRate / 1e6)), milliseconds(50),
                milliseconds(99), milliseconds(99.9), milliseconds(100),
            ]
        }

        private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
    }
}
