// What coord answers: one row per operation with the permission that it needs and the function that reads it. Dispatch, the test that every
// permission is enforced, and the compatibility page all come from this table. What has no row is answered with Unimplemented.
import Base
import CoordCore
import ZooKeeperWire

typealias JuteReader = FieldReader<JuteDialect>

/// What a request turned into.
enum CoordAnswer {
    case body(Bytes)
    case refused(ZKErrorCode)
}

/// A write on its way to the log, and how its reply is made from the outcome.
struct CoordWrite {
    var operations: [CoordOperation]
    var reply: ([OperationResult]) -> Bytes
    /// The reply to a refused operation; nil for the plain error header.
    var refusal: ((CoordOutcome.OperationRefusal) -> Bytes)?
}

/// Who asks, for reads.
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
            remark: "WRITE on `/zookeeper/config`, which nobody but the super user has at first; needs `coord.reconfig`, as ZooKeeper needs `reconfigEnabled`"),
        CoordAPI(.closeSession, nil, .session),
    ]

    static let byCode: [Int32: CoordAPI] = Dictionary(uniqueKeysWithValues: table.map { ($0.code.rawValue, $0) })
}

/// A record as reply bytes.
func encode(_ record: some WireLayout) -> Bytes { fitting { () throws(WireError) in try record.encoded(as: JuteDialect.self) } }
func encode(_ record: StatResponse) -> Bytes { fitting { () throws(WireError) in try record.juteBytes() } }
func encode(_ record: PathResponse) -> Bytes { fitting { () throws(WireError) in try record.juteBytes() } }
func encode(_ record: GetDataResponse) -> Bytes { fitting { () throws(WireError) in try record.juteBytes() } }

private func fitting(_ make: () throws(WireError) -> Bytes) -> Bytes {
    do { return try make() } catch { preconditionFailure("a record of ours fits jute's lengths: \(error)") }
}
