// INSERT, SHOW, DESCRIBE, USE, SET and RESET. Source: Spark SQL reference, "DML Statements", "Auxiliary Statements".

extension Parser {
    /// A statement about the catalog, tables or settings; nil for any other.
    mutating func catalogStatement() throws(QueryError) -> Statement? {
        if isWord("DROP") { return try dropStatement() }
        if takeWord("INSERT") { return try insertStatement() }
        if takeWord("TRUNCATE", "TABLE") { return try truncateStatement() }
        if takeWord("ALTER", "DATABASE") || takeWord("ALTER", "SCHEMA") { return try alterDatabase() }
        if takeWord("ALTER", "TABLE") { return try alterStatement(.table) }
        if takeWord("ALTER", "VIEW") { return try alterStatement(.view) }
        if takeWord("REPLACE", "TABLE") { return try createTable(replace: true, isNew: false) }
        if takeWord("MSCK", "REPAIR", "TABLE") { return .alter(.table, name: try nameParts(), .recoverPartitions) }
        if takeWord("COMMENT", "ON") { return try commentStatement() }
        if takeWord("REFRESH", "TABLE") { return .refresh(name: try nameParts()) }
        if isWord("SHOW") { return try showStatement().map { .show($0) } }
        if takeWord("USE") {
            _ = takeWord("DATABASE") || takeWord("SCHEMA") || takeWord("NAMESPACE")
            return .useDatabase(try nameParts())
        }
        if isWord("SET") { return try setStatement() }
        if takeWord("RESET") { return .reset(peek.kind == .end || isSymbol(";") ? nil : try settingName()) }
        return nil
    }

    // MARK: INSERT

    private mutating func insertStatement() throws(QueryError) -> Statement {
        let overwrite = takeWord("OVERWRITE")
        if !overwrite { try expectWord("INTO") }
        if isWord("DIRECTORY") || isWord("LOCAL") { throw QueryError.unsupported("INSERT OVERWRITE DIRECTORY") }
        _ = takeWord("TABLE")
        var insertion = Insertion(table: try nameParts(), query: .oneRow)
        if overwrite { insertion.replacement = .bySession }
        if takeWord("PARTITION") {
            insertion.partition = try partitionValues(fixed: false)
            insertion.unlessPartitionExists = takeWord("IF", "NOT", "EXISTS")
        }
        if isWord("REPLACE"), isWord("WHERE", 1) || isWord("ON", 1) || isWord("USING", 1) {
            throw QueryError.unsupported("INSERT INTO ... REPLACE \(peek(1).text.uppercased())")
        }
        if takeWord("BY", "NAME") {
            insertion.matching = .byName
        } else if isColumnList {
            insertion.matching = .columns(try identifierList())
        }
        insertion.query = try query()
        return .insert(insertion)
    }

    /// Whether names in parentheses follow, not a query.
    private var isColumnList: Bool {
        isSymbol("(") && !isSymbol("(", 1) && !["SELECT", "WITH", "VALUES", "TABLE"].contains { isWord($0, 1) }
    }

    // MARK: SHOW

    private mutating func showStatement() throws(QueryError) -> Listing? {
        if takeWord("SHOW", "CATALOGS") { return .catalogs }
        if takeWord("SHOW", "DATABASES") || takeWord("SHOW", "SCHEMAS") || takeWord("SHOW", "NAMESPACES") {
            return .databases(pattern: try pattern())
        }
        if takeWord("SHOW", "TABLES") { return .tables(database: try inDatabase(), pattern: try pattern()) }
        if takeWord("SHOW", "VIEWS") { return .views(database: try inDatabase(), pattern: try pattern()) }
        if takeWord("SHOW", "CURRENT", "NAMESPACE") || takeWord("SHOW", "CURRENT", "SCHEMA") || takeWord("SHOW", "CURRENT", "DATABASE") {
            return .currentNamespace
        }
        if takeWord("SHOW", "COLUMNS") {
            guard takeWord("IN") || takeWord("FROM") else { throw unexpected() }
            let table = try nameParts()
            return .columns(table: (try inDatabase() ?? []) + table)
        }
        if takeWord("SHOW", "CREATE", "TABLE") {
            let table = try nameParts()
            _ = takeWord("AS", "SERDE")
            return .createTable(table)
        }
        if takeWord("SHOW", "PARTITIONS") {
            let table = try nameParts()
            return .partitions(table: table, takeWord("PARTITION") ? try partitionValues(fixed: true) : [])
        }
        if takeWord("SHOW", "TBLPROPERTIES") {
            let table = try nameParts()
            guard takeSymbol("(") else { return .properties(table: table, key: nil) }
            let key = peek.kind == .string ? take().text : try nameParts().joined(separator: ".")
            try expectSymbol(")")
            return .properties(table: table, key: key)
        }
        return nil
    }

    private mutating func inDatabase() throws(QueryError) -> [String]? { takeWord("IN") || takeWord("FROM") ? try nameParts() : nil }

    private mutating func pattern() throws(QueryError) -> String? {
        if takeWord("LIKE") { return try text() }
        return peek.kind == .string ? take().text : nil
    }

    // MARK: DESCRIBE

    /// After DESCRIBE, for all but queries.
    mutating func describeStatement() throws(QueryError) -> Statement {
        if takeWord("DATABASE") || takeWord("SCHEMA") {
            let extended = takeWord("EXTENDED")
            return .describeDatabase(name: try nameParts(), extended: extended)
        }
        if isWord("FUNCTION") { throw QueryError.unsupported("DESCRIBE FUNCTION") }
        _ = takeWord("TABLE")
        let extended = takeWord("EXTENDED") || takeWord("FORMATTED")
        let name = try nameParts()
        if isWord("PARTITION") { throw QueryError.unsupported("DESCRIBE of one partition") }
        if isWord("AS"), isWord("JSON", 1) { throw QueryError.unsupported("DESCRIBE ... AS JSON") }
        let hasColumn = peek.kind == .word || peek.kind == .quoted
        return .describeTable(name: name, column: hasColumn ? try nameParts() : [], extended: extended)
    }

    // MARK: SET

    /// The rest of the statement is the value, as it is written.
    private mutating func setStatement() throws(QueryError) -> Statement {
        _ = take()
        if isWord("VAR") || isWord("VARIABLE") { throw QueryError.unsupported("variables of a session") }
        if isWord("CATALOG") { throw QueryError.unsupported("SET CATALOG; spark_catalog is the only catalog") }
        if takeWord("TIME", "ZONE") {
            if isWord("INTERVAL") { throw QueryError.unsupported("SET TIME ZONE INTERVAL") }
            let zone = peek.kind == .string ? take().text : try identifier()
            return .set(.change("spark.sql.session.timeZone", zone.uppercased() == "LOCAL" ? "UTC" : zone))
        }
        if peek.kind == .end || isSymbol(";") { return .set(.all) }
        if isSymbol("-"), isWord("V", 1) {
            at += 2
            return .set(.all)
        }
        let name = try settingName()
        guard takeSymbol("=") else { return .set(.show(name)) }
        let start = peek.start
        if peek.kind == .string, peek(1).kind == .end || isSymbol(";", 1) { return .set(.change(name, take().text)) }
        while peek.kind != .end, !isSymbol(";") { _ = take() }
        return .set(.change(name, start < tokens[at - 1].end ? text(from: start) : ""))
    }

    /// `spark.sql.shuffle.partitions`: words with dots, or a quoted name.
    private mutating func settingName() throws(QueryError) -> String {
        if peek.kind == .quoted { return take().text }
        let start = peek.start
        guard peek.kind == .word else { throw unexpected() }
        _ = take()
        while peek.kind == .word || isSymbol(".") || isSymbol("-") || isSymbol(":"), peek.start == tokens[at - 1].end { _ = take() }
        return text(from: start)
    }
}
