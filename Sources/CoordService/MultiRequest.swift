// Several operations in one request. multi: writes that take place together or not at all; success gives each operation's own result, a
// refusal gives 0 for those before the refused one, its code, and RuntimeInconsistency for those after it, under a header without error.
// multiRead: reads that are answered one by one.
import Base
import CoordCore
import ZooKeeperWire

enum MultiRequest {
    static func read(_ io: inout JuteReader) throws(WireError) -> CoordWrite {
        var operations: [CoordOperation] = []
        var codes: [OpCode] = []
        while let code = try MultiParts.next(&io) {
            let (operation, shown) = try operation(code, &io)
            operations.append(operation)
            codes.append(shown)
        }
        let (kinds, count) = (codes, operations.count)
        return CoordWrite(operations: operations, reply: { .body(success(kinds, $0)) }, refusal: { failure(count, $0) })
    }

    /// The operation, and the one whose result it shows.
    private static func operation(_ code: OpCode, _ io: inout JuteReader) throws(WireError) -> (CoordOperation, OpCode) {
        if code == .createTTL { return try WriteRequests.ttlOperationInMulti(&io) }
        let operation: CoordOperation? =
            switch code {
            // As ZooKeeper has it, a list that is null makes the whole request unreadable.
            case .create, .create2: try WriteRequests.createOperation(&io, needsList: true)
            case .createContainer: try WriteRequests.containerOperation(&io, needsList: true)
            case .delete: try WriteRequests.deleteOperation(&io)
            case .setData: try WriteRequests.setDataOperation(&io, needsPath: true)
            case .check: try WriteRequests.checkOperation(&io)
            default: throw .unknownTag("operation in multi", Int(code.rawValue))
            }
        guard let operation else { throw .unknownTag("create mode in multi", Int(code.rawValue)) }
        return (operation, code)
    }

    private static func success(_ codes: [OpCode], _ results: [OperationResult]) -> Bytes {
        var bytes = Bytes()
        for (code, result) in zip(codes, results) {
            // Containers and nodes with a time to live answer as create2 does.
            let shown: OpCode = code == .createContainer || code == .createTTL ? .create2 : code
            bytes.writeImmutableBuffer(encode(MultiHeader(operation: shown.rawValue, done: false, error: 0)))
            switch result {
            case .created(let path, _) where code == .create: bytes.writeImmutableBuffer(encode(PathResponse(path: path)))
            case .created(let path, let status): bytes.writeImmutableBuffer(encode(PathStatResponse(path: path, stat: status.record)))
            case .changed: WriteRequests.statOf(result).write(into: &bytes)
            case .deleted, .checked: break
            }
        }
        bytes.writeImmutableBuffer(encode(MultiHeader()))
        return bytes
    }

    private static func failure(_ count: Int, _ refusal: CoordOutcome.OperationRefusal) -> Bytes {
        var bytes = Bytes()
        for place in 0..<count {
            MultiParts.writeError(
                place < refusal.place ? .ok : place == refusal.place ? refusal.reason.code : .runtimeInconsistency, &bytes)
        }
        bytes.writeImmutableBuffer(encode(MultiHeader()))
        return bytes
    }
}

enum MultiReadRequest {
    /// A small request may ask for the same large node many times; the answer stops growing here, in bytes.
    private static let answerBytesMax = 16 << 20

    static func answer(_ io: inout JuteReader, _ machine: borrowing CoordMachine, _ context: ReadContext) throws(WireError) -> CoordAnswer {
        var bytes = Bytes()
        // Watches are not set from here, as in ZooKeeper.
        var context = context
        context.watches.add = { _, _ in true }
        while let code = try MultiParts.next(&io) {
            let answer: CoordAnswer =
                switch code {
                case .getData: try ReadRequests.getData(&io, machine, context)
                case .getChildren: try ReadRequests.getChildren(&io, machine, context)
                default: throw .unknownTag("operation in multiRead", Int(code.rawValue))
                }
            switch answer {
            case .refused(let code): MultiParts.writeError(code, &bytes)
            case .body, .stat, .node, .path:
                bytes.writeImmutableBuffer(encode(MultiHeader(operation: code.rawValue, done: false, error: 0)))
                answer.write(into: &bytes)
            }
            guard bytes.readableBytes <= answerBytesMax else { throw .overLimit("answer of multiRead", answerBytesMax) }
        }
        bytes.writeImmutableBuffer(encode(MultiHeader()))
        return .body(bytes)
    }
}

/// What multi and multiRead share.
private enum MultiParts {
    /// The next operation, nil at the end of the list.
    static func next(_ io: inout JuteReader) throws(WireError) -> OpCode? {
        var header = MultiHeader()
        try header.layout(&io)
        if header.done { return nil }
        guard let code = OpCode(rawValue: header.operation) else { throw .unknownTag("operation in multi", Int(header.operation)) }
        return code
    }

    static func writeError(_ code: ZKErrorCode, _ bytes: inout Bytes) {
        bytes.writeImmutableBuffer(encode(MultiHeader(operation: -1, done: false, error: code.rawValue)))
        bytes.writeImmutableBuffer(encode(ErrorResponse(error: code)))
    }
}
