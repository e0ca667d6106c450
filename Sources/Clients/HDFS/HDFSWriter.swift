// An open file for writing over Hadoop's RPC: its blocks one after another, its lease, its end. After `close`, the bytes are on the disks
// of every datanode of the blocks' pipelines.
import Base
import HadoopNet
import HadoopWire
import NetKit
import Synchronization

/// An open file. Used by one task at a time.
package final class HDFSWriter: @unchecked Sendable {
    // Safe to share: only one writer uses it; the task that keeps the lease sees the block behind a lock and the names that never change.
    private var file: OpenFile
    private let keeping: Task<Void, Never>
    private let hold: Hold

    /// The state for the task that keeps the lease.
    private final class Hold: Sendable {
        let block = Mutex<BlockWriter?>(nil)
    }

    /// The renewal interval; a lease is safe for a minute, as is a silent pipeline.
    private static let keepEvery = Duration.seconds(15)
    /// How long to repeat the closing of a file whose last block the namenode does not know yet.
    private static let closeWithin = Duration.seconds(60)

    init(_ file: OpenFile, last: ExtendedBlock?) {
        self.file = file
        self.file.previous = last
        let hold = Hold()
        self.hold = hold
        let (namenode, name) = (file.namenode, file.clientName)
        keeping = Task {
            while !Task.isCancelled {
                // Only the end wakes it early.
                try? await Task.sleep(for: Self.keepEvery)
                guard !Task.isCancelled else { return }
                await hold.block.withLock { $0 }?.beat()
                // An absent namenode gets the next renewal; a lost lease shows at the next block.
                try? await namenode.renewLease(name)
            }
        }
    }

    deinit { keeping.cancel() }

    private var current: BlockWriter? {
        get { hold.block.withLock { $0 } }
        set { hold.block.withLock { $0 = newValue } }
    }

    /// Continues a last block that is not full.
    func goOn(with located: LocatedBlock) async throws { current = try await BlockWriter.append(file, located) }

    package func write(_ bytes: Bytes) async throws {
        var rest = bytes
        while rest.readableBytes > 0 {
            let writer: BlockWriter
            if let current, current.roomBytes > 0 {
                writer = current
            } else {
                try await finishBlock()
                writer = try await BlockWriter.add(file)
                current = writer
            }
            guard let part = rest.readSlice(length: Int(min(Int64(rest.readableBytes), writer.roomBytes))) else { return }
            try await writer.write(part)
        }
    }

    private func finishBlock() async throws {
        guard let current else { return }
        file.previous = try await current.finish()
        self.current = nil
    }

    /// hflush: readers see the written bytes on return; hsync: the bytes are also on the datanodes' disks, and the namenode knows their
    /// length.
    package func flush(sync: Bool) async throws {
        guard let current else { return }
        try await current.flush(sync: sync)
        guard sync else { return }
        var request = FsyncRequest()
        (request.path, request.clientName, request.fileID) = (file.path, file.clientName, file.fileID)
        request.lastBlockBytes = Int64(clamping: current.acknowledged.lengthBytes)
        try await file.namenode.fsync(request)
    }

    /// Closes the file. On return the file is whole and durable.
    package func close() async throws {
        defer { keeping.cancel() }
        try await finishBlock()
        var request = CompleteRequest()
        (request.path, request.clientName, request.last, request.fileID) = (file.path, file.clientName, file.previous, file.fileID)
        let began = SystemTime().now()
        var pause = Duration.milliseconds(5)
        while try await !file.namenode.complete(request) {
            guard SystemTime().now() - began < Self.closeWithin else {
                throw PipelineFailure(
                    path: file.path, reason: "no datanode has reported its last block within \(Self.closeWithin.inMilliseconds / 1000) s")
            }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(1))
        }
    }

    /// Ends the writing without closing the file: the namenode closes it when the lease expires or another client asks for the file.
    package func abandon() async {
        keeping.cancel()
        current?.drop()
        current = nil
    }
}
