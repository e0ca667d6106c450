// RemoveRaftVoter: removes a voter from the metadata quorum. Source: Kafka protocol guide, api key 81; KIP-853.
import Base

package struct RemoveRaftVoterRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(81) }
    package typealias Response = RemoveRaftVoterResponse

    package var clusterID: String?
    package var voterID: Int32 = 0
    package var voterDirectoryID = UUIDBytes()

    package init() {}

    package init(voterID: Int32, voterDirectoryID: UUIDBytes = UUIDBytes()) {
        self.voterID = voterID
        self.voterDirectoryID = voterDirectoryID
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.optionalString(&clusterID)
        try io.int32(&voterID)
        try io.uuid(&voterDirectoryID)
        try io.tags()
    }
}

package struct RemoveRaftVoterResponse: ThrottledResponse, CodedResponse, Equatable {
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
