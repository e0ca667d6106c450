// The bodies of requests, in wire order.
import Base

/// The first frame of a connection. Old clients leave out the last byte.
package struct ConnectRequest: WireLayout {
    package var protocolVersion: Int32 = 0
    package var lastZxidSeen: Int64 = 0
    package var timeoutMilliseconds: Int32 = 0
    package var sessionID: Int64 = 0
    package var password: Bytes?
    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&protocolVersion)
        try io.int64(&lastZxidSeen)
        try io.int32(&timeoutMilliseconds)
        try io.int64(&sessionID)
        try io.optionalBytes(&password)
    }
}

package struct RequestHeader: WireLayout {
    package var xid: Int32 = 0
    package var operation: Int32 = 0
    package init() {}
    package init(xid: Int32, operation: Int32) {
        self.xid = xid
        self.operation = operation
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&xid)
        try io.int32(&operation)
    }
}

/// create, create2 and createContainer.
package struct CreateRequest: WireLayout, Equatable {
    package var path: String?
    package var data: Bytes?
    package var acl: [ACLRecord]?
    package var flags: Int32 = 0
    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.optionalString(&path)
        try io.optionalBytes(&data)
        try io.optionalList(&acl)
        try io.int32(&flags)
    }
}

/// delete and check.
package struct PathVersionRequest: WireLayout, Equatable {
    package var path: String?
    package var version: Int32 = 0
    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.optionalString(&path)
        try io.int32(&version)
    }
}

/// exists, getData, getChildren and getChildren2.
package struct PathWatchRequest: WireLayout, Equatable {
    package var path: String?
    package var watch = false
    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.optionalString(&path)
        try io.bool(&watch)
    }
}

/// getACL, sync, getEphemerals and getAllChildrenNumber.
package struct PathRequest: WireLayout, Equatable {
    package var path: String?
    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.optionalString(&path) }
}

package struct SetDataRequest: WireLayout, Equatable {
    package var path: String?
    package var data: Bytes?
    package var version: Int32 = 0
    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.optionalString(&path)
        try io.optionalBytes(&data)
        try io.int32(&version)
    }
}

package struct SetACLRequest: WireLayout, Equatable {
    package var path: String?
    package var acl: [ACLRecord]?
    package var version: Int32 = 0
    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.optionalString(&path)
        try io.optionalList(&acl)
        try io.int32(&version)
    }
}

package struct AuthRequest: WireLayout {
    package var type: Int32 = 0
    package var scheme: String?
    package var credentials: Bytes?
    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&type)
        try io.optionalString(&scheme)
        try io.optionalBytes(&credentials)
    }
}

/// Watches that a client held before it lost its connection.
package struct SetWatchesRequest: WireLayout {
    package var relativeZxid: Int64 = 0
    package var data: [String] = []
    package var exists: [String] = []
    package var children: [String] = []
    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int64(&relativeZxid)
        try io.strings(&data)
        try io.strings(&exists)
        try io.strings(&children)
    }
}

/// Stands before each operation and each result of a multi, and ends the list.
package struct MultiHeader: WireLayout {
    package var operation: Int32 = -1
    package var done = true
    package var error: Int32 = -1
    package init() {}
    package init(operation: Int32, done: Bool, error: Int32) {
        self.operation = operation
        self.done = done
        self.error = error
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&operation)
        try io.bool(&done)
        try io.int32(&error)
    }
}

/// createTTL.
package struct CreateTTLRequest: WireLayout, Equatable {
    package var create = CreateRequest()
    package var milliseconds: Int64 = 0
    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.nested(&create)
        try io.int64(&milliseconds)
    }
}

/// addWatch with its mode; checkWatches and removeWatches with the kind of watch.
package struct WatchRequest: WireLayout, Equatable {
    package var path: String?
    package var mode: Int32 = 0
    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.optionalString(&path)
        try io.int32(&mode)
    }
}

/// setWatches2: all that a client held.
package struct SetWatches2Request: WireLayout {
    package var oneTime = SetWatchesRequest()
    package var persistent: [String] = []
    package var recursive: [String] = []
    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.nested(&oneTime)
        try io.strings(&persistent)
        try io.strings(&recursive)
    }
}

/// One step of a SASL exchange, in both directions.
package struct SASLToken: WireLayout {
    package var token: Bytes?
    package init() {}
    package init(token: Bytes) { self.token = token }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.optionalBytes(&token) }
}

/// reconfig: servers that join and leave, or the whole list; -1 or the version that the change was made for.
package struct ReconfigRequest: WireLayout, Equatable {
    package var joining: String?
    package var leaving: String?
    package var members: String?
    package var configID: Int64 = -1
    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.optionalString(&joining)
        try io.optionalString(&leaving)
        try io.optionalString(&members)
        try io.int64(&configID)
    }
}
