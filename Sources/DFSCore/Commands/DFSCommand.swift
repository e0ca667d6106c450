// The commands of the dfs log. A released tag never changes its meaning.
import Base

/// Changes to an inode's attributes; nil leaves one as it is.
package struct AttributeChange: WireLayout, Equatable {
    package var permission: Int16?
    package var owner: String?
    package var group: String?
    package var replication: Int16?
    package var modified: Int64?
    package var accessed: Int64?
    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try Self.number(&permission, &io)
        try io.optionalString(&owner)
        try io.optionalString(&group)
        try Self.number(&replication, &io)
        try Self.number(&modified, &io)
        try Self.number(&accessed, &io)
    }

    private static func number<N: FixedWidthInteger, C: FieldCoder & ~Copyable>(_ value: inout N?, _ io: inout C) throws(WireError) {
        var present = value != nil
        var raw = Int64(value ?? 0)
        try io.bool(&present)
        try io.zigzag(&raw)
        value = present ? N(truncatingIfNeeded: raw) : nil
    }
}

/// Options of a new file.
package struct CreateOptions: WireLayout, Equatable {
    package var overwrite = false
    package var permission: Int16 = 0o644
    package var replication: Int16 = 1
    package var blockSizeBytes: Int64 = 128 << 20
    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.bool(&overwrite)
        try io.int16(&permission)
        try io.int16(&replication)
        try io.int64(&blockSizeBytes)
    }
}

/// A command of the namespace's log.
package enum DFSCommand: WireLayout, Equatable {
    case makeDirectories(path: String, permission: Int16, Caller)
    /// Creates a file for `writer` to fill, its parents with it.
    case create(path: String, CreateOptions, writer: String, Caller)
    case openForAppend(path: String, writer: String, Caller)
    /// A block of an open file is durable on a datanode; `last` closes the file.
    case finishBlock(InodeID, writer: String, BlockID, lengthBytes: Int64, last: Bool)
    case close(InodeID, writer: String)
    case rename(source: String, target: String, Caller)
    case delete(path: String, recursive: Bool, Caller)
    case setAttributes(path: String, AttributeChange, Caller)
    /// Closes every open file at its finished blocks: the writers ended with the process.
    case closeAbandoned
    /// Ends a broken write: removes a file that was never closed, keeps the finished blocks of another. Names the inode and its writer,
    /// since another file may stand at the path by then.
    case abandonFile(InodeID, writer: String)
    case file(FileCommand)
    case name(NameCommand)
    case snapshot(SnapshotCommand)
    /// A command that its client may repeat: executed once, answered the same again.
    indirect case once(RetryID, DFSCommand)

    package init() { self = .closeAbandoned }

    private var tag: Int8 {
        switch self {
        case .makeDirectories: 1
        case .create: 2
        case .openForAppend: 3
        case .finishBlock: 4
        case .close: 5
        case .rename: 6
        case .delete: 7
        case .setAttributes: 8
        case .closeAbandoned: 9
        case .abandonFile: 10
        case .file: 11
        case .name: 12
        case .once: 13
        case .snapshot: 14
        }
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var tag = tag
        try io.int8(&tag)
        switch tag {
        case 1, 2, 3, 7, 8: try layoutPathCommand(tag, &io)
        case 4, 5, 10: try layoutBlockCommand(tag, &io)
        case 6:
            var (source, target, caller) = ("", "", Caller())
            if case .rename(let from, let to, let who) = self { (source, target, caller) = (from, to, who) }
            try io.string(&source)
            try io.string(&target)
            try io.nested(&caller)
            self = .rename(source: source, target: target, caller)
        case 9: self = .closeAbandoned
        case 11: self = .file(try Self.nested(FileCommand(), &io) { if case .file(let own) = self { own } else { nil } })
        case 12: self = .name(try Self.nested(NameCommand(), &io) { if case .name(let own) = self { own } else { nil } })
        case 13: try layoutOnce(&io)
        case 14: self = .snapshot(try Self.nested(SnapshotCommand(), &io) { if case .snapshot(let own) = self { own } else { nil } })
        default: throw .unknownTag("dfs command", Int(tag))
        }
    }

    private static func nested<L: WireLayout, C: FieldCoder & ~Copyable>(_ empty: L, _ io: inout C, _ own: () -> L?) throws(WireError) -> L
    {
        var value = own() ?? empty
        try io.nested(&value)
        return value
    }

    private mutating func layoutOnce<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var (id, command) = (RetryID(), DFSCommand.closeAbandoned)
        if case .once(let own, let inner) = self { (id, command) = (own, inner) }
        try io.nested(&id)
        try io.nested(&command)
        self = .once(id, command)
    }

    private mutating func layoutPathCommand<C: FieldCoder & ~Copyable>(_ tag: Int8, _ io: inout C) throws(WireError) {
        var (path, writer, caller) = ("", "", Caller())
        var permission: Int16 = 0
        var options = CreateOptions()
        var recursive = false
        var change = AttributeChange()
        switch self {
        case .makeDirectories(let own, let bits, let who): (path, permission, caller) = (own, bits, who)
        case .create(let own, let how, let by, let who): (path, options, writer, caller) = (own, how, by, who)
        case .openForAppend(let own, let by, let who): (path, writer, caller) = (own, by, who)
        case .delete(let own, let deep, let who): (path, recursive, caller) = (own, deep, who)
        case .setAttributes(let own, let what, let who): (path, change, caller) = (own, what, who)
        default: break
        }
        try io.string(&path)
        try io.nested(&caller)
        switch tag {
        case 1:
            try io.int16(&permission)
            self = .makeDirectories(path: path, permission: permission, caller)
        case 2:
            try io.nested(&options)
            try io.string(&writer)
            self = .create(path: path, options, writer: writer, caller)
        case 3:
            try io.string(&writer)
            self = .openForAppend(path: path, writer: writer, caller)
        case 7:
            try io.bool(&recursive)
            self = .delete(path: path, recursive: recursive, caller)
        default:
            try io.nested(&change)
            self = .setAttributes(path: path, change, caller)
        }
    }

    private mutating func layoutBlockCommand<C: FieldCoder & ~Copyable>(_ tag: Int8, _ io: inout C) throws(WireError) {
        var (inode, writer, block, length, last) = (InodeID(0), "", BlockID(0), Int64(0), false)
        switch self {
        case .finishBlock(let file, let by, let id, let bytes, let end): (inode, writer, block, length, last) = (file, by, id, bytes, end)
        case .close(let file, let by), .abandonFile(let file, let by): (inode, writer) = (file, by)
        default: break
        }
        try io.id(&inode)
        try io.string(&writer)
        guard tag == 4 else { return self = tag == 5 ? .close(inode, writer: writer) : .abandonFile(inode, writer: writer) }
        try io.id(&block)
        try io.int64(&length)
        try io.bool(&last)
        self = .finishBlock(inode, writer: writer, block, lengthBytes: length, last: last)
    }
}
