// AddOffsetsToTxn: a group's offsets join a transaction. Source: Kafka protocol guide, api key 25.
import Base

package struct AddOffsetsToTxnRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(25) }
    package typealias Response = AddOffsetsToTxnResponse

    package var transactionalID: String = ""
    package var producerID: Int64 = 0
    package var producerEpoch: Int16 = 0
    package var groupID: String = ""

    package init() {}

    package init(transactionalID: String = "", producerID: Int64 = 0, producerEpoch: Int16 = 0, groupID: String = "") {
        self.transactionalID = transactionalID
        self.producerID = producerID
        self.producerEpoch = producerEpoch
        self.groupID = groupID
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&transactionalID)
        try io.int64(&producerID)
        try io.int16(&producerEpoch)
        try io.string(&groupID)
        try io.tags()
    }
}

package struct AddOffsetsToTxnResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var errorCode: KafkaErrorCode = .none

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, errorCode: KafkaErrorCode = .none) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.errorCode = errorCode
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.errorCode(&errorCode)
        try io.tags()
    }
}
