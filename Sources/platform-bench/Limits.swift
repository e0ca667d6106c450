// The machine's own limits, for comparison: the disk under the data directory, one connection over loopback, and a process's processor
// time. Measured in the same run as the compared figures.
import Foundation
import TestKit

enum Limits {
    private static let block = 1 << 20

    /// MB/s of sequential writes with a sync for every eight of them.
    static func diskRate(_ directory: String) throws -> Double {
        try withFile(directory) { file in
            let bytes = [UInt8](repeating: 0x61, count: block)
            let blocks = 256
            let seconds = try Figures.timed {
                for number in 1...blocks {
                    guard write(file, bytes, block) == block else { throw PlatformProcess.Failure("the disk took less than it was given") }
                    if number % 8 == 0 { fdatasync(file) }
                }
            }
            return Double(blocks * block) / 1e6 / seconds
        }
    }

    /// The median time of a small write with its sync.
    static func syncMilliseconds(_ directory: String) throws -> Double {
        try withFile(directory) { file in
            let bytes = [UInt8](repeating: 0x61, count: 4096)
            let times = try (0..<200).map { _ in
                try Figures.timed {
                    guard write(file, bytes, bytes.count) == bytes.count else {
                        throw PlatformProcess.Failure("the disk took less than it was given")
                    }
                    fdatasync(file)
                }
            }
            return Figures.median(times) * 1000
        }
    }

    private static func withFile(_ directory: String, _ body: (Int32) throws -> Double) throws -> Double {
        let path = directory + "/limit"
        let file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0o600)
        guard file >= 0 else { throw PlatformProcess.Failure("\(path) cannot be written") }
        defer {
            close(file)
            unlink(path)
        }
        return try body(file)
    }

    /// MB/s that one TCP connection carries between two threads.
    static func loopbackRate() throws -> Double {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        // The address is lent for the calls.
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && listen(listener, 1) == 0 && getsockname(listener, $0, &size) == 0
            }
        }
        guard bound else { throw PlatformProcess.Failure("no loopback socket") }
        let total = 2 << 30
        let place = address
        let sender = Thread {
            let out = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var place = place
            let bytes = [UInt8](repeating: 0x61, count: 256 << 10)
            // As above.
            let joined = withUnsafePointer(to: &place) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(out, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
            }
            var left = joined == 0 ? total : 0
            while left > 0 {
                let sent = send(out, bytes, min(left, bytes.count), 0)
                if sent <= 0 { break }
                left -= sent
            }
            close(out)
        }
        sender.start()
        let incoming = accept(listener, nil, nil)
        defer { close(incoming) }
        var buffer = [UInt8](repeating: 0, count: 256 << 10)
        var seen = 0
        let seconds = try Figures.timed {
            while seen < total {
                let got = recv(incoming, &buffer, buffer.count, 0)
                if got <= 0 { throw PlatformProcess.Failure("the loopback connection broke") }
                seen += got
            }
        }
        return Double(seen) / 1e6 / seconds
    }

    /// Processor seconds that a process has used; 0 if it is gone.
    static func processorSeconds(_ pid: Int32) -> Double {
        guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return 0 }
        let fields = String(decoding: data, as: UTF8.self).split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return 0 }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
