// A blocking TCP connection with frames behind an int32 of length. Used by one caller at a time.
import Base
import Foundation

final class ByteSocket {
    private let descriptor: Int32
    private var unread = Bytes()
    /// The time limit of every wait, in seconds.
    private static let patience = 60

    init(_ address: String) throws {
        let parts = address.split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1]) else { throw Finding("\(address) is no address") }
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Finding("no socket: errno \(errno)") }
        var time = timeval(tv_sec: Self.patience, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
        }
        var there = sockaddr_in()
        there.sin_family = sa_family_t(AF_INET)
        there.sin_port = port.bigEndian
        inet_pton(AF_INET, String(parts[0]), &there.sin_addr)
        let code = withUnsafePointer(to: &there) {
            // The address is read within the call.
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard code == 0 else {
            close(descriptor)
            throw Finding("nobody listens at \(address): errno \(errno)")
        }
    }

    deinit { close(descriptor) }

    /// False if the peer has closed.
    func send(frame: Bytes) throws -> Bool {
        var bytes = ByteBufferAllocator().buffer(capacity: frame.readableBytes + 4)
        bytes.writeInteger(Int32(frame.readableBytes))
        bytes.writeImmutableBuffer(frame)
        return try send(bytes)
    }

    func send(_ bytes: Bytes) throws -> Bool {
        var rest = bytes
        while rest.readableBytes > 0 {
            // The bytes are read within the call.
            let sent = rest.withUnsafeReadableBytes { Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if sent < 0, errno == EAGAIN { throw Finding("the server takes nothing for \(Self.patience) s") }
            guard sent > 0 else { return false }
            rest.moveReaderIndex(forwardBy: sent)
        }
        return true
    }

    /// Sends until the peer answers: one that refuses early reads no further.
    func sendUntilAnswered(_ bytes: Bytes) throws {
        var rest = bytes
        while rest.readableBytes > 0 {
            var state = pollfd(fd: descriptor, events: Int16(POLLIN | POLLOUT), revents: 0)
            guard poll(&state, 1, Int32(Self.patience) * 1000) > 0 else { throw Finding("the server takes nothing for \(Self.patience) s") }
            guard state.revents & Int16(POLLIN) == 0 else { return }
            // The bytes are read within the call.
            let sent = rest.withUnsafeReadableBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if sent < 0, errno == EAGAIN { continue }
            guard sent > 0 else { return }
            rest.moveReaderIndex(forwardBy: sent)
        }
    }

    /// The next frame; nil if the peer has closed.
    func frame() throws -> Bytes? {
        while true {
            if let length = unread.getInteger(at: unread.readerIndex, as: Int32.self), unread.readableBytes >= 4 + Int(length) {
                unread.moveReaderIndex(forwardBy: 4)
                defer { unread.discardReadBytes() }
                return unread.readSlice(length: Int(length))?.copied()
            }
            guard try fill() else { return nil }
        }
    }

    /// Everything until the peer closes.
    func rest() throws -> Bytes {
        while try fill() {}
        return unread
    }

    private func fill() throws -> Bool {
        let got = unread.writeWithUnsafeMutableBytes(minimumWritableBytes: 64 << 10) {
            max(0, recv(descriptor, $0.baseAddress, $0.count, 0))
        }
        if got == 0, errno == EAGAIN { throw Finding("no answer for \(Self.patience) s") }
        return got > 0
    }
}
