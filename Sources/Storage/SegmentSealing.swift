// Segments sealed without waiting for the disk, for logs that are synced from time to time. A segment that begins before the one in front
// of it is durable has a file that ends in `.tail`; once the one in front is durable the file gets its ordinary name. So an opening knows
// where a crash of the machine may have torn a sealed segment, and where damage must have another cause.
import Base

/// A sync of a log's end beside the log.
package struct SyncBeside: Sendable {
    /// Sealed segments not known to be durable, and the active one.
    let files: [SharedFile]
    let directory: String
    /// The segment that was active, and its durable end after the sync.
    let activeBase: Int64
    let end: SegmentEnd
    let points: Int
    let cuts: Int

    /// Blocking. `sync` makes a file durable, `syncDirectory` names. A log that was removed meanwhile has nothing left to sync.
    package func carryOut(
        sync: (SharedFile) throws(StorageError) -> Void, syncDirectory: (String) throws(StorageError) -> Void
    ) throws(StorageError) {
        for file in files.dropLast() { try sync(file) }
        if files.count > 1 {
            do { try syncDirectory(directory) } catch {
                guard error.cause == .notFound else { throw error }
                return
            }
        }
        if let active = files.last { try sync(active) }
    }
}

extension SegmentLog {
    /// Begins a new segment after the active one, which may not be fully durable.
    func sealUnsettled() throws(StorageError) {
        let next = nextOffset
        let file = try files.open(path(next, Segment.Ending.tail.rawValue), create: true)
        // The disk begins to write the rest of it.
        writeBehind()
        active.isSettled = false
        segments.append(Segment(baseOffset: next, file: file, ending: .tail))
        beganSegment()
    }

    /// The places of sealed segments not known to be durable: the last ones. Asked at every sync, so it walks over no others.
    var unsettled: Range<Int> {
        let active = segments.count - 1
        var first = active
        while first > 0, !segments[first - 1].isSettled { first -= 1 }
        return first..<active
    }

    /// Makes sealed segments durable, and the names of the files after them.
    func syncUnsettled() throws(StorageError) {
        let unsettled = unsettled
        guard !unsettled.isEmpty else { return }
        for place in unsettled { try files.sync(segments[place].file) }
        try files.syncDirectory(directory)
    }

    /// Everything before the segment at `base` is durable. An index that cannot be written, or a name that stays, costs the next opening
    /// some reading.
    func settle(before base: Int64) {
        for place in unsettled where segments[place].baseOffset < base {
            do {
                try writeIndex(&segments[place])
                try name(place + 1, .settled)
                segments[place].isSettled = true
            } catch { return }
        }
    }

    func name(_ place: Int, _ ending: Segment.Ending) throws(StorageError) {
        guard segments[place].ending != ending else { return }
        try files.rename(path(of: segments[place]), to: path(segments[place].baseOffset, ending.rawValue))
        segments[place].ending = ending
    }

    // MARK: opening

    func segmentFiles() throws(StorageError) -> [(base: Int64, ending: Segment.Ending)] {
        let names = try finishRewrites()
        let found = names.compactMap { name in
            [Segment.Ending.settled, .tail].lazy.compactMap { ending in
                name.hasSuffix(ending.rawValue) ? Int64(name.dropLast(ending.rawValue.count)).map { (base: $0, ending: ending) } : nil
            }.first
        }
        try removeStrayIndexes(names, Set(found.map(\.base)))
        return found.sorted { $0.base < $1.base }
    }

    /// Opens a segment that may be torn although others follow it; if it is, the others are not a part of the log.
    func openUnsettled(_ segment: inout Segment, _ name: String, before later: inout [(base: Int64, ending: Segment.Ending)])
        throws(StorageError)
    {
        let fileBytes = try files.size(segment.file)
        durableOffset = try find(&segment, fileBytes, appends: true)
        if segment.sizeBytes == fileBytes, segment.nextOffset == later[0].base {
            // After a crash of the process alone the system has all of it, perhaps not yet on the disk.
            try files.sync(segment.file)
            // Without an index the next opening reads it again.
            try? writeIndex(&segment)
            return
        }
        guard later.allSatisfy({ $0.ending == .tail }) else {
            throw StorageError(
                .corrupt("it ends at offset \(segment.nextOffset), and durable records follow that are not next"), "open", name)
        }
        try cutTornEnd(segment, name, fileBytes)
        for (base, ending) in later.reversed() {
            let gone = try files.open(path(base, ending.rawValue), create: false)
            recovery.cutBytes += try files.size(gone)
            files.close(gone)
            try files.remove(indexPath(base))
            try files.remove(path(base, ending.rawValue))
        }
        try files.syncDirectory(directory)
        later = []
    }

    /// Gives every file its ordinary name: each open segment has a durable one before it.
    func settleNames() throws(StorageError) {
        guard segments.contains(where: { $0.ending == .tail }) else { return }
        for place in segments.indices { try name(place, .settled) }
        try files.syncDirectory(directory)
    }
}
