// The workers of all sessions: idle ones wait for the next call of their session, and end with the session, with time, or when another
// session needs their place. It never waits: beyond the limit a call is refused.
import Foundation
import Synchronization

package final class PythonWorkerPool: Sendable {
    private struct Idle {
        let worker: Holder
        let since: ContinuousClock.Instant
    }

    /// A worker between calls, used by the thread that takes it out.
    private final class Holder: @unchecked Sendable {  // it is in the pool's list or with one thread, never both
        let worker: PythonWorker
        init(_ worker: PythonWorker) { self.worker = worker }
    }

    private struct State {
        var count = 0
        /// By session; the longest idle first.
        var idle: [String: [Idle]] = [:]
        var isClosed = false
    }

    package let settings: PythonWorkerSettings
    private let state = Mutex(State())

    /// Empties the folder of an earlier process.
    package init(_ settings: PythonWorkerSettings) {
        self.settings = settings
        guard let folder = settings.folder else { return }
        do { try FileManager.default.removeItem(atPath: folder) } catch {
            // There is none yet, or a worker says later that it cannot make its own.
        }
    }

    /// Of all sessions, at work or idle.
    package var count: Int { state.withLock { $0.count } }

    /// An idle worker of the session, or a new one.
    package func take(_ session: String, _ check: PythonWorker.Check) throws -> PythonWorker {
        let (found, dropped) = try state.withLock { state -> (Holder?, Holder?) in
            guard !state.isClosed else { throw PythonWorkerFailure.notStarted("the server stops") }
            if let idle = state.idle[session]?.popLast() { return (idle.worker, nil) }
            if state.count < settings.workersMax {
                state.count += 1
                return (nil, nil)
            }
            // The place of the longest idle worker, whatever its session.
            guard let oldest = state.idle.filter({ !$0.value.isEmpty }).min(by: { $0.value[0].since < $1.value[0].since })?.key,
                let idle = state.idle[oldest]?.removeFirst()
            else { throw PythonWorkerFailure.notStarted("\(settings.workersMax) are at work; try again later") }
            return (nil, idle.worker)
        }
        _ = dropped
        if let found { return found.worker }
        do { return try PythonWorker(settings, check) } catch {
            state.withLock { $0.count -= 1 }
            throw error
        }
    }

    /// `isUsable`: the worker waits for another call.
    package func giveBack(_ worker: PythonWorker, _ session: String, isUsable: Bool) {
        let holder = Holder(worker)
        state.withLock { state in
            guard isUsable, !state.isClosed else {
                state.count -= 1
                return
            }
            state.idle[session, default: []].append(Idle(worker: holder, since: .now))
        }
    }

    /// Ends the idle workers of a session; those at work end with their calls.
    package func end(_ session: String) {
        let ended = state.withLock { state -> [Idle] in
            let idle = state.idle.removeValue(forKey: session) ?? []
            state.count -= idle.count
            return idle
        }
        _ = ended
    }

    /// Ends workers without work for long.
    package func reap(_ now: ContinuousClock.Instant) {
        let ended = state.withLock { state -> [Idle] in
            var old: [Idle] = []
            for session in Array(state.idle.keys) {
                let idle = state.idle[session] ?? []
                let kept = idle.filter { now - $0.since <= settings.idleMax }
                old += idle.filter { now - $0.since > settings.idleMax }
                state.idle[session] = kept.isEmpty ? nil : kept
            }
            state.count -= old.count
            return old
        }
        _ = ended
    }

    package func close() {
        let ended = state.withLock { state -> [String: [Idle]] in
            let idle = state.idle
            state.count -= idle.values.reduce(0) { $0 + $1.count }
            state.idle = [:]
            state.isClosed = true
            return idle
        }
        _ = ended
    }
}
