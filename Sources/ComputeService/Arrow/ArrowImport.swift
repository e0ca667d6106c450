// A client's Arrow streams (local relations) as batches of the engine. The reader has checked every buffer; this gives the values the
// engine's types and converts them to the wanted schema where Spark does: by position, between integer widths, float widths, time units.
import ComputeCore
import QueryCore
import SparkWire

enum ArrowImport {
    /// The rows of all streams, which have one schema; `schema` wins over the streams' own.
    static func rows(_ streams: [[UInt8]], schema: Schema?) throws -> BatchList {
        var batches: [Batch] = []
        var known = schema
        for bytes in streams {
            let stream: ArrowReader
            do {
                stream = try ArrowReader(stream: bytes)
            } catch {
                throw SparkError.invalidPlan("a local relation cannot be read: \(error)")
            }
            let schema = try known ?? Schema(stream.schema.fields.map { StructField($0.name, try type($0), nullable: $0.nullable) })
            known = schema
            guard schema.count == stream.schema.fields.count else {
                throw SparkError.invalidPlan("a local relation has \(stream.schema.fields.count) columns, its schema \(schema.count)")
            }
            for batch in stream.batches {
                var columns: [Column] = []
                for index in schema.fields.indices {
                    columns.append(try column(batch.columns[index], stream.schema.fields[index], as: schema.fields[index].type))
                }
                batches.append(Batch(schema: schema, columns: columns, rowCount: batch.rowCount))
            }
        }
        guard let known else { throw SparkError.invalidPlan("a local relation has neither rows nor a schema") }
        return BatchList(schema: known, batches: batches)
    }

    /// The engine's type for an Arrow column without one.
    private static func type(_ field: ArrowField) throws -> DataType {
        switch field.type {
        case .null: return .null
        case .bool: return .boolean
        case .integer(8, _): return .byte
        case .integer(16, true), .integer(8, false): return .short
        case .integer(32, true), .integer(16, false): return .int
        case .integer: return .long
        case .floating(64): return .double
        case .floating: return .float
        case .decimal(let precision, let scale, _): return .decimal(precision: precision, scale: scale)
        case .utf8, .largeUtf8: return .string
        case .binary, .largeBinary: return .binary
        case .dateDay, .dateMillisecond: return .date
        case .timestamp(_, .some): return .timestamp
        case .timestamp: throw SparkError.unsupportedType("TIMESTAMP_NTZ")
        case .time: throw SparkError.unsupportedType("TIME")
        case .duration: throw SparkError.unsupportedType("INTERVAL DAY TO SECOND")
        case .intervalYearMonth: throw SparkError.unsupportedType("INTERVAL YEAR TO MONTH")
        case .list, .largeList: return .array(element: try type(field.children[0]), containsNull: field.children[0].nullable)
        case .structure: return .structure(try field.children.map { StructField($0.name, try type($0), nullable: $0.nullable) })
        case .map:
            let entries = field.children[0].children
            guard entries.count == 2 else { throw SparkError.invalidPlan("a map column has \(entries.count) fields in its entries") }
            return .map(key: try type(entries[0]), value: try type(entries[1]), valueContainsNull: entries[1].nullable)
        }
    }

    private static func column(_ array: ArrowArray, _ field: ArrowField, as type: DataType) throws -> Column {
        if type == .null || field.type == .null {
            return Column(type: type, values: [Value](repeating: .null, count: array.length))
        }
        let validity = array.validity.isEmpty ? nil : Bitmap(bytes: array.validity[...], count: array.length)
        func column(_ storage: Column.Storage) -> Column { Column(type: type, count: array.length, validity: validity, storage: storage) }
        switch (field.type, type) {
        case (.bool, .boolean): return column(.boolean(Bitmap(bytes: array.buffers[0][...], count: array.length)))
        case (.integer(8, true), .byte): return column(.int8(values(array)))
        case (.integer(16, true), .short): return column(.int16(values(array)))
        case (.integer(32, true), .int), (.dateDay, .date): return column(.int32(values(array)))
        case (.integer(64, true), .long), (.timestamp(.microsecond, _), .timestamp): return column(.int64(values(array)))
        case (.floating(32), .float): return column(.float((values(array) as [UInt32]).map { Float(bitPattern: $0) }))
        case (.floating(64), .double): return column(.double((values(array) as [UInt64]).map { Double(bitPattern: $0) }))
        case (.decimal(_, let from, 128), .decimal(_, let to)) where from == to: return column(.decimal(values(array)))
        case (.utf8, .string), (.binary, .binary), (.largeUtf8, .string), (.largeBinary, .binary), (.utf8, .binary), (.binary, .string):
            return column(.bytes(offsets: try offsets(array, field), bytes: Array(array.buffers[1].prefix(end(array, field)))))
        case (.list, .array(let element, _)), (.largeList, .array(let element, _)):
            let child = try self.column(array.children[0], field.children[0], as: element)
            return column(.list(offsets: try offsets(array, field), child: child))
        case (.structure, .structure(let fields)) where fields.count == field.children.count:
            let children = try fields.indices.map { try self.column(array.children[$0], field.children[$0], as: fields[$0].type) }
            return column(.structure(children))
        case (.map, .map(let key, let value, _)) where field.children[0].children.count == 2:
            let entries = array.children[0]
            let keyColumn = try self.column(entries.children[0], field.children[0].children[0], as: key)
            let valueColumn = try self.column(entries.children[1], field.children[0].children[1], as: value)
            let entryType = DataType.structure([StructField("key", key, nullable: false), StructField("value", value)])
            let child = Column(type: entryType, count: entries.length, validity: nil, storage: .structure([keyColumn, valueColumn]))
            return column(.list(offsets: try offsets(array, field), child: child))
        default: return try converted(array, field, as: type)
        }
    }

    private static func values<Value: FixedWidthInteger>(_ array: ArrowArray) -> [Value] {
        (0..<array.length).map { array.isValid($0) ? array.integer($0, as: Value.self) : 0 }
    }

    /// Value by value, for pairs of types of different width or unit.
    private static func converted(_ array: ArrowArray, _ field: ArrowField, as type: DataType) throws -> Column {
        var builder = ColumnBuilder(type: type, capacity: array.length)
        for row in 0..<array.length {
            guard array.isValid(row) else {
                builder.appendNull()
                continue
            }
            builder.append(try convertedValue(array, row, field, type))
        }
        return builder.finish()
    }

    private static func convertedValue(_ array: ArrowArray, _ row: Int, _ field: ArrowField, _ type: DataType) throws -> Value {
        switch field.type {
        case .integer(let bits, let signed):
            guard let number = integer(array, row, bits: bits, signed: signed) else { break }
            if type.isFractional { return .double(Double(number)) }
            if type.isIntegral { return .integer(number) }
        case .floating(let bits) where type.isFractional:
            if bits == 32 { return .double(Double(Float(bitPattern: array.integer(row, as: UInt32.self)))) }
            if bits == 64 { return .double(Double(bitPattern: array.integer(row, as: UInt64.self))) }
        case .timestamp(let unit, _) where type == .timestamp:
            let ticks = array.integer(row, as: Int64.self)
            switch unit {
            case .second: return .integer(ticks &* 1_000_000)
            case .millisecond: return .integer(ticks &* 1_000)
            case .microsecond: return .integer(ticks)
            case .nanosecond: return .integer(Int64((Double(ticks) / 1_000).rounded(.down)))
            }
        case .dateMillisecond where type == .date:
            let milliseconds = array.integer(row, as: Int64.self)
            return .integer(milliseconds >= 0 ? milliseconds / 86_400_000 : (milliseconds - 86_399_999) / 86_400_000)
        case .decimal(_, let from, 128):
            guard case .decimal(_, let to) = type, to >= from, to - from <= 38 else { break }
            let scaled = (0..<(to - from)).reduce(array.integer(row, as: Int128.self)) { value, _ in value &* 10 }
            return .decimal(scaled)
        default: break
        }
        throw SparkError.invalidPlan("column \(field.name) of a local relation cannot be read as \(type.sqlName)")
    }

    private static func integer(_ array: ArrowArray, _ row: Int, bits: Int, signed: Bool) -> Int64? {
        switch (bits, signed) {
        case (8, true): Int64(array.integer(row, as: Int8.self))
        case (8, false): Int64(array.integer(row, as: UInt8.self))
        case (16, true): Int64(array.integer(row, as: Int16.self))
        case (16, false): Int64(array.integer(row, as: UInt16.self))
        case (32, true): Int64(array.integer(row, as: Int32.self))
        case (32, false): Int64(array.integer(row, as: UInt32.self))
        case (64, true): array.integer(row, as: Int64.self)
        case (64, false): Int64(exactly: array.integer(row, as: UInt64.self))
        default: nil
        }
    }

    private static func end(_ array: ArrowArray, _ field: ArrowField) -> Int {
        array.length == 0 ? 0 : array.range(array.length - 1, offsetWidth: field.type.offsetWidth ?? 4).upperBound
    }

    private static func offsets(_ array: ArrowArray, _ field: ArrowField) throws -> [Int32] {
        let width = field.type.offsetWidth ?? 4
        guard array.length > 0 else { return [0] }
        let first = array.range(0, offsetWidth: width).lowerBound
        guard first == 0 else { throw SparkError.invalidPlan("column \(field.name) of a local relation does not start at offset 0") }
        return [0] + (0..<array.length).map { Int32(array.range($0, offsetWidth: width).upperBound) }
    }
}
