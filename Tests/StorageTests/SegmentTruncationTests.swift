// Cuts that fail: whatever operation of one fails, the log goes on as it was, or writes nothing any more and is found whole or cut by the
// next opening.
import Base
import Simulator
import Storage
import Testing

@Suite struct SegmentTruncationTests {
    private typealias Log = SegmentLog<DurableFraming>

    /// How a cut is made.
    enum Way: CaseIterable, Sendable { case inPlace, lent, restart }

    private func record(_ text: String, at offset: Int64) -> Bytes {
        var bytes = Bytes()
        DurableFraming.write(Bytes(string: text), offset: offset, durableBefore: 0, into: &bytes)
        return bytes
    }

    private func texts(_ log: Log) throws -> [String] {
        var texts: [String] = []
        try log.forEachRecord(from: 0) { _, bytes in texts.append(DurableFraming.payload(of: bytes).text) }
        return texts
    }

    private func cut(_ log: Log, _ way: Way) throws { if way == .restart { try log.restart(at: 20) } else { try log.truncate(to: 7) } }

    @Test(arguments: Way.allCases) func aCutThatFailsIsFinalOrHasChangedNothing(_ way: Way) throws {
        let all = (0..<15).map { "first \($0)" }
        var (finals, harmless) = (0, 0)
        for step in 1...100 {
            let disk = SimDisk()
            let log = try Log(files: disk, directory: "/log")
            for (offset, text) in all.enumerated() {
                if offset == 10 { try log.roll() }
                try log.append(record(text, at: Int64(offset)))
            }
            try log.sync()
            // The descriptor is nobody's; it is held, not read.
            let place = try #require(try log.locate(from: 0, maxBytes: 10))
            let lent = way == .lent ? try log.lend(place.file) { _ throws(StorageError) in SharedFile(takingOver: -1) } : nil
            disk.faults.failOperation = disk.operations + step
            do {
                try cut(log, way)
                // Or it was one that the cut can do without, a look into an index.
                let allWereTried = disk.operations < disk.faults.failOperation!
                disk.faults.failOperation = nil
                #expect(try texts(log) == (way == .restart ? [] : Array(all.prefix(7))))
                if allWereTried { break } else { continue }
            } catch is StorageError {}
            let next = log.nextOffset
            // That it throws is the question.
            if (try? log.append(record("next", at: next))) == nil {
                finals += 1
                #expect(throws: StorageError.self) { try log.sync() }
                #expect(throws: StorageError.self) { try cut(log, way) }
                let found = try texts(try Log(files: disk, directory: "/log"))
                #expect(found == Array(all.prefix(found.count)) && [0, 7, 10, 15].contains(found.count), "\(way), step \(step): \(found)")
            } else {
                harmless += 1
                #expect(next == 15 && log.durableOffset == 15, "\(way), step \(step)")
                try log.sync()
                #expect(try texts(log) == all + ["next"])
                #expect(try texts(try Log(files: disk, directory: "/log")) == all + ["next"], "\(way), step \(step)")
            }
            withExtendedLifetime(lent) {}
        }
        #expect(finals > 3 && (harmless > 0) == (way != .restart), "\(way): \(finals) final, \(harmless) without a change")
    }
}
