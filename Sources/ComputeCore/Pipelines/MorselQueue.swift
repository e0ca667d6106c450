// Input in pieces (morsels), taken by a pipeline's chains one by one, so that no chain waits for work while another has much. Pieces are
// numbered in the order of the rows; a batch carries its place, which restores the order of the input after chains ran side by side.
// Source: Leis et al., "Morsel-Driven Parallelism", 2014.

import QueryCore

/// The place of rows in the order of a pipeline's input.
package struct BatchPlace: Hashable, Comparable, Sendable {
    package var morsel: Int
    /// Among the batches of one morsel.
    package var batch: Int

    package init(morsel: Int, batch: Int = 0) {
        self.morsel = morsel
        self.batch = batch
    }

    package static let first = BatchPlace(morsel: 0)

    /// The place of the batch's first row as one number, which ascends with the rows of an input of up to 8 million morsels of a million
    /// batches of a million rows.
    var packed: Int64 { Int64(min(morsel, 0x7F_FFFF)) << 40 | Int64(min(batch, 0xF_FFFF)) << 20 }

    package static func < (left: BatchPlace, right: BatchPlace) -> Bool {
        left.morsel == right.morsel ? left.batch < right.batch : left.morsel < right.morsel
    }
}

/// Hands out the pieces of one source. Safe from any thread: all of its state is used in its turn.
final class MorselQueue {
    private let turn: any Turn
    private var number = 0
    private var allowance = Int.max
    private var isEmpty = false
    /// Hands out the pieces that a step above made of this queue's, after those.
    private var successor: MorselQueue?

    init(_ workers: any QueryWorkers) { turn = workers.makeTurn() }

    /// The next piece with its number; nil after the last, or if the round allows no more. `take` runs in the queue's turn.
    func claim<Piece>(_ take: (Int) throws(QueryError) -> Piece?) throws(QueryError) -> (number: Int, piece: Piece)? {
        try turn.taken { () throws(QueryError) in
            guard allowance > 0, !isEmpty else { return nil }
            guard let piece = try take(number) else {
                isEmpty = true
                return nil
            }
            defer {
                number += 1
                allowance -= 1
            }
            return (number, piece)
        }
    }

    var isExhausted: Bool { successor?.isExhausted ?? isEmpty }

    /// Lets the chains take `pieces` more. Called while no chain runs.
    func allow(_ pieces: Int) { if let successor { successor.allow(pieces) } else { allowance = pieces } }

    /// Goes on with the pieces of another queue. Called while no chain runs.
    func goOn(with other: MorselQueue) { if let successor { successor.goOn(with: other) } else { successor = other } }
}

/// Work before a pipeline's first batch: filling the table of a join, running the input of an operator that keeps rows.
protocol Preparation: AnyObject {
    func prepare() throws(QueryError)
}

/// A pipeline's chains of operators over one queue: each batch of the input goes through one of them.
struct Chains {
    /// In the order of their execution.
    var preparations: [any Preparation] = []
    /// At least one.
    var sources: [any BatchSource]
    /// Nil when there is one chain only.
    var queue: MorselQueue?
    /// Whether a chain may make many rows of one: its output of some morsels is unbounded and must not be kept uncounted.
    var multiplies = false

    init(_ source: any BatchSource) { sources = [source] }

    /// Calls `make` once for each chain; `pieces` bounds the chains that can have work.
    init(_ queue: MorselQueue, pieces: Int, width: Int, _ make: () -> any BatchSource) {
        sources = (0..<max(1, min(width, pieces))).map { _ in make() }
        self.queue = queue
    }

    var columns: [BoundColumn] { sources[0].columns }

    func map(_ change: (any BatchSource) throws(QueryError) -> any BatchSource) throws(QueryError) -> Chains {
        var changed = self
        changed.sources = []
        for source in sources { changed.sources.append(try change(source)) }
        return changed
    }

    func prepare() throws(QueryError) { for preparation in preparations { try preparation.prepare() } }

    /// All batches with rows, in the order of the input. Calls `keep` for each, on the chain's thread.
    func batches(_ workers: any QueryWorkers, keep: @escaping (Batch) throws(QueryError) -> Void = { _ in }) throws(QueryError) -> [Batch] {
        let sinks = sources.map { _ in BatchSink(keep) }
        try workers.drain(sources, into: sinks)
        if sinks.count == 1 { return sinks[0].batches }
        return sinks.flatMap(\.batches).sorted { $0.place < $1.place }
    }
}

/// One source made of several chains. It runs them in rounds of some morsels and gives each round's batches in the order of the input.
final class GatherOperator: BatchSource {
    /// Morsels of one round per chain: few at first, since a limit may need no more.
    private static let morselsMax = 8

    let columns: [BoundColumn]
    private let chains: Chains
    private let workers: any QueryWorkers
    private var isPrepared = false
    private var morsels = 1
    private var ready: ArraySlice<Batch> = []

    init(_ chains: Chains, _ workers: any QueryWorkers) {
        self.chains = chains
        self.workers = workers
        columns = chains.columns
    }

    func next() throws(QueryError) -> Batch? {
        if !isPrepared {
            isPrepared = true
            try chains.prepare()
        }
        guard chains.sources.count > 1, let queue = chains.queue else { return try chains.sources[0].next() }
        while true {
            if let batch = ready.popFirst() { return batch }
            if queue.isExhausted { return nil }
            try runRound(queue)
        }
    }

    private func runRound(_ queue: MorselQueue) throws(QueryError) {
        queue.allow(morsels * chains.sources.count)
        morsels = min(morsels * 2, Self.morselsMax)
        ready = try chains.batches(workers)[...]
    }
}

/// Keeps the batches of one chain.
private final class BatchSink: ChainSink {
    private(set) var batches: [Batch] = []
    private let keep: (Batch) throws(QueryError) -> Void

    init(_ keep: @escaping (Batch) throws(QueryError) -> Void) { self.keep = keep }

    func consume(_ batch: Batch) throws(QueryError) {
        try keep(batch)
        batches.append(batch)
    }
}
