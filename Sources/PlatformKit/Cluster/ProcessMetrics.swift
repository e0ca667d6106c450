// The process's own figures, for /metrics and the benchmarks.
import Base
import Foundation
import NetKit

enum ProcessMetrics {
    static func register(_ registry: MetricsRegistry) {
        registry.gauge("process_resident_memory_bytes", help: "Memory in RAM.") { Double(residentBytes()) }
        let start = SystemTime().now()
        registry.gauge("process_uptime_seconds", help: "Time since the start.") {
            Double((SystemTime().now() - start).inMilliseconds) / 1000
        }
    }

    /// 0 where the system has no figure.
    static func residentBytes(of process: Int? = nil) -> Int {
        guard
            let text = FileManager.default.contents(atPath: "/proc/\(process.map(String.init) ?? "self")/statm").map({
                String(decoding: $0, as: UTF8.self)
            })
        else { return 0 }
        let fields = text.split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * 4096 : 0
    }
}
