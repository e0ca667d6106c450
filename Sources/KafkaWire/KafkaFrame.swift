// Whole frames: header and body of requests and responses. A request comes without its four bytes of size, which the listener has removed.
// Headers: v1 and flexible v2 for requests, v0 and v1 for responses (KIP-482, KIP-511).
import Base

/// The header of a request.
package struct RequestHeader: Sendable, Equatable {
    package var apiNumber: Int16
    package var version: Int16
    package var correlationID: Int32
    package var clientID: String?

    package init(apiNumber: Int16, version: Int16, correlationID: Int32, clientID: String?) {
        self.apiNumber = apiNumber
        self.version = version
        self.correlationID = correlationID
        self.clientID = clientID
    }
}

/// A received request.
package enum IncomingRequest: Sendable {
    case request(RequestHeader, any KafkaRequest)
    /// ApiVersions in an unknown version: answered in version 0 with UNSUPPORTED_VERSION.
    case unknownApiVersions(RequestHeader)
}

package enum KafkaFrame {
    /// A request must carry at least the fixed part of its header.
    package static let requestBytesMin = 8

    /// Decodes a request frame. An unserved API or version is a wire error, as in Kafka: the client could not understand any response.
    package static func decodeRequest(_ frame: Bytes) throws(WireError) -> IncomingRequest {
        var reader = FieldReader<KafkaDialect>(frame)
        var header = RequestHeader(apiNumber: 0, version: 0, correlationID: 0, clientID: nil)
        try reader.int16(&header.apiNumber)
        try reader.int16(&header.version)
        try reader.int32(&header.correlationID)
        guard let row = ApiTable.row(number: header.apiNumber) else { throw .unknownTag("api key", Int(header.apiNumber)) }
        guard row.versions.contains(header.version) else {
            if row.key == ApiVersionsRequest.apiKey { return .unknownApiVersions(header) }
            throw .unknownTag("version of \(row.name)", Int(header.version))
        }
        // The client id is a classic string in both header versions, so that a broker can read it before it knows the version.
        try reader.optionalString(&header.clientID)
        let flexible = row.isFlexible(header.version)
        var rest = FieldReader<KafkaDialect>(reader.buffer, version: header.version, flexible: flexible)
        try rest.tags()
        return .request(header, try row.request.read(rest.buffer, version: header.version, flexible: flexible))
    }

    /// A whole response frame of `row`'s API, its size included. Record batches of at least `cutBytes` bytes are separate pieces, without a
    /// copy.
    package static func encodeResponse(
        _ body: any KafkaResponse, of row: ApiRow, correlationID: Int32, version: Int16, cutBytes: Int = .max
    ) throws(WireError) -> OutgoingFrame {
        var buffer = ByteBufferAllocator().buffer(capacity: 512)
        buffer.writeInteger(Int32(0))
        buffer.writeInteger(correlationID)
        if row.hasFlexibleResponseHeader(version) { buffer.writeInteger(UInt8(0)) }
        let pieces = try body.write(into: &buffer, version: version, flexible: row.isFlexible(version), cutBytes: cutBytes)
        return OutgoingFrame(pieces, buffer)
    }

    /// A whole request frame, its size included; used by our own client.
    package static func encodeRequest(_ body: any KafkaRequest, correlationID: Int32, version: Int16, clientID: String) throws(WireError)
        -> Bytes
    {
        let row = ApiTable.row(type(of: body).apiKey)
        let flexible = row.isFlexible(version)
        var buffer = Bytes()
        buffer.writeInteger(Int32(0))
        buffer.writeInteger(row.key.rawValue)
        buffer.writeInteger(version)
        buffer.writeInteger(correlationID)
        buffer.writeInteger(Int16(clientID.utf8.count))
        buffer.writeString(clientID)
        if flexible { buffer.writeInteger(UInt8(0)) }
        try body.write(into: &buffer, version: version, flexible: flexible)
        buffer.setInteger(Int32(buffer.readableBytes - 4), at: buffer.readerIndex)
        return buffer
    }

    /// The correlation id of a response frame without its size, at the start of every response.
    package static func correlationID(of frame: Bytes) throws(WireError) -> Int32 {
        guard let id = frame.getInteger(at: frame.readerIndex, as: Int32.self) else {
            throw .truncated(needed: 4, remaining: frame.readableBytes)
        }
        return id
    }

    /// Decodes a response frame of `row`'s API without its size.
    package static func decodeResponse(_ frame: Bytes, of row: ApiRow, version: Int16) throws(WireError) -> any KafkaResponse {
        _ = try correlationID(of: frame)
        var frame = frame
        frame.moveReaderIndex(forwardBy: 4)
        var reader = FieldReader<KafkaDialect>(frame, version: version, flexible: row.hasFlexibleResponseHeader(version))
        try reader.tags()
        return try row.response.read(reader.buffer, version: version, flexible: row.isFlexible(version))
    }
}

/// An outgoing response frame: bytes written for it, and between them shared pieces.
package struct OutgoingFrame: Sendable {
    /// The size, the header, and the body up to the first shared piece.
    package private(set) var head: Bytes
    package private(set) var rest: [BytesOrFile]

    /// `pieces` precede `last`; the first four bytes get the frame's size.
    init(_ pieces: [BytesOrFile], _ last: Bytes) {
        guard case .memory(let first)? = pieces.first else {
            (head, rest) = (last, [])
            head.setInteger(Int32(head.readableBytes - 4), at: head.readerIndex)
            return
        }
        head = first
        rest = pieces.dropFirst() + [.memory(last)]
        head.setInteger(Int32(byteCount - 4), at: head.readerIndex)
    }

    /// Bytes with their size and without a header.
    package init(token: Bytes) {
        head = Bytes()
        head.writeInteger(Int32(token.readableBytes))
        head.writeImmutableBuffer(token)
        rest = []
    }

    package var byteCount: Int { rest.reduce(head.readableBytes) { $0 + $1.count } }

    /// The frame in one buffer, for pieces in memory.
    package var joined: Bytes {
        var all = head
        for bytes in rest.compactMap(\.bytes) { all.writeImmutableBuffer(bytes) }
        return all
    }
}
