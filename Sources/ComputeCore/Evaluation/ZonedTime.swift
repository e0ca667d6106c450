// Between instants and a zone's wall clock, over columns. A time beyond 64 bits on the other side is refused.

import QueryCore

enum ZonedTime {
    static func apply(_ shift: ZoneShift, _ column: Column, _ type: DataType) throws(QueryError) -> Column {
        switch shift.step {
        case .toLocal where type != .timestamp:
            return Column(type: type, values: (0..<column.count).map { shift.rules.local(column.value($0), type) })
        case .toLocal: return try moved(column) { shift.rules.local($0) }
        case .toInstant: return try moved(column) { shift.rules.instant($0) }
        case .parse(let isTry): return try parsed(column, shift.rules, isTry: isTry)
        }
    }

    private static func moved(_ column: Column, _ change: (Int64) -> Int64?) throws(QueryError) -> Column {
        guard case .int64(var values) = column.storage else { return column }
        for row in values.indices where !column.isNull(row) {
            guard let time = change(values[row]) else { throw Arithmetic.overflow("long") }
            values[row] = time
        }
        return Column(type: .timestamp, count: column.count, validity: column.validity, storage: .int64(values))
    }

    private static func parsed(_ column: Column, _ rules: ZoneRules, isTry: Bool) throws(QueryError) -> Column {
        var builder = ColumnBuilder(type: .timestamp, capacity: column.count)
        for row in 0..<column.count {
            guard case .string(let text) = column.value(row) else {
                builder.appendNull()
                continue
            }
            if let micros = CivilTime.parseTimestamp(text, in: rules) {
                builder.append(micros)
            } else if isTry {
                builder.appendNull()
            } else {
                throw Cast.malformed(text, .string, .timestamp)
            }
        }
        return builder.finish()
    }
}
