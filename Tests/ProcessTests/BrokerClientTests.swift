// The broker and clients that we did not write, beyond what every service is tried with: a script for each field, on one running program.
import Foundation
import TestKit
import Testing

extension SideBySide.Brokers {
    @Suite(.serialized) struct BrokerClientTests {
        /// Starts a broker with these settings, runs a client's checks, stops it cleanly.
        private func check(_ script: String, settings: [String] = []) throws {
            let platform = try PlatformProcess(
                ["up", "--only", "broker", "--ephemeral", "--ports", "auto"] + settings.flatMap { ["--set", $0] })
            let ran = try Ran.client(script, [try platform.endpoint("broker")])
            #expect(ran.status == 0, "\(script): \(ran.output) \(ran.errors)")
            let end = platform.stop()
            #expect(end.status == 0 && end.took < .seconds(3), "stopped with \(end)")
        }

        @Test func transactionsWorkWithThreeClients() throws { try check("kafka_txn_check.py") }

        @Test func sessionsOfFetchesTellWhatIsNew() throws {
            let platform = try PlatformProcess(["up", "--only", "broker", "--ephemeral", "--ports", "auto"])
            defer { platform.stop() }
            let ran = try Ran.client("kafka_sessions_check.py", [try platform.endpoint("broker"), "\(platform.pid)"])
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        @Test func whatIsUnusualOrWrongIsAnsweredRight() throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let ran = try Ran.client("kafka_strange_check.py", [PlatformProcess.program, directory])
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        @Test func topicsAreSyncedAsTheyAsk() throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let ran = try Ran.client("kafka_flush_check.py", [PlatformProcess.program, directory])
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        @Test func whatLiesOnTheDiskIsReadWhole() throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let ran = try Ran.client("kafka_disk_check.py", [PlatformProcess.program, directory])
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        @Test func topicsAreCopiedToAnotherBroker() throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let ran = try Ran.client("kafka_mirror_check.py", [PlatformProcess.program, directory])
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        @Test func consumersShareThePartitionsOfAGroup() throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let ran = try Ran.client("kafka_share_check.py", [PlatformProcess.program, directory])
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        @Test func recordsAndSyncsNeedNoDescriptor() throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let ran = try Ran.client("kafka_descriptors_check.py", [PlatformProcess.program, directory])
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        @Test func groupsStayWhenTheirMembersHaveGone() throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let ran = try Ran.client("kafka_empty_groups_check.py", [PlatformProcess.program, directory])
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        @Test func clientsAreHeldToTheirLimits() throws { try check("kafka_quota_check.py") }

        @Test func administrationWorksWithTwoClients() throws { try check("kafka_admin_check.py") }

        @Test func topicsAreNamedByID() throws { try check("kafka_ids_check.py") }

        @Test func groupsThatTheBrokerAssignsWork() throws { try check("kafka_groups_check.py") }
        @Test func aiokafkaAndConfluentKafkaWork() throws {
            try check("kafka_aio_check.py", settings: ["broker.session-timeout-min.ms=1000"])
        }

        @Test func onlyWhoMayIsServed() throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let ran = try Ran.client("kafka_security_check.py", [PlatformProcess.program, directory])
            #expect(ran.status == 0 && ran.output.contains(" 0 failed"), "\(ran.output) \(ran.errors)")
        }

        @Test func theVerbsAlterResetAndLookIntoLogs() throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let platform = try PlatformProcess(["up", "--only", "broker", "--data-dir", directory, "--ports", "auto"])
            defer { platform.stop() }
            let server = ["--server", try platform.endpoint("broker")]
            func broker(_ words: String..., input: String? = nil) throws -> String {
                let ran = try Ran.platform(["broker"] + words + server, input: input)
                #expect(ran.status == 0, "\(words): \(ran.errors)")
                return ran.output
            }
            _ = try broker("topic", "create", "events", "--partitions", "2")
            _ = try broker("produce", "events", "--key-separator", ":", "--header", "from=test", "--gzip", input: "a:1\nb:2\nc:3\n")
            #expect(try broker("consume", "events", "--from", "-1", "--until-end", "-o", "json").contains("\"header.from\":\"test\""))
            #expect(try broker("consume", "events", "--from", "2020-01-01T00:00:00", "--until-end").split(separator: "\n").count == 3)
            _ = try broker("consume", "events", "--group", "readers", "--until-end")
            #expect(try broker("group", "lag", "readers", "-o", "json").contains("\"lag\":0"))
            _ = try broker("group", "reset", "readers", "--topic", "events", "--to", "beginning", "--dry-run")
            #expect(try broker("group", "lag", "readers", "-o", "json").contains("\"lag\":0"))
            _ = try broker("group", "reset", "readers", "--topic", "events", "--to", "beginning")
            #expect(try broker("group", "lag", "readers", "-o", "json").contains("\"lag\":3"))
            _ = try broker("group", "delete", "readers")
            _ = try broker("topic", "alter", "events", "--set", "retention.ms=12345")
            #expect(try broker("topic", "describe", "events", "--settings").contains("12345"))
            _ = try broker("config", "--set", "num.partitions=3")
            #expect(try broker("config", "-o", "json").contains("{\"setting\":\"num.partitions\",\"value\":\"3\",\"origin\":\"altered\""))
            #expect(try Ran.platform(["broker", "log", "verify", directory + "/broker/topics"]).output.contains("none is damaged"))
            try "no record batch".write(toFile: directory + "/notes.log", atomically: false, encoding: .utf8)
            let notes = try Ran.platform(["broker", "log", "verify", directory + "/notes.log"])
            #expect(notes.status == 65 && notes.errors.contains("does not begin with a whole record batch"))
            #expect(try broker("txn", "list", "-o", "json") == "[]\n")
            _ = try broker(
                "quota", "set", "--for-user", "alice", "--default-client", "--produce-rate", "1000", "--request-percentage", "7.5")
            #expect(
                try broker("quota", "list", "-o", "json").contains(
                    "\"user\":\"alice\",\"client\":\"<default>\",\"address\":null,\"limit\":\"producer_byte_rate\",\"value\":\"1000.0\""))
            _ = try broker("quota", "remove", "--for-user", "alice", "--default-client")
            #expect(try broker("quota", "list", "-o", "json") == "[]\n")
        }

        @Test func compactedTopicsKeepTheNewestOfEachKey() throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let ran = try Ran.client("kafka_compact_check.py", [PlatformProcess.program, directory])
            #expect(ran.status == 0 && ran.output.contains(" 0 failed"), "\(ran.output) \(ran.errors)")
        }

        @Test(arguments: ["1", "3"]) func anAdministratorEndsATransactionThatHangs(_ brokers: String) throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let ran = try Ran.client("kafka_hanging_check.py", [PlatformProcess.program, directory, "--servers", brokers])
            #expect(ran.status == 0 && ran.output.contains(" 0 failed"), "\(ran.output) \(ran.errors)")
        }

        @Test func aCopyInTransactionsOutlivesKills() throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let rounds = TestTier.rounds(4, all: 10)
            let ran = try Ran.client("kafka_txn_kill.py", ["--rounds", "\(rounds)", PlatformProcess.program, directory])
            #expect(ran.status == 0 && ran.output.contains("\(rounds) passed, 0 failed"), "\(ran.output) \(ran.errors)")
        }
    }
}
