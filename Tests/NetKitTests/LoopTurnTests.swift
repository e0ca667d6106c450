// A service loop gives its connections their turn, however long the jobs are that are due.
import Base
import Foundation
import Logging
import NetKit
import Testing

/// What happened, on the loop.
private final class Events: @unchecked Sendable {
    // Safe to share: touched on the loop, and by the test when the loop has told that it is done.
    var order: [String] = []
}

private final class NotingSession: FrameSession {
    private let events: Events
    init(_ events: Events) { self.events = events }
    func received(_ frame: Bytes) { events.order.append("frame") }
    func closed() {}
}

@Suite struct LoopTurnTests {
    /// The frame is there before the job is put off, and other jobs take longer than any delay that it could have.
    @Test func aJobOfTheNextTurnRunsAfterWhatConnectionsHaveSent() async throws {
        let (loop, events) = (NIOServiceLoop(), Events())
        let listener = try await FrameListener.bind(
            HostPort("127.0.0.1", 0), loop: loop, limits: FrameLimits(frameBytesMax: 100), log: Logger(label: "test")
        ) { _ in NotingSession(events) }
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(client) }
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = UInt16(listener.address.port).bigEndian
        target.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &target) {
            // A sockaddr_in is passed as the sockaddr that it begins with, with its own size.
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        #expect(connected == 0)
        // The first frame tells that the connection is taken.
        let frame: [UInt8] = [0, 0, 0, 1, 7]
        #expect(send(client, frame, frame.count, 0) == frame.count)
        for _ in 0..<2000 {
            let count = await withCheckedContinuation { (done: CheckedContinuation<Int, Never>) in
                loop.execute { done.resume(returning: events.order.count) }
            }
            if count > 0 { break }
            try await Task.sleep(for: .milliseconds(5))
        }
        for _ in 0..<20 {
            await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
                loop.execute {
                    events.order = []
                    _ = send(client, frame, frame.count, 0)
                    loop.executeNextTurn {
                        events.order.append("job")
                        done.resume()
                    }
                    loop.execute { usleep(2000) }
                }
            }
            #expect(events.order == ["frame", "job"])
        }
        await listener.stopAccepting()
        try await loop.stop()
    }
}
