// The compute service's counters for /metrics: queries with their rows, batches and time, and jobs by kind. It decides nothing.
import NetKit

/// The counters of one compute service.
struct ComputeFigures: Sendable {
    /// Our own commands, by the value of the label `kind`.
    struct Jobs: Sendable {
        let begun: Counter
        let failed: Counter

        init(_ metrics: MetricsRegistry, _ kind: String) {
            begun = metrics.counter("compute_jobs", help: "Jobs that were begun.", labels: [("kind", kind)])
            failed = metrics.counter("compute_jobs_failed", help: "Jobs that ended with an error.", labels: [("kind", kind)])
        }
    }
    let queries: Counter
    let failedQueries: Counter
    let queryTime: DurationHistogram
    let rows: Counter
    let batches: Counter
    let mapReduce: Jobs
    let submitted: Jobs

    init(_ metrics: MetricsRegistry) {
        queries = metrics.counter("compute_queries", help: "Queries and commands that were begun.")
        failedQueries = metrics.counter("compute_queries_failed", help: "Queries and commands that ended with an error.")
        queryTime = metrics.histogram("compute_query_duration", help: "Time from the begin of a query or command to its last row.")
        rows = metrics.counter("compute_rows", help: "Rows handed to clients.")
        batches = metrics.counter("compute_batches", help: "Batches handed to clients.")
        mapReduce = Jobs(metrics, "mapreduce")
        submitted = Jobs(metrics, "submit")
    }
}
