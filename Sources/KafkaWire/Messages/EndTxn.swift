// EndTxn: commits or aborts a transaction. From version 5 on the answer carries the epoch of the next one (KIP-890).
// Source: Kafka protocol guide, api key 26.
import Base

package struct EndTxnRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(26) }
    package typealias Response = EndTxnResponse

    package var transactionalID: String = ""
    package var producerID: Int64 = 0
    package var producerEpoch: Int16 = 0
    package var committed: Bool = false

    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&transactionalID)
        try io.int64(&producerID)
        try io.int16(&producerEpoch)
        try io.bool(&committed)
        try io.tags()
    }
}

package struct EndTxnResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var errorCode: KafkaErrorCode = .none
    package var producerID: Int64 = -1
    package var producerEpoch: Int16 = -1

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, errorCode: KafkaErrorCode = .none, producerID: Int64 = -1, producerEpoch: Int16 = -1)
    {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.errorCode = errorCode
        self.producerID = producerID
        self.producerEpoch = producerEpoch
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.errorCode(&errorCode)
        if io.version >= 5 {
            try io.int64(&producerID)
            try io.int16(&producerEpoch)
        }
        try io.tags()
    }
}
