// The broker and clients that we did not write, beyond what every service is tried with: a script for each field, on one running program.
import Foundation
import TestKit
import Testing

extension OneAtATime {
    @Suite(.serialized) struct BrokerClientTests {
        /// Starts a broker with these settings, runs a client's checks, stops it cleanly.
        private func check(_ script: String, settings: [String] = []) throws {
            let platform = try PlatformProcess(["up", "--only", "broker", "--ephemeral", "--ports", "auto"] + settings.flatMap { ["--set", $0] })
            let ran = try Ran.client(script, [try platform.endpoint("broker")])
            #expect(ran.status == 0, "\(script): \(ran.output) \(ran.errors)")
            let end = platform.stop()
            #expect(end.status == 0 && end.took < .seconds(3), "stopped with \(end)")
        }

        @Test func transactionsWorkWithThreeClients() throws { try check("kafka_txn_check.py") }

        @Test func compactedTopicsKeepTheNewestOfEachKey() throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let ran = try Ran.client("kafka_compact_check.py", [PlatformProcess.program, directory])
            #expect(ran.status == 0 && ran.output.contains(" 0 failed"), "\(ran.output) \(ran.errors)")
        }

        @Test func aCopyInTransactionsOutlivesKills() throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let ran = try Ran.client("kafka_txn_kill.py", ["--rounds", "10", PlatformProcess.program, directory])
            #expect(ran.status == 0 && ran.output.contains("10 passed, 0 failed"), "\(ran.output) \(ran.errors)")
        }
    }
}
