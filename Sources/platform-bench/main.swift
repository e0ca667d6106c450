// Runs benchmarks against the program beside this one and prints one table: all of them, or the named parts (start, coord, broker, dfs,
// compute). It asserts nothing: figures of a busy machine are figures all the same, so the load average stands above and below them.
import Foundation
import NetKit
import TestKit

enum Benchmarks {
    private typealias Part = (name: String, run: (inout FigureTable) async throws -> Void)
    private static var parts: [Part] {
        [
            ("start", { try await StartBench.run(&$0) }), ("coord", { try await CoordBench.run(&$0) }),
            ("broker", { try await BrokerBench.run(&$0) }),
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
            // A failed part is a line of the table; the others go on.
            do { try await part.run(&table) } catch { table.add("\(part.name) failed", "\(error)") }
        }
        print(table.text)
        print("load average at the end \(Figures.loadAverage())")
    }
}

/// `load HOST:PORT WORK SESSIONS DEPTH SECONDS`: one load against any server, for measurement from outside.
enum SingleLoad {
    static func run(_ words: [String]) async -> Int32 {
        guard words.count == 5, let work = CoordWork(rawValue: words[1]), let sessions = Int(words[2]), let depth = Int(words[3]),
            let seconds = Double(words[4])
        else {
            print(
                "usage: platform-bench load HOST:PORT,... \(CoordWork.allCases.map(\.rawValue).joined(separator: "|")) SESSIONS DEPTH SECONDS"
            )
            return 64
        }
        let servers = words[0].split(separator: ",").compactMap { HostPort(parsing: String($0), defaultPort: 2181) }
        do { print(try await CoordLoad.run(servers, work, sessions: sessions, depth: depth, seconds: seconds).text) } catch {
            print("\(error)")
            return 1
        }
        return 0
    }
}

let words = Array(CommandLine.arguments.dropFirst())
if words.first == "load" { exit(await SingleLoad.run(Array(words.dropFirst()))) }
await Benchmarks.run(words)
