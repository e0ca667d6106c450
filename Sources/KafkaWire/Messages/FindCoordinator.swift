// FindCoordinator: the coordinator of a group or a transaction; several keys in one request from version 4. Source: Kafka protocol guide,
// api key 10.
import Base

package struct FindCoordinatorRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(10) }
    package typealias Response = FindCoordinatorResponse

    package var key: String = ""
    package var keyType: Int8 = 0
    package var coordinatorKeys: [String] = []

    package init() {}

    package init(key: String = "", keyType: Int8 = 0, coordinatorKeys: [String] = []) {
        self.key = key
        self.keyType = keyType
        self.coordinatorKeys = coordinatorKeys
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        if io.version <= 3 { try io.string(&key) }
        if io.version >= 1 { try io.int8(&keyType) }
        if io.version >= 4 { try io.strings(&coordinatorKeys) }
        try io.tags()
    }

    /// From version 4 on each key has an error of its own.
    package func refused(_ code: KafkaErrorCode) -> FindCoordinatorResponse {
        FindCoordinatorResponse(
            errorCode: code, nodeID: -1, host: "", port: -1,
            coordinators: coordinatorKeys.map { .init(key: $0, nodeID: -1, host: "", port: -1, errorCode: code) })
    }
}

package struct FindCoordinatorResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var errorCode: KafkaErrorCode = .none
    package var errorMessage: String?
    package var nodeID: Int32 = 0
    package var host: String = ""
    package var port: Int32 = 0
    package var coordinators: [Coordinator] = []

    package init() {}

    package init(
        throttleTimeMilliseconds: Int32 = 0, errorCode: KafkaErrorCode = .none, errorMessage: String? = nil, nodeID: Int32 = 0,
        host: String = "", port: Int32 = 0, coordinators: [Coordinator] = []
    ) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.nodeID = nodeID
        self.host = host
        self.port = port
        self.coordinators = coordinators
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        if io.version >= 1 { try io.int32(&throttleTimeMilliseconds) }
        if io.version <= 3 { try io.errorCode(&errorCode) }
        if io.version >= 1 && io.version <= 3 { try io.optionalString(&errorMessage) }
        if io.version <= 3 {
            try io.int32(&nodeID)
            try io.string(&host)
            try io.int32(&port)
        }
        if io.version >= 4 { try io.list(&coordinators) }
        try io.tags()
    }

    package struct Coordinator: WireLayout, Equatable {
        package var key: String = ""
        package var nodeID: Int32 = 0
        package var host: String = ""
        package var port: Int32 = 0
        package var errorCode: KafkaErrorCode = .none
        package var errorMessage: String?

        package init() {}

        package init(
            key: String = "", nodeID: Int32 = 0, host: String = "", port: Int32 = 0, errorCode: KafkaErrorCode = .none,
            errorMessage: String? = nil
        ) {
            self.key = key
            self.nodeID = nodeID
            self.host = host
            self.port = port
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&key)
            try io.int32(&nodeID)
            try io.string(&host)
            try io.int32(&port)
            try io.errorCode(&errorCode)
            try io.optionalString(&errorMessage)
            try io.tags()
        }
    }
}
