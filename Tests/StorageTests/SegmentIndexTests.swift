// Index files: what an opening need not read, what is found through blocks on the disk, and that nothing is lost, or found where it is not,
// whatever becomes of them.
import Base
import Simulator
import Storage
import Testing

@Suite struct SegmentIndexTests {
    private typealias Log = SegmentLog<DurableFraming>

    private func open(_ disk: SimDisk, segmentBytes: Int64 = 64 << 20) throws -> Log {
        try Log(files: disk, directory: "/log", options: SegmentLogOptions(segmentBytesMax: segmentBytes))
    }

    private let first = "/log/" + String(repeating: "0", count: 20)

    /// Records of 1 KiB that begin with their offset.
    private func append(_ log: Log, _ count: Int, _ mark: String = "") throws {
        for _ in 0..<count {
            let text = "\(log.nextOffset) \(mark)"
            var bytes = Bytes()
            DurableFraming.write(
                Bytes(string: text + String(repeating: " ", count: 1000 - text.utf8.count)), offset: log.nextOffset, durableBefore: 0,
                into: &bytes)
            try log.append(bytes)
        }
    }

    /// Every offset is found, and only what was appended.
    private func check(_ log: Log, _ end: Int64, step: Int64 = 37) throws {
        #expect(log.nextOffset == end)
        for offset in stride(from: log.startOffset, to: end, by: Int64.Stride(step)) {
            let place = try #require(try log.locate(from: offset, maxBytes: 100_000))
            #expect(place.nextOffset > offset)
            let found = DurableFraming.payload(of: try log.read(from: offset, maxBytes: 1)).text.prefix { $0 != " " }
            #expect(found == "\(offset)")
        }
    }

    @Test func aLogThatWasClosedIsNotRead() throws {
        let disk = SimDisk()
        let log = try open(disk)
        try append(log, 5000)
        try log.close()
        let again = try open(disk)
        #expect(again.recovery.scannedBytes == 0 && again.durableOffset == 5000)
        try check(again, 5000)
        try append(again, 1000)
        try again.sync()
        try check(again, 6000)
    }

    @Test func afterAKillThereIsLittleToRead() throws {
        let disk = SimDisk()
        let log = try open(disk)
        for _ in 0..<10 {
            try append(log, 500)
            try log.sync()
        }
        try append(log, 50)
        let again = try open(disk.copy())
        #expect(again.recovery.scannedBytes > 50_000 && again.recovery.scannedBytes < 3 << 20)
        #expect(again.nextOffset == 5050 && again.durableOffset < 5050)
        try check(again, 5050)
        try again.sync()
        #expect(again.durableOffset == 5050)
    }

    @Test func blocksThatAreLostOrDamagedAreMadeAnew() throws {
        let disk = SimDisk()
        let log = try open(disk, segmentBytes: 3_000_000)
        try append(log, 5000)
        try log.close()
        // Every block of the first segment's index, and the header.
        let size = try #require(disk.sizeOf(first + ".index"))
        #expect(size > 10_000)
        for byte in stride(from: 3, to: size, by: 700) {
            let copy = disk.copy()
            copy.flipBit(in: first + ".index", atByte: byte)
            try check(try open(copy, segmentBytes: 3_000_000), 5000, step: 211)
        }
        let copy = disk.copy()
        let opened = try open(copy, segmentBytes: 3_000_000)
        try copy.remove(first + ".index")
        try check(opened, 5000, step: 211)
    }

    @Test func whatWasVouchedForAndHasGoneIsRefused() throws {
        let disk = SimDisk()
        let log = try open(disk)
        try append(log, 100)
        try log.close()
        try disk.truncate(try disk.open(first + ".log", create: false), to: 50_000)
        do {
            _ = try open(disk)
            Issue.record("it was opened")
        } catch let error as StorageError { #expect("\(error)".contains("bytes of it were durable, and it has 50000")) }
    }

    @Test func timesAreFoundThroughBlocks() throws {
        let log = try SegmentLog<TimedFraming>(files: SimDisk(), directory: "/log")
        for offset in Int64(0)..<3000 { try log.append(TimedFraming.record(offset, timestamp: offset * 10)) }
        for offset in stride(from: Int64(0), to: 3000, by: 97) {
            #expect(try log.firstRecord(atOrAfter: offset * 10 - 3)?.firstOffset == offset)
        }
        #expect(try log.firstRecord(atOrAfter: 29_991) == nil)
    }

    /// Appends, syncs, cuts, closings, damaged indexes, kills and power cuts at random: what is there is what was written, found at every
    /// offset, and what was synced stays.
    @Test(arguments: [
        SegmentLogOptions(segmentBytesMax: 2_000_000), SegmentLogOptions(segmentBytesMax: 2_000_000, waitsWhenSealing: false),
    ])
    func whateverHappensOffsetsLeadToTheirRecords(_ options: SegmentLogOptions) throws {
        var scanned: Int64 = 0
        for seed in UInt64(0)..<6 {
            var random = Prng(seed: seed)
            var disk = SimDisk()
            var log = try Log(files: disk, directory: "/log", options: options)
            var durable: Int64 = 0
            var isDamaged = false
            for round in 0..<30 {
                switch random.below(13) {
                case 0..<6:
                    try append(log, random.below(400), "\(round)")
                    if random.chance(1, in: 2) { try log.sync() }
                case 6: try log.sync()
                case 7:
                    // Records of another content take the place of what was cut off.
                    try log.truncate(to: log.startOffset + Int64(random.below(Int(log.nextOffset - log.startOffset) + 1)))
                    try append(log, random.below(100), "cut \(round)")
                case 8: try log.trim(below: log.startOffset + Int64(random.below(Int(log.nextOffset - log.startOffset) + 1)))
                case 9:
                    try log.close()
                    log = try Log(files: disk, directory: "/log", options: options)
                    #expect(isDamaged || log.recovery.scannedBytes == 0)
                case 10:
                    let indexes = try disk.list("/log").filter { $0.hasSuffix(".index") }
                    guard !indexes.isEmpty else { continue }
                    let name = "/log/" + indexes[random.below(indexes.count)]
                    if let size = disk.sizeOf(name), size > 0 { disk.flipBit(in: name, atByte: random.below(size)) }
                    isDamaged = true
                default:
                    let (power, end) = (random.chance(1, in: 2), log.nextOffset)
                    disk = power ? disk.afterCrash(&random) : disk.copy()
                    log = try Log(files: disk, directory: "/log", options: options)
                    #expect(power ? log.nextOffset >= durable && log.nextOffset <= end : log.nextOffset == end)
                    scanned += log.recovery.scannedBytes
                }
                durable = log.durableOffset
                try check(log, log.nextOffset, step: 501)
            }
        }
        #expect(scanned > 0)
    }
}

/// Records with a time: u32 size, i64 offset, i64 time, and 100 bytes.
private enum TimedFraming: LogFraming {
    static let headerBytes = 20
    static func extent(_ header: Bytes) -> RecordExtent? {
        let at = header.readerIndex
        guard let offset = header.getInteger(at: at + 4, as: Int64.self), let time = header.getInteger(at: at + 12, as: Int64.self) else {
            return nil
        }
        return RecordExtent(bytes: 120, firstOffset: offset, count: 1, maxTimestamp: time)
    }
    static func isIntact(_ record: Bytes) -> Bool { true }
    static func durableBefore(_ record: Bytes) -> Int64? { nil }
    static func record(_ offset: Int64, timestamp: Int64) -> Bytes {
        var bytes = Bytes()
        bytes.writeMultipleIntegers(UInt32(116), offset, timestamp)
        bytes.writeRepeatingByte(0, count: 100)
        return bytes
    }
}
