// Opening a segment log after any kind of end: whole records are kept, a torn tail is cut off and counted, and damage that no crash
// explains is refused with its file and position. Nothing is ever guessed.
import Base

/// The result of recovery.
package struct LogRecoveryReport: Equatable, Sendable {
    package var segments = 0
    /// Bytes read to find the end of segments that are not known to be durable to their end.
    package var scannedBytes: Int64 = 0
    /// Bytes cut off from a torn tail; none of them had been acknowledged.
    package var cutBytes: Int64 = 0
    package init() {}
}

/// Walks the records of one file from a position.
struct RecordScan<Framing: LogFraming> {
    let files: any FileSystem
    let file: FileHandle
    let fileBytes: Int64
    var position: Int64
    private var window = Bytes()
    private var windowStart: Int64 = 0
    private static var windowBytes: Int { 1 << 20 }

    init(files: any FileSystem, file: FileHandle, fileBytes: Int64, position: Int64) {
        self.files = files
        self.file = file
        self.fileBytes = fileBytes
        self.position = position
    }

    /// `count` bytes at `position`, fewer at the end of the file.
    private mutating func bytes(_ count: Int) throws(StorageError) -> Bytes {
        let available = Int(min(Int64(count), fileBytes - position))
        if position < windowStart || position + Int64(available) > windowStart + Int64(window.readableBytes) {
            window = try files.read(file, at: position, count: Int(min(Int64(max(count, Self.windowBytes)), fileBytes - position)))
            windowStart = position
        }
        return window.getSlice(at: window.readerIndex + Int(position - windowStart), length: min(available, window.readableBytes))
            ?? Bytes()
    }

    /// The record at `position`, whole and intact, without moving; nil at the end or at damage.
    mutating func peek(expecting offset: Int64?) throws(StorageError) -> (RecordExtent, Bytes)? {
        guard position + Int64(Framing.headerBytes) <= fileBytes else { return nil }
        let header = try bytes(Framing.headerBytes)
        guard header.readableBytes == Framing.headerBytes, let extent = Framing.extent(header),
            extent.bytes >= Framing.headerBytes, position + Int64(extent.bytes) <= fileBytes
        else { return nil }
        if let offset, extent.firstOffset < offset { return nil }
        let record = try bytes(extent.bytes)
        guard record.readableBytes == extent.bytes, Framing.isIntact(record) else { return nil }
        return (extent, record)
    }

    mutating func advance(_ extent: RecordExtent) { position += Int64(extent.bytes) }
}

extension Segment {
    /// Reads the file from the segment's known end to the end of whole records.
    mutating func scan<F: LogFraming>(_: F.Type, _ files: any FileSystem, fileBytes: Int64) throws(StorageError) {
        var scan = RecordScan<F>(files: files, file: file, fileBytes: fileBytes, position: sizeBytes)
        while let (extent, _) = try scan.peek(expecting: nextOffset) {
            note(extent)
            scan.advance(extent)
        }
    }

    /// Whether the bytes after the whole records prove damage to durable ones: a later intact record vouches for an offset beyond our end.
    /// Searches byte by byte, over at most `searchBytesMax` bytes.
    func damageIsProven<F: LogFraming>(_: F.Type, _ files: any FileSystem, fileBytes: Int64) throws(StorageError) -> Bool {
        let searchBytesMax: Int64 = 16 << 20
        var scan = RecordScan<F>(files: files, file: file, fileBytes: fileBytes, position: sizeBytes + 1)
        let end = min(fileBytes, sizeBytes + searchBytesMax)
        while scan.position < end {
            if let (extent, record) = try scan.peek(expecting: nextOffset) {
                if let durable = F.durableBefore(record), durable > nextOffset { return true }
                scan.advance(extent)
            } else {
                scan.position += 1
            }
        }
        return false
    }
}
