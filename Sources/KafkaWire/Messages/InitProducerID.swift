// InitProducerId: a producer id and epoch for an idempotent producer. Source: Kafka protocol guide, api key 22.
import Base

package struct InitProducerIDRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(22) }
    package typealias Response = InitProducerIDResponse

    package var transactionalID: String?
    package var transactionTimeoutMilliseconds: Int32 = 0
    package var producerID: Int64 = -1
    package var producerEpoch: Int16 = -1

    package init() {}

    package init(
        transactionalID: String? = nil, transactionTimeoutMilliseconds: Int32 = 0, producerID: Int64 = -1, producerEpoch: Int16 = -1
    ) {
        self.transactionalID = transactionalID
        self.transactionTimeoutMilliseconds = transactionTimeoutMilliseconds
        self.producerID = producerID
        self.producerEpoch = producerEpoch
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.optionalString(&transactionalID)
        try io.int32(&transactionTimeoutMilliseconds)
        if io.version >= 3 {
            try io.int64(&producerID)
            try io.int16(&producerEpoch)
        }
        try io.tags()
    }

    package func refused(_ code: KafkaErrorCode) -> InitProducerIDResponse { InitProducerIDResponse(errorCode: code, producerEpoch: -1) }
}

package struct InitProducerIDResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var errorCode: KafkaErrorCode = .none
    package var producerID: Int64 = -1
    package var producerEpoch: Int16 = 0

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, errorCode: KafkaErrorCode = .none, producerID: Int64 = -1, producerEpoch: Int16 = 0) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.errorCode = errorCode
        self.producerID = producerID
        self.producerEpoch = producerEpoch
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.errorCode(&errorCode)
        try io.int64(&producerID)
        try io.int16(&producerEpoch)
        try io.tags()
    }
}
