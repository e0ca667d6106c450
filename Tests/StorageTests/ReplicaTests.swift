// Replicas of blocks on disk: what is read is checked, what was synced lasts, and what a power cut leaves is cut to what its checksums
// vouch for.
import Base
import Simulator
import Storage
import Testing

@Suite struct ReplicaTests {
    private let data: Bytes = {
        var random = Prng(seed: 3)
        return Bytes(bytes: (0..<5000).map { _ in UInt8(truncatingIfNeeded: random.next()) })
    }()

    private func slice(_ from: Int, _ to: Int) throws -> Bytes { try #require(data.getSlice(at: from, length: to - from)) }

    private func filled(_ files: ReplicaFiles, _ id: Int64, step: Int = 700, upTo end: Int = 5000) throws -> Replica {
        let replica = try files.create(id, generation: 1001)
        for start in stride(from: 0, to: end, by: step) { try replica.append(try slice(start, min(end, start + step))) }
        return replica
    }

    @Test func aReplicaIsCheckedWhenItIsRead() throws {
        let disk = SimDisk()
        let files = try ReplicaFiles(files: disk, directory: "/blocks")
        let writer = try filled(files, 77)
        #expect(
            try writer.read(at: 4990, count: 100).array == Array(data.array[4990...]),
            "what is written is there to be read before it is finished")
        try writer.finish()
        let reader = try files.open(77)
        for (offset, count) in [(0, 5000), (511, 2), (512, 512), (4999, 10), (5000, 1), (1, 4000)] {
            #expect(try reader.read(at: Int64(offset), count: count).array == Array(data.array[offset..<min(5000, offset + count)]))
        }
        disk.flipBit(in: "/blocks/4d/blk_77", atByte: 1500)
        #expect(try files.open(77).read(at: 0, count: 1024).readableBytes == 1024)
        #expect(throws: StorageError.self) { try files.open(77).read(at: 1100, count: 10) }
        #expect(try files.list().replicas == [ReplicaSummary(id: 77, generation: 1001, lengthBytes: 5000, isFinal: true)])
    }

    @Test func theFirstFormatIsReadAndWrittenOn() throws {
        let disk = SimDisk()
        let files = try ReplicaFiles(files: disk, directory: "/blocks")
        try disk.makeDirectory("/blocks/05")
        let block = try disk.open("/blocks/05/blk_5", create: true)
        try disk.write(block, at: 0, try slice(0, 1300))
        var sidecar = Bytes()
        for number in [UInt32(0x5042_4C4B), 1, 512] { sidecar.writeInteger(number) }
        for start in stride(from: 0, to: 1300, by: 512) { sidecar.writeInteger(CRC32C.checksum(try slice(start, min(1300, start + 512)))) }
        let sums = try disk.open("/blocks/05/blk_5.crc", create: true)
        try disk.write(sums, at: 0, sidecar)
        #expect(try files.list().replicas == [ReplicaSummary(id: 5, generation: 1000, lengthBytes: 1300, isFinal: true)])
        #expect(try files.open(5).read(at: 1000, count: 1000).array == Array(data.array[1000..<1300]))
        let writer = try files.reopen(5, generation: 1007)
        try writer.append(try slice(1300, 2000))
        try writer.finish()
        #expect(try files.list().replicas == [ReplicaSummary(id: 5, generation: 1007, lengthBytes: 2000, isFinal: true)])
        #expect(try files.open(5).read(at: 0, count: 2000).array == Array(data.array[..<2000]))
    }

    @Test func appendingGoesOnInTheMiddleOfAChunk() throws {
        let files = try ReplicaFiles(files: SimDisk(), directory: "/blocks")
        try filled(files, 9, upTo: 1001).finish()
        for (from, to) in [(1001, 1002), (1002, 1024), (1024, 3000), (3000, 5000)] {
            let writer = try files.reopen(9, generation: Int64(1002 + from))
            try writer.append(try slice(from, to))
            try writer.finish()
        }
        let reader = try files.open(9)
        #expect(try reader.read(at: 0, count: 6000).array == data.array && reader.generation == 1002 + 3000)
        var sums = Bytes()
        for start in stride(from: 0, to: 2600, by: 512) { sums.writeInteger(CRC32C.checksum(try slice(start, min(2600, start + 512)))) }
        #expect(try reader.chunkSums(upTo: 2600) == sums)
    }

    @Test func cuttingKeepsWhatIsBefore() throws {
        let files = try ReplicaFiles(files: SimDisk(), directory: "/blocks")
        try filled(files, 9).finish()
        for length in [4999, 4608, 1001, 0] {
            let writer = try files.reopen(9, generation: 2000)
            try writer.truncate(to: Int64(length))
            try writer.finish()
            #expect(try files.open(9).read(at: 0, count: 6000).array == Array(data.array[..<length]))
        }
    }

    @Test func whatWasSyncedOutlivesTheProcessAndWhatWasTornIsCutOff() throws {
        let disk = SimDisk()
        let files = try ReplicaFiles(files: disk, directory: "/blocks")
        let writer = try filled(files, 3, upTo: 1300)
        try writer.sync()
        try writer.append(try slice(1300, 5000))
        // The process ends here; what the system has is what was written.
        #expect(
            try ReplicaFiles(files: disk, directory: "/blocks").list().replicas == [
                ReplicaSummary(id: 3, generation: 1001, lengthBytes: 5000, isFinal: false)
            ])
        // Of what was not synced a part may be wrong: it is cut off before the first chunk that does not fit.
        disk.flipBit(in: "/blocks/03/blk_3", atByte: 2100)
        #expect(try ReplicaFiles(files: disk, directory: "/blocks").list().replicas.first?.lengthBytes == 2048)
    }

    @Test func aTornChunkKeepsItsSyncedBeginning() throws {
        let disk = SimDisk()
        let files = try ReplicaFiles(files: disk, directory: "/blocks")
        let writer = try filled(files, 3, upTo: 1300)
        try writer.sync()
        try writer.append(try slice(1300, 5000))
        disk.flipBit(in: "/blocks/03/blk_3", atByte: 1400)
        let again = try ReplicaFiles(files: disk, directory: "/blocks")
        #expect(try again.list().replicas.first?.lengthBytes == 1300)
        #expect(try again.open(3).read(at: 0, count: 5000).array == Array(data.array[..<1300]))
    }

    @Test func whatNoSidecarVouchesForIsRemoved() throws {
        let disk = SimDisk()
        let files = try ReplicaFiles(files: disk, directory: "/blocks")
        try filled(files, 77).finish()
        try disk.makeDirectory("/blocks/4e")
        _ = try disk.open("/blocks/4e/blk_78", create: true)
        #expect(try files.list().replicas.map(\.id) == [77])
        #expect(try disk.list("/blocks/4e").isEmpty)
        try files.remove(77)
        #expect(try files.list().replicas.isEmpty)
    }
}
