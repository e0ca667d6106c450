// LATERAL VIEW, table functions, LATERAL behind a comma or JOIN, aliases of several names, and lambdas. Source: Spark SQL reference,
// "LATERAL VIEW Clause", "Table-valued Functions", "Lambda Functions".

extension Parser {
    /// `LATERAL VIEW [OUTER] explode(m) t AS k, v`, any number of times.
    mutating func lateralViews(_ input: Plan) throws(QueryError) -> Plan {
        var plan = input
        var views = 0
        while takeWord("LATERAL", "VIEW") {
            views += 1
            if views > Self.depthMax { throw QueryError(.failedToParseTooComplex, at: position(peek.start)) }
            let isOuter = takeWord("OUTER")
            var generate = try generator()
            generate.isOuter = isOuter
            generate.input = plan
            if !isWord("AS"), [.word, .quoted].contains(peek.kind), !isClause { generate.qualifier = try identifier() }
            if takeWord("AS") {
                repeat { generate.columns.append(try identifier()) } while takeSymbol(",")
                // `LATERAL VIEW explode(a) AS x` names the column; the view itself stays without a name.
            }
            plan = .generate(generate)
        }
        return plan
    }

    private mutating func generator() throws(QueryError) -> Generate {
        let name = try nameParts().joined(separator: ".")
        return Generate(function: name, arguments: try argumentList())
    }

    /// `(a, x -> b)`.
    mutating func argumentList() throws(QueryError) -> [Expression] {
        try expectSymbol("(")
        var arguments: [Expression] = []
        if !isSymbol(")") {
            repeat { arguments.append(try argument()) } while takeSymbol(",")
        }
        try expectSymbol(")")
        return arguments
    }

    /// A table function that reads no other relation: `explode(array(1, 2)) AS t(x)`.
    mutating func tableFunction(_ name: [String]) throws(QueryError) -> Plan {
        .generate(Generate(function: name.joined(separator: "."), arguments: try argumentList()))
    }

    /// What stands behind LATERAL, which reads the relation before it.
    mutating func lateral(_ left: Plan, _ kind: JoinKind) throws(QueryError) -> Plan {
        guard kind == .inner || kind == .cross || kind == .leftOuter else { throw QueryError.unsupported("LATERAL in a \(kind) join") }
        if isSymbol("(") { throw QueryError.unsupported("LATERAL subqueries") }
        var generate = try generator()
        generate.input = left
        generate.isOuter = kind == .leftOuter
        if takeWord("AS") || ([.word, .quoted].contains(peek.kind) && !isClause) {
            generate.qualifier = try identifier()
            if isSymbol("(") { generate.columns = try identifierList() }
        }
        guard takeWord("ON") else { return .generate(generate) }
        let condition = try expression()
        if condition == .literal(.boolean(true)) { return .generate(generate) }
        if kind == .leftOuter { throw QueryError.unsupported("LEFT JOIN LATERAL with a condition") }
        return .filter(condition, .generate(generate))
    }

    /// `AS (k, v)` behind a generator.
    mutating func aliasNames() throws(QueryError) -> [String]? {
        guard isSymbol("("), [.word, .quoted].contains(peek(1).kind) else { return nil }
        return try identifierList()
    }

    mutating func rangeRelation() throws(QueryError) -> Plan {
        _ = take()
        return try Self.range(try argumentList())
    }

    /// `range(end)`, `range(start, end)`, `range(start, end, step)`, and a number of partitions, which changes no row.
    package static func range(_ arguments: [Expression]) throws(QueryError) -> Plan {
        guard (1...4).contains(arguments.count) else {
            throw QueryError(
                .wrongNumArgs,
                [
                    "functionName": "`range`", "expectedNum": "[1, 2, 3, 4]", "actualNum": "\(arguments.count)",
                    "docroot": "https://spark.apache.org/docs/latest",
                ])
        }
        var bounds: [Int64] = []
        for argument in arguments {
            guard let value = constant(argument) else { throw QueryError.unsupported("range over an expression that is not a constant") }
            bounds.append(Int64(value))
        }
        switch bounds.count {
        case 1: return .range(RowRange(start: 0, end: bounds[0], step: 1))
        case 2: return .range(RowRange(start: bounds[0], end: bounds[1], step: 1))
        default:
            if bounds[2] == 0 { throw QueryError.unsupported("range with a step of 0") }
            return .range(RowRange(start: bounds[0], end: bounds[1], step: bounds[2]))
        }
    }

    // MARK: Lambdas

    /// An argument of a call: an expression, or a lambda.
    mutating func argument() throws(QueryError) -> Expression {
        guard let names = lambdaNames else { return try expression() }
        at += names.tokens
        let body = try nested { (parser) throws(QueryError) in try parser.expression() }
        return .lambda(names.names, body)
    }

    /// The parameters of `x ->` and `(x, y) ->` and their tokens, if they stand here.
    private var lambdaNames: (names: [String], tokens: Int)? {
        func isName(_ ahead: Int) -> Bool { [.word, .quoted].contains(peek(ahead).kind) }
        func isArrow(_ ahead: Int) -> Bool {
            isSymbol("-", ahead) && isSymbol(">", ahead + 1) && peek(ahead).end == peek(ahead + 1).start
        }
        if isName(0), isArrow(1) { return ([peek.text], 3) }
        guard isSymbol("("), isName(1) else { return nil }
        var names = [peek(1).text]
        var ahead = 2
        while isSymbol(",", ahead), isName(ahead + 1), names.count < Self.depthMax {
            names.append(peek(ahead + 1).text)
            ahead += 2
        }
        return isSymbol(")", ahead) && isArrow(ahead + 1) ? (names, ahead + 3) : nil
    }
}
