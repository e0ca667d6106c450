// Runs every benchmark against the program that lies beside this one and prints one table. It asserts nothing: figures of a busy machine are
// figures all the same, so the load average stands above and below them. `--python PATH` is accepted for Makefile's sake and not needed.
import Foundation
import TestKit

enum Benchmarks {
    static func run() async {
        let peer = RealZooKeeper.start()
        if peer == nil { print("no ZooKeeper of another make: Debian's zookeeper package or java was not found") }
        defer { peer?.stop() }
        print("load average \(Figures.loadAverage()), \(ProcessInfo.processInfo.activeProcessorCount) cores")
        var table = FigureTable()
        let address = peer?.address
        await part("start", &table) { try await StartBench.run(&$0) }
        await part("coord", &table) { try await CoordBench.run(&$0, peer: address) }
        await part("broker", &table) { try await BrokerBench.run(&$0) }
        await part("dfs", &table) { try await DFSBench.run(&$0) }
        await part("compute", &table) { try await ComputeBench.run(&$0) }
        print(table.text)
        print("load average at the end \(Figures.loadAverage())")
    }

    /// A part that fails is a line of the table; the others go on.
    private static func part(_ name: String, _ table: inout FigureTable, _ run: (inout FigureTable) async throws -> Void) async {
        do { try await run(&table) } catch { table.add("\(name) failed", "\(error)") }
    }
}

await Benchmarks.run()
