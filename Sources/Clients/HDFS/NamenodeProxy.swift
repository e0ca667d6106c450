// The namenode for clients: one function for each method of ClientProtocol in use here. Works against a real HDFS as well. Source:
// ClientNamenodeProtocol.proto.
import Base
import HadoopNet
import HadoopWire
import NetKit

/// Calls to a namenode as one user. All throw JavaException for its refusals, RPCFailure if it does not answer.
package struct NamenodeProxy: Sendable {
    package let channel: any RPCChannel
    package let user: String

    package init(_ channel: any RPCChannel, user: String) { (self.channel, self.user) = (channel, user) }

    /// `addresses`: one namenode, or several of which one leads.
    package init(_ addresses: [HostPort], user: String, patience: Duration = .zero) {
        self.init(RemoteChannel(addresses, patience: patience), user: user)
    }

    package func call<Q: ProtoLayout, A: ProtoLayout>(_ method: String, _ request: Q) async throws -> A {
        try await channel.call(RPCProtocol.client, method, user: user, request)
    }

    private func present<M>(_ answer: OptionalAnswer<M>) throws -> M {
        guard let content = answer.content else { throw WireError.unexpectedNull }
        return content
    }

    private func path(_ text: String) -> PathRequest {
        var request = PathRequest()
        request.path = text
        return request
    }

    // MARK: names

    /// Nil if the path does not exist.
    package func status(_ path: String) async throws -> FileStatus? {
        let answer: OptionalAnswer<FileStatus> = try await call("getFileInfo", self.path(path))
        return answer.content
    }

    /// A directory's entries after a name, or a file itself with an empty name. Nil if the path does not exist.
    package func listing(_ path: String, after: Bytes, withLocations: Bool = false) async throws -> DirectoryListing? {
        var request = ListingRequest()
        (request.path, request.startAfter, request.needLocation) = (path, after, withLocations)
        let answer: OptionalAnswer<DirectoryListing> = try await call("getListing", request)
        return answer.content
    }

    package func makeDirectories(_ path: String, permission: UInt32 = 0o755, withParents: Bool = true) async throws -> Bool {
        var request = MakeDirectoriesRequest()
        (request.path, request.masked, request.createParent) = (path, Permission(permission), withParents)
        let answer: FlagAnswer = try await call("mkdirs", request)
        return answer.result
    }

    /// False where HDFS refuses a rename without an error.
    package func rename(_ source: String, to target: String) async throws -> Bool {
        var request = RenameRequest()
        (request.source, request.target) = (source, target)
        let answer: FlagAnswer = try await call("rename", request)
        return answer.result
    }

    package func rename(_ source: String, over target: String, toTrash: Bool = false) async throws {
        var request = RenameOverRequest()
        (request.source, request.target, request.overwrite, request.moveToTrash) = (source, target, !toTrash, toTrash)
        let _: EmptyMessage = try await call("rename2", request)
    }

    /// False if the path did not exist.
    package func delete(_ path: String, recursive: Bool) async throws -> Bool {
        var request = DeleteRequest()
        (request.path, request.recursive) = (path, recursive)
        let answer: FlagAnswer = try await call("delete", request)
        return answer.result
    }

    package func contentSummary(_ path: String) async throws -> ContentSummaryMessage {
        try present(try await call("getContentSummary", self.path(path)))
    }
    package func quotaUsage(_ path: String) async throws -> QuotaUsage { try present(try await call("getQuotaUsage", self.path(path))) }

    /// Throws AccessControlException if the user lacks the access; bits: 1 execute, 2 write, 4 read.
    package func checkAccess(_ path: String, _ mode: UInt32) async throws {
        var request = AccessRequest()
        (request.path, request.mode) = (path, mode)
        let _: EmptyMessage = try await call("checkAccess", request)
    }

    // MARK: attributes

    package func setPermission(_ path: String, _ bits: UInt32) async throws {
        var request = PermissionRequest()
        (request.path, request.permission) = (path, Permission(bits))
        let _: EmptyMessage = try await call("setPermission", request)
    }

    /// Nil leaves owner or group as it is.
    package func setOwner(_ path: String, owner: String?, group: String?) async throws {
        var request = OwnerRequest()
        (request.path, request.owner, request.group) = (path, owner, group)
        let _: EmptyMessage = try await call("setOwner", request)
    }

    /// Milliseconds since 1970; nil leaves a time as it is.
    package func setTimes(_ path: String, modified: Int64?, accessed: Int64?) async throws {
        var request = TimesRequest()
        (request.path, request.modified, request.accessed) = (path, UInt64(bitPattern: modified ?? -1), UInt64(bitPattern: accessed ?? -1))
        let _: EmptyMessage = try await call("setTimes", request)
    }

    /// False for a directory.
    package func setReplication(_ path: String, _ copies: Int) async throws -> Bool {
        var request = ReplicationRequest()
        (request.path, request.replication) = (path, UInt32(clamping: copies))
        let answer: FlagAnswer = try await call("setReplication", request)
        return answer.result
    }

    package func accessList(_ path: String) async throws -> ACLStatus { try present(try await call("getAclStatus", self.path(path))) }

    /// `method`: setAcl, modifyAclEntries, removeAclEntries; or removeAcl, removeDefaultAcl, which take no entries.
    package func changeAccessList(_ method: String, _ path: String, _ entries: [ACLEntryMessage]) async throws {
        var request = ACLRequest()
        (request.path, request.entries) = (path, entries)
        let _: EmptyMessage = try await call(method, request)
    }

    /// The named attributes, or all that the user may see.
    package func attributes(_ path: String, _ names: [XAttrMessage] = []) async throws -> [XAttrMessage] {
        var request = XAttrsRequest()
        (request.path, request.attributes) = (path, names)
        let answer: ListAnswer<XAttrMessage> = try await call("getXAttrs", request)
        return answer.elements
    }

    package func setAttribute(_ path: String, _ attribute: XAttrMessage) async throws {
        var request = XAttrRequest()
        (request.path, request.attribute, request.flags) = (path, attribute, XAttrRequest.Flag.create | XAttrRequest.Flag.replace)
        let _: EmptyMessage = try await call("setXAttr", request)
    }

    package func removeAttribute(_ path: String, _ attribute: XAttrMessage) async throws {
        var request = XAttrRequest()
        (request.path, request.attribute) = (path, attribute)
        let _: EmptyMessage = try await call("removeXAttr", request)
    }

    /// Leaves a quota as it is: Hadoop's QUOTA_DONT_SET. -1 removes a quota.
    package static let unchangedQuota = Int64.max

    package func setQuota(_ path: String, names: Int64, spaceBytes: Int64) async throws {
        var request = QuotaRequest()
        (request.path, request.names, request.spaceBytes) = (path, UInt64(bitPattern: names), UInt64(bitPattern: spaceBytes))
        let _: EmptyMessage = try await call("setQuota", request)
    }

    // MARK: files

    package func serverDefaults() async throws -> ServerDefaults { try present(try await call("getServerDefaults", EmptyMessage())) }

    package func locations(_ path: String, offset: Int64 = 0, lengthBytes: Int64 = .max) async throws -> LocatedBlocks {
        var request = LocationsRequest()
        (request.path, request.offset, request.lengthBytes) = (path, UInt64(clamping: offset), UInt64(clamping: lengthBytes))
        return try present(try await call("getBlockLocations", request))
    }

    package func create(_ request: CreateRequest) async throws -> FileStatus { try present(try await call("create", request)) }

    package func append(_ path: String, clientName: String, ownBlock: Bool = false) async throws -> AppendAnswer {
        var request = AppendRequest()
        (request.path, request.clientName) = (path, clientName)
        if ownBlock { request.flags |= CreateRequest.Flag.newBlock }
        return try await call("append", request)
    }

    package func addBlock(_ request: AddBlockRequest) async throws -> LocatedBlock { try present(try await call("addBlock", request)) }

    package func abandonBlock(_ request: AbandonBlockRequest) async throws {
        let _: EmptyMessage = try await call("abandonBlock", request)
    }

    /// False while the namenode waits for a datanode to report the last block.
    package func complete(_ request: CompleteRequest) async throws -> Bool {
        let answer: FlagAnswer = try await call("complete", request)
        return answer.result
    }

    package func fsync(_ request: FsyncRequest) async throws {
        let _: EmptyMessage = try await call("fsync", request)
    }

    package func renewLease(_ clientName: String) async throws {
        var request = RenewLeaseRequest()
        request.clientName = clientName
        let _: EmptyMessage = try await call("renewLease", request)
    }

    /// The block with a new generation, for a rebuilt pipeline.
    package func updateBlockForPipeline(_ block: ExtendedBlock, clientName: String) async throws -> LocatedBlock {
        var request = PipelineBlockRequest()
        (request.block, request.clientName) = (block, clientName)
        return try present(try await call("updateBlockForPipeline", request))
    }

    package func updatePipeline(_ request: UpdatePipelineRequest) async throws {
        let _: EmptyMessage = try await call("updatePipeline", request)
    }

    /// The block's datanodes and up to `count` more.
    package func additionalDatanodes(_ request: AdditionalDatanodeRequest) async throws -> LocatedBlock {
        try present(try await call("getAdditionalDatanode", request))
    }

    /// Reports replicas whose data did not match their checksums, each with its datanode.
    package func reportBadBlocks(_ blocks: [LocatedBlock]) async throws {
        var request = BadBlocksRequest()
        request.blocks = blocks
        let _: EmptyMessage = try await call("reportBadBlocks", request)
    }

    /// False if the last block must be cut first, which takes a moment.
    package func truncate(_ path: String, to bytes: Int64, clientName: String) async throws -> Bool {
        var request = TruncateRequest()
        (request.path, request.lengthBytes, request.clientName) = (path, UInt64(clamping: bytes), clientName)
        let answer: FlagAnswer = try await call("truncate", request)
        return answer.result
    }

    package func concat(_ target: String, _ sources: [String]) async throws {
        var request = ConcatRequest()
        (request.target, request.sources) = (target, sources)
        let _: EmptyMessage = try await call("concat", request)
    }

    /// Whether the file is closed now.
    package func recoverLease(_ path: String, clientName: String) async throws -> Bool {
        var request = LeaseRequest()
        (request.path, request.clientName) = (path, clientName)
        let answer: FlagAnswer = try await call("recoverLease", request)
        return answer.result
    }

    package func isClosed(_ path: String) async throws -> Bool {
        let answer: FlagAnswer = try await call("isFileClosed", self.path(path))
        return answer.result
    }

    // MARK: the cluster

    package func stats() async throws -> FileSystemStats { try await call("getFsStats", EmptyMessage()) }

    /// The datanodes of a report. Source: DatanodeReportTypeProto.
    package enum DatanodeKind: UInt32, Sendable { case all = 1, live, dead, decommissioning, enteringMaintenance, inMaintenance }

    package func datanodes(_ kind: DatanodeKind) async throws -> [DatanodeInfo] {
        var request = ChoiceRequest()
        request.choice = kind.rawValue
        let answer: ListAnswer<DatanodeInfo> = try await call("getDatanodeReport", request)
        return answer.elements
    }

    /// Has the namenode read its files of datanodes again.
    package func refreshNodes() async throws {
        let _: EmptyMessage = try await call("refreshNodes", EmptyMessage())
    }

    /// Returns whether safe mode is on afterwards.
    package func safeMode(_ action: SafeModeRequest.Action) async throws -> Bool {
        var request = SafeModeRequest()
        request.action = action
        let answer: FlagAnswer = try await call("setSafeMode", request)
        return answer.result
    }
}
