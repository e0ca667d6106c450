// CSV files as batches: schema from the header and from a sample, fields to typed columns, malformed records by mode (PERMISSIVE keeps the
// row with nulls, DROPMALFORMED drops it, FAILFAST raises with file and record). Only the wanted columns are parsed. Source: Spark's CSV
// options.

import QueryCore

enum CSVSchema {
    /// Bytes of the sample for `inferSchema`. Spark reads everything; beyond this sample a value of another type is a malformed field.
    static let sampleBytesMax = 64 << 20

    static func infer(_ files: [TableFile], _ source: FileSource, _ port: any TableFiles) throws(QueryError) -> Schema {
        let options = try CSVOptions(source)
        var names: [String]?
        var types: [DataType] = []
        var bytes = 0
        for file in files {
            var splitter = CSVSplitter(ByteFeed(try port.open(file), path: file.path), options)
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
                widen(&types, splitter, options)
            }
            if !options.inferSchema, names != nil { break }
        }
        guard let names else { throw QueryError(.unableToInferSchema, ["format": "CSV"]) }
        return Schema(
            names.enumerated().map { index, name in
                let type = index < types.count ? types[index] : .string
                return StructField(name, type == .null ? .string : type)
            })
    }

    private static func widen(_ types: inout [DataType], _ splitter: CSVSplitter, _ options: CSVOptions) {
        // The pointer covers the splitter's buffer, which does not change in here; fields lie inside of it.
        splitter.buffer.withUnsafeBufferPointer { bytes in
            for (index, field) in splitter.fields.enumerated() {
                if index == types.count { types.append(.null) }
                // Nothing widens a string.
                if types[index] == .string { continue }
                let type: DataType = splitter.withContent(field, bytes) { content in
                    content.isEmpty || content.elementsEqual(options.nullValue) ? .null : FieldParser.infer(content)
                }
                if type != .null, type != types[index] { types[index] = FieldParser.merge(types[index], type) }
            }
        }
    }

    /// Empty names become `_cN`; repeated names get their position appended, as in Spark.
    private static func names(_ splitter: CSVSplitter, header: Bool) -> [String] {
        guard header else { return splitter.fields.indices.map { "_c\($0)" } }
        let raw = splitter.fields.map { String(decoding: splitter.content($0), as: UTF8.self) }
        return raw.enumerated().map { index, name in
            if name.isEmpty { return "_c\(index)" }
            return raw.count { Identifier.same($0, name) } > 1 ? "\(name)\(index)" : name
        }
    }
}

/// A column under construction. Numbers, text and the rest have their own arrays so that one field costs one switch.
private struct FieldColumn {
    private enum Kind { case text, int, long, double, date, other }

    let type: DataType
    private let kind: Kind
    private var longs: [Int64] = []
    private var doubles: [Double] = []
    private var bytes: [UInt8] = []
    private let zone: ZoneRules?
    private var offsets: [Int32] = [0]
    private var others: [Value] = []
    private var count = 0
    /// Ascending.
    private var nullRows: [Int] = []

    init(_ type: DataType, _ zone: ZoneRules?) {
        self.type = type
        self.zone = zone
        kind =
            switch type {
            case .string: .text
            case .int: .int
            case .long: .long
            case .double: .double
            case .date: .date
            default: .other
            }
    }

    // hot: `platform-bench compute`, CSV parse
    /// False when the field does not parse; the value is then null.
    mutating func append(_ content: FieldBytes) -> Bool {
        switch kind {
        case .text:
            bytes.append(contentsOf: content)
            offsets.append(Int32(bytes.count))
        case .int, .long:
            guard let number = FieldParser.integer(content), kind == .long || Int64(Int32(truncatingIfNeeded: number)) == number else {
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
        case .date:
            guard let day = FieldParser.date(content) else {
                appendNull()
                return false
            }
            longs.append(Int64(day))
        case .other:
            guard let value = FieldParser.value(content, type, zone) else {
                appendNull()
                return false
            }
            others.append(value)
        }
        count += 1
        return true
    }

    mutating func appendNull() {
        switch kind {
        case .text: offsets.append(Int32(bytes.count))
        case .int, .long, .date: longs.append(0)
        case .double: doubles.append(0)
        case .other: others.append(.null)
        }
        nullRows.append(count)
        count += 1
    }

    mutating func removeLast() {
        switch kind {
        case .text:
            offsets.removeLast()
            bytes.removeLast(bytes.count - Int(offsets[offsets.count - 1]))
        case .int, .long, .date: longs.removeLast()
        case .double: doubles.removeLast()
        case .other: others.removeLast()
        }
        count -= 1
        if nullRows.last == count { nullRows.removeLast() }
    }

    /// Gives the column and restarts with an empty one.
    mutating func take() -> Column {
        var validity: Bitmap?
        if !nullRows.isEmpty {
            var bits = Bitmap(repeating: true, count: count)
            for row in nullRows { bits[row] = false }
            validity = bits
        }
        let column: Column =
            switch kind {
            case .text: Column(type: type, count: count, validity: validity, storage: .bytes(offsets: offsets, bytes: bytes))
            case .int, .date: Column(type: type, count: count, validity: validity, storage: .int32(longs.map { Int32($0) }))
            case .long: Column(type: type, count: count, validity: validity, storage: .int64(longs))
            case .double: Column(type: type, count: count, validity: validity, storage: .double(doubles))
            case .other: Column(type: type, values: others)
            }
        let capacity = (longs.count, doubles.count, offsets.count, bytes.count)
        self = FieldColumn(type, zone)
        longs.reserveCapacity(capacity.0)
        doubles.reserveCapacity(capacity.1)
        offsets.reserveCapacity(capacity.2)
        bytes.reserveCapacity(capacity.3)
        return column
    }
}

/// One chain of a scan: parses its morsels.
final class CSVReader: FileReader {
    let columns: [BoundColumn]
    private(set) var file: TableFile?
    private let options: CSVOptions
    private let files: FileMorsels
    private var splitter: CSVSplitter?
    private var place = BatchPlace.first
    private var building: [FieldColumn]
    /// The field position of each column; nil for the column with the text of malformed records.
    private let positions: [Int?]
    private let fieldCount: Int

    init(_ scan: BoundFiles, _ options: CSVOptions, _ files: FileMorsels) {
        columns = scan.columns
        self.options = options
        self.files = files
        building = scan.columns.map { FieldColumn($0.type, files.zone) }
        let corrupt = scan.schema.fields.firstIndex { Identifier.same($0.name, options.corruptColumn) }
        fieldCount = scan.schema.count - (corrupt == nil ? 0 : 1)
        positions = scan.kept.map { index in
            guard let corrupt else { return index }
            return index == corrupt ? nil : index > corrupt ? index - 1 : index
        }
    }

    /// A batch has rows of one morsel.
    func next() throws(QueryError) -> Batch? {
        var rows = 0
        var bytes = 0
        // Taken out of the object for the loop, so that each field costs no exclusivity check and no copy.
        var building = self.building
        self.building = []
        defer { self.building = building }
        while rows == 0 {
            if splitter == nil, try !openNext() { return nil }
            guard var current = splitter else { return nil }
            splitter = nil
            var isOpen = true
            while rows < Batch.rowsDefault, bytes < Batch.inputBytesMax, isOpen {
                isOpen = try current.next()
                if isOpen { bytes += current.recordEnd - current.recordStart }
                if isOpen, try append(current, &building) { rows += 1 }
            }
            if isOpen { splitter = current }
        }
        let out = building.indices.map { building[$0].take() }
        defer { place.batch += 1 }
        return Batch(schema: schema, columns: out, rowCount: rows, place: place)
    }

    private func openNext() throws(QueryError) -> Bool {
        guard let morsel = try files.next() else { return false }
        var opened = CSVSplitter(morsel.feed, options)
        if options.header, morsel.isStart { _ = try opened.next() }
        splitter = opened
        place = BatchPlace(morsel: morsel.number)
        file = morsel.file
        return true
    }

    // hot: `platform-bench compute`, CSV parse
    private func append(_ splitter: borrowing CSVSplitter, _ building: inout [FieldColumn]) throws(QueryError) -> Bool {
        let found = splitter.fields.count
        var isMalformed = found != fieldCount
        let nullValue = options.nullValue
        // The pointer covers the splitter's buffer, which does not change in here; fields lie inside of it.
        splitter.buffer.withUnsafeBufferPointer { bytes in
            for index in 0..<positions.count {
                guard let position = positions[index], position < found else {
                    building[index].appendNull()
                    continue
                }
                let parsed = splitter.withContent(splitter.fields[position], bytes) { content in
                    if content.isEmpty || (!nullValue.isEmpty && content.elementsEqual(nullValue)) {
                        building[index].appendNull()
                        return true
                    }
                    return building[index].append(content)
                }
                if !parsed { isMalformed = true }
            }
        }
        if !isMalformed { return true }
        let text = splitter.buffer[splitter.recordStart..<splitter.recordEnd]
        switch options.mode {
        case .permissive:
            for (index, position) in positions.enumerated() where position == nil {
                building[index].removeLast()
                // The pointer is used within the call only.
                _ = text.withUnsafeBufferPointer { building[index].append($0) }
            }
            return true
        case .dropMalformed:
            for index in building.indices { building[index].removeLast() }
            return false
        case .failFast:
            let record = String(decoding: text, as: UTF8.self)
            throw QueryError(.malformedRecord, ["badRecord": "\(record) (in \(splitter.path))", "failFastMode": "FAILFAST"])
        }
    }
}
