// Casts under ANSI rules: text that is no number and numbers that do not fit raise; `try_cast` gives null instead. Casts between numbers
// have loops of their own, the rest goes value by value. Source: Spark SQL reference, "ANSI Compliance", cast.

import QueryCore

enum Cast {
    static func apply(_ column: Column, to type: DataType, isTry: Bool) throws(QueryError) -> Column {
        if column.type == type { return column }
        if column.type == .null { return Column.nulls(type, count: column.count) }
        if let widened = widen(column, to: type) { return widened }
        var builder = ColumnBuilder(type: type, capacity: column.count)
        for row in 0..<column.count {
            if column.isNull(row) {
                builder.appendNull()
                continue
            }
            do throws(QueryError) {
                builder.append(try value(column.value(row), column.type, type))
            } catch {
                if !isTry { throw error }
                builder.appendNull()
            }
        }
        return builder.finish()
    }

    /// Casts that cannot fail, as loops.
    private static func widen(_ column: Column, to type: DataType) -> Column? {
        let storage: Column.Storage? =
            switch (column.storage, type) {
            case (.int8(let values), .long): .int64(values.map(Int64.init))
            case (.int16(let values), .long): .int64(values.map(Int64.init))
            case (.int32(let values), .long): .int64(values.map(Int64.init))
            case (.int8(let values), .int): .int32(values.map(Int32.init))
            case (.int16(let values), .int): .int32(values.map(Int32.init))
            case (.int8(let values), .double): .double(values.map(Double.init))
            case (.int16(let values), .double): .double(values.map(Double.init))
            case (.int32(let values), .double) where column.type == .int: .double(values.map(Double.init))
            case (.int64(let values), .double) where column.type == .long: .double(values.map(Double.init))
            case (.float(let values), .double): .double(values.map(Double.init))
            case (.bytes, .string), (.bytes, .binary): type == .string || column.type == .string ? column.storage : nil
            default: nil
            }
        guard let storage else { return nil }
        return Column(type: type, count: column.count, validity: column.validity, storage: storage)
    }

    static func value(_ value: Value, _ from: DataType, _ to: DataType) throws(QueryError) -> Value {
        if value.isNull || from == to { return value }
        switch to {
        case .string: return .string(value.text(from))
        case .boolean: return try boolean(value, from)
        case .byte: return .integer(Int64(try integer(value, from, to, Int64(Int8.min)...Int64(Int8.max))))
        case .short: return .integer(try integer(value, from, to, Int64(Int16.min)...Int64(Int16.max)))
        case .int: return .integer(try integer(value, from, to, Int64(Int32.min)...Int64(Int32.max)))
        case .long: return .integer(try integer(value, from, to, Int64.min...Int64.max))
        case .float: return .double(Double(Float(try double(value, from, to))))
        case .double: return .double(try double(value, from, to))
        case .decimal(let precision, let scale): return .decimal(try decimal(value, from, to, precision, scale))
        case .date: return try date(value, from)
        case .timestamp: return try timestamp(value, from)
        case .binary:
            if case .string(let text) = value { return .binary(Array(text.utf8)) }
            return value
        default: return try nested(value, from, to)
        }
    }

    private static func nested(_ value: Value, _ from: DataType, _ to: DataType) throws(QueryError) -> Value {
        switch (value, from, to) {
        case (.array(let items), .array(let element, _), .array(let wanted, _)):
            return .array(try items.map { (item) throws(QueryError) in try Cast.value(item, element, wanted) })
        case (.map(let keys, let values), .map(let key, let element, _), .map(let wantedKey, let wanted, _)):
            return .map(
                keys: try keys.map { (item) throws(QueryError) in try Cast.value(item, key, wantedKey) },
                values: try values.map { (item) throws(QueryError) in try Cast.value(item, element, wanted) })
        case (.structure(let items), .structure(let fields), .structure(let wanted)):
            var out: [Value] = []
            for index in items.indices { out.append(try Cast.value(items[index], fields[index].type, wanted[index].type)) }
            return .structure(out)
        default: throw TypeCoercion.noCast("cast", from, to)
        }
    }

    static func malformed(_ text: String, _ from: DataType, _ to: DataType) -> QueryError {
        QueryError(
            .castInvalidInput,
            [
                "expression": "'\(text)'", "sourceType": "\"\(from.sqlName)\"", "targetType": "\"\(to.sqlName)\"",
                "ansiConfig": QueryError.ansiSetting,
            ])
    }

    private static func overflow(_ value: Value, _ from: DataType, _ to: DataType) -> QueryError {
        let suffix =
            switch from {
            case .long: "L"
            case .double: "D"
            case .decimal: "BD"
            case .byte: "Y"
            case .short: "S"
            default: ""
            }
        return QueryError(
            .castOverflow,
            [
                "value": value.text(from) + suffix, "sourceType": "\"\(from.sqlName)\"", "targetType": "\"\(to.sqlName)\"",
                "ansiConfig": QueryError.ansiSetting,
            ])
    }

    private static func trimmed(_ text: String) -> String {
        var slice = Array(text.utf8)[...]
        while let first = slice.first, first <= 0x20 { slice = slice.dropFirst() }
        while let last = slice.last, last <= 0x20 { slice = slice.dropLast() }
        return String(decoding: slice, as: UTF8.self)
    }

    private static func boolean(_ value: Value, _ from: DataType) throws(QueryError) -> Value {
        switch value {
        case .string(let text):
            switch trimmed(text).lowercased() {
            case "t", "true", "y", "yes", "1": return .boolean(true)
            case "f", "false", "n", "no", "0": return .boolean(false)
            default: throw malformed(text, from, .boolean)
            }
        case .integer(let number): return .boolean(number != 0)
        case .double(let number): return .boolean(number != 0)
        case .decimal(let number): return .boolean(number != 0)
        default: return value
        }
    }

    private static func integer(_ value: Value, _ from: DataType, _ to: DataType, _ range: ClosedRange<Int64>) throws(QueryError) -> Int64 {
        var whole: Int64?
        switch value {
        case .string(let text):
            guard let number = Int64(trimmed(text)), range.contains(number) else { throw malformed(text, from, to) }
            return number
        case .boolean(let flag): return flag ? 1 : 0
        case .integer(let number): whole = from == .timestamp ? Int64((Double(number) / 1e6).rounded(.down)) : number
        case .double(let number): whole = number.isFinite && abs(number) < 9.3e18 ? Int64(exactly: number.rounded(.towardZero)) : nil
        case .decimal(let number):
            guard case .decimal(_, let scale) = from else { break }
            whole = Int64(exactly: number / DecimalText.powersOfTen[scale])
        default: break
        }
        guard let whole, range.contains(whole) else { throw overflow(value, from, to) }
        return whole
    }

    static func parseDouble(_ text: String) -> Double? {
        switch text.lowercased() {
        case "nan": return .nan
        case "inf", "+inf", "infinity", "+infinity": return .infinity
        case "-inf", "-infinity": return -.infinity
        default: break
        }
        // Swift also reads hexadecimal, which Spark does not.
        if text.utf8.contains(where: { $0 | 0x20 == UInt8(ascii: "x") || $0 | 0x20 == UInt8(ascii: "n") }) { return nil }
        if let last = text.utf8.last, last | 0x20 == UInt8(ascii: "d") || last | 0x20 == UInt8(ascii: "f") {
            return Double(text.dropLast())
        }
        return Double(text)
    }

    private static func double(_ value: Value, _ from: DataType, _ to: DataType) throws(QueryError) -> Double {
        switch value {
        case .string(let text):
            guard let number = parseDouble(trimmed(text)) else { throw malformed(text, from, to) }
            return number
        case .boolean(let flag): return flag ? 1 : 0
        case .integer(let number): return from == .timestamp ? Double(number) / 1e6 : Double(number)
        case .double(let number): return number
        case .decimal(let number):
            guard case .decimal(_, let scale) = from else { return Double(number) }
            // Through text, so that 0.1 is the nearest double to 0.1.
            return Double(DecimalText.format(number, scale: scale)) ?? Double(number)
        default: throw TypeCoercion.noCast("cast", from, .double)
        }
    }

    private static func decimal(_ value: Value, _ from: DataType, _ to: DataType, _ precision: Int, _ scale: Int) throws(QueryError)
        -> Int128
    {
        var source: (unscaled: Int128, scale: Int)?
        switch value {
        case .string(let text):
            guard let parsed = DecimalText.parse(trimmed(text)) else { throw malformed(text, from, to) }
            source = (parsed.unscaled, parsed.scale)
        case .boolean(let flag): source = (flag ? 1 : 0, 0)
        case .integer(let number): source = from == .timestamp ? (Int128(number), 6) : (Int128(number), 0)
        case .double(let number):
            let text = from == .float ? FloatText.format(Float(number)) : FloatText.format(number)
            source = DecimalText.parse(text).map { ($0.unscaled, $0.scale) }
        case .decimal(let number):
            guard case .decimal(_, let fromScale) = from else { break }
            source = (number, fromScale)
        default: break
        }
        guard let source, let rescaled = DecimalText.rescale(source.unscaled, from: source.scale, to: scale),
            DecimalText.fits(rescaled, precision: precision)
        else { throw Arithmetic.outOfRange(value.text(from), precision, scale) }
        return rescaled
    }

    private static func date(_ value: Value, _ from: DataType) throws(QueryError) -> Value {
        switch value {
        case .string(let text):
            guard let days = CivilTime.parseDate(text) else { throw dateMalformed(text, .date) }
            return .integer(Int64(days))
        case .integer(let micros): return .integer(Int64(CivilTime.floorDay(micros)))
        default: throw TypeCoercion.noCast("cast", from, .date)
        }
    }

    private static func dateMalformed(_ text: String, _ to: DataType) -> QueryError { malformed(text, .string, to) }

    private static func timestamp(_ value: Value, _ from: DataType) throws(QueryError) -> Value {
        switch value {
        case .string(let text):
            guard let micros = CivilTime.parseTimestamp(text) else { throw dateMalformed(text, .timestamp) }
            return .integer(micros)
        case .integer(let number):
            if from == .date {
                guard let midnight = CivilTime.midnight(Int(number)) else { throw overflow(value, from, .timestamp) }
                return .integer(midnight)
            }
            let (micros, overflowed) = number.multipliedReportingOverflow(by: 1_000_000)
            if overflowed { throw overflow(value, from, .timestamp) }
            return .integer(micros)
        case .double(let seconds):
            guard seconds.isFinite, abs(seconds) < 9e12 else { throw overflow(value, from, .timestamp) }
            return .integer(Int64(seconds * 1e6))
        case .decimal(let unscaled):
            guard case .decimal(_, let scale) = from, let micros = DecimalText.rescale(unscaled, from: scale, to: 6),
                let narrow = Int64(exactly: micros)
            else {
                throw overflow(value, from, .timestamp)
            }
            return .integer(narrow)
        default: throw TypeCoercion.noCast("cast", from, .timestamp)
        }
    }
}
