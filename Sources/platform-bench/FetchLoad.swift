// A consumer that is not the bottleneck: one blocking connection with two fetches under way, which reads answers into the same little
// memory and parses only the headers of batches. Works against any Kafka with a single broker.
import Base
import Clients
import Foundation
import KafkaWire
import NetKit
import TestKit

enum FetchLoad {
    /// Bytes that a fetch asks of one partition.
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
            let next = try connection.readAnswer(of: partition, into: &result)
            result.latencies.append(Double((ContinuousClock.now - sent).inNanoseconds) / 1e9)
            if next < ends[partition] ?? 0 { waiting.append((partition, next)) }
        }
        result.seconds = Double((ContinuousClock.now - began).inNanoseconds) / 1e9
        result.latencies.sort()
        return result
    }

    private static func request(_ topic: String, _ partition: Int32, _ offset: Int64) throws -> Bytes {
        let part = FetchRequest.Topic.Partition(partition: partition, fetchOffset: offset, partitionMaxBytes: fetchBytes)
        let fetch = FetchRequest(
            maxWaitMilliseconds: 500, minBytes: 1, maxBytes: fetchBytes, topics: [.init(name: topic, partitions: [part])])
        return try KafkaFrame.encodeRequest(fetch, correlationID: 1, version: version, clientID: "bench")
    }

    /// The fields before the records in an answer of one partition, not trusted.
    private struct AnswerHead: WireLayout {
        var correlationID: Int32 = 0
        var throttleTimeMilliseconds: Int32 = 0
        var errorCode = KafkaErrorCode.none
        var sessionID: Int32 = 0
        var topics: UInt64 = 0
        var name = ""
        var partitions: UInt64 = 0
        var partition: Int32 = 0
        var partitionErrorCode = KafkaErrorCode.none
        var highWatermark: Int64 = 0
        var lastStableOffset: Int64 = 0
        var logStartOffset: Int64 = 0
        var abortedTransactions: UInt64 = 0
        var preferredReadReplica: Int32 = 0
        var recordsLength: UInt64 = 0

        mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int32(&correlationID)
            try io.tags()
            try io.int32(&throttleTimeMilliseconds)
            try io.errorCode(&errorCode)
            try io.int32(&sessionID)
            // Counts and lengths of the flexible encoding are stored plus one.
            try io.varint(&topics)
            try io.string(&name)
            try io.varint(&partitions)
            try io.int32(&partition)
            try io.errorCode(&partitionErrorCode)
            try io.int64(&highWatermark)
            try io.int64(&lastStableOffset)
            try io.int64(&logStartOffset)
            try io.varint(&abortedTransactions)
            try io.int32(&preferredReadReplica)
            try io.varint(&recordsLength)
        }

        func isGood(for asked: Int32) -> Bool {
            errorCode == .none && partitionErrorCode == .none && topics == 2 && partitions == 2 && partition == asked
                && abortedTransactions <= 1
                && recordsLength > 0
        }
    }

    /// A blocking connection that parses answers as they pass.
    private final class Connection {
        private let socket: Int32
        private var window = ByteBufferAllocator().buffer(capacity: 256 << 10)
        /// Size limit of a head.
        private static let headBytesMax = 512

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

        /// Counts the whole batches of the next answer; returns the offset behind them.
        func readAnswer(of partition: Int32, into result: inout KafkaLoadResult) throws -> Int64 {
            try need(4)
            let length = Int(window.readInteger(as: UInt32.self) ?? 0)
            try need(min(length, Self.headBytesMax))
            var reader = FieldReader<KafkaDialect>(window, version: version, flexible: true)
            var head = AnswerHead()
            try head.layout(&reader)
            guard head.isGood(for: partition) else { throw PlatformProcess.Failure("partition \(partition) could not be read: \(head)") }
            let headBytes = window.readableBytes - reader.remaining
            window.moveReaderIndex(forwardBy: headBytes)
            var records = Int(head.recordsLength) - 1
            let behind = length - headBytes - records
            var next: Int64 = 0
            while records >= RecordBatchFormat.headerBytes {
                try need(RecordBatchFormat.headerBytes)
                guard let batch = RecordBatch.peek(window) else {
                    throw PlatformProcess.Failure("partition \(partition) holds what is no batch")
                }
                // The last batch may be cut short.
                guard batch.sizeBytes <= records else { break }
                next = batch.baseOffset + Int64(batch.lastOffsetDelta) + 1
                result.records += Int(batch.recordCount)
                result.bytes += batch.sizeBytes
                try skip(batch.sizeBytes)
                records -= batch.sizeBytes
            }
            try skip(records + behind)
            return next
        }

        /// Waits until `count` bytes are in the window.
        private func need(_ count: Int) throws {
            guard window.readableBytes < count else { return }
            window.discardReadBytes()
            while window.readableBytes < count { try receive() }
        }

        /// Skips bytes without keeping them.
        private func skip(_ count: Int) throws {
            var left = count - min(count, window.readableBytes)
            window.moveReaderIndex(forwardBy: count - left)
            while left > 0 {
                window.clear()
                try receive()
                let passed = min(left, window.readableBytes)
                window.moveReaderIndex(forwardBy: passed)
                left -= passed
            }
        }

        private func receive() throws {
            let got = window.writeWithUnsafeMutableBytes(minimumWritableBytes: 1) { max(0, recv(socket, $0.baseAddress, $0.count, 0)) }
            guard got > 0 else { throw PlatformProcess.Failure("the connection ended in the middle of an answer") }
        }
    }
}
