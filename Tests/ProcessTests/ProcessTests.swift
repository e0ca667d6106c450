// The suites of all process tests, by what they ask of the machine.
import Testing

/// Tests that measure time or memory under load, or fill the machine: one after the other.
@Suite(.serialized) enum OneAtATime {}

/// Tests that wait most of the time, for processes, elections and timeouts: two lanes run side by side on two processors. The lanes take
/// about the same time.
@Suite enum SideBySide {
    @Suite(.serialized) enum Brokers {}
    @Suite(.serialized) enum Others {}
}
