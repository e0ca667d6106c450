// Cutting the end off a log: what a replica wrote and its leader did not keep. Later segments go first, so a crash in between leaves a shorter log and
// never one with a hole.
import Base

extension SegmentLog {
    /// Removes every record that reaches beyond `offset`. The log may end before `offset` then, at the end of a record.
    package func truncate(to offset: Int64) throws(StorageError) {
        if let failed { throw failed }
        guard offset < nextOffset else { return }
        guard offset > startOffset else { return try restart(at: startOffset) }
        while segments.count > 1, segments[segments.count - 1].baseOffset >= offset { try removeLastSegment() }
        var segment = segments[segments.count - 1]
        let name = path(segment.baseOffset, ".log")
        let end = try cut(offset, in: segment)
        if end < segment.sizeBytes {
            try removeIndex(of: segment)
            if segment.lent != nil { segment.file = try shortened(segment, to: end) } else {
                try files.truncate(segment.file, to: end)
                try files.sync(segment.file)
            }
            var scanned = Segment(baseOffset: segment.baseOffset, file: segment.file)
            try scanned.scan(Framing.self, files, fileBytes: end)
            guard scanned.sizeBytes == end else { throw StorageError(.corrupt("a record at byte \(scanned.sizeBytes) fails its checksum"), "truncate", name) }
            segment = scanned
        }
        segments[segments.count - 1] = segment
        ended(at: nextOffset)
    }

    /// Removes everything; the next record gets `offset`, or one behind it.
    package func restart(at offset: Int64) throws(StorageError) {
        if let failed { throw failed }
        while segments.count > 1 { try removeLastSegment() }
        let last = segments.removeLast()
        files.close(last.file)
        try removeIndex(of: last)
        try files.remove(path(last.baseOffset, ".log"))
        try files.syncDirectory(directory)
        try addSegment(offset)
        began(at: offset)
    }

    /// Puts a copy of what is kept into the place of a file that somebody reads, who finds in the old one what was promised. A crash leaves the old one
    /// or the new one.
    private func shortened(_ segment: Segment, to end: Int64) throws(StorageError) -> FileHandle {
        // An opening removes what has this name.
        let name = SegmentRewrite<Framing>.path(directory, segment.baseOffset, segment.baseOffset, SegmentRewrite<Framing>.unfinished)
        let copy = try files.open(name, create: true)
        do throws(StorageError) { try fill(copy, from: segment, to: end) } catch {
            files.close(copy)
            throw error
        }
        do throws(StorageError) {
            try files.rename(name, to: path(segment.baseOffset, ".log"))
            try files.syncDirectory(directory)
        } catch {
            // Which of the two has the name is not known now.
            files.close(copy)
            failed = error
            throw error
        }
        files.close(segment.file)
        return copy
    }

    private func fill(_ copy: FileHandle, from segment: Segment, to end: Int64) throws(StorageError) {
        try files.truncate(copy, to: 0)
        var position: Int64 = 0
        while position < end {
            let bytes = try files.read(segment.file, at: position, count: Int(min(end - position, 1 << 20)))
            guard bytes.readableBytes > 0 else {
                throw StorageError(.corrupt("it ends at byte \(position) and has \(segment.sizeBytes)"), "truncate", path(segment.baseOffset, ".log"))
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
        try files.remove(path(gone.baseOffset, ".log"))
        try files.syncDirectory(directory)
    }

    private func removeIndex(of segment: Segment) throws(StorageError) {
        do { try files.remove(path(segment.baseOffset, ".index")) } catch {
            // The active segment has none yet.
            guard error.cause == .notFound else { throw error }
        }
    }
}
