// One running or finished ExecutePlan: a buffer of responses between the computing thread and the client's stream, which may break and be
// attached again. Responses are kept until the client releases them, within a bound; a producer too far ahead of its reader waits. State is
// guarded by one condition, whose sections never block or call out.
import ComputeRuntime
import Foundation
import SparkWire

final class PlanOperation: @unchecked Sendable {  // all mutable state is read and written between `lock` and `unlock` of `condition`
    /// Limit of unread bytes; more makes the producer wait.
    static let unreadBytesMax = 64 << 20
    /// Limit of bytes read but not yet released, kept for a client that attaches again.
    static let rereadBytesMax = 32 << 20

    enum Next {
        case response(Spark_Connect_ExecutePlanResponse, index: Int)
        case finished
        case failed(SparkError)
        /// Another stream has taken over.
        case replaced
    }

    let id: String
    let tags: [String]
    let isReattachable: Bool
    let token: JobToken
    let memory: OperationMemory
    let begun = ContinuousClock.now
    private let condition = NSCondition()
    private var responses: [(response: Spark_Connect_ExecutePlanResponse, bytes: Int)] = []
    /// The index of the first buffered response; indices count from 0 over the whole operation.
    private var firstIndex = 0
    /// One past the last response given to any stream.
    private var readIndex = 0
    private var unreadBytes = 0
    private var rereadBytes = 0
    private var outcome: Result<Void, SparkError>?
    private var reader = 0
    private var waiter: CheckedContinuation<Void, Never>?
    /// The time of the last stream's end; nil while one is attached.
    private var detachedAt: ContinuousClock.Instant?

    init(id: String, tags: [String], isReattachable: Bool, memory: OperationMemory) {
        self.memory = memory
        self.id = id
        self.tags = tags
        self.isReattachable = isReattachable
        token = JobToken()
    }

    deinit { memory.giveBack(responses.reduce(0) { $0 + $1.bytes }) }

    // Producer side.

    /// Waits while the reader is too far behind. Throws when the operation was cancelled.
    func append(_ response: Spark_Connect_ExecutePlanResponse, bytes: Int) throws {
        let waiter = try locked { () throws -> CheckedContinuation<Void, Never>? in
            while unreadBytes > Self.unreadBytesMax && !token.isCancelled { condition.wait() }
            if token.isCancelled { throw SparkError.cancelled }
            guard memory.take(bytes) else { throw SparkError.noMemory(bytes) }
            responses.append((response, bytes))
            unreadBytes += bytes
            return takeWaiter()
        }
        waiter?.resume()
    }

    func finish(_ outcome: Result<Void, SparkError>) {
        locked { () -> CheckedContinuation<Void, Never>? in
            if self.outcome == nil { self.outcome = outcome }
            return takeWaiter()
        }?.resume()
    }

    /// The client gets the reason at once; the computing thread ends at its next batch.
    func cancel(because reason: SparkError = .cancelled) {
        token.cancel()
        finish(.failure(reason))
    }

    var isFinished: Bool { locked { outcome != nil } }

    /// nil while it runs.
    var hasSucceeded: Bool? {
        locked {
            switch outcome {
            case .success: true
            case .failure: false
            case nil: nil
            }
        }
    }

    // Reader side.

    /// A new stream, which replaces any other. Reading starts after `responseID`, or at the start.
    func attach(after responseID: String?) throws -> (reader: Int, index: Int) {
        let (result, waiter) = try locked { () throws -> ((Int, Int), CheckedContinuation<Void, Never>?) in
            var index = firstIndex
            if let responseID {
                if let found = responses.firstIndex(where: { $0.response.responseID == responseID }) {
                    index = firstIndex + found + 1
                } else if responseID != lastReleasedID {
                    throw SparkError(
                        "INVALID_CURSOR.POSITION_NOT_AVAILABLE", sqlState: "HY109", kind: .runtime,
                        "The cursor is invalid. The cursor position id \(responseID) is no longer available.", ["responseId": responseID])
                }
            } else if firstIndex > 0 {
                throw SparkError(
                    "INVALID_CURSOR.POSITION_NOT_AVAILABLE", sqlState: "HY109", kind: .runtime,
                    "The cursor is invalid. The start of the result is no longer available.")
            }
            reader += 1
            detachedAt = nil
            return ((reader, index), takeWaiter())
        }
        waiter?.resume()
        return result
    }

    func detach(_ reader: Int) {
        locked {
            if reader == self.reader { detachedAt = .now }
        }
    }

    /// The time without an attached stream.
    func detachedFor(_ now: ContinuousClock.Instant) -> Duration? {
        locked { detachedAt.map { now - $0 } }
    }

    func next(_ reader: Int, _ index: Int) async -> Next {
        while true {
            if let next = poll(reader, index) { return next }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    if !wait(reader, index, continuation) { continuation.resume() }
                }
            } onCancel: {
                locked { takeWaiter() }?.resume()
            }
            if Task.isCancelled { return .replaced }
        }
    }

    private var lastReleasedID = ""

    func release(until responseID: String) {
        locked {
            guard let found = responses.firstIndex(where: { $0.response.responseID == responseID }) else { return }
            for _ in 0...found where firstIndex < readIndex { dropFirst() }
        }
    }

    private func poll(_ reader: Int, _ index: Int) -> Next? {
        locked {
            guard reader == self.reader else { return .replaced }
            if index - firstIndex < responses.count {
                let entry = responses[index - firstIndex]
                if index >= readIndex {
                    readIndex = index + 1
                    unreadBytes -= entry.bytes
                    rereadBytes += entry.bytes
                    while rereadBytes > Self.rereadBytesMax && firstIndex < index { dropFirst() }
                }
                return .response(entry.response, index: index)
            }
            switch outcome {
            case .success: return .finished
            case .failure(let error): return .failed(error)
            case nil: return nil
            }
        }
    }

    /// False if there is something to read already.
    private func wait(_ reader: Int, _ index: Int, _ continuation: CheckedContinuation<Void, Never>) -> Bool {
        locked {
            guard reader == self.reader, index - firstIndex >= responses.count, outcome == nil, !Task.isCancelled else { return false }
            waiter = continuation
            return true
        }
    }

    private func dropFirst() {
        let entry = responses.removeFirst()
        memory.giveBack(entry.bytes)
        rereadBytes -= entry.bytes
        lastReleasedID = entry.response.responseID
        firstIndex += 1
    }

    private func takeWaiter() -> CheckedContinuation<Void, Never>? {
        defer { waiter = nil }
        return waiter
    }

    private func locked<Value>(_ body: () throws -> Value) rethrows -> Value {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return try body()
    }
}
