// The door through our own client: SQL, refusals in Spark's words, MapReduce and submitted programs, stop. PySpark's view of the same door
// is in Tests/Clients/pyspark_check.py, which the process tests run.
import ComputeRuntime
import Foundation
import Testing

@testable import ComputeService

@Suite struct ComputeDoorTests {
    func withDoor(_ body: @Sendable @escaping (SparkConnectClient) async throws -> Void) async throws {
        var settings = ComputeDoorSettings()
        settings.port = 0
        let door = ComputeDoor(settings: settings, catalog: MemoryCatalog(warehouse: "/nowhere"))
        let address = try await door.start()
        do {
            try await SparkConnectClient.connected(host: address.host, port: address.port, body)
        } catch {
            await door.stop()
            throw error
        }
        await door.stop()
    }

    @Test func answersSQL() async throws {
        try await withDoor { client in
            let result = try await client.sql("SELECT id, id % 2 = 0 AS even, NULL AS nothing FROM range(3)")
            #expect(result.columnNames == ["id", "even", "nothing"])
            #expect(result.textRows == [["0", "true", nil], ["1", "false", nil], ["2", "true", nil]])
            let empty = try await client.sql("SELECT 1 AS a WHERE false")
            let table = try await client.show("SELECT 1 AS a")
            let version = try await client.version()
            #expect(empty.rowCount == 0 && empty.columnNames == ["a"] && version.hasPrefix("4."))
            #expect(table == "+---+\n|  a|\n+---+\n|  1|\n+---+\n")
        }
    }

    @Test func keepsViewsInTheSession() async throws {
        try await withDoor { client in
            let created = try await client.sql("CREATE TEMP VIEW numbers AS SELECT id FROM range(4)")
            let sum = try await client.sql("SELECT sum(id) FROM numbers")
            #expect(created.rowCount == 0 && sum.textRows == [["6"]])
        }
    }

    @Test func refusesInSparksWords() async throws {
        try await withDoor { client in
            let column = await #expect(throws: SparkClientError.self) { try await client.sql("SELECT idd FROM range(1)") }
            #expect(column?.condition == "UNRESOLVED_COLUMN.WITH_SUGGESTION" && column?.sqlState == "42703")
            let syntax = await #expect(throws: SparkClientError.self) { try await client.sql("SELEC 1") }
            #expect(syntax?.condition == "PARSE_SYNTAX_ERROR")
            let division = await #expect(throws: SparkClientError.self) { try await client.sql("SELECT 1 / 0") }
            #expect(division?.condition == "DIVIDE_BY_ZERO" && division?.isUnreachable == false)
        }
    }

    @Test func aServerThatIsNotThereIsUnreachable() async throws {
        let error = await #expect(throws: SparkClientError.self) {
            try await SparkConnectClient.connected(host: "127.0.0.1", port: 1) { try await $0.version() }
        }
        #expect(error?.isUnreachable == true)
    }

    @Test func aPortInUseIsAnError() async throws {
        var settings = ComputeDoorSettings()
        settings.port = 0
        let first = ComputeDoor(settings: settings, catalog: MemoryCatalog(warehouse: "/nowhere"))
        settings.port = try await first.start().port
        let second = ComputeDoor(settings: settings, catalog: MemoryCatalog(warehouse: "/nowhere"))
        await #expect(throws: (any Error).self) { try await second.start() }
        await first.stop()
    }

    @Test func runsMapReduceAndStreamsItsProgress() async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("door-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }  // left behind at worst
        try "b a\na c a\n".write(to: directory.appendingPathComponent("in.txt"), atomically: true, encoding: .utf8)
        let path = directory.path
        try await withDoor { client in
            var job = MapReduceRequest()
            job.input = ["file://\(path)/in.txt"]
            job.output = path + "/out"
            job.mapper = "tr -s ' ' '\\n'"
            job.reducer = "uniq -c"
            let events = EventLog()
            let outcome = try await client.mapReduce(job) { events.add($0) }
            #expect(outcome.counters.contains { $0.name == "Map output records" && $0.value == 5 })
            #expect(events.progress.last == [1, 1, 1, 1])
            let text = try String(contentsOfFile: path + "/out/part-00000", encoding: .utf8)
            #expect(
                text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ").trimmingCharacters(in: .whitespaces) }
                    == ["3 a", "1 b", "1 c"])
            let error = await #expect(throws: SparkClientError.self) { try await client.mapReduce(job) { _ in } }
            #expect(error?.message.contains("FileAlreadyExistsException") == true)
            job.output = path + "/out2"
            job.mapper = "sh -c 'echo broken >&2; exit 9'"
            job.attemptsMax = 1
            let failed = await #expect(throws: SparkClientError.self) { try await client.mapReduce(job) { _ in } }
            #expect(failed?.message.contains("exit code 9") == true && failed?.message.contains("broken") == true)
        }
    }

    @Test func runsSubmittedProgramsAndStreamsTheirOutput() async throws {
        try await withDoor { client in
            let events = EventLog()
            let local = try await client.submit(program: "/bin/sh", arguments: ["-c", "echo out; echo err >&2; exit 3"]) { events.add($0) }
            #expect(local.exitCode == 3 && events.output == "out\n" && events.errors == "err\n")
            let script = Array("#!/bin/sh\necho \"$1 $GREETING $HIDDEN\"\n".utf8)
            let uploads = EventLog()
            let uploaded = try await client.submit(content: script, name: "hello", arguments: ["x"], environment: ["GREETING": "hi"]) {
                uploads.add($0)
            }
            #expect(uploaded.exitCode == 0 && uploads.output == "x hi \n")
        }
    }
}

/// Events of a job, gathered over threads.
final class EventLog: @unchecked Sendable {  // guarded by `lock`
    private let lock = NSLock()
    private var events: [JobEvent] = []

    func add(_ event: JobEvent) { lock.withLock { events.append(event) } }

    var progress: [[Int]] {
        lock.withLock {
            events.compactMap {
                if case .progress(let done, let maps, let reduced, let reduces, _) = $0 { [done, maps, reduced, reduces] } else { nil }
            }
        }
    }

    var output: String {
        lock.withLock {
            String(decoding: events.flatMap { if case .standardOutput(let bytes) = $0 { bytes } else { [] as [UInt8] } }, as: UTF8.self)
        }
    }

    var errors: String {
        lock.withLock {
            String(decoding: events.flatMap { if case .standardError(let bytes) = $0 { bytes } else { [] as [UInt8] } }, as: UTF8.self)
        }
    }
}
