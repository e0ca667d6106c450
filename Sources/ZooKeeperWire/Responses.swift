// The bodies of replies, in wire order.
import Base

/// Answers ConnectRequest; the read-only byte follows only if the client sent one.
package struct ConnectResponse: WireLayout {
    package var protocolVersion: Int32 = 0
    package var timeoutMilliseconds: Int32 = 0
    package var sessionID: Int64 = 0
    package var password = Bytes(repeating: 0, count: 16)
    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&protocolVersion)
        try io.int32(&timeoutMilliseconds)
        try io.int64(&sessionID)
        try io.bytes(&password)
    }
}

package struct ReplyHeader: WireLayout, Equatable {
    package static let byteCount = 16
    package var xid: Int32 = 0
    package var zxid: Int64 = 0
    package var error: Int32 = 0
    package init() {}
    package init(xid: Int32, zxid: Int64, error: ZKErrorCode) {
        self.xid = xid
        self.zxid = zxid
        self.error = error.rawValue
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&xid)
        try io.int64(&zxid)
        try io.int32(&error)
    }
}

/// create, and sync.
package struct PathResponse: WireLayout {
    package var path: String?
    package init() {}
    package init(path: String?) { self.path = path }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.optionalString(&path) }
}

/// create2, createContainer and createTTL.
package struct PathStatResponse: WireLayout {
    package var path = ""
    package var stat = StatRecord()
    package init() {}
    package init(path: String, stat: StatRecord) {
        self.path = path
        self.stat = stat
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&path)
        try io.nested(&stat)
    }
}

/// exists, setData, setACL.
package struct StatResponse: WireLayout {
    package var stat = StatRecord()
    package init() {}
    package init(stat: StatRecord) { self.stat = stat }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.nested(&stat) }
}

package struct GetDataResponse: WireLayout {
    package var data: Bytes?
    package var stat = StatRecord()
    package init() {}
    package init(data: Bytes?, stat: StatRecord) {
        self.data = data
        self.stat = stat
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.optionalBytes(&data)
        try io.nested(&stat)
    }
}

package struct GetACLResponse: WireLayout {
    package var acl: [ACLRecord] = []
    package var stat = StatRecord()
    package init() {}
    package init(acl: [ACLRecord], stat: StatRecord) {
        self.acl = acl
        self.stat = stat
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&acl)
        try io.nested(&stat)
    }
}

/// getChildren, getEphemerals.
package struct NamesResponse: WireLayout {
    package var names: [String] = []
    package init() {}
    package init(names: [String]) { self.names = names }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.strings(&names) }
}

/// getChildren2.
package struct NamesStatResponse: WireLayout {
    package var names: [String] = []
    package var stat = StatRecord()
    package init() {}
    package init(names: [String], stat: StatRecord) {
        self.names = names
        self.stat = stat
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.strings(&names)
        try io.nested(&stat)
    }
}

/// getAllChildrenNumber.
package struct CountResponse: WireLayout {
    package var count: Int32 = 0
    package init() {}
    package init(count: Int32) { self.count = count }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.int32(&count) }
}

/// What a watch brings, under xid -1.
package struct WatchEvent: WireLayout, Equatable {
    package var type: Int32 = 0
    package var state: Int32 = WatchState.connected
    package var path = ""
    package init() {}
    package init(type: WatchEventType, path: String) {
        self.type = type.rawValue
        self.path = path
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&type)
        try io.int32(&state)
        try io.string(&path)
    }
}

/// whoAmI: who a session is, without what proves it.
package struct WhoAmIResponse: WireLayout {
    package struct Name: WireLayout {
        package var scheme = ""
        package var user = ""
        package init() {}
        package init(scheme: String, user: String) {
            self.scheme = scheme
            self.user = user
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&scheme)
            try io.string(&user)
        }
    }
    package var names: [Name] = []
    package init() {}
    package init(names: [Name]) { self.names = names }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.list(&names) }
}

/// The error inside a multi's result, and the whole answer of addWatch.
package struct ErrorResponse: WireLayout {
    package var error: Int32 = 0
    package init() {}
    package init(error: ZKErrorCode) { self.error = error.rawValue }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.int32(&error) }
}
