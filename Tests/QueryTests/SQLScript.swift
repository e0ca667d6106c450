// The SQL script tier: each `SQL/*.test` file is a conversation with one session. Directives: `statement ok`, `statement error CLASS`,
// `query [unordered]` with a line `---- name type | ...` and the expected rows, `file PATH` with a file's lines up to `----`, and `zone
// NAME`, which sets the session's time zone. An empty cell is written `(empty)`. Scripts that say so were recorded from real Spark; a
// difference is a fault of ours.

import ComputeCore
import Foundation
import QueryCore
import Testing

/// Files of a test in memory: a real implementer of the port, not a stand-in for one.
final class MemoryFiles: TableFiles {
    private let files: [String: [UInt8]]

    init(_ files: [String: String] = [:], bytes: [String: [UInt8]] = [:]) {
        self.files = files.mapValues { Array($0.utf8) }.merging(bytes) { $1 }
    }

    func list(_ path: String) throws(QueryError) -> [TableFile]? {
        if let file = files[path] { return [TableFile(path: path, byteCount: file.count)] }
        let inside = files.keys.filter { $0.hasPrefix(path.hasSuffix("/") ? path : path + "/") }.sorted()
        return inside.isEmpty ? nil : inside.map { TableFile(path: $0, byteCount: files[$0]?.count ?? 0) }
    }

    func open(_ file: TableFile) throws(QueryError) -> any TableFileReader { MemoryReader(files[file.path] ?? []) }
    func openRanges(_ file: TableFile) throws(QueryError) -> any TableRanges { MemoryRanges(files[file.path] ?? []) }
}

final class MemoryRanges: TableRanges {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func read(at offset: Int, count: Int) throws(QueryError) -> [UInt8] { Array(bytes.dropFirst(offset).prefix(count)) }
}

final class MemoryReader: TableFileReader {
    private var rest: ArraySlice<UInt8>
    private let most: Int

    /// `most` bounds each read, so that a test can cut records anywhere.
    init(_ bytes: [UInt8], most: Int = .max) {
        rest = bytes[...]
        self.most = most
    }

    func read(upTo count: Int) throws(QueryError) -> [UInt8] {
        let chunk = rest.prefix(min(count, most))
        rest = rest.dropFirst(chunk.count)
        return Array(chunk)
    }
}

/// The zones of the system's database.
struct ZoneFiles: TimeZones {
    func rules(_ name: String) -> ZoneRules? {
        FileManager.default.contents(atPath: "/usr/share/zoneinfo/\(name)").flatMap { ZoneRules(name: name, tzif: Array($0)) }
    }
}

struct SQLScript {
    private static let directory = Bundle.module.bundleURL.appendingPathComponent("SQL")

    static let names: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []  // No scripts fail the test by their absence.
        return files.filter { $0.hasSuffix(".test") }.map { String($0.dropLast(5)) }.sorted()
    }()

    private var files: [String: String] = [:]
    private var session: QuerySession
    private let settings: QuerySettings
    private let workers: any QueryWorkers
    private(set) var checks = 0

    init(settings: QuerySettings = QuerySettings(), workers: any QueryWorkers = SerialWorkers()) {
        self.settings = settings
        self.workers = workers
        session = QuerySession(files: MemoryFiles(), settings: settings)
    }

    /// 2026-01-01 in microseconds: the scripts' current time.
    static let now: Int64 = 1_767_225_600_000_000

    static func rendered(_ row: [Value], _ schema: Schema) -> String {
        zip(row, schema.fields).map { value, field in
            let text = value.isNull ? "NULL" : value.text(field.type)
            return text.isEmpty ? "(empty)" : text
        }.joined(separator: " | ")
    }

    mutating func run(_ name: String) throws {
        let url = Self.directory.appendingPathComponent(name + ".test")
        var lines = try String(contentsOf: url, encoding: .utf8).components(separatedBy: "\n")[...]
        var number = 0
        func next() -> String? {
            number += 1
            return lines.popFirst()
        }
        while let line = next() {
            if line.isEmpty || line.hasPrefix("#") { continue }
            let start = number
            if line.hasPrefix("file ") {
                var content = ""
                while let text = next(), text != "----" { content += text + "\n" }
                files[String(line.dropFirst(5))] = content
                session = QuerySession(files: MemoryFiles(files), settings: settings)
                continue
            }
            if line.hasPrefix("zone ") {
                session.settings.zones = ZoneFiles()
                session.settings.zone = session.zone(named: String(line.dropFirst(5)))
                if session.settings.zone == nil { Issue.record("\(name).test:\(start): no zone \(line.dropFirst(5))") }
                continue
            }
            var sql: [String] = []
            var expected: [String]?
            var header = ""
            while let text = next(), !text.isEmpty {
                if expected != nil {
                    expected?.append(text)
                } else if text.hasPrefix("---- ") || text == "----" {
                    header = String(text.dropFirst(5))
                    expected = []
                } else {
                    sql.append(text)
                }
            }
            check(line, sql.joined(separator: "\n"), header, expected ?? [], "\(name).test:\(start)")
        }
    }

    private mutating func check(_ directive: String, _ sql: String, _ header: String, _ expected: [String], _ place: String) {
        checks += 1
        do throws(QueryError) {
            let run = try session.execute(try session.plan(sql: sql), now: Self.now, workers: workers)
            let rows = try run.rows()
            if directive.hasPrefix("statement error") {
                Issue.record("\(place): answered, should have been refused (\(directive)): \(sql)")
                return
            }
            guard directive.hasPrefix("query") else { return }
            let names = run.schema.fields.map { "\($0.name) \($0.type.simpleString)" }.joined(separator: " | ")
            let shown = rows.map { row in zip(row, run.schema.fields).map { run.zone?.local($0, $1.type) ?? $0 } }
            var got = shown.map { Self.rendered($0, run.schema) }
            if directive == "query unordered" { got.sort() }
            if names != header { Issue.record("\(place): \(sql)\n  columns \(names)\n  wanted  \(header)") }
            if got != expected { Issue.record("\(place): \(sql)\n  rows   \(got)\n  wanted \(expected)") }
        } catch {
            let wanted = directive.hasPrefix("statement error ") ? String(directive.dropFirst(16)) : ""
            if error.name != wanted { Issue.record("\(place): \(sql)\n  error  \(error.message)\n  wanted \(directive)") }
        }
    }
}

@Suite struct SQLScriptTests {
    @Test(arguments: SQLScript.names) func scriptAnswersAsRecorded(_ name: String) throws {
        var script = SQLScript()
        try script.run(name)
        #expect(script.checks > 0)
    }
}
