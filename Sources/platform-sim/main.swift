// Many simulated lives of a cluster, of brokers and of dfs, in release and on all processors:
// `platform-sim [SEEDS [FIRST [SECONDS [FLAW]]]]`. Prints each failing seed with what broke, then how often the rare branches were reached,
// and ends with 1 if a law was broken or a branch was never seen. With a flaw the cluster breaks a rule on purpose, and the run fails if
// nothing notices.
import Foundation
import Simulator

let words = Array(CommandLine.arguments.dropFirst())
let numbers = words.prefix(3).map { UInt64($0) ?? 0 }
let flaw = words.count > 3 ? Flaw(rawValue: words[3]) : Flaw.none
guard words.count <= 4, !numbers.contains(0), let flaw else {
    let flaws = Flaw.allCases.map(\.rawValue).joined(separator: ", ")
    FileHandle.standardError.write(
        Data("usage: platform-sim [SEEDS [FIRST [SECONDS [FLAW]]]], numbers from 1 on, a flaw of: \(flaws)\n".utf8))
    exit(64)
}
let report = SeedReport(
    count: numbers.first ?? 200, first: numbers.dropFirst().first ?? 1, seconds: numbers.dropFirst(2).first ?? 600, flaw: flaw)
let others = flaw == .none ? await ServiceSeeds(count: report.count, first: report.first).run() : (0, [])
exit(await report.run(others: others) ? 0 : 1)
