// Three coord servers as processes, under load, with real faults.
import Foundation
import TestKit
import Testing

extension OneAtATime {
    @Suite(.serialized) struct CoordEnsembleTests {
        @Test func anEnsembleWithstandsHostilePeers() throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let ran = try Ran.client("coord_peer_fuzz.py", [PlatformProcess.program, directory])
            #expect(ran.status == 0, "\(ran.output) \(ran.errors.suffix(4000))")
        }

        @Test func anEnsembleLosesNothingThroughFaults() throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let ran = try Ran.client("coord_ensemble.py", [PlatformProcess.program, directory, "5"])
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }
    }
}
