// INSERT, TRUNCATE and the partitions of a table: a query's columns arranged as the table's, then written by the rules of
// TableOutputFolder. Appends share the table, replacements have it alone while they change places. Source: Spark SQL guide, "ANSI
// Compliance", store assignment.
import CatalogCore
import ComputeCore
import ComputeRuntime
import QueryCore

extension StatementRunner {
    func insert(_ insertion: Insertion) throws {
        let table = try table(insertion.table, for: "INSERT")
        let plan = try arranged(insertion, table)
        let fixed = try partitionTexts(insertion.partition.filter { $0.value != nil }, table)
        if insertion.unlessPartitionExists, try hasPartition(fixed, table) { return }
        let shape = try TableColumns.shape(of: table)
        try engine.checkWrite(plan, as: shape)
        guard insertion.replacement != .nothing else { return try append(plan, shape, table) }
        let isDynamic = insertion.replacement == .dynamic || sessionIsDynamic
        let isPartial = !table.partitionColumns.isEmpty && (isDynamic || !fixed.isEmpty)
        try replace(table, isPartial ? .replacingPartitions(fixed: fixed, onlyWritten: isDynamic) : .replacing) { folder in
            try engine.write(plan, as: shape, to: folder, operation)
        }
    }

    var sessionIsDynamic: Bool { session.withConfig { $0["spark.sql.sources.partitionOverwriteMode"]?.lowercased() == "dynamic" } }

    private func append(_ plan: Plan, _ shape: OutputShape, _ table: CatalogTable) throws {
        try storage.locks.shared(table.location, isCancelled: isCancelled) {
            try checkStillThere(table)
            let folder = try storage.output(table.location, .appending)
            do {
                try engine.write(plan, as: shape, to: folder, operation)
                guard !operation.token.isCancelled else { throw QueryError(.operationCancelled) }
                try folder.commit()
            } catch {
                folder.abandon()
                throw error
            }
        }
    }

    /// Writes beside the table, then takes the place of its files.
    private func replace(_ table: CatalogTable, _ placement: TableOutputFolder.Placement, _ write: (TableOutputFolder) throws -> Void)
        throws
    {
        let folder = try storage.output(table.location, placement)
        do {
            try write(folder)
            try storage.locks.exclusive(table.location, isCancelled: isCancelled) {
                try checkStillThere(table)
                guard !operation.token.isCancelled else { throw QueryError(.operationCancelled) }
                let (files, path) = try storage.files.resolve(table.location)
                try TableOutputFolder.removeFormers(files: files, path: path)
                try folder.commit()
            }
        } catch {
            folder.abandon()
            throw error
        }
    }

    /// The table may have been dropped, or moved, while this statement waited.
    private func checkStillThere(_ table: CatalogTable) throws {
        guard catalog.state.table(table.id)?.location == table.location else { throw TableName(table).notFound }
    }

    // MARK: Columns

    /// The query's rows with the table's columns, in its order and of its types.
    private func arranged(_ insertion: Insertion, _ table: CatalogTable) throws -> Plan {
        let fields = try TableColumns.fields(table)
        let fixed = try fixedExpressions(insertion.partition, table)
        let open = fields.filter { field in !fixed.contains { Identifier.same($0.name, field.name) } }
        let source = try engine.schema(insertion.query).fields
        // Names of their own, so that equal ones of the query do no harm.
        let inner = source.indices.map { "column \($0)" }
        let places = try places(insertion.matching, open, source, table)
        var outputs: [Expression] = []
        for field in fields {
            if let place = places[field.name] {
                outputs.append(.alias(try stored(.attribute([inner[place]], planID: nil), source[place], field, table), name: field.name))
            } else {
                let value = fixed.first { Identifier.same($0.name, field.name) }?.value ?? .literal(.null)
                outputs.append(.alias(.cast(value, to: field.type, isTry: false), name: field.name))
            }
        }
        return .project(outputs, .toDF(inner, insertion.query))
    }

    /// The position of the query's column for each column of the table; a column without one is null.
    private func places(_ matching: Insertion.Matching, _ open: [StructField], _ source: [StructField], _ table: CatalogTable) throws
        -> [String: Int]
    {
        let targets: [String]
        switch matching {
        case .byPosition: targets = open.map(\.name)
        case .byName: targets = source.map(\.name)
        case .columns(let names): targets = names
        }
        if source.count != targets.count {
            throw QueryError(
                source.count < targets.count ? .insertNotEnoughColumns : .insertTooManyColumns,
                [
                    "tableName": TableName(table).quoted, "tableColumns": targets.map(Identifier.quoted).joined(separator: ", "),
                    "dataColumns": source.map { Identifier.quoted($0.name) }.joined(separator: ", "),
                ])
        }
        let fields = Dictionary(open.map { ($0.name.lowercased(), $0) }) { first, _ in first }
        var places: [String: Int] = [:]
        for (place, name) in targets.enumerated() {
            guard let field = fields[name.lowercased()] else {
                if matching == .byName {
                    throw QueryError(
                        .incompatibleDataExtraColumns, ["tableName": TableName(table).quoted, "extraColumns": Identifier.quoted(name)])
                }
                throw unknownColumn(name, table)
            }
            guard places.updateValue(place, forKey: field.name) == nil else {
                throw QueryError(.columnAlreadyExists, ["columnName": Identifier.quoted(name.lowercased())])
            }
        }
        return places
    }

    private func stored(_ value: Expression, _ from: StructField, _ to: StructField, _ table: CatalogTable) throws -> Expression {
        if StoreAssignment.isSame(from.type, to.type) { return value }
        guard StoreAssignment.allows(from.type, to.type) else {
            throw QueryError(
                .incompatibleDataCast,
                [
                    "tableName": TableName(table).quoted, "colName": Identifier.quoted(to.name), "srcType": "\"\(from.type.sqlName)\"",
                    "targetType": "\"\(to.type.sqlName)\"",
                ])
        }
        return .cast(value, to: to.type, isTry: false)
    }

    // MARK: Partitions

    private func fixedExpressions(_ values: [PartitionValue], _ table: CatalogTable) throws -> [PartitionValue] {
        for (place, value) in values.enumerated() {
            guard table.partitionColumns.contains(where: { Identifier.same($0, value.name) }) else {
                throw QueryError(.nonPartitionColumn, ["columnName": Identifier.quoted(value.name)])
            }
            if values[..<place].contains(where: { Identifier.same($0.name, value.name) }) {
                throw QueryError(.duplicateKey, ["keyColumn": Identifier.quoted(value.name)])
            }
        }
        return values.filter { $0.value != nil }
    }

    /// Values of partition columns as the texts of folders.
    private func partitionTexts(_ values: [PartitionValue], _ table: CatalogTable) throws -> [PartitionText] {
        let fields = try TableColumns.fields(table)
        var texts: [PartitionText] = []
        for value in try fixedExpressions(values, table) {
            guard let expression = value.value, let field = fields.first(where: { Identifier.same($0.name, value.name) }) else { continue }
            let text = Expression.cast(.cast(expression, to: field.type, isTry: false), to: .string, isTry: false)
            let row = try engine.run(.project([.alias(text, name: "value")], .oneRow), operation).rows(upTo: 1).first
            if case .string(let text)? = row?.first, !text.isEmpty {
                texts.append(PartitionText(name: field.name, text: text))
            } else {
                texts.append(PartitionText(name: field.name, text: nil))
            }
        }
        return texts
    }

    /// In the order of the partition columns; throws unless each has a value.
    private func wholePartition(_ values: [PartitionValue], _ table: CatalogTable) throws -> [PartitionText] {
        let texts = try partitionTexts(values, table)
        return try table.partitionColumns.map { name in
            guard let text = texts.first(where: { $0.name == name }) else {
                throw QueryError.unsupported("a partition without a value for \(Identifier.quoted(name))")
            }
            return text
        }
    }

    func partitions(_ table: CatalogTable, _ values: [PartitionValue]) throws -> [[PartitionText]] {
        if table.partitionColumns.isEmpty { throw QueryError(.partitionSchemaIsEmpty, ["name": TableName(table).quoted]) }
        let fixed = try partitionTexts(values, table)
        return try storage.partitions(table.location, columns: table.partitionColumns).filter { TableOutputFolder.contains($0, fixed) }
    }

    private func hasPartition(_ fixed: [PartitionText], _ table: CatalogTable) throws -> Bool {
        try storage.partitions(table.location, columns: table.partitionColumns).contains { TableOutputFolder.contains($0, fixed) }
    }

    func addPartitions(_ table: CatalogTable, _ lists: [[PartitionValue]], unlessExists: Bool) throws {
        if table.partitionColumns.isEmpty { throw QueryError(.partitionSchemaIsEmpty, ["name": TableName(table).quoted]) }
        for values in lists {
            if isCancelled() { throw QueryError(.operationCancelled) }
            let folder = storage.folder(try wholePartition(values, table), in: table.location)
            if try storage.exists(folder), !unlessExists { throw partitionError(.partitionsAlreadyExist, folder, table) }
            try storage.locks.shared(table.location, isCancelled: isCancelled) { try storage.make(folder) }
        }
    }

    func dropPartitions(_ table: CatalogTable, _ lists: [[PartitionValue]], ifExists: Bool) throws {
        for values in lists {
            if isCancelled() { throw QueryError(.operationCancelled) }
            let found = try partitions(table, values)
            if found.isEmpty, !ifExists { throw partitionError(.partitionsNotFound, try wholePartition(values, table), table) }
            try remove(found, of: table)
        }
    }

    private func partitionError(_ error: ErrorClass, _ folder: String, _ table: CatalogTable) -> QueryError {
        QueryError(error, ["partitionList": folder, "tableName": TableName(table).quoted])
    }

    private func partitionError(_ error: ErrorClass, _ partition: [PartitionText], _ table: CatalogTable) -> QueryError {
        partitionError(error, "PARTITION (\(TableOutputFolder.folder(of: partition)))", table)
    }

    private func remove(_ partitions: [[PartitionText]], of table: CatalogTable) throws {
        try storage.locks.exclusive(table.location, isCancelled: isCancelled) {
            try checkStillThere(table)
            for partition in partitions { try storage.remove(storage.folder(partition, in: table.location)) }
        }
    }

    func truncate(_ parts: [String], _ values: [PartitionValue]) throws {
        let table = try table(parts, for: "TRUNCATE TABLE")
        guard table.kind == .managed else { throw QueryError.unsupported("TRUNCATE TABLE of an external table") }
        guard !values.isEmpty else { return try replace(table, .replacing) { _ in } }
        let found = try partitions(table, values)
        if found.isEmpty { throw partitionError(.partitionsNotFound, try partitionTexts(values, table), table) }
        try remove(found, of: table)
    }
}

/// Which types may be stored in columns of which others. Source: Spark SQL guide, "ANSI Compliance", store assignment.
enum StoreAssignment {
    /// Whatever may be null.
    static func isSame(_ left: DataType, _ right: DataType) -> Bool {
        switch (left, right) {
        case (.array(let one, _), .array(let other, _)): isSame(one, other)
        case (.map(let key, let value, _), .map(let otherKey, let otherValue, _)): isSame(key, otherKey) && isSame(value, otherValue)
        case (.structure(let fields), .structure(let others)):
            fields.count == others.count && zip(fields, others).allSatisfy { Identifier.same($0.name, $1.name) && isSame($0.type, $1.type) }
        default: left == right
        }
    }

    static func allows(_ from: DataType, _ to: DataType) -> Bool {
        if isSame(from, to) || from == .null { return true }
        switch (from, to) {
        case (.array(let one, _), .array(let other, _)): return allows(one, other)
        case (.map(let key, let value, _), .map(let otherKey, let otherValue, _)): return allows(key, otherKey) && allows(value, otherValue)
        case (.structure(let fields), .structure(let others)):
            return fields.count == others.count && zip(fields, others).allSatisfy { allows($0.type, $1.type) }
        case (.date, .timestamp), (.timestamp, .date): return true
        case (.binary, .string): return false
        case (_, .string): return from.isAtomic
        default: return from.isNumeric && to.isNumeric
        }
    }
}
