// The child's ends of the pipes to its supervisor: standard input, which brings the plan and ends with the supervisor, and standard output,
// which takes reports.
import Base
import Foundation
import Synchronization

/// Standard input, read on a thread of its own.
final class SupervisorInput: Sendable {
    /// Size limit of a plan, in bytes: a few hundred settings with paths.
    private static let lineBytesMax = 1 << 20

    private struct State {
        var line: String?
        var isEnded = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())

    init() {
        let thread = Thread { [self] in read() }
        thread.name = "supervisor"
        thread.start()
    }

    private func read() {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            // The pointer is used within the call and within the array's own length.
            let count = buffer.withUnsafeMutableBytes { Foundation.read(STDIN_FILENO, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            guard state.withLock({ $0.line == nil }) else { continue }
            bytes += buffer[..<count]
            if let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
                wake { $0.line = String(decoding: bytes[..<end], as: UTF8.self) }
            } else if bytes.count > Self.lineBytesMax {
                break
            }
        }
        wake { $0.isEnded = true }
    }

    private func wake(_ change: (inout State) -> Void) {
        let waiters = state.withLock { state in
            change(&state)
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Waits until `isDone`, or until the task is cancelled.
    private func wait(until isDone: @Sendable (borrowing State) -> Bool) async {
        await withTaskCancellationHandler {
            while !Task.isCancelled {
                if state.withLock({ isDone($0) }) { return }
                await withCheckedContinuation { waiter in
                    let resumes = state.withLock { state in
                        if isDone(state) || Task.isCancelled { return true }
                        state.waiters.append(waiter)
                        return false
                    }
                    if resumes { waiter.resume() }
                }
            }
        } onCancel: {
            wake { _ in }
        }
    }

    /// The first line without its end; nil if the input ended before it.
    func firstLine() async -> String? {
        await wait { $0.line != nil || $0.isEnded }
        return state.withLock { $0.line }
    }

    /// Returns when the supervisor has closed its end.
    func ended() async { await wait { $0.isEnded } }
}

/// Standard output as a stream of reports, one line each, from any thread.
final class ReportWriter: Sendable {
    private let turn = Mutex(())

    func write(_ report: ServiceReport) {
        turn.withLock { _ in Output.line(report.line) }
    }
}
