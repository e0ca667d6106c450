// Waits for the signals that ask a process to end.
import UnixSignals

/// The end of a process, asked for from outside. Signals are caught from the moment that this value exists, so make it before anybody is
/// told that the process is ready.
package struct Shutdown: Sendable {
    private let signals: UnixSignalsSequence

    package init() async { signals = await UnixSignalsSequence(trapping: .sigterm, .sigint) }

    /// Returns the name of the first SIGTERM or SIGINT.
    package func requested() async -> String {
        for await signal in signals { return "\(signal)" }
        return "the end of the signal stream"
    }
}
