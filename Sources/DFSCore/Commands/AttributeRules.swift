// Commands about the properties of nodes: permission, owner, times, access lists, extended attributes, quotas.
import Base

extension DFSMachine {
    func checkOwner(_ caller: Caller, _ inode: Inode, _ path: String) throws(DFSRefusal) {
        guard caller.isSuper || inode.owner == caller.user else { throw .denied(user: caller.user, needs: "OWNER", path: path) }
    }

    mutating func setAttributes(_ path: String, _ change: AttributeChange, _ caller: Caller, _ rows: inout RowChanges) throws(DFSRefusal) {
        let inode = try existing(path, caller)
        if change.owner != nil || change.group != nil, !caller.isSuper { throw .denied(user: caller.user, needs: "SUPERUSER", path: path) }
        if change.permission != nil { try checkOwner(caller, inode, path) }
        if change.replication != nil || change.modified != nil || change.accessed != nil { try namespace.check(caller, .write, inode) }
        if let replication = change.replication {
            guard let file = inode.file else { throw .isDirectory(path) }
            guard replication >= 1 else { throw .invalidArgument("replication \(replication) is below 1") }
            if replication > file.replication {
                try checkSpaceQuota(inode.id, adding: file.lengthBytes, copies: Int64(replication - file.replication))
            }
            changeFile(inode.id, &rows) { $0.replication = replication }
        }
        namespace.update(inode.id, &rows) {
            $0.permission = change.permission.map { $0 & 0o1777 } ?? $0.permission
            $0.owner = change.owner ?? $0.owner
            $0.group = change.group ?? $0.group
            $0.modified = change.modified ?? $0.modified
            $0.accessed = change.accessed ?? $0.accessed
        }
    }

    // MARK: access lists

    mutating func changeACL(
        _ path: String, _ change: AccessListChange, _ entries: [AccessEntry], _ caller: Caller, _ rows: inout RowChanges
    ) throws(DFSRefusal) {
        let inode = try existing(path, caller)
        try checkOwner(caller, inode, path)
        let limit = 2 * AccessList.entriesMax
        guard entries.count <= limit else { throw .badACL("Invalid ACL: more than \(limit) entries.") }
        guard entries.allSatisfy({ (0...7).contains($0.bits) && $0.name.utf8.count <= FilePath.componentBytesMax }) else {
            throw .badACL("Invalid ACL: an entry's name or permission.")
        }
        if !inode.isDirectory, entries.contains(where: \.isDefault) {
            throw .badACL("Invalid ACL: only directories may have a default ACL. Path: \(path)")
        }
        let (list, permission) = try change.applied(to: inode.extras?.acl ?? AccessList(), inode.permission, entries)
        namespace.changeExtras(inode.id, &rows) { $0.acl = list }
        namespace.update(inode.id, &rows) { $0.permission = permission }
    }

    /// A new child takes the default entries of its directory; `unmasked` are the bits that its maker asked for before any umask.
    mutating func inheritACL(_ id: InodeID, unmasked: Int16, _ rows: inout RowChanges) {
        guard let child = namespace.inode(id), let defaults = namespace.inode(child.parent)?.extras?.acl.entries.filter(\.isDefault),
            !defaults.isEmpty
        else { return }
        var list = AccessList()
        var bits: (owner: Int16, group: Int16, other: Int16) = ((unmasked >> 6) & 7, (unmasked >> 3) & 7, unmasked & 7)
        let hasNames = defaults.contains { !$0.name.isEmpty }
        for entry in defaults {
            switch entry.kind {
            case .user where entry.name.isEmpty: bits.owner &= entry.bits
            case .other: bits.other &= entry.bits
            case .mask: bits.group &= entry.bits
            case .group where entry.name.isEmpty && !hasNames: bits.group &= entry.bits
            default: list.entries.append(AccessEntry(entry.kind, entry.name, entry.bits))
            }
        }
        if child.isDirectory { list.entries += defaults }
        list.entries.sort { $0.precedes($1) }
        if !list.isEmpty { namespace.changeExtras(id, &rows) { $0.acl = list } }
        namespace.update(id, &rows) { $0.permission = $0.permission & 0o1000 | bits.owner << 6 | bits.group << 3 | bits.other }
    }

    // MARK: extended attributes

    private func attributeTarget(_ path: String, _ attribute: ExtendedAttribute, _ caller: Caller) throws(DFSRefusal) -> Inode {
        let inode = try existing(path, caller)
        switch attribute.space {
        case 0: try namespace.check(caller, .write, inode)
        case 1 where caller.isSuper, 4 where caller.isSuper: break
        default: throw .denied(user: caller.user, needs: "XATTR namespace", path: path)
        }
        return inode
    }

    mutating func setAttribute(_ path: String, _ attribute: ExtendedAttribute, _ flags: Int64, _ caller: Caller, _ rows: inout RowChanges)
        throws(DFSRefusal)
    {
        let inode = try attributeTarget(path, attribute, caller)
        let size = attribute.name.utf8.count + attribute.value.readableBytes
        guard !attribute.name.isEmpty, attribute.name.utf8.count <= FilePath.componentBytesMax, size <= ExtendedAttribute.bytesMax else {
            throw .invalidArgument("The XAttr is too big or has no name: \(size) bytes, at most \(ExtendedAttribute.bytesMax)")
        }
        let others = (inode.extras?.attributes ?? []).filter { !$0.isNamed(attribute.space, attribute.name) }
        let isThere = others.count < inode.extras?.attributes.count ?? 0
        if isThere, flags & 2 == 0 { throw .attributeExists(attribute.name) }
        if !isThere, flags & 1 == 0 { throw .attributeMissing(attribute.name) }
        guard others.count < ExtendedAttribute.countMax else {
            throw .notPossible("Cannot add additional XAttr to inode, would exceed limit of \(ExtendedAttribute.countMax)")
        }
        namespace.changeExtras(inode.id, &rows) { $0.attributes = others + [attribute] }
    }

    mutating func removeAttribute(_ path: String, _ attribute: ExtendedAttribute, _ caller: Caller, _ rows: inout RowChanges)
        throws(DFSRefusal)
    {
        let inode = try attributeTarget(path, attribute, caller)
        let others = (inode.extras?.attributes ?? []).filter { !$0.isNamed(attribute.space, attribute.name) }
        guard others.count < inode.extras?.attributes.count ?? 0 else { throw .attributeMissing(attribute.name) }
        namespace.changeExtras(inode.id, &rows) { $0.attributes = others }
    }

    // MARK: quotas

    mutating func setQuota(_ path: String, _ names: Int64?, _ bytes: Int64?, _ caller: Caller, _ rows: inout RowChanges) throws(DFSRefusal)
    {
        guard caller.isSuper else { throw .denied(user: caller.user, needs: "SUPERUSER", path: path) }
        let inode = try existing(path, caller)
        guard inode.isDirectory else { throw .notFound("Directory does not exist: \(path)") }
        guard names.map({ $0 == -1 || $0 > 0 }) ?? true, bytes.map({ $0 == -1 || $0 > 0 }) ?? true else {
            throw .invalidArgument("Invalid values for quota")
        }
        namespace.changeExtras(inode.id, &rows) {
            if let names { $0.nameQuota = names == -1 ? nil : names }
            if let bytes { $0.spaceQuota = bytes == -1 ? nil : bytes }
        }
    }

    /// Number of missing components of a path.
    func missingCount(_ parts: [FileName]) -> Int64 {
        var depth = parts.count
        while depth > 0, namespace.lookup(parts[..<depth]) == nil { depth -= 1 }
        return Int64(parts.count - depth)
    }

    /// Refuses `count` more names if they exceed the quota of a directory on the path.
    func checkNameQuota(_ parts: [FileName], adding count: Int64) throws(DFSRefusal) {
        var current = namespace.inode(.root)
        for name in parts {
            guard let inode = current else { return }
            if let quota = inode.extras?.nameQuota {
                let used = namespace.usage(of: inode).names
                if used + count > quota { throw .nameQuotaExceeded(path: namespace.path(of: inode.id), quota: quota, count: used + count) }
            }
            current = inode.entries?[name].flatMap { namespace.inode($0) }
        }
    }

    /// Refuses more bytes in so many copies if they exceed the quota of a directory above the node.
    func checkSpaceQuota(_ id: InodeID, adding bytes: Int64, copies: Int64) throws(DFSRefusal) {
        var current = id
        while let inode = namespace.inode(current) {
            if let quota = inode.extras?.spaceQuota {
                let (more, overflow) = bytes.multipliedReportingOverflow(by: copies)
                let used = namespace.usage(of: inode).space
                let (sum, tooMuch) = used.addingReportingOverflow(more)
                if overflow || tooMuch || sum > quota {
                    throw .spaceQuotaExceeded(path: namespace.path(of: inode.id), quota: quota, bytes: overflow || tooMuch ? .max : sum)
                }
            }
            guard current != .root else { return }
            current = inode.parent
        }
    }

    /// A moved tree counts against the quotas above its new place, but not again in the directories above both places.
    func checkQuotas(moving inode: Inode, to directory: Inode) throws(DFSRefusal) {
        var above: Set<InodeID> = []
        var current = inode.parent
        while current != .root, let parent = namespace.inode(current) {
            above.insert(current)
            current = parent.parent
        }
        above.insert(.root)
        current = directory.id
        while !above.contains(current), let target = namespace.inode(current) {
            if let extras = target.extras, extras.nameQuota != nil || extras.spaceQuota != nil {
                let (moved, there) = (namespace.usage(of: inode), namespace.usage(of: target))
                if let quota = extras.nameQuota, moved.names + there.names > quota {
                    throw .nameQuotaExceeded(path: namespace.path(of: current), quota: quota, count: moved.names + there.names)
                }
                let space = Int64(clamping: moved.spaceBytes + there.spaceBytes)
                if let quota = extras.spaceQuota, space > quota {
                    throw .spaceQuotaExceeded(path: namespace.path(of: current), quota: quota, bytes: space)
                }
            }
            current = target.parent
        }
    }
}
