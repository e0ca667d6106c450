// Snapshots of a partition's producers, transactions and leader epochs beside its segments, so that an opening reads the log only from the
// snapshot on. There are two files. One is written with each sealed segment, as durably as the log itself is then; the other is written
// more often, and a power cut may spoil it. Used on the partition's disk thread.
import Base
import BrokerCore
import Storage

struct SavedProducers {
    private let directory: String
    /// The end of the last snapshot; -1 for none.
    private(set) var offset: Int64 = -1
    /// The active segment's base offset at the last durable snapshot.
    private var activeBase: Int64 = -1
    /// Size of the last snapshot, and the bytes appended to the log since.
    private var snapshotBytes = 0
    private var appendedBytes = 0
    private static let sealedFile = "producers.snapshot"
    private static let recentFile = "producers.recent"

    /// Fewest log bytes before the next snapshot, and log bytes per snapshot byte, so that a snapshot is cheaper than reading the log.
    private static let appendedBytesMin = 2 << 20
    private static let appendedPerByte = 256

    init(_ directory: String) { self.directory = directory }

    /// The newest snapshot below `nextOffset`. Removes later ones: they describe lost records, and would be trusted once the log is as long
    /// again.
    mutating func find(below nextOffset: Int64, activeBase: Int64) throws(StorageError) -> ProducerSnapshot? {
        self.activeBase = activeBase
        let newest = try forget(above: nextOffset)
        offset = newest?.nextOffset ?? -1
        return newest
    }

    /// Removes snapshots that cover records at or behind `offset`. Returns the newest that is left.
    @discardableResult
    mutating func forget(above offset: Int64) throws(StorageError) -> ProducerSnapshot? {
        self.offset = -1
        var newest: ProducerSnapshot?
        for name in [Self.sealedFile, Self.recentFile] {
            guard let found = try SmallFile.read(ProducerSnapshot.self, directory, name) else { continue }
            if found.nextOffset > offset {
                try SmallFile.remove(directory, name)
            } else if found.nextOffset > newest?.nextOffset ?? -1 {
                newest = found
            }
        }
        return newest
    }

    mutating func appended(_ bytes: Int) { appendedBytes += bytes }

    /// Whether a segment was sealed since the last durable snapshot.
    func isDueDurably(_ activeBase: Int64) -> Bool { activeBase != self.activeBase }
    var isDue: Bool { appendedBytes >= max(Self.appendedBytesMin, Self.appendedPerByte * snapshotBytes) }

    mutating func save(_ snapshot: ProducerSnapshot, sealed activeBase: Int64, durably: Bool) throws(StorageError) {
        snapshotBytes = try SmallFile.write(snapshot, directory, Self.sealedFile, durably: durably)
        self.activeBase = activeBase
        saved(snapshot)
    }

    mutating func save(_ snapshot: ProducerSnapshot) throws(StorageError) {
        snapshotBytes = try SmallFile.overwrite(snapshot, directory, Self.recentFile)
        saved(snapshot)
    }

    private mutating func saved(_ snapshot: ProducerSnapshot) {
        offset = snapshot.nextOffset
        appendedBytes = 0
    }
}
