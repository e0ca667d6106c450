// The namenode: the replicated namespace behind functions that WebHDFS and the datanode call. It turns outcomes into answers or
// exceptions and tells the block store what may go. It never touches file data.
import Base
import DFSCore
import Logging
import Replication

/// A file that is open for writing.
struct OpenFile: Sendable {
    var inode: InodeID
    var writer: String
    var nextBlock: BlockID
    var blockSizeBytes: Int64
}

/// Names, blocks and permissions.
final class Namenode: Sendable {
    let replica: ReplicaHost<DFSMachine>
    let settings: DFSSettings
    private let blocks: BlockStore
    private let log: Logger

    init(replica: ReplicaHost<DFSMachine>, settings: DFSSettings, blocks: BlockStore, log: Logger) {
        self.replica = replica
        self.settings = settings
        self.blocks = blocks
        self.log = log
    }

    func caller(_ user: String?) -> Caller {
        let name = user.flatMap { $0.isEmpty ? nil : $0 } ?? DFSSettings.anonymous
        return Caller(user: name, isSuper: name == settings.superUser)
    }

    /// Executes a command and returns its answer. Throws DFSRefusal or ReplicaRefusal.
    func execute(_ command: DFSCommand) async throws -> DFSOutcome.Answer {
        let outcome = try await replica.propose(command)
        for block in outcome.removedBlocks {
            do { try await blocks.remove(block.rawValue) } catch {
                log.warning("a freed block could not be removed; it goes at the next start", metadata: ["block": "\(block)", "error": "\(error)"])
            }
        }
        return try outcome.answer.get()
    }

    func flag(_ command: DFSCommand) async throws -> Bool {
        guard case .flag(let value) = try await execute(command) else { preconditionFailure("this command answers yes or no") }
        return value
    }

    func open(_ command: DFSCommand, writer: String) async throws -> OpenFile {
        guard case .opened(let inode, let block, let size) = try await execute(command) else { preconditionFailure("this command opens a file") }
        return OpenFile(inode: inode, writer: writer, nextBlock: block, blockSizeBytes: size)
    }

    /// Hands a durable block in; the file's next block, or nil if it is closed.
    func finishBlock(_ file: OpenFile, lengthBytes: Int64, last: Bool) async throws -> OpenFile? {
        let answer = try await execute(.finishBlock(file.inode, writer: file.writer, file.nextBlock, lengthBytes: lengthBytes, last: last))
        guard case .opened(_, let block, _) = answer else { return nil }
        var next = file
        next.nextBlock = block
        return next
    }

    /// Ends a write that broke off. A file that its writer has lost, by deletion or to another writer, is left alone.
    func abandon(_ file: OpenFile) async throws {
        do { _ = try await execute(.abandonFile(file.inode, writer: file.writer)) } catch DFSRefusal.leaseLost { return }
    }

    /// Looks at the namespace; the closure refuses with DFSRefusal.
    func read<T: Sendable>(_ body: @escaping @Sendable (borrowing DFSMachine) throws(DFSRefusal) -> T) async throws -> T {
        try await replica.read { machine in Result { () throws(DFSRefusal) in try body(machine) } }.get()
    }

    /// The inode at a path that the caller may reach.
    static func find(_ path: String, _ caller: Caller, in machine: borrowing DFSMachine) throws(DFSRefusal) -> Inode {
        guard let parts = FilePath.components(path) else { throw .invalidPath(path) }
        try machine.namespace.checkTraverse(caller, parts)
        guard let inode = machine.namespace.lookup(parts) else { throw .notFound(path) }
        return inode
    }

    /// After a restart: closes what nobody writes any more, removes blocks that no file holds, and reports those that are missing.
    func reconcile() async throws {
        _ = try await execute(.closeAbandoned)
        let held = try await read { machine in
            var ids: [Int64] = []
            machine.namespace.forEachBlock { _, block in ids.append(block.id.rawValue) }
            return ids
        }
        let onDisk = try await blocks.list()
        let (wanted, there) = (Set(held), Set(onDisk))
        for id in onDisk where !wanted.contains(id) { try await blocks.remove(id) }
        let missing = held.filter { !there.contains($0) }
        if !missing.isEmpty {
            log.error("blocks are missing from the datanode: their files cannot be read", metadata: ["count": "\(missing.count)", "first": "\(missing[0])"])
        }
    }
}
