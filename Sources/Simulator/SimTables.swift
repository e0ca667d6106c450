// Tables in memory with SQLite's promise: a transaction is whole or absent, and a crash takes back the newest ones that no checkpoint
// has made durable. Passes the same contract suite as the real store.
import Base

/// A simulated table store.
package final class SimTables: TableStore {
    /// A state of all tables. Rows by table and key, in key order when read.
    package struct State: Equatable, Sendable {
        package var rows: [String: [Row: Row]] = [:]
        package var applied = Slot.zero
    }
    private let schemas: [TableSchema]
    private var states: [State]

    package init(tables: [TableSchema]) {
        schemas = tables
        states = [State()]
    }

    package var state: State { states[states.count - 1] }

    package func appliedSlot() -> Slot { state.applied }

    package func commit(_ changes: [RowChanges.Change], applied: Slot) {
        var next = state
        for change in changes { Self.apply(change, schemas, to: &next) }
        next.applied = applied
        states.append(next)
    }

    package static func apply(_ change: RowChanges.Change, _ schemas: [TableSchema], to state: inout State) {
        switch change {
        case .upsert(let table, let row):
            guard let schema = schemas.first(where: { $0.name == table }) else { preconditionFailure("rows are written to declared tables only") }
            state.rows[table, default: [:]][Array(row.prefix(schema.keyCount))] = row
        case .delete(let table, let key): state.rows[table]?[key] = nil
        }
    }

    package func forEachRow(of table: TableSchema, _ visit: (Row) throws(StateCorruption) -> Void) throws {
        let rows = state.rows[table.name] ?? [:]
        for key in rows.keys.sorted(by: Self.precedes) { if let row = rows[key] { try visit(row) } }
    }

    package func checkpoint() -> Slot {
        states.removeFirst(states.count - 1)
        return state.applied
    }

    /// Takes over a copy of another store, durably.
    package func install(_ state: State) { states = [state] }

    /// The store after the power came back: any whole number of the newest transactions may be gone.
    package func afterCrash(_ random: inout Prng) -> SimTables {
        let next = SimTables(tables: schemas)
        next.states = [states[random.below(states.count)]]
        return next
    }

    /// SQLite's order of values: null, integers, texts, blobs.
    private static func precedes(_ left: Row, _ right: Row) -> Bool {
        for (a, b) in zip(left, right) where a != b {
            switch (a, b) {
            case (.null, _): return true
            case (_, .null): return false
            case (.integer(let x), .integer(let y)): return x < y
            case (.integer, _): return true
            case (_, .integer): return false
            case (.text(let x), .text(let y)): return x.utf8.lexicographicallyPrecedes(y.utf8)
            case (.text, _): return true
            case (_, .text): return false
            case (.blob(let x), .blob(let y)): return x.precedes(y)
            }
        }
        return left.count < right.count
    }
}
