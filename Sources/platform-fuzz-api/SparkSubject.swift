// Spark Connect as the fuzzer's subject: every RPC with drawn plans, expressions and statements. Calls are cut after some messages or
// some time, as by clients that went away; a query without a reader must end.
import Base
import ComputeService
import Foundation
import SparkWire
import Synchronization

enum SparkSubject: Subject {
    static let name = "compute"
    static func arguments(servers: Int) -> [String] {
        [
            "--only", "compute", "--set", "log.level=error", "--set", "compute.memory.bytes=\(256 << 20)", "--set",
            "compute.query-memory.bytes=\(64 << 20)",
        ]
    }

    static func endpoints(servers: Int) -> [String] { ["connect"] }

    // MARK: requests

    /// An RPC: its drawn message, and its call with the message's bytes in the name of a session.
    private struct Kind: Sendable {
        var draw: @Sendable (inout Prng) -> any SparkMessage
        var call: @Sendable (_ bytes: [UInt8], _ session: String) throws -> SparkCall

        init<M: SessionMessage>(
            _: M.Type, _ call: @escaping @Sendable (M) -> SparkCall,
            _ change: @escaping @Sendable (inout M, inout Prng) -> Void = { _, _ in }
        ) {
            draw = { random in
                var message = SparkSampler.draw(M.self, &random, text: SQLSampler.text)
                change(&message, &random)
                return message
            }
            self.call = { bytes, session in
                guard var message = SparkMessages.decode(M.self, bytes) else { throw Finding("a drawn message cannot be read") }
                message.sessionID = session
                message.userContext = .init()
                message.clearClientObservedServerSideSessionID()
                return call(message)
            }
        }
    }

    /// Half of the executed plans are statements: the wider door.
    private static let execution = Kind(Spark_Connect_ExecutePlanRequest.self, { .executePlan($0) }) { request, random in
        request.operationID = UUID().uuidString.lowercased()
        if random.below(2) == 0 { request.plan.root.sql.query = SQLSampler.statement(&random) }
    }
    private static let analysis = Kind(Spark_Connect_AnalyzePlanRequest.self, { .analyzePlan($0) })

    /// The frequent ones are repeated.
    private static let kinds: [Kind] = [
        execution, execution, execution, execution, execution, execution, execution, execution, analysis, analysis,
        Kind(Spark_Connect_ConfigRequest.self) { .config($0) }, Kind(Spark_Connect_AddArtifactsRequest.self) { .addArtifacts([$0]) },
        Kind(Spark_Connect_ArtifactStatusesRequest.self) { .artifactStatus($0) },
        Kind(Spark_Connect_InterruptRequest.self) { .interrupt($0) },
        Kind(Spark_Connect_ReattachExecuteRequest.self) { .reattachExecute($0) },
        Kind(Spark_Connect_ReleaseExecuteRequest.self) { .releaseExecute($0) },
        Kind(Spark_Connect_FetchErrorDetailsRequest.self) { .fetchErrorDetails($0) },
        Kind(Spark_Connect_CloneSessionRequest.self) { .cloneSession($0) }, Kind(Spark_Connect_GetStatusRequest.self) { .getStatus($0) },
    ]

    static func draw(_ random: inout Prng) -> DrawnRequest {
        let place = random.below(kinds.count)
        let message = kinds[place].draw(&random)
        do {
            let bytes = try SparkMessages.encode(message)
            return DrawnRequest(name: "\(type(of: message)) \(message)", operation: Int32(place), body: Bytes(bytes: bytes))
        } catch { preconditionFailure("a drawn message is complete: \(error)") }
    }

    static func call(_ request: DrawnRequest, session: String) throws -> SparkCall {
        try kinds[Int(request.operation)].call(Array(request.body.readableBytesView), session)
    }

    static func isComparable(_ request: DrawnRequest) -> Bool { false }
    static func connect(_ address: String) throws -> any SubjectSession { SparkFuzzSession(address) }

    // MARK: state

    /// Queries begun and ended since the start are counted apart.
    static func isQuiet(_ metrics: [String: Double]) -> Bool {
        metrics["platform_compute_queries_total"] == metrics["platform_compute_query_duration_seconds_count"]
    }

    /// Databases, definitions of tables and views, and rows of tables. Sessions end with the server.
    static func state(_ address: String) throws -> [String] {
        let session = SparkFuzzSession(address)
        var lines = try session.ask("SELECT count(*) FROM range(1000)")
        for database in try session.ask("SHOW DATABASES") {
            lines += try session.ask("DESCRIBE DATABASE EXTENDED \(database)").map { "\(database): \($0)" }
            let views = Set(try session.ask("SHOW VIEWS IN \(database)"))
            for row in try session.ask("SHOW TABLES IN \(database)") {
                let name = "\(database).\(Substring(row.utf8.split(separator: UInt8(ascii: "|"))[1]))"
                lines += try session.ask("DESCRIBE TABLE EXTENDED \(name)").map { "\(name): \($0)" }
                guard !views.contains(row) else { continue }
                // A table may have a column of a type that its format refuses.
                do { lines += try session.ask("SELECT * FROM \(name)").sorted().map { "\(name) has \($0)" } } catch {
                    lines.append("\(name) cannot be read")
                }
            }
        }
        return lines
    }
}

/// A request in the name of a session.
private protocol SessionMessage: SparkMessage {
    var sessionID: String { get set }
    var userContext: Spark_Connect_UserContext { get set }
    mutating func clearClientObservedServerSideSessionID()
}

extension Spark_Connect_ExecutePlanRequest: SessionMessage {}
extension Spark_Connect_AnalyzePlanRequest: SessionMessage {}
extension Spark_Connect_ConfigRequest: SessionMessage {}
extension Spark_Connect_AddArtifactsRequest: SessionMessage {}
extension Spark_Connect_ArtifactStatusesRequest: SessionMessage {}
extension Spark_Connect_InterruptRequest: SessionMessage {}
extension Spark_Connect_ReattachExecuteRequest: SessionMessage {}
extension Spark_Connect_ReleaseExecuteRequest: SessionMessage {}
extension Spark_Connect_FetchErrorDetailsRequest: SessionMessage {}
extension Spark_Connect_CloneSessionRequest: SessionMessage {}
extension Spark_Connect_GetStatusRequest: SessionMessage {}

/// A session on a connection of its own; its calls run side by side and are answered in their order.
final class SparkFuzzSession: SubjectSession {
    private typealias Answer = Result<SubjectAnswer, any Error>
    private struct Job: Sendable {
        var number: Int
        var work: @Sendable (SparkConnectClient) async throws -> SubjectAnswer
    }
    /// Answers by number, and a condition for their reader.
    private final class Mailbox: @unchecked Sendable {
        // Safe to share: `answers` is touched under the condition's lock only.
        private let condition = NSCondition()
        private var answers: [Int: Answer] = [:]

        func put(_ number: Int, _ answer: Answer) {
            condition.lock()
            answers[number] = answer
            condition.broadcast()
            condition.unlock()
        }

        func take(_ number: Int) -> Answer? {
            condition.lock()
            defer { condition.unlock() }
            let end = Date(timeIntervalSinceNow: 120)
            while answers[number] == nil, condition.wait(until: end) {}
            return answers.removeValue(forKey: number)
        }
    }

    /// What a call may read and take before its client goes away.
    private static let messagesMax = 20
    private static let patience = Duration.seconds(3)

    private let jobs: AsyncStream<Job>.Continuation
    private let mailbox = Mailbox()
    private var sent = 0
    private var answered = 0

    init(_ address: String) {
        let (stream, jobs) = AsyncStream<Job>.makeStream()
        self.jobs = jobs
        let mailbox = mailbox
        let parts = address.split(separator: ":")
        let (host, port) = (String(parts[0]), Int(parts[1]) ?? 0)
        Task {
            do {
                try await SparkConnectClient.connected(host: host, port: port) { client in
                    await withTaskGroup(of: Void.self) { group in
                        for await job in stream {
                            group.addTask {
                                do { mailbox.put(job.number, .success(try await job.work(client))) } catch {
                                    mailbox.put(job.number, .failure(error))
                                }
                            }
                        }
                    }
                }
            } catch { for await job in stream { mailbox.put(job.number, .failure(error)) } }
        }
    }

    deinit { jobs.finish() }

    private func start(_ work: @escaping @Sendable (SparkConnectClient) async throws -> SubjectAnswer) {
        jobs.yield(Job(number: sent, work: work))
        sent += 1
    }

    func send(_ request: DrawnRequest) throws {
        start { client in
            let call = try SparkSubject.call(request, session: client.sessionID)
            let code = try await client.outcome(of: call, messages: Self.messagesMax, within: Self.patience)
            return SubjectAnswer(code: code == "ok" ? 0 : 1, comparable: code)
        }
    }

    func answer() throws -> SubjectAnswer? {
        guard let answer = mailbox.take(answered) else { throw Finding("no answer within two minutes") }
        answered += 1
        return try answer.get()
    }

    /// A server keeps the query of a lost client for two minutes.
    func endWork() throws {
        start { client in
            var request = Spark_Connect_InterruptRequest()
            request.sessionID = client.sessionID
            request.interruptType = .all
            let code = try await client.outcome(of: .interrupt(request), messages: 1, within: .seconds(60))
            return SubjectAnswer(code: code == "ok" ? 0 : 1, comparable: code)
        }
        _ = try answer()
    }

    /// The rows of a query, with nothing else under way.
    func ask(_ query: String) throws -> [String] {
        start { client in
            let rows = try await client.sql(query).textRows
            return SubjectAnswer(code: 0, comparable: rows.map { $0.map { $0 ?? "NULL" }.joined(separator: "|") }.joined(separator: "\n"))
        }
        return try answer()?.comparable.split(separator: "\n").map(String.init) ?? []
    }
}
