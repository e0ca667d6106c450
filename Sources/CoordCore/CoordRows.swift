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

    /// Remembered identities of sessions, in their form in the log.
    package static let identities = TableSchema("session_identities", key: [.init("id", .integer)], values: [.init("identities", .blob)])

    static func identityRow(_ id: SessionID, _ identities: [Identity]) -> Row {
        do { return [.integer(id.rawValue), .blob(try IdentityList(identities).encoded(as: DurableDialect.self))] } catch {
            preconditionFailure("a list of ours can always be encoded: \(error)")
        }
    }

    static func identities(_ row: Row) throws(StateCorruption) -> (id: SessionID, identities: [Identity]) {
        guard let id = row[0].integer, let bytes = row[1].blob else { throw StateCorruption("a row of session_identities is incomplete") }
        do { return (SessionID(id), try IdentityList(decoding: bytes, as: DurableDialect.self).list) } catch {
            throw StateCorruption("the identities of session \(id) cannot be read: \(error)")
        }
    }

    private struct IdentityList: WireLayout {
        var list: [Identity] = []
        init() {}
        init(_ list: [Identity]) { self.list = list }
        mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.list(&list) }
    }

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
    static func node(_ row: Row, _ lists: inout LookupTable<ExactText, [AccessRight]>) throws(StateCorruption) -> (
        path: String, node: Znode
    ) {
        guard let path = row[0].text, let text = row[2].text else { throw StateCorruption("a row of znodes has no path or access list") }
        var acl = lists[ExactText(text)]
        if acl == nil {
            acl = rights(text)
            if lists.count < listsMax { lists[ExactText(text)] = acl }
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

    /// The mark of the second form. The first one, a line `scheme:id:permissions` for each entry, begins with a letter: a scheme.
    private static let secondForm = "2"

    /// `world:anyone:31` for what nearly all nodes have; otherwise `2`, and for each entry its permissions, the bytes of its scheme and of
    /// its id as numbers with a blank behind each, and the two texts: an id may hold any character.
    static func text(_ acl: [AccessRight]) -> String {
        if acl.count == 1, acl[0] == .open { return openText }
        return acl.reduce(into: secondForm) { text, right in
            let (scheme, id) = (right.identity.scheme, right.identity.id)
            text += " \(right.permissions.rawValue) \(scheme.utf8.count) \(id.utf8.count) \(scheme)\(id)"
        }
    }

    static func rights(_ text: String) -> [AccessRight]? {
        text.utf8.first == secondForm.utf8.first ? rightsBySize(text.utf8.dropFirst()) : rightsByLine(text)
    }

    private static func rightsBySize(_ text: Substring.UTF8View) -> [AccessRight]? {
        var rest = text
        func number() -> Int? {
            let digits = rest.prefix { $0 != UInt8(ascii: " ") }
            rest = rest[digits.endIndex...].dropFirst()
            return Int(Substring(digits))
        }
        func piece(_ count: Int) -> String? {
            guard count >= 0, rest.count >= count else { return nil }
            defer { rest = rest.dropFirst(count) }
            return String(rest.prefix(count))
        }
        var rights: [AccessRight] = []
        while let blank = rest.popFirst() {
            guard blank == UInt8(ascii: " "), let bits = number().flatMap(Int32.init(exactly:)), let schemeBytes = number(),
                let idBytes = number(),
                let scheme = piece(schemeBytes), let id = piece(idBytes)
            else { return nil }
            rights.append(AccessRight(Permissions(rawValue: bits), scheme: scheme, id: id))
        }
        return rights
    }

    /// The first form. An id with a line end in it takes several lines.
    private static func rightsByLine(_ text: String) -> [AccessRight]? {
        var rights: [AccessRight] = []
        var entry = ""
        for line in text.pieces(at: "\n") {
            entry += entry.isEmpty ? String(line) : "\n" + line
            let parts = entry.pieces(at: ":")
            guard parts.count >= 3, let last = parts.last, let bits = Int32(last) else { continue }
            let id = entry.droppingBytes(first: parts[0].utf8.count + 1, last: last.utf8.count + 1)
            rights.append(AccessRight(Permissions(rawValue: bits), scheme: String(parts[0]), id: String(id)))
            entry = ""
        }
        return entry.isEmpty ? rights : nil
    }
}
