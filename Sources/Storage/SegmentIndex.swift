// The sparse index of one segment, from offsets and times to positions. Points are in a file beside the segment, in blocks with a checksum
// each; memory holds only the newest ones. The file's header states the durable part of the segment: an opening reads the segment from
// there on. Nothing waits for the index to reach the disk: missing or damaged parts are rebuilt from the
// segment.
import Base

/// A point of the sparse index: the record that begins at `position` has `offset` as its first.
struct IndexPoint: Equatable {
    var offset: Int64
    var position: Int64
    /// The largest timestamp in the segment before this point.
    var maxTimestampBefore: Int64
}

/// A point with its block.
struct IndexPlace {
    var block: Int
    var point: IndexPoint
}

/// The points of one segment.
struct SegmentIndex {
    /// Number of points in the file only: whole blocks, and also the last block of a segment that is not appended to.
    var storedPoints = 0
    /// The points after those.
    var recent: [IndexPoint] = []
    /// The durable size of the segment according to the file, in bytes.
    var vouchedBytes: Int64 = 0
    private var lastPosition: Int64?
    /// Distance between two points, in bytes.
    static let intervalBytes: Int64 = 4096

    init(_ recent: [IndexPoint] = []) {
        self.recent = recent
        lastPosition = recent.last?.position
    }

    var count: Int { storedPoints + recent.count }

    /// Keeps a point unless the one before is near.
    mutating func note(_ point: IndexPoint) {
        if let lastPosition, point.position - lastPosition < Self.intervalBytes { return }
        recent.append(point)
        lastPosition = point.position
    }

    /// The last of the recent points for which `isBefore` holds; it holds for all points before that one.
    func lastRecent(_ isBefore: (IndexPoint) -> Bool) -> IndexPlace? {
        let found = recent.partitioningIndex { !isBefore($0) }
        return found == 0 ? nil : IndexPlace(block: (storedPoints + found - 1) / SegmentIndexFile.blockPoints, point: recent[found - 1])
    }

    /// The full blocks of recent points are in the file now.
    mutating func storedFullBlocks() {
        let full = recent.count / SegmentIndexFile.blockPoints * SegmentIndexFile.blockPoints
        recent.removeFirst(full)
        storedPoints += full
    }

    /// All points are in the file, and none will be added.
    mutating func storedAll() {
        storedPoints = count
        recent = []
    }
}

/// The index file: a header and blocks, numbers big-endian.
enum SegmentIndexFile {
    private static let magic: UInt32 = 0x5049_5832
    /// u32 magic, u32 CRC of the rest, i64 size, i64 next offset, i64 largest timestamp, u32 number of points.
    static let headerBytes = 36
    static let blockPoints = 64
    /// A block: u32 CRC of the rest, u32 number of points, points of three i64.
    private static let blockBytes = 8 + blockPoints * pointBytes
    private static let pointBytes = 24

    static func position(ofBlock block: Int) -> Int64 { Int64(headerBytes + block * blockBytes) }

    /// The size of a file with this many points.
    static func size(points: Int) -> Int64 {
        let rest = points % blockPoints
        return position(ofBlock: points / blockPoints) + Int64(rest > 0 ? 8 + rest * pointBytes : 0)
    }

    static func header(_ end: SegmentEnd, points: Int) -> Bytes {
        var body = Bytes()
        body.writeMultipleIntegers(end.sizeBytes, end.nextOffset, end.maxTimestamp, UInt32(points))
        var all = Bytes()
        all.writeMultipleIntegers(magic, CRC32C.checksum(body))
        all.writeImmutableBuffer(body)
        return all
    }

    /// nil if it is not a header, or damaged.
    static func end(_ header: Bytes) -> (end: SegmentEnd, points: Int)? {
        var bytes = header
        guard bytes.readableBytes == headerBytes, bytes.readInteger(as: UInt32.self) == magic, let crc = bytes.readInteger(as: UInt32.self),
            CRC32C.checksum(bytes) == crc,
            let (size, next, maxTimestamp, points) = bytes.readMultipleIntegers(as: (Int64, Int64, Int64, UInt32).self)
        else { return nil }
        return (SegmentEnd(sizeBytes: size, nextOffset: next, maxTimestamp: maxTimestamp), Int(points))
    }

    /// Points in blocks; only the last may not be full.
    static func blocks(_ points: [IndexPoint]) -> Bytes {
        var all = Bytes()
        for first in stride(from: 0, to: points.count, by: blockPoints) {
            let block = points[first..<min(points.count, first + blockPoints)]
            var body = Bytes()
            body.writeInteger(UInt32(block.count))
            for point in block { body.writeMultipleIntegers(point.offset, point.position, point.maxTimestampBefore) }
            all.writeInteger(CRC32C.checksum(body))
            all.writeImmutableBuffer(body)
        }
        return all
    }

    /// The first `count` points of a block; nil if it is damaged or has fewer.
    static func points(_ block: Bytes, count: Int) -> [IndexPoint]? {
        var bytes = block
        guard let crc = bytes.readInteger(as: UInt32.self), let held = bytes.getInteger(at: bytes.readerIndex, as: UInt32.self),
            held >= count, held <= blockPoints,
            let body = bytes.readSlice(length: 4 + Int(held) * pointBytes), CRC32C.checksum(body) == crc
        else { return nil }
        var rest = body
        rest.moveReaderIndex(forwardBy: 4)
        var points: [IndexPoint] = []
        points.reserveCapacity(count)
        while points.count < count, let (offset, position, before) = rest.readMultipleIntegers(as: (Int64, Int64, Int64).self) {
            points.append(IndexPoint(offset: offset, position: position, maxTimestampBefore: before))
        }
        return points
    }

    static func read(_ files: any FileSystem, _ file: FileHandle, block: Int, count: Int) throws(StorageError) -> [IndexPoint]? {
        points(try files.read(file, at: position(ofBlock: block), count: blockBytes), count: count)
    }
}
