// Columns of the engine as Arrow arrays. The layouts are the same, so each buffer is copied once, into its message.
import ComputeCore
import QueryCore
import SparkWire

enum ArrowExport {
    static func batch(_ batch: Batch) -> ArrowBatch {
        ArrowBatch(rowCount: batch.rowCount, columns: batch.columns.map(array))
    }

    private static func array(_ column: Column) -> ArrowArray {
        var children: [ArrowArray] = []
        let buffers: [[UInt8]]
        switch column.storage {
        // Arrow's null layout has no buffers.
        case .nothing: return ArrowArray(length: column.count, nullCount: column.count, buffers: [])
        case .boolean(let bits): buffers = [bits.bytes]
        case .int8(let values): buffers = [ArrowBytes.of(values)]
        case .int16(let values): buffers = [ArrowBytes.of(values)]
        case .int32(let values): buffers = [ArrowBytes.of(values)]
        case .int64(let values): buffers = [ArrowBytes.of(values)]
        case .float(let values): buffers = [ArrowBytes.of(values)]
        case .double(let values): buffers = [ArrowBytes.of(values)]
        case .decimal(let values): buffers = [ArrowBytes.of(values)]
        case .bytes(let offsets, let bytes): buffers = [ArrowBytes.of(offsets), bytes]
        case .list(let offsets, let child):
            buffers = [ArrowBytes.of(offsets)]
            children = [array(child)]
        case .structure(let columns):
            buffers = []
            children = columns.map(array)
        }
        return ArrowArray(
            length: column.count, nullCount: column.nullCount, validity: column.validity?.bytes ?? [], buffers: buffers, children: children)
    }
}
