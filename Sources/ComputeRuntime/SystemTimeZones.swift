// The time zones of the system's database, read once each. Names that are no file there and no offset are none.
import QueryCore
import Synchronization

package final class SystemTimeZones: TimeZones {
    /// Zones kept; the database has about 600 names.
    private static let zonesMax = 1_000
    /// Bytes of a zone's file; the largest of the database has 4 KiB.
    private static let fileBytesMax = 64 << 10

    private let directory: String
    private let known = Mutex<[String: ZoneRules]>([:])

    package init(directory: String = "/usr/share/zoneinfo") { self.directory = directory }

    package func rules(_ name: String) -> ZoneRules? {
        if let rules = known.withLock({ $0[name] }) { return rules }
        guard let rules = ZoneRules.fixed(name) ?? read(name) else { return nil }
        known.withLock { if $0.count < Self.zonesMax { $0[name] = rules } }
        return rules
    }

    private func read(_ name: String) -> ZoneRules? {
        let isName = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || "+-_/".utf8.contains(byte)
        }
        guard isName, (1..<100).contains(name.utf8.count), name.utf8.first != UInt8(ascii: "/") else { return nil }
        let path = "\(directory)/\(name)"
        do {
            guard let status = try LocalFiles().status(path), !status.isDirectory, status.bytes <= Self.fileBytesMax else { return nil }
            return ZoneRules(name: name, tzif: try LocalFiles().read(path, offset: 0, count: Int(status.bytes)))
        } catch {
            // A name without a readable file is no zone, whatever the reason.
            return nil
        }
    }
}
