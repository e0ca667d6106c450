// CRC-32C over bytes, in hardware where the processor has it.
import CSupport

/// CRC-32C (Castagnoli), as Kafka batches, HDFS blocks and our own log use it.
public enum CRC32C {
    /// The checksum of the readable bytes, continuing from `seed` (0 to start).
    @inlinable public static func checksum(_ bytes: Bytes, seed: UInt32 = 0) -> UInt32 {
        bytes.withUnsafeReadableBytes { checksum($0, seed: seed) }
    }

    /// The checksum of raw memory; reads `memory` only within this call.
    @inlinable public static func checksum(_ memory: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
        guard let start = memory.baseAddress else { return seed }
        return hardware(seed, start, memory.count)
    }

    @usableFromInline static func hardware(_ seed: UInt32, _ start: UnsafeRawPointer, _ count: Int) -> UInt32 {
        csupport_crc32c(seed, start, count)
    }
}
