// How much the process tests try: `make test` a few rounds, others with every commit; `make test-all` many.
import Foundation

package enum TestTier {
    private static var isAll: Bool { ProcessInfo.processInfo.environment["PLATFORM_TEST_TIER"] == "all" }

    /// Rounds of a test that draws its faults.
    package static func rounds(_ few: Int, all: Int) -> Int { isAll ? all : few }

    /// A seed of the commit, so that the seeds tried grow in number with the commits. 1 where there is no repository.
    package static func seed() -> UInt64 {
        // Without git the fixed seed serves as well.
        let commit = try? Ran.run("/usr/bin/env", ["git", "-C", PlatformProcess.packageRoot, "rev-parse", "HEAD"])
        return commit.flatMap { UInt64($0.output.prefix(7), radix: 16) } ?? 1
    }
}
