// Packets of file data and their acknowledgements. A packet is a length of four bytes that counts itself, the checksums and the data; a
// length of two bytes; a header of that length; the checksums; the data. Source: PacketHeader and PipelineAck of Hadoop 3.
import Base

package struct PacketHeader: ProtoLayout, Hashable {
    package var offset: Int64 = 0
    package var sequence: Int64 = 0
    package var isLast = false
    package var dataBytes: Int32 = 0
    package var sync = false
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var (wideOffset, wideSequence, narrowBytes): (UInt64?, UInt64?, UInt32?) =
            (UInt64(bitPattern: offset), UInt64(bitPattern: sequence), UInt32(bitPattern: dataBytes))
        try io.fixed64(1, &wideOffset)
        try io.fixed64(2, &wideSequence)
        try io.bool(3, &isLast)
        try io.fixed32(4, &narrowBytes)
        try io.bool(5, &sync, absent: false)
        guard let wideOffset, let wideSequence, let narrowBytes else { throw .unexpectedNull }
        (offset, sequence, dataBytes) = (Int64(bitPattern: wideOffset), Int64(bitPattern: wideSequence), Int32(bitPattern: narrowBytes))
    }

    /// A packet that only keeps the connection alive.
    package static let heartbeat: Int64 = -1
}

/// A packet in its form on the wire.
package struct Packet: Sendable {
    package var header: PacketHeader
    package var checksums: Bytes
    package var data: Bytes
    package init(header: PacketHeader, checksums: Bytes, data: Bytes) {
        (self.header, self.checksums, self.data) = (header, checksums, data)
    }

    /// Bytes of the lengths in front of a packet.
    package static let prefixBytes = 6
    /// Limit of a packet's checksums and data; clients send 64 KiB, Hadoop's limit is 16 MiB.
    package static let payloadBytesMax = 16 << 20
    package static let headerBytesMax = 256

    /// From the first six bytes: the number of header bytes, and of all bytes that follow.
    package static func lengths(_ prefix: Bytes) throws(WireError) -> (headerBytes: Int, restBytes: Int) {
        guard let payload = prefix.getInteger(at: prefix.readerIndex, as: Int32.self),
            let header = prefix.getInteger(at: prefix.readerIndex + 4, as: UInt16.self)
        else {
            throw .truncated(needed: prefixBytes, remaining: prefix.readableBytes)
        }
        guard payload >= 4, payload <= payloadBytesMax else { throw .badLength(Int(payload)) }
        guard header > 0, header <= headerBytesMax else { throw .badLength(Int(header)) }
        return (Int(header), Int(header) + Int(payload) - 4)
    }

    /// Reads the bytes behind the first six.
    package init(_ rest: Bytes, headerBytes: Int) throws(WireError) {
        var bytes = rest
        guard let head = bytes.readSlice(length: headerBytes) else { throw .truncated(needed: headerBytes, remaining: rest.readableBytes) }
        header = try PacketHeader(decoding: head)
        guard header.dataBytes >= 0, Int(header.dataBytes) <= bytes.readableBytes else { throw .badLength(Int(header.dataBytes)) }
        guard let sums = bytes.readSlice(length: bytes.readableBytes - Int(header.dataBytes)) else {
            throw .badLength(Int(header.dataBytes))
        }
        checksums = sums
        data = bytes
    }

    /// The packet without its data, which follows on the wire.
    package var head: Bytes {
        let content = header.encoded
        var all = Bytes()
        all.reserveCapacity(Self.prefixBytes + content.readableBytes + checksums.readableBytes)
        all.writeInteger(UInt32(4 + checksums.readableBytes + data.readableBytes))
        all.writeInteger(UInt16(content.readableBytes))
        all.writeImmutableBuffer(content)
        all.writeImmutableBuffer(checksums)
        return all
    }
}

/// The answers of all datanodes of a pipeline to a packet, the nearest first.
package struct PipelineAck: ProtoLayout, Hashable {
    package var sequence: Int64 = 0
    package var replies: [TransferStatus] = []
    package var downstreamNanoseconds: UInt64 = 0
    package var flags: [UInt64] = []
    package init() {}
    package init(_ sequence: Int64, _ replies: [TransferStatus]) { (self.sequence, self.replies) = (sequence, replies) }
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.zigzag(1, &sequence)
        try io.choices(2, &replies)
        try io.uint64(3, &downstreamNanoseconds, absent: 0)
        try io.varints(4, &flags, packed: true)
    }
}
