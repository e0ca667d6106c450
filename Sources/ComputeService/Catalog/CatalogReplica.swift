// The catalog on compute's own replica: a log that is synced before anything is acknowledged, and tables in SQLite, as in the other
// services. Queries read a copy of the state, so that no query waits for the loop.
import Base
import CatalogCore
import Foundation
import Logging
import NetKit
import Replication
import Storage
import Synchronization

package final class CatalogReplica: CatalogStore {
    private let replica: ReplicaHost<CatalogMachine>
    private let loop: NIOServiceLoop
    private let present: Mutex<CatalogMachine>
    package let warehouse: String

    private init(_ replica: ReplicaHost<CatalogMachine>, _ loop: NIOServiceLoop, _ state: CatalogMachine, warehouse: String) {
        self.replica = replica
        self.loop = loop
        self.warehouse = warehouse
        present = Mutex(state)
    }

    /// Opens or makes the catalog in `directory`, with its default database in `warehouse`. Throws StorageError.
    package static func open(directory: String, warehouse: String, metrics: MetricsRegistry, log: Logger) async throws -> CatalogReplica {
        let loop = NIOServiceLoop(turns: metrics.loopTurns("compute"))
        do {
            let replica = try await ReplicaHost<CatalogMachine>.open(
                ReplicaOptions(directory: directory, name: "catalog"), loop: loop, time: SystemTime(), log: log)
            let catalog = CatalogReplica(replica, loop, await replica.read { $0 }, warehouse: warehouse)
            do {
                try await catalog.settleDefaultDatabase()
                return catalog
            } catch {
                await replica.stop()
                throw error
            }
        } catch {
            try await loop.stop()
            throw error
        }
    }

    /// The default database is where the settings say; tables that exist stay where they are.
    private func settleDefaultDatabase() async throws {
        let name = CatalogNames.defaultDatabase
        var database = state.database(name) ?? CatalogDatabase(name: name, comment: "default database", location: "")
        guard database.location != warehouse else { return }
        let isNew = database.location.isEmpty
        database.location = warehouse
        _ = try await replica.propose(isNew ? .createDatabase(database, unlessExists: true) : .changeDatabase(database)).get()
        let changed = await replica.read { $0 }
        present.withLock { $0 = changed }
    }

    package var state: CatalogMachine { present.withLock { $0 } }

    /// The reason why changes are refused at present, or nil; safe from any thread.
    package var trouble: String? { replica.trouble }

    private final class Answer: Sendable {
        let outcome = Mutex<Result<CatalogOutcome, ReplicaRefusal>?>(nil)
        let isThere = DispatchSemaphore(value: 0)
    }

    package func execute(_ command: CatalogCommand) throws -> CatalogOutcome {
        let answer = Answer()
        loop.execute {
            self.replica.propose(command) { result in
                // The copy is in place before the caller goes on, so that a session sees its own changes.
                self.present.withLock { $0 = self.replica.machine }
                answer.outcome.withLock { $0 = result }
                answer.isThere.signal()
            }
        }
        // The replica answers every proposal, also at its stop.
        answer.isThere.wait()
        guard let result = answer.outcome.withLock({ $0 }) else { preconditionFailure("the answer is there before its signal") }
        do { return try result.get() } catch {
            throw SparkError(
                "INTERNAL_ERROR", sqlState: "XX000", kind: .runtime,
                "The catalog takes no changes at present: \(trouble ?? "\(error)"). Nothing was changed; try again when the server is well."
            )
        }
    }

    /// Makes everything durable and closes.
    package func stop() async {
        await replica.stop()
        // The loop's thread has nothing left to do; a failure to join it changes nothing.
        try? await loop.stop()
    }
}
