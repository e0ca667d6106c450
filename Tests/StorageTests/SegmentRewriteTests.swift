// Replacing sealed segments: what stays is read back, and power that fails anywhere leaves the old segments or the new one, never both or
// none.
import Base
import Simulator
import Storage
import Testing

@Suite struct SegmentRewriteTests {
    private typealias Log = SegmentLog<DurableFraming>

    private func open(_ disk: SimDisk) throws -> Log {
        try Log(files: disk, directory: "/log", options: SegmentLogOptions(segmentBytesMax: 400))
    }

    private func filled(_ disk: SimDisk) throws -> Log {
        let log = try open(disk)
        for number in 0..<60 {
            var bytes = Bytes()
            DurableFraming.write(
                Bytes(string: "record number \(number)"), offset: log.nextOffset, durableBefore: log.durableOffset, into: &bytes)
            try log.append(bytes)
        }
        try log.sync()
        return log
    }

    private func offsets(_ log: Log) throws -> [Int64] {
        var found: [Int64] = []
        try log.forEachRecord(from: log.startOffset) { extent, _ in found.append(extent.firstOffset) }
        return found
    }

    /// Replaces the second to the fourth segment by their even records.
    private func halve(_ log: Log, _ disk: SimDisk) throws {
        let sealed = log.sealedSegments
        var rewrite = try SegmentRewrite<DurableFraming>(
            files: disk, directory: "/log", firstBase: sealed[1].baseOffset, endBase: sealed[4].baseOffset)
        for segment in sealed[1..<4] {
            try segment.forEachRecord(DurableFraming.self, disk) { (extent: RecordExtent, bytes: Bytes) throws(StorageError) -> Bool in
                if extent.firstOffset % 2 == 0 { try rewrite.append(bytes) }
                return true
            }
        }
        try rewrite.finish()
        #expect(try log.replace(with: rewrite))
    }

    private func halved(_ log: Log) -> [Int64] {
        let sealed = log.sealedSegments
        let range = sealed[1].baseOffset..<sealed[4].baseOffset
        return (0..<60).filter { !range.contains($0) || $0 % 2 == 0 }
    }

    @Test func whatStaysIsReadBackAndFoundByOffset() throws {
        let disk = SimDisk()
        let log = try filled(disk)
        let expected = halved(log)
        try halve(log, disk)
        #expect(try offsets(log) == expected)
        for offset in Int64(0)..<60 {
            let next = try #require(DurableFraming.extent(try log.read(from: offset, maxBytes: 1)))
            #expect(next.firstOffset == expected.first { $0 >= offset })
        }
        try log.close()
        let again = try open(disk)
        #expect(try offsets(again) == expected && again.nextOffset == 60)
    }

    @Test("power that fails in the middle leaves one of the two", arguments: UInt64(0)..<60)
    func powerFailsInTheMiddle(_ seed: UInt64) throws {
        var random = Prng(seed: seed)
        var disk = SimDisk()
        let log = try filled(disk)
        let expected = halved(log)
        disk.faults.crashAtOperation = disk.operations + 1 + random.below(40)
        do { try halve(log, disk) } catch let error as StorageError where disk.hasCrashed { _ = error }
        guard disk.hasCrashed else { return }
        disk = disk.afterCrash(&random)
        let again = try open(disk)
        let found = try offsets(again)
        #expect(found == expected || found == Array(0..<60), "seed \(seed): \(found)")
        #expect(again.nextOffset == 60)
        let names = try disk.list("/log")
        #expect(!names.contains { $0.hasSuffix(".swap") || $0.hasSuffix(".cleaned") }, "seed \(seed): \(names)")
    }

    @Test func aReplacementOfSegmentsThatAreGoneIsGivenUp() throws {
        let disk = SimDisk()
        let log = try filled(disk)
        let sealed = log.sealedSegments
        let rewrite = try SegmentRewrite<DurableFraming>(
            files: disk, directory: "/log", firstBase: sealed[0].baseOffset, endBase: sealed[2].baseOffset)
        try rewrite.finish()
        try log.trim(below: sealed[1].nextOffset)
        #expect(try !log.replace(with: rewrite))
        #expect(try !disk.list("/log").contains { $0.hasSuffix(".cleaned") })
    }

    @Test func aLogIsRolledOnlyIfThereIsSomething() throws {
        let log = try open(SimDisk())
        try log.roll()
        #expect(log.segmentCount == 1)
        var bytes = Bytes()
        DurableFraming.write(Bytes(string: "one"), offset: 0, durableBefore: 0, into: &bytes)
        try log.append(bytes)
        try log.roll()
        #expect(log.segmentCount == 2 && log.activeBaseOffset == 1 && log.nextOffset == 1)
    }
}
