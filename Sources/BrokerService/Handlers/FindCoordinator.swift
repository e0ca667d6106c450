// FindCoordinator: the coordinator of a group or a transactional id; a standalone broker coordinates all of them.
import Base
import KafkaWire

extension Broker {
    private static var groupKey: Int8 { 0 }
    private static var transactionKey: Int8 { 1 }

    func findCoordinator(_ request: FindCoordinatorRequest, _ call: Call) {
        let keys = call.version >= 4 ? request.coordinatorKeys : [request.key]
        let found = keys.map { coordinator(of: $0, request.keyType, call) }
        guard call.version < 4 else { return call.reply(FindCoordinatorResponse(coordinators: found)) }
        let one = found[0]
        call.reply(
            FindCoordinatorResponse(
                errorCode: one.errorCode, errorMessage: one.errorMessage, nodeID: one.nodeID, host: one.host, port: one.port))
    }

    private func coordinator(of key: String, _ keyType: Int8, _ call: Call) -> FindCoordinatorResponse.Coordinator {
        func refused(_ code: KafkaErrorCode, _ message: String) -> FindCoordinatorResponse.Coordinator {
            .init(key: key, nodeID: -1, host: "", port: -1, errorCode: code, errorMessage: message)
        }
        guard keyType == Self.groupKey || keyType == Self.transactionKey else {
            return refused(.invalidRequest, "there is no coordinator of kind \(keyType)")
        }
        guard !key.isEmpty else {
            return refused(keyType == Self.groupKey ? .invalidGroupID : .invalidRequest, "a group and a transaction have a name")
        }
        guard !isCutOff else {
            return refused(
                .coordinatorNotAvailable,
                "this broker knows of no controller: it may be cut off from the others; another broker may know more")
        }
        guard let broker = isClustered ? endpoint(of: machine.cluster.coordinator(of: key), call) : ownEndpoint(call) else {
            return refused(.coordinatorNotAvailable, "no broker is known to be alive")
        }
        return .init(key: key, nodeID: broker.id, host: broker.host, port: broker.port)
    }
}
