// Cutting the end off a log: records that a replica wrote and its leader did not keep. Later segments go first, so a crash in between
// leaves a shorter log and never one with a hole.
import Base

extension SegmentLog {
    /// Removes every record that reaches beyond `offset`. The log may end before `offset` then, at the end of a record. A failure is final
    /// once a record was removed.
    package func truncate(to offset: Int64) throws(StorageError) {
        if let failed { throw failed }
        guard offset < nextOffset else { return }
        guard offset > startOffset else { return try restart(at: startOffset) }
        let place = segments.lastIndex { $0.baseOffset < offset } ?? 0
        let end = try cut(offset, in: place)
        // Steps that need disk space come first: where there is none the log stays as it is.
        let copy = end < segments[place].sizeBytes && segments[place].lent != nil ? try shortened(segments[place], to: end) : nil
        try orFail { () throws(StorageError) in
            while segments.count > place + 1 { try removeLastSegment() }
            if end < segments[place].sizeBytes { segments[place] = try cutOff(place, at: end, copy) }
        }
        ended(at: nextOffset)
    }

    /// Removes everything; the next record gets `offset`, or a later one. A failure is final.
    package func restart(at offset: Int64) throws(StorageError) {
        if let failed { throw failed }
        try orFail { () throws(StorageError) in
            while segments.count > 1 { try removeLastSegment() }
            let last = segments[0]
            try files.remove(indexPath(last.baseOffset))
            try files.remove(path(of: last))
            try files.syncDirectory(directory)
            try addSegment(offset)
            segments.removeFirst()
            files.close(last.file)
        }
        began(at: offset)
    }

    /// After a failure halfway, the files differ from the log's state: nothing is written any more.
    private func orFail(_ body: () throws(StorageError) -> Void) throws(StorageError) {
        do { try body() } catch {
            failed = error
            throw error
        }
    }

    /// The segment without the part after `end`; `copy` replaces its file if it has a reader.
    private func cutOff(_ place: Int, at end: Int64, _ copy: FileHandle?) throws(StorageError) -> Segment {
        let segment = segments[place]
        let name = path(of: segment)
        var kept = Segment(baseOffset: segment.baseOffset, file: copy ?? segment.file, ending: segment.ending)
        kept.begin(with: try points(of: place).prefix { $0.position < end })
        // Before another record can be at the position of one of its points.
        try removeIndex(segment.baseOffset)
        if copy != nil {
            try files.rename(unfinished(segment), to: name)
            try files.syncDirectory(directory)
        } else {
            try files.truncate(segment.file, to: end)
            try files.sync(segment.file)
        }
        try kept.scan(Framing.self, files, fileBytes: end)
        guard kept.sizeBytes == end else {
            throw StorageError(.corrupt("a record at byte \(kept.sizeBytes) fails its checksum"), "truncate", name)
        }
        if copy != nil { files.close(segment.file) }
        return kept
    }

    /// The name of an unfinished copy; an opening removes such files.
    private func unfinished(_ segment: Segment) -> String {
        SegmentRewrite<Framing>.path(directory, segment.baseOffset, segment.baseOffset, SegmentRewrite<Framing>.unfinished)
    }

    /// A copy of the kept part of a file that has a reader; the reader keeps the old file with all its content. A crash leaves the old one
    /// or the new one.
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

    /// The position of the first record that reaches beyond `offset`.
    private func cut(_ offset: Int64, in place: Int) throws(StorageError) -> Int64 {
        let start = try lastPoint(of: place) { $0.offset <= offset }.point
        var scan = RecordScan<Framing>(
            files: files, file: segments[place].file, fileBytes: segments[place].sizeBytes, position: start.position)
        while let (extent, _) = try scan.peek(expecting: nil) {
            if extent.nextOffset > offset { break }
            scan.advance(extent)
        }
        return scan.position
    }

    private func removeLastSegment() throws(StorageError) {
        let gone = segments.removeLast()
        files.close(gone.file)
        try files.remove(indexPath(gone.baseOffset))
        try files.remove(path(of: gone))
        try files.syncDirectory(directory)
    }
}
