// The namenode's answers about files and directories. Source: hdfs.proto.
import Base

/// Unix permission bits with the sticky bit.
package struct Permission: ProtoLayout, Hashable {
    package var bits: UInt32 = 0
    package init() {}
    package init(_ bits: UInt32) { self.bits = bits }
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.uint32(1, &bits) }
}

/// A file or directory in a listing.
package struct FileStatus: ProtoLayout, Hashable {
    package enum Kind: UInt32, Sendable { case directory = 1, file, symlink }
    package enum Flag { package static let hasACL: UInt32 = 1 }
    package var kind = Kind.file
    /// The name below the listed directory; empty for the path itself.
    package var path = Bytes()
    package var lengthBytes: UInt64 = 0
    package var permission = Permission()
    package var owner = ""
    package var group = ""
    package var modified: UInt64 = 0
    package var accessed: UInt64 = 0
    package var replication: UInt32 = 0
    package var blockSizeBytes: UInt64 = 0
    package var locations: LocatedBlocks?
    package var fileID: UInt64 = 0
    package var childrenCount: Int32 = -1
    package var storagePolicy: UInt32 = 0
    package var flags: UInt32 = 0
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.choice(1, &kind)
        try io.bytes(2, &path)
        try io.uint64(3, &lengthBytes)
        try io.message(4, &permission)
        try io.string(5, &owner)
        try io.string(6, &group)
        try io.uint64(7, &modified)
        try io.uint64(8, &accessed)
        try io.uint32(10, &replication, written: 0)
        try io.uint64(11, &blockSizeBytes, written: 0)
        try io.message(12, &locations)
        try io.uint64(13, &fileID, written: 0)
        try io.int32(14, &childrenCount, absent: -1)
        try io.uint32(16, &storagePolicy, written: 0)
        try io.uint32(18, &flags, written: 0)
    }
}

package enum ChecksumKind: UInt32, Sendable { case none = 0, crc32, crc32c }

/// Default values for clients that set none themselves.
package struct ServerDefaults: ProtoLayout, Hashable {
    package var blockSizeBytes: UInt64 = 128 << 20
    package var bytesPerChecksum: UInt32 = 512
    package var writePacketBytes: UInt32 = 64 << 10
    package var replication: UInt32 = 1
    package var fileBufferBytes: UInt32 = 4096
    package var encrypts = false
    /// Minutes; 0 keeps nothing in a trash.
    package var trashInterval: UInt64 = 0
    package var checksum = ChecksumKind.crc32c
    package var keyProvider: String? = ""
    package var policyID: UInt32 = 0
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.uint64(1, &blockSizeBytes)
        try io.uint32(2, &bytesPerChecksum)
        try io.uint32(3, &writePacketBytes)
        try io.uint32(4, &replication)
        try io.uint32(5, &fileBufferBytes)
        try io.bool(6, &encrypts, absent: false)
        try io.uint64(7, &trashInterval, absent: 0)
        try io.choice(8, &checksum, absent: .crc32)
        try io.string(9, &keyProvider)
        try io.uint32(10, &policyID, absent: 0)
    }
}

/// A part of a directory's entries, in the byte order of their names.
package struct DirectoryListing: ProtoLayout {
    package var entries: [FileStatus] = []
    package var remaining: UInt32 = 0
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.messages(1, &entries)
        try io.uint32(2, &remaining)
    }
}

/// Counts and sizes of a tree. A missing quota is -1.
package struct ContentSummaryMessage: ProtoLayout {
    package var lengthBytes: UInt64 = 0
    package var fileCount: UInt64 = 0
    package var directoryCount: UInt64 = 0
    package var quota = UInt64.max
    package var spaceBytes: UInt64 = 0
    package var spaceQuota = UInt64.max
    package var erasurePolicy: String? = "Replicated"
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.uint64(1, &lengthBytes)
        try io.uint64(2, &fileCount)
        try io.uint64(3, &directoryCount)
        try io.uint64(4, &quota)
        try io.uint64(5, &spaceBytes)
        try io.uint64(6, &spaceQuota)
        try io.string(12, &erasurePolicy)
    }
}

package struct QuotaUsage: ProtoLayout {
    package var count: UInt64 = 0
    package var quota = UInt64.max
    package var spaceBytes: UInt64 = 0
    package var spaceQuota = UInt64.max
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.uint64(1, &count)
        try io.uint64(2, &quota)
        try io.uint64(3, &spaceBytes)
        try io.uint64(4, &spaceQuota)
    }
}

/// The storage types wanted for a file's blocks.
package struct StoragePolicy: ProtoLayout {
    package struct Types: ProtoLayout {
        package var types: [StorageType] = []
        package init() {}
        package init(_ types: [StorageType]) { self.types = types }
        package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.choices(1, &types) }
    }
    package var id: UInt32 = 7
    package var name = "HOT"
    package var creation = Types([.disk])
    package var creationFallback: Types? = Types([])
    package var replicationFallback: Types? = Types([.archive])
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.uint32(1, &id)
        try io.string(2, &name)
        try io.message(3, &creation)
        try io.message(4, &creationFallback)
        try io.message(5, &replicationFallback)
    }
}
