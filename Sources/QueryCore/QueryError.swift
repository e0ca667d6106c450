// A refusal of the SQL engine, with Spark's own error class, SQLSTATE, parameters and wording, so that a PySpark user sees the message of a
// real Spark. `ErrorClass` holds the table of classes; this file owns the thrown value and its rendering.

import Collections

package struct QueryError: Error, Hashable, Sendable {
    /// Which of Spark's exceptions a client should raise; the Spark Connect door maps it to Java class names.
    package enum Kind: Hashable, Sendable {
        case parse, analysis, arithmetic, dateTime, numberFormat, illegalArgument, unsupported, runtime
        /// Raised by a Python function, or by the end of its process.
        case python
    }

    package var errorClass: ErrorClass
    package var parameters: OrderedDictionary<String, String>
    /// The place in the SQL text, if known.
    package var position: TextPosition?
    package var kind: Kind { errorClass.kind }
    /// Spark's full class name, e.g. `UNRESOLVED_COLUMN.WITH_SUGGESTION`.
    package var name: String { errorClass.rawValue }
    package var sqlState: String { errorClass.sqlState }

    package init(_ errorClass: ErrorClass, _ parameters: OrderedDictionary<String, String> = [:], at position: TextPosition? = nil) {
        self.errorClass = errorClass
        self.parameters = parameters
        self.position = position
    }

    /// Spark's search path for a function, table or view, in its messages.
    package static let searchPath = "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]"
    /// The setting named in errors that it could turn off; here ANSI mode is always on.
    package static let ansiSetting = "\"spark.sql.ansi.enabled\""

    package static func unsupported(_ feature: String) -> QueryError { QueryError(.unsupportedFeature, ["feature": feature]) }

    /// `[CLASS] wording SQLSTATE: xxxxx`, then the place in the text.
    package var message: String {
        var text = errorClass.template
        for (name, value) in parameters { text = QueryError.replace("<\(name)>", with: value, in: text) }
        var line = "[\(name)] \(text) SQLSTATE: \(sqlState)"
        if let position {
            line += kind == .parse ? " (line \(position.line), pos \(position.column))" : "; line \(position.line) pos \(position.column)"
            if kind == .parse { line += position.excerpt }
        }
        return line
    }

    private static func replace(_ pattern: String, with value: String, in text: String) -> String {
        var out = ""
        var rest = text[...]
        while let found = rest.firstRange(of: pattern) {
            out += rest[..<found.lowerBound]
            out += value
            rest = rest[found.upperBound...]
        }
        return out + rest
    }
}

/// A place in a SQL text. Lines count from 1, columns from 0, as in Spark.
package struct TextPosition: Hashable, Sendable {
    package var line: Int
    package var column: Int
    package var sql: String

    package init(line: Int, column: Int, sql: String) {
        self.line = line
        self.column = column
        self.sql = sql
    }

    /// The text with a marker below the place, in the form of Spark's parse errors.
    var excerpt: String {
        var lines = sql.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let marker = String(repeating: "-", count: column) + "^^^"
        lines.insert(marker, at: min(line, lines.count))
        return "\n\n== SQL ==\n" + lines.joined(separator: "\n") + "\n"
    }
}
