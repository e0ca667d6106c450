// The headers of Hadoop IPC version 9. Source: RpcHeader.proto, IpcConnectionContext.proto, ProtobufRpcEngine.proto of Hadoop 3.
import Base

/// The header of every request.
package struct RPCRequestHeader: ProtoLayout, Equatable {
    /// 2 is protobuf, the only kind supported.
    package var kind: UInt32 = 2
    package var operation: UInt32 = 0
    package var callID: Int64 = 0
    /// 16 bytes that name the client, the same on all its connections and retries.
    package var clientID = Bytes()
    package var retryCount: Int64 = -1
    package init() {}

    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.uint32(1, &kind, absent: 0)
        try io.uint32(2, &operation, absent: 0)
        try io.zigzag(3, &callID)
        try io.bytes(4, &clientID)
        try io.zigzag(5, &retryCount, absent: -1)
    }

    /// The context of the connection.
    package static let contextCall: Int64 = -3
    package static let pingCall: Int64 = -4
    package static let saslCall: Int64 = -33
    package static let protobufKind: UInt32 = 2
}

/// How a call ended.
package enum RPCStatus: UInt32, Sendable { case success = 0, error, fatal }

/// The kind of an error.
package enum RPCErrorDetail: UInt32, Sendable {
    case application = 1, noSuchMethod, noSuchProtocol, server, serializing, versionMismatch
    case fatalUnknown = 10, fatalSerialization, fatalHeader, fatalRequest, fatalVersion, fatalUnauthorized
}

/// The header of every response.
package struct RPCResponseHeader: ProtoLayout {
    package var callID: UInt32 = 0
    package var status = RPCStatus.success
    package var serverVersion: UInt32 = 0
    package var exceptionClass: String?
    package var message: String?
    package var detail: RPCErrorDetail?
    package var clientID: Bytes?
    package var retryCount: Int64 = -1
    package init() {}

    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.uint32(1, &callID)
        try io.choice(2, &status)
        try io.uint32(3, &serverVersion, absent: 0)
        try io.string(4, &exceptionClass)
        try io.string(5, &message)
        var raw = detail.map { UInt64($0.rawValue) }
        try io.varint(6, &raw)
        detail = raw.flatMap { RPCErrorDetail(rawValue: UInt32(truncatingIfNeeded: $0)) }
        try io.bytes(7, &clientID)
        try io.zigzag(8, &retryCount, absent: -1)
    }
}

/// The caller, as the client names it.
package struct UserInformation: ProtoLayout {
    package var effectiveUser: String?
    package var realUser: String?
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &effectiveUser)
        try io.string(2, &realUser)
    }
}

/// The first message of a connection.
package struct ConnectionContext: ProtoLayout {
    package var user: UserInformation?
    package var protocolName: String?
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.message(2, &user)
        try io.string(3, &protocolName)
    }
}

/// The method of a call.
package struct MethodHeader: ProtoLayout {
    package var method = ""
    package var protocolName = ""
    package var version: UInt64 = 1
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &method)
        try io.string(2, &protocolName)
        try io.uint64(3, &version)
    }
}

/// A step of the negotiation that clients with security begin.
package struct SaslMessage: ProtoLayout {
    package enum State: UInt32, Sendable { case success = 0, negotiate, initiate, challenge, response, wrap }
    package var version: UInt32 = 0
    package var state = State.success
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.uint32(1, &version, absent: 0)
        try io.choice(2, &state)
    }
}
