// What a limit on bytes or time still allows, measured as Kafka does: over the last ten to eleven seconds, so that a short burst passes and a long one does not.
// Source: KIP-13, Kafka's settings quota.window.num and quota.window.size.seconds at their defaults.
import Base

/// What was used lately of a limit, in samples of a second.
package struct QuotaWindow: Sendable {
    private struct Sample {
        var start: Instant
        var last: Instant
        var amount: Double
    }

    /// In the order of their time.
    private var samples: [Sample] = []

    private static let sampleLength = Duration.seconds(1)
    /// A sample counts until this long after what was last added to it.
    private static let samplesCounted = 11
    /// One more is kept, which overlaps the beginning of what counts.
    private static let samplesMax = samplesCounted + 1
    /// Seconds over which is measured at least; so many seconds' worth may be used at once.
    package static let burst = Double(samplesCounted - 1)
    /// The longest wait, in seconds.
    private static let waitMax = 3600.0

    package init() {}

    /// Adds an amount, or takes one back that was just added; returns how long whoever used it has to wait until the rate, in amounts a second, is kept.
    package mutating func take(_ amount: Double, rate: Double, now: Instant) -> Duration {
        forget(now)
        if amount != 0 { add(amount, now) }
        let used = samples.reduce(0) { $0 + $1.amount }
        let wait = used / rate - length(now)
        return wait > 0 ? .nanoseconds(Int64(min(wait, Self.waitMax) * 1e9)) : .zero
    }

    /// What was used lately.
    package mutating func used(now: Instant) -> Double {
        forget(now)
        return samples.reduce(0) { $0 + $1.amount }
    }

    /// Whether nothing counts any more.
    package mutating func isEmpty(now: Instant) -> Bool {
        forget(now)
        return samples.isEmpty
    }

    private mutating func add(_ amount: Double, _ now: Instant) {
        if let last = samples.last, now - last.start < Self.sampleLength {
            samples[samples.count - 1].amount += amount
            samples[samples.count - 1].last = now
            return
        }
        if samples.count == Self.samplesMax { samples.removeFirst() }
        samples.append(Sample(start: now, last: now, amount: amount))
    }

    private mutating func forget(_ now: Instant) {
        samples.removeAll { now - $0.last >= .seconds(Self.samplesCounted) }
    }

    /// The seconds over which is measured: since the oldest sample, of which whole seconds that are missing to ten count as if nothing was used in them.
    private func length(_ now: Instant) -> Double {
        let elapsed = samples.first.map { Double(max(0, (now - $0.start).inNanoseconds)) / 1e9 } ?? 0
        return elapsed + max(0, Self.burst - elapsed.rounded(.down))
    }
}
