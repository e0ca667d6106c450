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

    /// `lists` holds the access lists that were read before.
    static func node(_ row: Row, _ lists: inout LookupTable<String, [AccessRight]>) throws(StateCorruption) -> (path: String, node: Znode) {
        guard let path = row[0].text, let text = row[2].text else { throw StateCorruption("a row of znodes has no path or access list") }
        var acl = lists[text]
        if acl == nil {
            acl = rights(text)
            if lists.count < listsMax { lists[text] = acl }
        }
        guard let acl else { throw StateCorruption("znode \(path) has an access list that cannot be read") }
        func number(_ place: Int) throws(StateCorruption) -> Int64 {
            guard let number = row[place].integer else { throw StateCorruption("znode \(path) has a number that is none") }
            return number
        }
        var stat = ZnodeStat()
        (stat.czxid, stat.mzxid, stat.pzxid) = (try number(3), try number(4), try number(5))
        (stat.ctime, stat.mtime) = (try number(6), try number(7))
        stat.version = Int32(truncatingIfNeeded: try number(8))
        stat.childrenCreated = Int32(truncatingIfNeeded: try number(9))
        stat.aversion = Int32(truncatingIfNeeded: try number(10))
        stat.storedLife = try number(11)
        return (path, Znode(data: row[1].blob, acl: acl, stat: stat))
    }

    /// Lists that are remembered while rows are read.
    private static let listsMax = 10_000

    private static let openText = "world:anyone:31"

    /// `scheme:id:permissions` per entry, one a line; ids may hold colons.
    static func text(_ acl: [AccessRight]) -> String {
        // What nearly all nodes have.
        if acl.count == 1, acl[0] == .open { return openText }
        return acl.map { "\($0.identity.scheme):\($0.identity.id):\($0.permissions.rawValue)" }.joined(separator: "\n")
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
