// SHOW, DESCRIBE and SET: answers from the catalog, in the columns and the words of Spark.
import CatalogCore
import ComputeCore
import ComputeRuntime
import Foundation
import QueryCore

extension StatementRunner {
    func show(_ listing: Listing) throws -> QueryRun {
        switch listing {
        case .catalogs: return Self.texts(["catalog"], [[CatalogNames.catalog]])
        case .databases(let pattern):
            return Self.texts(["namespace"], databaseNames(pattern).map { [$0] })
        case .tables(let database, let pattern): return try names(database, pattern, column: "tableName") { _ in true }
        case .views(let database, let pattern): return try names(database, pattern, column: "viewName") { $0.isView }
        case .columns(let table): return Self.texts(["col_name"], try columns(of: table).map { [$0.name] })
        case .createTable(let name):
            guard let table = try relation(name) else { throw notFound(name) }
            return Self.texts(["createtab_stmt"], [[try Self.creation(of: table)]])
        case .partitions(let name, let values):
            let table = try table(name, for: "SHOW PARTITIONS")
            return Self.texts(["partition"], try partitions(table, values).map { [TableOutputFolder.folder(of: $0)] })
        case .properties(let name, let key): return try properties(name, key)
        case .currentNamespace: return Self.texts(["catalog", "namespace"], [[CatalogNames.catalog, engine.database]])
        }
    }

    /// Rows of texts; null where a text is nil.
    static func texts(_ names: [String], _ rows: [[String?]], nullable: Bool = false) -> QueryRun {
        QueryRun(
            schema: Schema(names.map { StructField($0, .string, nullable: nullable) }),
            rows: rows.map { row in row.map { $0.map(Value.string) ?? .null } })
    }

    func databaseNames(_ pattern: String?) -> [String] { catalog.state.databaseNames.filter { CatalogNames.matches($0, pattern) } }

    /// Lasting names of the database, then temporary views.
    private func names(_ database: [String]?, _ pattern: String?, column: String, _ isWanted: (CatalogTable) -> Bool) throws -> QueryRun {
        let home = try self.database(database ?? [engine.database]).name
        let lasting = catalog.state.tables(of: home).filter { isWanted($0) && CatalogNames.matches($0.name, pattern) }
        let temporary = engine.viewNames.filter { CatalogNames.matches($0, pattern) }
        let schema = Schema([
            StructField("namespace", .string, nullable: false), StructField(column, .string, nullable: false),
            StructField("isTemporary", .boolean, nullable: false),
        ])
        return QueryRun(
            schema: schema,
            rows: lasting.map { [.string(home), .string($0.name), .boolean(false)] }
                + temporary.map { [.string(""), .string($0), .boolean(true)] })
    }

    /// Of a table, a lasting view or a temporary one.
    func columns(of parts: [String]) throws -> [CatalogColumn] {
        if !engine.hasView(parts), let table = try relation(parts) { return table.columns }
        return try engine.schema(.table(parts)).fields.map { TableColumns.column($0) }
    }

    private func properties(_ parts: [String], _ key: String?) throws -> QueryRun {
        guard let table = try relation(parts) else {
            guard engine.hasView(parts) else { throw notFound(parts) }
            return Self.texts(["key", "value"], [])
        }
        guard let key else { return Self.texts(["key", "value"], table.properties.map { [$0.name, $0.value] }) }
        let value = table.properties.first { $0.name == key }?.value
        return Self.texts(["key", "value"], [[key, value ?? "Table \(TableName(table).plain) does not have property: \(key)"]])
    }

    // MARK: SHOW CREATE TABLE

    static func creation(of table: CatalogTable) throws -> String {
        let name = TableName(table).plain
        var text = table.isView ? "CREATE VIEW \(name) " : "CREATE TABLE \(name) "
        var lines: [String] = []
        for column in table.columns {
            let comment = column.comment.map { " COMMENT \(quoted($0))" } ?? ""
            guard !table.isView else {
                lines.append("  \(Identifier.quotedIfNeeded(column.name))\(comment)")
                continue
            }
            let type = try Parser.parseType(column.type).sqlName
            lines.append("  \(Identifier.quotedIfNeeded(column.name)) \(type)\(column.nullable ? "" : " NOT NULL")\(comment)")
        }
        text += "(\n" + lines.joined(separator: ",\n") + ")\n"
        if !table.isView {
            text += "USING \(table.format)\n"
            if !table.options.isEmpty { text += "OPTIONS (\n" + pairs(table.options) + ")\n" }
            if !table.partitionColumns.isEmpty {
                text += "PARTITIONED BY (\(table.partitionColumns.map(Identifier.quotedIfNeeded).joined(separator: ", ")))\n"
            }
        }
        if let comment = table.comment { text += "COMMENT \(quoted(comment))\n" }
        if table.kind == .external { text += "LOCATION \(quoted(shown(location: table.location)))\n" }
        if !table.properties.isEmpty { text += "TBLPROPERTIES (\n" + pairs(table.properties) + ")\n" }
        if table.isView { text += "AS \(table.query.text)\n" }
        return text
    }

    private static func pairs(_ properties: [CatalogProperty]) -> String {
        properties.map { "  \(quoted($0.name)) = \(quoted($0.value))" }.joined(separator: ",\n")
    }

    private static func quoted(_ text: String) -> String {
        var out = "'"
        for scalar in text.unicodeScalars {
            if scalar == "'" || scalar == "\\" { out.unicodeScalars.append("\\") }
            out.unicodeScalars.append(scalar)
        }
        return out + "'"
    }

    // MARK: DESCRIBE

    func describe(_ parts: [String], column: [String], extended: Bool) throws -> QueryRun {
        let columns = try columns(of: parts)
        if let name = column.first {
            guard column.count == 1 else { throw QueryError.unsupported("DESCRIBE of a field of a struct") }
            guard let found = columns.first(where: { Identifier.same($0.name, name) }) else {
                throw QueryError(
                    .unresolvedColumn,
                    [
                        "objectName": Identifier.quoted(name),
                        "proposal": columns.map { Identifier.quoted($0.name) }.joined(separator: ", "),
                    ])
            }
            return Self.texts(
                ["info_name", "info_value"],
                [["col_name", found.name], ["data_type", try Self.type(found)], ["comment", found.comment ?? "NULL"]])
        }
        var rows: [[String?]] = []
        for column in columns { rows.append([column.name, try Self.type(column), column.comment]) }
        if !engine.hasView(parts), let table = try relation(parts) {
            if !table.partitionColumns.isEmpty {
                rows += [["# Partition Information", "", ""], ["# col_name", "data_type", "comment"]]
                rows += Array(rows[(columns.count - table.partitionColumns.count)..<columns.count])
            }
            if extended { rows += [["", "", ""], ["# Detailed Table Information", "", ""]] + Self.details(table).map { [$0, $1, ""] } }
        }
        return QueryRun(
            schema: QuerySession.descriptionSchema, rows: rows.map { row in row.map { $0.map(Value.string) ?? .null } })
    }

    private static func type(_ column: CatalogColumn) throws -> String { try Parser.parseType(column.type).simpleString }

    private static func details(_ table: CatalogTable) -> [(String, String)] {
        var details = [
            ("Catalog", CatalogNames.catalog), ("Database", table.database), ("Table", table.name),
            ("Created Time", date(table.stamp.created.milliseconds)), ("Last Access", "UNKNOWN"),
            ("Created By", "Spark \(SparkService.sparkVersion)"), ("Type", "\(table.kind)".uppercased()),
        ]
        if !table.isView { details.append(("Provider", table.format)) }
        if let comment = table.comment { details.append(("Comment", comment)) }
        if !table.properties.isEmpty {
            details.append(("Table Properties", "[" + table.properties.map { "\($0.name)=\($0.value)" }.joined(separator: ", ") + "]"))
        }
        if table.isView {
            details += [
                ("View Text", table.query.text), ("View Original Text", table.query.text),
                ("View Catalog and Namespace", "\(CatalogNames.catalog).\(table.query.database)"),
                ("View Query Output Columns", "[" + table.query.columns.joined(separator: ", ") + "]"),
            ]
        } else {
            details.append(("Location", shown(location: table.location)))
        }
        return details
    }

    /// `Mon Nov 30 18:22:20 UTC 2026`.
    private static func date(_ milliseconds: Int64) -> String {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(identifier: "UTC")
        format.dateFormat = "EEE MMM dd HH:mm:ss 'UTC' yyyy"
        return format.string(from: Date(timeIntervalSince1970: Double(milliseconds) / 1000))
    }

    func describeDatabase(_ parts: [String], extended: Bool) throws -> QueryRun {
        let database = try database(parts)
        var rows: [[String?]] = [
            ["Catalog Name", CatalogNames.catalog], ["Namespace Name", database.name], ["Comment", database.comment],
            ["Location", Self.shown(location: database.location)], ["Owner", ""],
        ]
        if extended {
            let pairs = database.properties.map { "(\($0.name),\($0.value))" }.joined(separator: ", ")
            rows.append(["Properties", pairs.isEmpty ? "" : "(\(pairs))"])
        }
        return Self.texts(["info_name", "info_value"], rows)
    }

    // MARK: SET

    func set(_ setting: SettingStatement) throws -> QueryRun {
        switch setting {
        case .all: return Self.texts(["key", "value"], session.withConfig { $0.all(prefix: nil).map { [$0.key, $0.value] } })
        case .show(let name): return Self.texts(["key", "value"], [[name, session.withConfig { $0[name] } ?? "<undefined>"]])
        case .change(let name, let value):
            try session.withConfig { try $0.set(name, value) }
            return Self.texts(["key", "value"], [[name, value]])
        }
    }
}
