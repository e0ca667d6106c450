// A replica with unusable tables, in a group whose other tables are whole. Its log has its promises and accepted entries, and the slot
// where they begin: everything before was decided. So it votes and follows as before, from empty tables, and takes over the leader's; until
// then it executes nothing and never leads. The damaged file is set aside for inspection. Source: docs/decisions/0027.
import Base
import Consensus
import Storage

/// The initial state of a replica beside its tables.
package struct ReplicaBeginning: Sendable {
    package var acceptor: Acceptor
    /// The slot up to which everything is decided: that of the tables, or the beginning of the log.
    package var applied: Slot
    /// Whether the tables end before that slot.
    package var awaitsTables: Bool
}

extension AcceptorLog {
    /// Recovers the log. `tables` is the slot that the tables go through, or their damage. Throws that damage if no other replica could
    /// have tables for this one or it may not take them (`heals`), and `corrupt` for a log that does not fit.
    package func recover(tables: Result<Slot, StorageError>, membership: Membership, heals: Bool) throws(StorageError) -> ReplicaBeginning {
        guard heals else {
            let applied = try tables.get()
            return ReplicaBeginning(acceptor: try recover(applied: applied), applied: applied, awaitsTables: false)
        }
        // Their damage is thrown below.
        let applied = try? tables.get()
        let acceptor = try recover(applied: applied, mayAwaitTables: true)
        let awaitsTables = acceptor.trimmedThrough > applied ?? .zero
        if applied == nil || awaitsTables, !acceptor.hasOthers(than: membership.id, membership.members) {
            _ = try tables.get()
            throw gap(acceptor, applied ?? .zero)
        }
        return ReplicaBeginning(acceptor: acceptor, applied: max(applied ?? .zero, acceptor.trimmedThrough), awaitsTables: awaitsTables)
    }
}

extension Acceptor {
    /// Whether this replica knows others: by its settings, its founding, or its log.
    fileprivate func hasOthers(than me: NodeID, _ told: [NodeID]) -> Bool {
        let logged = suffix(from: Slot(1)).last { $0.isRoster }?.roster.voters ?? []
        return (told + (founded?.voters ?? []) + logged).contains { $0 != me }
    }
}

extension StorageError {
    /// Whether the bytes on disk differ from the written ones.
    package var isDamage: Bool { if case .corrupt = cause { true } else { false } }
}

extension ReplicaHost {
    /// The tables and their content, or their damage if the replica may go on without them.
    static func openTables(_ options: ReplicaOptions, _ thread: DiskThread) throws
        -> Result<(tables: TableFile<Machine>, state: TableFile<Machine>.Loaded), StorageError>
    {
        do {
            let tables = try TableFile<Machine>(directory: options.directory, files: options.files, thread: thread)
            return .success((tables, try tables.load()))
        } catch let error as StorageError where error.isDamage && options.heals { return .failure(error) }
    }

    /// The reason why nothing can be executed here at present, or nil.
    var tableTrouble: String? {
        guard pump.awaitsTables else { return nil }
        let why = tableDamage.map { "its tables were damaged (\($0))" } ?? "its tables end before its log begins"
        guard let leader = pump.leader else {
            return "\(why), and no server leads that has tables: it serves when it has those of another one; if all have lost theirs, "
                + "restore the data directories from a backup"
        }
        return "\(why): it takes over those of server \(leader) and serves when it has them"
    }

    /// Logs the damage found at a start.
    func reportHealing() {
        if let damage = tableDamage {
            log.error(
                "the tables are damaged and were set aside; what this server promised and accepted is whole, and it begins with empty tables",
                metadata: ["error": "\(damage)", "file": "\(tableFile.asideName ?? "")"])
        }
        if let trouble = tableTrouble { log.error("\(trouble)") }
    }

    /// Ends writes at a damage of the tables in the running replica. As soon as another replica leads, and so has tables, this one takes
    /// over those.
    func tablesAreDamaged(_ error: StorageError) {
        guard !damageIsSeen else { return }
        damageIsSeen = true
        let next = heals ? "and takes over the tables of another server when one leads" : "and a restart will say what to do"
        log.critical("the tables are damaged: this replica stops taking writes, \(next)", metadata: ["error": "\(error)"])
        tableDamage = error
        transfer.incoming = nil
        fail(pump.tablesFailed(error, now: time.now()), .storage(error))
        scheduleSettle()
    }

    /// Begins to heal damage found while running.
    func driveHealing() {
        guard damageIsSeen, heals, !pump.awaitsTables, let leader = pump.leader, leader != id, !isStopping, !saving.underWay else { return }
        saving.underWay = true
        fail(pump.loseTables(now: time.now()), .notLeading)
        endReaders()
        events.onInstalled()
        tableFile.setAside { result in
            self.loop.execute {
                switch result {
                case .failure(let error):
                    self.log.critical("the damaged tables could not be set aside", metadata: ["error": "\(error)"])
                    self.fail(self.pump.tablesFailed(error, now: self.time.now()), .storage(error))
                case .success:
                    self.damageIsSeen = false
                    self.saving.underWay = false
                    self.reportHealing()
                }
                self.scheduleSettle()
            }
        }
    }
}
