// Calls whose arguments are set apart by words: EXTRACT(YEAR FROM x), TRIM(BOTH 'a' FROM x), POSITION('a' IN x), OVERLAY(x PLACING y FROM
// 2). Source: Spark SQL reference, "Built-in Functions".

extension Parser {
    /// The call, behind its opening parenthesis, if its arguments have such a form.
    mutating func specialCall(_ name: String) throws(QueryError) -> Expression? {
        switch name {
        case "EXTRACT" where isWord("FROM", 1):
            let field = take().text
            _ = take()
            let source = try expression()
            try expectSymbol(")")
            return .call("extract", .literal(.string(field)), source)
        case "TRIM": return try trim()
        case "POSITION": return try position()
        case "OVERLAY": return try overlay()
        case "TIMESTAMPADD", "TIMESTAMPDIFF", "DATEADD", "DATE_ADD", "DATEDIFF", "DATE_DIFF": return try stepped(name)
        default: return nil
        }
    }

    /// `timestampadd(HOUR, 8, ts)`: the unit is a word. Without one the call is that of a function.
    private mutating func stepped(_ name: String) throws(QueryError) -> Expression? {
        guard peek.kind == .word, isSymbol(",", 1), TimeUnits.names.contains(peek.text.uppercased()) else { return nil }
        let start = at
        let unit = Expression.literal(.string(take().text.uppercased()))
        _ = take()
        let first = try expression()
        guard takeSymbol(",") else {
            at = start
            return nil
        }
        let second = try expression()
        try expectSymbol(")")
        return .call(name.hasSuffix("DIFF") ? "timestampdiff" : "timestampadd", unit, first, second)
    }

    private mutating func trim() throws(QueryError) -> Expression? {
        let start = at
        var function = "trim"
        if isWord("BOTH") || isWord("LEADING") || isWord("TRAILING"), !isSymbol(")", 1), !isSymbol(",", 1) {
            function = ["BOTH": "trim", "LEADING": "ltrim"][take().text.uppercased()] ?? "rtrim"
            if takeWord("FROM") {
                let text = try expression()
                try expectSymbol(")")
                return .call(function, text)
            }
        }
        if isSymbol(")") { return nil }
        let characters = try expression()
        guard takeWord("FROM") else {
            at = start
            return nil
        }
        let text = try expression()
        try expectSymbol(")")
        return .call(function, characters, text)
    }

    private mutating func position() throws(QueryError) -> Expression? {
        let start = at
        if isSymbol(")") { return nil }
        let wanted = try concatenation()
        guard takeWord("IN") else {
            at = start
            return nil
        }
        let text = try expression()
        try expectSymbol(")")
        return .call("locate", wanted, text)
    }

    private mutating func overlay() throws(QueryError) -> Expression? {
        let start = at
        if isSymbol(")") { return nil }
        var arguments = [try expression()]
        guard takeWord("PLACING") else {
            at = start
            return nil
        }
        arguments.append(try expression())
        try expectWord("FROM")
        arguments.append(try expression())
        if takeWord("FOR") { arguments.append(try expression()) }
        try expectSymbol(")")
        return .call(name: "overlay", arguments: arguments, distinct: false)
    }
}
