// More functions over a group's list of values: ordered texts, discrete percentiles, the best by a key, histograms, sums that may not fit
// and bitmaps; and the scalar functions of bitmaps. Source: Spark SQL reference, "Aggregate Functions", "Bitmap Functions".

import QueryCore

enum OrderedListRows {
    static let rows: [ScalarRow] = [
        ScalarRow(FunctionSignature("list ordered", [.any, .any, .string], .rule(rowsOfText), nulls: .accepted)) {
            (input) throws(QueryError) in
            let element = input.arguments[0].column.type.element?.type
            guard case .structure(let fields)? = element else { return Column.nulls(input.type, count: input.count) }
            return try input.valueColumn { arguments in
                guard case .array(let items) = arguments[0], !items.isEmpty else { return .null }
                let ascending = arguments[2].plainText.utf8.map { $0 == UInt8(ascii: "+") }
                let texts = items.sorted { comesFirst($0, $1, fields, ascending) }.map { item in
                    if case .structure(let values) = item { values.last?.plainText ?? "" } else { "" }
                }
                return .string(texts.joined(separator: arguments[1].plainText))
            }
        },
        ScalarRow(FunctionSignature("list discrete", [.any, .double, .boolean], .rule(element), nulls: .possible)) {
            (input) throws(QueryError) in
            let type = input.type
            return try input.valueColumn { arguments in
                guard case .array(let items) = arguments[0], !items.isEmpty, (0...1).contains(arguments[1].real) else { return .null }
                let isAscending = arguments[2] == .boolean(true)
                let sorted = items.sorted { isAscending ? Value.compare($0, $1, type) < 0 : Value.compare($1, $0, type) < 0 }
                let place = Int((arguments[1].real * Double(sorted.count)).rounded(.up))
                return sorted[max(0, min(sorted.count, place) - 1)]
            }
        },
        ScalarRow(FunctionSignature("list best", [.any, .int, .boolean], .rule(best), nulls: .possible)) { (input) throws(QueryError) in
            let element = input.arguments[0].column.type.element?.type
            guard case .structure(let fields)? = element else { return Column.nulls(input.type, count: input.count) }
            return try input.valueColumn { arguments in
                guard case .array(let items) = arguments[0] else { return .null }
                let isGreatest = arguments[2] == .boolean(true)
                let sorted = items.sorted { comesFirst($0, $1, Array(fields.prefix(1)), [!isGreatest]) }
                return .array(
                    sorted.prefix(Int(max(0, arguments[1].whole))).map { item in
                        if case .structure(let values) = item { values[1] } else { .null }
                    })
            }
        },
        ScalarRow(FunctionSignature("list histogram", [.any, .int], .rule(histogram), nulls: .possible)) { (input) throws(QueryError) in
            let type = input.arguments[0].column.type.element?.type ?? .double
            return try input.valueColumn { (arguments) throws(QueryError) in
                guard case .array(let items) = arguments[0], !items.isEmpty else { return .null }
                let most = min(items.count, max(2, Int(arguments[1].whole)))
                guard items.count.multipliedReportingOverflow(by: most).partialValue <= histogramWorkMax else {
                    throw QueryError.unsupported("a histogram of \(items.count) values in \(most) bins, which multiply to more than 2^32")
                }
                var numbers: [Double] = []
                for item in items { numbers.append(try Cast.value(item, type, .double).real) }
                var bins: [Value] = []
                for bin in histogram(numbers, max(2, Int(arguments[1].whole))) {
                    bins.append(.structure([try Cast.value(.double(bin.place), .double, type), .double(bin.count)]))
                }
                return .array(bins)
            }
        },
        ScalarRow(FunctionSignature("list try_sum", [.any], .rule(total), nulls: .possible)) { (input) throws(QueryError) in
            let type = input.type
            return try input.valueColumn { arguments in
                guard case .array(let items) = arguments[0], !items.isEmpty else { return .null }
                return sum(items, type)
            }
        },
        bitmap("bitmap_construct_agg", .long) { bits, item in
            if (0..<Int64(bitmapBytes * 8)).contains(item.whole) { bits[Int(item.whole) / 8] |= 1 << UInt8(item.whole % 8) }
        },
        bitmap("bitmap_or_agg", .binary) { bits, item in
            for (place, byte) in EncodingRows.octets(item).prefix(bitmapBytes).enumerated() { bits[place] |= byte }
        },
        bitmap("bitmap_and_agg", .binary) { bits, item in
            let bytes = EncodingRows.octets(item)
            for place in bits.indices { bits[place] &= place < bytes.count ? bytes[place] : 0 }
        },
        place("bitmap_bit_position") { $0 > 0 ? ($0 - 1) % Int64(bitmapBytes * 8) : (0 &- $0) % Int64(bitmapBytes * 8) },
        place("bitmap_bucket_number") { $0 > 0 ? 1 + ($0 - 1) / Int64(bitmapBytes * 8) : $0 / Int64(bitmapBytes * 8) },
        EncodingRows.bytes("bitmap_count", [.binary], .long) { values in
            .integer(Int64(EncodingRows.octets(values[0]).reduce(0) { $0 + $1.nonzeroBitCount }))
        },
    ]

    /// Limit of the steps of one histogram: some seconds, within which no cancellation is seen.
    private static let histogramWorkMax = 1 << 32

    /// Of a bitmap of one bucket.
    private static let bitmapBytes = 4096

    // MARK: Types

    private static let element = TypeRule("\"NUMERIC\"") { arguments in
        arguments[0].type.element.map { ([arguments[0].type, .double, .boolean], $0.type) }
    }

    private static let rowsOfText = TypeRule("\"STRING\"") { arguments in
        guard arguments[1].type == .string || arguments[1].type == .null else { return nil }
        return ([arguments[0].type, .string, .string], .string)
    }

    private static let best = TypeRule("\"INT\"") { arguments in
        guard case .structure(let fields)? = arguments[0].type.element?.type, fields[0].type.isOrderable, arguments[1].type.isIntegral
        else {
            return nil
        }
        return ([arguments[0].type, .int, .boolean], .array(element: fields[1].type, containsNull: true))
    }

    private static let histogram = TypeRule("\"NUMERIC\"") { arguments in
        guard let (element, _) = arguments[0].type.element, element.isNumeric, arguments[1].type.isIntegral else { return nil }
        let bin = DataType.structure([StructField("x", element), StructField("y", .double)])
        return ([arguments[0].type, .int], .array(element: bin, containsNull: true))
    }

    private static let total = TypeRule("\"NUMERIC\"") { arguments in
        guard let (element, _) = arguments[0].type.element, element.isNumeric || element == .null else { return nil }
        if case .decimal(let precision, let scale) = element {
            let type = DataType.decimal(precision: min(38, precision + 10), scale: scale)
            return ([.array(element: type, containsNull: false)], type)
        }
        let type: DataType = element.isIntegral ? .long : .double
        return ([.array(element: type, containsNull: false)], type)
    }

    // MARK: Values

    /// Nulls come first where the key ascends.
    private static func comesFirst(_ one: Value, _ other: Value, _ fields: [StructField], _ ascending: [Bool]) -> Bool {
        guard case .structure(let left) = one, case .structure(let right) = other else { return false }
        for place in ascending.indices {
            if left[place].isNull || right[place].isNull {
                if left[place].isNull == right[place].isNull { continue }
                return left[place].isNull == ascending[place]
            }
            let order = Value.compare(left[place], right[place], fields[place].type)
            if order != 0 { return ascending[place] ? order < 0 : order > 0 }
        }
        return false
    }

    /// Null beyond the type.
    private static func sum(_ items: [Value], _ type: DataType) -> Value {
        switch type {
        case .long:
            var total: Int64 = 0
            for item in items {
                let (sum, overflow) = total.addingReportingOverflow(item.whole)
                if overflow { return .null }
                total = sum
            }
            return .integer(total)
        case .decimal(let precision, _):
            var total: Int128 = 0
            for case .decimal(let number) in items {
                let (sum, overflow) = total.addingReportingOverflow(number)
                if overflow { return .null }
                total = sum
            }
            return DecimalText.fits(total, precision: precision) ? .decimal(total) : .null
        default: return .double(items.reduce(0) { $0 + $1.real })
        }
    }

    /// At most so many bins; beyond them the two nearest become one at their common centre. Source: Ben-Haim and Tom-Tov, "A Streaming
    /// Parallel Decision Tree Algorithm".
    private static func histogram(_ numbers: [Double], _ most: Int) -> [(place: Double, count: Double)] {
        var bins: [(place: Double, count: Double)] = []
        for number in numbers {
            var (low, high) = (0, bins.count)
            while low < high {
                let middle = (low + high) / 2
                if bins[middle].place < number { low = middle + 1 } else { high = middle }
            }
            if low < bins.count, bins[low].place == number {
                bins[low].count += 1
                continue
            }
            bins.insert((number, 1), at: low)
            guard bins.count > most else { continue }
            var nearest = 0
            for index in 0..<bins.count - 1
            where bins[index + 1].place - bins[index].place < bins[nearest + 1].place - bins[nearest].place {
                nearest = index
            }
            let (one, other) = (bins[nearest], bins[nearest + 1])
            let count = one.count + other.count
            bins[nearest] = ((one.place * one.count + other.place * other.count) / count, count)
            bins.remove(at: nearest + 1)
        }
        return bins
    }

    private static func bitmap(_ name: String, _ type: DataType, _ add: @escaping @Sendable (inout [UInt8], Value) -> Void) -> ScalarRow {
        let rule = TypeRule("\"\(type.sqlName)\"") { arguments in
            guard let (element, _) = arguments[0].type.element, element == type || type == .long && element.isIntegral else { return nil }
            return ([.array(element: type, containsNull: false)], .binary)
        }
        return ScalarRow(FunctionSignature("list \(name)", [.any], .rule(rule))) { (input) throws(QueryError) in
            try input.valueColumn { arguments in
                guard case .array(let items) = arguments[0] else { return .null }
                var bits = [UInt8](repeating: name == "bitmap_and_agg" ? 0xFF : 0, count: bitmapBytes)
                for item in items { add(&bits, item) }
                return .binary(bits)
            }
        }
    }

    private static func place(_ name: String, _ body: @escaping @Sendable (Int64) -> Int64) -> ScalarRow {
        ScalarRow(FunctionSignature(name, [.long], .type(.long))) { (input) throws(QueryError) in
            let values = input.integers(0)
            return try input.integerColumn { body(values[$0]) }
        }
    }
}
