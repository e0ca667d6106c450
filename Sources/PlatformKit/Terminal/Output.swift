// Data goes to stdout, everything else to stderr. Tables for people, JSON for programs; colour only on a terminal that wants it.
import Base
import Foundation

/// The form of a command's data.
enum OutputFormat: String, CaseIterable, Sendable { case table, json }

/// A value of a table or a JSON document.
enum OutputValue: Sendable, Equatable {
    case null
    case text(String)
    case number(Int64)
    case decimal(Double)
    /// True or false; `text` is the form for people, "yes" and "no" by default.
    case flag(Bool, text: String? = nil)
    /// A number with exactly these digits.
    case literal(String)
    /// Commas between them for people.
    case numbers([Int64])

    var plain: String {
        switch self {
        case .null: "-"
        case .text(let text): text
        case .number(let number): "\(number)"
        case .decimal(let number): "\(number)"
        case .flag(let flag, let text): text ?? (flag ? "yes" : "no")
        case .literal(let digits): digits
        case .numbers(let numbers): numbers.map(String.init).joined(separator: ",")
        }
    }

    var json: String {
        switch self {
        case .null: "null"
        case .text(let text): JSONText.quoted(text)
        case .number(let number): "\(number)"
        case .decimal(let number): number.isFinite ? "\(number)" : "null"
        case .flag(let flag, _): flag ? "true" : "false"
        case .literal(let digits): digits
        case .numbers(let numbers): "[" + numbers.map(String.init).joined(separator: ",") + "]"
        }
    }
}

extension JSONText {
    static func object(_ fields: [(String, OutputValue)]) -> String {
        "{" + fields.map { quoted($0.0) + ":" + $0.1.json }.joined(separator: ",") + "}"
    }
}

enum Output {
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
    static var usesColour: Bool { isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil }

    /// Writes to stdout at once. A reader that has gone away (a closed pipe) ends the program quietly.
    static func data(_ text: String) { write(Bytes(string: text), to: STDOUT_FILENO) }
    static func line(_ text: String) { data(text + "\n") }
    static func raw(_ bytes: Bytes) { write(bytes, to: STDOUT_FILENO) }
    /// A prompt for a person; no line end.
    static func prompt(_ text: String) { write(Bytes(string: text), to: STDERR_FILENO) }
    static func note(_ text: String) { write(Bytes(string: text + "\n"), to: STDERR_FILENO) }

    static func bold(_ text: String) -> String { usesColour ? "\u{1b}[1m\(text)\u{1b}[0m" : text }

    private static func write(_ bytes: Bytes, to descriptor: Int32) {
        // The buffer's memory is only read within the call.
        bytes.withUnsafeReadableBytes { memory in
            var done = 0
            while done < memory.count {
                let wrote = Foundation.write(descriptor, memory.baseAddress! + done, memory.count - done)
                if wrote < 0 && errno == EINTR { continue }
                if wrote <= 0 { exit(wrote < 0 && errno == EPIPE ? 0 : ExitCode.failed.rawValue) }
                done += wrote
            }
        }
    }

    /// Rows under a header line, or one JSON array of objects. Headings are in capitals; a query's column names stay as they are.
    static func rows(_ columns: [String], _ rows: [[OutputValue]], _ format: OutputFormat, capitals: Bool = true) {
        switch format {
        case .json: line("[" + rows.map { JSONText.object(Array(zip(columns, $0))) }.joined(separator: ",") + "]")
        case .table:
            let texts = [capitals ? columns.map { $0.uppercased() } : columns] + rows.map { $0.map(\.plain) }
            let widths = columns.indices.map { column in texts.map { $0[column].count }.max() ?? 0 }
            for row in texts {
                let cells = row.enumerated().map { place, text in
                    place == row.count - 1 ? text : text.padding(toLength: widths[place], withPad: " ", startingAt: 0)
                }
                line(cells.joined(separator: "  "))
            }
        }
    }

    /// One thing with named fields.
    static func fields(_ fields: [(String, OutputValue)], _ format: OutputFormat) {
        switch format {
        case .json: line(JSONText.object(fields))
        case .table:
            let width = fields.map(\.0.count).max() ?? 0
            for (name, value) in fields { line(name.padding(toLength: width, withPad: " ", startingAt: 0) + "  " + value.plain) }
        }
    }
}
