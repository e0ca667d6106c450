// Several writes that take place together or not at all. Success gives each operation's own result; a refusal gives 0 for those before
// the refused one, its code, and RuntimeInconsistency for those after it, under a header without error.
import Base
import CoordCore
import ZooKeeperWire

enum MultiRequest {
    static func read(_ io: inout JuteReader) throws(WireError) -> CoordWrite {
        var operations: [CoordOperation] = []
        var codes: [OpCode] = []
        while true {
            var header = MultiHeader()
            try header.layout(&io)
            if header.done { break }
            guard let code = OpCode(rawValue: header.operation) else { throw .unknownTag("operation in multi", Int(header.operation)) }
            switch code {
            case .create, .create2: operations.append(try WriteRequests.createOperation(&io))
            case .delete: operations.append(try WriteRequests.deleteOperation(&io))
            case .setData: operations.append(try WriteRequests.setDataOperation(&io))
            case .check: operations.append(try WriteRequests.checkOperation(&io))
            default: throw .unknownTag("operation in multi", Int(header.operation))
            }
            codes.append(code)
        }
        let (kinds, count) = (codes, operations.count)
        return CoordWrite(
            operations: operations, reply: { results, machine in success(kinds, results, machine) },
            refusal: { refusal in failure(count, refusal) })
    }

    private static func success(_ codes: [OpCode], _ results: [OperationResult], _ machine: borrowing CoordMachine) -> Bytes {
        var bytes = Bytes()
        for (code, result) in zip(codes, results) {
            bytes.writeImmutableBuffer(encode(MultiHeader(operation: code.rawValue, done: false, error: 0)))
            switch result {
            case .created(let path) where code == .create2:
                bytes.writeImmutableBuffer(encode(PathStatResponse(path: path, stat: machine.tree.node(path)?.record ?? StatRecord())))
            case .created(let path): bytes.writeImmutableBuffer(encode(PathResponse(path: path)))
            case .changed: bytes.writeImmutableBuffer(WriteRequests.statOf(result, machine))
            case .deleted, .checked: break
            }
        }
        bytes.writeImmutableBuffer(encode(MultiHeader()))
        return bytes
    }

    private static func failure(_ count: Int, _ refusal: CoordOutcome.OperationRefusal) -> Bytes {
        var bytes = Bytes()
        for place in 0..<count {
            let code: ZKErrorCode = place < refusal.place ? .ok : place == refusal.place ? refusal.reason.code : .runtimeInconsistency
            bytes.writeImmutableBuffer(encode(MultiHeader(operation: -1, done: false, error: code.rawValue)))
            bytes.writeImmutableBuffer(encode(ErrorResponse(error: code)))
        }
        bytes.writeImmutableBuffer(encode(MultiHeader()))
        return bytes
    }
}
