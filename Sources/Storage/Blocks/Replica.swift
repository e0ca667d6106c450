// An open replica of a block: read, and written until it is finished. Every read is checked against the checksums. Confined to one disk
// thread, so that a reader finds matching bytes and checksums while a writer continues.
import Base

/// One replica.
package final class Replica {
    private let files: any FileSystem
    private let place: ReplicaPlace
    private let data: FileHandle
    private let sums: FileHandle
    private var header: ReplicaHeader
    private var isOpen = true
    package let id: Int64
    package private(set) var isFinal: Bool

    package var generation: Int64 { header.generation }
    package var lengthBytes: Int64 { header.written.lengthBytes }
    package var summary: ReplicaSummary { ReplicaSummary(id: id, generation: generation, lengthBytes: lengthBytes, isFinal: isFinal) }

    init(_ files: any FileSystem, _ place: ReplicaPlace, data: FileHandle, sums: FileHandle, header: ReplicaHeader, isFinal: Bool) {
        self.files = files
        self.place = place
        self.data = data
        self.sums = sums
        self.header = header
        self.isFinal = isFinal
        id = place.id
    }

    package func close() {
        guard isOpen else { return }
        isOpen = false
        files.close(data)
        files.close(sums)
    }

    // MARK: writing

    /// Adds bytes at the end. Readers see them at once; a crash of the machine may lose them until `sync`.
    package func append(_ bytes: Bytes) throws(StorageError) {
        precondition(!isFinal, "a finished replica is reopened before it is written")
        guard bytes.readableBytes > 0 else { return }
        let (fresh, tail) = Self.sums(of: bytes, behind: ReplicaFormat.tail(lengthBytes), header.written.tailSum)
        try files.write(data, at: lengthBytes, bytes)
        if fresh.readableBytes > 0 { try files.write(sums, at: header.bodyOffset + ReplicaFormat.chunks(lengthBytes) * 4, fresh) }
        header.written = ReplicaHeader.Extent(lengthBytes: lengthBytes + Int64(bytes.readableBytes), tailSum: tail)
        try writeHeader()
    }

    /// The checksums of the chunks that `bytes` fill up, and that of the rest at the end.
    static func sums(of bytes: Bytes, behind tailBytes: Int, _ tailSum: UInt32) -> (full: Bytes, tail: UInt32) {
        var full = Bytes()
        var (filled, sum) = (tailBytes, tailSum)
        bytes.withUnsafeReadableBytes { memory in
            // Reads the buffer's own memory, chunk by chunk, within this call.
            var rest = memory[...]
            while !rest.isEmpty {
                let take = min(rest.count, ReplicaFormat.chunkBytes - filled)
                sum = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: rest.prefix(take)), seed: sum)
                filled += take
                if filled == ReplicaFormat.chunkBytes {
                    full.writeInteger(sum)
                    (filled, sum) = (0, 0)
                }
                rest = rest.dropFirst(take)
            }
        }
        return (full, sum)
    }

    private func writeHeader() throws(StorageError) { try files.write(sums, at: 0, header.encoded) }

    /// The appended bytes are durable on return.
    package func sync() throws(StorageError) {
        try files.sync(data)
        header.synced = header.written
        try writeHeader()
        try files.sync(sums)
    }

    /// Sets the new generation of a pipeline that is set up again.
    package func take(generation: Int64) throws(StorageError) {
        header.generation = generation
        try writeHeader()
        try files.sync(sums)
    }

    /// Cuts everything after `length`. The kept part of the last chunk is checked first.
    package func truncate(to length: Int64) throws(StorageError) {
        guard length < lengthBytes else { return }
        let tailBytes = ReplicaFormat.tail(length)
        var sum: UInt32 = 0
        if tailBytes > 0 { sum = CRC32C.checksum(try read(at: length - Int64(tailBytes), count: tailBytes)) }
        try files.truncate(data, to: length)
        header.written = ReplicaHeader.Extent(lengthBytes: length, tailSum: sum)
        header.synced = header.written
        try files.sync(data)
        try writeHeader()
        try files.sync(sums)
    }

    /// Everything is durable and the replica finished on return.
    package func finish() throws(StorageError) {
        guard !isFinal else { return }
        try sync()
        try files.rename(place.beingWritten, to: place.finished)
        try files.syncDirectory(place.folder)
        isFinal = true
    }

    // MARK: reading

    /// The chunks that hold a range, all checked, with their checksums. Fewer than requested at the end.
    package func readChunks(at offset: Int64, count: Int) throws(StorageError) -> (start: Int64, data: Bytes, sums: Bytes) {
        let chunk = Int64(ReplicaFormat.chunkBytes)
        guard offset >= 0, count > 0, offset < lengthBytes else { return (min(max(0, offset), lengthBytes), Bytes(), Bytes()) }
        let end = min(lengthBytes, offset.addingReportingOverflow(Int64(count)).overflow ? lengthBytes : offset + Int64(count))
        let first = offset / chunk
        let stop = min(lengthBytes, (end + chunk - 1) / chunk * chunk)
        let bytes = try files.read(data, at: first * chunk, count: Int(stop - first * chunk))
        guard bytes.readableBytes == Int(stop - first * chunk) else { throw corrupt("it ends early", first * chunk) }
        let sums = try storedSums(first, count: Int((stop + chunk - 1) / chunk - first))
        try check(bytes, sums, first)
        return (first * chunk, bytes, sums)
    }

    private func check(_ bytes: Bytes, _ sums: Bytes, _ first: Int64) throws(StorageError) {
        let bad = bytes.withUnsafeReadableBytes { memory -> Int? in
            // Reads the two buffers' own memory within this call.
            for place in 0..<((memory.count + ReplicaFormat.chunkBytes - 1) / ReplicaFormat.chunkBytes) {
                let from = place * ReplicaFormat.chunkBytes
                let piece = UnsafeRawBufferPointer(rebasing: memory[from..<min(memory.count, from + ReplicaFormat.chunkBytes)])
                if sums.getInteger(at: sums.readerIndex + place * 4, as: UInt32.self) != CRC32C.checksum(piece) { return place }
            }
            return nil
        }
        if let bad { throw corrupt("the checksum does not match", (first + Int64(bad)) * Int64(ReplicaFormat.chunkBytes)) }
    }

    private func corrupt(_ what: String, _ offset: Int64) -> StorageError {
        StorageError(.corrupt("\(what) of the 512 bytes at \(offset)"), "read", place.data)
    }

    /// The checksums of chunks, the last of which may be the one in the header.
    private func storedSums(_ first: Int64, count: Int) throws(StorageError) -> Bytes {
        let full = ReplicaFormat.chunks(lengthBytes)
        let inBody = header.version == 1 ? count : Int(min(Int64(count), full - first))
        var bytes = inBody > 0 ? try files.read(sums, at: header.bodyOffset + first * 4, count: inBody * 4) : Bytes()
        guard bytes.readableBytes == inBody * 4 else { throw corrupt("the checksums are missing", first * Int64(ReplicaFormat.chunkBytes)) }
        if inBody < count { bytes.writeInteger(header.written.tailSum) }
        return bytes
    }

    /// Checked bytes of the replica; fewer than `count` at its end.
    package func read(at offset: Int64, count: Int) throws(StorageError) -> Bytes {
        let found = try readChunks(at: offset, count: count)
        let skip = Int(offset - found.start)
        guard skip < found.data.readableBytes else { return Bytes() }
        return found.data.getSlice(at: found.data.readerIndex + skip, length: min(count, found.data.readableBytes - skip)) ?? Bytes()
    }

    /// The checksums of the first `length` bytes, the parts of HDFS's checksum of a block; checks the last chunk if it is cut.
    package func chunkSums(upTo length: Int64) throws(StorageError) -> Bytes {
        let length = min(max(0, length), lengthBytes)
        let tailBytes = ReplicaFormat.tail(length)
        var bytes = try storedSums(0, count: Int(ReplicaFormat.chunks(length)))
        if tailBytes > 0 { bytes.writeInteger(CRC32C.checksum(try read(at: length - Int64(tailBytes), count: tailBytes))) }
        return bytes
    }

    /// The header and all checksums of full chunks: the beginning of a sidecar of another name.
    func sidecar() throws(StorageError) -> (header: ReplicaHeader, body: Bytes) {
        var fresh = header
        fresh.version = 2
        var body = try storedSums(0, count: Int(ReplicaFormat.chunks(lengthBytes)))
        if header.version == 1, ReplicaFormat.tail(lengthBytes) > 0 {
            let tail = ReplicaFormat.tail(lengthBytes)
            fresh.written.tailSum = CRC32C.checksum(try read(at: lengthBytes - Int64(tail), count: tail))
        }
        fresh.synced = fresh.written
        var all = fresh.encoded
        all.writeBuffer(&body)
        return (fresh, all)
    }
}
