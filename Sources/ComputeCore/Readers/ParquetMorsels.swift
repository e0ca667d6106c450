// Parquet files in morsels: row groups, without those whose statistics say that no row passes the query's filter. A file is opened, footer
// first, when its turn comes.
import Parquet
import QueryCore

/// A file for the Parquet reader: ranges through the port, memory counted in the query's grant.
final class ParquetSource: ParquetBytes {
    let file: TableFile
    var byteCount: Int { file.byteCount }
    private let ranges: any TableRanges
    private let grant: QueryGrant
    private var isOpening = false
    /// Memory of the footer, which goes back with the file; columns give theirs back themselves.
    private var footerBytes = 0

    init(_ file: TableFile, _ port: any TableFiles, _ grant: QueryGrant) throws(QueryError) {
        self.file = file
        self.grant = grant
        ranges = try port.openRanges(file)
    }

    func read(at offset: Int, count: Int) throws -> [UInt8] {
        try grant.check()
        return try ranges.read(at: offset, count: count)
    }

    deinit { grant.release(footerBytes) }

    func reserve(_ bytes: Int) throws {
        try grant.reserve(bytes)
        if isOpening { footerBytes += bytes }
    }

    static func error(_ error: ParquetError, _ path: String) -> QueryError {
        if case .failedRead(let inner as QueryError) = error { return inner }
        return QueryError(.failedReadFile, ["path": path, "reason": error.description])
    }

    /// Opens the file. No column of it is read meanwhile.
    func parsed() throws(QueryError) -> ParquetFile {
        isOpening = true
        defer { isOpening = false }
        do { return try ParquetFile(self) } catch { throw Self.error(error, file.path) }
    }
}

/// The schema of Parquet files: that of the first one, or with `mergeSchema` the columns of all.
enum ParquetTableSchema {
    static func infer(_ files: [TableFile], _ source: FileSource, _ port: any TableFiles, _ grant: QueryGrant) throws(QueryError) -> Schema
    {
        let merges = source.option("mergeSchema").map { Identifier.same($0, "true") } ?? false
        var merged: Schema?
        for file in files where file.byteCount > 0 {
            let schema = try ParquetTypes.schema(try ParquetSource(file, port, grant).parsed().schema, path: file.path)
            merged = try merged.map { (known) throws(QueryError) in try merge(known, schema, file.path) } ?? schema
            if !merges { break }
        }
        guard let merged else { throw QueryError(.unableToInferSchema, ["format": "Parquet"]) }
        return merged
    }

    private static func merge(_ left: Schema, _ right: Schema, _ path: String) throws(QueryError) -> Schema {
        var merged = left
        for field in right.fields {
            guard let index = merged.fields.firstIndex(where: { Identifier.same($0.name, field.name) }) else {
                merged.fields.append(field)
                continue
            }
            let known = merged.fields[index].type
            if known == field.type { continue }
            guard let wider = ParquetWidening.wider(known, field.type) else {
                throw QueryError(
                    .cannotMergeSchemas,
                    ["left": "\(field.name) \(known.sqlName)", "right": "\(field.name) \(field.type.sqlName) (\(path))"])
            }
            merged.fields[index].type = wider
        }
        return merged
    }
}

/// The conversions of a file's values to the type that a query wants of them.
enum ParquetWidening {
    private static let order: [DataType] = [.byte, .short, .int, .long]

    /// Whether every value of one type has its value in the other.
    static func isAllowed(_ from: DataType, _ to: DataType) -> Bool {
        if from == to { return true }
        switch (from, to) {
        case (.float, .double), (.byte, .double), (.short, .double), (.int, .double), (.null, _): return true
        default: break
        }
        if let first = order.firstIndex(of: from), let second = order.firstIndex(of: to) { return first <= second }
        if case .decimal(let precision, let scale) = from, case .decimal(let wide, let places) = to {
            return places >= scale && wide - places >= precision - scale
        }
        return false
    }

    static func wider(_ left: DataType, _ right: DataType) -> DataType? {
        isAllowed(left, right) ? right : isAllowed(right, left) ? left : nil
    }
}

struct ParquetMorsel {
    let number: Int
    let source: ParquetSource
    let file: ParquetFile
    let rowGroup: Int
}

/// Shared by the chains of one scan; its state is used in the queue's turn only.
final class ParquetMorsels {
    /// Limit of the chains that can have work: files have one row group or more.
    let pieces: Int
    private let context: QueryContext
    private let pruning: ParquetPruning
    private let queue: MorselQueue
    private var files: ArraySlice<TableFile>
    private var source: ParquetSource?
    private var file: ParquetFile?
    private var nextGroup = 0

    /// Row groups are at least this large where they are more than one of a file, in bytes.
    private static let rowGroupBytes = 1 << 20

    init(_ files: [TableFile], _ context: QueryContext, _ pruning: ParquetPruning, _ queue: MorselQueue) {
        self.files = files[...]
        self.context = context
        self.pruning = pruning
        self.queue = queue
        pieces = files.reduce(0) { $0 + 1 + $1.byteCount / Self.rowGroupBytes }
    }

    /// Nil after the last row group, or if the round allows no more.
    func next() throws(QueryError) -> ParquetMorsel? {
        let claimed = try queue.claim { (number) throws(QueryError) in try take(number) }
        return claimed?.piece
    }

    private func take(_ number: Int) throws(QueryError) -> ParquetMorsel? {
        while true {
            guard let source, let file, nextGroup < file.metadata.rowGroups.count else {
                guard let next = files.popFirst() else { return nil }
                let opened = try ParquetSource(next, context.files, context.grant)
                file = try opened.parsed()
                source = opened
                nextGroup = 0
                continue
            }
            defer { nextGroup += 1 }
            let group = file.metadata.rowGroups[nextGroup]
            if group.rowCount == 0 || pruning.excludes(group, file.schema) { continue }
            return ParquetMorsel(number: number, source: source, file: file, rowGroup: nextGroup)
        }
    }
}
