// The beginning of a Hadoop IPC connection, and the frames of its messages: a length of four bytes, then messages with varint lengths.
// Source: org.apache.hadoop.ipc.Server and Client of Hadoop 3; the answer to an HTTP GET was observed.
import Base

/// The seven bytes that begin a connection.
package enum Preamble: Equatable {
    case simple
    case sasl
    /// A client with another version of the protocol; its answer has a form of its own.
    case wrongVersion(UInt8)
    /// A browser or health check that took this for an HTTP port.
    case http
    case garbage

    package static let bytes = 7
    package static let version: UInt8 = 9

    /// Reads the first seven bytes.
    package init(_ bytes: Bytes) {
        let raw = Array(bytes.readableBytesView.prefix(Self.bytes))
        guard raw.count == Self.bytes else { self = .garbage; return }
        if raw.starts(with: Array("GET ".utf8)) { self = .http; return }
        guard raw.starts(with: Array("hrpc".utf8)) else { self = .garbage; return }
        guard raw[4] == Self.version else { self = .wrongVersion(raw[4]); return }
        switch Int8(bitPattern: raw[6]) {
        case 0: self = .simple
        case -33: self = .sasl
        default: self = .garbage
        }
    }

    /// The preamble of this side's client.
    package static var ours: Bytes {
        var bytes = Bytes(string: "hrpc")
        bytes.writeBytes([version, 0, 0])
        return bytes
    }

    /// Hadoop's answer to a browser.
    package static let httpAnswer =
        "HTTP/1.1 404 Not Found\r\nContent-type: text/plain\r\n\r\nIt looks like you are making an HTTP request to a Hadoop IPC port. This is not the correct port for the web interface on this daemon.\r\n"
}

/// Messages of a connection.
package enum RPCFrame {
    /// Limit of a request; Hadoop's own is 128 MiB, and no client's call comes near.
    package static let requestBytesMax = 16 << 20
    package static let lengthBytes = 4

    private static func framed(_ content: Bytes, _ more: Bytes) -> Bytes {
        var all = Bytes()
        all.reserveCapacity(lengthBytes + content.readableBytes + more.readableBytes)
        all.writeInteger(UInt32(content.readableBytes + more.readableBytes))
        all.writeImmutableBuffer(content)
        all.writeImmutableBuffer(more)
        return all
    }

    /// A successful answer.
    package static func success(_ header: RPCRequestHeader, _ body: Bytes) -> Bytes {
        var answer = RPCResponseHeader()
        answer.callID = UInt32(truncatingIfNeeded: header.callID)
        answer.serverVersion = UInt32(Preamble.version)
        answer.clientID = header.clientID
        answer.retryCount = header.retryCount
        var content = answer.delimited
        content.writeVarint(UInt64(body.readableBytes))
        return framed(content, body)
    }

    /// An answer that is an exception.
    package static func failure(
        _ header: RPCRequestHeader, _ exceptionClass: String, _ message: String, _ detail: RPCErrorDetail, fatal: Bool = false
    ) -> Bytes {
        var answer = RPCResponseHeader()
        answer.callID = UInt32(truncatingIfNeeded: header.callID)
        answer.status = fatal ? .fatal : .error
        answer.serverVersion = UInt32(Preamble.version)
        answer.exceptionClass = exceptionClass
        answer.message = message
        answer.detail = detail
        answer.clientID = header.clientID
        answer.retryCount = header.retryCount
        return framed(answer.delimited, Bytes())
    }

    /// The opening of this side's client: the preamble and the connection context.
    package static func opening(user: String, protocolName: String, clientID: Bytes) -> Bytes {
        var header = RPCRequestHeader()
        (header.callID, header.clientID) = (RPCRequestHeader.contextCall, clientID)
        var context = ConnectionContext()
        context.user = UserInformation()
        context.user?.effectiveUser = user
        context.protocolName = protocolName
        var all = Preamble.ours
        all.writeImmutableBuffer(framed(header.delimited, context.delimited))
        return all
    }

    /// Limit of an answer; a listing or the places of 10,000 blocks stay far below.
    package static let answerBytesMax = 128 << 20

    /// A request of this side's client.
    package static func request(_ header: RPCRequestHeader, _ method: MethodHeader, _ body: Bytes) -> Bytes {
        var content = header.delimited
        content.writeImmutableBuffer(method.delimited)
        content.writeVarint(UInt64(body.readableBytes))
        return framed(content, body)
    }
}
