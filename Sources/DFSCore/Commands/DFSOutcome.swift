// Outcomes of commands, and the form in which answers are kept for clients that repeat a request.
import Base

/// The outcome of a command.
package struct DFSOutcome: Sendable {
    package enum Answer: Sendable, Hashable {
        case done
        /// The yes or no of rename and delete.
        case flag(Bool)
        /// A file is open for writing; its next block gets this number.
        case opened(InodeID, nextBlock: BlockID, blockSizeBytes: Int64)
        case created(InodeID)
        /// A new last block, and its offset in the file.
        case allocated(Block, offset: Int64)
        /// The last block, if it is to be filled up, and its offset.
        case appending(InodeID, last: Block?, offset: Int64)
        case generation(Generation)
        /// The block to recover or to cut.
        case recovering(Block)
    }
    package var answer: Result<Answer, DFSRefusal>
    /// Blocks that no file holds any more; datanodes may delete them.
    package var removedBlocks: [BlockID] = []
}

extension DFSOutcome.Answer: WireLayout {
    package init() { self = .done }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var (tag, flag, inode, first, second): (Int8, Bool, InodeID, Int64, Int64) = (0, false, InodeID(0), 0, 0)
        var block: Block?
        switch self {
        case .done: break
        case .flag(let value): (tag, flag) = (1, value)
        case .opened(let id, let next, let size): (tag, inode, first, second) = (2, id, next.rawValue, size)
        case .created(let id): (tag, inode) = (3, id)
        case .allocated(let new, let offset): (tag, block, first) = (4, new, offset)
        case .appending(let id, let last, let offset): (tag, inode, block, first) = (5, id, last, offset)
        case .generation(let generation): (tag, first) = (6, generation.rawValue)
        case .recovering(let last): (tag, block) = (7, last)
        }
        try io.int8(&tag)
        try io.bool(&flag)
        try io.id(&inode)
        try io.int64(&first)
        try io.int64(&second)
        var present = block != nil
        try io.bool(&present)
        var value = block ?? Block()
        if present { try io.nested(&value) }
        switch tag {
        case 0: self = .done
        case 1: self = .flag(flag)
        case 2: self = .opened(inode, nextBlock: BlockID(first), blockSizeBytes: second)
        case 3: self = .created(inode)
        case 4: self = .allocated(value, offset: first)
        case 5: self = .appending(inode, last: present ? value : nil, offset: first)
        case 6: self = .generation(Generation(first))
        case 7: self = .recovering(value)
        default: throw .unknownTag("dfs answer", Int(tag))
        }
    }
}

/// The identity of a client's request; a repetition has the same.
package struct RetryID: WireLayout, Hashable {
    /// 16 bytes, chosen by the client.
    package var client = Bytes()
    package var call: Int64 = 0
    package init() {}
    package init(client: Bytes, call: Int64) { (self.client, self.call) = (client, call) }
    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.bytes(&client)
        try io.int64(&call)
    }
}

/// Answers to requests that must run only once, for as long as a client may repeat them.
struct RetryCache: Sendable {
    struct Entry: Sendable {
        var slot: Int64
        var id: RetryID
        var time: Int64
    }
    private var answers = LookupTable<RetryID, DFSOutcome.Answer>()
    /// In order of slot.
    private var order: [Entry] = []
    private var forgotten = 0

    /// How long HDFS keeps an answer.
    static let keptMilliseconds: Int64 = 600_000
    static let entriesMax = 100_000

    func answer(_ id: RetryID) -> DFSOutcome.Answer? { answers[id] }

    mutating func keep(_ id: RetryID, _ answer: DFSOutcome.Answer, _ position: ApplyPosition, _ rows: inout RowChanges) {
        insert(Entry(slot: position.slot.rawValue, id: id, time: position.time.milliseconds), answer)
        do {
            rows.upsert(
                DFSRows.retries,
                [
                    .integer(position.slot.rawValue), .blob(try id.encoded(as: DurableDialect.self)), .integer(position.time.milliseconds),
                    .blob(try answer.encoded(as: DurableDialect.self)),
                ])
        } catch { preconditionFailure("an answer has no lengths that could be out of range: \(error)") }
        // Each new answer removes at most two, so that no command takes long.
        for _ in 0..<2 {
            guard forgotten < order.count else { break }
            let oldest = order[forgotten]
            guard order.count - forgotten > Self.entriesMax || oldest.time < position.time.milliseconds &- Self.keptMilliseconds else {
                break
            }
            answers.remove(oldest.id)
            rows.delete(DFSRows.retries, key: [.integer(oldest.slot)])
            forgotten += 1
        }
        if forgotten > Self.entriesMax {
            order.removeFirst(forgotten)
            forgotten = 0
        }
    }

    private mutating func insert(_ entry: Entry, _ answer: DFSOutcome.Answer) {
        answers[entry.id] = answer
        order.append(entry)
    }

    /// Rows come in order of slot.
    mutating func load(_ row: Row) throws(StateCorruption) {
        guard let slot = row[0].integer, let request = row[1].blob, let time = row[2].integer, let answer = row[3].blob else {
            throw StateCorruption("a row of retries is incomplete")
        }
        do {
            insert(
                Entry(slot: slot, id: try RetryID(decoding: request, as: DurableDialect.self), time: time),
                try DFSOutcome.Answer(decoding: answer, as: DurableDialect.self))
        } catch { throw StateCorruption("the answer kept in slot \(slot) cannot be read: \(error)") }
    }
}
