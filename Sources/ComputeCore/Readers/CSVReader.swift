// CSV files as batches: schema from the header and from a sample, fields to typed columns, malformed records by mode (PERMISSIVE keeps the row
// with nulls, DROPMALFORMED drops it, FAILFAST raises with file and record). Only the wanted columns are parsed. Source: Spark's CSV options.

import QueryCore

enum CSVSchema {
    /// Bytes of input that `inferSchema` looks at. Spark reads everything; beyond this sample a value of another type is a malformed field.
    static let sampleBytesMax = 64 << 20

    static func infer(_ files: [TableFile], _ source: FileSource, _ port: any TableFiles) throws(QueryError) -> Schema {
        let options = try CSVOptions(source)
        var names: [String]?
        var types: [DataType] = []
        var bytes = 0
        for file in files {
            var splitter = CSVSplitter(try port.open(file), path: file.path, options)
            var isFirst = true
            while bytes < sampleBytesMax, try splitter.next() {
                if isFirst, names == nil { names = Self.names(splitter, header: options.header) }
                if isFirst, options.header {
                    isFirst = false
                    continue
                }
                isFirst = false
                if !options.inferSchema { break }
                bytes += splitter.recordEnd - splitter.recordStart
                for (index, field) in splitter.fields.enumerated() {
                    let content = splitter.content(field)
                    let type = content.isEmpty || content.elementsEqual(options.nullValue) ? .null : FieldParser.infer(content)
                    if index < types.count { types[index] = FieldParser.merge(types[index], type) } else { types.append(type) }
                }
            }
            if !options.inferSchema, names != nil { break }
        }
        guard let names else { throw QueryError(.unableToInferSchema, ["format": "CSV"]) }
        return Schema(names.enumerated().map { index, name in
            let type = index < types.count ? types[index] : .string
            return StructField(name, type == .null ? .string : type)
        })
    }

    /// Empty names become `_cN`; names that repeat get their position appended, as Spark does.
    private static func names(_ splitter: CSVSplitter, header: Bool) -> [String] {
        guard header else { return splitter.fields.indices.map { "_c\($0)" } }
        let raw = splitter.fields.map { String(decoding: splitter.content($0), as: UTF8.self) }
        return raw.enumerated().map { index, name in
            if name.isEmpty { return "_c\(index)" }
            return raw.count { Identifier.same($0, name) } > 1 ? "\(name)\(index)" : name
        }
    }
}

/// A column that is being read. Numbers, text and the rest have their own arrays so that one field costs one switch.
private struct FieldColumn {
    let type: DataType
    private var longs: [Int64] = []
    private var doubles: [Double] = []
    private var bytes: [UInt8] = []
    private var offsets: [Int32] = [0]
    private var others: [Value] = []
    private var valid = Bitmap()
    private var hasNull = false

    init(_ type: DataType) { self.type = type }

    // hot: CSV parse
    /// False when the field does not parse; the value is then null.
    mutating func append(_ content: ArraySlice<UInt8>) -> Bool {
        switch type {
        case .string:
            bytes.append(contentsOf: content)
            offsets.append(Int32(bytes.count))
        case .int, .long:
            guard let number = FieldParser.integer(content), type == .long || Int32(exactly: number) != nil else {
                appendNull()
                return false
            }
            longs.append(number)
        case .double:
            guard let number = FieldParser.double(content) else {
                appendNull()
                return false
            }
            doubles.append(number)
        default:
            guard let value = FieldParser.value(content, type) else {
                appendNull()
                return false
            }
            others.append(value)
        }
        valid.append(true)
        return true
    }

    mutating func appendNull() {
        switch type {
        case .string: offsets.append(Int32(bytes.count))
        case .int, .long: longs.append(0)
        case .double: doubles.append(0)
        default: others.append(.null)
        }
        valid.append(false)
        hasNull = true
    }

    mutating func removeLast() {
        switch type {
        case .string:
            offsets.removeLast()
            bytes.removeLast(bytes.count - Int(offsets[offsets.count - 1]))
        case .int, .long: longs.removeLast()
        case .double: doubles.removeLast()
        default: others.removeLast()
        }
        var shorter = Bitmap()
        for index in 0..<(valid.count - 1) { shorter.append(valid[index]) }
        valid = shorter
    }

    /// Gives the column and begins anew.
    mutating func take() -> Column {
        let count = valid.count
        let validity = hasNull ? valid : nil
        let column: Column = switch type {
        case .string: Column(type: type, count: count, validity: validity, storage: .bytes(offsets: offsets, bytes: bytes))
        case .int: Column(type: type, count: count, validity: validity, storage: .int32(longs.map { Int32($0) }))
        case .long: Column(type: type, count: count, validity: validity, storage: .int64(longs))
        case .double: Column(type: type, count: count, validity: validity, storage: .double(doubles))
        default: Column(type: type, values: others)
        }
        let capacity = bytes.count
        self = FieldColumn(type)
        bytes.reserveCapacity(capacity)
        longs.reserveCapacity(type == .int || type == .long ? count : 0)
        return column
    }
}

final class CSVReader: BatchSource {
    let columns: [BoundColumn]
    private let port: any TableFiles
    private let options: CSVOptions
    private var files: ArraySlice<TableFile>
    private var splitter: CSVSplitter?
    private var building: [FieldColumn]
    /// Position among the record's fields of each column; nil for the column that takes the text of malformed records.
    private let positions: [Int?]
    private let fieldCount: Int

    init(_ scan: BoundFiles, _ files: [TableFile], _ port: any TableFiles) throws(QueryError) {
        columns = scan.columns
        self.port = port
        self.files = files[...]
        let options = try CSVOptions(scan.source)
        self.options = options
        building = scan.columns.map { FieldColumn($0.type) }
        let corrupt = scan.schema.fields.firstIndex { Identifier.same($0.name, options.corruptColumn) }
        fieldCount = scan.schema.count - (corrupt == nil ? 0 : 1)
        positions = scan.kept.map { index in
            guard let corrupt else { return index }
            return index == corrupt ? nil : index > corrupt ? index - 1 : index
        }
        for field in scan.columns where !field.type.isAtomic {
            throw QueryError(.unsupportedFeature, ["feature": "CSV column \(field.name) of type \(field.type.sqlName)"])
        }
    }

    func next() throws(QueryError) -> Batch? {
        var rows = 0
        while rows < Batch.rowsDefault {
            if splitter == nil, try !openNext() { break }
            while rows < Batch.rowsDefault {
                guard try splitter?.next() ?? false else {
                    splitter = nil
                    break
                }
                if try appendRecord() { rows += 1 }
            }
        }
        if rows == 0 { return nil }
        let out = building.indices.map { building[$0].take() }
        return Batch(schema: schema, columns: out, rowCount: rows)
    }

    private func openNext() throws(QueryError) -> Bool {
        guard let file = files.popFirst() else { return false }
        var opened = CSVSplitter(try port.open(file), path: file.path, options)
        if options.header { _ = try opened.next() }
        splitter = opened
        return true
    }

    // hot: CSV parse
    private func appendRecord() throws(QueryError) -> Bool {
        guard let splitter else { return false }
        var isMalformed = splitter.fields.count != fieldCount
        for (index, position) in positions.enumerated() {
            guard let position, position < splitter.fields.count else {
                building[index].appendNull()
                continue
            }
            let content = splitter.content(splitter.fields[position])
            if content.isEmpty || (!options.nullValue.isEmpty && content.elementsEqual(options.nullValue)) {
                building[index].appendNull()
            } else if !building[index].append(content) {
                isMalformed = true
            }
        }
        if !isMalformed { return true }
        let text = String(decoding: splitter.buffer[splitter.recordStart..<splitter.recordEnd], as: UTF8.self)
        switch options.mode {
        case .permissive:
            for (index, position) in positions.enumerated() where position == nil {
                building[index].removeLast()
                _ = building[index].append(Array(text.utf8)[...])
            }
            return true
        case .dropMalformed:
            for index in building.indices { building[index].removeLast() }
            return false
        case .failFast:
            throw QueryError(.malformedRecord, ["badRecord": "\(text) (in \(splitter.path))", "failFastMode": "FAILFAST"])
        }
    }
}
