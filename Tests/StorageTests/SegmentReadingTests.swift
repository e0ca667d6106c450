// Finding records by offset, lending files to readers beside the log, and syncs beside the appends.
import Base
import Foundation
import Simulator
import Storage
import TestKit
import Testing

@Suite struct SegmentReadingTests {
    private typealias Log = SegmentLog<DurableFraming>

    private func record(_ text: String, at offset: Int64) -> Bytes {
        var bytes = Bytes()
        DurableFraming.write(Bytes(string: text), offset: offset, durableBefore: 0, into: &bytes)
        return bytes
    }

    /// Offset and bytes of every record of the segment that a read from `offset` begins in.
    private func naive(_ records: [[Bytes]], from offset: Int64, below end: Int64, maxBytes: Int) -> Bytes {
        var first: Int64 = 0
        var found = Bytes()
        for segment in records {
            defer { first += Int64(segment.count) }
            guard offset < first + Int64(segment.count) else { continue }
            for (place, record) in segment.enumerated() where first + Int64(place) >= offset {
                guard first + Int64(place) + 1 <= end, found.readableBytes == 0 || found.readableBytes + record.readableBytes <= maxBytes
                else { break }
                found.writeImmutableBuffer(record)
            }
            return found
        }
        return found
    }

    @Test(arguments: UInt64(1)...UInt64(8)) func whatIsLocatedIsWhatAWalkFinds(seed: UInt64) throws {
        var random = Prng(seed: seed)
        let log = try Log(files: SimDisk(), directory: "/log", options: SegmentLogOptions(segmentBytesMax: 1 << 40))
        var records: [[Bytes]] = []
        for _ in 0..<3 {
            var segment: [Bytes] = []
            for _ in 0..<(20 + random.below(60)) {
                // Smaller and larger than the distance between index points.
                let size = random.below(4) == 0 ? random.below(9000) : random.below(300)
                segment.append(record(String(repeating: "x", count: Int(size)), at: log.nextOffset))
                try log.append(segment[segment.count - 1])
            }
            records.append(segment)
            try log.roll()
        }
        let count = log.nextOffset
        for _ in 0..<400 {
            let offset = Int64(random.below(Int(count)))
            let end = random.below(3) == 0 ? .max : Int64(random.below(Int(count) + 2))
            let maxBytes = random.below(5) == 0 ? Int.max : Int(random.below(30_000))
            let found = try log.read(from: offset, below: end, maxBytes: maxBytes)
            #expect(
                found == naive(records, from: offset, below: end, maxBytes: maxBytes), "from \(offset) below \(end), at most \(maxBytes)")
        }
        #expect(try log.locate(from: count, maxBytes: 10) == nil)
    }

    /// A log on the real file system with some records, and a way to lend what is read of it.
    private func withLog(_ body: (Log, RealFileSystem, String) throws -> Void) throws {
        let root = try PlatformProcess.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: root) }  // a temporary directory may stay
        let files = RealFileSystem()
        let log = try Log(files: files, directory: root + "/log")
        for offset in 0..<Int64(10) { try log.append(record("first \(offset)", at: offset)) }
        try body(log, files, root + "/log")
    }

    private func lend(_ log: Log, _ files: RealFileSystem, _ place: RecordPlace) throws -> SharedFile {
        try log.lend(place.file) { handle throws(StorageError) in try files.share(handle) }
    }

    @Test func aFileThatIsLentKeepsWhatTheLogCutsOff() throws {
        try withLog { log, files, directory in
            let place = try #require(try log.locate(from: 5, maxBytes: 1 << 20))
            let before = try log.read(from: 5, maxBytes: 1 << 20)
            var lent: SharedFile? = try lend(log, files, place)
            #expect(try lend(log, files, place) === lent)
            try log.truncate(to: 7)
            for offset in Int64(7)..<10 { try log.append(record("second \(offset)", at: offset)) }
            #expect(try files.read(Base.FileHandle(lent!.descriptor), at: place.position, count: place.bytes) == before)
            lent = nil
            // Nobody reads it now: it is cut where it lies.
            try log.truncate(to: 8)
            try log.sync()
            try log.close()
            #expect(try files.list(directory) == ["00000000000000000000.index", "00000000000000000000.log"])
            let again = try Log(files: files, directory: directory)
            var texts: [String] = []
            try again.forEachRecord(from: 5) { _, bytes in texts.append(DurableFraming.payload(of: bytes).text) }
            #expect(texts == ["first 5", "first 6", "second 7"])
        }
    }

    @Test func aLentFileOutlivesItsSegment() throws {
        try withLog { log, files, _ in
            let place = try #require(try log.locate(from: 0, maxBytes: 1 << 20))
            let before = try log.read(from: 0, maxBytes: 1 << 20)
            let lent = try lend(log, files, place)
            try log.roll()
            try log.trim(below: 10)
            #expect(log.startOffset == 10)
            #expect(try files.read(Base.FileHandle(lent.descriptor), at: place.position, count: place.bytes) == before)
        }
    }

    @Test func aSyncBesideTheLogCountsWhatWasWrittenBeforeIt() throws {
        try withLog { log, files, _ in
            func begin() throws -> SyncBeside { try #require(try log.beginSync { handle throws(StorageError) in try files.share(handle) }) }
            let sync = try begin()
            try log.append(record("later", at: 10))
            try sync.carryOut(sync: files.sync, syncDirectory: files.syncDirectory)
            log.ended(sync, nil)
            #expect(log.durableOffset == 10 && log.nextOffset == 11)
            // What was cut off and written anew meanwhile is not what became durable.
            let second = try begin()
            try log.truncate(to: 8)
            for offset in Int64(8)..<12 { try log.append(record("anew", at: offset)) }
            log.ended(second, nil)
            #expect(log.durableOffset == 8)
            let failing = try begin()
            log.ended(failing, StorageError(.syncFailed(5), "sync", "log"))
            #expect(throws: StorageError.self) { try log.append(record("refused", at: 12)) }
        }
    }
}
