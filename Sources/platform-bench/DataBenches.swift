// Bytes through dfs and compute, with our own clients: rates of whole round trips as a user's program sees them.
import Base
import Clients
import ComputeService
import Foundation
import NetKit
import TestKit

enum DFSBench {
    private static let chunk = 1 << 20
    private static let chunks = 256
    private static let runs = 3

    static func run(_ table: inout FigureTable) async throws {
        let platform = try started("dfs")
        defer { platform.stop() }
        let client = WebHDFSClient(server: try address(platform, "webhdfs"), user: NSUserName())
        let piece = Bytes(repeating: 0x61, count: chunk)
        var (put, get): ([Double], [Double]) = ([], [])
        let total = Double(chunk * chunks) / 1e6
        for run in 0..<runs {
            put.append(
                total
                    / (try await Figures.elapsed {
                        try await client.create(
                            "/bench-\(run)", overwrite: true, body: .stream { write in for _ in 0..<chunks { try await write(piece) } })
                    }))
            var seen = 0
            get.append(total / (try await Figures.elapsed { try await client.open("/bench-\(run)") { seen += $0.readableBytes } }))
            guard seen == chunk * chunks else { throw PlatformProcess.Failure("read \(seen) of \(chunk * chunks) bytes") }
        }
        table.add("dfs put, 256 MiB, durable (MB/s)", Figures.text(Figures.median(put)))
        table.add("dfs get, 256 MiB, checked (MB/s)", Figures.text(Figures.median(get)))
    }
}

enum ComputeBench {
    private static let rows = 1_000_000
    private static let runs = 3

    static func run(_ table: inout FigureTable) async throws {
        let platform = try started("compute")
        defer { platform.stop() }
        let server = try address(platform, "connect")
        let directory = try PlatformProcess.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }  // a temporary directory may stay
        try sql(&table, try await sqlSeconds(server, directory))
        let (seconds, bytes) = try await wordCount(server, directory)
        table.add("MapReduce word count with tr and awk (MB/s of input)", Figures.text(bytes / 1e6 / seconds))
    }

    private static func sql(_ table: inout FigureTable, _ seconds: Double) throws {
        table.add("SQL over CSV, group by with avg and count (rows/s)", Figures.text(Double(rows) / seconds))
    }

    private static func sqlSeconds(_ server: HostPort, _ directory: String) async throws -> Double {
        var text = "carrier,delay,distance\n"
        for row in 0..<rows { text += "C\(row % 16),\((row &* 7919) % 300),\(row % 4000)\n" }
        _ = FileManager.default.createFile(atPath: directory + "/rows.csv", contents: Data(text.utf8))
        return try await SparkConnectClient.connected(host: server.host, port: server.port) { client in
            _ = try await client.sql(
                "CREATE TEMP VIEW flights USING csv OPTIONS (path 'file://\(directory)/rows.csv', header 'true', inferSchema 'true')")
            var times: [Double] = []
            for _ in 0..<runs {
                times.append(
                    try await Figures.elapsed {
                        let result = try await client.sql(
                            "SELECT carrier, avg(delay) AS mean, count(*) AS n FROM flights GROUP BY carrier ORDER BY carrier")
                        guard result.rowCount == 16 else {
                            throw PlatformProcess.Failure("16 groups were expected, \(result.rowCount) came")
                        }
                    })
            }
            return Figures.median(times)
        }
    }

    private static func wordCount(_ server: HostPort, _ directory: String) async throws -> (seconds: Double, bytes: Double) {
        let line = "the quick brown fox jumps over the lazy dog and runs away from the old house by the sea\n"
        let text = String(repeating: line, count: 200_000)
        _ = FileManager.default.createFile(atPath: directory + "/text", contents: Data(text.utf8))
        var times: [Double] = []
        for run in 0..<runs {
            times.append(
                try await Figures.elapsed {
                    var job = MapReduceRequest()
                    job.input = ["file://\(directory)/text"]
                    job.output = "file://\(directory)/counts-\(run)"
                    job.mapper = "tr -s ' ' '\\n'"
                    job.combiner = "awk -F'\\t' '{n[$1]+=($2==\"\"?1:$2)} END {for (w in n) print w \"\\t\" n[w]}'"
                    job.reducer = job.combiner
                    let request = job
                    _ = try await SparkConnectClient.connected(host: server.host, port: server.port) {
                        try await $0.mapReduce(request) { _ in }
                    }
                })
        }
        return (Figures.median(times), Double(text.utf8.count))
    }
}
