// A replica's own tables beside the machine's: executed proposals, and members of the group. Part of the
// replicated state, stored in the same transactions.
import Base
import Consensus

/// Replicated state outside the service's.
package struct ReplicaLedger: Sendable, Equatable {
    var origins = OriginTable()
    /// The last executed roster; nil if the log has none yet.
    package internal(set) var roster: Roster?

    /// The members, each with the version and the group of the whole.
    package static let members = TableSchema(
        "members", key: [.init("id", .integer)],
        values: [
            .init("voter", .integer), .init("directory", .integer), .init("address", .text), .init("card", .text),
            .init("version", .integer),
            .init("group_number", .integer),
        ])
    package static let schemas = [OriginTable.schema, members]

    package init() {}

    /// Executes a roster: a returning former member restarts its numbering of proposals.
    mutating func adopt(_ next: Roster, _ rows: inout RowChanges) {
        for member in roster?.members ?? [] where next[member.id] == nil {
            rows.delete(Self.members, key: [.integer(member.id.rawValue)])
            if origins.forget(member.id) { rows.delete(OriginTable.schema, key: [.integer(member.id.rawValue)]) }
        }
        for member in next.members {
            rows.upsert(
                Self.members,
                [
                    .integer(member.id.rawValue), .integer(member.isVoter ? 1 : 0), .integer(member.directory), .text(member.address),
                    .text(member.card),
                    .integer(next.version), .integer(next.group),
                ])
        }
        roster = next
    }

    package mutating func load(_ row: Row, of table: TableSchema) throws(StateCorruption) {
        guard table == Self.members else { return try origins.load(row) }
        guard let id = row[0].integer, let voter = row[1].integer, let directory = row[2].integer, let address = row[3].text,
            let card = row[4].text,
            let version = row[5].integer, let group = row[6].integer
        else { throw StateCorruption("a row of members is incomplete") }
        let member = Member(id: NodeID(id), isVoter: voter != 0, directory: directory, address: address, card: card)
        roster = Roster(version: version, group: group, members: (roster?.members ?? []) + [member])
    }
}
