// The page behind `hdfs fsck`: walks a tree in steps and sends its findings as plain text. It moves and deletes nothing. Source:
// org.apache.hadoop.hdfs.server.namenode.FsckServlet; the client takes its exit code from the last line.
import Base
import DFSCore
import Foundation
import HadoopNet
import HadoopWire
import NetKit

enum FsckPage {
    static let path = "/fsck"

    static func answer(_ http: HTTPCall, _ namenode: Namenode) async throws -> HTTPReply {
        try await namenode.checkOffice()
        let path = http.parameter("path") ?? "/"
        let user = http.parameter("ugi") ?? http.parameter("user.name") ?? ""
        guard user.utf8.count <= RPCCaller.userBytesMax, path.utf8.count <= 1 << 16 else {
            return .text(400, "the path or the user's name is too long\n")
        }
        for refused in ["move", "delete", "blockId", "replicate"] where http.parameter(refused) != nil {
            return .text(400, "fsck with \"\(refused)\" is not served here; it reads and changes nothing\n")
        }
        let caller = namenode.caller(user)
        if http.parameter("listcorruptfileblocks") != nil { return try await corruptFiles(path, caller, http, namenode) }
        var choices = FsckReport.Choices()
        func has(_ name: String) -> Bool { http.parameter(name) != nil }
        (choices.files, choices.blocks, choices.openFiles) = (has("files"), has("blocks"), has("openforwrite"))
        (choices.locations, choices.racks) = (has("locations"), has("racks"))
        let report = FsckReport(choices, poolID: await namenode.identity().poolID)
        return HTTPReply(
            200, headers: [("Content-Type", "text/plain; charset=utf-8")],
            body: .stream(length: nil) { write in try await check(path, caller, report, namenode) { try await write(Bytes(string: $0)) } })
    }

    /// Lines for files are sent as they are found, the sums at the end. A refusal ends as in HDFS, by a last line that is neither HEALTHY
    /// nor CORRUPT.
    private static func check(
        _ path: String, _ caller: Caller, _ empty: FsckReport, _ namenode: Namenode, _ write: (String) async throws -> Void
    ) async throws {
        let began = namenode.now()
        try await write("FSCK started by \(caller.user) (auth:SIMPLE) for path \(path) at \(date(namenode.wallTime()))\n\n")
        var report = empty
        do {
            let top = try await namenode.look { machine, _ in try Namenode.find(path, caller, in: machine) }
            try await namenode.walk(
                from: top.id, looksAtFiles: true, part: empty,
                visit: { (part, inode, machine, soft) throws(DFSRefusal) in try look(at: inode, caller, machine, soft, &part) },
                take: { part in
                    report.add(part)
                    try await write(report.take())
                    return true
                })
        } catch DFSRefusal.notFound { return try await write("\n\nPath '\(path)' does not exist\n") } catch let refusal as DFSRefusal {
            return try await write("\nFsck on path '\(path)' FAILED: \(JavaException(refusal).message)\n")
        }
        let (alive, racks, queued) = try await namenode.look { _, soft in
            let alive = soft.board.datanodes.filter(\.isAlive)
            return (alive.count, Set(alive.map(\.record.rack)).count, soft.board.underWayCount)
        }
        try await write(report.summary(datanodes: alive, racks: racks, replication: namenode.settings.replication, queued: queued))
        let took = (namenode.now() - began).inNanoseconds / 1_000_000
        try await write("FSCK ended at \(date(namenode.wallTime())) in \(took) milliseconds\n\n\n")
        try await write("The filesystem under path '\(path)' is \(report.isHealthy ? "HEALTHY" : "CORRUPT")\n")
    }

    private static func look(
        at inode: Inode, _ caller: Caller, _ machine: borrowing DFSMachine, _ soft: SoftState, _ report: inout FsckReport
    ) throws(DFSRefusal) {
        let path = machine.namespace.path(of: inode.id)
        guard let file = inode.file else {
            try machine.namespace.check(caller, .read, inode)
            try machine.namespace.check(caller, .execute, inode)
            return report.add(directory: path)
        }
        let found = file.blocks.map { block in
            let places = soft.board.locations(block)
            let health = soft.board.health([WantedBlock(block: block, replication: Int(file.replication))])
            return FsckReport.Found(
                block: block, nodes: places.nodes, isCorrupt: places.isCorrupt, isUnder: health.under > 0, live: soft.board.liveCount(block)
            )
        }
        report.add(file: path, file, found)
    }

    /// Damaged files, in the lines of `hdfs fsck -list-corruptfileblocks`.
    private static func corruptFiles(_ path: String, _ caller: Caller, _ http: HTTPCall, _ namenode: Namenode) async throws -> HTTPReply {
        guard caller.isSuper else {
            return .text(200, "Access denied for user \(caller.user). Superuser privilege is required\n")
        }
        // One answer has everything; the client asks again until it gets nothing.
        guard http.parameter("startblockafter").map({ $0.isEmpty || $0 == "0" }) ?? true else { return .text(200, "Cookie:\t0\n") }
        var found: [String] = []
        try await namenode.walk(
            looksAtFiles: true, part: [String](),
            visit: { (lines, inode, machine, soft) throws(DFSRefusal) in
                guard let file = inode.file else { return }
                let name = machine.namespace.path(of: inode.id)
                guard name.beginsWithBytes(of: path) else { return }
                for block in file.blocks where !block.isOpen && lines.count < Self.corruptMax {
                    let health = soft.board.health([WantedBlock(block: block, replication: 1)])
                    if health.missing + health.corrupt > 0 { lines.append("blk_\(block.id)\t\(name)") }
                }
            },
            take: { lines in
                found += lines.prefix(Self.corruptMax - found.count)
                return found.count < Self.corruptMax
            })
        let end =
            found.isEmpty
            ? "\n\nThe filesystem under path '\(path)' has no CORRUPT files\n"
            : "\n\nThe filesystem under path '\(path)' has \(found.count) CORRUPT files\n"
        return .text(200, "Cookie:\t\(found.count)\n" + found.map { $0 + "\n" }.joined() + end)
    }

    /// Blocks of one answer.
    private static let corruptMax = 10_000

    /// `Mon Nov 30 18:00:00 UTC 2026`.
    private static func date(_ time: WallTime) -> String {
        var seconds = time_t(time.milliseconds / 1000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return days[Int(parts.tm_wday)] + " " + months[Int(parts.tm_mon)]
            + String(
                format: " %02d %02d:%02d:%02d UTC %d", Int(parts.tm_mday), Int(parts.tm_hour), Int(parts.tm_min), Int(parts.tm_sec),
                Int(parts.tm_year) + 1900)
    }
}
