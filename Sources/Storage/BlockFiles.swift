// Blocks of the distributed file system on local disk: a file of data and a sidecar with a CRC-32C for every 512 bytes, as HDFS
// keeps them. A block is written once and then only read; what is read is always checked. Confined to one disk thread.
import Base

/// Sizes of block files.
package enum BlockFileFormat {
    /// Bytes under one checksum.
    package static let chunkBytes = 512
    /// "PBLK", format 1, chunk size.
    static let headerBytes = 12
    static let magic: UInt32 = 0x5042_4C4B
    static let version: UInt32 = 1
}

/// A directory of blocks.
package final class BlockFiles {
    private let files: any FileSystem
    package let directory: String

    package init(files: any FileSystem, directory: String) throws(StorageError) {
        self.files = files
        self.directory = directory
        try files.makeDirectory(directory)
    }

    private func folder(_ id: Int64) -> String {
        let byte = UInt8(truncatingIfNeeded: id)
        return directory + "/" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }

    private func path(_ id: Int64) -> String { folder(id) + "/blk_\(id)" }

    /// The numbers of all blocks with both their files, sorted; half-written ones are removed.
    package func list() throws(StorageError) -> [Int64] {
        var found: [Int64] = []
        for name in try files.list(directory) where name.utf8.count == 2 {
            let folder = directory + "/" + name
            let names = Set(try files.list(folder))
            for name in names.sorted() where name.hasPrefix("blk_") {
                if name.hasSuffix(".crc") {
                    if !names.contains(String(name.dropLast(4))) { try files.remove(folder + "/" + name) }
                } else if names.contains(name + ".crc"), let id = Int64(name.dropFirst(4)) {
                    found.append(id)
                } else {
                    try files.remove(folder + "/" + name)
                }
            }
        }
        return found.sorted()
    }

    package func remove(_ id: Int64) throws(StorageError) {
        try files.remove(path(id) + ".crc")
        try files.remove(path(id))
    }

    /// Begins a block; an older one of the same number is overwritten.
    package func create(_ id: Int64) throws(StorageError) -> BlockWriter {
        try files.makeDirectory(folder(id))
        let file = try files.open(path(id), create: true)
        try files.truncate(file, to: 0)
        return BlockWriter(files: files, file: file, path: path(id), folder: folder(id))
    }

    /// Opens a block for reading. Throws `notFound` if it is not here, `corrupt` if its sidecar does not fit it.
    package func open(_ id: Int64) throws(StorageError) -> BlockReader {
        let file = try files.open(path(id), create: false)
        do {
            let sums = try readSums(id, dataBytes: try files.size(file))
            return BlockReader(files: files, file: file, path: path(id), lengthBytes: try files.size(file), sums: sums)
        } catch {
            files.close(file)
            throw error
        }
    }

    private func readSums(_ id: Int64, dataBytes: Int64) throws(StorageError) -> Bytes {
        let name = path(id) + ".crc"
        let file = try files.open(name, create: false)
        defer { files.close(file) }
        var bytes = try files.read(file, at: 0, count: Int(try files.size(file)))
        let chunks = (dataBytes + Int64(BlockFileFormat.chunkBytes) - 1) / Int64(BlockFileFormat.chunkBytes)
        guard bytes.readInteger(as: UInt32.self) == BlockFileFormat.magic, bytes.readInteger(as: UInt32.self) == BlockFileFormat.version,
            bytes.readInteger(as: UInt32.self) == UInt32(BlockFileFormat.chunkBytes), Int64(bytes.readableBytes) == chunks * 4
        else { throw StorageError(.corrupt("the checksums do not belong to a block of \(dataBytes) bytes"), "open", name) }
        return bytes
    }
}

/// A block that is being written. Nothing of it counts before `finish` has returned.
package final class BlockWriter {
    private let files: any FileSystem
    private let file: FileHandle
    private let path: String
    private let folder: String
    private var sums = Bytes()
    private var isOpen = true
    /// Bytes of the last chunk that is not full yet, and their checksum.
    private var partial = (bytes: 0, sum: UInt32(0))
    package private(set) var lengthBytes: Int64 = 0

    init(files: any FileSystem, file: FileHandle, path: String, folder: String) {
        self.files = files
        self.file = file
        self.path = path
        self.folder = folder
        sums.writeInteger(BlockFileFormat.magic)
        sums.writeInteger(BlockFileFormat.version)
        sums.writeInteger(UInt32(BlockFileFormat.chunkBytes))
    }

    package func append(_ bytes: Bytes) throws(StorageError) {
        try files.write(file, at: lengthBytes, bytes)
        lengthBytes += Int64(bytes.readableBytes)
        bytes.withUnsafeReadableBytes { memory in
            // Reads the buffer's own memory, chunk by chunk, within this call.
            var rest = memory[...]
            while !rest.isEmpty {
                let take = min(rest.count, BlockFileFormat.chunkBytes - partial.bytes)
                partial.sum = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: rest.prefix(take)), seed: partial.sum)
                partial.bytes += take
                if partial.bytes == BlockFileFormat.chunkBytes { endChunk() }
                rest = rest.dropFirst(take)
            }
        }
    }

    private func endChunk() {
        sums.writeInteger(partial.sum)
        partial = (0, 0)
    }

    /// Writes the sidecar and makes both files durable.
    package func finish() throws(StorageError) {
        if partial.bytes > 0 { endChunk() }
        defer { closeOnce() }
        try files.sync(file)
        let sidecar = try files.open(path + ".crc", create: true)
        defer { files.close(sidecar) }
        try files.truncate(sidecar, to: 0)
        try files.write(sidecar, at: 0, sums)
        try files.sync(sidecar)
        try files.syncDirectory(folder)
    }

    private func closeOnce() {
        if isOpen { files.close(file) }
        isOpen = false
    }

    /// Forgets the block.
    package func abandon() {
        closeOnce()
        // What cannot be removed now is removed at the next start, since it has no sidecar.
        do { try files.remove(path) } catch { return }
    }
}

/// A block that is being read.
package final class BlockReader {
    private let files: any FileSystem
    private let file: FileHandle
    private let path: String
    package let lengthBytes: Int64
    private let sums: Bytes

    init(files: any FileSystem, file: FileHandle, path: String, lengthBytes: Int64, sums: Bytes) {
        self.files = files
        self.file = file
        self.path = path
        self.lengthBytes = lengthBytes
        self.sums = sums
    }

    /// Bytes of the block, every one of them checked; fewer than `count` at its end.
    package func read(at offset: Int64, count: Int) throws(StorageError) -> Bytes {
        let chunk = Int64(BlockFileFormat.chunkBytes)
        let end = min(lengthBytes, offset + Int64(count))
        guard offset < end else { return Bytes() }
        let first = offset / chunk
        var bytes = try files.read(file, at: first * chunk, count: Int(min(lengthBytes, (end + chunk - 1) / chunk * chunk) - first * chunk))
        var rest = bytes
        var place = first
        while rest.readableBytes > 0 {
            guard let piece = rest.readSlice(length: min(rest.readableBytes, Int(chunk))),
                let expected = sums.getInteger(at: sums.readerIndex + Int(place) * 4, as: UInt32.self), CRC32C.checksum(piece) == expected
            else { throw StorageError(.corrupt("the checksum of the 512 bytes at \(place * chunk) does not match"), "read", path) }
            place += 1
        }
        guard let wanted = bytes.readSlice(length: Int(offset - first * chunk)).flatMap({ _ in bytes.readSlice(length: Int(end - offset)) }) else {
            throw StorageError(.corrupt("the block is shorter than its checksums say"), "read", path)
        }
        return wanted
    }

    package func close() { files.close(file) }
}
