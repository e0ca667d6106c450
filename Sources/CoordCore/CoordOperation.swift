// The writes that coord's log holds, one by one. The wire's requests are turned into these before they are proposed; a released tag never
// changes its meaning, a later version adds tags.
import Base

/// One write. Versions of -1 match any.
package enum CoordOperation: WireLayout, Equatable {
    case create(path: String, data: Bytes?, acl: [AccessRight], ephemeral: Bool, sequential: Bool)
    case delete(path: String, version: Int32)
    case setData(path: String, data: Bytes?, version: Int32)
    case setACL(path: String, acl: [AccessRight], version: Int32)
    case check(path: String, version: Int32)
    /// A node that goes by itself some time after its last child has gone.
    case createContainer(path: String, data: Bytes?, acl: [AccessRight], sequential: Bool)
    /// A node that goes by itself when it had neither a change nor children for `milliseconds`.
    case createTTL(path: String, data: Bytes?, acl: [AccessRight], sequential: Bool, milliseconds: Int64)

    package init() { self = .check(path: "/", version: -1) }

    /// Whether it makes something that a session owns.
    package var isEphemeral: Bool { if case .create(_, _, _, true, _) = self { true } else { false } }

    private var tag: Int8 {
        switch self {
        case .create: 1
        case .delete: 2
        case .setData: 3
        case .setACL: 4
        case .check: 5
        case .createContainer: 6
        case .createTTL: 7
        }
    }

    /// About how many bytes it takes in the log.
    var byteEstimate: Int {
        switch self {
        case .setData(let path, let data, _): 32 + path.utf8.count + (data?.readableBytes ?? 0)
        case .create(let path, let data, let acl, _, _), .createContainer(let path, let data, let acl, _),
            .createTTL(let path, let data, let acl, _, _):
            64 + path.utf8.count + (data?.readableBytes ?? 0) + acl.count * 32
        case .setACL(let path, let acl, _): 32 + path.utf8.count + acl.count * 32
        case .delete(let path, _), .check(let path, _): 32 + path.utf8.count
        }
    }

    package var path: String {
        switch self {
        case .create(let path, _, _, _, _), .delete(let path, _), .setData(let path, _, _), .setACL(let path, _, _), .check(let path, _),
            .createContainer(let path, _, _, _), .createTTL(let path, _, _, _, _):
            path
        }
    }

    /// The list that it gives to a node; that of an open one for operations that give none.
    package var accessList: [AccessRight] {
        switch self {
        case .create(_, _, let acl, _, _), .createContainer(_, _, let acl, _), .createTTL(_, _, let acl, _, _), .setACL(_, let acl, _): acl
        case .delete, .setData, .check: []
        }
    }

    /// The same with an empty list, which is refused.
    package var withoutAccessList: CoordOperation {
        var fields = fields
        fields.acl = []
        return Self.operation(tag, fields)
    }

    /// Every field that any operation has; each writes and reads those that are its own.
    private struct Fields {
        var path = ""
        var data: Bytes?
        var acl: [AccessRight] = []
        var version: Int32 = -1
        var ephemeral = false
        var sequential = false
        var milliseconds: Int64 = 0
    }

    private var fields: Fields {
        var fields = Fields()
        fields.path = path
        switch self {
        case .create(_, let data, let acl, let ephemeral, let sequential):
            (fields.data, fields.acl, fields.ephemeral, fields.sequential) = (data, acl, ephemeral, sequential)
        case .createContainer(_, let data, let acl, let sequential): (fields.data, fields.acl, fields.sequential) = (data, acl, sequential)
        case .createTTL(_, let data, let acl, let sequential, let milliseconds):
            (fields.data, fields.acl, fields.sequential, fields.milliseconds) = (data, acl, sequential, milliseconds)
        case .setData(_, let data, let version): (fields.data, fields.version) = (data, version)
        case .setACL(_, let acl, let version): (fields.acl, fields.version) = (acl, version)
        case .delete(_, let version), .check(_, let version): fields.version = version
        }
        return fields
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var tag = tag
        try io.int8(&tag)
        var fields = fields
        try io.string(&fields.path)
        switch tag {
        case 1, 6, 7:
            try io.optionalBytes(&fields.data)
            try io.list(&fields.acl)
            if tag == 1 { try io.bool(&fields.ephemeral) }
            try io.bool(&fields.sequential)
            if tag == 7 { try io.int64(&fields.milliseconds) }
        case 3:
            try io.optionalBytes(&fields.data)
            try io.int32(&fields.version)
        case 4:
            try io.list(&fields.acl)
            try io.int32(&fields.version)
        case 2, 5: try io.int32(&fields.version)
        default: throw .unknownTag("coord operation", Int(tag))
        }
        self = Self.operation(tag, fields)
    }

    private static func operation(_ tag: Int8, _ f: Fields) -> CoordOperation {
        switch tag {
        case 1: .create(path: f.path, data: f.data, acl: f.acl, ephemeral: f.ephemeral, sequential: f.sequential)
        case 2: .delete(path: f.path, version: f.version)
        case 3: .setData(path: f.path, data: f.data, version: f.version)
        case 4: .setACL(path: f.path, acl: f.acl, version: f.version)
        case 6: .createContainer(path: f.path, data: f.data, acl: f.acl, sequential: f.sequential)
        case 7: .createTTL(path: f.path, data: f.data, acl: f.acl, sequential: f.sequential, milliseconds: f.milliseconds)
        default: .check(path: f.path, version: f.version)
        }
    }
}
