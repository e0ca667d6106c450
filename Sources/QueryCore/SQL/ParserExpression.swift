// Expressions by precedence: OR, AND, NOT, comparison and predicates, ||, bit operators refused, + and -, * / % DIV, unary, postfix
// (::, [], .), primary. Chains are built by loops and bounded like nesting. Source: Spark SQL reference, "Operators".

extension Parser {
    mutating func expression() throws(QueryError) -> Expression {
        try nested { (parser) throws(QueryError) in try parser.disjunction() }
    }

    /// Left-associative operators of one precedence.
    private mutating func chain(
        _ operand: (inout Parser) throws(QueryError) -> Expression, _ operation: (inout Parser) -> String?
    ) throws(QueryError) -> Expression {
        var left = try operand(&self)
        var terms = 0
        while let name = operation(&self) {
            terms += 1
            if terms > Self.depthMax { throw QueryError(.failedToParseTooComplex, at: position(peek.start)) }
            left = .call(name, left, try operand(&self))
        }
        return left
    }

    private mutating func disjunction() throws(QueryError) -> Expression {
        try chain({ (parser) throws(QueryError) in try parser.conjunction() }, { $0.takeWord("OR") ? "or" : nil })
    }

    private mutating func conjunction() throws(QueryError) -> Expression {
        try chain({ (parser) throws(QueryError) in try parser.negation() }, { $0.takeWord("AND") ? "and" : nil })
    }

    private mutating func negation() throws(QueryError) -> Expression {
        if takeWord("NOT") || takeSymbol("!") {
            return .call("not", try nested { (parser) throws(QueryError) in try parser.negation() })
        }
        return try predicate()
    }

    private mutating func predicate() throws(QueryError) -> Expression {
        var left = try concatenation()
        var terms = 0
        while true {
            terms += 1
            if terms > Self.depthMax { throw QueryError(.failedToParseTooComplex, at: position(peek.start)) }
            if let name = comparison() {
                let right = try concatenation()
                left = name == "<>" ? .call("not", .call("=", left, right)) : .call(name, left, right)
                continue
            }
            let start = at
            let negated = takeWord("NOT")
            if let test = try suffix(left) {
                left = negated ? .call("not", test) : test
            } else {
                at = start
                return left
            }
        }
    }

    private mutating func comparison() -> String? {
        guard peek.kind == .symbol else { return nil }
        let names = ["=": "=", "==": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">=", "<=>": "<=>"]
        guard let name = names[peek.text] else { return nil }
        _ = take()
        return name
    }

    /// BETWEEN, IN, LIKE, RLIKE, IS after their left operand; nil when none follows.
    private mutating func suffix(_ left: Expression) throws(QueryError) -> Expression? {
        if takeWord("BETWEEN") {
            let low = try concatenation()
            try expectWord("AND")
            return .call("between", left, low, try concatenation())
        }
        if takeWord("IN") {
            try expectSymbol("(")
            if isWord("SELECT") || isWord("WITH") {
                let plan = try query()
                try expectSymbol(")")
                if case .call("struct", let values, _) = left { return .subquery(.contains(values), SubqueryPlan(plan)) }
                return .subquery(.contains([left]), SubqueryPlan(plan))
            }
            var items = [try expression()]
            while takeSymbol(",") { items.append(try expression()) }
            try expectSymbol(")")
            return .inList(left, items)
        }
        if takeWord("LIKE") || takeWord("ILIKE") {
            let name = tokens[at - 1].text.lowercased()
            if isWord("ANY") || isWord("ALL") || isWord("SOME") { return try quantifiedLike(left, name) }
            var arguments = [left, try concatenation()]
            if takeWord("ESCAPE") { arguments.append(try primary()) }
            return .call(name: name, arguments: arguments, distinct: false)
        }
        if takeWord("RLIKE") || takeWord("REGEXP") { return .call("rlike", left, try concatenation()) }
        guard takeWord("IS") else { return nil }
        let negated = takeWord("NOT")
        if takeWord("NULL") { return .call(negated ? "isnotnull" : "isnull", left) }
        if takeWord("DISTINCT", "FROM") {
            let same = Expression.call("<=>", left, try concatenation())
            return negated ? same : .call("not", same)
        }
        for (word, value) in [("TRUE", true), ("FALSE", false)] where takeWord(word) {
            let test = Expression.call("<=>", left, .literal(.boolean(value)))
            return negated ? .call("not", test) : test
        }
        throw unexpected()
    }

    /// LIKE ANY and LIKE ALL. NOT stands for each pattern: the caller's NOT over the other quantifier says the same.
    private mutating func quantifiedLike(_ left: Expression, _ name: String) throws(QueryError) -> Expression {
        let isNegated = at >= 2 && tokens[at - 2].kind == .word && tokens[at - 2].text.uppercased() == "NOT"
        let isAll = take().text.uppercased() == "ALL"
        try expectSymbol("(")
        var tests: [Expression] = []
        repeat { tests.append(.call(name, left, try expression())) } while takeSymbol(",")
        try expectSymbol(")")
        if tests.count > Self.depthMax { throw QueryError(.failedToParseTooComplex, at: position(peek.start)) }
        return tests.dropFirst().reduce(tests[0]) { .call(isAll != isNegated ? "and" : "or", $0, $1) }
    }

    mutating func concatenation() throws(QueryError) -> Expression {
        try bits(tighterThan: 0)
    }

    /// `|`, `^`, `&` and the shifts, from the loosest to the tightest, by climbing.
    private mutating func bits(tighterThan level: Int) throws(QueryError) -> Expression {
        var left = try chain({ (parser) throws(QueryError) in try parser.sum() }, { $0.takeSymbol("||") ? "concat" : nil })
        var terms = 0
        while let operation = bitOperator, operation.level > level {
            terms += 1
            if terms > Self.depthMax { throw QueryError(.failedToParseTooComplex, at: position(peek.start)) }
            at += operation.tokens
            left = .call(
                operation.name, left, try nested { (parser) throws(QueryError) in try parser.bits(tighterThan: operation.level) })
        }
        return left
    }

    /// Shifts are read from adjacent signs, since `>>` also ends nested types.
    private var bitOperator: (name: String, level: Int, tokens: Int)? {
        guard peek.kind == .symbol else { return nil }
        switch peek.text {
        case "|": return ("|", 1, 1)
        case "^": return ("^", 2, 1)
        case "&": return ("&", 3, 1)
        case "<", ">":
            var count = 1
            while count < 3, peek(count).text == peek.text, peek(count).kind == .symbol, peek(count).start == peek(count - 1).end {
                count += 1
            }
            return count == 1 || (count == 3 && peek.text == "<") ? nil : (String(repeating: peek.text, count: count), 4, count)
        default: return nil
        }
    }

    private mutating func sum() throws(QueryError) -> Expression {
        try chain({ (parser) throws(QueryError) in try parser.product() }, { $0.takeSymbol("+") ? "+" : $0.takeSymbol("-") ? "-" : nil })
    }

    private mutating func product() throws(QueryError) -> Expression {
        try chain({ (parser) throws(QueryError) in try parser.unary() }) {
            $0.takeSymbol("*") ? "*" : $0.takeSymbol("/") ? "/" : $0.takeSymbol("%") ? "%" : $0.takeWord("DIV") ? "div" : nil
        }
    }

    private mutating func unary() throws(QueryError) -> Expression {
        if takeSymbol("-") {
            if peek.kind == .number {
                let token = take()
                return try postfix(try numberLiteral("-" + token.text, token))
            }
            return .call("-", try nested { (parser) throws(QueryError) in try parser.unary() })
        }
        if takeSymbol("+") { return .call("positive", try nested { (parser) throws(QueryError) in try parser.unary() }) }
        if takeSymbol("~") { return .call("~", try nested { (parser) throws(QueryError) in try parser.unary() }) }
        return try postfix(try primary())
    }

    private mutating func postfix(_ base: Expression) throws(QueryError) -> Expression {
        var expression = base
        var steps = 0
        while true {
            steps += 1
            if steps > Self.depthMax { throw QueryError(.failedToParseTooComplex, at: position(peek.start)) }
            if takeSymbol("::") {
                expression = .cast(expression, to: try dataType(), isTry: false)
            } else if takeSymbol("[") {
                expression = .extract(expression, key: try self.expression())
                try expectSymbol("]")
            } else if isSymbol("."), peek(1).kind == .word || peek(1).kind == .quoted {
                _ = take()
                expression = .extract(expression, key: .literal(.string(try identifier())))
            } else {
                return expression
            }
        }
    }

    // MARK: Primary expressions

    mutating func primary() throws(QueryError) -> Expression {
        let token = peek
        switch token.kind {
        case .number:
            _ = take()
            return try numberLiteral(token.text, token)
        case .string:
            _ = take()
            var text = token.text
            while peek.kind == .string { text += take().text }
            return .literal(.string(text))
        case .quoted: return try nameOrCall()
        case .word:
            if let special = try special() { return special }
            return try nameOrCall()
        case .symbol:
            if takeSymbol("*") { return .star(qualifier: []) }
            if takeSymbol("(") {
                if isWord("SELECT") || isWord("WITH") {
                    let plan = try query()
                    try expectSymbol(")")
                    return .subquery(.scalar, SubqueryPlan(plan))
                }
                let inner = try expression()
                if takeSymbol(",") {
                    var items = [inner, try expression()]
                    while takeSymbol(",") { items.append(try expression()) }
                    try expectSymbol(")")
                    return .call(name: "struct", arguments: items, distinct: false)
                }
                try expectSymbol(")")
                return inner
            }
            throw unexpected()
        case .end: throw unexpected()
        }
    }

    private mutating func special() throws(QueryError) -> Expression? {
        switch peek.text.uppercased() {
        case "NULL" where !isSymbol("(", 1):
            _ = take()
            return .literal(.null)
        case "TRUE", "FALSE": return .literal(.boolean(take().text.uppercased() == "TRUE"))
        case "CASE":
            _ = take()
            return try caseExpression()
        case "CAST" where isSymbol("(", 1), "TRY_CAST" where isSymbol("(", 1):
            let isTry = take().text.uppercased() == "TRY_CAST"
            try expectSymbol("(")
            let value = try expression()
            try expectWord("AS")
            let type = try dataType()
            try expectSymbol(")")
            return .cast(value, to: type, isTry: isTry)
        case "DATE" where peek(1).kind == .string, "TIMESTAMP" where peek(1).kind == .string: return try typedLiteral()
        case "CURRENT_DATE" where !isSymbol("(", 1), "CURRENT_TIMESTAMP" where !isSymbol("(", 1):
            return .call(name: take().text.lowercased(), arguments: [], distinct: false)
        case "EXISTS" where isSymbol("(", 1) && (isWord("SELECT", 2) || isWord("WITH", 2)):
            at += 2
            let plan = try query()
            try expectSymbol(")")
            return .subquery(.exists, SubqueryPlan(plan))
        case "INTERVAL" where [.number, .string].contains(peek(1).kind) || isSymbol("-", 1): return .interval(try interval())
        case "X" where peek(1).kind == .string && peek(1).start == peek.end: return try bytesLiteral()
        case "SELECT", "FROM", "WHERE", "GROUP", "ORDER", "HAVING", "UNION", "JOIN", "ON", "THEN", "WHEN", "ELSE", "END":
            if isSymbol(".", 1) || isSymbol("(", 1) { return nil }
            throw unexpected()
        default: return nil
        }
    }

    private mutating func caseExpression() throws(QueryError) -> Expression {
        let subject = isWord("WHEN") ? nil : try expression()
        var branches: [CaseBranch] = []
        while takeWord("WHEN") {
            let test = try expression()
            try expectWord("THEN")
            branches.append(CaseBranch(condition: subject.map { .call("=", $0, test) } ?? test, result: try expression()))
            if branches.count > Self.depthMax { throw QueryError(.failedToParseTooComplex, at: position(peek.start)) }
        }
        if branches.isEmpty { throw unexpected() }
        let otherwise = takeWord("ELSE") ? try expression() : nil
        try expectWord("END")
        return .caseWhen(branches: branches, otherwise: otherwise)
    }

    private mutating func typedLiteral() throws(QueryError) -> Expression {
        let kind = take().text.uppercased()
        let token = take()
        if kind == "DATE", let days = CivilTime.parseDate(token.text) { return .literal(Literal(.integer(Int64(days)), .date)) }
        if kind == "TIMESTAMP", let micros = CivilTime.parseTimestamp(token.text) {
            if CivilTime.hasZone(token.text) { return .literal(Literal(.integer(micros), .timestamp)) }
            // The zone of its wall clock is the session's.
            return .call("timestamp literal", .literal(.string(CivilTime.formatTimestamp(micros))))
        }
        throw QueryError(.invalidTypedLiteral, ["valueType": "\"\(kind)\"", "value": "'\(token.text)'"], at: position(token.start))
    }

    private mutating func nameOrCall() throws(QueryError) -> Expression {
        var parts = [try identifier()]
        while isSymbol("."), [.word, .quoted].contains(peek(1).kind) || isSymbol("*", 1) {
            if parts.count > Self.depthMax { throw QueryError(.failedToParseTooComplex, at: position(peek.start)) }
            _ = take()
            if takeSymbol("*") { return .star(qualifier: parts) }
            parts.append(try identifier())
        }
        guard isSymbol("(") else { return .attribute(parts, planID: nil) }
        return try callSuffix(parts.joined(separator: "."))
    }

    private mutating func callSuffix(_ name: String) throws(QueryError) -> Expression {
        try expectSymbol("(")
        let distinct = takeWord("DISTINCT")
        var arguments: [Expression] = []
        if let special = try specialCall(name.uppercased()) { return special }
        if !isSymbol(")") {
            let named = name.uppercased() == "STRUCT"
            repeat { arguments.append(named ? try namedExpression() : try argument()) } while takeSymbol(",")
        }
        if name.uppercased() == "SUBSTRING" || name.uppercased() == "SUBSTR", arguments.count == 1, takeWord("FROM") {
            arguments.append(try expression())
            if takeWord("FOR") { arguments.append(try expression()) }
        }
        try expectSymbol(")")
        let call = Expression.call(name: name.lowercased(), arguments: arguments, distinct: distinct)
        return try callTail(call)
    }

    /// Whole numbers are int, bigint or decimal by size; a point makes a decimal, an exponent a double; a suffix decides.
    private func numberLiteral(_ text: String, _ token: Token) throws(QueryError) -> Expression {
        let upper = text.uppercased()
        let suffix = ["BD", "L", "S", "Y", "D", "F"].first { upper.hasSuffix($0) } ?? ""
        let digits = String(upper.dropLast(suffix.count))
        func range(_ type: String, _ low: String, _ high: String) -> QueryError {
            QueryError(
                .invalidNumericLiteralRange,
                ["rawStrippedQualifier": digits.lowercased(), "typeName": type, "minValue": low, "maxValue": high],
                at: position(token.start))
        }
        switch suffix {
        case "L":
            guard let value = Int64(digits) else { throw range("bigint", "\(Int64.min)", "\(Int64.max)") }
            return .literal(.long(value))
        case "S":
            guard let value = Int16(digits) else { throw range("smallint", "\(Int16.min)", "\(Int16.max)") }
            return .literal(Literal(.integer(Int64(value)), .short))
        case "Y":
            guard let value = Int8(digits) else { throw range("tinyint", "\(Int8.min)", "\(Int8.max)") }
            return .literal(Literal(.integer(Int64(value)), .byte))
        case "F":
            guard let value = Float(digits), value.isFinite else {
                throw range("float", "-3.4028234663852886E+38", "3.4028234663852886E+38")
            }
            return .literal(Literal(.double(Double(value)), .float))
        default: break
        }
        if suffix == "D" || (suffix.isEmpty && digits.contains("E")) {
            guard let value = Double(digits), value.isFinite else {
                throw range("double", "-1.7976931348623157E+308", "1.7976931348623157E+308")
            }
            return .literal(.double(value))
        }
        if suffix.isEmpty, !digits.contains(".") {
            if let value = Int32(digits) { return .literal(.int(value)) }
            if let value = Int64(digits) { return .literal(.long(value)) }
        }
        guard let decimal = DecimalText.parse(digits) else { throw range("decimal", "-10^38", "10^38") }
        return .literal(Literal(.decimal(decimal.unscaled), .decimal(precision: decimal.precision, scale: decimal.scale)))
    }
}
