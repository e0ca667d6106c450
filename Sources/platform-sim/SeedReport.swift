// Runs seeds side by side and gathers what came of them.
import Foundation
import Simulator

struct SeedReport {
    let count: UInt64
    let first: UInt64
    let seconds: UInt64
    let flaw: Flaw

    private enum Outcome: Sendable {
        case held(ClusterSummary)
        case broke(String)
    }

    /// Every fifth seed has five replicas, the others three; every second one members that come and go.
    private func live(_ seed: UInt64) -> Outcome {
        var plan = ClusterPlan(seed: seed)
        plan.duration = .seconds(Int64(seconds))
        plan.nodes = seed % 5 == 0 ? 5 : 3
        plan.spares = seed % 2 == 0 ? 2 : 0
        plan.flaw = flaw
        var run = ClusterRun(plan)
        do { return .held(try run.run()) } catch { return .broke(error is LawBroken ? "\(error)" : "seed \(seed): \(error)") }
    }

    /// Whether every law held, in the runs of brokers too (`others`), and every rare branch was seen. The last lines
    /// name what broke.
    func run(others: (runs: Int, broken: [String])) async -> Bool {
        let began = Date()
        let outcomes = await withTaskGroup(of: [Outcome].self) { group in
            let workers = UInt64(max(1, ProcessInfo.processInfo.activeProcessorCount))
            for worker in 0..<workers {
                group.addTask { stride(from: first + worker, to: first + count, by: Int(workers)).map { live($0) } }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        var seen: [ClusterProbe: Int] = [:]
        var broken: [String] = []
        var (acknowledged, unknown, elections) = (0, 0, 0)
        for outcome in outcomes {
            switch outcome {
            case .broke(let text): broken.append(text)
            case .held(let summary):
                acknowledged += summary.acknowledged
                unknown += summary.unknown
                elections += summary.elections
                for probe in summary.probes { seen[probe, default: 0] += 1 }
            }
        }
        if flaw != .none {
            for text in broken.sorted() { print("BROKEN \(text)") }
            print(broken.isEmpty ? "nothing noticed the flaw" : "\(broken.count) of \(outcomes.count) seeds noticed the flaw")
            return !broken.isEmpty
        }
        for probe in ClusterProbe.allCases { print("\(probe.rawValue) in \(seen[probe] ?? 0) seeds") }
        let missing = ClusterProbe.allCases.filter { seen[$0] == nil }
        let isMissing = !missing.isEmpty && count >= 50
        if isMissing { print("never seen: \(missing.map(\.rawValue).joined(separator: ", "))") }
        let time = String(format: "%.1f", Date().timeIntervalSince(began))
        print("\(acknowledged) writes acknowledged, \(unknown) of unknown fate, \(elections) ballots opened, in \(time) s")
        let failed = others.broken.count + broken.count
        for text in others.broken + broken.sorted() { print("BROKEN \(text)") }
        print("\(outcomes.count + others.runs - failed) passed, \(failed) failed")
        return failed == 0 && !isMissing
    }
}
