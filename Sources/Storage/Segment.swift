// One file of a segment log: its place in the offset space, its size, and a sparse index from offsets to positions (SegmentIndex.swift).
import Base

/// The end of a segment's whole records, with their totals.
struct SegmentEnd: Equatable, Sendable {
    var sizeBytes: Int64 = 0
    var nextOffset: Int64
    /// The largest timestamp of any record, -1 for none.
    var maxTimestamp: Int64 = -1
}

/// A segment: a file of whole records, its first offset in its name.
struct Segment {
    var baseOffset: Int64
    var file: FileHandle
    var end: SegmentEnd
    var index = SegmentIndex()
    /// The ending of its file's name.
    var ending = Ending.settled
    /// Whether all of it is durable; then a segment of the ordinary ending may follow. For sealed segments.
    var isSettled = true
    /// The file of a present reader; it must not be shortened meanwhile.
    weak var lent: SharedFile?
    /// The ordinary one, and that of a segment that began before the one in front of it was durable.
    enum Ending: String { case settled = ".log", tail = ".tail" }

    init(baseOffset: Int64, file: FileHandle, ending: Ending = .settled) {
        self.baseOffset = baseOffset
        self.file = file
        self.ending = ending
        end = SegmentEnd(nextOffset: baseOffset)
    }

    var sizeBytes: Int64 { end.sizeBytes }
    var nextOffset: Int64 { end.nextOffset }
    var maxTimestamp: Int64 { end.maxTimestamp }

    static func fileName(_ baseOffset: Int64) -> String {
        let digits = String(baseOffset)
        return String(repeating: "0", count: max(0, 20 - digits.count)) + digits
    }

    /// Takes the points of its beginning, and the end that the last of them implies.
    mutating func begin(with points: ArraySlice<IndexPoint>) {
        guard let last = points.last else { return }
        index = SegmentIndex(Array(points.dropLast()))
        end = SegmentEnd(sizeBytes: last.position, nextOffset: last.offset, maxTimestamp: last.maxTimestampBefore)
    }

    /// Accounts for a record at the end of the file.
    mutating func note(_ extent: RecordExtent) {
        index.note(IndexPoint(offset: extent.firstOffset, position: sizeBytes, maxTimestampBefore: maxTimestamp))
        end.sizeBytes += Int64(extent.bytes)
        end.nextOffset = extent.nextOffset
        end.maxTimestamp = max(maxTimestamp, extent.maxTimestamp)
    }

    /// Accounts for consecutive records at the end of the file.
    mutating func note(_ extents: [RecordExtent]) { for extent in extents { note(extent) } }
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
