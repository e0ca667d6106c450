// A log and the index files of its segments: lookups of points, writes of points with the durable part of a segment. A file that cannot be
// written or read costs time and nothing else.
import Base

extension SegmentLog {
    func indexPath(_ baseOffset: Int64) -> String { path(baseOffset, ".index") }

    // MARK: lookups

    /// The last point of a segment for which `isBefore` holds, as it does for all before that; the start of the file if there is none.
    /// `floor` is such a point; the result is at most `bytes` after it, if that is known.
    func lastPoint(
        of place: Int, behind floor: IndexPlace? = nil, within bytes: Int64 = .max, _ isBefore: (IndexPoint) -> Bool
    ) throws(StorageError) -> IndexPlace {
        let start =
            floor ?? IndexPlace(block: 0, point: IndexPoint(offset: segments[place].baseOffset, position: 0, maxTimestampBefore: -1))
        if let recent = segments[place].index.lastRecent(isBefore) { return recent }
        let blocks = min(bytes / (SegmentIndex.intervalBytes * Int64(SegmentIndexFile.blockPoints)), 1 << 32) + 2
        do { return try lastStoredPoint(of: segments[place], from: start.block, count: Int(blocks), isBefore) ?? start } catch {
            switch error.cause {
            case .notFound, .corrupt: break
            default: return start
            }
        }
        try makeIndexAnew(place)
        return segments[place].index.lastRecent(isBefore) ?? start
    }

    /// All points of a segment.
    func points(of place: Int) throws(StorageError) -> [IndexPoint] {
        let index = segments[place].index
        guard index.storedPoints > 0 else { return index.recent }
        do { return try storedPoints(of: segments[place]) + index.recent } catch {
            try makeIndexAnew(place)
            return segments[place].index.recent
        }
    }

    private func storedPoints(of segment: Segment) throws(StorageError) -> [IndexPoint] {
        let file = try files.open(indexPath(segment.baseOffset), create: false)
        defer { files.close(file) }
        var points: [IndexPoint] = []
        while points.count < segment.index.storedPoints {
            points += try read(file, block: points.count / SegmentIndexFile.blockPoints, of: segment)
        }
        return points
    }

    private func read(_ file: FileHandle, block: Int, of segment: Segment) throws(StorageError) -> [IndexPoint] {
        let count = min(SegmentIndexFile.blockPoints, segment.index.storedPoints - block * SegmentIndexFile.blockPoints)
        guard let points = try SegmentIndexFile.read(files, file, block: block, count: count) else {
            throw StorageError(.corrupt("block \(block) of its points is damaged"), "read", indexPath(segment.baseOffset))
        }
        return points
    }

    private func lastStoredPoint(
        of segment: Segment, from first: Int, count: Int, _ isBefore: (IndexPoint) -> Bool
    ) throws(StorageError) -> IndexPlace? {
        let size = SegmentIndexFile.blockPoints
        var (low, high) = (first, min(first + count, (segment.index.storedPoints + size - 1) / size))
        guard low < high else { return nil }
        let file = try files.open(indexPath(segment.baseOffset), create: false)
        defer { files.close(file) }
        var found: [IndexPoint] = []
        while low < high {
            let middle = (low + high) / 2
            let points = try read(file, block: middle, of: segment)
            if isBefore(points[0]) { (found, low) = (points, middle + 1) } else { high = middle }
        }
        guard !found.isEmpty else { return nil }
        return IndexPlace(block: low - 1, point: found[found.partitioningIndex { !isBefore($0) } - 1])
    }

    /// Rebuilds the points from the segment; they stay in memory. They may differ from the earlier ones, so the file goes first: its header
    /// counts those.
    private func makeIndexAnew(_ place: Int) throws(StorageError) {
        try removeIndex(segments[place].baseOffset)
        let isSettled = place < segments.count - 1 && segments[place].isSettled
        // A sync under way counted the earlier points.
        if !isSettled { syncsBesideAreVoid() }
        var again = segments[place]
        again.end = SegmentEnd(nextOffset: again.baseOffset)
        again.index = SegmentIndex()
        try again.scan(Framing.self, files, fileBytes: segments[place].sizeBytes)
        guard again.end == segments[place].end else {
            throw StorageError(.corrupt("a record at byte \(again.sizeBytes) fails its checksum"), "read", path(of: again))
        }
        segments[place] = again
        // Without a file the next opening rebuilds it.
        if isSettled { try? write(again.index.recent, at: 0, again.baseOffset, again.end, points: again.index.count) }
    }

    // MARK: writing

    /// Bytes appended or synced before the file is updated.
    private static var vouchIntervalBytes: Int64 { 2 << 20 }

    /// Writes the index of a sealed, fully durable segment; its points leave the memory.
    func writeIndex(_ segment: inout Segment) throws(StorageError) {
        try write(segment.index.recent, at: segment.index.storedPoints, segment.baseOffset, segment.end, points: segment.index.count)
        segment.index.vouchedBytes = segment.sizeBytes
        segment.index.storedAll()
    }

    private func write(_ points: [IndexPoint], at place: Int, _ baseOffset: Int64, _ end: SegmentEnd?, points count: Int)
        throws(StorageError)
    {
        let file = try files.open(indexPath(baseOffset), create: true)
        defer { files.close(file) }
        if !points.isEmpty {
            try files.write(
                file, at: SegmentIndexFile.position(ofBlock: place / SegmentIndexFile.blockPoints), SegmentIndexFile.blocks(points))
        }
        if let end { try files.write(file, at: 0, SegmentIndexFile.header(end, points: count)) }
    }

    /// Writes full blocks of the active segment's points to the file, once there is one.
    func storePoints() {
        guard active.index.recent.count >= SegmentIndexFile.blockPoints else { return }
        do {
            try write(active.index.recent, at: active.index.storedPoints, active.baseOffset, nil, points: 0)
            active.index.storedFullBlocks()
        } catch { return }
    }

    /// Notes in the index file of the segment at `baseOffset` that it is durable up to `end`, with `points` up to there. Skips the write if
    /// it is not worth it.
    func vouch(for baseOffset: Int64, _ end: SegmentEnd, points: Int, always: Bool = false) {
        guard let place = segments.lastIndex(where: { $0.baseOffset == baseOffset }),
            place == segments.count - 1 || !segments[place].isSettled
        else { return }
        let news = end.sizeBytes - segments[place].index.vouchedBytes
        guard news >= (always ? 1 : Self.vouchIntervalBytes) else { return }
        do {
            try write(segments[place].index.recent, at: segments[place].index.storedPoints, baseOffset, end, points: points)
            segments[place].index.storedFullBlocks()
            segments[place].index.vouchedBytes = end.sizeBytes
        } catch { return }
    }

    // MARK: opening

    /// Reads the segment's index file. If it does not cover the whole segment, or the segment is appended to, the index goes on in memory.
    func readIndex(_ segment: inout Segment, _ fileBytes: Int64, appends: Bool) throws(StorageError) {
        let file: FileHandle
        do { file = try files.open(indexPath(segment.baseOffset), create: false) } catch {
            if error.cause == .notFound { return }
            throw error
        }
        defer { files.close(file) }
        guard let (end, points) = SegmentIndexFile.end(try files.read(file, at: 0, count: SegmentIndexFile.headerBytes)) else {
            return try removeIndex(segment.baseOffset)
        }
        guard end.sizeBytes <= fileBytes else {
            throw StorageError(
                .corrupt(
                    "\(end.sizeBytes) bytes of it were durable, and it has \(fileBytes); restore this file from a backup or another replica"
                ), "open", path(of: segment))
        }
        var index = SegmentIndex()
        index.storedPoints = points
        if appends || end.sizeBytes < fileBytes {
            guard let recent = try recentPoints(file, points) else { return try removeIndex(segment.baseOffset) }
            index = SegmentIndex(recent)
            index.storedPoints = points - recent.count
        }
        index.vouchedBytes = end.sizeBytes
        segment.end = end
        segment.index = index
    }

    /// The points of the last block if it is not full. Points after them belong to records that may have been lost, and must never be taken
    /// for those of other records.
    private func recentPoints(_ file: FileHandle, _ points: Int) throws(StorageError) -> [IndexPoint]? {
        let (full, rest) = points.quotientAndRemainder(dividingBy: SegmentIndexFile.blockPoints)
        guard let recent = rest == 0 ? [] : try SegmentIndexFile.read(files, file, block: full, count: rest) else { return nil }
        guard try files.size(file) > SegmentIndexFile.size(points: points) else { return recent }
        try files.truncate(file, to: SegmentIndexFile.position(ofBlock: full))
        if rest > 0 { try files.write(file, at: SegmentIndexFile.position(ofBlock: full), SegmentIndexFile.blocks(recent)) }
        try files.sync(file)
        return recent
    }

    /// Removes the index file; the removal is durable on return.
    func removeIndex(_ baseOffset: Int64) throws(StorageError) {
        try files.remove(indexPath(baseOffset))
        try files.syncDirectory(directory)
    }

    /// Removes index files of gone segments, left by crashes.
    func removeStrayIndexes(_ names: [String], _ bases: Set<Int64>) throws(StorageError) {
        let stray = names.filter { name in name.hasSuffix(".index") && Int64(name.dropLast(6)).map { !bases.contains($0) } ?? false }
        guard !stray.isEmpty else { return }
        for name in stray { try files.remove(directory + "/" + name) }
        try files.syncDirectory(directory)
    }
}
