// kill -9, again and again for each service, under load from clients that we did not write: nothing acknowledged may be lost. The scripts say
// what they check; seeds are printed by them, and a failing one is run again with the seed as its last argument.
import Foundation
import TestKit
import Testing

extension SideBySide.Others {
    @Suite(.serialized) struct KillTests {
        private static var rounds: Int { TestTier.rounds(6, all: 20) }

        private func survives(_ script: String) throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let ran = try Ran.client(script, [PlatformProcess.program, directory, "\(Self.rounds)", "\(TestTier.seed())"])
            #expect(ran.status == 0, "\(script): \(ran.output) \(ran.errors)")
            #expect(ran.output.contains(" 0 failed"), "\(script): \(ran.output) \(ran.errors)")
        }

        @Test func coordLosesNothingAcknowledged() throws { try survives("coord_kill.py") }
        @Test func theBrokerLosesNothingAcknowledged() throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let server = [PlatformProcess.program, "up", "--only", "broker", "--data-dir", directory, "--ports", "auto"]
            let ran = try Ran.client("kafka_kill.py", ["--rounds", "\(Self.rounds)", "--"] + server)
            #expect(ran.status == 0 && ran.output.contains("\(Self.rounds) passed, 0 failed"), "\(ran.output) \(ran.errors)")
        }

        @Test func dfsLosesNothingAcknowledged() throws { try survives("dfs_kill.py") }
        @Test func computeAcknowledgesOnlyWhatIsWhole() throws { try survives("compute_kill.py") }
    }
}
