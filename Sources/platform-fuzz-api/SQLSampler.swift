// Statements, expressions, types, names and options for the fuzzer of Spark Connect: any function on any value, in any clause.
import Base
import ComputeCore
import QueryCore
import SparkWire

enum SQLSampler {
    private static let functions = RoutineNames.all + FunctionTable.words
    private static let columns = ["id", "a", "b", "c", "t.a", "u.b", "*", "`x y`", "é", "d", "s.f", "missing"]
    private static let types = [
        "tinyint", "smallint", "int", "bigint", "float", "double", "decimal(38,38)", "decimal(38,0)", "decimal(1,1)", "string", "binary",
        "boolean", "date", "timestamp", "timestamp_ntz", "array<int>", "map<string,int>", "struct<f:int>", "interval day to second", "void",
        "a int, b string", "a array<array<array<int>>>", "decimal(39,1)", "char(3)",
    ]
    private static let literals = [
        "NULL", "TRUE", "FALSE", "0", "1", "-1", "2", "127Y", "-128Y", "32767S", "-32768S", "2147483647", "-2147483648",
        "9223372036854775807L",
        "-9223372036854775808L", "9223372036854775808", "99999999999999999999999999999999999999BD",
        "0.00000000000000000000000000000000000001BD",
        "1.5", "1e308D", "1e-320D", "1e39F", "double('NaN')", "double('-Infinity')", "''", "'a'", "'a,b;c'", "'%a_'", "'(a+)+$'",
        "'😀e\u{301}'",
        "'2024-02-29 23:59:60'", "'yyyy-MM-dd HH:mm:ss.SSSSSSSSS'", "'month'", "'{\"a\":[1,{\"b\":null}]}'", "'9223372036854775808'",
        "' -0x1 '",
        "X''", "X'00FF80'", "DATE'0001-01-01'", "DATE'9999-12-31'", "DATE'2024-02-29'", "TIMESTAMP'0001-01-01 00:00:00'",
        "TIMESTAMP'9999-12-31 23:59:59.999999'", "TIMESTAMP'2024-03-10 02:30:00 America/New_York'", "INTERVAL 178956970 YEARS",
        "INTERVAL -106751991 DAYS", "INTERVAL '1 02:03:04.5' DAY TO SECOND", "INTERVAL 1 MONTH", "array()", "array(1, 2, NULL)",
        "array(array(1))", "map('k', 1)", "named_struct('f', 1)", "repeat('x', 100000)", "sequence(1, 3)", "1000000", "1048577",
    ]
    private static let operators = [
        "+", "-", "*", "/", "%", "div", "=", "<=>", "<", ">=", "||", "&", "|", "^", "<<", ">>", ">>>", "AND", "OR", "LIKE", "RLIKE",
    ]
    private static let options = [
        "csv", "json", "parquet", "text", "header", "true", "sep", "", "inferSchema", "multiLine", "mode", "FAILFAST", "PERMISSIVE",
        "spark.sql.session.timeZone", "America/New_York", "UTC", "+18:00", "Mars/Base", "spark.sql.ansi.enabled", "false",
        "spark.sql.shuffle.partitions", "-1", "9223372036854775807",
    ]
    private static let databases = ["default", "d", "e"]
    private static let spans = ["3", "1000", "0, 10, 3", "9223372036854775806, 9223372036854775807", "100000"]
    private static let strange = [
        "", " ", "\u{0}", "\u{301}", "a\nb", "`", "``", "'", "\"", "/*", "--", ";", "\u{ffff}", "😀", "..", "SELECT",
        String(repeating: "(", count: 300), String(repeating: "x", count: 70_000), String(repeating: "- ", count: 1000),
    ]

    static let text: SparkSampler.Text = { role, random in
        switch role {
        case .column: pick(columns, &random)
        case .function: pick(functions, &random)
        case .statement: statement(&random)
        case .expression: expression(0, &random)
        case .type: pick(types, &random)
        case .option: pick(options, &random)
        case .other:
            switch random.below(6) {
            case 0: pick(strange, &random)
            case 1: pick(types, &random)
            case 2: pick(options, &random)
            case 3: "\(random.below(30))"
            default: pick(columns, &random)
            }
        }
    }

    private static func pick(_ words: [String], _ random: inout Prng) -> String { words[random.below(words.count)] }

    private static func list(_ depth: Int, _ count: Int, _ random: inout Prng) -> String {
        var parts: [String] = []
        for _ in 0..<count { parts.append(expression(depth, &random)) }
        return parts.joined(separator: ", ")
    }

    static func statement(_ random: inout Prng) -> String {
        switch random.below(22) {
        case 0: pick(strange, &random)
        case 16...21: catalogStatement(&random)
        // A function of few values gets furthest.
        case 8...11: "SELECT \(call(3, &random))"
        case 12...15: "SELECT \(call(3, &random)), count(*) FROM \(source(3, &random)) GROUP BY ALL ORDER BY 1"
        case 1: "SET \(pick(options, &random)) = \(pick(options, &random))"
        case 2: "CREATE OR REPLACE TEMPORARY VIEW v AS \(query(1, &random))"
        case 3: "EXPLAIN \(query(1, &random))"
        case 4: "SHOW \(pick(["TABLES", "DATABASES", "FUNCTIONS", "COLUMNS IN t", "VIEWS"], &random))"
        default: query(0, &random)
        }
    }

    private static func catalogStatement(_ random: inout Prng) -> String {
        let database = pick(databases, &random)
        let (table, other) = (tableName(&random), tableName(&random))
        func maybe(_ words: String) -> String { random.below(2) == 0 ? words + " " : "" }
        let format = pick(["parquet", "csv", "json"], &random)
        switch random.below(16) {
        case 0: return "CREATE DATABASE \(maybe("IF NOT EXISTS"))\(database) COMMENT \(pick(literals, &random))"
        case 1: return "DROP DATABASE \(maybe("IF EXISTS"))\(database) \(maybe("CASCADE"))"
        case 2: return "USE \(database)"
        case 3:
            return "CREATE TABLE \(maybe("IF NOT EXISTS"))\(table) (a \(pick(types, &random)), b int) USING \(format) "
                + maybe("PARTITIONED BY (b)")
        case 4: return "CREATE TABLE \(table) (a int, b string, p int) USING \(format) \(maybe("PARTITIONED BY (p)"))"
        case 5: return "CREATE \(maybe("OR REPLACE"))TABLE \(table) USING \(format) AS SELECT * FROM (\(query(1, &random))) LIMIT 50"
        case 6: return "CREATE \(maybe("OR REPLACE"))VIEW \(table) AS \(query(1, &random))"
        case 7, 8: return "INSERT \(pick(["INTO", "OVERWRITE"], &random)) \(table) VALUES (\(list(3, 2 + random.below(2), &random)))"
        case 9: return "INSERT \(pick(["INTO", "OVERWRITE"], &random)) \(table) SELECT 1, 'x', id FROM range(0, 10, 3)"
        case 10: return "INSERT INTO \(table) TABLE \(other)"
        case 11: return "TRUNCATE TABLE \(table)"
        case 12: return "DROP \(pick(["TABLE", "VIEW"], &random)) \(maybe("IF EXISTS"))\(table)"
        case 13: return "ALTER TABLE \(table) RENAME TO \(other)"
        case 14: return "ALTER TABLE \(table) ADD COLUMNS (\(pick(columns, &random)) \(pick(types, &random)))"
        default: return "ALTER TABLE \(table) SET TBLPROPERTIES (\(pick(literals, &random)) = \(pick(literals, &random)))"
        }
    }

    private static func tableName(_ random: inout Prng) -> String {
        let name = pick(["t", "u", "v", "w", "é"], &random)
        return random.below(2) == 0 ? name : "\(pick(databases, &random)).\(name)"
    }

    private static func query(_ depth: Int, _ random: inout Prng) -> String {
        var text = "SELECT \(random.below(6) == 0 ? "DISTINCT " : "")\(list(depth + 1, 1 + random.below(3), &random))"
        guard random.below(5) > 0 else { return text }
        text += " FROM \(source(depth, &random))"
        if random.below(4) == 0 {
            text += " \(pick(["", "LEFT", "FULL", "CROSS", "LEFT ANTI", "NATURAL"], &random)) JOIN \(source(depth, &random))"
        }
        if random.below(3) == 0 { text += " WHERE \(expression(depth + 1, &random))" }
        if random.below(3) == 0 { text += " GROUP BY \(pick(["ALL", "1", "id", "a, b", "ROLLUP(a, b)", "CUBE(a, b)"], &random))" }
        if random.below(8) == 0 { text += " HAVING \(expression(depth + 1, &random))" }
        if random.below(3) == 0 { text += " ORDER BY \(expression(depth + 1, &random)) \(pick(["", "DESC", "NULLS LAST"], &random))" }
        if random.below(3) == 0 { text += " LIMIT \(pick(["0", "3", "2147483647", "-1"], &random))" }
        if random.below(12) == 0 {
            text += " \(pick(["UNION", "UNION ALL", "INTERSECT", "EXCEPT ALL"], &random)) \(query(depth + 1, &random))"
        }
        return text
    }

    private static func source(_ depth: Int, _ random: inout Prng) -> String {
        switch random.below(depth > 2 ? 2 : 4) {
        case 0:
            "range(\(pick(spans, &random))) \(pick(["t", "u"], &random))"
        case 1: "VALUES (1, 'x', 2.5D, NULL), (2, '', 1e308D, 7), (NULL, '😀', double('NaN'), 7) AS t(a, b, c, d)"
        case 2: "(\(query(depth + 1, &random))) AS \(pick(["t", "u"], &random))"
        default: "v"
        }
    }

    private static func call(_ depth: Int, _ random: inout Prng) -> String {
        "\(pick(functions, &random))(\(list(depth + 1, random.below(4), &random)))"
    }

    static func expression(_ depth: Int, _ random: inout Prng) -> String {
        guard depth < 4 else { return random.below(2) == 0 ? pick(literals, &random) : pick(columns, &random) }
        switch random.below(20) {
        case 0...3: return pick(literals, &random)
        case 4...5: return pick(columns, &random)
        case 6...12: return call(depth, &random)
        case 13...14: return "(\(expression(depth + 1, &random)) \(pick(operators, &random)) \(expression(depth + 1, &random)))"
        case 15: return "CAST(\(expression(depth + 1, &random)) AS \(pick(types, &random)))"
        case 16: return "CASE WHEN \(expression(depth + 1, &random)) THEN \(expression(depth + 1, &random)) END"
        case 17:
            let frame = pick(
                ["", " ROWS BETWEEN 2147483647 PRECEDING AND CURRENT ROW", " RANGE BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING"], &random)
            return
                "\(call(depth, &random)) OVER (PARTITION BY \(pick(columns, &random)) ORDER BY 1\(frame))"
        case 18: return "\(expression(depth + 1, &random)) IN (\(list(depth + 1, 2, &random)))"
        default: return depth < 2 ? "(\(query(3, &random)))" : "transform(array(1, 2), x -> \(expression(depth + 1, &random)))"
        }
    }
}
