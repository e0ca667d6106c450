// Rows on their way to the tables, behind the log: gathered for a moment, stored in one transaction with the slot that they lead to, and
// made durable now and then so that the log can be trimmed.
import Base
import Storage

extension ReplicaHost {
    /// How long rows wait before they go to the tables.
    private static var saveDelay: Duration { .milliseconds(200) }
    /// Slots between two checkpoints of the tables, each followed by a trim of the log: bounds the commands that a start after a power cut
    /// executes again. A checkpoint takes the disk from the log, so it should be rare.
    private var checkpointSlots: Int64 { pump.isAlone ? 200_000 : 50_000 }
    /// Rows between two checkpoints: bounds SQLite's own log.
    private static var checkpointRows: Int { 50_000 }
    /// Bytes of commands between two checkpoints: bounds the log, and the commands that a start executes again.
    private static var checkpointBytes: Int { 64 << 20 }

    func scheduleSave() {
        guard !saving.scheduled, !saving.underWay, !isStopping else { return }
        saving.scheduled = true
        loop.schedule(after: Self.saveDelay) {
            self.saving.scheduled = false
            self.save()
        }
    }

    private func save() {
        guard !saving.underWay, !damageIsSeen, !isStopping, let batch = pump.takeUnsaved() else { return }
        saving.underWay = true
        saving.slotsSinceCheckpoint += batch.applied.rawValue - pump.saved.rawValue
        saving.bytesSinceCheckpoint += pump.takeExecutedBytes()
        saving.rowsSinceCheckpoint += batch.changes.count
        store(batch)
    }

    private func store(_ batch: (changes: [RowChanges.Change], applied: Slot)) {
        let applied = batch.applied
        let checkpoint =
            saving.slotsSinceCheckpoint >= checkpointSlots || saving.bytesSinceCheckpoint >= Self.checkpointBytes
            || saving.rowsSinceCheckpoint >= Self.checkpointRows
        tableFile.submit { tables in
            let result = Result { () throws(StorageError) -> Slot? in
                try tables.commit(batch.changes, applied: batch.applied)
                return checkpoint ? try tables.checkpoint() : nil
            }
            switch result {
            // The rows are freed here, not on the loop: there may be a hundred thousand of them.
            case .success(let checkpoint): self.loop.execute { self.saved(through: applied, checkpoint) }
            case .failure(let error): self.loop.execute { self.saveFailed(batch, error) }
            }
        }
    }

    private func saved(through slot: Slot, _ checkpoint: Slot?) {
        saving.underWay = false
        pump.tablesSaved(through: slot, now: time.now())
        if let checkpoint {
            saving.slotsSinceCheckpoint = 0
            saving.bytesSinceCheckpoint = 0
            saving.rowsSinceCheckpoint = 0
            trimLog(checkpoint)
        }
        scheduleSettle()
    }

    /// Damaged tables stay damaged: they get no more rows.
    private func saveFailed(_ batch: (changes: [RowChanges.Change], applied: Slot), _ error: StorageError) {
        if error.isDamage {
            saving.underWay = false
            return tablesAreDamaged(error)
        }
        log.error("the tables refused rows, trying again", metadata: ["error": "\(error)"])
        loop.schedule(after: Self.stallRetry) { if !self.isStopping { self.store(batch) } }
    }
}
