// The log engine: order, rolling, lookup, recovery from torn tails, refusal of damage in the middle, full disks and failing syncs.
import Base
import Simulator
import Storage
import Testing

@Suite struct SegmentLogTests {
    private typealias Log = SegmentLog<DurableFraming>

    private func open(_ disk: SimDisk, segmentBytes: Int64 = 400) throws -> Log {
        try Log(files: disk, directory: "/log", options: SegmentLogOptions(segmentBytesMax: segmentBytes))
    }

    private func append(_ log: Log, _ texts: [String]) throws {
        var bytes = Bytes()
        for (place, text) in texts.enumerated() {
            DurableFraming.write(Bytes(string: text), offset: log.nextOffset + Int64(place), durableBefore: log.durableOffset, into: &bytes)
        }
        try log.append(bytes)
    }

    private func texts(_ log: Log, from offset: Int64 = 0) throws -> [String] {
        var found: [String] = []
        try log.forEachRecord(from: offset) { _, bytes in found.append(DurableFraming.payload(of: bytes).text) }
        return found
    }

    private let words = (0..<40).map { "record number \($0)" }

    @Test func recordsComeBackInOrderOverSegments() throws {
        let disk = SimDisk()
        let log = try open(disk)
        for word in words { try append(log, [word]) }
        try log.sync()
        #expect(log.segmentCount > 3 && log.durableOffset == 40)
        #expect(try texts(log) == words)
        #expect(try texts(log, from: 33) == Array(words[33...]))
        try log.close()
        let again = try open(disk)
        #expect(try texts(again) == words)
        #expect(again.nextOffset == 40 && again.recovery.cutBytes == 0)
    }

    @Test func aReadBeginsWithTheRecordThatCoversTheOffset() throws {
        let log = try open(SimDisk(), segmentBytes: 100_000)
        for word in words { try append(log, [word]) }
        let one = try log.read(from: 17, maxBytes: 1)
        #expect(DurableFraming.payload(of: one).text == words[17])
        #expect(try log.read(from: 0, maxBytes: 200).readableBytes <= 200)
        #expect(try log.read(from: 40, maxBytes: 200).readableBytes == 0)
    }

    @Test func aTornTailIsCutAndCounted() throws {
        for cut in 1..<60 {
            let disk = SimDisk()
            let log = try open(disk, segmentBytes: 100_000)
            try append(log, ["kept"])
            try log.sync()
            try append(log, ["torn record that never was acknowledged"])
            let path = "/log/" + String(repeating: "0", count: 20) + ".log"
            let whole = try #require(disk.sizeOf(path))
            let file = try disk.open(path, create: false)
            try disk.truncate(file, to: Int64(max(28, whole - cut)))
            let again = try open(disk, segmentBytes: 100_000)
            #expect(try texts(again) == ["kept"])
            try append(again, ["next"])
            #expect(try texts(again) == ["kept", "next"])
        }
    }

    @Test func damageBelowADurableOffsetIsRefused() throws {
        let disk = SimDisk()
        let log = try open(disk, segmentBytes: 100_000)
        for word in words {
            try append(log, [word])
            try log.sync()
        }
        disk.flipBit(in: "/log/" + String(repeating: "0", count: 20) + ".log", atByte: 100)
        do {
            _ = try open(disk, segmentBytes: 100_000)
            Issue.record("it was opened")
        } catch let error as StorageError {
            #expect("\(error)".contains("is damaged, and later records show") && error.path.hasSuffix(".log"))
        }
    }

    @Test func damageInASealedSegmentIsRefused() throws {
        let disk = SimDisk()
        let log = try open(disk)
        for word in words { try append(log, [word]) }
        try log.close()
        let first = "/log/" + String(repeating: "0", count: 20)
        try disk.remove(first + ".index")
        disk.flipBit(in: first + ".log", atByte: 60)
        #expect(throws: StorageError.self) { try open(disk) }
    }

    @Test func aLostIndexIsRebuilt() throws {
        let disk = SimDisk()
        let log = try open(disk)
        for word in words { try append(log, [word]) }
        try log.close()
        try disk.remove("/log/" + String(repeating: "0", count: 20) + ".index")
        #expect(try texts(open(disk)) == words)
    }

    @Test func aFullDiskRefusesAndRecoversWhenThereIsRoom() throws {
        let disk = SimDisk()
        let log = try open(disk, segmentBytes: 100_000)
        try append(log, ["first"])
        try log.sync()
        disk.faults.capacityBytes = 40
        #expect(throws: StorageError(.noSpace, "write", "file 1")) { try append(log, ["does not fit at all"]) }
        #expect(log.nextOffset == 1)
        disk.faults.capacityBytes = nil
        try append(log, ["second"])
        try log.sync()
        #expect(try texts(log) == ["first", "second"])
    }

    @Test func afterAFailedSyncTheLogTakesNothingMore() throws {
        let disk = SimDisk()
        let log = try open(disk)
        try append(log, ["first"])
        disk.faults.failSync = disk.syncs + 1
        #expect(throws: StorageError.self) { try log.sync() }
        #expect(log.durableOffset == 0)
        #expect(throws: StorageError.self) { try append(log, ["second"]) }
        #expect(throws: StorageError.self) { try log.sync() }
    }

    @Test func trimmingRemovesWholeSegmentsOnly() throws {
        let disk = SimDisk()
        let log = try open(disk)
        for word in words { try append(log, [word]) }
        try log.trim(below: 20)
        #expect(log.startOffset <= 20 && log.startOffset > 0)
        #expect(try texts(log, from: 20) == Array(words[20...]))
        try log.trim(below: 1000)
        #expect(log.segmentCount == 1 && log.nextOffset == 40)
    }

    @Test func theEndIsCutOffAtAnyOffsetAndStaysCutOff() throws {
        for end in [0, 1, 7, 20, 39, 40, 41] {
            let disk = SimDisk()
            let log = try open(disk)
            for word in words { try append(log, [word]) }
            try log.sync()
            try log.truncate(to: Int64(end))
            let kept = min(end, 40)
            #expect(log.nextOffset == Int64(kept) && log.durableOffset == Int64(kept))
            #expect(try texts(log) == Array(words[..<kept]))
            try append(log, ["another one"])
            try log.sync()
            try log.close()
            #expect(try texts(try open(disk)) == words[..<kept] + ["another one"])
        }
    }

    @Test func aLogBeginsAnewAtAnotherOffset() throws {
        let disk = SimDisk()
        let log = try open(disk)
        for word in words { try append(log, [word]) }
        try log.restart(at: 1000)
        #expect(log.startOffset == 1000 && log.nextOffset == 1000 && log.segmentCount == 1)
        try append(log, ["the first"])
        try log.sync()
        try log.close()
        let again = try open(disk)
        #expect(again.startOffset == 1000 && again.nextOffset == 1001)
        #expect(try texts(again) == ["the first"])
    }
}
