// What the catalog of compute remembers: databases, tables, views. Types are SQL texts here; the engine reads them. A released layout only
// grows at its end, by a new version of its record.
import Base

/// A property of a table or a database, or an option of a table's files.
package struct CatalogProperty: WireLayout, Hashable {
    package var name = ""
    package var value = ""
    package init() {}
    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&name)
        try io.string(&value)
    }
}

/// A column of a table or a view.
package struct CatalogColumn: WireLayout, Hashable {
    package var name = ""
    /// As in a column definition, names of fields quoted where they must be: `struct<a: int NOT NULL>`.
    package var type = ""
    package var nullable = true
    package var comment: String?
    package init() {}
    package init(_ name: String, type: String, nullable: Bool = true, comment: String? = nil) {
        self.name = name
        self.type = type
        self.nullable = nullable
        self.comment = comment
    }
    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&name)
        try io.string(&type)
        try io.bool(&nullable)
        try io.optionalString(&comment)
    }
}

/// A database, also called schema. Its name is in lower case.
package struct CatalogDatabase: WireLayout, Hashable {
    package var name = ""
    package var comment = ""
    /// The folder of its managed tables.
    package var location = ""
    /// In order of their names.
    package var properties: [CatalogProperty] = []
    package init() {}
    package init(name: String, comment: String = "", location: String, properties: [CatalogProperty] = []) {
        self.name = name
        self.comment = comment
        self.location = location
        self.properties = properties
    }
    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&name)
        try io.string(&comment)
        try io.string(&location)
        try io.list(&properties)
    }
}

/// What the catalog itself notes of a table.
package struct CatalogStamp: WireLayout, Hashable {
    /// Never used again.
    package var id: Int64 = 0
    /// Grows with each change.
    package var version: Int64 = 0
    package var created = WallTime.zero
    package init() {}
    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int64(&id)
        try io.int64(&version)
        try io.wallTime(&created)
    }
}

/// The query of a view.
package struct CatalogQuery: WireLayout, Hashable {
    package var text = ""
    /// The current database at the view's creation, in which its names are looked up.
    package var database = ""
    /// The names of the query's columns at that time; the view's own have the same order.
    package var columns: [String] = []
    package init() {}
    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&text)
        try io.string(&database)
        try io.strings(&columns)
    }
}

/// A table, or a view that lasts. Its names are in lower case.
package struct CatalogTable: WireLayout, Hashable {
    package enum Kind: Int8, Sendable {
        /// Its files go with it.
        case managed = 0
        /// Its files belong to others and stay.
        case external = 1
        case view = 2
    }

    package var stamp = CatalogStamp()
    package var database = ""
    package var name = ""
    package var kind = Kind.managed
    /// The format of its files; empty for a view.
    package var format = ""
    /// The folder of its files; empty for a view.
    package var location = ""
    /// With the partition columns, which come last.
    package var columns: [CatalogColumn] = []
    package var partitionColumns: [String] = []
    package var comment: String?
    /// In order of their names.
    package var properties: [CatalogProperty] = []
    package var options: [CatalogProperty] = []
    /// Empty for a table.
    package var query = CatalogQuery()

    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.nested(&stamp)
        try io.string(&database)
        try io.string(&name)
        var raw = kind.rawValue
        try io.int8(&raw)
        guard let known = Kind(rawValue: raw) else { throw .unknownTag("kind of a table", Int(raw)) }
        kind = known
        try io.string(&format)
        try io.string(&location)
        try io.list(&columns)
        try io.strings(&partitionColumns)
        try io.optionalString(&comment)
        try io.list(&properties)
        try io.list(&options)
        try io.nested(&query)
    }
}

extension CatalogTable {
    package var id: Int64 { stamp.id }
    package var isView: Bool { kind == .view }
}
