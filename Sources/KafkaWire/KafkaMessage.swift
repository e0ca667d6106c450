// The dispatcher's operations on every message of Kafka: its API, reading, writing and refusing it. The coders are witnesses of these
// protocols, so that this module compiles them for concrete types: a generic coder across modules is not specialised and costs a hundred
// times as much.
import Base

/// A request of a served API.
package protocol KafkaRequest: WireLayout {
    associatedtype Response: KafkaResponse
    static var apiKey: ApiKey { get }
    /// The response with `code` for every part of this request.
    func refused(_ code: KafkaErrorCode) -> Response
    /// Reads a request at the start of `bytes`. Ignores trailing bytes, as Kafka does: librdkafka ends some requests with extra bytes.
    static func read(_ bytes: Bytes, version: Int16, flexible: Bool) throws(WireError) -> Self
    /// Appends the request to `buffer`.
    func write(into buffer: inout Bytes, version: Int16, flexible: Bool) throws(WireError)
}

/// A response of a served API.
package protocol KafkaResponse: WireLayout {
    /// Reads a response at the start of `bytes`.
    static func read(_ bytes: Bytes, version: Int16, flexible: Bool) throws(WireError) -> Self
    /// Appends the response's end to `buffer`, and returns the pieces before it: payloads of at least `cutBytes` bytes are pieces of their
    /// own.
    func write(into buffer: inout Bytes, version: Int16, flexible: Bool, cutBytes: Int) throws(WireError) -> [BytesOrFile]
    /// Sets the throttle time, if the response has that field. Sources: KIP-124, KIP-219.
    mutating func setThrottleTime(milliseconds: Int32)
}

/// A response with a throttle time.
package protocol ThrottledResponse: KafkaResponse {
    var throttleTimeMilliseconds: Int32 { get set }
}

/// A response with one error for the whole request.
package protocol CodedResponse: KafkaResponse {
    var errorCode: KafkaErrorCode { get set }
}

extension WireLayout {
    fileprivate static func beginning(of bytes: Bytes, _ version: Int16, _ flexible: Bool) throws(WireError) -> Self {
        var reader = FieldReader<KafkaDialect>(bytes, version: version, flexible: flexible)
        var message = Self()
        try message.layout(&reader)
        return message
    }
}

extension KafkaRequest {
    package static func read(_ bytes: Bytes, version: Int16, flexible: Bool) throws(WireError) -> Self {
        try beginning(of: bytes, version, flexible)
    }

    package func write(into buffer: inout Bytes, version: Int16, flexible: Bool) throws(WireError) {
        try encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
    }
}

extension KafkaRequest where Response: CodedResponse {
    package func refused(_ code: KafkaErrorCode) -> Response {
        var response = Response()
        response.errorCode = code
        return response
    }
}

extension KafkaResponse {
    package static func read(_ bytes: Bytes, version: Int16, flexible: Bool) throws(WireError) -> Self {
        try beginning(of: bytes, version, flexible)
    }

    package func write(into buffer: inout Bytes, version: Int16, flexible: Bool, cutBytes: Int) throws(WireError) -> [BytesOrFile] {
        try encode(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible)
        return []
    }

    package mutating func setThrottleTime(milliseconds: Int32) {}
}

extension ThrottledResponse {
    package mutating func setThrottleTime(milliseconds: Int32) { throttleTimeMilliseconds = max(throttleTimeMilliseconds, milliseconds) }
}
