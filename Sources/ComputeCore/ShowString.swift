// Results and schemas in Spark's print: the framed table of `DataFrame.show`, its vertical form, and the tree of `printSchema`. Pure
// functions from values to text. Seen from pyspark 4.2.

import QueryCore

package enum ShowString {
    /// The least width of a column.
    private static let widthMin = 3

    /// `rows` holds at most `rowsMax` rows; `hasMore`: there are more. `truncate` 0 prints cells whole and left-aligned.
    package static func render(schema: Schema, rows: [[Value]], hasMore: Bool, rowsMax: Int, truncate: Int, vertical: Bool = false)
        -> String
    {
        let header = schema.fields.map { escaped($0.name) }
        let cells = rows.map { row in zip(row, schema.fields).map { cut(escaped(cell($0, $1.type)), truncate) } }
        var text = vertical ? self.vertical(header, cells) : table(header, cells, alignRight: truncate > 0)
        if hasMore { text += "only showing top \(rowsMax) \(rowsMax == 1 ? "row" : "rows")\n" }
        return text
    }

    /// Pulls the needed rows from a run and prints them.
    package static func render(_ run: QueryRun, rowsMax: Int = 20, truncate: Int = 20, vertical: Bool = false) throws(QueryError) -> String
    {
        let limit = max(0, min(rowsMax, Int(Int32.max) - 1))
        var rows = try run.rows(upTo: limit + 1)
        if let zone = run.zone { rows = rows.map { row in zip(row, run.schema.fields).map { zone.local($0, $1.type) } } }
        return render(
            schema: run.schema, rows: Array(rows.prefix(limit)), hasMore: rows.count > limit, rowsMax: limit, truncate: truncate,
            vertical: vertical)
    }

    private static func cell(_ value: Value, _ type: DataType) -> String {
        guard case .binary(let bytes) = value else { return value.text(type, null: "NULL") }
        return "[" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined(separator: " ") + "]"
    }

    private static func escaped(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case "\u{0B}": out += "\\v"
            case "\u{0C}": out += "\\f"
            case "\u{08}": out += "\\b"
            case "\u{07}": out += "\\a"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    private static func cut(_ text: String, _ truncate: Int) -> String {
        let count = text.utf16.count
        if truncate <= 0 || count <= truncate { return text }
        return truncate < 4 ? String(text.prefix(truncate)) : text.prefix(truncate - 3) + "..."
    }

    /// Wide East Asian characters take two places.
    private static func width(_ text: String) -> Int {
        text.unicodeScalars.reduce(0) { sum, scalar in
            let code = scalar.value
            let isWide =
                (0x1100...0x115F).contains(code) || (0x2E80...0x303E).contains(code) || (0x3041...0xA4CF).contains(code)
                || (0xAC00...0xD7A3).contains(code) || (0xF900...0xFAFF).contains(code) || (0xFE30...0xFE4F).contains(code)
                || (0xFF00...0xFF60).contains(code) || (0xFFE0...0xFFE6).contains(code)
            return sum + (isWide ? 2 : 1)
        }
    }

    private static func padded(_ text: String, _ wanted: Int, right: Bool) -> String {
        let padding = String(repeating: " ", count: max(0, wanted - width(text)))
        return right ? padding + text : text + padding
    }

    private static func table(_ header: [String], _ cells: [[String]], alignRight: Bool) -> String {
        var widths = header.map { max(widthMin, width($0)) }
        for row in cells { for (index, cell) in row.enumerated() { widths[index] = max(widths[index], width(cell)) } }
        let frame = "+" + widths.map { String(repeating: "-", count: $0) }.joined(separator: "+") + "+\n"
        func line(_ row: [String]) -> String {
            "|" + zip(row, widths).map { padded($0, $1, right: alignRight) }.joined(separator: "|") + "|\n"
        }
        return frame + line(header) + frame + cells.map(line).joined() + frame
    }

    private static func vertical(_ header: [String], _ cells: [[String]]) -> String {
        if cells.isEmpty { return "(0 rows)\n" }
        let nameWidth = header.reduce(widthMin) { max($0, width($1)) }
        let valueWidth = cells.joined().reduce(widthMin) { max($0, width($1)) }
        var text = ""
        for (index, row) in cells.enumerated() {
            let title = "-RECORD \(index)"
            text += title + String(repeating: "-", count: max(0, nameWidth + valueWidth + 5 - title.count)) + "\n"
            for (name, cell) in zip(header, row) {
                text += " \(padded(name, nameWidth, right: false)) | \(padded(cell, valueWidth, right: false)) \n"
            }
        }
        return text
    }
}

package enum TreeString {
    /// `root`, then one line for each field; `level` limits the depth, 0 means all of it.
    package static func render(_ schema: Schema, level: Int = 0) -> String {
        let depth = level <= 0 ? Int.max : level
        return "root\n" + schema.fields.map { field($0.name, $0.type, "nullable = \($0.nullable)", " |", depth) }.joined()
    }

    private static func field(_ name: String, _ type: DataType, _ suffix: String, _ prefix: String, _ depth: Int) -> String {
        "\(prefix)-- \(name): \(type.treeName) (\(suffix))\n" + (depth > 1 ? children(type, prefix + "    |", depth - 1) : "")
    }

    private static func children(_ type: DataType, _ prefix: String, _ depth: Int) -> String {
        switch type {
        case .array(let element, let null): field("element", element, "containsNull = \(null)", prefix, depth)
        case .map(let key, let value, let null):
            "\(prefix)-- key: \(key.treeName)\n" + (depth > 1 ? children(key, prefix + "    |", depth - 1) : "")
                + field("value", value, "valueContainsNull = \(null)", prefix, depth)
        case .structure(let fields): fields.map { field($0.name, $0.type, "nullable = \($0.nullable)", prefix, depth) }.joined()
        default: ""
        }
    }
}
