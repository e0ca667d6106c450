// ROLLUP, CUBE and GROUPING SETS: each row of the input stands once for each set, with the keys that the set leaves out as null, and the
// number of the set is a key too. So one aggregation makes the groups of all sets, and the input is read once.

struct GroupingSets {
    /// Sets of one query.
    private static let setsMax = 4096

    /// All keys, once each.
    private(set) var keys: [Expression] = []
    /// Positions of the keys of each set.
    private(set) var sets: [[Int]] = [[]]

    /// Nil if the GROUP BY has none of these forms.
    init?(_ groups: [Expression]) throws(QueryError) {
        guard groups.contains(where: { Self.form($0) != nil }) else { return nil }
        for group in groups {
            guard let form = Self.form(group), case .call(_, let items, _) = group else {
                let position = position(of: group)
                sets = sets.map { $0 + [position] }
                continue
            }
            let elements = items.map { item in Self.parts(item).map { position(of: $0) } }
            let alternatives: [[Int]]
            switch form {
            case .rollup: alternatives = (0...elements.count).reversed().map { Array(elements.prefix($0).joined()) }
            case .cube:
                guard elements.count <= 12 else { throw QueryError(.groupingSizeLimit, ["maxSize": "12"]) }
                alternatives = (0..<1 << elements.count).map { mask in
                    elements.indices.filter { mask >> (elements.count - 1 - $0) & 1 == 0 }.flatMap { elements[$0] }
                }
            case .sets: alternatives = elements
            }
            guard sets.count * alternatives.count <= Self.setsMax else { throw QueryError(.groupingSizeLimit, ["maxSize": "12"]) }
            sets = sets.flatMap { set in alternatives.map { set + $0 } }
        }
        guard keys.count < 64 else { throw QueryError(.groupingSizeLimit, ["maxSize": "64"]) }
    }

    private enum Form: String {
        case rollup, cube
        case sets = "grouping sets"
    }

    private static func form(_ expression: Expression) -> Form? {
        guard case .call(let name, _, _) = expression else { return nil }
        return Form(rawValue: name.lowercased())
    }

    /// `(a, b)` is a set of two keys, `()` of none.
    private static func parts(_ expression: Expression) -> [Expression] {
        if case .call("struct", let items, _) = expression { return items }
        return [expression]
    }

    private mutating func position(of key: Expression) -> Int {
        if let known = keys.firstIndex(of: key) { return known }
        keys.append(key)
        return keys.count - 1
    }

    /// The bits of `grouping_id`: the first key has the highest, set where the set leaves it out.
    func id(_ set: [Int]) -> Int64 {
        keys.indices.reduce(Int64(0)) { $0 << 1 | (set.contains($1) ? 0 : 1) }
    }
}

/// What a SELECT block needs of its grouping sets.
struct GroupingExpansion {
    let sets: [[Int]]
    let ids: [Int64]
    /// The keys over the input.
    let keys: [BoundExpression]
    /// The keys of a row in one set; nulls where the set leaves them out.
    let columns: [BoundColumn]
    /// The number of the set, and the bits of the keys that it leaves out.
    let number: BoundColumn
    let id: BoundColumn

    /// The rows of the input, once for each set.
    func plan(_ input: BoundPlan) -> BoundPlan {
        let rows = zip(sets.indices, ids).map { number, id in [BoundExpression.literal(.int(Int32(number))), .literal(.long(id))] }
        let crossed = BoundPlan.join(.cross, input, .rows(rows, [number, id]), condition: nil)
        var outputs = crossed.output.map { BoundOutput(expression: .column($0), column: $0) }
        for (index, column) in columns.enumerated() {
            let holding = sets.indices.filter { sets[$0].contains(index) }.map { BoundExpression.literal(.int(Int32($0))) }
            let missing = BoundExpression.cast(.literal(.null), to: column.type, isTry: false)
            let isHeld = BoundBranch(condition: .inList(.column(number), holding), result: keys[index])
            let value = holding.isEmpty ? missing : .caseWhen([isHeld], otherwise: missing, type: column.type)
            outputs.append(BoundOutput(expression: value, column: column))
        }
        return .project(outputs, crossed)
    }

    /// Whether the key at a position is left out: 1 or 0 as a tinyint.
    func bit(_ position: Int) -> BoundExpression {
        let unit = BoundExpression.literal(.long(1 << Int64(keys.count - 1 - position)))
        let shifted = BoundExpression.call(.integralDivide, [.column(id), unit], type: .long)
        return .cast(.call(.remainder, [shifted, .literal(.long(2))], type: .long), to: .byte, isTry: false)
    }
}
