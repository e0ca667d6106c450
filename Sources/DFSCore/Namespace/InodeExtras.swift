// Rare properties of nodes, one word for a node without them: access lists, extended attributes, quotas, a storage policy.
import Base

/// A node's rare properties; a node without any has no such value.
package struct InodeExtras: WireLayout, Hashable {
    package var acl = AccessList()
    package var attributes: [ExtendedAttribute] = []
    /// Limit of the names at and below a directory; nil for none.
    package var nameQuota: Int64?
    /// Limit of the bytes of all copies of its blocks; nil for none.
    package var spaceQuota: Int64?
    /// HDFS's number of the node's own policy; 0 for none.
    package var storagePolicy: Int16 = 0
    package init() {}

    package var isEmpty: Bool { self == InodeExtras() }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.nested(&acl)
        try io.list(&attributes)
        try Self.optional(&nameQuota, &io)
        try Self.optional(&spaceQuota, &io)
        try io.int16(&storagePolicy)
    }

    static func optional<C: FieldCoder & ~Copyable>(_ value: inout Int64?, _ io: inout C) throws(WireError) {
        var present = value != nil
        var raw = value ?? 0
        try io.bool(&present)
        try io.int64(&raw)
        value = present ? raw : nil
    }
}

/// A named value on a node.
package struct ExtendedAttribute: WireLayout, Hashable {
    /// 0 user, 1 trusted, 2 security, 3 system, 4 raw.
    package var space: Int8 = 0
    package var name = ""
    package var value = Bytes()
    package init() {}
    package init(space: Int8, name: String, value: Bytes) { (self.space, self.name, self.value) = (space, name, value) }

    /// HDFS's limits: attributes of a node, bytes of a name with its value.
    package static let countMax = 32
    package static let bytesMax = 16_384

    package func isNamed(_ space: Int8, _ name: String) -> Bool { self.space == space && self.name.utf8.elementsEqual(name.utf8) }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int8(&space)
        try io.string(&name)
        try io.bytes(&value)
    }
}
