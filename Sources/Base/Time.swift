// Points in time as values. Nothing here reads a clock: cores receive `now` as an argument. Settings, clients and clocks supply the
// numbers, so sums and conversions stop at the bounds of 64 bits.

/// A point on a monotonic clock, in nanoseconds since an arbitrary start.
public struct Instant: Hashable, Comparable, Sendable {
    public var nanoseconds: Int64
    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
    public static let zero = Instant(nanoseconds: 0)
    @inlinable public static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }
    @inlinable public static func + (left: Instant, right: Duration) -> Instant {
        Instant(nanoseconds: left.nanoseconds.addingClamped(right.inNanoseconds))
    }
    @inlinable public static func - (left: Instant, right: Instant) -> Duration {
        .nanoseconds(left.nanoseconds.subtractingClamped(right.nanoseconds))
    }
}

/// A point on the calendar's clock, in milliseconds since 1970 in UTC; may jump, so never measure with it.
public struct WallTime: Hashable, Comparable, Sendable {
    public var milliseconds: Int64
    @inlinable public init(milliseconds: Int64) { self.milliseconds = milliseconds }
    public static let zero = WallTime(milliseconds: 0)
    @inlinable public static func < (left: WallTime, right: WallTime) -> Bool { left.milliseconds < right.milliseconds }
    /// The time since `earlier`, in milliseconds.
    @inlinable public func milliseconds(since earlier: Int64) -> Int64 { milliseconds.subtractingClamped(earlier) }
}

extension Duration {
    /// Clamped to 64 bits: 292 years.
    @inlinable public var inNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds.multipliedClamped(by: 1_000_000_000).addingClamped(attoseconds / 1_000_000_000)
    }
    @inlinable public var inMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds.multipliedClamped(by: 1000).addingClamped(attoseconds / 1_000_000_000_000_000)
    }
}

/// A shell's clock; the simulator has its own.
public protocol TimeSource: Sendable {
    func now() -> Instant
    func wallTime() -> WallTime
}
