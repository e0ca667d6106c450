// One file of a segment log: its place in the offset space, its size, and a sparse index from offsets to positions. The index of
// a sealed segment is kept in a file beside it and rebuilt by a scan if that file is missing or damaged.
import Base

/// A point of the sparse index: the record that begins at `position` has `offset` as its first.
struct IndexPoint: Equatable {
    var offset: Int64
    var position: Int64
    /// The largest timestamp in the segment before this point.
    var maxTimestampBefore: Int64
}

/// A segment: a file of whole records, its first offset in its name.
struct Segment {
    var baseOffset: Int64
    var file: FileHandle
    var sizeBytes: Int64 = 0
    var nextOffset: Int64
    var maxTimestamp: Int64 = -1
    var index: [IndexPoint] = []
    /// How its file's name ends.
    var ending = Ending.settled
    /// Whether all of it is durable, and so may be followed by a segment of the ordinary ending. Asked of sealed segments.
    var isSettled = true
    /// The file as somebody reads it who is not done yet; it must not become shorter then.
    weak var lent: SharedFile?
    /// Distance between two index points, in bytes.
    static let indexIntervalBytes: Int64 = 4096

    /// The ordinary one, and that of a segment which began before the one in front of it was durable.
    enum Ending: String { case settled = ".log", tail = ".tail" }

    init(baseOffset: Int64, file: FileHandle, ending: Ending = .settled) {
        self.baseOffset = baseOffset
        self.file = file
        self.ending = ending
        nextOffset = baseOffset
    }

    static func fileName(_ baseOffset: Int64) -> String {
        let digits = String(baseOffset)
        return String(repeating: "0", count: max(0, 20 - digits.count)) + digits
    }

    /// Accounts for a record that lies at the end of the file.
    mutating func note(_ extent: RecordExtent) {
        if index.isEmpty || sizeBytes - index[index.count - 1].position >= Self.indexIntervalBytes {
            index.append(IndexPoint(offset: extent.firstOffset, position: sizeBytes, maxTimestampBefore: maxTimestamp))
        }
        sizeBytes += Int64(extent.bytes)
        nextOffset = extent.nextOffset
        maxTimestamp = max(maxTimestamp, extent.maxTimestamp)
    }

    /// Accounts for records that lie at the end of the file, one after another.
    mutating func note(_ extents: [RecordExtent]) { for extent in extents { note(extent) } }

    /// The last index point at or before `offset`; the start of the file if there is none.
    func point(atOrBefore offset: Int64) -> IndexPoint {
        let found = index.partitioningIndex { $0.offset > offset }
        return found == 0 ? IndexPoint(offset: baseOffset, position: 0, maxTimestampBefore: -1) : index[found - 1]
    }

    /// The last index point at or before `position` in the file; its start if there is none.
    func point(atOrBeforePosition position: Int64) -> IndexPoint {
        let found = index.partitioningIndex { $0.position > position }
        return found == 0 ? IndexPoint(offset: baseOffset, position: 0, maxTimestampBefore: -1) : index[found - 1]
    }

    /// The last index point before which no record reaches `timestamp`.
    func point(beforeTimestamp timestamp: Int64) -> IndexPoint {
        let found = index.partitioningIndex { $0.maxTimestampBefore >= timestamp }
        return found == 0 ? IndexPoint(offset: baseOffset, position: 0, maxTimestampBefore: -1) : index[found - 1]
    }
}

extension Array {
    /// The first index whose element satisfies `belongsInSecondPartition`, in an array where all such elements come last.
    func partitioningIndex(_ belongsInSecondPartition: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if belongsInSecondPartition(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

/// The index file of a sealed segment: u32 CRC of the rest, i64 size, i64 next offset, i64 max timestamp, u32 count, points.
enum SegmentIndexFile {
    static func encode(_ segment: Segment) -> Bytes {
        var body = Bytes()
        body.writeInteger(segment.sizeBytes)
        body.writeInteger(segment.nextOffset)
        body.writeInteger(segment.maxTimestamp)
        body.writeInteger(UInt32(segment.index.count))
        for point in segment.index {
            body.writeInteger(point.offset)
            body.writeInteger(point.position)
            body.writeInteger(point.maxTimestampBefore)
        }
        var all = Bytes()
        all.writeInteger(CRC32C.checksum(body))
        all.writeImmutableBuffer(body)
        return all
    }

    /// False if the bytes are damaged or do not fit the file; the caller scans instead.
    static func decode(_ bytes: Bytes, into segment: inout Segment, fileBytes: Int64) -> Bool {
        var bytes = bytes
        guard let crc = bytes.readInteger(as: UInt32.self), CRC32C.checksum(bytes) == crc,
            let size = bytes.readInteger(as: Int64.self), size == fileBytes,
            let next = bytes.readInteger(as: Int64.self), let maxTimestamp = bytes.readInteger(as: Int64.self),
            let count = bytes.readInteger(as: UInt32.self), Int(count) * 24 == bytes.readableBytes
        else { return false }
        for _ in 0..<count {
            guard let offset = bytes.readInteger(as: Int64.self), let position = bytes.readInteger(as: Int64.self),
                let before = bytes.readInteger(as: Int64.self)
            else { return false }
            segment.index.append(IndexPoint(offset: offset, position: position, maxTimestampBefore: before))
        }
        segment.sizeBytes = size
        segment.nextOffset = next
        segment.maxTimestamp = maxTimestamp
        return true
    }
}
