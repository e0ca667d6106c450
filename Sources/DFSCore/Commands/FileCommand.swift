// Commands about the content of files: opening, blocks, closing, recovery.
import Base

/// A command about a file's content.
package enum FileCommand: WireLayout, Equatable {
    /// `createParents`: also makes the missing directories above the file.
    case create(path: String, CreateOptions, createParents: Bool, holder: String, Caller)
    /// `ownBlock`: appended bytes begin a new block.
    case append(path: String, ownBlock: Bool, holder: String, Caller)
    /// Finishes the last block at the length that the writer reports, and adds one behind it.
    case addBlock(InodeID, holder: String, previous: Block?)
    case abandonBlock(InodeID, holder: String, BlockID)
    /// The last block has this many bytes on every datanode; -1 leaves its length open.
    case sync(InodeID, holder: String, lastBlockBytes: Int64)
    case complete(InodeID, holder: String, last: Block?)
    /// A new generation for the rebuilding of a pipeline.
    case takeGeneration(holder: String, BlockID)
    case updatePipeline(holder: String, before: Block, after: Block)
    /// The lease passes to the namenode, which finds the end of the last block.
    case beginRecovery(InodeID)
    /// A block's recovery ended with this generation and length. `drop`: there is no replica, and the block goes.
    case endRecovery(Block, drop: Bool)
    case truncate(path: String, lengthBytes: Int64, Caller)
    case concat(target: String, sources: [String], Caller)
    /// Ends the WebHDFS uploads that a restart cut off.
    case abandonUploads
    /// Removes some nodes of the trees that were deleted and were too large for one command.
    case removeMore

    package init() { self = .abandonUploads }

    private static let uses: [Int8: CommandFieldSet] = [
        1: [.path, .options, .flag, .holder, .caller], 2: [.path, .flag, .holder, .caller], 3: [.inode, .holder, .block],
        4: [.inode, .holder, .next],
        5: [.inode, .holder, .number], 6: [.inode, .holder, .block], 7: [.holder, .next], 8: [.holder, .block, .next], 9: [.inode],
        10: [.next, .flag],
        11: [.path, .number, .caller], 12: [.path, .paths, .caller], 13: [], 14: [],
    ]

    private func fill(_ fields: inout CommandFields) -> Int8 {
        switch self {
        case .create(let path, let options, let parents, let holder, let caller):
            (fields.path, fields.options, fields.flag, fields.holder, fields.caller) = (path, options, parents, holder, caller)
            return 1
        case .append(let path, let own, let holder, let caller):
            (fields.path, fields.flag, fields.holder, fields.caller) = (path, own, holder, caller)
            return 2
        case .addBlock(let inode, let holder, let previous):
            (fields.inode, fields.holder, fields.block) = (inode, holder, previous)
            return 3
        case .abandonBlock(let inode, let holder, let block):
            (fields.inode, fields.holder, fields.next.id) = (inode, holder, block)
            return 4
        case .sync(let inode, let holder, let bytes):
            (fields.inode, fields.holder, fields.number) = (inode, holder, bytes)
            return 5
        case .complete(let inode, let holder, let last):
            (fields.inode, fields.holder, fields.block) = (inode, holder, last)
            return 6
        case .takeGeneration(let holder, let block):
            (fields.holder, fields.next.id) = (holder, block)
            return 7
        case .updatePipeline(let holder, let before, let after):
            (fields.holder, fields.block, fields.next) = (holder, before, after)
            return 8
        case .beginRecovery(let inode):
            fields.inode = inode
            return 9
        case .endRecovery(let block, let drop):
            (fields.next, fields.flag) = (block, drop)
            return 10
        case .truncate(let path, let bytes, let caller):
            (fields.path, fields.number, fields.caller) = (path, bytes, caller)
            return 11
        case .concat(let target, let sources, let caller):
            (fields.path, fields.paths, fields.caller) = (target, sources, caller)
            return 12
        case .abandonUploads: return 13
        case .removeMore: return 14
        }
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var fields = CommandFields(0, Self.uses) { _ in }
        fields.tag = fill(&fields)
        try io.nested(&fields)
        let (path, holder, caller, inode) = (fields.path, fields.holder, fields.caller, fields.inode)
        self =
            switch fields.tag {
            case 1: .create(path: path, fields.options, createParents: fields.flag, holder: holder, caller)
            case 2: .append(path: path, ownBlock: fields.flag, holder: holder, caller)
            case 3: .addBlock(inode, holder: holder, previous: fields.block)
            case 4: .abandonBlock(inode, holder: holder, fields.next.id)
            case 5: .sync(inode, holder: holder, lastBlockBytes: fields.number)
            case 6: .complete(inode, holder: holder, last: fields.block)
            case 7: .takeGeneration(holder: holder, fields.next.id)
            case 8: .updatePipeline(holder: holder, before: fields.block ?? Block(), after: fields.next)
            case 9: .beginRecovery(inode)
            case 10: .endRecovery(fields.next, drop: fields.flag)
            case 11: .truncate(path: path, lengthBytes: fields.number, caller)
            case 12: .concat(target: path, sources: fields.paths, caller)
            case 14: .removeMore
            default: .abandonUploads
            }
    }

    /// Prefix of the lease holder of a WebHDFS upload, whose writer ends with the process.
    package static let uploadPrefix = "webhdfs:"
    /// The lease holder of a file in recovery.
    package static let recoverer = "HDFS_NameNode"
}
