// The datanode's replicas behind disk threads. A replica's work always runs on the same thread, so its files need no locks and a reader
// finds matching data and checksums. A replica has one writer at a time: a later writer ends the earlier one's right to write.
import Base
import Storage
import Synchronization

/// Replicas on this machine's disk.
final class ReplicaStore: Sendable {
    /// An open replica, on its lane.
    final class Live {
        let replica: Replica
        let writer: Int
        init(_ replica: Replica, writer: Int) { (self.replica, self.writer) = (replica, writer) }
    }
    final class Lane: @unchecked Sendable {  // `files` and `live` are used on the lane's own thread only
        let thread: DiskThread
        let files: ReplicaFiles
        var live: [Int64: Live] = [:]
        var writers = 0
        init(_ thread: DiskThread, _ files: ReplicaFiles) { (self.thread, self.files) = (thread, files) }
    }
    private let lanes: [Lane]
    let health: WriteHealth
    let directory: String
    /// Bytes of all replicas.
    private let used = Atomic<Int64>(0)
    /// Threads that wait for the disk; two keep it busy on a small machine.
    private static let laneCount = 2

    init(files: RealFileSystem, directory: String, loop: any ServiceLoop) throws {
        self.directory = directory
        lanes = try (0..<Self.laneCount).map {
            Lane(DiskThread(name: "dfs-block-\($0)"), try ReplicaFiles(files: files, directory: directory))
        }
        health = WriteHealth(directory: directory, thread: lanes[0].thread, loop: loop)
    }

    var usedBytes: Int64 { max(0, used.load(ordering: .relaxed)) }

    /// Whether there is no room for another block, now or when a write last failed.
    var isFull: Bool {
        if health.trouble != nil { return true }
        guard DiskSpace(of: directory).freeBytes < Self.roomBytes else { return false }
        health.note(StorageError(.noSpace, "write", directory))
        return true
    }
    private static let roomBytes: UInt64 = 2 << 20

    /// Bytes kept free so that on a full disk the namenode's log can still record a broken upload.
    private static let reserveBytes = 512 << 10
    private var reserve: String { directory + "/RESERVE" }

    /// Frees the reserve for urgent writes.
    func releaseReserve() async {
        let (lane, path) = (lanes[0], reserve)
        // A missing reserve needs no removal.
        try? await lane.thread.run { try RealFileSystem().remove(path) }
    }

    /// Takes the reserve if it is not held and the disk has ample room.
    func keepReserve() async {
        let (lane, path) = (lanes[0], reserve)
        guard DiskSpace(of: directory).freeBytes > Self.roomBytes else { return }
        // The next heartbeat tries again.
        try? await lane.thread.run {
            let files = RealFileSystem()
            let file = try files.open(path, create: true)
            defer { files.close(file) }
            if try files.size(file) == 0 { try files.write(file, at: 0, Bytes(repeating: 1, count: Self.reserveBytes)) }
        }
    }

    private func lane(_ id: Int64) -> Lane { lanes[Int(id.magnitude % UInt64(lanes.count))] }

    /// Runs work on a replica's thread; a failure shows in the service's health.
    private func run<T: Sendable>(_ id: Int64, _ body: @escaping @Sendable (Lane) throws -> T) async throws -> T {
        let lane = lane(id)
        do { return try await lane.thread.run { try body(lane) } } catch let error as StorageError {
            health.note(error)
            throw error
        }
    }

    func list() async throws -> (replicas: [ReplicaSummary], damaged: [Int64]) {
        let lane = lanes[0]
        let found = try await lane.thread.run { try lane.files.list() }
        used.store(found.replicas.reduce(0) { $0 &+ $1.lengthBytes }, ordering: .relaxed)
        return found
    }

    /// The replica as it is now; nil if it is not here.
    func summary(_ id: Int64) async throws -> ReplicaSummary? {
        try await run(id) { lane in
            if let live = lane.live[id] { return live.replica.summary }
            do {
                let replica = try lane.files.open(id)
                defer { replica.close() }
                return replica.summary
            } catch let error as StorageError where error.cause == .notFound { return nil }
        }
    }

    func remove(_ id: Int64) async throws {
        try await run(id) { [self] lane in
            let length: Int64
            if let live = lane.live.removeValue(forKey: id) {
                length = live.replica.lengthBytes
                live.replica.close()
            } else {
                // A damaged replica has no known length, and must go all the same.
                let found = try? lane.files.open(id)
                length = found?.lengthBytes ?? 0
                found?.close()
            }
            try lane.files.remove(id)
            used.subtract(length, ordering: .relaxed)
        }
    }

    // MARK: writing

    /// The right to write a replica, until another writer takes it.
    struct Writing: Sendable {
        let id: Int64
        fileprivate let number: Int
        fileprivate let store: ReplicaStore

        /// Queues a write; `done` is called on the disk thread, in the order of the calls.
        func submit(
            _ done: @escaping @Sendable (Result<ReplicaSummary, any Error>) -> Void, _ body: @escaping @Sendable (Replica) throws -> Void
        ) {
            let lane = store.lane(id)
            lane.thread.submit { [id, number, store] in
                done(
                    Result {
                        guard let live = lane.live[id], live.writer == number else { throw Superseded(id: id) }
                        let before = live.replica.lengthBytes
                        do { try body(live.replica) } catch let error as StorageError {
                            store.health.note(error)
                            throw error
                        }
                        store.used.add(live.replica.lengthBytes - before, ordering: .relaxed)
                        return live.replica.summary
                    })
            }
        }

        /// Runs work on the replica.
        func run(_ body: @escaping @Sendable (Replica) throws -> Void) async throws -> ReplicaSummary {
            try await withCheckedThrowingContinuation { continuation in submit({ continuation.resume(with: $0) }, body) }
        }

        /// Gives up the right; the replica stays as it is.
        func end() {
            let lane = store.lane(id)
            lane.thread.submit { [id, number] in
                guard let live = lane.live[id], live.writer == number else { return }
                lane.live[id] = nil
                live.replica.close()
            }
        }
    }

    /// Another writer has taken the replica.
    struct Superseded: Error, CustomStringConvertible {
        var id: Int64
        var description: String { "blk_\(id) has another writer now" }
    }

    private func begin(_ id: Int64, _ open: @escaping @Sendable (ReplicaFiles, Replica?) throws -> Replica) async throws -> Writing {
        try await run(id) { [self] lane in
            let before = lane.live[id]?.replica
            let replica = try open(lane.files, before)
            lane.writers += 1
            lane.live[id] = Live(replica, writer: lane.writers)
            return Writing(id: id, number: lane.writers, store: self)
        }
    }

    /// Creates a replica.
    func create(_ id: Int64, generation: Int64) async throws -> Writing {
        try await begin(id) { files, before in
            before?.close()
            return try files.create(id, generation: generation)
        }
    }

    /// Reopens a replica, finished or not, for writing under a generation; `check` refuses an unfit one.
    func reopen(_ id: Int64, generation: Int64, check: @escaping @Sendable (ReplicaSummary) throws -> Void) async throws -> Writing {
        try await begin(id) { files, before in
            if let before {
                try check(before.summary)
                try before.take(generation: generation)
                return before
            }
            let found = try files.open(id)
            defer { found.close() }
            try check(found.summary)
            return try files.reopen(id, generation: generation)
        }
    }

    // MARK: reading

    /// A replica open for reading: a finished one through its own files, an open one through its writer's.
    struct Reading: @unchecked Sendable {  // the replica is used on the lane's thread only
        fileprivate let lane: Lane
        fileprivate let own: Replica?
        let summary: ReplicaSummary

        private func on<T: Sendable>(_ body: @escaping @Sendable (Replica) throws -> T) async throws -> T {
            try await lane.thread.run {
                if let own { return try body(own) }
                if let live = lane.live[summary.id] { return try body(live.replica) }
                let replica = try lane.files.open(summary.id)
                defer { replica.close() }
                return try body(replica)
            }
        }

        func readChunks(at offset: Int64, count: Int) async throws -> (start: Int64, data: Bytes, sums: Bytes) {
            try await on { try $0.readChunks(at: offset, count: count) }
        }
        func read(at offset: Int64, count: Int) async throws -> Bytes { try await on { try $0.read(at: offset, count: count) } }
        func chunkSums(upTo length: Int64) async throws -> Bytes { try await on { try $0.chunkSums(upTo: length) } }
        func close() { lane.thread.submit { self.own?.close() } }
    }

    func open(_ id: Int64) async throws -> Reading {
        try await run(id) { lane in
            if let live = lane.live[id] { return Reading(lane: lane, own: nil, summary: live.replica.summary) }
            let replica = try lane.files.open(id)
            return Reading(lane: lane, own: replica, summary: replica.summary)
        }
    }

    /// The present state of the replica; nil if it is missing or its damage hides its state.
    func readableSummary(_ id: Int64) async throws -> ReplicaSummary? {
        do { return try await summary(id) } catch let error as StorageError where error.isDamage { return nil }
    }

    func stop() {
        health.stop()
        for lane in lanes { lane.thread.stop() }
    }
}

extension StorageError {
    /// Whether the bytes on disk are wrong, as opposed to a failing disk.
    var isDamage: Bool {
        if case .corrupt = cause { true } else { false }
    }
}
