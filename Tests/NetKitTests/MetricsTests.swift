// The text form of what is counted, as Prometheus reads it.
import Base
import NetKit
import Testing

@Suite struct MetricsTests {
    @Test func aHistogramCountsEachDurationInEveryBucketThatHoldsIt() {
        let registry = MetricsRegistry()
        let histogram = registry.histogram("wait", help: "Waiting.", labels: [("service", "coord")])
        for microseconds in [10, 60, 60, 3_000, 9_000_000] { histogram.observe(.microseconds(microseconds)) }
        let lines = registry.text().split(separator: "\n").map(String.init)
        #expect(lines[0...1] == ["# HELP platform_wait_seconds Waiting.", "# TYPE platform_wait_seconds histogram"])
        #expect(lines.contains("platform_wait_seconds_bucket{service=\"coord\",le=\"5e-05\"} 1"))
        #expect(lines.contains("platform_wait_seconds_bucket{service=\"coord\",le=\"0.0001\"} 3"))
        #expect(lines.contains("platform_wait_seconds_bucket{service=\"coord\",le=\"0.005\"} 4"))
        #expect(lines.contains("platform_wait_seconds_bucket{service=\"coord\",le=\"5.0\"} 4"))
        #expect(lines.contains("platform_wait_seconds_bucket{service=\"coord\",le=\"+Inf\"} 5"))
        #expect(lines.contains("platform_wait_seconds_count{service=\"coord\"} 5"))
        #expect(lines.contains { $0.hasPrefix("platform_wait_seconds_sum{service=\"coord\"} 9.00313") })
    }

    @Test func aSummaryHasExtremesAndTheBoundsOfQuantiles() {
        let histogram = MetricsRegistry().histogram("wait", help: "Waiting.")
        #expect(histogram.summary.count == 0 && histogram.summary.least == .zero && histogram.summary.quantile(0.99) == .zero)
        for microseconds in [60, 70, 300, 9_000] { histogram.observe(.microseconds(microseconds)) }
        let summary = histogram.summary
        #expect(summary.count == 4 && summary.total == .microseconds(9_430))
        #expect(summary.least == .microseconds(60) && summary.greatest == .microseconds(9_000))
        #expect(summary.quantile(0.5) == .microseconds(100) && summary.quantile(0.75) == .microseconds(500))
        #expect(summary.quantile(0.999) == .microseconds(9_000))
        histogram.observe(.seconds(20))
        #expect(histogram.summary.quantile(1) == .seconds(20))
    }

    @Test func familiesAreNamedOnceAndLabelsAreEscaped() {
        let registry = MetricsRegistry()
        registry.counter("jobs", help: "Jobs.", labels: [("kind", "a\"b\\c\nd")]).add(2)
        registry.counter("jobs", help: "Jobs.", labels: [("kind", "z")]).add()
        registry.gauge("size", help: "Size.") { 1.5 }
        let expected = """
            # HELP platform_jobs_total Jobs.
            # TYPE platform_jobs_total counter
            platform_jobs_total{kind="a\\"b\\\\c\\nd"} 2
            platform_jobs_total{kind="z"} 1
            # HELP platform_size Size.
            # TYPE platform_size gauge
            platform_size 1.5

            """
        #expect(registry.text() == expected)
    }

    @Test func aSyncIsTimedUnderItsServicesName() {
        let registry = MetricsRegistry()
        registry.syncObserver("dfs")(.milliseconds(2))
        #expect(registry.text().contains("platform_store_fsync_duration_seconds_count{service=\"dfs\"} 1"))
    }
}
