// Methods about attributes of files and directories: permission, owner, times, replication, access lists, extended attributes, quotas,
// policies.
import Base
import DFSCore
import HadoopWire

enum AttributeMethods {
    static let rows: [RPCMethod] = [
        RPCMethod("setPermission", needs: "owner", setPermission), RPCMethod("setOwner", needs: "superuser", setOwner),
        RPCMethod("setTimes", needs: "write", setTimes), RPCMethod("setReplication", needs: "write", setReplication),
        RPCMethod("modifyAclEntries", needs: "owner", acl(.modify)), RPCMethod("removeAclEntries", needs: "owner", acl(.remove)),
        RPCMethod("removeDefaultAcl", needs: "owner", acl(.removeDefaults)), RPCMethod("removeAcl", needs: "owner", acl(.removeAll)),
        RPCMethod("setAcl", needs: "owner", acl(.replace)), RPCMethod("getAclStatus", needs: "execute on the way", aclStatus),
        RPCMethod("setXAttr", needs: "write; superuser for trusted", setXAttr),
        RPCMethod("removeXAttr", needs: "write; superuser for trusted", removeXAttr),
        RPCMethod("getXAttrs", needs: "read; superuser for trusted", getXAttrs),
        RPCMethod("listXAttrs", needs: "read; superuser for trusted", listXAttrs),
        RPCMethod("setQuota", needs: "superuser", remark: "not by storage type", setQuota),
        RPCMethod("getStoragePolicies", needs: "", remark: "HOT and no other: there is one kind of disk", policies),
        RPCMethod("getStoragePolicy", needs: "execute on the way", policy),
        RPCMethod("setStoragePolicy", needs: "write", remark: "HOT and no other", setPolicy),
        RPCMethod("unsetStoragePolicy", needs: "write", unsetPolicy),
        RPCMethod("getErasureCodingPolicy", needs: "execute on the way", remark: "there is none", erasurePolicy),
        RPCMethod("getErasureCodingPolicies", needs: "", remark: "there are none", erasurePolicies),
    ]

    private static func set(_ path: String, _ call: RPCCall, _ namenode: Namenode, _ fill: (inout AttributeChange) -> Void) async throws
        -> EmptyMessage
    {
        var change = AttributeChange()
        fill(&change)
        try await namenode.execute(.setAttributes(path: path, change, call.caller))
        return EmptyMessage()
    }

    @Sendable static func setPermission(_ request: PermissionRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        try await set(request.path, call, namenode) { $0.permission = Int16(truncatingIfNeeded: request.permission.bits & 0o1777) }
    }

    @Sendable static func setOwner(_ request: OwnerRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        for name in [request.owner, request.group].compactMap({ $0 }) where name.utf8.count > FilePath.componentBytesMax {
            throw DFSRefusal.invalidArgument("a name of \(name.utf8.count) bytes is too long")
        }
        return try await set(request.path, call, namenode) {
            $0.owner = request.owner.flatMap { $0.isEmpty ? nil : $0 }
            $0.group = request.group.flatMap { $0.isEmpty ? nil : $0 }
        }
    }

    @Sendable static func setTimes(_ request: TimesRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        try await set(request.path, call, namenode) {
            let (modified, accessed) = (Int64(bitPattern: request.modified), Int64(bitPattern: request.accessed))
            $0.modified = modified < 0 ? nil : modified
            $0.accessed = accessed < 0 ? nil : accessed
        }
    }

    /// False for a directory, as HDFS answers.
    @Sendable static func setReplication(_ request: ReplicationRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> FlagAnswer {
        guard (1...512).contains(request.replication) else {
            throw DFSRefusal.notPossible("Requested replication factor of \(request.replication) is not from 1 to 512 for \(request.path)")
        }
        do { _ = try await set(request.path, call, namenode) { $0.replication = Int16(request.replication) } } catch DFSRefusal.isDirectory
        { return FlagAnswer(false) }
        try await namenode.look { machine, soft in
            soft.board.reconsider(FilePath.components(request.path).flatMap { machine.namespace.lookup($0)?.file?.blocks.map(\.id) } ?? [])
        }
        return FlagAnswer(true)
    }

    // MARK: access lists

    private static func entry(_ message: ACLEntryMessage) -> AccessEntry {
        let kind: AccessEntry.Kind =
            switch message.kind {
            case .user: .user
            case .group: .group
            case .mask: .mask
            case .other: .other
            }
        return AccessEntry(
            isDefault: message.scope == .defaults, kind, message.name ?? "", Int16(truncatingIfNeeded: message.permissions & 7))
    }

    private static func acl(_ change: AccessListChange) -> @Sendable (ACLRequest, RPCCall, Namenode) async throws -> EmptyMessage {
        { request, call, namenode in
            try await namenode.execute(
                .name(.changeACL(path: request.path, change, request.entries.map(entry), call.caller)), retry: call.retry)
            return EmptyMessage()
        }
    }

    /// An inode's list as messages.
    static func message(_ inode: Inode, superUser: String) -> ACLStatus {
        var status = ACLStatus()
        status.owner = inode.owner.isEmpty ? superUser : inode.owner
        status.group = inode.group
        status.sticky = inode.isSticky
        status.permission = Permission(UInt32(UInt16(bitPattern: inode.permission)))
        status.entries = (inode.extras?.acl.entries ?? []).map { entry in
            var message = ACLEntryMessage()
            message.kind = ACLEntryMessage.Kind(rawValue: UInt32(entry.kind.rawValue)) ?? .other
            message.scope = entry.isDefault ? .defaults : .access
            message.permissions = UInt32(entry.bits)
            message.name = entry.name.isEmpty ? nil : entry.name
            return message
        }
        return status
    }

    @Sendable static func aclStatus(_ request: PathRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> OptionalAnswer<ACLStatus>
    {
        try await namenode.look { machine, _ in
            OptionalAnswer(message(try Namenode.find(request.path, call.caller, in: machine), superUser: namenode.settings.superUser))
        }
    }

    // MARK: extended attributes

    private static func attribute(_ message: XAttrMessage?) throws -> ExtendedAttribute {
        guard let message else { throw DFSRefusal.invalidArgument("the attribute is missing") }
        return ExtendedAttribute(space: Int8(message.space.rawValue), name: message.name, value: message.value ?? Bytes())
    }

    @Sendable static func setXAttr(_ request: XAttrRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        let attribute = try attribute(request.attribute)
        try await namenode.execute(
            .name(.setAttribute(path: request.path, attribute, flags: Int64(request.flags), call.caller)), retry: call.retry)
        return EmptyMessage()
    }

    @Sendable static func removeXAttr(_ request: XAttrRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        try await namenode.execute(
            .name(.removeAttribute(path: request.path, try attribute(request.attribute), call.caller)), retry: call.retry)
        return EmptyMessage()
    }

    private static func visible(_ path: String, _ caller: Caller, _ machine: borrowing DFSMachine, values: Bool) throws -> [XAttrMessage] {
        let inode = try Namenode.find(path, caller, in: machine)
        if values { try machine.namespace.check(caller, .read, inode) }
        return (inode.extras?.attributes ?? []).filter { $0.space == 0 || caller.isSuper && $0.space == 1 }.map { attribute in
            var message = XAttrMessage()
            message.space = XAttrMessage.Space(rawValue: UInt32(attribute.space)) ?? .user
            message.name = attribute.name
            message.value = values ? attribute.value : nil
            return message
        }
    }

    @Sendable static func getXAttrs(_ request: XAttrsRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> ListAnswer<
        XAttrMessage
    > {
        try await namenode.look { machine, _ in
            let all = try visible(request.path, call.caller, machine, values: true)
            guard !request.attributes.isEmpty else { return ListAnswer(all) }
            return ListAnswer(
                try request.attributes.map { wanted in
                    guard wanted.space != .trusted || call.caller.isSuper else {
                        throw DFSRefusal.denied(user: call.caller.user, needs: "XATTR namespace", path: request.path)
                    }
                    guard let found = all.first(where: { $0.space == wanted.space && $0.name.utf8.elementsEqual(wanted.name.utf8) }) else {
                        throw DFSRefusal.notPossible("At least one of the attributes provided was not found.")
                    }
                    return found
                })
        }
    }

    @Sendable static func listXAttrs(_ request: PathRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> ListAnswer<XAttrMessage>
    {
        try await namenode.look { machine, _ in ListAnswer(try visible(request.path, call.caller, machine, values: false)) }
    }

    // MARK: quotas and policies

    /// 2^63-1 leaves a quota, -1 removes it.
    @Sendable static func setQuota(_ request: QuotaRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        guard request.storageType == nil else { throw JavaException(JavaException.unsupported, "quotas by storage type are not supported") }
        func quota(_ raw: UInt64) -> Int64? { raw == UInt64(Int64.max) ? nil : Int64(bitPattern: raw) }
        try await namenode.execute(
            .name(.setQuota(path: request.path, names: quota(request.names), spaceBytes: quota(request.spaceBytes), call.caller)))
        return EmptyMessage()
    }

    @Sendable static func policies(_ request: EmptyMessage, _ call: RPCCall, _ namenode: Namenode) async throws -> ListAnswer<StoragePolicy>
    { ListAnswer([StoragePolicy()]) }

    @Sendable static func policy(_ request: PathRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> OptionalAnswer<
        StoragePolicy
    > {
        try await namenode.look { machine, _ in
            _ = try Namenode.find(request.path, call.caller, in: machine)
            return OptionalAnswer(StoragePolicy())
        }
    }

    @Sendable static func setPolicy(_ request: PolicyRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        guard request.policy.uppercased() == "HOT" else {
            throw DFSRefusal.invalidArgument("Cannot find a block policy with the name \(request.policy)")
        }
        try await namenode.execute(.name(.setPolicy(path: request.path, number: Int64(StoragePolicy().id), call.caller)))
        return EmptyMessage()
    }

    @Sendable static func unsetPolicy(_ request: PathRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        try await namenode.execute(.name(.setPolicy(path: request.path, number: 0, call.caller)))
        return EmptyMessage()
    }

    @Sendable static func erasurePolicy(_ request: PathRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        try await namenode.look { machine, _ in
            _ = try Namenode.find(request.path, call.caller, in: machine)
            return EmptyMessage()
        }
    }

    @Sendable static func erasurePolicies(_ request: EmptyMessage, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        EmptyMessage()
    }
}
