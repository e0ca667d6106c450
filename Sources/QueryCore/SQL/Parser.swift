// The recursive-descent parser: the cursor over tokens, its bounds, and statements. Queries and expressions are in their own files. It
// builds `Plan` and looks nothing up. Source: Spark SQL reference, "SQL Syntax".

/// Parses one statement at a time. Words are compared without regard to case; almost any word may be a name.
package struct Parser {
    /// Limit of the levels of nesting, and of the terms in one chain of operators: deeper trees would overflow the stack of their walkers.
    package static let depthMax = 200
    /// Bytes of one statement.
    package static let sqlBytesMax = 4 << 20

    let sql: String
    let tokens: [Token]
    var at = 0
    var depth = 0

    package static func parse(_ sql: String) throws(QueryError) -> Plan {
        var parser = try Parser(sql)
        if parser.peek.kind == .end { throw QueryError(.parseEmptyStatement, at: parser.position(0)) }
        let plan = try parser.statement()
        while parser.takeSymbol(";") {}
        if parser.peek.kind != .end { throw parser.unexpected(hint: ": extra input \(parser.shown(parser.peek))") }
        return plan
    }

    /// One expression, e.g. of `DataFrame.selectExpr` and `expr`, with its alias if it has one.
    package static func parseExpression(_ sql: String) throws(QueryError) -> Expression {
        var parser = try Parser(sql)
        let expression = try parser.namedExpression()
        if parser.peek.kind != .end { throw parser.unexpected() }
        return expression
    }

    /// A type such as `decimal(5,2)` or a column list such as `a INT, b STRING`.
    package static func parseSchema(_ ddl: String) throws(QueryError) -> Schema {
        var parser = try Parser(ddl)
        let fields = try parser.columnDefinitions()
        if parser.peek.kind != .end { throw parser.unexpected() }
        return Schema(fields)
    }

    package static func parseType(_ ddl: String) throws(QueryError) -> DataType {
        var parser = try Parser(ddl)
        let type = try parser.dataType()
        if parser.peek.kind != .end { throw parser.unexpected() }
        return type
    }

    private init(_ sql: String) throws(QueryError) {
        if sql.utf8.count > Self.sqlBytesMax { throw QueryError(.failedToParseTooComplex) }
        self.sql = sql
        tokens = try Lexer.tokens(of: sql)
    }

    // MARK: Cursor

    var peek: Token { tokens[at] }
    func peek(_ ahead: Int) -> Token { tokens[min(at + ahead, tokens.count - 1)] }

    mutating func take() -> Token {
        let token = tokens[at]
        if at < tokens.count - 1 { at += 1 }
        return token
    }

    func isWord(_ word: String, _ ahead: Int = 0) -> Bool {
        let token = peek(ahead)
        return token.kind == .word && token.text.count == word.count && token.text.uppercased() == word
    }

    func isSymbol(_ symbol: String, _ ahead: Int = 0) -> Bool { peek(ahead).kind == .symbol && peek(ahead).text == symbol }

    mutating func takeWord(_ words: String...) -> Bool {
        for (index, word) in words.enumerated() where !isWord(word, index) { return false }
        at += words.count
        return true
    }

    mutating func takeSymbol(_ symbol: String) -> Bool {
        if !isSymbol(symbol) { return false }
        at += 1
        return true
    }

    mutating func expectWord(_ word: String) throws(QueryError) {
        if !takeWord(word) { throw unexpected() }
    }

    mutating func expectSymbol(_ symbol: String) throws(QueryError) {
        if !takeSymbol(symbol) { throw unexpected() }
    }

    func position(_ offset: Int) -> TextPosition { Lexer.position(offset, in: sql) }

    func shown(_ token: Token) -> String {
        token.kind == .end ? "end of input" : "'\(String(decoding: Array(sql.utf8)[token.start..<token.end], as: UTF8.self))'"
    }

    func unexpected(hint: String = "") -> QueryError {
        QueryError(.parseSyntaxError, ["error": shown(peek), "hint": hint], at: position(peek.start))
    }

    mutating func nested<T>(_ body: (inout Parser) throws(QueryError) -> T) throws(QueryError) -> T {
        depth += 1
        defer { depth -= 1 }
        if depth > Self.depthMax { throw QueryError(.failedToParseTooComplex, at: position(peek.start)) }
        return try body(&self)
    }

    mutating func identifier() throws(QueryError) -> String {
        guard peek.kind == .word || peek.kind == .quoted else { throw unexpected() }
        return take().text
    }

    mutating func nameParts() throws(QueryError) -> [String] {
        var parts = [try identifier()]
        while takeSymbol(".") {
            if parts.count > Self.depthMax { throw QueryError(.failedToParseTooComplex, at: position(peek.start)) }
            parts.append(try identifier())
        }
        return parts
    }

    mutating func identifierList() throws(QueryError) -> [String] {
        try expectSymbol("(")
        var names = [try identifier()]
        while takeSymbol(",") { names.append(try identifier()) }
        try expectSymbol(")")
        return names
    }

    // MARK: Statements

    mutating func statement() throws(QueryError) -> Plan {
        if isWord("CREATE") { return try create() }
        if takeWord("DESCRIBE") || takeWord("DESC") {
            if takeWord("QUERY") || isWord("SELECT") || isWord("WITH") || isWord("VALUES") { return .command(.describeQuery(try query())) }
            return .command(.statement(try describeStatement()))
        }
        if takeWord("EXPLAIN") {
            let extended = takeWord("EXTENDED")
            return .command(.explain(try statement(), extended: extended))
        }
        if let statement = try catalogStatement() { return .command(.statement(statement)) }
        if let feature = unsupportedStatement { throw QueryError.unsupported(feature) }
        return try query()
    }

    /// Statements of Spark that this engine lacks: they are refused by name, not as a syntax error.
    private var unsupportedStatement: String? {
        let words = [
            "DELETE", "UPDATE", "MERGE", "TRUNCATE", "ALTER", "DROP", "SHOW", "CACHE", "UNCACHE", "REFRESH", "ANALYZE", "LOAD", "GRANT",
            "REVOKE", "ADD", "LIST", "MSCK", "REPAIR", "DECLARE", "EXECUTE", "COMMENT",
        ]
        return words.first { isWord($0) }.map { "\($0) statements" }
    }

    private mutating func create() throws(QueryError) -> Plan {
        try expectWord("CREATE")
        let replace = takeWord("OR", "REPLACE")
        if takeWord("GLOBAL") { throw QueryError.unsupported("global temporary views") }
        let temporary = takeWord("TEMPORARY") || takeWord("TEMP")
        if !temporary, let plan = try createStatement(replace: replace) { return plan }
        try expectWord("VIEW")
        let unlessExists = !temporary && takeWord("IF", "NOT", "EXISTS")
        let parts = try nameParts()
        if !temporary { return try createView(parts, replace: replace, unlessExists: unlessExists) }
        let name = parts.joined(separator: ".")
        if isWord("USING") || (isSymbol("(") && !isSymbol(")", 2) && !isSymbol(",", 2)) {
            return try createFileView(name, replace: replace)
        }
        let columns = isSymbol("(") ? try identifierList() : []
        try expectWord("AS")
        return .command(.createView(name: name, columns: columns, try query(), replace: replace))
    }

    private mutating func createFileView(_ name: String, replace: Bool) throws(QueryError) -> Plan {
        var schema: Schema?
        if takeSymbol("(") {
            schema = Schema(try columnDefinitions())
            try expectSymbol(")")
        }
        try expectWord("USING")
        let provider = try nameParts().joined(separator: ".")
        guard let format = FileFormat(rawValue: provider.lowercased()) else {
            throw ["orc", "avro", "xml", "jdbc", "kafka"].contains(provider.lowercased())
                ? QueryError.unsupported("data source \(provider)") : QueryError(.dataSourceNotFound, ["provider": provider])
        }
        var options: [ReadOption] = []
        if takeWord("OPTIONS") { options = try properties() }
        let path = options.last { Identifier.same($0.name, "path") }?.value
        guard let path else { throw QueryError(.unableToInferSchema, ["format": format.rawValue.uppercased()]) }
        let source = FileSource(
            format: format, paths: [path], schema: schema, options: options.filter { !Identifier.same($0.name, "path") })
        return .command(.createView(name: name, columns: [], .files(source), replace: replace))
    }
}
