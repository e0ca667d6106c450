// Ports free at the moment, for servers of one process that must know each other's address before they listen. The system may give such a
// port to another process in between; the listener then reports it.
import Glibc

package enum FreePorts {
    /// `count` different ports of the loopback address.
    package static func take(_ count: Int) throws -> [Int] {
        var descriptors: [Int32] = []
        defer { for descriptor in descriptors { close(descriptor) } }
        return try (0..<count).map { _ in
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            guard descriptor >= 0 else { throw ListenError(HostPort("127.0.0.1", 0), .other("no socket is to be had (errno \(errno))")) }
            descriptors.append(descriptor)
            return try port(descriptor)
        }
    }

    private static func port(_ descriptor: Int32) throws -> Int {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let failed = withUnsafeMutablePointer(to: &address) { pointer in  // the pointer stays within the calls
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) != 0 || getsockname(descriptor, $0, &length) != 0
            }
        }
        guard !failed else { throw ListenError(HostPort("127.0.0.1", 0), .other("no free port is to be had (errno \(errno))")) }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
