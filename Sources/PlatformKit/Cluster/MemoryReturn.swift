// Returns unused memory to the system: after the start the pages of the program that only the start needed, and every few seconds the
// allocator's reserves from past peaks. It touches nothing in use, and works on a thread of its own.
import CSupport
import Storage

/// Returns memory while services run.
final class MemoryReturn: Sendable {
    private let work: Task<Void, Never>
    private static let interval = Duration.seconds(5)

    /// For use after the start of the services.
    init() {
        work = Task {
            let thread = DiskThread(name: "memory")
            thread.submit { csupport_release_program() }
            while !Task.isCancelled {
                thread.submit { csupport_return_freed() }
                // A shortened sleep is the end.
                try? await Task.sleep(for: Self.interval)
            }
            thread.stop()
        }
    }

    func stop() { work.cancel() }
}
