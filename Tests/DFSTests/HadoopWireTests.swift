// Hadoop's messages: as a real Java client sent them, as samples, and damaged.
import Base
import Foundation
import HadoopWire
import Testing

@Suite struct HadoopWireTests {
    /// The request of each method that was recorded.
    private static let requests: [String: any ProtoLayout.Type] = [
        "addBlock": AddBlockRequest.self, "append": AppendRequest.self, "complete": CompleteRequest.self, "concat": ConcatRequest.self,
        "create": CreateRequest.self,
        "delete": DeleteRequest.self, "fsync": FsyncRequest.self, "getAclStatus": PathRequest.self,
        "getBlockLocations": LocationsRequest.self,
        "getContentSummary": PathRequest.self, "getDatanodeReport": ChoiceRequest.self, "getFileInfo": PathRequest.self,
        "getFsStats": EmptyMessage.self,
        "getListing": ListingRequest.self, "getServerDefaults": EmptyMessage.self, "getXAttrs": XAttrsRequest.self,
        "mkdirs": MakeDirectoriesRequest.self,
        "modifyAclEntries": ACLRequest.self, "removeXAttr": XAttrRequest.self, "rename": RenameRequest.self, "setOwner": OwnerRequest.self,
        "setPermission": PermissionRequest.self, "setQuota": QuotaRequest.self, "setReplication": ReplicationRequest.self,
        "setSafeMode": SafeModeRequest.self,
        "setTimes": TimesRequest.self, "setXAttr": XAttrRequest.self, "truncate": TruncateRequest.self,
        "updateBlockForPipeline": PipelineBlockRequest.self,
        "updatePipeline": UpdatePipelineRequest.self,
    ]

    private static let answers: [any ProtoLayout.Type] = [
        FileStatus.self, DirectoryListing.self, LocatedBlocks.self, LocatedBlock.self, ServerDefaults.self, ContentSummaryMessage.self,
        QuotaUsage.self, StoragePolicy.self,
        ACLStatus.self, XAttrMessage.self, FileSystemStats.self, DatanodeInfo.self, StorageReport.self, DatanodeStorageReport.self,
        OpenFilesAnswer.self, AppendAnswer.self,
        RegistrationMessage.self, HeartbeatRequest.self, HeartbeatAnswer.self, BlockReportRequest.self, ReplicaChangesRequest.self,
        SynchronizationRequest.self,
        NamespaceVersion.self, ReadBlockRequest.self, WriteBlockRequest.self, TransferBlockRequest.self, BlockChecksumRequest.self,
        TransferAnswer.self, PacketHeader.self,
        PipelineAck.self, RPCRequestHeader.self, RPCResponseHeader.self, ConnectionContext.self, MethodHeader.self, SaslMessage.self,
    ]

    private func golden(_ name: String) throws -> Bytes {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "Golden/hadoop-client-3.4.1-\(name).bin")
        return Bytes(bytes: try Data(contentsOf: path))
    }

    private func body(_ name: String) throws -> Bytes {
        var frame = try golden(name)
        let header = try RPCRequestHeader(delimitedIn: &frame)
        #expect(header.kind == RPCRequestHeader.protobufKind && header.clientID.readableBytes == 16 && header.callID >= 0)
        let method = try MethodHeader(delimitedIn: &frame)
        #expect(method.method == name && method.protocolName == "org.apache.hadoop.hdfs.protocol.ClientProtocol" && method.version == 1)
        let length = try frame.takeLength()
        #expect(length == frame.readableBytes)
        return frame
    }

    private func encodedAgain<M: ProtoLayout>(_ type: M.Type, _ bytes: Bytes) throws -> Bytes { try M(decoding: bytes).encoded }

    @Test func whatTheJavaClientSentIsReadAndWrittenToTheSameBytes() throws {
        for (name, type) in Self.requests.sorted(by: { $0.key < $1.key }) {
            let body = try body(name)
            #expect(try encodedAgain(type, body) == body, "\(name): \(body.array)")
        }
    }

    @Test func theJavaClientsConnectionBeginsWithItsUser() throws {
        var frame = try golden("context")
        let header = try RPCRequestHeader(delimitedIn: &frame)
        #expect(header.callID == RPCRequestHeader.contextCall)
        #expect(try ConnectionContext(delimitedIn: &frame).user?.effectiveUser == "root")
    }

    @Test func fieldsMeanWhatTheJavaClientMeant() throws {
        let create = try CreateRequest(decoding: try body("create"))
        #expect(
            create.path == "/golden/file._COPYING_" && create.masked.bits == 0o644 && create.unmasked?.bits == 0o666 && create.createParent)
        #expect(
            create.flags == CreateRequest.Flag.create | CreateRequest.Flag.overwrite && create.replication == 1
                && create.blockSizeBytes == 128 << 20)
        let acl = try ACLRequest(decoding: try body("modifyAclEntries"))
        #expect(
            acl.entries.map(\.name) == ["bob", "crew"] && acl.entries.map(\.permissions) == [7, 5]
                && acl.entries.map(\.scope) == [.access, .defaults])
        let times = try TimesRequest(decoding: try body("setTimes"))
        #expect(times.path == "/golden/file" && times.modified == times.accessed)
    }

    private func survives<M: ProtoLayout>(_ type: M.Type, seed: UInt64) throws {
        let value = M.sample(seed: seed)
        let bytes = value.encoded
        #expect(try M(decoding: bytes).printed == value.printed, "\(type) of seed \(seed)")
        #expect(try M(decoding: bytes).encoded == bytes, "\(type) of seed \(seed)")
        // Damage is an error or another message, never a crash.
        var random = Prng(seed: seed)
        for _ in 0..<20 where bytes.readableBytes > 0 {
            var damaged = bytes
            damaged.setInteger(UInt8(truncatingIfNeeded: random.next()), at: damaged.readerIndex + random.below(damaged.readableBytes))
            if random.chance(1, in: 3) {
                damaged = damaged.getSlice(at: damaged.readerIndex, length: random.below(damaged.readableBytes)) ?? damaged
            }
            _ = try? M(decoding: damaged)  // an error of the wire is as good an end as another message
        }
    }

    @Test func everySampleIsReadAsItWasWritten() throws {
        for type in Self.answers + Self.requests.values.map({ $0 }) { for seed in 1...40 { try survives(type, seed: UInt64(seed)) } }
    }

    @Test func damagedNumbersAndLengthsAreRefused() {
        func reads(_ bytes: [UInt8]) -> Bool { (try? PathRequest(decoding: Bytes(bytes: bytes))) != nil }  // only whether it is refused matters
        #expect(reads([0x0A, 1, 0x61]))
        #expect(reads([0x0A, 1, 0x61, 0x78, 5]), "an unknown field is skipped")
        #expect(reads([0x0A, 1, 0x61, 0x0A, 1, 0x62]), "the last of a field counts")
        #expect(!reads([]), "a required field is missing")
        #expect(!reads([0x0A, 5, 0x61]), "a length beyond the end")
        #expect(!reads([0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0x61]), "a length beyond everything")
        #expect(!reads([0x0A, 1, 0xFF]), "no UTF-8")
        #expect(!reads([0x08, 1]), "another wire type")
        #expect(!reads([0x0B]), "a group")
        #expect(!reads([0x02, 1, 0x61]), "field 0")
        #expect(!reads([0x0A, 1, 0x61] + Array(repeating: 0xFF, count: 11)), "a number that does not end")
        var many = Bytes()
        for _ in 0...ProtoLimits.fieldsMax { many.writeBytes([0x78, 1]) }
        #expect(throws: WireError.self) { try PathRequest(decoding: many) }
    }

    @Test func packetsAreBounded() throws {
        func lengths(_ payload: Int32, _ header: UInt16) throws -> (headerBytes: Int, restBytes: Int) {
            var bytes = Bytes(integer: payload)
            bytes.writeInteger(header)
            return try Packet.lengths(bytes)
        }
        #expect(try lengths(4, 25) == (25, 25) && lengths(4 + 516, 25) == (25, 541))
        for (payload, header) in [
            (Int32(3), UInt16(25)), (-1, 25), (.max, 25), (Int32(Packet.payloadBytesMax) + 1, 25), (4, 0), (4, 65535),
        ] {
            #expect(throws: WireError.self, "\(payload) \(header)") { try lengths(payload, header) }
        }
        var header = PacketHeader()
        (header.offset, header.sequence, header.dataBytes) = (1 << 40, -1, 3)
        let packet = Packet(header: header, checksums: Bytes(integer: UInt32(7)), data: Bytes(string: "abc"))
        var wire = packet.head
        wire.writeImmutableBuffer(packet.data)
        let begin = wire.readSlice(length: Packet.prefixBytes)
        let prefix = try #require(begin)
        let found = try Packet.lengths(prefix)
        #expect(found.restBytes == wire.readableBytes)
        let read = try Packet(wire, headerBytes: found.headerBytes)
        #expect(read.header == header && read.data == packet.data && read.checksums == packet.checksums)
        header.dataBytes = 100
        #expect(throws: WireError.self) { try Packet(header.encoded, headerBytes: header.encoded.readableBytes) }
    }

    @Test func connectionsBeginInOneOfTheKnownWays() {
        func preamble(_ text: String, _ more: [UInt8]) -> Preamble { Preamble(Bytes(bytes: Array(text.utf8) + more)) }
        #expect(
            preamble("hrpc", [9, 0, 0]) == .simple && preamble("hrpc", [9, 0, 0xDF]) == .sasl
                && preamble("hrpc", [4, 0, 0]) == .wrongVersion(4))
        #expect(
            preamble("GET / H", []) == .http && preamble("hrpc", [9, 0, 7]) == .garbage && preamble("", [1, 2, 3, 4, 5, 6, 7]) == .garbage)
    }
}
