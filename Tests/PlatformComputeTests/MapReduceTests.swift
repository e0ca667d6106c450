// MapReduce against plain computation: streaming commands and native functions, spills and combiners, failures and refusals, Hadoop's
// rules for keys, partitions, commands and reports.
import ComputeCore
import Foundation
import Testing

@testable import ComputeRuntime
@testable import PlatformCompute

@Suite struct MapReduceTests {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("mr-\(UUID().uuidString)").path
    let pool = ComputePool(name: "mr", threads: 2)
    var output: String { directory + "/out" }

    /// Lines of words with repeats, over several files.
    func writeInput() throws -> [String: Int] {
        var counts: [String: Int] = [:]
        for file in 0..<3 {
            var text = ""
            for line in 0..<200 {
                let words = (0..<5).map { "w\((file * 31 + line * 7 + $0 * 13) % 97)" }
                for word in words { counts[word, default: 0] += 1 }
                text += words.joined(separator: " ") + "\n"
            }
            let writer = try LocalFiles().create("\(directory)/in/file\(file)")
            try writer.write(Array(text.utf8)[...])
            try writer.finish()
        }
        return counts
    }

    func readOutput() throws -> [String] {
        try FileSchemes().expand(output).flatMap { part in
            try String(contentsOfFile: part.path, encoding: .utf8).split(separator: "\n").map(String.init)
        }
    }

    func streamingJob() -> MapReduceJob {
        var job = MapReduceJob(inputs: [directory + "/in"], output: output, mapper: .command(["tr", "-s", " ", "\n"]))
        job.reducer = .command(["awk", "-F", "\t", "{ n[$1]++ } END { for (k in n) print k \"\\t\" n[k] }"])
        return job
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: directory)  // left behind at worst
    }

    @Test(arguments: [(1, 0, 64 << 20), (3, 700, 64 << 20), (2, 0, 2_000)])
    func streamingWordCountEqualsPlainComputation(reduceTasks: Int, splitBytes: Int64, sortBytes: Int) throws {
        defer { remove() }
        let expected = try writeInput()
        var job = streamingJob()
        job.reduceTasks = reduceTasks
        job.splitBytesMax = splitBytes
        job.sortBytesMax = sortBytes
        let outcome = try MapReduceRunner(schemes: FileSchemes(), pool: pool, scratch: directory).run(job)
        let names = try LocalFiles().list(output).map(\.name)
        #expect(names == ["_SUCCESS"] + (0..<reduceTasks).map { "part-0000\($0)" })
        #expect(try readOutput().sorted() == expected.map { "\($0.key)\t\($0.value)" }.sorted())
        #expect(outcome.counters[.mapInputRecords] == 600 && outcome.counters[.reduceInputRecords] == 3_000)
        #expect(outcome.counters[.reduceInputGroups] == Int64(expected.count))
        #expect(try LocalFiles().list(directory).map(\.name) == ["in", "out"])
    }

    @Test(arguments: [false, true]) func nativeWordCountEqualsPlainComputation(hasCombiner: Bool) throws {
        defer { remove() }
        let expected = try writeInput()
        let sc = try SparkContext(appName: "tests", master: "local[2]")
        var job = MapReduce<String, Int, String, Int>(
            input: [directory + "/in/file*"], output: output, reduceTasks: 2,
            map: { line, emit in for word in line.split(separator: " ") { try emit(String(word), 1) } },
            reduce: { key, values, emit in try emit(key, values.reduce(0, +)) })
        if hasCombiner { job.combine = { key, values, emit in try emit(key, values.reduce(0, +)) } }
        let counters = try job.run(in: sc)
        #expect(try readOutput().sorted() == expected.map { "\($0.key)\t\($0.value)" }.sorted())
        #expect(counters["Map-Reduce Framework: Map output records"] == 3_000)
        #expect(hasCombiner == ((counters["Map-Reduce Framework: Reduce input records"] ?? 0) < 3_000))
    }

    @Test func identityStepsSortTheLinesOfAllInputs() throws {
        defer { remove() }
        _ = try writeInput()
        let job = MapReduceJob(inputs: [directory + "/in/file0", directory + "/in/file1"], output: output, mapper: .identity)
        _ = try MapReduceRunner(schemes: FileSchemes(), pool: pool, scratch: directory).run(job)
        let lines = try readOutput()
        #expect(lines.count == 400 && lines == lines.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    }

    @Test func withoutReducersTheMappersOutputIsTheJobs() throws {
        defer { remove() }
        _ = try writeInput()
        var job = MapReduceJob(inputs: [directory + "/in"], output: output, mapper: .command(["grep", "-c", ""]))
        job.reduceTasks = 0
        _ = try MapReduceRunner(schemes: FileSchemes(), pool: pool, scratch: directory).run(job)
        #expect(try readOutput() == ["200", "200", "200"])
    }

    @Test func aFailingMapperFailsTheJobWithItsStandardError() throws {
        defer { remove() }
        _ = try writeInput()
        var job = streamingJob()
        job.mapper = .command(["sh", "-c", "echo the disk is on fire >&2; exit 3"])
        job.attemptsMax = 2
        let error = #expect(throws: JobFailure.self) {
            try MapReduceRunner(schemes: FileSchemes(), pool: pool, scratch: directory).run(job)
        }
        #expect(error?.attempts == 2 && error?.dataset == "map [0]")
        #expect(error?.cause.contains("exit code 3") == true && error?.cause.contains("the disk is on fire") == true)
        #expect(try LocalFiles().list(directory).map(\.name) == ["in"])
    }

    @Test func aFailedJobEndsItsOtherTasksAndLeavesNothing() throws {
        defer { remove() }
        _ = try writeInput()
        var job = streamingJob()
        job.mapper = .command(["sh", "-c", "case $mapreduce_map_input_file in *file0) exit 3;; *) sleep 600;; esac"])
        job.attemptsMax = 1
        job.reduceTasks = 0
        #expect(throws: JobFailure.self) { try MapReduceRunner(schemes: FileSchemes(), pool: pool, scratch: directory).run(job) }
        #expect(try LocalFiles().list(directory).map(\.name) == ["in"])
    }

    @Test func keysGoToThePartitionsThatHadoopGivesThem() {
        // Hash of Text: 31 + byte, and so on; "a" is 128, "ab" is 4066, bytes count as signed.
        #expect(StreamingRules.partition(Array("a".utf8)[...], reduceTasks: 5) == 3)
        #expect(StreamingRules.partition(Array("ab".utf8)[...], reduceTasks: 5) == 1)
        #expect(StreamingRules.partition([0xFF], reduceTasks: 7) == 2)
        #expect(StreamingRules.partition([], reduceTasks: 7) == 1)
    }

    @Test func aMissingProgramIsNamed() throws {
        defer { remove() }
        _ = try writeInput()
        var job = streamingJob()
        job.mapper = .command(["no-such-program-here"])
        let error = #expect(throws: JobFailure.self) {
            try MapReduceRunner(schemes: FileSchemes(), pool: pool, scratch: directory).run(job)
        }
        #expect(error?.cause.contains("cannot start 'no-such-program-here'") == true)
    }

    @Test func refusesAnExistingOutputDirectoryAndLeavesItAlone() throws {
        defer { remove() }
        _ = try writeInput()
        try LocalFiles().makeDirectories(output)
        let error = #expect(throws: OutputRefusal.self) {
            try MapReduceRunner(schemes: FileSchemes(), pool: pool, scratch: directory).run(streamingJob())
        }
        #expect(error?.description == "org.apache.hadoop.mapred.FileAlreadyExistsException: Output directory \(output) already exists")
        #expect(try LocalFiles().list(output).isEmpty)
    }

    @Test func readsGzipInputs() throws {
        defer { remove() }
        _ = try writeInput()
        let zip = Process()
        zip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        zip.arguments = ["gzip", directory + "/in/file0", directory + "/in/file1"]
        try zip.run()
        zip.waitUntilExit()
        let outcome = try MapReduceRunner(schemes: FileSchemes(), pool: pool, scratch: directory).run(streamingJob())
        #expect(outcome.counters[.mapInputRecords] == 600 && outcome.mapTasks == 3)
    }

    @Test func commandsReportCountersAndSeeTheConfiguration() throws {
        defer { remove() }
        _ = try writeInput()
        var job = streamingJob()
        job.mapper = .command([
            "sh", "-c", "cat > /dev/null; echo reporter:counter:mine,files,2 >&2; echo \"$mapreduce_job_name\t$COLOUR\"",
        ])
        job.reducer = .identity
        job.name = "named"
        job.environment = [("COLOUR", "blue")]
        let outcome = try MapReduceRunner(schemes: FileSchemes(), pool: pool, scratch: directory).run(job)
        #expect(outcome.counters[JobCounters.Name("mine", "files")] == 6)
        #expect(try readOutput() == ["named\tblue", "named\tblue", "named\tblue"])
    }

    @Test func aCancelledJobEndsItsChildren() throws {
        defer { remove() }
        _ = try writeInput()
        var job = streamingJob()
        job.mapper = .command(["sleep", "600"])
        let token = JobToken()
        Thread.detachNewThread {
            Thread.sleep(forTimeInterval: 0.2)
            token.cancel()
        }
        #expect(throws: JobCancelled.self) {
            try MapReduceRunner(schemes: FileSchemes(), pool: pool, scratch: directory).run(job, token: token)
        }
    }

    @Test func numbersSortAsNumbers() {
        let numbers = [Int.min, -70_000, -1, 0, 1, 255, 256, Int.max]
        let encoded = numbers.map { number -> [UInt8] in
            var bytes: [UInt8] = []
            number.encodeField(into: &bytes)
            return bytes
        }
        #expect(encoded == encoded.sorted { $0.lexicographicallyPrecedes($1) })
        #expect(encoded.map { Int(field: $0[...]) } == numbers)
        let doubles = [-Double.infinity, -1.5, -0.0, 1e-300, 2, Double.infinity]
        let bytes = doubles.map { double -> [UInt8] in
            var bytes: [UInt8] = []
            double.encodeField(into: &bytes)
            return bytes
        }
        #expect(bytes == bytes.sorted { $0.lexicographicallyPrecedes($1) } && bytes.map { Double(field: $0[...]) } == doubles)
    }

    @Test func commandLinesAreCutLikeAShellWould() throws {
        #expect(try StreamingRules.words("awk -F '\\t' \"a b\" c\\ d ''") == ["awk", "-F", "\\t", "a b", "c d", ""])
        #expect(throws: StreamingRefusal.self) { try StreamingRules.words("say 'hello") }
    }

    @Test func reportsAreUnderstoodAndPlainTextIsNot() {
        #expect(StreamingRules.report("reporter:counter:g,n,5") == .counter(group: "g", name: "n", amount: 5))
        #expect(StreamingRules.report("reporter:status:half way") == .status("half way"))
        #expect(StreamingRules.report("reporter:counter:g,n,many") == nil && StreamingRules.report("warning") == nil)
    }
}
