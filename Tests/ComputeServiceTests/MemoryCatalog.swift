// A catalog in memory in place of the replica: the same machine, without a log. Its rows are kept, so that tests can load them again.
import Base
import CatalogCore
import Synchronization

@testable import ComputeService

final class MemoryCatalog: CatalogStore {
    private let machine = Mutex(CatalogMachine())
    private let slot = Atomic<Int64>(0)
    let warehouse: String

    init(warehouse: String) {
        self.warehouse = warehouse
        _ = execute(.createDatabase(CatalogDatabase(name: "default", comment: "default database", location: warehouse), unlessExists: true))
    }

    var state: CatalogMachine { machine.withLock { $0 } }

    func execute(_ command: CatalogCommand) -> CatalogOutcome {
        let position = ApplyPosition(slot: Slot(slot.wrappingAdd(1, ordering: .relaxed).newValue), time: .zero)
        var rows = RowChanges()
        return machine.withLock { $0.apply(command, at: position, rows: &rows) }
    }
}
