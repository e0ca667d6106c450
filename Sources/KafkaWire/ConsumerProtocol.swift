// The consumers' messages inside JoinGroup and SyncGroup: subscription and assignment. The broker passes both on unread; our own client
// writes them and the group commands show them. Source: Kafka's ConsumerProtocolSubscription and -Assignment, versions 0 to 3.
import Base

/// A member's subscription; versions 0 to 3.
package struct ConsumerSubscription: WireLayout, Equatable {
    package var topics: [String] = []
    package var userData: Bytes?
    package var owned: [ConsumerAssignment.Topic] = []
    package var generationID: Int32 = -1
    package var rackID: String?

    package init() {}
    package init(topics: [String]) { self.topics = topics }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.strings(&topics)
        try io.optionalBytes(&userData)
        if io.version >= 1 { try io.list(&owned) }
        if io.version >= 2 { try io.int32(&generationID) }
        if io.version >= 3 { try io.optionalString(&rackID) }
    }
}

/// A member's assignment.
package struct ConsumerAssignment: WireLayout, Equatable {
    package var topics: [Topic] = []
    package var userData: Bytes?

    package init() {}
    package init(topics: [Topic]) { self.topics = topics }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&topics)
        try io.optionalBytes(&userData)
    }

    package struct Topic: WireLayout, Equatable {
        package var name = ""
        package var partitions: [Int32] = []
        package init() {}
        package init(name: String, partitions: [Int32]) {
            self.name = name
            self.partitions = partitions
        }
        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&name)
            try io.int32s(&partitions)
        }
    }
}

package enum ConsumerProtocol {
    package static let name = "consumer"
    /// The written version: members of older clients understand it.
    static let versionWritten: Int16 = 1
    static let versionMax: Int16 = 3

    /// The bytes of `message` in a group request: its version, then its fields.
    package static func encode<L: WireLayout>(_ message: L) throws(WireError) -> Bytes {
        var bytes = Bytes()
        bytes.writeInteger(versionWritten)
        try message.encode(into: &bytes, as: KafkaDialect.self, version: versionWritten)
        return bytes
    }

    /// Reads either message; ignores fields that a later version has added at the end.
    package static func decode<L: WireLayout>(_: L.Type, _ bytes: Bytes) throws(WireError) -> L {
        var bytes = bytes
        guard let version = bytes.readInteger(as: Int16.self) else { throw .truncated(needed: 2, remaining: bytes.readableBytes) }
        guard version >= 0 else { throw .unknownTag("consumer protocol version", Int(version)) }
        var reader = FieldReader<KafkaDialect>(bytes, version: min(version, versionMax))
        var message = L()
        try message.layout(&reader)
        return message
    }
}
