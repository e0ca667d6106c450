// ExecutePlan and ReattachExecute: start an operation, and stream its responses to the attached client. ReleaseExecute releases responses
// that a client has seen. Operations of clients that cannot attach again end with their stream.
import Foundation
import GRPCCore
import SparkWire

extension SparkService {
    func executePlan(_ request: Spark_Connect_ExecutePlanRequest, _ writer: RPCWriter<Spark_Connect_ExecutePlanResponse>) async throws {
        let session = try session(request.userContext, request.sessionID, observed: request.clientObservedServerSideSessionID)
        let isReattachable = request.requestOptions.contains { $0.reattachOptions.reattachable }
        let id = request.hasOperationID ? request.operationID : UUID().uuidString.lowercased()
        let operation: PlanOperation
        do {
            guard UUID(uuidString: id) != nil else {
                throw SparkError.invalidHandle(
                    "FORMAT", id, "Handle must be an UUID string of the format '00112233-4455-6677-8899-aabbccddeeff'")
            }
            operation = PlanOperation(id: id, tags: request.tags, isReattachable: isReattachable, memory: OperationMemory(memory))
            try session.add(operation)
        } catch {
            throw report(error, in: session)
        }
        let execution = PlanExecution(service: self, session: session, operation: operation, sessionID: request.sessionID)
        queries.submit { self.observed(operation, request.plan) { execution.run(request.plan) } }
        try await stream(operation, session, after: nil, writer)
    }

    func reattachExecute(_ request: Spark_Connect_ReattachExecuteRequest, _ writer: RPCWriter<Spark_Connect_ExecutePlanResponse>)
        async throws
    {
        let session = try session(request.userContext, request.sessionID, observed: request.clientObservedServerSideSessionID)
        let operation: PlanOperation
        do {
            operation = try session.operation(request.operationID)
            guard operation.isReattachable else {
                throw SparkError(
                    "INVALID_CURSOR.NOT_REATTACHABLE", sqlState: "HY109", kind: .runtime,
                    "The cursor is invalid. The cursor is not reattachable.")
            }
        } catch {
            throw report(error, in: session)
        }
        try await stream(operation, session, after: request.hasLastResponseID ? request.lastResponseID : nil, writer)
    }

    func releaseExecute(_ request: Spark_Connect_ReleaseExecuteRequest) async throws -> Spark_Connect_ReleaseExecuteResponse {
        let session = try session(request.userContext, request.sessionID, observed: request.clientObservedServerSideSessionID)
        var response = Spark_Connect_ReleaseExecuteResponse()
        response.sessionID = request.sessionID
        response.serverSideSessionID = session.serverSideID
        // A missing operation is the result that the client wanted.
        guard let operation = session.operations.first(where: { $0.id == request.operationID }) else { return response }
        response.operationID = operation.id
        switch request.release {
        case .releaseUntil(let until): operation.release(until: until.responseID)
        case .releaseAll: session.remove(operation.id)
        case nil: throw report(SparkError.invalidPlan("a release request names nothing to release"), in: session)
        }
        return response
    }

    private func stream(
        _ operation: PlanOperation, _ session: SparkSession, after responseID: String?,
        _ writer: RPCWriter<Spark_Connect_ExecutePlanResponse>
    ) async throws {
        let reader: Int
        var index: Int
        do {
            (reader, index) = try operation.attach(after: responseID)
        } catch {
            throw report(error, in: session)
        }
        defer {
            operation.detach(reader)
            if !operation.isReattachable { session.remove(operation.id) }
        }
        while true {
            switch await operation.next(reader, index) {
            case .response(let response, let at):
                try await writer.write(response)
                index = at + 1
            case .finished: return
            case .failed(let error): throw report(error, in: session)
            case .replaced:
                throw report(
                    SparkError(
                        "INVALID_CURSOR.DISCONNECTED", sqlState: "HY109", kind: .runtime,
                        "The cursor is invalid. The cursor has been disconnected by the server."), in: session)
            }
        }
    }
}
