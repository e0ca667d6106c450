// A client of Spark Connect for the command line and the demos: SQL against any server, MapReduce and submitted programs against ours. It
// is one session on one connection, valid inside `connected`. Its results cannot be attached again: a broken connection is an error.
import ComputeCore
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import NetKit
import QueryCore
import SparkWire

/// A failure from a server or on the way to it.
package struct SparkClientError: Error, CustomStringConvertible {
    /// Spark's error class, if the server gave one.
    package let condition: String?
    package let sqlState: String?
    package let message: String
    /// No server listens, or the connection broke.
    package let isUnreachable: Bool

    package var description: String { message }

    init(_ error: RPCError) {
        var info: Google_Rpc_ErrorInfo?
        for bytes in error.metadata[binaryValues: "grpc-status-details-bin"] {
            let status = SparkMessages.decode(Google_Rpc_Status.self, bytes)
            info = status?.details.lazy.compactMap { SparkMessages.unpack(Google_Rpc_ErrorInfo.self, from: $0) }.first
        }
        condition = info?.metadata["errorClass"]
        sqlState = info?.metadata["sqlState"]
        message = error.message
        isUnreachable = error.code == .unavailable
    }

    init(message: String) {
        condition = nil
        sqlState = nil
        self.message = message
        isUnreachable = false
    }
}

package struct SQLResult: Sendable {
    package let schema: Schema
    package let batches: [Batch]

    package var columnNames: [String] { schema.fields.map(\.name) }
    package var rowCount: Int { batches.reduce(0) { $0 + $1.rowCount } }

    /// Cells in Spark's print; nil for null.
    package var textRows: [[String?]] {
        batches.flatMap { batch in
            (0..<batch.rowCount).map { row in
                zip(batch.row(row), schema.fields).map { value, field in value.isNull ? nil : value.text(field.type) }
            }
        }
    }

    /// Values with their types, row by row.
    package var rows: [[Value]] {
        batches.flatMap { batch in (0..<batch.rowCount).map { batch.row($0) } }
    }
}

package typealias MapReduceRequest = Platform_Compute_V1_MapReduceJob

package enum JobEvent: Sendable {
    case progress(mapsDone: Int, maps: Int, reducesDone: Int, reduces: Int, status: String)
    case standardOutput([UInt8])
    case standardError([UInt8])
}

package struct JobOutcome: Sendable {
    /// Exit code of a submitted program; 0 for a MapReduce job.
    package let exitCode: Int32
    package let counters: [(group: String, name: String, value: Int64)]
    package let elapsed: Duration
}

package struct SparkConnectClient: Sendable {
    /// Size limit of a response.
    private static let responseBytesMax = 256 << 20
    /// Bytes of an uploaded program per message.
    private static let chunkBytes = 1 << 20

    let client: GRPCClient<HTTP2ClientTransport.Posix>
    let session = UUID().uuidString.lowercased()
    private let user: String

    /// Connects, runs `body`, disconnects. Throws `SparkClientError` for the server's refusals and for an absent server.
    package static func connected<Result: Sendable>(
        host: String, port: Int, user: String = ProcessInfo.processInfo.userName, tls: TLSTrust? = nil,
        _ body: @Sendable @escaping (SparkConnectClient) async throws -> Result
    ) async throws -> Result {
        // A literal address is no name for a handshake; it is looked for among the certificate's addresses.
        let target: any ResolvableTarget =
            HostPort(host, port).isLiteralIPv4 ? .ipv4(address: host, port: port) : .dns(host: host, port: port)
        let transport = try HTTP2ClientTransport.Posix(target: target, transportSecurity: tls.map(security) ?? .plaintext)
        return try await reported {
            try await withGRPCClient(transport: transport) { client in
                let connection = SparkConnectClient(client: client, user: user)
                do {
                    let result = try await body(connection)
                    await connection.release()
                    return result
                } catch {
                    await connection.release()
                    throw error
                }
            }
        }
    }

    private static func security(_ trust: TLSTrust) -> HTTP2ClientTransport.Posix.TransportSecurity {
        let roots: TLSConfig.TrustRootsSource =
            switch trust.roots {
            case .system: .systemDefault
            case .authorities(let file), .exactly(let file): .certificates([.file(path: file, format: .pem)])
            }
        guard let certificate = trust.certificateFile, let key = trust.keyFile else { return .tls { $0.trustRoots = roots } }
        return .mTLS(certificateChain: [.file(path: certificate, format: .pem)], privateKey: .file(path: key, format: .pem)) {
            $0.trustRoots = roots
        }
    }

    private init(client: GRPCClient<HTTP2ClientTransport.Posix>, user: String) {
        self.client = client
        self.user = user
    }

    /// Runs one statement and returns all its rows.
    package func sql(_ text: String) async throws -> SQLResult {
        let relation = try await relation(text)
        var plan = Spark_Connect_Plan()
        plan.root = relation
        return try await table(plan)
    }

    /// Runs one statement and returns its rows as Spark's table. `truncate` 0 shows cells whole.
    package func show(_ text: String, rows: Int = 20, truncate: Int = 20, isVertical: Bool = false) async throws -> String {
        var plan = Spark_Connect_Plan()
        plan.root.showString.input = try await relation(text)
        plan.root.showString.numRows = Int32(rows)
        plan.root.showString.truncate = Int32(truncate)
        plan.root.showString.vertical = isVertical
        return try await table(plan).textRows.first?.first.flatMap { $0 } ?? ""
    }

    /// The server's version.
    package func version() async throws -> String {
        var request = Spark_Connect_AnalyzePlanRequest()
        request.sessionID = session
        request.userContext.userID = user
        request.sparkVersion = .init()
        let response: Spark_Connect_AnalyzePlanResponse = try await unary(.analyzePlan, request)
        return response.sparkVersion.version
    }

    /// Runs a MapReduce job; `onEvent` sees its progress.
    package func mapReduce(_ job: MapReduceRequest, onEvent: @escaping @Sendable (JobEvent) -> Void) async throws -> JobOutcome {
        try await run(SparkMessages.pack(job), onEvent)
    }

    /// Runs a program on the server's disk.
    package func submit(
        program: String, arguments: [String], environment: [String: String] = [:], onEvent: @escaping @Sendable (JobEvent) -> Void
    ) async throws -> JobOutcome {
        var job = Platform_Compute_V1_SubmitJob()
        job.program = program
        job.arguments = arguments
        job.environment = environment
        return try await run(SparkMessages.pack(job), onEvent)
    }

    /// Uploads a program and runs it on the server.
    package func submit(
        content: [UInt8], name: String, arguments: [String], environment: [String: String] = [:],
        onEvent: @escaping @Sendable (JobEvent) -> Void
    ) async throws -> JobOutcome {
        try await upload(content, name: "programs/\(name)")
        var job = Platform_Compute_V1_SubmitJob()
        job.program = name
        job.programIsArtifact = true
        job.arguments = arguments
        job.environment = environment
        return try await run(SparkMessages.pack(job), onEvent)
    }

    private func relation(_ text: String) async throws -> Spark_Connect_Relation {
        var plan = Spark_Connect_Plan()
        plan.command.sqlCommand.sql = text
        plan.command.sqlCommand.input.sql.query = text
        return try await execute(plan) { messages in
            var relation: Spark_Connect_Relation?
            for try await response in messages {
                if case .sqlCommandResult(let result)? = response.responseType { relation = result.relation }
            }
            guard let relation else { throw SparkClientError(message: "the server gave no result for the statement") }
            return relation
        }
    }

    private func table(_ plan: Spark_Connect_Plan) async throws -> SQLResult {
        let (schema, streams) = try await execute(plan) { messages in
            var schema: Spark_Connect_DataType?
            var streams: [[UInt8]] = []
            for try await response in messages {
                if response.hasSchema { schema = response.schema }
                if case .arrowBatch(let batch)? = response.responseType { streams.append(Array(batch.data)) }
            }
            return (schema, streams)
        }
        let rows = try ArrowImport.rows(streams, schema: schema.map { try TypeTranslation.schema($0) })
        return SQLResult(schema: rows.schema, batches: rows.batches.filter { $0.rowCount > 0 })
    }

    private func run(_ job: SparkAny, _ onEvent: @escaping @Sendable (JobEvent) -> Void) async throws -> JobOutcome {
        var plan = Spark_Connect_Plan()
        plan.command.extension = job
        return try await execute(plan) { messages in
            var outcome: JobOutcome?
            for try await response in messages {
                guard case .extension(let any)? = response.responseType,
                    let event = SparkMessages.unpack(Platform_Compute_V1_JobEvent.self, from: any)
                else { continue }
                switch event.event {
                case .progress(let progress):
                    onEvent(
                        .progress(
                            mapsDone: Int(progress.maps.completed), maps: Int(progress.maps.total),
                            reducesDone: Int(progress.reduces.completed),
                            reduces: Int(progress.reduces.total), status: progress.status))
                case .output(let output):
                    if !output.standardOutput.isEmpty { onEvent(.standardOutput(Array(output.standardOutput))) }
                    if !output.standardError.isEmpty { onEvent(.standardError(Array(output.standardError))) }
                case .result(let result):
                    outcome = JobOutcome(
                        exitCode: result.exitCode, counters: result.counters.map { ($0.group, $0.name, $0.value) },
                        elapsed: .milliseconds(result.elapsedMilliseconds))
                case nil: break
                }
            }
            guard let outcome else { throw SparkClientError(message: "the job ended without a result") }
            return outcome
        }
    }

    private func upload(_ content: [UInt8], name: String) async throws {
        let (session, user) = (session, user)
        let request = StreamingClientRequest<Spark_Connect_AddArtifactsRequest> { writer in
            var chunks = stride(from: 0, to: max(content.count, 1), by: Self.chunkBytes).map { start in
                Array(content[start..<min(start + Self.chunkBytes, content.count)])
            }
            var message = Spark_Connect_AddArtifactsRequest()
            message.sessionID = session
            message.userContext.userID = user
            message.beginChunk.name = name
            message.beginChunk.totalBytes = Int64(content.count)
            message.beginChunk.numChunks = Int64(chunks.count)
            message.beginChunk.initialChunk = SparkService.artifactChunk(chunks.removeFirst())
            try await writer.write(message)
            for chunk in chunks {
                message.chunk = SparkService.artifactChunk(chunk)
                try await writer.write(message)
            }
        }
        let response: Spark_Connect_AddArtifactsResponse = try await Self.reported {
            try await client.clientStreaming(
                request: request, descriptor: SparkMethod.addArtifacts.descriptor, serializer: ProtobufSerializer(),
                deserializer: ProtobufDeserializer(), options: Self.options
            ) { try $0.message }
        }
        guard response.artifacts.allSatisfy(\.isCrcSuccessful) else { throw SparkClientError(message: "the upload of \(name) was damaged") }
    }

    private func execute<Result: Sendable>(
        _ plan: Spark_Connect_Plan,
        _ body: @Sendable @escaping (RPCAsyncSequence<Spark_Connect_ExecutePlanResponse, any Error>) async throws -> Result
    ) async throws -> Result {
        var request = Spark_Connect_ExecutePlanRequest()
        request.sessionID = session
        request.userContext.userID = user
        request.operationID = UUID().uuidString.lowercased()
        request.clientType = "platform"
        request.plan = plan
        let message = request
        return try await Self.reported {
            try await client.serverStreaming(
                request: ClientRequest(message: message), descriptor: SparkMethod.executePlan.descriptor,
                serializer: ProtobufSerializer<Spark_Connect_ExecutePlanRequest>(),
                deserializer: ProtobufDeserializer<Spark_Connect_ExecutePlanResponse>(), options: Self.options
            ) { try await body($0.messages) }
        }
    }

    private func unary<Request: SparkMessage, Response: SparkMessage>(_ method: SparkMethod, _ request: Request) async throws -> Response {
        try await Self.reported {
            try await client.unary(
                request: ClientRequest(message: request), descriptor: method.descriptor, serializer: ProtobufSerializer<Request>(),
                deserializer: ProtobufDeserializer<Response>(), options: Self.options
            ) { try $0.message }
        }
    }

    private static func reported<Result>(_ call: () async throws -> Result) async throws -> Result {
        do {
            return try await call()
        } catch let error as RPCError {
            throw SparkClientError(error)
        }
    }

    /// The server forgets a session by itself; the release is a courtesy, so its failure is no error.
    private func release() async {
        var request = Spark_Connect_ReleaseSessionRequest()
        request.sessionID = session
        request.userContext.userID = user
        do {
            let _: Spark_Connect_ReleaseSessionResponse = try await unary(.releaseSession, request)
        } catch { _ = error }
    }

    static var options: CallOptions {
        var options = CallOptions.defaults
        options.waitForReady = false
        options.maxResponseMessageBytes = responseBytesMax
        return options
    }
}
