// The API table of the door: every RPC of Spark Connect with its handler, and the translation of thrown errors to Spark's. gRPC answers an
// RPC outside the table with UNIMPLEMENTED. Handlers live in API/, one file for each family.
import GRPCCore
import SparkWire

enum SparkMethod: String, CaseIterable {
    case executePlan = "ExecutePlan"
    case analyzePlan = "AnalyzePlan"
    case config = "Config"
    case addArtifacts = "AddArtifacts"
    case artifactStatus = "ArtifactStatus"
    case interrupt = "Interrupt"
    case reattachExecute = "ReattachExecute"
    case releaseExecute = "ReleaseExecute"
    case releaseSession = "ReleaseSession"
    case fetchErrorDetails = "FetchErrorDetails"
    case cloneSession = "CloneSession"
    case getStatus = "GetStatus"

    var descriptor: MethodDescriptor {
        MethodDescriptor(fullyQualifiedService: "spark.connect.SparkConnectService", method: rawValue)
    }
}

extension SparkService {
    func register<Transport: ServerTransport>(in router: inout RPCRouter<Transport>) {
        for method in SparkMethod.allCases {
            switch method {
            case .executePlan: streaming(&router, method, executePlan)
            case .reattachExecute: streaming(&router, method, reattachExecute)
            case .analyzePlan: unary(&router, method, analyzePlan)
            case .config: unary(&router, method, config)
            case .addArtifacts: clientStreaming(&router, method)
            case .artifactStatus: unary(&router, method, artifactStatus)
            case .interrupt: unary(&router, method, interrupt)
            case .releaseExecute: unary(&router, method, releaseExecute)
            case .releaseSession: unary(&router, method, releaseSession)
            case .fetchErrorDetails: unary(&router, method, fetchErrorDetails)
            case .cloneSession: unary(&router, method, cloneSession)
            case .getStatus: unary(&router, method, getStatus)
            }
        }
    }

    private func unary<Request: SparkMessage, Response: SparkMessage, Transport: ServerTransport>(
        _ router: inout RPCRouter<Transport>, _ method: SparkMethod, _ handler: @escaping @Sendable (Request) async throws -> Response
    ) {
        router.registerHandler(
            forMethod: method.descriptor, deserializer: ProtobufDeserializer<Request>(), serializer: ProtobufSerializer<Response>()
        ) { request, _ in
            let request = try await ServerRequest(stream: request)
            return StreamingServerResponse(single: ServerResponse(message: try await Self.reported { try await handler(request.message) }))
        }
    }

    private func streaming<Request: SparkMessage, Response: SparkMessage, Transport: ServerTransport>(
        _ router: inout RPCRouter<Transport>, _ method: SparkMethod,
        _ handler: @escaping @Sendable (Request, RPCWriter<Response>) async throws -> Void
    ) {
        router.registerHandler(
            forMethod: method.descriptor, deserializer: ProtobufDeserializer<Request>(), serializer: ProtobufSerializer<Response>()
        ) { request, _ in
            let request = try await ServerRequest(stream: request)
            return StreamingServerResponse { writer in
                try await Self.reported { try await handler(request.message, writer) }
                return [:]
            }
        }
    }

    private func clientStreaming<Transport: ServerTransport>(_ router: inout RPCRouter<Transport>, _ method: SparkMethod) {
        router.registerHandler(
            forMethod: method.descriptor, deserializer: ProtobufDeserializer<Spark_Connect_AddArtifactsRequest>(),
            serializer: ProtobufSerializer<Spark_Connect_AddArtifactsResponse>()
        ) { request, _ in
            let response = try await Self.reported { try await self.addArtifacts(request.messages) }
            return StreamingServerResponse(single: ServerResponse(message: response))
        }
    }

    /// Puts errors into their wire form, unless a handler has already done so.
    private static func reported<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as RPCError {
            throw error
        } catch {
            throw SparkError(any: error).rpcError(errorID: nil)
        }
    }
}
