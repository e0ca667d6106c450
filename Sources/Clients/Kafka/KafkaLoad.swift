// A load on brokers, for `platform broker bench` and the benchmarks: prepared batches are sent with several requests under way, batches are
// fetched without being opened, and single records travel at a fixed rate with their time in them. It measures the broker, not the making
// of records.
import Base
import KafkaWire
import NetKit

/// The result of a load.
package struct KafkaLoadResult: Sendable {
    package var records = 0
    /// Bytes of record batches, as they travel.
    package var bytes = 0
    package var seconds = 0.0
    /// One per request, or per record of a load at a fixed rate; in seconds, ascending.
    package var latencies: [Double] = []

    package init(records: Int = 0, bytes: Int = 0, seconds: Double = 0, latencies: [Double] = []) {
        self.records = records
        self.bytes = bytes
        self.seconds = seconds
        self.latencies = latencies
    }

    package var recordRate: Double { Double(records) / max(seconds, 1e-9) }
    package var byteRate: Double { Double(bytes) / max(seconds, 1e-9) }

    /// A percentile of the latencies, 0 to 100.
    package func latency(_ percent: Double) -> Double {
        latencies.isEmpty ? 0 : latencies[min(latencies.count - 1, Int(Double(latencies.count) * percent / 100))]
    }

    fileprivate mutating func merge(_ other: KafkaLoadResult) {
        records += other.records
        bytes += other.bytes
        latencies += other.latencies
    }
}

/// Prepared record batches, sent again and again.
package struct KafkaLoadBatches: Sendable {
    package var batches: [Bytes]
    package var recordsEach: [Int]

    /// Batches of this many bytes with records of one size. Values are words in a seeded order, so that compression saves something, but
    /// not everything.
    package static func made(valueBytes: Int, batchBytes: Int, gzip: Bool = false, seed: UInt64 = 1) throws(WireError) -> KafkaLoadBatches {
        var random = Prng(seed: seed)
        let words = (0..<2000).map { _ in (0..<(2 + random.below(9))).map { _ in UInt8(97 + random.below(26)) } + [32] }
        var made = KafkaLoadBatches(batches: [], recordsEach: [])
        for _ in 0..<8 {
            var builder = RecordBatchBuilder(compression: gzip ? .gzip : .none)
            repeat {
                var value: [UInt8] = []
                while value.count < valueBytes { value += words[random.below(words.count)] }
                builder.add(Record(timestamp: 1_700_000_000_000, key: nil, value: Bytes(bytes: value.prefix(valueBytes))))
            } while builder.sizeBytesEstimate + valueBytes + 24 <= batchBytes
            made.recordsEach.append(builder.count)
            made.batches.append(try builder.build())
        }
        return made
    }
}

extension KafkaClient {
    /// Sends batches to the partitions in turn for a time; each of `inFlight` senders has one request under way.
    package func produceLoad(_ topic: String, _ load: KafkaLoadBatches, acks: Int16, inFlight: Int, duration: Duration) async throws
        -> KafkaLoadResult
    {
        let partitions = try await self.topic(topic).partitions.map(\.number)
        var leaders: [KafkaConnection] = []
        for partition in partitions { leaders.append(try await connection(to: try await leader(of: topic, partition))) }
        let began = ContinuousClock.now
        let end = began + duration
        let connections = leaders
        var total = try await withThrowingTaskGroup(of: KafkaLoadResult.self) { group in
            for sender in 0..<inFlight {
                group.addTask {
                    try await Self.send(topic, load, acks, until: end, from: sender, to: partitions, connections, step: inFlight)
                }
            }
            var total = KafkaLoadResult()
            for try await one in group { total.merge(one) }
            return total
        }
        total.seconds = (ContinuousClock.now - began).inSeconds
        total.latencies.sort()
        return total
    }

    private static func send(
        _ topic: String, _ load: KafkaLoadBatches, _ acks: Int16, until end: ContinuousClock.Instant, from first: Int,
        to partitions: [Int32],
        _ connections: [KafkaConnection], step: Int
    ) async throws -> KafkaLoadResult {
        var result = KafkaLoadResult()
        var turn = first
        while ContinuousClock.now < end {
            let (place, batch) = (turn % partitions.count, turn % load.batches.count)
            let request = ProduceRequest(
                acks: acks, timeoutMilliseconds: adminTimeoutMilliseconds,
                topics: [.init(name: topic, partitions: [.init(partition: partitions[place], records: load.batches[batch])])])
            let began = ContinuousClock.now
            let answer = try await connections[place].call(request, versionMax: 11)
            guard let part = answer.topics.first?.partitions.first else {
                throw mismatch
            }
            guard part.errorCode == .none else {
                throw KafkaFailure.refused(part.errorCode, doing: "producing to '\(topic)'", detail: part.errorMessage)
            }
            result.latencies.append((ContinuousClock.now - began).inSeconds)
            result.records += load.recordsEach[batch]
            result.bytes += load.batches[batch].readableBytes
            turn += step
        }
        return result
    }

    /// Fetches the topic from its beginning to its present end, all partitions at a time, without opening the batches.
    package func consumeLoad(_ topic: String, recordsMax: Int = .max, duration: Duration = .seconds(3600)) async throws -> KafkaLoadResult {
        var places: [(partition: Int32, from: Int64, end: Int64, connection: KafkaConnection)] = []
        for partition in try await self.topic(topic).partitions.map(\.number) {
            let from = try await offset(of: topic, partition, at: Self.earliest) ?? 0
            let end = try await offset(of: topic, partition, at: Self.latest) ?? 0
            places.append((partition, from, end, try await connection(to: try await leader(of: topic, partition))))
        }
        let began = ContinuousClock.now
        let parts = places
        var total = try await withThrowingTaskGroup(of: KafkaLoadResult.self) { group in
            for part in parts {
                group.addTask {
                    try await Self.read(
                        topic, part.partition, part.from, part.end, part.connection, recordsMax: recordsMax / parts.count,
                        until: began + duration
                    ) { _ in }
                }
            }
            var total = KafkaLoadResult()
            for try await one in group { total.merge(one) }
            return total
        }
        total.seconds = (ContinuousClock.now - began).inSeconds
        total.latencies.sort()
        return total
    }

    /// Batches of a partition as stored, for sending elsewhere.
    package func loadBatches(_ topic: String, _ partition: Int32, bytesMax: Int) async throws -> KafkaLoadBatches {
        let end = try await offset(of: topic, partition, at: Self.latest) ?? 0
        var taken = KafkaLoadBatches(batches: [], recordsEach: [])
        var bytes = 0
        _ = try await Self.read(
            topic, partition, 0, end, try await connection(to: try await leader(of: topic, partition)), recordsMax: .max,
            until: .now + .seconds(30)
        ) { batch in
            guard !batch.isControl, bytes < bytesMax else { return }
            taken.batches.append(batch.bytes)
            taken.recordsEach.append(Int(batch.recordCount))
            bytes += batch.sizeBytes
        }
        return taken
    }

    private static var loadFetchBytes: Int32 { 8 << 20 }
    /// Limit of the records under way in a load at a fixed rate.
    private static var loadRequestsMax: Int { 500 }

    private static func read(
        _ topic: String, _ partition: Int32, _ from: Int64, _ end: Int64, _ connection: KafkaConnection, recordsMax: Int,
        until deadline: ContinuousClock.Instant,
        _ visit: (RecordBatch) -> Void
    ) async throws -> KafkaLoadResult {
        var (result, offset) = (KafkaLoadResult(), from)
        while offset < end, result.records < recordsMax, ContinuousClock.now < deadline {
            let part = FetchRequest.Topic.Partition(partition: partition, fetchOffset: offset, partitionMaxBytes: loadFetchBytes)
            let request = FetchRequest(
                maxWaitMilliseconds: 500, minBytes: 1, maxBytes: loadFetchBytes, topics: [.init(name: topic, partitions: [part])])
            let began = ContinuousClock.now
            let answer = try await connection.call(request, versionMax: 12)
            guard let found = answer.topics.first?.partitions.first else { throw mismatch }
            guard found.errorCode == .none else { throw KafkaFailure.refused(found.errorCode, doing: "reading '\(topic)'", detail: nil) }
            result.latencies.append((ContinuousClock.now - began).inSeconds)
            do {
                for batch in try RecordBatch.all(in: found.records?.bytes ?? Bytes()) {
                    visit(batch)
                    offset = max(offset, batch.nextOffset)
                    result.records += Int(batch.recordCount)
                    result.bytes += batch.sizeBytes
                }
            } catch { throw KafkaFailure.damagedAnswer("a record batch of '\(topic)': \(error)") }
        }
        return result
    }

    /// Sends single records at a fixed rate while another client reads them; a latency runs from before the send until the read.
    package func endToEndLoad(_ topic: String, reader: KafkaClient, valueBytes: Int, rate: Int, duration: Duration, acks: Int16 = -1)
        async throws -> KafkaLoadResult
    {
        let partition = try await self.topic(topic).partitions[0].number
        let connection = try await connection(to: try await leader(of: topic, partition))
        let start = try await offset(of: topic, partition, at: Self.latest) ?? 0
        let count = max(1, Int(Double(rate) * duration.inSeconds))
        let began = ContinuousClock.now
        async let received = reader.timesReceived(
            topic, partition, from: start, count: count, origin: began, until: began + duration + .seconds(20))
        let filler = Bytes(repeating: 0x61, count: max(0, valueBytes - 8))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                try await Task.sleep(
                    until: began + .nanoseconds(Int(1e9 / Double(rate) * Double(number))), tolerance: .zero, clock: .continuous)
                // A broker that falls behind gets no higher rate; the reached rate shows it.
                if number >= Self.loadRequestsMax { _ = try await group.next() }
                group.addTask {
                    var value = Bytes()
                    value.writeInteger((ContinuousClock.now - began).inNanoseconds)
                    value.writeImmutableBuffer(filler)
                    var builder = RecordBatchBuilder()
                    builder.add(Record(timestamp: 1_700_000_000_000, key: nil, value: value))
                    let request = ProduceRequest(
                        acks: acks, timeoutMilliseconds: Self.adminTimeoutMilliseconds,
                        topics: [.init(name: topic, partitions: [.init(partition: partition, records: try builder.build())])])
                    let answer = try await connection.call(request, versionMax: 11)
                    guard answer.topics.first?.partitions.first?.errorCode == KafkaErrorCode.none else {
                        throw KafkaFailure.damagedAnswer("a record of the load was not taken")
                    }
                }
            }
            try await group.waitForAll()
        }
        let latencies = try await received
        return KafkaLoadResult(
            records: latencies.count, bytes: latencies.count * valueBytes, seconds: (ContinuousClock.now - began).inSeconds,
            latencies: latencies.sorted())
    }

    private func timesReceived(
        _ topic: String, _ partition: Int32, from start: Int64, count: Int, origin: ContinuousClock.Instant,
        until deadline: ContinuousClock.Instant
    ) async throws -> [Double] {
        var (offset, latencies): (Int64, [Double]) = (start, [])
        while latencies.count < count, ContinuousClock.now < deadline {
            let (records, next) = try await fetch(topic, from: [partition: offset])
            let now = (ContinuousClock.now - origin).inNanoseconds
            for one in records {
                guard let value = one.record.value, let sent = value.getInteger(at: value.readerIndex, as: Int64.self) else { continue }
                latencies.append(Double(now - sent) / 1e9)
            }
            offset = next[partition] ?? offset
        }
        return latencies
    }
}

extension Duration {
    fileprivate var inSeconds: Double { Double(inNanoseconds) / 1e9 }
}
