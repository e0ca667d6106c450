// The real coord beside recorded answers of a real ZooKeeper, and what it offers beyond a plain tree.
import Foundation
import TestKit
import Testing

extension OneAtATime {
    @Suite(.serialized) struct CoordClientTests {
        @Test func coordAnswersAsZooKeeperDoesByteForByte() throws {
            let platform = try PlatformProcess(["up", "--only", "coord", "--ephemeral", "--ports", "auto"])
            defer { platform.stop() }
            let golden = PlatformProcess.packageRoot + "/Tests/Clients/Golden/zookeeper-3.9.5.txt"
            let ran = try Ran.client("coord_probe.py", [try platform.endpoint("coord"), "--compare", golden])
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }

        @Test func coordKeepsWhatItsPagePromises() throws {
            let users = NSTemporaryDirectory() + "/platform-test-" + UUID().uuidString
            try "bob:bobsecret\n".write(toFile: users, atomically: true, encoding: .utf8)
            defer { try? FileManager.default.removeItem(atPath: users) }  // a file in the temporary directory may stay
            let settings = [
                "coord.reap.interval.ms=100", "coord.container.unused.ms=1500", "coord.tick.ms=500", "coord.four-letter-words=*",
                "coord.super.digest=super:xQJmxLMiHGwaqBvst5y6rkB6HQs=", "coord.sasl.users=\(users)",
            ]
            let platform = try PlatformProcess(
                ["up", "--only", "coord", "--ephemeral", "--ports", "auto"] + settings.flatMap { ["--set", $0] })
            defer { platform.stop() }
            let ran = try Ran.client("coord_features.py", [try platform.endpoint("coord"), try platform.endpoint("coord-admin")])
            #expect(ran.status == 0, "\(ran.output) \(ran.errors)")
        }
    }
}
