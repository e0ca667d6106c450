// GROUP BY beyond the memory. A table that has used up its share is closed: it takes rows of its groups only, the others go to disk by the
// part of their keys' hash. In the end each part becomes a table of its own, which may be closed again and cut by the hash's next bits.

import QueryCore

/// The groups of one thread, in memory as long as they fit.
final class SpillingGroups: ChainSink {
    let table: GroupTable
    private(set) var reserved = 0
    /// Rows of other groups; nil while there are none.
    private(set) var spilled: SpilledParts?
    let level: Int
    private let columns: [BoundColumn]
    private let grant: QueryGrant
    private let files: (any SpillFiles)?

    /// Without `files` rows stay in memory. `columns` are those of the rows.
    init(_ table: GroupTable, _ columns: [BoundColumn], level: Int, _ grant: QueryGrant, _ files: (any SpillFiles)?) {
        self.table = table
        self.columns = columns
        self.level = level
        self.grant = grant
        self.files = level < SpilledParts.levelsMax ? files : nil
    }

    func consume(_ batch: Batch) throws(QueryError) {
        if let spilled {
            let others = try table.consumeKnown(batch)
            if others.rowCount > 0 { try spilled.append(others, keys: try table.keys(of: others)) }
        } else {
            try table.consume(batch)
        }
        try count()
    }

    private func count() throws(QueryError) {
        let bytes = table.byteCount
        guard bytes > reserved else { return }
        // Values of known groups may grow after the table was closed.
        if let files, spilled == nil, try !grant.reserveUnlessFull(bytes - reserved, held: reserved) {
            spilled = try SpilledParts(Schema(columns.map(\.field)), level: level, blockBytes: grant.spillBlockBytes, files)
            grant.count(bytes - reserved)
        } else if files == nil || spilled != nil {
            try grant.reserve(bytes - reserved)
        }
        reserved = bytes
    }

    /// Merges groups of another table of the same aggregation.
    func absorb(_ other: GroupTable, _ keys: [Column], _ rows: [Int32]) throws(QueryError) {
        try table.absorb(other, keys, rows)
        try count()
    }
}

/// The groups of all chains after one of them has spilled, part by part.
final class SpilledGroups {
    /// Rows that are still to be grouped.
    private struct Work {
        let source: any BatchSource
        let level: Int
        /// Groups of these tables come first: rows by table.
        var known: [[Int32]] = []
    }

    private let columns: [BoundColumn]
    private let grant: QueryGrant
    private let makeTable: (_ level: Int) -> SpillingGroups
    /// Several chains may know the same group, whose parts are put together; a single chain's groups are whole.
    private var chains: [SpillingGroups]
    private var chainKeys: [[Column]] = []
    private var work: [Work] = []
    private var workOfChains = 0

    /// `columns` are those of the rows.
    init(
        _ locals: [SpillingGroups], _ columns: [BoundColumn], _ grant: QueryGrant, _ makeTable: @escaping (_ level: Int) -> SpillingGroups
    ) throws(QueryError) {
        self.columns = columns
        self.grant = grant
        self.makeTable = makeTable
        chains = locals
        for local in locals { try local.spilled?.finish() }
        guard locals.count > 1 else { return }
        chainKeys = locals.map(\.table.keyColumns)
        let known = zip(chainKeys, locals).map { SpilledParts.split($0, $1.table.count, level: 0) }
        for part in 0..<SpilledParts.partCount {
            let sources = locals.compactMap { $0.spilled?.source(part, columns) as (any BatchSource)? }
            work.append(Work(source: ChainedSource(sources, columns), level: 1, known: known.map { $0[part] }))
        }
        workOfChains = work.count
    }

    /// The next groups, in common with no others, and their share of the grant; nil after the last.
    func next() throws(QueryError) -> (table: GroupTable, reserved: Int)? {
        if chainKeys.isEmpty, let single = chains.popLast() {
            plan(single)
            return (single.table, single.reserved)
        }
        while let next = work.popLast() {
            let made = makeTable(next.level)
            for (index, rows) in next.known.enumerated() where !rows.isEmpty {
                try made.absorb(chains[index].table, chainKeys[index], rows)
            }
            while let batch = try next.source.next() {
                try grant.check()
                try made.consume(batch)
            }
            if !next.known.isEmpty { releaseChains() }
            try made.spilled?.finish()
            plan(made)
            if made.table.count > 0 { return (made.table, made.reserved) }
            grant.release(made.reserved)
        }
        return nil
    }

    /// Puts the rows that a table did not take on the list.
    private func plan(_ made: SpillingGroups) {
        guard let spilled = made.spilled else { return }
        for part in 0..<SpilledParts.partCount {
            let source = spilled.source(part, columns)
            if !source.isEmpty { work.append(Work(source: source, level: made.level + 1)) }
        }
    }

    /// After the last part of the chains' own groups.
    private func releaseChains() {
        workOfChains -= 1
        guard workOfChains == 0 else { return }
        for chain in chains { grant.release(chain.reserved) }
        (chains, chainKeys) = ([], [[]])
    }
}
