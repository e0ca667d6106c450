// The time limits of framed connections, over real sockets on loopback: who says nothing is closed, who talks or is talked to stays.
import Base
import Logging
import NetKit
import Synchronization
import Testing

@Suite struct ConnectionTimeTests {
    /// Tells when a connection opens and closes; echoes frames.
    private final class Probe: FrameSession, @unchecked Sendable {
        // Safe to share: `connection` is used on the loop only, `isClosed` is a mutex.
        let connection: FrameConnection
        let isClosed = Mutex(false)
        let echoes: Bool
        init(_ connection: FrameConnection, echoes: Bool) {
            self.connection = connection
            self.echoes = echoes
        }
        func received(_ frame: Bytes) { if echoes { connection.send(Bytes(bytes: Array(frame.readableBytesView))) } }
        func closed() { isClosed.withLock { $0 = true } }
    }

    private struct Pair {
        let loop = NIOServiceLoop()
        let listener: FrameListener
        let client: Probe

        init(_ limits: FrameLimits) async throws {
            listener = try await FrameListener.bind(HostPort("127.0.0.1", 0), loop: loop, limits: limits, log: Logger(label: "test")) { Probe($0, echoes: true) }
            let made = Mutex<Probe?>(nil)
            try await FrameClient.connect(listener.address, loop: loop, limits: FrameLimits(frameBytesMax: 1000)) { frames in
                let probe = Probe(frames, echoes: false)
                made.withLock { $0 = probe }
                return probe
            }
            client = try #require(made.withLock { $0 })
        }

        func say(_ text: String) { loop.execute { [client] in client.connection.send(Bytes(string: text)) } }

        func closes(within limit: Duration) async throws -> Bool {
            let deadline = ContinuousClock.now + limit
            while ContinuousClock.now < deadline {
                if client.isClosed.withLock({ $0 }) { return true }
                try await Task.sleep(for: .milliseconds(10))
            }
            return false
        }

        func end() async throws {
            await listener.stopAccepting()
            await listener.closeConnections()
            try await loop.stop()
        }
    }

    @Test func aConnectionThatNeverSendsAFrameIsClosed() async throws {
        var limits = FrameLimits(frameBytesMax: 1000)
        limits.firstFrameTimeout = .milliseconds(100)
        let pair = try await Pair(limits)
        #expect(try await pair.closes(within: .seconds(5)))
        try await pair.end()
    }

    @Test func aConnectionThatHasSentAFrameOutlivesTheFirstFramesLimit() async throws {
        var limits = FrameLimits(frameBytesMax: 1000)
        limits.firstFrameTimeout = .seconds(1)
        let pair = try await Pair(limits)
        pair.say("hello")
        #expect(try await !pair.closes(within: .milliseconds(2500)))
        try await pair.end()
    }

    @Test func anIdleConnectionIsClosedAndABusyOneIsNot() async throws {
        var limits = FrameLimits(frameBytesMax: 1000)
        limits.idleTimeout = .seconds(2)
        let pair = try await Pair(limits)
        for _ in 0..<12 {
            pair.say("hello")
            #expect(try await !pair.closes(within: .milliseconds(250)))
        }
        #expect(try await pair.closes(within: .seconds(10)))
        try await pair.end()
    }
}
