// DescribeCluster: the brokers and the controller. Source: Kafka protocol guide, api key 60; KIP-700.
import Base

package struct DescribeClusterRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(60) }
    package typealias Response = DescribeClusterResponse

    package var includeClusterAuthorizedOperations: Bool = false
    package var endpointType: Int8 = 1
    package var includeFencedBrokers: Bool = false

    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.bool(&includeClusterAuthorizedOperations)
        if io.version >= 1 { try io.int8(&endpointType) }
        if io.version >= 2 { try io.bool(&includeFencedBrokers) }
        try io.tags()
    }
}

package struct DescribeClusterResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var errorCode: KafkaErrorCode = .none
    package var errorMessage: String?
    package var endpointType: Int8 = 1
    package var clusterID: String = ""
    package var controllerID: Int32 = -1
    package var brokers: [Broker] = []
    package var clusterAuthorizedOperations: Int32 = unknownOperations

    package init() {}

    package init(
        throttleTimeMilliseconds: Int32 = 0, errorCode: KafkaErrorCode = .none, errorMessage: String? = nil, endpointType: Int8 = 1,
        clusterID: String = "", controllerID: Int32 = -1, brokers: [Broker] = [], clusterAuthorizedOperations: Int32 = unknownOperations
    ) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.endpointType = endpointType
        self.clusterID = clusterID
        self.controllerID = controllerID
        self.brokers = brokers
        self.clusterAuthorizedOperations = clusterAuthorizedOperations
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.errorCode(&errorCode)
        try io.optionalString(&errorMessage)
        if io.version >= 1 { try io.int8(&endpointType) }
        try io.string(&clusterID)
        try io.int32(&controllerID)
        try io.list(&brokers)
        try io.int32(&clusterAuthorizedOperations)
        try io.tags()
    }

    package struct Broker: WireLayout, Equatable {
        package var brokerID: Int32 = 0
        package var host: String = ""
        package var port: Int32 = 0
        package var rack: String?
        package var isFenced: Bool = false

        package init() {}

        package init(brokerID: Int32 = 0, host: String = "", port: Int32 = 0, rack: String? = nil, isFenced: Bool = false) {
            self.brokerID = brokerID
            self.host = host
            self.port = port
            self.rack = rack
            self.isFenced = isFenced
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int32(&brokerID)
            try io.string(&host)
            try io.int32(&port)
            try io.optionalString(&rack)
            if io.version >= 2 { try io.bool(&isFenced) }
            try io.tags()
        }
    }
}
