// Encoding, decoding and packing of the generated messages, so that no other target names the protobuf library. A message that cannot be
// decoded is nil: which error that means is the caller's business. Fields that are not set in a message cost nothing on the wire.
import SwiftProtobuf

package typealias SparkMessage = SwiftProtobuf.Message
package typealias SparkAny = SwiftProtobuf.Google_Protobuf_Any

package enum SparkMessages {
    /// Nesting of messages that is decoded; each relation and expression takes up to three levels.
    static let depthMax = 2_000

    package static func encode(_ message: some SparkMessage) throws -> [UInt8] {
        try message.serializedBytes()
    }

    package static func decode<Message: SparkMessage>(_ type: Message.Type, _ bytes: [UInt8]) -> Message? {
        var options = BinaryDecodingOptions()
        options.messageDepthLimit = depthMax
        do {
            return try Message(serializedBytes: bytes, options: options)
        } catch {
            return nil
        }
    }

    package static func pack(_ message: some SparkMessage) throws -> SparkAny {
        try SparkAny(message: message)
    }

    /// Nil when `any` holds another type or cannot be decoded.
    package static func unpack<Message: SparkMessage>(_ type: Message.Type, from any: SparkAny) -> Message? {
        guard any.isA(type) else { return nil }
        do {
            return try Message(unpackingAny: any)
        } catch {
            return nil
        }
    }

    package static func typeName(_ any: SparkAny) -> String {
        String(any.typeURL.split(separator: "/").last ?? "")
    }
}
