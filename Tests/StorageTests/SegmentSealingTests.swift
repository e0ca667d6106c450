// Segments that are sealed without waiting for the disk: whatever a crash leaves, what was synced is there, what is there is what was
// written, and a log that only its process has left is whole.
import Base
import Simulator
import Storage
import Testing

@Suite struct SegmentSealingTests {
    private typealias Log = SegmentLog<DurableFraming>

    /// A log on a simulated disk, and what it ought to hold.
    private struct Run {
        var random: Prng
        var disk = SimDisk()
        var log: Log
        /// Texts by offset, from the first that was ever written.
        var written: [String] = []
        var beside: SyncBeside?
        /// Whose handles descriptors stand for that were lent out.
        var lent: [(file: SharedFile, handle: FileHandle)] = []
        /// What lies below it was made durable.
        var durable: Int64 = 0
        var seen: Set<String> = []

        init(seed: UInt64) throws {
            random = Prng(seed: seed)
            log = try Self.open(disk)
        }

        static func open(_ disk: SimDisk) throws -> Log {
            try Log(files: disk, directory: "/log", options: SegmentLogOptions(segmentBytesMax: 200, waitsWhenSealing: false))
        }

        mutating func append() throws {
            var bytes = Bytes()
            for place in 0...random.below(3) {
                let text = "record \(written.count) of \(random.below(1000))"
                DurableFraming.write(Bytes(string: text), offset: log.nextOffset + Int64(place), durableBefore: durable, into: &bytes)
                written.append(text)
            }
            try log.append(bytes)
        }

        mutating func beginSync() throws {
            var lent = lent
            beside = try log.beginSync { (handle: FileHandle) throws(StorageError) in
                // A descriptor that is held and never used.
                lent.append((SharedFile(takingOver: -1), handle))
                return lent[lent.count - 1].file
            }
            self.lent = lent
        }

        mutating func endSync() throws {
            guard let sync = beside else { return }
            beside = nil
            let (disk, lent) = (disk, lent)
            try sync.carryOut(
                sync: { (file: SharedFile) throws(StorageError) in for one in lent where one.file === file { try disk.sync(one.handle) } },
                syncDirectory: disk.syncDirectory)
            log.ended(sync, nil)
            noteDurable()
        }

        mutating func noteDurable() { durable = log.durableOffset }

        /// The log is what was written from its start on; returns its end.
        func check() throws {
            var found: [String] = []
            try log.forEachRecord(from: log.startOffset) { extent, bytes in
                #expect(extent.firstOffset == log.startOffset + Int64(found.count))
                found.append(DurableFraming.payload(of: bytes).text)
            }
            #expect(found == Array(written[Int(log.startOffset)..<Int(log.nextOffset)]))
        }

        /// The power goes, or only the process.
        mutating func crash(power: Bool) throws {
            (beside, lent) = (nil, [])
            let (end, sealed) = (log.nextOffset, log.sealedSegments.count < log.segmentCount - 1)
            disk = power ? disk.afterCrash(&random) : disk.copy()
            log = try Self.open(disk)
            if power { #expect(log.nextOffset >= durable) } else { #expect(log.nextOffset == end && log.recovery.cutBytes == 0) }
            if sealed {
                seen.insert(power ? log.nextOffset < end ? "cut in or behind a sealed segment" : "whole after all" : "only the process")
            }
            written.removeLast(written.count - Int(log.nextOffset))
            // After a loss of power all that is found is on the disk.
            durable = power ? log.nextOffset : min(durable, log.nextOffset)
            try check()
        }
    }

    @Test func whatWasSyncedOutlivesEveryCrash() throws {
        var seen: Set<String> = []
        for seed in UInt64(0)..<400 {
            var run = try Run(seed: seed)
            for _ in 0..<60 {
                switch run.random.below(20) {
                case 0..<12: try run.append()
                case 12:
                    try run.append()
                    try run.log.sync()
                    run.noteDurable()
                case 13, 14: try run.beginSync()
                case 15, 16: try run.endSync()
                case 17:
                    let end = run.log.startOffset + Int64(run.random.below(Int(run.log.nextOffset - run.log.startOffset) + 1))
                    try run.log.truncate(to: end)
                    run.written.removeLast(run.written.count - Int(run.log.nextOffset))
                    run.durable = min(run.durable, run.log.nextOffset)
                case 18:
                    try run.log.trim(
                        below: run.log.startOffset
                            + Int64(run.random.below(Int(max(run.durable, run.log.startOffset) - run.log.startOffset) + 1)))
                default: try run.crash(power: run.random.chance(2, in: 3))
                }
            }
            try run.check()
            try run.log.close()
            #expect(run.log.durableOffset == run.log.nextOffset)
            try run.crash(power: true)
            seen.formUnion(run.seen)
        }
        #expect(seen.count == 3, "\(seen)")
    }

    @Test func aSyncBesideALogThatWasRemovedEndsWithoutAFailure() throws {
        var run = try Run(seed: 1)
        while run.log.segmentCount < 3 { try run.append() }
        try run.beginSync()
        let sync = try #require(run.beside)
        var synced = 0
        try sync.carryOut(
            sync: { _ in synced += 1 },
            syncDirectory: { (path: String) throws(StorageError) in throw StorageError(.notFound, "open directory", path) })
        #expect(synced == run.log.segmentCount - 1)
        #expect(throws: StorageError.self) {
            try sync.carryOut(
                sync: { _ in },
                syncDirectory: { (path: String) throws(StorageError) in throw StorageError(.syncFailed(5), "sync directory", path) })
        }
    }

    @Test func damageInFrontOfDurableRecordsIsStillRefused() throws {
        let disk = SimDisk()
        let log = try Run.open(disk)
        for offset in Int64(0)..<40 {
            var bytes = Bytes()
            DurableFraming.write(Bytes(string: "record \(offset)"), offset: offset, durableBefore: log.durableOffset, into: &bytes)
            try log.append(bytes)
        }
        try log.sync()
        #expect(log.segmentCount > 3 && log.sealedSegments.count == log.segmentCount - 1)
        for index in try disk.list("/log") where index.hasSuffix(".index") { try disk.remove("/log/" + index) }
        disk.flipBit(in: log.sealedSegments[1].path, atByte: 30)
        #expect(throws: StorageError.self) { try Run.open(disk) }
    }
}
