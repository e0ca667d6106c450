// Figures and their display: medians, percentiles, rates, one table.
import Foundation

enum Figures {
    static func median(_ values: [Double]) -> Double { percentile(values, 50) }

    /// 0 for no values.
    static func percentile(_ values: [Double], _ percent: Double) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * percent / 100))]
    }

    static func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    }

    static func elapsed(_ body: () async throws -> Void) async rethrows -> Double {
        let began = ContinuousClock.now
        try await body()
        return seconds(ContinuousClock.now - began)
    }

    static func timed(_ body: () throws -> Void) rethrows -> Double {
        let began = ContinuousClock.now
        try body()
        return seconds(ContinuousClock.now - began)
    }

    static func loadAverage() -> String {
        FileManager.default.contents(atPath: "/proc/loadavg").map {
            String(decoding: $0, as: UTF8.self).split(separator: " ").prefix(3).joined(separator: " ")
        } ?? "unknown"
    }

    static func text(_ value: Double) -> String {
        value >= 100 ? String(format: "%.0f", value) : String(format: value >= 1 ? "%.1f" : "%.3f", value)
    }
}

/// Lines of name, figure and, if there is one, a peer's figure of the same run.
struct FigureTable {
    private var lines: [[String]] = []

    mutating func add(_ name: String, _ figure: String, peer: String = "", ratio: String = "") {
        lines.append([name, figure, peer, ratio])
        FileHandle.standardError.write(Data("  \(name): \(figure)  \(peer) \(ratio)\n".utf8))
    }

    var text: String {
        let all = [["measured", "platform", "peer", "ratio"]] + lines
        let widths = (0..<4).map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { line in zip(line, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined(separator: "  ") }
            .joined(separator: "\n")
    }
}

enum StartBench {
    private static let runs = 5

    static func run(_ table: inout FigureTable) async throws {
        var ready: [Double] = []
        var resident: [Double] = []
        for _ in 0..<runs {
            let platform = try started("coord,broker,dfs,compute")
            ready.append(Figures.seconds(platform.readyAfter) * 1000)
            try await Task.sleep(for: .seconds(2))
            resident.append(Double(platform.residentBytes) / 1e6)
            platform.stop()
        }
        table.add("start to READY, all services (ms, median of \(runs))", Figures.text(Figures.median(ready)))
        table.add("idle resident memory after 2 s (MB)", Figures.text(Figures.median(resident)))
    }
}
