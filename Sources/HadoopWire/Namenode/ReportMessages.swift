// Operators' requests to the namenode. Source: ClientNamenodeProtocol.proto.
import Base

package struct FileSystemStats: ProtoLayout {
    package var capacityBytes: UInt64 = 0
    package var usedBytes: UInt64 = 0
    package var remainingBytes: UInt64 = 0
    package var underReplicated: UInt64 = 0
    package var corrupt: UInt64 = 0
    package var missing: UInt64 = 0
    package var pendingDeletion: UInt64 = 0
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.uint64(1, &capacityBytes)
        try io.uint64(2, &usedBytes)
        try io.uint64(3, &remainingBytes)
        try io.uint64(4, &underReplicated)
        try io.uint64(5, &corrupt)
        try io.uint64(6, &missing)
        try io.uint64(9, &pendingDeletion, absent: 0)
    }
}

/// Six counts of replicated blocks.
package struct ReplicatedBlockStats: ProtoLayout {
    package var lowRedundancy: UInt64 = 0
    package var corrupt: UInt64 = 0
    package var missing: UInt64 = 0
    package var missingSingle: UInt64 = 0
    package var inFuture: UInt64 = 0
    package var pendingDeletion: UInt64 = 0
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.uint64(1, &lowRedundancy)
        try io.uint64(2, &corrupt)
        try io.uint64(3, &missing)
        try io.uint64(4, &missingSingle)
        try io.uint64(5, &inFuture)
        try io.uint64(6, &pendingDeletion)
    }
}

/// Counts of erasure-coded block groups, of which there are none.
package struct BlockGroupStats: ProtoLayout {
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var none: UInt64 = 0
        for field in 1...5 { try io.uint64(field, &none) }
    }
}

package struct SafeModeRequest: ProtoLayout {
    package enum Action: UInt32, Sendable { case leave = 1, enter, get, forceExit }
    package var action = Action.get
    package var checked = false
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.choice(1, &action)
        try io.bool(2, &checked, written: false)
    }
}

package struct DatanodeStorageReport: ProtoLayout {
    package var info = DatanodeInfo()
    package var reports: [StorageReport] = []
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.message(1, &info)
        try io.messages(2, &reports)
    }
}

package struct CorruptFiles: ProtoLayout {
    package var files: [String] = []
    package var cookie = ""
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.strings(1, &files)
        try io.string(2, &cookie)
    }
}

package struct CorruptFilesRequest: ProtoLayout {
    package var path = ""
    package var cookie: String?
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.string(2, &cookie)
    }
}

package struct OpenFilesRequest: ProtoLayout {
    package var after: Int64 = 0
    package var path: String?
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int64(1, &after)
        try io.string(3, &path)
    }
}

package struct OpenFileEntry: ProtoLayout {
    package var id: Int64 = 0
    package var path = ""
    package var clientName = ""
    package var clientMachine = ""
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int64(1, &id)
        try io.string(2, &path)
        try io.string(3, &clientName)
        try io.string(4, &clientMachine)
    }
}

package struct OpenFilesAnswer: ProtoLayout {
    package var entries: [OpenFileEntry] = []
    package var hasMore = false
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.messages(1, &entries)
        try io.bool(2, &hasMore)
    }
}

package struct BadBlocksRequest: ProtoLayout {
    package var blocks: [LocatedBlock] = []
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.messages(1, &blocks) }
}
