// Three coord servers as processes, under load, with real faults.
import Foundation
import TestKit
import Testing

extension SideBySide.Others {
    @Suite(.serialized) struct CoordEnsembleTests {
        private func passes(_ script: String, _ arguments: [String] = []) throws {
            let directory = try PlatformProcess.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
            let ran = try Ran.client(script, [PlatformProcess.program, directory] + arguments)
            #expect(ran.status == 0, "\(script): \(ran.output) \(ran.errors.suffix(4000))")
        }

        @Test func anEnsembleLosesNothingThroughFaults() throws { try passes("coord_ensemble.py", ["5"]) }
        @Test func damagedTablesHealAndLoseNothing() throws { try passes("coord_heal.py") }
        @Test func theMembersOfAnEnsembleChangeUnderLoad() throws { try passes("coord_reconfig.py") }
        @Test func sessionsMayBeginAsOnesThatOnlyTheirServerKnows() throws { try passes("coord_local_sessions.py") }
        @Test func anEnsembleWithstandsHostilePeers() throws { try passes("coord_peer_fuzz.py") }
        @Test func zooKeepersCClientOutlivesTheLossOfItsServer() throws { try passes("zk_c_check.py") }

        /// Scripts that need root, and say so and end with 77 without it.
        private func passesOrIsSkipped(_ script: String) throws {
            let ran = try Ran.client(script, [PlatformProcess.program])
            if ran.status == 77 { return print("\(script): \(ran.output)") }
            #expect(ran.status == 0, "\(script): \(ran.output) \(ran.errors.suffix(4000))")
        }

        @Test func aSilentlyCutNetworkLosesNothingAndServesNothingStale() throws { try passesOrIsSkipped("coord_network.py") }
        @Test func anEnsembleRecoversFromFullDisks() throws { try passesOrIsSkipped("coord_full_disk.py") }
        @Test func whoChangedWhatIsToldAsZooKeeperTellsIt() throws { try passes("coord_operations.py") }
        @Test func locksElectionsBarriersAndQueuesOutliveTheLossOfTheLeader() throws { try passes("coord_recipes.py") }
    }
}
