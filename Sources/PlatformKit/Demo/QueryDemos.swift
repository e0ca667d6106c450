// Compute over dfs: a SQL query through Spark Connect, a MapReduce word count with commands of every Debian, and an RDD job in Swift.
// Results go back to dfs and are read from there for the comparison.
import Base
import Clients
import ComputeRuntime
import ComputeService
import Foundation
import NetKit
import PlatformCompute
import Storage

enum SQLDemo: DemoPart {
    static let name = "sql"
    static let summary = "average arrival delay per carrier, by SQL over the files"
    private static let result = "/results/delay-per-carrier.csv"

    static func run(_ stage: DemoStage) async throws {
        try await stage.putFlights()
        let expected = stage.flights.perCarrier
        try await stage.step("compute: SQL, average delay per carrier") {
            let location = stage.location(PipelineDemo.directory)
            let table = try await SparkConnectClient.connected(host: stage.connect.host, port: stage.connect.port) { client in
                _ = try await client.sql(
                    "CREATE TEMPORARY VIEW flights USING csv OPTIONS (path '\(location)', header 'true', inferSchema 'true', nullValue 'NA')"
                )
                return try await client.sql(
                    "SELECT carrier, count(*) AS flights, avg(arr_delay) AS delay FROM flights GROUP BY carrier ORDER BY carrier")
            }
            let text = table.textRows.map { $0.map { $0 ?? "" }.joined(separator: ",") }.joined(separator: "\n") + "\n"
            try await stage.dfs.create(result, overwrite: true, body: .bytes(Bytes(string: text)))
            let back = try await stage.dfs.read(result).text
            try check(back, expected)
            return .init(rows: table.rowCount, bytes: back.utf8.count, remark: result)
        }
        for (carrier, figures) in expected.sorted(by: { ($0.value.averageDelay ?? 0) > ($1.value.averageDelay ?? 0) }).prefix(3) {
            Output.line(
                String(format: "      %@  %6d flights  %6.2f minutes late on average", carrier, figures.flights, figures.averageDelay ?? 0))
        }
    }

    private static func check(_ text: String, _ expected: [String: FlightRecords.CarrierFigures]) throws(CommandFailure) {
        let rows = text.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        try DemoStage.check("carriers", rows.map { String($0[0]) }, equals: expected.keys.sorted())
        for row in rows {
            guard let figures = expected[String(row[0])] else { continue }
            try DemoStage.check("flights of \(row[0])", Int(row[1]), equals: figures.flights)
            // Sums of doubles may be taken in another order, so the last digits are not compared.
            let found = Double(row[2]).map { ($0 * 1e6).rounded() }
            try DemoStage.check("average delay of \(row[0])", found, equals: figures.averageDelay.map { ($0 * 1e6).rounded() })
        }
    }
}

enum WordCountDemo: DemoPart {
    static let name = "wordcount"
    static let summary = "a MapReduce word count over the licence texts of the system, with awk"
    private static let texts = "/usr/share/common-licenses"
    private static let mapper =
        #"awk '{ n = split(tolower($0), w, /[^a-z]+/); for (i = 1; i <= n; i++) if (w[i] != "") print w[i] "\t1" }'"#
    private static let summing = #"awk -F'\t' '{ count[$1] += $2 } END { for (w in count) print w "\t" count[w] }'"#

    static func run(_ stage: DemoStage) async throws {
        var expected: [String: Int] = [:]
        try await stage.step("dfs: put the system's licence texts") {
            let names = try FileManager.default.contentsOfDirectory(atPath: texts).sorted()
            var bytes = 0
            for name in names {
                guard let content = FileManager.default.contents(atPath: texts + "/" + name) else { continue }
                PlainWordCount.count(Array(content), into: &expected)
                bytes += content.count
                try await stage.dfs.create("/licences/\(name)", overwrite: true, body: .bytes(Bytes(bytes: content)))
            }
            return .init(rows: names.count, bytes: bytes, remark: "files under /licences")
        }
        let wanted = expected
        try await stage.step("compute: MapReduce word count, 2 reducers") {
            var job = MapReduceRequest()
            job.input = [stage.location("/licences")]
            job.output = stage.location("/counts")
            (job.mapper, job.combiner, job.reducer) = (mapper, summing, summing)
            (job.numReduceTasks, job.numReduceTasksSet) = (2, true)
            job.environment = ["LC_ALL": "C"]
            let request = job
            _ = try await SparkConnectClient.connected(host: stage.connect.host, port: stage.connect.port) {
                try await $0.mapReduce(request) { _ in }
            }
            var found: [String: Int] = [:]
            var bytes = 0
            for part in ["part-00000", "part-00001"] {
                let text = try await stage.dfs.read("/counts/" + part).text
                bytes += text.utf8.count
                for line in text.split(separator: "\n") {
                    let fields = line.split(separator: "\t")
                    if fields.count == 2 { found[String(fields[0])] = Int(fields[1]) }
                }
            }
            try DemoStage.check(
                "whether the job said that it succeeded", try await stage.dfs.statusIfExists("/counts/_SUCCESS") != nil, equals: true)
            try DemoStage.check("word counts", found, equals: wanted)
            return .init(rows: found.count, bytes: bytes, remark: "/counts, every count compared")
        }
        let top = wanted.sorted { ($0.value, $1.key) > ($1.value, $0.key) }.prefix(5).map { "\($0.key) \($0.value)" }
        Output.line("      most frequent: \(top.joined(separator: ", "))")
    }
}

enum RDDDemo: DemoPart {
    static let name = "rdd"
    static let summary = "an RDD job in Swift: flights per destination"
    private static let result = "/results/destinations"

    static func run(_ stage: DemoStage) async throws {
        try await stage.putFlights()
        let expected = stage.flights.perDestination
        try await stage.step("compute: RDD job, flights per destination") {
            // RDD actions block, so they run on a thread of their own.
            let thread = DiskThread(name: "demo-rdd")
            defer { thread.stop() }
            let (location, target) = (stage.location(PipelineDemo.directory), stage.location(result))
            let doubled = try await thread.run {
                let sc = try SparkContext(appName: "demo", master: "local[2]")
                defer { sc.stop() }
                let destinations: RDD<(String, Int)> = try sc.textFile(location)
                    .filter { !$0.hasPrefix("year,") }
                    .map { (String(FlightRecords.fields($0)[FlightRecords.Column.destination]), 1) }
                let counts = destinations.reduceByKey { $0 + $1 }.sortBy { -$0.1 }
                try counts.map { "\($0.0)\t\($0.1)" }.saveAsTextFile(target)
                return try sc.parallelize([1, 2, 3, 4, 5]).map { $0 * 2 }.collect()
            }
            try DemoStage.check("the doubled numbers", doubled, equals: [2, 4, 6, 8, 10])
            let (found, bytes) = try await read(stage)
            try DemoStage.check("flights per destination", Dictionary(found, uniquingKeysWith: { $1 }), equals: expected)
            try DemoStage.check("the order of destinations", found.map(\.1), equals: found.map(\.1).sorted(by: >))
            return .init(
                rows: found.count, bytes: bytes, remark: "\(result); \(found.prefix(3).map { "\($0.0) \($0.1)" }.joined(separator: ", "))")
        }
    }

    private static func read(_ stage: DemoStage) async throws -> (rows: [(String, Int)], bytes: Int) {
        var rows: [(String, Int)] = []
        var bytes = 0
        for part in try await stage.dfs.list(result) where part.pathSuffix.hasPrefix("part-") {
            let text = try await stage.dfs.read(result + "/" + part.pathSuffix).text
            bytes += text.utf8.count
            for line in text.split(separator: "\n") {
                let fields = line.split(separator: "\t")
                if fields.count == 2, let count = Int(fields[1]) { rows.append((String(fields[0]), count)) }
            }
        }
        return (rows, bytes)
    }
}
