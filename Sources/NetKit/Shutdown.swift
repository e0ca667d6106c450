// Waits for the signals that ask a process to end.
import UnixSignals

/// A request from outside to end the process. Signals are caught from the creation of this value on, so create it before the process is
/// reported ready.
package struct Shutdown: Sendable {
    private let signals: UnixSignalsSequence

    package init() async { signals = await UnixSignalsSequence(trapping: .sigterm, .sigint) }

    /// Returns the name of the first SIGTERM or SIGINT.
    package func requested() async -> String {
        for await signal in signals { return "\(signal)" }
        return "the end of the signal stream"
    }
}
