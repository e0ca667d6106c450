// Memory that services no longer use goes back to the system: once they have started the pages of the program that only the start needed, and every few seconds what the
// allocator keeps of peaks that are over. It touches nothing that is in use, and works on a thread of its own.
import CSupport
import Storage

/// Gives memory back as long as services run.
final class MemoryReturn: Sendable {
    private let work: Task<Void, Never>
    private static let interval = Duration.seconds(5)

    /// Call it when the services have started.
    init() {
        work = Task {
            let thread = DiskThread(name: "memory")
            thread.submit { csupport_release_program() }
            while !Task.isCancelled {
                thread.submit { csupport_return_freed() }
                // A sleep that is cut short is the end.
                try? await Task.sleep(for: Self.interval)
            }
            thread.stop()
        }
    }

    func stop() { work.cancel() }
}
