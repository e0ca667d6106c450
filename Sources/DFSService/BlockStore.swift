// The datanode's blocks behind disk threads: bytes in and out without blocking anybody else. A block's work always runs on the same
// thread, so its files need no locks.
import Base
import Storage

/// Blocks on this machine's disk.
final class BlockStore: Sendable {
    private struct Lane: @unchecked Sendable {  // the files are used on the lane's own thread only
        let thread: DiskThread
        let files: BlockFiles
    }
    private let lanes: [Lane]
    let health: WriteHealth
    /// Threads that wait for the disk; two keep it busy on a small machine.
    private static let laneCount = 2

    init(files: RealFileSystem, directory: String, loop: any ServiceLoop) throws {
        lanes = try (0..<Self.laneCount).map { number in
            Lane(thread: DiskThread(name: "dfs-block-\(number)"), files: try BlockFiles(files: files, directory: directory))
        }
        health = WriteHealth(directory: directory, thread: lanes[0].thread, loop: loop)
    }

    /// Runs a write on a block's thread; a failure shows in the service's health.
    private static func write<T: Sendable>(_ thread: DiskThread, _ health: WriteHealth, _ body: @escaping @Sendable () throws -> T) async throws -> T {
        do { return try await thread.run(body) } catch let error as StorageError {
            health.note(error)
            throw error
        }
    }

    private func lane(_ id: Int64) -> Lane { lanes[Int(id.magnitude % UInt64(lanes.count))] }

    func list() async throws -> [Int64] {
        let lane = lanes[0]
        return try await lane.thread.run { try lane.files.list() }
    }

    func remove(_ id: Int64) async throws {
        let lane = lane(id)
        try await lane.thread.run { try lane.files.remove(id) }
    }

    /// A block being written.
    struct Upload: @unchecked Sendable {  // the writer is used on the lane's thread only
        let id: Int64
        fileprivate let thread: DiskThread
        fileprivate let writer: BlockWriter
        fileprivate let health: WriteHealth

        func append(_ bytes: Bytes) async throws { try await BlockStore.write(thread, health) { try writer.append(bytes) } }
        func finish() async throws { try await BlockStore.write(thread, health) { try writer.finish() } }
        func abandon() { thread.submit { writer.abandon() } }
    }

    func create(_ id: Int64) async throws -> Upload {
        let lane = lane(id)
        return try await Self.write(lane.thread, health) { [health] in Upload(id: id, thread: lane.thread, writer: try lane.files.create(id), health: health) }
    }

    /// A block being read.
    struct Download: @unchecked Sendable {  // the reader is used on the lane's thread only
        fileprivate let thread: DiskThread
        fileprivate let reader: BlockReader

        func read(at offset: Int64, count: Int) async throws -> Bytes { try await thread.run { try reader.read(at: offset, count: count) } }
        func close() { thread.submit { reader.close() } }
    }

    func open(_ id: Int64) async throws -> Download {
        let lane = lane(id)
        return try await lane.thread.run { Download(thread: lane.thread, reader: try lane.files.open(id)) }
    }

    func stop() {
        health.stop()
        for lane in lanes { lane.thread.stop() }
    }
}
