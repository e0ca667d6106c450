// The door of the data transfer protocol: one conversation per connection, one operation after another.
import Base
import HadoopNet
import HadoopWire
import Logging
import NetKit

/// Serves connections of the data transfer protocol.
struct TransferDoor: Sendable {
    let datanode: Datanode

    func serve(_ stream: ByteStream) async throws {
        while try await stream.hasMore() {
            var head = try await stream.read(3)
            guard head.readInteger(as: UInt16.self) == TransferOperation.version,
                let operation = head.readInteger(as: UInt8.self).flatMap(TransferOperation.init(rawValue:))
            else {
                datanode.log.debug("no operation of the data transfer protocol", metadata: ["peer": "\(stream.peer)"])
                return
            }
            switch operation {
            case .writeBlock:
                try await BlockReceiver(datanode: datanode, request: try await stream.message(WriteBlockRequest.self), stream: stream).run()
            case .readBlock:
                let request = try await stream.message(ReadBlockRequest.self)
                guard try await BlockSender(datanode: datanode, stream: stream).read(request) else { return }
            case .blockChecksum:
                try await BlockSender(datanode: datanode, stream: stream).checksum(try await stream.message(BlockChecksumRequest.self))
            case .transferBlock:
                try await BlockSender(datanode: datanode, stream: stream).transfer(try await stream.message(TransferBlockRequest.self))
            }
        }
    }
}

/// The datanode's RPC for clients: the length of a replica under construction.
struct ReplicaQuestions: RPCTarget {
    let datanode: Datanode

    func answer(_ method: MethodHeader, _ body: Bytes, _ caller: RPCCaller) async throws -> Bytes {
        guard method.protocolName == RPCProtocol.clientDatanode else {
            throw JavaException(JavaException.noSuchProtocol, "Unknown protocol: \(method.protocolName)", .noSuchProtocol)
        }
        guard method.method == "getReplicaVisibleLength" else {
            throw JavaException(
                JavaException.noSuchMethod, "Unknown method \(method.method) called on \(method.protocolName) protocol.", .noSuchMethod)
        }
        let block = try OptionalAnswer<ExtendedBlock>(decoding: body).content ?? ExtendedBlock()
        guard let summary = try await datanode.store.summary(Int64(bitPattern: block.blockID)) else {
            throw JavaException(
                "org.apache.hadoop.hdfs.server.datanode.ReplicaNotFoundException", "Replica not found for blk_\(block.blockID)")
        }
        guard summary.generation >= Int64(bitPattern: block.generation) else {
            throw JavaException(
                JavaException.io, "blk_\(block.blockID) has generation \(summary.generation) here, which is older than \(block.generation)")
        }
        return NumberAnswer(UInt64(summary.lengthBytes)).encoded
    }
}
