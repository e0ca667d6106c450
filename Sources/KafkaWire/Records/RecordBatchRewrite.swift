// A batch with fewer records, as compaction leaves it: offsets, producer and sequence stay, so that readers and retries find their places;
// and a batch in another codec, as a topic requires. Source: Kafka KIP-58, KIP-534 for the delete horizon, which replaces the base
// timestamp and is marked by a bit.
import Base

extension RecordBatch {
    /// The time from which this batch's tombstones or marker may be deleted, in milliseconds since 1970; nil if it is not set yet.
    package var deleteHorizon: Int64? { attributes & RecordBatchFormat.deleteHorizonBit != 0 ? baseTimestamp : nil }

    /// The batch with the records that `keeps` selects, and with this horizon. Without records it keeps its offsets and its producer's
    /// sequence.
    package func keeping(deleteHorizon: Int64?, _ keeps: (RecordOutline) -> Bool) throws(WireError) -> Bytes {
        var (count, highest) = (0, Int64.min)
        var first: Int64?
        var body = FieldWriter<KafkaDialect>()
        if recordCount > 0 {
            try forEachRecord { (record) throws(WireError) in
                guard keeps(record) else { return true }
                let time = timestamp(record)
                first = first ?? time
                highest = max(highest, time)
                count += 1
                try body.write(record, timestampDelta: time &- (deleteHorizon ?? first ?? baseTimestamp))
                return true
            }
        }
        let base = deleteHorizon ?? first ?? baseTimestamp
        let codec: Compression = count == 0 ? .none : Compression(rawValue: codecNumber) ?? .none
        let packed = codec.compress(body.buffer)
        var flags = (attributes & ~RecordBatchFormat.codecMask & ~RecordBatchFormat.deleteHorizonBit) | codec.rawValue
        if deleteHorizon != nil { flags |= RecordBatchFormat.deleteHorizonBit }
        var batch = ByteBufferAllocator().buffer(capacity: RecordBatchFormat.headerBytes + packed.readableBytes)
        batch.writeInteger(baseOffset)
        batch.writeInteger(Int32(RecordBatchFormat.headerBytes - RecordBatchFormat.prefixBytes + packed.readableBytes))
        batch.writeInteger(leaderEpoch)
        batch.writeInteger(RecordBatchFormat.magic)
        batch.writeInteger(UInt32(0))
        batch.writeInteger(flags)
        batch.writeInteger(lastOffsetDelta)
        batch.writeInteger(base)
        batch.writeInteger(hasLogAppendTime || count == 0 ? maxTimestamp : highest)
        batch.writeInteger(producerID)
        batch.writeInteger(producerEpoch)
        batch.writeInteger(baseSequence)
        batch.writeInteger(Int32(count))
        batch.writeImmutableBuffer(packed)
        batch.setInteger(try RecordBatch(batch).computedCRC(), at: RecordBatchFormat.crcAt)
        return batch
    }

    /// The same batch in another codec. Its records stay unchanged, byte by byte; `room` is asked before each piece of them is gathered, in
    /// bytes.
    package func recompressed(as codec: Compression, bytesMax: Int, room: (Int) -> Bool) throws(WireError) -> RecordBatch {
        let body =
            bytes.getSlice(
                at: bytes.readerIndex + RecordBatchFormat.headerBytes, length: bytes.readableBytes - RecordBatchFormat.headerBytes)
            ?? Bytes()
        var plain = Bytes()
        try Compression.of(number: codecNumber).decompress(body, bytesMax: bytesMax) { (piece) throws(WireError) in
            guard room(piece.count) else { throw .overLimit("bytes of records on their way to another codec", piece.count) }
            plain.writeBytes(piece)
            return true
        }
        let packed = codec.compress(plain)
        var batch = ByteBufferAllocator().buffer(capacity: RecordBatchFormat.headerBytes + packed.readableBytes)
        batch.writeImmutableBuffer(bytes.getSlice(at: bytes.readerIndex, length: RecordBatchFormat.headerBytes) ?? Bytes())
        batch.writeImmutableBuffer(packed)
        batch.setInteger(
            Int32(RecordBatchFormat.headerBytes - RecordBatchFormat.prefixBytes + packed.readableBytes), at: RecordBatchFormat.lengthAt)
        batch.setInteger((attributes & ~RecordBatchFormat.codecMask) | codec.rawValue, at: RecordBatchFormat.attributesAt)
        batch.setInteger(try RecordBatch(batch).computedCRC(), at: RecordBatchFormat.crcAt)
        return try RecordBatch(batch)
    }
}
