// DISTINCT, INTERSECT and EXCEPT as streams: a row's key decides whether it passes, in the order of the rows.

import QueryCore

final class DistinctOperator: BatchSource {
    let columns: [BoundColumn]
    private let input: any BatchSource
    private let positions: [Int]
    private let grant: QueryGrant
    private var table: KeyTable
    private var reserved = 0

    init(_ keys: [ColumnID], _ input: any BatchSource, grant: QueryGrant) {
        self.input = input
        self.grant = grant
        columns = input.columns
        positions = keys.compactMap { key in input.columns.firstIndex { $0.id == key } }
        table = KeyTable(types: positions.map { input.columns[$0].type })
    }

    func next() throws(QueryError) -> Batch? {
        while let batch = try input.next() {
            var known = Int32(table.count)
            var fresh: [Int32] = []
            for (row, number) in table.assign(positions.map { batch.columns[$0] }, batch.rowCount).enumerated() where number == known {
                fresh.append(Int32(row))
                known += 1
            }
            if table.byteCount > reserved {
                try grant.reserve(table.byteCount - reserved)
                reserved = table.byteCount
            }
            if !fresh.isEmpty { return batch.take(fresh) }
        }
        grant.release(reserved)
        reserved = 0
        return nil
    }
}

/// INTERSECT and EXCEPT. With ALL, a row of the right side cancels or matches one row of the left.
final class DifferenceOperator: BatchSource {
    let columns: [BoundColumn]
    private let kind: SetKind
    private let all: Bool
    private let left: any BatchSource
    private let right: any BatchSource
    private var table: KeyTable
    private var counts: [Int] = []
    private var isBuilt = false
    private let grant: QueryGrant

    init(_ kind: SetKind, all: Bool, _ left: any BatchSource, _ right: any BatchSource, grant: QueryGrant) {
        self.kind = kind
        self.all = all
        self.left = left
        self.right = right
        self.grant = grant
        columns = left.columns
        table = KeyTable(types: left.columns.map(\.type))
    }

    private func build() throws(QueryError) {
        while let batch = try right.next() {
            let before = table.byteCount
            for number in table.assign(batch.columns, batch.rowCount) {
                if Int(number) == counts.count { counts.append(0) }
                counts[Int(number)] += 1
            }
            try grant.reserve(table.byteCount - before)
        }
        isBuilt = true
    }

    func next() throws(QueryError) -> Batch? {
        if !isBuilt { try build() }
        while let batch = try left.next() {
            var chosen: [Int32] = []
            for (row, number) in table.assign(batch.columns, batch.rowCount).enumerated() {
                let group = Int(number)
                if group == counts.count { counts.append(0) }
                if passes(group) { chosen.append(Int32(row)) }
            }
            if !chosen.isEmpty { return batch.take(chosen) }
        }
        return nil
    }

    /// Counts below zero mark keys already given out.
    private func passes(_ group: Int) -> Bool {
        let count = counts[group]
        if all {
            if count > 0 { counts[group] -= 1 }
            return (count > 0) == (kind == .intersect)
        }
        counts[group] = -1
        return count >= 0 && (count > 0) == (kind == .intersect)
    }
}
