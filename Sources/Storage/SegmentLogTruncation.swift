// Cutting the end off a log: what a replica wrote and its leader did not keep. Later segments go first, so a crash in between leaves a shorter log and
// never one with a hole.
import Base

extension SegmentLog {
    /// Removes every record that reaches beyond `offset`. The log may end before `offset` then, at the end of a record. A failure is final once anything was removed.
    package func truncate(to offset: Int64) throws(StorageError) {
        if let failed { throw failed }
        guard offset < nextOffset else { return }
        guard offset > startOffset else { return try restart(at: startOffset) }
        let place = segments.lastIndex { $0.baseOffset < offset } ?? 0
        let end = try cut(offset, in: segments[place])
        // What takes room is done first: where there is none the log stays as it is.
        let copy = end < segments[place].sizeBytes && segments[place].lent != nil ? try shortened(segments[place], to: end) : nil
        try orFail { () throws(StorageError) in
            while segments.count > place + 1 { try removeLastSegment() }
            if end < segments[place].sizeBytes { segments[place] = try cutOff(segments[place], at: end, copy) }
        }
        ended(at: nextOffset)
    }

    /// Removes everything; the next record gets `offset`, or one behind it. A failure is final.
    package func restart(at offset: Int64) throws(StorageError) {
        if let failed { throw failed }
        try orFail { () throws(StorageError) in
            while segments.count > 1 { try removeLastSegment() }
            let last = segments[0]
            try removeIndex(of: last)
            try files.remove(path(of: last))
            try files.syncDirectory(directory)
            try addSegment(offset)
            segments.removeFirst()
            files.close(last.file)
        }
        began(at: offset)
    }

    /// Where half of it is done, what the files hold is not what is known of them: nothing is written any more.
    private func orFail(_ body: () throws(StorageError) -> Void) throws(StorageError) {
        do { try body() } catch {
            failed = error
            throw error
        }
    }

    /// The segment without what lies behind `end`; `copy` takes the place of its file if somebody reads that.
    private func cutOff(_ segment: Segment, at end: Int64, _ copy: FileHandle?) throws(StorageError) -> Segment {
        let name = path(of: segment)
        try removeIndex(of: segment)
        if copy != nil {
            try files.rename(unfinished(segment), to: name)
            try files.syncDirectory(directory)
        } else {
            try files.truncate(segment.file, to: end)
            try files.sync(segment.file)
        }
        var scanned = Segment(baseOffset: segment.baseOffset, file: copy ?? segment.file, ending: segment.ending)
        try scanned.scan(Framing.self, files, fileBytes: end)
        guard scanned.sizeBytes == end else { throw StorageError(.corrupt("a record at byte \(scanned.sizeBytes) fails its checksum"), "truncate", name) }
        if copy != nil { files.close(segment.file) }
        return scanned
    }

    /// An opening removes what has this name.
    private func unfinished(_ segment: Segment) -> String {
        SegmentRewrite<Framing>.path(directory, segment.baseOffset, segment.baseOffset, SegmentRewrite<Framing>.unfinished)
    }

    /// A copy of what is kept of a file that somebody reads, who finds in the old one what was promised. A crash leaves the old one or the new one.
    private func shortened(_ segment: Segment, to end: Int64) throws(StorageError) -> FileHandle {
        let copy = try files.open(unfinished(segment), create: true)
        do throws(StorageError) { try fill(copy, from: segment, to: end) } catch {
            files.close(copy)
            throw error
        }
        return copy
    }

    private func fill(_ copy: FileHandle, from segment: Segment, to end: Int64) throws(StorageError) {
        try files.truncate(copy, to: 0)
        var position: Int64 = 0
        while position < end {
            let bytes = try files.read(segment.file, at: position, count: Int(min(end - position, 1 << 20)))
            guard bytes.readableBytes > 0 else {
                throw StorageError(.corrupt("it ends at byte \(position) and has \(segment.sizeBytes)"), "truncate", path(of: segment))
            }
            try files.write(copy, at: position, bytes)
            position += Int64(bytes.readableBytes)
        }
        try files.sync(copy)
    }

    /// Where the first record begins that reaches beyond `offset`.
    private func cut(_ offset: Int64, in segment: Segment) throws(StorageError) -> Int64 {
        var scan = RecordScan<Framing>(files: files, file: segment.file, fileBytes: segment.sizeBytes, position: segment.point(atOrBefore: offset).position)
        while let (extent, _) = try scan.peek(expecting: nil) {
            if extent.nextOffset > offset { break }
            scan.advance(extent)
        }
        return scan.position
    }

    private func removeLastSegment() throws(StorageError) {
        let gone = segments.removeLast()
        files.close(gone.file)
        try removeIndex(of: gone)
        try files.remove(path(of: gone))
        try files.syncDirectory(directory)
    }

    private func removeIndex(of segment: Segment) throws(StorageError) {
        do { try files.remove(path(segment.baseOffset, ".index")) } catch {
            // The active segment has none yet.
            guard error.cause == .notFound else { throw error }
        }
    }
}
