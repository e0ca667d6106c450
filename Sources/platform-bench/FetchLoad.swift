// A consumer that is not the bottleneck: one blocking connection with two fetches under way, answers read into the same memory again and again, and nothing
// looked at but the headers of batches. Works against any Kafka whose only broker it is given.
import Base
import Clients
import Foundation
import KafkaWire
import NetKit
import TestKit

enum FetchLoad {
    /// A fetch asks one partition for this much.
    private static let fetchBytes: Int32 = 8 << 20
    private static let underWayMax = 2
    private static let version: Int16 = 12

    /// Reads partitions from their beginning to these offsets, taking turns.
    static func consume(_ server: HostPort, _ topic: String, _ ends: [Int32: Int64]) throws -> KafkaLoadResult {
        let connection = try Connection(server)
        var waiting = ends.filter { $0.value > 0 }.keys.sorted().map { (partition: $0, offset: Int64(0)) }
        var underWay: [(partition: Int32, sent: ContinuousClock.Instant)] = []
        var result = KafkaLoadResult()
        let began = ContinuousClock.now
        while !waiting.isEmpty || !underWay.isEmpty {
            while underWay.count < underWayMax, !waiting.isEmpty {
                let (partition, offset) = waiting.removeFirst()
                underWay.append((partition, .now))
                try connection.send(request(topic, partition, offset))
            }
            let (partition, sent) = underWay.removeFirst()
            guard case .fetch(let answer) = try KafkaFrame.decodeResponse(try connection.receive(), key: .fetch, version: version),
                let found = answer.topics.first?.partitions.first, found.partition == partition, found.errorCode == .none, let records = found.records?.bytes
            else { throw PlatformProcess.Failure("partition \(partition) of \(topic) could not be read") }
            result.latencies.append(Double((ContinuousClock.now - sent).inNanoseconds) / 1e9)
            var next: Int64 = 0
            for batch in try RecordBatch.all(in: records) {
                next = batch.nextOffset
                result.records += Int(batch.recordCount)
                result.bytes += batch.sizeBytes
            }
            if next < ends[partition] ?? 0 { waiting.append((partition, next)) }
        }
        result.seconds = Double((ContinuousClock.now - began).inNanoseconds) / 1e9
        result.latencies.sort()
        return result
    }

    private static func request(_ topic: String, _ partition: Int32, _ offset: Int64) throws -> Bytes {
        let part = FetchRequest.Topic.Partition(partition: partition, fetchOffset: offset, partitionMaxBytes: fetchBytes)
        let fetch = FetchRequest(maxWaitMilliseconds: 500, minBytes: 1, maxBytes: fetchBytes, topics: [.init(name: topic, partitions: [part])])
        return try KafkaFrame.encodeRequest(.fetch(fetch), correlationID: 1, version: version, clientID: "bench")
    }

    /// A blocking connection of length-prefixed frames.
    private final class Connection {
        private let socket: Int32
        private var buffer = ByteBufferAllocator().buffer(capacity: Int(fetchBytes) + 4096)

        init(_ server: HostPort) throws {
            socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(server.port).bigEndian
            address.sin_addr.s_addr = inet_addr(server.host)
            let joined = withUnsafePointer(to: &address) {
                // A sockaddr_in is passed as the sockaddr that it begins with, with its own size, as connect(2) asks.
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
            }
            guard joined else { throw PlatformProcess.Failure("no connection to \(server)") }
        }

        deinit { close(socket) }

        func send(_ bytes: Bytes) throws {
            // Requests are small: the socket takes them whole.
            let sent = bytes.withUnsafeReadableBytes { Glibc.send(socket, $0.baseAddress, $0.count, 0) }
            guard sent == bytes.readableBytes else { throw PlatformProcess.Failure("a request was not sent") }
        }

        /// The next frame without its length. Its memory is used again for the next one: whoever still holds a part of it makes that slow.
        func receive() throws -> Bytes {
            try fill(4)
            guard let length = buffer.getInteger(at: 0, as: UInt32.self) else { throw PlatformProcess.Failure("a frame without length") }
            try fill(Int(length))
            return buffer
        }

        private func fill(_ count: Int) throws {
            buffer.clear(minimumCapacity: count)
            var filled = 0
            // Fills memory that the buffer has room for, and not more than `count` of it.
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { memory in
                while filled < count {
                    let got = recv(socket, memory.baseAddress! + filled, count - filled, 0)
                    if got <= 0 { break }
                    filled += got
                }
                return filled
            }
            guard filled == count else { throw PlatformProcess.Failure("the connection ended in the middle of a frame") }
        }
    }
}
