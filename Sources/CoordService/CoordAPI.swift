// What coord answers: one row per operation with the permission that it needs and the function that reads it. Dispatch, the test that every
// permission is enforced, and the compatibility page all come from this table. What has no row is answered with Unimplemented.
import Base
import CoordCore
import ZooKeeperWire

typealias JuteReader = FieldReader<JuteDialect>

/// The answer to a request. The most frequent ones are written straight into the frame, without bytes of their own.
/// hot: `platform-bench coord`.
enum CoordAnswer {
    case body(Bytes)
    /// exists, setData, setACL.
    case stat(StatRecord)
    /// getData.
    case node(GetDataResponse)
    /// create.
    case path(String)
    case refused(ZKErrorCode)

    /// Writes the body; a refusal has none.
    func write(into frame: inout Bytes) {
        fitting { () throws(WireError) in
            switch self {
            case .body(let bytes): frame.writeImmutableBuffer(bytes)
            case .stat(let stat): stat.write(into: &frame)
            case .node(let response): response.write(into: &frame)
            case .path(let path): try PathResponse(path: path).write(into: &frame)
            case .refused: break
            }
        }
    }

    /// The size of the body.
    var byteCount: Int {
        switch self {
        case .body(let bytes): bytes.readableBytes
        case .stat: StatRecord.byteCount
        case .node(let response): 4 + (response.data?.readableBytes ?? 0) + StatRecord.byteCount
        case .path(let path): 4 + path.utf8.count
        case .refused: 0
        }
    }

    var code: ZKErrorCode { if case .refused(let code) = self { code } else { .ok } }
}

/// A write on its way to the log, and how its reply is made from the outcome.
struct CoordWrite {
    var operations: [CoordOperation]
    var reply: ([OperationResult]) -> CoordAnswer
    /// The reply to a refused operation; nil for the plain error header.
    var refusal: ((CoordOutcome.OperationRefusal) -> Bytes)?
}

/// The session of a read.
struct ReadContext {
    var session: SessionID
    var identities: [Identity]
    var watches: ConnectionWatches
}

/// The watches of the asking connection.
struct ConnectionWatches {
    /// False if the server holds too many.
    var add: (WatchKinds, String) -> Bool
    var held: (String) -> WatchKinds
    /// False if none of these was held.
    var remove: (WatchKinds, String) -> Bool
}

/// One operation of the protocol.
package struct CoordAPI: Sendable {
    enum Handler: Sendable {
        case read(@Sendable (inout JuteReader, borrowing CoordMachine, ReadContext) throws(WireError) -> CoordAnswer)
        case write(@Sendable (inout JuteReader) throws(WireError) -> CoordWrite)
        /// Answered once this server has caught up with the leader.
        case barrier(@Sendable (inout JuteReader) throws(WireError) -> Bytes)
        /// Changes the members; answered when that is executed.
        case membership(@Sendable (inout JuteReader) throws(WireError) -> ReconfigRequest)
        /// Answered by the connection itself: ping, auth, sasl, setWatches, closeSession.
        case session
    }
    package let code: OpCode
    /// The right that the node, or its parent for create and delete, must grant; nil where no node is touched, or each part has its own.
    package let permission: Permissions?
    /// What differs from ZooKeeper, or is worth knowing, for the compatibility page.
    package let remark: String
    let handler: Handler

    init(_ code: OpCode, _ permission: Permissions?, _ handler: Handler, remark: String = "") {
        self.code = code
        self.permission = permission
        self.handler = handler
        self.remark = remark
    }

    package static let table: [CoordAPI] = [
        CoordAPI(.create, .create, .write(WriteRequests.create)),
        CoordAPI(.create2, .create, .write(WriteRequests.create2)),
        CoordAPI(.createContainer, .create, .write(WriteRequests.createContainer)),
        CoordAPI(.createTTL, .create, .write(WriteRequests.createTTL), remark: "always allowed; ZooKeeper needs a setting"),
        CoordAPI(.delete, .delete, .write(WriteRequests.delete)),
        CoordAPI(.exists, .read, .read(ReadRequests.exists), remark: "a missing node needs no permission"),
        CoordAPI(.getData, .read, .read(ReadRequests.getData)),
        CoordAPI(.setData, .write, .write(WriteRequests.setData)),
        CoordAPI(.getACL, .read, .read(ReadRequests.getACL), remark: "ADMIN does as well; digests are shown to holders of ADMIN only"),
        CoordAPI(.setACL, .admin, .write(WriteRequests.setACL)),
        CoordAPI(.getChildren, .read, .read(ReadRequests.getChildren), remark: "up to 10,000 names come sorted"),
        CoordAPI(.getChildren2, .read, .read(ReadRequests.getChildren2), remark: "up to 10,000 names come sorted"),
        CoordAPI(.getEphemerals, nil, .read(ReadRequests.getEphemerals), remark: "the session's own, sorted"),
        CoordAPI(.getAllChildrenNumber, .read, .read(ReadRequests.getAllChildrenNumber)),
        CoordAPI(.sync, nil, .barrier(ReadRequests.sync)),
        CoordAPI(
            .multi, nil, .write(MultiRequest.read),
            remark: "create, create2, createContainer, createTTL, delete, setData and check, each with its own permission"),
        CoordAPI(.multiRead, nil, .read(MultiReadRequest.answer), remark: "getData and getChildren, each with its own permission"),
        CoordAPI(.addWatch, nil, .read(WatchRequests.add), remark: "READ is asked for at each event"),
        CoordAPI(.checkWatches, nil, .read(WatchRequests.check)),
        CoordAPI(.removeWatches, nil, .read(WatchRequests.remove)),
        CoordAPI(.setWatches, nil, .session, remark: "READ is asked for at each event, missed ones included"),
        CoordAPI(.setWatches2, nil, .session, remark: "READ is asked for at each event, missed ones included"),
        CoordAPI(.whoAmI, nil, .read(ReadRequests.whoAmI)),
        CoordAPI(.ping, nil, .session),
        CoordAPI(.auth, nil, .session, remark: "schemes digest and ip"),
        CoordAPI(.sasl, nil, .session, remark: "DIGEST-MD5"),
        CoordAPI(
            .reconfig, nil, .membership(ReadRequests.reconfig),
            remark:
                "WRITE on `/zookeeper/config`, which nobody but the super user has at first; needs `coord.reconfig`, as ZooKeeper needs `reconfigEnabled`"
        ),
        CoordAPI(.closeSession, nil, .session),
    ]

    /// The row of an operation's number.
    static func row(_ code: Int32) -> CoordAPI? {
        let place = Int(code) - Int(OpCode.closeSession.rawValue)
        return rows.indices.contains(place) ? rows[place] : nil
    }

    /// The rows by number, from the lowest on. hot: `platform-bench coord`.
    private static let rows: [CoordAPI?] = {
        let codes = OpCode.closeSession.rawValue...(table.map(\.code.rawValue).max() ?? 0)
        return codes.map { code in table.first { $0.code.rawValue == code } }
    }()
}

/// A record as reply bytes.
func encode(_ record: some WireLayout) -> Bytes { fitting { () throws(WireError) in try record.encoded(as: JuteDialect.self) } }

private func fitting<T>(_ make: () throws(WireError) -> T) -> T {
    do { return try make() } catch { preconditionFailure("a record of ours fits jute's lengths: \(error)") }
}
