// The port between servers: what a stranger says there does not make a server connect to where the stranger wants.
import Base
import Glibc
import Logging
import NetKit
import Testing

@Suite struct PeerLinkTests {
    /// A listening socket that notes nothing but whether somebody came.
    private final class Ear {
        let descriptor: Int32
        let port: Int

        init(_ host: String, port: Int = 0) throws {
            let ear = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var place = sockaddr_in()
            place.sin_family = sa_family_t(AF_INET)
            place.sin_port = in_port_t(port).bigEndian
            place.sin_addr.s_addr = inet_addr(host)
            let size = socklen_t(MemoryLayout<sockaddr_in>.size)
            // The memory of `place` is only used within the calls.
            let bound = withUnsafePointer(to: &place) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(ear, $0, size) } }
            try #require(bound == 0 && listen(ear, 5) == 0)
            var length = size
            _ = withUnsafeMutablePointer(to: &place) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(ear, $0, &length) }
            }
            descriptor = ear
            self.port = Int(in_port_t(bigEndian: place.sin_port))
        }

        deinit { _ = Glibc.close(descriptor) }

        /// Whether somebody has connected, looked at without waiting.
        var wasCalled: Bool {
            var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            return poll(&wait, 1, 0) > 0
        }
    }

    /// Introduces itself, and says where it wants to be dialled.
    private final class Stranger: FrameSession {
        init(_ frames: FrameConnection, _ place: String) {
            var hello = Bytes()
            hello.writeInteger(UInt32(0x504c_5432))
            for number in [Int64(2), 1, 0] { hello.writeInteger(number) }
            hello.writeInteger(UInt8(place.utf8.count))
            hello.writeString(place + "test")
            frames.send(hello)
        }
        func received(_ frame: Bytes) {}
        func closed() {}
    }

    @Test func aStrangerIsDialledWhereItCameFromAndNowhereElse() async throws {
        let (elsewhere, here) = (try Ear("127.0.0.2"), try Ear("127.0.0.1"))
        let loop = NIOServiceLoop()
        let own = HostPort("127.0.0.1", 0)
        let links = try await PeerLinks.listen(
            PeerLinkSettings(id: 1, listen: own, peers: [.init(id: 1, address: own)], service: "test"), loop: loop,
            log: Logger(label: "test"))
        loop.execute { links.connect() }
        for place in ["127.0.0.2:\(elsewhere.port)", "127.0.0.2:\(here.port)"] {
            try await FrameClient.connect(links.address, loop: loop, limits: FrameLimits(frameBytesMax: 1000)) { Stranger($0, place) }
        }
        let deadline = SystemTime().now() + .seconds(60)
        while !here.wasCalled {
            try #require(SystemTime().now() < deadline)
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(!elsewhere.wasCalled)
        await links.stop()
        try await loop.stop()
    }
}
