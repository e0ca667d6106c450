// UnregisterBroker: removes a broker that will not come back. Source: Kafka protocol guide, api key 64; KIP-631.
import Base

package struct UnregisterBrokerRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(64) }
    package typealias Response = UnregisterBrokerResponse

    package var brokerID: Int32 = 0

    package init() {}

    package init(brokerID: Int32) { self.brokerID = brokerID }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&brokerID)
        try io.tags()
    }
}

package struct UnregisterBrokerResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var errorCode: KafkaErrorCode = .none
    package var errorMessage: String?

    package init() {}

    package init(errorCode: KafkaErrorCode = .none, errorMessage: String? = nil) {
        self.errorCode = errorCode
        self.errorMessage = errorMessage
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.errorCode(&errorCode)
        try io.optionalString(&errorMessage)
        try io.tags()
    }
}
