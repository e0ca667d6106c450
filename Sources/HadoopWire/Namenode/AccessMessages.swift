// Access control lists and extended attributes. Source: acl.proto, xattr.proto.
import Base

package struct ACLEntryMessage: ProtoLayout, Hashable {
    package enum Kind: UInt32, Sendable { case user = 0, group, mask, other }
    package enum Scope: UInt32, Sendable { case access = 0, defaults }
    package var kind = Kind.user
    package var scope = Scope.access
    /// Bits: 1 execute, 2 write, 4 read.
    package var permissions: UInt32 = 0
    package var name: String?
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.choice(1, &kind)
        try io.choice(2, &scope)
        try io.uint32(3, &permissions)
        try io.string(4, &name)
    }
}

package struct ACLRequest: ProtoLayout {
    package var path = ""
    package var entries: [ACLEntryMessage] = []
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.messages(2, &entries)
    }
}

package struct ACLStatus: ProtoLayout {
    package var owner = ""
    package var group = ""
    package var sticky = false
    package var entries: [ACLEntryMessage] = []
    package var permission: Permission?
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &owner)
        try io.string(2, &group)
        try io.bool(3, &sticky)
        try io.messages(4, &entries)
        try io.message(5, &permission)
    }
}

package struct XAttrMessage: ProtoLayout, Hashable {
    package enum Space: UInt32, Sendable { case user = 0, trusted, security, system, raw }
    package var space = Space.user
    package var name = ""
    package var value: Bytes?
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.choice(1, &space)
        try io.string(2, &name)
        try io.bytes(3, &value)
    }
}

package struct XAttrRequest: ProtoLayout {
    package enum Flag { package static let create: UInt32 = 1, replace: UInt32 = 2 }
    package var path = ""
    package var attribute: XAttrMessage?
    package var flags: UInt32 = 0
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.message(2, &attribute)
        try io.uint32(3, &flags, absent: 0)
    }
}

package struct XAttrsRequest: ProtoLayout {
    package var path = ""
    package var attributes: [XAttrMessage] = []
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.messages(2, &attributes)
    }
}
