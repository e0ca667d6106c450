// The event loop of a service, and the clocks of the machine. Everything above NetKit sees these through the ports of Base.
import Base
import Glibc
import NIOCore
import NIOPosix

/// One event loop with its thread, for one service: its connections and its core share it.
package final class NIOServiceLoop: ServiceLoop {
    let group: MultiThreadedEventLoopGroup
    let eventLoop: any EventLoop
    private let turns: TurnCount

    /// The delay of `executeNextTurn`; the loop looks at its connections in between if nothing is due by then.
    private static let turnPause = TimeAmount.microseconds(20)

    /// `turns` observes the duration of each turn.
    package init(turns durations: DurationHistogram? = nil) {
        turns = TurnCount(durations)
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1, metricsDelegate: turns)
        eventLoop = group.next()
    }

    package var isCurrent: Bool { eventLoop.inEventLoop }
    package func execute(_ job: @escaping @Sendable () -> Void) { eventLoop.execute(job) }

    /// The loop runs all due jobs before it looks at its connections. A delayed job is due once other jobs took longer than its delay:
    /// therefore it is delayed again until a turn has ended.
    package func executeNextTurn(_ job: @escaping @Sendable () -> Void) { putOff(job, until: turns.ended) }

    private func putOff(_ job: @escaping @Sendable () -> Void, until ended: Int) {
        eventLoop.scheduleTask(in: Self.turnPause) {
            if self.turns.ended == ended { self.putOff(job, until: ended) } else { job() }
        }
    }

    package func schedule(after delay: Duration, _ job: @escaping @Sendable () -> Void) {
        eventLoop.scheduleTask(in: .nanoseconds(delay.inNanoseconds), job)
    }

    /// Ends the thread; open connections are closed.
    package func stop() async throws { try await group.shutdownGracefully() }
}

extension MetricsRegistry {
    /// Durations of the turns of a service's loop: during a turn no other connection is served.
    package func loopTurns(_ service: String) -> DurationHistogram {
        histogram(
            "loop_turn_duration", help: "Time that a service's loop was busy before it looked at its connections again.",
            labels: [("service", service)])
    }
}

/// Counts the turns of a loop: each looks at the connections and then runs the due jobs.
private final class TurnCount: NIOEventLoopMetricsDelegate, @unchecked Sendable {
    // Safe to share: touched on the loop only.
    private(set) var ended = 0
    private let durations: DurationHistogram?

    init(_ durations: DurationHistogram?) { self.durations = durations }

    func processedTick(info: NIOEventLoopTickInfo) {
        ended &+= 1
        durations?.observe(.nanoseconds((info.endTime - info.startTime).nanoseconds))
    }
}

/// The machine's clocks.
package struct SystemTime: TimeSource {
    package init() {}

    private func read(_ clock: clockid_t) -> timespec {
        var value = timespec()
        clock_gettime(clock, &value)
        return value
    }

    package func now() -> Instant {
        let value = read(CLOCK_MONOTONIC)
        return Instant(nanoseconds: Int64(value.tv_sec) * 1_000_000_000 + Int64(value.tv_nsec))
    }

    package func wallTime() -> WallTime {
        let value = read(CLOCK_REALTIME)
        return WallTime(milliseconds: Int64(value.tv_sec) * 1000 + Int64(value.tv_nsec) / 1_000_000)
    }
}
