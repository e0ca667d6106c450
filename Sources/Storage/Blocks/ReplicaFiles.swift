// The replicas of one directory: found at a start, made, opened, reopened for appends, removed. Confined to one disk thread.
import Base

/// The files of one replica.
struct ReplicaPlace {
    let id: Int64
    let folder: String
    var data: String { folder + "/blk_\(id)" }
    var finished: String { data + ".crc" }
    var beingWritten: String { data + ".rbw" }
}

/// A directory of replicas.
package final class ReplicaFiles {
    private let files: any FileSystem
    package let directory: String

    package init(files: any FileSystem, directory: String) throws(StorageError) {
        self.files = files
        self.directory = directory
        try files.makeDirectory(directory)
    }

    private func place(_ id: Int64) -> ReplicaPlace {
        let byte = UInt8(truncatingIfNeeded: id)
        return ReplicaPlace(id: id, folder: directory + "/" + (byte < 16 ? "0" : "") + String(byte, radix: 16))
    }

    /// All replicas, sorted by number. Replicas left incomplete by a crash are repaired or removed; a replica whose files contradict each
    /// other is left out and named in `damaged`.
    package func list() throws(StorageError) -> (replicas: [ReplicaSummary], damaged: [Int64]) {
        var found: [ReplicaSummary] = []
        var damaged: [Int64] = []
        for name in try files.list(directory) where name.utf8.count == 2 {
            let folder = directory + "/" + name
            let names = Set(try files.list(folder))
            for name in names.sorted() where name.hasPrefix("blk_") {
                if name.hasSuffix(".crc") || name.hasSuffix(".rbw") {
                    if !names.contains(String(name.dropLast(4))) { try files.remove(folder + "/" + name) }
                    continue
                }
                guard let id = Int64(name.dropFirst(4)) else { continue }
                guard names.contains(name + ".crc") || names.contains(name + ".rbw") else {
                    try files.remove(folder + "/" + name)
                    continue
                }
                if let summary = try settle(id, finished: names.contains(name + ".crc"), beingWritten: names.contains(name + ".rbw")) {
                    found.append(summary)
                } else {
                    damaged.append(id)
                }
            }
        }
        return (found.sorted { $0.id < $1.id }, damaged.sorted())
    }

    /// The state of a replica after a crash.
    private func settle(_ id: Int64, finished: Bool, beingWritten: Bool) throws(StorageError) -> ReplicaSummary? {
        if finished {
            do throws(StorageError) {
                let replica = try open(id)
                defer { replica.close() }
                // Both sidecars: an append had just begun or a finish just ended. The finished one fits, so nothing was lost.
                if beingWritten { try files.remove(place(id).beingWritten) }
                return replica.summary
            } catch {
                guard beingWritten, case .corrupt = error.cause else {
                    if case .corrupt = error.cause { return nil }
                    throw error
                }
            }
        }
        return try recover(id)
    }

    /// Cuts a replica whose writing broke off to the longest beginning with matching checksums.
    private func recover(_ id: Int64) throws(StorageError) -> ReplicaSummary? {
        let place = place(id)
        let data = try files.open(place.data, create: false)
        let sums = try files.open(place.beingWritten, create: false)
        var isHandedOn = false
        defer {
            if !isHandedOn {
                files.close(data)
                files.close(sums)
            }
        }
        guard var header = ReplicaHeader(try files.read(sums, at: 0, count: ReplicaFormat.headerBytes)), header.version == 2 else {
            try remove(id)
            return nil
        }
        let extent = try vouchedFor(header, data, sums)
        header.written = extent
        header.synced = extent
        try files.truncate(data, to: extent.lengthBytes)
        try files.write(sums, at: 0, header.encoded)
        try files.sync(data)
        try files.sync(sums)
        try? files.remove(place.finished)  // it belongs to a shorter replica; if it stays, the next start finds it again
        isHandedOn = true
        let replica = Replica(files, place, data: data, sums: sums, header: header, isFinal: false)
        defer { replica.close() }
        return replica.summary
    }

    private func vouchedFor(_ header: ReplicaHeader, _ data: FileHandle, _ sums: FileHandle) throws(StorageError) -> ReplicaHeader.Extent {
        let chunk = Int64(ReplicaFormat.chunkBytes)
        let size = try files.size(data)
        var place: Int64 = 0
        while true {
            let bytes = try files.read(data, at: place * chunk, count: ReplicaFormat.chunkBytes)
            var sum = try files.read(sums, at: header.bodyOffset + place * 4, count: 4)
            if bytes.readableBytes == ReplicaFormat.chunkBytes, sum.readInteger(as: UInt32.self) == CRC32C.checksum(bytes),
                place < ReplicaFormat.chunks(header.written.lengthBytes)
            {
                place += 1
                continue
            }
            for extent in [header.written, header.synced]
            where extent.lengthBytes <= size && ReplicaFormat.chunks(extent.lengthBytes) == place {
                let tail =
                    bytes.getSlice(at: bytes.readerIndex, length: min(bytes.readableBytes, ReplicaFormat.tail(extent.lengthBytes)))
                    ?? Bytes()
                if tail.readableBytes == ReplicaFormat.tail(extent.lengthBytes),
                    CRC32C.checksum(tail) == extent.tailSum || tail.readableBytes == 0
                {
                    return extent
                }
            }
            return ReplicaHeader.Extent(lengthBytes: place * chunk, tailSum: 0)
        }
    }

    /// Begins a replica; overwrites an older one of the same number.
    package func create(_ id: Int64, generation: Int64) throws(StorageError) -> Replica {
        let place = place(id)
        try files.makeDirectory(place.folder)
        try files.remove(place.finished)
        let data = try files.open(place.data, create: true)
        try files.truncate(data, to: 0)
        let sums: FileHandle
        do throws(StorageError) {
            sums = try files.open(place.beingWritten, create: true)
            try files.truncate(sums, to: 0)
        } catch {
            files.close(data)
            throw error
        }
        var header = ReplicaHeader()
        header.generation = generation
        do throws(StorageError) { try files.write(sums, at: 0, header.encoded) } catch {
            files.close(data)
            files.close(sums)
            throw error
        }
        return Replica(files, place, data: data, sums: sums, header: header, isFinal: false)
    }

    /// Opens a replica, finished or cut off. Throws `notFound` if it is not here, `corrupt` if its sidecar does not fit it.
    package func open(_ id: Int64) throws(StorageError) -> Replica {
        let place = place(id)
        let data = try files.open(place.data, create: false)
        do throws(StorageError) {
            var isFinal = true
            let sums: FileHandle
            do throws(StorageError) { sums = try files.open(place.finished, create: false) } catch {
                guard error.cause == .notFound else { throw error }
                sums = try files.open(place.beingWritten, create: false)
                isFinal = false
            }
            do throws(StorageError) {
                return Replica(files, place, data: data, sums: sums, header: try fitting(place, data, sums), isFinal: isFinal)
            } catch {
                files.close(sums)
                throw error
            }
        } catch {
            files.close(data)
            throw error
        }
    }

    private func fitting(_ place: ReplicaPlace, _ data: FileHandle, _ sums: FileHandle) throws(StorageError) -> ReplicaHeader {
        let size = try files.size(data)
        guard var header = ReplicaHeader(try files.read(sums, at: 0, count: ReplicaFormat.headerBytes)) else {
            throw StorageError(.corrupt("the header of the checksums is damaged"), "open", place.finished)
        }
        if header.version == 1 {
            let chunks = ReplicaFormat.chunks(size) + (ReplicaFormat.tail(size) > 0 ? 1 : 0)
            guard try files.size(sums) == header.bodyOffset + chunks * 4 else {
                throw StorageError(.corrupt("the checksums do not belong to a block of \(size) bytes"), "open", place.finished)
            }
            header.written.lengthBytes = size
        }
        guard size == header.written.lengthBytes else {
            throw StorageError(.corrupt("the block has \(size) bytes and its checksums \(header.written.lengthBytes)"), "open", place.data)
        }
        return header
    }

    /// Reopens a finished replica for appends, under a new generation.
    package func reopen(_ id: Int64, generation: Int64) throws(StorageError) -> Replica {
        let old = try open(id)
        guard old.isFinal else {
            try old.take(generation: generation)
            return old
        }
        defer { old.close() }
        var (header, bytes) = try old.sidecar()
        header.generation = generation
        bytes.setBuffer(header.encoded, at: bytes.readerIndex)
        let place = place(id)
        let sums = try files.open(place.beingWritten, create: true)
        do throws(StorageError) {
            try files.truncate(sums, to: 0)
            try files.write(sums, at: 0, bytes)
            try files.sync(sums)
            try files.remove(place.finished)
            try files.syncDirectory(place.folder)
            return Replica(files, place, data: try files.open(place.data, create: false), sums: sums, header: header, isFinal: false)
        } catch {
            files.close(sums)
            throw error
        }
    }

    package func remove(_ id: Int64) throws(StorageError) {
        let place = place(id)
        try files.remove(place.finished)
        try files.remove(place.beingWritten)
        try files.remove(place.data)
    }
}
