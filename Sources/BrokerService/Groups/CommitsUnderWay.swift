// Commits of offsets without an outcome. A fetch of offsets waits for those that came before it: a client whose connection broke in the
// middle of a commit would otherwise read offsets that its own commit is about to change, and take them back with its next one.
import DequeModule

/// The open commits of a coordinator and the fetches behind them, in their order.
struct CommitsUnderWay {
    private var open: Deque<Int> = []
    private var waiting: Deque<(commit: Int, body: () -> Void)> = []
    private var last = 0

    /// Returns the number of a new commit.
    mutating func begin() -> Int {
        last += 1
        open.append(last)
        return last
    }

    /// Returns the fetches that waited for this commit only, which the caller runs.
    mutating func end(_ commit: Int) -> [() -> Void] {
        if let place = open.firstIndex(of: commit) { open.remove(at: place) }
        var ready: [() -> Void] = []
        while let next = waiting.first, next.commit < open.first ?? .max {
            waiting.removeFirst()
            ready.append(next.body)
        }
        return ready
    }

    /// Whether `body` waits for a commit; otherwise the caller runs it now.
    mutating func waits(_ body: @escaping () -> Void) -> Bool {
        guard !open.isEmpty else { return false }
        waiting.append((last, body))
        return true
    }
}
