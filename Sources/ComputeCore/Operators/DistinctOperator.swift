// DISTINCT, INTERSECT and EXCEPT as streams: a row's key decides whether it passes, in the order of the rows. DISTINCT puts rows of keys
// beyond its memory on disk and gives theirs in the end.

import QueryCore

final class DistinctOperator: BatchSource {
    let columns: [BoundColumn]
    private let positions: [Int]
    private let grant: QueryGrant
    private let files: (any SpillFiles)?
    private var input: any BatchSource
    private var table: KeyTable
    private var reserved = 0
    private var level = 0
    /// Rows of keys that the full table does not know; their parts are done after the input, each as an input of its own.
    private var spilled: SpilledParts?
    private var work: [(input: any BatchSource, level: Int)] = []

    init(_ keys: [ColumnID], _ input: any BatchSource, _ context: QueryContext) {
        self.input = input
        grant = context.grant
        files = context.spill
        columns = input.columns
        positions = keys.compactMap { key in input.columns.firstIndex { $0.id == key } }
        table = KeyTable(types: positions.map { input.columns[$0].type })
    }

    func next() throws(QueryError) -> Batch? {
        repeat {
            while let batch = try input.next() {
                try grant.check()
                let fresh = spilled == nil ? try freshRows(batch) : []
                if let spilled, fresh.isEmpty { try put(batch, in: spilled) }
                if !fresh.isEmpty { return batch.take(fresh) }
            }
        } while try startPart()
        return nil
    }

    private func keys(_ batch: Batch) -> [Column] { positions.map { batch.columns[$0] } }

    private func freshRows(_ batch: Batch) throws(QueryError) -> [Int32] {
        var known = Int32(table.count)
        var fresh: [Int32] = []
        for (row, number) in table.assign(keys(batch), batch.rowCount).enumerated() where number == known {
            fresh.append(Int32(row))
            known += 1
        }
        let more = table.byteCount - reserved
        guard more > 0 else { return fresh }
        if let files, level < SpilledParts.levelsMax {
            if try !grant.reserveUnlessFull(more, held: reserved) {
                grant.count(more)
                spilled = try SpilledParts(schema, level: level, blockBytes: grant.spillBlockBytes, files)
            }
        } else {
            try grant.reserve(more)
        }
        reserved = table.byteCount
        return fresh
    }

    private func put(_ batch: Batch, in spilled: SpilledParts) throws(QueryError) {
        let numbers = table.find(keys(batch), batch.rowCount)
        let unknown = batch.take(numbers.indices.filter { numbers[$0] < 0 }.map { Int32($0) })
        if unknown.rowCount > 0 { try spilled.append(unknown, keys: keys(unknown)) }
    }

    /// Goes on with the next part on disk; false after the last.
    private func startPart() throws(QueryError) -> Bool {
        if let spilled {
            try spilled.finish()
            for part in 0..<SpilledParts.partCount {
                let source = spilled.source(part, columns)
                if !source.isEmpty { work.append((source, level + 1)) }
            }
        }
        spilled = nil
        grant.release(reserved)
        reserved = 0
        table = KeyTable(types: positions.map { columns[$0].type })
        guard let next = work.popLast() else { return false }
        (input, level) = next
        return true
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
