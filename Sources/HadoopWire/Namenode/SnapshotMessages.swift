// Requests and answers about snapshots. Source: ClientNamenodeProtocol.proto and hdfs.proto.
import Base

/// A snapshottable directory, and up to two names: of a snapshot, and its new name; or of two snapshots to compare.
package struct SnapshotRequest: ProtoLayout {
    package var path = ""
    package var name: String?
    package var other: String?
    package init() {}
    package init(_ path: String, _ name: String? = nil, _ other: String? = nil) { (self.path, self.name, self.other) = (path, name, other) }
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.string(2, &name)
        try io.string(3, &other)
    }
}

/// A directory that may have snapshots, or with field numbers of its own a snapshot.
package struct SnapshottableDirectory: ProtoLayout {
    package var status = FileStatus()
    package var limit: UInt32 = 0
    package var count: UInt32 = 0
    /// The path of the directory above.
    package var parent = Bytes()
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.message(1, &status)
        try io.uint32(2, &limit)
        try io.uint32(3, &count)
        try io.bytes(4, &parent)
    }
}

package struct SnapshotStatus: ProtoLayout {
    package var status = FileStatus()
    package var number: UInt32 = 0
    /// The path of the folder of snapshots.
    package var parent = Bytes()
    package var isDeleted = false
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.message(1, &status)
        try io.uint32(2, &number)
        try io.bytes(3, &parent)
        try io.bool(4, &isDeleted)
    }
}

package struct SnapshotDifference: ProtoLayout, Hashable {
    /// Below the directory, without a slash in front.
    package var path = Bytes()
    /// `+` made, `-` deleted, `M` changed, `R` renamed.
    package var kind = ""
    package var target: Bytes?
    package init() {}
    package init(_ kind: String, _ path: String, to target: String? = nil) {
        (self.kind, self.path, self.target) = (kind, Bytes(string: path), target.map { Bytes(string: $0) })
    }
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.bytes(1, &path)
        try io.string(2, &kind)
        try io.bytes(3, &target)
    }
}

package struct SnapshotDifferences: ProtoLayout {
    package var path = ""
    package var from = ""
    package var to = ""
    package var entries: [SnapshotDifference] = []
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.string(2, &from)
        try io.string(3, &to)
        try io.messages(4, &entries)
    }
}

/// `{1: repeated message}` in field 1 of an answer.
package struct NestedListAnswer<M: ProtoLayout>: ProtoLayout {
    package var list: ListAnswer<M>?
    package init() {}
    package init(_ elements: [M]) { list = ListAnswer(elements) }
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.message(1, &list) }
}
