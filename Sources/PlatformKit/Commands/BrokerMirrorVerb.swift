// `platform broker mirror`: copies topics to another cluster, ours or a real Kafka.
import ArgumentParser
import Base
import Clients
import NetKit

extension BrokerCommand {
    struct Mirror: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "mirror",
            abstract: "Copy topics to another cluster.",
            discussion: """
                Partitions, keys, values, headers and times stay what they are; records of aborted transactions stay behind. Where the copy stands is kept in the source,
                as offsets of the group that --group names: the next run goes on there. A run that is killed may send again what it sent last.

                EXAMPLES
                  platform broker mirror events audit --to 10.0.0.5:9092
                  platform broker mirror 'team-*' --to 127.0.0.1:9093 --follow
                  platform broker mirror events --to kafka.example:9093 --to-tls --to-user copier --to-password-file copier.txt
                """)
        /// The other cluster, and its user.
        struct TargetOptions: ParsableArguments {
            @Option(name: .long, help: ArgumentHelp("A broker of the other cluster.", valueName: "host:port")) var to: String
            @Option(name: .long, help: ArgumentHelp("Log in there as this user.", valueName: "name")) var toUser: String?
            @Option(name: .long, help: ArgumentHelp("The file whose first line is that user's password.", valueName: "path"))
            var toPasswordFile: String?
            @Flag(name: .long, help: "Speak TLS there; the certificate must come from an authority that the system trusts.") var toTls =
                false
            @Option(
                name: .long,
                help: ArgumentHelp("Speak TLS there; the certificate must come from an authority in this PEM file.", valueName: "file"))
            var toTlsCa: String?

            func connect() async throws -> KafkaClient {
                let user = try toUser.map { name throws(CommandFailure) in
                    KafkaUser(name: name, password: try PasswordFile.read(toPasswordFile ?? "", setting: "--to-password-file"))
                }
                var tls: TLSTrust?
                if toTls || toTlsCa != nil {
                    let trust = TLSTrust(roots: toTlsCa.map { .authorities(file: $0) } ?? .system)
                    do { try trust.check() } catch {
                        throw CommandFailure(
                            .usage, "the TLS file cannot be used", why: error.description,
                            next: "name a PEM file that exists with --to-tls-ca")
                    }
                    tls = trust
                }
                return try await KafkaClient.connect(try serverAddress(to, defaultPort: 9092), user: user, tls: tls)
            }
        }

        @Argument(help: "Topics to copy; * stands for any text.") var topics: [String]
        @OptionGroup var other: TargetOptions
        @Option(name: .long, help: "The group whose offsets say where the copy stands.") var group = "platform-mirror"
        @Flag(name: .long, help: "Go on with what comes, until it is stopped; otherwise it ends where the topics end now.") var follow =
            false
        @OptionGroup var server: ServerOptions
        @OptionGroup var output: OutputOptions

        /// With --follow, rounds between two looks for new topics.
        private static var roundsPerLook: Int { 20 }

        func run() async throws {
            let other = other
            let copied = try await server.withClient("cannot copy") { source in
                let target = try await other.connect()
                do {
                    let copied = try await copy(source, target)
                    await target.close()
                    return copied
                } catch {
                    await target.close()
                    throw error
                }
            }
            for topic in copied where !topic.settingsLeftOut.isEmpty {
                Output.note("\(topic.name): the other cluster does not take \(topic.settingsLeftOut.joined(separator: ", "))")
            }
            Output.rows(
                ["topic", "partitions", "records"],
                copied.map { [.text($0.name), .number(Int64($0.partitions)), .number(Int64($0.records))] }, output.output)
        }

        private func copy(_ source: KafkaClient, _ target: KafkaClient) async throws -> [MirroredTopic] {
            guard try await !source.isOfOneCluster(with: target) else {
                throw CommandFailure(
                    .usage, "cannot copy to \(other.to)",
                    why: "it is a broker of the cluster that is copied, and every topic would be copied onto itself",
                    next: "name another cluster with --to")
            }
            var mirror = KafkaMirror(from: source, to: target, group: group)
            var rounds = 0
            repeat {
                if rounds % Self.roundsPerLook == 0 { try await takeOn(&mirror, source) }
                rounds += 1
                try await mirror.round()
            } while follow || !mirror.isCaughtUp
            return mirror.progress
        }

        private func takeOn(_ mirror: inout KafkaMirror, _ source: KafkaClient) async throws {
            let known = Set(mirror.progress.map(\.name))
            let names = try await source.cluster().topics.map(\.name)
            for pattern in topics where !pattern.contains("*") && !names.contains(pattern) {
                // Its error names the cause: a missing topic, or a missing right to see it.
                _ = try await source.topic(pattern)
            }
            for name in names where !known.contains(name) && !name.hasPrefix("__") {
                if topics.contains(where: { Self.matches(name[...], $0[...]) }) { try await mirror.add(name) }
            }
        }

        /// Whether a name fits a pattern in which * stands for any text.
        static func matches(_ name: Substring, _ pattern: Substring) -> Bool {
            let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
            guard parts.count > 1 else { return name == pattern }
            guard name.hasPrefix(parts[0]), name.dropFirst(parts[0].count).hasSuffix(parts[parts.count - 1]) else { return false }
            var rest = name.dropFirst(parts[0].count).dropLast(parts[parts.count - 1].count)
            for part in parts[1..<(parts.count - 1)] where !part.isEmpty {
                guard let found = rest.firstRange(of: part) else { return false }
                rest = rest[found.upperBound...]
            }
            return true
        }
    }
}
