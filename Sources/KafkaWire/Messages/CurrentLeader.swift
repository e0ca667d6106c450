// The leader of a partition and its address, in answers to clients that asked another broker. In Produce and Fetch these are tagged fields,
// in the messages of share groups plain ones. Source: Kafka protocol guide; KIP-951, KIP-932.
import Base

/// The leader of a partition, for a client that asked another broker; -1 if it does not matter to the answer or is unknown.
package struct CurrentLeader: WireLayout, Hashable {
    package var leaderID: Int32 = -1
    package var leaderEpoch: Int32 = -1

    package init() {}

    package init(leaderID: Int32 = -1, leaderEpoch: Int32 = -1) {
        self.leaderID = leaderID
        self.leaderEpoch = leaderEpoch
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&leaderID)
        try io.int32(&leaderEpoch)
        try io.tags()
    }
}

/// The address of such a leader.
package struct NodeEndpoint: WireLayout, Hashable {
    package var nodeID: Int32 = 0
    package var host: String = ""
    package var port: Int32 = 0
    package var rack: String?

    package init() {}

    package init(nodeID: Int32 = 0, host: String = "", port: Int32 = 0, rack: String? = nil) {
        self.nodeID = nodeID
        self.host = host
        self.port = port
        self.rack = rack
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&nodeID)
        try io.string(&host)
        try io.int32(&port)
        try io.optionalString(&rack)
        try io.tags()
    }
}

extension TaggedField {
    /// A structure under a tag.
    static func of<S: WireLayout>(_ tag: UInt32, _ value: S) throws(WireError) -> TaggedField {
        var value = value
        var writer = FieldWriter<KafkaDialect>(flexible: true)
        try writer.nested(&value)
        return TaggedField(tag: tag, payload: writer.buffer)
    }

    /// A list of structures under a tag.
    static func of<S: WireLayout>(_ tag: UInt32, list: [S]) throws(WireError) -> TaggedField {
        var list = list
        var writer = FieldWriter<KafkaDialect>(flexible: true)
        try writer.list(&list)
        return TaggedField(tag: tag, payload: writer.buffer)
    }
}

extension [TaggedField] {
    /// The structure under a tag, nil if absent.
    func value<S: WireLayout>(_ tag: UInt32, _: S.Type) throws(WireError) -> S? {
        guard let field = first(where: { $0.tag == tag }) else { return nil }
        var value = S()
        var reader = FieldReader<KafkaDialect>(field.payload, flexible: true)
        try reader.nested(&value)
        return value
    }

    /// The list under a tag, empty if absent.
    func list<S: WireLayout>(_ tag: UInt32, _: S.Type) throws(WireError) -> [S] {
        guard let field = first(where: { $0.tag == tag }) else { return [] }
        var list: [S] = []
        var reader = FieldReader<KafkaDialect>(field.payload, flexible: true)
        try reader.list(&list)
        return list
    }
}
