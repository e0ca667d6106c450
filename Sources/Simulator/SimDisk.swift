// A disk in memory that can lose power. A write is visible at once and durable only after a sync; a crash keeps a seeded choice of the
// unsynced pages and names, so that torn, lost and reordered writes all happen. Passes the same contract suite as the real file system.
// Used by one simulated machine on one thread.
import Base

/// The configured faults of a disk.
package struct DiskFaults: Sendable {
    /// The operation, counted from 1, during which power fails.
    package var crashAtOperation: Int?
    /// The operation, counted from 1, that fails without an effect; later ones succeed.
    package var failOperation: Int?
    /// The disk's capacity, in bytes.
    package var capacityBytes: Int?
    /// The sync, counted from 1, that fails.
    package var failSync: Int?
    package init() {}
}

/// A simulated file system.
package final class SimDisk: FileSystem, @unchecked Sendable {
    // Safe to share: a simulation runs on one thread.
    private static var pageBytes: Int { 512 }

    private enum Pending {
        case write(offset: Int, bytes: [UInt8])
        case truncate(size: Int)
    }
    private struct File {
        var durable: [UInt8] = []
        var current: [UInt8] = []
        var pending: [Pending] = []
    }
    private var files: [Int32: File] = [:]
    private var names: [String: Int32] = [:]
    private var durableNames: [String: Int32] = [:]
    private var directories: Set<String> = ["/"]
    private var nextFile: Int32 = 1
    package var faults = DiskFaults()
    package private(set) var operations = 0
    package private(set) var syncs = 0
    package private(set) var hasCrashed = false

    package init() {}

    private func step(_ operation: String, _ path: String) throws(StorageError) {
        operations += 1
        if operations == faults.crashAtOperation { hasCrashed = true }
        if hasCrashed { throw StorageError(.system(5, "the power is off"), operation, path) }
        if operations == faults.failOperation { throw StorageError(.system(5, "the disk fails"), operation, path) }
    }

    private func file(_ handle: FileHandle) -> File {
        guard let file = files[handle.number] else { preconditionFailure("a handle belongs to an open file") }
        return file
    }

    package func open(_ path: String, create: Bool) throws(StorageError) -> FileHandle {
        try step("open", path)
        if let number = names[path] { return FileHandle(number) }
        guard create else { throw StorageError(.notFound, "open", path) }
        guard directories.contains(Self.parent(path)) else { throw StorageError(.notFound, "open", path) }
        names[path] = nextFile
        files[nextFile] = File()
        nextFile += 1
        return FileHandle(nextFile - 1)
    }

    package func close(_ file: FileHandle) {}

    package func read(_ handle: FileHandle, at offset: Int64, count: Int) throws(StorageError) -> Bytes {
        try step("read", "file \(handle.number)")
        let bytes = file(handle).current
        guard offset < bytes.count else { return Bytes() }
        return Bytes(bytes: bytes[Int(offset)..<min(bytes.count, Int(offset) + count)])
    }

    package func write(_ handle: FileHandle, at offset: Int64, _ bytes: Bytes) throws(StorageError) {
        let data = bytes.array
        let size = file(handle).current.count
        let end = max(size, Int(offset) + data.count)
        if let capacity = faults.capacityBytes, usedBytes - size + end > capacity {
            throw StorageError(.noSpace, "write", "file \(handle.number)")
        }
        // Power may fail before or after the data has reached the cache.
        change(handle, .write(offset: Int(offset), bytes: data))
        try step("write", "file \(handle.number)")
    }

    package var usedBytes: Int { files.keys.sorted().reduce(0) { $0 + (files[$1]?.current.count ?? 0) } }

    package func sync(_ handle: FileHandle) throws(StorageError) {
        try step("sync", "file \(handle.number)")
        syncs += 1
        if syncs == faults.failSync { throw StorageError(.syncFailed(5), "sync", "file \(handle.number)") }
        var file = file(handle)
        file.durable = file.current
        file.pending = []
        files[handle.number] = file
    }

    package func size(_ handle: FileHandle) throws(StorageError) -> Int64 {
        try step("size", "file \(handle.number)")
        return Int64(file(handle).current.count)
    }

    package func truncate(_ handle: FileHandle, to size: Int64) throws(StorageError) {
        try step("truncate", "file \(handle.number)")
        change(handle, .truncate(size: Int(size)))
    }

    /// In place: copying the whole file at each write would dominate a simulation.
    private func change(_ handle: FileHandle, _ pending: Pending) {
        files[handle.number, default: File()].pending.append(pending)
        Self.apply(pending, to: &files[handle.number, default: File()].current)
    }

    package func list(_ directory: String) throws(StorageError) -> [String] {
        try step("list", directory)
        guard directories.contains(directory) else { throw StorageError(.notFound, "list", directory) }
        let prefix = directory == "/" ? "/" : directory + "/"
        let below = names.keys.filter { Self.parent($0) == directory } + directories.filter { $0 != "/" && Self.parent($0) == directory }
        return below.map { String($0.dropFirst(prefix.count)) }.sorted()
    }

    package func makeDirectory(_ path: String) throws(StorageError) {
        try step("make directory", path)
        var built = ""
        for part in path.split(separator: "/") {
            built += "/" + part
            guard names[built] == nil else { throw StorageError(.exists, "make directory", built) }
            directories.insert(built)
        }
    }

    package func remove(_ path: String) throws(StorageError) {
        try step("remove", path)
        names[path] = nil
    }

    package func rename(_ path: String, to target: String) throws(StorageError) {
        try step("rename", path)
        guard let number = names.removeValue(forKey: path) else { throw StorageError(.notFound, "rename", path) }
        names[target] = number
    }

    package func syncDirectory(_ path: String) throws(StorageError) {
        try step("sync directory", path)
        for name in Set(names.keys).union(durableNames.keys) where Self.parent(name) == path { durableNames[name] = names[name] }
    }

    private static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    private static func apply(_ pending: Pending, to bytes: inout [UInt8]) {
        switch pending {
        case .write(let offset, let data):
            if bytes.count < offset + data.count { bytes += [UInt8](repeating: 0, count: offset + data.count - bytes.count) }
            bytes.replaceSubrange(offset..<offset + data.count, with: data)
        case .truncate(let size):
            if size < bytes.count {
                bytes.removeLast(bytes.count - size)
            } else {
                bytes += [UInt8](repeating: 0, count: size - bytes.count)
            }
        }
    }

    // MARK: losing power

    /// The disk after the power came back: the synced writes, and a choice of the unsynced ones.
    package func afterCrash(_ random: inout Prng) -> SimDisk {
        let next = SimDisk()
        next.directories = directories
        next.nextFile = nextFile
        // A rename has happened or not: a file always has exactly one of its names.
        let renames = unsyncedRenames
        for (source, target) in renames { for name in [source, target] { next.names[name] = durableNames[name] } }
        for (source, target) in renames where random.chance(1, in: 2) {
            next.names[target] = next.names[source]
            next.names[source] = nil
        }
        let renamed = Set(renames.flatMap { [$0.source, $0.target] })
        for name in Set(names.keys).union(durableNames.keys).subtracting(renamed).sorted() {
            let kept = names[name] == durableNames[name] || random.chance(1, in: 2) ? names[name] : durableNames[name]
            if let kept { next.names[name] = kept }
        }
        next.durableNames = next.names
        for number in Set(next.names.values).sorted() {
            var bytes = files[number]?.durable ?? []
            for pending in files[number]?.pending ?? [] { Self.keepSome(of: pending, in: &bytes, &random) }
            next.files[number] = File(durable: bytes, current: bytes)
        }
        return next
    }

    private var unsyncedRenames: [(source: String, target: String)] {
        names.keys.sorted().compactMap { target in
            guard let number = names[target], durableNames[target] != number else { return nil }
            let source = durableNames.keys.sorted().first { durableNames[$0] == number && names[$0] != number }
            return source.map { ($0, target) }
        }
    }

    /// Each page of an unsynced write survives or not, on its own.
    private static func keepSome(of pending: Pending, in bytes: inout [UInt8], _ random: inout Prng) {
        guard case .write(let offset, let data) = pending else {
            if random.chance(1, in: 2) { apply(pending, to: &bytes) }
            return
        }
        var start = 0
        while start < data.count {
            let end = min(data.count, ((offset + start) / pageBytes + 1) * pageBytes - offset)
            if random.chance(2, in: 3) { apply(.write(offset: offset + start, bytes: Array(data[start..<end])), to: &bytes) }
            start = end
        }
    }

    /// The same disk, as it is now.
    package func copy() -> SimDisk {
        let next = SimDisk()
        (next.files, next.names, next.durableNames, next.directories, next.nextFile) = (files, names, durableNames, directories, nextFile)
        return next
    }

    /// A log file with another one after it, so that all of it was durable once; nil if there is none.
    package func damageableLog() -> String? {
        let logs = names.keys.filter { $0.hasSuffix(".log") }.sorted()
        return logs.count > 1 ? logs[logs.count - 2] : nil
    }

    /// Flips one bit of a durable file.
    package func flipBit(in path: String, atByte offset: Int, bit: Int = 0) {
        guard let number = names[path], var file = files[number], offset < file.current.count else { return }
        file.current[offset] ^= UInt8(1 << bit)
        file.durable = file.current
        files[number] = file
    }

    /// The size of a file, nil if there is none.
    package func sizeOf(_ path: String) -> Int? { names[path].flatMap { files[$0]?.current.count } }
}
