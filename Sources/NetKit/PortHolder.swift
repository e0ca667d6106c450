// The process that listens on a port, from the kernel's tables, so that "address in use" can name the culprit. Best effort: without the
// right to look into another user's process there is no name.
import Glibc

/// Finds the process behind a listening TCP port.
package enum PortHolder {
    /// `name (pid N)`, or nil if it is unknown.
    package static func find(port: Int) -> String? {
        let inodes = listeningInodes(port: port)
        guard !inodes.isEmpty else { return nil }
        for pid in names(in: "/proc").compactMap({ Int($0) }).sorted() {
            for descriptor in names(in: "/proc/\(pid)/fd") {
                guard let target = link("/proc/\(pid)/fd/\(descriptor)"), target.hasPrefix("socket:[") else { continue }
                if inodes.contains(String(target.dropFirst(8).dropLast())) {
                    let name = text("/proc/\(pid)/comm").split(separator: "\n").first.map(String.init) ?? "a process"
                    return "\(name) (pid \(pid))"
                }
            }
        }
        return nil
    }

    private static func listeningInodes(port: Int) -> [String] {
        let digits = String(port, radix: 16, uppercase: true)
        let suffix = ":" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        return ["/proc/net/tcp", "/proc/net/tcp6"].flatMap { file in
            text(file).split(separator: "\n").dropFirst().compactMap { line in
                let fields = line.split(separator: " ")
                return fields.count > 9 && fields[1].hasSuffix(suffix) && fields[3] == "0A" ? String(fields[9]) : nil
            }
        }
    }

    private static func text(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 8192)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func link(_ path: String) -> String? {
        var target = [UInt8](repeating: 0, count: 256)
        let count = target.withUnsafeMutableBytes { readlink(path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count) }
        return count > 0 ? String(decoding: target[..<count], as: UTF8.self) : nil
    }

    private static func names(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            // d_name is NUL-terminated within its 256 bytes, as readdir promises.
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) } }
            )
        }
        return names
    }
}
