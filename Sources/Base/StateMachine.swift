// A service's core, as the replica pump sees it: a deterministic function of its command log, and the rows that hold its state.
// The law of every machine: load(tables(apply(log))) == apply(log).

/// A command's place in the log and its time; the proposer stamped the time, so every replica sees the same.
public struct ApplyPosition: Sendable, Hashable {
    public var slot: Slot
    public var time: WallTime
    public init(slot: Slot, time: WallTime) {
        self.slot = slot
        self.time = time
    }
}

/// A service's rules as a deterministic state machine.
public protocol StateMachine {
    associatedtype Command: WireLayout
    associatedtype Outcome: Sendable
    /// The tables that hold the whole durable state.
    static var tables: [TableSchema] { get }
    init()
    /// Executes a committed command. Same state, command and position give the same outcome and rows on every replica.
    mutating func apply(_ command: Command, at position: ApplyPosition, rows: inout RowChanges) -> Outcome
    /// The log has these members of the replicated group from this position on. A machine whose state names them changes it here and
    /// returns the outcome; other machines do nothing.
    mutating func noteMembers(_ roster: Roster, at position: ApplyPosition, rows: inout RowChanges) -> Outcome?
    /// Adds the present rows that `apply` only marked as changed to `rows`. Called before the rows go to the tables.
    mutating func completeRows(_ rows: inout RowChanges)
    /// About `count` rows are going to be loaded.
    mutating func expectRows(_ count: Int)
    /// Takes one row back, table by table in the order of `tables`, rows in key order.
    mutating func load(_ row: Row, of table: TableSchema) throws(StateCorruption)
    /// Called once after the last row.
    mutating func finishLoading(applied: Slot) throws(StateCorruption)
    /// A command's bytes in the log, and back. A machine with its own copy of these two, written as the defaults are, has them compiled for
    /// its command; the defaults are generic over modules. hot: `platform-bench coord`.
    static func encode(_ command: Command) throws(WireError) -> Bytes
    static func decode(_ bytes: Bytes) throws(WireError) -> Command
}

extension StateMachine {
    public mutating func noteMembers(_ roster: Roster, at position: ApplyPosition, rows: inout RowChanges) -> Outcome? { nil }
    public mutating func completeRows(_ rows: inout RowChanges) {}
    public mutating func expectRows(_ count: Int) {}
    public static func encode(_ command: Command) throws(WireError) -> Bytes { try command.encoded(as: DurableDialect.self) }
    public static func decode(_ bytes: Bytes) throws(WireError) -> Command { try Command(decoding: bytes, as: DurableDialect.self) }
}

/// A stored state that contradicts itself; the replica refuses to start.
public struct StateCorruption: Error, Sendable, CustomStringConvertible {
    public var description: String
    public init(_ description: String) { self.description = description }
}

/// A table of SQLite.
public struct TableSchema: Sendable, Hashable {
    public enum ColumnType: String, Sendable { case integer = "INTEGER", text = "TEXT", blob = "BLOB" }
    public struct Column: Sendable, Hashable {
        public var name: String
        public var type: ColumnType
        public init(_ name: String, _ type: ColumnType) {
            self.name = name
            self.type = type
        }
    }
    public var name: String
    public var columns: [Column]
    /// The first `keyCount` columns are the primary key.
    public var keyCount: Int

    public init(_ name: String, key: [Column], values: [Column]) {
        self.name = name
        columns = key + values
        keyCount = key.count
    }
}

/// A value in a row.
public enum ColumnValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case text(String)
    case blob(Bytes)

    /// Compares texts by their bytes: as keys of rows two texts that look alike differ.
    public static func == (left: ColumnValue, right: ColumnValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.integer(let one), .integer(let other)): one == other
        case (.text(let one), .text(let other)): one.hasSameBytes(as: other)
        case (.blob(let one), .blob(let other)): one == other
        default: false
        }
    }

    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: break
        case .integer(let value): hasher.combine(value)
        case .text(var text): text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }  // read within the call
        case .blob(let value): hasher.combine(value)
        }
    }

    public var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    public var text: String? { if case .text(let value) = self { value } else { nil } }
    public var blob: Bytes? { if case .blob(let value) = self { value } else { nil } }
}

/// A row, its values in the order of the table's columns.
public typealias Row = [ColumnValue]

/// The changes of one command, in order.
public struct RowChanges: Sendable {
    public enum Change: Sendable, Hashable {
        case upsert(table: String, row: Row)
        /// `key` holds the key columns only.
        case delete(table: String, key: Row)
    }
    public private(set) var changes: [Change] = []
    public init() {}
    public var isEmpty: Bool { changes.isEmpty }
    public mutating func upsert(_ table: TableSchema, _ row: Row) {
        assert(row.count == table.columns.count, "a row of \(table.name) has \(table.columns.count) columns")
        changes.append(.upsert(table: table.name, row: row))
    }
    public mutating func delete(_ table: TableSchema, key: Row) {
        assert(key.count == table.keyCount, "a key of \(table.name) has \(table.keyCount) columns")
        changes.append(.delete(table: table.name, key: key))
    }
    public mutating func append(_ other: RowChanges) { changes.append(contentsOf: other.changes) }
}
