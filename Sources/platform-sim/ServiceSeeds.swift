// The services' part of a run: replicas of a partition, transactions and groups of all kinds, the namenode with datanodes and writers, each
// on the same seeds; and drawn commands straight to the cores.
import BrokerCore
import CatalogCore
import CoordCore
import DFSCore
import Foundation
import Simulator

struct ServiceSeeds {
    let count: UInt64
    let first: UInt64

    private static let runsOfSeed = 9

    /// A line for each run of a seed that broke a law.
    private func broken(_ seed: UInt64) -> [String] {
        let brokers = seed % 2 == 0 ? 3 : 5
        return [
            (
                "partition",
                {
                    var run = PartitionRun(seed: seed, brokers: brokers); _ = try run.run(steps: 6000)
                }
            ),
            (
                "transactions",
                {
                    var run = TransactionRun(seed: seed, brokers: brokers); _ = try run.run(steps: 20_000)
                }
            ),
            (
                "consumer group",
                {
                    var run = ConsumerGroupRun(seed: seed, brokers: brokers); _ = try run.run(steps: 60_000)
                }
            ),
            (
                "share group",
                {
                    var run = ShareRun(seed: seed, brokers: brokers); _ = try run.run(steps: 40_000)
                }
            ),
            (
                "classic group",
                {
                    var run = GroupRun(seed: seed, brokers: brokers); _ = try run.run(steps: 60_000)
                }
            ),
            (
                "dfs",
                {
                    var run = DFSRun(seed: seed, datanodes: brokers); _ = try run.run(steps: 4000)
                }
            ),
            (
                "coord's commands",
                {
                    var run = CommandRun<CoordMachine>(seed: seed, edges: CommandEdges.coord); _ = try run.run(commands: 500)
                }
            ),
            (
                "the broker's commands",
                {
                    var run = CommandRun<BrokerMachine>(seed: seed, edges: CommandEdges.broker); _ = try run.run(commands: 500)
                }
            ),
            (
                "dfs's commands",
                {
                    var run = CommandRun<DFSMachine>(seed: seed, edges: CommandEdges.dfs); _ = try run.run(commands: 500)
                }
            ),
            (
                "the catalog's commands",
                {
                    var run = CommandRun<CatalogMachine>(seed: seed, edges: CommandEdges.catalog); _ = try run.run(commands: 500)
                }
            ),
        ].compactMap { (name: String, live: () throws -> Void) in
            do { try live() } catch { return "\(name), \(error)" }
            return nil
        }
    }

    /// All runs, and a line for each that broke a law.
    func run() async -> (runs: Int, broken: [String]) {
        let began = Date()
        let lines = await withTaskGroup(of: [String].self) { group in
            let workers = UInt64(max(1, ProcessInfo.processInfo.activeProcessorCount))
            for worker in 0..<workers {
                group.addTask { stride(from: first + worker, to: first + count, by: Int(workers)).flatMap { broken($0) } }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        let time = String(format: "%.1f", Date().timeIntervalSince(began))
        let runs = "a partition, of transactions, of the three kinds of groups, of dfs and of the cores' commands"
        print("services: \(count) seeds each of \(runs) in \(time) s, \(lines.count) broke a law")
        return (Int(count) * Self.runsOfSeed, lines.sorted())
    }
}
