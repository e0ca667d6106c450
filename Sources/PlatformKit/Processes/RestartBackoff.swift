// A supervisor's wait before the restart of an ended process. A pure value: time is an argument.
import Base

/// Waits double from 100 ms to 30 s while the process keeps ending, and begin at 100 ms again once it has lived for a minute.
struct RestartBackoff: Sendable {
    static let first = Duration.milliseconds(100)
    static let most = Duration.seconds(30)
    /// A life of this length counts as a good one.
    static let goodLife = Duration.seconds(60)

    private var next = first

    /// The wait after a life of the given length.
    mutating func wait(after life: Duration) -> Duration {
        if life >= Self.goodLife { next = Self.first }
        defer { next = min(next * 2, Self.most) }
        return next
    }
}
