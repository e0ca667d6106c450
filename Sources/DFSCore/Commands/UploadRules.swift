// Commands in logs of earlier versions: uploads whose blocks become the file's when they are durable. Their rules never change, since a log
// may begin with them.
import Base

extension DFSMachine {
    mutating func createForUpload(
        _ path: String, _ options: CreateOptions, _ writer: String, _ caller: Caller, _ time: Int64, _ rows: inout RowChanges,
        _ removed: inout [BlockID]
    ) throws(DFSRefusal) -> DFSOutcome.Answer {
        let id = try create(path, options, createParents: true, writer, caller, time, &rows, &removed)
        return .opened(id, nextBlock: namespace.takeBlockID(&rows), blockSizeBytes: options.blockSizeBytes)
    }

    mutating func openForAppend(_ path: String, _ writer: String, _ caller: Caller, _ rows: inout RowChanges) throws(DFSRefusal)
        -> DFSOutcome.Answer
    {
        let inode = try existing(path, caller)
        guard let file = inode.file else { throw .isDirectory(path) }
        try namespace.check(caller, .write, inode)
        if let holder = file.writer { throw .beingWritten(path, by: holder) }
        changeFile(inode.id, &rows) { $0.writer = writer }
        noteOpen(inode.id)
        return .opened(inode.id, nextBlock: namespace.takeBlockID(&rows), blockSizeBytes: file.blockSizeBytes)
    }

    mutating func finishBlock(
        _ id: InodeID, _ writer: String, _ block: Block, _ last: Bool, _ time: Int64, _ rows: inout RowChanges
    ) throws(DFSRefusal) -> DFSOutcome.Answer {
        let file = try openFile(id, writer)
        if block.lengthBytes > 0 { changeFile(id, &rows) { $0.blocks.append(block) } }
        guard last else { return .opened(id, nextBlock: namespace.takeBlockID(&rows), blockSizeBytes: file.blockSizeBytes) }
        close(id, time, &rows)
        return .done
    }
}
