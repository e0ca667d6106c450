// The engine's port to the files that a query writes, and the form of a table's files. Where they lie until all are whole, and how they
// become visible together, is the implementer's.
import QueryCore

/// Creates the files of one write. Safe from any thread.
package protocol TableOutput: Sendable {
    /// A new file in `directory`, the directories of partition columns below the output (`a=1/b=2`), or "" for the output itself.
    func create(in directory: String, extension: String) throws(QueryError) -> any TableOutputFile
}

/// A file that is written once, from its start. Owned by one thread at a time.
package protocol TableOutputFile: AnyObject {
    func write(_ bytes: [UInt8]) throws(QueryError)
    func finish() throws(QueryError)
}

/// The form of a table's files.
package struct OutputShape: Hashable, Sendable {
    package var format: FileFormat
    /// Option names are compared without regard to case; the last of equal names wins.
    package var options: [ReadOption]
    /// Columns that become directories.
    package var partitionColumns: [String]

    package init(format: FileFormat, options: [ReadOption], partitionColumns: [String] = []) {
        self.format = format
        self.options = options
        self.partitionColumns = partitionColumns
    }

    func option(_ name: String) -> String? { options.last { Identifier.same($0.name, name) }?.value }
}

/// Turns batches into the bytes of one file.
protocol FormatWriter {
    /// Memory that it keeps, in bytes.
    var keptBytes: Int { get }
    /// The file's next bytes, often none.
    mutating func append(_ batch: Batch) throws(QueryError) -> [UInt8]
    /// The last bytes.
    mutating func finish() throws(QueryError) -> [UInt8]
}

/// Makes the writers of one output; its options are checked once.
struct FormatWriters {
    private let shape: OutputShape
    private let schema: Schema
    private let now: Int64
    private let compression: TextCompression
    let fileExtension: String
    /// Rows of a file at most; nil for no limit.
    let rowsMax: Int?

    /// `schema`: the columns in the files, without those of directories.
    init(_ shape: OutputShape, _ schema: Schema, now: Int64) throws(QueryError) {
        self.shape = shape
        self.schema = schema
        self.now = now
        rowsMax = try Self.number(shape.option("maxRecordsPerFile"), "maxRecordsPerFile").flatMap { $0 > 0 ? $0 : nil }
        switch shape.format {
        case .parquet:
            compression = .none
            let settings = try ParquetOutput.settings(shape)
            fileExtension = (ParquetOutput.extensions[settings.codec] ?? "") + ".parquet"
        case .csv, .json, .text:
            compression = try TextCompression(shape)
            fileExtension = (shape.format == .text ? ".txt" : ".\(shape.format.rawValue)") + compression.fileExtension
        }
        _ = try writer()
    }

    static func number(_ text: String?, _ name: String) throws(QueryError) -> Int? {
        guard let text else { return nil }
        guard let number = Int(text), number >= 0, number <= 1 << 40 else {
            throw QueryError.unsupported("\(name) '\(text)', which is no size")
        }
        return number
    }

    func writer() throws(QueryError) -> any FormatWriter {
        switch shape.format {
        case .parquet: try ParquetOutput(shape, schema)
        case .csv: CompressedText(try CSVOutput(shape, schema, now: now), compression)
        case .json: CompressedText(try JSONOutput(shape, schema), compression)
        case .text: CompressedText(try LinesOutput(shape, schema), compression)
        }
    }
}
