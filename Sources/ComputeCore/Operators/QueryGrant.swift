// The limits of one query: memory against its own limit and against that of all queries of the process, and time until its cancellation.
// Operators reserve before they keep rows, and loops that can run long without a call to their input check here.
import QueryCore

/// Safe from any thread: use is counted in the grant's turn.
package final class QueryGrant {
    package let bytesMax: Int
    private var used = 0
    private let turn: any Turn
    private let pool: (any QueryMemoryPool)?
    private let isCancelled: @Sendable () -> Bool

    package init(
        bytesMax: Int, workers: any QueryWorkers = SerialWorkers(), pool: (any QueryMemoryPool)? = nil,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) {
        self.bytesMax = bytesMax
        self.pool = pool
        self.isCancelled = isCancelled
        turn = workers.makeTurn()
    }

    deinit { pool?.giveBack(used) }

    package var bytesUsed: Int { turn.taken { used } }

    /// An operator may hold this much before it spills, however much the others hold. Spilling operators leave half of the grant free for
    /// the rows that they read back.
    private var heldMin: Int { bytesMax / 16 }
    /// The size of a block of spilled rows.
    package var spillBlockBytes: Int { max(16 << 10, min(bytesMax / 512, 4 << 20)) }

    /// Reserves for an operator that can spill and holds `held` bytes; false if it is to spill instead, with nothing reserved.
    func reserveUnlessFull(_ bytes: Int, held: Int) throws(QueryError) -> Bool {
        if held + bytes <= heldMin {
            try reserve(bytes)
            return true
        }
        return turn.taken {
            guard bytes <= bytesMax / 2 - used, pool?.take(bytes) ?? true else { return false }
            used += bytes
            return true
        }
    }

    /// Counts memory that an operator has taken already, also beyond the limit: the growth of a table that now goes to disk.
    func count(_ bytes: Int) {
        _ = pool?.take(bytes)
        turn.taken { used += bytes }
    }

    /// Throws `unableToAcquireMemory` if the query or the process would exceed its limit.
    package func reserve(_ bytes: Int) throws(QueryError) {
        guard bytes > 0 else { return release(-bytes) }
        try turn.taken { () throws(QueryError) in
            guard bytes <= bytesMax - used, pool?.take(bytes) ?? true else {
                throw QueryError(.unableToAcquireMemory, ["requestedBytes": "\(bytes)", "receivedBytes": "\(max(0, bytesMax - used))"])
            }
            used += bytes
        }
    }

    package func release(_ bytes: Int) {
        turn.taken { used -= bytes }
        pool?.giveBack(bytes)
    }

    /// Throws `operationCancelled` after the query's cancellation.
    package func check() throws(QueryError) {
        if isCancelled() { throw QueryError(.operationCancelled) }
    }
}

/// Memory that several queries share. Safe from any thread.
package protocol QueryMemoryPool: AnyObject, Sendable {
    /// Whether `bytes` more are free; the caller then owns them.
    func take(_ bytes: Int) -> Bool
    func giveBack(_ bytes: Int)
}
