// Any RPC of Spark Connect with any message, for tests that draw their requests.
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import SparkWire

/// A call with its message.
package enum SparkCall: Sendable {
    case executePlan(Spark_Connect_ExecutePlanRequest)
    case analyzePlan(Spark_Connect_AnalyzePlanRequest)
    case config(Spark_Connect_ConfigRequest)
    case addArtifacts([Spark_Connect_AddArtifactsRequest])
    case artifactStatus(Spark_Connect_ArtifactStatusesRequest)
    case interrupt(Spark_Connect_InterruptRequest)
    case reattachExecute(Spark_Connect_ReattachExecuteRequest)
    case releaseExecute(Spark_Connect_ReleaseExecuteRequest)
    case fetchErrorDetails(Spark_Connect_FetchErrorDetailsRequest)
    case cloneSession(Spark_Connect_CloneSessionRequest)
    case getStatus(Spark_Connect_GetStatusRequest)
}

extension SparkConnectClient {
    /// The id of its session.
    package var sessionID: String { session }

    /// Calls and drops the answer: at most `messages` of a stream are read; then, or after `limit`, the call is cancelled. Returns the
    /// answer's code by name. Throws `SparkClientError` if no server answers.
    package func outcome(of call: SparkCall, messages: Int, within limit: Duration) async throws -> String {
        do {
            switch call {
            case .executePlan(let request):
                return try await stream(.executePlan, request, Spark_Connect_ExecutePlanResponse.self, messages, limit)
            case .reattachExecute(let request):
                return try await stream(.reattachExecute, request, Spark_Connect_ExecutePlanResponse.self, messages, limit)
            case .analyzePlan(let request): return try await single(.analyzePlan, request, Spark_Connect_AnalyzePlanResponse.self, limit)
            case .config(let request): return try await single(.config, request, Spark_Connect_ConfigResponse.self, limit)
            case .artifactStatus(let request):
                return try await single(.artifactStatus, request, Spark_Connect_ArtifactStatusesResponse.self, limit)
            case .interrupt(let request): return try await single(.interrupt, request, Spark_Connect_InterruptResponse.self, limit)
            case .releaseExecute(let request):
                return try await single(.releaseExecute, request, Spark_Connect_ReleaseExecuteResponse.self, limit)
            case .fetchErrorDetails(let request):
                return try await single(.fetchErrorDetails, request, Spark_Connect_FetchErrorDetailsResponse.self, limit)
            case .cloneSession(let request): return try await single(.cloneSession, request, Spark_Connect_CloneSessionResponse.self, limit)
            case .getStatus(let request): return try await single(.getStatus, request, Spark_Connect_GetStatusResponse.self, limit)
            case .addArtifacts(let requests): return try await upload(requests, limit)
            }
        } catch let error as RPCError {
            guard error.code != .unavailable else { throw SparkClientError(error) }
            return "\(error.code)"
        }
    }

    private static func options(_ limit: Duration) -> CallOptions {
        var options = options
        options.timeout = limit
        return options
    }

    private func single<Request: SparkMessage, Response: SparkMessage>(
        _ method: SparkMethod, _ request: Request, _: Response.Type, _ limit: Duration
    ) async throws -> String {
        try await client.unary(
            request: ClientRequest(message: request), descriptor: method.descriptor, serializer: ProtobufSerializer<Request>(),
            deserializer: ProtobufDeserializer<Response>(), options: Self.options(limit)
        ) { _ = try $0.message }
        return "ok"
    }

    private func stream<Request: SparkMessage, Response: SparkMessage>(
        _ method: SparkMethod, _ request: Request, _: Response.Type, _ messages: Int, _ limit: Duration
    ) async throws -> String {
        try await client.serverStreaming(
            request: ClientRequest(message: request), descriptor: method.descriptor, serializer: ProtobufSerializer<Request>(),
            deserializer: ProtobufDeserializer<Response>(), options: Self.options(limit)
        ) { response in
            var left = messages
            for try await _ in response.messages {
                left -= 1
                if left == 0 { return "cut" }
            }
            return "ok"
        }
    }

    private func upload(_ requests: [Spark_Connect_AddArtifactsRequest], _ limit: Duration) async throws -> String {
        let request = StreamingClientRequest<Spark_Connect_AddArtifactsRequest> { writer in
            for request in requests { try await writer.write(request) }
        }
        try await client.clientStreaming(
            request: request, descriptor: SparkMethod.addArtifacts.descriptor, serializer: ProtobufSerializer(),
            deserializer: ProtobufDeserializer<Spark_Connect_AddArtifactsResponse>(), options: Self.options(limit)
        ) { _ = try $0.message }
        return "ok"
    }
}
