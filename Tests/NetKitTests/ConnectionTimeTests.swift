// The time limits of framed connections, over real sockets on loopback: who says nothing is closed, who talks stays. Everything that has a
// time happens on the connection's own loop, since the pool that runs the tests may be busy with others for minutes.
import Base
import Logging
import NetKit
import Synchronization
import Testing

@Suite struct ConnectionTimeTests {
    /// Answers every frame with itself.
    private final class Echo: FrameSession {
        private let connection: FrameConnection
        init(_ connection: FrameConnection) { self.connection = connection }
        func received(_ frame: Bytes) { connection.send(Bytes(bytes: Array(frame.readableBytesView))) }
        func closed() {}
    }

    /// Says something `count` times, `pause` apart, and reports when it was closed, or that it still was open at `patience` after the last
    /// word.
    private final class Talker: FrameSession, @unchecked Sendable {
        // Safe to share: everything but `report` is used on the loop only.
        private let connection: FrameConnection
        private let loop: NIOServiceLoop
        private let pause: Duration
        private let patience: Duration
        private var silentSince = SystemTime().now()
        private let report: @Sendable (_ closedAfter: Duration?, _ unsaid: Int) -> Void
        private var unsaid: Int

        init(
            _ connection: FrameConnection, _ loop: NIOServiceLoop, count: Int, pause: Duration, patience: Duration,
            report: @escaping @Sendable (Duration?, Int) -> Void
        ) {
            self.connection = connection
            self.loop = loop
            self.pause = pause
            self.patience = patience
            self.report = report
            unsaid = count
            loop.execute { self.talk() }
        }

        private func talk() {
            silentSince = SystemTime().now()
            guard unsaid > 0 else { return loop.schedule(after: patience) { self.report(nil, 0) } }
            unsaid -= 1
            connection.send(Bytes(string: "hello"))
            loop.schedule(after: pause) { self.talk() }
        }

        func received(_ frame: Bytes) {}
        func closed() { report(SystemTime().now() - silentSince, unsaid) }
    }

    /// What became of a talker on a connection with these limits: how long after its last word it was closed (nil: not), and words it had
    /// left.
    private func outcome(_ limits: FrameLimits, count: Int, pause: Duration = .zero, patience: Duration) async throws -> (
        closedAfter: Duration?, unsaid: Int
    ) {
        let loop = NIOServiceLoop()
        let listener = try await FrameListener.bind(HostPort("127.0.0.1", 0), loop: loop, limits: limits, log: Logger(label: "test")) {
            Echo($0)
        }
        let reports = AsyncStream.makeStream(of: (Duration?, Int).self)
        try await FrameClient.connect(listener.address, loop: loop, limits: FrameLimits(frameBytesMax: 1000)) { frames in
            Talker(frames, loop, count: count, pause: pause, patience: patience) { reports.continuation.yield(($0, $1)) }
        }
        var iterator = reports.stream.makeAsyncIterator()
        let first = try #require(await iterator.next())
        await listener.stopAccepting()
        await listener.closeConnections()
        try await loop.stop()
        return (first.0, first.1)
    }

    @Test func aConnectionThatNeverSendsAFrameIsClosed() async throws {
        var limits = FrameLimits(frameBytesMax: 1000)
        limits.firstFrameTimeout = .milliseconds(100)
        #expect(try await outcome(limits, count: 0, patience: .seconds(30)).closedAfter != nil)
    }

    @Test func aConnectionThatHasSentAFrameOutlivesTheFirstFramesLimit() async throws {
        var limits = FrameLimits(frameBytesMax: 1000)
        limits.firstFrameTimeout = .seconds(1)
        #expect(try await outcome(limits, count: 1, patience: .milliseconds(2500)).closedAfter == nil)
    }

    @Test func anIdleConnectionIsClosedAndABusyOneIsNot() async throws {
        var limits = FrameLimits(frameBytesMax: 1000)
        limits.idleTimeout = .seconds(1)
        let (closedAfter, unsaid) = try await outcome(limits, count: 12, pause: .milliseconds(150), patience: .seconds(30))
        #expect(unsaid == 0)
        let silence = try #require(closedAfter)
        #expect(silence > .milliseconds(700), "closed after \(silence)")
    }
}
