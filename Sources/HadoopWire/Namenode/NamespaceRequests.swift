// Requests that change or list names. Source: ClientNamenodeProtocol.proto.
import Base

package struct MakeDirectoriesRequest: ProtoLayout {
    package var path = ""
    package var masked = Permission()
    package var createParent = false
    package var unmasked: Permission?
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.message(2, &masked)
        try io.bool(3, &createParent)
        try io.message(4, &unmasked)
    }
}

package struct RenameRequest: ProtoLayout {
    package var source = ""
    package var target = ""
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &source)
        try io.string(2, &target)
    }
}

package struct RenameOverRequest: ProtoLayout {
    package var source = ""
    package var target = ""
    package var overwrite = false
    package var moveToTrash = false
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &source)
        try io.string(2, &target)
        try io.bool(3, &overwrite)
        try io.bool(4, &moveToTrash, absent: false)
    }
}

package struct DeleteRequest: ProtoLayout {
    package var path = ""
    package var recursive = false
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.bool(2, &recursive)
    }
}

package struct ConcatRequest: ProtoLayout {
    package var target = ""
    package var sources: [String] = []
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &target)
        try io.strings(2, &sources)
    }
}

package struct ListingRequest: ProtoLayout {
    package var path = ""
    /// The name to continue after; empty to begin.
    package var startAfter = Bytes()
    package var needLocation = false
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.bytes(2, &startAfter)
        try io.bool(3, &needLocation)
    }
}

package struct PermissionRequest: ProtoLayout {
    package var path = ""
    package var permission = Permission()
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.message(2, &permission)
    }
}

package struct OwnerRequest: ProtoLayout {
    package var path = ""
    package var owner: String?
    package var group: String?
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.string(2, &owner)
        try io.string(3, &group)
    }
}

package struct TimesRequest: ProtoLayout {
    package var path = ""
    /// Milliseconds; all bits set leaves the time as it is.
    package var modified: UInt64 = 0
    package var accessed: UInt64 = 0
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.uint64(2, &modified)
        try io.uint64(3, &accessed)
    }
}

package struct ReplicationRequest: ProtoLayout {
    package var path = ""
    package var replication: UInt32 = 0
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.uint32(2, &replication)
    }
}

package struct PolicyRequest: ProtoLayout {
    package var path = ""
    package var policy = ""
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.string(2, &policy)
    }
}

package struct QuotaRequest: ProtoLayout {
    package var path = ""
    /// Names; 2^63-1 leaves the quota as it is, all bits set removes it.
    package var names: UInt64 = 0
    package var spaceBytes: UInt64 = 0
    package var storageType: UInt64?
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.uint64(2, &names)
        try io.uint64(3, &spaceBytes)
        try io.varint(4, &storageType)
    }
}

package struct AccessRequest: ProtoLayout {
    package var path = ""
    /// Bits: 1 execute, 2 write, 4 read.
    package var mode: UInt32 = 0
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.uint32(2, &mode)
    }
}

package struct LocatedFileRequest: ProtoLayout {
    package var path = ""
    package var needToken = false
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path, absent: "")
        try io.bool(2, &needToken, absent: false)
    }
}
