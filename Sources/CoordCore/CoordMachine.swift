// Coord as a deterministic state machine: sessions and the tree, driven by the log. The zxid of a write is its slot, so even a refused
// write uses one up, as clients expect.
import Base

/// The state of coord.
package struct CoordMachine: StateMachine, Sendable {
    package private(set) var tree = ZnodeTree()
    package private(set) var sessions = SessionTable()
    /// The last executed slot, which every reply's header carries.
    package private(set) var zxid: Int64 = 0

    /// Access lists read so far, while rows are loaded: most nodes share a few.
    private var lists = LookupTable<String, [AccessRight]>()
    private var loadedParent = ZnodeTree.LoadedParent()

    package init() {}

    package static var tables: [TableSchema] { [CoordRows.znodes, CoordRows.sessions] }

    package mutating func apply(_ command: CoordCommand, at position: ApplyPosition, rows: inout RowChanges) -> CoordOutcome {
        zxid = position.slot.rawValue
        var outcome = CoordOutcome(zxid: zxid, result: .success([]))
        switch command {
        case .openSession(let id, let timeout, let password):
            sessions.open(id, SessionRecord(timeoutMilliseconds: timeout, password: password))
            rows.upsert(CoordRows.sessions, [.integer(id.rawValue), .integer(Int64(timeout)), .blob(password)])
        case .closeSession(let id):
            guard sessions.close(id) else {
                outcome.result = .failure(.init(place: 0, reason: .sessionExpired))
                break
            }
            rows.delete(CoordRows.sessions, key: [.integer(id.rawValue)])
            var write = TreeWrite(position, session: id)
            write.deleteEphemerals(&tree)
            finish(write, &outcome, &rows)
            outcome.closedSession = id
        case .write(let session, let identities, let operations):
            write(operations, TreeWrite(position, session: session, identities: identities), &outcome, &rows)
        case .writeWithinQuota(let session, let identities, let operations):
            write(operations, TreeWrite(position, session: session, identities: identities, enforcesQuota: true), &outcome, &rows)
        case .reap(let paths, let unused):
            var write = TreeWrite(position)
            write.reap(paths, unusedMilliseconds: unused, &tree)
            finish(write, &outcome, &rows)
        }
        return outcome
    }

    private mutating func write(_ operations: [CoordOperation], _ write: TreeWrite, _ outcome: inout CoordOutcome, _ rows: inout RowChanges)
    {
        guard sessions[write.session] != nil else {
            outcome.result = .failure(.init(place: 0, reason: .sessionExpired))
            return
        }
        var write = write
        outcome.result = write.execute(operations, &tree)
        finish(write, &outcome, &rows)
    }

    private func finish(_ write: TreeWrite, _ outcome: inout CoordOutcome, _ rows: inout RowChanges) {
        write.note(tree, &rows)
        outcome.events = write.events
    }

    package mutating func load(_ row: Row, of table: TableSchema) throws(StateCorruption) {
        if table == CoordRows.znodes {
            let (path, node) = try CoordRows.node(row, &lists)
            guard tree.load(path, node, &loadedParent) else { throw StateCorruption("znode \(path) has no parent") }
        } else {
            guard let id = row[0].integer, let timeout = row[1].integer, let password = row[2].blob else {
                throw StateCorruption("a row of sessions is incomplete")
            }
            sessions.open(SessionID(id), SessionRecord(timeoutMilliseconds: Int32(clamping: timeout), password: password))
        }
    }

    package mutating func finishLoading(applied: Slot) {
        zxid = applied.rawValue
        lists.removeAll()
    }
}
