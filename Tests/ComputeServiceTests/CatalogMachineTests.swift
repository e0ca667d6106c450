// The catalog's state machine: its refusals, the forms of its commands and records, and the law of every machine, that loading the rows of
// an executed log gives the state of the log.
import Base
import CatalogCore
import Testing

@Suite struct CatalogMachineTests {
    /// A machine, and its rows as SQLite would hold them.
    struct World {
        var machine = CatalogMachine()
        var rows: [String: [Row: Row]] = [:]
        var slot: Int64 = 0

        @discardableResult mutating func run(_ command: CatalogCommand) throws -> CatalogOutcome {
            let bytes = try CatalogMachine.encode(command)
            #expect(try CatalogMachine.decode(bytes) == command)
            slot += 1
            var changes = RowChanges()
            let outcome = machine.apply(
                command, at: ApplyPosition(slot: Slot(slot), time: WallTime(milliseconds: slot * 1000)), rows: &changes)
            if case .failure = outcome { #expect(changes.isEmpty, "a refused command changes nothing") }
            for change in changes.changes {
                switch change {
                case .upsert(let table, let row):
                    let keyCount = CatalogMachine.tables.first { $0.name == table }?.keyCount ?? 0
                    rows[table, default: [:]][Array(row.prefix(keyCount))] = row
                case .delete(let table, let key): rows[table]?[key] = nil
                }
            }
            return outcome
        }

        func loaded() throws -> CatalogMachine {
            var machine = CatalogMachine()
            for table in CatalogMachine.tables {
                for row in (rows[table.name] ?? [:]).values { try machine.load(row, of: table) }
            }
            try machine.finishLoading(applied: Slot(slot))
            return machine
        }
    }

    static func contents(_ machine: CatalogMachine) -> [String] {
        machine.databaseNames.flatMap { name in ["\(machine.database(name)!)"] + machine.tables(of: name).map { "\($0)" } }
    }

    static func table(_ database: String, _ name: String, _ kind: CatalogTable.Kind = .managed) -> CatalogTable {
        var table = CatalogTable()
        (table.database, table.name, table.kind, table.format, table.location) = (database, name, kind, "parquet", "/w/\(name)")
        table.columns = [CatalogColumn("a", type: "int", nullable: false, comment: "é"), CatalogColumn("p", type: "struct<x: int>")]
        table.partitionColumns = ["p"]
        table.properties = [CatalogProperty("k", "")]
        if kind == .view { (table.query.text, table.query.database, table.query.columns) = ("SELECT 1", "default", ["1"]) }
        return table
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func loadedRowsAreTheStateOfTheLog(seed: UInt64) throws {
        var random = Prng(seed: seed)
        var world = World()
        let names = ["a", "b", "c"]
        for _ in 0..<400 {
            let (database, name) = (names[random.below(3)], names[random.below(3)])
            let known = world.machine.table(database, name)
            switch random.below(9) {
            case 0: try world.run(.createDatabase(CatalogDatabase(name: database, location: "/w"), unlessExists: random.below(2) == 0))
            case 1: try world.run(.dropDatabase(database, cascade: random.below(2) == 0))
            case 2: try world.run(.changeDatabase(CatalogDatabase(name: database, comment: "c", location: "/v")))
            case 3: try world.run(.dropTable(known?.id ?? 7))
            case 4: try world.run(.renameTable(known?.id ?? 7, database: names[random.below(3)], name: names[random.below(3)]))
            case 5:
                guard var changed = known else { continue }
                changed.comment = "changed"
                if random.below(3) == 0 { changed.stamp.version -= 1 }
                try world.run(.changeTable(changed))
            default:
                let kind: CatalogTable.Kind = random.below(2) == 0 ? .view : .external
                try world.run(.createTable(Self.table(database, name, kind), replacing: random.below(2) == 0 ? 0 : known?.id ?? 0))
            }
            let loaded = try world.loaded()
            #expect(Self.contents(loaded) == Self.contents(world.machine) && loaded.bytes == world.machine.bytes)
        }
    }

    @Test func definitionsAreLimitedInBytes() throws {
        var world = World()
        try world.run(.createDatabase(CatalogDatabase(name: "d", location: "/w"), unlessExists: false))
        var table = Self.table("d", "t")
        table.comment = String(repeating: "x", count: CatalogMachine.recordBytesMax)
        let outcome = try world.run(.createTable(table, replacing: 0))
        guard case .failure(.limit) = outcome else {
            Issue.record("\(outcome)")
            return
        }
    }

    @Test func twoChangesOfOneVersionDoNotOverwriteEachOther() throws {
        var world = World()
        try world.run(.createDatabase(CatalogDatabase(name: "d", location: "/w"), unlessExists: false))
        let made = try world.run(.createTable(Self.table("d", "t"), replacing: 0)).get()
        let table = try #require(made)
        #expect(table.id == 2 && table.stamp.created.milliseconds == 2000)
        #expect(try world.run(.changeTable(table)) != .failure(.tableChanged))
        #expect(try world.run(.changeTable(table)) == .failure(.tableChanged))
        #expect(try world.run(.createTable(Self.table("d", "t"), replacing: 0)) == .failure(.tableExists(database: "d", name: "t")))
        #expect(try world.run(.createTable(Self.table("x", "t"), replacing: 0)) == .failure(.noDatabase("x")))
        #expect(try world.run(.dropDatabase("d", cascade: false)) == .failure(.databaseNotEmpty("d")))
        try world.run(.dropTable(table.id))
        #expect(try world.run(.dropTable(table.id)) == .failure(.tableIsGone))
    }
}
