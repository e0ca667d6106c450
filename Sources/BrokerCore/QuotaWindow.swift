// The use of a limit on bytes or time, measured as Kafka does: over the last ten to eleven seconds, so that a short burst passes and a
// long one does not. Source: KIP-13, Kafka's settings quota.window.num and quota.window.size.seconds at their defaults.
import Base

/// The recent use of a limit, in samples of one second.
package struct QuotaWindow: Sendable {
    private struct Sample {
        var start: Instant
        var last: Instant
        var amount: Double
    }

    /// In the order of their time.
    private var samples: [Sample] = []

    private static let sampleLength = Duration.seconds(1)
    /// A sample counts for this many seconds after its last addition.
    private static let samplesCounted = 11
    /// One extra sample, which overlaps the beginning of the window.
    private static let samplesMax = samplesCounted + 1
    /// The shortest window, in seconds; this many seconds' worth may be used at once.
    package static let burst = Double(samplesCounted - 1)
    /// The longest wait, in seconds.
    private static let waitMax = 3600.0

    package init() {}

    /// Adds an amount, or takes back one just added; returns the user's wait until the rate, in amounts a second, is kept.
    package mutating func take(_ amount: Double, rate: Double, now: Instant) -> Duration {
        forget(now)
        if amount != 0 { add(amount, now) }
        let used = samples.reduce(0) { $0 + $1.amount }
        let wait = used / rate - length(now)
        return wait > 0 ? .nanoseconds(Int64(min(wait, Self.waitMax) * 1e9)) : .zero
    }

    /// The use within the window.
    package mutating func used(now: Instant) -> Double {
        forget(now)
        return samples.reduce(0) { $0 + $1.amount }
    }

    /// Whether no sample counts any more.
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

    /// The window's length in seconds: since the oldest sample, padded to ten with whole seconds of no use.
    private func length(_ now: Instant) -> Double {
        let elapsed = samples.first.map { Double(max(0, (now - $0.start).inNanoseconds)) / 1e9 } ?? 0
        return elapsed + max(0, Self.burst - elapsed.rounded(.down))
    }
}
