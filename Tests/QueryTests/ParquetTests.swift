// Parquet: files of pyarrow, DuckDB and Spark are read as they were meant, written rows are read back, damaged files end in an error that
// names the place, row groups that a filter excludes are not read. `Golden/make.py` makes the files and the texts of their values.
import Foundation
import Parquet
import QueryCore
import Testing

@testable import ComputeCore

/// Writes into memory.
private final class MemoryOutput: TableOutput, @unchecked Sendable {  // used on the one thread of a test
    private(set) var files: [String: [UInt8]] = [:]

    private final class File: TableOutputFile {
        private let output: MemoryOutput
        private let path: String
        private var bytes: [UInt8] = []

        init(_ output: MemoryOutput, _ path: String) { (self.output, self.path) = (output, path) }

        func write(_ more: [UInt8]) throws(QueryError) { bytes += more }
        func finish() throws(QueryError) { output.files[path] = bytes }
    }

    func create(in directory: String, extension ending: String) throws(QueryError) -> any TableOutputFile {
        File(self, "out/" + (directory.isEmpty ? "" : directory + "/") + "part-\(files.count)\(ending)")
    }
}

@Suite struct ParquetTests {
    private static let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden")

    static let names: [String] = {
        let all = try? FileManager.default.contentsOfDirectory(atPath: golden.path)  // an empty list fails the count below
        return (all ?? []).filter { $0.hasSuffix(".parquet") && !$0.hasPrefix("empty") && !$0.hasPrefix("odd") }.sorted()
    }()

    private func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: Self.golden.appendingPathComponent(name))) }

    /// The values of each column as text, without `struct<...>` names.
    private func expected(_ name: String) throws -> [String: [String]] {
        let kind = name.split(separator: "-")[0] == "all" ? "all" : String(name.split(separator: ".")[0])
        let text = String(decoding: try bytes(kind + ".txt"), as: UTF8.self)
        return Dictionary(
            uniqueKeysWithValues: text.split(separator: "\n").map { line in
                let parts = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
                return (parts[0], Array(parts.dropFirst()))
            })
    }

    private static func text(_ value: Value) -> String {
        switch value {
        case .null: "null"
        case .boolean(let flag): "\(flag)"
        case .integer(let number): "\(number)"
        case .double(let number): "\(number)"
        case .decimal(let number): "\(number)"
        case .string(let string): string
        case .binary(let bytes): bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        case .array(let items): "[" + items.map(text).joined(separator: ",") + "]"
        case .map(let keys, let items): "{" + zip(keys, items).map { text($0) + ":" + text($1) }.joined(separator: ",") + "}"
        case .structure(let items): "(" + items.map(text).joined(separator: ",") + ")"
        }
    }

    private func session(_ files: [String: [UInt8]]) -> QuerySession { QuerySession(files: MemoryFiles(bytes: files)) }

    private func rows(_ session: QuerySession, _ sql: String) throws -> [[Value]] {
        try session.run(try session.plan(sql: sql), now: 0).rows()
    }

    private func check(_ session: QuerySession, _ path: String, _ expected: [String: [String]]) throws {
        let run = try session.run(try session.plan(sql: "SELECT * FROM parquet.`\(path)`"), now: 0)
        let found = try run.rows()
        for (index, field) in run.schema.fields.enumerated() {
            // Maps without entries look like empty lists in the texts.
            let wanted = try #require(expected[field.name]).map { field.type.isMap && $0 == "[]" ? "{}" : $0 }
            #expect(found.map { Self.text($0[index]) } == wanted, "\(path): \(field.name)")
        }
    }

    @Test(arguments: names) func filesOfOtherWritersAreRead(_ name: String) throws {
        #expect(Self.names.count == 14)
        try check(session(["t": try bytes(name)]), "t", try expected(name))
    }

    @Test func aFileWithoutRowsHasItsColumns() throws {
        let session = session(["t": try bytes("empty-pyarrow.parquet")])
        let run = try session.run(try session.plan(sql: "SELECT * FROM parquet.t"), now: 0)
        #expect(run.schema.count == 19)
        #expect(try run.rows().isEmpty)
    }

    @Test func aDayBeyondAllCalendarsEndsNothing() throws {
        let session = session(["t": try bytes("odd-int96.parquet")])
        #expect(try rows(session, "SELECT count(at) FROM parquet.t") == [[.integer(1)]])
    }

    /// 184 bytes whose 3,000 nulls of 1 MiB each would take 3 GB.
    @Test func nullsOfALargeFixedLengthAreRefusedBeforeTheirMemoryIsTaken() throws {
        let session = session(["t": try bytes("odd-wide-nulls.parquet")])
        #expect(throws: QueryError.self) { try rows(session, "SELECT wide FROM parquet.t") }
    }

    private func written(_ session: QuerySession, _ sql: String, _ options: [String: String], partition: [String] = []) throws -> [String:
        [UInt8]]
    {
        let output = MemoryOutput()
        let shape = OutputShape(
            format: .parquet, options: options.sorted { $0.key < $1.key }.map { ReadOption($0.key, $0.value) }, partitionColumns: partition)
        try session.write(try session.plan(sql: sql), as: shape, to: output, now: 0)
        return output.files
    }

    @Test(arguments: [
        [:], ["compression": "none", "parquet.writer.version": "v2"], ["compression": "zstd", "parquet.page.row.count.limit": "7"],
        ["compression": "gzip", "parquet.dictionary.page.size": "20"], ["compression": "lz4_raw", "parquet.enable.dictionary": "false"],
    ])
    func whatIsWrittenIsReadBack(_ options: [String: String]) throws {
        let session = session(["t": try bytes("all-pyarrow-snappy.parquet")])
        let files = try written(session, "SELECT * FROM parquet.t", options)
        #expect(files.count == 1)
        let expected = try expected("all-pyarrow-snappy.parquet")
        for (path, bytes) in files { try check(self.session([path: bytes]), path, expected) }
    }

    @Test func aFilterSkipsRowGroupsAndPartitions() throws {
        let source = session([:])
        // Row groups of one batch each.
        let sql = "SELECT id, CAST(id AS STRING) AS name, CASE WHEN id % 2 = 0 THEN id END AS even FROM range(100000)"
        let files = try written(source, sql, ["parquet.block.size": "1024"])
        let (path, bytes) = try #require(files.first)
        let file = try ParquetSource(
            TableFile(path: path, byteCount: bytes.count), MemoryFiles(bytes: files), QueryGrant(bytesMax: 1 << 30)
        ).parsed()
        #expect(file.metadata.rowGroups.count > 5)
        func kept(_ condition: String) throws -> Int {
            let session = session(files)
            let bound = try session.analysed(try session.plan(sql: "SELECT id FROM parquet.`\(path)` WHERE \(condition)"))
            guard case .project(_, .filter(let filter, _)) = bound else { return -1 }
            let pruning = ParquetPruning(PredicatePushdown.conjuncts(filter))
            return file.metadata.rowGroups.count { !pruning.excludes($0, file.schema) }
        }
        #expect(try kept("id < 10L") == 1)
        #expect(try kept("id >= 99999L AND id < 200000L") == 1)
        #expect(try kept("id = -1L") == 0)
        #expect(try kept("5L > id") == 1)
        #expect(try kept("even IS NULL") == file.metadata.rowGroups.count)
        #expect(try kept("id IS NULL") == 0)
        #expect(
            try rows(session(files), "SELECT count(*), sum(id) FROM parquet.`\(path)` WHERE id BETWEEN 20000L AND 20009L") == [
                [.integer(10), .integer(200_045)]
            ])
    }

    @Test func rowsGoIntoTheDirectoriesOfTheirValues() throws {
        let files = try written(
            session([:]), "SELECT id, id % 2 AS k, CASE WHEN id > 4 THEN 'a/b' END AS name FROM range(10)", [:], partition: ["k", "name"])
        #expect(
            Set(files.keys.map { $0.split(separator: "/").dropLast().joined(separator: "/") }) == [
                "out/k=0/name=__HIVE_DEFAULT_PARTITION__", "out/k=1/name=__HIVE_DEFAULT_PARTITION__", "out/k=0/name=a%2Fb",
                "out/k=1/name=a%2Fb",
            ])
        #expect(PathText.decoded(Array("a%2Fb%".utf8)[...]) == "a/b%")
        #expect(throws: QueryError.self) { try written(session([:]), "SELECT id FROM range(1)", [:], partition: ["id"]) }
        #expect(throws: QueryError.self) { try written(session([:]), "SELECT id FROM range(1)", [:], partition: ["no"]) }
        #expect(throws: QueryError.self) { try written(session([:]), "SELECT id, id AS ID FROM range(1)", [:]) }
    }

    @Test func damagedFilesEndInAnErrorOrInOtherRows() throws {
        var random = SeededBytes(state: 11)
        for name in ["all-pyarrow-delta.parquet", "all-duckdb-v2.parquet", "all-spark-micros.parquet"] {
            let whole = try bytes(name)
            for _ in 0..<60 {
                var damaged = whole
                for _ in 0...random.below(4) { damaged[random.below(damaged.count)] = UInt8(random.below(256)) }
                if random.below(4) == 0 { damaged.removeLast(random.below(damaged.count)) }
                do {
                    _ = try rows(session(["t": damaged]), "SELECT * FROM parquet.t")
                } catch { #expect(error is QueryError) }
            }
        }
    }

    @Test func anErrorNamesColumnAndPage() throws {
        var damaged = try bytes("all-pyarrow-plain.parquet")
        let file = try ParquetSource(
            TableFile(path: "t", byteCount: damaged.count), MemoryFiles(bytes: ["t": damaged]), QueryGrant(bytesMax: 1 << 30)
        ).parsed()
        let chunk = file.metadata.rowGroups[0].columns[7]
        damaged[chunk.dataPageOffset + chunk.compressedBytes - 5] ^= 1
        let session = session(["t": damaged])
        let error = #expect(throws: QueryError.self) { try rows(session, "SELECT text FROM parquet.t") }
        #expect(try #require(error).message.contains("column text, row group 0, page 0: its checksum"))
        #expect(try rows(session, "SELECT count(i32) FROM parquet.t").count == 1)
    }
}

private struct SeededBytes {
    var state: UInt64

    mutating func below(_ limit: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % limit
    }
}

extension DataType {
    fileprivate var isMap: Bool { if case .map = self { true } else { false } }
}
