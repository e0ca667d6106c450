// Runs every benchmark against the release binary that lies beside this program and prints one table. It asserts nothing: figures of a busy
// machine are figures all the same, so the load average stands above them. `--python PATH` is taken for Makefile's sake and not needed.
import Foundation
import TestKit

let peer = RealZooKeeper.start()
if peer == nil { print("no ZooKeeper of another make: Debian's zookeeper package or java was not found") }
print("load average \(Figures.loadAverage()), \(ProcessInfo.processInfo.activeProcessorCount) cores, \(PlatformProcess.program)")
var table = FigureTable()
let arenas: [(String, (inout FigureTable) async throws -> Void)] = [
    ("start", StartBench.run), ("coord", { try await CoordBench.run(&$0, peer: peer?.address) }), ("broker", BrokerBench.run), ("dfs", DFSBench.run), ("compute", ComputeBench.run),
]
for (name, run) in arenas {
    do { try await run(&table) } catch { table.add("\(name): failed", "\(error)") }
}
peer?.stop()
print(table.text)
print("load average at the end \(Figures.loadAverage())")
