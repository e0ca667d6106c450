// The rows of one chain on their way into files: one file at a time, or one for each combination of partition values. Memory of the writers
// counts against the query.
import QueryCore

final class OutputSink: ChainSink {
    /// Files that one chain keeps open; beyond them the oldest ones end.
    private static let openMax = 64

    private let columns: [BoundColumn]
    private let partition: [Int]
    private let data: [Int]
    private let writers: FormatWriters
    private let output: any TableOutput
    private let context: QueryContext
    private let evaluator: Evaluator
    private var open: [String: OpenFile] = [:]
    /// The open directories, the oldest first.
    private var order: [String] = []
    private(set) var rowCount = 0

    private struct OpenFile {
        var writer: any FormatWriter
        var file: any TableOutputFile
        var rows = 0
        var reserved = 0
    }

    /// `partition` and `data` are positions in `columns`.
    init(
        _ columns: [BoundColumn], partition: [Int], data: [Int], _ writers: FormatWriters, _ output: any TableOutput,
        _ context: QueryContext
    ) {
        self.columns = columns
        self.partition = partition
        self.data = data
        self.writers = writers
        self.output = output
        self.context = context
        evaluator = Evaluator(columns: columns, context)
    }

    func consume(_ batch: Batch) throws(QueryError) {
        rowCount += batch.rowCount
        if partition.isEmpty { return try write(batch, "") }
        for (directory, rows) in try directories(batch) { try write(rows.count == batch.rowCount ? batch : batch.take(rows), directory) }
    }

    /// The rows of each directory, in the order of first appearance.
    private func directories(_ batch: Batch) throws(QueryError) -> [(String, [Int32])] {
        var texts: [Column] = []
        for index in partition {
            texts.append(try evaluator.evaluate(.cast(.column(columns[index]), to: .string, isTry: false), batch))
        }
        var positions: [String: Int] = [:]
        var found: [(String, [Int32])] = []
        for row in 0..<batch.rowCount {
            var directory = ""
            for (number, index) in partition.enumerated() {
                var text = PartitionText.nullText
                if case .string(let value) = texts[number].value(row), !value.isEmpty { text = PathText.encoded(value) }
                directory += (number == 0 ? "" : "/") + PathText.encoded(columns[index].name) + "=" + text
            }
            if let position = positions[directory] {
                found[position].1.append(Int32(row))
            } else {
                positions[directory] = found.count
                found.append((directory, [Int32(row)]))
            }
        }
        return found
    }

    private func write(_ batch: Batch, _ directory: String) throws(QueryError) {
        let schema = Schema(data.map { columns[$0].field })
        var rest = Batch(schema: schema, columns: data.map { batch.columns[$0] }, rowCount: batch.rowCount)
        while rest.rowCount > 0 {
            if open[directory] == nil { try begin(directory) }
            guard var file = open.removeValue(forKey: directory) else { preconditionFailure("the file was opened") }
            let room = min(rest.rowCount, (writers.rowsMax ?? .max) - file.rows)
            let part = rest.slice(0..<room)
            rest = rest.slice(room..<rest.rowCount)
            let bytes = try file.writer.append(part)
            if !bytes.isEmpty { try file.file.write(bytes) }
            file.rows += room
            let kept = file.writer.keptBytes
            try context.grant.reserve(kept - file.reserved)
            file.reserved = kept
            open[directory] = file
            if let rowsMax = writers.rowsMax, file.rows >= rowsMax { try end(directory) }
        }
    }

    private func begin(_ directory: String) throws(QueryError) {
        if order.count >= Self.openMax { try end(order[0]) }
        open[directory] = OpenFile(
            writer: try writers.writer(), file: try output.create(in: directory, extension: writers.fileExtension))
        order.append(directory)
    }

    private func end(_ directory: String) throws(QueryError) {
        guard var file = open.removeValue(forKey: directory) else { return }
        order.removeAll { $0 == directory }
        try file.file.write(try file.writer.finish())
        try file.file.finish()
        context.grant.release(file.reserved)
    }

    /// Ends all files. `always` makes a file even without rows, so that readers find the schema.
    func finish(always: Bool) throws(QueryError) {
        if always, rowCount == 0, partition.isEmpty { try begin("") }
        for directory in order { try end(directory) }
    }
}

/// Bytes that a path cannot hold, or that would end the name of a partition's directory, as `%XX`. Source: Hive's file utilities.
package enum PathText {
    private static let escaped = Set(Array("\"#%'*/:=?\\{[]^".utf8))
    private static let digits = Array("0123456789ABCDEF".utf8)

    package static func encoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if byte < 0x20 || byte == 0x7f || escaped.contains(byte) {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    package static func decoded(_ bytes: ArraySlice<UInt8>) -> String {
        var plain: [UInt8] = []
        var rest = bytes
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
                plain.append(value)
                rest = rest.dropFirst(2)
            } else {
                plain.append(byte)
            }
        }
        return String(decoding: plain, as: UTF8.self)
    }
}
