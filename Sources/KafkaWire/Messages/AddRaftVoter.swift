// AddRaftVoter: adds a voter to the metadata quorum. Source: Kafka protocol guide, api key 80; KIP-853.
import Base

package struct AddRaftVoterRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(80) }
    package typealias Response = AddRaftVoterResponse

    package var clusterID: String?
    package var timeoutMilliseconds: Int32 = 0
    package var voterID: Int32 = 0
    package var voterDirectoryID = UUIDBytes()
    package var listeners: [QuorumListener] = []
    /// Whether the answer waits until the change is committed.
    package var acknowledgesWhenCommitted = true

    package init() {}

    package init(timeoutMilliseconds: Int32, voterID: Int32, listeners: [QuorumListener]) {
        self.timeoutMilliseconds = timeoutMilliseconds
        self.voterID = voterID
        self.listeners = listeners
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.optionalString(&clusterID)
        try io.int32(&timeoutMilliseconds)
        try io.int32(&voterID)
        try io.uuid(&voterDirectoryID)
        try io.list(&listeners)
        if io.version >= 1 { try io.bool(&acknowledgesWhenCommitted) }
        try io.tags()
    }
}

/// A server's address for the voters.
package struct QuorumListener: WireLayout, Equatable {
    package var name: String = ""
    package var host: String = ""
    /// Unsigned on the wire.
    package var port: UInt16 = 0

    package init() {}

    package init(name: String, host: String, port: UInt16) {
        self.name = name
        self.host = host
        self.port = port
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&name)
        try io.string(&host)
        var raw = Int16(bitPattern: port)
        try io.int16(&raw)
        port = UInt16(bitPattern: raw)
        try io.tags()
    }
}

package struct AddRaftVoterResponse: ThrottledResponse, CodedResponse, Equatable {
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
