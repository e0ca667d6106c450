// POSIX access control lists as in HDFS. With a list, the permission bits hold owner, mask and others; the list holds the group, the named
// entries, and for directories the entries that new children begin with. Source: "HDFS Permissions Guide", section "ACLs".
import Base

/// One entry.
package struct AccessEntry: WireLayout, Hashable {
    package enum Kind: Int8, Sendable { case user = 0, group, mask, other }
    package var isDefault = false
    package var kind = Kind.user
    /// Empty for the owner, the owning group, mask and others.
    package var name = ""
    /// Bits: 1 execute, 2 write, 4 read.
    package var bits: Int16 = 0
    package init() {}
    package init(isDefault: Bool = false, _ kind: Kind, _ bits: Int16) { self.init(isDefault: isDefault, kind, "", bits) }
    package init(isDefault: Bool = false, _ kind: Kind, _ name: String, _ bits: Int16) {
        (self.isDefault, self.kind, self.name, self.bits) = (isDefault, kind, name, bits)
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var raw = kind.rawValue
        try io.bool(&isDefault)
        try io.int8(&raw)
        try io.string(&name)
        try io.int16(&bits)
        guard let kind = Kind(rawValue: raw) else { throw .unknownTag("kind of access entry", Int(raw)) }
        self.kind = kind
    }

    /// Whether two entries concern the same scope, kind and name.
    func isAbout(_ other: AccessEntry) -> Bool {
        isDefault == other.isDefault && kind == other.kind && name.utf8.elementsEqual(other.name.utf8)
    }

    /// Access before default; users, groups, mask, others; the one without a name first.
    func precedes(_ other: AccessEntry) -> Bool {
        if isDefault != other.isDefault { return !isDefault }
        if kind != other.kind { return kind.rawValue < other.kind.rawValue }
        return name.utf8.lexicographicallyPrecedes(other.name.utf8)
    }
}

/// The entries that the permission bits cannot hold, in order.
package struct AccessList: WireLayout, Hashable {
    package var entries: [AccessEntry] = []
    package init() {}
    package var isEmpty: Bool { entries.isEmpty }
    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.list(&entries) }

    /// Entries of one list, as HDFS limits them for each of access and default.
    package static let entriesMax = 32

    package var hasAccessEntries: Bool { entries.contains { !$0.isDefault } }

    /// All entries, with those of the permission bits.
    func whole(_ permission: Int16) -> [AccessEntry] {
        var all = entries
        all.append(AccessEntry(.user, (permission >> 6) & 7))
        all.append(AccessEntry(.other, permission & 7))
        all.append(AccessEntry(hasAccessEntries ? .mask : .group, (permission >> 3) & 7))
        return all.sorted { $0.precedes($1) }
    }

    /// Splits a whole list into permission bits and the remaining entries. Throws if the list contradicts itself.
    static func split(_ whole: [AccessEntry], permission: Int16) throws(DFSRefusal) -> (list: AccessList, permission: Int16) {
        var list = AccessList()
        var bits = permission & 0o1000
        let access = whole.filter { !$0.isDefault }
        guard let user = access.first(where: { $0.kind == .user && $0.name.isEmpty }),
            let group = access.first(where: { $0.kind == .group && $0.name.isEmpty }),
            let other = access.first(where: { $0.kind == .other })
        else { throw .badACL("Invalid ACL: the user, group and other entries are required.") }
        bits |= user.bits << 6 | other.bits
        if let mask = access.first(where: { $0.kind == .mask }) {
            bits |= mask.bits << 3
            list.entries = access.filter { !$0.name.isEmpty || $0.kind == .group }
        } else {
            bits |= group.bits << 3
        }
        list.entries += whole.filter(\.isDefault)
        list.entries.sort { $0.precedes($1) }
        for isDefault in [false, true] where list.entries.count(where: { $0.isDefault == isDefault }) > entriesMax {
            throw .badACL("Invalid ACL: ACL has more than the maximum of \(entriesMax) entries.")
        }
        return (list, bits)
    }

    /// Adds the missing entries of each scope: the mask that covers its groups and names, and for defaults those of owner, group and
    /// others.
    static func completed(_ entries: [AccessEntry], maskIsGiven: (access: Bool, defaults: Bool)) -> [AccessEntry] {
        var all = entries
        if all.contains(where: \.isDefault) {
            for kind in [AccessEntry.Kind.user, .group, .other]
            where !all.contains(where: { $0.isDefault && $0.kind == kind && $0.name.isEmpty }) {
                let bits = all.first { !$0.isDefault && $0.kind == kind && $0.name.isEmpty }?.bits ?? 0
                all.append(AccessEntry(isDefault: true, kind, bits))
            }
        }
        for isDefault in [false, true] {
            let given = isDefault ? maskIsGiven.defaults : maskIsGiven.access
            let scope = all.filter { $0.isDefault == isDefault }
            let hasNames = scope.contains { !$0.name.isEmpty }
            if given, scope.contains(where: { $0.kind == .mask }) { continue }
            all.removeAll { $0.isDefault == isDefault && $0.kind == .mask }
            guard hasNames else { continue }
            let covered = scope.filter { !$0.name.isEmpty || $0.kind == .group }.filter { $0.kind != .mask }.reduce(Int16(0)) {
                $0 | $1.bits
            }
            all.append(AccessEntry(isDefault: isDefault, .mask, covered))
        }
        return all.sorted { $0.precedes($1) }
    }
}

/// A kind of change to a list.
package enum AccessListChange: Int8, Sendable {
    /// Adds or replaces the given entries.
    case modify = 0
    case remove
    case removeDefaults
    /// Keeps only the entries of the permission bits.
    case removeAll
    case replace

    func applied(to list: AccessList, _ permission: Int16, _ given: [AccessEntry]) throws(DFSRefusal) -> (
        list: AccessList, permission: Int16
    ) {
        var all = list.whole(permission)
        switch self {
        case .modify:
            all.removeAll { old in given.contains { $0.isAbout(old) } }
            all += given
        case .remove: all.removeAll { old in given.contains { $0.isAbout(old) } }
        case .removeDefaults: all.removeAll(where: \.isDefault)
        case .removeAll:
            let group = all.first { !$0.isDefault && $0.kind == .group && $0.name.isEmpty }
            all.removeAll { $0.isDefault || !$0.name.isEmpty || $0.kind == .mask }
            return try AccessList.split(all + (all.contains { $0.kind == .group } ? [] : [group].compactMap { $0 }), permission: permission)
        case .replace:
            let keepsAccess = !given.contains { !$0.isDefault }
            let keepsDefaults = !given.contains(where: \.isDefault)
            all.removeAll { $0.isDefault ? !keepsDefaults : !keepsAccess }
            all += given
        }
        for (place, entry) in all.enumerated() where all[..<place].contains(where: { $0.isAbout(entry) }) {
            throw .badACL("Invalid ACL: multiple entries with same scope, type and name.")
        }
        if all.contains(where: { ($0.kind == .mask || $0.kind == .other) && !$0.name.isEmpty }) {
            throw .badACL("Invalid ACL: this entry type must not have a name.")
        }
        let masks = (
            given.contains { !$0.isDefault && $0.kind == .mask } && self != .remove,
            given.contains { $0.isDefault && $0.kind == .mask } && self != .remove
        )
        return try AccessList.split(AccessList.completed(all, maskIsGiven: masks), permission: permission)
    }
}
