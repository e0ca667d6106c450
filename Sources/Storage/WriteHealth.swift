// Whether a service's disk takes writes, asked from any thread. A full disk is tested again every half second until it has room, so that
// the answer recovers without a client's failed write. A failed sync stays until a restart.
import Base
import Synchronization

/// The state of the disk under a service's bulk data.
package final class WriteHealth: Sendable {
    private struct State {
        var full: String?
        var failed: String?
        var isProbing = false
        var isStopped = false
    }
    private let state = Mutex(State())
    private let directory: String
    private let thread: DiskThread
    private let loop: any ServiceLoop

    private static let probeInterval = Duration.milliseconds(500)
    /// Room that a disk must have to count as not full, in bytes.
    private static let probeBytes = 1 << 20

    /// Room is tested in `directory`, on `thread`.
    package init(directory: String, thread: DiskThread, loop: any ServiceLoop) {
        self.directory = directory
        self.thread = thread
        self.loop = loop
    }

    /// Why writes are refused at present, or nil.
    package var trouble: String? { state.withLock { $0.failed ?? $0.full } }

    /// Notes a failed write.
    package func note(_ error: StorageError) {
        state.withLock { state in
            switch error.cause {
            case .noSpace:
                state.full = "the disk is full (\(error))"
                if !state.isProbing { schedule(&state) }
            case .syncFailed: state.failed = "a sync has failed, and only a restart tells what lasted (\(error))"
            default: break
            }
        }
    }

    private func schedule(_ state: inout State) {
        state.isProbing = !state.isStopped
        guard state.isProbing else { return }
        loop.schedule(after: Self.probeInterval) { [weak self] in self?.beginProbe() }
    }

    private func beginProbe() {
        state.withLock { state in
            guard !state.isStopped else { return }
            thread.submit { [weak self] in self?.probe() }
        }
    }

    /// Tests for room. Blocking; on the disk thread.
    private func probe() {
        let found = Result { () throws(StorageError) in try Self.tryWriting(directory + "/.room") }
        state.withLock { state in
            switch found {
            case .success:
                state.full = nil
                state.isProbing = false
            case .failure: schedule(&state)
            }
        }
    }

    private static func tryWriting(_ path: String) throws(StorageError) {
        let files = RealFileSystem()
        let file = try files.open(path, create: true)
        defer { files.close(file) }
        do { try files.write(file, at: 0, Bytes(repeating: 0, count: probeBytes)) } catch {
            try files.remove(path)
            throw error
        }
        try files.remove(path)
    }

    /// Stops the tests; called before the thread and the loop end.
    package func stop() { state.withLock { $0.isStopped = true } }
}
