// The event loop that a service lives on, and the clocks of the machine. Everything above NetKit sees these through the ports of Base.
import Base
import Glibc
import NIOCore
import NIOPosix

/// One event loop with its thread, for one service: its connections and its core share it.
package final class NIOServiceLoop: ServiceLoop {
    let group: MultiThreadedEventLoopGroup
    let eventLoop: any EventLoop

    package init() {
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        eventLoop = group.next()
    }

    package var isCurrent: Bool { eventLoop.inEventLoop }
    package func execute(_ job: @escaping @Sendable () -> Void) { eventLoop.execute(job) }
    package func schedule(after delay: Duration, _ job: @escaping @Sendable () -> Void) {
        eventLoop.scheduleTask(in: .nanoseconds(delay.inNanoseconds), job)
    }

    /// Ends the thread; connections that are still open are closed.
    package func stop() async throws { try await group.shutdownGracefully() }
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
