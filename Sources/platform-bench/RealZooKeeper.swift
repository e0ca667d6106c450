// A real ZooKeeper, for comparison: Debian's package, one server or an ensemble, on free ports with data in a temporary directory.
import Base
import Foundation
import Glibc
import NetKit
import TestKit

final class RealZooKeeper {
    let addresses: [HostPort]
    private var processes: [Process] = []
    private let directory: String

    private static let jars = "/usr/share/java"

    private init(_ addresses: [HostPort], _ directory: String) {
        self.addresses = addresses
        self.directory = directory
    }

    /// nil if it is not installed or does not start.
    static func start(servers: Int) -> RealZooKeeper? {
        guard FileManager.default.fileExists(atPath: jars + "/zookeeper.jar"),
            FileManager.default.isExecutableFile(atPath: "/usr/bin/java"),
            let directory = try? PlatformProcess.temporaryDirectory(),  // without a directory there is no peer to measure
            let ports = try? FreePorts.take(servers * 3)  // nor without ports
        else { return nil }
        let peer = RealZooKeeper(ports.prefix(servers).map { HostPort("127.0.0.1", $0) }, directory)
        for place in 0..<servers {
            guard peer.launch(place, ports) else {
                peer.stop()
                return nil
            }
        }
        for _ in 0..<200 {
            Thread.sleep(forTimeInterval: 0.1)
            if peer.addresses.allSatisfy(serves) { return peer }
        }
        peer.stop()
        return nil
    }

    private func launch(_ place: Int, _ ports: [Int]) -> Bool {
        let count = addresses.count
        let home = directory + "/\(place + 1)"
        var settings =
            "tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=\(home)\nclientPort=\(ports[place])\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\nmaxClientCnxns=0\n4lw.commands.whitelist=srvr\n"
        if count > 1 {
            for other in 0..<count { settings += "server.\(other + 1)=127.0.0.1:\(ports[count + other]):\(ports[2 * count + other])\n" }
        }
        let files = FileManager.default
        do { try files.createDirectory(atPath: home, withIntermediateDirectories: true) } catch { return false }
        _ = files.createFile(atPath: home + "/myid", contents: Data("\(place + 1)\n".utf8))
        _ = files.createFile(atPath: home + "/zoo.cfg", contents: Data(settings.utf8))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/java")
        process.arguments = [
            "-Xmx1g", "-cp", "/etc/zookeeper/conf:\(Self.jars)/*", "org.apache.zookeeper.server.quorum.QuorumPeerMain", home + "/zoo.cfg",
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { return false }
        processes.append(process)
        return true
    }

    /// Resident memory of all servers.
    var megabytes: Double {
        processes.reduce(0) { sum, process in
            let text =
                FileManager.default.contents(atPath: "/proc/\(process.processIdentifier)/statm").map { String(decoding: $0, as: UTF8.self) }
                ?? ""
            let pages = text.split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? 0
            return sum + pages * 4096 / 1e6
        }
    }

    /// Whether a server reports its state; one without a leader reports that it serves nothing.
    private static func serves(_ address: HostPort) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = UInt16(address.port).bigEndian
        target.sin_addr.s_addr = inet_addr(address.host)
        let connected = withUnsafePointer(to: &target) {
            // A sockaddr_in is passed as the sockaddr that it begins with, with its own size, as connect(2) asks.
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
        }
        guard connected, send(descriptor, "srvr", 4, 0) == 4 else { return false }
        var answer = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &answer, answer.count, 0)
        return String(decoding: answer.prefix(max(0, count)), as: UTF8.self).contains("Mode:")
    }

    func stop() {
        for process in processes where process.isRunning { process.terminate() }
        for process in processes { process.waitUntilExit() }
        try? FileManager.default.removeItem(atPath: directory)  // a temporary directory may stay
    }
}
