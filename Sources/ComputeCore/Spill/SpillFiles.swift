// Rows of operators on disk, when a query has used its share of memory. A file belongs to one operator and one chain; its blocks are found
// by their offsets, which stay in memory. The implementer removes a file with its owner, and whatever ends the process.

import QueryCore

/// Makes temporary files. Safe from any thread.
package protocol SpillFiles: Sendable {
    /// A new, empty file. Throws if the disk or the limit of all temporary files has no room.
    func makeFile() throws(QueryError) -> any SpillFile
}

/// One thread at a time uses it.
package protocol SpillFile: AnyObject {
    /// Writes at the end and returns the offset.
    func append(_ bytes: [UInt8]) throws(QueryError) -> Int
    /// Exactly the bytes that one call wrote there; throws if they have changed.
    func read(at offset: Int, count: Int) throws(QueryError) -> [UInt8]
}

/// A block of rows in a file.
struct SpillBlock {
    let offset: Int
    let byteCount: Int
}

/// The rows of one operator in one file, a batch in each block.
final class SpilledRows {
    private let schema: Schema
    private let file: any SpillFile

    init(_ schema: Schema, _ files: any SpillFiles) throws(QueryError) {
        self.schema = schema
        file = try files.makeFile()
    }

    func append(_ batch: Batch) throws(QueryError) -> SpillBlock {
        let bytes = SpillCodec.encode(batch)
        return SpillBlock(offset: try file.append(bytes), byteCount: bytes.count)
    }

    func read(_ block: SpillBlock) throws(QueryError) -> Batch {
        SpillCodec.decode(try file.read(at: block.offset, count: block.byteCount), schema)
    }
}

/// Rows of one chain by the part of their keys' hash.
final class SpilledParts {
    /// Parts at one level; five bits of the hash.
    static let partCount = 32
    /// Levels with bits of their own in a hash; a part beyond them is not cut again.
    static let levelsMax = 8

    private let rows: SpilledRows
    private let schema: Schema
    private let level: Int
    private let blockBytes: Int
    private var pending: [[Batch]]
    private var pendingBytes: [Int]
    private var blocks: [[SpillBlock]]

    init(_ schema: Schema, level: Int, blockBytes: Int, _ files: any SpillFiles) throws(QueryError) {
        rows = try SpilledRows(schema, files)
        self.schema = schema
        self.level = level
        self.blockBytes = blockBytes
        pending = [[Batch]](repeating: [], count: Self.partCount)
        pendingBytes = [Int](repeating: 0, count: Self.partCount)
        blocks = [[SpillBlock]](repeating: [], count: Self.partCount)
    }

    /// The rows of a batch by the part of their keys.
    static func split(_ keys: [Column], _ rowCount: Int, level: Int) -> [[Int32]] {
        var parts = [[Int32]](repeating: [], count: partCount)
        let shift = UInt64(59 - 5 * min(level, levelsMax - 1))
        for (row, hash) in KeyHash.rows(keys, rowCount).enumerated() { parts[Int(hash >> shift & 31)].append(Int32(row)) }
        return parts
    }

    func append(_ batch: Batch, keys: [Column]) throws(QueryError) {
        for (part, chosen) in Self.split(keys, batch.rowCount, level: level).enumerated() where !chosen.isEmpty {
            let rows = batch.take(chosen)
            pending[part].append(rows)
            pendingBytes[part] += rows.byteCount
            if pendingBytes[part] >= blockBytes { try write(part) }
        }
    }

    private func write(_ part: Int) throws(QueryError) {
        guard !pending[part].isEmpty else { return }
        blocks[part].append(try rows.append(Batch.concat(pending[part], schema: schema)))
        (pending[part], pendingBytes[part]) = ([], 0)
    }

    /// After the last row.
    func finish() throws(QueryError) { for part in pending.indices { try write(part) } }

    func source(_ part: Int, _ columns: [BoundColumn]) -> SpillSource { SpillSource(rows, blocks[part], columns) }
}

/// All rows of a pipeline: in memory, in the order of the input, or on disk by parts of their keys.
enum GatheredRows {
    case inMemory([Batch], reserved: Int)
    /// The parts of each chain.
    case onDisk([SpilledParts])

    /// `bytes` is what the rows of a batch need in memory. Without `files` rows stay there, and are refused beyond the limit.
    static func of(
        _ chains: Chains, keys: [BoundExpression], _ files: (any SpillFiles)?, _ context: QueryContext, bytes: @escaping (Batch) -> Int
    ) throws(QueryError) -> GatheredRows {
        let sinks = chains.sources.map { _ in SpillingRows(keys, chains.columns, bytes, context, files) }
        try context.workers.drain(chains.sources, into: sinks)
        guard let files, sinks.contains(where: { $0.spilled != nil }) else {
            let batches = sinks.count == 1 ? sinks[0].batches : sinks.flatMap(\.batches).sorted { $0.place < $1.place }
            return .inMemory(batches, reserved: sinks.reduce(0) { $0 + $1.reserved })
        }
        var parts: [SpilledParts] = []
        for sink in sinks { parts.append(try sink.finish(files)) }
        return .onDisk(parts)
    }
}

/// The rows of one chain.
private final class SpillingRows: ChainSink {
    private(set) var batches: [Batch] = []
    private(set) var reserved = 0
    /// Nil while the rows fit.
    private(set) var spilled: SpilledParts?
    private let keys: [BoundExpression]
    private let columns: [BoundColumn]
    private let bytes: (Batch) -> Int
    private let evaluator: Evaluator
    private let grant: QueryGrant
    private let files: (any SpillFiles)?

    init(
        _ keys: [BoundExpression], _ columns: [BoundColumn], _ bytes: @escaping (Batch) -> Int, _ context: QueryContext,
        _ files: (any SpillFiles)?
    ) {
        self.keys = keys
        self.columns = columns
        self.bytes = bytes
        evaluator = Evaluator(columns: columns, context)
        grant = context.grant
        self.files = files
    }

    func consume(_ batch: Batch) throws(QueryError) {
        if let spilled { return try put(batch, spilled) }
        let needed = bytes(batch)
        if let files {
            guard try grant.reserveUnlessFull(needed, held: reserved) else { return try put(batch, try spill(files)) }
        } else {
            try grant.reserve(needed)
        }
        reserved += needed
        batches.append(batch)
    }

    /// All rows on disk, after the last one.
    func finish(_ files: any SpillFiles) throws(QueryError) -> SpilledParts {
        if spilled == nil { _ = try spill(files) }
        guard let spilled else { preconditionFailure("rows on disk have parts") }
        try spilled.finish()
        return spilled
    }

    private func put(_ batch: Batch, _ spilled: SpilledParts) throws(QueryError) {
        try grant.check()
        var values: [Column] = []
        for key in keys { values.append(try evaluator.evaluate(key, batch)) }
        try spilled.append(batch, keys: values)
    }

    private func spill(_ files: any SpillFiles) throws(QueryError) -> SpilledParts {
        let parts = try SpilledParts(Schema(columns.map(\.field)), level: 0, blockBytes: grant.spillBlockBytes, files)
        spilled = parts
        for batch in batches { try put(batch, parts) }
        batches = []
        grant.release(reserved)
        reserved = 0
        return parts
    }
}

/// Reads blocks in the order of their writing.
final class SpillSource: BatchSource {
    let columns: [BoundColumn]
    private let rows: SpilledRows
    private var blocks: ArraySlice<SpillBlock>

    init(_ rows: SpilledRows, _ blocks: [SpillBlock], _ columns: [BoundColumn]) {
        self.rows = rows
        self.blocks = blocks[...]
        self.columns = columns
    }

    var isEmpty: Bool { blocks.isEmpty }

    func next() throws(QueryError) -> Batch? { try blocks.popFirst().map { (block) throws(QueryError) in try rows.read(block) } }
}

/// Several sources of the same columns, one after the other.
final class ChainedSource: BatchSource {
    let columns: [BoundColumn]
    private var sources: ArraySlice<any BatchSource>

    init(_ sources: [any BatchSource], _ columns: [BoundColumn]) {
        self.sources = sources[...]
        self.columns = columns
    }

    func next() throws(QueryError) -> Batch? {
        while let source = sources.first {
            if let batch = try source.next() { return batch }
            sources = sources.dropFirst()
        }
        return nil
    }
}

/// The rows of one part after the other, each part whole in memory.
final class PartRows {
    private let spilled: [SpilledParts]
    private let columns: [BoundColumn]
    private let bytes: (Batch) -> Int
    private let grant: QueryGrant
    private var part = 0

    /// `spilled` are those of all chains; `bytes` is what the rows of a batch need in memory.
    init(_ spilled: [SpilledParts], _ columns: [BoundColumn], _ bytes: @escaping (Batch) -> Int, _ grant: QueryGrant) {
        self.spilled = spilled
        self.columns = columns
        self.bytes = bytes
        self.grant = grant
    }

    /// The rows of the next part with rows, and their share of the grant; nil after the last.
    func next() throws(QueryError) -> (batches: [Batch], reserved: Int)? {
        while part < SpilledParts.partCount {
            let source = ChainedSource(spilled.map { $0.source(part, columns) }, columns)
            part += 1
            var batches: [Batch] = []
            var reserved = 0
            while let batch = try source.next() {
                try grant.reserve(bytes(batch))
                reserved += bytes(batch)
                batches.append(batch)
            }
            if !batches.isEmpty { return (batches, reserved) }
        }
        return nil
    }
}
