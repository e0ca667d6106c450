// Work side by side: several files of a copy at once, and its progress on a terminal.
import Base
import Foundation
import NetKit
import Synchronization

/// Runs pieces of work side by side, at most so many at once.
enum Flights {
    typealias Work = @Sendable () async throws -> Void

    /// `walk` hands on pieces in order and waits while `most` of them run. Returns when all have ended; throws the first error, and the
    /// others are cancelled.
    static func run(_ most: Int, _ walk: (_ add: (@escaping Work) async throws -> Void) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            var running = 0
            try await walk { work in
                if running >= most {
                    try await group.next()
                    running -= 1
                }
                running += 1
                group.addTask(operation: work)
            }
            try await group.waitForAll()
        }
    }
}

/// The progress of a copy, shown on a terminal and nowhere else: one line that is rewritten a few times a second.
final class CopyProgress: Sendable {
    private struct State {
        var files = 0
        var bytes: Int64 = 0
        var isShown = false
        var shownAt: Instant
    }
    private let word: String
    private let began = SystemTime().now()
    private let state: Mutex<State>
    private let isTerminal = isatty(STDERR_FILENO) == 1

    /// The time between two lines, and before the first: short copies show none.
    private static let pause = Duration.milliseconds(250)

    init(_ word: String) {
        self.word = word
        state = Mutex(State(shownAt: began))
    }

    func note(bytes: Int) { add(files: 0, bytes: Int64(bytes)) }
    func noteFile() { add(files: 1, bytes: 0) }

    private func add(files: Int, bytes: Int64) {
        guard isTerminal else { return }
        let now = SystemTime().now()
        state.withLock { state in
            state.files += files
            state.bytes += bytes
            guard now - state.shownAt >= Self.pause else { return }
            (state.shownAt, state.isShown) = (now, true)
            Output.prompt("\r\u{1b}[K" + Self.line(word, state.files, state.bytes, now - began))
        }
    }

    /// `put: 12 files, 34.5 M, 11.5 M/s`
    static func line(_ word: String, _ files: Int, _ bytes: Int64, _ took: Duration) -> String {
        let milliseconds = max(1, took.inMilliseconds)
        let rate = bytes / milliseconds * 1000 + bytes % milliseconds * 1000 / milliseconds
        return "\(word): \(files) \(files == 1 ? "file" : "files"), \(ShellForms.human(bytes)), \(ShellForms.human(rate))/s"
    }

    /// Takes the line away, before other output and at the end.
    func clear() {
        state.withLock { state in
            if state.isShown { Output.prompt("\r\u{1b}[K") }
            state.isShown = false
        }
    }
}
