// The metrics of the services, in Prometheus' text form. Counters and histograms are updated without locks, from any thread; gauges are
// read on each request. Base units, `_total` on counters, `platform_` in front.
import Base
import Synchronization

/// A number that only grows.
package final class Counter: Sendable {
    private let value = Atomic<Int64>(0)
    package init() {}
    package func add(_ amount: Int64 = 1) { value.add(amount, ordering: .relaxed) }
    package var total: Int64 { value.load(ordering: .relaxed) }
}

/// Durations in buckets of seconds.
package final class DurationHistogram: @unchecked Sendable {
    // Safe to share: the memory behind `buckets` holds atomics and lives as long as this value.
    /// Upper bounds in nanoseconds: 50 microseconds to 5 seconds.
    static let bounds: [Int64] = [
        50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 100_000_000, 500_000_000, 5_000_000_000,
    ]
    /// One count for each bound, and one above the last.
    private let buckets: UnsafeMutablePointer<Atomic<Int64>>  // allocated in init, freed in deinit, used as atomics only
    private let sum = Atomic<Int64>(0)
    private let least = Atomic<Int64>(.max)
    private let greatest = Atomic<Int64>(0)

    package init() {
        buckets = .allocate(capacity: Self.bounds.count + 1)
        for place in 0...Self.bounds.count { (buckets + place).initialize(to: Atomic(0)) }
    }

    deinit {
        buckets.deinitialize(count: Self.bounds.count + 1)
        buckets.deallocate()
    }

    package func observe(_ duration: Duration) {
        let nanoseconds = duration.inNanoseconds
        var place = 0
        while place < Self.bounds.count, nanoseconds > Self.bounds[place] { place += 1 }
        buckets[place].add(1, ordering: .relaxed)
        sum.add(nanoseconds, ordering: .relaxed)
        if nanoseconds < least.load(ordering: .relaxed) { least.min(nanoseconds, ordering: .relaxed) }
        if nanoseconds > greatest.load(ordering: .relaxed) { greatest.max(nanoseconds, ordering: .relaxed) }
    }

    /// A summary of the durations so far.
    package var summary: DurationSummary {
        let hits = (0...Self.bounds.count).map { buckets[$0].load(ordering: .relaxed) }
        return DurationSummary(
            hits: hits, total: sum.load(ordering: .relaxed), least: least.load(ordering: .relaxed),
            greatest: greatest.load(ordering: .relaxed))
    }

    /// The count is the sum of the buckets, so that the two always agree.
    func lines(_ name: String, _ labels: String) -> [String] {
        let hitsByBound = (0...Self.bounds.count).map { buckets[$0].load(ordering: .relaxed) }
        let count = hitsByBound.reduce(0, +)
        let sum = sum.load(ordering: .relaxed)
        var running: Int64 = 0
        var lines: [String] = []
        let separator = labels.isEmpty ? "" : ","
        for (bound, hits) in zip(Self.bounds, hitsByBound) {
            running += hits
            lines.append("\(name)_bucket{\(labels)\(separator)le=\"\(Double(bound) / 1e9)\"} \(running)")
        }
        lines.append("\(name)_bucket{\(labels)\(separator)le=\"+Inf\"} \(count)")
        lines.append("\(name)_sum\(labels.isEmpty ? "" : "{\(labels)}") \(Double(sum) / 1e9)")
        lines.append("\(name)_count\(labels.isEmpty ? "" : "{\(labels)}") \(count)")
        return lines
    }
}

/// The durations observed by a histogram.
package struct DurationSummary: Sendable, Equatable {
    /// The count in each bucket of the histogram.
    fileprivate let hits: [Int64]
    package let total: Duration
    /// Zero if there are none.
    package let least: Duration
    package let greatest: Duration

    /// In nanoseconds.
    init(hits: [Int64], total: Int64, least: Int64, greatest: Int64) {
        self.hits = hits
        self.total = .nanoseconds(total)
        self.least = .nanoseconds(hits.contains { $0 > 0 } ? least : 0)
        self.greatest = .nanoseconds(greatest)
    }

    package var count: Int64 { hits.reduce(0, +) }

    /// The upper bound of the quantile `part`, such as 0.99: that of its bucket, at most the greatest duration.
    package func quantile(_ part: Double) -> Duration {
        let rank = Int64((Double(count) * part).rounded(.up))
        var running: Int64 = 0
        for (place, hits) in hits.enumerated() {
            running += hits
            if running >= rank, place < DurationHistogram.bounds.count {
                return min(greatest, .nanoseconds(DurationHistogram.bounds[place]))
            }
        }
        return greatest
    }
}

/// All metrics that one process exposes under `/metrics`.
package final class MetricsRegistry: Sendable {
    private enum Source: Sendable {
        case counter(Counter)
        case histogram(DurationHistogram)
        case gauge(@Sendable () -> Double)
    }
    private struct Entry: Sendable {
        var name: String
        var help: String
        var labels: String
        var source: Source
    }
    private let entries = Mutex<[Entry]>([])
    package init() {}

    private func add(_ name: String, _ help: String, _ labels: [(String, String)], _ source: Source) {
        let text = labels.map {
            "\($0.0)=\"\($0.1.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n"))\""
        }
        entries.withLock { $0.append(Entry(name: name, help: help, labels: text.joined(separator: ","), source: source)) }
    }

    /// A counter named `platform_<name>_total`.
    package func counter(_ name: String, help: String, labels: [(String, String)] = []) -> Counter {
        let counter = Counter()
        add("platform_\(name)_total", help, labels, .counter(counter))
        return counter
    }

    /// A histogram named `platform_<name>_seconds`.
    package func histogram(_ name: String, help: String, labels: [(String, String)] = []) -> DurationHistogram {
        let histogram = DurationHistogram()
        add("platform_\(name)_seconds", help, labels, .histogram(histogram))
        return histogram
    }

    /// A gauge named `platform_<name>`, read with the metrics.
    package func gauge(_ name: String, help: String, labels: [(String, String)] = [], _ read: @escaping @Sendable () -> Double) {
        add("platform_\(name)", help, labels, .gauge(read))
    }

    /// The observer of a service's syncs, for its file system.
    package func syncObserver(_ service: String) -> @Sendable (Duration) -> Void {
        let histogram = syncs(service)
        return { histogram.observe($0) }
    }

    /// The durations of a service's syncs.
    package func syncs(_ service: String) -> DurationHistogram {
        histogram("store_fsync_duration", help: "Time until the disk has confirmed what was written.", labels: [("service", service)])
    }

    /// The text form, families sorted by name.
    package func text() -> String {
        let all = entries.withLock { $0 }.sorted { ($0.name, $0.labels) < ($1.name, $1.labels) }
        var lines: [String] = []
        var family = ""
        for entry in all {
            let braces = entry.labels.isEmpty ? "" : "{\(entry.labels)}"
            let (type, values): (String, [String]) =
                switch entry.source {
                case .counter(let counter): ("counter", ["\(entry.name)\(braces) \(counter.total)"])
                case .gauge(let read): ("gauge", ["\(entry.name)\(braces) \(read())"])
                case .histogram(let histogram): ("histogram", histogram.lines(entry.name, entry.labels))
                }
            if entry.name != family {
                family = entry.name
                lines += ["# HELP \(entry.name) \(entry.help)", "# TYPE \(entry.name) \(type)"]
            }
            lines += values
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
