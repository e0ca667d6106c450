// The one log engine of the house: consensus and the broker's partitions both use it. Records are appended whole and verbatim, become
// durable by `sync`, and are found by offset or time through a sparse index. The caller does the batching; a log is confined to one disk
// thread. It never re-encodes a record and never reports an unsynced one as durable.
import Base

/// Sizes of a segment log.
package struct SegmentLogOptions: Sendable {
    /// A segment is sealed when the next append would pass this size, in bytes.
    package var segmentBytesMax: Int64
    /// Whether a segment is made durable before the next one begins. Otherwise a later sync does it, and a crash of the machine before that
    /// may cut the log off in a sealed segment.
    package var waitsWhenSealing: Bool
    package init(segmentBytesMax: Int64 = 64 << 20, waitsWhenSealing: Bool = true) {
        self.segmentBytesMax = segmentBytesMax
        self.waitsWhenSealing = waitsWhenSealing
    }
}

/// An append-only log in segment files.
package final class SegmentLog<Framing: LogFraming> {
    let files: any FileSystem
    package let directory: String
    /// May change while the log is open; the next append follows it.
    package var options: SegmentLogOptions
    var segments: [Segment] = []
    /// Set by a failed sync: the log accepts nothing more, since its content is no longer known.
    var failed: StorageError?
    package internal(set) var recovery = LogRecoveryReport()
    /// The first offset still there.
    package private(set) var startOffset: Int64
    /// The offset after the last record known to be durable; an opening finds later ones, which a sync makes durable.
    package internal(set) var durableOffset: Int64
    /// Counts cuts of the log's end and rebuilds of its points: a sync that began before does not cover the log after.
    private var cuts = 0
    /// The part of the active segment whose writing the disk has begun, in bytes.
    private var writingBegun: Int64 = 0

    /// Opens or creates the log, cutting off a torn tail. Throws `corrupt` where an acknowledged record is damaged.
    package init(files: any FileSystem, directory: String, firstOffset: Int64 = 0, options: SegmentLogOptions = .init())
        throws(StorageError)
    {
        self.files = files
        self.directory = directory
        self.options = options
        startOffset = firstOffset
        durableOffset = firstOffset
        try files.makeDirectory(directory)
        try open(firstOffset)
    }

    var active: Segment {
        get { segments[segments.count - 1] }
        _modify { yield &segments[segments.count - 1] }
    }

    /// The offset that the next appended record gets.
    package var nextOffset: Int64 { active.nextOffset }
    package var sizeBytes: Int64 { segments.reduce(0) { $0 + $1.sizeBytes } }
    package var segmentCount: Int { segments.count }
    /// The first offset of the active segment.
    package var activeBaseOffset: Int64 { active.baseOffset }
    /// The largest timestamp of any record, -1 for none.
    package var maxTimestamp: Int64 { segments.reduce(-1) { max($0, $1.maxTimestamp) } }

    func path(_ baseOffset: Int64, _ suffix: String) -> String { directory + "/" + Segment.fileName(baseOffset) + suffix }
    func path(of segment: Segment) -> String { path(segment.baseOffset, segment.ending.rawValue) }

    private func open(_ firstOffset: Int64) throws(StorageError) {
        var found = try segmentFiles()
        while !found.isEmpty {
            let (base, ending) = found.removeFirst()
            var segment = Segment(baseOffset: base, file: try files.open(path(base, ending.rawValue), create: false), ending: ending)
            let name = path(of: segment)
            if let last = segments.last, last.nextOffset > base {
                throw StorageError(.corrupt("offset \(base) is also in the segment before it"), "open", name)
            }
            switch found.first?.ending {
            case .settled: try openSealed(&segment, name)
            case .tail: try openUnsettled(&segment, name, before: &found)
            case nil: durableOffset = try openActive(&segment, name)
            }
            segments.append(segment)
        }
        try settleNames()
        if segments.isEmpty { try addSegment(firstOffset) }
        startOffset = segments[0].baseOffset
        writingBegun = active.sizeBytes
        recovery.segments = segments.count
    }

    private func openSealed(_ segment: inout Segment, _ name: String) throws(StorageError) {
        let fileBytes = try files.size(segment.file)
        try find(&segment, fileBytes, appends: false)
        guard segment.sizeBytes == fileBytes else {
            throw StorageError(.corrupt("a sealed segment is damaged at byte \(segment.sizeBytes) of \(fileBytes)"), "open", name)
        }
        // Where it cannot be written the next opening reads again.
        if segment.index.vouchedBytes < fileBytes { try? writeIndex(&segment) }
    }

    /// Returns the offset below which all is durable.
    private func openActive(_ segment: inout Segment, _ name: String) throws(StorageError) -> Int64 {
        let fileBytes = try files.size(segment.file)
        let durable = try find(&segment, fileBytes, appends: true)
        try cutTornEnd(segment, name, fileBytes)
        return segment.sizeBytes < fileBytes ? segment.nextOffset : durable
    }

    /// Finds the content of a segment's file: by its index as far as that goes, then by reading. Returns the offset at which reading began.
    @discardableResult
    func find(_ segment: inout Segment, _ fileBytes: Int64, appends: Bool) throws(StorageError) -> Int64 {
        try readIndex(&segment, fileBytes, appends: appends)
        let vouched = segment.nextOffset
        recovery.scannedBytes += fileBytes - segment.sizeBytes
        try segment.scan(Framing.self, files, fileBytes: fileBytes)
        return vouched
    }

    func cutTornEnd(_ segment: Segment, _ name: String, _ fileBytes: Int64) throws(StorageError) {
        guard segment.sizeBytes < fileBytes else { return }
        if try segment.damageIsProven(Framing.self, files, fileBytes: fileBytes) {
            throw StorageError(
                .corrupt(
                    "record \(segment.nextOffset) at byte \(segment.sizeBytes) is damaged, and later records show that it was durable; restore this file from a backup or another replica"
                ),
                "open", name)
        }
        recovery.cutBytes += fileBytes - segment.sizeBytes
        try files.truncate(segment.file, to: segment.sizeBytes)
        try files.sync(segment.file)
    }

    func addSegment(_ baseOffset: Int64) throws(StorageError) {
        segments.append(
            Segment(baseOffset: baseOffset, file: try files.open(path(baseOffset, Segment.Ending.settled.rawValue), create: true)))
        beganSegment()
        try files.syncDirectory(directory)
    }

    func beganSegment() { writingBegun = 0 }

    /// Appends whole records, one after another in `pieces`. They are visible at once and durable after `sync`.
    /// On an error nothing was appended.
    package func append(_ pieces: [Bytes]) throws(StorageError) {
        var extents: [RecordExtent] = []
        var next = nextOffset
        for piece in pieces {
            var rest = piece
            while rest.readableBytes > 0 {
                guard let extent = Framing.extent(rest), extent.bytes <= rest.readableBytes, extent.firstOffset >= next else {
                    preconditionFailure("only whole records in offset order are appended")
                }
                next = extent.nextOffset
                extents.append(extent)
                rest.moveReaderIndex(forwardBy: extent.bytes)
            }
        }
        try append(pieces, extents)
    }

    package func append(_ records: Bytes) throws(StorageError) { try append([records]) }

    /// The same for a caller that has just written the records and knows their extents: they fill `records`, in offset order.
    package func append(_ records: Bytes, _ extents: [RecordExtent]) throws(StorageError) { try append([records], extents) }

    private func append(_ pieces: [Bytes], _ extents: [RecordExtent]) throws(StorageError) {
        if let failed { throw failed }
        precondition((extents.first?.firstOffset ?? nextOffset) >= nextOffset, "records are appended in offset order")
        let size = pieces.reduce(0) { $0 + Int64($1.readableBytes) }
        if active.sizeBytes > 0, active.sizeBytes + size > options.segmentBytesMax {
            try seal(nextBase: extents.first?.firstOffset ?? nextOffset)
        }
        do {
            var place = active.sizeBytes
            for piece in pieces {
                try files.write(active.file, at: place, piece)
                place += Int64(piece.readableBytes)
            }
        } catch {
            // A part that was written is beyond the end and is overwritten by the next append; cutting it now is only tidiness.
            do { try files.truncate(active.file, to: active.sizeBytes) } catch let second {
                throw second.cause == .noSpace ? error : second
            }
            throw error
        }
        active.note(extents)
        storePoints()
        startWriting()
    }

    /// Unsynced bytes after which the disk begins to write, so that a later sync, for example of a full segment, waits for the last of them
    /// only.
    private static var writeBehindBytes: Int64 { 4 << 20 }

    private func startWriting() {
        guard active.sizeBytes - writingBegun >= Self.writeBehindBytes else { return }
        writeBehind()
    }

    func writeBehind() {
        files.startWriting(active.file, at: writingBegun, count: active.sizeBytes - writingBegun)
        writingBegun = active.sizeBytes
    }

    /// Seals the active segment and begins a new one at `nextBase`.
    private func seal(nextBase: Int64) throws(StorageError) {
        // The next opening cannot tell a gap from a loss.
        guard options.waitsWhenSealing || nextBase != nextOffset else { return try sealUnsettled() }
        try sync()
        try writeIndex(&active)
        try addSegment(nextBase)
    }

    /// Seals the active segment unless it is empty.
    package func roll() throws(StorageError) {
        if let failed { throw failed }
        if active.sizeBytes > 0 { try seal(nextBase: nextOffset) }
    }

    /// The largest timestamp of the active segment's first record; nil if there is none.
    package func firstActiveTimestamp() throws(StorageError) -> Int64? {
        var scan = RecordScan<Framing>(files: files, file: active.file, fileBytes: active.sizeBytes, position: 0)
        return try scan.peek(expecting: nil)?.0.maxTimestamp
    }

    /// Makes everything appended so far durable. A failure is final: the log refuses all further work.
    package func sync() throws(StorageError) {
        if let failed { throw failed }
        guard durableOffset < nextOffset else { return }
        do {
            try syncUnsettled()
            try files.sync(active.file)
        } catch {
            failed = error
            throw error
        }
        durableOffset = nextOffset
        writingBegun = active.sizeBytes
        settle(before: active.baseOffset)
        vouch(for: active.baseOffset, active.end, points: active.index.count)
    }

    /// The first record whose timestamp is at or after `timestamp`; nil if there is none.
    package func firstRecord(atOrAfter timestamp: Int64) throws(StorageError) -> RecordExtent? {
        for place in segments.indices where segments[place].maxTimestamp >= timestamp {
            let start = try lastPoint(of: place) { $0.maxTimestampBefore < timestamp }.point
            var scan = RecordScan<Framing>(
                files: files, file: segments[place].file, fileBytes: segments[place].sizeBytes, position: start.position)
            while let (extent, _) = try scan.peek(expecting: nil) {
                if extent.maxTimestamp >= timestamp { return extent }
                scan.advance(extent)
            }
        }
        return nil
    }

    /// A sync beside the log, which takes appends meanwhile; nil if everything is durable. Ends with `ended`.
    package func beginSync(_ open: (FileHandle) throws(StorageError) -> SharedFile) throws(StorageError) -> SyncBeside? {
        if let failed { throw failed }
        // Sealed segments are durable.
        guard durableOffset < nextOffset else { return nil }
        var begun: [SharedFile] = []
        for place in unsettled { begun.append(try lend(segments[place].file, open)) }
        begun.append(try lend(active.file, open))
        return SyncBeside(
            files: begun, directory: directory, activeBase: active.baseOffset, end: active.end, points: active.index.count, cuts: cuts)
    }

    /// Records written before the sync began are durable. A failure is final, as in `sync`.
    package func ended(_ sync: SyncBeside, _ failure: StorageError?) {
        guard failed == nil else { return }
        if let failure { return failed = failure }
        guard sync.cuts == cuts else { return }
        durableOffset = max(durableOffset, sync.end.nextOffset)
        settle(before: sync.activeBase)
        vouch(for: sync.activeBase, sync.end, points: sync.points)
    }

    /// Visits every whole record from `offset` on; used to rebuild state.
    package func forEachRecord(from offset: Int64, _ visit: (RecordExtent, Bytes) throws(StorageError) -> Void) throws(StorageError) {
        for place in segments.indices where segments[place].nextOffset > offset {
            let segment = segments[place]
            let start = try lastPoint(of: place) { $0.offset <= offset }.point
            var scan = RecordScan<Framing>(files: files, file: segment.file, fileBytes: segment.sizeBytes, position: start.position)
            while let (extent, record) = try scan.peek(expecting: nil) {
                if extent.nextOffset > offset { try visit(extent, record) }
                scan.advance(extent)
            }
            guard scan.position == segment.sizeBytes else {
                throw StorageError(.corrupt("a record at byte \(scan.position) fails its checksum"), "read", path(of: segment))
            }
        }
    }

    /// Removes whole segments that end at or below `offset`. The active segment always stays.
    package func trim(below offset: Int64) throws(StorageError) {
        while segments.count > 1, segments[0].nextOffset <= offset {
            let gone = segments.removeFirst()
            files.close(gone.file)
            try files.remove(path(of: gone))
            try files.remove(indexPath(gone.baseOffset))
            // One durable removal after the other: a power cut in between must not bring back an old segment without its successor.
            try files.syncDirectory(directory)
            startOffset = segments[0].baseOffset
            // The segment in front of it has gone.
            try name(0, .settled)
        }
    }

    /// After a truncation to `offset`: the durable offset does not exceed it.
    func ended(at offset: Int64) {
        cuts += 1
        writingBegun = min(writingBegun, active.sizeBytes)
        durableOffset = min(durableOffset, offset)
    }

    func syncsBesideAreVoid() { cuts += 1 }

    func began(at offset: Int64) {
        cuts += 1
        startOffset = offset
        durableOffset = offset
    }

    /// Base offset, size in bytes, next offset and largest timestamp of each segment, oldest first; the last one is active.
    package var segmentExtents: [(baseOffset: Int64, sizeBytes: Int64, nextOffset: Int64, maxTimestamp: Int64)] {
        segments.map { ($0.baseOffset, $0.sizeBytes, $0.nextOffset, $0.maxTimestamp) }
    }

    /// Makes everything durable and closes the files.
    package func close() throws(StorageError) {
        defer {
            for segment in segments { files.close(segment.file) }
            failed = StorageError(.notPermitted, "use after close", directory)
        }
        guard failed == nil else { return }
        try sync()
        vouch(for: active.baseOffset, active.end, points: active.index.count, always: true)
    }
}
