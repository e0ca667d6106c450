// Which replicas are held to a rate while they catch up, and what that rate allows at one broker. Replicas in sync are never held back: that would slow
// the producers. Source: Kafka KIP-73, "Replication Quotas".
import Base

/// The replicas of a topic that a rate is for, as the settings `*.replication.throttled.replicas` name them.
package struct ThrottledReplicas: Sendable, Equatable {
    private struct Place: Hashable {
        var partition: Int32
        var broker: Int32
    }
    private var isEverything = false
    private var places: Set<Place> = []
    /// As it was written.
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

/// The side of replication that a rate is for.
package enum ReplicationSide: Sendable, CaseIterable {
    /// What a leader hands out.
    case leading
    /// What a follower takes.
    case following

    /// The broker's setting that states the rate, in bytes a second.
    package var rateName: String { self == .leading ? "leader.replication.throttled.rate" : "follower.replication.throttled.rate" }
}

/// What one broker's rate for throttled replicas still allows.
package struct ReplicationBudget: Sendable {
    private var bucket: QuotaBucket?

    package init() {}

    /// Bytes that may go now: nil where no rate is set, 0 while the rate is used up. A second's worth can go at once.
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

    /// Notes what went; negative gives back what was set aside and did not go.
    package mutating func spend(_ bytes: Int, now: Instant) { _ = bucket?.take(Double(bytes), now: now) }
}
