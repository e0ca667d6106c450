// Runs benchmarks against the program that lies beside this one and prints one table: all of them, or the parts that are named (start, coord, broker, dfs,
// compute). It asserts nothing: figures of a busy machine are figures all the same, so the load average stands above and below them.
import Foundation
import TestKit

enum Benchmarks {
    private typealias Part = (name: String, run: (inout FigureTable) async throws -> Void)
    private static var parts: [Part] {
        [
            ("start", { try await StartBench.run(&$0) }), ("coord", { try await CoordBench.run(&$0) }), ("broker", { try await BrokerBench.run(&$0) }),
            ("dfs", { try await DFSBench.run(&$0) }), ("compute", { try await ComputeBench.run(&$0) }),
        ]
    }

    static func run(_ wanted: [String]) async {
        let unknown = wanted.filter { name in !parts.contains { $0.name == name } }
        guard unknown.isEmpty else {
            print("there is no benchmark \(unknown.joined(separator: ", ")); the parts are \(parts.map(\.name).joined(separator: ", "))")
            exit(64)
        }
        print("load average \(Figures.loadAverage()), \(ProcessInfo.processInfo.activeProcessorCount) cores")
        var table = FigureTable()
        for part in parts where wanted.isEmpty || wanted.contains(part.name) {
            // A part that fails is a line of the table; the others go on.
            do { try await part.run(&table) } catch { table.add("\(part.name) failed", "\(error)") }
        }
        print(table.text)
        print("load average at the end \(Figures.loadAverage())")
    }
}

await Benchmarks.run(Array(CommandLine.arguments.dropFirst()))
