// Commands straight to a core, with boundary values in every field: the entries that a faulty or hostile server could put into the log.
// Laws: apply is total, a command has one form in the log, replicas that execute the same commands have the same tables, and a core loaded
// from its tables behaves as one that was not.
import Base
import BrokerCore
import CatalogCore
import CoordCore
import DFSCore

/// One core under random commands.
package struct CommandRun<Machine: StateMachine> {
    /// The results of a run.
    package struct Summary: Sendable {
        /// Executed commands.
        package var applied = 0
        /// Rows in all tables at the end.
        package var rows = 0
        /// Commands that changed the tables.
        package var changing = 0
    }
    private let seed: UInt64
    private let edges: SampleEdges
    private var random: Prng
    /// Executes every command from the first on.
    private var first = Machine()
    /// Is reloaded from the tables now and then.
    private var second = Machine()
    private var firstTables = SimTables.State()
    private var secondTables = SimTables.State()
    private var position = ApplyPosition(slot: .zero, time: WallTime(milliseconds: 1_700_000_000_000))
    /// Draws for one command: most tags are unassigned.
    private static var drawsMax: Int { 1000 }

    package init(seed: UInt64, edges: SampleEdges) {
        self.seed = seed
        self.edges = edges
        random = Prng(seed: seed)
    }

    /// Throws LawBroken.
    package mutating func run(commands: Int) throws -> Summary {
        var summary = Summary()
        for place in 0..<commands {
            guard let command = draw() else { throw LawBroken(seed, "no command was drawn in \(Self.drawsMax) tries") }
            if try execute(command) { summary.changing += 1 }
            summary.applied += 1
            if place % 64 == 63 { try restart() }
        }
        try restart()
        summary.rows = firstTables.rows.values.reduce(0) { $0 + $1.count }
        return summary
    }

    private mutating func draw() -> Machine.Command? {
        for _ in 0..<Self.drawsMax {
            var sampler = FieldSampler(seed: random.next(), edges: edges)
            var command = Machine.Command()
            // A tag without a command is drawn again.
            if (try? command.layout(&sampler)) != nil { return command }
        }
        return nil
    }

    /// Whether the command changed rows.
    private mutating func execute(_ command: Machine.Command) throws -> Bool {
        position.slot = Slot(position.slot.rawValue + 1)
        // The leading server's clock may show any time, and be set back.
        position.time =
            random.below(50) == 0
            ? WallTime(milliseconds: edge()) : WallTime(milliseconds: position.time.milliseconds.addingClamped(Int64(random.below(5000))))
        let written = try Machine.encode(command)
        let read = try Machine.decode(written)
        guard try Machine.encode(read) == written else {
            throw LawBroken(seed, "a command has two forms in the log: \(Self.short(command))")
        }
        let one = Self.apply(command, position, &first, &firstTables)
        let other = Self.apply(read, position, &second, &secondTables)
        if let outcome = one.outcome as? any Equatable, !Self.equal(outcome, other.outcome) {
            throw LawBroken(
                seed, "two replicas answer \(Self.short(command)) with \(Self.short(one.outcome)) and \(Self.short(other.outcome))")
        }
        // Equal tables stay equal under equal changes; a replica may rewrite an unchanged row.
        if Set(one.changes) != Set(other.changes), let difference = difference() {
            throw LawBroken(seed, "after \(Self.short(command)) two replicas differ: \(difference)")
        }
        return !one.changes.isEmpty
    }

    private func edge() -> Int64 { [Int64.min, -1, 0, 1, 1 << 53, .max][Int(position.slot.rawValue) % 6] }

    private static func apply(
        _ command: Machine.Command, _ position: ApplyPosition, _ machine: inout Machine, _ tables: inout SimTables.State
    )
        -> (outcome: Machine.Outcome, changes: [RowChanges.Change])
    {
        var rows = RowChanges()
        let outcome = machine.apply(command, at: position, rows: &rows)
        machine.completeRows(&rows)
        for change in rows.changes { SimTables.apply(change, Machine.tables, to: &tables) }
        return (outcome, rows.changes)
    }

    /// Reloads the second replica from its tables.
    private mutating func restart() throws {
        let stored = SimTables(tables: Machine.tables)
        stored.install(secondTables)
        var loaded = Machine()
        loaded.expectRows(secondTables.rows.values.reduce(0) { $0 + $1.count })
        do {
            for table in Machine.tables {
                try stored.forEachRow(of: table) { row throws(StateCorruption) in try loaded.load(row, of: table) }
            }
            try loaded.finishLoading(applied: position.slot)
        } catch { throw LawBroken(seed, "its own tables are refused: \(error)") }
        second = loaded
    }

    private func difference() -> String? {
        let (one, other) = (firstTables.rows, secondTables.rows)
        guard one != other else { return nil }
        for table in Machine.tables {
            let (left, right) = (one[table.name] ?? [:], other[table.name] ?? [:])
            for key in Set(left.keys).union(right.keys) where left[key] != right[key] {
                return "\(table.name) \(Self.short(key)): \(Self.short(left[key] as Any)) and \(Self.short(right[key] as Any))"
            }
        }
        // A table without rows counts as absent.
        return nil
    }

    private static func equal<E: Equatable>(_ one: E, _ other: Any) -> Bool { other as? E == one }

    private static func short(_ value: Any) -> String { String(decoding: "\(value)".utf8.prefix(600), as: UTF8.self) }
}

/// The sample values for the commands of each core.
package enum CommandEdges {
    private static let tags = (Int64(0)...24).map { $0 }

    package static let coord = SampleEdges(
        words: [
            "/", "/a", "/a/b", "/a/b/c", "/q", "/q/x", "/e\u{301}", "/zookeeper", "/zookeeper/quota", "/zookeeper/quota/q",
            "/zookeeper/quota/q/zookeeper_limits",
            "/zookeeper/quota/q/zookeeper_stats", "world", "anyone", "auth", "digest", "ann:hash", "ip", "127.0.0.1", "sasl",
        ],
        payloads: [
            "count=9223372036854775807,bytes=9223372036854775807", "count=-9223372036854775808,bytes=-1",
            "count=1,bytes=1=;byteHardLimit=1;countHardLimit=1",
        ].map { Bytes(string: $0) },
        numbers: tags + [-1, 31, 31, 31], bytesMax: 2000, elementsMax: 40)

    package static let broker = SampleEdges(
        words: [
            "a", "b", "events", "group", "ann", "User:ann", "*", "retention.ms", "cleanup.policy", "compact", "segment.bytes",
            "min.insync.replicas", "127.0.0.1", "-1", "1", "K", "\u{212A}", "\u{E9}", "e\u{301}",
        ],
        payloads: ["1", "-1", "9223372036854775807", "compact"].map { Bytes(string: $0) }, numbers: tags + [-1, 1000, 1 << 30],
        bytesMax: 2000, elementsMax: 40)

    package static let dfs = SampleEdges(
        words: [
            "/", "/a", "/a", "/a", "/a/b", "/a/b/c", "/d", "/d", "/d/e", "/d/e", "/.reserved", "ann", "staff", "user.x", "writer", "writer",
            "user:ann:rwx",
            "default:group::r-x",
        ], payloads: [Bytes(string: "x")],
        numbers: (Int64(1)...13).map { $0 } + (Int64(16_386)...16_390).map { $0 } + [Int64](repeating: 1 << 20, count: 8) + [
            1, 1, 2, 0o755, 0o777, -1,
        ],
        bytesMax: 2000, elementsMax: 40)

    package static let catalog = SampleEdges(
        words: ["d", "d", "d", "e", "t", "t", "t", "u", "a.b", "a", "b.c", "c", "e\u{301}", "\u{E9}", "", "/w/d"], payloads: [],
        numbers: (Int64(1)...7).map { $0 } + (Int64(1)...7).map { $0 } + [0, 0, 0, 0, 8, 9, 10, 11, 12, 20, 30, 40],
        bytesMax: 2000, elementsMax: 20)
}
