// Jute, ZooKeeper's serialisation: every length an int32, null is -1, a vector is a counted sequence. Layouts of all records live in
// Requests.swift and Responses.swift. Source: ZooKeeper's published record definitions (zookeeper.jute), field order and types only.
import Base

/// The habits of jute.
package enum JuteDialect: WireDialect {
    @inlinable package static func form(of kind: LengthKind, flexible: Bool) -> LengthForm { .int32 }
}

/// A node's statistics as they lie on the wire.
package struct StatRecord: WireLayout, Hashable {
    package static let byteCount = 68
    package var czxid: Int64 = 0
    package var mzxid: Int64 = 0
    package var ctime: Int64 = 0
    package var mtime: Int64 = 0
    package var version: Int32 = 0
    package var cversion: Int32 = 0
    package var aversion: Int32 = 0
    package var ephemeralOwner: Int64 = 0
    package var dataLength: Int32 = 0
    package var numChildren: Int32 = 0
    package var pzxid: Int64 = 0
    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int64(&czxid)
        try io.int64(&mzxid)
        try io.int64(&ctime)
        try io.int64(&mtime)
        try io.int32(&version)
        try io.int32(&cversion)
        try io.int32(&aversion)
        try io.int64(&ephemeralOwner)
        try io.int32(&dataLength)
        try io.int32(&numChildren)
        try io.int64(&pzxid)
    }
}

/// An access right: a bit mask of permissions for an identity.
package struct ACLRecord: WireLayout, Hashable {
    package var permissions: Int32 = 0
    package var scheme = ""
    package var id = ""
    package init() {}
    package init(permissions: Int32, scheme: String, id: String) {
        self.permissions = permissions
        self.scheme = scheme
        self.id = id
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&permissions)
        try io.string(&scheme)
        // Some clients send null where the scheme needs no id.
        var text: String? = id
        try io.optionalString(&text)
        id = text ?? ""
    }
}
