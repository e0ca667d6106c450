// A batch with fewer records, as compaction leaves it: offsets, producer and sequence stay, so that readers and retries find everything where it
// was. Source: Kafka KIP-58, KIP-534 for the delete horizon, which takes the place of the base timestamp and is told by a bit.
import Base

extension RecordBatch {
    /// When this batch's tombstones or its marker may go, in milliseconds since 1970; nil if that was not decided yet.
    package var deleteHorizon: Int64? { attributes & RecordBatchFormat.deleteHorizonBit != 0 ? baseTimestamp : nil }

    /// The batch with those of its records that `keeps` says, and with this horizon. Without records it keeps its place and its producer's sequence.
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
        // A codec that can only be read here gives way to one that every client knows.
        let former = Compression(rawValue: codecNumber) ?? .none
        let codec: Compression = count == 0 ? .none : former.canCompress ? former : .gzip
        let packed = try codec.compress(body.buffer)
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
}
