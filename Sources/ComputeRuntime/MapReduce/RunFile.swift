// Sorted runs of records on local disk: one segment for each reduce task, records as key length, value length, key, value. A run is written
// once, front to back, and read through cursors with one buffer each. Layout: two 32-bit little-endian lengths, then bytes.
import ComputeCore
import Glibc

/// Bytes of each reduce task's records in a run.
struct RunFile: Sendable {
    let path: String
    let segments: [Range<Int64>]
}

/// Writes a run; segments begin in the order of the reduce tasks.
final class RunWriter {
    private static let bufferBytes = 256 << 10

    private let path: String
    private let writer: any JobFileWriter
    private var buffer: [UInt8] = []
    private var written: Int64 = 0
    private var starts: [Int64] = []

    init(path: String) throws {
        self.path = path
        writer = try LocalFiles().create(path)
        buffer.reserveCapacity(Self.bufferBytes + (4 << 10))
    }

    func beginSegment() {
        starts.append(written)
    }

    func append(key: ArraySlice<UInt8>, value: ArraySlice<UInt8>) throws {
        Record.append(key: key, value: value, to: &buffer)
        written += Int64(Record.headerBytes + key.count + value.count)
        if buffer.count >= Self.bufferBytes { try flush() }
    }

    func finish() throws -> RunFile {
        try flush()
        try writer.finish()
        let ends = starts.dropFirst() + [written]
        return RunFile(path: path, segments: zip(starts, ends).map { $0..<$1 })
    }

    private func flush() throws {
        try writer.write(buffer[...])
        buffer.removeAll(keepingCapacity: true)
    }
}

enum Record {
    static let headerBytes = 8

    static func append(key: ArraySlice<UInt8>, value: ArraySlice<UInt8>, to buffer: inout [UInt8]) {
        append(UInt32(key.count), to: &buffer)
        append(UInt32(value.count), to: &buffer)
        buffer.append(contentsOf: key)
        buffer.append(contentsOf: value)
    }

    private static func append(_ word: UInt32, to buffer: inout [UInt8]) {
        buffer.append(UInt8(truncatingIfNeeded: word))
        buffer.append(UInt8(truncatingIfNeeded: word >> 8))
        buffer.append(UInt8(truncatingIfNeeded: word >> 16))
        buffer.append(UInt8(truncatingIfNeeded: word >> 24))
    }

    static func length(_ buffer: [UInt8], at index: Int) -> Int {
        Int(UInt32(buffer[index]) | UInt32(buffer[index + 1]) << 8 | UInt32(buffer[index + 2]) << 16 | UInt32(buffer[index + 3]) << 24)
    }

    /// Bytes in the order of unsigned comparison, a prefix before its extensions.
    // hot: `platform-bench compute`, MapReduce sort
    static func precedes(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Int {
        // Both pointers are used inside the closures and within the shorter length.
        let order = left.withUnsafeBytes { leftBytes in
            right.withUnsafeBytes { rightBytes -> Int in
                let count = min(leftBytes.count, rightBytes.count)
                guard count > 0, let leftBase = leftBytes.baseAddress, let rightBase = rightBytes.baseAddress else { return 0 }
                return Int(memcmp(leftBase, rightBase, count))
            }
        }
        return order != 0 ? order : left.count - right.count
    }
}

/// Reads one segment of a run, record by record.
final class RunCursor {
    private let path: String
    private let bufferBytes: Int
    private var offset: Int64
    private let end: Int64
    private var buffer: [UInt8] = []
    private var start = 0
    private(set) var key: ArraySlice<UInt8> = []
    private(set) var value: ArraySlice<UInt8> = []

    init(_ run: RunFile, segment: Int, bufferBytes: Int) {
        path = run.path
        self.bufferBytes = bufferBytes
        offset = run.segments[segment].lowerBound
        end = run.segments[segment].upperBound
    }

    /// Moves to the next record; false at the end.
    func next() throws -> Bool {
        if buffer.count - start < Record.headerBytes, try !refill(Record.headerBytes) { return false }
        let keyBytes = Record.length(buffer, at: start)
        let size = Record.headerBytes + keyBytes + Record.length(buffer, at: start + 4)
        if buffer.count - start < size, try !refill(size) {
            throw JobFileError.failed(path: path, operation: "read", reason: "a spilled record is cut off")
        }
        let keyStart = start + Record.headerBytes
        key = buffer[keyStart..<(keyStart + keyBytes)]
        value = buffer[(keyStart + keyBytes)..<(start + size)]
        start += size
        return true
    }

    private func refill(_ needed: Int) throws -> Bool {
        // The slices of the last record must not keep the old buffer alive during its change.
        (key, value) = ([], [])
        buffer.removeFirst(start)
        start = 0
        let wanted = Int(min(end - offset, Int64(max(bufferBytes, needed) - buffer.count)))
        if wanted > 0 {
            let more = try LocalFiles().read(path, offset: offset, count: wanted)
            offset += Int64(more.count)
            buffer.append(contentsOf: more)
        }
        return buffer.count >= needed
    }
}
