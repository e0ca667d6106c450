// The demo's output: a numbered line for each step with rows, bytes and time, and a failure for every wrong figure.
import Base
import Clients
import Foundation
import NetKit

/// The addresses of the demo's cluster, and its input.
struct DemoStage: Sendable {
    let coord: HostPort
    let broker: HostPort
    let webHDFS: HostPort
    let connect: HostPort
    let flights: FlightRecords

    init(_ cluster: LocalCluster, flights: FlightRecords) throws(CommandFailure) {
        func address(_ key: String) throws(CommandFailure) -> HostPort {
            guard let endpoint = cluster.endpoints.first(where: { $0.key == key }) else {
                throw CommandFailure(
                    .failed, "the demo's cluster has no \(key)", why: "the service did not start", next: "run `platform doctor`")
            }
            return endpoint.address
        }
        coord = try address("coord")
        broker = try address("broker")
        webHDFS = try address("webhdfs")
        connect = try address("connect")
        self.flights = flights
    }

    var dfs: WebHDFSClient { WebHDFSClient(server: webHDFS, user: NSUserName()) }

    /// An address in dfs for compute.
    func location(_ path: String) -> String { "webhdfs://\(webHDFS)\(path)" }

    /// The result of a step.
    struct Done {
        var rows: Int
        var bytes: Int
        var remark: String
    }

    /// Runs a step and prints its result.
    func step(_ title: String, _ body: () async throws -> Done) async throws {
        let clock = SystemTime()
        let began = clock.now()
        let done: Done
        do { done = try await body() } catch { throw CommandFailure(error, doing: "the step '\(title)' failed") }
        let milliseconds = Double((clock.now() - began).inNanoseconds) / 1e6
        Output.line(
            String(
                format: "  %@  %7d rows  %9d bytes  %8.1f ms  %@", title.padding(toLength: 46, withPad: " ", startingAt: 0), done.rows,
                done.bytes, milliseconds, done.remark))
    }

    /// Compares a figure with the plain computation.
    static func check<T: Equatable>(_ what: String, _ found: T, equals expected: T) throws(CommandFailure) {
        guard found == expected else {
            throw CommandFailure(
                .failed, "a figure is wrong: \(what)",
                why: "the services say \(String("\(found)".prefix(200))), plain computation says \(String("\(expected)".prefix(200)))",
                next: "this is a defect of the platform; please report it")
        }
    }

    /// Puts the flights directly into dfs, for parts that run without the pipeline.
    func putFlights() async throws {
        guard try await dfs.statusIfExists(PipelineDemo.directory) == nil else { return }
        let text = ([flights.header] + flights.lines).joined(separator: "\n") + "\n"
        try await dfs.create(PipelineDemo.directory + "/part-00000.csv", overwrite: false, body: .bytes(Bytes(string: text)))
    }
}

/// A part of the demo that can run alone.
protocol DemoPart: Sendable {
    static var name: String { get }
    static var summary: String { get }
    static func run(_ stage: DemoStage) async throws
}
