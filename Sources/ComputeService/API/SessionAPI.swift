// The RPCs about sessions and operations as a whole: interrupt, release, status, error details; cloning a session is refused.
import Foundation
import SparkWire

extension SparkService {
    func interrupt(_ request: Spark_Connect_InterruptRequest) async throws -> Spark_Connect_InterruptResponse {
        let session = try session(request.userContext, request.sessionID, observed: request.clientObservedServerSideSessionID)
        let chosen: (PlanOperation) -> Bool
        switch request.interruptType {
        case .all: chosen = { _ in true }
        case .tag: chosen = { $0.tags.contains(request.operationTag) }
        case .operationID: chosen = { $0.id == request.operationID }
        case .unspecified, .UNRECOGNIZED:
            throw report(SparkError.invalidPlan("an interrupt names no kind that this server knows"), in: session)
        }
        var response = Spark_Connect_InterruptResponse()
        response.sessionID = request.sessionID
        response.serverSideSessionID = session.serverSideID
        for operation in session.operations where chosen(operation) && !operation.isFinished {
            operation.cancel()
            response.interruptedIds.append(operation.id)
        }
        return response
    }

    func releaseSession(_ request: Spark_Connect_ReleaseSessionRequest) async throws -> Spark_Connect_ReleaseSessionResponse {
        let session = sessions.release(user: request.userContext.userID, id: request.sessionID, allowReconnect: request.allowReconnect)
        var response = Spark_Connect_ReleaseSessionResponse()
        response.sessionID = request.sessionID
        if let session { response.serverSideSessionID = session.serverSideID }
        return response
    }

    func fetchErrorDetails(_ request: Spark_Connect_FetchErrorDetailsRequest) async throws -> Spark_Connect_FetchErrorDetailsResponse {
        let session = try session(request.userContext, request.sessionID, observed: request.clientObservedServerSideSessionID)
        var response = Spark_Connect_FetchErrorDetailsResponse()
        response.sessionID = request.sessionID
        response.serverSideSessionID = session.serverSideID
        if let error = session.error(request.errorID) {
            response.rootErrorIdx = 0
            response.errors = [error.details]
        }
        return response
    }

    func getStatus(_ request: Spark_Connect_GetStatusRequest) async throws -> Spark_Connect_GetStatusResponse {
        let session = try session(request.userContext, request.sessionID, observed: request.clientObservedServerSideSessionID)
        var response = Spark_Connect_GetStatusResponse()
        response.sessionID = request.sessionID
        response.serverSideSessionID = session.serverSideID
        guard request.hasOperationStatus else { return response }
        let operations = session.operations
        let wanted = request.operationStatus.operationIds
        for id in wanted.isEmpty ? operations.map(\.id) : wanted {
            var status = Spark_Connect_GetStatusResponse.OperationStatus()
            status.operationID = id
            status.state = .unknown
            if let operation = operations.first(where: { $0.id == id }) {
                switch (operation.hasSucceeded, operation.token.isCancelled) {
                case (true?, _): status.state = .succeeded
                case (false?, true): status.state = .cancelled
                case (false?, false): status.state = .failed
                case (nil, true): status.state = .terminating
                case (nil, false): status.state = .running
                }
            }
            response.operationStatuses.append(status)
        }
        return response
    }

    func cloneSession(_ request: Spark_Connect_CloneSessionRequest) async throws -> Spark_Connect_CloneSessionResponse {
        let session = try session(request.userContext, request.sessionID, observed: request.clientObservedServerSideSessionID)
        throw report(SparkError.unsupported("cloning a session"), in: session)
    }
}
