// The counters of client requests.
import Base
import KafkaWire
import NetKit

/// The counters of one broker.
struct BrokerMetrics {
    /// Decoded requests, by the number of their API.
    private let requestsByAPI: [Counter?]
    let refusedFrames: Counter
    let producedBytes: Counter
    let fetchedBytes: Counter

    init(_ registry: MetricsRegistry) {
        let numbersEnd = (ApiTable.rows.map { Int($0.key.rawValue) }.max() ?? 0) + 1
        requestsByAPI = (0..<numbersEnd).map { number in
            guard let row = ApiTable.row(number: Int16(number)) else { return nil }
            return registry.counter("broker_requests", help: "Requests that were decoded.", labels: [("api", row.name)])
        }
        refusedFrames = registry.counter(
            "broker_refused_frames", help: "Frames that the protocol does not allow; each closed its connection.")
        producedBytes = registry.counter("broker_produced_bytes", help: "Bytes of record batches appended.")
        fetchedBytes = registry.counter("broker_fetched_bytes", help: "Bytes of record batches handed to consumers.")
    }

    func decoded(_ key: ApiKey) { requestsByAPI[Int(key.rawValue)]?.add() }
}
