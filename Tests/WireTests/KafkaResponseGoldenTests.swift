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
            "020102030405060708111213141516171802000000030064ffffffffffffffffffffffffffffffffffffffffffffffff01036e6f00000000000400", version: 13)
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
