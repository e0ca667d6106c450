// Messages as the classes of Kafka's own client (kafka-clients 4.3.0) write them, in the versions that brought topic ids and single fields. Of
// the answers no recording can be made without such a broker; they pin field order and defaults, which a round trip cannot.
import Base
import Testing

@testable import KafkaWire

@Suite struct KafkaResponseGoldenTests {
    private let topicID = UUIDBytes(high: 0x0102_0304_0506_0708, low: 0x1112_1314_1516_1718)

    /// Reads what the hexadecimal digits say, to the last byte, and writes it back the same if nothing of it is passed over.
    private func read<L: WireLayout>(_: L.Type, _ digits: String, version: Int16, writesBack: Bool = true) throws -> L {
        var bytes = Bytes()
        var rest = Substring(digits)
        while !rest.isEmpty {
            bytes.writeInteger(try #require(UInt8(rest.prefix(2), radix: 16)))
            rest = rest.dropFirst(2)
        }
        let message = try L(decoding: bytes, as: KafkaDialect.self, version: version, flexible: true)
        if writesBack { #expect(try message.encoded(as: KafkaDialect.self, version: version, flexible: true) == bytes) }
        return message
    }

    @Test func whatOnlyKafkasFollowersSayInAFetchIsPassedOver() throws {
        let request = try read(
            FetchRequest.self,
            "000001f400000001000007d000000000060000000702010203040506070811121314151617180200000003000000040000"
                + "00000000004d000000020000000000000005000003e80200100000000000000001000000000000000201080000000000000046"
                + "000201020304050607081112131415161718020000000100027202000404616263010d00000009000000000000000800",
            version: 18, writesBack: false)
        let part = FetchRequest.Topic.Partition(
            partition: 3, currentLeaderEpoch: 4, fetchOffset: 77, lastFetchedEpoch: 2, logStartOffset: 5, partitionMaxBytes: 1000)
        let wanted = FetchRequest(
            maxWaitMilliseconds: 500, minBytes: 1, maxBytes: 2000, sessionID: 6, sessionEpoch: 7,
            topics: [.init(topicID: topicID, partitions: [part])], forgottenTopics: [.init(topicID: topicID, partitions: [1])], rackID: "r")
        #expect(request == wanted)
    }

    @Test func anAnswerToAProduceNamesTopicsByID() throws {
        let response = try read(
            ProduceResponse.self,
            "020102030405060708111213141516171802000000030064ffffffffffffffffffffffffffffffffffffffffffffffff01036e6f00000000000400",
            version: 13)
        let part = ProduceResponse.Topic.Partition(partition: 3, errorCode: .unknownTopicID, baseOffset: -1, errorMessage: "no")
        #expect(response == ProduceResponse(topics: [.init(topicID: topicID, partitions: [part])], throttleTimeMilliseconds: 4))
    }

    @Test func answersAboutOffsetsNameTopicsByID() throws {
        let commit = try read(OffsetCommitResponse.self, "00000004020102030405060708111213141516171802000000030064000000", version: 10)
        let refused = OffsetCommitResponse.Topic.Partition(partition: 3, errorCode: .unknownTopicID)
        #expect(commit == OffsetCommitResponse(throttleTimeMilliseconds: 4, topics: [.init(topicID: topicID, partitions: [refused])]))
        let fetch = try read(
            OffsetFetchResponse.self,
            "0000000002026702010203040506070811121314151617180200000003000000000000000500000001026d0000000000000000", version: 10)
        let found = OffsetFetchResponse.Topic.Partition(partition: 3, committedOffset: 5, committedLeaderEpoch: 1, metadata: "m")
        #expect(fetch.groups == [.init(groupID: "g", topics: [.init(topicID: topicID, partitions: [found])])])
    }

    @Test func anAnswerToAProduceTellsWhoLeads() throws {
        let rest =
            "03000000030006ffffffffffffffffffffffffffffffffffffffffffffffff0100010009000000020000000900000000040003ffffffffffffffffffffffffffffffffffffffffffffffff"
            + "010000000000000401001a0300000002026800002384027200000000030269000023850000"
        var refused = ProduceResponse.Topic.Partition(partition: 3, errorCode: .notLeaderOrFollower, baseOffset: -1)
        refused.currentLeader = CurrentLeader(leaderID: 2, leaderEpoch: 9)
        let missing = ProduceResponse.Topic.Partition(partition: 4, errorCode: .unknownTopicOrPartition, baseOffset: -1)
        var wanted = ProduceResponse(
            topics: [.init(name: "t", partitions: [refused, missing])], throttleTimeMilliseconds: 4,
            nodeEndpoints: [.init(nodeID: 2, host: "h", port: 9092, rack: "r"), .init(nodeID: 3, host: "i", port: 9093)])
        for version: Int16 in [10, 12] { #expect(try read(ProduceResponse.self, "020274" + rest, version: version) == wanted) }
        wanted.topics[0] = .init(topicID: topicID, partitions: wanted.topics[0].partitions)
        #expect(try read(ProduceResponse.self, "0201020304050607081112131415161718" + rest, version: 13) == wanted)
        // Before version 10 nothing of it is said.
        let bytes = try wanted.encoded(as: KafkaDialect.self, version: 9, flexible: true)
        let older = try ProduceResponse(decoding: bytes, as: KafkaDialect.self, version: 9, flexible: true)
        #expect(older.nodeEndpoints.isEmpty && older.topics[0].partitions.allSatisfy { $0.currentLeader == nil })
    }

    @Test func anAnswerToAFetchTellsWhoLeads() throws {
        let digits =
            "0000000000000000000702010203040506070811121314151617180300000003004affffffffffffffffffffffffffffffffffffffffffffffff01ffffffff0102000d0000000100000000000000050001"
            + "09000000020000000900000000040006ffffffffffffffffffffffffffffffffffffffffffffffff01ffffffff010101090000000200000008000001000e0200000002026800002384027200"
        func part(_ number: Int32, _ code: KafkaErrorCode, epoch: Int32) -> FetchResponse.Topic.Partition {
            var part = FetchResponse.Topic.Partition(
                partition: number, errorCode: code, highWatermark: -1, abortedTransactions: [], records: BytesOrFile())
            part.currentLeader = CurrentLeader(leaderID: 2, leaderEpoch: epoch)
            return part
        }
        var parted = part(3, .fencedLeaderEpoch, epoch: 9)
        parted.diverging = .init(epoch: 1, endOffset: 5)
        let wanted = FetchResponse(
            sessionID: 7, topics: [.init(topicID: topicID, partitions: [parted, part(4, .notLeaderOrFollower, epoch: 8)])],
            nodeEndpoints: [.init(nodeID: 2, host: "h", port: 9092, rack: "r")])
        for version: Int16 in [16, 18] { #expect(try read(FetchResponse.self, digits, version: version) == wanted) }
        let bytes = try wanted.encoded(as: KafkaDialect.self, version: 15, flexible: true)
        let older = try FetchResponse(decoding: bytes, as: KafkaDialect.self, version: 15, flexible: true)
        #expect(older.nodeEndpoints.isEmpty)
    }

    @Test func newFieldsStandWhereKafkaPutsThem() throws {
        let directories = try read(
            DescribeLogDirsResponse.self, "000000000000020000032f6401000000000000000a0000000000000009010000", version: 5)
        #expect(directories.results.map(\.isCordoned) == [true] && directories.results[0].usableBytes == 9)
        let reassignment = try read(AlterPartitionReassignmentsResponse.self, "00000000000000000100", version: 1)
        #expect(!reassignment.allowReplicationFactorChange && reassignment.errorMessage == nil)
        let groups = try read(
            ConsumerGroupDescribeResponse.self,
            "0000000002000000026707537461626c6500000000000000000102026d000000000000026302680100010001000100800000000000", version: 1)
        #expect(groups.groups.first?.members.first?.memberType == 1)
    }
}
