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
    private var lists = LookupTable<ExactText, [AccessRight]>()
    private var loadedParent = ZnodeTree.LoadedParent()
    /// Changed nodes per batch of rows; about a quarter of a millisecond's work.
    private static let changesMax = 512

    package init() {}

    package static func encode(_ command: CoordCommand) throws(WireError) -> Bytes {
        try command.encoded(as: DurableDialect.self, capacity: command.byteEstimate)
    }
    package static func decode(_ bytes: Bytes) throws(WireError) -> CoordCommand {
        try CoordCommand(decoding: bytes, as: DurableDialect.self)
    }

    package static var tables: [TableSchema] { [CoordRows.znodes, CoordRows.sessions, CoordRows.owners, CoordRows.identities] }

    package mutating func apply(_ command: CoordCommand, at position: ApplyPosition, rows: inout RowChanges) -> CoordOutcome {
        zxid = position.slot.rawValue
        var outcome = CoordOutcome(zxid: zxid, result: .success([]))
        switch command {
        case .openSession(let id, let timeout, let password, let owner):
            put(id, SessionRecord(timeoutMilliseconds: timeout, password: password, owner: owner), &rows)
            outcome.attachedSession = id
        case .attachSession(let id, let timeout, let owner):
            guard let record = sessions[id] else {
                outcome.result = .failure(.init(place: 0, reason: .sessionExpired))
                break
            }
            put(id, SessionRecord(timeoutMilliseconds: timeout, password: record.password, owner: owner), &rows)
            outcome.attachedSession = id
        case .closeSession(let id, let owner):
            if let reason = refusal(id, owner) {
                outcome.result = .failure(.init(place: 0, reason: reason))
                break
            }
            forgetIdentities(id, &rows)
            _ = sessions.close(id)
            rows.delete(CoordRows.sessions, key: [.integer(id.rawValue)])
            rows.delete(CoordRows.owners, key: [.integer(id.rawValue)])
            var write = TreeWrite(position, session: id)
            write.deleteEphemerals(&tree)
            finish(write, &outcome, &rows)
            outcome.closedSession = id
        case .write(let session, let owner, let withinQuota, let identities, let operations):
            let write = TreeWrite(position, session: session, identities: identities, enforcesQuota: withinQuota)
            execute(write, owner, operations, &outcome, &rows)
        case .writeAs(let session, let owner, let withinQuota, let identities, let operations):
            if let identities, refusal(session, owner) == nil { remember(identities, of: session, &rows) }
            let write = TreeWrite(position, session: session, identities: sessions[session]?.identities ?? [], enforcesQuota: withinQuota)
            execute(write, owner, operations, &outcome, &rows)
        case .localWrite(let withinQuota, let identities, let operations):
            if let place = operations.firstIndex(where: \.isEphemeral) {
                outcome.result = .failure(.init(place: place, reason: .ephemeralOnLocalSession))
                break
            }
            var write = TreeWrite(position, identities: identities, enforcesQuota: withinQuota)
            outcome.result = write.execute(operations, &tree)
            finish(write, &outcome, &rows)
        case .reap(let paths, let unused):
            var write = TreeWrite(position)
            write.reap(paths, unusedMilliseconds: unused, &tree)
            finish(write, &outcome, &rows)
        }
        return outcome
    }

    private mutating func execute(
        _ write: TreeWrite, _ owner: Int64, _ operations: [CoordOperation], _ outcome: inout CoordOutcome, _ rows: inout RowChanges
    ) {
        if let reason = refusal(write.session, owner) {
            outcome.result = .failure(.init(place: 0, reason: reason))
            return
        }
        var write = write
        outcome.result = write.execute(operations, &tree)
        finish(write, &outcome, &rows)
    }

    /// `/zookeeper/config` tells the members.
    package mutating func noteMembers(_ roster: Roster, at position: ApplyPosition, rows: inout RowChanges) -> CoordOutcome? {
        zxid = position.slot.rawValue
        var outcome = CoordOutcome(zxid: zxid, result: .success([]))
        var write = TreeWrite(position)
        write.keep(Bytes(string: MemberText.config(roster)), in: "/zookeeper/config", &tree)
        finish(write, &outcome, &rows)
        return outcome
    }

    private mutating func put(_ id: SessionID, _ record: SessionRecord, _ rows: inout RowChanges) {
        let hadOwner = (sessions[id]?.owner ?? 0) != 0
        forgetIdentities(id, &rows)
        sessions.open(id, record)
        rows.upsert(CoordRows.sessions, [.integer(id.rawValue), .integer(Int64(record.timeoutMilliseconds)), .blob(record.password)])
        if record.owner != 0 {
            rows.upsert(CoordRows.owners, [.integer(id.rawValue), .integer(record.owner)])
        } else if hadOwner {
            rows.delete(CoordRows.owners, key: [.integer(id.rawValue)])
        }
    }

    /// A session without identities has no row.
    private mutating func remember(_ identities: [Identity], of id: SessionID, _ rows: inout RowChanges) {
        guard !identities.isEmpty else { return forgetIdentities(id, &rows) }
        if sessions.setIdentities(id, identities) { rows.upsert(CoordRows.identities, CoordRows.identityRow(id, identities)) }
    }

    private mutating func forgetIdentities(_ id: SessionID, _ rows: inout RowChanges) {
        guard sessions[id]?.identities.isEmpty == false, sessions.setIdentities(id, []) else { return }
        rows.delete(CoordRows.identities, key: [.integer(id.rawValue)])
    }

    /// Why a session may not do anything over a connection: it has ended, or it goes on elsewhere.
    private func refusal(_ id: SessionID, _ owner: Int64) -> CoordRefusal? {
        guard let record = sessions[id] else { return .sessionExpired }
        return owner == 0 || owner == record.owner ? nil : .sessionMoved
    }

    private mutating func finish(_ write: TreeWrite, _ outcome: inout CoordOutcome, _ rows: inout RowChanges) {
        if tree.changedCount >= Self.changesMax { tree.takeChanges(&rows) }
        outcome.events = write.events
    }

    package mutating func completeRows(_ rows: inout RowChanges) { tree.takeChanges(&rows) }

    package mutating func expectRows(_ count: Int) { tree.reserve(count) }

    package mutating func load(_ row: Row, of table: TableSchema) throws(StateCorruption) {
        if table == CoordRows.znodes {
            let (path, node) = try CoordRows.node(row, &lists)
            guard tree.load(path, node, &loadedParent) else { throw StateCorruption("znode \(path) has no parent") }
        } else if table == CoordRows.identities {
            let (id, identities) = try CoordRows.identities(row)
            guard sessions.setIdentities(id, identities) else { throw StateCorruption("identities belong to no session") }
        } else if table == CoordRows.owners {
            guard let id = row[0].integer, let owner = row[1].integer, sessions.setOwner(SessionID(id), owner) else {
                throw StateCorruption("an owner belongs to no session")
            }
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
        tree.forgetChanges()
    }
}
