// Clients that mean harm, and requests that are merely unusual, against the real program: what they can take, and that nothing they ask ends it or is told in two ways.
import Foundation
import TestKit
import Testing

extension OneAtATime {
    @Suite(.serialized) struct HostileClientTests {
        @Test func clientsThatMeanHarmTakeNoMoreThanTheyMay() throws {
            let ran = try Ran.client("hostile_limits.py", [PlatformProcess.program], timeout: .seconds(600))
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        @Test func nobodyTakesTheBrokersMemoryOrOthersTime() throws {
            let ran = try Ran.client("kafka_hostile.py", [PlatformProcess.program])
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        /// Other seeds with every commit, so that what nobody thought of is tried in time. `make fuzz-api` does so for longer.
        @Test(arguments: [("coord", 1), ("coord", 3), ("broker", 1), ("dfs", 1), ("dfs-rpc", 1), ("compute", 1)])
        func unusualRequestsChangeNothingThatARestartDoesNotKeep(protocol name: String, servers: Int) throws {
            let program = URL(fileURLWithPath: PlatformProcess.program).deletingLastPathComponent().appendingPathComponent(
                "platform-fuzz-api"
            ).path
            guard FileManager.default.isExecutableFile(atPath: program) else { return }
            let ran = try Ran.run(
                program, ["run", name, "\(TestTier.rounds(10, all: 60))", "\(TestTier.seed())", "--servers", "\(servers)"],
                timeout: .seconds(300))
            #expect(ran.status == 0, "\(ran.errors)")
        }

        /// With an even seed the user has no rights, with an odd one all rights on some resources.
        @Test(arguments: [0, 1]) func answersTellNothingOfHiddenResources(parity: UInt64) throws {
            let program = URL(fileURLWithPath: PlatformProcess.program).deletingLastPathComponent().appendingPathComponent(
                "platform-fuzz-api"
            ).path
            guard FileManager.default.isExecutableFile(atPath: program) else { return }
            let ran = try Ran.run(
                program, ["conceal", "broker", "\(TestTier.rounds(400, all: 4000))", "\(TestTier.seed() & ~1 | parity)"],
                timeout: .seconds(300))
            #expect(ran.status == 0, "\(ran.errors)")
        }

        /// Seeds that once found something; they stay for ever.
        @Test(arguments: [UInt64(1)]) func seedsThatFoundSomethingFindItNoMore(seed: UInt64) throws {
            let program = URL(fileURLWithPath: PlatformProcess.program).deletingLastPathComponent().appendingPathComponent(
                "platform-fuzz-api"
            ).path
            guard FileManager.default.isExecutableFile(atPath: program) else { return }
            let ran = try Ran.run(program, ["run", "coord", "0", "\(seed)"], timeout: .seconds(300))
            #expect(ran.status == 0, "\(ran.errors)")
        }
    }
}
