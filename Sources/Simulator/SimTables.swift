// Tables in memory with SQLite's promise: a transaction is whole or absent, and a crash takes back the newest ones that no checkpoint has
// made durable. Like the real store they have checksums: damaged tables are not read. Passes the same contract suite as the real store.
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
    /// The damage done by the disk, if any.
    private var damage: String?
    /// Whether damage is noticed; otherwise damaged values are read as if written so.
    package var checksPages = true

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
            guard let schema = schemas.first(where: { $0.name == table }) else {
                preconditionFailure("rows are written to declared tables only")
            }
            state.rows[table, default: [:]][Array(row.prefix(schema.keyCount))] = row
        case .delete(let table, let key): state.rows[table]?[key] = nil
        }
    }

    package func forEachRow(of table: TableSchema, _ visit: (Row) throws(StateCorruption) -> Void) throws {
        if let damage, checksPages { throw StorageError(.corrupt(damage), "read", table.name) }
        let rows = state.rows[table.name] ?? [:]
        for key in rows.keys.sorted(by: Self.precedes) { if let row = rows[key] { try visit(row) } }
    }

    package func checkpoint() -> Slot {
        states.removeFirst(states.count - 1)
        return state.applied
    }

    /// Takes over a copy of another store, durably.
    package func install(_ state: State) { states = [state] }

    /// Restarts empty, as when a damaged file is set aside.
    package func setAside() { (states, damage) = ([State()], nil) }

    package var isDamaged: Bool { damage != nil }

    /// An independent store with the same state.
    package func copy() -> SimTables {
        let next = SimTables(tables: schemas)
        (next.states, next.damage, next.checksPages) = (states, damage, checksPages)
        return next
    }

    /// The store after the power came back: any number of the newest transactions may be gone, each as a whole.
    package func afterCrash(_ random: inout Prng) -> SimTables {
        let next = SimTables(tables: schemas)
        next.states = [states[random.below(states.count)]]
        (next.damage, next.checksPages) = (damage, checksPages)
        return next
    }

    /// The store with one bit of one value flipped, as a disk may do at rest; nil if there is nothing to flip.
    package func withFlippedBit(_ random: inout Prng) -> SimTables? {
        let filled = schemas.filter { $0.keyCount < $0.columns.count && !(state.rows[$0.name] ?? [:]).isEmpty }
        guard !filled.isEmpty else { return nil }
        let table = filled[random.below(filled.count)]
        let keys = (state.rows[table.name] ?? [:]).keys.sorted(by: Self.precedes)
        let key = keys[random.below(keys.count)]
        guard var row = state.rows[table.name]?[key] else { return nil }
        let column = table.keyCount + random.below(row.count - table.keyCount)
        guard let flipped = Self.flipped(row[column], &random) else { return nil }
        row[column] = flipped
        let next = SimTables(tables: schemas)
        next.states = [state]
        next.states[0].rows[table.name]?[key] = row
        next.damage = "a bit of \(table.columns[column].name) is another one"
        return next
    }

    private static func flipped(_ value: ColumnValue, _ random: inout Prng) -> ColumnValue? {
        switch value {
        case .null: return nil
        case .integer(let number): return .integer(number ^ (1 << Int64(random.below(63))))
        case .text(let text):
            guard !text.isEmpty else { return nil }
            var bytes = Array(text.utf8)
            bytes[random.below(bytes.count)] ^= 1
            return .text(String(decoding: bytes, as: UTF8.self))
        case .blob(let blob):
            guard blob.readableBytes > 0 else { return nil }
            var bytes = blob.array
            bytes[random.below(bytes.count)] ^= UInt8(1 << random.below(8))
            return .blob(Bytes(bytes: bytes[...]))
        }
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
