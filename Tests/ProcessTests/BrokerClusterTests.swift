// Several brokers with clients that we did not write: the same checks as on one, what replicas promise, and faults under load.
import Foundation
import TestKit
import Testing

extension SideBySide.Brokers {
    @Suite(.serialized) struct BrokerClusterTests {
        private func passes(_ script: String, _ arguments: [String] = []) throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let ran = try Ran.client(script, [PlatformProcess.program, directory] + arguments)
            #expect(ran.status == 0, "\(script): \(ran.output) \(ran.errors.suffix(4000))")
        }

        @Test func threeBrokersLoseNothingThroughFaults() throws { try passes("kafka_cluster.py", ["5"]) }
        @Test func replicasKeepTheirPromises() throws { try passes("kafka_replication_check.py") }
        @Test func coordinatorsKnowWhatOthersDid() throws { try passes("kafka_coordinator_check.py") }
        @Test func shareGroupsOutliveTheirLeaders() throws { try passes("kafka_share_faults.py") }
        @Test func brokersSpeakTLSToEachOther() throws { try passes("kafka_peer_tls_check.py") }
        @Test func brokersComeAndGoUnderLoad() throws { try passes("kafka_members_check.py") }

        @Test func aSilentlyCutNetworkLosesNothingAndAcknowledgesNothingTwice() throws {
            let ran = try Ran.client("kafka_network.py", [PlatformProcess.program])
            // It needs root, and says so and ends with 77 without it.
            if ran.status == 77 { return print("kafka_network.py: \(ran.output)") }
            #expect(ran.status == 0, "kafka_network.py: \(ran.output) \(ran.errors.suffix(4000))")
        }

        @Test func clientsWorkOnThreeBrokersAsOnOne() throws {
            let ran = try Ran.client("kafka_compat.py", [PlatformProcess.program, "--servers", "3"])
            #expect(ran.status == 0, "\(ran.output) \(ran.errors.suffix(4000))")
        }

        @Test func theVerbsWorkOnThreeBrokers() throws {
            let platform = try PlatformProcess(["up", "--only", "broker", "--nodes", "3", "--ephemeral", "--ports", "auto"])
            defer { platform.stop() }
            func broker(_ words: String..., at endpoint: String = "broker", input: String? = nil) throws -> String {
                let ran = try Ran.platform(["broker"] + words + ["--server", try platform.endpoint(endpoint)], input: input)
                #expect(ran.status == 0, "\(words): \(ran.errors)")
                return ran.output
            }
            _ = try broker("topic", "create", "events", "--partitions", "6")
            let lines = (0..<60).map { "key\($0):value \($0)\n" }.joined()
            _ = try broker("produce", "events", "--key-separator", ":", at: "broker-2", input: lines)
            #expect(
                try broker("consume", "events", "--from", "beginning", "--until-end", at: "broker-3").split(separator: "\n").count == 60)
            _ = try broker("consume", "events", "--group", "readers", "--until-end", at: "broker-3")
            #expect(try broker("group", "lag", "readers", "-o", "json", at: "broker-2").contains("\"lag\":0"))
            #expect(try broker("topic", "describe", "events", "-o", "json", at: "broker-2").contains("\"in_sync\""))
            // Groups are spread over the brokers; each of these, and every broker's own settings, are found from any of them.
            let names = (0..<12).map { "group-\($0)" }
            for name in names { _ = try broker("group", "reset", name, "--topic", "events", "--to", "end", at: "broker-2") }
            for endpoint in ["broker", "broker-2", "broker-3"] {
                let listed = try broker("group", "list", at: endpoint).split(separator: "\n").dropFirst().map { $0.prefix { $0 != " " } }
                #expect(listed == (names + ["readers"]).sorted().map { $0[...] }, "\(endpoint)")
                for number in ["1", "2", "3"] {
                    #expect(
                        try broker("config", "--broker", number, "-o", "json", at: endpoint).contains(
                            "\"broker.id\",\"value\":\"\(number)\""))
                }
            }
            _ = try broker("group", "reset", "readers", "--topic", "events", "--to", "beginning")
            _ = try broker("group", "delete", "readers", at: "broker-3")
            _ = try broker("topic", "delete", "events")
        }
    }
}
