// The targets of fuzzing with damaged bytes: every decoder of bytes from a peer or a disk. One input, one call; any answer within bounds is
// right. The first byte of an input names the target, so that one corpus serves all of them.
import Base
import BrokerCore
import Consensus
import CoordCore
import KafkaWire
import Parquet
import Replication
import ZooKeeperWire

/// A decoder under test.
package enum FuzzTarget: UInt8, CaseIterable, Sendable {
    case kafkaRequest, kafkaResponse, recordBatches, compressedPayload, consumerProtocol, juteMessage, peerMessage, durableCommand
    case parquetFile

    /// The most that a compressed payload may become here, in bytes; a bomb is far above it.
    package static let decompressedBytesMax = 1 << 20

    /// Tries one input. Traps if a decoder does, or if its answer is out of bounds.
    package static func run(_ input: Bytes) {
        var input = input
        guard let number = input.readInteger(as: UInt8.self) else { return }
        let target = allCases[Int(number) % allCases.count]
        // Refusals are answers like any other.
        _ = Result { try target.read(input) }
    }

    private func read(_ input: Bytes) throws {
        switch self {
        case .kafkaRequest: try Self.kafkaRequest(input)
        case .kafkaResponse: try Self.kafkaResponse(input)
        case .recordBatches: try Self.recordBatches(input)
        case .compressedPayload: try Self.compressedPayload(input)
        case .consumerProtocol:
            _ = Result { try ConsumerProtocol.decode(ConsumerSubscription.self, input) }
            _ = try ConsumerProtocol.decode(ConsumerAssignment.self, input)
        case .juteMessage: try Self.chosen(input, Self.juteMessages, in: JuteDialect.self)
        case .peerMessage: try Self.chosen(input, Self.peerMessages, in: DurableDialect.self)
        case .durableCommand: try Self.chosen(input, Self.durableCommands, in: DurableDialect.self)
        case .parquetFile: try ParquetInput.read(input)
        }
    }

    /// A request that is understood can be written again.
    private static func kafkaRequest(_ input: Bytes) throws(WireError) {
        guard case .request(let header, let body) = try KafkaFrame.decodeRequest(input) else { return }
        _ = try KafkaFrame.encodeRequest(
            body, correlationID: header.correlationID, version: header.version, clientID: header.clientID ?? "")
    }

    private static func kafkaResponse(_ input: Bytes) throws(WireError) {
        var input = input
        guard let number = input.readInteger(as: UInt8.self), let offset = input.readInteger(as: UInt8.self) else { return }
        let row = ApiTable.rows[Int(number) % ApiTable.rows.count]
        let version = row.versions.lowerBound + Int16(Int(offset) % row.versions.count)
        let body = try KafkaFrame.decodeResponse(input, of: row, version: version)
        _ = try KafkaFrame.encodeResponse(body, of: row, correlationID: 1, version: version)
    }

    /// The records of a batch can be written as a batch again.
    private static func recordBatches(_ input: Bytes) throws(WireError) {
        for batch in try RecordBatch.all(in: input) {
            _ = (batch.isIntact, batch.marker)
            let records = try batch.records(bytesMax: decompressedBytesMax)
            var walked = 0
            try batch.forEachRecord(bytesMax: decompressedBytesMax) { _ in
                walked += 1
                return true
            }
            precondition(walked == records.count, "both ways to read a batch find the same records")
            if !batch.isControl { _ = try batch.keeping(deleteHorizon: nil) { _ in true } }
        }
    }

    private static func compressedPayload(_ input: Bytes) throws(WireError) {
        var input = input
        guard let number = input.readInteger(as: UInt8.self) else { return }
        let codec = Compression.allCases[Int(number) % Compression.allCases.count]
        guard codec != .none else { return }
        let plain = try codec.decompress(input, bytesMax: decompressedBytesMax)
        precondition(plain.readableBytes <= decompressedBytesMax, "a payload became larger than it may")
    }

    private static let juteMessages: [any WireLayout.Type] = [
        ConnectRequest.self, RequestHeader.self, CreateRequest.self, PathVersionRequest.self, PathWatchRequest.self, PathRequest.self,
        SetDataRequest.self,
        SetACLRequest.self, AuthRequest.self, SetWatchesRequest.self, MultiHeader.self, CreateTTLRequest.self, WatchRequest.self,
        SetWatches2Request.self, SASLToken.self,
        ConnectResponse.self, ReplyHeader.self, PathStatResponse.self, GetDataResponse.self, GetACLResponse.self, NamesStatResponse.self,
        WatchEvent.self, WhoAmIResponse.self,
    ]
    private static let peerMessages: [any WireLayout.Type] = [
        PaxosMessage.self, LogEntry.self, AcceptorRecord.self, Proposal.self, PeerMessage.self,
    ]
    /// The place of the envelope among them.
    fileprivate static let envelope = UInt8(4)
    private static let durableCommands: [any WireLayout.Type] = [BrokerCommand.self, CoordCommand.self]

    private static func chosen<D: WireDialect>(_ input: Bytes, _ types: [any WireLayout.Type], in _: D.Type) throws {
        var input = input
        guard let number = input.readInteger(as: UInt8.self) else { return }
        let rest = input
        // A message has one written form.
        func tryOne<L: WireLayout>(_: L.Type) throws {
            let written = try L(decoding: rest, as: D.self).encoded(as: D.self)
            let again = try L(decoding: written, as: D.self).encoded(as: D.self)
            precondition(again == written, "a message that was read is written in two ways")
        }
        let type = types[Int(number) % types.count]
        try tryOne(type)
    }
}

/// Inputs to begin with: a message of each kind, as the samplers make them.
package enum FuzzSeeds {
    package static func all() -> [Bytes] {
        var seeds: [Bytes] = []
        for row in ApiTable.rows {
            for version in [row.versions.lowerBound, row.versions.upperBound] { seeds += samples(row.request, row.response, row, version) }
        }
        seeds += batches() + envelopes() + ParquetInput.seeds()
        return seeds
            + (0..<64).map {
                Bytes(bytes: [
                    UInt8(truncatingIfNeeded: $0 + 4), UInt8(truncatingIfNeeded: $0 / 4), 0, 0, 0, 1, 0, 0, 0, 2, 47, 97, 0, 0, 0, 0,
                ])
            }
    }

    private static func samples(_ request: any WireLayout.Type, _ response: any WireLayout.Type, _ row: ApiRow, _ version: Int16) -> [Bytes]
    {
        (UInt64(1)...3).flatMap { seed -> [Bytes] in
            var asked = Bytes(bytes: [FuzzTarget.kafkaRequest.rawValue])
            asked.writeInteger(row.key.rawValue)
            asked.writeInteger(version)
            asked.writeInteger(Int32(7))
            asked.writeInteger(Int16(-1))
            if row.isFlexible(version) { asked.writeInteger(UInt8(0)) }
            asked.writeImmutableBuffer(sample(request.init(), row, version, seed))
            let place = ApiTable.rows.firstIndex { $0.key == row.key } ?? 0
            var answered = Bytes(bytes: [
                FuzzTarget.kafkaResponse.rawValue, UInt8(place), UInt8(version - row.versions.lowerBound), 0, 0, 0, 1,
            ])
            if row.hasFlexibleResponseHeader(version) { answered.writeInteger(UInt8(0)) }
            answered.writeImmutableBuffer(sample(response.init(), row, version, seed))
            return [asked, answered]
        }
    }

    private static func sample<L: WireLayout>(_ kind: L, _ row: ApiRow, _ version: Int16, _ seed: UInt64) -> Bytes {
        let message = L.sample(seed: seed, version: version, flexible: row.isFlexible(version))
        do { return try message.encoded(as: KafkaDialect.self, version: version, flexible: row.isFlexible(version)) } catch {
            preconditionFailure("a sample can be written: \(error)")
        }
    }

    /// What replicas send to each other, one of each kind.
    private static func envelopes() -> [Bytes] {
        let member = Member(id: NodeID(4), directory: 7, address: "10.0.0.4:9093", card: "9093;10.0.0.4:9092")
        let messages: [PeerMessage] = [
            .paxos(PaxosMessage()), .forward([Proposal()], restart: true), .service(Bytes(string: "word")),
            .tablesRequest(slot: Slot(9), offset: 4096),
            .tablesChunk(slot: Slot(9), offset: 4096, total: 9000, bytes: Bytes(string: "rows")),
            .changeMembers(token: 1, version: 2, members: [member]),
            .membersAnswer(token: 1, slot: Slot(9), refusal: .inProgress),
            .refusedCommands([RefusedCommand(slot: Slot(9), checksum: 0x9f3a_01bc)]), .executed(RefusedCommand(slot: Slot(9), checksum: 1)),
        ]
        return messages.map { message in
            var seed = Bytes(bytes: [FuzzTarget.peerMessage.rawValue, FuzzTarget.envelope])
            do { seed.writeImmutableBuffer(try message.encoded(as: DurableDialect.self)) } catch {
                preconditionFailure("a message of ours can be written: \(error)")
            }
            return seed
        }
    }

    private static func batches() -> [Bytes] {
        [Compression.none, .gzip].flatMap { codec -> [Bytes] in
            var builder = RecordBatchBuilder(compression: codec)
            for number in 0..<20 {
                builder.add(
                    Record(
                        timestamp: Int64(number), key: Bytes(string: "k\(number)"),
                        value: number % 5 == 0 ? nil : Bytes(repeating: 97, count: number * 10)))
            }
            let batch: Bytes
            do { batch = try builder.build() } catch { preconditionFailure("a batch of ours can be written: \(error)") }
            var whole = Bytes(bytes: [FuzzTarget.recordBatches.rawValue])
            whole.writeImmutableBuffer(batch)
            var payload = Bytes(bytes: [FuzzTarget.compressedPayload.rawValue, UInt8(codec.rawValue)])
            payload.writeImmutableBuffer(
                batch.getSlice(
                    at: batch.readerIndex + RecordBatchFormat.headerBytes, length: batch.readableBytes - RecordBatchFormat.headerBytes)
                    ?? Bytes())
            return [whole, payload]
        } + [zstd]
    }

    /// A frame with literals in four streams and sequences, as zstd 1.5 makes it.
    private static var zstd: Bytes {
        let frame: [UInt8] = [
            0x28, 0xb5, 0x2f, 0xfd, 0x60, 0x24, 0x02, 0xa5, 0x09, 0x00, 0x56, 0x92, 0x21, 0x09, 0xe0, 0x39, 0xb9, 0x29, 0x33, 0xc1, 0x60,
            0x65, 0x01, 0x1e, 0x00,
            0x1d, 0x00, 0x1e, 0x00, 0x01, 0xc1, 0x84, 0xc5, 0x39, 0x65, 0x7e, 0x9a, 0x81, 0xe5, 0x31, 0x30, 0x1d, 0xd9, 0x5e, 0x1a, 0x90,
            0x2b, 0x27, 0xb9, 0x54,
            0x8d, 0x70, 0xcf, 0xc6, 0xa8, 0x30, 0x32, 0x4b, 0x11, 0xf2, 0xdc, 0x43, 0x06, 0x6c, 0x9d, 0x97, 0xeb, 0x03, 0xb4, 0x75, 0xb0,
            0xb2, 0x52, 0x65, 0x28,
            0xec, 0xa6, 0x04, 0xfc, 0xfc, 0x9d, 0x8a, 0x0c, 0xf0, 0x8b, 0xcb, 0x28, 0xea, 0x86, 0x00, 0xd5, 0x25, 0xb6, 0xbf, 0x3c, 0x41,
            0x7b, 0xff, 0x84, 0xda,
            0x45, 0x04, 0x3e, 0xd0, 0x33, 0x1b, 0x14, 0x05, 0xc6, 0x83, 0x59, 0xf0, 0xf9, 0x1c, 0x8a, 0x9c, 0x37, 0x7b, 0xb7, 0xdf, 0x87,
            0x5b, 0xa6, 0xb1, 0xad,
            0x12, 0xc5, 0x43, 0xe7, 0xf0, 0xe0, 0xd6, 0xea, 0xbc, 0x7c, 0x40, 0x4f, 0x32, 0xca, 0x51, 0x6a, 0x19, 0x70, 0x49, 0x37, 0x01,
            0x02, 0x51, 0xa8, 0x21,
            0x16, 0x44, 0xc1, 0x8c, 0xc8, 0x4c, 0x8a, 0x52, 0x2d, 0x07, 0x20, 0x42, 0x44, 0x90, 0x64, 0x3d, 0x10, 0x40, 0xc5, 0xb2, 0x33,
            0x07, 0x4a, 0xaa, 0x1e,
            0x85, 0xcd, 0xa2, 0x73, 0x66, 0x93, 0xdf, 0xe7, 0xbb, 0x76, 0xca, 0x35, 0x16, 0x02, 0xb3, 0xe3, 0x00, 0x90, 0x94, 0x42, 0x89,
            0x61, 0xaa, 0x7c, 0xa3,
            0xa5, 0x87, 0x5f, 0x4f, 0xf1, 0x39, 0xfd, 0xb1, 0x53, 0xde, 0x71, 0x43, 0x62, 0x12, 0x15, 0x32, 0x5b, 0x5d, 0xdb, 0x15, 0xb3,
            0xc9, 0x82, 0x2f, 0xda,
            0xa3, 0xff, 0x60, 0xc7, 0xfb, 0x1e, 0xf2, 0x6b, 0xcd, 0x5d, 0x4d, 0x98, 0x6d, 0x15, 0x6f, 0x0a, 0x7c, 0x75, 0x25, 0x23, 0x70,
            0xcb, 0x76, 0xb4, 0xb9,
            0xa9, 0xe7, 0xf0, 0xe8, 0x21, 0x0c, 0xde, 0x1b, 0x64, 0x47, 0x77, 0x1b, 0x2d, 0x31, 0xa6, 0xf6, 0xac, 0xa3, 0x95, 0x71, 0x1a,
            0xcc, 0x46, 0x8f, 0xc5,
            0xaa, 0x0e, 0x64, 0xc3, 0xb0, 0x73, 0x49, 0x13, 0xc5, 0xcb, 0x1b, 0xe0, 0x09, 0x3c, 0xd7, 0x14, 0x5e, 0xa1, 0x54, 0x3e, 0xe5,
            0xad, 0x67, 0x84, 0xbd,
            0x55, 0x9d, 0x35, 0x7a, 0x9c, 0x56, 0x1a, 0x02, 0x2f, 0x3d, 0x4f, 0x6d, 0x19, 0x6b, 0xbb, 0x99, 0xeb, 0xa6,
        ]
        return Bytes(bytes: [FuzzTarget.compressedPayload.rawValue, UInt8(Compression.zstd.rawValue)] + frame)
    }
}

/// Changes inputs from a seed, so that a run can be repeated.
package struct FuzzMutator {
    private let seeds: [Bytes]

    /// `seeds` are inputs with their target's byte.
    package init(_ seeds: [Bytes]) { self.seeds = seeds }

    private static let edges: [UInt8] = [0, 1, 0x7f, 0x80, 0xfe, 0xff]

    /// The input of this number; always the same.
    package func input(_ number: UInt64) -> Bytes {
        var random = Prng(seed: number)
        var bytes = seeds[random.below(seeds.count)].array
        for _ in 0..<random.below(8) {
            let place = bytes.count > 1 ? 1 + random.below(bytes.count - 1) : 0
            guard place > 0 else { break }
            switch random.below(8) {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes[place] ^= 1 << UInt8(random.below(8))
            case 2: bytes[place] = Self.edges[random.below(Self.edges.count)]
            case 3: for next in place..<min(bytes.count, place + 4) { bytes[next] = random.chance(1, in: 2) ? 0xff : 0x7f }
            case 4: bytes.insert(contentsOf: (0..<(1 + random.below(8))).map { _ in UInt8(truncatingIfNeeded: random.next()) }, at: place)
            case 5: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(8)))
            case 6: bytes.removeSubrange(place...)
            default:
                let other = seeds[random.below(seeds.count)].array
                bytes.replaceSubrange(place..., with: other.suffix(random.below(other.count)))
            }
        }
        return Bytes(bytes: bytes)
    }
}
