// The replicas that are held to a rate while they catch up, and the allowance of that rate at one broker. Replicas in sync are never
// held back: that would slow the producers. Source: Kafka KIP-73, "Replication Quotas".
import Base

/// The throttled replicas of a topic, as the settings `*.replication.throttled.replicas` name them.
package struct ThrottledReplicas: Sendable, Equatable {
    private struct Place: Hashable {
        var partition: Int32
        var broker: Int32
    }
    private var isEverything = false
    private var places: Set<Place> = []
    /// The original text.
    package private(set) var text = ""

    package init() {}

    /// `*`, or pairs such as `0:1,0:2` of a partition and a broker; nil if the text is neither.
    package init?(_ text: String) {
        self.text = text
        guard text != "*" else {
            isEverything = true
            return
        }
        guard !text.isEmpty else { return }
        for pair in text.split(separator: ",", omittingEmptySubsequences: false) {
            let numbers = pair.split(separator: ":", omittingEmptySubsequences: false).map { Int32($0) }
            guard numbers.count == 2, let partition = numbers[0], let broker = numbers[1], partition >= 0, broker >= 0 else { return nil }
            places.insert(Place(partition: partition, broker: broker))
        }
    }

    package func contains(_ partition: Int32, on broker: Int32) -> Bool {
        isEverything || (!places.isEmpty && places.contains(Place(partition: partition, broker: broker)))
    }
}

/// The throttled side of replication.
package enum ReplicationSide: Sendable, CaseIterable {
    /// The leader's outgoing bytes.
    case leading
    /// The follower's incoming bytes.
    case following

    /// The broker's setting that states the rate, in bytes a second.
    package var rateName: String { self == .leading ? "leader.replication.throttled.rate" : "follower.replication.throttled.rate" }
}

/// The remaining allowance of one broker's throttle rate.
package struct ReplicationBudget: Sendable {
    private var bucket: QuotaBucket?

    package init() {}

    /// Bytes that may go now: nil without a rate, 0 while the rate is used up. At most one second's worth can go at once.
    package mutating func allowance(rate: Int64?, now: Instant) -> Int? {
        guard let rate else {
            bucket = nil
            return nil
        }
        var current = bucket ?? QuotaBucket(rate: Double(rate), burst: 1, now: now)
        current.set(rate: Double(rate), now: now)
        defer { bucket = current }
        return Int(max(0, min(current.left(now: now), Double(Int32.max))))
    }

    /// Notes sent bytes; a negative number returns reserved bytes that were not sent.
    package mutating func spend(_ bytes: Int, now: Instant) { _ = bucket?.take(Double(bytes), now: now) }
}
