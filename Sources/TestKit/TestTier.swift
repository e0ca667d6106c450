// The effort of the process tests: `make test` a few rounds, different ones with every commit; `make test-all` many.
import Foundation

package enum TestTier {
    private static var isAll: Bool { ProcessInfo.processInfo.environment["PLATFORM_TEST_TIER"] == "all" }

    /// Rounds of a test with random faults.
    package static func rounds(_ few: Int, all: Int) -> Int { isAll ? all : few }

    /// A seed from the commit, so that the set of tried seeds grows with the commits. 1 without a repository.
    package static func seed() -> UInt64 {
        // Without git the fixed seed serves as well.
        let commit = try? Ran.run("/usr/bin/env", ["git", "-C", PlatformProcess.packageRoot, "rev-parse", "HEAD"])
        return commit.flatMap { UInt64($0.output.prefix(7), radix: 16) } ?? 1
    }
}
