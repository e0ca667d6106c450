// The operator's file of datanodes that leave or rest, read at the start and at `refreshNodes`: lines of names, or the JSON of HDFS's
// dfs.hosts. Source: "HDFS DataNode Admin Guide".
import Base
import DFSCore
import Foundation
import HadoopWire

/// The duties in an operator's file. A datanode that is not named is in service.
struct DatanodeHosts: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        /// A host's name or address, or a datanode's number for itself.
        var name: String
        /// The port of data transfer; 0 for every datanode of the host.
        var port: UInt32 = 0
        var duty: DatanodeDuty
    }
    var entries: [Entry] = []

    /// Entries of a file, above those of any cluster.
    static let entriesMax = 100_000

    /// The duty of a datanode at a time: a rest ends by itself.
    func duty(of record: DatanodeRecord, now: WallTime) -> DatanodeDuty {
        let names = [record.address, record.hostName, record.uuid]
        let found = entries.first { entry in
            names.contains { $0.hasSameBytes(as: entry.name) } && (entry.port == 0 || entry.port == record.transferPort)
        }
        if case .resting(let until?) = found?.duty, until < now { return .inService }
        return found?.duty ?? .inService
    }

    // MARK: reading

    /// Reads the file; an empty path is an empty file. Throws JavaException that names the line or the reason.
    static func read(_ path: String) throws(JavaException) -> DatanodeHosts {
        guard !path.isEmpty else { return DatanodeHosts() }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw JavaException(JavaException.io, "\(path), the file of dfs.hosts.exclude, cannot be read; is it there?")
        }
        return try parse(String(decoding: data, as: UTF8.self), path)
    }

    static func parse(_ text: String, _ path: String) throws(JavaException) -> DatanodeHosts {
        let first = text.utf8.first { !isBlank($0) }
        let isJSON = first == UInt8(ascii: "[") || first == UInt8(ascii: "{")
        let hosts = DatanodeHosts(entries: isJSON ? try entries(json: text, path) : try entries(lines: text, path))
        guard hosts.entries.count <= entriesMax else {
            throw JavaException(JavaException.io, "\(path) names \(hosts.entries.count) datanodes, at most \(entriesMax) can be")
        }
        return hosts
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

    /// `host[:port]` on each line, and behind it `maintenance` with nothing or the milliseconds since 1970 of its end; # begins a remark.
    private static func entries(lines text: String, _ path: String) throws(JavaException) -> [Entry] {
        var entries: [Entry] = []
        for (number, line) in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let words = line.prefix { $0 != UInt8(ascii: "#") }.split(whereSeparator: isBlank).map { String(decoding: $0, as: UTF8.self) }
            guard let word = words.first else { continue }
            func refusal(_ why: String) -> JavaException { JavaException(JavaException.io, "line \(number + 1) of \(path): \(why)") }
            guard var entry = entry(word) else { throw refusal("\"\(word)\" is no host:port") }
            if words.count > 1 {
                guard words[1].lowercased() == "maintenance", words.count < 4 else {
                    throw refusal("a name may be followed by \"maintenance\" and a time, and by nothing else")
                }
                let until = words.count == 3 ? Int64(words[2]) : nil
                guard words.count == 2 || until != nil else { throw refusal("\"\(words[2])\" is no number of milliseconds since 1970") }
                entry.duty = .resting(until: until.map { WallTime(milliseconds: $0) })
            }
            entries.append(entry)
        }
        return entries
    }

    private static func entry(_ word: String) -> Entry? {
        guard word.utf8.count(where: { $0 == UInt8(ascii: ":") }) == 1 else { return Entry(name: word, duty: .leaving) }
        let host = String(word.piece(before: ":"))
        guard let port = UInt32(word.droppingBytes(first: host.utf8.count + 1)), port <= 65_535, !host.isEmpty else { return nil }
        return Entry(name: host, port: port, duty: .leaving)
    }

    private struct Named: Decodable {
        var hostName: String
        var port: UInt32?
        var adminState: String?
        var maintenanceExpireTimeInMS: Int64?
    }

    /// HDFS's form: a list of `{"hostName": ..., "port": ..., "adminState": ..., "maintenanceExpireTimeInMS": ...}`.
    private static func entries(json text: String, _ path: String) throws(JavaException) -> [Entry] {
        let named: [Named]
        do { named = try JSONDecoder().decode([Named].self, from: Data(text.utf8)) } catch {
            throw JavaException(JavaException.io, "\(path) is no list of datanodes in JSON: \(error)")
        }
        var entries: [Entry] = []
        for one in named {
            switch (one.adminState ?? "NORMAL").uppercased() {
            case "NORMAL": continue
            case "DECOMMISSIONED": entries.append(Entry(name: one.hostName, port: one.port ?? 0, duty: .leaving))
            case "IN_MAINTENANCE":
                let until = one.maintenanceExpireTimeInMS.map { WallTime(milliseconds: $0) }
                entries.append(Entry(name: one.hostName, port: one.port ?? 0, duty: .resting(until: until)))
            default:
                throw JavaException(
                    JavaException.io,
                    "\(path): \(one.hostName) has the adminState \(one.adminState ?? ""), not NORMAL, DECOMMISSIONED or IN_MAINTENANCE")
            }
        }
        return entries
    }
}

extension Namenode {
    /// Reads the operator's file again, and gives every datanode its duty.
    func refreshHosts() async throws {
        let hosts = try DatanodeHosts.read(settings.operation.hostsFile)
        try await look { _, soft in soft.hosts = hosts }
        try await assignDuties()
    }

    /// Gives every datanode its duty; a rest may have ended.
    private func assignDuties() async throws {
        let now = wallTime()
        let changed = try await look { _, soft in
            let hosts = soft.hosts
            return soft.board.assign { hosts.duty(of: $0, now: now) }
        }
        guard !changed.isEmpty else { return }
        log.notice("the duties of datanodes have changed", metadata: ["count": "\(changed.count)"])
        try await forBlocks { ids, soft in soft.board.doubtBlocks(of: changed, among: ids) }
    }

    /// A look at all blocks for datanodes that leave is repeated only after so many times its length.
    private static let dutyRests = 10

    /// Once a second: rests that have ended, and datanodes that may be switched off now.
    func freeDatanodes(now: Instant) async throws {
        try await assignDuties()
        let asked = try await look { _, soft in
            soft.dutyLookAfter.map { now < $0 } == true ? [] : soft.board.unfreed
        }
        guard !asked.isEmpty else { return }
        let enough = Int(settings.replication)
        var holding: Set<Int> = []
        try await walk(
            looksAtFiles: true, part: Set<Int>(),
            visit: { (part, inode, _, soft) throws(DFSRefusal) in
                guard let file = inode.file else { return }
                part.formUnion(
                    soft.board.holding(file.blocks.map { WantedBlock(block: $0, replication: Int(file.replication)) }, enough: enough))
            },
            take: { part in
                holding.formUnion(part)
                return true
            })
        var last: InodeID? = InodeID(0)
        while let after = last {
            let (part, end) = try await look { machine, soft in
                let (blocks, end) = Self.keptBlocks(after: after, in: machine)
                return (soft.board.holding(blocks, enough: enough), end)
            }
            holding.formUnion(part)
            last = end
        }
        let (held, end) = (holding, self.now())
        try await look { _, soft in
            soft.board.free(asked, except: held)
            soft.dutyLookAfter = end + (end - now) * Self.dutyRests
        }
    }
}
