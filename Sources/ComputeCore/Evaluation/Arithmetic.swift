// Arithmetic kernels under ANSI rules: overflow and division by zero raise, but only for rows that are not null. The fast loop collects one
// flag for the whole batch; only when it is set are the rows checked one by one. Source: Spark SQL reference, "ANSI Compliance".

import QueryCore

enum Arithmetic {
    static func binary(_ function: ScalarFunction, _ left: Vector, _ right: Vector, _ type: DataType, _ count: Int) throws(QueryError)
        -> Column
    {
        if left.isNullConstant || right.isNullConstant { return Column.nulls(type, count: count) }
        let validity = combined(left, right, count)
        let storage: Column.Storage
        switch (left.column.storage, right.column.storage) {
        case (.int8(let a), .int8(let b)): storage = .int8(try integers(function, a, left.mask, b, right.mask, count, validity, "TINYINT"))
        case (.int16(let a), .int16(let b)):
            storage = .int16(try integers(function, a, left.mask, b, right.mask, count, validity, "SMALLINT"))
        case (.int32(let a), .int32(let b)):
            storage = .int32(try integers(function, a, left.mask, b, right.mask, count, validity, "integer"))
        case (.int64(let a), .int64(let b)): storage = .int64(try integers(function, a, left.mask, b, right.mask, count, validity, "long"))
        case (.float(let a), .float(let b)): storage = .float(try floats(function, a, left.mask, b, right.mask, count, validity))
        case (.double(let a), .double(let b)): storage = .double(try floats(function, a, left.mask, b, right.mask, count, validity))
        case (.decimal(let a), .decimal(let b)):
            return try decimals(function, (a, left.mask, left.column.type), (b, right.mask, right.column.type), type, count, validity)
        default: preconditionFailure("operands of arithmetic have one type")
        }
        return Column(type: type, count: count, validity: validity, storage: storage)
    }

    /// Rows with both sides present; nil when none is null.
    static func combined(_ left: Vector, _ right: Vector, _ count: Int) -> Bitmap? {
        let one = left.isConstant ? nil : left.column.validity
        let other = right.isConstant ? nil : right.column.validity
        guard let one else { return other }
        return other.map { one & $0 } ?? one
    }

    /// The results of `operation` over the rows of two columns, either of which may be one value for all rows: each case has its own loop,
    /// free of masks and branches. A column that is no constant has `count` rows.
    @inline(__always)
    static func each<T, Result>(_ a: [T], _ am: Int, _ b: [T], _ bm: Int, _ count: Int, _ operation: (T, T) -> Result) -> [Result] {
        [Result](unsafeUninitializedCapacity: count) { out, filled in
            // Rows are below the count of the columns and of `out`; the pointers live for this call.
            a.withUnsafeBufferPointer { a in
                b.withUnsafeBufferPointer { b in
                    if count == 0 { return }
                    if bm == 0 {
                        let right = b[0]
                        if am == 0 {
                            let result = operation(a[0], right)
                            for row in 0..<count { out.initializeElement(at: row, to: result) }
                        } else {
                            for row in 0..<count { out.initializeElement(at: row, to: operation(a[row], right)) }
                        }
                    } else if am == 0 {
                        let left = a[0]
                        for row in 0..<count { out.initializeElement(at: row, to: operation(left, b[row])) }
                    } else {
                        for row in 0..<count { out.initializeElement(at: row, to: operation(a[row], b[row])) }
                    }
                }
            }
            filled = count
        }
    }

    static func overflow(_ kind: String, _ alternative: String = "") -> QueryError {
        let hint = alternative.isEmpty ? "" : " Use '\(alternative)' to tolerate overflow and return NULL instead."
        return QueryError(.arithmeticOverflow, ["message": "\(kind) overflow", "alternative": hint, "config": QueryError.ansiSetting])
    }

    static let divideByZero = QueryError(.divideByZero, ["config": QueryError.ansiSetting])
    static let remainderByZero = QueryError(.remainderByZero, ["config": QueryError.ansiSetting])

    // hot: `platform-bench compute`, SQL arithmetic
    private static func integers<T: FixedWidthInteger & SignedInteger>(
        _ function: ScalarFunction, _ a: [T], _ am: Int, _ b: [T], _ bm: Int, _ count: Int, _ validity: Bitmap?, _ kind: String
    ) throws(QueryError) -> [T] {
        // Bits of failures: the sign for sums and differences, any bit for the rest.
        var failed: T = 0
        let out: [T]
        switch function {
        case .add:
            out = each(a, am, b, bm, count) { x, y in
                let sum = x &+ y
                failed |= (x ^ sum) & (y ^ sum)
                return sum
            }
            failed &= T.min
        case .subtract:
            out = each(a, am, b, bm, count) { x, y in
                let difference = x &- y
                failed |= (x ^ y) & (x ^ difference)
                return difference
            }
            failed &= T.min
        case .multiply:
            out = each(a, am, b, bm, count) { x, y in
                let (value, overflow) = x.multipliedReportingOverflow(by: y)
                failed |= overflow ? 1 : 0
                return value
            }
        case .remainder, .positiveModulo:
            out = each(a, am, b, bm, count) { x, divisor in
                failed |= divisor == 0 ? 1 : 0
                if divisor == 0 || divisor == -1 { return 0 }
                let rest = x % divisor
                guard function == .positiveModulo, rest < 0 else { return rest }
                // Java's arithmetic: int and long wrap, narrower types are computed as int.
                return T.bitWidth < 32 && divisor < 0 ? rest : (rest &+ divisor) % divisor
            }
        default:
            out = each(a, am, b, bm, count) { x, y in
                let (value, overflow) = x.dividedReportingOverflow(by: y)
                failed |= overflow ? 1 : 0
                return value
            }
        }
        if failed != 0 { try refuseIntegers(function, a, am, b, bm, count, validity, kind) }
        return out
    }

    private static func refuseIntegers<T: FixedWidthInteger>(
        _ function: ScalarFunction, _ a: [T], _ am: Int, _ b: [T], _ bm: Int, _ count: Int, _ validity: Bitmap?, _ kind: String
    ) throws(QueryError) {
        for row in 0..<count where validity?[row] ?? true {
            let (x, y) = (a[row & am], b[row & bm])
            switch function {
            case .add: if x.addingReportingOverflow(y).overflow { throw overflow(kind, "try_add") }
            case .subtract: if x.subtractingReportingOverflow(y).overflow { throw overflow(kind, "try_subtract") }
            case .multiply: if x.multipliedReportingOverflow(by: y).overflow { throw overflow(kind, "try_multiply") }
            case .remainder, .positiveModulo: if y == 0 { throw remainderByZero }
            default:
                if y == 0 { throw divideByZero }
                if x.dividedReportingOverflow(by: y).overflow { throw overflow("Overflow in integral divide", "try_divide") }
            }
        }
    }

    private static func floats<T: BinaryFloatingPoint>(
        _ function: ScalarFunction, _ a: [T], _ am: Int, _ b: [T], _ bm: Int, _ count: Int, _ validity: Bitmap?
    ) throws(QueryError) -> [T] {
        if function == .divide || function == .remainder || function == .positiveModulo {
            for row in 0..<count where b[row & bm] == 0 && validity?[row] ?? true {
                throw function == .divide ? divideByZero : remainderByZero
            }
        }
        switch function {
        case .add: return each(a, am, b, bm, count) { $0 + $1 }
        case .subtract: return each(a, am, b, bm, count) { $0 - $1 }
        case .multiply: return each(a, am, b, bm, count) { $0 * $1 }
        case .divide: return each(a, am, b, bm, count) { $0 / $1 }
        default:
            return each(a, am, b, bm, count) { x, y in
                let rest = x.truncatingRemainder(dividingBy: y)
                return function == .positiveModulo && rest < 0 ? (rest + y).truncatingRemainder(dividingBy: y) : rest
            }
        }
    }

    // MARK: Decimals

    private static func decimals(
        _ function: ScalarFunction, _ left: (values: [Int128], mask: Int, type: DataType),
        _ right: (values: [Int128], mask: Int, type: DataType),
        _ type: DataType, _ count: Int, _ validity: Bitmap?
    ) throws(QueryError) -> Column {
        guard case .decimal(_, let s1) = left.type, case .decimal(_, let s2) = right.type, case .decimal(let precision, let scale) = type
        else {
            preconditionFailure("decimal arithmetic has decimal operands")
        }
        var out: [Int128] = []
        out.reserveCapacity(count)
        for row in 0..<count {
            guard validity?[row] ?? true else {
                out.append(0)
                continue
            }
            let (x, y) = (left.values[row & left.mask], right.values[row & right.mask])
            if y == 0, function == .divide { throw divideByZero }
            if y == 0, function == .remainder || function == .positiveModulo { throw remainderByZero }
            guard let value = decimal(function, x, s1, y, s2, scale), DecimalText.fits(value, precision: precision) else {
                throw outOfRange(DecimalText.format(x, scale: s1), precision, scale)
            }
            out.append(value)
        }
        return Column(type: type, count: count, validity: validity, storage: .decimal(out))
    }

    static func outOfRange(_ value: String, _ precision: Int, _ scale: Int) -> QueryError {
        QueryError(
            .numericValueOutOfRange, ["value": value, "precision": "\(precision)", "scale": "\(scale)", "config": QueryError.ansiSetting])
    }

    /// Nil when the result does not fit 128 bits.
    private static func decimal(_ function: ScalarFunction, _ x: Int128, _ s1: Int, _ y: Int128, _ s2: Int, _ scale: Int) -> Int128? {
        switch function {
        case .multiply:
            let (product, overflow) = x.multipliedReportingOverflow(by: y)
            return overflow ? nil : DecimalText.rescale(product, from: s1 + s2, to: scale)
        case .divide:
            // x / 10^s1 over y / 10^s2, with one extra digit for rounding half up.
            let shift = scale + 1 - s1 + s2
            guard let numerator = DecimalText.rescale(x, from: 0, to: max(shift, 0)) else { return wideDivide(x, shift, y, scale) }
            return DecimalText.rescale(numerator / y, from: scale + 1, to: scale)
        default:
            let common = max(s1, s2)
            guard let a = DecimalText.rescale(x, from: s1, to: common), let b = DecimalText.rescale(y, from: s2, to: common) else {
                return nil
            }
            switch function {
            case .add:
                let (sum, overflow) = a.addingReportingOverflow(b)
                return overflow ? nil : DecimalText.rescale(sum, from: common, to: scale)
            case .subtract:
                let (difference, overflow) = a.subtractingReportingOverflow(b)
                return overflow ? nil : DecimalText.rescale(difference, from: common, to: scale)
            default:
                let rest = a % b
                // A negative rest plus a negative divisor is congruent to the rest itself, and may not fit.
                return DecimalText.rescale(function == .positiveModulo && rest < 0 && b > 0 ? rest + b : rest, from: common, to: scale)
            }
        }
    }

    /// Division whose numerator needs 256 bits.
    private static func wideDivide(_ x: Int128, _ shift: Int, _ y: Int128, _ scale: Int) -> Int128? {
        guard shift <= 38 else { return nil }
        let product = x.magnitude.multipliedFullWidth(by: DecimalText.powersOfTen[shift].magnitude)
        guard product.high < y.magnitude else { return nil }
        let quotient = y.magnitude.dividingFullWidth(product).quotient
        guard quotient <= Int128.max.magnitude else { return nil }
        let signed = (x < 0) != (y < 0) ? -Int128(quotient) : Int128(quotient)
        return DecimalText.rescale(signed, from: scale + 1, to: scale)
    }
}
