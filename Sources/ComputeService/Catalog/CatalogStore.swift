// The catalog as the sessions see it: its present state, and commands that last. The replica below it is in its own file; tests put a
// catalog in memory in its place.
import CatalogCore
import ComputeRuntime
import QueryCore

package protocol CatalogStore: Sendable {
    /// Holds everything that was acknowledged before the call.
    var state: CatalogMachine { get }
    /// The folder of the default database.
    var warehouse: String { get }
    /// Blocks until the command is durable and executed. Throws if the catalog takes no commands.
    func execute(_ command: CatalogCommand) throws -> CatalogOutcome
}

extension CatalogStore {
    /// Executes a command; a refusal is thrown in Spark's words. Returns the table that it made, changed or dropped.
    @discardableResult
    func changed(_ command: CatalogCommand) throws -> CatalogTable? {
        do { return try execute(command).get() } catch let refusal as CatalogRefusal { throw QueryError(refusal) }
    }
}

extension QueryError {
    init(_ refusal: CatalogRefusal) {
        switch refusal {
        case .noDatabase(let name): self.init(.schemaNotFound, ["schemaName": CatalogNames.shown(name)])
        case .databaseExists(let name): self.init(.schemaAlreadyExists, ["schemaName": CatalogNames.shown(name)])
        case .databaseNotEmpty(let name): self.init(.schemaNotEmpty, ["schemaName": CatalogNames.shown(name)])
        case .tableExists(let database, let name):
            self.init(.tableOrViewAlreadyExists, ["relationName": TableName(database: database, name: name).quoted])
        case .tableIsGone: self = .unsupported("a change of a table that another statement dropped meanwhile; run it again")
        case .tableChanged: self = .unsupported("a change of a table that another statement changed meanwhile; run it again")
        case .limit(let limit): self = .unsupported(limit)
        }
    }
}

/// The full name of a table or a view, in lower case.
struct TableName: Hashable, Sendable {
    var database: String
    var name: String

    var parts: [String] { [CatalogNames.catalog, database, name] }
    var quoted: String { Identifier.quoted(parts) }
    /// Bare where it can be: `spark_catalog.default.t`.
    var plain: String { parts.map(Identifier.quotedIfNeeded).joined(separator: ".") }

    init(database: String, name: String) {
        self.database = database
        self.name = name
    }

    init(_ table: CatalogTable) { self.init(database: table.database, name: table.name) }

    var notFound: QueryError {
        QueryError(.tableOrViewNotFound, ["relationName": quoted, "searchPath": QueryError.searchPath])
    }
}

/// The rules of names in the catalog. Source: Spark's session catalog.
enum CatalogNames {
    static let catalog = "spark_catalog"
    static let defaultDatabase = "default"
    /// Bytes of a name: it names a folder, too.
    static let bytesMax = 200

    static func shown(_ database: String) -> String { Identifier.quoted([catalog, database]) }

    /// `current` is the database of a name without one.
    static func table(_ parts: [String], current: String) throws(QueryError) -> TableName {
        guard let name = parts.last else { throw QueryError.unsupported("an empty name") }
        return TableName(database: parts.count == 1 ? current : try database(Array(parts.dropLast())), name: name.lowercased())
    }

    static func database(_ parts: [String]) throws(QueryError) -> String {
        if parts.count == 2, parts[0].lowercased() != catalog {
            throw QueryError(.catalogNotFound, ["catalogName": Identifier.quoted(parts[0]), "config": "\"spark.sql.catalog.\(parts[0])\""])
        }
        guard parts.count <= 2, let name = parts.last else {
            throw QueryError(.requiresSinglePartNamespace, ["sessionCatalog": catalog, "namespace": Identifier.quoted(parts)])
        }
        return name.lowercased()
    }

    /// Throws unless something new may have this name.
    static func check(_ name: String) throws(QueryError) {
        guard !name.isEmpty, name.utf8.count <= bytesMax, name.utf8.allSatisfy(Identifier.isWordByte) else {
            throw QueryError(.invalidRelationName, ["name": Identifier.quoted(name)])
        }
    }

    /// `*` stands for any text, `|` between alternatives; case does not count.
    static func matches(_ name: String, _ pattern: String?) -> Bool {
        guard let pattern else { return true }
        let name = Array(name.lowercased().utf8)
        return pattern.lowercased().utf8.split(separator: UInt8(ascii: "|"), omittingEmptySubsequences: false).contains { part in
            Wildcards.matches(name[...], trimmed(Array(part))[...])
        }
    }

    private static func trimmed(_ bytes: [UInt8]) -> [UInt8] {
        let isBlank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") }
        return Array(bytes.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }
}
