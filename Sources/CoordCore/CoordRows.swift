// How the tree and the sessions lie in SQLite: readable by a person with the sqlite3 shell. The rows hold everything that must
// survive; children, counts and the ephemerals of a session are derived from them.
import Base

/// Coord's tables.
package enum CoordRows {
    package static let znodes = TableSchema(
        "znodes", key: [.init("path", .text)],
        values: [
            .init("data", .blob), .init("acl", .text), .init("czxid", .integer), .init("mzxid", .integer), .init("pzxid", .integer),
            .init("ctime", .integer), .init("mtime", .integer), .init("version", .integer), .init("children_created", .integer),
            .init("aversion", .integer), .init("ephemeral_owner", .integer),
        ])
    package static let sessions = TableSchema(
        "sessions", key: [.init("id", .integer)], values: [.init("timeout_ms", .integer), .init("password", .blob)])

    /// The connection that each session is on.
    package static let owners = TableSchema("session_owners", key: [.init("id", .integer)], values: [.init("owner", .integer)])

    package static func upsert(_ path: String, _ node: Znode, _ rows: inout RowChanges) {
        let stat = node.stat
        rows.upsert(
            znodes,
            [
                .text(path), node.data.map { .blob($0) } ?? .null, .text(text(node.acl)), .integer(stat.czxid), .integer(stat.mzxid),
                .integer(stat.pzxid), .integer(stat.ctime), .integer(stat.mtime), .integer(Int64(stat.version)),
                .integer(Int64(stat.childrenCreated)), .integer(Int64(stat.aversion)), .integer(stat.storedLife),
            ])
    }

    static func delete(_ path: String, _ rows: inout RowChanges) { rows.delete(znodes, key: [.text(path)]) }

    static func node(_ row: Row) throws(StateCorruption) -> (path: String, node: Znode) {
        guard let path = row[0].text, let list = row[2].text, let acl = rights(list) else {
            throw StateCorruption("a row of znodes has no path or access list")
        }
        var numbers: [Int64] = []
        for value in row[3...] {
            guard let number = value.integer else { throw StateCorruption("znode \(path) has a number that is none") }
            numbers.append(number)
        }
        var stat = ZnodeStat()
        (stat.czxid, stat.mzxid, stat.pzxid, stat.ctime, stat.mtime) = (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4])
        stat.version = Int32(truncatingIfNeeded: numbers[5])
        stat.childrenCreated = Int32(truncatingIfNeeded: numbers[6])
        stat.aversion = Int32(truncatingIfNeeded: numbers[7])
        stat.storedLife = numbers[8]
        return (path, Znode(data: row[1].blob, acl: acl, stat: stat))
    }

    /// `scheme:id:permissions` per entry, one a line; ids may hold colons.
    static func text(_ acl: [AccessRight]) -> String {
        acl.map { "\($0.identity.scheme):\($0.identity.id):\($0.permissions.rawValue)" }.joined(separator: "\n")
    }

    static func rights(_ text: String) -> [AccessRight]? {
        var rights: [AccessRight] = []
        for line in text.split(separator: "\n") {
            guard let first = line.firstIndex(of: ":"), let last = line.lastIndex(of: ":"), first < last,
                let bits = Int32(line[line.index(after: last)...])
            else { return nil }
            rights.append(
                AccessRight(Permissions(rawValue: bits), scheme: String(line[..<first]), id: String(line[line.index(after: first)..<last])))
        }
        return rights
    }
}
