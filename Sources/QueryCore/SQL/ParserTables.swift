// CREATE, DROP, ALTER and TRUNCATE of databases, tables and views, and their clauses, in any order as in Spark. What Spark knows and this
// engine lacks (buckets, transforms, column defaults) is refused by name. Source: Spark SQL reference, "DDL Statements".

/// The clauses after the name of a created table, view or database.
private struct Clauses {
    var comment: String?
    var location: String?
    var format: String?
    var properties: [ReadOption] = []
    var options: [ReadOption] = []
    var partitionColumns: [String] = []
    /// Columns defined by PARTITIONED BY (name type).
    var typedPartitionColumns: [DefinedColumn] = []
}

extension Parser {
    /// After CREATE [OR REPLACE].
    mutating func createStatement(replace: Bool) throws(QueryError) -> Plan? {
        if takeWord("DATABASE") || takeWord("SCHEMA") { return .command(.statement(try createDatabase())) }
        if takeWord("EXTERNAL", "TABLE") || takeWord("TABLE") {
            return .command(.statement(try createTable(replace: replace, isNew: true)))
        }
        if isWord("FUNCTION") { throw QueryError.unsupported("CREATE FUNCTION") }
        return nil
    }

    private mutating func createDatabase() throws(QueryError) -> Statement {
        let unlessExists = takeWord("IF", "NOT", "EXISTS")
        var database = DatabaseStatement(name: try nameParts())
        let clauses = try clauses(properties: ["DBPROPERTIES", "PROPERTIES"])
        (database.comment, database.location, database.properties) = (clauses.comment, clauses.location, clauses.properties)
        return .createDatabase(database, unlessExists: unlessExists)
    }

    /// `isNew`: CREATE rather than REPLACE.
    mutating func createTable(replace: Bool, isNew: Bool) throws(QueryError) -> Statement {
        let unlessExists = isNew && takeWord("IF", "NOT", "EXISTS")
        let mode: TableStatement.Mode = !isNew ? .replacing : replace ? .newOrReplacing : unlessExists ? .unlessExists : .new
        var table = TableStatement(name: try nameParts(), mode: mode)
        if takeWord("LIKE") {
            table.like = try nameParts()
        } else if takeSymbol("(") {
            table.columns = try definedColumns()
            try expectSymbol(")")
        }
        let clauses = try clauses(properties: ["TBLPROPERTIES"])
        table.columns += clauses.typedPartitionColumns
        table.format = clauses.format
        table.partitionColumns = clauses.partitionColumns
        (table.location, table.comment) = (clauses.location, clauses.comment)
        (table.properties, table.options) = (clauses.properties, clauses.options)
        if table.like == nil, takeWord("AS") || ["SELECT", "WITH", "VALUES", "TABLE"].contains(where: { isWord($0) }) || isSymbol("(") {
            guard table.columns.isEmpty else {
                throw unexpected(hint: ": Schema may not be specified in a Create Table As Select (CTAS) statement")
            }
            table.query = try query()
        }
        return .createTable(table)
    }

    /// After the name of a view that lasts.
    mutating func createView(_ name: [String], replace: Bool, unlessExists: Bool) throws(QueryError) -> Plan {
        var columns: [(name: String, comment: String?)] = []
        if takeSymbol("(") {
            repeat {
                let column = try identifier()
                columns.append((column, takeWord("COMMENT") ? try text() : nil))
            } while takeSymbol(",")
            try expectSymbol(")")
        }
        let clauses = try clauses(properties: ["TBLPROPERTIES"])
        try expectWord("AS")
        let start = peek.start
        let query = try query()
        var view = ViewStatement(
            name: name, mode: replace ? .newOrReplacing : unlessExists ? .unlessExists : .new, query: query, text: text(from: start))
        (view.columns, view.comment, view.properties) = (columns, clauses.comment, clauses.properties)
        return .command(.statement(.createView(view)))
    }

    /// The statement's text from an offset to the token before this one.
    func text(from start: Int) -> String { String(decoding: Array(sql.utf8)[start..<tokens[at - 1].end], as: UTF8.self) }

    mutating func text() throws(QueryError) -> String {
        guard peek.kind == .string else { throw unexpected() }
        return take().text
    }

    // MARK: Clauses

    private mutating func clauses(properties names: [String]) throws(QueryError) -> Clauses {
        var clauses = Clauses()
        while true {
            if takeWord("COMMENT") {
                clauses.comment = try text()
            } else if takeWord("LOCATION") {
                clauses.location = try text()
            } else if takeWord("USING") {
                clauses.format = try nameParts().joined(separator: ".")
            } else if takeWord("STORED", "AS") {
                clauses.format = try identifier()
            } else if takeWord("OPTIONS") {
                clauses.options += try properties()
            } else if takeWord("PARTITIONED", "BY") {
                try partitionedBy(&clauses)
            } else if names.contains(where: { isWord($0) }) {
                _ = take()
                clauses.properties += try properties()
            } else if takeWord("WITH") {
                // WITH DBPROPERTIES of databases; WITH alone begins a query.
                guard names.contains(where: { isWord($0) }) else {
                    at -= 1
                    return clauses
                }
            } else if let feature = unsupportedClause {
                throw QueryError.unsupported(feature)
            } else {
                return clauses
            }
        }
    }

    private var unsupportedClause: String? {
        if isWord("CLUSTERED") || isWord("CLUSTER") || isWord("SORTED") { return "\(peek.text.uppercased()) BY in CREATE TABLE" }
        if isWord("ROW", 0), isWord("FORMAT", 1) { return "ROW FORMAT in CREATE TABLE" }
        if isWord("DEFAULT"), isWord("COLLATION", 1) { return "collations" }
        return nil
    }

    private mutating func partitionedBy(_ clauses: inout Clauses) throws(QueryError) {
        try expectSymbol("(")
        repeat {
            let isTyped = !isSymbol(",", 1) && !isSymbol(")", 1) && !isSymbol("(", 1) && !isSymbol(".", 1)
            if isTyped {
                let column = try definedColumn()
                clauses.typedPartitionColumns.append(column)
                clauses.partitionColumns.append(column.field.name)
            } else {
                let name = try identifier()
                if isSymbol("(") { throw QueryError.unsupported("partitioning by the transform \(name)") }
                if isSymbol(".") { throw QueryError.unsupported("partitioning by a field of a struct") }
                clauses.partitionColumns.append(name)
            }
        } while takeSymbol(",")
        try expectSymbol(")")
    }

    /// `('key' = 'value', other.key = 1)`.
    mutating func properties() throws(QueryError) -> [ReadOption] {
        try expectSymbol("(")
        var properties: [ReadOption] = []
        repeat {
            let key = try propertyKey()
            _ = takeSymbol("=")
            let isNegative = takeSymbol("-")
            guard [.string, .word, .number].contains(peek.kind) else { throw unexpected() }
            properties.append(ReadOption(key, (isNegative ? "-" : "") + take().text))
        } while takeSymbol(",")
        try expectSymbol(")")
        return properties
    }

    private mutating func propertyKey() throws(QueryError) -> String {
        peek.kind == .string ? take().text : try nameParts().joined(separator: ".")
    }

    private mutating func propertyKeys() throws(QueryError) -> [String] {
        try expectSymbol("(")
        var keys = [try propertyKey()]
        while takeSymbol(",") { keys.append(try propertyKey()) }
        try expectSymbol(")")
        return keys
    }

    mutating func definedColumns() throws(QueryError) -> [DefinedColumn] {
        var columns: [DefinedColumn] = []
        repeat { columns.append(try definedColumn()) } while takeSymbol(",")
        return columns
    }

    private mutating func definedColumn() throws(QueryError) -> DefinedColumn {
        let name = try identifier()
        _ = takeSymbol(":")
        var column = DefinedColumn(StructField(name, try dataType()))
        while true {
            if takeWord("NOT", "NULL") {
                column.field.nullable = false
            } else if takeWord("COMMENT") {
                column.comment = try text()
            } else if isWord("DEFAULT") || isWord("GENERATED") || isWord("COLLATE") {
                throw QueryError.unsupported("\(peek.text.uppercased()) of a column")
            } else if isWord("PRIMARY") || isWord("UNIQUE") || isWord("CHECK") || isWord("CONSTRAINT") || isWord("REFERENCES") {
                throw QueryError.unsupported("constraints of tables")
            } else {
                return column
            }
        }
    }

    /// `(a = 1, b)`; with `fixed` each column needs a value.
    mutating func partitionValues(fixed: Bool) throws(QueryError) -> [PartitionValue] {
        try expectSymbol("(")
        var values: [PartitionValue] = []
        repeat {
            let name = try identifier()
            if takeSymbol("=") {
                values.append(PartitionValue(name, try expression()))
            } else if fixed {
                throw unexpected()
            } else {
                values.append(PartitionValue(name))
            }
        } while takeSymbol(",")
        try expectSymbol(")")
        return values
    }

    // MARK: DROP, TRUNCATE, ALTER, COMMENT

    mutating func dropStatement() throws(QueryError) -> Statement? {
        if takeWord("DROP", "DATABASE") || takeWord("DROP", "SCHEMA") {
            let ifExists = takeWord("IF", "EXISTS")
            let name = try nameParts()
            let cascade = takeWord("CASCADE")
            if !cascade { _ = takeWord("RESTRICT") }
            return .dropDatabase(name: name, ifExists: ifExists, cascade: cascade)
        }
        if takeWord("DROP", "TABLE") {
            let ifExists = takeWord("IF", "EXISTS")
            let name = try nameParts()
            _ = takeWord("PURGE")
            return .drop(.table, name: name, ifExists: ifExists)
        }
        if takeWord("DROP", "VIEW") || takeWord("DROP", "TEMPORARY", "VIEW") {
            let ifExists = takeWord("IF", "EXISTS")
            return .drop(.view, name: try nameParts(), ifExists: ifExists)
        }
        return nil
    }

    /// After TRUNCATE TABLE.
    mutating func truncateStatement() throws(QueryError) -> Statement {
        let name = try nameParts()
        return .truncate(name: name, partition: takeWord("PARTITION") ? try partitionValues(fixed: true) : [])
    }

    /// After ALTER DATABASE.
    mutating func alterDatabase() throws(QueryError) -> Statement {
        let name = try nameParts()
        try expectWord("SET")
        if takeWord("LOCATION") { return .setDatabaseLocation(name: name, try text()) }
        guard takeWord("DBPROPERTIES") || takeWord("PROPERTIES") else { throw unexpected() }
        return .setDatabaseProperties(name: name, try properties())
    }

    /// After ALTER TABLE or ALTER VIEW.
    mutating func alterStatement(_ kind: RelationKind) throws(QueryError) -> Statement {
        let name = try nameParts()
        if takeWord("RENAME", "TO") { return .alter(kind, name: name, .rename(to: try nameParts())) }
        if takeWord("SET", "TBLPROPERTIES") { return .alter(kind, name: name, .setProperties(try properties())) }
        if takeWord("UNSET", "TBLPROPERTIES") {
            _ = takeWord("IF", "EXISTS")
            return .alter(kind, name: name, .unsetProperties(try propertyKeys()))
        }
        if kind == .view {
            guard takeWord("AS") else { throw unexpected() }
            let start = peek.start
            let query = try query()
            return .alter(kind, name: name, .viewQuery(query, text: text(from: start)))
        }
        return .alter(kind, name: name, try tableAlteration())
    }

    private mutating func tableAlteration() throws(QueryError) -> Alteration {
        if takeWord("SET", "LOCATION") { return .setLocation(try text()) }
        if takeWord("RECOVER", "PARTITIONS") { return .recoverPartitions }
        if takeWord("ADD", "COLUMNS") || takeWord("ADD", "COLUMN") {
            let isList = takeSymbol("(")
            let columns = try definedColumns()
            if isList { try expectSymbol(")") }
            return .addColumns(columns)
        }
        if takeWord("ALTER", "COLUMN") || takeWord("CHANGE", "COLUMN") || takeWord("CHANGE") {
            let column = try identifier()
            guard takeWord("COMMENT") else { throw QueryError.unsupported("ALTER TABLE ALTER COLUMN other than COMMENT") }
            return .setColumnComment(column: column, try text())
        }
        if takeWord("ADD", "PARTITION") || takeWord("ADD", "IF", "NOT", "EXISTS", "PARTITION") {
            let unlessExists = isWord("PARTITION", -1) && isWord("EXISTS", -2)
            return .addPartitions(try partitionLists(), unlessExists: unlessExists)
        }
        if takeWord("DROP", "PARTITION") || takeWord("DROP", "IF", "EXISTS", "PARTITION") {
            let ifExists = isWord("EXISTS", -2)
            let lists = try partitionLists()
            _ = takeWord("PURGE")
            return .dropPartitions(lists, ifExists: ifExists)
        }
        throw QueryError.unsupported("ALTER TABLE \(peek.text.uppercased())\(peek(1).kind == .word ? " " + peek(1).text.uppercased() : "")")
    }

    private mutating func partitionLists() throws(QueryError) -> [[PartitionValue]] {
        var lists = [try partitionValues(fixed: true)]
        while true {
            if isWord("LOCATION") { throw QueryError.unsupported("LOCATION of a partition") }
            guard takeSymbol(",") || isWord("PARTITION") else { return lists }
            try expectWord("PARTITION")
            lists.append(try partitionValues(fixed: true))
        }
    }

    /// After COMMENT ON.
    mutating func commentStatement() throws(QueryError) -> Statement {
        let isTable = takeWord("TABLE")
        guard isTable || takeWord("DATABASE") || takeWord("SCHEMA") else {
            throw QueryError.unsupported("COMMENT ON \(peek.text.uppercased())")
        }
        let name = try nameParts()
        try expectWord("IS")
        let comment = takeWord("NULL") ? nil : try text()
        if isTable { return .alter(.table, name: name, .setComment(comment)) }
        return .setDatabaseProperties(name: name, [ReadOption("comment", comment ?? "")])
    }
}
