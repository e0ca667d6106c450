// Waits for the signals that ask a process to end.
import UnixSignals

/// The end of a process, asked for from outside.
package enum Shutdown {
    /// Returns the name of the first SIGTERM or SIGINT.
    package static func requested() async -> String {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        for await signal in signals { return "\(signal)" }
        return "the end of the signal stream"
    }
}
