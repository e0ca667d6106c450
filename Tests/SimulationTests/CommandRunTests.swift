// Commands with boundary values straight to the cores, on some seeds; `platform-sim` runs many more.
import Base
import BrokerCore
import CatalogCore
import CoordCore
import DFSCore
import Simulator
import Testing

@Suite struct CommandRunTests {
    @Test(arguments: UInt64(1)...4) func coordTakesAnyCommand(_ seed: UInt64) throws {
        var run = CommandRun<CoordMachine>(seed: seed, edges: CommandEdges.coord)
        #expect(try run.run(commands: 1500).changing > 100)
    }

    @Test(arguments: UInt64(1)...4) func theBrokerTakesAnyCommand(_ seed: UInt64) throws {
        var run = CommandRun<BrokerMachine>(seed: seed, edges: CommandEdges.broker)
        #expect(try run.run(commands: 1500).changing > 100)
    }

    @Test(arguments: UInt64(1)...4) func dfsTakesAnyCommand(_ seed: UInt64) throws {
        var run = CommandRun<DFSMachine>(seed: seed, edges: CommandEdges.dfs)
        // Most name what is not there and are refused.
        #expect(try run.run(commands: 3000).changing > 20)
    }

    @Test(arguments: UInt64(1)...4) func theCatalogTakesAnyCommand(_ seed: UInt64) throws {
        var run = CommandRun<CatalogMachine>(seed: seed, edges: CommandEdges.catalog)
        #expect(try run.run(commands: 1500).changing > 100)
    }

    @Test func aStateThatIsNotInTheTablesIsNoticed() throws {
        #expect(throws: LawBroken.self) {
            var run = CommandRun<Forgetful>(
                seed: 1, edges: SampleEdges(words: ["a"], payloads: [], numbers: [1], bytesMax: 8, elementsMax: 2))
            _ = try run.run(commands: 200)
        }
    }
}

/// A machine that breaks the law on purpose: its count is in no table.
private struct Forgetful: StateMachine {
    struct Command: WireLayout {
        var word = ""
        mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.string(&word) }
    }
    static let words = TableSchema("words", key: [.init("number", .integer)], values: [])
    static var tables: [TableSchema] { [words] }
    private var count: Int64 = 0

    mutating func apply(_ command: Command, at position: ApplyPosition, rows: inout RowChanges) {
        count += 1
        rows.upsert(Self.words, [.integer(count)])
    }
    mutating func load(_ row: Row, of table: TableSchema) throws(StateCorruption) {}
    mutating func finishLoading(applied: Slot) throws(StateCorruption) {}
}
