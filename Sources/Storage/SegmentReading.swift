// Finding records by their offset. Only headers are read, so that a reader who passes a part of the file on never touches its content.
import Base

/// Consecutive whole records in one file.
package struct RecordPlace: Equatable, Sendable {
    package var file: FileHandle
    /// Their position in the file, in bytes.
    package var position: Int64
    package var bytes: Int
    /// The offset after the last of them.
    package var nextOffset: Int64
}

/// Walks the headers of the records of one file.
private struct HeaderScan<Framing: LogFraming> {
    let files: any FileSystem
    let segment: Segment
    var position: Int64
    private var window = Bytes()
    private var windowStart: Int64 = 0
    /// Index points are about this far apart at most.
    private static var windowBytes: Int { Int(SegmentIndex.intervalBytes) * 2 }

    init(_ files: any FileSystem, _ segment: Segment, from place: IndexPlace) {
        self.files = files
        self.segment = segment
        position = place.point.position
    }

    /// The extent of the record at `position`; nil at the end or at damage.
    mutating func peek() throws(StorageError) -> RecordExtent? {
        let needed = Framing.headerBytes
        guard position + Int64(needed) <= segment.sizeBytes else { return nil }
        if position < windowStart || position + Int64(needed) > windowStart + Int64(window.readableBytes) {
            window = try files.read(segment.file, at: position, count: Int(min(Int64(Self.windowBytes), segment.sizeBytes - position)))
            windowStart = position
        }
        guard let header = window.getSlice(at: window.readerIndex + Int(position - windowStart), length: needed),
            let extent = Framing.extent(header),
            extent.bytes >= needed, position + Int64(extent.bytes) <= segment.sizeBytes
        else { return nil }
        return extent
    }
}

extension SegmentLog {
    /// The place of whole records from the one that covers `offset` on: as many as fit in `maxBytes`, but at least one, and none that
    /// reaches beyond `end`. nil where there is none; `offset` must not be below `startOffset`.
    package func locate(from offset: Int64, below end: Int64 = .max, maxBytes: Int) throws(StorageError) -> RecordPlace? {
        precondition(offset >= startOffset, "offsets below the start are the caller's refusal to make")
        guard offset < nextOffset else { return nil }
        let place = max(0, segments.partitioningIndex { $0.baseOffset > offset } - 1)
        for place in place..<segments.count where segments[place].nextOffset > offset && segments[place].sizeBytes > 0 {
            return try locate(from: offset, below: end, maxBytes: maxBytes, in: place)
        }
        return nil
    }

    private func locate(from offset: Int64, below end: Int64, maxBytes: Int, in place: Int) throws(StorageError) -> RecordPlace? {
        let segment = segments[place]
        let floor = try lastPoint(of: place) { $0.offset <= offset }
        var scan = HeaderScan<Framing>(files, segment, from: floor)
        var first: RecordExtent?
        while let extent = try scan.peek(), first == nil {
            if extent.nextOffset > offset { first = extent } else { scan.position += Int64(extent.bytes) }
        }
        guard let first else { throw damage(at: scan.position, in: segment) }
        guard first.nextOffset <= end else { return nil }
        let start = scan.position
        let limit = start + max(Int64(first.bytes), min(Int64(maxBytes), segment.sizeBytes - start))
        if limit >= segment.sizeBytes, segment.nextOffset <= end {
            return RecordPlace(file: segment.file, position: start, bytes: Int(segment.sizeBytes - start), nextOffset: segment.nextOffset)
        }
        // The last index point certainly within the limits, then on from there record by record.
        let last = try lastPoint(of: place, behind: floor, within: limit - floor.point.position) {
            $0.position <= limit && $0.offset <= end
        }
        var nextOffset = first.nextOffset
        if last.point.position > start {
            scan = HeaderScan(files, segment, from: last)
            nextOffset = last.point.offset
        } else {
            scan.position += Int64(first.bytes)
        }
        while let extent = try scan.peek(), extent.nextOffset <= end, scan.position + Int64(extent.bytes) <= limit {
            scan.position += Int64(extent.bytes)
            nextOffset = extent.nextOffset
        }
        return RecordPlace(file: segment.file, position: start, bytes: Int(scan.position - start), nextOffset: nextOffset)
    }

    private func damage(at position: Int64, in segment: Segment) -> StorageError {
        StorageError(.corrupt("the record at byte \(position) has a header that cannot be"), "read", path(of: segment))
    }

    /// Whole records from the one that covers `offset` on: as many as fit in `maxBytes`, but at least one.
    /// Empty at the end of the log; `offset` must not be below `startOffset`.
    package func read(from offset: Int64, below end: Int64 = .max, maxBytes: Int) throws(StorageError) -> Bytes {
        guard let place = try locate(from: offset, below: end, maxBytes: maxBytes) else { return Bytes() }
        return try files.read(place.file, at: place.position, count: place.bytes)
    }

    /// The file of records that were just located, for a reader beside the log; `open` makes the reader's descriptor. Apart from appends
    /// the file stays unchanged as long as it is held, whatever happens to the log.
    package func lend(_ handle: FileHandle, _ open: (FileHandle) throws(StorageError) -> SharedFile) throws(StorageError) -> SharedFile {
        guard let index = segments.lastIndex(where: { $0.file == handle }) else {
            preconditionFailure("what was located lies in a segment")
        }
        if let lent = segments[index].lent { return lent }
        let file = try open(handle)
        segments[index].lent = file
        return file
    }
}
