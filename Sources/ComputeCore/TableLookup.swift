// The engine's port to the catalog of a service.
import QueryCore

/// The tables and lasting views of a catalog that sessions share. Safe from any thread.
package protocol TableLookup: Sendable {
    /// Nil if there is none; `database` is that of a name without one.
    func relation(_ parts: [String], database: String) throws(QueryError) -> CatalogRelation?
}
