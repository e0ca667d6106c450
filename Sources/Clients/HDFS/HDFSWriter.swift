// A file that is open for writing over Hadoop's RPC: its blocks one after another, its lease, its end. What `close` returned for is on the disks of every
// datanode of its blocks' pipelines.
import Base
import HadoopNet
import HadoopWire
import NetKit
import Synchronization

/// An open file. Used by one task at a time.
package final class HDFSWriter: @unchecked Sendable {
    // Safe to share: whoever writes is the only one that uses it; the task that keeps the lease sees the block behind a lock and the names that never change.
    private var file: OpenFile
    private let keeping: Task<Void, Never>
    private let hold: Hold

    /// What the task that keeps the lease looks at.
    private final class Hold: Sendable {
        let block = Mutex<BlockWriter?>(nil)
    }

    /// A lease is safe for a minute, a silent pipeline as well.
    private static let keepEvery = Duration.seconds(15)
    /// How long the namenode is asked to close a file whose last block it has not heard of.
    private static let closeWithin = Duration.seconds(60)

    init(_ file: OpenFile, last: ExtendedBlock?) {
        self.file = file
        self.file.previous = last
        let hold = Hold()
        self.hold = hold
        let (namenode, name) = (file.namenode, file.clientName)
        keeping = Task {
            while !Task.isCancelled {
                // Woken early only by the end.
                try? await Task.sleep(for: Self.keepEvery)
                guard !Task.isCancelled else { return }
                await hold.block.withLock { $0 }?.beat()
                // A namenode that is away is asked again in time; a lease that is lost shows at the next block.
                try? await namenode.renewLease(name)
            }
        }
    }

    deinit { keeping.cancel() }

    private var current: BlockWriter? {
        get { hold.block.withLock { $0 } }
        set { hold.block.withLock { $0 = newValue } }
    }

    /// Goes on with a last block that is not full.
    func goOn(with located: LocatedBlock) async throws { current = try await BlockWriter.append(file, located) }

    package func write(_ bytes: Bytes) async throws {
        var rest = bytes
        while rest.readableBytes > 0 {
            let writer: BlockWriter
            if let current, current.roomBytes > 0 { writer = current } else {
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

    /// hflush: what was written is seen by readers on return; hsync: and is on the datanodes' disks, its length known to the namenode.
    package func flush(sync: Bool) async throws {
        guard let current else { return }
        try await current.flush(sync: sync)
        guard sync else { return }
        var request = FsyncRequest()
        (request.path, request.clientName, request.fileID) = (file.path, file.clientName, file.fileID)
        request.lastBlockBytes = Int64(clamping: current.acknowledged.lengthBytes)
        try await file.namenode.fsync(request)
    }

    /// Closes the file. When this returns the file is whole and durable.
    package func close() async throws {
        defer { keeping.cancel() }
        try await finishBlock()
        var request = CompleteRequest()
        (request.path, request.clientName, request.last, request.fileID) = (file.path, file.clientName, file.previous, file.fileID)
        let began = SystemTime().now()
        var pause = Duration.milliseconds(5)
        while try await !file.namenode.complete(request) {
            guard SystemTime().now() - began < Self.closeWithin else {
                throw PipelineFailure(path: file.path, reason: "no datanode has reported its last block within \(Self.closeWithin.inMilliseconds / 1000) s")
            }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(1))
        }
    }

    /// Ends the writing without closing the file: the namenode does, when its lease is over or another client asks for it.
    package func abandon() async {
        keeping.cancel()
        current?.drop()
        current = nil
    }
}
