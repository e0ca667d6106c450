// What peers can make a listener hold: frames that never become whole, answers that nobody reads, requests behind a pause. Over real
// sockets on loopback; each test waits for what is to come, not for a time.
import Base
import Glibc
import Logging
import NetKit
import Testing

@Suite struct PeerMemoryTests {
    /// A peer that writes and reads when it is told to.
    private final class RawPeer {
        private let descriptor: Int32

        init(_ address: HostPort) throws {
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var place = sockaddr_in()
            place.sin_family = sa_family_t(AF_INET)
            place.sin_port = in_port_t(address.port).bigEndian
            place.sin_addr.s_addr = inet_addr("127.0.0.1")
            let connected = withUnsafePointer(to: &place) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
            }
            try #require(connected == 0)
        }

        deinit { _ = Glibc.close(descriptor) }

        /// Takes what the kernel takes; false once the other side has closed.
        func send(_ bytes: Bytes) -> Bool {
            bytes.withUnsafeReadableBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)) }
                >= 0 || errno == EAGAIN
        }

        /// All that comes until the other side closes, or until `count` bytes are there.
        func read(upTo count: Int = .max) -> [UInt8] {
            var all: [UInt8] = []
            var piece = [UInt8](repeating: 0, count: 64 << 10)
            while all.count < count {
                let got = recv(descriptor, &piece, min(piece.count, count - all.count), 0)
                guard got > 0 else { break }
                all += piece[..<got]
            }
            return all
        }

        /// Whether the other side has closed, seen without waiting.
        var isClosed: Bool {
            var byte: UInt8 = 0
            let got = recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
            return got == 0 || got < 0 && errno != EAGAIN
        }
    }

    /// Answers each frame with as many bytes as its number says; 0 pauses for a turn of the loop, -1 closes.
    private final class Server: FrameSession, @unchecked Sendable {
        // Safe to share: used on the loop only.
        private let frames: FrameConnection
        private let loop: NIOServiceLoop
        private let count: Counter
        init(_ frames: FrameConnection, _ loop: NIOServiceLoop, _ count: Counter) {
            self.frames = frames
            self.loop = loop
            self.count = count
        }
        func received(_ frame: Bytes) {
            count.add()
            switch frame.getInteger(at: frame.readerIndex, as: Int32.self) ?? 0 {
            case 0:
                frames.pauseReading()
                loop.execute { self.frames.resumeReading() }
            case -1: frames.close()
            case let size: frames.send(Bytes(repeating: 7, count: Int(size)))
            }
        }
        func closed() {}
    }

    private struct Running {
        let loop: NIOServiceLoop
        let listener: FrameListener
        let delivered: Counter

        func stop() async throws {
            await listener.stopAccepting()
            await listener.closeConnections()
            try await loop.stop()
        }
    }

    private func serve(_ limits: FrameLimits) async throws -> Running {
        let (loop, count) = (NIOServiceLoop(), Counter())
        let listener = try await FrameListener.bind(HostPort("127.0.0.1", 0), loop: loop, limits: limits, log: Logger(label: "test")) {
            Server($0, loop, count)
        }
        return Running(loop: loop, listener: listener, delivered: count)
    }

    private func frame(_ number: Int32) -> Bytes {
        var bytes = Bytes()
        bytes.writeInteger(UInt32(4))
        bytes.writeInteger(number)
        return bytes
    }

    /// The beginning of a frame of `announced` bytes.
    private func beginning(_ announced: Int, _ count: Int) -> Bytes {
        var bytes = Bytes()
        bytes.writeInteger(UInt32(announced))
        bytes.writeRepeatingByte(1, count: count)
        return bytes
    }

    private func eventually(_ what: () -> Bool) async throws {
        let deadline = SystemTime().now() + .seconds(60)
        while !what() {
            try #require(SystemTime().now() < deadline)
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    @Test func aBudgetCountsOnAllLevelsOrOnNone() {
        let process = MemoryBudget(name: "process", limitBytes: 100)
        let (one, other) = (
            MemoryBudget(name: "one", limitBytes: 80, parent: process), MemoryBudget(name: "other", limitBytes: 80, parent: process)
        )
        #expect(one.take(80))
        #expect(!one.take(1))
        #expect(!other.take(30))
        #expect((one.usedBytes, other.usedBytes, process.usedBytes) == (80, 0, 80))
        #expect(other.take(20))
        #expect(!other.take(.max))
        one.giveBack(80)
        #expect(!other.take(61, sparing: true), "the last fifth stays free")
        #expect(other.take(44, sparing: true))
        other.takeAnyway(1000)
        #expect(!one.take(1))
        other.giveBack(1064)
        #expect(process.usedBytes == 0)
    }

    @Test func framesThatAreNotWholeHoldNoMoreThanTheirBudget() async throws {
        var limits = FrameLimits(frameBytesMax: 8 << 20)
        let memory = MemoryBudget(name: "test", limitBytes: 4 << 20)
        limits.memory = memory
        let running = try await serve(limits)
        let peers = try (0..<20).map { _ in try RawPeer(running.listener.address) }
        for _ in 0..<40 {
            for peer in peers { _ = peer.send(beginning(8 << 20, 100_000)) }
            try await Task.sleep(for: .milliseconds(1))
            // What one read of a socket delivered, 256 KiB at most, is counted even where there is no room for it; reading stops then.
            #expect(memory.usedBytes <= (4 << 20) + peers.count * (256 << 10))
        }
        try await eventually { memory.refusals > 0 }
        // Small requests are read all the same.
        let honest = try RawPeer(running.listener.address)
        _ = honest.send(frame(3))
        #expect(honest.read(upTo: 7).count == 7)
        try await running.stop()
        #expect(memory.usedBytes == 0)
    }

    @Test func aFrameThatWaitsForMemoryGoesOnWhenOthersGiveItBack() async throws {
        var limits = FrameLimits(frameBytesMax: 1 << 20)
        let memory = MemoryBudget(name: "test", limitBytes: 1 << 20)
        limits.memory = memory
        let running = try await serve(limits)
        // Somebody holds nearly all.
        memory.takeAnyway(700 << 10)
        let peer = try RawPeer(running.listener.address)
        var whole = beginning(300_000, 300_000)
        whole.setInteger(Int32(5), at: 4)
        while let piece = whole.readSlice(length: min(20_000, whole.readableBytes)), piece.readableBytes > 0 {
            _ = peer.send(piece)
            try await Task.sleep(for: .milliseconds(1))
        }
        try await eventually { memory.refusals > 0 }
        #expect(running.delivered.total == 0)
        memory.giveBack(700 << 10)
        #expect(peer.read(upTo: 9).count == 9)
        try await running.stop()
        #expect(memory.usedBytes == 0)
    }

    @Test func requestsAreNotDeliveredWhileAnswersHaveNotLeft() async throws {
        var limits = FrameLimits(frameBytesMax: 100)
        limits.outboundBytesMax = 1 << 20
        let memory = MemoryBudget(name: "test", limitBytes: 64 << 20)
        limits.memory = memory
        let running = try await serve(limits)
        let peer = try RawPeer(running.listener.address)
        let (count, size) = (200, 1 << 20)
        var burst = Bytes()
        for _ in 0..<count { burst.writeImmutableBuffer(frame(Int32(size))) }
        #expect(peer.send(burst))
        try await eventually { memory.usedBytes > 0 }
        #expect(running.delivered.total < 40, "the sockets' buffers take some megabytes")
        #expect(memory.usedBytes <= 4 << 20)
        #expect(peer.read(upTo: count * (size + 4)).count == count * (size + 4))
        #expect(running.delivered.total == Int64(count))
        try await running.stop()
        #expect(memory.usedBytes == 0)
    }

    @Test func aPauseHoldsWithinABurstAndTheOrderStays() async throws {
        let running = try await serve(FrameLimits(frameBytesMax: 100))
        let peer = try RawPeer(running.listener.address)
        var burst = Bytes()
        for number in 1...50 {
            burst.writeImmutableBuffer(frame(0))
            burst.writeImmutableBuffer(frame(Int32(number)))
        }
        burst.writeImmutableBuffer(frame(-1))
        #expect(peer.send(burst))
        var answers = Bytes(bytes: peer.read())
        for number in 1...50 {
            #expect(answers.readInteger(as: UInt32.self) == UInt32(number))
            answers.moveReaderIndex(forwardBy: min(number, answers.readableBytes))
        }
        try await running.stop()
    }

    @Test func aCloseLeavesWhatWasSentBeforeIt() async throws {
        let running = try await serve(FrameLimits(frameBytesMax: 100))
        let peer = try RawPeer(running.listener.address)
        let size = 3 << 20
        var burst = Bytes()
        burst.writeImmutableBuffer(frame(Int32(size)))
        burst.writeImmutableBuffer(frame(Int32(1000)))
        burst.writeImmutableBuffer(frame(-1))
        burst.writeImmutableBuffer(frame(Int32(size)))
        #expect(peer.send(burst))
        try await eventually { running.delivered.total == 3 }
        try await Task.sleep(for: .milliseconds(50))
        #expect(peer.read().count == size + 4 + 1004)
        try await eventually { peer.isClosed }
        try await running.stop()
    }
}
