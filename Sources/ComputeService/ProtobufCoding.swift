// Messages to the bytes of gRPC and back. An undecodable message is refused as an invalid plan, in Spark's form.
import GRPCCore
import SparkWire

struct ProtobufSerializer<Message: SparkMessage>: MessageSerializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: Message) throws -> Bytes {
        Bytes(try SparkMessages.encode(message))
    }
}

struct ProtobufDeserializer<Message: SparkMessage>: MessageDeserializer {
    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> Message {
        // The buffer is copied inside the closure and not kept.
        guard let message = SparkMessages.decode(Message.self, bytes.withUnsafeBytes { Array($0) }) else {
            throw SparkError.invalidPlan("a message of type \(Message.protoMessageName) cannot be decoded").rpcError(errorID: nil)
        }
        return message
    }
}
