// A full disk under each service that keeps data: writes are refused in clear words and /readyz says so, reads are served, and with room again writes work without a
// restart. The disk is a small tmpfs in a mount namespace of its own; where that is not permitted the test says so and ends.
import Foundation
import TestKit
import Testing

extension OneAtATime {
    @Suite(.serialized) struct FullDiskTests {
        private func recovers(_ service: String) throws {
            let ran = try Ran.client("full_disk.py", [service, PlatformProcess.program])
            if ran.status == 77 { return print("\(service): \(ran.output)") }
            #expect(ran.status == 0, "\(service): \(ran.output) \(ran.errors)")
        }

        @Test func coordRecoversFromAFullDisk() throws { try recovers("coord") }
        @Test func theBrokerRecoversFromAFullDisk() throws { try recovers("broker") }
        @Test func dfsRecoversFromAFullDisk() throws { try recovers("dfs") }
    }
}
