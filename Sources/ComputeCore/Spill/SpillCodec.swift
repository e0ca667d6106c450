// Batches as bytes for temporary files: the buffers of each column as they lie in memory. Only the process that wrote a block reads it, by
// the schema it was written with, and the file compares checksums; nothing here is a format for others.

import QueryCore

enum SpillCodec {
    static func encode(_ batch: Batch) -> [UInt8] {
        var writer = Writer()
        writer.bytes.reserveCapacity(batch.byteCount + 64 * (batch.columns.count + 1))
        writer.number(batch.rowCount)
        for column in batch.columns { writer.column(column) }
        return writer.bytes
    }

    static func decode(_ bytes: [UInt8], _ schema: Schema) -> Batch {
        var reader = Reader(bytes: bytes)
        let rowCount = reader.number()
        let columns = schema.fields.map { reader.column($0.type) }
        return Batch(schema: schema, columns: columns, rowCount: rowCount)
    }

    private struct Writer {
        var bytes: [UInt8] = []

        mutating func number(_ value: Int) { values([Int64(value)]) }

        /// Elements without references: their memory is their value.
        mutating func values<Element: BitwiseCopyable>(_ values: [Element]) {
            values.withUnsafeBytes { bytes.append(contentsOf: $0) }  // read within the call
        }

        mutating func counted<Element: BitwiseCopyable>(_ values: [Element]) {
            number(values.count)
            self.values(values)
        }

        mutating func column(_ column: Column) {
            number(column.count)
            counted(column.validity?.words ?? [])
            switch column.storage {
            case .nothing: break
            case .boolean(let bits): counted(bits.words)
            case .int8(let values): counted(values)
            case .int16(let values): counted(values)
            case .int32(let values): counted(values)
            case .int64(let values): counted(values)
            case .float(let values): counted(values)
            case .double(let values): counted(values)
            case .decimal(let values): counted(values)
            case .bytes(let offsets, let texts):
                counted(offsets)
                counted(texts)
            case .list(let offsets, let child):
                counted(offsets)
                self.column(child)
            case .structure(let children): for child in children { self.column(child) }
            }
        }
    }

    private struct Reader {
        let bytes: [UInt8]
        private var at = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func number() -> Int { Int(values(1, of: Int64.self)[0]) }

        mutating func values<Element: BitwiseCopyable>(_ count: Int, of _: Element.Type) -> [Element] {
            let length = count * MemoryLayout<Element>.stride
            precondition(count >= 0 && length <= bytes.count - at, "a file gives the bytes that were written")
            defer { at += length }
            return [Element](unsafeUninitializedCapacity: count) { target, filled in
                // The range lies inside of the bytes, as checked above.
                bytes.withUnsafeBytes { source in
                    UnsafeMutableRawBufferPointer(target).copyMemory(from: UnsafeRawBufferPointer(rebasing: source[at..<at + length]))
                }
                filled = count
            }
        }

        mutating func counted<Element: BitwiseCopyable>(_ type: Element.Type) -> [Element] { values(number(), of: type) }

        mutating func column(_ type: DataType) -> Column {
            let count = number()
            let words = counted(UInt64.self)
            let validity = words.isEmpty ? nil : Bitmap(words: words, count: count)
            return Column(type: type, count: count, validity: validity, storage: storage(type, count))
        }

        private mutating func storage(_ type: DataType, _ count: Int) -> Column.Storage {
            switch type {
            case .null: .nothing
            case .boolean: .boolean(Bitmap(words: counted(UInt64.self), count: count))
            case .byte: .int8(counted(Int8.self))
            case .short: .int16(counted(Int16.self))
            case .int, .date: .int32(counted(Int32.self))
            case .long, .timestamp: .int64(counted(Int64.self))
            case .float: .float(counted(Float.self))
            case .double: .double(counted(Double.self))
            case .decimal: .decimal(counted(Int128.self))
            case .string, .binary: .bytes(offsets: counted(Int32.self), bytes: counted(UInt8.self))
            case .array(let element, _): .list(offsets: counted(Int32.self), child: column(element))
            case .map(let key, let value, let nullable):
                .list(
                    offsets: counted(Int32.self),
                    child: column(
                        .structure([StructField("key", key, nullable: false), StructField("value", value, nullable: nullable)])))
            case .structure(let fields): .structure(fields.map { column($0.type) })
            }
        }
    }
}
