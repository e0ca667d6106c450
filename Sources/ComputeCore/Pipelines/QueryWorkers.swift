// The port of a query to several threads, and its serial form. The engine says which tasks may run side by side; the implementer chooses
// their threads and order. Tests step the tasks of a pipeline in a seeded order on one thread.

import QueryCore

/// A part of a pipeline that runs beside others. One thread at a time steps it.
package protocol PipelineTask: AnyObject {
    /// Does the next piece of work; false after the last. The task keeps its error, and then has no work left.
    func step() -> Bool
}

/// Serialises the use of one value by several threads.
package protocol Turn: AnyObject, Sendable {
    /// Runs `body` while no other thread runs one of the same turn.
    func taken<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result
}

package protocol QueryWorkers: Sendable {
    /// Tasks that may run side by side, at least one.
    var width: Int { get }
    /// Steps every task to its end. The calling thread takes part, so that the tasks end even without another free thread.
    func run(_ tasks: [any PipelineTask])
    func makeTurn() -> any Turn
}

/// Everything on the calling thread, one task after another.
package struct SerialWorkers: QueryWorkers {
    package let width = 1

    package init() {}

    package func run(_ tasks: [any PipelineTask]) {
        for task in tasks { while task.step() {} }
    }

    package func makeTurn() -> any Turn { NoTurn() }
}

private final class NoTurn: Turn {
    func taken<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result { try body() }
}

/// Pulls the batches of one chain and gives each to its sink; keeps the error that ended it.
final class ChainTask<Sink: ChainSink>: PipelineTask {
    let sink: Sink
    private let source: any BatchSource
    private(set) var failure: QueryError?

    init(_ source: any BatchSource, _ sink: Sink) {
        self.source = source
        self.sink = sink
    }

    func step() -> Bool {
        do throws(QueryError) {
            guard let batch = try source.next() else { return false }
            if batch.rowCount > 0 { try sink.consume(batch) }
            return true
        } catch {
            failure = error
            return false
        }
    }
}

/// One thread's use of the batches of one chain.
protocol ChainSink: AnyObject {
    func consume(_ batch: Batch) throws(QueryError)
}

/// One call of a body, with the error that ended it.
private final class CallTask: PipelineTask {
    private let number: Int
    private let body: (Int) throws(QueryError) -> Void
    private(set) var failure: QueryError?

    init(_ number: Int, _ body: @escaping (Int) throws(QueryError) -> Void) {
        self.number = number
        self.body = body
    }

    func step() -> Bool {
        do throws(QueryError) { try body(number) } catch { failure = error }
        return false
    }
}

extension QueryWorkers {
    /// Gives every batch of each source to its own sink, side by side; throws the error of the first failed chain.
    func drain<Sink: ChainSink>(_ sources: [any BatchSource], into sinks: [Sink]) throws(QueryError) {
        let tasks = zip(sources, sinks).map { ChainTask($0, $1) }
        run(tasks)
        for task in tasks { if let failure = task.failure { throw failure } }
    }

    /// Runs `body` once for each number below `count`, in no order.
    func each(_ count: Int, _ body: @escaping (Int) throws(QueryError) -> Void) throws(QueryError) {
        let tasks = (0..<count).map { CallTask($0, body) }
        run(tasks)
        for task in tasks { if let failure = task.failure { throw failure } }
    }
}
